"""In which regions of a tree does a label concentrate, compared with the rest? The one engine of every "where".

How a question uses it:

1. Build one tree over the units (`clustering.build_tree`), from inputs only.
2. Give each unit a label: `Label(successes, trials)`. `trials` is the exposure: 1 for a unit that takes part, 0 for
   one that does not (unscored, concordant, out of the window), more for a unit that stands for several draws;
   `successes` is how many of them carry the label (failed, A won, came from production ...), fractions allowed.
3. `candidates_of(tree, extra)` lists the regions that may be found: the nodes, and any named sets of units beside
   them (metadata values).
4. `find_regions(candidates, label, settings)` tests, peels and returns `Region`s with their units and numbers.

Peeling (DESIGN 5): the candidate with the smallest p is taken and its units leave the question; what is left is
tested again, both against what is left and against all other units (the greater p counts: once the worst regions are
gone, much looks bad beside the rest of the rest). The k-th step must reach a Benjamini-Hochberg adjusted p of at most
k times the significance level, never more than five times: then the expected share of false steps stays at the level,
and no parent rides on its child.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from faultmap_core import statistics
from faultmap_core.clustering import ClusterTree
from faultmap_core.errors import ConfigurationError

Alternative = Literal["greater", "less", "two-sided"]
Test = Literal["midp", "fisher", "chi2"]
TESTS: tuple[Test, ...] = ("midp", "fisher", "chi2")

_BUDGET_STEPS = 5
# Candidates this little above the rest have p > .3: they count as tests and can never be the smallest p.
_HOPELESS_Z = 0.5

Floats = NDArray[np.float64]
Units = NDArray[np.int64]


@dataclass(frozen=True)
class Label:
    """What is looked for, per unit of the tree.

    Attributes:
        successes: (n,) 0 <= successes <= trials; fractions allowed.
        trials: (n,) >= 0; 0 keeps a unit out of the question.
    """

    successes: Floats
    trials: Floats


@dataclass(frozen=True)
class Candidates:
    """The regions that may be found: ranges of a leaf order, then sets of units beside the tree.

    Attributes:
        order: (n,) units in leaf order; start, end: (m,) ranges of it.
        sets: further regions as ascending unit indices; candidate m + i is sets[i].
        names: one per set, such as "category = law".
    """

    order: Units
    start: Units
    end: Units
    sets: tuple[Units, ...] = ()
    names: tuple[str, ...] = ()

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
        significance_level: in (0, 1); min_size: least trials in a region (>= 1) and outside of it.
        max_share: largest share of all trials in a node of the tree; sets are bounded by `min_size` outside only.
        alternative: "greater" finds concentration, "less" absence, "two-sided" both.
        test: "midp" | "fisher" | "chi2".
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
        adjusted_p_value: Benjamini-Hochberg over the step's candidates, divided by the step's budget (1 to 5), never
            below an earlier step's; at most the significance level.
        low, high: interval of the risk difference, widened for the selection (Benjamini and Yekutieli, 2005),
            `level` is theirs.
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
        """Share of successes inside."""
        return self.successes / self.trials

    @property
    def rest_rate(self) -> float:
        """Share of successes among all others."""
        return self.rest_successes / self.rest_trials

    @property
    def risk_difference(self) -> float:
        """rate - rest_rate, in [-1, 1]."""
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
    return Candidates(tree.order, tree.start, tree.end, arrays, tuple(name for name, _ in named))


def find_regions(candidates: Candidates, label: Label, settings: RegionSettings) -> RegionSearch:
    """Find the regions in which `label` concentrates, largest evidence first, none overlapping another.

    Returns: a `RegionSearch`; empty where nothing can be tested (no candidates, all or none carry the label).
    Raises: ConfigurationError when the label's arrays do not fit the tree.
    """
    _check(candidates, label)
    live_trials, live_successes = label.trials.copy(), label.successes.copy()
    found: list[tuple[int, Units, float, float]] = []
    everything = float(label.successes.sum()), float(label.trials.sum())
    n_tested, floor = 0, 0.0
    for step in range(settings.max_regions):
        sizes, hits = candidates.sums(live_trials), candidates.sums(live_successes)
        eligible = _eligible(candidates, sizes, float(live_trials.sum()), settings)
        n_tested = n_tested or len(eligible)
        if not len(eligible):
            break
        left = float(live_successes.sum()), float(live_trials.sum())
        against_left = _p_values(hits[eligible], sizes[eligible], *left, settings)
        against_all = _p_values(hits[eligible], sizes[eligible], *everything, settings)
        p = np.maximum(against_left, against_all)
        best = int(np.lexsort((eligible, -sizes[eligible], p))[0])
        budget = min(step + 1, _BUDGET_STEPS)
        floor = max(floor, float(statistics.benjamini_hochberg(p)[best]) / budget)
        if floor > settings.significance_level:
            break
        units = candidates.units(int(eligible[best]))
        units = units[live_trials[units] > 0]
        found.append((int(eligible[best]), units, float(p[best]), floor))
        live_trials[units] = live_successes[units] = 0.0
    regions = _described(candidates, label, found, n_tested, settings)
    return RegionSearch(regions, n_tested, everything[1], everything[0])


def _check(candidates: Candidates, label: Label) -> None:
    n = len(candidates.order)
    if label.successes.shape != (n,) or label.trials.shape != (n,):
        shapes = f"{label.successes.shape} and {label.trials.shape}"
        raise ConfigurationError(f"label: successes and trials have shapes {shapes}; expected ({n},), one per unit")
    if not (np.isfinite(label.trials).all() and np.isfinite(label.successes).all()):
        raise ConfigurationError("label: successes and trials must be finite; give an unscored unit trials 0")
    if (label.successes < 0).any() or (label.successes > label.trials).any():
        raise ConfigurationError("label: successes must lie between 0 and trials")


def _eligible(candidates: Candidates, sizes: Floats, total: float, settings: RegionSettings) -> Units:
    fits = (sizes >= settings.min_size) & (total - sizes >= settings.min_size)
    nodes = np.arange(len(candidates)) < len(candidates.start)
    fits &= ~nodes | (sizes <= settings.max_share * total)
    return np.flatnonzero(fits).astype(np.int64)


def _p_values(hits: Floats, sizes: Floats, successes: float, total: float, settings: RegionSettings) -> Floats:
    """One p per candidate; 1.0 where the label is not concentrated in the direction looked for."""
    if settings.alternative == "two-sided":
        up = _one_sided(hits, sizes, successes, total, settings.test)
        down = _one_sided(sizes - hits, sizes, total - successes, total, settings.test)
        return np.minimum(1.0, 2.0 * np.minimum(up, down))
    if settings.alternative == "less":
        return _one_sided(sizes - hits, sizes, total - successes, total, settings.test)
    return _one_sided(hits, sizes, successes, total, settings.test)


def _one_sided(hits: Floats, sizes: Floats, successes: float, total: float, test: Test) -> Floats:
    p = np.ones(len(hits))
    if not 0.0 < successes < total:
        return p
    rate = successes / total
    spread = np.sqrt(sizes * rate * (1 - rate) * (total - sizes) / max(total - 1.0, 1.0))
    worth = hits - sizes * rate > _HOPELESS_Z * spread
    if test == "chi2":
        p[worth] = statistics.chi2_greater(hits[worth], sizes[worth], successes, total)
        return p
    # Fractions (means of copies) are rounded against the finding: fewer hits inside, more in all.
    slack = 1e-9 * max(total, 1.0)
    k, n = np.floor(hits[worth] + slack), np.ceil(sizes[worth] - slack)
    whole = np.floor(total + slack)
    good = np.minimum(np.ceil(successes - slack), whole)
    tail = statistics.midp_greater if test == "midp" else statistics.fisher_greater
    p[worth] = tail(np.clip(k, np.maximum(0.0, n - (whole - good)), np.minimum(n, good)), n, good, whole)
    return p


def _described(
    candidates: Candidates,
    label: Label,
    found: list[tuple[int, Units, float, float]],
    n_tested: int,
    settings: RegionSettings,
) -> tuple[Region, ...]:
    """Put numbers to the units taken, against all others, with intervals at level 1 - (taken / tested) * alpha."""
    if not found:
        return ()
    trials, successes = float(label.trials.sum()), float(label.successes.sum())
    level = 1.0 - settings.significance_level * min(1.0, len(found) / max(n_tested, 1))
    nodes = len(candidates.start)
    regions = []
    for step, (candidate, units, p, adjusted) in enumerate(found):
        n, k = float(label.trials[units].sum()), float(label.successes[units].sum())
        rest = max(trials - n, 1.0)
        low, high = statistics.newcombe_interval(k / n, n, (successes - k) / rest, rest, level)
        regions.append(
            Region(
                candidate=candidate,
                name=candidates.names[candidate - nodes] if candidate >= nodes else None,
                units=units,
                successes=k,
                trials=n,
                rest_successes=successes - k,
                rest_trials=rest,
                p_value=p,
                adjusted_p_value=adjusted,
                low=float(low),
                high=float(high),
                level=level,
                step=step,
            )
        )
    return tuple(regions)
