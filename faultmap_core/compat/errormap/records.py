"""Select the rows that `ErrorMap` analyses, and those that are errors by its own rule.

One file per dataset in a folder. ErrorMap's success rule (0.7 of the dataset's mean score) stands here and nowhere
else in this project.
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Literal

from faultmap_core.base.errors import ConfigurationError, EvalFileError
from faultmap_core.data.eval_table import EvalOptions
from faultmap_core.readers import EVAL_SUFFIXES, dataset_of, read_eval_file

REQUIRED_COLUMNS = ("example_id", "model", "input_text", "output_text", "score")
MEAN_SHARE = 0.7
# Thresholds that ErrorMap itself sets for benchmarks of these names when no dataset_params are given.
KNOWN_THRESHOLDS: Mapping[str, float] = {
    "mmlu_pro_old": 1.0,
    "gpqa": 1.0,
    "omni_math": 0.5,
    "medhelm_v2_aci_bench": 3.5,
    "medhelm_v2_med_dialog_subset_healthcaremagic": 3.5,
    "medhelm_v2_med_dialog_subset_icliniq": 3.5,
    "medhelm_v2_medec": 0.7,
    "medhelm_v2_medi_qa": 3.5,
    "medhelm_v2_medication_qa": 3.5,
    "medhelm_v2_mtsamples_procedures": 3.5,
    "medhelm_v2_mtsamples_replicate": 3.5,
}
_ANY_SCORE = (-sys.float_info.max, sys.float_info.max)
# `multiple_choice` and `categories` stand in ErrorMap's own parameters and have no effect there either.
_DATASET_PARAMS = frozenset({"success_threshold", "multiple_choice", "categories"})


@dataclass(frozen=True)
class EvalRecord:
    """One row of a dataset's file.

    Attributes:
        record_id: unique in a run, the same in every run. example_key: what answers of several models have in common.
        score: None is unscored. error: by the dataset's rule; None where unscored.
        other: the file's further columns.
    """

    record_id: str
    dataset: str
    model: str
    example_id: str
    example_key: str
    epoch: int
    input_text: str
    output_text: str
    score: float | None
    correct_answer: str | None
    row_digest: str
    line: int
    other: Mapping[str, Any] = field(default_factory=dict)
    error: bool | None = None


@dataclass(frozen=True)
class QuarantinedRow:
    """A row that is not fit to be counted."""

    dataset: str
    line: int
    reason: str


@dataclass(frozen=True)
class SuccessRule:
    """Which scores of a dataset are errors.

    Attributes:
        threshold: scores below it are errors, with `inclusive` also those equal to it.
        source: "given" by dataset_params, "known" for a benchmark of this name, "mean" of the dataset's scores.
    """

    dataset: str
    threshold: float
    source: Literal["given", "known", "mean"]
    mean: float | None
    inclusive: bool = False

    def is_error(self, score: float | None) -> bool | None:
        """Say whether a score is an error; None where there is no score."""
        if score is None:
            return None
        return score <= self.threshold if self.inclusive else score < self.threshold

    def __str__(self) -> str:
        if self.mean is None:
            return f"{self.dataset}: no row has a score, so there are no errors to find"
        if self.inclusive:
            return f"{self.dataset}: scores of 0 or less are errors (the mean score is {self.mean:.4g})"
        why = {
            "given": "dataset_params",
            "known": "the benchmark's own threshold; dataset_params set another",
            "mean": f"{MEAN_SHARE} of the mean score {self.mean:.4g}",
        }[self.source]
        return f"{self.dataset}: scores below {self.threshold:.4g} are errors ({why})"


@dataclass(frozen=True)
class PreparedData:
    """Everything that is analysed.

    Attributes:
        records: of the chosen models, and correct answers of the others (for contrast).
        rows_read: rows of the files; repeated: exact copies of another row, dropped.
    """

    records: tuple[EvalRecord, ...]
    rules: tuple[SuccessRule, ...]
    quarantined: tuple[QuarantinedRow, ...]
    rows_read: int
    repeated: int
    not_chosen: int

    @property
    def errors(self) -> tuple[EvalRecord, ...]:
        """The records that are errors."""
        return tuple(record for record in self.records if record.error)

    @property
    def unscored(self) -> int:
        """Records without a score: neither errors nor correct."""
        return sum(record.error is None for record in self.records)


def prepare_data(
    data_path: Path,
    datasets: Sequence[str] | None,
    dataset_params: Mapping[str, Mapping[str, Any]] | None,
    models: Sequence[str] | None,
) -> PreparedData:
    """Read the datasets' files and mark the errors.

    Args:
        datasets: names of files in `data_path`, without their suffix; None: all its CSV files.
        dataset_params: dataset -> {"success_threshold": scores below it are errors}.
        models: whose errors are analysed; None: everybody's.
    Raises:
        ConfigurationError: a folder, dataset or model that does not exist; a threshold that is no number.
        EvalFileError: a file cannot be read at all.
    """
    files = find_files(data_path, datasets)
    read = [_read_dataset(name, path) for name, path in files.items()]
    rows = [record for part in read for record in part.records]
    if models:
        _check_known("model", models, {row.model for row in rows}, f"{data_path}")
    rules = tuple(_rule(name, part.records, dataset_params) for name, part in zip(files, read, strict=True))
    rule_of = {rule.dataset: rule for rule in rules}
    marked = [replace(row, error=rule_of[row.dataset].is_error(row.score)) for row in rows]
    chosen = [row for row in marked if not models or row.model in models or row.error is False]
    return PreparedData(
        records=tuple(chosen),
        rules=rules,
        quarantined=tuple(row for part in read for row in part.quarantined),
        rows_read=sum(part.rows_read for part in read),
        repeated=sum(part.repeated for part in read),
        not_chosen=len(marked) - len(chosen),
    )


def find_files(data_path: Path, datasets: Sequence[str] | None) -> dict[str, Path]:
    """Return dataset -> file. Raises ConfigurationError where the folder or a dataset is not there."""
    if not data_path.is_dir():
        raise ConfigurationError(
            f"data_path {str(data_path)!r} is no folder; expected one that holds a CSV per dataset"
        )
    found: dict[str, Path] = {}
    for path in sorted(path for path in data_path.iterdir() if path.is_file() and not path.name.startswith(".")):
        name = path.name.lower().removesuffix(".gz")
        if name.endswith(EVAL_SUFFIXES) and (name.endswith(".csv") or dataset_of(path) not in found):
            found[dataset_of(path)] = path
    if datasets:
        wanted = [_without_suffix(name, found) for name in dict.fromkeys(datasets)]
        _check_known("dataset", wanted, set(found), f"{data_path} (names are those of the files without .csv)")
        return {name: found[name] for name in wanted}
    csv_files = {name: path for name, path in found.items() if path.name.lower().removesuffix(".gz").endswith(".csv")}
    if not csv_files:
        raise ConfigurationError(f"data_path {str(data_path)!r} holds no CSV file; put one per dataset there")
    return csv_files


def dataset_param_warnings(
    dataset_params: Mapping[str, Mapping[str, Any]] | None, datasets: Iterable[str]
) -> list[str]:
    """Return one line for every parameter that will have no effect."""
    known = sorted(datasets)
    warned: list[str] = []
    for name, params in (dataset_params or {}).items():
        if name not in known:
            warned.append(f"dataset_params: {name!r} is none of the datasets analysed{nearest(name, known)}")
        warned += [
            f"dataset_params of {name!r}: {key!r} is unknown{nearest(key, sorted(_DATASET_PARAMS))}"
            for key in sorted(set(params) - _DATASET_PARAMS)
        ]
    return warned


@dataclass(frozen=True)
class _DatasetRows:
    records: list[EvalRecord]
    quarantined: list[QuarantinedRow]
    rows_read: int
    repeated: int


def _read_dataset(dataset: str, path: Path) -> _DatasetRows:
    # A field that is mapped must have its column, and ErrorMap's format has these.
    options = EvalOptions(column_map={name: name for name in REQUIRED_COLUMNS}, default_score_range=_ANY_SCORE)
    accepted: list[dict[str, Any]] = []
    quarantined: list[QuarantinedRow] = []
    repeated: set[int] = set()
    conflicting: dict[int, str] = {}
    rows_read = 0
    try:
        for batch in read_eval_file(path, options):
            rows_read += batch.rows_read
            accepted += batch.rows.to_pylist()
            quarantined += [QuarantinedRow(dataset, row.line, row.reason) for row in batch.rejected]
            if batch.conflicts:
                repeated.update(batch.conflicts.repeated)
                conflicting.update(batch.conflicts.conflicting)
    except EvalFileError as error:
        # The reader's remedies are options of another command.
        problem = str(error).partition(". Use `--")[0]
        raise EvalFileError(f"{problem}; ErrorMap reads the columns {', '.join(REQUIRED_COLUMNS)}") from error
    quarantined += [QuarantinedRow(dataset, line, reason) for line, reason in conflicting.items()]
    kept = [row for row in accepted if row["line"] not in repeated and row["line"] not in conflicting]
    return _DatasetRows(
        _records(dataset, kept), sorted(quarantined, key=lambda row: row.line), rows_read, len(repeated)
    )


def _records(dataset: str, rows: Sequence[Mapping[str, Any]]) -> list[EvalRecord]:
    records: list[EvalRecord] = []
    taken: set[str] = set()
    for row in rows:
        # The file is the dataset, whatever its column `dataset` says, but that column may tell examples apart.
        part = [row["dataset"]] if row["dataset"] != dataset else []
        example_key = json.dumps([dataset, *part, row["example_id"]], ensure_ascii=False)
        repeat = [row["epoch"]] if row["epoch"] != 1 else []
        record_id = json.dumps([dataset, *part, row["model"], row["example_id"], *repeat], ensure_ascii=False)
        while record_id in taken:
            record_id += "'"
        taken.add(record_id)
        records.append(
            EvalRecord(
                record_id=record_id,
                dataset=dataset,
                example_key=example_key,
                other=json.loads(row["metadata"]),
                **{name: row[name] for name in _COPIED},
            )
        )
    return records


_COPIED = (
    "model", "example_id", "epoch", "input_text", "output_text", "score", "correct_answer", "row_digest", "line",
)  # fmt: skip


def _rule(
    dataset: str, rows: Sequence[EvalRecord], dataset_params: Mapping[str, Mapping[str, Any]] | None
) -> SuccessRule:
    scores = [row.score for row in rows if row.score is not None]
    mean = math.fsum(score / len(scores) for score in scores) if scores else None
    given = (dataset_params or {}).get(dataset, {}).get("success_threshold")
    if given is not None:
        return SuccessRule(dataset, _threshold(dataset, given), "given", mean)
    if not dataset_params and dataset in KNOWN_THRESHOLDS:
        return SuccessRule(dataset, KNOWN_THRESHOLDS[dataset], "known", mean)
    # A share of nothing is no threshold: then what scored nothing is an error.
    if mean is None or mean <= 0:
        return SuccessRule(dataset, 0.0, "mean", mean, inclusive=True)
    return SuccessRule(dataset, MEAN_SHARE * mean, "mean", mean)


def _threshold(dataset: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ConfigurationError(f"dataset_params of {dataset!r}: success_threshold is {value!r}; expected a number")
    return float(value)


def _check_known(what: str, names: Sequence[str], known: set[str], where: str) -> None:
    for name in names:
        if name not in known:
            there = ", ".join(sorted(known)[:12]) or "nothing"
            raise ConfigurationError(f"there is no {what} {name!r} in {where}; there is: {there}")


def nearest(name: str, known: Sequence[str]) -> str:
    """Return a question for the known name that is likest, "" if none is like it."""
    near = get_close_matches(name, known, n=1, cutoff=0.6)
    return f"; did you mean {near[0]!r}?" if near else ""


def _without_suffix(name: str, known: Mapping[str, Path]) -> str:
    return dataset_of(Path(name)) if name not in known and name.lower().endswith(EVAL_SUFFIXES) else name
