"""Read traces as log rows: OpenTelemetry spans of GenAI, OpenInference or OpenLLMetry instrumentation.

A row is an outermost span of a model call, an agent or a chain that carries a prompt (see `trace_tree`). A call without
its prompt, and a span that cannot be read, are bad rows. Sources: OpenTelemetry's semantic conventions for generative
AI (messages as attributes since 1.37, as events before), OpenInference's, and `gen_ai.prompt.N` of OpenLLMetry.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from faultmap_core.base.errors import EvalFileError
from faultmap_core.data.eval_table import RowError
from faultmap_core.data.log_table import LogOptions
from faultmap_core.data.messages import Chat, chat_of, content_of, last_answer
from faultmap_core.data.payloads import decoded, text_of_json
from faultmap_core.data.unwrapping import asks_something
from faultmap_core.readers.files.conservation import LineAccount
from faultmap_core.readers.rows.raw_rows import NumberedRow
from faultmap_core.readers.traces.documents import log_objects
from faultmap_core.readers.traces.otel import Span, is_span, spans_of
from faultmap_core.readers.traces.trace_tree import Request, Role, TraceStep, TraceTree

_CALLS = frozenset({"chat", "text_completion", "generate_content", "invoke_agent", "invoke_workflow", "completion"})
_CALL_KINDS = frozenset({"LLM", "CHAIN", "AGENT", "WORKFLOW"})
_DETAILS = "gen_ai.client.inference.operation.details"
_OLD_EVENTS = {
    "gen_ai.system.message": "system",
    "gen_ai.user.message": "user",
    "gen_ai.assistant.message": "assistant",
    "gen_ai.tool.message": "tool",
}
# Where else a prompt and an answer may stand: OpenInference, OpenLLMetry, Google ADK, the AI SDK, Pydantic AI, MLflow,
# Langfuse.
_PROMPTS = (
    "input.value", "traceloop.entity.input", "gen_ai.prompt", "llm.prompts", "gen_ai.input.messages",
    "gcp.vertex.agent.llm_request", "ai.prompt.messages", "ai.prompt", "pydantic_ai.all_messages",
    "all_messages_events", "mlflow.spanInputs", "langfuse.observation.input", "langfuse.trace.input",
)  # fmt: skip
_ANSWERS = (
    "output.value", "traceloop.entity.output", "gen_ai.completion", "gen_ai.output.messages",
    "gcp.vertex.agent.llm_response", "ai.response.text", "final_result", "pydantic_ai.all_messages",
    "all_messages_events", "mlflow.spanOutputs", "langfuse.observation.output", "langfuse.trace.output",
)  # fmt: skip
# Attributes that are the prompt and the answer themselves, or come back as columns of their own.
_CONTENT = (
    *_PROMPTS, *_ANSWERS, "gen_ai.system_instructions", "gen_ai.tool.definitions", "llm.input_messages",
    "llm.output_messages", "llm.tools",
)  # fmt: skip
_SESSIONS = ("session.id", "gen_ai.conversation.id", "traceloop.association.properties.session_id", "thread.id")
_USERS = ("user.id", "enduser.id", "user_id", "traceloop.association.properties.user_id")
_MODELS = ("gen_ai.response.model", "gen_ai.request.model", "llm.model_name", "llm.model")
_LONGEST_METADATA = 300
_NO_CONTENT = (
    "a model call without its prompt; let the instrumentation capture message content"
    " (OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT=true)"
)


def span_rows(path: Path, options: LogOptions, account: LineAccount) -> Iterator[NumberedRow]:
    """Read the requests of a file of spans, in two passes: spans come in any order.

    A row's number is its line; of several spans on a line the next numbers that are free.
    Raises: EvalFileError where no span is a request or could be one.
    """
    tree = TraceTree()
    for _, span in _numbered_spans(path):
        if isinstance(span, Span):
            tree.add(_step(span))
    requests = tree.requests()
    silent = tree.without_content(requests)
    told = 0
    for number, span in _numbered_spans(path, account):
        if isinstance(span, RowError):
            told += 1
            yield number, span
        elif span.key in requests:
            told += 1
            yield number, _row(span, requests[span.key], options)
        elif span.key in silent:
            told += 1
            yield number, RowError(f"span {span.span_id}: {_NO_CONTENT}")
    if not told:
        raise EvalFileError(f"{path}: none of its spans is a call of a model, an agent or a chain")


def _numbered_spans(path: Path, account: LineAccount | None = None) -> Iterator[tuple[int, Span | RowError]]:
    number = 0
    for line, found in log_objects(path, account):
        if isinstance(found, RowError):
            number = max(number + 1, line)
            yield number, found
        elif not is_span(found):
            number = max(number + 1, line)
            yield number, RowError("no span: expected resourceSpans, or a span with its ids and attributes")
        else:
            for span in spans_of(found):
                number = max(number + 1, line)
                yield number, RowError(f"line {line}: {span}") if isinstance(span, RowError) else span


def _step(span: Span) -> TraceStep:
    return TraceStep(
        key=span.key,
        parent=span.parent_key,
        trace=span.trace_id,
        role=_role(span),
        has_prompt=asks_something(_prompt(span)),
        model=_attribute(span, _MODELS),
        session=_attribute(span, _SESSIONS),
        user=_attribute(span, _USERS),
    )


def _role(span: Span) -> Role:
    attributes = span.attributes
    kind = str(attributes.get("openinference.span.kind") or attributes.get("traceloop.span.kind") or "").upper()
    if kind:
        return "call" if kind in _CALL_KINDS else "inside"
    operation = attributes.get("gen_ai.operation.name")
    if operation is not None:
        return "call" if str(operation).lower() in _CALLS else "inside"
    # Instrumentation from before operations had names.
    return "call" if any(name in attributes for name in ("gen_ai.request.model", "gen_ai.system", "llm.request.type")) \
        else "inside"  # fmt: skip


def _row(span: Span, request: Request, options: LogOptions) -> dict[str, Any]:
    row = _metadata(span)
    row |= {
        "example_id": span.key,
        "timestamp": span.start,
        "model": request.model,
        "input_text": _prompt(span),
        "output_text": _answer(span),
        "session_id": request.session,
        "user_id": request.user,
        "error": span.error,
        "trace_id": span.trace_id,
        "is_whole_trace": span.parent_id is None,
    }
    for name, column in options.column_map.items():
        # A column that the user mapped on purpose may be an attribute.
        if column in span.attributes:
            row[name] = span.attributes[column]
    return row


def _metadata(span: Span) -> dict[str, Any]:
    """Return the short attributes that are neither prompt nor answer."""
    kept: dict[str, Any] = {"span_name": span.name}
    if span.status_message:
        kept["status_message"] = span.status_message[:_LONGEST_METADATA]
    for name, value in span.attributes.items():
        if any(name == one or name.startswith(f"{one}.") for one in _CONTENT):
            continue
        if isinstance(value, bool | int | float) or (isinstance(value, str) and len(value) <= _LONGEST_METADATA):
            kept[name] = value
    return kept


def _prompt(span: Span) -> Any:
    """Return what was asked, as it was written down."""
    for attributes in _carriers(span):
        chat = chat_of(attributes.get("gen_ai.input.messages"))
        if chat:
            return [*_instructions(attributes.get("gen_ai.system_instructions")), *chat]
    flat = chat_of(_nested(span.attributes, "llm.input_messages")) or chat_of(_nested(span.attributes, "gen_ai.prompt"))
    if flat:
        return flat
    said = [
        {"role": _OLD_EVENTS[name], "content": content_of({"content": _body(attributes)})}
        for name, attributes in span.events
        if name in _OLD_EVENTS
    ]
    if said:
        return said
    for name, attributes in span.events:
        if name == "gen_ai.content.prompt":
            return attributes.get("gen_ai.prompt")
    values = (_nested(span.attributes, name) for name in _PROMPTS)
    return next((value for value in values if asks_something(value)), None)


def _answer(span: Span) -> Any:
    """Return what was answered, as it was written down."""
    for attributes in _carriers(span):
        chat = chat_of(attributes.get("gen_ai.output.messages"))
        if chat:
            return last_answer(chat[:1])
    for prefix in ("llm.output_messages", "gen_ai.completion"):
        chat = chat_of(_nested(span.attributes, prefix))
        if chat:
            return last_answer(chat)
    for name, attributes in span.events:
        if name == "gen_ai.choice":
            return _nested(attributes, "message") or content_of({"content": _body(attributes)})
        if name == "gen_ai.content.completion":
            return attributes.get("gen_ai.completion")
    return next((value for name in _ANSWERS if (value := _nested(span.attributes, name))), None)


def _carriers(span: Span) -> Iterator[Mapping[str, Any]]:
    yield span.attributes
    for name, attributes in span.events:
        if name == _DETAILS:
            yield attributes


def _body(attributes: Mapping[str, Any]) -> Any:
    value = next((attributes[name] for name in ("content", "gen_ai.event.content", "body") if name in attributes), None)
    value = decoded(value)
    return value.get("content", value) if isinstance(value, Mapping) else value


def _instructions(value: Any) -> Chat:
    """System instructions are a list of parts, or a text."""
    value = decoded(value)
    if not value:
        return []
    text = content_of({"parts": value}) if isinstance(value, list) else text_of_json(value)
    return [{"role": "system", "content": text}]


def _nested(attributes: Mapping[str, Any], prefix: str) -> Any:
    """Return what stands under a prefix, put together again where it was flattened (`prefix.0.message.role`)."""
    if prefix in attributes:
        return decoded(attributes[prefix])
    root: dict[str, Any] = {}
    for name, value in attributes.items():
        if not name.startswith(f"{prefix}."):
            continue
        place = root
        *path, last = name[len(prefix) + 1 :].split(".")
        for part in path:
            inside = place.setdefault(part, {})
            if not isinstance(inside, dict):
                break
            place = inside
        else:
            place.setdefault(last, value)
    return _listed(root) if root else None


def _listed(value: Any) -> Any:
    """Turn objects whose keys are all numbers into lists."""
    if not isinstance(value, dict):
        return value
    inside = {name: _listed(one) for name, one in value.items()}
    if inside and all(name.isdigit() for name in inside):
        return [inside[name] for name in sorted(inside, key=int)]
    return inside


def _attribute(span: Span, names: tuple[str, ...]) -> str | None:
    found = next((span.attributes[name] for name in names if span.attributes.get(name) not in (None, "")), None)
    return str(found) if isinstance(found, str | int) else None
