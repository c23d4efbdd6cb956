"""The verdicts of the asset checks, on counts; what each check means is declared with its asset."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import dagster as dg

from faultmap_assets.ingestion.file_ledger import PartitionLedger
from faultmap_core.discovery.coverage.estimate import LEAST_TESTS

_OUR_DEFECT = "`faultmap audit --force` makes it again; if it stays, it is a defect of this project: keep the files"
_WARN_UNSCORED_SHARE = 0.2
_VALUES_SHOWN = 5


def _unless(passed: bool, told: str) -> str:
    """What a failed check adds: what was expected, and what to do."""
    return "" if passed else f"; {told}"


def named(asset: str, notes: Sequence[str]) -> dg.AssetCheckResult:
    """Judge whether names fell back to keywords; a warning, because the findings stand without a model's names."""
    told = [note for note in notes if note]
    return dg.AssetCheckResult(
        asset_key=asset,
        check_name="named",
        passed=not told,
        severity=dg.AssetCheckSeverity.WARN,
        description=f"{len(told)} of {len(notes)} regions bear keywords for a name: {told[0]}; `faultmap doctor` looks"
        " at the model, the next audit asks it again"
        if told
        else f"{len(notes)} regions are named",
    )


def unique_ids(rows: int, distinct_keys: int) -> dg.AssetCheckResult:
    """Judge whether the keys of a partition are unique."""
    return dg.AssetCheckResult(
        check_name="unique_ids",
        passed=rows == distinct_keys,
        description=f"{rows:,} rows, {distinct_keys:,} distinct (example id, epoch)"
        + _unless(rows == distinct_keys, f"expected as many as rows; {_OUR_DEFECT}"),
        metadata={"rows": rows, "distinct_keys": distinct_keys},
    )


def quarantine_share(kept: int, quarantined: int, limit: float) -> dg.AssetCheckResult:
    """Judge the share of rows that were quarantined."""
    share = quarantined / max(1, kept + quarantined)
    return dg.AssetCheckResult(
        check_name="quarantine_share",
        passed=share <= limit,
        description=f"{quarantined:,} of {kept + quarantined:,} rows are quarantined ({share:.1%}, limit {limit:.0%});"
        " `faultmap status` tells why" + _unless(share <= limit, "mend the file, or raise evals.max_quarantine_share"),
        metadata={"quarantined": quarantined, "kept": kept, "share": share, "limit": limit},
    )


def rows_conserved(asset: str, rows: int, ledger: PartitionLedger) -> dg.AssetCheckResult:
    """Judge whether all that the files hold is accounted for, by the ledger and by counting again."""
    passed = ledger.staged == ledger.present == rows + ledger.superseded and not ledger.unbalanced
    wrong = f"; {ledger.unbalanced[0]}" if ledger.unbalanced else ""
    return dg.AssetCheckResult(
        asset_key=asset,
        check_name="rows_conserved",
        passed=passed,
        description=f"{ledger.staged:,} rows delivered by files, {ledger.present:,} there: {rows:,} count,"
        f" {ledger.superseded:,} are superseded by newer files{wrong}"
        + _unless(
            passed,
            "expected all that was delivered; read the files again into another `--home` and keep both: it is a defect"
            " of this project",
        ),
        metadata={"staged": ledger.staged, "rows": rows, "superseded": ledger.superseded},
    )


@dataclass(frozen=True)
class ScoreCounts:
    """Counts of one partition of `scores`: examples in, rows out, rows with a score, with a verdict, with both."""

    examples: int
    rows: int
    scored: int
    judged: int
    scored_and_judged: int


def complete_scores(counts: ScoreCounts) -> dg.AssetCheckResult:
    """Judge whether every example is accounted for."""
    agree = counts.scored == counts.judged == counts.scored_and_judged
    passed = counts.rows == counts.examples and agree
    return dg.AssetCheckResult(
        check_name="complete_scores",
        passed=passed,
        description=f"{counts.examples:,} examples, {counts.rows:,} rows, {counts.scored:,} scored,"
        f" {counts.judged:,} failed or passed"
        + _unless(passed, f"expected a row per example, and a verdict exactly where there is a score; {_OUR_DEFECT}"),
        metadata={"examples": counts.examples, "rows": counts.rows, "scored": counts.scored, "judged": counts.judged},
    )


def scored_share(counts: ScoreCounts) -> dg.AssetCheckResult:
    """Judge the share of examples without a score; a warning, because the others are still worth analysing."""
    unscored = counts.rows - counts.scored
    share = unscored / max(1, counts.rows)
    return dg.AssetCheckResult(
        check_name="scored_share",
        passed=share <= _WARN_UNSCORED_SHARE,
        severity=dg.AssetCheckSeverity.WARN,
        description=f"{unscored:,} of {counts.rows:,} examples have no score ({share:.1%}); they are left out"
        + _unless(
            share <= _WARN_UNSCORED_SHARE,
            f"expected at most {_WARN_UNSCORED_SHARE:.0%}: look for empty scores and infrastructure errors in the file,"
            " or have scores computed (score_mode of the dataset in faultmap.yaml)",
        ),
        metadata={"unscored": unscored, "share": share},
    )


def one_metric(name: str, rows: int, others: Mapping[str, int]) -> dg.AssetCheckResult:
    """Judge whether the answers are judged by one metric; a warning, because those of another are left out."""
    shown = ", ".join(f"{number:,} of {other}" for other, number in list(others.items())[:_VALUES_SHOWN])
    return dg.AssetCheckResult(
        check_name="one_metric",
        passed=not others,
        severity=dg.AssetCheckSeverity.WARN,
        description=f"{rows:,} answers are judged by {name}"
        + _unless(not others, f"left out: {shown}; choose one for all files with `--scorer`"),
        metadata={"metric": name, "rows": rows, "left_out": sum(others.values())},
    )


def reconciled(figures: int, disagreements: Sequence[str]) -> dg.AssetCheckResult:
    """Judge whether the tools' own figures agree with the rows; a warning, because the rows may be part of a file."""
    shown = "; ".join(disagreements[:_VALUES_SHOWN])
    return dg.AssetCheckResult(
        check_name="reconciled",
        passed=not disagreements,
        severity=dg.AssetCheckSeverity.WARN,
        description=f"{figures - len(disagreements):,} of {figures:,} figures of the tools agree with their rows"
        + _unless(not disagreements, f"{shown}; is the file complete?"),
        metadata={"figures": figures, "disagreements": len(disagreements)},
    )


def all_pairs(shared: int, compared: int, pairs: int) -> dg.AssetCheckResult:
    """Judge whether the pairs that can be compared are.

    Args: shared: pairs of models that were both scored on some example; compared: pairs with a compared example;
        pairs: all pairs of models.
    """
    apart = f"; {pairs - shared:,} of all {pairs:,} pairs share none" if pairs > shared else ""
    return dg.AssetCheckResult(
        check_name="all_pairs",
        passed=compared == shared,
        severity=dg.AssetCheckSeverity.WARN,
        description=f"{compared:,} of {shared:,} pairs of models that share scored examples are compared{apart}"
        + _unless(compared == shared, f"expected all of them; {_OUR_DEFECT}"),
        metadata={"pairs": pairs, "shared": shared, "compared": compared},
    )


def feedback_understood(understood: int, unknown: Mapping[str, Mapping[str, int]]) -> dg.AssetCheckResult:
    """Judge whether feedback says what it means; a warning, because a row without a verdict only stays out.

    Args: understood: rows with a verdict; unknown: column -> value -> rows that no rule knows.
    """
    missed = sum(sum(values.values()) for values in unknown.values())
    column = next(iter(unknown), "")
    shown = ", ".join(repr(value) for value in list(unknown.get(column, ()))[:_VALUES_SHOWN])
    hint = f"; {column} has {shown}: name them in production.feedback" if missed else ""
    return dg.AssetCheckResult(
        check_name="feedback_understood",
        passed=not missed,
        severity=dg.AssetCheckSeverity.WARN,
        description=f"{understood:,} rows say how it went, {missed:,} values are neither good nor bad{hint}",
        metadata={"understood": understood, "not_understood": missed},
    )


def unique_log_ids(rows: int, distinct_keys: int) -> dg.AssetCheckResult:
    """Judge whether the keys of one day's log are unique."""
    return dg.AssetCheckResult(
        check_name="unique_log_ids",
        passed=rows == distinct_keys,
        description=f"{rows:,} rows, {distinct_keys:,} distinct (source, model, log id)"
        + _unless(rows == distinct_keys, f"expected as many as rows; {_OUR_DEFECT}"),
        metadata={"rows": rows, "distinct_keys": distinct_keys},
    )


@dataclass(frozen=True)
class CoverageCounts:
    """Counts of one partition of `coverage_gaps`.

    Attributes:
        tests: distinct prompts of the test suite; logged: production prompts.
        covered, in_gaps, undetermined: prompts by verdict.
        naming_a_gap: prompts that say which gap they are in; gap_sizes: prompts that the gaps say they hold.
    """

    tests: int
    logged: int
    covered: int
    in_gaps: int
    undetermined: int
    naming_a_gap: int
    gap_sizes: int


def every_prompt_judged(counts: CoverageCounts) -> dg.AssetCheckResult:
    """Judge whether every production prompt has one verdict; without tests all of them are one gap without a region."""
    judged = counts.covered + counts.in_gaps + counts.undetermined
    in_regions = counts.in_gaps if counts.tests else 0
    passed = judged == counts.logged and counts.naming_a_gap == counts.gap_sizes == in_regions
    return dg.AssetCheckResult(
        check_name="every_prompt_judged",
        passed=passed,
        description=f"{counts.logged:,} production prompts: {counts.covered:,} covered, {counts.in_gaps:,} in gaps"
        f" (which hold {counts.gap_sizes:,}), {counts.undetermined:,} undetermined"
        + _unless(passed, f"expected one verdict each; {_OUR_DEFECT}"),
        metadata={
            "logged": counts.logged,
            "covered": counts.covered,
            "in_gaps": counts.in_gaps,
            "undetermined": counts.undetermined,
            "gap_sizes": counts.gap_sizes,
        },
    )


def tests_present(counts: CoverageCounts) -> dg.AssetCheckResult:
    """Judge whether there are tests enough; a warning, because it is a fact about the suite and not a fault."""
    return dg.AssetCheckResult(
        check_name="tests_present",
        passed=counts.tests >= LEAST_TESTS,
        severity=dg.AssetCheckSeverity.WARN,
        description=f"{counts.tests:,} distinct test prompts; {LEAST_TESTS} are needed to measure coverage"
        + _unless(counts.tests >= LEAST_TESTS, "audit more eval files, or name their datasets in coverage.datasets"),
        metadata={"tests": counts.tests, "needed": LEAST_TESTS},
    )


_WARN_UNJUDGED_SHARE = 0.05


@dataclass(frozen=True)
class JudgmentCounts:
    """Counts of one partition of `error_judgments`.

    Attributes: failed: judgments without a usable reply, by `reasons`; stopped: why no more calls were made.
    """

    failures: int
    judgments: int
    not_sampled: int
    failed: int
    reasons: Mapping[str, int]
    stopped: str


def failures_accounted(counts: JudgmentCounts) -> dg.AssetCheckResult:
    """Judge whether every failure is accounted for."""
    passed = counts.failures == counts.judgments + counts.not_sampled
    return dg.AssetCheckResult(
        check_name="failures_accounted",
        passed=passed,
        description=f"{counts.failures:,} failures: {counts.judgments:,} judged, {counts.not_sampled:,} not sampled"
        + _unless(passed, f"expected the two to add up; {_OUR_DEFECT}"),
        metadata={"failures": counts.failures, "judgments": counts.judgments, "not_sampled": counts.not_sampled},
    )


def judge_answered(counts: JudgmentCounts) -> dg.AssetCheckResult:
    """Judge the share of failures that the judge gave no usable reply for; they are asked for again later."""
    share = counts.failed / max(1, counts.judgments)
    reasons = ", ".join(f"{number} {reason}" for reason, number in sorted(counts.reasons.items()))
    return dg.AssetCheckResult(
        check_name="judge_answered",
        passed=share <= _WARN_UNJUDGED_SHARE,
        severity=dg.AssetCheckSeverity.WARN,
        description=f"{counts.failed:,} of {counts.judgments:,} failures wait for a judgment"
        + (f" ({reasons})" if reasons else "")
        + (f"; {counts.stopped}" if counts.stopped else "")
        + _unless(
            share <= _WARN_UNJUDGED_SHARE,
            f"expected at most {_WARN_UNJUDGED_SHARE:.0%}: `faultmap doctor` looks at the model, the next audit asks it"
            " again",
        ),
        metadata={"failed": counts.failed, "share": share},
    )


@dataclass(frozen=True)
class TaxonomyCounts:
    """Errors in all, in the leaves, under the top categories, and in none; limit: allowed share of the last."""

    errors: int
    in_leaves: int
    at_the_top: int
    unclassified: int
    limit: float


def counts_conserved(counts: TaxonomyCounts) -> dg.AssetCheckResult:
    """Judge whether the taxonomy's counts add up."""
    classified = counts.errors - counts.unclassified
    passed = counts.in_leaves == counts.at_the_top == classified
    return dg.AssetCheckResult(
        check_name="counts_conserved",
        passed=passed,
        description=f"{counts.errors:,} errors: {counts.in_leaves:,} in leaves, {counts.at_the_top:,} under the top"
        f" categories, {counts.unclassified:,} unclassified"
        + _unless(passed, f"expected leaves and top to hold all that are classified; {_OUR_DEFECT}"),
    )


def classified_share(counts: TaxonomyCounts) -> dg.AssetCheckResult:
    """Judge the share of errors without a category."""
    share = counts.unclassified / max(1, counts.errors)
    return dg.AssetCheckResult(
        check_name="classified_share",
        passed=share <= counts.limit,
        severity=dg.AssetCheckSeverity.WARN,
        description=f"{counts.unclassified:,} of {counts.errors:,} errors fit no category ({share:.1%}, limit"
        f" {counts.limit:.0%})" + _unless(share <= counts.limit, "`faultmap taxonomy --rebuild` makes kinds for them"),
        metadata={"share": share},
    )
