"""Describe what a score measures: the identity of a metric, as a file's tool states it.

Two scores can only be compared where they are of one metric. Readers attach a `Metric` to each row that they score;
`evals` stores it beside the score, and the scores asset decides by it what failed.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

UNSTATED = "unstated"
"""The source of a metric that nobody names; it may be any."""


@dataclass(frozen=True)
class Metric:
    """One metric: what a score is called, which values it takes, and from where on an answer passes.

    Attributes:
        name: as the tool names it, such as `faithfulness` or `exact_match,strict-match`.
        low, high: the lowest and highest possible score; None where the file does not say.
        higher_is_better: the direction.
        threshold: the score that separates failures from passes, a score equal to it passes; None where the tool
            gives none.
        source: who says so: `tool` (the file states it), `default` (a convention of the tool's metrics), `settings`
            (the user) or `unstated` (nobody: a column of scores).
    """

    name: str
    low: float | None = None
    high: float | None = None
    higher_is_better: bool = True
    threshold: float | None = None
    source: str = "tool"

    def unlike(self, other: Metric) -> str | None:
        """Say why scores of two metrics must not be compared; None where they may be.

        What one of them does not say contradicts nothing.
        """
        if UNSTATED in (self.source, other.source):
            return None
        if self.name != other.name:
            return f"{self.name} and {other.name} are different metrics"
        if self.higher_is_better != other.higher_is_better:
            return f"higher is better for {self.name} in one and lower in the other"
        own, others = (self.low, self.high), (other.low, other.high)
        if own != others and None not in (*own, *others):
            return (
                f"{self.name} runs from {self.low:g} to {self.high:g} in one and from {other.low:g} to {other.high:g}"
                " in the other"
            )
        if self.threshold is not None and other.threshold is not None and self.threshold != other.threshold:
            return f"{self.name} passes from {self.threshold:g} in one and from {other.threshold:g} in the other"
        return None

    def to_json(self) -> str:
        """Return the metric as one line of JSON; equal metrics give equal lines."""
        return json.dumps(asdict(self), sort_keys=True, ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> Metric:
        """Read what `to_json` wrote."""
        return cls(**json.loads(text))


VERDICT = Metric("passed")
"""The metric of a row that has a verdict and no score."""


@dataclass(frozen=True)
class UserRule:
    """What the user set for a dataset; None where nothing was.

    Attributes:
        threshold, higher_is_better, score_range: as set; default_threshold: the one that holds where nobody says any.
    """

    threshold: float | None = None
    higher_is_better: bool | None = None
    score_range: tuple[float, float] | None = None
    default_threshold: float = 0.5
