"""The exact size of the tests: how often they reject at .05 and .001 when there is no difference.

usage: python bench/slices_sizes.py [--out FILE]

No simulation: sums of binomial probabilities over every possible outcome.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np
from scipy.stats import binom

from faultmap_core.stats import exact_tests as statistics

LEVELS = (0.05, 0.001)
REGIONS = ((10, 490), (20, 980), (50, 950), (200, 800))
RATES = (0.05, 0.15, 0.3, 0.5)
PAIRS = (6, 10, 20, 50, 100)


def two_group_sizes() -> list[dict[str, Any]]:
    """Size of the one-sided tests of a region against the rest, per region size and failure rate."""
    found = []
    for inside, rest in REGIONS:
        k, other = np.meshgrid(np.arange(inside + 1), np.arange(rest + 1), indexing="ij")
        arguments = k, np.full(k.shape, inside), k + other, np.full(k.shape, inside + rest)
        p_values = {
            "midp": statistics.midp_greater(*arguments),
            "fisher": statistics.fisher_greater(*arguments),
            "chi2": statistics.chi2_greater(*arguments),
        }
        for rate in RATES:
            chance = binom.pmf(k, inside, rate) * binom.pmf(other, rest, rate)
            for test, p in p_values.items():
                sizes = {f"size_at_{level:g}": float((chance * (p <= level)).sum()) for level in LEVELS}
                found.append({"inside": inside, "rest": rest, "rate": rate, "test": test, **sizes})
    return found


def mcnemar_sizes() -> list[dict[str, Any]]:
    """Size of the two-sided mid-p McNemar test, given the number of discordant pairs."""
    found = []
    for pairs in PAIRS:
        wins = np.arange(pairs + 1)
        p = np.array([statistics.mcnemar_midp(int(won), int(pairs - won)) for won in wins])
        chance = binom.pmf(wins, pairs, 0.5)
        sizes = {f"size_at_{level:g}": float(chance[p <= level].sum()) for level in LEVELS}
        found.append({"discordant": pairs, **sizes})
    return found


def main() -> None:
    """Compute and write one JSON file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path(__file__).with_name("results") / "slices_sizes.json")
    chosen = parser.parse_args()
    chosen.out.parent.mkdir(parents=True, exist_ok=True)
    results = {"two_groups": two_group_sizes(), "mcnemar_midp": mcnemar_sizes()}
    chosen.out.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
