"""Find topics of production that are new, growing, shrinking or gone.

The question put to `regions`: over the pooled prompts of two windows, where do the prompts of one window concentrate?
Time series are left to `alerting`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from faultmap_core.base.errors import ConfigurationError
from faultmap_core.data.prompt_sets import PromptSet
from faultmap_core.discovery.coverage.missing_regions import smoothed
from faultmap_core.discovery.drift.results import TopicChange as TopicChange
from faultmap_core.discovery.drift.results import TopicDrift as TopicDrift
from faultmap_core.discovery.drift.results import TopicKind as TopicKind
from faultmap_core.naming.keywords import KeywordNamer, Namer, NamingTask, RegionName
from faultmap_core.naming.prompt_sources import Sources, sources_of
from faultmap_core.regions.neighbors import nearest_neighbors
from faultmap_core.regions.rows import slice_id
from faultmap_core.regions.search import Label, Region, RegionSettings, candidates_of, find_regions
from faultmap_core.regions.tree import GRAPH_NEIGHBORS, METHODS, ClusterTree, Method, build_tree, flat_labels
from faultmap_core.stats.concentration import binary_p_values
from faultmap_core.stats.exact_tests import wilson_interval

Floats = NDArray[np.float64]
Units = NDArray[np.int64]
Sessions = Sequence[str | None]

_TYPICAL_PROMPTS = 5
_NEAREST = 3
_NAMED_FROM = 2_000
_TINY = 1e-300


@dataclass(frozen=True)
class DriftSettings:
    """How to look for drift.

    Attributes:
        significance_level: expected share of false topics, in (0, 1).
        min_topic_size: least prompts of a topic in both windows together, >= 1; prompts of one session about one topic
            count once.
        absent_ratio: a topic whose share was at most this part of what it is now is new, and the other way round it
            has vanished; in [0, 1). Not 0, because the edge of a region always holds a few prompts of its neighbours.
        clustering_method: of the tree, "agglomerative" | "hdbscan".
    """

    significance_level: float = 0.05
    min_topic_size: int = 10
    absent_ratio: float = 0.2
    clustering_method: Method = "agglomerative"

    def __post_init__(self) -> None:
        if not 0.0 <= self.absent_ratio < 1.0:
            raise ConfigurationError(f"absent_ratio is {self.absent_ratio}; expected 0 or more and below 1")
        if self.clustering_method not in METHODS:
            known = ", ".join(METHODS)
            raise ConfigurationError(f"clustering_method is {self.clustering_method!r}; expected one of {known}")
        self.regions()

    def regions(self) -> RegionSettings:
        """Return the engine's settings; raises ConfigurationError on a value that is not allowed."""
        return RegionSettings(self.significance_level, self.min_topic_size, alternative="two-sided")


def find_drift(
    current_prompts: Sequence[str],
    current_vectors: ArrayLike,
    previous_prompts: Sequence[str],
    previous_vectors: ArrayLike,
    settings: DriftSettings | None = None,
    namer: Namer | None = None,
    *,
    current_sessions: Sessions | None = None,
    previous_sessions: Sessions | None = None,
) -> TopicDrift:
    """Find the topics whose share of the prompts changed from the previous window to the current one.

    Args:
        current_prompts, previous_prompts: one prompt per row; equal ones (see `prompts.normalized`) count once in each
            window.
        current_vectors, previous_vectors: (rows, d) finite, from one embedder; copies take the first's.
        namer: keyword names where None.
        current_sessions, previous_sessions: one session or user id per row, None where unknown: a burst of one user is
            no trend, and what only one of them wrote is no name.
    Returns: a `TopicDrift`, valid and without topics where a window is empty or nothing changed.
    Raises: ConfigurationError where rows do not fit; ClusteringError where vectors are not finite.
    """
    chosen = settings or DriftSettings()
    for what, prompts, sessions in (
        ("current", current_prompts, current_sessions),
        ("previous", previous_prompts, previous_sessions),
    ):
        if sessions is not None and len(sessions) != len(prompts):
            raise ConfigurationError(f"{what}: {len(sessions)} sessions for {len(prompts)} prompts")
    current = PromptSet.of("current", current_prompts, current_vectors)
    previous = PromptSet.of("previous", previous_prompts, previous_vectors)
    if not len(current.ids) or not len(previous.ids):
        which = "current" if not len(current.ids) else "previous"
        return _result((), current, previous, 0, f"The {which} window has no prompts: there is nothing to compare.")
    if current.vectors.shape[1] != previous.vectors.shape[1]:
        widths = f"{current.vectors.shape[1]} and {previous.vectors.shape[1]}"
        raise ConfigurationError(f"current and previous vectors have {widths} columns; embed both with one embedder")
    pool = _pooled(current, previous, chosen.clustering_method, (current_sessions, previous_sessions))
    search = find_regions(candidates_of(pool.tree), pool.label, chosen.regions())
    found = [one for region in search.regions if (one := _checked(pool, region, chosen)) is not None]
    note = _note(pool, found, chosen) if search.n_tested else "Too few prompts for a topic to be tested."
    return _result(_described(pool, found, chosen, namer or KeywordNamer()), current, previous, search.n_tested, note)


def _note(pool: _Pool, found: list[_Found], settings: DriftSettings) -> str:
    """Say so where nothing is left that both windows share, which no region can stand out from."""
    left = np.ones(len(pool.ids), dtype=np.bool_)
    for one in found:
        left[one.region.units] = False
    totals = [float(weights.sum()) for weights in pool.weights]
    now, then = (float(weights[left].sum()) / total for weights, total in zip(pool.weights, totals, strict=True))
    least = settings.min_topic_size / min(totals)
    if now >= least and then <= settings.absent_ratio * now:
        return f"The rest of this window's prompts ({now:.0%} of them) have hardly any like them before."
    if then >= least and now <= settings.absent_ratio * then:
        return f"The rest of the prompts before ({then:.0%} of them) have hardly any like them in this window."
    return ""


def _result(
    topics: tuple[TopicChange, ...], current: PromptSet, previous: PromptSet, tested: int, note: str
) -> TopicDrift:
    return TopicDrift(topics, len(current.unit), len(previous.unit), len(current.ids), len(previous.ids), tested, note)


@dataclass(frozen=True)
class _Pool:
    """Distinct prompts of both windows, n units; pairs below are (current, previous).

    Attributes:
        ids: (n,) prompt ids, ascending; windows: the prompts of each; place: the pool's unit of each of their units.
        vectors: (n, d); texts: n; tree: over smoothed vectors.
        weights: (n,) each: what a unit counts in that window, 0 where it does not occur.
        groups: (n,) each: number of the session that alone asks a unit in that window, numbers of their own else.
        sources: of each window's own units, who asks them.
    """

    ids: NDArray[np.str_]
    windows: tuple[PromptSet, PromptSet]
    place: tuple[Units, Units]
    vectors: NDArray[np.float32]
    texts: tuple[str, ...]
    tree: ClusterTree
    weights: tuple[Floats, Floats]
    groups: tuple[Units, Units]
    sources: tuple[Sources, Sources]

    @property
    def label(self) -> Label:
        """A unit's draws, and which of them come from the current window."""
        return Label(self.weights[0], self.weights[0] + self.weights[1])


def _pooled(
    current: PromptSet, previous: PromptSet, method: Method, sessions: tuple[Sessions | None, Sessions | None]
) -> _Pool:
    """Build the tree over both windows, blind to which is which; a prompt of both is one unit."""
    windows = (current, previous)
    ids, first = np.unique(np.concatenate([one.ids for one in windows]), return_index=True)
    vectors = np.concatenate([one.vectors for one in windows])[first]
    texts = (*current.texts, *previous.texts)
    neighbors = nearest_neighbors(vectors, vectors, GRAPH_NEIGHBORS, exclude_self=True)
    tree = build_tree(smoothed(vectors, neighbors), method=method)
    topic = flat_labels(tree)
    place = tuple(np.searchsorted(ids, one.ids).astype(np.int64) for one in windows)
    weighed = [_weights(*one, topic) for one in zip(windows, place, sessions, strict=True)]
    return _Pool(
        ids,
        windows,
        (place[0], place[1]),
        vectors,
        tuple(texts[position] for position in first.tolist()),
        tree,
        (weighed[0][0], weighed[1][0]),
        (weighed[0][1], weighed[1][1]),
        (
            sources_of(current.unit, sessions[0], len(current.ids), "now"),
            sources_of(previous.unit, sessions[1], len(previous.ids), "then"),
        ),
    )


def _weights(window: PromptSet, place: Units, sessions: Sessions | None, topic: Units) -> tuple[Floats, Units]:
    """Return (n,) what each unit counts in a window and (n,) its session's number.

    All prompts of a session come from one window, so on one topic they are one draw, whatever the data say; on
    different topics they are several. A prompt that several sessions ask stands alone.
    """
    n = len(topic)
    weights, group = np.zeros(n), n + np.arange(n)
    weights[place] = 1.0
    if sessions is None:
        return weights, group
    asked: list[set[str | None]] = [set() for _ in place]
    for unit, name in zip(window.unit.tolist(), sessions, strict=True):
        asked[unit].add(name or None)
    names = [next(iter(one)) if len(one) == 1 else None for one in asked]
    number = {name: index for index, name in enumerate(sorted({name for name in names if name is not None}))}
    known = np.array([unit for unit, name in enumerate(names) if name is not None], dtype=np.int64)
    if len(known):
        group[place[known]] = [number[name] for name in names if name is not None]
        here = topic[place[known]]
        # Units outside every topic (-1) get one of their own.
        here = np.where(here < 0, n + place[known], here)
        _, inverse, counts = np.unique(
            np.stack([group[place[known]], here]), axis=1, return_inverse=True, return_counts=True
        )
        weights[place[known]] = 1.0 / counts[inverse.ravel()]
    return weights, group


@dataclass(frozen=True)
class _Found:
    """A region with its p-values after the session check, and by how much its counts are to be divided."""

    region: Region
    p_value: float
    adjusted_p_value: float
    design_effect: float


def _checked(pool: _Pool, region: Region, settings: DriftSettings) -> _Found | None:
    """Test a region once more where sessions have several topics in it; None where it was theirs alone.

    With sessions as draws the variance of a region's count is the sum of the squares of what each adds to it (Kish,
    1965, ch. 5; Rao and Scott, 1992).
    """
    added = np.concatenate(
        [
            np.bincount(np.unique(group[region.units], return_inverse=True)[1], weights=weights[region.units])
            for weights, group in zip(pool.weights, pool.groups, strict=True)
        ]
    )
    effect = max(1.0, float((added**2).sum() / max(added.sum(), 1e-12)))
    p, adjusted = region.p_value, region.adjusted_p_value
    if effect > 1.0 + 1e-9:
        hits, size = region.successes / effect, region.trials / effect
        successes, total = hits + region.rest_successes, size + region.rest_trials
        again = binary_p_values(np.array([hits]), np.array([size]), successes, total, "midp", "two-sided")
        # At an unchanged rank the adjusted p grows as the p does.
        adjusted = min(1.0, adjusted * max(1.0, float(again[0]) / max(p, _TINY)))
        p = max(p, float(again[0]))
    return _Found(region, p, adjusted, effect) if adjusted <= settings.significance_level else None


def _described(pool: _Pool, found: list[_Found], settings: DriftSettings, namer: Namer) -> tuple[TopicChange, ...]:
    if not found:
        return ()
    typical = [_typical(pool, one.region) for one in found]
    nearest = [_nearest(pool, one.region) for one in found]
    tasks = [_task(pool, *one) for one in zip(found, typical, nearest, strict=True)]
    names = namer.name_regions(tasks, pool.texts)
    topics = [_topic(pool, *one, settings) for one in zip(found, typical, nearest, names, strict=True)]
    return tuple(sorted(topics, key=lambda one: (-abs(one.current_share - one.previous_share), one.topic_id)))


def _larger(region: Region) -> int:
    """Return the window in which the topic is larger: 0 the current, 1 the previous."""
    return 0 if region.risk_difference > 0 else 1


def _typical(pool: _Pool, region: Region) -> Units:
    """Return the region's units in the window where it is larger, those nearest to their centre first."""
    units = region.units[pool.weights[_larger(region)][region.units] > 0]
    own = pool.vectors[units].astype(np.float64)
    return units[np.lexsort((units, -np.round(own @ own.mean(axis=0), 9)))]


def _nearest(pool: _Pool, region: Region) -> list[dict[str, Any]]:
    """Return the other window's prompts nearest to the centre of the topic."""
    larger = _larger(region)
    other = pool.windows[1 - larger]
    units = region.units[pool.weights[larger][region.units] > 0]
    found = nearest_neighbors(pool.vectors[units].mean(axis=0, keepdims=True), other.vectors, _NEAREST)
    return [
        {
            "prompt": other.texts[unit],
            "index": int(other.first_row[unit]),
            "distance": float(np.sqrt(2.0 * max(float(cosine), 0.0))),
        }
        for unit, cosine in zip(found.indices[0].tolist(), found.distances[0].tolist(), strict=True)
    ]


_WINDOWS = ("this window", "the window before")


def _task(pool: _Pool, found: _Found, typical: Units, nearest: list[dict[str, Any]]) -> NamingTask:
    larger = _larger(found.region)
    units = found.region.units
    counts = [int((pool.weights[window][units] > 0).sum()) for window in (0, 1)]
    rest = [int((pool.weights[window] > 0).sum()) - counts[window] for window in (0, 1)]
    first_row = dict(zip(pool.place[larger].tolist(), pool.windows[larger].first_row.tolist(), strict=True))
    shown = [
        {
            "example_id": f"{('current', 'previous')[larger]} {first_row[unit]}",
            "prompt": pool.texts[unit],
            "source": _WINDOWS[larger],
        }
        for unit in typical[:_TYPICAL_PROMPTS].tolist()
    ]
    others = [
        {
            "example_id": f"{('previous', 'current')[larger]} {one['index']}",
            "prompt": one["prompt"],
            "source": _WINDOWS[1 - larger],
        }
        for one in nearest
    ]
    own = dict(zip(pool.place[larger].tolist(), pool.sources[larger], strict=True))
    return NamingTask(
        prompts=[pool.texts[unit] for unit in typical[:_NAMED_FROM].tolist()],
        sources=tuple(own[unit] for unit in typical[:_NAMED_FROM].tolist()),
        size=sum(counts),
        failures=counts[larger],
        rate=counts[larger] / sum(counts),
        rest_rate=rest[larger] / max(sum(rest), 1),
        what=f"come from {_WINDOWS[larger]}",
        examples=[*shown, *others],
        question="drift",
    )


def _topic(
    pool: _Pool,
    found: _Found,
    typical: Units,
    nearest: list[dict[str, Any]],
    name: RegionName,
    settings: DriftSettings,
) -> TopicChange:
    region, effect = found.region, found.design_effect
    inside = np.array([weights[region.units].sum() for weights in pool.weights])
    total = np.array([weights.sum() for weights in pool.weights])
    share = inside / total
    low, high = wilson_interval(share, total / effect, region.level)
    ratio_low, ratio_high = _ratio_interval(inside / effect, total / effect, region.level)
    rows = [
        window.rows_of(np.flatnonzero(np.isin(place, region.units)))
        for window, place in zip(pool.windows, pool.place, strict=True)
    ]
    topic = TopicChange(
        name=name.name,
        description=name.description,
        kind=_kind(float(share[0]), float(share[1]), settings.absent_ratio),
        topic_id=slice_id(str(one) for one in pool.ids[region.units]),
        cluster_id=region.candidate,
        units=len(region.units),
        current_indices=rows[0],
        previous_indices=rows[1],
        current_traffic=len(rows[0]) / len(pool.windows[0].unit),
        previous_traffic=len(rows[1]) / len(pool.windows[1].unit),
        current_share=float(share[0]),
        current_share_low=float(low[0]),
        current_share_high=float(high[0]),
        previous_share=float(share[1]),
        previous_share_low=float(low[1]),
        previous_share_high=float(high[1]),
        ratio=float(share[0] / share[1]) if share[1] > 0 else None,
        ratio_low=ratio_low,
        ratio_high=ratio_high,
        p_value=found.p_value,
        adjusted_p_value=found.adjusted_p_value,
        representative_prompts=[pool.texts[unit] for unit in typical[:_TYPICAL_PROMPTS].tolist()],
        nearest_other_prompts=nearest,
        named_by=name.named_by,
        keywords=list(name.keywords),
        cited_examples=name.cited_examples,
        naming_note=name.note,
    )
    return replace(topic, description=f"{_sentence(topic)}{name.typical}") if name.named_by == "keywords" else topic


def _ratio_interval(inside: Floats, total: Floats, level: float) -> tuple[float, float | None]:
    """Return the interval of a ratio of two shares, None for a bound that is infinite.

    Given all draws of the region, those of the current window are binomial, as for two Poisson counts (Przyborowski and
    Wilenski, 1940); the limits are Wilson's of their share, turned into a ratio. Cautious where shares are large.
    """
    low, high = wilson_interval(inside[0] / inside.sum(), inside.sum(), level)
    exposure = float(total[1] / total[0])
    bound = float(high / (1.0 - high) * exposure) if inside[1] > 0 and high < 1.0 else None
    return float(low / (1.0 - low) * exposure) if inside[0] > 0 else 0.0, bound


def _kind(current: float, previous: float, absent_ratio: float) -> TopicKind:
    if current > previous:
        return "new" if previous <= absent_ratio * current else "growing"
    return "vanished" if current <= absent_ratio * previous else "shrinking"


def _sentence(topic: TopicChange) -> str:
    """Say how large the topic is and was."""
    now, then = len(topic.current_indices), len(topic.previous_indices)
    return (
        f"{topic.kind.capitalize()}: {topic.current_share:.1%} of this window's prompts,"
        f" {topic.previous_share:.1%} of those before; {now:,} row{'' if now == 1 else 's'} against {then:,}."
    )
