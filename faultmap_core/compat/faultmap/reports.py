"""The front door's reports: faultmap 0.5.0's fields, printing, strict JSON and a data frame."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any

from rich.console import RenderableType

from faultmap_core.base.finding_claims import pair_claim
from faultmap_core.base.records import FailureSlice, _Record
from faultmap_core.base.text import Column, Page, Section, printed, rich_page, shortened
from faultmap_core.compat.faultmap.html import html_page
from faultmap_core.discovery.comparison.results import ComparisonResult, SliceComparison, Winner
from faultmap_core.discovery.coverage.results import CoverageGap, CoverageResult, OutlierPrompt, Status

if TYPE_CHECKING:
    import pandas as pd

_SHOWN_PROMPTS = 3


class _Report(_Record, ABC):
    """Gives a report its printed and its drawn form."""

    @abstractmethod
    def _page(self) -> Page:
        """Return what the report says."""

    def __rich__(self) -> RenderableType:
        """Return the page that `rich.print` shows."""
        return rich_page(self._page())

    def __str__(self) -> str:
        """Return the page as text: with colours where standard output is a terminal, plain elsewhere."""
        return printed(self.__rich__())

    def _repr_html_(self) -> str:
        """Return what a notebook shows: every text escaped, no script, long lists folded."""
        return html_page(self._page())


def _frame(findings: Sequence[_Record], kind: type) -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame([one.to_dict() for one in findings], columns=[one.name for one in fields(kind)])


def _percent(value: float) -> str:
    return f"{value:.1%}"


def _prompts(prompts: Sequence[str]) -> list[str]:
    return [f"· {shortened(prompt)}" for prompt in prompts[:_SHOWN_PROMPTS]]


@dataclass(frozen=True)
class AnalysisReport(_Report):
    """Where a model fails.

    Attributes:
        slices: by falling excess failures.
        total_prompts: rows given; total_failures: scored rows below `failure_threshold`.
        baseline_failure_rate: total_failures / scored rows (0.0 where none is scored).
        scoring_mode: "precomputed" | "reference" | "entropy".
        num_clusters_tested: candidates tested; num_significant: len(slices).
        metadata: counts and settings of the run that faultmap has no field for.
    """

    slices: list[FailureSlice]
    total_prompts: int
    total_failures: int
    baseline_failure_rate: float
    significance_level: float
    failure_threshold: float
    scoring_mode: str
    num_clusters_tested: int
    num_significant: int
    clustering_method: str
    embedding_model: str
    metadata: dict[str, Any] = field(default_factory=dict)

    def summary(self) -> str:
        """Return the finding in one or two sentences."""
        if not self.slices:
            return (
                f"No region of the {self.total_prompts} prompts fails significantly more than the rest (overall failure"
                f" rate {self.baseline_failure_rate:.1%}, {self.num_clusters_tested} candidates tested at"
                f" {self.significance_level:g})."
            )
        worst = self.slices[0]
        return (
            f"{self.num_significant} failure slice{'s' if self.num_significant != 1 else ''} among {self.total_prompts}"
            f' prompts. Most failures beyond the rest: "{worst.name}": {worst.claim}'
        )

    def to_frame(self) -> pd.DataFrame:
        """Return one row per slice, one column per field of `FailureSlice`."""
        return _frame(self.slices, FailureSlice)

    def _page(self) -> Page:
        facts = [
            self.summary(),
            str(self.metadata.get("note", "")),
            f"{self.total_prompts:,} prompts, {self.total_failures:,} failures ({self.baseline_failure_rate:.1%}) below"
            f" {self.failure_threshold:g}, scores {self.scoring_mode}, {self.num_clusters_tested:,} candidates"
            f" ({self.clustering_method}, {self.embedding_model}), false discovery rate {self.significance_level:g}",
        ]
        found = self.slices
        columns = [
            Column("slice", [one.name for one in found]),
            Column("size", [f"{one.size:,}" for one in found], "right"),
            Column("here", [_value(one, one.claim.inside_text) for one in found], "right"),
            Column("elsewhere", [_value(one, one.claim.outside_text) for one in found], "right"),
            Column("excess", [f"{one.estimated_excess_failures:+.0f}" for one in found], "right"),
            Column("adjusted p", [f"{one.adjusted_p_value:.2g}" for one in found], "right"),
        ]
        return Page("FAULTMAP ANALYSIS", facts, columns, [_section(one) for one in found])


def _value(one: FailureSlice, value: str) -> str:
    return f"score {value}" if one.statistic == "score" else f"{value} fail"


def _explained(one: FailureSlice | CoverageGap | SliceComparison, cause: str, repair: str) -> list[str]:
    """What a language model made of a finding, where one did."""
    lines = [f"{cause}: {one.root_cause}"] if one.root_cause else []
    return lines + ([f"{repair}: {one.suggested_remediation}"] if one.suggested_remediation else [])


def _section(one: FailureSlice | SliceComparison) -> Section:
    explained = _explained(one, "Root cause", "Suggested fix")
    claimed = [one.claim.told, one.claim.basis] if isinstance(one, FailureSlice) else []
    return Section(one.name, [*claimed, one.description, *explained, *_prompts(one.representative_prompts)])


@dataclass(frozen=True)
class CoverageReport(_Report):
    """What the tests never ask.

    Attributes:
        gaps: by falling size; num_gaps: how many.
        num_test_prompts, num_production_prompts: rows given.
        overall_coverage_score, coverage_range, distance_threshold: see `coverage_results.CoverageResult`.
        metadata: num_uncovered_total (rows in gaps or outliers), num_clustered_uncovered (in gaps),
            num_unclustered_uncovered and unclustered_prompt_indices (the others), note, counts.
        under_tested, outliers: see `coverage_results.CoverageResult`.
        prompt_status: "covered", "gap" or "undetermined" per production prompt.
    """

    gaps: list[CoverageGap]
    num_test_prompts: int
    num_production_prompts: int
    num_gaps: int
    overall_coverage_score: float
    distance_threshold: float
    embedding_model: str
    metadata: dict[str, Any] = field(default_factory=dict)
    coverage_range: tuple[float, float] = (0.0, 1.0)
    under_tested: list[CoverageGap] = field(default_factory=list)
    outliers: list[OutlierPrompt] = field(default_factory=list)
    prompt_status: list[Status] = field(default_factory=list)

    def summary(self) -> str:
        """Return the finding in one or two sentences."""
        low, high = self.coverage_range
        covered = f"About {self.overall_coverage_score:.0%} of production is covered by the tests"
        covered += f" (between {low:.0%} and {high:.0%})." if high > low else "."
        if not self.gaps:
            return f"No gap found among {self.num_production_prompts:,} production prompts. {covered}"
        worst = self.gaps[0]
        return (
            f"{self.num_gaps} coverage gap{'s' if self.num_gaps != 1 else ''} among {self.num_production_prompts:,}"
            f' production prompts. {covered} Largest: "{worst.name}", {worst.size:,} prompts'
            f" ({worst.traffic_share:.1%} of traffic), {_tests(worst)}."
        )

    def to_frame(self) -> pd.DataFrame:
        """Return one row per gap and then per under-tested region, one column per field of `CoverageGap`."""
        return _frame([*self.gaps, *self.under_tested], CoverageGap)

    def _page(self) -> Page:
        found = [*self.gaps, *self.under_tested]
        shares = [f"{self.prompt_status.count(one):,} {one}" for one in ("covered", "gap", "undetermined")]
        facts = [
            self.summary(),
            str(self.metadata.get("note", "")),
            f"{self.num_test_prompts:,} tests, {self.num_production_prompts:,} production prompts"
            f" ({', '.join(shares)}), {len(self.outliers):,} outliers beyond distance {self.distance_threshold:.3f}"
            f" ({self.embedding_model})",
        ]
        columns = [
            Column("region", [one.name for one in found]),
            Column("kind", [one.kind for one in found]),
            Column("prompts", [f"{one.size:,}" for one in found], "right"),
            Column("traffic", [_percent(one.traffic_share) for one in found], "right"),
            Column("tests", [_tests_cell(one) for one in found], "right"),
            Column("distance", [f"{one.mean_distance:.3f}" for one in found], "right"),
        ]
        sections = [Section(one.name, _gap_lines(one)) for one in found]
        far = [f"· {shortened(one.prompt)} ({one.distance:.3f})" for one in self.outliers[:_SHOWN_PROMPTS]]
        if far:
            sections.append(Section("far from every test", far))
        return Page("FAULTMAP COVERAGE", facts, columns, sections)


def _tests_cell(one: CoverageGap) -> str:
    return "-" if one.kind == "distant" else f"{one.tests:,} of {one.expected_tests:.1f}"


def _tests(one: CoverageGap) -> str:
    if one.kind == "distant":
        return f"mean distance {one.mean_distance:.3f}"
    return f"{one.tests:,} of {one.expected_tests:.0f} expected tests"


def _gap_lines(one: CoverageGap) -> list[str]:
    nearest = [f"Nearest test: {shortened(test['prompt'])}" for test in one.nearest_tests[:1]]
    explained = _explained(one, "Not tested", "Tests to add")
    return [one.description, *explained, *nearest, *_prompts(one.representative_prompts)]


@dataclass(frozen=True)
class ComparisonReport(_Report):
    """Which of two models is better, over all and where that changes.

    Attributes:
        slices: by how much of the difference they explain; num_significant: how many.
        total_prompts: rows given; failure_rate_a, failure_rate_b: on the rows that both have an outcome for.
        global_winner: "a", "b", "tie" (equivalence within the margin is shown) or "unresolved".
        global_p_value, global_test_used, global_advantage_rate: see `comparison_results.ComparisonResult`, and there
            for difference, difference_low, difference_high, equivalent and margin too.
        num_clusters_tested: candidates tested; metadata: note, counts, settings.
    """

    slices: list[SliceComparison]
    total_prompts: int
    model_a_name: str
    model_b_name: str
    failure_rate_a: float
    failure_rate_b: float
    global_p_value: float
    global_test_used: str
    global_winner: Winner
    global_advantage_rate: float
    significance_level: float
    failure_threshold: float
    scoring_mode: str
    num_clusters_tested: int
    num_significant: int
    clustering_method: str
    embedding_model: str
    metadata: dict[str, Any] = field(default_factory=dict)
    difference: float = 0.0
    difference_low: float | None = None
    difference_high: float | None = None
    equivalent: bool = False
    margin: float = 0.05

    def winner_name(self, winner: Winner) -> str:
        """Return the name of the model that won, or "tie" or "unresolved"."""
        return {"a": self.model_a_name, "b": self.model_b_name}.get(winner, winner)

    def summary(self) -> str:
        """Return the finding in one or two sentences."""
        found = {
            **vars(self),
            "test_used": self.global_test_used,
            "winner": self.global_winner,
            "p_value": self.global_p_value,
            "adjusted_p_value": self.global_p_value,
        }
        compared = int(self.metadata.get("compared_prompts", self.total_prompts))
        whole = pair_claim(found, self.model_a_name, self.model_b_name, compared).told
        if not self.slices:
            return f"{whole} No region of the prompts differs from that significantly."
        first = self.slices[0]
        who = {"tie": "the models are equal", "unresolved": "the winner is unresolved"}
        inside = who.get(first.winner, f"{self.winner_name(first.winner)} is better")
        differ = "region differs:" if self.num_significant == 1 else "regions differ, most of all"
        return f'{whole} {self.num_significant} {differ} "{first.name}" ({first.size:,} prompts), where {inside}.'

    def to_frame(self) -> pd.DataFrame:
        """Return one row per slice, one column per field of `SliceComparison`."""
        return _frame(self.slices, SliceComparison)

    def _page(self) -> Page:
        found = self.slices
        facts = [
            self.summary(),
            str(self.metadata.get("note", "")),
            f"A is {self.model_a_name}, B is {self.model_b_name}: {self.total_prompts:,} prompts, scores"
            f" {self.scoring_mode}, {self.num_clusters_tested:,} candidates ({self.clustering_method},"
            f" {self.embedding_model}), false discovery rate {self.significance_level:g}",
        ]
        columns = [
            Column("slice", [one.name for one in found]),
            Column("size", [f"{one.size:,}" for one in found], "right"),
            Column("A fails", [_percent(one.failure_rate_a) for one in found], "right"),
            Column("B fails", [_percent(one.failure_rate_b) for one in found], "right"),
            Column(
                "only A, only B right", [f"{one.discordant_a_wins}, {one.discordant_b_wins}" for one in found], "right"
            ),
            Column("winner", [self.winner_name(one.winner) for one in found]),
            Column("adjusted p", [f"{one.adjusted_p_value:.2g}" for one in found], "right"),
        ]
        sections = [_section(one) for one in found]
        return Page("FAULTMAP MODEL COMPARISON", facts, columns, sections)


def coverage_report(result: CoverageResult, embedding_model: str) -> CoverageReport:
    """Return the report of an audit."""
    inside = {row for gap in result.gaps for row in gap.prompt_indices}
    uncovered = {row for row, status in enumerate(result.status) if status == "gap"}
    alone = sorted((uncovered | {one.index for one in result.outliers}) - inside)
    return CoverageReport(
        gaps=list(result.gaps),
        num_test_prompts=result.num_test_prompts,
        num_production_prompts=result.num_production_prompts,
        num_gaps=len(result.gaps),
        overall_coverage_score=result.overall_coverage_score,
        distance_threshold=result.distance_threshold,
        embedding_model=embedding_model,
        metadata={
            "num_uncovered_total": len(inside) + len(alone),
            "num_clustered_uncovered": len(inside),
            "num_unclustered_uncovered": len(alone),
            "unclustered_prompt_indices": alone,
            "distinct_test_prompts": result.test_units,
            "distinct_production_prompts": result.production_units,
            "num_regions_tested": result.tested,
            "note": result.note,
        },
        coverage_range=result.coverage_range,
        under_tested=list(result.under_tested),
        outliers=list(result.outliers),
        prompt_status=list(result.status),
    )


def comparison_report(
    result: ComparisonResult,
    failure_threshold: float,
    scoring_mode: str,
    clustering_method: str,
    embedding_model: str,
    scoring_metadata: dict[str, Any],
) -> ComparisonReport:
    """Return the report of a comparison."""
    return ComparisonReport(
        slices=list(result.slices),
        total_prompts=result.total_rows,
        model_a_name=result.model_a,
        model_b_name=result.model_b,
        failure_rate_a=result.failure_rate_a,
        failure_rate_b=result.failure_rate_b,
        global_p_value=result.global_p_value,
        global_test_used=result.global_test_used,
        global_winner=result.global_winner,
        global_advantage_rate=result.global_advantage_rate,
        significance_level=result.significance_level,
        failure_threshold=failure_threshold,
        scoring_mode=scoring_mode,
        num_clusters_tested=result.tested,
        num_significant=len(result.slices),
        clustering_method=clustering_method,
        embedding_model=embedding_model,
        metadata={
            "scoring_metadata": scoring_metadata,
            "note": result.note,
            "compared_prompts": result.compared_rows,
            "distinct_prompts": result.units,
            "discordant_a_wins": result.global_discordant_a_wins,
            "discordant_b_wins": result.global_discordant_b_wins,
        },
        difference=result.difference,
        difference_low=result.difference_low,
        difference_high=result.difference_high,
        equivalent=result.equivalent,
        margin=result.margin,
    )
