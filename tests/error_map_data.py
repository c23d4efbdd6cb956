"""Small eval data for ErrorMap's front door, and how its files are read back."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

from faultmap_core import ErrorMap
from tests.llm_server import LlmServer

SECRET = "sk-secret-0123456789-do-not-store"
LEFT_OUT = {"alpha": range(0, 18), "beta": range(30, 36)}
COLUMNS = ["example_id", "model", "input_text", "output_text", "score", "correct_answer"]


def answer(model: str, number: int) -> str:
    """A right answer, or one of six kinds of wrong one."""
    right = 7 * number + 3
    if number not in LEFT_OUT[model]:
        return f"It is {right}."
    kinds = (
        "",
        "I'm sorry, but I can't help with that.",
        f"It is {right + 1000}.",
        f"It is {right + 1}.",
        "It is big.",
    )
    return kinds[number % len(kinds)]


def rows(models: tuple[str, ...] = ("alpha", "beta"), n: int = 36) -> list[dict[str, object]]:
    return [
        {
            "example_id": f"{number:03d}",
            "model": model,
            "input_text": f"What is 7 times {number} plus 3? Give the number.",
            "output_text": answer(model, number),
            "score": 0 if number in LEFT_OUT[model] else 1,
            "correct_answer": 7 * number + 3,
            "topic": "products",
        }
        for model in models
        for number in range(n)
    ]


def scored(*scores: object, model: str = "alpha") -> list[dict[str, object]]:
    """One row per score, all with the same wrong answer."""
    return [
        {
            "example_id": f"{number:03d}", "model": model, "input_text": f"Name the colour number {number}.",
            "output_text": f"It is number {number}.", "score": score, "correct_answer": "blue",
        }
        for number, score in enumerate(scores)
    ]  # fmt: skip


def write(folder: Path, name: str, content: list[dict[str, object]]) -> Path:
    folder.mkdir(exist_ok=True)
    with (folder / f"{name}.csv").open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, fieldnames=list(content[0]))
        writer.writeheader()
        writer.writerows(content)
    return folder


def read(path: str) -> list[dict[str, str]]:
    with Path(path).open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def analysed(folder: Path, **arguments: Any) -> dict:
    return ErrorMap(**{"data_path": folder, "exp_id": "x", "ratio": 1.0, **arguments}).analyse().to_dict()


def leaves(node: dict) -> list[dict]:
    """As ErrorMap's viewer counts: a node without children is an error."""
    return [leaf for child in node["children"] for leaf in leaves(child)] if node["children"] else [node]


def nodes(node: dict) -> list[dict]:
    return [node, *(inner for child in node["children"] for inner in nodes(child))]


def tree_of(result: dict) -> dict:
    return json.loads(Path(result["files"]["taxonomy_json"]).read_text(encoding="utf-8"))


def config_for(server: LlmServer, **more: Any) -> dict:
    return {"model": "openai/test", "api_base": server.url, "api_key": SECRET, "num_retries": 0, **more}


def judge_reply(body: dict, number: int) -> dict:
    """Three kinds of errors, and categories for them."""
    properties = body["response_format"]["json_schema"]["schema"]["properties"]
    if "error_title" in properties:
        return {
            "criteria": [
                {"criterion": "The sum", "present": True, "quality": "incorrect", "evidence": "It is", "comment": "No."}
            ],
            "whole_solution_incorrect": False,
            "no_error": False,
            "error_title": f"Kind {sum(map(ord, body['messages'][-1]['content'])) % 3}",
            "error_summary": "=It goes wrong.",
        }
    if "categories" in properties:
        return {"categories": [{"name": f"Kinds {part}", "description": "Errors."} for part in ("one", "two")]}
    return {"choices": [{"record": record, "category": 1 + record % 2} for record in range(1, 51)]}
