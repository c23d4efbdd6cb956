"""Paired outcomes of two models: rows, their reduction to distinct prompts, and the test of any set of them.

`comparison` asks where the answer changes; here one set of prompts is judged.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from faultmap_core.base.errors import ConfigurationError
from faultmap_core.discovery.comparison.results import Winner
from faultmap_core.regions.dependence import LEAST_NEAR_COPY_GROUPS, TEMPLATE_CORRELATION, dependence, near_copy_groups
from faultmap_core.regions.labels import AnyLabel, Label, ScoreLabel
from faultmap_core.regions.rows import equally_many
from faultmap_core.regions.search import RegionSettings
from faultmap_core.regions.tree import ClusterTree
from faultmap_core.stats.concentration import Test
from faultmap_core.stats.paired_tests import mcnemar_of_means, mean_interval, sign_flip, tango_interval

Floats = NDArray[np.float64]
Rows = NDArray[np.int64]
Outcome = Literal["binary", "score"]

# Fewer disagreements than this cannot differ from the rest's at any useful level.
_LEAST_DISCORDANT = 4


@dataclass(frozen=True)
class PairedRows:
    """One row per example that two models answered.

    Attributes:
        example_ids, prompts, responses_a, responses_b, references: n each; a response or reference may be None.
        scores_a, scores_b: (n,) NaN where unscored.
        failed_a, failed_b: (n,) 1.0 failed, 0.0 passed, a fraction where it is a mean of repeats, NaN unscored.
        unit: (n,) which leaf of the tree (distinct prompt) each row has.
        metadata: column name -> one value per row, None where absent; names are made of it.
    """

    example_ids: Sequence[str]
    prompts: Sequence[str]
    responses_a: Sequence[str | None]
    responses_b: Sequence[str | None]
    references: Sequence[str | None]
    scores_a: Floats
    scores_b: Floats
    failed_a: Floats
    failed_b: Floats
    unit: Rows
    metadata: Mapping[str, Sequence[str | None]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        n = len(self.example_ids)
        for name in ("prompts", "responses_a", "responses_b", "references", "unit"):
            if len(getattr(self, name)) != n:
                raise ConfigurationError(f"rows: {name} has {len(getattr(self, name))} values for {n} example ids")
        for name in ("scores_a", "scores_b", "failed_a", "failed_b"):
            if np.shape(getattr(self, name)) != (n,):
                raise ConfigurationError(f"rows: {name} has shape {np.shape(getattr(self, name))}; expected ({n},)")

    def __len__(self) -> int:
        """Number of rows."""
        return len(self.example_ids)


@dataclass(frozen=True)
class ComparisonSettings:
    """How to compare.

    Attributes:
        significance_level: expected share of false slices, and of false winners among them, in (0, 1).
        min_slice_size: least distinct prompts in a slice.
        test: of the selection: "midp" | "fisher" | "chi2".
        margin: success rates (or mean scores) that differ by less count as equal, >= 0.
        outcome: "binary" compares failures (McNemar mid-p), "score" compares scores (sign-flip permutation).
        higher_is_better: direction of the scores; failures have their own.
        correct_dependence: near-copies whose outcomes hang together count for less (see `dependence`).
        seed: for the permutations, and for which copies of a prompt stand for it where some have more.
    """

    significance_level: float = 0.05
    min_slice_size: int = 10
    test: Test = "midp"
    margin: float = 0.05
    outcome: Outcome = "binary"
    higher_is_better: bool = True
    correct_dependence: bool = True
    seed: int = 0

    def __post_init__(self) -> None:
        if self.margin < 0:
            raise ConfigurationError(f"margin is {self.margin}; expected 0 or more")
        if self.outcome not in ("binary", "score"):
            raise ConfigurationError(f"outcome is {self.outcome!r}; expected 'binary' or 'score'")
        if self.min_slice_size < 1:
            raise ConfigurationError(f"min_slice_size is {self.min_slice_size}; expected 1 or more")
        self.regions()

    def regions(self) -> RegionSettings:
        """Return the engine's settings; raises ConfigurationError on a value that is not allowed."""
        least = min(_LEAST_DISCORDANT, self.min_slice_size) if self.outcome == "binary" else self.min_slice_size
        return RegionSettings(self.significance_level, least, alternative="two-sided", test=self.test)


@dataclass(frozen=True)
class Verdict:
    """A paired test of one set of units; bounds are None where one pair leaves them open."""

    advantage_rate: float
    p_value: float
    difference: float
    low: float | None
    high: float | None
    equivalent: bool

    def winner(self, adjusted_p_value: float, significance_level: float) -> Winner:
        """Return who is better, or that both are shown to be about equal, or that neither is shown."""
        if adjusted_p_value <= significance_level and self.difference != 0.0:
            return "a" if self.difference > 0 else "b"
        return "tie" if self.equivalent else "unresolved"


@dataclass(frozen=True)
class Pairs:
    """The compared rows, and their means per distinct prompt.

    Attributes:
        compared: rows with an outcome of both models, ascending.
        present: (units,) whether a prompt has such a row.
        wins_a, wins_b: (units,) chance that a row of the prompt is passed by A only, by B only.
        differences: (units,) mean advantage of A in score; drawn: the same over equally many rows of each prompt.
        weights: (units,) what share of an independent observation each prompt is (see `dependence`).
        group: (units,) which prompts are flipped together: near-copies whose outcomes hang together.
    """

    rows: PairedRows
    settings: ComparisonSettings
    compared: Rows
    present: NDArray[np.bool_]
    wins_a: Floats
    wins_b: Floats
    differences: Floats
    drawn: Floats
    weights: Floats
    group: Rows

    @classmethod
    def of(cls, rows: PairedRows, tree: ClusterTree, vectors: ArrayLike, settings: ComparisonSettings) -> Pairs:
        """Reduce rows to units: copies of a prompt count once, near-copies for what they are worth."""
        known = np.isfinite(rows.failed_a) & np.isfinite(rows.failed_b)
        advantage = rows.scores_a - rows.scores_b
        if settings.outcome == "score":
            known &= np.isfinite(advantage)
        compared = np.flatnonzero(known)
        unit, a, b = rows.unit[compared], rows.failed_a[compared], rows.failed_b[compared]
        counts = np.bincount(unit, minlength=tree.n_units)

        def means(values: Floats, rows: Rows | slice = slice(None)) -> Floats:
            sums = np.bincount(unit[rows], weights=np.nan_to_num(values[rows]), minlength=tree.n_units)
            here = np.bincount(unit[rows], minlength=tree.n_units)
            return np.asarray(sums / np.maximum(here, 1), dtype=np.float64)

        signed = advantage[compared] * (1.0 if settings.higher_is_better else -1.0)
        better, drawn = means(signed), means(signed, np.flatnonzero(equally_many(unit, settings.seed)))
        wins_a, wins_b = means((1 - a) * b), means(a * (1 - b))
        alone = np.arange(tree.n_units, dtype=np.int64)
        group = near_copy_groups(tree, vectors) if settings.correct_dependence else alone
        outcome = wins_a - wins_b if settings.outcome == "binary" else better
        found = dependence(tree, outcome, counts > 0, group, TEMPLATE_CORRELATION, LEAST_NEAR_COPY_GROUPS)
        together = group if found.correlation > 0 else alone
        return cls(rows, settings, compared, counts > 0, wins_a, wins_b, better, drawn, found.weights, together)

    @property
    def test_used(self) -> str:
        """Name of the paired test."""
        return "mcnemar_midp" if self.settings.outcome == "binary" else "sign_flip"

    @property
    def differing(self) -> NDArray[np.bool_]:
        """(units,) prompts on which the models differ."""
        if self.settings.outcome == "binary":
            return np.asarray(self.wins_a + self.wins_b > 0.0, dtype=np.bool_)
        return np.asarray(self.differences != 0.0, dtype=np.bool_)

    def label(self, units: Rows | None = None) -> AnyLabel:
        """Return A's wins among the discordant prompts, or A's advantage in score; of `units` only, where given."""
        here = self.present.copy()
        if units is not None:
            here[:] = False
            here[units] = True
        weights = np.where(here, self.weights, 0.0)
        if self.settings.outcome == "binary":
            return Label(self.wins_a * weights, (self.wins_a + self.wins_b) * weights)
        return ScoreLabel(self.drawn, weights, here.astype(np.float64))

    def row_wins(self, rows: Rows) -> tuple[float, float]:
        """Return how many of the rows are passed by A only and by B only."""
        a, b = self.rows.failed_a[rows], self.rows.failed_b[rows]
        return float(((1 - a) * b).sum()), float((a * (1 - b)).sum())

    def advantage_rate(self, inside: NDArray[np.bool_]) -> float:
        """Return the share of A's wins among the discordant prompts inside (or of the better scores among those that
        differ); 0.5 where there are none."""
        if self.settings.outcome == "binary":
            a, b = self.wins_a[inside].sum(), self.wins_b[inside].sum()
        else:
            a, b = (self.differences[inside] > 0).sum(), (self.differences[inside] < 0).sum()
        return float(a / (a + b)) if a + b > 0 else 0.5

    def verdict(self, inside: NDArray[np.bool_], multiplicity: float) -> Verdict:
        """Test the prompts `inside`; the interval has level 1 - significance_level / multiplicity."""
        alpha = self.settings.significance_level / multiplicity
        n = int(inside.sum())
        if not n:
            return Verdict(0.5, 1.0, 0.0, None, None, False)
        # Kish's effective number for an unweighted mean: the estimate stays what a reader would compute.
        worth = n / float((1.0 / self.weights[inside]).sum())
        if self.settings.outcome == "binary":
            a, b = float(self.wins_a[inside].sum()) * worth, float(self.wins_b[inside].sum()) * worth
            p, difference = mcnemar_of_means(a, b), (a - b) / (n * worth)
            bounds, inner = (tango_interval(a, b, n * worth, level) for level in (1 - alpha, 1 - 2 * alpha))
        else:
            values = self.differences[inside]
            p = sign_flip(np.bincount(self.group[inside], weights=values), seed=self.settings.seed)
            bounds, inner = (mean_interval(values, n * worth, level) for level in (1 - alpha, 1 - 2 * alpha))
            difference = float(values.mean())
        low, high = (float(bound) if np.isfinite(bound) else None for bound in bounds)
        equivalent = inner[0] >= -self.settings.margin and inner[1] <= self.settings.margin
        return Verdict(self.advantage_rate(inside), p, difference, low, high, bool(equivalent))
