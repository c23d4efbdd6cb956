"""How much of what found slices show is real? The bias of the observed and of the estimated risk difference.

usage: nice -n 10 python bench/slices_estimates.py [--data FOLDER] [--draws N] [--out FILE]

Topics are planted as in slices_truth; "own rates" gives every topic a failure rate of its own (Beta(1.5, 6)), 0 plants
nothing: there every slice is false. A bias is the mean, over all slices found, of the figure less the true difference.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from slices_corpora import CORPORA, load
from slices_truth import BASE, LEAST_TOPIC, PLANTED, Setup, ours, setup

from faultmap_core.discovery.slices import discovery as slices

# Effect -> how many times as many draws as of a planted one: with nothing to find, few draws have a slice.
EFFECTS: dict[str, int] = {"0": 8, "0.1": 3, "0.2": 1, "0.35": 1, "0.5": 1, "own rates": 1}


def truth_of(one: Setup, effect: str, rng: np.random.Generator) -> np.ndarray:
    """Draw every prompt's true failure rate."""
    sizes = np.bincount(one.topic)
    if effect == "own rates":
        return rng.beta(1.5, 6.0, len(sizes))[one.topic]
    planted = rng.choice(np.flatnonzero(sizes >= LEAST_TOPIC), PLANTED[one.corpus], replace=False)
    return BASE + float(effect) * np.isin(one.topic, planted)


def measure(one: Setup, effect: str, draws: int) -> dict[str, Any]:
    """Return the biases over all slices of all draws."""
    rng = np.random.default_rng([7, len(one.topic), list(EFFECTS).index(effect)])
    errors = []
    for _ in range(draws * EFFECTS[effect]):
        truth = truth_of(one, effect, rng)
        failed = (rng.random(len(truth)) < truth).astype(float)
        for found in ours(one, failed, "agglomerative").slices:
            inside = np.zeros(len(truth), dtype=bool)
            inside[found.sample_indices] = True
            real = truth[inside].mean() - truth[~inside].mean()
            errors.append((found.risk_difference - real, found.estimated_risk_difference - real))
    seen = np.array(errors).reshape(-1, 2)
    result: dict[str, Any] = {"corpus": one.corpus, "prompts": len(one.topic), "effect": effect, "slices": len(seen)}
    if len(seen):
        result |= {
            "observed_bias": float(seen[:, 0].mean()),
            "estimated_bias": float(seen[:, 1].mean()),
            "observed_error": float(np.sqrt((seen[:, 0] ** 2).mean())),
            "estimated_error": float(np.sqrt((seen[:, 1] ** 2).mean())),
        }
    return result


def main() -> None:
    """Run all cells and write one JSON file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path(__file__).resolve().parents[2] / "shared" / "data")
    parser.add_argument("--cache", type=Path, default=Path(tempfile.gettempdir()) / "faultmap_bench_vectors")
    parser.add_argument("--draws", type=int, default=24)
    parser.add_argument("--out", type=Path, default=Path(__file__).with_name("results") / "slices_estimates.json")
    chosen = parser.parse_args()
    # Only told, and most of the time.
    slices.minimum_detectable_effect = lambda *arguments: None
    results = []
    for name in CORPORA:
        corpus = load(name, "wordllama", chosen.data, chosen.cache)
        for prompts in (1_000, 3_000):
            if corpus is None:
                continue
            one = setup(corpus, "wordllama", prompts, 0, ["agglomerative"])
            for effect in EFFECTS:
                results.append(measure(one, effect, chosen.draws))
                print(results[-1], file=sys.stderr, flush=True)
                chosen.out.write_text(json.dumps(results, indent=1, allow_nan=False) + "\n")


if __name__ == "__main__":
    main()
