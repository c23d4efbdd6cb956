"""Read one OpenTelemetry span, from OTLP's JSON, the SDK's own, or a flattened row.

Sources: the OpenTelemetry protocol's JSON encoding (resourceSpans > scopeSpans > spans, attributes as key and typed
value), `ReadableSpan.to_json` of the Python SDK (`context`, `status.status_code`), and the span tables of Phoenix
(`context.trace_id`, `attributes.input.value`).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from faultmap_core.data.eval_table import RowError
from faultmap_core.data.payloads import decoded

_MOST_NESTED = 20
# Seconds and milliseconds of any date are smaller, nanoseconds since September 2001 are not.
_NANOSECONDS_FROM = 10**18


@dataclass(frozen=True)
class Span:
    """One span.

    Attributes: attributes: dotted name -> value, lists left as they are; events: name and attributes of each; start:
        as the log's timestamp is read, None where it is missing; error: whether its status says so.
    """

    trace_id: str
    span_id: str
    parent_id: str | None
    name: str
    start: Any
    error: bool
    status_message: str
    attributes: Mapping[str, Any]
    events: tuple[tuple[str, Mapping[str, Any]], ...] = field(default=())

    @property
    def key(self) -> str:
        """What tells it from all others."""
        return f"{self.trace_id}:{self.span_id}"

    @property
    def parent_key(self) -> str | None:
        """The key of its parent."""
        return f"{self.trace_id}:{self.parent_id}" if self.parent_id else None


def is_span(row: Mapping[str, Any]) -> bool:
    """Say whether a JSON object is a span, or an OTLP export of spans, logs or metrics."""
    if _export_of(row):
        return True
    has_id = _first(row, "span_id", "spanId", "context.span_id") or isinstance(decoded(row.get("context")), Mapping)
    named = any(name in row for name in ("attributes", "trace_id", "traceId", "context.trace_id"))
    return bool(has_id) and (named or any(name.startswith("attributes.") for name in row))


def spans_of(row: Mapping[str, Any]) -> Iterator[Span | RowError]:
    """Yield the spans of one JSON object; what is broken is a `RowError` in its place."""
    kind = _export_of(row)
    if kind is None:
        yield _span_or_error(row, {})
    if kind != "spans":
        return
    for resource_spans in _objects(row.get("resourceSpans") or row.get("resource_spans")):
        resource = resource_spans.get("resource")
        service = _attributes(resource.get("attributes")) if isinstance(resource, Mapping) else {}
        scopes = _first(resource_spans, "scopeSpans", "scope_spans", "instrumentationLibrarySpans")
        for scope in _objects(scopes):
            spans = scope.get("spans")
            for span in spans if isinstance(spans, list) else []:
                if isinstance(span, Mapping):
                    yield _span_or_error(span, service)
                else:
                    yield RowError(f"a span is a JSON {type(span).__name__}, expected an object")


def _export_of(row: Mapping[str, Any]) -> str | None:
    for kind, names in (
        ("spans", ("resourceSpans", "resource_spans")),
        ("others", ("resourceLogs", "resourceMetrics", "resource_logs", "resource_metrics")),
    ):
        if any(isinstance(row.get(name), list) for name in names):
            return kind
    return None


def _objects(value: Any) -> Iterator[Mapping[str, Any]]:
    for one in value if isinstance(value, list) else []:
        if isinstance(one, Mapping):
            yield one


def _span_or_error(row: Mapping[str, Any], resource: Mapping[str, Any]) -> Span | RowError:
    try:
        return _span(row, resource)
    except RowError as error:
        return error


def _span(row: Mapping[str, Any], resource: Mapping[str, Any]) -> Span:
    context = decoded(row.get("context"))
    context = context if isinstance(context, Mapping) else {}
    trace_id = _first(row, "trace_id", "traceId", "context.trace_id") or context.get("trace_id")
    span_id = _first(row, "span_id", "spanId", "context.span_id") or context.get("span_id")
    if not isinstance(trace_id, str) or not isinstance(span_id, str):
        raise RowError("a span without trace_id or span_id")
    parent = _first(row, "parent_id", "parentSpanId", "parent_span_id", "parentId")
    attributes = _attributes(row.get("attributes"))
    columns = {name.removeprefix("attributes."): value for name, value in row.items() if name.startswith("attributes.")}
    # A column such as `attributes.session` holds an object; in a cell of a CSV file that is a text.
    attributes |= _attributes({name: value if "." in name else decoded(value) for name, value in columns.items()})
    if resource.get("service.name"):
        attributes.setdefault("service.name", resource["service.name"])
    status = decoded(row.get("status"))
    status = status if isinstance(status, Mapping) else {"code": status}
    code = _first(status, "status_code", "code") or row.get("status_code") or row.get("statusCode") or ""
    return Span(
        trace_id.removeprefix("0x"),
        span_id.removeprefix("0x"),
        str(parent).removeprefix("0x") if parent else None,
        str(row.get("name") or ""),
        _start(_first(row, "start_time", "startTimeUnixNano", "startTime", "start_time_unix_nano")),
        str(code).upper() in ("2", "2.0", "ERROR", "STATUS_CODE_ERROR"),
        str(_first(status, "description", "message") or row.get("status_message") or ""),
        attributes,
        tuple(_events(row.get("events"))),
    )


def _events(events: Any) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for event in _objects(decoded(events)):
        attributes = _attributes(event.get("attributes"))
        # Some exporters put the body of an event beside its attributes.
        body = event.get("body")
        yield str(event.get("name") or ""), attributes | (_attributes(body) if isinstance(body, Mapping) else {})


def _start(value: Any) -> Any:
    """Return nanoseconds as the seconds that a log's timestamp may be."""
    number = int(value) if isinstance(value, str) and value.isdigit() else value
    if isinstance(number, int | float) and not isinstance(number, bool) and number >= _NANOSECONDS_FROM:
        return number / 1e9
    return value


def _first(row: Mapping[str, Any], *names: str) -> Any:
    return next((row[name] for name in names if not _is_empty(row.get(name))), None)


def _is_empty(value: Any) -> bool:
    """Say whether a cell is empty; tables of pandas say so by NaN."""
    return value is None or value == "" or (isinstance(value, float) and math.isnan(value))


def _attributes(value: Any) -> dict[str, Any]:
    """Return attributes, typed ones and nested ones too, under dotted names."""
    value = decoded(value)
    if isinstance(value, list):
        pairs = [(one.get("key"), _typed(one.get("value"), 0)) for one in _objects(value)]
        value = {name: typed for name, typed in pairs if isinstance(name, str)}
    if not isinstance(value, Mapping):
        return {}
    flat: dict[str, Any] = {}
    _flatten(value, "", flat, 0)
    return flat


def _flatten(value: Mapping[str, Any], prefix: str, flat: dict[str, Any], depth: int) -> None:
    for name, inside in value.items():
        if isinstance(inside, Mapping) and inside and depth < _MOST_NESTED:
            _flatten(inside, f"{prefix}{name}.", flat, depth + 1)
        elif not _is_empty(inside):
            flat[f"{prefix}{name}"] = inside


def _typed(value: Any, depth: int) -> Any:
    """Read OTLP's AnyValue; integers are texts there."""
    if not isinstance(value, Mapping) or depth > _MOST_NESTED:
        return value
    if "intValue" in value:
        try:
            return int(value["intValue"])
        except (TypeError, ValueError):
            raise RowError(f"an attribute's intValue is {str(value['intValue'])[:40]!r}") from None
    for name in ("stringValue", "boolValue", "doubleValue", "bytesValue"):
        if name in value:
            return value[name]
    if isinstance(value.get("arrayValue"), Mapping):
        return [_typed(one, depth + 1) for one in value["arrayValue"].get("values") or []]
    if isinstance(value.get("kvlistValue"), Mapping):
        pairs = _objects(value["kvlistValue"].get("values"))
        return {str(one.get("key")): _typed(one.get("value"), depth + 1) for one in pairs}
    return None
