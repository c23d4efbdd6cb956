"""Small files in the layouts of batch APIs and benchmarks, with texts of our own (see each function)."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any


def write_json(path: Path, content: Any) -> Path:
    """A JSON document."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content), encoding="utf-8", errors="surrogatepass")
    return path


def batch_request(number: int, **changes: Any) -> dict[str, Any]:
    """A line of a request file of OpenAI's batch API."""
    body = {
        "model": "gpt-4o-mini",
        "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": f"{number} + 1?"}],
        "metadata": {"answer": str(number + 1), "topic": "sums"},
        **changes,
    }
    return {"custom_id": f"request-{number}", "method": "POST", "url": "/v1/chat/completions", "body": body}


def batch_answer(number: int, text: str, **changes: Any) -> dict[str, Any]:
    """A line of an output file, as OpenAI, Azure and Groq write it."""
    choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
    body = {"id": "c", "object": "chat.completion", "model": "gpt-4o-mini-2024-07-18", "choices": [choice], "usage": {}}
    return {
        "id": f"batch_req_{number}",
        "custom_id": f"request-{number}",
        "response": {"status_code": 200, "request_id": "r", "body": body},
        "error": None,
        **changes,
    }


def batch_failures() -> list[dict[str, Any]]:
    """Lines of an error file: the service refused, and the batch expired."""
    refused = {"error": {"message": "Rate limit reached", "type": "requests", "code": "rate_limit_exceeded"}}
    return [
        batch_answer(3, "", response={"status_code": 429, "request_id": "r", "body": refused}),
        batch_answer(4, "", response=None, error={"code": "batch_expired", "message": "Not executed in time."}),
    ]


def swe_bench_report(**changes: Any) -> dict[str, Any]:
    """A report of the harness, schema 2: five submitted instances of six."""
    lists = {
        "resolved_ids": ["a__b-1", "a__b-2"],
        "unresolved_ids": ["c__d-3"],
        "empty_patch_ids": ["c__d-4"],
        "error_ids": ["c__d-5"],
        "incomplete_ids": ["c__d-6"],
        "completed_ids": ["a__b-1", "a__b-2", "c__d-3"],
        "submitted_ids": ["a__b-1", "a__b-2", "c__d-3", "c__d-4", "c__d-5"],
    }
    counts = {
        "total_instances": 6,
        **{f"{name.removesuffix('_ids')}_instances": len(ids) for name, ids in lists.items()},
    }
    return {**counts, **lists, "schema_version": 2, **changes}


def swe_bench_predictions(model: str = "org/model-1.5") -> list[dict[str, Any]]:
    """Predictions of a run, as agents write them."""
    return [
        {"instance_id": one, "model_name_or_path": model, "model_patch": f"diff --git {one}"}
        for one in ("a__b-1", "a__b-2", "c__d-3", "c__d-5")
    ]


def azure_row(number: int, relevance: float | None, result: str | None, **changes: Any) -> dict[str, Any]:
    """A row of azure-ai-evaluation 1.5: a target's answer, two evaluators, one of them of a harm."""
    return {
        "inputs.id": f"q{number}",
        "inputs.query": f"Where is door {number}?",
        "inputs.ground_truth": "left",
        "inputs.topic": "doors",
        "outputs.response": "right",
        "outputs.relevance.relevance": relevance,
        "outputs.relevance.gpt_relevance": relevance,
        "outputs.relevance.relevance_reason": "It is on the other side.",
        "outputs.relevance.relevance_result": result,
        "outputs.relevance.relevance_threshold": 3,
        "outputs.content_safety.violence": "Very low",
        "outputs.content_safety.violence_score": 0,
        "outputs.content_safety.violence_result": "pass",
        "outputs.content_safety.violence_threshold": 3,
        **changes,
    }


def azure_document() -> dict[str, Any]:
    """What `evaluate` writes: four rows, of which relevance passes two and could not judge one."""
    return {
        "rows": [azure_row(1, 5.0, "pass"), azure_row(2, 3.0, "pass"), azure_row(3, 1.0, "fail"),
                 azure_row(4, None, None)],
        "metrics": {"relevance.relevance": 3.0, "relevance.gpt_relevance": 3.0, "relevance.relevance_threshold": 3.0,
                    "relevance.binary_aggregate": 0.5, "content_safety.violence_defect_rate": 0.0},
        "studio_url": None,
    }  # fmt: skip


def promptfoo_csv() -> list[list[str]]:
    """An export of promptfoo 0.119: two providers with one prompt, three tests; one provider failed once."""
    about = ["Status", "Score", "Named Scores", "Metric: tone", "Grader Reason", "Comment"]
    header = ["Description", "n", "__expected"]
    for provider in ("openai:gpt-4o", "local:tiny"):
        header += [f"[{provider}] Name number {{{{n}}}}", *about]
    lines = [
        ["first", "1", "one", "one", "PASS", "1.00", '{"tone":0.5}', "0.50", "All assertions passed", "",
         "uno", "FAIL", "0.75", '{"tone":1}', "1.00", "Expected one", "close"],
        ["", "2", "two", "two, or so", "PASS", "0.50", "", "", "Good", "", "two", "PASS", "1.00", "", "", "Good", ""],
        ["", "3", "three", "", "ERROR", "0.00", "", "", "429, try later", "", "four", "FAIL", "0.00", "", "", "No", ""],
    ]  # fmt: skip
    return [header, *lines]


@dataclass(frozen=True)
class Seed:
    """One small example of a format: the file to be read, and all files by their places in a folder."""

    entry: str
    files: dict[str, Any]


def write_file(path: Path, content: Any) -> None:
    """Write lists as lines of JSON or CSV where the name says so, texts as they are, anything else as JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(content, str):
        text = content
    elif path.suffix == ".csv" and isinstance(content, list):
        buffer = io.StringIO()
        csv.writer(buffer, lineterminator="\n").writerows(
            line if isinstance(line, list) else [line] for line in content
        )
        text = buffer.getvalue()
    elif path.name.endswith(".jsonl") and isinstance(content, list):
        text = "".join(json.dumps(one) + "\n" for one in content)
    else:
        text = json.dumps(content)
    path.write_text(text, encoding="utf-8", errors="surrogatepass")


SEEDS = {
    "openai-batch": Seed(
        "sums_output.jsonl",
        {
            "sums_output.jsonl": [batch_answer(1, "2"), *batch_failures()],
            "sums_input.jsonl": [batch_request(number) for number in (1, 3, 4)],
        },
    ),
    "swe-bench": Seed(
        "org__model-1.5.run1.json",
        {
            "org__model-1.5.run1.json": swe_bench_report(),
            "all_preds.jsonl": swe_bench_predictions(),
            "problems.jsonl": [{"instance_id": "a__b-1", "problem_statement": "Sums are wrong"}],
        },
    ),
    "azure": Seed("evaluation_results.json", {"evaluation_results.json": azure_document()}),
    "promptfoo-csv": Seed("results.csv", {"results.csv": promptfoo_csv()}),
}
