"""Prints the slice sections of bench/RESULTS.md from the JSON that slices_truth.py, slices_sizes.py and
slices_speed.py wrote.

usage: python bench/slices_tables.py [--results FOLDER]
"""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from pathlib import Path
from typing import Any

ROWS = ("ours agglomerative", "ours hdbscan", "faultmap hdbscan", "faultmap agglomerative", "oracle")
NAMES = {
    "ours agglomerative": "ours, Ward tree (default)",
    "ours hdbscan": "ours, HDBSCAN tree",
    "faultmap hdbscan": "faultmap 0.5.0, HDBSCAN (its default)",
    "faultmap agglomerative": "faultmap 0.5.0, Ward",
    "oracle": "ours, true topics as candidates (oracle)",
}
CORPORA = ("banking77", "clinc150", "mmlupro")


def table(header: list[str], rows: list[list[str]]) -> str:
    """Return a Markdown table."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def write_section(file: Path, name: str, text: str) -> None:
    """Put `text` between the two marks that bear `name` in a Markdown file; at its end where it has none yet."""
    begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    old = file.read_text(encoding="utf-8") if file.exists() else ""
    if begin not in old:
        old = f"{old.rstrip()}\n\n{begin}\n{end}\n".lstrip()
    before, rest = old.split(begin)
    file.write_text(f"{before}{begin}\n{text}\n\n{end}{rest.split(end)[1]}", encoding="utf-8")


def mean(values: list[float]) -> float:
    """Arithmetic mean."""
    return sum(values) / len(values)


def share(cells: list[dict[str, Any]], key: str) -> float | None:
    """Mean of a share over slices, weighted by the number of slices."""
    known = [one for one in cells if one[key] is not None]
    total = sum(one["slices"] for one in known)
    return sum(one[key] * one["slices"] for one in known) / total if total else None


def shown(value: float | None, digits: int = 2) -> str:
    """A figure as it stands in a table."""
    return "–" if value is None else f"{value:.{digits}f}"


def planted(cells: list[dict[str, Any]]) -> str:
    """Recall per corpus, and what was found, per embedder and number of prompts."""
    parts = []
    groups: dict[tuple[str, int], list[dict[str, Any]]] = defaultdict(list)
    for cell in cells:
        groups[cell["embedder"], cell["n"]].append(cell)
    for (embedder, n), group in sorted(groups.items(), key=lambda item: (item[0][0] != "wordllama", item[0])):
        rows = []
        for method in ROWS:
            own = [one for one in group if one["method"] == method]
            if not own:
                continue
            by_corpus = [mean([one["recall"] for one in own if one["corpus"] == name]) for name in CORPORA]
            by_effect = [
                mean([one["recall"] for one in own if one["effect"] == effect])
                for effect in sorted({one["effect"] for one in own})
            ]
            figures = [*by_corpus, mean(by_corpus), *by_effect]
            checks = [share(own, "false_share"), share(own, "half_planted_share"), share(own, "intervals_hold")]
            count = str(sum(one["slices"] for one in own))
            rows.append([NAMES[method], *(shown(v) for v in figures), count, *(shown(v, 3) for v in checks)])
        effects = [f"+{effect:g}" for effect in sorted({one["effect"] for one in group})]
        header = ["method", *CORPORA, "mean", *effects, "slices", "false", "half planted", "interval holds"]
        parts.append(f"**{embedder}, {n:,} prompts**\n\n{table(header, rows)}")
    return "\n\n".join(parts)


def against_peer(cells: list[dict[str, Any]]) -> str:
    """Ours over the peer, averaged over corpora and effects."""
    rows = []
    for embedder in sorted({one["embedder"] for one in cells}, reverse=True):
        for n in sorted({one["n"] for one in cells}):
            recall = {
                method: mean(values)
                for method in ROWS
                if (
                    values := [
                        one["recall"]
                        for one in cells
                        if (one["embedder"], one["n"], one["method"]) == (embedder, n, method)
                    ]
                )
            }
            if "faultmap hdbscan" not in recall:
                continue
            own, peer, ward = (recall[ROWS[i]] for i in (0, 2, 3))
            ratio = f"{own / peer:.1f}×" if peer else "∞"
            rows.append(
                [embedder, f"{n:,}", shown(own, 3), shown(peer, 3), ratio, shown(ward, 3), f"{own / ward:.1f}×"]
            )
    header = ["embedder", "prompts", "ours", "faultmap default", "ratio", "faultmap Ward", "ratio"]
    return table(header, rows)


def truth(results: dict[str, Any]) -> str:
    """All sections of slices_truth.json."""
    parts = ["## Failure slices: the truth"]
    if "planted" in results:
        parts += [PLANTED_TEXT, against_peer(results["planted"]), planted(results["planted"])]
    if "null" in results:
        rows = [
            [
                one["corpus"],
                one["embedder"],
                one["method"],
                "yes" if one["metadata"] else "no",
                f"{one['shuffles']:,}",
                f"{one['any_finding']:.1%}",
            ]
            for one in results["null"]
        ]
        parts += [NULL_TEXT, table(["corpus", "embedder", "tree", "metadata", "shuffles", "any finding"], rows)]
    if "duplicated" in results:
        rows = [
            [one["corpus"], f"{one['runs']:,}", f"{one['any_finding']:.1%}", f"{one['uncorrected']:.1%}"]
            for one in results["duplicated"]
        ]
        parts += [COPIES_TEXT, table(["corpus", "runs", "any finding", "without the correction"], rows)]
    if "known" in results:
        rows = [
            [
                one["model"],
                one["category"],
                "yes" if one["metadata_candidates"] else "no",
                str(one["slices"]),
                shown(one["best_f1"]),
                shown(one["share_of_category_in_slices"]),
                one["name"] or "–",
                shown(one["failure_rate"]),
            ]
            for one in results["known"]
        ]
        header = ["model", "category", "metadata", "slices", "best F1", "category in slices", "best slice", "its rate"]
        parts += [KNOWN_TEXT, table(header, rows)]
    return "\n\n".join(parts)


def speed(results: dict[str, Any]) -> str:
    """All sections of slices_speed.json."""
    ours, peer = results.get("ours", {}), results.get("faultmap", {})
    rows = []
    for n, cost in ours.get("sizes", {}).items():
        other = peer.get("sizes", {}).get(n)
        seconds, note = (other["cpu_seconds"], "") if other else (None, "")
        if seconds is None and peer.get("growth_exponent"):
            largest = max(peer["sizes"], key=int)
            scale = (int(n) / int(largest)) ** peer["growth_exponent"]
            seconds, note = peer["sizes"][largest]["cpu_seconds"] * scale, " (extrapolated)"
        ratio = "–" if seconds is None else f"{seconds / cost['cpu_seconds']:.0f}×"
        told = "–" if seconds is None else f"{seconds:,.0f}{note}"
        rows.append([f"{int(n):,}", f"{cost['cpu_seconds']:.1f}", told, ratio, f"{cost['peak_mb']:,.0f}"])
    header = ["prompts × 384", "ours, CPU s", "faultmap default, CPU s", "ratio", "our peak memory, MB"]
    parts = ["## Failure slices: the cost", SPEED_TEXT, table(header, rows)]
    facts = []
    if ours.get("growth_exponent") is not None:
        facts.append(f"Growth exponent of CPU time over these sizes: {ours['growth_exponent']:.2f}.")
    if peer.get("growth_exponent") is not None:
        facts.append(
            f"faultmap's, from {' and '.join(f'{int(n):,}' for n in peer['sizes'])}: {peer['growth_exponent']:.2f}."
        )
    if "neighbors" in results:
        found = results["neighbors"]
        facts.append(
            f"Exact nearest neighbours 10k × 100k × 384: {found['share_of_sgemm']:.0%} of the sgemm rate measured in"
            f" the same run ({found['gflops_sgemm']:.0f} GFLOP/s)."
        )
    if "clumps" in results:
        cost = results["clumps"]
        facts.append(
            f"100,000 rows in 2,000 clumps of 50 exact and near copies: {cost['cpu_seconds']:.0f} CPU s,"
            f" {cost['peak_mb']:,.0f} MB."
        )
    return "\n\n".join([*parts, " ".join(facts)])


def sizes(results: dict[str, Any]) -> str:
    """All sections of slices_sizes.json."""
    groups: dict[tuple[int, int, float], dict[str, dict[str, float]]] = defaultdict(dict)
    for one in results["two_groups"]:
        groups[one["inside"], one["rest"], one["rate"]][one["test"]] = one
    rows = [
        [f"{inside} of {inside + rest:,}", f"{rate:g}"]
        + [shown(tests[test][f"size_at_{level}"], 4) for level in ("0.05", "0.001") for test in TESTS]
        for (inside, rest, rate), tests in groups.items()
    ]
    header = ["region", "rate", *(f"{test} at {level}" for level in (".05", ".001") for test in TESTS)]
    pairs = [
        [str(one["discordant"]), shown(one["size_at_0.05"], 4), shown(one["size_at_0.001"], 4)]
        for one in results["mcnemar_midp"]
    ]
    second = table(["discordant pairs", "mid-p McNemar at .05", "at .001"], pairs)
    return "\n\n".join(["## The tests: exact sizes", SIZES_TEXT, table(header, rows), second])


TESTS = ("midp", "fisher", "chi2")

SIZES_TEXT = """How often each test rejects when there is no difference, summed over all outcomes (no simulation).
One-sided tests of a region against the rest; two-sided for McNemar, given the number of discordant pairs."""

PLANTED_TEXT = """Topics of real prompts are planted as slices: every prompt fails with probability .15, those of the
planted topics with .15 + effect. banking77: 6 of 77 intents, CLINC150: 10 of 150, MMLU-Pro: 2 of 13 categories. Recall:
share of planted topics that some slice meets with F1 ≥ .5. False: slices whose true mean failure rate is not above the
rest's. Half planted: slices of which at least half is planted. Interval holds: the true risk difference lies within the
reported interval. Each cell averages the effects +.2, +.35, +.5 (or the corpora) over draws of outcomes on two draws of
prompts. faultmap's clustering and tests run in its own venv on the same vectors."""

NULL_TEXT = """**Nothing planted.** Shuffled outcomes (failure rates .10, .25, .50 in turn) on 3,000 prompts: share of
shuffles in which anything at all is reported. With metadata: three columns of 12, 3 and 3 values and their pairs are
candidates too."""

COPIES_TEXT = """**Copies.** 40 prompts in 10 near-copies each ("please …", other punctuation), all copies of a prompt
sharing its outcome, nothing else planted: share of runs in which anything is reported, with and without the
design-effect correction."""

KNOWN_TEXT = """**Real scores.** Slices that the data's README names, without and with the category as metadata."""

SPEED_TEXT = """Neighbours, tree, tests and names from given vectors, each run in a fresh process with one thread
(imports included), synthetic mixtures; median of the repeats. faultmap: `analyze` with the same vectors and a fixed
label for its language model."""


def main() -> None:
    """Print the sections for which there are results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--results", type=Path, default=Path(__file__).with_name("results"))
    chosen = parser.parse_args()
    for name, section in (("slices_truth", truth), ("slices_sizes", sizes), ("slices_speed", speed)):
        file = chosen.results / f"{name}.json"
        if file.exists():
            print(section(json.loads(file.read_text())) + "\n")


if __name__ == "__main__":
    main()
