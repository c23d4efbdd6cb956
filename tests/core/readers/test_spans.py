"""Traces as production logs: OpenTelemetry GenAI, OpenInference and OpenLLMetry spans; which spans are rows."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from faultmap_core.base.errors import EvalFileError
from faultmap_core.data.log_table import LogOptions
from faultmap_core.readers import read_log_file
from faultmap_core.readers.log_formats import log_layout

START = "2026-11-01T10:00:00Z"
# 2026-11-01T10:00:00Z is 1793527200 seconds after 1970: 20,758 days and 36,000 seconds.
NANOSECONDS = str((20_758 * 86_400 + 36_000) * 10**9)


def write(path: Path, *rows: Any) -> Path:
    path.write_text(
        "".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows), encoding="utf-8"
    )
    return path


def read(path: Path, **options: object) -> tuple[list[dict], list[str]]:
    batches = list(read_log_file(path, LogOptions(**options)))
    accepted = [row for batch in batches for row in batch.rows.to_pylist()]
    return accepted, [f"{row.line}: {row.reason}" for batch in batches for row in batch.rejected]


def messages(*turns: tuple[str, str], **more: object) -> str:
    return json.dumps([{"role": role, "parts": [{"type": "text", "content": text}], **more} for role, text in turns])


def otlp_value(value: object) -> dict:
    if isinstance(value, bool):
        return {"boolValue": value}
    if isinstance(value, int):
        return {"intValue": str(value)}
    if isinstance(value, float):
        return {"doubleValue": value}
    if isinstance(value, list):
        return {"arrayValue": {"values": [otlp_value(one) for one in value]}}
    return {"stringValue": value}


def otlp_span(span_id: str, attributes: dict, parent: str = "", trace: str = "t1", **more: object) -> dict:
    return {
        "traceId": trace, "spanId": span_id, "parentSpanId": parent, "name": f"span {span_id}", "kind": 3,
        "startTimeUnixNano": NANOSECONDS, "endTimeUnixNano": NANOSECONDS,
        "attributes": [{"key": name, "value": otlp_value(value)} for name, value in attributes.items()],
        "status": {}, **more,
    }  # fmt: skip


def otlp(*spans: object, service: str = "shop") -> dict:
    resource = {"attributes": [{"key": "service.name", "value": {"stringValue": service}}]}
    return {"resourceSpans": [{"resource": resource, "scopeSpans": [{"scope": {"name": "x"}, "spans": list(spans)}]}]}


def sdk_span(span_id: str, attributes: dict, parent: str | None = None, **more: object) -> dict:
    """Return what the Python SDK's `ReadableSpan.to_json` writes."""
    return {
        "name": "span", "context": {"trace_id": "0xt1", "span_id": f"0x{span_id}", "trace_state": "[]"},
        "kind": "SpanKind.CLIENT", "parent_id": f"0x{parent}" if parent else None, "start_time": START,
        "end_time": START, "status": {"status_code": "UNSET"}, "attributes": attributes, "events": [], "links": [],
        "resource": {"attributes": {"service.name": "shop"}, "schema_url": ""}, **more,
    }  # fmt: skip


CHAT = {
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "openai",
    "gen_ai.request.model": "gpt-x",
    "gen_ai.response.model": "gpt-x-2026",
    "gen_ai.conversation.id": "c7",
    "user.id": "u9",
    "gen_ai.usage.input_tokens": 12,
    "gen_ai.system_instructions": json.dumps([{"type": "text", "content": "Be kind."}]),
    "gen_ai.input.messages": messages(("user", "Hello"), ("assistant", "Hi."), ("user", "Where is my order?")),
    "gen_ai.output.messages": messages(("assistant", "On its way."), finish_reason="stop"),
}


def test_a_genai_call_in_otlp(tmp_path: Path):
    path = write(tmp_path / "traces.jsonl", otlp(otlp_span("a", CHAT, status={"code": 2, "message": "too slow"})))
    (row,), rejected = read(path)
    assert rejected == []
    assert (row["question_text"], row["output_text"]) == ("Where is my order?", "On its way.")
    assert row["input_text"].startswith("system: Be kind.\n\nuser: Hello")
    assert (row["model"], row["session_id"], row["user_id"]) == ("gpt-x-2026", "c7", "u9")
    assert (row["day"], row["timestamp"].hour, row["example_id"]) == ("2026-11-01", 10, "t1:a")
    metadata = json.loads(row["metadata"])
    assert metadata["error"] is True
    assert metadata["status_message"] == "too slow"
    assert metadata["gen_ai.usage.input_tokens"] == 12
    assert metadata["service.name"] == "shop"
    assert not [name for name in metadata if name.startswith("gen_ai.") and ("messages" in name or "instr" in name)]


def test_the_same_call_from_the_sdk_and_from_a_table_of_phoenix(tmp_path: Path):
    phoenix = {
        "context.trace_id": "t1", "context.span_id": "a", "parent_id": None, "name": "ChatCompletion",
        "span_kind": "LLM", "start_time": START, "status_code": "OK",
        "attributes.openinference.span.kind": "LLM", "attributes.llm.model_name": "gpt-x-2026",
        "attributes.session": {"id": "c7"}, "attributes.user.id": "u9",
        "attributes.llm.input_messages": [
            {"message": {"role": "user", "content": "Hello"}},
            {"message": {"role": "user", "contents": [
                {"message_content": {"type": "text", "text": "Where is my order?"}}]}},
        ],
        "attributes.llm.output_messages": [{"message": {"role": "assistant", "content": "On its way."}}],
    }  # fmt: skip
    told = ("question_text", "output_text", "model", "session_id", "user_id", "day", "example_id")
    expected = ("Where is my order?", "On its way.", "gpt-x-2026", "c7", "u9", "2026-11-01", "t1:a")
    for name, span in (("sdk", sdk_span("a", CHAT)), ("phoenix", phoenix)):
        (row,), _ = read(write(tmp_path / f"{name}.jsonl", span))
        assert tuple(row[field] for field in told) == expected, name
        assert json.loads(row["metadata"])["error"] is False


FLAT = {
    "openinference.span.kind": "LLM",
    "llm.model_name": "m",
    "session.id": "s1",
    "llm.input_messages.0.message.role": "system",
    "llm.input_messages.0.message.content": "Be kind.",
    "llm.input_messages.10.message.role": "user",
    "llm.input_messages.10.message.content": "The tenth?",
    "llm.input_messages.2.message.role": "user",
    "llm.input_messages.2.message.content": "The second?",
    "llm.output_messages.0.message.role": "assistant",
    "llm.output_messages.0.message.content": "Yes.",
    "input.value": "{}",
}


def test_flattened_messages_come_in_the_order_of_their_numbers(tmp_path: Path):
    (row,), _ = read(write(tmp_path / "spans.jsonl", sdk_span("a", FLAT)))
    assert row["input_text"].splitlines()[::2] == ["system: Be kind.", "user: The second?", "user: The tenth?"]
    assert row["question_text"] == "The tenth?"


def event(name: str, **attributes: object) -> dict:
    return {"name": name, "timestamp": START, "attributes": attributes}


@pytest.mark.parametrize(
    ("attributes", "events"),
    [
        (
            {"gen_ai.system": "openai"},
            [
                event("gen_ai.system.message", content="Be kind."),
                event("gen_ai.user.message", content="Why?"),
                event("gen_ai.choice", index=0, message=json.dumps({"role": "assistant", "content": "So."})),
            ],
        ),
        (
            {"gen_ai.operation.name": "chat"},
            [
                event(
                    "gen_ai.client.inference.operation.details",
                    **{
                        "gen_ai.input.messages": messages(("user", "Why?")),
                        "gen_ai.output.messages": messages(("assistant", "So.")),
                    },
                )
            ],
        ),
        (
            {"gen_ai.request.model": "m"},
            [
                event("gen_ai.content.prompt", **{"gen_ai.prompt": json.dumps([{"role": "user", "content": "Why?"}])}),
                event(
                    "gen_ai.content.completion", **{"gen_ai.completion": json.dumps({"role": "a", "content": "So."})}
                ),
            ],
        ),
        (
            {
                "gen_ai.system": "x",
                "gen_ai.prompt.0.role": "user",
                "gen_ai.prompt.0.content": "Why?",
                "gen_ai.completion.0.role": "assistant",
                "gen_ai.completion.0.content": "So.",
            },
            [],
        ),
        ({"openinference.span.kind": "CHAIN", "input.value": "Why?", "output.value": "So."}, []),
        (
            {
                "openinference.span.kind": "AGENT",
                "input.value": json.dumps({"question": "Why?", "top_k": 3}),
                "output.value": json.dumps({"answer": "So."}),
            },
            [],
        ),
        (
            {
                "traceloop.span.kind": "workflow",
                "traceloop.entity.input": json.dumps({"inputs": {"messages": [{"type": "human", "content": "Why?"}]}}),
                "traceloop.entity.output": json.dumps({"outputs": "So."}),
            },
            [],
        ),
    ],
    ids=["events", "details", "old-content", "openllmetry", "chain", "agent", "traceloop"],
)
def test_prompts_and_answers_of_all_conventions(tmp_path: Path, attributes: dict, events: list):
    (row,), rejected = read(write(tmp_path / "spans.jsonl", sdk_span("a", attributes, events=events)))
    assert rejected == []
    assert (row["question_text"] or row["input_text"], row["output_text"]) == ("Why?", "So.")


def test_only_the_outermost_call_agent_or_chain_is_a_row(tmp_path: Path):
    kinds = {
        "root": ("CHAIN", None), "agent": ("AGENT", "root"), "llm": ("LLM", "agent"), "tool": ("TOOL", "agent"),
        "search": ("RETRIEVER", "root"), "judge": ("EVALUATOR", "root"), "lonely-tool": ("TOOL", None),
    }  # fmt: skip
    spans = [
        sdk_span(
            name,
            {"openinference.span.kind": kind, "input.value": name, "output.value": "…"}
            | ({"llm.model_name": "m1"} if kind == "LLM" else {})
            | ({"session.id": "s1", "user.id": "u1"} if name == "search" else {}),
            parent,
        )
        for name, (kind, parent) in kinds.items()
    ]
    # Children are exported before their parents.
    (row,), rejected = read(write(tmp_path / "spans.jsonl", *reversed(spans)))
    assert rejected == []
    # The chain itself names no model and no session: its trace does.
    assert (row["input_text"], row["model"], row["session_id"], row["user_id"]) == ("root", "m1", "s1", "u1")


def test_calls_below_a_span_without_a_prompt_are_rows_of_their_own(tmp_path: Path):
    server = otlp_span("http", {"http.request.method": "POST"})
    calls = [otlp_span(name, {**CHAT, "gen_ai.response.model": name}, parent="http") for name in ("a", "b")]
    rows, _ = read(write(tmp_path / "spans.jsonl", otlp(server, *calls)))
    assert [(row["example_id"], row["model"]) for row in rows] == [("t1:a", "a"), ("t1:b", "b")]


def test_bad_spans_are_quarantined_with_line_and_reason(tmp_path: Path):
    silent = {name: value for name, value in CHAT.items() if "messages" not in name and "instructions" not in name}
    path = write(
        tmp_path / "spans.jsonl",
        otlp(otlp_span("a", CHAT)),
        "{not json",
        otlp("no object", otlp_span("b", silent, trace="t2"), {"name": "without ids", "attributes": []}),
        {"hello": "world"},
        otlp(otlp_span("c", CHAT, trace="t3", startTimeUnixNano="soon")),
        otlp(otlp_span("d", {**CHAT, "gen_ai.usage.input_tokens": 3}, trace="t4")),
    )
    rows, rejected = read(path)
    assert [row["example_id"] for row in rows] == ["t1:a", "t4:d"]
    assert len(rejected) == 6
    assert rejected[0].startswith("2: no JSON")
    assert rejected[1] == "3: line 3: a span is a JSON str, expected an object"
    assert rejected[2].startswith("4: span b: a model call without its prompt")
    assert "CAPTURE_MESSAGE_CONTENT" in rejected[2]
    assert rejected[3] == "5: line 3: a span without trace_id or span_id"
    assert rejected[4].endswith("no span: expected resourceSpans, or a span with its ids and attributes")
    assert "timestamp 'soon' is neither" in rejected[5]
    lines = [int(one.partition(":")[0]) for one in rejected] + [row["line"] for row in rows]
    assert len(set(lines)) == len(lines)


def test_a_span_that_is_delivered_twice_is_one_row(tmp_path: Path):
    line = otlp(otlp_span("a", CHAT), otlp_span("b", CHAT, trace="t2"))
    batches = list(read_log_file(write(tmp_path / "spans.jsonl", line, line), LogOptions()))
    rows = [row for batch in batches for row in batch.rows.to_pylist()]
    repeated = set(batches[-1].conflicts.repeated)
    assert [row["example_id"] for row in rows if row["line"] not in repeated] == ["t1:a", "t2:b"]


def test_parents_in_a_circle_end(tmp_path: Path):
    spans = [sdk_span("a", {**FLAT}, "b"), sdk_span("b", {**FLAT}, "a")]
    with pytest.raises(EvalFileError, match="none of its spans is a call"):
        read(write(tmp_path / "spans.jsonl", *spans))


@pytest.mark.parametrize("kind", ["TOOL", "EMBEDDING", None])
def test_a_file_without_requests_says_so(tmp_path: Path, kind: str | None):
    attributes = {"openinference.span.kind": kind, "input.value": "x"} if kind else {"http.method": "GET"}
    with pytest.raises(EvalFileError, match="none of its spans is a call of a model, an agent or a chain"):
        read(write(tmp_path / "spans.jsonl", sdk_span("a", attributes)))


def test_other_signals_in_the_same_file_are_left_alone(tmp_path: Path):
    rows, rejected = read(
        write(tmp_path / "all.jsonl", {"resourceLogs": []}, {"resourceMetrics": [{}]}, otlp(otlp_span("a", CHAT)))
    )
    assert (len(rows), rejected) == (1, [])


def test_one_document_and_gzip_are_read_too(tmp_path: Path):
    document = json.dumps(otlp(otlp_span("a", CHAT), otlp_span("b", CHAT, trace="t2")), indent=2)
    (tmp_path / "traces.json.gz").write_bytes(gzip.compress(document.encode()))
    rows, _ = read(tmp_path / "traces.json.gz")
    assert [row["example_id"] for row in rows] == ["t1:a", "t2:b"]
    (tmp_path / "cut.json").write_text(document[:-20])
    with pytest.raises(EvalFileError, match=r"cut\.json"):
        read(tmp_path / "cut.json")


def test_attributes_may_be_mapped_and_feedback_stays_metadata(tmp_path: Path):
    path = write(tmp_path / "s.jsonl", sdk_span("a", {**CHAT, "tenant": "t-3", "feedback": "down"}))
    (row,), _ = read(path, column_map={"user_id": "tenant"})
    assert (row["user_id"], json.loads(row["metadata"])["feedback"]) == ("t-3", "down")


def test_tool_calls_pictures_and_broken_messages_are_shown_as_text(tmp_path: Path):
    parts = [
        {"role": "user", "parts": [{"type": "text", "content": "Look:"}, {"type": "blob", "modality": "image"}]},
        {"role": "assistant", "parts": [{"type": "tool_call", "name": "find", "arguments": {"q": "x"}}]},
        {"role": "tool", "parts": [{"type": "tool_call_response", "response": "found"}]},
    ]
    (row,), _ = read(write(tmp_path / "s.jsonl", sdk_span("a", {**CHAT, "gen_ai.input.messages": json.dumps(parts)})))
    assert row["question_text"] == "Look:\n[blob]"
    assert 'assistant: [calls find({"q": "x"})]\n\ntool: found' in row["input_text"]
    (row,), _ = read(write(tmp_path / "t.jsonl", sdk_span("a", {**CHAT, "gen_ai.input.messages": "[{broken"})))
    assert row["input_text"] == "[{broken"


@pytest.mark.parametrize(
    ("row", "layout"),
    [
        ({"id": "1", "timestamp": START, "prompt": "x"}, "rows"),
        ({"id": "1", "timestamp": START, "prompt": "x", "trace_id": "t", "span_id": "s", "attributes": {}}, "rows"),
        ({"when": START, "q": "x"}, "rows"),
        (sdk_span("a", {}), "spans"),
        (otlp(), "spans"),
        ({"id": "1", "timestamp": START, "input": "x", "output": "y", "projectId": "p"}, "langfuse"),
        ({"id": "1", "timestamp": START, "input": "x", "output": "y", "session_id": "p"}, "rows"),
        ({"id": "1", "traceId": "t", "type": "GENERATION", "input": "x"}, "langfuse"),
    ],
)
def test_the_layout_is_told_by_the_content(tmp_path: Path, row: dict, layout: str):
    path = write(tmp_path / "log.jsonl", row)
    assert log_layout(path, LogOptions()) == layout
    assert log_layout(path, LogOptions(format="langfuse")) == "langfuse"


def frame() -> pd.DataFrame:
    """Return spans as Phoenix's `get_spans_dataframe` does: the ids are the index, messages and sessions nested."""
    rows = [
        {
            "context.span_id": f"s{number}",
            "context.trace_id": f"t{number}",
            "parent_id": None,
            "name": "llm",
            "span_kind": "LLM",
            "start_time": START,
            "status_code": "OK",
            "attributes.openinference.span.kind": "LLM",
            "attributes.llm.model_name": "gpt-x",
            "attributes.session": {"id": f"c{number}"},
            "attributes.llm.input_messages": [
                {"message.role": "system", "message.content": "Be kind."},
                {"message.role": "user", "message.content": f"What's my balance, {number}?"},
            ],
            "attributes.llm.output_messages": [{"message.role": "assistant", "message.content": "It's 5."}],
            "attributes.llm.temperature": None if number else 0.5,
        }
        for number in range(2)
    ]
    return pd.DataFrame(rows).set_index("context.span_id")


@pytest.mark.parametrize(
    "name",
    [
        "f.csv",
        "f.tsv",
        "f.parquet",
        "columns.json",
        "index.json",
        "split.json",
        "table.json",
        "list.json",
        "lines.jsonl",
    ],
)
def test_a_frame_of_spans_reads_the_same_however_it_is_saved(tmp_path: Path, name: str):
    path, spans = tmp_path / name, frame()
    if path.suffix in (".csv", ".tsv"):
        spans.to_csv(path, sep="," if path.suffix == ".csv" else "\t")
    elif path.suffix == ".parquet":
        spans.to_parquet(path)
    elif name == "list.json":
        path.write_text(
            json.dumps(spans.reset_index().astype(object).where(spans.reset_index().notna(), None).to_dict("list"))
        )
    elif path.stem in ("columns", "index"):
        spans.to_json(path, orient=path.stem)
    else:
        flat = spans.reset_index()
        flat.to_json(path, orient={"lines": "records"}.get(path.stem, path.stem), lines=path.stem == "lines")
    rows, rejected = read(path)
    assert rejected == []
    assert [
        (row["example_id"], row["question_text"], row["output_text"], row["session_id"], row["model"]) for row in rows
    ] == [
        (f"t{number}:s{number}", f"What's my balance, {number}?", "It's 5.", f"c{number}", "gpt-x") for number in (0, 1)
    ]


@pytest.mark.parametrize(
    ("asked", "answered"),
    [
        ("gcp.vertex.agent.llm_request", "gcp.vertex.agent.llm_response"),
        ("ai.prompt.messages", "ai.response.text"),
        ("all_messages_events", "final_result"),
        ("mlflow.spanInputs", "mlflow.spanOutputs"),
        ("langfuse.observation.input", "langfuse.observation.output"),
    ],
)
def test_prompts_of_other_tracers(tmp_path: Path, asked: str, answered: str):
    attributes = {
        "gen_ai.system": "x",
        asked: json.dumps({"contents": [{"role": "user", "parts": [{"text": "Why?"}]}], "config": {"top_k": 1}}),
        answered: json.dumps({"content": {"role": "model", "parts": [{"text": "So."}]}}),
    }
    (row,), rejected = read(write(tmp_path / "spans.jsonl", sdk_span("a", attributes)))
    assert (row["question_text"], row["output_text"], rejected) == ("Why?", "So.", [])
    assert asked not in json.loads(row["metadata"])
