"""What a score measures: the identity of a metric, as a file's tool states it.

Two scores can only be compared where they are of one metric. Readers attach a `Metric` to each row that they score;
`evals` stores it beside the score, and the scores asset decides by it what failed.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class Metric:
    """One metric: what a score is called, which values it takes, and from where on an answer passes.

    Attributes:
        name: as the tool names it, such as `faithfulness` or `exact_match,strict-match`.
        low, high: the lowest and highest possible score; None where the file does not say.
        higher_is_better: the direction.
        threshold: the score that separates failures from passes, a score equal to it passes; None where the tool
            gives none.
        source: who says so: `tool` (the file states it) or `default` (a convention of the tool's metrics).
    """

    name: str
    low: float | None = None
    high: float | None = None
    higher_is_better: bool = True
    threshold: float | None = None
    source: str = "tool"

    def to_json(self) -> str:
        """Return the metric as one line of JSON; equal metrics give equal lines."""
        return json.dumps(asdict(self), sort_keys=True, ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> Metric:
        """Read what `to_json` wrote."""
        return cls(**json.loads(text))
