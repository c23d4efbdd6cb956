"""Find the regions of production in which tests are missing, and estimate how much is covered overall."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from faultmap_core.base.errors import ConfigurationError
from faultmap_core.data.prompt_sets import PromptSet
from faultmap_core.discovery.coverage.estimate import (
    LEAST_TESTS,
    CoverageEstimate,
    estimate_coverage,
    outlier_threshold,
)
from faultmap_core.discovery.coverage.missing_regions import (
    MissingRegion,
    MissingRegions,
    PooledPrompts,
    belongs_to_gap,
    covered_units,
    distances_beyond_copies,
    find_missing,
    pooled_prompts,
)
from faultmap_core.discovery.coverage.results import CoverageGap, CoverageResult, OutlierPrompt, Status
from faultmap_core.naming.keywords import KeywordNamer, Namer, NamingTask, RegionName
from faultmap_core.naming.prompt_sources import Sources, sources_of
from faultmap_core.regions.neighbors import nearest_neighbors
from faultmap_core.regions.rows import slice_id
from faultmap_core.regions.tree import METHODS, Method, build_tree, flat_labels

Floats = NDArray[np.float64]
Units = NDArray[np.int64]

_TYPICAL_PROMPTS = 5
_NEAREST_TESTS = 3
_NAMED_FROM = 2_000


@dataclass(frozen=True)
class CoverageSettings:
    """How to audit.

    Attributes:
        significance_level: expected share of false regions, in (0, 1).
        min_gap_size: least production rows in a gap, >= 1.
        max_test_ratio: tests over expected tests up to which a region is a gap and not only under-tested, in [0, 1).
        distance_threshold: None looks for regions; a Euclidean distance between unit vectors (>= 0) instead calls every
            production prompt farther from its nearest test uncovered and groups those, as faultmap does.
        clustering_method: of the tree, "agglomerative" | "hdbscan".
    """

    significance_level: float = 0.05
    min_gap_size: int = 5
    max_test_ratio: float = 0.2
    distance_threshold: float | None = None
    clustering_method: Method = "agglomerative"

    def __post_init__(self) -> None:
        if not 0.0 < self.significance_level < 1.0:
            raise ConfigurationError(f"significance_level is {self.significance_level}; expected between 0 and 1")
        if self.min_gap_size < 1:
            raise ConfigurationError(f"min_gap_size is {self.min_gap_size}; expected 1 or more")
        if not 0.0 <= self.max_test_ratio < 1.0:
            raise ConfigurationError(f"max_test_ratio is {self.max_test_ratio}; expected 0 or more and below 1")
        if self.distance_threshold is not None and not 0.0 <= self.distance_threshold < np.inf:
            raise ConfigurationError(f"distance_threshold is {self.distance_threshold}; expected 0 or more")
        if self.clustering_method not in METHODS:
            known = ", ".join(METHODS)
            raise ConfigurationError(f"clustering_method is {self.clustering_method!r}; expected one of {known}")


def audit_coverage(
    test_texts: Sequence[str],
    test_vectors: ArrayLike,
    production_texts: Sequence[str],
    production_vectors: ArrayLike,
    settings: CoverageSettings | None = None,
    namer: Namer | None = None,
    *,
    production_sources: Sequence[str | None] | None = None,
) -> CoverageResult:
    """Find what production asks and the tests do not.

    Args:
        test_texts, production_texts: one prompt per row; equal ones (see `prompts.normalized`) are one unit.
        test_vectors, production_vectors: (rows, d) finite, one per text, from one embedder; copies take the first's.
        namer: keyword names where None.
        production_sources: user or session of each production row, None where unknown: a name holds nothing that only
            one of them wrote, and a row of an unknown user is one of its own.
    Returns: a `CoverageResult`, valid without tests, without production and with a single prompt of each.
    Raises: ConfigurationError where texts and vectors do not fit; ClusteringError where vectors are not finite.
    """
    chosen = settings or CoverageSettings()
    tests = PromptSet.of("test", test_texts, test_vectors)
    production = PromptSet.of("production", production_texts, production_vectors)
    if len(tests.ids) and len(production.ids) and tests.vectors.shape[1] != production.vectors.shape[1]:
        widths = f"{tests.vectors.shape[1]} and {production.vectors.shape[1]}"
        raise ConfigurationError(f"test and production vectors have {widths} columns; embed both with one embedder")
    sources = sources_of(production.unit, production_sources, len(production.ids))
    audit = _Audit(tests, production, chosen, namer or KeywordNamer(), sources)
    if not len(tests.ids) or not len(production.ids):
        return audit.result((), (), np.zeros(len(production.ids), dtype=np.int64), None, 0)
    if chosen.distance_threshold is not None:
        return audit.by_distance(chosen.distance_threshold)
    return audit.by_regions()


_COVERED, _GAP, _UNDETERMINED = 0, 1, 2
_NAMES: tuple[Status, ...] = ("covered", "gap", "undetermined")


@dataclass(frozen=True)
class _Group:
    """Production units that form one finding; `missing` says what the tests have to do with it."""

    units: Units
    number: int
    missing: MissingRegion | None


@dataclass(frozen=True)
class _Audit:
    """Two sets of prompts and how to compare them; units below are production units unless said otherwise."""

    tests: PromptSet
    production: PromptSet
    settings: CoverageSettings
    namer: Namer
    sources: Sources

    def by_regions(self) -> CoverageResult:
        """Audit by regions of the pooled prompts."""
        place = np.searchsorted(self.tests.ids, self.production.ids)
        place[place == len(self.tests.ids)] = 0
        is_copy = self.tests.ids[place] == self.production.ids
        pool, position = self._pool(is_copy, place)
        chosen = self.settings
        missing = find_missing(pool, chosen.significance_level, chosen.min_gap_size, chosen.max_test_ratio)
        covered = covered_units(pool, missing.tests_per_prompt, chosen.max_test_ratio)
        gaps, under = self._groups(pool, missing, position)
        status = np.where(covered[position], _COVERED, _UNDETERMINED)
        for group in under:
            status[group.units] = np.where(is_copy[group.units], _COVERED, _UNDETERMINED)
        for group in gaps:
            status[group.units] = _GAP
        estimate = self._estimate(pool, position, is_copy)
        return self.result(gaps, under, status, estimate, missing.tested)

    def by_distance(self, threshold: float) -> CoverageResult:
        """Audit by one distance: what lies farther from its nearest test is uncovered."""
        distance = self._nearest_test[1]
        uncovered = np.flatnonzero(distance > threshold + 1e-6)
        groups = []
        if len(uncovered):
            tree = build_tree(self.production.vectors[uncovered], method=self.settings.clustering_method)
            labels = flat_labels(tree)
            parts = [uncovered[labels == label] for label in range(int(labels.max()) + 1)] or [uncovered]
            large = [one for one in parts if self.production.rows[one].sum() >= self.settings.min_gap_size]
            groups = [_Group(one, number, None) for number, one in enumerate(large)]
        status = np.full(len(distance), _COVERED)
        status[uncovered] = _GAP
        rows = self.production.rows
        score = 1.0 - float(rows[uncovered].sum() / rows.sum())
        return self.result(tuple(groups), (), status, CoverageEstimate(score, score, score), 0)

    def _pool(self, is_copy: NDArray[np.bool_], place: Units) -> tuple[PooledPrompts, Units]:
        """Pool tests and production; also return each production unit's place in the pool. A copy is one unit."""
        n_tests, new = len(self.tests.ids), np.flatnonzero(~is_copy)
        position = np.where(is_copy, place, 0)
        position[new] = n_tests + np.arange(len(new))
        vectors = np.concatenate([self.tests.vectors, self.production.vectors[new]])
        production = np.zeros(len(vectors), dtype=np.bool_)
        production[position] = True
        distance = np.concatenate(
            [
                distances_beyond_copies(self.tests.vectors, self.tests.vectors, exclude_self=True)[1],
                distances_beyond_copies(self.production.vectors[new], self.tests.vectors)[1],
            ]
        )
        is_test = np.arange(len(vectors)) < n_tests
        method = self.settings.clustering_method
        return pooled_prompts(vectors, is_test, production, distance, method), position

    def _groups(
        self, pool: PooledPrompts, missing: MissingRegions, position: Units
    ) -> tuple[tuple[_Group, ...], tuple[_Group, ...]]:
        """Return gaps and under-tested regions as production units."""
        unit_at = np.full(len(pool.tests), -1, dtype=np.int64)
        unit_at[position] = np.arange(len(position))
        gaps: list[_Group] = []
        under: list[_Group] = []
        for one in missing.regions:
            inside = one.production[belongs_to_gap(pool, one.production)] if one.is_gap else one.production
            units = np.sort(unit_at[inside])
            if self.production.rows[units].sum() >= self.settings.min_gap_size:
                (gaps if one.is_gap else under).append(_Group(units, one.region.candidate, one))
        return tuple(gaps), tuple(under)

    def _estimate(self, pool: PooledPrompts, position: Units, is_copy: NDArray[np.bool_]) -> CoverageEstimate:
        rows = self.production.rows.astype(np.float64)
        copied = float(rows[is_copy].sum() / rows.sum())
        yardstick = pool.distance[pool.tests]
        return estimate_coverage(
            pool.distance[position[~is_copy]], yardstick[np.isfinite(yardstick)], rows[~is_copy], copied
        )

    @cached_property
    def _nearest_test(self) -> tuple[Units, Floats]:
        """Return the nearest test of each production unit and its Euclidean distance, 0 for copies."""
        nearest = nearest_neighbors(self.production.vectors, self.tests.vectors, 1)
        distance = np.sqrt(2.0 * nearest.distances[:, 0].astype(np.float64))
        test = nearest.indices[:, 0].astype(np.int64)
        distance[self.tests.ids[test] == self.production.ids] = 0.0
        return test, distance

    def result(
        self,
        gaps: tuple[_Group, ...],
        under: tuple[_Group, ...],
        status: NDArray[Any],
        estimate: CoverageEstimate | None,
        tested: int,
    ) -> CoverageResult:
        """Put names and numbers to what was found."""
        if estimate is None:
            status = np.full(len(self.production.ids), _GAP)
            return self._assembled((), (), (), status, CoverageEstimate(0.0, 0.0, 0.0 if len(status) else 1.0), 0.0, 0)
        test, distance = self._nearest_test
        threshold = self.settings.distance_threshold
        if threshold is None:
            alone = distances_beyond_copies(self.tests.vectors, self.tests.vectors, exclude_self=True)[0]
            threshold = outlier_threshold(distance, np.sqrt(2.0 * alone[np.isfinite(alone)]))
        in_gap = np.zeros(len(status), dtype=np.bool_)
        for group in gaps:
            in_gap[group.units] = True
        lonely = np.flatnonzero(~in_gap & (distance > threshold + 1e-6))
        found = self._named((*gaps, *under), distance)
        by_size = sorted(found, key=lambda one: (-one.size, one.gap_id))
        return self._assembled(
            tuple(one for one in by_size if one.kind != "under-tested"),
            tuple(one for one in by_size if one.kind == "under-tested"),
            self._outliers(lonely, distance, test),
            status,
            estimate,
            float(threshold),
            tested,
        )

    def _assembled(
        self,
        gaps: tuple[CoverageGap, ...],
        under: tuple[CoverageGap, ...],
        outliers: tuple[OutlierPrompt, ...],
        status: NDArray[Any],
        estimate: CoverageEstimate,
        threshold: float,
        tested: int,
    ) -> CoverageResult:
        return CoverageResult(
            gaps=gaps,
            under_tested=under,
            outliers=outliers,
            status=tuple(_NAMES[int(one)] for one in status[self.production.unit]),
            num_test_prompts=len(self.tests.unit),
            num_production_prompts=len(self.production.unit),
            test_units=len(self.tests.ids),
            production_units=len(self.production.ids),
            overall_coverage_score=estimate.score,
            coverage_range=(estimate.low, estimate.high),
            distance_threshold=threshold,
            tested=tested,
            note=self._note(tested),
        )

    def _note(self, tested: int) -> str:
        if not len(self.production.ids):
            return "There are no production prompts."
        if not len(self.tests.ids):
            return "There are no tests: nothing is covered."
        if self.settings.distance_threshold is not None:
            return ""
        if len(self.tests.ids) < LEAST_TESTS:
            return (
                f"Distinct tests: {len(self.tests.ids)}. With fewer than {LEAST_TESTS} coverage cannot be measured;"
                " only copies of a test count as covered."
            )
        if not tested:
            return "Too few prompts for a region to be tested."
        return ""

    def _named(self, groups: tuple[_Group, ...], distance: Floats) -> list[CoverageGap]:
        if not groups:
            return []
        order = [self._typical(group.units) for group in groups]
        nearest = [self._nearest_tests(group.units) for group in groups]
        tasks = [self._task(*one) for one in zip(groups, order, nearest, strict=True)]
        names = self.namer.name_regions(tasks, self.production.texts)
        return [self._gap(*one, distance) for one in zip(groups, order, nearest, names, strict=True)]

    def _typical(self, units: Units) -> Units:
        """Return units, those nearest to their centre first."""
        own = self.production.vectors[units].astype(np.float64)
        return units[np.lexsort((units, -np.round(own @ own.mean(axis=0), 9)))]

    def _task(self, group: _Group, typical: Units, nearest: list[dict[str, Any]]) -> NamingTask:
        missing = group.missing
        rest = missing.region.rest_rate if missing else 0.0
        inside = len(group.units) + (len(missing.tests) if missing else 0)
        prompts = [self.production.texts[unit] for unit in typical[:_NAMED_FROM]]
        rate = len(group.units) / inside
        asked = [
            {
                "example_id": f"production {self.production.first_row[unit]}",
                "prompt": self.production.texts[unit],
                "source": "production",
            }
            for unit in typical[:_TYPICAL_PROMPTS].tolist()
        ]
        tested = [
            {"example_id": f"test {test['index']}", "prompt": test["prompt"], "source": "tests"} for test in nearest
        ]
        return NamingTask(
            prompts=prompts,
            size=inside,
            failures=len(group.units),
            rate=rate,
            rest_rate=rest,
            what="come from production and not from the tests",
            examples=[*asked, *tested],
            question="coverage",
            sources=tuple(self.sources[unit] for unit in typical[:_NAMED_FROM].tolist()),
        )

    def _gap(
        self, group: _Group, typical: Units, nearest: list[dict[str, Any]], name: RegionName, distance: Floats
    ) -> CoverageGap:
        rows = self.production.rows_of(group.units)
        missing = group.missing
        expected = missing.expected_tests if missing else 0.0
        tests = len(missing.tests) if missing else 0
        share = len(rows) / len(self.production.unit)
        by_rule = name.named_by in ("keywords", "metadata")
        gap = CoverageGap(
            name=name.name,
            description=name.description,
            size=len(rows),
            mean_distance=float(distance[group.units].mean()),
            representative_prompts=[self.production.texts[unit] for unit in typical[:_TYPICAL_PROMPTS]],
            prompt_indices=rows,
            cluster_id=group.number,
            gap_id=slice_id(str(one) for one in self.production.ids[group.units]),
            kind="distant" if missing is None else "gap" if missing.is_gap else "under-tested",
            units=len(group.units),
            traffic_share=share,
            tests=tests,
            expected_tests=expected,
            test_ratio=tests / expected if expected > 0 else 0.0,
            p_value=missing.region.p_value if missing else 1.0,
            adjusted_p_value=missing.region.adjusted_p_value if missing else 1.0,
            nearest_tests=nearest,
            named_by=name.named_by,
            keywords=list(name.keywords),
            root_cause=name.root_cause,
            suggested_remediation=name.suggested_remediation,
            cited_examples=name.cited_examples,
            naming_note=name.note,
        )
        return replace(gap, description=f"{_described(gap)}{name.typical}") if by_rule else gap

    def _nearest_tests(self, units: Units) -> list[dict[str, Any]]:
        centre = self.production.vectors[units].mean(axis=0, keepdims=True)
        nearest = nearest_neighbors(centre, self.tests.vectors, _NEAREST_TESTS)
        return [
            {
                "prompt": self.tests.texts[test],
                "index": int(self.tests.first_row[test]),
                "distance": float(np.sqrt(2.0 * cosine)),
            }
            for test, cosine in zip(nearest.indices[0], nearest.distances[0].astype(np.float64), strict=True)
        ]

    def _outliers(self, units: Units, distance: Floats, test: Units) -> tuple[OutlierPrompt, ...]:
        order = units[np.lexsort((units, -np.round(distance[units], 9)))]
        return tuple(
            OutlierPrompt(
                self.production.texts[unit],
                int(self.production.first_row[unit]),
                float(distance[unit]),
                self.tests.texts[test[unit]],
                int(self.tests.first_row[test[unit]]),
            )
            for unit in order
        )


def _described(gap: CoverageGap) -> str:
    """Say in one sentence how much traffic a gap holds and how many tests it lacks."""
    who = f"{gap.size:,} production prompts ({gap.traffic_share:.1%} of traffic)"
    if gap.kind == "distant":
        return f"{who} farther from every test than the distance threshold."
    there = "is 1" if gap.tests == 1 else f"are {gap.tests:,}"
    return f"{who} in a region where {gap.expected_tests:.1f} tests would be expected and there {there}."
