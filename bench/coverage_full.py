"""What does coverage read where nothing is hidden, and where something is? Splits of real prompts, distances alone.

usage: nice -n 10 python bench/coverage_full.py [--data FOLDER] [--splits N] [--out FILE]

Prompts are split at random into tests and production; a share of the intents is then taken out of the tests. What gaps
are found does not depend on the estimate; for that see coverage_truth.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from slices_corpora import Corpus, load

from faultmap_core.discovery.coverage.estimate import estimate_coverage
from faultmap_core.discovery.coverage.missing_regions import distances_beyond_copies

# Tests, production prompts, share of intents hidden, and how many of the splits are made.
CELLS = (
    (1_500, 1_500, 0.0, 1.0), (400, 400, 0.0, 1.0), (200, 2_000, 0.0, 1.0), (1_000, 200, 0.0, 1.0),
    (100, 100, 0.0, 1.0),
    (1_500, 1_500, 0.03, 0.25), (1_500, 1_500, 0.2, 0.25), (1_500, 1_500, 0.5, 0.25), (400, 400, 0.2, 0.25),
)  # fmt: skip


def measure(corpus: Corpus, tests: int, production: int, hidden: float, splits: int) -> dict[str, Any]:
    """Return means over the splits of one cell."""
    rows = []
    for split in range(splits):
        rng = np.random.default_rng([split, tests, production, int(100 * hidden)])
        drawn = rng.permutation(len(corpus.prompts))[: tests + production]
        asked, there = drawn[:tests], drawn[tests:]
        away = rng.choice(len(corpus.topics), round(hidden * len(corpus.topics)), replace=False)
        suite = corpus.vectors[asked[~np.isin(corpus.topic[asked], away)]]
        truth = 1.0 - float(np.isin(corpus.topic[there], away).mean())
        found = estimate_coverage(
            distances_beyond_copies(corpus.vectors[there], suite)[1],
            distances_beyond_copies(suite, suite, exclude_self=True)[1],
        )
        rows.append((truth, found.score, found.low, found.high))
    truth, score, low, high = np.array(rows).T
    return {
        "corpus": corpus.name, "tests": tests, "production": production, "hidden": hidden, "splits": splits,
        "truth": float(truth.mean()), "score": float(score.mean()), "low": float(low.mean()),
        "high": float(high.mean()),
        "error": float(np.sqrt(((score - truth) ** 2).mean())), "reads_1": float((score >= 0.995).mean()),
        "high_holds": float((high >= truth - 1e-9).mean()), "low_holds": float((low <= truth + 1e-9).mean()),
    }  # fmt: skip


def main() -> None:
    """Run all cells and write one JSON file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path(__file__).resolve().parents[2] / "shared" / "data")
    parser.add_argument("--cache", type=Path, default=Path(tempfile.gettempdir()) / "faultmap_bench_vectors")
    parser.add_argument("--splits", type=int, default=200)
    parser.add_argument("--out", type=Path, default=Path(__file__).with_name("results") / "coverage_full.json")
    chosen = parser.parse_args()
    results = []
    for name in ("clinc150", "banking77"):
        corpus = load(name, "wordllama", chosen.data, chosen.cache)
        for tests, production, hidden, part in CELLS:
            if corpus is not None:
                results.append(measure(corpus, tests, production, hidden, round(chosen.splits * part)))
                print(results[-1], file=sys.stderr, flush=True)
                chosen.out.write_text(json.dumps(results, indent=1, allow_nan=False) + "\n")


if __name__ == "__main__":
    main()
