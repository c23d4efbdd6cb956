"""Finds the rows of somebody, or of old days, and deletes them from every table that holds rows of examples or logs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import pyarrow as pa

from faultmap_assets.ingestion.redaction import Subject, first_day_kept, subject_columns
from faultmap_assets.ingestion.staging import count_staged_partitions, drop_what_no_file_delivers
from faultmap_assets.settings import Settings
from faultmap_assets.warehouse.connection import Connection, Warehouse
from faultmap_core.data.prompts import text_hash, unique_prompts
from faultmap_core.data.redaction import pseudonym

TEXT_COLUMNS = ("input_text", "question_text", "output_text", "correct_answer")


def with_pseudonyms(subjects: Iterable[Subject]) -> list[Subject]:
    """An id may stand under its pseudonym, where it held something that is redacted."""
    return [one for subject in subjects for one in (subject, replace(subject, value=pseudonym(subject.value)))]


def _condition(subjects: Sequence[Subject]) -> tuple[str, dict[str, object]]:
    """Return SQL that is true for rows of `staging_rows` that say they are a subject's, with its parameters."""
    columns = subject_columns(("user_id", "session_id"))
    conditions = []
    parameters: dict[str, object] = {}
    for number, subject in enumerate(with_pseudonyms(subjects)):
        parameters |= {f"value_{number}": subject.value, f"dataset_{number}": subject.dataset}
        conditions.append(
            f"({columns[subject.kind]} = $value_{number}"
            f" AND ($dataset_{number}::VARCHAR IS NULL OR dataset = $dataset_{number}))"
        )
    return " OR ".join(conditions), parameters


def collect_rows(connection: Connection, subjects: Sequence[Subject]) -> None:
    """Note all rows of some subjects in the temporary table `forgotten_rows`.

    Another delivery of the same row, and another row of the same trace, may not say whose it is.
    """
    _collect(connection, *_condition(subjects))
    added = 1
    while added:
        added = number_of(
            connection,
            """INSERT INTO forgotten_rows SELECT * FROM staging_rows
            ANTI JOIN forgotten_rows USING (staging_id, dataset, model, example_id, epoch)
            WHERE (dataset, model, example_id, coalesce(day, ''))
                IN (SELECT (dataset, model, example_id, coalesce(day, '')) FROM forgotten_rows)
            OR (trace_id IS NOT NULL AND (dataset, trace_id)
                IN (SELECT (dataset, trace_id) FROM forgotten_rows WHERE trace_id IS NOT NULL))""",
        )


def _collect(connection: Connection, condition: str, parameters: Mapping[str, object]) -> None:
    """Note the rows of a condition in the temporary table `forgotten_rows`."""
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE forgotten_rows AS SELECT * FROM staging_rows WHERE {condition}", parameters
    )


def delete_vectors(connection: Connection) -> int:
    """Delete the vectors of the rows' texts; one that others have, too, is computed again when it is wanted."""
    hashes = {
        text_hash(form)
        for name in TEXT_COLUMNS
        for (text,) in connection.execute(f"SELECT DISTINCT {name} FROM forgotten_rows").fetchall()
        if text
        for form in (text, text.strip())
    }
    # What is embedded may be a part of the prompt; see `unique_prompts`.
    hashes.update(
        digest
        for (digest,) in connection.execute(
            """SELECT DISTINCT text_hash FROM prompt_embeddings JOIN example_prompts USING (dataset, prompt_id)
            SEMI JOIN forgotten_rows USING (dataset, model, example_id)"""
        ).fetchall()
    )
    for (day,) in connection.execute("SELECT DISTINCT day FROM forgotten_rows WHERE day IS NOT NULL").fetchall():
        logs = connection.execute(
            """SELECT coalesce(s.question_text, s.input_text) AS text, s.model, f.example_id IS NOT NULL AS forgotten
            FROM staging_rows s LEFT JOIN forgotten_rows f USING (staging_id, line) WHERE s.day = $day
            ORDER BY s.staging_id, s.line""",
            {"day": day},
        ).to_arrow_table()
        prompts = unique_prompts(logs.column("text").to_pylist(), logs.column("model").to_pylist())
        marked = zip(prompts.unit, logs.column("forgotten").to_pylist(), strict=True)
        hashes.update(text_hash(prompts.texts[unit]) for unit, forgotten in marked if forgotten)
    connection.register("forgotten_hashes", pa.table({"text_hash": pa.array(sorted(hashes), pa.string())}))
    deleted = number_of(
        connection, "DELETE FROM embedding_vectors WHERE text_hash IN (SELECT text_hash FROM forgotten_hashes)"
    )
    connection.unregister("forgotten_hashes")
    return deleted


def columns_of(connection: Connection) -> dict[str, list[tuple[str, str]]]:
    """Return table -> (column, type) of all tables of the warehouse."""
    tables: dict[str, list[tuple[str, str]]] = {}
    for table, column, kind in connection.execute(
        """SELECT table_name, column_name, data_type FROM duckdb_columns()
        WHERE database_name = current_database() AND NOT internal ORDER BY table_name, column_index"""
    ).fetchall():
        tables.setdefault(table, []).append((column, kind))
    return tables


# Columns of a table -> the columns of `forgotten_rows` that they are compared with.
_KEYS: tuple[Mapping[str, str], ...] = (
    {"dataset": "dataset", "model": "model", "example_id": "example_id", "day": "day"},
    {"dataset": "dataset", "model": "model", "example_id": "example_id"},
    {"dataset": "dataset", "example_id": "example_id"},
    {"source": "dataset", "model": "model", "log_id": "example_id", "log_day": "day"},
    {"source": "dataset", "log_id": "example_id", "day": "day"},
)


def delete_rows(connection: Connection) -> dict[str, int]:
    """Delete the rows from every table that has rows of examples or logs; return table -> number."""
    deleted = {}
    staged = connection.execute("SELECT staging_id, count(*) FROM forgotten_rows GROUP BY ALL").fetchall()
    for table, columns in columns_of(connection).items():
        key = next((key for key in _KEYS if set(key) <= {name for name, _ in columns}), None)
        if key:
            same = " AND ".join(f"t.{mine} IS NOT DISTINCT FROM f.{other}" for mine, other in key.items())
            # An example and a row of a log may have the same names.
            kind = "" if "day" in key.values() else " AND f.day IS NULL"
            deleted[table] = number_of(
                connection, f"DELETE FROM {table} AS t WHERE EXISTS (SELECT 1 FROM forgotten_rows f WHERE {same}{kind})"
            )
    for staging_id, rows in staged:
        count_staged_partitions(connection, staging_id)
        connection.execute(
            """UPDATE stagings SET rows_kept = rows_kept - $rows, rows_left_out = coalesce(rows_left_out, 0) + $rows
            WHERE staging_id = $staging_id""",
            {"rows": rows, "staging_id": staging_id},
        )
    return deleted


def expire_logs(settings: Settings, warehouse: Warehouse) -> int:
    """Delete days of logs that are older than `privacy.retention_days`, with all that was made of them.

    Called wherever something is refreshed; looks first, and writes only where there is such a day.
    Returns: the number of rows of logs that went.
    """
    keep_from = first_day_kept(settings)
    if keep_from is None or not warehouse.path.exists():
        return 0
    parameters = {"keep_from": keep_from}
    if not warehouse.query("SELECT 1 FROM staging_partitions WHERE day < $keep_from LIMIT 1", parameters).num_rows:
        return 0
    with warehouse.write() as connection:
        _collect(connection, "day < $keep_from", parameters)
        delete_vectors(connection)
        expired = delete_rows(connection)["staging_rows"]
        drop_what_no_file_delivers(connection)
        connection.execute("DROP TABLE forgotten_rows")
    return expired


def number_of(connection: Connection, sql: str, parameters: Mapping[str, object] | None = None) -> int:
    row = connection.execute(sql, dict(parameters or {})).fetchone()
    return int(row[0]) if row else 0
