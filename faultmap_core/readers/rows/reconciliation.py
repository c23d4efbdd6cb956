"""Compare what a tool says of its own file (counts, accuracy) with what was read from it.

A reader that can compare declares `Generator[NumberedRow, None, Sequence[ToolSummary]]` and returns its comparisons at
its end (`return summaries`); `tabular.build_batches` puts them on the last batch.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

_MEAN_TOLERANCE = 5e-5


@dataclass(frozen=True)
class ToolSummary:
    """One figure of a tool's own summary beside the same figure of the rows that were read.

    Attributes:
        what: the figure, in the words of the tool, such as `failures` or `mean exact_match,strict-match`.
        tool_value: what the tool says; None where it could not say.
        our_value: what the rows give; None where they give nothing.
        agrees: whether both are the same, counts exactly, means to four decimals.
    """

    what: str
    tool_value: float | None
    our_value: float | None
    agrees: bool

    def __str__(self) -> str:
        if self.agrees:
            return f"{self.what}: {_shown(self.tool_value)}, as the tool says"
        return f"{self.what}: the tool says {_shown(self.tool_value)}, its rows give {_shown(self.our_value)}"


def compare_count(what: str, tool_value: Any, our_value: int) -> Iterator[ToolSummary]:
    """Yield the comparison of a count; nothing where the tool's own is no number."""
    if _is_number(tool_value):
        yield ToolSummary(what, float(tool_value), float(our_value), tool_value == our_value)


def compare_mean(what: str, tool_value: Any, our_value: float | None) -> Iterator[ToolSummary]:
    """Yield the comparison of a mean, to four decimals; nothing where the tool's own is no number."""
    if _is_number(tool_value):
        same = our_value is not None and math.isclose(
            tool_value, our_value, rel_tol=_MEAN_TOLERANCE, abs_tol=_MEAN_TOLERANCE
        )
        yield ToolSummary(what, float(tool_value), our_value, same)


class Tally:
    """Counts the rows that a reader yields, for the comparison with its tool's summary.

    Attributes:
        rows: all of them, errors included.
        passed, failed: by the verdict of the tool.
        errors: rows that the infrastructure failed.
    """

    def __init__(self) -> None:
        self.rows = self.passed = self.failed = self.errors = 0
        # Name -> example -> the sum of its repeats and their number.
        self._sums: dict[str, dict[Any, tuple[float, int]]] = {}

    def add(
        self, row: Mapping[str, Any], scores: Mapping[str, Any] | None = None, example_id: str | None = None
    ) -> None:
        """Note one row, with the values of its named scores.

        Args: example_id: of what is repeated, where a mean is over examples; None where every row counts for itself.
        """
        self.rows += 1
        self.errors += "error" in row
        self.passed += row.get("passed") is True
        self.failed += row.get("passed") is False
        example = self.rows if example_id is None else example_id
        for name, value in (scores or {}).items():
            if isinstance(value, bool) or _is_number(value):
                of_name = self._sums.setdefault(name, {})
                total, repeats = of_name.get(example, (0.0, 0))
                of_name[example] = total + float(value), repeats + 1

    def mean(self, name: str) -> float | None:
        """Return the mean of a named score over the examples that have it; None where none has."""
        values = self._sums.get(name, {}).values()
        return math.fsum(total / repeats for total, repeats in values) / len(values) if values else None

    def count(self, name: str) -> int:
        """Return how many examples have a named score."""
        return len(self._sums.get(name, ()))


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _shown(value: float | None) -> str:
    return "nothing" if value is None else f"{value:,.4g}" if value % 1 else f"{value:,.0f}"
