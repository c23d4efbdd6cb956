"""Read Every Eval Ever's instance records (JSONL) as eval rows, and write eval rows as such records.

A sample that counts in several results has a record for each; here it is one row with several named scores. Records
that repeat a sample within one result are its epochs. `is_correct` is the verdict. The aggregate record beside the file
(`UUID.json` of `UUID_samples.jsonl`) says what each result's metric is, and its score is compared with the rows' mean.
Source: https://github.com/evaleval/every_eval_ever, `instance_level_eval.schema.json`, versions 0.2.0 to 0.2.2.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Generator, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from faultmap_core.evals import EvalOptions, RowError, content_text
from faultmap_core.metrics import Metric
from faultmap_core.readers.conservation import LineAccount
from faultmap_core.readers.json_stream import JsonStream
from faultmap_core.readers.raw_rows import (
    Judged,
    NumberedRow,
    ScorerChoice,
    add_metadata,
    choices_text,
    first_text,
    plain,
    set_error,
    steps_of,
)
from faultmap_core.readers.reconciliation import Tally, ToolSummary, compare_mean
from faultmap_core.readers.tabular import jsonl_rows, open_text

SCHEMA_VERSION = "0.2.2"
_REQUIRED = frozenset({"evaluation_id", "model_id", "evaluation_name", "sample_id", "input", "evaluation"})
_EPOCH = "epoch"
_SCORES = ("score", "is_correct")
_SAMPLES_ENDING = "_samples.jsonl"

_Sample = tuple[str, str, str, int]


def is_every_eval_ever_row(row: Mapping[str, Any]) -> bool:
    """Say whether a row is an instance-level record."""
    return row.keys() >= _REQUIRED


def aggregate_file(path: Path) -> Path | None:
    """Return the aggregate record that belongs to a file of instance records."""
    name = path.name.removesuffix(".gz")
    beside = path.with_name(f"{name.removesuffix(_SAMPLES_ENDING)}.json")
    return beside if name.endswith(_SAMPLES_ENDING) and beside.is_file() else None


def rows(path: Path, options: EvalOptions, account: LineAccount) -> Generator[NumberedRow, None, list[ToolSummary]]:
    """Read one file of records; a row's line is that of the chosen result's record."""
    aggregate = _Aggregate(aggregate_file(path))
    tallies: dict[tuple[str, str], Tally] = {}
    chosen = _chosen_results(path, options.scorer)
    others = _scores_of_other_results(path, chosen) if any(len(ids) > 1 for ids in chosen.results.values()) else {}
    wanted = options.scorer if options.scorer in (None, "score", "is_correct") else None
    scorers = ScorerChoice(wanted, chosen.scores, sure=True)
    epochs = _Epochs()
    for line, record in jsonl_rows(path, account):
        if isinstance(record, RowError):
            yield line, record
        elif problem := _problem(record):
            yield line, RowError(problem)
        elif _result(record) == chosen.of(record):
            epoch = epochs.of(record)
            row = _row(record, epoch)
            scores = _scores(record, aggregate.metric(record))
            scorers.apply(row, {**scores, **others.get(_sample(record, epoch), {})})
            _apply_error(row, record)
            told = tallies.setdefault((str(record["evaluation_name"]), _result(record)), Tally())
            told.add(row, {name: plain(value) for name, value in scores.items()}, str(record["sample_id"]))
            yield line, row
    if wanted:
        scorers.check(path)
    elif options.scorer:
        chosen.check(path, options.scorer)
    return list(aggregate.compared(tallies))


def record_of(row: Mapping[str, Any], *, is_correct: bool) -> dict[str, Any]:
    """Return one scored eval row as an instance-level record.

    Args:
        row: of the eval table, with its metadata as JSON or decoded.
        is_correct: by the dataset's threshold.
    """
    metadata = json.loads(row["metadata"]) if isinstance(row["metadata"], str) else dict(row["metadata"])
    reference = [] if row["correct_answer"] is None else [row["correct_answer"]]
    shown = {name: value if isinstance(value, str) else json.dumps(value) for name, value in metadata.items()}
    if row["epoch"] != 1:
        shown[_EPOCH] = str(row["epoch"])
    return {
        "schema_version": SCHEMA_VERSION,
        "evaluation_id": f"{row['dataset']}/{row['model']}/faultmap",
        "model_id": row["model"],
        "evaluation_name": row["dataset"],
        "sample_id": row["example_id"],
        "sample_hash": _sample_hash(row["input_text"], reference),
        "interaction_type": "single_turn",
        "input": {"raw": row["input_text"], "reference": reference},
        "output": {"raw": [row["output_text"]]},
        "messages": None,
        "answer_attribution": [],
        "evaluation": {"score": row["score"], "is_correct": is_correct},
        "metadata": shown or None,
    }


def _sample_hash(raw: str, reference: Sequence[str]) -> str:
    text = json.dumps({"raw": raw, "reference": list(reference)}, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


class _Chosen:
    """Which result's records become rows, for each evaluation."""

    def __init__(self, results: Mapping[str, list[str]], wanted: str | None, scores: Sequence[str]) -> None:
        self.results, self._wanted, self.scores = results, wanted, scores

    def of(self, record: Mapping[str, Any]) -> str:
        ids = self.results[str(record["evaluation_name"])]
        return self._wanted if self._wanted in ids else ids[0]

    def check(self, path: Path, wanted: str) -> None:
        """Raise EvalFileError where no evaluation has the result that was asked for."""
        known = ScorerChoice(wanted)
        known.apply({}, dict.fromkeys(["score", "is_correct", *(one for ids in self.results.values() for one in ids)]))
        known.check(path)


class _Epochs:
    """Counts a sample's different records within one result; some 200 bytes a record."""

    def __init__(self) -> None:
        self._seen: dict[tuple[str, str, str, str], list[bytes]] = {}

    def of(self, record: Mapping[str, Any]) -> int:
        given = record.get("metadata")
        given = given.get(_EPOCH) if isinstance(given, dict) else None
        if isinstance(given, str) and given.isdecimal() and len(given) < 10:
            return int(given)
        key = (*_sample(record, 0)[:3], _result(record))
        text = json.dumps(record, sort_keys=True)
        digest = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=12).digest()
        seen = self._seen.setdefault(key, [])
        if digest not in seen:
            seen.append(digest)
        return seen.index(digest) + 1


def _chosen_results(path: Path, wanted: str | None) -> _Chosen:
    results: dict[str, list[str]] = {}
    scores: set[str] = set()
    for _, record in jsonl_rows(path):
        if not isinstance(record, RowError) and not _problem(record):
            ids = results.setdefault(str(record["evaluation_name"]), [])
            if _result(record) not in ids:
                ids.append(_result(record))
            scores.update(name for name in _SCORES if record["evaluation"].get(name) is not None)
    return _Chosen(results, wanted, [name for name in _SCORES if name in scores])


def _scores_of_other_results(path: Path, chosen: _Chosen) -> dict[_Sample, dict[str, Any]]:
    others: dict[_Sample, dict[str, Any]] = {}
    epochs = _Epochs()
    for _, record in jsonl_rows(path):
        if isinstance(record, RowError) or _problem(record) or _result(record) == chosen.of(record):
            continue
        scores = others.setdefault(_sample(record, epochs.of(record)), {})
        scores[_result(record)] = record["evaluation"].get("score")
    return others


def _problem(record: Mapping[str, Any]) -> str | None:
    missing = sorted(_REQUIRED - record.keys())
    if missing:
        return f"{missing[0]} is missing"
    for name in ("input", "evaluation"):
        if not isinstance(record[name], dict):
            return f"{name} is of type {type(record[name]).__name__}, expected an object"
    return None


def _result(record: Mapping[str, Any]) -> str:
    return str(record.get("evaluation_result_id") or "")


def _sample(record: Mapping[str, Any], epoch: int) -> _Sample:
    return str(record["evaluation_name"]), str(record["model_id"]), str(record["sample_id"]), epoch


def _scores(record: Mapping[str, Any], metric: Metric) -> dict[str, Any]:
    evaluation = record["evaluation"]
    correct = evaluation.get("is_correct")
    passed = correct if isinstance(correct, bool) else None
    scores = {}
    if evaluation.get("score") is not None:
        scores["score"] = Judged(evaluation["score"], metric, passed)
    if correct is not None:
        scores["is_correct"] = correct
    return scores


class _Aggregate:
    """What the aggregate record says about the results of a file."""

    def __init__(self, path: Path | None) -> None:
        self._results: list[dict[str, Any]] = []
        if path is None:
            return
        with open_text(path) as text:
            found = JsonStream(text, str(path)).head({"evaluation_results"}).get("evaluation_results")
        self._results = [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []

    def metric(self, record: Mapping[str, Any]) -> Metric:
        """Return what the score of a record measures."""
        name, result = str(record["evaluation_name"]), _result(record)
        config = (self._of(name, result) or {}).get("metric_config")
        config = config if isinstance(config, dict) else {}
        low, high = (config.get(one) for one in ("min_score", "max_score"))
        if config.get("score_type") == "binary":
            low, high = 0, 1
        numbers = all(isinstance(one, int | float) for one in (low, high))
        return Metric(
            result or name,
            float(low) if numbers and low is not None else None,
            float(high) if numbers and high is not None else None,
            config.get("lower_is_better") is not True,
        )

    def _of(self, name: str, result: str) -> dict[str, Any] | None:
        named = [one for one in self._results if result and one.get("evaluation_result_id") == result]
        named = named or [one for one in self._results if one.get("evaluation_name") in (name, result)]
        return named[0] if len(named) == 1 else None

    def compared(self, tallies: Mapping[tuple[str, str], Tally]) -> Iterator[ToolSummary]:
        """Compare the score of each result with the mean of its rows."""
        for (name, result), tally in tallies.items():
            details = (self._of(name, result) or {}).get("score_details")
            score = details.get("score") if isinstance(details, dict) else None
            yield from compare_mean(f"score of {result or name}", score, tally.mean("score"))


def _row(record: Mapping[str, Any], epoch: int) -> dict[str, Any]:
    given = record["input"]
    messages = record.get("messages")
    messages = [turn for turn in messages if isinstance(turn, dict)] if isinstance(messages, list) else []
    references = given.get("reference")
    references = references if isinstance(references, list) else [references]
    row: dict[str, Any] = {
        "dataset": record["evaluation_name"],
        "model": record["model_id"],
        "example_id": record["sample_id"],
        "epoch": epoch,
        "input_text": _input(given, messages),
        "output_text": _answer(record.get("output"), messages),
        "correct_answer": (first_text(references) if len(references) == 1 else references) or None,
    }
    if steps := steps_of(messages):
        row["steps"] = steps
    if _result(record):
        row["evaluation_result"] = _result(record)
    metadata = record.get("metadata")
    metadata = metadata if isinstance(metadata, dict) else {}
    add_metadata(row, {name: value for name, value in metadata.items() if name != _EPOCH}, "sample")
    return row


def _input(given: Mapping[str, Any], messages: Sequence[dict[str, Any]]) -> Any:
    raw = given.get("raw")
    if isinstance(raw, str) and raw.strip():
        return choices_text(raw, given.get("choices"))
    first = next((index for index, turn in enumerate(messages) if turn.get("role") == "assistant"), len(messages))
    return list(messages[:first]) or given.get("formatted")


def _answer(output: Any, messages: Sequence[Mapping[str, Any]]) -> str | None:
    raw = output.get("raw") if isinstance(output, dict) else None
    if raw is not None:
        return first_text(raw if isinstance(raw, list) else [raw])
    said = [content_text(turn.get("content")) for turn in messages if turn.get("role") == "assistant"]
    return next((text for text in reversed(said) if text.strip()), None)


def _apply_error(row: dict[str, Any], record: Mapping[str, Any]) -> None:
    """An error without an answer is the infrastructure's, unless the model refused; with an answer it is a remark."""
    error = record.get("error")
    if not error:
        return
    if str(row["output_text"] or "").strip() or "refus" in str(error).lower():
        row["reported_error"] = str(error)
    else:
        set_error(row, error)
