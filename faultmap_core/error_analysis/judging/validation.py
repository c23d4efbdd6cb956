"""Measure the agreement of judgments with human labels.

Two questions, kept apart: is there an error at all, and which kind of error is it.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from faultmap_core.base.errors import ConfigurationError, EvalFileError
from faultmap_core.base.records import _Record
from faultmap_core.data.column_paths import one_line
from faultmap_core.data.prompts import normalized
from faultmap_core.stats.exact_tests import wilson_interval

Key = tuple[str, str, str]
Counts = NDArray[np.int64]

KEY_COLUMNS = ("dataset", "model", "example_id")
LABEL_COLUMNS = ("label", "category", "error_category", "error_title", "title")
ERROR_COLUMN = "is_error"
_NO_ERROR = ("no error", "no error found", "no errors", "none", "correct")
_TRUTH = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
_SHOWN_KEYS = 5
# What a spreadsheet would run as a formula, with the apostrophes that say that it is text.
_FORMULA = re.compile(r"'*[=+\-@\t\r\n]")


@dataclass(frozen=True)
class HumanLabel:
    """What a person said about one answer.

    Attributes:
        label: id, name or path of an error category, or an error title; "" where only `is_error` is known.
        is_error: whether there is an error, None where the label leaves it open.
        row: line of the file, for messages.
    """

    dataset: str
    model: str
    example_id: str
    label: str = ""
    is_error: bool | None = None
    row: int = 0

    @property
    def key(self) -> Key:
        """What it is matched by."""
        return self.dataset, self.model, self.example_id


@dataclass(frozen=True)
class JudgedAnswer:
    """What the judge said about one answer: `is_error` is None where its judgment failed; `category_id` "" where the
    error has none (yet)."""

    dataset: str
    model: str
    example_id: str
    is_error: bool | None
    category_id: str = ""
    error_title: str = ""

    @property
    def key(self) -> Key:
        """What it is matched by."""
        return self.dataset, self.model, self.example_id


@dataclass(frozen=True)
class ClassAgreement(_Record):
    """One class: how often people and the judge named it, and both did.

    Attributes: precision: both / judged; recall: both / labelled; f1: their harmonic mean; None where 0 / 0.
    """

    name: str
    labelled: int
    judged: int
    both: int
    precision: float | None
    recall: float | None
    f1: float | None


@dataclass(frozen=True)
class Agreement(_Record):
    """Agreement on one question.

    Attributes:
        n: answers compared; accuracy: share of equal answers, with accuracy_low and accuracy_high (Wilson, 95 %).
        kappa: Cohen's, None where only one class occurs; kappa_low, kappa_high: 95 %, large-sample, None where that
            says nothing (perfect agreement).
        classes: names, sorted; confusion[i][j]: answers that people called classes[i] and the judge classes[j].
    """

    n: int
    accuracy: float
    accuracy_low: float
    accuracy_high: float
    kappa: float | None
    kappa_low: float | None
    kappa_high: float | None
    classes: tuple[str, ...]
    confusion: tuple[tuple[int, ...], ...]
    per_class: tuple[ClassAgreement, ...]


@dataclass(frozen=True)
class JudgeAgreement(_Record):
    """How well a judge agrees with people.

    Attributes:
        matched: answers that have both a label and a usable judgment.
        labels_without_judgment, judgments_without_label: what is left on either side; failed_judgments: labelled
            answers whose judgment failed. With up to five examples of the first two.
        error: "error" or "no error"; None where no label answers this.
        kind: the category (or title), of answers in which both see an error; None without any.
        compared_by: whether labels of errors were read as categories or as titles.
        unknown_labels: labels that no category (or no judged title) has: they always count as disagreement.
    """

    matched: int
    labels_without_judgment: int
    judgments_without_label: int
    failed_judgments: int
    error: Agreement | None
    kind: Agreement | None
    compared_by: Literal["category", "title"]
    unknown_labels: tuple[str, ...]
    unmatched_labels: tuple[str, ...]
    unmatched_judgments: tuple[str, ...]


def validate_judge(
    labels: Sequence[HumanLabel], judgments: Sequence[JudgedAnswer], category_names: Mapping[str, str] | None = None
) -> JudgeAgreement:
    """Compare a judge with people on the answers that both looked at.

    A label names a category by its id (path), by its name or by the last part of its id; case, white space, "-" and
    "_" make no difference. Where a person named a category that has others below it, the judge agrees if it chose any
    of those. Labels that say "no error" answer the first question only.

    Args: category_names: category id -> name, of the taxonomy that the judgments' ids are from.
    Raises:
        ConfigurationError: no label matches a judgment, two rows about one answer contradict each other, or a name
            stands for several categories.
    """
    people, judged = _by_key(labels), {one.key: one for one in judgments}
    if len(judged) != len(judgments):
        raise ConfigurationError("judgments: an answer is judged twice; give one judgment for each")
    both = sorted(people.keys() & judged.keys())
    if not both:
        raise ConfigurationError(_no_match(labels, judgments))
    usable = [key for key in both if judged[key].is_error is not None]
    names = dict.fromkeys((one.category_id for one in judgments if one.category_id), "") | dict(category_names or {})
    pairs = [(people[key], judged[key]) for key in usable]
    kind, compared_by, unknown = _kinds([(one, other) for one, other in pairs if one.label], names)
    seen = [(one.is_error, other.is_error) for one, other in pairs if one.is_error is not None]
    missing, extra = sorted(people.keys() - judged.keys()), sorted(judged.keys() - people.keys())
    return JudgeAgreement(
        matched=len(usable),
        labels_without_judgment=len(missing),
        judgments_without_label=len(extra),
        failed_judgments=len(both) - len(usable),
        error=_agreement([(_verdict(one), _verdict(other)) for one, other in seen]),
        kind=_agreement(kind),
        compared_by=compared_by,
        unknown_labels=unknown,
        unmatched_labels=tuple(" / ".join(key) for key in missing[:_SHOWN_KEYS]),
        unmatched_judgments=tuple(" / ".join(key) for key in extra[:_SHOWN_KEYS]),
    )


def _by_key(labels: Sequence[HumanLabel]) -> dict[Key, HumanLabel]:
    found: dict[Key, HumanLabel] = {}
    for one in labels:
        earlier = found.setdefault(one.key, one)
        if (_folded(earlier.label), earlier.is_error) != (_folded(one.label), one.is_error):
            raise ConfigurationError(
                f"labels: rows {earlier.row} and {one.row} contradict each other about {' / '.join(one.key)}; keep one"
            )
    return found


def _no_match(labels: Sequence[HumanLabel], judgments: Sequence[JudgedAnswer]) -> str:
    if not labels or not judgments:
        return f"nothing to compare: {len(labels)} labels, {len(judgments)} judgments"
    return (
        "no label matches a judgment by dataset, model and example_id: the first label is "
        f"{' / '.join(labels[0].key)!r}, the first judgment {' / '.join(judgments[0].key)!r}"
    )


def _verdict(is_error: bool | None) -> str:
    return "error" if is_error else "no error"


def _folded(text: str) -> str:
    return " ".join(normalized(text).replace("-", " ").replace("_", " ").split())


def _kinds(
    pairs: Sequence[tuple[HumanLabel, JudgedAnswer]], names: Mapping[str, str]
) -> tuple[list[tuple[str, str]], Literal["category", "title"], tuple[str, ...]]:
    """Return (label, judgment) of each answer in which both see an error, how labels were read, and unknown ones."""
    both = [(one, other) for one, other in pairs if other.is_error and one.is_error is not False]
    index = _category_index(names)
    titles = {_folded(other.error_title) for _, other in pairs if other.error_title}
    known = sum(_folded(one.label) in index for one, _ in both)
    by_title = known < sum(_folded(one.label) in titles for one, _ in both)
    unknown = {one.label for one, _ in both if _folded(one.label) not in (titles if by_title else index)}
    if by_title:
        return [(_folded(one.label), _folded(other.error_title)) for one, other in both], "title", _sorted(unknown)
    kinds = []
    for one, other in both:
        label, judged = _category_of(one, index), other.category_id or "unclassified"
        kinds.append((label, label if judged.startswith(f"{label}/") else judged))
    return kinds, "category", _sorted(unknown)


def _category_of(one: HumanLabel, index: Mapping[str, list[str]]) -> str:
    """Return the id that a label stands for, or the label itself where no category has it."""
    found = index.get(_folded(one.label), [])
    if one.label in found:
        return one.label
    if len(found) > 1:
        raise ConfigurationError(
            f"labels: row {one.row}: {one.label!r} names several categories: {', '.join(found)}; give the id"
        )
    return found[0] if found else _folded(one.label)


def _sorted(texts: set[str]) -> tuple[str, ...]:
    return tuple(sorted(texts))


def _category_index(names: Mapping[str, str]) -> dict[str, list[str]]:
    """Return which categories a folded id, name or last part of an id stands for."""
    ids = sorted({"/".join(one.split("/")[: depth + 1]) for one in names for depth in range(one.count("/") + 1)})
    index: dict[str, list[str]] = {}
    for one in ids:
        for text in sorted({_folded(one), _folded(names.get(one, "")), _folded(one.rsplit("/", 1)[-1])} - {""}):
            index.setdefault(text, []).append(one)
    return index


def _agreement(pairs: Sequence[tuple[str, str]]) -> Agreement | None:
    if not pairs:
        return None
    classes = sorted({name for pair in pairs for name in pair})
    number = {name: i for i, name in enumerate(classes)}
    confusion: Counts = np.zeros((len(classes), len(classes)), dtype=np.int64)
    np.add.at(confusion, ([number[one] for one, _ in pairs], [number[other] for _, other in pairs]), 1)
    n, equal = len(pairs), int(np.trace(confusion))
    low, high = (float(one) for one in wilson_interval(equal / n, n))
    kappa = _kappa(confusion)
    return Agreement(
        n,
        equal / n,
        low,
        high,
        *kappa,
        tuple(classes),
        tuple(tuple(row) for row in confusion.tolist()),
        tuple(_class_agreement(name, confusion, i) for i, name in enumerate(classes)),
    )


def _kappa(confusion: Counts) -> tuple[float | None, float | None, float | None]:
    from statsmodels.stats.inter_rater import cohens_kappa

    n = confusion.sum()
    if float((confusion.sum(axis=0) * confusion.sum(axis=1)).sum()) == float(n * n):
        return None, None, None
    # It divides by a standard error that may be 0.
    with np.errstate(invalid="ignore", divide="ignore"):
        found = cohens_kappa(confusion)
    # Nor does an error of 0 mean certainty (where one side has one class alone it may even be none), and the interval
    # knows no bounds.
    if not found.std_kappa > 1e-12:
        return float(found.kappa), None, None
    return float(found.kappa), max(float(found.kappa_low), -1.0), min(float(found.kappa_upp), 1.0)


def _class_agreement(name: str, confusion: Counts, i: int) -> ClassAgreement:
    labelled, judged, both = int(confusion[i].sum()), int(confusion[:, i].sum()), int(confusion[i, i])
    return ClassAgreement(
        name,
        labelled,
        judged,
        both,
        both / judged if judged else None,
        both / labelled if labelled else None,
        2 * both / (labelled + judged),
    )


def defused(text: str) -> str:
    """Return a text as a cell of a CSV file that no spreadsheet runs as a formula; `read_labels` reads it back."""
    return f"'{text}" if _FORMULA.match(text) else text


def _as_meant(cell: str) -> str:
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell) else cell


def read_labels(path: Path) -> list[HumanLabel]:
    """Read human labels from a CSV file (UTF-8, with a header).

    Columns: dataset, model, example_id; and `is_error` (true, false, yes, no, 1, 0), or one of label, category,
    error_category, error_title, title, or both. "no error" as a label means that there is none. Rows without either
    are left out: nobody has labelled them yet. An apostrophe before what would be a formula (`'=1+1`) is no part of it.

    Raises: EvalFileError that names the file and the line.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.DictReader(stream)
            label_column = _label_column(path, reader.fieldnames or [])
            found = [_label_of(path, reader.line_num, row, label_column) for row in reader]
    except (OSError, UnicodeError, csv.Error) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise EvalFileError(f"{path}: {reason}") from error
    labels = [one for one in found if one is not None]
    if not labels:
        raise EvalFileError(f"{path}: no row holds a label")
    return labels


def _label_column(path: Path, header: Sequence[str]) -> str | None:
    missing = [name for name in KEY_COLUMNS if name not in header]
    present = [name for name in LABEL_COLUMNS if name in header]
    if missing:
        raise EvalFileError(
            f"{path}: no column {missing[0]!r}; it has {', '.join(map(one_line, header[:12])) or 'no columns'}"
        )
    if not present and ERROR_COLUMN not in header:
        raise EvalFileError(
            f"{path}: no label; expected a column {ERROR_COLUMN!r} or one of {', '.join(LABEL_COLUMNS)}"
        )
    if len(present) > 1:
        raise EvalFileError(f"{path}: both {present[0]!r} and {present[1]!r} are labels; keep one of the columns")
    return present[0] if present else None


def _label_of(path: Path, line: int, row: Mapping[str, str | None], label_column: str | None) -> HumanLabel | None:
    dataset, model, example_id = (_as_meant((row.get(name) or "").strip()) for name in KEY_COLUMNS)
    said = (row.get(ERROR_COLUMN) or "").strip().casefold()
    label = _as_meant((row.get(label_column) or "").strip()) if label_column else ""
    if not said and not label:
        return None
    for name, value in zip(KEY_COLUMNS, (dataset, model, example_id), strict=True):
        if not value:
            raise EvalFileError(f"{path}: line {line}: no {name}; every label needs one")
    if said and said not in _TRUTH:
        raise EvalFileError(f"{path}: line {line}: {ERROR_COLUMN} is {said!r}; expected true or false")
    is_error = _TRUTH[said] if said else None
    no_error = _folded(label) in _NO_ERROR
    if is_error is not None and label and no_error == is_error:
        raise EvalFileError(f"{path}: line {line}: {ERROR_COLUMN} is {said!r}, but the label is {label!r}")
    if label:
        is_error = not no_error
    return HumanLabel(dataset, model, example_id, "" if no_error else label, is_error, line)
