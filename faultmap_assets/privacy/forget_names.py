"""Takes what was written of forgotten rows out of the texts that outlive results: names, alerts, taxonomies.

A result that rests on a forgotten row is deleted and made again. History, alerts, acknowledgements and taxonomies stay,
with the names that they had. A name rests on a row where the row was in its region; such a name is blanked, its figures
stay. A taxonomy is kept for its ids; of its texts the words go that nobody but the forgotten has written.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Mapping
from typing import Any

import pyarrow as pa

from faultmap_assets.defs.history.state import example_key
from faultmap_assets.warehouse.connection import Connection
from faultmap_core.naming.keywords import STOP_WORDS

BLANK = "[forgotten]"

_WORDS = r"[\p{L}\p{N}]{3,}"
_PYTHON_WORDS = re.compile(r"[^\W_]{3,}")
_STAGED_KEY = "staging_id, dataset, model, example_id, epoch"
_TEXTS = ("input_text", "question_text", "output_text", "correct_answer", "metadata")
# Columns whose words come from rows, and from nothing that this project wrote.
_WORD_COLUMNS: Mapping[str, tuple[str, ...]] = {
    "error_taxonomy": ("name", "description", "examples"),
    "error_categories": ("reason",),
}
# Where a sentence of ours may name an id.
_ID_COLUMNS = (
    ("alerts", "message"),
    ("alerts", "note"),
    ("check_results", "description"),
    ("judge_validations", "report"),
    ("quarantine", "reason"),
    ("quarantine", "excerpt"),
    ("watched_files", "reason"),
)


def collect_touched(connection: Connection) -> None:
    """Note in `touched_findings` the names in history that rest on `forgotten_rows`; call it before these are deleted.

    Of a day of production all regions count, for what is in a gap is not kept in history.
    """
    keys = {
        example_key(example_id, prompt_id)
        for example_id, prompt_id in connection.execute(
            """SELECT DISTINCT example_id, coalesce(prompt_id, '') FROM forgotten_rows
            LEFT JOIN example_prompts USING (dataset, model, example_id) WHERE day IS NULL"""
        ).fetchall()
    }
    logged = connection.execute(
        """SELECT DISTINCT day || '|' || dataset || '|' || model || '|' || example_id FROM forgotten_rows
        WHERE day IS NOT NULL"""
    ).fetchall()
    keys |= {example_key(row_id) for (row_id,) in logged}
    connection.register("forgotten_keys", pa.table({"key": pa.array(sorted(map(int, keys)), pa.uint64())}))
    connection.execute("CREATE OR REPLACE TEMP TABLE forgotten_members AS SELECT key FROM forgotten_keys")
    connection.unregister("forgotten_keys")
    connection.execute(
        """CREATE OR REPLACE TEMP TABLE touched_findings AS
        SELECT DISTINCT finding_id, name, fixed_name FROM finding_history
        WHERE kind IN ('slice', 'gap') AND (
            list_has_any(members, (SELECT coalesce(list(key), []) FROM forgotten_members))
            OR day IN (SELECT day FROM forgotten_rows WHERE day IS NOT NULL))"""
    )


def private_words(connection: Connection) -> frozenset[str]:
    """Return the words of `forgotten_rows` that no other row has, nor any judgment of another row."""
    texts = " UNION ALL ".join(f"SELECT {{0}}.{name} AS text FROM {{1}}" for name in _TEXTS)
    own = texts.format("f", "forgotten_rows AS f")
    others = texts.format("s", f"staging_rows AS s ANTI JOIN forgotten_rows USING ({_STAGED_KEY})")
    judged = " UNION ALL ".join(
        f"SELECT {name} FROM error_judgments ANTI JOIN forgotten_rows USING (dataset, model, example_id)"
        for name in ("error_title", "error_summary")
    )
    named = "SELECT DISTINCT dataset FROM staging_partitions UNION SELECT DISTINCT model FROM staging_partitions"
    of_others = f"{others} UNION ALL {judged} UNION ALL {named}"
    rows = connection.execute(f"{_words_of(own)} EXCEPT {_words_of(of_others)}").fetchall()
    return frozenset(word for (word,) in rows) - STOP_WORDS


def _words_of(texts: str) -> str:
    return f"SELECT DISTINCT unnest(regexp_extract_all(lower(text), '{_WORDS}')) AS word FROM ({texts})"


def blank_names(connection: Connection, words: Collection[str]) -> dict[str, int]:
    """Blank the names of `touched_findings` wherever they outlive the rows; return table -> rows changed.

    A name that is a metadata value is what its slice is recognised by: it stays where other rows have the value.
    """
    touched = connection.execute("SELECT finding_id, name, fixed_name FROM touched_findings").fetchall()
    gone = {
        (finding_id, name)
        for finding_id, name, fixed in touched
        if name != BLANK and (not fixed or _has_word(name, words))
    }
    changed = {"finding_history": 0, "alerts": 0, "acknowledgements": 0}
    for finding_id, name in sorted(gone):
        about = {"finding": finding_id, "name": name, "blank": BLANK}
        for table in changed:
            changed[table] += _number(
                connection,
                f"UPDATE {table} SET name = $blank WHERE finding_id = $finding AND name = $name",
                about,
            )
        connection.execute(
            """UPDATE alerts SET message = replace(message, $name, $blank), note = replace(note, $name, $blank)
            WHERE finding_id = $finding""",
            about,
        )
    # A kind of error stands in history under its id, with its name beside it.
    changed["finding_history"] += _replace_words(
        connection, "finding_history", "source_id", words, "kind = 'error_category'"
    )
    return {table: number for table, number in changed.items() if number}


def drop_members(connection: Connection) -> None:
    """Take the keys of `forgotten_members` out of what history keeps of regions and outcomes."""
    keys = {int(key) for (key,) in connection.execute("SELECT key FROM forgotten_members").fetchall()}
    concerned = "list_has_any({}, (SELECT coalesce(list(key), []) FROM forgotten_members))"
    for rowid, members in connection.execute(
        f"SELECT rowid, members FROM finding_history WHERE {concerned.format('members')}"
    ).fetchall():
        connection.execute(
            "UPDATE finding_history SET members = $members::UBIGINT[] WHERE rowid = $row",
            {"members": [one for one in members if one not in keys], "row": rowid},
        )
    for rowid, examples, failed in connection.execute(
        f"SELECT rowid, examples, failed FROM audit_outcomes WHERE {concerned.format('examples')}"
    ).fetchall():
        kept = [(one, value) for one, value in zip(examples, failed, strict=True) if one not in keys]
        connection.execute(
            "UPDATE audit_outcomes SET examples = $examples::UBIGINT[], failed = $failed::FLOAT[] WHERE rowid = $row",
            {"examples": [one for one, _ in kept], "failed": [value for _, value in kept], "row": rowid},
        )


def blank_ids(connection: Connection, values: Collection[str]) -> dict[str, int]:
    """Replace ids, as whole words, in what checks, readers and alerts say; return table -> rows changed.

    Ids of fewer than four characters, or of few digits alone, are other things' numbers as well.
    """
    told = sorted({one for one in values if len(one) >= (6 if one.isdigit() else 4)}, key=lambda one: (-len(one), one))
    if not told:
        return {}
    word = re.compile("|".join(rf"(?<![\w-]){re.escape(one)}(?![\w-])" for one in told))
    changed: dict[str, int] = {}
    for table, column in _ID_COLUMNS:
        number = 0
        rows = connection.execute(f"SELECT rowid, {column} FROM {table} WHERE {column} <> ''").fetchall()
        for rowid, text in rows:
            new = word.sub(BLANK, text)
            if new != text:
                about = {"new": new, "row": rowid}
                connection.execute(f"UPDATE {table} SET {column} = $new WHERE rowid = $row", about)
                number += 1
        if number:
            changed[table] = changed.get(table, 0) + number
    return changed


def blank_taxonomies(connection: Connection, words: Collection[str], quoted: frozenset[str]) -> dict[str, int]:
    """Take words, and examples that quote a judgment of a forgotten row, out of all versions of the taxonomy."""
    changed = {}
    for table, columns in _WORD_COLUMNS.items():
        changed[table] = sum(_replace_words(connection, table, column, words) for column in columns)
    changed["taxonomies"] = 0
    for version, content in connection.execute("SELECT version, content FROM taxonomies ORDER BY version").fetchall():
        stored = json.loads(content)
        for category in stored.get("categories", ()):
            category["examples"] = [
                one for one in category.get("examples", ()) if not quoted.intersection(one) and not _told(one, words)
            ]
            for key in ("name", "description"):
                category[key] = _without(str(category.get(key, "")), words)
        new = json.dumps(stored, ensure_ascii=False, allow_nan=False)
        if new != content:
            connection.execute(
                "UPDATE taxonomies SET content = $new WHERE version = $version", {"new": new, "version": version}
            )
            changed["taxonomies"] += 1
    return {table: number for table, number in changed.items() if number}


def _told(texts: Iterable[Any], words: Collection[str]) -> bool:
    return any(_has_word(str(text), words) for text in texts)


def _has_word(text: str, words: Collection[str]) -> bool:
    return any(word in words for word in _PYTHON_WORDS.findall(text.lower()))


def _without(text: str, words: Collection[str]) -> str:
    return _PYTHON_WORDS.sub(lambda found: BLANK if found[0].lower() in words else found[0], text)


def _replace_words(
    connection: Connection, table: str, column: str, words: Collection[str], condition: str = "true"
) -> int:
    """Replace words in one column; return the number of rows changed."""
    number = 0
    for rowid, text in connection.execute(f"SELECT rowid, {column} FROM {table} WHERE {condition}").fetchall():
        new = _without(text or "", words)
        if new != (text or ""):
            connection.execute(f"UPDATE {table} SET {column} = $new WHERE rowid = $row", {"new": new, "row": rowid})
            number += 1
    return number


def _number(connection: Connection, sql: str, parameters: Mapping[str, object]) -> int:
    row = connection.execute(sql, dict(parameters)).fetchone()
    return int(row[0]) if row else 0
