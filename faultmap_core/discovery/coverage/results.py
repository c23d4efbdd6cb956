"""What a coverage audit answers: frozen dataclasses, field names as in faultmap 0.5.0 where it has the field."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from faultmap_core.base.records import _Record

Status = Literal["covered", "gap", "undetermined"]


@dataclass(frozen=True)
class CoverageGap(_Record):
    """A region of the production prompts in which tests are missing, or significantly fewer than expected.

    Attributes:
        name, description: for people; `named_by` says who wrote them ("keywords" or a model's id).
        root_cause: what these prompts ask that the nearest tests do not; suggested_remediation: tests to add;
            cited_examples ("production 17", "test 3": positions in what was given), naming_note: as in
            `FailureSlice`.
        size: production rows inside; `units` distinct prompts among them.
        mean_distance: of those prompts to their nearest test, Euclidean between unit vectors, in [0, 2].
        representative_prompts: up to five prompts nearest to the gap's centre.
        prompt_indices: positions of the rows in what was given as production, ascending.
        cluster_id: the region's number.
        gap_id: 12 hex digits; the same prompts have the same id.
        kind: "gap" (at most `max_test_ratio` of the expected tests), "under-tested" (more, but significantly too few)
            or "distant" (found with an explicit distance threshold).
        traffic_share: size over all production rows, in [0, 1].
        tests, expected_tests: distinct tests in the gap's region (which may hold some prompts near those tests too),
            and how many there would be if it were tested as the rest is; test_ratio: tests / expected_tests.
        p_value, adjusted_p_value: that the region is tested as the rest is, see `regions.Region`; 1.0 for "distant".
        nearest_tests: the tests nearest to the gap's centre: prompt, index (position among the tests), distance.
        keywords: words that tell the gap from the rest, strongest first.
    """

    name: str
    description: str
    size: int
    mean_distance: float
    representative_prompts: list[str]
    prompt_indices: list[int]
    cluster_id: int
    gap_id: str = ""
    kind: str = "gap"
    units: int = 0
    traffic_share: float = 0.0
    tests: int = 0
    expected_tests: float = 0.0
    test_ratio: float = 0.0
    p_value: float = 1.0
    adjusted_p_value: float = 1.0
    nearest_tests: list[dict[str, Any]] = field(default_factory=list)
    named_by: str = "keywords"
    keywords: list[str] = field(default_factory=list)
    root_cause: str = ""
    suggested_remediation: str = ""
    cited_examples: list[str] = field(default_factory=list)
    naming_note: str = ""


@dataclass(frozen=True)
class OutlierPrompt(_Record):
    """A single production prompt farther from every test than the threshold, and in no gap.

    Attributes: prompt, index: position in what was given as production; distance: to its nearest test, in [0, 2];
        nearest_test: that test's text, nearest_test_index: its position.
    """

    prompt: str
    index: int
    distance: float
    nearest_test: str
    nearest_test_index: int


@dataclass(frozen=True)
class CoverageResult(_Record):
    """What the tests never ask.

    Attributes:
        gaps: by falling size; under_tested: regions with significantly too few tests, by falling size.
        outliers: by falling distance.
        status: one of "covered", "gap", "undetermined" per production row.
        num_test_prompts, num_production_prompts: rows given; test_units, production_units: distinct prompts.
        overall_coverage_score: single estimate of the share of production rows whose kind of prompt is tested, in
            [0, 1]; coverage_range: (low, high) for it. It rests on uncovered prompts lying farther from the tests than
            covered ones do.
        distance_threshold: beyond it a single prompt is an outlier (Euclidean between unit vectors).
        tested: regions tested.
        note: what limits the answer, for people; empty where nothing does.
    """

    gaps: tuple[CoverageGap, ...]
    under_tested: tuple[CoverageGap, ...]
    outliers: tuple[OutlierPrompt, ...]
    status: tuple[Status, ...]
    num_test_prompts: int
    num_production_prompts: int
    test_units: int
    production_units: int
    overall_coverage_score: float
    coverage_range: tuple[float, float]
    distance_threshold: float
    tested: int
    note: str = ""

    def share(self, status: Status) -> float:
        """Return the share of production rows with this status, 0.0 where there are no rows."""
        return self.status.count(status) / len(self.status) if self.status else 0.0
