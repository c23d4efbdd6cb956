"""Find the regions of a tree in which a label concentrates, compared with the rest. The engine of every "where".

How a question uses it:

1. Build one tree over the units (`clustering.build_tree`), from inputs only.
2. Give each unit a label: `Label(successes, trials)`. `trials` is the exposure: 1 for a unit that takes part, 0 for
   one that does not (unscored, concordant, out of the window), more for a unit that stands for several draws, less for
   one that hangs together with others (`dependence`); `successes` is how many of them carry the label (failed, A won,
   came from production ...), fractions allowed. Graded labels are a `ScoreLabel(values, trials)`, tested by ranks.
3. `candidates_of(tree, sets)` lists the regions that may be found: the nodes, and any named sets of units beside
   them (`columns.metadata_sets`).
4. `find_regions(candidates, label, settings)` tests, peels and returns `Region`s with their units and numbers.
   `confirm_regions` tests them again on units that took no part in the search.

Peeling (DESIGN 5): the candidate with the smallest p is taken and its units leave the question; what is left is
tested again, both against what is left and against all other units (the greater p counts: once the worst regions are
gone, much looks bad beside the rest of the rest). The k-th step must reach a Benjamini-Hochberg adjusted p of at most
k times the significance level, never more than five times: then the expected share of false steps stays at the level,
and no parent rides on its child. Among nested nodes the smallest p lies with the largest that is homogeneous; where
the one taken clearly is not (a part differs from its remainder), the part is taken instead.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from faultmap_core.base.errors import ConfigurationError
from faultmap_core.regions.labels import AnyLabel as AnyLabel
from faultmap_core.regions.labels import Label as Label
from faultmap_core.regions.labels import ScoreLabel as ScoreLabel
from faultmap_core.regions.tree import ClusterTree
from faultmap_core.stats import exact_tests as statistics
from faultmap_core.stats.concentration import TESTS, binary_p_values, rank_p_values
from faultmap_core.stats.concentration import Alternative as Alternative
from faultmap_core.stats.concentration import Test as Test
from faultmap_core.stats.rank_tail import RankPopulation

_BUDGET_STEPS = 5
# A part differs from its remainder at this p: rare by chance among the few splits looked at.
_HETEROGENEOUS = 0.001

Floats = NDArray[np.float64]
Units = NDArray[np.int64]


@dataclass(frozen=True)
class Candidates:
    """The regions that may be found: ranges of a leaf order, then sets of units beside the tree.

    Attributes:
        order: (n,) units in leaf order; start, end: (m,) ranges of it.
        sets: further regions as ascending unit indices; candidate m + i is sets[i].
        names: one per set, such as "category = law".
        parent: (m,) as in the tree; without it a node is never exchanged for its more homogeneous part.
    """

    order: Units
    start: Units
    end: Units
    sets: tuple[Units, ...] = ()
    names: tuple[str, ...] = ()
    parent: Units | None = None

    def __len__(self) -> int:
        """Number of candidates."""
        return len(self.start) + len(self.sets)

    def units(self, candidate: int) -> Units:
        """Return the units of one candidate, ascending."""
        if candidate < len(self.start):
            return np.sort(self.order[self.start[candidate] : self.end[candidate]])
        return self.sets[candidate - len(self.start)]

    def sums(self, values: Floats) -> Floats:
        """Return (m + sets,) sums of a per-unit value over each candidate; for a node one subtraction."""
        running = np.concatenate(([0.0], np.cumsum(values[self.order])))
        nodes = running[self.end] - running[self.start]
        return np.concatenate([nodes, [values[units].sum() for units in self.sets]])


@dataclass(frozen=True)
class RegionSettings:
    """How to search.

    Attributes:
        significance_level: in (0, 1); min_size: least size of a region (>= 1) and of what is outside of it.
        max_share: largest share of everything in a node of the tree; sets are bounded by `min_size` outside only.
        alternative: "greater" finds concentration, "less" absence, "two-sided" both.
        test: "midp" | "fisher" | "chi2"; a `ScoreLabel` is always tested by ranks.
        max_regions: the search ends there.
    """

    significance_level: float = 0.05
    min_size: int = 10
    max_share: float = 0.5
    alternative: Alternative = "greater"
    test: Test = "midp"
    max_regions: int = 200

    def __post_init__(self) -> None:
        if not 0.0 < self.significance_level < 1.0:
            raise ConfigurationError(f"significance_level is {self.significance_level}; expected between 0 and 1")
        if self.min_size < 1:
            raise ConfigurationError(f"min_size is {self.min_size}; expected 1 or more")
        if not 0.0 < self.max_share <= 1.0:
            raise ConfigurationError(f"max_share is {self.max_share}; expected above 0 and at most 1")
        if self.test not in TESTS:
            raise ConfigurationError(f"test is {self.test!r}; expected one of {', '.join(TESTS)}")


@dataclass(frozen=True)
class Region:
    """One region found.

    Attributes:
        candidate: its number in the candidates (node of the tree, or m + set).
        name: of a set; None for a node.
        units: its units that take part and were not taken by an earlier step, ascending.
        successes, trials: over `units`; rest_successes, rest_trials: over all other units that take part.
        p_value: of the step's test: the greater of the p against the units left and against all other units.
        adjusted_p_value: of these units, by Benjamini-Hochberg over the step's candidates, divided by the step's budget
            (1 to 5), never below an earlier step's; at most the significance level.
        low, high: interval of the risk difference (of the mean difference for scores), widened for the selection
            (Benjamini and Yekutieli, 2005); `level` is its nominal level.
        step: 0 for the first region taken.
    """

    candidate: int
    name: str | None
    units: Units
    successes: float
    trials: float
    rest_successes: float
    rest_trials: float
    p_value: float
    adjusted_p_value: float
    low: float
    high: float
    level: float
    step: int

    @property
    def rate(self) -> float:
        """Share of successes inside (mean value for scores)."""
        return self.successes / self.trials

    @property
    def rest_rate(self) -> float:
        """Share of successes among all others (mean value for scores)."""
        return self.rest_successes / self.rest_trials

    @property
    def risk_difference(self) -> float:
        """rate - rest_rate."""
        return self.rate - self.rest_rate

    @property
    def excess(self) -> float:
        """Successes beyond what the rest's rate would give."""
        return self.successes - self.trials * self.rest_rate


@dataclass(frozen=True)
class RegionSearch:
    """What a search found and how much it looked at.

    Attributes: regions in the order of the steps; n_tested: candidates of allowed size in the first step;
        trials, successes: over all units.
    """

    regions: tuple[Region, ...]
    n_tested: int
    trials: float
    successes: float


def candidates_of(tree: ClusterTree, sets: Mapping[str, ArrayLike] | None = None) -> Candidates:
    """Return all nodes of `tree` and the named `sets` of its units as candidates."""
    named = sorted((sets or {}).items())
    arrays = tuple(np.unique(np.asarray(units, dtype=np.int64)) for _, units in named)
    return Candidates(tree.order, tree.start, tree.end, arrays, tuple(name for name, _ in named), tree.parent)


def find_regions(candidates: Candidates, label: AnyLabel, settings: RegionSettings) -> RegionSearch:
    """Find the regions in which `label` concentrates, strongest evidence first, none overlapping another.

    Returns: a `RegionSearch`; empty where nothing can be tested (no candidates, all or none carry the label).
    Raises: ConfigurationError when the label's arrays do not fit the tree.
    """
    _check(candidates, label)
    everything = label.trials > 0
    live = everything.copy()
    found: list[tuple[int, Units, float, float]] = []
    n_tested, floor = 0, 0.0
    for step in range(settings.max_regions):
        eligible = _eligible(candidates, label, live, settings)
        n_tested = n_tested or len(eligible)
        if not len(eligible):
            break
        against_left = _p_values(candidates, label, live, live, eligible, settings)
        against_all = against_left if step == 0 else _p_values(candidates, label, live, everything, eligible, settings)
        p = np.maximum(against_left, against_all)
        best = _first(candidates, label, live, eligible, p)
        budget = min(step + 1, _BUDGET_STEPS)
        adjusted = statistics.benjamini_hochberg(p) / budget
        if adjusted[best] > settings.significance_level:
            break
        threshold = settings.significance_level * budget / len(eligible)
        best = _homogeneous_part(candidates, label, live, eligible, p, best, threshold, settings)
        # Of the part that is taken, whose p is below the threshold: Bonferroni bounds what it is adjusted to.
        floor = max(floor, float(adjusted[best]))
        units = candidates.units(int(eligible[best]))
        units = units[live[units]]
        found.append((int(eligible[best]), units, float(p[best]), floor))
        live[units] = False
    regions = _described(candidates, label, found, n_tested, settings)
    return RegionSearch(regions, n_tested, float(label.trials.sum()), float(label.successes.sum()))


def confirm_regions(
    candidates: Candidates, label: AnyLabel, regions: tuple[Region, ...], settings: RegionSettings
) -> tuple[Region, ...]:
    """Test regions found on other units once more, on the units that take part in `label`.

    Returns: one region per given one, with the units, numbers, p-values (adjusted by Benjamini-Hochberg over the given
        regions) and intervals of the new units; p 1.0 and no trials where a region has no unit among them.
    """
    _check(candidates, label)
    everything = label.trials > 0
    free = everything.copy()
    taken: list[tuple[int, Units, float]] = []
    for region in regions:
        units = candidates.units(region.candidate)
        units = units[free[units]]
        free[units] = False
        alone = replace(candidates, start=candidates.start[:0], end=candidates.end[:0], sets=(units,), names=("",))
        p = _p_values(alone, label, everything, everything, np.zeros(1, dtype=np.int64), settings)
        taken.append((region.candidate, units, float(p[0])))
    adjusted = statistics.benjamini_hochberg([p for _, _, p in taken])
    found = [(candidate, units, p, float(q)) for (candidate, units, p), q in zip(taken, adjusted, strict=True)]
    return _described(candidates, label, found, len(found), settings)


def _check(candidates: Candidates, label: AnyLabel) -> None:
    n = len(candidates.order)
    values = label.successes if isinstance(label, Label) else label.values
    if values.shape != (n,) or label.trials.shape != (n,):
        shapes = f"{values.shape} and {label.trials.shape}"
        raise ConfigurationError(f"label: values and trials have shapes {shapes}; expected ({n},), one per unit")
    if not (np.isfinite(label.trials).all() and np.isfinite(label.successes).all()):
        raise ConfigurationError("label: values and trials must be finite; give an unscored unit trials 0")
    if isinstance(label, Label) and ((values < 0).any() or (values > label.trials + 1e-9).any()):
        raise ConfigurationError("label: successes must lie between 0 and trials")


def _eligible(candidates: Candidates, label: AnyLabel, live: NDArray[np.bool_], settings: RegionSettings) -> Units:
    counted = label.trials if label.sizes is None else label.sizes
    sizes, total = candidates.sums(np.where(live, counted, 0.0)), float(counted[live].sum())
    fits = (sizes >= settings.min_size) & (total - sizes >= settings.min_size)
    nodes = np.arange(len(candidates)) < len(candidates.start)
    fits &= ~nodes | (sizes <= settings.max_share * total)
    return np.flatnonzero(fits).astype(np.int64)


def _p_values(
    candidates: Candidates,
    label: AnyLabel,
    live: NDArray[np.bool_],
    against: NDArray[np.bool_],
    eligible: Units,
    settings: RegionSettings,
) -> Floats:
    """One p per eligible candidate: its live units against all other units of `against`."""
    trials = np.where(live, label.trials, 0.0)
    sizes = candidates.sums(trials)[eligible]
    if isinstance(label, Label):
        hits = candidates.sums(np.where(live, label.successes, 0.0))[eligible]
        successes, total = float(label.successes[against].sum()), float(label.trials[against].sum())
        return binary_p_values(hits, sizes, successes, total, settings.test, settings.alternative)
    population = RankPopulation.of(label.values, np.where(against, label.trials, 0.0))
    sums = candidates.sums(population.scores * trials)[eligible]
    return rank_p_values(population, sums, sizes, settings.alternative)


def _first(candidates: Candidates, label: AnyLabel, live: NDArray[np.bool_], eligible: Units, p: Floats) -> int:
    """Position of the smallest p; of equals a named set, then the largest, then the first."""
    sizes = candidates.sums(np.where(live, label.trials, 0.0))[eligible]
    return int(np.lexsort((eligible, -sizes, eligible < len(candidates.start), p))[0])


def _homogeneous_part(
    candidates: Candidates,
    label: AnyLabel,
    live: NDArray[np.bool_],
    eligible: Units,
    p: Floats,
    best: int,
    threshold: float,
    settings: RegionSettings,
) -> int:
    """Walk from a node to the child that stands out against the remainder of the node, while there is one and the
    child alone would pass too. Sets and score labels are taken as they are."""
    parent = candidates.parent
    if not isinstance(label, Label) or settings.alternative == "two-sided" or parent is None:
        return best
    hits = candidates.sums(np.where(live, label.successes, 0.0))
    sizes = candidates.sums(np.where(live, label.trials, 0.0))
    while eligible[best] < len(candidates.start):
        node = eligible[best]
        inside = np.flatnonzero((eligible < len(candidates.start)) & (p <= threshold))
        inside = inside[parent[eligible[inside]] == node]
        if not len(inside):
            break
        parts = eligible[inside]
        whole = float(hits[node]), float(sizes[node])
        differs = binary_p_values(hits[parts], sizes[parts], *whole, settings.test, settings.alternative)
        chosen = int(np.lexsort((parts, differs))[0])
        if differs[chosen] > _HETEROGENEOUS:
            break
        best = int(inside[chosen])
    return best


def _described(
    candidates: Candidates,
    label: AnyLabel,
    found: list[tuple[int, Units, float, float]],
    n_tested: int,
    settings: RegionSettings,
) -> tuple[Region, ...]:
    """Put numbers to the units taken, against all others, with intervals at level 1 - (taken / tested) * alpha."""
    trials, successes = float(label.trials.sum()), float(label.successes.sum())
    level = 1.0 - settings.significance_level * min(1.0, len(found) / max(n_tested, 1))
    nodes = len(candidates.start)
    regions = []
    for step, (candidate, units, p, adjusted) in enumerate(found):
        low, high = _interval(label, units, level)
        n, k = float(label.trials[units].sum()), float(label.successes[units].sum())
        regions.append(
            Region(
                candidate=candidate,
                name=candidates.names[candidate - nodes] if candidate >= nodes else None,
                units=units,
                successes=k,
                trials=n,
                rest_successes=successes - k,
                rest_trials=trials - n,
                p_value=p,
                adjusted_p_value=adjusted,
                low=low,
                high=high,
                level=level,
                step=step,
            )
        )
    return tuple(regions)


def _interval(label: AnyLabel, units: Units, level: float) -> tuple[float, float]:
    """Newcombe's interval for shares, Welch's for mean scores; the whole range where a side is empty."""
    inside = np.zeros(len(label.trials), dtype=bool)
    inside[units] = True
    inside &= label.trials > 0
    rest = ~inside & (label.trials > 0)
    if isinstance(label, ScoreLabel):
        return statistics.mean_difference_interval(
            label.values[inside], label.trials[inside], label.values[rest], label.trials[rest], level
        )
    n, m = float(label.trials[inside].sum()), float(label.trials[rest].sum())
    if n <= 0 or m <= 0:
        return -1.0, 1.0
    a, b = (float(np.clip(label.successes[part].sum() / size, 0.0, 1.0)) for part, size in ((inside, n), (rest, m)))
    low, high = statistics.newcombe_interval(a, n, b, m, level)
    return float(low), float(high)
