"""Does slice discovery find the truth? Planted slices, null shuffles, duplicated prompts, known slices of real scores.

usage: python bench/slices_truth.py [--data FOLDER] [--peer-python PYTHON] [--draws N] [--shuffles N] [--out FILE]

The peer is faultmap 0.5.0 in a venv of its own (`python -m venv peer && peer/bin/pip install faultmap==0.5.0`), given
the same vectors; without --peer-python it is left out. A second embedder is used where `slices_minilm` finds it.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from slices_corpora import CORPORA, Corpus, embedders, load

from faultmap_core.discovery.slices.discovery import EvalRows, SliceAnalysis, SliceSettings, find_failure_slices
from faultmap_core.naming.keywords import NamingTask, RegionName
from faultmap_core.regions.neighbors import nearest_neighbors
from faultmap_core.regions.tree import ClusterTree, build_tree

PLANTED = {"banking77": 6, "clinc150": 10, "mmlupro": 2}
BASE, EFFECTS, SIZES, PEER_SIZES = 0.15, (0.2, 0.35, 0.5), (1_000, 3_000, 10_000), (1_000, 3_000)
SUBSETS, LEAST_TOPIC = 2, 10


class FixedNamer:
    """Stands in for names, which this benchmark does not look at."""

    def name_regions(self, tasks: Sequence[NamingTask], background: Sequence[str]) -> list[RegionName]:
        """Return "slice" for each."""
        return [RegionName("slice", "", "fixed") for _ in tasks]


@dataclass(frozen=True)
class Setup:
    """Some prompts of a corpus with their vectors and trees."""

    corpus: str
    embedder: str
    vectors: np.ndarray
    topic: np.ndarray
    topics: list[str]
    trees: dict[str, ClusterTree]


@dataclass
class Tally:
    """Sums over draws of one method."""

    recall: list[float] = field(default_factory=list)
    best_f1: list[float] = field(default_factory=list)
    slices: int = 0
    false: int = 0
    half: int = 0
    held: int | None = None
    runs_false_share: list[float] = field(default_factory=list)

    def report(self) -> dict[str, float | None]:
        """Return means and shares."""
        n = max(self.slices, 1)
        return {
            "recall": float(np.mean(self.recall)),
            "best_f1": float(np.mean(self.best_f1)),
            "slices_per_run": self.slices / len(self.recall),
            "slices": self.slices,
            "false_share": self.false / n,
            "false_share_mean_of_runs": float(np.mean(self.runs_false_share)),
            "half_planted_share": self.half / n,
            "intervals_hold": None if self.held is None else self.held / n,
            "runs": len(self.recall),
        }


def setup(corpus: Corpus, embedder: str, n: int, seed: int, methods: Sequence[str]) -> Setup:
    """Draw `n` prompts and build the trees."""
    rows = np.random.default_rng([seed, n]).choice(len(corpus.prompts), min(n, len(corpus.prompts)), replace=False)
    vectors = corpus.vectors[rows]
    near = nearest_neighbors(vectors, vectors, 15, exclude_self=True)
    trees = {method: build_tree(vectors, near, method=method) for method in methods}  # type: ignore[arg-type]
    return Setup(corpus.name, embedder, vectors, corpus.topic[rows], corpus.topics, trees)


def draw(one: Setup, effect: float, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Plant topics: returns outcomes, true failure probabilities, and the planted topics."""
    sizes = np.bincount(one.topic)
    fitting = np.flatnonzero(sizes >= LEAST_TOPIC)
    planted = rng.choice(fitting, min(PLANTED[one.corpus], len(fitting)), replace=False)
    truth = np.full(len(one.topic), BASE)
    truth[np.isin(one.topic, planted)] += effect
    return (rng.random(len(truth)) < truth).astype(float), truth, planted


def rows_of(failed: np.ndarray, metadata: dict[str, list[str]] | None = None) -> EvalRows:
    """Wrap outcomes as rows of which nothing else is looked at."""
    n = len(failed)
    ids = [str(i) for i in range(n)]
    return EvalRows(ids, [""] * n, [None] * n, [None] * n, 1.0 - failed, failed, np.arange(n), metadata or {})


def ours(one: Setup, failed: np.ndarray, method: str, metadata: dict[str, list[str]] | None = None) -> SliceAnalysis:
    """Run the product's own function."""
    return find_failure_slices(rows_of(failed, metadata), one.trees[method], one.vectors, SliceSettings(), FixedNamer())


def count(
    tally: Tally,
    found: list[np.ndarray],
    one: Setup,
    truth: np.ndarray,
    planted: np.ndarray,
    intervals: list[tuple[float, float]] | None,
) -> None:
    """Compare what was found with what was planted."""
    best = []
    for topic in planted:
        inside = one.topic == topic
        best.append(max((2 * inside[rows].sum() / (len(rows) + inside.sum()) for rows in found), default=0.0))
    differences = [float(truth[rows].mean() - np.delete(truth, rows).mean()) for rows in found]
    false = sum(difference <= 1e-12 for difference in differences)
    tally.recall.append(float(np.mean(np.array(best) >= 0.5)))
    tally.best_f1.append(float(np.mean(best)))
    tally.slices += len(found)
    tally.false += false
    tally.half += sum(bool((truth[rows] > BASE).mean() >= 0.5) for rows in found)
    tally.runs_false_share.append(false / max(len(found), 1))
    if intervals is not None:
        held = sum(low <= d <= high for (low, high), d in zip(intervals, differences, strict=True))
        tally.held = (tally.held or 0) + held


def oracle(one: Setup, failed: np.ndarray) -> SliceAnalysis:
    """The engine with the true topics as the only candidates."""
    n = len(failed)
    flat = ClusterTree(*(np.zeros(0, dtype=np.int64) for _ in range(4)), np.zeros(0), "none")
    flat = ClusterTree(np.arange(n), flat.parent, flat.start, flat.end, flat.height, "none")
    columns = {"topic": [one.topics[topic] for topic in one.topic]}
    # More topics than a metadata column may have values are spread over several columns.
    if len(one.topics) > 90:
        half = len(one.topics) // 2
        columns = {
            "a": [one.topics[t] if t < half else "" for t in one.topic],
            "b": [one.topics[t] if t >= half else "" for t in one.topic],
        }
    settings = SliceSettings(correct_dependence=False)
    return find_failure_slices(rows_of(failed, columns), flat, one.vectors, settings, FixedNamer())


def planted_slices(data: Path, cache: Path, peer: str | None, draws: int) -> list[dict[str, Any]]:
    """Recall, false discoveries and interval coverage of every method, per corpus, embedder, size and effect."""
    results = []
    for embedder in embedders():
        for name in CORPORA:
            corpus = load(name, embedder, data, cache)
            if corpus is None:
                continue
            for n in SIZES:
                started = time.process_time()
                tallies: dict[tuple[float, str], Tally] = {}
                for seed in range(SUBSETS):
                    one = setup(corpus, embedder, n, seed, ("agglomerative", "hdbscan"))
                    drawn = [
                        (effect, *draw(one, effect, np.random.default_rng([seed, number, int(100 * effect), n])))
                        for effect in EFFECTS
                        for number in range(draws // SUBSETS)
                    ]
                    replies = ask_peer(peer, one, [item[1] for item in drawn]) if peer and n in PEER_SIZES else {}
                    for number, (effect, failed, truth, planted) in enumerate(drawn):
                        for method in ("agglomerative", "hdbscan", "oracle"):
                            report = oracle(one, failed) if method == "oracle" else ours(one, failed, method)
                            found = [np.array(s.sample_indices) for s in report.slices]
                            held = [(s.risk_difference_low, s.risk_difference_high) for s in report.slices]
                            key = method if method == "oracle" else f"ours {method}"
                            count(tallies.setdefault((effect, key), Tally()), found, one, truth, planted, held)
                        for method, reply in replies.items():
                            found = [np.array(rows) for rows in reply["found"][number]]
                            key = f"faultmap {method}"
                            count(tallies.setdefault((effect, key), Tally()), found, one, truth, planted, None)
                where = {"corpus": name, "embedder": embedder, "n": n}
                results += [{**where, "effect": e, "method": m, **t.report()} for (e, m), t in tallies.items()]
                print(f"{embedder} {name} {n}: {time.process_time() - started:.0f} s", file=sys.stderr, flush=True)
    return results


def ask_peer(python: str, one: Setup, outcomes: list[np.ndarray]) -> dict[str, Any]:
    """Have faultmap's own code cluster and test the same vectors and outcomes."""
    with tempfile.TemporaryDirectory() as folder:
        job, reply = Path(folder, "job.npz"), Path(folder, "reply.json")
        methods = np.array(["hdbscan", "agglomerative"])
        np.savez(job, vectors=one.vectors, failed=np.array(outcomes, dtype=int), min_size=10, methods=methods)
        command = [python, "-W", "ignore", str(Path(__file__).with_name("slices_peer.py")), str(job), str(reply)]
        subprocess.run(command, check=True, stderr=subprocess.DEVNULL)
        answered: dict[str, Any] = json.loads(reply.read_text())
        return answered


def null_shuffles(data: Path, cache: Path, shuffles: int) -> list[dict[str, Any]]:
    """Share of shuffled outcomes in which anything is found, without and with metadata candidates."""
    results = []
    for embedder in embedders():
        for name in CORPORA:
            corpus = load(name, embedder, data, cache)
            if corpus is None:
                continue
            one = setup(corpus, embedder, 3_000, 0, ("agglomerative", "hdbscan"))
            rng = np.random.default_rng(7)
            columns = {
                "topic_group": [f"g{topic % 12}" for topic in one.topic],
                "source": rng.choice(["web", "mobile", "api"], len(one.topic)).tolist(),
                "length": rng.choice(["short", "middle", "long"], len(one.topic), p=[0.2, 0.5, 0.3]).tolist(),
            }
            for method, metadata in (("agglomerative", None), ("agglomerative", columns), ("hdbscan", None)):
                alarms = 0
                runs = shuffles if method == "agglomerative" else max(shuffles // 5, 1)
                for number in range(runs):
                    rate = (0.1, 0.25, 0.5)[number % 3]
                    failed = rng.permutation((np.arange(len(one.topic)) < rate * len(one.topic)).astype(float))
                    alarms += bool(ours(one, failed, method, metadata).slices)
                results.append(
                    {"corpus": name, "embedder": embedder, "method": method, "metadata": metadata is not None}
                    | {"shuffles": runs, "any_finding": alarms / runs}
                )
                print(results[-1], file=sys.stderr, flush=True)
    return results


EDITS = ("{}", "{}?", "please {}", "{} please", "hey, {}", "{}.", "ok {}", "{} thanks", "so {}", "{} now")


def duplicated_prompts(data: Path, cache: Path, runs: int) -> list[dict[str, Any]]:
    """40 prompts in 10 near-copies each that share their outcome: share of runs in which anything is found."""
    from faultmap_core.embedding import get_embedder

    results = []
    for name in CORPORA:
        corpus = load(name, "wordllama", data, cache)
        if corpus is None:
            continue
        embedder, rng = get_embedder(), np.random.default_rng(3)
        alarms = uncorrected = 0
        for _ in range(runs):
            prompts = [corpus.prompts[i] for i in rng.choice(len(corpus.prompts), 40, replace=False)]
            vectors = embedder.embed([edit.format(prompt) for prompt in prompts for edit in EDITS])
            tree = build_tree(vectors)
            rows = rows_of(np.repeat((rng.random(40) < 0.3).astype(float), 10))
            alarms += bool(find_failure_slices(rows, tree, vectors, SliceSettings(), FixedNamer()).slices)
            plain = SliceSettings(correct_dependence=False)
            uncorrected += bool(find_failure_slices(rows, tree, vectors, plain, FixedNamer()).slices)
        results.append({"corpus": name, "runs": runs, "any_finding": alarms / runs, "uncorrected": uncorrected / runs})
    return results


def known_slices(data: Path) -> list[dict[str, Any]]:
    """Are the slices that `data/README.md` names found on the real scores?"""
    import pandas as pd

    from faultmap_core.data.prompts import prompt_id, varying_parts
    from faultmap_core.embedding import get_embedder

    cases = [
        ("bbh_cot_vs_direct", "code-davinci-002-direct", "multistep_arithmetic_two"),
        ("bbh_cot_vs_direct", "code-davinci-002-cot", "word_sorting"),
        ("mmlupro_scores_8models", "Meta-Llama-3_1-8B-Instruct", "law"),
        ("mmlupro_scores_8models", "Meta-Llama-3_1-8B-Instruct", "engineering"),
        ("mmlupro_scores_8models", "Qwen1.5-7B-Chat", "chemistry"),
    ]
    results = []
    for file, model, category in cases:
        path = data / "evals" / f"{file}.parquet"
        if not path.exists():
            print(f"skipped {file}: {path} does not exist (--data names the folder)", file=sys.stderr)
            continue
        table = pd.read_parquet(path)
        if "input_text" not in table:
            questions = pd.read_parquet(data / "evals" / "mmlupro_questions.parquet")
            table = table.merge(questions, on="example_id").rename(columns={"question": "input_text"})
        table = table[table["model"] == model].reset_index(drop=True)
        texts = table["input_text"].tolist()
        _, first, unit = np.unique([prompt_id(text) for text in texts], return_index=True, return_inverse=True)
        parts = varying_parts(texts)
        vectors = get_embedder().embed([parts[i] for i in first])
        tree = build_tree(vectors)
        score = table["score"].to_numpy(float)
        for columns in ({}, {"category": table["category"].tolist()}):
            none: list[str | None] = [None] * len(texts)
            ids = table["example_id"].tolist()
            rows = EvalRows(ids, texts, none, none, score, (score < 0.5).astype(float), unit, columns)
            found = find_failure_slices(rows, tree, vectors).slices
            inside = (table["category"] == category).to_numpy()
            f1 = [2 * inside[s.sample_indices].sum() / (s.size + inside.sum()) for s in found]
            share = sum(inside[s.sample_indices].sum() for s in found) / inside.sum()
            best = int(np.argmax(f1)) if f1 else -1
            results.append(
                {"model": model, "category": category, "metadata_candidates": bool(columns), "slices": len(found)}
                | {"best_f1": float(max(f1, default=0.0)), "share_of_category_in_slices": float(share)}
                | {"name": found[best].name if f1 else None, "failure_rate": found[best].failure_rate if f1 else None}
            )
    return results


def main() -> None:
    """Run all parts and write one JSON file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path(__file__).resolve().parents[2] / "shared" / "data")
    parser.add_argument("--cache", type=Path, default=Path(tempfile.gettempdir()) / "faultmap_bench_vectors")
    parser.add_argument("--peer-python", default=None)
    parser.add_argument("--draws", type=int, default=20, help="outcome draws per corpus, embedder, size and effect")
    parser.add_argument("--shuffles", type=int, default=1_000)
    parser.add_argument("--out", type=Path, default=Path(__file__).with_name("results") / "slices_truth.json")
    parser.add_argument("--parts", default="known,duplicated,planted,null")
    chosen = parser.parse_args()
    parts = {
        "known": lambda: known_slices(chosen.data),
        "duplicated": lambda: duplicated_prompts(chosen.data, chosen.cache, chosen.shuffles),
        "planted": lambda: planted_slices(chosen.data, chosen.cache, chosen.peer_python, chosen.draws),
        "null": lambda: null_shuffles(chosen.data, chosen.cache, chosen.shuffles),
    }
    chosen.out.parent.mkdir(parents=True, exist_ok=True)
    results: dict[str, Any] = json.loads(chosen.out.read_text()) if chosen.out.exists() else {}
    for part in chosen.parts.split(","):
        results[part] = parts[part]()
        chosen.out.write_text(json.dumps(results, indent=1, allow_nan=False) + "\n")
        print(f"{part}: done", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
