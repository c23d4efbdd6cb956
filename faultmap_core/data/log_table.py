"""One row of a production log: an eval row without a test, with a time and a day.

A row without an id gets one of what it says: when, of whom, in which session, by which model, what was asked and
answered, and the how many-th of its kind in its file it is. So every line is a request, and a file that is delivered
again, also under another name or with more rows behind, brings the same ids. Where the time is too coarse to tell
requests apart, the first row of the day in the file is part of the id, too: the logs of two servers stay two.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, ClassVar, Literal, get_args
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import pyarrow as pa

from faultmap_core.base.errors import ConfigurationError
from faultmap_core.data.column_names import columns_by_field
from faultmap_core.data.eval_table import (
    EVAL_SCHEMA,
    FIELDS,
    EvalOptions,
    EvalTableBuilder,
    Row,
    RowError,
    number_of,
    text_of,
)
from faultmap_core.data.payloads import decoded
from faultmap_core.data.unwrapping import unwrap_answer

LOG_FIELDS = (*(name for name in FIELDS if name != "passed"), "timestamp", "session_id", "user_id")
LOG_SCHEMA = pa.schema(
    [
        *EVAL_SCHEMA,
        pa.field("timestamp", pa.timestamp("us"), nullable=False),
        pa.field("day", pa.string(), nullable=False),
        pa.field("session_id", pa.string()),
        pa.field("user_id", pa.string()),
        pa.field("trace_id", pa.string()),
        pa.field("is_whole_trace", pa.bool_()),
    ]
)
"""The eval table and: `timestamp` in UTC, `day` as YYYY-MM-DD in the log's time zone, `session_id`, `user_id`; of a
trace or a span `trace_id`, and whether the row stands for all of its trace. `dataset` is the source."""

LogFormat = Literal["auto", "rows", "spans", "langfuse"]

LOG_ALIASES: Mapping[str, tuple[str, ...]] = {
    **{name: (name,) for name in LOG_FIELDS},
    "example_id": ("example_id", "id", "log_id", "request_id", "message_id", "event_id", "interaction_id",
                   "completion_id", "record_id", "row_id", "uuid"),
    "timestamp": ("timestamp", "time", "ts", "created_at", "datetime", "date_time", "event_time", "event_timestamp",
                  "start_time", "request_time", "requested_at", "logged_at", "received_at", "sent_at", "inserted_at",
                  "started_at", "created", "created_time", "date"),
    "input_text": ("input_text", "prompt", "question", "query", "user_input", "user_message", "user_query",
                   "user_prompt", "user_question", "chat_input", "input", "inputs", "message", "messages", "contents",
                   "request", "request_body", "prompt_text", "user_text", "utterance", "text", "content", "body"),
    "output_text": ("output_text", "response", "output", "outputs", "answer", "completion", "reply",
                    "assistant_response", "assistant_message", "assistant", "bot_response", "bot_message",
                    "ai_response", "model_output", "model_response", "generated_text", "generation", "response_text",
                    "response_body", "result"),
    "model": ("model", "model_name", "model_id", "deployment", "llm", "llm_model", "engine"),
    "session_id": ("session_id", "session", "conversation_id", "conversation", "thread_id", "thread", "chat_id",
                   "dialog_id", "dialogue_id"),
    "user_id": ("user_id", "user", "userid", "uid", "username", "user_name", "end_user", "end_user_id",
                "customer_id", "customer", "account_id", "client_id"),
}  # fmt: skip
"""Field -> names by which logs call it, the likeliest first; spelling and case do not matter. A mapping goes first."""

# Above this, a number of seconds since 1970 can only be milliseconds (the year 5138); then microseconds, nanoseconds.
_UNITS = ((1e17, 1e9), (1e14, 1e6), (1e11, 1e3))
_TIME_OF_DAY = re.compile(r"\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:?\d{2})?")
_ZONE_NAMES = re.compile(r"\s*(?:\+0000\s+)?(?:UTC|GMT)$", re.IGNORECASE)
_MAX_HEADERS = 256


@dataclass(frozen=True)
class LogOptions(EvalOptions):
    """How the columns of a log are to be understood; a row without a model or an id is no bad row.

    Attributes:
        first_day: rows before it are quarantined.
        time_zone: where the days begin at midnight, an IANA name.
        format: how a file is laid out; "auto" tells by its content.
    """

    model_name: str | None = "production"
    generate_ids: bool = True
    first_day: date = date(2020, 1, 1)
    time_zone: str = "UTC"
    format: LogFormat = "auto"

    fields: ClassVar[tuple[str, ...]] = LOG_FIELDS
    formats: ClassVar[tuple[str, ...]] = get_args(LogFormat)

    def __post_init__(self) -> None:
        super().__post_init__()
        try:
            ZoneInfo(self.time_zone)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise ConfigurationError(
                f"time zone {self.time_zone!r} is unknown; expected a name such as UTC or Europe/Berlin"
            ) from None

    @property
    def required_fields(self) -> list[str]:
        """Fields whose column a file must have: none by one name, see `LOG_ALIASES`."""
        return []

    def range_remedy(self, dataset: str, low: float, high: float) -> str:
        """Say how another score range is set."""
        return (
            f"set logs: {{score_range: [{low:g}, {high:g}]}} in faultmap.yaml, and from where on a score is good in"
            " production.feedback"
        )

    def digest(self) -> str:
        """Return 16 hex digits that change whenever the same file would be understood differently."""
        parts = f"log 3 {super().digest()} {self.first_day.isoformat()} {self.time_zone} {self.format}"
        return hashlib.blake2b(parts.encode(), digest_size=8).hexdigest()


class LogTableBuilder(EvalTableBuilder):
    """Turns the raw rows of one log into rows of `LOG_SCHEMA`."""

    schema: ClassVar[pa.Schema] = LOG_SCHEMA
    fields: ClassVar[tuple[str, ...]] = LOG_FIELDS

    def __init__(
        self, options: LogOptions, fallback_dataset: str, aliases: Mapping[str, tuple[str, ...]] = LOG_ALIASES
    ) -> None:
        super().__init__(options, fallback_dataset)
        self._first_day = options.first_day
        self._zone = ZoneInfo(options.time_zone)
        self._aliases = aliases
        self._columns_of_header: dict[tuple[str, ...], dict[str, tuple[str, ...]]] = {}
        self._first_of_day: dict[str, str] = {}
        self._occurrences: dict[int, int] = {}

    def _accept(self, row: Row) -> dict[str, Any]:
        time = time_of(self._timestamp(row))
        if time > datetime.now(UTC) + timedelta(days=1):
            raise RowError(f"timestamp {time.isoformat()} lies in the future")
        # The first of all years has no day before it in another zone.
        day = time.astimezone(self._zone).date() if time.year > 1 else time.date()
        if day < self._first_day:
            raise RowError(f"timestamp {time.isoformat()} lies before logs.first_day, {self._first_day.isoformat()}")
        accepted = {
            **super()._accept(row),
            "timestamp": time.replace(tzinfo=None).isoformat(),
            "day": day.isoformat(),
            "session_id": _identifier(self._value(row, "session_id"), "session_id"),
            "user_id": _identifier(self._value(row, "user_id"), "user_id"),
            "trace_id": text_of(row.get("trace_id"), "trace_id") if not self._aliases else None,
            "is_whole_trace": bool(row.get("is_whole_trace")) if not self._aliases else None,
        }
        return accepted if accepted["example_id"] else {**accepted, "example_id": self._generated_id(time, accepted)}

    def _example_id(self, row: Row, dataset: str, model: str, epoch: int, input_text: str) -> str:
        """Return the row's own id; empty where it gets one of what it says (`_generated_id`)."""
        return text_of(self._value(row, "example_id"), "example_id") or ""

    def _generated_id(self, time: datetime, row: Mapping[str, Any]) -> str:
        names = ("model", "session_id", "user_id", "input_text", "output_text")
        said = _digest([time.isoformat(), *(row[name] for name in names)])
        first = self._first_of_day.setdefault(row["day"], said)
        # To the fraction of a second, or by a person to the second, nobody asks the same twice.
        is_exact = bool(time.microsecond) or (
            bool(row["user_id"] or row["session_id"]) and time.time() != time.min.time()
        )
        identity = _digest([said, None if is_exact else first])
        occurrence = self._occurrences.get(int(identity, 16), 0) + 1
        self._occurrences[int(identity, 16)] = occurrence
        return identity if occurrence == 1 else f"{identity}-{occurrence}"

    def _value(self, row: Row, name: str) -> Any:
        if name in self._options.column_map or not self._aliases:
            return super()._value(row, name)
        column = self._column(row, name)
        return None if column is None else row[column]

    def _column(self, row: Row, name: str) -> str | None:
        """Return the likeliest column of a field that says something in this row."""
        header = tuple(row)
        found = self._columns_of_header.get(header)
        if found is None:
            if len(self._columns_of_header) >= _MAX_HEADERS:
                self._columns_of_header.clear()
            mapped = set(self._options.column_map.values())
            found = columns_by_field((column for column in header if column not in mapped), self._aliases)
            self._columns_of_header[header] = found
        return next((column for column in found.get(name, ()) if row[column] not in (None, "", [], {})), None)

    def _used_columns(self, row: Row) -> set[str]:
        if not self._aliases:
            return {*super()._used_columns(row), "trace_id", "is_whole_trace"}
        mapped = self._options.column_map
        found = (mapped.get(name) or self._column(row, name) for name in self.fields)
        return {column for column in found if column is not None}

    def _timestamp(self, row: Row) -> Any:
        """Return the time as it is written; a day and a time of day may stand in two columns."""
        value = self._value(row, "timestamp")
        if isinstance(value, str) and _TIME_OF_DAY.fullmatch(value.strip()):
            day = next((row[name] for name in row if name.strip().lower() in ("date", "day")), None)
            return f"{day}T{value.strip():0>5}" if day else value
        return value

    def _outcome(self, row: Row, dataset: str) -> dict[str, Any]:
        """No tool judged a log; which of its columns says how an answer went, the feedback rules decide."""
        return {"score": self._score(row, dataset), "passed": None, "metric": None}

    @staticmethod
    def _unwrapped(value: Any) -> str | None:
        """Return an answer as text; a log's row is what a client recorded, whatever it put around the answer."""
        return unwrap_answer(value)

    def _remembered(self, line: int, accepted: dict[str, Any]) -> dict[str, Any]:
        remembered = super()._remembered(line, accepted)
        return {**remembered, "timestamp": datetime.fromisoformat(accepted["timestamp"])}


def _identifier(value: Any, name: str) -> str | None:
    """Return whose row it is; of an object, its id."""
    value = decoded(value)
    if isinstance(value, Mapping):
        value = next((value[key] for key in ("id", name, "uuid", "$oid") if value.get(key)), None)
    return None if isinstance(value, Mapping | list) else text_of(value, name)


def _digest(values: list[Any]) -> str:
    return hashlib.blake2b(json.dumps(values).encode(), digest_size=8).hexdigest()


def time_of(value: Any) -> datetime:
    """Read ISO 8601 (UTC where it names no zone), or seconds since 1970 or a smaller unit; raises RowError else."""
    if isinstance(value, datetime):
        return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day, tzinfo=UTC)
    if value is None or value == "":
        raise RowError("timestamp is missing")
    try:
        if isinstance(value, str) and not value.strip().replace(".", "", 1).isdigit():
            time = datetime.fromisoformat(_ZONE_NAMES.sub("", value.strip()))
            return time.astimezone(UTC) if time.tzinfo else time.replace(tzinfo=UTC)
        number = number_of(value, "timestamp") or 0.0
        seconds = number / next((unit for bound, unit in _UNITS if number > bound), 1)
        return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        raise RowError(f"timestamp {str(value)[:40]!r} is neither ISO 8601 nor seconds since 1970") from None
