"""Redact texts and leave rows out before anything of a file is written.

What is forgotten (`forget`) is remembered as digests of ids, users and sessions, so that a file that is read again
does not bring it back.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pyarrow as pa

from faultmap_assets.settings import Settings
from faultmap_assets.warehouse.connection import Connection, Warehouse
from faultmap_core.data.eval_table import EvalOptions, RejectedRow
from faultmap_core.data.log_table import LogOptions
from faultmap_core.data.redaction import Redactor, get_redactor

USER_KEY, SESSION_KEY = "user_id", "session_id"
"""Columns of a log, and keys of an eval row's metadata, that say whose row it is."""

TRACE_KEY = "trace_id"
"""Of a log: its rows of one trace are one request, and one person's."""

_TEXT_COLUMNS = ("input_text", "question_text", "output_text", "correct_answer")
_IDENTIFIER_COLUMNS = ("example_id", SESSION_KEY, USER_KEY)
# Where an excerpt was cut, less than the longest pattern may be left of what should be redacted.
_CUT_AT, _UNSURE_CHARACTERS = 200, 80


@dataclass(frozen=True)
class Privacy:
    """How the rows of one file are to be treated.

    Attributes:
        redactor: what is taken out of the texts.
        keep_from: first day (YYYY-MM-DD) of logs that is kept.
    """

    redactor: Redactor | None = None
    keep_from: str | None = None

    @property
    def identity(self) -> str:
        """Changes whenever the same file would give other texts; empty where nothing is redacted."""
        return self.redactor.identity if self.redactor else ""


NO_PRIVACY = Privacy()
"""Everything is stored as it is."""


def privacy_of(settings: Settings, options: EvalOptions) -> Privacy:
    """Return what the settings say for a file that is read with `options`: a log, or an eval file.

    Raises: ConfigurationError where `privacy.redact` names what is not there.
    """
    chosen = settings.privacy
    if isinstance(options, LogOptions):
        return Privacy(get_redactor(chosen.redact), first_day_kept(settings))
    return Privacy(get_redactor(chosen.redact) if chosen.redact_evals else None)


def first_day_kept(settings: Settings) -> str | None:
    """Return the first day of logs that `privacy.retention_days` keeps, today being a day of the logs' time zone."""
    if settings.privacy.retention_days is None:
        return None
    today = datetime.now(ZoneInfo(settings.log_options().time_zone)).date()
    return (today - timedelta(days=settings.privacy.retention_days)).isoformat()


RedactionCounts = Counter[tuple[str, str, str | None, str]]
"""(dataset, model, day, kind) -> how often it was found."""


def redact_rows(rows: pa.Table, redactor: Redactor, found: RedactionCounts) -> pa.Table:
    """Return the rows without what is redacted; add to `found`. Rows that hold nothing of it stay as they are.

    Ids of logs, sessions and users that hold something of it become pseudonyms, so that they stay apart; the ids of
    examples stay, for they name rows of files that others hold, too.
    """
    values = {name: rows.column(name).to_pylist() for name in rows.column_names}
    is_log = SESSION_KEY in values
    changed = False
    for row in range(rows.num_rows):
        counts: Counter[str] = Counter()
        new = _redacted_row({name: column[row] for name, column in values.items()}, redactor, counts, is_log=is_log)
        if any(values[name][row] != value for name, value in new.items()):
            changed = True
            for name, value in new.items():
                values[name][row] = value
            values["row_digest"][row] = _row_digest({name: column[row] for name, column in values.items()})
            day = values["day"][row] if is_log else None
            for kind, number in counts.items():
                if number:
                    found[values["dataset"][row], values["model"][row], day, kind] += number
    return pa.table(values, schema=rows.schema) if changed else rows


def _redacted_row(
    row: dict[str, str | None], redactor: Redactor, counts: Counter[str], *, is_log: bool
) -> dict[str, str | None]:
    texts = {name: redactor(text, counts) for name in _TEXT_COLUMNS if (text := row[name])}
    texts["metadata"] = redactor.json_object(str(row["metadata"]), counts, (USER_KEY, SESSION_KEY))
    identifiers = {
        name: redactor.identifier(text, counts) for name in _IDENTIFIER_COLUMNS if is_log and (text := row[name])
    }
    return {**texts, **identifiers}


def _row_digest(row: dict[str, object]) -> str:
    """The digest of what was read would tell who guesses what was redacted whether the guess is right."""
    content = {name: value for name, value in row.items() if name not in ("line", "row_digest")}
    return hashlib.blake2b(json.dumps(content, default=str).encode(), digest_size=16).hexdigest()


def redact_rejected(rows: Sequence[RejectedRow], redactor: Redactor) -> list[RejectedRow]:
    """Return rejected rows without what is redacted."""
    return [replace(row, reason=redactor(row.reason), excerpt=_redacted_excerpt(row.excerpt, redactor)) for row in rows]


def _redacted_excerpt(excerpt: str, redactor: Redactor) -> str:
    redacted = redactor(excerpt)
    return redacted[:-_UNSURE_CHARACTERS] if len(excerpt) >= _CUT_AT else redacted


def redactions_of(warehouse: Warehouse, partition: Mapping[str, str]) -> dict[str, int]:
    """Return `redacted_KIND` -> how often it was taken out of what files deliver for a partition."""
    condition = " AND ".join(f"{name} = ${name}" for name in partition)
    rows = warehouse.query(
        f"SELECT kind, sum(found)::BIGINT AS found FROM redactions WHERE {condition} GROUP BY kind ORDER BY kind",
        dict(partition),
    ).to_pylist()
    return {f"redacted_{row['kind']}": row["found"] for row in rows}


def redaction_table(staging_id: str, counts: RedactionCounts) -> pa.Table:
    """Return the counts as rows of `redactions`."""
    names = ("dataset", "model", "day", "kind")
    return pa.Table.from_pylist(
        [
            {"staging_id": staging_id, **dict(zip(names, key, strict=True)), "found": found}
            for key, found in sorted(counts.items(), key=str)
        ],
        schema=pa.schema([(name, pa.string()) for name in ("staging_id", *names)] + [("found", pa.int64())]),
    )


@dataclass(frozen=True)
class Subject:
    """Whose rows are to be forgotten.

    Attributes:
        kind: "id" (of an example or of a log's row), "user" or "session".
        dataset: of this dataset, or source of logs, alone.
    """

    kind: str
    value: str
    dataset: str | None = None

    @property
    def digest(self) -> str:
        """What is remembered of it; the same as `_SUBJECTS` computes."""
        text = "\x1f".join((self.kind, self.dataset or "", self.value))
        return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()


def subject_columns(names: Sequence[str]) -> dict[str, str]:
    """Return kind -> SQL of whose a row with the columns `names` is; without a column, its metadata may say it."""
    columns = {"id": "example_id"}
    for kind, key in (("user", USER_KEY), ("session", SESSION_KEY)):
        named = [f"nullif({key}, '')"] if key in names else []
        columns[kind] = f"coalesce({', '.join([*named, _metadata_value(key)])})"
    if TRACE_KEY in names:
        columns["trace"] = TRACE_KEY
    return columns


def _metadata_value(key: str) -> str:
    return f"json_extract_string(metadata, '$.{key}')"


def forgotten_condition(names: Sequence[str]) -> str:
    """Return SQL that is true for rows with the columns `names` that belong to somebody who was forgotten."""
    digests = [
        f"sha256('{kind}' || chr(31) || {dataset} || chr(31) || {column})"
        for kind, column in subject_columns(names).items()
        for dataset in ("''", "dataset")
    ]
    return "(" + " OR ".join(f"coalesce({one} IN (SELECT digest FROM forgotten), false)" for one in digests) + ")"


def remember_forgotten(connection: Connection, subjects: Sequence[Subject]) -> None:
    """Keep their digests."""
    for subject in subjects:
        connection.execute(
            "INSERT OR IGNORE INTO forgotten VALUES ($digest, $now)",
            {"digest": subject.digest, "now": datetime.now(UTC).replace(tzinfo=None)},
        )


def remember_traces(connection: Connection) -> None:
    """Keep the digests of the traces of `forgotten_rows`: a step that comes in another file names no user."""
    connection.execute(
        f"""INSERT OR IGNORE INTO forgotten
        SELECT DISTINCT sha256('trace' || chr(31) || dataset || chr(31) || {TRACE_KEY}), $now::TIMESTAMP
        FROM forgotten_rows WHERE {TRACE_KEY} IS NOT NULL""",
        {"now": datetime.now(UTC).replace(tzinfo=None)},
    )


def somebody_was_forgotten(connection: Connection) -> bool:
    """Say whether there is anything to leave out."""
    return connection.execute("SELECT 1 FROM forgotten LIMIT 1").fetchone() is not None


CUT_OFF = "NOT json_valid(excerpt)"
CONTRADICTING = "contains(reason, 'differ under one example_id')"
"""SQL that is true for quarantined rows whose excerpt does not say all of the row, and so not whose it is."""


def blank_forgotten_excerpts(connection: Connection, staging_id: str) -> None:
    """Empty the excerpts of quarantined rows that name somebody who was forgotten, or whose name may be cut off.

    Rows that contradict each other were looked at as a whole.
    """
    connection.execute(
        f"UPDATE quarantine SET excerpt = '' WHERE staging_id = $staging_id AND {CUT_OFF} AND NOT {CONTRADICTING}",
        {"staging_id": staging_id},
    )
    connection.execute(
        r"""UPDATE quarantine SET excerpt = '' WHERE staging_id = $staging_id AND len(list_intersect(
            flatten(list_transform(
                list_concat(regexp_extract_all(excerpt, '"((?:[^"\\]|\\.)*)"', 1),
                    regexp_extract_all(excerpt, '[0-9]+')),
                lambda name: list_transform(['id', 'user', 'session', 'id', 'user', 'session'], lambda kind, i:
                    sha256(concat_ws(chr(31), kind, if(i > 3, coalesce(dataset, ''), ''), trim(name)))))),
            (SELECT list(digest) FROM forgotten))) > 0""",
        {"staging_id": staging_id},
    )
