"""The conservation ledger: bytes, lines, records and rows of every file, and whether they add up.

What a file holds is recorded when it is read (`record_file`); whether all of it is still where it belongs is counted
again, from the rows themselves, whenever evals or logs are made (`count_partition`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from faultmap_assets.log_rows import IS_STEP_OF_WHOLE, WHOLE_TRACES
from faultmap_assets.warehouse import Connection, Warehouse, insert
from faultmap_core.readers import FileSize
from faultmap_core.report_text import counted

# Of several paths with the same content one stands for the rows: the newest.
_STANDING = "SELECT staging_id, max(sequence) AS sequence FROM source_files GROUP BY staging_id"
# A row is superseded where a newer delivery has its key, and a step of a trace where another file has all of the trace.
_WITH_NEWER = (
    """SELECT staging_id,
        max(sequence) OVER (PARTITION BY dataset, model, {day} example_id, epoch) > sequence
        OR """
    + IS_STEP_OF_WHOLE
    + """ AS superseded
    FROM staging_rows JOIN standing USING (staging_id)
    LEFT JOIN ("""
    + WHOLE_TRACES
    + """) AS whole USING (dataset, trace_id)"""
)
_LEDGER = f"""
WITH standing AS ({_STANDING}), delivered AS ({_WITH_NEWER.format(day="day,")}),
superseded AS (SELECT staging_id, count(*) FILTER (superseded) AS rows FROM delivered GROUP BY staging_id)
SELECT path, size.bytes, physical_lines, header_lines, blank_lines, record_lines, lines_set_aside,
    coalesce(set_aside, '') AS set_aside, coalesce(records, rows_read) AS records, rows_kept, rows_quarantined,
    rows_repeated, coalesce(rows_left_out, 0) AS rows_left_out,
    CASE WHEN source_files.sequence < standing.sequence THEN rows_kept ELSE coalesce(superseded.rows, 0) END
        AS rows_superseded
FROM source_files JOIN standing USING (staging_id) JOIN stagings USING (staging_id)
LEFT JOIN file_ledger AS size USING (staging_id) LEFT JOIN superseded USING (staging_id)
ORDER BY path
"""


@dataclass(frozen=True)
class PartitionLedger:
    """What became of the rows that files deliver to one partition.

    Attributes:
        staged: rows that the files delivered, as counted when they were read.
        present: rows of theirs that are in the warehouse now.
        superseded: of those, rows that a newer file replaces.
        unbalanced: files whose lines, records and rows do not add up, each with what is wrong.
    """

    staged: int
    present: int
    superseded: int
    unbalanced: tuple[str, ...]


def record_file(connection: Connection, staging_id: str, size: FileSize) -> None:
    """Write down what one file holds."""
    account = size.account
    lines = account if account.by_line else None
    row = {
        "staging_id": staging_id,
        "bytes": size.bytes,
        "physical_lines": size.physical_lines,
        "header_lines": lines and lines.header,
        "blank_lines": lines and lines.blank,
        "record_lines": lines and lines.in_records,
        "lines_set_aside": lines and lines.set_aside,
        "set_aside": ", ".join(account.examples),
        "records": size.records,
    }
    insert(connection, "file_ledger", pa.Table.from_pylist([row], schema=_SCHEMA))


_NUMBERS = ("bytes", "physical_lines", "header_lines", "blank_lines", "record_lines", "lines_set_aside", "records")
_SCHEMA = pa.schema(
    [("staging_id", pa.string()), ("set_aside", pa.string()), *((name, pa.int64()) for name in _NUMBERS)]
)


def ledger_rows(warehouse: Warehouse) -> list[dict[str, Any]]:
    """Return the ledger of every file that stands: path, bytes, lines, records, and rows by what became of them."""
    found: list[dict[str, Any]] = warehouse.query(_LEDGER).to_pylist()
    return found


def ledger_line(rows: Sequence[Mapping[str, Any]]) -> str:
    """Say in one line what became of all files: from the byte to the row."""

    def total(name: str) -> int:
        return sum(row[name] or 0 for row in rows)

    lines = f", {counted(total('physical_lines'), 'line')}" if any(row["physical_lines"] for row in rows) else ""
    told = f"Read {counted(len(rows), 'file')} ({counted(total('bytes'), 'byte')}{lines}): {_outcomes(total)}."
    superseded = total("rows_superseded")
    if superseded:
        count = "counts" if superseded == 1 else "count"
        told += f" {superseded:,} of the kept no longer {count}: a newer file has the same example."
    aside = [row for row in rows if row["lines_set_aside"]]
    if aside:
        first = aside[0]
        more = f" and {counted(len(aside) - 1, 'more file')}" if len(aside) > 1 else ""
        name = str(first["path"]).rsplit("/", 1)[-1]
        unread = counted(total("lines_set_aside"), "line")
        told += f" {unread} could not be read as rows ({name}: line {first['set_aside']}{more})."
    return told


def _outcomes(total: Callable[[str], int]) -> str:
    """Say what became of the rows, in words that need no glossary."""
    records, kept = total("records"), total("rows_kept")
    others = [
        f"{total(f'rows_{name}'):,} {words}"
        for name, words in (
            ("quarantined", "set aside (quarantined)"),
            ("repeated", "repeated"),
            ("left_out", "left out (forgotten, or too old)"),
        )
        if total(f"rows_{name}")
    ]
    if others or kept != records:
        return f"of {counted(records, 'row')}, {', '.join([f'{kept:,} kept', *others])}"
    return f"{'' if records == 1 else 'all '}{counted(records, 'row')} kept" if records else "no rows"


def count_partition(connection: Connection, columns: Mapping[str, Any]) -> PartitionLedger:
    """Count again what files deliver to one partition, and whether each of these files adds up.

    Args: columns: what identifies the partition: dataset and model, or day.
    """
    where = " AND ".join(f"{name} = ${name}" for name in columns)
    parameters = dict(columns)
    (staged,) = _one(
        connection,
        f"""SELECT coalesce(sum(rows), 0) FROM staging_partitions
        WHERE staging_id IN (SELECT staging_id FROM source_files) AND {where}""",
        parameters,
    )
    present, superseded = _one(
        connection,
        f"""WITH standing AS ({_STANDING}), delivered AS ({_WITH_NEWER.format(day="")} WHERE {where})
        SELECT count(*), count(*) FILTER (superseded) FROM delivered""",
        parameters,
    )
    unbalanced = connection.execute(
        f"""SELECT path, physical_lines, header_lines + blank_lines + record_lines AS lines, rows_read,
            rows_kept + rows_quarantined + rows_repeated + coalesce(rows_left_out, 0) AS rows,
            rows_kept, (SELECT count(*) FROM staging_rows AS r WHERE r.staging_id = s.staging_id) AS staged,
            rows_quarantined, (SELECT count(*) FROM quarantine AS q WHERE q.staging_id = s.staging_id) AS quarantined
        FROM source_files JOIN stagings AS s USING (staging_id) LEFT JOIN file_ledger USING (staging_id)
        WHERE s.staging_id IN (SELECT staging_id FROM staging_partitions WHERE {where})
            AND (lines <> physical_lines OR rows <> rows_read OR staged <> rows_kept OR quarantined <> rows_quarantined)
        ORDER BY path""",
        parameters,
    ).fetchall()
    return PartitionLedger(int(staged), int(present), int(superseded), tuple(_unbalanced(*row) for row in unbalanced))


def _unbalanced(path: str, lines: int | None, read: int | None, *counts: int) -> str:
    rows_read, rows, kept, staged, quarantined, set_aside = counts
    if lines is not None and read is not None and lines != read:
        return f"{path}: {lines:,} lines in its bytes, {read:,} read"
    if rows != rows_read:
        return f"{path}: {rows_read:,} rows read, {rows:,} accounted for"
    if kept != staged:
        return f"{path}: {kept:,} rows kept, {staged:,} there"
    return f"{path}: {quarantined:,} rows quarantined, {set_aside:,} there"


def _one(connection: Connection, sql: str, parameters: Mapping[str, Any]) -> tuple[Any, ...]:
    row = connection.execute(sql, dict(parameters)).fetchone()
    assert row is not None
    return row
