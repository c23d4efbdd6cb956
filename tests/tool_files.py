"""Small files in the layouts of batch APIs and benchmarks, with texts of our own (see each function)."""

from __future__ import annotations

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


@dataclass(frozen=True)
class Seed:
    """One small example of a format: the file to be read, and all files by their places in a folder."""

    entry: str
    files: dict[str, Any]


def write_file(path: Path, content: Any) -> None:
    """Write lists as lines of JSON where the name says so, texts as they are, anything else as JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(content, str):
        text = content
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
}
