"""What is one row of a production log? An eval row without a test: it has a time, and belongs to a day."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any, ClassVar, Literal, get_args
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import pyarrow as pa

from faultmap_core.errors import ConfigurationError
from faultmap_core.evals import EVAL_SCHEMA, FIELDS, EvalOptions, EvalTableBuilder, Row, RowError, number_of, text_of

LOG_FIELDS = (*(name for name in FIELDS if name != "passed"), "timestamp", "session_id", "user_id")
LOG_SCHEMA = pa.schema(
    [
        *EVAL_SCHEMA,
        pa.field("timestamp", pa.timestamp("us"), nullable=False),
        pa.field("day", pa.string(), nullable=False),
        pa.field("session_id", pa.string()),
        pa.field("user_id", pa.string()),
    ]
)
"""The eval table and: `timestamp` in UTC, `day` as YYYY-MM-DD in the log's time zone, `session_id`, `user_id`.
`dataset` is the source."""

LogFormat = Literal["auto", "rows", "spans", "langfuse"]

LOG_COLUMNS = {"example_id": "id", "input_text": "prompt", "output_text": "response"}
"""How logs name their columns where nobody says otherwise."""

# Above this, a number of seconds since 1970 can only be milliseconds (the year 5138).
_MILLISECONDS_FROM = 1e11


@dataclass(frozen=True)
class LogOptions(EvalOptions):
    """How the columns of a log are to be understood; a row without a model or an id is no bad row.

    Attributes:
        first_day: rows before it are quarantined.
        time_zone: where the days begin at midnight, an IANA name.
        format: how a file is laid out; "auto" tells by its content.
    """

    column_map: Mapping[str, str] = field(default_factory=lambda: dict(LOG_COLUMNS))
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
        """Fields whose column a file must have."""
        return ["input_text", "timestamp"]

    @property
    def named_columns(self) -> list[str]:
        """Columns that somebody named; what logs are expected to have by default they may lack."""
        return [column for name, column in self.column_map.items() if LOG_COLUMNS.get(name) != column]

    def range_remedy(self, dataset: str, low: float, high: float) -> str:
        """Say how another score range is set."""
        return (
            f"set logs: {{score_range: [{low:g}, {high:g}]}} in faultmap.yaml, and from where on a score is good in"
            " production.feedback"
        )

    def digest(self) -> str:
        """Return 16 hex digits that change whenever the same file would be understood differently."""
        parts = f"log 2 {super().digest()} {self.first_day.isoformat()} {self.time_zone} {self.format}"
        return hashlib.blake2b(parts.encode(), digest_size=8).hexdigest()


class LogTableBuilder(EvalTableBuilder):
    """Turns the raw rows of one log into rows of `LOG_SCHEMA`."""

    schema: ClassVar[pa.Schema] = LOG_SCHEMA
    fields: ClassVar[tuple[str, ...]] = LOG_FIELDS

    def __init__(self, options: LogOptions, fallback_dataset: str) -> None:
        super().__init__(options, fallback_dataset)
        self._first_day = options.first_day
        self._zone = ZoneInfo(options.time_zone)

    def _accept(self, row: Row) -> dict[str, Any]:
        time = time_of(self._value(row, "timestamp"))
        if time > datetime.now(UTC) + timedelta(days=1):
            raise RowError(f"timestamp {time.isoformat()} lies in the future")
        # The first of all years has no day before it in another zone.
        day = time.astimezone(self._zone).date() if time.year > 1 else time.date()
        if day < self._first_day:
            raise RowError(f"timestamp {time.isoformat()} lies before logs.first_day, {self._first_day.isoformat()}")
        accepted = super()._accept(row)
        if not text_of(self._value(row, "example_id"), "example_id"):
            # Unlike a test, a prompt comes again: what tells two log rows apart is when and in which answer.
            parts = json.dumps([time.isoformat(), accepted["input_text"], accepted["output_text"]])
            accepted["example_id"] = hashlib.blake2b(parts.encode(), digest_size=8).hexdigest()
        return {
            **accepted,
            "timestamp": time.replace(tzinfo=None).isoformat(),
            "day": day.isoformat(),
            "session_id": text_of(self._value(row, "session_id"), "session_id"),
            "user_id": text_of(self._value(row, "user_id"), "user_id"),
        }

    def _outcome(self, row: Row, dataset: str) -> dict[str, Any]:
        """No tool judged a log; which of its columns says how an answer went, the feedback rules decide."""
        return {"score": self._score(row, dataset), "passed": None, "metric": None}

    def _remembered(self, line: int, accepted: dict[str, Any]) -> dict[str, Any]:
        remembered = super()._remembered(line, accepted)
        return {**remembered, "timestamp": datetime.fromisoformat(accepted["timestamp"])}


def time_of(value: Any) -> datetime:
    """Read ISO 8601 (UTC where it names no zone), or seconds or milliseconds since 1970; raises RowError else."""
    if isinstance(value, datetime):
        return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)
    if value is None or value == "":
        raise RowError("timestamp is missing")
    try:
        if isinstance(value, str) and not value.strip().replace(".", "", 1).isdigit():
            time = datetime.fromisoformat(value.strip())
            return time.astimezone(UTC) if time.tzinfo else time.replace(tzinfo=UTC)
        seconds = number_of(value, "timestamp") or 0.0
        return datetime.fromtimestamp(seconds / 1000 if seconds > _MILLISECONDS_FROM else seconds, UTC)
    except (ValueError, OverflowError, OSError):
        raise RowError(f"timestamp {str(value)[:40]!r} is neither ISO 8601 nor seconds since 1970") from None
