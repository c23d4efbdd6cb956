"""Prompts and answers in what clients wrap around them: the same question in every wrapping, wherever it stands."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from faultmap_core.data.eval_table import EvalOptions, EvalTableBuilder
from faultmap_core.data.log_table import LogOptions
from faultmap_core.data.unwrapping import unwrap_answer, unwrap_prompt
from faultmap_core.readers import read_eval_file, read_log_file

QUESTION = "How do I reset my password?"
ANSWER = "Click reset."

SYSTEM = {"lc": 1, "type": "constructor", "id": ["langchain", "schema", "messages", "SystemMessage"],
          "kwargs": {"content": "Be kind."}}  # fmt: skip
HUMAN = {"lc": 1, "type": "constructor", "id": ["langchain", "schema", "messages", "HumanMessage"],
         "kwargs": {"content": QUESTION, "additional_kwargs": {}}}  # fmt: skip

WRAPPED: dict[str, Any] = {
    "langfuse args": {"args": [QUESTION], "kwargs": {}},
    "langfuse args after an id": {"args": ["u-17", QUESTION], "kwargs": {"session_id": "s-1"}},
    "langfuse args and a setting": {"args": [QUESTION], "kwargs": {"style": "poetic"}},
    "langfuse method": {"args": ["<__main__.Bot object at 0x7f3a12>", QUESTION], "kwargs": {}},
    "langfuse kwargs": {"args": [], "kwargs": {"question": QUESTION, "user_id": "u-17", "top_k": 4}},
    "langfuse chat": {"args": [[{"role": "user", "content": QUESTION}]], "kwargs": {"model": "m"}},
    "gemini": {"contents": [{"role": "user", "parts": [{"text": QUESTION}]}], "generationConfig": {"topK": 1}},
    "gemini without a role": {"contents": [{"parts": [{"text": QUESTION}]}]},
    "adk": {"model": "m", "config": {"system_instruction": "Be kind.", "tools": []},
            "contents": [{"parts": [{"text": "Hello"}], "role": "user"}, {"parts": [{"text": "Hi!"}], "role": "model"},
                         {"parts": [{"text": QUESTION}], "role": "user"}]},
    "adk run": {"app_name": "a", "user_id": "u", "session_id": "s",
                "new_message": {"parts": [{"text": QUESTION}], "role": "user"}},
    "langchain": {"messages": [[SYSTEM, HUMAN]]},
    "langchain dict": {"messages": [{"type": "human", "data": {"content": QUESTION, "type": "human"}}]},
    "langgraph pair": {"messages": [["human", QUESTION]]},
    "langgraph state": {"messages": [{"content": QUESTION, "additional_kwargs": {}, "type": "human", "id": "x"}],
                        "remaining_steps": 24},
    "langchain printed": f"[HumanMessage(content='{QUESTION}', additional_kwargs={{}}, response_metadata={{}})]",
    "langchain printed alone": f"content='{QUESTION}' additional_kwargs={{}} response_metadata={{}} id='9'",
    "langchain printed in a dict": f"{{'messages': [HumanMessage(content='{QUESTION}')], 'thread_id': 3}}",
    "langchain prompt value": f"ChatPromptValue(messages=[SystemMessage(content='Be kind.'), "
                              f"HumanMessage(content='{QUESTION}')])",
    "python dict": f"{{'question': '{QUESTION}', 'session_id': None}}",
    "pydantic ai": [{"kind": "request", "instructions": None, "parts": [
        {"content": "Be kind.", "part_kind": "system-prompt"},
        {"content": QUESTION, "timestamp": "2026-11-01T10:00:00Z", "part_kind": "user-prompt"}]}],
    "pydantic ai with its tools": [
        {"kind": "request", "parts": [{"content": QUESTION, "part_kind": "user-prompt"}]},
        {"kind": "response", "parts": [{"tool_name": "find", "args": "{}", "part_kind": "tool-call"}]},
        {"kind": "request", "parts": [{"tool_name": "find", "content": "42", "part_kind": "tool-return"}]}],
    "pydantic ai printed": f"[ModelRequest(parts=[UserPromptPart(content='{QUESTION}', "
                           "timestamp=datetime.datetime(2026, 11, 1, tzinfo=datetime.timezone.utc))])]",
    "llamaindex query": {"query_str": QUESTION, "custom_embedding_strs": None, "embedding": None},
    "llamaindex printed": f"QueryBundle(query_str='{QUESTION}', image_path=None, embedding=None)",
    "llamaindex chat": {"message": QUESTION, "chat_history": None},
    "llamaindex blocks": {"messages": [{"role": "user", "additional_kwargs": {},
                                        "blocks": [{"block_type": "text", "text": QUESTION}]}]},
    "n8n": {"sessionId": "abc", "action": "sendMessage", "chatInput": QUESTION},
    "n8n item": [{"json": {"sessionId": "abc", "action": "sendMessage", "chatInput": QUESTION}}],
    "bedrock titan": {"inputText": QUESTION, "textGenerationConfig": {"maxTokenCount": 512}},
    "bedrock agent": {"inputText": QUESTION, "agentId": "A1B2", "sessionId": "1234"},
    "bedrock converse": {"modelId": "m", "system": [{"text": "Be kind."}],
                         "messages": [{"role": "user", "content": [{"text": QUESTION}]}]},
    "history of pairs": {"question": QUESTION, "chat_history": [["Hello", "Hi!"]]},
    "history of messages": {"input": QUESTION, "chat_history": [{"type": "human", "content": "Hello"},
                                                                {"type": "ai", "content": "Hi!"}]},
    "cohere": {"message": QUESTION, "chat_history": [{"role": "USER", "message": "Hello"}]},
    "anthropic": {"model": "m", "max_tokens": 9, "system": "Be kind.",
                  "messages": [{"role": "user", "content": [{"type": "text", "text": QUESTION}]}]},
    "anthropic with its tools": {"messages": [
        {"role": "user", "content": QUESTION},
        {"role": "assistant", "content": [{"type": "tool_use", "id": "t", "name": "find", "input": {"q": 1}}]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t", "content": "42"}]}]},
    "openai": {"model": "m", "temperature": 0.2, "messages": [{"role": "system", "content": "Be kind."},
                                                             {"role": "user", "content": QUESTION}]},
    "openai responses": {"model": "m", "instructions": "Be kind.", "input": QUESTION},
    "openai response items": {"model": "m", "input": [
        {"type": "message", "role": "user", "content": [{"type": "input_text", "text": QUESTION}]},
        {"type": "reasoning", "summary": []}]},
    "system and user": {"system": "Be kind.", "user": QUESTION},
    "openllmetry": {"inputs": {"messages": [HUMAN]}, "tags": [], "metadata": {}, "kwargs": {"name": "LangGraph"}},
    "rag": {"question": QUESTION, "context": "Passwords are reset on the settings page."},
    "web": {"headers": {"host": "x"}, "body": {"query": QUESTION, "user": "u-17"}},
    "text": {"text": QUESTION},
    "phoenix": [{"message.role": "user", "message.content": QUESTION}],
    "sharegpt": {"conversations": [{"from": "human", "value": QUESTION}]},
    "autogen": [{"source": "user", "models_usage": None, "content": QUESTION, "type": "TextMessage"}],
    "list of one": [QUESTION],
}  # fmt: skip


def as_text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def read(path: Path) -> list[dict]:
    return [row for batch in read_log_file(path, LogOptions()) for row in batch.rows.to_pylist()]


def question_of(row: dict) -> str:
    return row["question_text"] or row["input_text"]


@pytest.mark.parametrize("name", WRAPPED)
def test_the_question_is_the_same_in_every_wrapping_and_place(name: str):
    wrapped = WRAPPED[name]
    places = {
        "object": wrapped,
        "text": as_text(wrapped),
        "input": {"input": wrapped},
        "input as text": {"input": as_text(wrapped), "session_id": "s-9", "temperature": 0.1},
        "input.value": {"input.value": as_text(wrapped)},
    }
    for place, value in places.items():
        prompt = unwrap_prompt(value)
        assert prompt is not None, place
        assert (prompt.question or prompt.text) == QUESTION, place


@pytest.mark.parametrize("name", WRAPPED)
def test_every_wrapping_in_rows_cells_spans_and_evals(tmp_path: Path, name: str):
    wrapped = WRAPPED[name]
    time = "2026-11-01T10:00:00Z"
    (tmp_path / "log.jsonl").write_text(json.dumps({"timestamp": time, "prompt": wrapped}))
    with (tmp_path / "log.csv").open("w", newline="") as stream:
        csv.writer(stream).writerows([["timestamp", "prompt"], [time, as_text(wrapped)]])
    span = {
        "context": {"trace_id": "t", "span_id": "s"}, "start_time": time,
        "attributes": {"openinference.span.kind": "CHAIN", "input.value": as_text(wrapped)},
    }  # fmt: skip
    (tmp_path / "spans.jsonl").write_text(json.dumps(span))
    trace = {"id": "t", "timestamp": time, "projectId": "p", "input": wrapped}
    (tmp_path / "langfuse.jsonl").write_text(json.dumps(trace))
    for file in ("log.jsonl", "log.csv", "spans.jsonl", "langfuse.jsonl"):
        assert [question_of(row) for row in read(tmp_path / file)] == [QUESTION], file
    (tmp_path / "evals.jsonl").write_text(json.dumps({"example_id": "1", "model": "m", "input_text": wrapped}))
    rows = [row for batch in read_eval_file(tmp_path / "evals.jsonl", EvalOptions()) for row in batch.rows.to_pylist()]
    assert [question_of(row) for row in rows] == [QUESTION]


@pytest.mark.parametrize(
    "value",
    [
        # Arguments and wrappers whose names say nothing, with something beside them.
        {"args": [], "kwargs": {"sentence": QUESTION, "session_id": "s-17"}},
        {"body": {"question": QUESTION}, "executionMode": "production"},
    ],
)
def test_the_question_is_found_below_names_that_say_nothing(value: Any):
    prompt = unwrap_prompt(value)
    assert prompt is not None
    assert (prompt.question or prompt.text) == QUESTION


def test_earlier_turns_and_documents_stay_in_the_text():
    prompt = unwrap_prompt(WRAPPED["history of pairs"])
    assert prompt is not None
    assert prompt.text == f"user: Hello\n\nassistant: Hi!\n\nuser: {QUESTION}"
    prompt = unwrap_prompt(WRAPPED["rag"])
    assert prompt is not None
    assert prompt.text == f"{QUESTION}\n\ncontext: Passwords are reset on the settings page."


@pytest.mark.parametrize(
    "value",
    [
        {"session_id": "s-1", "user_id": 5},
        {"args": [], "kwargs": {}},
        {"args": ["u-17"], "kwargs": {"top_k": 3}},
        {"messages": []},
        {"input": {"sessionId": "0f8fad5b-d9cb-469f-a165-70867728950e"}, "temperature": 0.5},
        [{"role": "user", "content": ""}],
        {},
    ],
)
def test_ids_session_numbers_and_settings_are_no_prompt(value: Any):
    assert unwrap_prompt(value) is None


@pytest.mark.parametrize(
    "value",
    [
        '{"title": "My text", "body_text": "What it says"}',
        '{"name": "x", "age": 3}',
        "{'a': [1, 2]}",
        "[1, 2, 3]",
        '["word"]',
        "[x for x in y if f(x)]",
        "{broken",
        "{{name}} asks {{question}}",
        "Message(.a.a)",
        "HumanMessage(content=open('x').read())",
        '{"args": ["first of two texts", "second of two texts"], "kwargs": {}}',
        "[" * 50_000,
        "['a'" + "+'b'" * 20_000 + "]",
        "HumanMessage(content=" + "-" * 20_000 + "1)",
        "(" * 5_000,
    ],
    ids=lambda value: value[:30],
)
def test_where_it_is_not_clear_the_whole_stays_as_text(value: str):
    prompt = unwrap_prompt(value)
    assert prompt is not None
    assert (prompt.text, prompt.question) == (value, None)


ANSWERED: dict[str, Any] = {
    "openai": {"id": "c", "object": "chat.completion", "created": 1, "model": "m", "usage": {"total_tokens": 3},
               "choices": [{"index": 0, "message": {"role": "assistant", "content": ANSWER}, "finish_reason": "stop"}]},
    "openai completion": {"choices": [{"text": ANSWER, "index": 0}]},
    "openai response": {"id": "r", "output": [{"type": "reasoning", "summary": []}, {
        "type": "message", "role": "assistant", "content": [{"type": "output_text", "text": ANSWER}]}]},
    "anthropic": {"id": "m", "type": "message", "role": "assistant", "content": [{"type": "text", "text": ANSWER}]},
    "gemini": {"candidates": [{"content": {"parts": [{"text": ANSWER}], "role": "model"}, "finishReason": "STOP"}]},
    "adk": {"content": {"parts": [{"text": ANSWER}], "role": "model"}, "finish_reason": "STOP"},
    "langchain generations": {"generations": [[{"text": ANSWER, "generation_info": None}]], "llm_output": None},
    "langchain message": {"lc": 1, "type": "constructor", "id": ["langchain", "schema", "messages", "AIMessage"],
                          "kwargs": {"content": ANSWER}},
    "langchain printed": f"content='{ANSWER}' additional_kwargs={{}} response_metadata={{}}",
    "langgraph": {"messages": [{"type": "human", "content": "?"}, {"type": "ai", "content": ANSWER}]},
    "chain": {"question": "?", "chat_history": [], "answer": ANSWER, "source_documents": [{"page_content": "x"}]},
    "pydantic ai": [{"parts": [{"content": ANSWER, "part_kind": "text"}], "kind": "response"}],
    "bedrock titan": {"inputTextTokenCount": 3, "results": [{"tokenCount": 3, "outputText": ANSWER}]},
    "bedrock converse": {"output": {"message": {"role": "assistant", "content": [{"text": ANSWER}]}},
                         "stopReason": "end_turn"},
    "ollama": {"model": "m", "message": {"role": "assistant", "content": ANSWER}, "done": True},
    "llamaindex": {"response": ANSWER, "source_nodes": [{"node": "x"}], "metadata": {}},
    "hugging face": [{"generated_text": ANSWER}],
    "n8n": [{"json": {"output": ANSWER}}],
    "blocks": [{"type": "text", "text": ANSWER}],
    "text": {"text": ANSWER},
    "output": {"output": ANSWER},
    "answer": {"answer": ANSWER},
}  # fmt: skip


@pytest.mark.parametrize("name", ANSWERED)
def test_the_answer_is_the_same_in_every_wrapping_and_place(name: str):
    wrapped = ANSWERED[name]
    for value in (wrapped, as_text(wrapped), {"output": wrapped}, {"output": as_text(wrapped), "run_id": "r-1"}):
        assert unwrap_answer(value) == ANSWER


@pytest.mark.parametrize(
    "value", ['{"answer": "B", "why": "because"}', '["a"]', "[1, 2]", '{"a": {"b": 1}}', "{broken", "plain text"]
)
def test_an_answer_that_is_itself_json_stays_as_it_is(value: str):
    assert unwrap_answer(value) == value


@pytest.mark.parametrize(
    "answer",
    [
        '{"answer": "Paris", "confidence": 0.9}',
        '{"output": "x"}',
        '{"choices": ["a", "b"]}',
        '{"candidates": ["Ann", "Bob"]}',
        '{"message": "ok", "status": "success"}',
        '[["a"]]',
        '{"results": [1, 2]}',
        '["red", "blue"]',
        "[]",
        "{}",
        "null",
        '""',
        "{ not json",
        "SELECT * FROM t",
    ],
)
def test_an_answer_that_is_json_stays_the_answer_of_an_eval(answer):
    builder = EvalTableBuilder(EvalOptions(model_name="m"), "quiz")
    table, rejected = builder.table([(1, {"example_id": "e", "input_text": "q", "output_text": answer, "score": 1})])
    assert rejected == []
    assert table.column("output_text").to_pylist() == [answer]


def test_the_response_of_an_api_is_unwrapped_in_evals_too():
    wrapped = [
        {"choices": [{"message": {"role": "assistant", "content": "Paris"}}]},
        {"role": "assistant", "content": "Paris"},
        [{"role": "user", "content": "Where?"}, {"role": "assistant", "content": "Paris"}],
        {"candidates": [{"content": {"role": "model", "parts": [{"text": "Paris"}]}}]},
    ]
    for one in [*wrapped, *map(json.dumps, wrapped)]:
        builder = EvalTableBuilder(EvalOptions(model_name="m"), "quiz")
        table, _ = builder.table([(1, {"example_id": "e", "input_text": "q", "output_text": one, "score": 1})])
        assert table.column("output_text").to_pylist() == ["Paris"]
