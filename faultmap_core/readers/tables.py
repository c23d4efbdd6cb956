"""Makes sense of a table's columns before its rows are read: which is which, and is all there that is needed."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from faultmap_core.column_names import plain_name
from faultmap_core.column_paths import MISSING, column_problem, one_line, value_at
from faultmap_core.errors import ConfigurationError, EvalFileError
from faultmap_core.evals import EvalOptions, Row, RowError
from faultmap_core.logs import LOG_FIELDS
from faultmap_core.readers.column_names import NAMES, ROW_NUMBERS, SAMPLE_ROWS, find_columns
from faultmap_core.readers.raw_rows import NumberedRow

Options = TypeVar("Options", bound=EvalOptions)

_SAMPLE_CHARACTERS = 8_000_000
# Their rows may have different columns; those of a table have the same.
_LINES_OF_OBJECTS = re.compile(r"\.(json|jsonl|ndjson)(\.gz)?$", re.IGNORECASE)
_REMEDIES = {
    "example_id": "`--map example_id=COLUMN` or `--generate-ids`",
    "model": "`--map model=COLUMN` or `--model-name NAME`",
    **{name: f"`--map {name}=COLUMN`" for name in LOG_FIELDS if name not in ("example_id", "model")},
}


def with_columns(path: Path, rows: Iterator[NumberedRow], options: Options) -> tuple[Iterator[NumberedRow], Options]:
    """Return the same rows, and the options with the columns that hold what by their names and content.

    Raises: EvalFileError where a needed column is not there, or where two columns could be the same thing.
    """
    first = list(_beginning(rows))
    sample = [row for _, row in first if not isinstance(row, RowError)]
    if sample:
        try:
            options = _with_found(options, sample)
        except ConfigurationError as error:
            raise EvalFileError(f"{path}: {error}") from None
        following = next(rows, None)
        if following is None or not _LINES_OF_OBJECTS.search(path.name):
            _check(path, options, sample)
        if following is not None:
            first.append(following)
    return itertools.chain(first, rows), options


def _beginning(rows: Iterator[NumberedRow]) -> Iterator[NumberedRow]:
    characters = 0
    for number, row in itertools.islice(rows, SAMPLE_ROWS):
        yield number, row
        if not isinstance(row, RowError):
            characters += sum(len(value) for value in row.values() if isinstance(value, str))
        if characters > _SAMPLE_CHARACTERS:
            return


def _columns(sample: list[Row]) -> list[str]:
    return list(dict.fromkeys(str(name) for row in sample for name in row))


def _with_found(options: Options, sample: list[Row]) -> Options:
    columns = _columns(sample)
    given = dict(options.column_map)
    # A score that somebody chose is the outcome, whatever else the row says; and a name they gave is the model.
    unread = frozenset({"passed"} if "score" in given and "passed" not in given else ())
    left_alone = set(unread)
    left_alone |= {"model"} if options.model_name else set()
    wanted = {name: known for name, known in NAMES.items() if name not in left_alone}
    found = find_columns(columns, sample, given, wanted)
    if options.generate_ids and plain_name(found.get("example_id", "")) in map(plain_name, ROW_NUMBERS):
        # Ids from prompts were asked for, and what may number the rows is surely not meant instead.
        del found["example_id"]
    return replace(options, column_map={**options.column_map, **found}, unread=unread)


def _check(path: Path, options: EvalOptions, sample: list[Row]) -> None:
    columns = _columns(sample)

    def missing(column: str) -> bool:
        return all(value_at(row, column) is MISSING for row in sample)

    for column in options.named_columns:
        if missing(column):
            raise EvalFileError(f"{path}: {column_problem(column, columns)}")
    columns_of = {name: options.column_map.get(name, name) for name in options.required_fields}
    absent = [name for name, column in columns_of.items() if missing(column)]
    if absent:
        present = ", ".join(map(one_line, columns[:12])) + (f" and {len(columns) - 12} more" if columns[12:] else "")
        named = " and no column ".join(repr(columns_of[name]) for name in absent)
        remedies = "; ".join(_REMEDIES[name] for name in absent)
        raise EvalFileError(f"{path}: no column {named}; it has {present}. Use {remedies}")
