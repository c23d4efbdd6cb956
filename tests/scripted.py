"""A language model that judges the tests' two topics as a person would, for `LlmServer.reply`."""

from __future__ import annotations

import json
import re
from typing import Any

from tests.llm_server import schema_of

ARITHMETIC, COOKING, OTHER = "Gives up on an addition", "Gives up on a cooking time", "Gives up on a question of fact"
_CATEGORIES = ("Gives up on arithmetic", "Gives up on facts")


def scripted_judge(body: dict[str, Any], n: int) -> str | dict[str, Any]:
    """Answer by what is asked for: a judgment, names of regions, categories, or a classification."""
    schema = schema_of(body) or {}
    text = "\n".join(str(message["content"]) for message in body["messages"])
    asked = str(body["messages"][-1]["content"])
    properties = schema.get("properties", {})
    if "error_title" in properties:
        return _judgment(asked)
    if "regions" in properties:
        regions = re.search(r"Answer for (R[\dR, ]+)\.", asked)
        ids = regions[1].split(", ") if regions else []
        return {"regions": [_name(region, n) for region in ids]}
    if "categories" in properties:
        return {"categories": [{"name": name, "description": f"{name}."} for name in _CATEGORIES]}
    if "choices" in properties:
        records = re.findall(r"^(\d+)\. (Gives up[^|\n]*)", asked, flags=re.MULTILINE)
        return {
            "choices": [
                {"record": int(number), "category": 1 if ARITHMETIC in title else 2} for number, title in records
            ]
        }
    raise AssertionError(f"nothing is scripted for {json.dumps(schema)[:300]}: {text[:300]}")


def _judgment(asked: str) -> dict[str, Any]:
    title = ARITHMETIC if "plus" in asked else COOKING if "cook" in asked else OTHER
    return {
        "criteria": [
            {
                "criterion": "gives an answer",
                "present": False,
                "quality": "missing",
                "evidence": "I do not know.",
                "comment": "It gives up.",
            }
        ],
        "whole_solution_incorrect": False,
        "no_error": False,
        "error_title": title,
        "error_summary": "The model says that it does not know.",
    }


def _name(region: str, n: int) -> dict[str, Any]:
    return {
        "region": region,
        "name": f"Region {region} of call {n}",
        "description": "What they ask.",
        "root_cause": "The model gives up.",
        "suggested_remediation": "Tell it to try.",
        "cited_example_ids": [f"{region}E1"],
    }


def asked_for(body: dict[str, Any]) -> str:
    """Return what kind of request it was."""
    properties = (schema_of(body) or {}).get("properties", {})
    known = {"error_title": "judgment", "regions": "names", "categories": "categories", "choices": "choices"}
    return next((kind for name, kind in known.items() if name in properties), "text")
