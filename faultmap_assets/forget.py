"""How is a person, a session or an old day taken out of everything that is kept?

Rows go from every table that holds them, results that may quote them go too and are made again, and other texts that
quote them are blanked. What is forgotten is remembered as digests, so that reading a file again does not bring it back.
The files themselves, exported tables and Dagster's event log (counts, names, pictures) are out of reach.
"""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import pyarrow as pa

from faultmap_assets.ingestion import count_staged_partitions, drop_what_no_file_delivers, partition_tables
from faultmap_assets.privacy import Subject, first_day_kept, remember_forgotten, subject_columns
from faultmap_assets.records import make_again, read_state
from faultmap_assets.settings import Settings
from faultmap_assets.staleness import ASSET_GRAPH, NODES, AssetPartition, Partition, Scope, WarehouseState
from faultmap_assets.warehouse import Connection, Warehouse, open_warehouse
from faultmap_core.errors import WarehouseError
from faultmap_core.llm import CallStore
from faultmap_core.prompts import text_hash, unique_prompts
from faultmap_core.redaction import pseudonym

SHORTEST_TEXT = 20
"""Shorter texts are not looked for where others quote them: a `yes` is everybody's."""

_BLANK = "[forgotten]"
# Of these the other rows say nothing of what is forgotten; all other results of a partition are made anew.
_ROWS_STAY = frozenset(
    {"raw_evals", "scores", "score_parts", "example_prompts", "error_judgments", "error_signals", "production_logs"}
)
# Tables whose texts are other people's own rows, even where they say the same.
_OWN_TEXTS = frozenset(
    {"staging_rows", "raw_evals", "production_logs", "prompt_embeddings", "source_files", "watched_files"}
)
_TEXT_COLUMNS = ("input_text", "question_text", "output_text", "correct_answer")


@dataclass(frozen=True)
class Forgotten:
    """What was taken out.

    Attributes:
        rows: table -> rows that were deleted: its own, and of results that may quote them all.
        blanked: table -> rows in which a quotation was blanked.
        partitions: partitions that are to be made again.
        replies: replies of language models that quoted a text.
        reports: files that were deleted; they are written again without it.
    """

    rows: Mapping[str, int]
    blanked: Mapping[str, int]
    partitions: int
    replies: int
    reports: tuple[str, ...]


def find_rows(warehouse: Warehouse, subjects: Sequence[Subject]) -> list[tuple[str, str, str | None, int]]:
    """Return dataset (or source of logs), model, day and number of the rows that would be forgotten."""
    with warehouse.read() as connection:
        condition, parameters = _condition(subjects)
        return connection.execute(
            f"SELECT dataset, model, day, count(*) FROM staging_rows WHERE {condition} GROUP BY ALL ORDER BY ALL",
            parameters,
        ).fetchall()


def forget(settings: Settings, subjects: Sequence[Subject]) -> Forgotten:
    """Take out everything of some ids, users and sessions, and never read it again.

    One transaction for the warehouse, whose file is then written anew: DuckDB leaves deleted bytes in its free blocks.
    Afterwards the partitions concerned are stale; a refresh makes them, and the report, without it.
    Raises: WarehouseError, LanguageModelError where something cannot be written; running it again goes on.
    """
    warehouse = open_warehouse(settings)
    with warehouse.write() as connection:
        remember_forgotten(connection, _with_pseudonyms(subjects))
        condition, parameters = _condition(subjects)
        _collect(connection, condition, parameters)
        texts = _texts(connection)
        concerned = _concerned(connection, read_state(connection), settings)
        rows = Counter(embedding_vectors=_delete_vectors(connection))
        rows += Counter(_delete_rows(connection)) + Counter(_delete_results(connection, concerned))
        _blank_excerpts(connection, subjects)
        blanked = _blank_quotations(connection, texts)
        make_again(connection, concerned)
        drop_what_no_file_delivers(connection)
        connection.execute("DROP TABLE forgotten_rows")
    reports = _delete_reports(settings) if concerned else ()
    replies = 0
    if texts and settings.call_store_path.exists():
        with CallStore(settings.call_store_path) as store:
            replies = store.forget(texts)
    _rewrite(warehouse)
    return Forgotten(dict(rows), blanked, len(concerned), replies, reports)


def _rewrite(warehouse: Warehouse) -> None:
    try:
        warehouse.rewrite()
    except WarehouseError as error:
        raise WarehouseError(f"{error}; the rows are deleted, but the file may still hold bytes of them") from error


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
        _delete_vectors(connection)
        expired = _delete_rows(connection)["staging_rows"]
        drop_what_no_file_delivers(connection)
        connection.execute("DROP TABLE forgotten_rows")
    return expired


def _with_pseudonyms(subjects: Iterable[Subject]) -> list[Subject]:
    """An id may stand under its pseudonym, where it held something that is redacted."""
    return [one for subject in subjects for one in (subject, replace(subject, value=pseudonym(subject.value)))]


def _condition(subjects: Sequence[Subject]) -> tuple[str, dict[str, object]]:
    """Return SQL that is true for rows of `staging_rows` that belong to a subject, with its parameters."""
    columns = subject_columns(("user_id", "session_id"))
    conditions = []
    parameters: dict[str, object] = {}
    for number, subject in enumerate(_with_pseudonyms(subjects)):
        parameters |= {f"value_{number}": subject.value, f"dataset_{number}": subject.dataset}
        conditions.append(
            f"({columns[subject.kind]} = $value_{number}"
            f" AND ($dataset_{number}::VARCHAR IS NULL OR dataset = $dataset_{number}))"
        )
    own = " OR ".join(conditions)
    # Another delivery of the same row may not say whose it is.
    key = "(dataset, model, example_id, day IS NULL)"
    return f"{key} IN (SELECT {key} FROM staging_rows WHERE {own})", parameters


def _collect(connection: Connection, condition: str, parameters: Mapping[str, object]) -> None:
    """Note the rows of a condition in the temporary table `forgotten_rows`."""
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE forgotten_rows AS SELECT * FROM staging_rows WHERE {condition}", parameters
    )


def _texts(connection: Connection) -> list[str]:
    """Return the longer texts of the rows, and of what was judged of them, longest first."""
    columns = " UNION ".join(f"SELECT {name} AS text FROM forgotten_rows" for name in _TEXT_COLUMNS)
    judged = " UNION ".join(
        f"SELECT {name} FROM error_judgments SEMI JOIN forgotten_rows USING (dataset, model, example_id)"
        for name in ("error_summary", "raw_reply")
    )
    rows = connection.execute(
        f"""SELECT text FROM ({columns} UNION {judged}) WHERE length(text) >= $shortest
        ORDER BY length(text) DESC, text""",
        {"shortest": SHORTEST_TEXT},
    ).fetchall()
    return [text for (text,) in rows]


def _concerned(connection: Connection, state: WarehouseState, settings: Settings) -> list[AssetPartition]:
    """Return what is made of the rows, directly or not, and what loses its rows beside it, upstream first."""
    found = connection.execute("SELECT DISTINCT dataset, model, day FROM forgotten_rows").fetchall()
    sources = {Partition(day=day) if day else Partition(dataset, model) for dataset, model, day in found}
    concerned: set[AssetPartition] = set()
    emptied: set[tuple[Scope, Partition]] = set()
    everything = [(node, partition) for node in ASSET_GRAPH for partition in state.partitions(node.scope)]
    before = -1
    while len(concerned) > before:
        before = len(concerned)
        for node, partition in everything:
            # Of one partition all tables are emptied, whichever asset is concerned; see `_delete_results`.
            beside = node.name not in _ROWS_STAY and (node.scope, partition) in emptied
            below = any(above in concerned for above in state.upstream(node, partition, settings))
            if beside or below or (not node.upstream and partition in sources):
                concerned.add((node.name, partition))
                if partition_tables(node.scope):
                    emptied.add((node.scope, partition))
    return [(node.name, partition) for node, partition in everything if (node.name, partition) in concerned]


def _delete_vectors(connection: Connection) -> int:
    """Delete the vectors of the rows' texts; one that others have, too, is computed again when it is wanted."""
    hashes = {
        text_hash(form)
        for name in _TEXT_COLUMNS
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
    deleted = _number(
        connection, "DELETE FROM embedding_vectors WHERE text_hash IN (SELECT text_hash FROM forgotten_hashes)"
    )
    connection.unregister("forgotten_hashes")
    return deleted


def _columns_of(connection: Connection) -> dict[str, list[tuple[str, str]]]:
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


def _delete_rows(connection: Connection) -> dict[str, int]:
    """Delete the rows from every table that has rows of examples or logs; return table -> number."""
    deleted = {}
    staged = connection.execute("SELECT staging_id, count(*) FROM forgotten_rows GROUP BY ALL").fetchall()
    for table, columns in _columns_of(connection).items():
        key = next((key for key in _KEYS if set(key) <= {name for name, _ in columns}), None)
        if key:
            same = " AND ".join(f"t.{mine} IS NOT DISTINCT FROM f.{other}" for mine, other in key.items())
            # An example and a row of a log may have the same names.
            kind = "" if "day" in key.values() else " AND f.day IS NULL"
            deleted[table] = _number(
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


def _delete_results(connection: Connection, concerned: Iterable[AssetPartition]) -> dict[str, int]:
    """Delete what was made of the rows together with others and may quote them; return table -> number of rows."""
    deleted: dict[str, int] = {}
    for scope, partition in dict.fromkeys((NODES[asset].scope, partition) for asset, partition in concerned):
        condition = " AND ".join(f"{name} = ${name}" for name in partition.columns)
        for table in partition_tables(scope):
            if table not in _ROWS_STAY:
                number = _number(connection, f"DELETE FROM {table} WHERE {condition}", partition.columns)
                deleted[table] = deleted.get(table, 0) + number
    return deleted


def _blank_excerpts(connection: Connection, subjects: Sequence[Subject]) -> None:
    """Empty the excerpts of bad rows of the same files, and of those that name a subject."""
    connection.execute("UPDATE quarantine SET excerpt = '' WHERE staging_id IN (SELECT staging_id FROM forgotten_rows)")
    for subject in _with_pseudonyms(subjects):
        connection.execute(
            "UPDATE quarantine SET excerpt = '' WHERE contains(excerpt, $name)",
            {"name": json.dumps(subject.value, ensure_ascii=False)},
        )


def _blank_quotations(connection: Connection, texts: Sequence[str]) -> dict[str, int]:
    """Blank the texts wherever else they are quoted, as they are or inside of JSON; return table -> rows changed."""
    forms = {form for text in texts for form in _forms(text)}
    wanted = sorted(forms, key=lambda form: (-len(form), form))
    connection.register("forgotten_texts", pa.table({"form": pa.array(wanted, pa.string())}))
    blanked = {}
    for table, columns in _columns_of(connection).items() if wanted else ():
        changed = set()
        for column in (name for name, kind in columns if kind == "VARCHAR" and table not in _OWN_TEXTS):
            found = connection.execute(
                f"""SELECT t.rowid, any_value(t.{column}), list(form ORDER BY length(form) DESC, form)
                FROM {table} AS t JOIN forgotten_texts ON contains(t.{column}, form)
                WHERE length(t.{column}) >= $shortest GROUP BY t.rowid""",
                {"shortest": SHORTEST_TEXT},
            ).fetchall()
            for row, content, quoted in found:
                for form in quoted:
                    content = content.replace(form, _BLANK)
                connection.execute(
                    f"UPDATE {table} SET {column} = $content WHERE rowid = $row", {"content": content, "row": row}
                )
                changed.add(row)
        if changed:
            blanked[table] = len(changed)
    connection.unregister("forgotten_texts")
    return blanked


def _forms(text: str) -> set[str]:
    """A text as it is, and as it stands inside of JSON."""
    return {text, json.dumps(text)[1:-1], json.dumps(text, ensure_ascii=False)[1:-1]}


def _delete_reports(settings: Settings) -> tuple[str, ...]:
    folder = settings.report_folder
    if not folder.is_dir():
        return ()
    files = tuple(sorted(str(path) for path in folder.rglob("*") if path.is_file()))
    try:
        shutil.rmtree(folder)
    except OSError as error:
        raise WarehouseError(
            f"{folder}: the reports cannot be deleted: {error.strerror}; delete them yourself"
        ) from error
    return files


def _number(connection: Connection, sql: str, parameters: Mapping[str, object] | None = None) -> int:
    row = connection.execute(sql, dict(parameters or {})).fetchone()
    return int(row[0]) if row else 0
