"""Typed reads of production for assets and commands: windows of days, their feedback, and their findings."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from faultmap_assets.graph.scopes import window_of
from faultmap_assets.warehouse.claimed import with_feedback_claims, with_topic_claims
from faultmap_assets.warehouse.connection import Warehouse, batches
from faultmap_core.data.feedback import Feedback, FeedbackRule, read_feedback

# The chosen rows are those with the smallest hash, so that another day in the window changes few of them.
_WINDOW = """
SELECT day, source, model, log_id, session_id, user_id, score, metadata,
    coalesce(question_text, prompt_text) AS text, response_text, md5($seed || ':' || day || ':' || row_digest) AS drawn
FROM production_logs
WHERE day BETWEEN $first AND $last AND day NOT IN (
    SELECT partition_key FROM materializations WHERE asset = 'production_logs' AND blocked_by IS NOT NULL
)
"""
_BATCH_ROWS = 20_000
_SCORE_PREFIX = "score."
# What a tracer writes about the outcome is no place to look for its cause.
_OUTCOMES = frozenset({"status_message", "statusMessage", "level", "error", "error.type", "finish_reason"})


@dataclass(frozen=True)
class Window:
    """Days up to and with `last`; `days` of them in the calendar."""

    first: str
    last: str
    days: int

    @classmethod
    def ending(cls, day: str, days: int) -> Window:
        """Return the window of `days` days that ends with `day`."""
        return cls(window_of(day, days)[0], day, days)

    @property
    def before(self) -> Window:
        """The window of as many days before this one; they share none."""
        last = window_of(self.first, 2)[0]
        return Window.ending(last, self.days)


@dataclass(frozen=True)
class WindowRows:
    """Rows of a window, at most as many as were asked for, in the order of their keys.

    Attributes:
        rows: day, source, model, log_id, session_id, user_id, score, metadata, text, response_text.
        total: rows of the window that could have been taken; days: days that have any.
    """

    rows: pa.Table
    total: int
    days: int

    @property
    def sampled(self) -> int | None:
        """How many were taken, None where all were."""
        return int(self.rows.num_rows) if self.rows.num_rows < self.total else None

    @property
    def groups(self) -> list[str | None]:
        """Who asked each row, see `asked_by`."""
        return asked_by(self.rows)

    def texts(self, name: str) -> list[str]:
        """Return a column of texts."""
        return [str(value) for value in self.rows.column(name).to_pylist()]


def asked_by(logs: pa.Table) -> list[str | None]:
    """Return who asked each row: the user where it names one, else the session, else None."""
    users, sessions = (logs.column(name).to_pylist() for name in ("user_id", "session_id"))
    return [
        f"user {user}" if user else f"session {session}" if session else None
        for user, session in zip(users, sessions, strict=True)
    ]


@dataclass
class _Told:
    """What the feedback of the batches so far says."""

    known: int = 0
    failures: int = 0
    unknown: dict[str, Counter[str]] = field(default_factory=dict)

    def add(self, feedback: Feedback) -> None:
        self.known += feedback.known
        self.failures += int(np.nansum(feedback.failed))
        for column, values in feedback.unknown.items():
            self.unknown.setdefault(column, Counter()).update(values)


@dataclass(frozen=True)
class FeedbackRows:
    """Rows of a window of which somebody said how they went, and the counts of all of its rows.

    Attributes:
        taken: the rows; failed: (n,) 1.0 failed, 0.0 passed.
        logged: rows of the window; with_feedback, failures: of those; unknown: column -> value -> rows.
    """

    taken: WindowRows
    failed: NDArray[np.float64]
    logged: int
    with_feedback: int
    failures: int
    unknown: dict[str, dict[str, int]]


def window_rows(warehouse: Warehouse, window: Window, most: int, seed: int) -> WindowRows:
    """Return a window's rows; of more than `most` a random sample, the same for the same rows and seed."""
    parameters = {"seed": str(seed), "first": window.first, "last": window.last}
    with warehouse.read() as connection:
        counts = connection.execute(f"SELECT count(*), count(DISTINCT day) FROM ({_WINDOW})", parameters).fetchone()
        rows = connection.execute(
            f"""SELECT * EXCLUDE (drawn) FROM (
                SELECT * FROM ({_WINDOW}) ORDER BY drawn, source, model, log_id LIMIT $most
            ) ORDER BY day, source, model, log_id""",
            {**parameters, "most": most},
        ).to_arrow_table()
    total, days = counts or (0, 0)
    return WindowRows(rows, total, days)


def feedback_rows(
    warehouse: Warehouse, window: Window, rules: Sequence[FeedbackRule], most: int, seed: int
) -> FeedbackRows:
    """Return a window's rows that have feedback; of more than `most` a random sample, as in `window_rows`."""
    parameters = {"seed": str(seed), "first": window.first, "last": window.last}
    told = _Told()
    chosen: list[pa.Table] = []
    failed: list[NDArray[np.float64]] = []
    with warehouse.read() as connection:
        counts = connection.execute(f"SELECT count(*), count(DISTINCT day) FROM ({_WINDOW})", parameters).fetchone()
        taken = 0
        keys = (
            f"SELECT day, source, model, log_id, score, metadata FROM ({_WINDOW}) ORDER BY drawn, source, model, log_id"
        )
        for table in batches(connection, keys, parameters, _BATCH_ROWS):
            scores = np.asarray(table.column("score").cast(pa.float64()).to_numpy(), dtype=np.float64)
            feedback = read_feedback(rules, scores, table.column("metadata").to_pylist())
            told.add(feedback)
            known = np.flatnonzero(np.isfinite(feedback.failed))[: most - taken]
            taken += len(known)
            chosen.append(table.select(["day", "source", "model", "log_id"]).take(pa.array(known)))
            failed.append(feedback.failed[known])
        rows, outcome = _with_texts(connection, parameters, chosen, failed)
    logged, days = counts or (0, 0)
    return FeedbackRows(
        WindowRows(rows, told.known, days),
        outcome,
        logged,
        told.known,
        told.failures,
        {column: dict(values.most_common()) for column, values in told.unknown.items()},
    )


def _with_texts(
    connection: Any, parameters: dict[str, str], chosen: list[pa.Table], failed: list[NDArray[np.float64]]
) -> tuple[pa.Table, NDArray[np.float64]]:
    """Return the chosen rows with all that they say, in the order of their keys, and how each went."""
    verdicts = pa.array(np.concatenate(failed) if failed else np.zeros(0), pa.float64())
    keys = pa.concat_tables(chosen) if chosen else _no_keys()
    connection.register("chosen_rows", keys.append_column("failed", verdicts))
    rows = connection.execute(
        f"""SELECT window_rows.* EXCLUDE (drawn), chosen_rows.failed
        FROM ({_WINDOW}) AS window_rows JOIN chosen_rows USING (day, source, model, log_id)
        ORDER BY day, source, model, log_id""",
        parameters,
    ).to_arrow_table()
    connection.unregister("chosen_rows")
    outcome = np.asarray(rows.column("failed").to_numpy(), dtype=np.float64)
    return rows.drop_columns(["failed"]), outcome


def _no_keys() -> pa.Table:
    return pa.table({name: pa.array([], pa.string()) for name in ("day", "source", "model", "log_id")})


def outcome_free(columns: dict[str, list[str | None]], rules: Sequence[FeedbackRule]) -> dict[str, list[str | None]]:
    """Return the metadata columns in which slices may be looked for: those that do not say how it went."""
    read = {rule.column for rule in rules} | {rule.column.partition(".")[0] for rule in rules} | _OUTCOMES
    return {name: values for name, values in columns.items() if name not in read and not name.startswith(_SCORE_PREFIX)}


def production_slices(warehouse: Warehouse, days: Sequence[str] | None = None) -> list[dict[str, Any]]:
    """Return each day's window: what its feedback says, and its slices (examples decoded) under `slices`."""
    tables = ("production_slice_summaries", "production_slices", "slices")
    return with_feedback_claims(_windows(warehouse, days, tables, ("examples", "cited_examples")))


def topic_drift(warehouse: Warehouse, days: Sequence[str] | None = None) -> list[dict[str, Any]]:
    """Return each day's two windows, and the topics that changed between them (prompts decoded) under `topics`."""
    tables = ("topic_drift_summaries", "topic_drift", "topics")
    decoded = ("representative_prompts", "nearest_other_prompts", "cited_examples")
    return with_topic_claims(_windows(warehouse, days, tables, decoded))


def _windows(
    warehouse: Warehouse, days: Sequence[str] | None, names: tuple[str, str, str], decoded: tuple[str, ...]
) -> list[dict[str, Any]]:
    summaries, table, under = names
    parameters = {"days": list(days) if days else None}
    chosen = "WHERE ($days IS NULL OR list_contains($days, day))"
    found: dict[str, list[dict[str, Any]]] = {}
    for row in warehouse.query(f"SELECT * FROM {table} {chosen} ORDER BY day, rank", parameters).to_pylist():
        found.setdefault(row["day"], []).append({**row, **{name: json.loads(row[name]) for name in decoded}})
    audited = warehouse.query(f"SELECT * FROM {summaries} {chosen} ORDER BY day", parameters).to_pylist()
    return [{**day, under: found.get(day["day"], [])} for day in audited]
