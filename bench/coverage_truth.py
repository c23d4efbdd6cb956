"""Are the coverage gaps real? Topics of CLINC150 are hidden from the tests; who notices?

usage: python bench/coverage_truth.py [--peer-python PYTHON] [--data FOLDER] [--seeds N] [--sizes 3000,10000] [--resume]

Per run, `size` test and `size` production prompts are drawn; then the prompts of k of the 150 intents are taken out of
the tests. A production prompt of such an intent is uncovered, all others are covered. Reported are the share of the
prompts in gaps that are uncovered (precision), the share of the uncovered that are in a gap (recall), and the coverage
figures. With --peer-python (that of an environment with faultmap==0.5.0) faultmap judges the same prompts on the same
vectors, by its automatic threshold; whatever it calls uncovered counts as found.

Writes bench/results/coverage.json and the section of bench/RESULTS.md between its two marks.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from argparse import ArgumentParser, Namespace
from collections import Counter
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
import numpy as np

HERE = Path(__file__).resolve().parent
HIDDEN = (0, 5, 30, 75)
TARGETS = {3000: {"precision": 0.9, "recall": 0.35, "width": 0.35}, 10_000: {"recall": 0.55, "width": 0.20}}


def judge_as_peer(job_file: str, reply_file: str) -> None:
    """Run by the peer's Python: what does faultmap 0.5.0 call uncovered in each draw?"""
    from faultmap.coverage import detect_coverage_gaps

    job = np.load(job_file)
    vectors, replies = job["vectors"], []
    for number in range(int(job["draws"])):
        tests, production = vectors[job[f"tests_{number}"]], vectors[job[f"production_{number}"]]
        start = time.process_time()
        labels, _, threshold = detect_coverage_gaps(tests, production, [""] * len(production))
        seconds = time.process_time() - start
        found = np.flatnonzero(labels != -1).tolist()
        replies.append({"found": found, "threshold": float(threshold), "cpu_seconds": seconds})
    Path(reply_file).write_text(json.dumps(replies))


def queries(data: Path) -> tuple[list[str], np.ndarray, np.ndarray]:
    """Return CLINC150's distinct in-scope queries, their intents as numbers and their vectors."""
    sys.path.insert(0, str(HERE.parent))
    import pandas as pd

    from faultmap_core.data.prompts import normalized
    from faultmap_core.embedding import get_embedder

    table = pd.read_parquet(data / "queries" / "clinc150.parquet")
    table = table[table["intent"] != "oos"]
    table = table[~table["input_text"].map(normalized).duplicated()]
    texts = table["input_text"].tolist()
    return texts, np.asarray(pd.factorize(table["intent"], sort=True)[0]), get_embedder().embed(texts)


def draw(intent: np.ndarray, size: int, hidden: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return rows of the tests, rows of production, and which production rows are uncovered."""
    rng = np.random.default_rng([size, hidden, seed])
    order = rng.permutation(len(intent))
    missing = rng.choice(intent.max() + 1, size=hidden, replace=False)
    tests, production = order[:size], order[size : 2 * size]
    return tests[~np.isin(intent[tests], missing)], production, np.isin(intent[production], missing)


def scored(found: np.ndarray, uncovered: np.ndarray) -> dict[str, float | None]:
    """Return precision and recall of the production rows that were found."""
    hits = float(uncovered[found].sum())
    return {
        "precision": hits / len(found) if len(found) else None,
        "recall": hits / float(uncovered.sum()) if uncovered.any() else None,
    }


def ours(
    texts: list[str], vectors: np.ndarray, tests: np.ndarray, production: np.ndarray, uncovered: np.ndarray
) -> dict:
    """Audit one draw with this project."""
    from faultmap_core.discovery.coverage.audit import audit_coverage

    start = time.process_time()
    result = audit_coverage(
        [texts[row] for row in tests], vectors[tests], [texts[row] for row in production], vectors[production]
    )
    seconds = time.process_time() - start
    status = np.array(result.status)
    truth = 1.0 - float(uncovered.mean())
    low, high = result.coverage_range
    covered = status == "covered"
    return {
        **scored(np.flatnonzero(status == "gap"), uncovered),
        "gaps": len(result.gaps),
        "under_tested": len(result.under_tested),
        "outliers": len(result.outliers),
        "truth": truth,
        "score": result.overall_coverage_score,
        "low": low,
        "high": high,
        "holds": low <= truth <= high,
        "width": high - low,
        "covered": float(covered.mean()),
        "covered_precision": float(1.0 - uncovered[covered].mean()) if covered.any() else None,
        "cpu_seconds": seconds,
    }


Draw = tuple[np.ndarray, np.ndarray, np.ndarray]


def peer(python: str, vectors: np.ndarray, draws: list[Draw]) -> list[dict]:
    """Audit several draws with faultmap, in its own Python."""
    with tempfile.TemporaryDirectory() as folder:
        job, reply = Path(folder) / "job.npz", Path(folder) / "reply.json"
        rows = {f"tests_{number}": tests for number, (tests, _, _) in enumerate(draws)}
        rows |= {f"production_{number}": production for number, (_, production, _) in enumerate(draws)}
        np.savez(job, vectors=vectors, draws=len(draws), **rows)
        command = [python, "-W", "ignore", __file__, "--judge", str(job), str(reply)]
        subprocess.run(command, check=True, stderr=subprocess.DEVNULL)
        answers = json.loads(reply.read_text())
    results = []
    for answer, (_, production, uncovered) in zip(answers, draws, strict=True):
        found = np.array(answer["found"], dtype=np.int64)
        score = 1.0 - len(found) / len(production)
        figures = {"score": score, "uncovered": len(found), "cpu_seconds": answer["cpu_seconds"]}
        results.append(scored(found, uncovered) | figures)
    return results


def mean(runs: list[dict], name: str) -> float:
    """Return the mean of a figure over the runs that have it; nan where none has."""
    values = [run[name] for run in runs if run.get(name) is not None]
    return float(np.mean(values)) if values else float("nan")


def table(runs: list[dict]) -> list[str]:
    """Return the markdown table of means over seeds."""
    lines = [
        "| prompts | hidden | true coverage | ours: precision / recall | coverage (range; holds the truth) "
        "| runs with a gap | CPU s | faultmap: precision / recall | its coverage | CPU s |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for size in sorted({run["size"] for run in runs}):
        for hidden in sorted({run["hidden"] for run in runs}):
            here = [run for run in runs if (run["size"], run["hidden"]) == (size, hidden)]
            if not here:
                continue
            us, them = [run["ours"] for run in here], [run["peer"] for run in here if run["peer"]]
            holds = np.mean([run["holds"] for run in us])
            line = (
                f"| {size:,} + {size:,} | {hidden} | {mean(us, 'truth'):.3f} | {mean(us, 'precision'):.2f} /"
                f" {mean(us, 'recall'):.2f} | {mean(us, 'score'):.3f} ({mean(us, 'low'):.2f}–{mean(us, 'high'):.2f};"
                f" {holds:.0%}) | {np.mean([run['gaps'] > 0 for run in us]):.0%} | {mean(us, 'cpu_seconds'):.1f} |"
            )
            line += (
                f" {mean(them, 'precision'):.2f} / {mean(them, 'recall'):.2f} | {mean(them, 'score'):.3f} |"
                f" {mean(them, 'cpu_seconds'):.1f} |"
                if them
                else " – | – | – |"
            )
            lines.append(line.replace("nan", "–"))
    return lines


def verdicts(runs: list[dict]) -> dict[str, dict]:
    """Return the figures that the project set itself, measured: means over k > 0, and over all runs for the range."""
    answer = {}
    for size in sorted({run["size"] for run in runs}):
        here = [run for run in runs if run["size"] == size]
        with_gaps = [run["ours"] for run in here if run["hidden"]]
        groups = sorted({run["hidden"] for run in here})
        widths = [mean([run["ours"] for run in here if run["hidden"] == one], "width") for one in groups]
        nothing = [run["ours"]["gaps"] == 0 for run in here if not run["hidden"]]
        answer[str(size)] = {
            "precision": mean(with_gaps, "precision"),
            "recall": mean(with_gaps, "recall"),
            "range_holds_truth": float(np.mean([run["ours"]["holds"] for run in here])),
            "widest_mean_range": max(widths),
            "nothing_hidden_no_gap": float(np.mean(nothing)) if nothing else None,
            "targets": TARGETS.get(size, {}),
        }
    return answer


SECTION = """Topics of CLINC150 are taken out of the tests (hidden: how many of 150 intents). Ours: share of the prompts
in gaps that are uncovered (precision), share of the uncovered that are in a gap (recall), the estimate of the coverage
with its range, how often that range holds the truth, and in how many runs there is any gap. Of faultmap everything
counts as found that it calls uncovered; both get the same wordllama vectors. Means over seeds: {seeds}."""


def section(runs: list[dict], lines: list[str], figures: dict[str, dict]) -> str:
    """Return the section of RESULTS.md."""
    counts = Counter((run["size"], run["hidden"]) for run in runs)
    hidden = min(number for (_, k), number in counts.items() if k)
    nothing = min(number for (_, k), number in counts.items() if not k)
    seeds = f"{hidden} each, {nothing} with nothing hidden (faultmap {hidden})"
    targets = [
        "| prompts | precision (≥ .90 at 3,000) | recall (≥ .35, ≥ .55) | range holds the truth (≥ 90%)"
        " | widest mean range (≤ .35, ≤ .20) | nothing hidden, no gap (≥ 95%) |",
        "|---|---|---|---|---|---|",
    ]
    for size, one in figures.items():
        no_gap = "–" if one["nothing_hidden_no_gap"] is None else f"{one['nothing_hidden_no_gap']:.1%}"
        targets.append(
            f"| {int(size):,} + {int(size):,} | {one['precision']:.3f} | {one['recall']:.3f} |"
            f" {one['range_holds_truth']:.1%} | {one['widest_mean_range']:.3f} | {no_gap} |"
        )
    command = "`python bench/coverage_truth.py --peer-python peer/bin/python`"
    parts = ["## Coverage gaps: the truth", command, SECTION.format(seeds=seeds), "\n".join(lines), "\n".join(targets)]
    return "\n\n".join(parts)


def arguments() -> Namespace:
    """Read the command line."""
    parser = ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=HERE.parent.parent / "shared" / "data")
    parser.add_argument("--peer-python", help="Python of an environment with faultmap==0.5.0")
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--null-seeds", type=int, default=40, help="runs with nothing hidden (faultmap: --seeds)")
    parser.add_argument("--resume", action="store_true", help="keep the runs that the result file has")
    parser.add_argument("--sizes", default="3000,10000")
    parser.add_argument("--out", type=Path, default=HERE / "results" / "coverage.json")
    parser.add_argument("--report", type=Path, default=HERE / "RESULTS.md")
    return parser.parse_args()


def main() -> None:
    """Run everything and write the report."""
    from slices_tables import write_section

    chosen = arguments()
    texts, intent, vectors = queries(chosen.data)
    sizes = [int(one) for one in chosen.sizes.split(",")]
    kept = json.loads(chosen.out.read_text())["runs"] if chosen.resume and chosen.out.exists() else []
    runs = []
    for size in sizes:
        for hidden in HIDDEN:
            seeds = range(chosen.seeds if hidden else max(chosen.seeds, chosen.null_seeds))
            done = {run["seed"]: run for run in kept if (run["size"], run["hidden"]) == (size, hidden)}
            draws = {seed: draw(intent, size, hidden, seed) for seed in seeds if seed not in done}
            against = [seed for seed in draws if seed < chosen.seeds] if chosen.peer_python else []
            judged = peer(chosen.peer_python, vectors, [draws[seed] for seed in against]) if against else []
            theirs = dict(zip(against, judged, strict=True))
            for seed, one in draws.items():
                run = {"size": size, "hidden": hidden, "seed": seed, "ours": ours(texts, vectors, *one)}
                done[seed] = run | {"peer": theirs.get(seed)}
            runs += [done[seed] for seed in sorted(done)]
            print(f"{size} prompts, {hidden} intents hidden: {len(done)} runs", file=sys.stderr, flush=True)
    lines, figures = table(runs), verdicts(runs)
    chosen.out.parent.mkdir(parents=True, exist_ok=True)
    report = {"corpus": "clinc150", "embedder": "wordllama", "figures": figures, "table": lines, "runs": runs}
    chosen.out.write_text(json.dumps(report, indent=1, allow_nan=False))
    write_section(chosen.report, "coverage", section(runs, lines, figures))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--judge"]:
        judge_as_peer(sys.argv[2], sys.argv[3])
    else:
        main()
