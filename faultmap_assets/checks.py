"""Which results are not to be trusted? Asset checks: their specifications and their verdicts on counts."""

from __future__ import annotations

from dataclasses import dataclass

import dagster as dg

RAW_EVALS_CHECKS = [
    dg.AssetCheckSpec(
        "unique_ids",
        asset="raw_evals",
        blocking=True,
        description="Every (example id, epoch) stands once, so that no example is counted twice.",
    ),
    dg.AssetCheckSpec(
        "quarantine_share",
        asset="raw_evals",
        blocking=True,
        description="Few rows of the files are unfit: above `evals.max_quarantine_share` the rest is no fair sample.",
    ),
]
SCORES_CHECKS = [
    dg.AssetCheckSpec(
        "complete_scores",
        asset="scores",
        blocking=True,
        description="Every example has one row, and is failed or passed exactly when it is scored.",
    ),
    dg.AssetCheckSpec("scored_share", asset="scores", description="Examples without a score are few."),
]

_WARN_UNSCORED_SHARE = 0.2


def unique_ids(rows: int, distinct_keys: int) -> dg.AssetCheckResult:
    """Judge whether the keys of a partition are unique."""
    return dg.AssetCheckResult(
        check_name="unique_ids",
        passed=rows == distinct_keys,
        description=f"{rows:,} rows, {distinct_keys:,} distinct (example id, epoch)",
        metadata={"rows": rows, "distinct_keys": distinct_keys},
    )


def quarantine_share(kept: int, quarantined: int, limit: float) -> dg.AssetCheckResult:
    """Judge the share of rows that were quarantined."""
    share = quarantined / max(1, kept + quarantined)
    return dg.AssetCheckResult(
        check_name="quarantine_share",
        passed=share <= limit,
        description=f"{quarantined:,} of {kept + quarantined:,} rows are quarantined ({share:.1%}, limit {limit:.0%});"
        " `faultmap status` tells why",
        metadata={"quarantined": quarantined, "kept": kept, "share": share, "limit": limit},
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
    return dg.AssetCheckResult(
        check_name="complete_scores",
        passed=counts.rows == counts.examples and agree,
        description=f"{counts.examples:,} examples, {counts.rows:,} rows, {counts.scored:,} scored,"
        f" {counts.judged:,} failed or passed",
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
        description=f"{unscored:,} of {counts.rows:,} examples have no score ({share:.1%}); they are left out",
        metadata={"unscored": unscored, "share": share},
    )
