"""Find the scores in the tables of DeepEval, Ragas, LangSmith and MLflow, with their metrics and verdicts.

Which score a table's outcome is must not depend on which cells are empty, so the names of all scores are collected in a
first pass, and the choice goes by name: the tool's verdict on the row, then the metrics of `_FIRST` in that order, then
the alphabet. Sources: `BaseMetric.is_successful` of deepeval (bias, toxicity, hallucination and misuse pass at or below
their threshold), the metric classes of ragas 0.1 to 0.4, `mlflow.metrics` (judged metrics run from 1 to 5).
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from faultmap_core.data.metrics import Metric
from faultmap_core.readers.rows.raw_rows import Judged, named_scores, verdict

SUCCESS = "success"

_FIRST = (
    SUCCESS, "correctness", "correct", "faithfulness", "answer_correctness", "factual_correctness", "accuracy",
    "exact_match", "answer_relevancy", "response_relevancy", "answer_similarity", "semantic_similarity",
)  # fmt: skip
_LOWER_IS_BETTER = re.compile(
    r"bias|toxicity|hallucination|misuse|harmfulness|maliciousness|noise_sensitivity|perplexity", re.IGNORECASE
)
# What is measured beside quality: they are scores for whoever asks for them, never the outcome by default.
_NO_QUALITY = re.compile(r".*(?:latency|tokens?|token_count|grade_level|duration|time|cost|seconds|length)", re.I)
_SHARES = re.compile(
    r"faithfulness|answer_.*|response_relevancy|.*correctness|.*_?similarity|.*context_.*|noise_sensitivity.*|"
    r"topic_adherence.*|tool_call_accuracy|agent_goal_accuracy.*|bleu_score|rouge_score.*|exact_match|string_present"
)
_JUDGED_BY_MLFLOW = re.compile(r"(?P<name>.+)/v\d+/score")
_JUDGED_FROM_1_TO_5 = frozenset(
    {"answer_correctness", "answer_relevance", "answer_similarity", "correctness", "faithfulness", "relevance"}
)
_METRIC_LISTS = ("metrics_data", "metricsData", "metrics_metadata", "metricsMetadata")


class ScoreColumns:
    """The scores of one table.

    Args:
        tool: `deepeval`, `ragas`, `langsmith` or `mlflow`.
        pattern: how a score's column is named, with a group `name` or `metric`; None takes every further column of
            numbers.
        rows: all rows of the table, for a first pass; mapped: the column that the user says is the score.
        apart: columns that are no scores.
    """

    def __init__(
        self,
        tool: str,
        pattern: re.Pattern[str] | None,
        rows: Iterable[Mapping[str, Any]],
        mapped: str | None,
        apart: Iterable[str],
    ) -> None:
        self._tool, self._pattern, self._mapped, self._apart = tool, pattern, mapped, frozenset(apart)
        self._directions: dict[str, bool] = {}
        numbers: dict[str, bool] = {}
        names: dict[str, None] = {}
        for raw in rows:
            names.update(dict.fromkeys(self._look_at(raw, numbers)))
        self._columns = {column for column, fits in numbers.items() if fits}
        if pattern is None:
            names.update(dict.fromkeys(self._columns))
        self.order = sorted(names, key=_rank) if mapped is None else [mapped]

    def of(self, raw: Mapping[str, Any]) -> tuple[dict[str, Any], set[str]]:
        """Return a row's scores by name, and the columns that they stand in."""
        if self._mapped is not None:
            value = raw.get(self._mapped)
            given = not _absent(value) and not isinstance(value, Mapping | list)
            return self._of_cell(self._mapped, self._mapped, value) if given else {}, {self._mapped}
        scores, used = self._listed(raw)
        for column, value in raw.items():
            name = self._name(column)
            if name is None or column in used:
                continue
            used.add(column)
            if not isinstance(value, Mapping | list) and not _absent(value):
                scores.update(self._of_cell(name, column, value))
        if self._tool == "deepeval":
            scores = self._with_verdict(scores)
        return scores, used

    def _name(self, column: str) -> str | None:
        if column in self._apart:
            return None
        if self._pattern is None:
            return column if column in self._columns else None
        found = self._pattern.fullmatch(column)
        return (found.groupdict().get("metric") or found["name"]) if found else None

    def _look_at(self, raw: Mapping[str, Any], numbers: dict[str, bool]) -> Iterator[str]:
        """Note what one row tells of the table's scores; yield their names."""
        for metric in _metrics(raw):
            if (said := _direction(metric)) is not None:
                self._directions.setdefault(str(metric["name"]), said)
            yield str(metric["name"])
            if self._tool == "deepeval" and self._passes(metric) is not None:
                yield SUCCESS
        for column, value in raw.items():
            if column in self._apart or _absent(value):
                continue
            if self._pattern is not None:
                if (name := self._name(column)) is not None:
                    yield name
            else:
                numbers[column] = numbers.get(column, True) and _is_number(value)

    def _of_cell(self, name: str, column: str, value: Any) -> dict[str, Any]:
        if self._tool == "deepeval" and name == SUCCESS:
            return {SUCCESS: verdict(SUCCESS, _truth(value))}
        if (passed := _truth(value)) is not None:
            higher = self._higher(name)
            return {name: Judged(passed, Metric(name, 0.0, 1.0, higher, 0.5), passed == higher)}
        scores = named_scores(name, value)
        return {
            own: one if isinstance(one, Judged) else Judged(one, self._metric(own, column))
            for own, one in scores.items()
        }

    def _metric(self, name: str, column: str) -> Metric:
        low, high = 0.0, 1.0
        if self._tool == "mlflow" and _JUDGED_BY_MLFLOW.fullmatch(column) and name in _JUDGED_FROM_1_TO_5:
            low, high = 1.0, 5.0
        elif not _SHARES.fullmatch(name):
            return Metric(name, higher_is_better=self._higher(name), source="default")
        return Metric(name, low, high, higher_is_better=self._higher(name), source="default")

    def _higher(self, name: str) -> bool:
        return self._directions.get(name, _LOWER_IS_BETTER.search(name) is None)

    def _listed(self, raw: Mapping[str, Any]) -> tuple[dict[str, Any], set[str]]:
        """Return the scores of metrics that stand in one column as a list of objects."""
        scores: dict[str, Any] = {}
        for listed in _metrics(raw):
            name = str(listed["name"])
            metric = Metric(name, 0.0, 1.0, self._higher(name), _threshold(listed))
            scores[name] = Judged(listed.get("score"), metric, self._passes(listed))
        return scores, {column for column in _METRIC_LISTS if column in raw} if scores else set()

    def _passes(self, metric: Mapping[str, Any]) -> bool | None:
        """Return a metric's verdict: its own, else what its threshold says."""
        passed, score, threshold = metric.get("success"), metric.get("score"), _threshold(metric)
        if isinstance(passed, bool):
            return passed
        if not isinstance(score, int | float) or threshold is None:
            return None
        return score >= threshold if self._higher(str(metric["name"])) else score <= threshold

    def _with_verdict(self, scores: dict[str, Any]) -> dict[str, Any]:
        """A test case passes where all of its metrics do; what the file says of it itself goes before."""
        if SUCCESS in scores:
            return scores
        verdicts = [one.passed for one in scores.values() if isinstance(one, Judged)]
        if not verdicts or None in verdicts:
            return scores
        return {SUCCESS: verdict(SUCCESS, all(verdicts)), **scores}


def metric_error(raw: Mapping[str, Any]) -> str | None:
    """Return why a metric of a test case could not be measured, where nothing else of it failed."""
    failed = [one for one in _metrics(raw) if one.get("success") is False]
    errors = [one.get("error") for one in failed if one.get("score") is None]
    told = [error for error in errors if isinstance(error, str) and error.strip()]
    return told[0] if told and len(told) == len(failed) else None


def _rank(name: str) -> tuple[int, int, str]:
    known = _FIRST.index(name) if name in _FIRST else len(_FIRST)
    return bool(_NO_QUALITY.fullmatch(name)), known, name


def _metrics(raw: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for column in _METRIC_LISTS:
        listed = raw.get(column)
        if isinstance(listed, str):
            try:
                listed = json.loads(listed)
            except (ValueError, RecursionError):
                continue
        for metric in listed if isinstance(listed, list) else []:
            if isinstance(metric, dict) and isinstance(name := metric.get("name", metric.get("metric")), str):
                yield {**metric, "name": name}


def _direction(metric: Mapping[str, Any]) -> bool | None:
    """Return whether a higher score is the better one, where a verdict shows it."""
    score, threshold, passed = metric.get("score"), _threshold(metric), metric.get("success")
    if not isinstance(score, int | float) or threshold is None or not isinstance(passed, bool):
        return None
    return None if score == threshold else (score > threshold) == passed


def _threshold(metric: Mapping[str, Any]) -> float | None:
    threshold = metric.get("threshold", metric.get("minimumScore"))
    return float(threshold) if isinstance(threshold, int | float) else None


def _truth(value: Any) -> bool | None:
    if isinstance(value, bool):
        return value
    return {"true": True, "false": False}.get(value.strip().lower()) if isinstance(value, str) else None


def _absent(value: Any) -> bool:
    if isinstance(value, str):
        return value.strip().lower() in ("", "nan", "none", "null")
    return value is None or (isinstance(value, float) and math.isnan(value))


def _is_number(value: Any) -> bool:
    if isinstance(value, bool | int | float):
        return True
    try:
        float(value)
    except (TypeError, ValueError):
        return False
    return True
