"""Replaces figures that nothing was measured for by None, so that no reader of the JSON takes them for results."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

_OF_COVERAGE = ("coverage", "coverage_low", "coverage_high", "covered", "in_gaps", "undetermined")
_OF_PAIRS = (
    "failure_rate_a", "failure_rate_b", "winner", "advantage_rate", "p_value", "adjusted_p_value", "test_used",
    "difference", "difference_low", "difference_high",
)  # fmt: skip


def measured_days(days: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the days of production; of one without tests or without prompts no figure of coverage is left."""
    return [_without(day, () if day["tests"] and day["production"] else _OF_COVERAGE) for day in days]


def measured_pairs(pairs: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the pairs of models; of one that shares no example no figure and no winner is left."""
    return [_without(pair, () if pair["compared"] else _OF_PAIRS) for pair in pairs]


def _without(row: Mapping[str, Any], names: Sequence[str]) -> dict[str, Any]:
    return {**row, **{name: None for name in names if name in row}}
