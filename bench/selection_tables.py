"""Print the section "What a search promises" of RESULTS.md from the results of four benchmarks.

usage: python bench/selection_tables.py
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).with_name("results")


def read(name: str) -> Any:
    """Return one benchmark's results."""
    return json.loads((RESULTS / f"{name}.json").read_text())


def table(*rows: tuple[str, ...]) -> None:
    """Print a table, its head first."""
    for number, row in enumerate(rows):
        print("| " + " | ".join(row) + " |")
        if number == 0:
            print("| " + " | ".join("---" for _ in row) + " |")
    print()


def percent(rate: float) -> str:
    """Write a share."""
    return f"{rate:.1%}"


def with_error(row: dict[str, Any]) -> str:
    """Write how often anything was found, with its standard error."""
    return f"{percent(row['any_finding'])} ± {percent(row['standard_error'])}"


def ties() -> None:
    """Random scores with ties, and what the exact tail finds."""
    results = read("slices_ties")
    print("**Ties.** Random scores of which a share equals 1 (`slices_ties.py`; 3,000 prompts of CLINC150, default")
    print("settings, `outcome` as given): share of runs in which anything is reported, ± its standard error. At")
    print("most 5 % are promised.\n")
    before = {(row["share"], row["outcome"]): row for row in results["null"] if row["normal_tail"]}
    rows = [
        (
            percent(row["share"]), row["outcome"], f"{row['runs']:,}",
            with_error(row),
            percent(before[row["share"], row["outcome"]]["any_finding"]),
        )
        for row in results["null"]
        if not row["normal_tail"]
    ]  # fmt: skip
    table(("tied at 1", "outcome", "runs", "any finding", "with the normal tail"), *rows)
    if "siblings" in results:
        rows = [
            (row["scores"], percent(row["share"]), f"{row['runs']:,}", with_error(row)) for row in results["siblings"]
        ]
        table(("other scores", "tied", "runs", "any finding"), *rows)
    print("Ten topics with worse scores: share of them found (F1 ≥ .5), and slices without one prompt of them.\n")
    rows = [
        (
            percent(row["share"]),
            "normal" if row["normal_tail"] else "exact",
            f"{row['recall']:.3f}",
            str(row["slices"]),
            str(row["false_slices"]),
        )
        for row in results["recall"]
    ]
    table(("tied at 1", "tail", "recall", "slices", "false"), *rows)


def estimates() -> None:
    """What is estimated after selection."""
    print("**Estimates after selection.** Mean of the risk difference shown less the true one, over all slices found")
    print("(`slices_estimates.py`; planted topics, own rates of all topics, or nothing, where every slice is false).\n")
    sums: dict[str, list[float]] = {}
    for row in read("slices_estimates"):
        if row["slices"]:
            told = sums.setdefault(row["effect"], [0.0, 0.0, 0.0])
            told[0] += row["slices"]
            told[1] += row["slices"] * row["observed_bias"]
            told[2] += row["slices"] * row["estimated_bias"]
    rows = [(effect, f"{n:.0f}", f"{a / n:+.3f}", f"{b / n:+.3f}") for effect, (n, a, b) in sums.items()]
    total = [sum(one[place] for one in sums.values()) for place in range(3)]
    everything = ("all", f"{total[0]:.0f}", f"{total[1] / total[0]:+.3f}", f"{total[2] / total[0]:+.3f}")
    table(("effect", "slices", "observed", "estimated"), *rows, everything)


def audits() -> None:
    """Many models in one audit."""
    print("**Many models.** 21 models on the same prompts (`slices_audit.py`): audits with any finding, and findings,")
    print("before and after the adjustment over all models (`audit_adjusted_p_value`).\n")
    rows = [
        (
            row["case"], str(row["audits"]), percent(row["any_finding"]), percent(row["any_finding_audit_adjusted"]),
            f"{row['true']} → {row['true_audit_adjusted']}", f"{row['false']} → {row['false_audit_adjusted']}",
        )
        for row in read("slices_audit")
    ]  # fmt: skip
    table(("case", "audits", "any finding", "adjusted", "true slices", "false slices"), *rows)


def coverage() -> None:
    """Coverage of a covered log."""
    print("**Full coverage.** Splits of real prompts (`coverage_full.py`); which gaps are found does not depend on the")
    print("estimate. The estimates in “Coverage gaps: the truth” below are from before.\n")
    rows = [
        (
            row["corpus"], f"{row['tests']:,} + {row['production']:,}", percent(row["hidden"]), str(row["splits"]),
            f"{row['truth']:.3f}", f"{row['score']:.3f}", f"{row['low']:.2f}–{row['high']:.2f}",
            percent(row["reads_1"]), percent(row["high_holds"]),
        )
        for row in read("coverage_full")
    ]  # fmt: skip
    head = (
        "corpus",
        "tests + production",
        "hidden",
        "splits",
        "true",
        "estimate",
        "range",
        "reads 1",
        "high end holds",
    )
    table(head, *rows)


def main() -> None:
    """Print the section."""
    print("## What a search promises\n")
    for part in (ties, estimates, audits, coverage):
        part()


if __name__ == "__main__":
    main()
