"""Find out by its content (or by `--format`) which tool wrote an eval file, and read it with that tool's reader."""

from __future__ import annotations

import hashlib
import io
import itertools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from faultmap_core.errors import EvalFileError
from faultmap_core.evals import EvalOptions, EvalTableBuilder, RowError, key_problem
from faultmap_core.readers import every_eval_ever, helm, inspect_ai, lm_eval, openai_evals, promptfoo, tool_formats
from faultmap_core.readers.archives import ZipLog
from faultmap_core.readers.conservation import LineAccount
from faultmap_core.readers.deepeval import CASE_MEMBERS, RUN_MEMBER
from faultmap_core.readers.documents import LOG_LISTS, is_column_of_spans
from faultmap_core.readers.frames import document_rows, frame_of, frame_rows
from faultmap_core.readers.json_stream import JsonStream
from faultmap_core.readers.raw_rows import NumberedRow
from faultmap_core.readers.shapes import Beginning
from faultmap_core.readers.tables import with_columns
from faultmap_core.readers.tabular import (
    READ_ERRORS,
    TABLE_SUFFIXES,
    EvalBatch,
    build_batches,
    dataset_of,
    file_error,
    hash_of_bytes,
    jsonl_rows,
    open_bytes,
    open_text,
    table_rows,
)

EVAL_SUFFIXES = (*TABLE_SUFFIXES, ".eval", ".json", ".zip", ".traj")
"""How eval files end; text formats also with `.gz` behind."""

_LOOKED_AT_ROWS = 5
_LOOKED_AT_CHARACTERS = 16_000_000
# Folders are looked through often, and may hold ten thousand files.
_LOOKED_AT_IN_FOLDERS = 1_000_000
_HELM_BESIDE = frozenset(
    {helm.SPEC_FILE, helm.STATS_FILE, helm.SUMMARY_FILE, "scenario.json", "instances.json", "annotations.json"}
)
_ZIP = b"PK\x03\x04"
_LINES = (".jsonl", ".ndjson")
_ROW_TESTS: Mapping[str, Callable[[Mapping[str, object]], bool]] = {
    "lm-eval": lm_eval.is_lm_eval_row,
    "openai-evals": openai_evals.is_openai_evals_row,
    "every-eval-ever": every_eval_ever.is_every_eval_ever_row,
    "promptfoo": promptfoo.is_promptfoo_row,
}
_FRAMES = ("ragas", "deepeval", "langsmith", "mlflow")
_IDS_FROM_PROMPTS = tool_formats.WITHOUT_IDS.union(_FRAMES)
_PROMPTFOO_SUMMARY = frozenset({"version", "timestamp", "prompts", "results", "stats"})


def read_eval_file(path: Path, options: EvalOptions) -> Iterator[EvalBatch]:
    """Read one file in batches of at most 2,000 rows or 8 million characters.

    Of a HELM run, the file is its `scenario_state.json`.

    Raises:
        EvalFileError: the file cannot be read at all: missing, not permitted, an unknown format, damaged, a bomb,
            without the columns or the scorer that are needed, without rows, or named so that no dataset can be named
            after it. Batches that were yielded before are to be thrown away.
    """
    try:
        name = options.format or format_of(path, options)
    except READ_ERRORS as error:
        raise file_error(path, error) from error
    if name == "table":
        if options.dataset_name is None and (problem := key_problem(dataset_of(path))):
            raise EvalFileError(f"{path}: the file name {problem}, or give `--dataset-name`")
        account = LineAccount()
        try:
            rows, builder = _table(path, options, account)
        except READ_ERRORS as error:
            raise file_error(path, error) from error
        yield from build_batches(path, rows, builder, account)
        return
    # Those readers name their columns as we do, and tables of tools look up the mapped ones themselves.
    column_map = {} if name in _FRAMES or name in tool_formats.MAPPED else options.column_map
    named = replace(options, column_map=column_map, generate_ids=options.generate_ids or name in _IDS_FROM_PROMPTS)
    account = LineAccount(one_row_each=False)
    rows = _rows(path, options, name, account)
    yield from build_batches(path, rows, EvalTableBuilder(named, dataset_of(path)), account)


def _table(path: Path, options: EvalOptions, account: LineAccount) -> tuple[Iterator[NumberedRow], EvalTableBuilder]:
    if options.scorer:
        options = replace(options, column_map={**options.column_map, "score": options.scorer})
    document = _ending(path).endswith(".json")
    rows, options = with_columns(
        path, document_rows(path, account) if document else table_rows(path, account=account), options
    )
    return rows, EvalTableBuilder(options, fallback_dataset=dataset_of(path))


def _rows(path: Path, options: EvalOptions, name: str, account: LineAccount) -> Iterator[NumberedRow]:
    if name in _FRAMES:
        return frame_rows(path, options, name, account)
    if name in tool_formats.NAMES:
        return tool_formats.rows(path, options, name, account)
    readers: dict[str, Callable[[Path, EvalOptions, LineAccount], Iterator[NumberedRow]]] = {
        "inspect": inspect_ai.zip_rows if _begins_as_zip(path) else inspect_ai.json_rows,
        "lm-eval": lm_eval.rows,
        "helm": helm.rows,
        "promptfoo": promptfoo.rows,
        "openai-evals": openai_evals.rows,
        "every-eval-ever": every_eval_ever.rows,
    }
    return readers[name](path, options, account)


def format_of(path: Path, options: EvalOptions | None = None) -> str:
    """Return the format of a file by its content, one of `evals.FORMATS`; rows with columns are a "table".

    Columns that are no tool's own are a table, and so is what has a column that the options name for the prompt.
    Raises: EvalFileError where it is none that is read here; OSError where it cannot be read.
    """
    if found := tool_formats.format_of(path):
        return found
    name = _format_by_layout(path)
    if name != "table":
        return name
    columns = _first_columns(path)
    own = (options.column_map if options else {}).get("input_text", "input_text")
    return "table" if own in columns else frame_of(columns) or "table"


def _format_by_layout(path: Path) -> str:
    ending = _ending(path)
    if ending.endswith((".eval", ".zip")):
        return _format_of_zip(path)
    if ending.endswith(".json"):
        return _format_of_document(path)
    if ending.endswith(_LINES):
        return _format_of_lines(path)
    if ending.endswith(".parquet") and path.suffix.lower() == ".gz":
        ending = ""
    if ending.endswith(TABLE_SUFFIXES):
        return "table"
    raise EvalFileError(f"{path}: unknown format; expected one of {', '.join(EVAL_SUFFIXES)}, text also as .gz")


def _first_columns(path: Path) -> list[str]:
    """Return the columns of a table's first rows."""
    rows = document_rows(path) if _ending(path).endswith(".json") else table_rows(path)
    found: dict[str, None] = {}
    for _, row in itertools.islice(rows, _LOOKED_AT_ROWS):
        if not isinstance(row, RowError):
            found.update(dict.fromkeys(row))
    return list(found)


def is_eval_file(path: Path) -> bool:
    """Say whether a file that lies in a folder is to be read: by its name, of a JSON document by its beginning.

    JSON of another kind (summaries, settings, the other files of a HELM run) is left out without a word; documents of
    production logs count.
    """
    ending = _ending(path)
    if (counts := tool_formats.counts_in_folders(path)) is not None:
        return counts
    if not ending.endswith(".json"):
        return ending.endswith(EVAL_SUFFIXES)
    if ending in _HELM_BESIDE or ending.startswith("display_"):
        return False
    try:
        with open_bytes(path) as stream:
            stream_of_text = io.TextIOWrapper(stream, encoding="utf-8-sig", errors="replace")
            return _looks_known(JsonStream(Beginning(stream_of_text, _LOOKED_AT_IN_FOLDERS), str(path), whole=False))
    except EvalFileError:
        return False
    except READ_ERRORS:
        # It shall be reported when it is read.
        return True


def _looks_known(stream: JsonStream) -> bool:
    if stream.peek() != "{":
        return stream.peek() == "["
    members: set[str] = set()
    for member in stream.members():
        members.add(member)
        if member in LOG_LISTS or is_column_of_spans(member) or _format_by_members(members, member, stream):
            return True
    return False


def companions(path: Path) -> list[Path]:
    """Return the files beside a log that are read with it."""
    if path.name == helm.STATE_FILE:
        beside = [path.with_name(name) for name in (helm.SPEC_FILE, helm.STATS_FILE, helm.SUMMARY_FILE)]
        return [one for one in beside if one.is_file()]
    results = lm_eval.results_file(path) or every_eval_ever.aggregate_file(path)
    return [results] if results else tool_formats.companions(path)


def content_hash(path: Path) -> str:
    """Return the 32 hex digits that identify a file's bytes, with those of its companions.

    Raises: EvalFileError where it cannot be read.
    """
    digests = [hash_of_bytes(path), *(f"{one.name} {hash_of_bytes(one)}" for one in companions(path))]
    if len(digests) == 1:
        return digests[0]
    return hashlib.blake2b("\n".join(digests).encode("utf-8", "surrogateescape"), digest_size=16).hexdigest()


def _ending(path: Path) -> str:
    return path.name.lower().removesuffix(".gz")


def _begins_as_zip(path: Path) -> bool:
    with path.open("rb") as stream:
        return stream.read(len(_ZIP)) == _ZIP


def _format_of_zip(path: Path) -> str:
    with ZipLog(path) as archive:
        if inspect_ai.is_inspect_zip(archive.names):
            return "inspect"
    raise EvalFileError(f"{path}: this zip file is no log of Inspect AI; unpack it and name the files in it")


def _format_of_lines(path: Path) -> str:
    for _, row in itertools.islice(jsonl_rows(path), _LOOKED_AT_ROWS):
        if not isinstance(row, RowError):
            return next((name for name, fits in _ROW_TESTS.items() if fits(row)), "table")
    return "table"


def _format_of_document(path: Path) -> str:
    with open_text(path) as text:
        stream = JsonStream(Beginning(text, _LOOKED_AT_CHARACTERS), str(path), whole=False)
        first = stream.peek()
        if first == "[":
            return "table"
        if first == "{":
            members: set[str] = set()
            for member in stream.members():
                members.add(member)
                if found := _format_by_members(members, member, stream):
                    return found
            if {"results", "configs"} <= members or "n-shot" in members:
                raise EvalFileError(
                    f"{path}: this is the summary of an lm-eval run; name its samples_*.jsonl (`--log_samples`)"
                )
    raise EvalFileError(f"{path}: JSON of no tool that is known here; `--format` names one, or save it as JSONL")


def _format_by_members(members: set[str], member: str, stream: JsonStream) -> str | None:
    if member == "request_states":
        return "helm"
    if "eval" in members and members & {"status", "samples", "plan", "results"}:
        return "inspect"
    if member in (RUN_MEMBER, *CASE_MEMBERS):
        return "deepeval"
    if member in ("columns", "data") and {"columns", "data"} <= members and stream.peek() == "[":
        # A data frame in pandas' `split` layout; whose it is, its columns tell.
        return "table"
    if member == "results" and stream.peek() == "{":
        inner: set[str] = set()
        for name in stream.members():
            inner.add(name)
            if len(inner & _PROMPTFOO_SUMMARY) >= 2:
                return "promptfoo"
    return None
