"""Does the comparison of two models tell the truth? Swapped answers, planted reversals, known pairs of real scores.

usage: python bench/comparison_truth.py [--peer-python PYTHON] [--data FOLDER] [--shuffles N] [--draws N] [--parts ...]

Nothing planted: on every prompt on which two models disagree a coin says who won, so no region differs from any other.
Planted: A is better everywhere but on some topics, where B is. Known: chain of thought against none on BIG-Bench Hard.
The peer is faultmap 0.5.0 in a venv of its own (`python -m venv peer && peer/bin/pip install faultmap==0.5.0`), given
the same vectors and outcomes; without --peer-python it is left out.

Writes bench/results/comparison_truth.json and the section of bench/RESULTS.md between its two marks.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
import numpy as np
from slices_corpora import CORPORA, load
from slices_tables import shown, table, write_section
from slices_truth import PLANTED, FixedNamer, Setup, setup

from faultmap_core.discovery.comparison.comparison import compare
from faultmap_core.discovery.comparison.paired_rows import ComparisonSettings, PairedRows
from faultmap_core.discovery.comparison.results import ComparisonResult
from faultmap_core.regions.tree import ClusterTree

HERE = Path(__file__).resolve().parent
EMBEDDER = "wordllama"
SIZES, PEER_SIZES, EFFECTS = (1_000, 3_000, 10_000), (1_000, 3_000), (0.2, 0.35, 0.5)
SUBSETS, LEAST_TOPIC, MIN_SIZE, ALPHA = 2, 10, 10, 0.05
FAIL_A, FAIL_B, FAIL_B_PLANTED = 0.20, 0.30, 0.20
NULL_SIZE = 3_000
COINS = {"fair": 0.5, "A wins 3 of 4": 0.75}
METHODS = ("agglomerative", "hdbscan")

Bools = np.ndarray


@dataclass(frozen=True)
class Found:
    """One reported slice: its rows, who wins in it, and to whom it points compared with elsewhere (peer: the winner).

    `interval` is that of A's advantage, where there is one.
    """

    rows: np.ndarray
    winner: str
    points_to: str
    interval: tuple[float, float] | None = None


@dataclass(frozen=True)
class Truth:
    """What was drawn: chance of failing per prompt and model, and which prompts are planted (topic or -1)."""

    fail_a: np.ndarray
    fail_b: np.ndarray
    planted: np.ndarray

    def advantage(self, rows: np.ndarray) -> float:
        """Mean advantage of A in the chance to pass."""
        return float((self.fail_b[rows] - self.fail_a[rows]).mean())

    def share(self, rows: np.ndarray) -> float:
        """Share of A's wins among the disagreements to be expected."""
        a = float(((1 - self.fail_a[rows]) * self.fail_b[rows]).sum())
        b = float((self.fail_a[rows] * (1 - self.fail_b[rows])).sum())
        return a / (a + b)


def rows_of(
    failed_a: Bools, failed_b: Bools, unit: np.ndarray | None = None, prompts: list[str] | None = None
) -> PairedRows:
    """Wrap outcomes as rows of which nothing else is looked at; each is a prompt of its own where `unit` is None."""
    n = len(failed_a)
    ids, texts, none = [str(i) for i in range(n)], prompts or [""] * n, [None] * n
    a, b = failed_a.astype(float), failed_b.astype(float)
    return PairedRows(ids, texts, none, none, none, 1.0 - a, 1.0 - b, a, b, np.arange(n) if unit is None else unit)


def ours(one: Setup, failed_a: Bools, failed_b: Bools, method: str) -> ComparisonResult:
    """Run the product's own function; "oracle" has the true topics as its only candidates."""
    rows = rows_of(failed_a, failed_b)
    if method != "oracle":
        return compare(rows, one.trees[method], one.vectors, ComparisonSettings(), FixedNamer())
    order = np.argsort(one.topic, kind="stable").astype(np.int64)
    ends = np.cumsum(np.bincount(one.topic)).astype(np.int64)
    starts = np.concatenate([[0], ends[:-1]])
    kept = ends - starts >= 2
    root = np.full(int(kept.sum()), -1, dtype=np.int64)
    topics = ClusterTree(order, root, starts[kept], ends[kept], np.zeros(len(root)), "none")
    settings = ComparisonSettings(correct_dependence=False)
    return compare(rows, topics, one.vectors, settings, FixedNamer())


def found_by(result: ComparisonResult) -> list[Found]:
    """The slices of a result."""
    return [
        Found(
            np.array(one.sample_indices),
            one.winner,
            "a" if one.advantage_rate > one.rest_advantage_rate else "b",
            (-1.0 if one.difference_low is None else one.difference_low,
             1.0 if one.difference_high is None else one.difference_high),
        )
        for one in result.slices
    ]  # fmt: skip


def ask_peer(python: str, vectors: np.ndarray, outcomes: list[tuple[Bools, Bools]]) -> dict[str, list[list[Found]]]:
    """Have faultmap's own code compare the same outcomes on the same vectors."""
    with tempfile.TemporaryDirectory() as folder:
        job, reply = Path(folder, "job.npz"), Path(folder, "reply.json")
        failed = {f"failed_{name}": np.array([one[at] for one in outcomes], dtype=bool) for at, name in enumerate("ab")}
        np.savez(job, vectors=vectors, methods=np.array(METHODS), min_size=MIN_SIZE, **failed)
        command = [python, "-W", "ignore", str(HERE / "comparison_peer.py"), str(job), str(reply)]
        subprocess.run(command, check=True, stderr=subprocess.DEVNULL)
        answer = json.loads(reply.read_text())
    return {
        method: [
            [Found(np.array(own["clusters"][str(cluster)]), winner, winner) for cluster, winner in run]
            for run in own["found"]
        ]
        for method, own in answer.items()
    }


@dataclass
class Tally:
    """Sums over the draws of one method."""

    recall: list[float] = field(default_factory=list)
    named: list[float] = field(default_factory=list)
    slices: int = 0
    false: int = 0
    half: int = 0
    winners: int = 0
    wrong_winners: int = 0
    ties: int = 0
    wrong_ties: int = 0
    held: int = 0
    with_interval: int = 0
    wrong_global: int = 0

    def count(self, found: list[Found], truth: Truth, margin: float) -> None:
        """Compare what was found with what was planted."""
        everything = np.arange(len(truth.planted))
        best = {"points": [], "wins": []}
        for topic in np.unique(truth.planted[truth.planted >= 0]):
            inside = truth.planted == topic
            f1 = [2 * inside[one.rows].sum() / (len(one.rows) + inside.sum()) for one in found]
            for kind, those in (("points", "points_to"), ("wins", "winner")):
                own = [value for value, one in zip(f1, found, strict=True) if getattr(one, those) == "b"]
                best[kind].append(max(own, default=0.0) >= 0.5)
        self.recall.append(float(np.mean(best["points"])))
        self.named.append(float(np.mean(best["wins"])))
        for one in found:
            advantage, rest = truth.advantage(one.rows), np.setdiff1d(everything, one.rows)
            differs = truth.share(one.rows) - truth.share(rest)
            self.slices += 1
            self.false += (differs if one.points_to == "a" else -differs) <= 1e-12
            self.half += (truth.planted[one.rows] >= 0).mean() >= 0.5
            self.winners += one.winner in ("a", "b")
            self.wrong_winners += (one.winner == "a" and advantage <= 0) or (one.winner == "b" and advantage >= 0)
            self.ties += one.winner == "tie"
            self.wrong_ties += one.winner == "tie" and abs(advantage) > margin
            if one.interval is not None:
                self.with_interval += 1
                self.held += one.interval[0] <= advantage <= one.interval[1]

    def report(self) -> dict[str, Any]:
        """Return counts and means."""
        counts = {
            name: int(getattr(self, name))
            for name in ("slices", "false", "half", "winners", "wrong_winners", "ties", "wrong_ties", "held")
        }
        runs = {"runs": len(self.recall), "with_interval": self.with_interval, "wrong_global": self.wrong_global}
        return {"recall": float(np.mean(self.recall)), "recall_named": float(np.mean(self.named)), **counts, **runs}


def draw(one: Setup, effect: float, rng: np.random.Generator) -> tuple[Bools, Bools, Truth]:
    """Plant topics on which B beats A by `effect`, while A beats B by .1 elsewhere."""
    fitting = np.flatnonzero(np.bincount(one.topic) >= LEAST_TOPIC)
    topics = rng.choice(fitting, min(PLANTED[one.corpus], len(fitting)), replace=False)
    planted = np.where(np.isin(one.topic, topics), one.topic, -1)
    fail_a = np.where(planted >= 0, FAIL_B_PLANTED + effect, FAIL_A)
    fail_b = np.where(planted >= 0, FAIL_B_PLANTED, FAIL_B)
    failed_a, failed_b = rng.random(len(planted)) < fail_a, rng.random(len(planted)) < fail_b
    return failed_a, failed_b, Truth(fail_a, fail_b, planted)


def planted_reversals(data: Path, cache: Path, peer: str | None, draws: int) -> list[dict[str, Any]]:
    """Recall, false discoveries, winners and interval coverage of every method, per corpus, size and effect."""
    results, margin = [], ComparisonSettings().margin
    for name in CORPORA:
        corpus = load(name, EMBEDDER, data, cache)
        if corpus is None:
            continue
        for n in SIZES:
            started = time.process_time()
            tallies: dict[tuple[float, str], Tally] = {}
            for seed in range(SUBSETS):
                one = setup(corpus, EMBEDDER, n, seed, METHODS)
                drawn = [
                    (effect, *draw(one, effect, np.random.default_rng([seed, number, int(100 * effect), n, 1])))
                    for effect in EFFECTS
                    for number in range(draws // SUBSETS)
                ]
                pairs = [(a, b) for _, a, b, _ in drawn]
                replies = ask_peer(peer, one.vectors, pairs) if peer and n in PEER_SIZES else {}
                for number, (effect, failed_a, failed_b, truth) in enumerate(drawn):
                    for method in (*METHODS, "oracle"):
                        result = ours(one, failed_a, failed_b, method)
                        key = method if method == "oracle" else f"ours {method}"
                        tally = tallies.setdefault((effect, key), Tally())
                        tally.count(found_by(result), truth, margin)
                        overall = truth.advantage(np.arange(n))
                        winner = result.global_winner
                        tally.wrong_global += (winner == "a" and overall <= 0) or (winner == "b" and overall >= 0)
                    for method, runs in replies.items():
                        tallies.setdefault((effect, f"faultmap {method}"), Tally()).count(runs[number], truth, margin)
            results += [
                {"corpus": name, "n": n, "effect": e, "method": m, **t.report()} for (e, m), t in tallies.items()
            ]
            print(f"{name} {n}: {time.process_time() - started:.0f} s", file=sys.stderr, flush=True)
    return results


def real_disagreements(one: Setup, prompts: list[str], data: Path) -> tuple[Bools, Bools] | None:
    """Who failed of two real models on MMLU-Pro, for the rows of a setup; None where the scores are absent."""
    import pandas as pd

    path = data / "evals" / "mmlupro_scores_8models.parquet"
    if one.corpus != "mmlupro" or not path.exists():
        return None
    questions = pd.read_parquet(data / "evals" / "mmlupro_questions.parquet").drop_duplicates("question")
    scores = pd.read_parquet(path)
    scores = scores[scores["example_id"].isin(questions["example_id"])]
    wide = scores.pivot_table(index="example_id", columns="model", values="score")
    wide = wide.rename(index=dict(zip(questions["example_id"], questions["question"], strict=True))).reindex(prompts)
    a, b = (wide[model].to_numpy() for model in ("Meta-Llama-3_1-8B-Instruct", "Qwen1.5-7B-Chat"))
    return np.nan_to_num(a, nan=1.0) < 0.5, np.nan_to_num(b, nan=1.0) < 0.5


def swaps(
    failed_a: Bools, failed_b: Bools, share: float, shuffles: int, rng: np.random.Generator
) -> list[tuple[Bools, Bools]]:
    """Let a coin say of every disagreement who won: A with probability `share`."""
    differ, pairs = failed_a != failed_b, []
    for _ in range(shuffles):
        a_wins = rng.random(len(differ)) < share
        pairs.append((np.where(differ, ~a_wins, failed_a), np.where(differ, a_wins, failed_b)))
    return pairs


def null_swaps(data: Path, cache: Path, peer: str | None, shuffles: int) -> list[dict[str, Any]]:
    """Share of runs in which any slice is reported where a coin says who wins each disagreement."""
    results = []
    for name in CORPORA:
        corpus = load(name, EMBEDDER, data, cache)
        if corpus is None:
            continue
        one = setup(corpus, EMBEDDER, NULL_SIZE, 0, METHODS)
        rows = np.random.default_rng([0, NULL_SIZE]).choice(len(corpus.prompts), len(one.topic), replace=False)
        rng = np.random.default_rng(11)
        # Topics are hard to different degrees, so the models disagree in some regions more than in others.
        hard = rng.beta(2.0, 4.0, size=len(one.topics))[one.topic]
        drawn = (rng.random(len(hard)) < hard, rng.random(len(hard)) < hard)
        real = real_disagreements(one, [corpus.prompts[row] for row in rows], data)
        cases = [
            (source, coin, failed_a, failed_b, share)
            for source, (failed_a, failed_b) in (("drawn", drawn), *([("real", real)] if real else []))
            for coin, share in COINS.items()
        ]
        swapped = [swaps(a, b, share, shuffles, rng) for _, _, a, b, share in cases]
        replies = ask_peer(peer, one.vectors, [pair for pairs in swapped for pair in pairs]) if peer else {}
        for number, ((source, coin, failed_a, failed_b, _), pairs) in enumerate(zip(cases, swapped, strict=True)):
            where = {"corpus": name, "outcomes": source, "coin": coin}
            where["disagreements"] = int((failed_a != failed_b).sum())
            results += [{**where, **one_null(one, pairs, method)} for method in METHODS]
            for method in reversed(METHODS) if replies else ():
                runs = replies[method][number * shuffles : (number + 1) * shuffles]
                figures = {
                    "method": f"faultmap {method}",
                    "runs": len(runs),
                    "any_slice": float(np.mean([bool(found) for found in runs])),
                    "slices_per_run": float(np.mean([len(found) for found in runs])),
                }
                # faultmap reports no slice without a winner.
                results.append({**where, **figures, "any_winner_in_a_slice": figures["any_slice"]})
            print(results[-1], file=sys.stderr, flush=True)
    return results


def one_null(one: Setup, outcomes: list[tuple[Bools, Bools]], method: str) -> dict[str, Any]:
    """Run one method over swapped outcomes; the HDBSCAN tree, which is not the default, over a fifth of them."""
    runs = outcomes if method == "agglomerative" else outcomes[: max(len(outcomes) // 5, 1)]
    results = [ours(one, a, b, method) for a, b in runs]
    return {
        "method": f"ours {method}",
        "runs": len(runs),
        "any_slice": float(np.mean([bool(result.slices) for result in results])),
        "slices_per_run": float(np.mean([len(result.slices) for result in results])),
        "any_winner_in_a_slice": float(np.mean([any(s.winner in "ab" for s in r.slices) for r in results])),
        "global_winner": float(np.mean([result.global_winner in ("a", "b") for result in results])),
    }


def known_pair(data: Path) -> list[dict[str, Any]]:
    """Chain of thought (A) against none (B): are the categories found in which A's share of the wins differs?

    Which these are is told by true labels and other tests: Fisher's exact test of scipy on the disagreements inside
    against outside, who wins by the exact McNemar test of statsmodels, both Holm-adjusted over the categories.
    """
    import pandas as pd
    from scipy.stats import fisher_exact
    from statsmodels.stats.contingency_tables import mcnemar
    from statsmodels.stats.multitest import multipletests

    from faultmap_core.data.prompts import prompt_id, varying_parts
    from faultmap_core.embedding import get_embedder
    from faultmap_core.regions.tree import build_tree

    path = data / "evals" / "bbh_cot_vs_direct.parquet"
    if not path.exists():
        print(f"skipped bbh_cot_vs_direct: {path} does not exist (--data names the folder)", file=sys.stderr)
        return []
    eval_rows = pd.read_parquet(path)
    wide = eval_rows.pivot_table(index="example_id", columns="model", values="score").dropna()
    first = eval_rows.drop_duplicates("example_id").set_index("example_id").loc[wide.index]
    texts, category = first["input_text"].tolist(), first["category"].to_numpy()
    cot, direct = ((wide[f"code-davinci-002-{kind}"] < 0.5).to_numpy() for kind in ("cot", "direct"))
    _, at, unit = np.unique([prompt_id(text) for text in texts], return_index=True, return_inverse=True)
    parts = varying_parts(texts)
    vectors = get_embedder(EMBEDDER).embed([parts[i] for i in at])
    result = compare(rows_of(cot, direct, unit, texts), build_tree(vectors), vectors)
    names = sorted(set(category))
    wins = np.array([[((category == n) & ~x & y).sum() for x, y in ((cot, direct), (direct, cot))] for n in names])
    differs = [fisher_exact([pair, wins.sum(axis=0) - pair]).pvalue for pair in wins]
    won = [mcnemar([[0, a], [b, 0]], exact=True).pvalue if a + b else 1.0 for a, b in wins]
    differs, won = (multipletests(p, alpha=ALPHA, method="holm")[0] for p in (differs, won))
    results = []
    for name, (a, b), found_to_differ, found_to_win in zip(names, wins.tolist(), differs, won, strict=True):
        inside, rest = category == name, wins.sum(axis=0) - (a, b)
        share, rest_share = a / max(a + b, 1), float(rest[0] / rest.sum())
        same = [
            (float(2 * inside[one.sample_indices].sum() / (one.size + inside.sum())), one.name, one.winner)
            for one in result.slices
            if (one.advantage_rate > one.rest_advantage_rate) == (share > rest_share)
        ]
        f1, label, named = max(same, default=(0.0, "", ""))
        pure = [one.winner for one in result.slices if inside[one.sample_indices].mean() >= 0.9]
        results.append(
            {"category": name, "wins_a": a, "wins_b": b, "share": share, "rest_share": rest_share}
            | {"differs": bool(found_to_differ), "winner": ("a" if a > b else "b") if found_to_win else "unresolved"}
            | {"best_f1": f1, "slice": label, "slice_winner": named, "winners_of_its_own_slices": pure}
        )
    return results


NAMES = {
    "ours agglomerative": "ours, Ward tree (default)",
    "ours hdbscan": "ours, HDBSCAN tree",
    "faultmap hdbscan": "faultmap 0.5.0, HDBSCAN (its default)",
    "faultmap agglomerative": "faultmap 0.5.0, Ward",
    "oracle": "ours, true topics as candidates (oracle)",
}

PLANTED_TEXT = """Topics of real prompts (as above: 6 of banking77's intents, 10 of CLINC150's, 2 of MMLU-Pro's
categories) on which B is better, while A is better everywhere else: A fails with probability .20 and B with .30 there,
and on the planted topics B with .20 and A with .20 + effect (+.2, +.35, +.5). Recall: share of planted topics that a
slice pointing to B meets with F1 ≥ .5; winner named: the same of slices that call B the winner. False: slices whose
true share of A's wins does not differ from the rest's in the direction reported. Wrong winners, wrong ties: against the
true mean difference of the slice's own prompts (tie: within .05). Interval holds: the true difference lies within the
reported interval. faultmap knows no "differs from the rest": its slices are clusters with a winner."""

NULL_TEXT = """**Nothing planted.** 3,000 prompts; on each prompt on which the models disagree a coin says who won. The
disagreements are drawn (topics are hard to different degrees) or those of two real models (Llama-3.1-8B and Qwen1.5-7B
on MMLU-Pro). A fair coin: no slice is true and nobody wins. A coin that favours A everywhere: A wins over all, and
still no region differs. Winner over all: share of runs that name one."""

KNOWN_TEXT = """**Real scores.** BIG-Bench Hard, code-davinci-002 with chain of thought (A) against without (B):
the categories in which A's share of the wins differs from the other categories' (Fisher's exact test of scipy on the
true labels, Holm over categories), who wins there (exact McNemar test of statsmodels, Holm), and the slice pointing the
same way that meets the category best. Wrong: slices at least nine tenths within the category that name the loser."""


def planted_tables(cells: list[dict[str, Any]]) -> list[str]:
    """One table per number of prompts."""
    parts = []
    for n in sorted({one["n"] for one in cells}):
        rows = []
        for method, label in NAMES.items():
            own = [one for one in cells if (one["n"], one["method"]) == (n, method)]
            if not own:
                continue
            recall = [
                float(np.mean([one["recall"] for one in own if one["corpus"] == name]))
                for name in CORPORA
                if any(one["corpus"] == name for one in own)
            ]
            total = {key: sum(one[key] for one in own) for key in own[0] if isinstance(own[0][key], int)}
            slices = max(total["slices"], 1)
            is_ours = total["with_interval"] > 0
            rows.append(
                [
                    label,
                    *(shown(value) for value in recall),
                    shown(float(np.mean(recall))),
                    shown(float(np.mean([one["recall_named"] for one in own]))),
                    f"{total['slices']:,}",
                    f"{total['false'] / slices:.1%}" if is_ours else "–",
                    f"{total['half'] / slices:.0%}",
                    f"{total['wrong_winners']} of {total['winners']:,}",
                    f"{total['wrong_ties']} of {total['ties']:,}" if is_ours else "–",
                    f"{total['held'] / total['with_interval']:.1%}" if is_ours else "–",
                ]
            )
        header = ["method", *CORPORA, "mean recall", "winner named", "slices", "false", "half planted"]
        header += ["wrong winners", "wrong ties", "interval holds"]
        parts.append(f"**{n:,} prompts**\n\n{table(header, rows)}")
    return parts


def section(results: dict[str, Any]) -> str:
    """The section of RESULTS.md."""
    parts = ["## Comparison of models: the truth", "`python bench/comparison_truth.py --peer-python peer/bin/python`"]
    if results.get("planted"):
        parts += [PLANTED_TEXT, *planted_tables(results["planted"])]
    if results.get("null"):
        rows = [
            [
                one["corpus"],
                one["outcomes"],
                one["coin"],
                NAMES[one["method"]],
                f"{one['runs']:,}",
                f"{one['any_slice']:.1%}",
                shown(one["slices_per_run"]),
                f"{one['any_winner_in_a_slice']:.1%}",
                f"{one['global_winner']:.1%}" if "global_winner" in one else "–",
            ]
            for one in results["null"]
        ]
        header = ["corpus", "disagreements", "coin", "method", "runs", "any slice", "slices per run"]
        header += ["a winner in a slice", "winner over all"]
        parts += [NULL_TEXT, table(header, rows)]
    if results.get("known"):
        rows = [
            [
                one["category"],
                f"{one['wins_a']}, {one['wins_b']}",
                f"{one['share']:.2f}, {one['rest_share']:.2f}",
                one["winner"].upper() if one["winner"] in "ab" else one["winner"],
                shown(one["best_f1"]),
                f"{one['slice']} ({one['slice_winner'].upper()})" if one["best_f1"] >= 0.2 else "–",
                str(
                    sum(
                        {"a": "b", "b": "a"}.get(one["winner"]) == winner for winner in one["winners_of_its_own_slices"]
                    )
                ),
            ]
            for one in results["known"]
            if one["differs"]
        ]
        header = [
            "category",
            "only A, only B right",
            "A's share, elsewhere",
            "winner",
            "best F1",
            "best slice (winner)",
        ]
        header.append("wrong")
        parts += [KNOWN_TEXT, table(header, rows)]
    if results.get("cpu_seconds"):
        seconds = ", ".join(f"{part} {value:.0f}" for part, value in results["cpu_seconds"].items())
        parts.append(f"CPU seconds of this process: {seconds}.")
    return "\n\n".join(parts)


def main() -> None:
    """Run all parts, write the JSON file and the section."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=HERE.parents[1] / "shared" / "data")
    parser.add_argument("--cache", type=Path, default=Path(tempfile.gettempdir()) / "faultmap_bench_vectors")
    parser.add_argument("--peer-python", default=None)
    parser.add_argument("--draws", type=int, default=12, help="outcome draws per corpus, size and effect")
    parser.add_argument("--shuffles", type=int, default=1_000)
    parser.add_argument("--out", type=Path, default=HERE / "results" / "comparison_truth.json")
    parser.add_argument("--report", type=Path, default=HERE / "RESULTS.md")
    parser.add_argument("--parts", default="known,planted,null")
    chosen = parser.parse_args()
    parts = {
        "known": lambda: known_pair(chosen.data),
        "planted": lambda: planted_reversals(chosen.data, chosen.cache, chosen.peer_python, chosen.draws),
        "null": lambda: null_swaps(chosen.data, chosen.cache, chosen.peer_python, chosen.shuffles),
    }
    chosen.out.parent.mkdir(parents=True, exist_ok=True)
    results: dict[str, Any] = json.loads(chosen.out.read_text()) if chosen.out.exists() else {}
    for part in filter(None, chosen.parts.split(",")):
        started = time.process_time()
        results[part] = parts[part]()
        results.setdefault("cpu_seconds", {})[part] = round(time.process_time() - started, 1)
        chosen.out.write_text(json.dumps(results, indent=1, allow_nan=False) + "\n")
        print(f"{part}: done", file=sys.stderr, flush=True)
    write_section(chosen.report, "comparison", section(results))


if __name__ == "__main__":
    main()
