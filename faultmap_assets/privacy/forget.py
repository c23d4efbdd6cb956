"""Takes a person, a session or an old day out of everything that is kept.

Rows go from every table that holds them, with all other rows of the same trace; results that may quote them go too and
are made again; names, alerts and other texts that rest on them are blanked (`forget_names`), and so is what Dagster
kept of them (`forget_runs`). What is forgotten is remembered as digests, so that reading a file again does not bring it
back. The files themselves and exported tables are out of reach. `verify_forgotten` looks whether all of it is gone.
"""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa

from faultmap_assets.graph.declarations import ASSET_GRAPH, tables_by_keys
from faultmap_assets.graph.scopes import Partition, Scope
from faultmap_assets.graph.staleness import AssetPartition, WarehouseState
from faultmap_assets.ingestion.redaction import CONTRADICTING, CUT_OFF, Subject, remember_forgotten, remember_traces
from faultmap_assets.ingestion.staging import drop_what_no_file_delivers
from faultmap_assets.privacy.forget_names import (
    BLANK,
    blank_ids,
    blank_names,
    blank_taxonomies,
    collect_touched,
    drop_members,
    private_words,
)
from faultmap_assets.privacy.forget_rows import (
    TEXT_COLUMNS,
    collect_rows,
    columns_of,
    delete_rows,
    delete_vectors,
    number_of,
    with_pseudonyms,
)
from faultmap_assets.privacy.forget_runs import forget_runs, write_sqlite_anew
from faultmap_assets.settings import Settings
from faultmap_assets.warehouse.connection import Connection, Warehouse, open_warehouse
from faultmap_assets.warehouse.known_names import check_names
from faultmap_assets.warehouse.materializations import make_again, read_state
from faultmap_core.base.errors import WarehouseError
from faultmap_core.llm import CallStore

SHORTEST_TEXT = 20
"""Shorter texts are not looked for where others quote them: a `yes` is everybody's."""

# Of these the other rows say nothing of what is forgotten; all other results of a partition are made anew.
_ROWS_STAY = frozenset(
    {"raw_evals", "scores", "score_parts", "example_prompts", "error_judgments", "error_signals", "production_logs"}
)
# Tables whose texts are other people's own rows, even where they say the same.
_OWN_TEXTS = frozenset(
    {"staging_rows", "raw_evals", "production_logs", "prompt_embeddings", "source_files", "watched_files"}
)


@dataclass(frozen=True)
class Forgotten:
    """What was taken out.

    Attributes:
        rows: table -> rows that were deleted: its own, and of results that may quote them all.
        blanked: table -> rows in which a quotation was blanked.
        partitions: partitions that are to be made again.
        replies: replies of language models that quoted a text.
        reports: files that were deleted; they are written again without it.
        runs: whether Dagster's events and logs were deleted; what was made is reported to it again.
        set_aside: damaged warehouses that `doctor --repair` set aside: they cannot be searched, and may hold it.
    """

    rows: Mapping[str, int]
    blanked: Mapping[str, int]
    partitions: int
    replies: int
    reports: tuple[str, ...]
    runs: bool
    set_aside: tuple[str, ...]


def find_rows(warehouse: Warehouse, subjects: Sequence[Subject]) -> list[tuple[str, str, str | None, int]]:
    """Return dataset (or source of logs), model, day and number of the rows that would be forgotten.

    Raises: ConfigurationError where a subject's dataset is none.
    """
    _check_datasets(warehouse, subjects)
    with warehouse.read() as connection:
        collect_rows(connection, subjects)
        return connection.execute(
            "SELECT dataset, model, day, count(*) FROM forgotten_rows GROUP BY ALL ORDER BY ALL"
        ).fetchall()


def _check_datasets(warehouse: Warehouse, subjects: Sequence[Subject]) -> None:
    """A misspelt name must not read like "nothing stored"."""
    check_names(warehouse, sorted({one.dataset for one in subjects if one.dataset}))


def forget(settings: Settings, subjects: Sequence[Subject]) -> Forgotten:
    """Take out everything of some ids, users and sessions, and never read it again.

    One transaction for the warehouse, whose file is then written anew: DuckDB leaves deleted bytes in its free blocks.
    Afterwards the partitions concerned are stale; a refresh makes them, and the report, without it.
    Raises: ConfigurationError where a subject's dataset is none; WarehouseError, LanguageModelError where something
        cannot be written; running it again goes on.
    """
    warehouse = open_warehouse(settings)
    _check_datasets(warehouse, subjects)
    with warehouse.write() as connection:
        remember_forgotten(connection, with_pseudonyms(subjects))
        collect_rows(connection, subjects)
        remember_traces(connection)
        collect_touched(connection)
        texts, words, judged = texts_of_rows(connection), private_words(connection), _judged(connection)
        concerned = _concerned(connection, read_state(connection), settings)
        rows = Counter(embedding_vectors=delete_vectors(connection))
        rows += Counter(delete_rows(connection)) + Counter(_delete_results(connection, concerned))
        _blank_excerpts(connection, subjects)
        blanked = Counter(_blank_quotations(connection, texts))
        if concerned:
            blanked += Counter(blank_names(connection, words)) + Counter(blank_taxonomies(connection, words, judged))
            drop_members(connection)
        blanked += Counter(blank_ids(connection, [one.value for one in with_pseudonyms(subjects)]))
        make_again(connection, concerned)
        drop_what_no_file_delivers(connection)
        connection.execute("DROP TABLE forgotten_rows")
    reports = _delete_reports(settings) if concerned else ()
    replies = 0
    if settings.call_store_path.exists():
        with CallStore(settings.call_store_path) as store:
            replies = store.forget(texts)
        write_sqlite_anew(settings.call_store_path)
    _rewrite(warehouse)
    runs = bool(concerned) and forget_runs(settings)
    aside = sorted(str(path) for path in warehouse.path.parent.glob(f"{warehouse.path.name}.damaged-*"))
    return Forgotten(dict(rows), dict(blanked), len(concerned), replies, reports, runs, tuple(aside))


def _rewrite(warehouse: Warehouse) -> None:
    try:
        warehouse.rewrite()
    except WarehouseError as error:
        raise WarehouseError(f"{error}; the rows are deleted, but the file may still hold bytes of them") from error


def _judged(connection: Connection) -> frozenset[str]:
    """Return what was said of the rows' errors."""
    rows = connection.execute(
        """SELECT DISTINCT error_summary FROM error_judgments
        SEMI JOIN forgotten_rows USING (dataset, model, example_id) WHERE error_summary <> ''"""
    ).fetchall()
    return frozenset(text for (text,) in rows)


def texts_of_rows(connection: Connection) -> list[str]:
    """Return the longer texts of `forgotten_rows`, and of what was judged of them, longest first."""
    columns = " UNION ".join(f"SELECT {name} AS text FROM forgotten_rows" for name in TEXT_COLUMNS)
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
                if partition.key:
                    emptied.add((node.scope, partition))
    return [(node.name, partition) for node, partition in everything if (node.name, partition) in concerned]


# Tables of assets without partitions that quote examples.
_WHOLE_TABLES = {"error_taxonomy": ("error_taxonomy",)}


def _delete_results(connection: Connection, concerned: Sequence[AssetPartition]) -> dict[str, int]:
    """Delete what was made of the rows together with others and may quote them; return table -> number of rows."""
    assets = {asset for asset, _ in concerned}
    deleted = {
        table: number_of(connection, f"DELETE FROM {table}")
        for asset, tables in _WHOLE_TABLES.items()
        if asset in assets
        for table in tables
    }
    for partition in dict.fromkeys(partition for _, partition in concerned if partition.key):
        condition = " AND ".join(f"{name} = ${name}" for name in partition.columns)
        for table in tables_by_keys(*partition.columns):
            if table not in _ROWS_STAY:
                number = number_of(connection, f"DELETE FROM {table} WHERE {condition}", partition.columns)
                deleted[table] = deleted.get(table, 0) + number
    return deleted


def _blank_excerpts(connection: Connection, subjects: Sequence[Subject]) -> None:
    """Empty the excerpts of bad rows of the same files, of those that name a subject, and of those that may be theirs.

    What was cut off may be the name, and of rows that contradict each other the excerpt is the prompt alone.
    """
    connection.execute(f"UPDATE quarantine SET excerpt = '' WHERE {CUT_OFF} OR {CONTRADICTING}")
    connection.execute("UPDATE quarantine SET excerpt = '' WHERE staging_id IN (SELECT staging_id FROM forgotten_rows)")
    for subject in with_pseudonyms(subjects):
        connection.execute(
            r"""UPDATE quarantine SET excerpt = ''
            WHERE contains(regexp_replace(excerpt, '"\s+|\s+"', '"', 'g'), $name)""",
            {"name": json.dumps(subject.value, ensure_ascii=False)},
        )


def _blank_quotations(connection: Connection, texts: Sequence[str]) -> dict[str, int]:
    """Blank the texts wherever else they are quoted, as they are or inside of JSON; return table -> rows changed."""
    forms = {form for text in texts for form in _forms(text)}
    wanted = sorted(forms, key=lambda form: (-len(form), form))
    connection.register("forgotten_texts", pa.table({"form": pa.array(wanted, pa.string())}))
    blanked = {}
    for table, columns in columns_of(connection).items() if wanted else ():
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
                    content = content.replace(form, BLANK)
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
