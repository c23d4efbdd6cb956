"""Do graded scores with many ties give false slices, and are true ones still found?

usage: nice -n 10 python bench/slices_ties.py [--data FOLDER] [--runs N] [--out FILE] [--parts null,siblings,recall]

3,000 prompts of CLINC150 with wordllama vectors, one tree; only the scores are drawn anew. Beside the test as it is
stands the normal approximation that it had before.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from slices_corpora import load
from slices_truth import FixedNamer

from faultmap_core.base.records import FailureSlice
from faultmap_core.discovery.slices import discovery as slices
from faultmap_core.discovery.slices.discovery import EvalRows, Outcome, SliceSettings, find_failure_slices
from faultmap_core.regions import dependence
from faultmap_core.regions.labels import ScoreLabel
from faultmap_core.regions.search import RegionSettings, candidates_of, find_regions
from faultmap_core.regions.tree import ClusterTree, build_tree
from faultmap_core.stats import concentration
from faultmap_core.stats.rank_tail import RankPopulation

PROMPTS = 3_000
SHARES = (0.5, 0.6, 0.7, 0.8, 0.85, 0.89, 0.95, 0.99)
PLANTED, DRAWS = 10, 40

Scores = np.ndarray
Draw = Callable[[np.random.Generator], bool]


@dataclass(frozen=True)
class Space:
    """The prompts' vectors, their tree, and their topics."""

    vectors: np.ndarray
    tree: ClusterTree
    topic: np.ndarray


@contextmanager
def normal_tail(active: bool) -> Iterator[None]:
    """Put the normal approximation, ties corrected, in the place of the tail."""
    from scipy.special import ndtr

    def tail(population: RankPopulation, sums: np.ndarray, sizes: np.ndarray) -> np.ndarray:
        total = population.weights.sum()
        mean = population.weights @ population.values / total
        variance = population.weights @ (population.values - mean) ** 2
        spread = np.sqrt(sizes * (total - sizes) * variance / (total * (total - 1)))
        return np.asarray(ndtr(-(sums - sizes * mean) / spread))

    kept = concentration.upper_tail
    if active:
        concentration.upper_tail = tail
    try:
        yield
    finally:
        concentration.upper_tail = kept


def made_once(space: Space) -> None:
    """Make once what does not depend on the scores, and leave out the detectable effects, which are only told."""
    groups, smallest = dependence.near_copy_groups(space.tree, space.vectors), dependence._smallest_node(space.tree)
    slices.near_copy_groups = lambda tree, vectors: groups
    dependence._smallest_node = lambda tree: smallest
    slices.minimum_detectable_effect = lambda *arguments: None


def spiked(rng: np.random.Generator, share: float, n: int = PROMPTS) -> Scores:
    """Scores of which `share` equal 1 and the rest lie anywhere below."""
    return np.where(rng.random(n) < share, 1.0, rng.random(n))


def slices_of(space: Space, score: Scores, outcome: Outcome, unit: np.ndarray | None = None) -> Sequence[FailureSlice]:
    """Return the slices reported; an answer fails below one half."""
    n = len(score)
    none: list[str | None] = [None] * n
    unit = np.arange(n) if unit is None else unit
    rows = EvalRows([str(i) for i in range(n)], [""] * n, none, none, score, (score < 0.5) * 1.0, unit)
    settings = SliceSettings(outcome=outcome)
    return find_failure_slices(rows, space.tree, space.vectors, settings, FixedNamer()).slices


def anything(space: Space, score: Scores, outcome: Outcome, unit: np.ndarray | None = None) -> bool:
    """Whether any slice is reported."""
    return bool(slices_of(space, score, outcome, unit))


def rate(draw: Draw, runs: int, seed: list[int]) -> dict[str, float]:
    """Return how often `draw` finds something, with its standard error."""
    rng = np.random.default_rng(seed)
    share = sum(draw(rng) for _ in range(runs)) / runs
    return {"runs": runs, "any_finding": share, "standard_error": float(np.sqrt(share * (1 - share) / runs))}


def null(space: Space, runs: int) -> list[dict[str, Any]]:
    """Random scores, by the share that is tied at the best."""
    results = []
    for share in SHARES:
        outcomes: tuple[Outcome, ...] = ("auto", "score") if share > 0.9 else ("auto",)
        for outcome in outcomes:
            for before in (False, True):
                with normal_tail(before):
                    found = rate(
                        lambda rng, share=share, outcome=outcome: anything(space, spiked(rng, share), outcome),
                        runs // 10 if before else runs,
                        [1, int(100 * share)],
                    )
                results.append({"share": share, "outcome": outcome, "normal_tail": before, **found})
                print(results[-1], file=sys.stderr, flush=True)
    return results


def siblings(space: Space, runs: int) -> list[dict[str, Any]]:
    """Other random scores with ties: few values, repeats averaged, copies, near-copies, differences of two models."""
    candidates = candidates_of(space.tree)
    two_sided = RegionSettings(alternative="two-sided")
    seldom = np.repeat(np.arange(PROMPTS), np.where(np.isin(space.topic, np.unique(space.topic)[:20]), 5, 1))
    weights = np.where(np.isin(space.topic, np.unique(space.topic)[:50]), 1 / 3, 1.0)

    def differs(values: Scores, weight: np.ndarray | None = None) -> bool:
        trials = np.ones(PROMPTS) if weight is None else weight
        return bool(find_regions(candidates, ScoreLabel(values, trials, np.ones(PROMPTS)), two_sided).regions)

    def levels(rng: np.random.Generator, share: float, n: int) -> Scores:
        return np.where(rng.random(PROMPTS) < share, 1.0, rng.integers(0, n, PROMPTS) / n)

    cases: dict[str, Callable[[np.random.Generator, float], bool]] = {
        "two values": lambda rng, share: anything(space, levels(rng, share, 1), "score"),
        "three values": lambda rng, share: anything(space, levels(rng, share, 2), "score"),
        "five values": lambda rng, share: anything(space, levels(rng, share, 4), "score"),
        "spike at 0": lambda rng, share: anything(space, 1.0 - spiked(rng, share), "score"),
        "spike in the middle": lambda rng, share: anything(
            space, np.where(rng.random(PROMPTS) < share, 0.5, rng.random(PROMPTS)), "score"
        ),
        "mean of three epochs": lambda rng, share: anything(
            space, np.mean([spiked(rng, share) for _ in range(3)], axis=0), "score"
        ),
        "some topics five times": lambda rng, share: anything(space, spiked(rng, share, len(seldom)), "score", seldom),
        "difference of two models": lambda rng, share: differs(spiked(rng, share) - spiked(rng, share)),
        "weights of a third": lambda rng, share: differs(clumped(rng, share, weights, space), weights),
    }
    results = []
    for name, draw in cases.items():
        for share in (0.8, 0.95):
            found = rate(lambda rng, draw=draw, share=share: draw(rng, share), runs, [2, int(100 * share)])
            results.append({"scores": name, "share": share, **found})
            print(results[-1], file=sys.stderr, flush=True)
    return results


def clumped(rng: np.random.Generator, share: float, weights: np.ndarray, space: Space) -> Scores:
    """Scores that three neighbours in leaf order share wherever they count for a third."""
    order = space.tree.order
    own = spiked(rng, share)
    shared = own[order].copy()
    light = np.flatnonzero(weights[order] < 1)
    for first in range(0, len(light) - 2, 3):
        shared[light[first : first + 3]] = shared[light[first]]
    score = np.empty_like(own)
    score[order] = shared
    return score


def recall(space: Space, draws: int) -> list[dict[str, Any]]:
    """Ten topics get worse scores: how many are found, with the tail as it is and with the normal one."""
    topics, counts = np.unique(space.topic, return_counts=True)
    results = []
    for share in (0.0, 0.3, 0.5, 0.6, 0.7, 0.8, 0.89):
        for before in (False, True):
            rng = np.random.default_rng([3, int(100 * share)])
            found, n_slices, false = [], 0, 0
            with normal_tail(before):
                for _ in range(draws):
                    planted = rng.choice(topics[counts >= 10], PLANTED, replace=False)
                    worse = np.isin(space.topic, planted)
                    score = spiked(rng, share)
                    score[worse] = spiked(rng, max(share - 0.35, 0.0))[worse] * (0.75 if share < 0.35 else 1.0)
                    n = PROMPTS
                    none: list[str | None] = [None] * n
                    rows = EvalRows(
                        [str(i) for i in range(n)], [""] * n, none, none, score, (score < 0.5) * 1.0, np.arange(n)
                    )
                    settings = SliceSettings(outcome="score")
                    regions = find_failure_slices(rows, space.tree, space.vectors, settings, FixedNamer()).slices
                    members = [np.array(one.sample_indices) for one in regions]
                    for topic in planted:
                        inside = space.topic == topic
                        best = max((2 * inside[m].sum() / (len(m) + inside.sum()) for m in members), default=0.0)
                        found.append(best >= 0.5)
                    n_slices += len(members)
                    false += sum(not worse[m].any() for m in members)
            results.append(
                {
                    "share": share,
                    "normal_tail": before,
                    "draws": draws,
                    "recall": float(np.mean(found)),
                    "slices": slices,
                }
                | {"false_slices": false}
            )
            print(results[-1], file=sys.stderr, flush=True)
    return results


def main() -> None:
    """Run the parts and write one JSON file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path(__file__).resolve().parents[2] / "shared" / "data")
    parser.add_argument("--cache", type=Path, default=Path(tempfile.gettempdir()) / "faultmap_bench_vectors")
    parser.add_argument("--runs", type=int, default=1_000)
    parser.add_argument("--out", type=Path, default=Path(__file__).with_name("results") / "slices_ties.json")
    parser.add_argument("--parts", default="null,siblings,recall")
    chosen = parser.parse_args()
    corpus = load("clinc150", "wordllama", chosen.data, chosen.cache)
    if corpus is None:
        raise SystemExit(1)
    vectors = corpus.vectors[:PROMPTS]
    space = Space(vectors, build_tree(vectors), corpus.topic[:PROMPTS])
    made_once(space)
    parts = {
        "null": lambda: null(space, chosen.runs),
        "siblings": lambda: siblings(space, chosen.runs),
        "recall": lambda: recall(space, DRAWS),
    }
    results: dict[str, Any] = json.loads(chosen.out.read_text()) if chosen.out.exists() else {}
    for part in chosen.parts.split(","):
        start = time.process_time()
        results[part] = parts[part]()
        chosen.out.write_text(json.dumps(results, indent=1, allow_nan=False) + "\n")
        print(f"{part}: {time.process_time() - start:.0f} CPU s", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
