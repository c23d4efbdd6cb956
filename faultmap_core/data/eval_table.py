"""Validate rows of eval results and build the eval table; rows that cannot be counted are rejected with a reason.

Rows come as plain mappings from `readers`; here they become the eval table (`EVAL_SCHEMA`) or are rejected with a
reason. A rejected row never stops the others and is never counted as right or wrong.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from array import array
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, time, timedelta
from decimal import Decimal
from typing import Any, ClassVar
from uuid import UUID

import numpy as np
import pyarrow as pa

from faultmap_core.base.errors import ConfigurationError
from faultmap_core.base.records import strict
from faultmap_core.data.column_paths import MISSING, column_problem, value_at
from faultmap_core.data.decimal_commas import DecimalsSeen, decimal_comma
from faultmap_core.data.metrics import VERDICT, Metric
from faultmap_core.data.payloads import decoded
from faultmap_core.data.prompts import prompt_id
from faultmap_core.data.score_range import ScoresSeen, range_problem, without_rounding
from faultmap_core.data.unwrapping import Prompt, unwrap_prompt, unwrap_response
from faultmap_core.data.verdict_words import Judged, judged, letter_of, letters_are_verdicts, share_of_percentage

EVAL_SCHEMA = pa.schema(
    [
        pa.field("dataset", pa.string(), nullable=False),
        pa.field("model", pa.string(), nullable=False),
        pa.field("example_id", pa.string(), nullable=False),
        pa.field("epoch", pa.int32(), nullable=False),
        pa.field("input_text", pa.string(), nullable=False),
        pa.field("question_text", pa.string()),
        pa.field("output_text", pa.string(), nullable=False),
        pa.field("score", pa.float64()),
        pa.field("passed", pa.bool_()),
        pa.field("metric", pa.string()),
        pa.field("correct_answer", pa.string()),
        pa.field("metadata", pa.string(), nullable=False),
        pa.field("line", pa.int64(), nullable=False),
        pa.field("row_digest", pa.string(), nullable=False),
    ]
)
"""`question_text` is what the user asked last where `input_text` holds more than that (a chat, documents), null
elsewhere; `passed` is the verdict of the
tool that wrote the file, `metric` what the score measures (`Metric.to_json`); `metadata` is a JSON object."""

FIELDS = ("dataset", "model", "example_id", "epoch", "input_text", "output_text", "score", "passed", "correct_answer")
"""The columns with a meaning; every other column of a file is metadata."""

FIELD_ALIASES = {
    "id": "example_id",
    "input": "input_text",
    "prompt": "input_text",
    "output": "output_text",
    "response": "output_text",
    "reference": "correct_answer",
}
"""Short names that `parse_column_map` takes for ours."""

FORMATS = (
    "table",
    "inspect",
    "lm-eval",
    "helm",
    "promptfoo",
    "openai-evals",
    "every-eval-ever",
    "deepeval",
    "ragas",
    "langsmith",
    "mlflow",
    "openai-batch",
    "swe-bench",
    "azure",
    "promptfoo-csv",
    "mt-bench",
    "humaneval",
    "opencompass",
    "lighteval",
    "tau-bench",
    "swe-agent",
    "mmlu-pro",
    "alpaca-eval",
    "wide-table",
)
"""What `format` may name: rows with our own columns, and what other tools write."""

UNIT_RANGE = (0.0, 1.0)
"""The range of scores where nobody says another."""

MAX_KEY_LENGTH = 200
_EXCERPT_LENGTH = 200
_MAX_COLUMNS = 1_000
# Raised when the same file gives other rows than before; what was staged is then read again.
_READING = 4
# An image inside of a message is of no use as text; the rest of the message is.
_MAX_DATA_URL = 200
_ABSENT_SCORES = frozenset({"", "nan", "null", "none", "n/a", "na", "-", "–"})
_WHOLE_FLOAT = re.compile(r"-?[0-9]+\.0")
_BOOLEAN_SCORES = {"true": 1.0, "false": 0.0}

Row = Mapping[str, Any]


@dataclass(frozen=True)
class EvalOptions:
    """How the columns of a file are to be understood.

    Attributes:
        column_map: our field name -> the file's column name.
        dataset_name, model_name: used for rows that do not name theirs.
        generate_ids: derive `example_id` from the prompt where a row has none.
        score_ranges: dataset -> (lowest, highest) allowed score.
        default_score_range: for datasets that `score_ranges` does not name.
        format: one of `FORMATS`; None finds it by the file's content.
        scorer: which of a file's named scores is the score: a scorer, `metric,filter` or a column; None takes the
            file's first. The others stay in the metadata.
        higher_is_better: dataset -> whether a higher score is the better one.
        default_higher_is_better: for datasets that `higher_is_better` does not name; true leaves it to the file.
        unread: fields whose column of our own name is metadata: of a table whose score somebody chose, the verdict.
    """

    column_map: Mapping[str, str] = field(default_factory=dict)
    dataset_name: str | None = None
    model_name: str | None = None
    generate_ids: bool = False
    score_ranges: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    default_score_range: tuple[float, float] = UNIT_RANGE
    format: str | None = None
    scorer: str | None = None
    higher_is_better: Mapping[str, bool] = field(default_factory=dict)
    default_higher_is_better: bool = True
    unread: frozenset[str] = frozenset()

    fields: ClassVar[tuple[str, ...]] = FIELDS
    formats: ClassVar[tuple[str, ...]] = FORMATS

    def __post_init__(self) -> None:
        unknown = sorted(set(self.column_map) - set(self.fields))
        if unknown:
            raise ConfigurationError(f"column map: {unknown[0]!r} is no field; map one of {', '.join(self.fields)}")
        if self.format is not None and self.format not in self.formats:
            raise ConfigurationError(f"format {self.format!r} is unknown; expected one of {', '.join(self.formats)}")
        for what, key in (("dataset name", self.dataset_name), ("model name", self.model_name)):
            if key is not None and (problem := key_problem(key)):
                raise ConfigurationError(f"{what} {key!r} {problem}")

    @property
    def required_fields(self) -> list[str]:
        """Fields whose column a file must have: what no option stands in for."""
        needed = ["input_text"]
        needed += [] if self.generate_ids else ["example_id"]
        return needed + ([] if self.model_name else ["model"])

    @property
    def named_columns(self) -> list[str]:
        """Columns that somebody named in the column map: some row of the file must have them."""
        return list(self.column_map.values())

    def range_of(self, dataset: str) -> tuple[float, float]:
        """Return the lowest and the highest allowed score of a dataset."""
        return self.score_ranges.get(dataset, self.default_score_range)

    def range_remedy(self, dataset: str, low: float, high: float) -> str:
        """Say how another score range is set."""
        return (
            f"set score_range, in faultmap.yaml: datasets: {{{json.dumps(dataset, ensure_ascii=False)}: {{score_range:"
            f" [{low:g}, {high:g}]}}}}; where a number stands for no score, leave the cell empty"
        )

    def higher_is_better_in(self, dataset: str) -> bool | None:
        """Say whether a higher score is the better one in a dataset; None where nobody said so."""
        return self.higher_is_better.get(dataset, None if self.default_higher_is_better else False)

    def digest(self) -> str:
        """Return 16 hex digits that change whenever the same file would be understood differently."""
        parts: list[Any] = [
            sorted(self.column_map.items()),
            self.dataset_name,
            self.model_name,
            self.generate_ids,
            sorted((name, list(bounds)) for name, bounds in self.score_ranges.items()),
            list(self.default_score_range),
            _READING,
        ]
        # Only where they are given, so that what was staged before they existed need not be read again.
        parts += [[name, value] for name, value in (("format", self.format), ("scorer", self.scorer)) if value]
        # Words such as yes and pass stand for an end of the score range, and the direction says for which.
        directions = {**self.higher_is_better, **({} if self.default_higher_is_better else {"": False})}
        parts += [["higher_is_better", sorted(directions.items())]] if directions else []
        return hashlib.blake2b(json.dumps(parts).encode(), digest_size=8).hexdigest()


@dataclass(frozen=True)
class RejectedRow:
    """A row that is not fit to be counted: where it stands, why, and its beginning."""

    line: int
    reason: str
    excerpt: str
    dataset: str | None = None
    model: str | None = None


@dataclass(frozen=True)
class KeyConflicts:
    """Lines that share their key with another line of the same file.

    Attributes:
        repeated: lines that say the same as an earlier line; they are dropped and counted.
        conflicting: line -> reason, for rows that differ under one key; none of them can be believed.
    """

    repeated: tuple[int, ...]
    conflicting: Mapping[int, str]


def parse_column_map(pairs: Sequence[str], fields: Sequence[str] = FIELDS) -> dict[str, str]:
    """Read pairs such as `input=question` (our field or its alias, the file's column) into a column map.

    Raises: ConfigurationError where a pair has no `=`, names no field of ours, or one field is mapped twice.
    """
    column_map: dict[str, str] = {}
    for pair in pairs:
        name, separator, column = pair.partition("=")
        name = FIELD_ALIASES.get(name.strip(), name.strip())
        if not separator or not column.strip() or name not in fields:
            raise ConfigurationError(f"column map {pair!r}: expected FIELD=COLUMN, FIELD one of {', '.join(fields)}")
        if name in column_map:
            raise ConfigurationError(f"column map {pair!r}: {name} is mapped twice")
        column_map[name] = column.strip()
    return column_map


def key_problem(key: str) -> str | None:
    """Say why `key` cannot be a partition key, or None where it can. Dagster itself checks nothing."""
    if not key.strip():
        return "is empty"
    if "|" in key or "..." in key:
        return "holds '|' or '...', which separate partition keys; rename it"
    if not key.isprintable():
        return "holds control characters; rename it"
    if len(key) > MAX_KEY_LENGTH:
        return f"is longer than {MAX_KEY_LENGTH} characters; shorten it"
    return None


class RowError(Exception):
    """One row is not fit to be counted; the text is the reason."""


class EvalTableBuilder:
    """Turns the raw rows of one file into rows of the eval table, batch by batch, in bounded memory.

    It remembers 24 bytes a row, to find lines with one key at the end of the file (`conflicts`), and about 100 more
    where ids are generated.
    """

    schema: ClassVar[pa.Schema] = EVAL_SCHEMA
    fields: ClassVar[tuple[str, ...]] = FIELDS

    def __init__(self, options: EvalOptions, fallback_dataset: str) -> None:
        self._options = options
        self._fallback_dataset = options.dataset_name or fallback_dataset
        self._generated: dict[int, int] = {}
        self._unseen = set(options.named_columns)
        self._columns: dict[str, None] = {}
        self._scores_seen: dict[str, ScoresSeen] = {}
        self._letters: set[str] = set()
        self._decimals = DecimalsSeen()
        self._ids_are_floats: bool | None = None
        self._key_hashes, self._row_hashes, self._lines = array("Q"), array("Q"), array("Q")

    def table(self, rows: Sequence[tuple[int, Row | RowError]]) -> tuple[pa.Table, list[RejectedRow]]:
        """Validate `rows`, pairs of a line number and a row or what is wrong with it.

        Returns: the table of accepted rows (`schema`) and the rejected ones.
        """
        accepted: list[dict[str, Any]] = []
        rejected: list[RejectedRow] = []
        if self._ids_are_floats is None:
            self._ids_are_floats = self._have_float_ids(rows)
        for line, row in rows:
            try:
                if isinstance(row, RowError):
                    raise row
                accepted.append(self._remembered(line, self._accept(row)))
            except RowError as error:
                rejected.append(self._rejected(line, row, str(error)))
            except RecursionError:
                rejected.append(RejectedRow(line, "its values are nested too deeply", ""))
        return pa.Table.from_pylist(accepted, schema=self.schema), rejected

    def problem(self) -> str | None:
        """Say why nothing of the file is to be kept, now that all of its rows were seen; None where there is nothing.

        A column that was named and that no row has; numbers that can be read in two ways; scores of another range than
        the dataset's; letter grades.
        """
        if self._unseen and self._columns:
            return column_problem(min(self._unseen), list(self._columns))
        if problem := self._decimals.problem():
            return problem
        for dataset, seen in self._scores_seen.items():
            if seen.are_of_another_range:
                remedy = self._options.range_remedy(dataset, *seen.likely_range)
                return range_problem(seen, remedy)
        if not letters_are_verdicts(self._letters):
            shown = ", ".join(sorted(self._letters)).upper()
            return f"scores are letters ({shown}), which can be grades or verdicts; write numbers, or pass and fail"
        return None

    def conflicts(self) -> KeyConflicts:
        """Find the lines that share a key (dataset, model, example id, epoch) with another line seen so far."""
        keys = np.frombuffer(self._key_hashes, dtype=np.uint64)
        digests = np.frombuffer(self._row_hashes, dtype=np.uint64)
        lines = np.frombuffer(self._lines, dtype=np.uint64)
        order = np.lexsort((lines, keys))
        bounds = np.flatnonzero(np.r_[True, keys[order][1:] != keys[order][:-1], True]) if len(keys) else np.array([0])
        repeated: list[int] = []
        conflicting: dict[int, str] = {}
        for position in np.flatnonzero(np.diff(bounds) > 1):
            group = order[bounds[position] : bounds[position + 1]]
            group_lines = [int(line) for line in lines[group]]
            if len(set(digests[group].tolist())) == 1:
                repeated.extend(group_lines[1:])
                continue
            shown = ", ".join(str(line) for line in group_lines[:5])
            reason = (
                f"lines {shown} differ under one example_id; give repeats an `epoch` column, other examples another id"
            )
            conflicting.update(dict.fromkeys(group_lines, reason))
        return KeyConflicts(tuple(sorted(repeated)), conflicting)

    def _accept(self, row: Row) -> dict[str, Any]:
        if self._unseen:
            self._look_for_columns(row)
        self._check_keys(row)
        dataset = self._key(row, "dataset", self._fallback_dataset)
        model = self._key(row, "model", self._options.model_name)
        prompt = _prompt(self._value(row, "input_text"))
        input_text = _encodable(prompt.text)
        epoch = _epoch(self._value(row, "epoch"))
        return {
            "dataset": dataset,
            "model": model,
            "example_id": self._example_id(row, dataset, model, epoch, input_text),
            "epoch": epoch,
            "input_text": input_text,
            "question_text": _encodable(prompt.question) if prompt.question else None,
            "output_text": _answer(self._value(row, "output_text"), self._unwrapped),
            **self._outcome(row, dataset),
            "correct_answer": _reference(self._value(row, "correct_answer")),
            "metadata": self._metadata(row, prompt.messages),
        }

    @staticmethod
    def _unwrapped(value: Any) -> str | None:
        """Return an answer as text, None where there is none."""
        return unwrap_response(value)

    def _remembered(self, line: int, accepted: dict[str, Any]) -> dict[str, Any]:
        """Note the key and the content of an accepted row, for `conflicts`; return it with its line and digest."""
        content = json.dumps(list(accepted.values()), ensure_ascii=True)
        digest = hashlib.blake2b(content.encode(), digest_size=16).digest()
        key = json.dumps([accepted[name] for name in ("dataset", "model", "example_id", "epoch")])
        self._key_hashes.append(_hash64(key))
        self._row_hashes.append(int.from_bytes(digest[:8], "big"))
        self._lines.append(line)
        return {**accepted, "line": line, "row_digest": digest.hex()}

    def _rejected(self, line: int, row: Row | RowError, reason: str) -> RejectedRow:
        if isinstance(row, RowError):
            return RejectedRow(line, reason, "", self._fallback_dataset, self._options.model_name)
        excerpt = json.dumps(dict(row), ensure_ascii=False, default=str)[:_EXCERPT_LENGTH]
        dataset = self._value(row, "dataset") or self._fallback_dataset
        model = self._value(row, "model") or self._options.model_name
        names = (_encodable(str(name).strip()) if name else None for name in (dataset, model))
        return RejectedRow(line, reason, _encodable(excerpt), *names)

    def _look_for_columns(self, row: Row) -> None:
        if len(self._columns) < _MAX_COLUMNS:
            self._columns.update(dict.fromkeys(map(str, row)))
        self._unseen = {column for column in self._unseen if value_at(row, column) is MISSING}

    def _value(self, row: Row, name: str) -> Any:
        column = self._options.column_map.get(name)
        if column is None:
            return None if name in self._options.unread else row.get(name)
        value = value_at(row, column)
        return None if value is MISSING else value

    def _check_keys(self, row: Row) -> None:
        """Raise RowError where a row does not say whose answer to what it is: all that is missing, with the remedy."""
        remedies = {}
        if not self._options.model_name and not (text_of(self._value(row, "model"), "model") or "").strip():
            remedies["model"] = "`--model-name NAME` names it"
        if self._needs_id(row):
            remedies["example_id"] = "`--generate-ids` derives ids from the prompts"
        if remedies:
            verb = "is" if len(remedies) == 1 else "are"
            raise RowError(f"{' and '.join(remedies)} {verb} missing; {', '.join(remedies.values())}")

    def _needs_id(self, row: Row) -> bool:
        return (
            not self._options.generate_ids and not (text_of(self._value(row, "example_id"), "example_id") or "").strip()
        )

    def _key(self, row: Row, name: str, fallback: str | None) -> str:
        key = text_of(self._value(row, name), name)
        key = (key or "").strip() or (fallback or "")
        if not key:
            raise RowError(f"{name} is missing")
        if problem := key_problem(key):
            raise RowError(f"{name} {key[:60]!r} {problem}")
        return key

    def _have_float_ids(self, rows: Sequence[tuple[int, Row | RowError]]) -> bool | None:
        """Say whether ids are whole numbers written as 1.0, as pandas writes a column in which one is missing.

        Returns: None where no row has an id.
        """
        ids = [self._value(row, "example_id") for _, row in rows if not isinstance(row, RowError)]
        ids = [value for value in ids if not _absent(value)]
        return all(isinstance(value, str) and _WHOLE_FLOAT.fullmatch(value.strip()) for value in ids) if ids else None

    def _example_id(self, row: Row, dataset: str, model: str, epoch: int, input_text: str) -> str:
        example_id = (text_of(self._value(row, "example_id"), "example_id") or "").strip()
        if example_id:
            return example_id[:-2] if self._ids_are_floats and _WHOLE_FLOAT.fullmatch(example_id) else example_id
        # From the prompt, so that the same question to another model gets the same id.
        generated = prompt_id(input_text)[:16]
        answered = _hash64(json.dumps([dataset, model, epoch, generated]))
        occurrence = self._generated.get(answered, 0) + 1
        self._generated[answered] = occurrence
        return generated if occurrence == 1 else f"{generated}-{occurrence}"

    def _outcome(self, row: Row, dataset: str) -> dict[str, Any]:
        """Return the score, the tool's verdict and the metric; of a verdict alone, the score is an end of the range."""
        metric = row.get("metric")
        metric = metric if isinstance(metric, Metric) else None
        score, passed = self._score(row, dataset), _verdict(self._value(row, "passed"))
        if score is None and passed is not None:
            metric = metric or VERDICT
            score = self._score_of_verdict(dataset, metric, "passed" if passed else "failed")
        said = judged(self._value(row, "score"))
        if passed is None and said is not None and said != "partial":
            passed = said in ("passed", "yes" if self._is_higher_better(dataset, metric) else "no")
        return {
            "score": score,
            "passed": passed,
            "metric": metric.to_json() if metric is not None and score is not None else None,
        }

    def _score(self, row: Row, dataset: str) -> float | None:
        value = self._value(row, "score")
        self._decimals.note(value)
        if letter := letter_of(value):
            self._letters.add(letter)
        metric = row.get("metric")
        metric = metric if isinstance(metric, Metric) else None
        if (said := judged(value)) is not None:
            return self._score_of_verdict(dataset, metric, said)
        low, high = self._range(dataset, metric)
        share = share_of_percentage(value)
        score = number_of(value, "score") if share is None else low + share * (high - low)
        if score is None:
            return None
        score = without_rounding(score, low, high)
        inside = low <= score <= high
        self._scores_seen.setdefault(dataset, ScoresSeen((low, high))).note(score, inside=inside)
        if not inside:
            raise RowError(f"score {value} is outside of [{low:g}, {high:g}], the dataset's score_range")
        return score

    def _used_columns(self, row: Row) -> set[str]:
        """Return the columns that are fields of ours, and so no metadata."""
        return {self._options.column_map.get(name, name) for name in self.fields if name not in self._options.unread}

    def _score_of_verdict(self, dataset: str, metric: Metric | None, said: Judged) -> float:
        """Return the end of the score range that a word stands for: `yes` the upper one, `passed` the better one."""
        low, high = self._range(dataset, metric)
        better, worse = (high, low) if self._is_higher_better(dataset, metric) else (low, high)
        return {"passed": better, "failed": worse, "yes": high, "no": low, "partial": (low + high) / 2}[said]

    def _is_higher_better(self, dataset: str, metric: Metric | None) -> bool:
        """Say whether higher scores are better: as the options say, else as the metric does."""
        said = self._options.higher_is_better_in(dataset)
        return (metric is None or metric.higher_is_better) if said is None else said

    def _range(self, dataset: str, metric: Metric | None) -> tuple[float, float]:
        """Return which scores are possible: as the settings say, else as the metric does, else as is the default."""
        chosen = self._options.range_of(dataset)
        if dataset in self._options.score_ranges or chosen != UNIT_RANGE or metric is None:
            return chosen
        return chosen if metric.low is None or metric.high is None else (metric.low, metric.high)

    def _metadata(self, row: Row, messages: Sequence[Mapping[str, Any]] | None) -> str:
        used = self._used_columns(row)
        metadata = {
            str(name): value
            for name, value in row.items()
            if name not in used and not _absent(value) and not isinstance(value, Metric)
        }
        if messages is not None:
            metadata.setdefault("input_messages", _without_data_urls(list(messages)))
        return _json(metadata)


def text_of(value: Any, name: str) -> str | None:
    """Return a cell as text, None where it is absent.

    Numbers become text without a `.0` that only a float column put there. Raises RowError on a structure.
    """
    if isinstance(value, str):
        return _encodable(value)
    if _absent(value):
        return None
    if isinstance(value, bool):
        return str(value)
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return str(int(value))
    if isinstance(value, int | float | Decimal):
        return str(value)
    if isinstance(value, bytes):
        return _encodable(value.decode("utf-8", "replace"))
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, timedelta | UUID):
        return str(value)
    raise RowError(f"{name} is of type {type(value).__name__}, expected text")


def _prompt(value: Any) -> Prompt:
    """Return what was asked; raises RowError where nothing was."""
    if not isinstance(value, str | list | dict):
        text = text_of(value, "input_text")
        prompt = Prompt(text) if text and text.strip() else None
    else:
        prompt = unwrap_prompt(value)
    if prompt is None:
        content = decoded(value)
        if isinstance(content, dict) and content:
            raise RowError("input_text is missing: it holds nothing but ids and settings")
        raise RowError(
            f"input_text is missing{': no turn of the chat says anything' if isinstance(content, list) else ''}"
        )
    return prompt


def _answer(value: Any, unwrap: Callable[[Any], str | None]) -> str:
    if isinstance(value, str | list | dict):
        return _encodable(unwrap(value) or "")
    return text_of(value, "output_text") or ""


def content_text(content: Any) -> str:
    """Return the text of a turn's content: it is text, or a list of parts of which the text parts count."""
    if isinstance(content, list):
        return "\n".join(str(part["text"]) for part in content if isinstance(part, dict) and part.get("text"))
    return "" if content is None else str(content)


def _without_data_urls(value: Any) -> Any:
    """Cut long `data:` URLs (images, sound), anywhere in messages, to their kind and length."""
    if isinstance(value, str) and value.startswith("data:") and len(value) > _MAX_DATA_URL:
        return f"{value[:60].partition(',')[0]},… ({len(value):,} characters)"
    if isinstance(value, dict):
        return {key: _without_data_urls(part) for key, part in value.items()}
    return [_without_data_urls(part) for part in value] if isinstance(value, list) else value


def number_of(value: Any, name: str) -> float | None:
    """Return a cell as a number, None where it is absent or nan. Raises RowError where it is neither."""
    if value is None:
        return None
    if isinstance(value, str):
        folded = value.strip().casefold()
        if folded in _ABSENT_SCORES:
            return None
        if folded in _BOOLEAN_SCORES:
            return _BOOLEAN_SCORES[folded]
    if not isinstance(value, str | int | float | Decimal):
        raise RowError(f"{name} is of type {type(value).__name__}, expected a number")
    try:
        number = float(value)
    except (ValueError, OverflowError):
        # Whether the whole column is written so is only known at its end (`EvalTableBuilder.problem`).
        decimal = decimal_comma(value)
        if decimal is None:
            raise RowError(f"{name} {str(value)[:40]!r} is no number") from None
        number = decimal
    return None if math.isnan(number) else number


def _verdict(value: Any) -> bool | None:
    """Return a verdict as a truth value, None where it is absent."""
    said = judged(value)
    if said is not None and said != "partial":
        return said in ("passed", "yes")
    share = share_of_percentage(value)
    number = number_of(value, "passed") if share is None else share
    if number is not None and number not in (0.0, 1.0):
        raise RowError(f"passed {str(value)[:40]!r} is neither true nor false")
    return None if number is None else bool(number)


def _epoch(value: Any) -> int:
    number = number_of(value, "epoch")
    if number is None:
        return 1
    if not number.is_integer() or not 0 <= number < 2**31:
        raise RowError(f"epoch {value!r} is no whole number from 0")
    return int(number)


def _reference(value: Any) -> str | None:
    if isinstance(value, list | dict):
        return _json(value)
    return text_of(value, "correct_answer")


def _absent(value: Any) -> bool:
    return value is None or value == "" or (isinstance(value, float) and math.isnan(value))


def _json(value: Any) -> str:
    try:
        text = json.dumps(value, ensure_ascii=False, sort_keys=True, default=str, allow_nan=False)
    except ValueError:
        text = json.dumps(strict(value), ensure_ascii=False, sort_keys=True)
    return _encodable(text)


def _encodable(text: str) -> str:
    """Replace lone surrogates, which JSON may carry and no UTF-8 store accepts."""
    return text.encode("utf-8", "replace").decode("utf-8") if not text.isascii() else text


def _hash64(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big")
