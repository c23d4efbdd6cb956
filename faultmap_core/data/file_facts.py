"""Counts what the rows of one file say: models, outcomes, scores, empty answers; in bounded memory."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field

import pyarrow as pa
import pyarrow.compute as pc

from faultmap_core.data.eval_table import RejectedRow
from faultmap_core.data.metrics import Metric

_MAX_NAMES = 50


@dataclass(frozen=True)
class OutcomeFacts:
    """The outcomes of the rows that one metric scored.

    Attributes:
        metric: None where the file does not name it.
        rows: all rows of it.
        passed, failed: rows that carry the tool's verdict.
        unscored: rows with neither score nor verdict.
        low, high: the lowest and the highest score; None where no row has one.
    """

    metric: Metric | None
    rows: int
    passed: int
    failed: int
    unscored: int
    low: float | None
    high: float | None


@dataclass(frozen=True)
class FileFacts:
    """What a file holds.

    Attributes:
        rows: rows that are fit to be counted; `set_aside` others are not, `reasons` says how many for which reason.
        datasets, models: name -> rows, the largest first, at most 50 of them.
        outcomes: one entry per metric, the most frequent first.
        empty_outputs, references: rows with an empty answer, rows with a reference.
    """

    rows: int
    set_aside: int
    reasons: Mapping[str, int]
    datasets: Mapping[str, int]
    models: Mapping[str, int]
    outcomes: tuple[OutcomeFacts, ...]
    empty_outputs: int
    references: int

    def to_json(self) -> str:
        """Return the facts as one line of JSON."""
        return json.dumps(asdict(self), ensure_ascii=False, sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> FileFacts:
        """Read what `to_json` wrote."""
        content = json.loads(text)
        outcomes = tuple(
            OutcomeFacts(**{**one, "metric": Metric(**one["metric"]) if one["metric"] else None})
            for one in content.pop("outcomes")
        )
        return cls(**content, outcomes=outcomes)


@dataclass
class _Outcomes:
    rows: int = 0
    passed: int = 0
    failed: int = 0
    unscored: int = 0
    scores: list[float] = field(default_factory=list)


class FactsCollector:
    """Collects the facts of a file, batch by batch."""

    def __init__(self) -> None:
        self._rows = self._empty = self._references = 0
        self._reasons: Counter[str] = Counter()
        self._datasets: Counter[str] = Counter()
        self._models: Counter[str] = Counter()
        self._outcomes: dict[str | None, _Outcomes] = {}

    def add(self, rows: pa.Table, rejected: Sequence[RejectedRow] = ()) -> None:
        """Add accepted rows (`EVAL_SCHEMA`) and rejected ones."""
        self._rows += rows.num_rows
        self._reasons.update(row.reason for row in rejected)
        for names, column in ((self._datasets, "dataset"), (self._models, "model")):
            for count in pc.value_counts(rows.column(column)).to_pylist():
                names[count["values"]] += count["counts"]
        self._empty += rows.num_rows - _filled(rows.column("output_text"))
        self._references += _filled(rows.column("correct_answer"))
        for metric in pc.unique(rows.column("metric")).to_pylist():
            self._add_outcomes(metric, rows)

    def _add_outcomes(self, metric: str | None, rows: pa.Table) -> None:
        column = rows.column("metric")
        mine = rows.filter(pc.is_null(column) if metric is None else pc.equal(column, metric))
        found = self._outcomes.setdefault(metric, _Outcomes())
        score, passed = mine.column("score"), mine.column("passed")
        found.rows += mine.num_rows
        found.passed += pc.sum(passed).as_py() or 0
        found.failed += pc.sum(pc.invert(passed)).as_py() or 0
        found.unscored += pc.sum(pc.and_(pc.is_null(score), pc.is_null(passed))).as_py() or 0
        ends = pc.min_max(score).as_py()
        if ends["min"] is not None:
            found.scores = [min([ends["min"], *found.scores]), max([ends["max"], *found.scores])]

    def facts(self) -> FileFacts:
        """Return what was collected."""
        ordered = sorted(self._outcomes.items(), key=lambda item: (-item[1].rows, item[0] or ""))
        outcomes = tuple(
            OutcomeFacts(
                Metric.from_json(metric) if metric else None,
                found.rows,
                found.passed,
                found.failed,
                found.unscored,
                *(found.scores or (None, None)),
            )
            for metric, found in ordered
        )
        return FileFacts(
            self._rows,
            self._reasons.total(),
            _largest(self._reasons),
            _largest(self._datasets),
            _largest(self._models),
            outcomes,
            self._empty,
            self._references,
        )


def _filled(column: pa.ChunkedArray) -> int:
    return pc.sum(pc.not_equal(pc.utf8_trim_whitespace(column), "")).as_py() or 0


def _largest(counts: Counter[str]) -> dict[str, int]:
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:_MAX_NAMES])
