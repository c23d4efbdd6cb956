"""How long does the daily audit of a large day of production take, and how much memory?

    python bench/production_scale.py [--rows 100000] [--tests 10000] [--queries FOLDER] [--write]

A test suite and two days of logs are made and audited through the command line; the second day is the figure: it is
read, held against the suite, its feedback and its topics are compared with the day before. Every prompt is a real
query (clinc150 and banking77, where FOLDER has them as Parquet) or a generated one, often in other words: greetings,
polite endings, slips of the keyboard. Topics have unequal traffic, thirty of them are in no test, and one of twenty
rows has a thumb. Prompts come back as they do in traffic: word for word, on the same day and the next.

Wall and processor seconds and the peak memory of the process, as the operating system accounts for it; the seconds of
each asset, and how many vectors were computed. `--write` writes bench/results/production_scale.json.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import platform
import random
import string
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "bench" / "results" / "production_scale.json"
QUERIES = ROOT.parent / "shared" / "data" / "queries"
HIDDEN_TOPICS = 30
FEEDBACK_SHARE = 0.05
DAYS = ("2026-11-01", "2026-11-02")

SUBJECTS = "card order refund account password invoice flight hotel router printer phone visa loan".split()  # noqa: SIM905
VERBS = "cancel change track find update reset return upgrade repair explain translate book".split()  # noqa: SIM905
DETAILS = ("before friday", "after the update", "for my mother", "without a receipt", "in euros", "from abroad")
GREETINGS = ("", "", "", "hi, ", "hello, ", "hey ", "good morning, ", "quick question: ", "sorry, ", "so ")
ENDINGS = ("", "", "", " please", " thanks", "??", " asap", " for me", " today", " right now", " if possible")


def topics(folder: Path) -> dict[str, list[str]]:
    """Return topic -> prompts: the intents of the corpora, or pairs of a verb and a subject."""
    files = [folder / f"{name}.parquet" for name in ("clinc150", "banking77")]
    found: dict[str, list[str]] = {}
    if all(file.is_file() for file in files):
        for file in files:
            for row in pq.read_table(file, columns=["intent", "input_text"]).to_pylist():
                found.setdefault(f"{file.stem} {row['intent']}", []).append(row["input_text"])
        return found
    for verb in VERBS:
        for subject in SUBJECTS:
            prompts = [f"How do I {verb} my {subject} {detail}, number {n}?" for detail in DETAILS for n in range(30)]
            found[f"{verb} {subject}"] = prompts
    return found


def retyped(prompt: str, choose: random.Random) -> str:
    """Return a prompt as somebody else would type it; a third are left as they are."""
    if choose.random() < 1 / 3:
        return prompt
    if choose.random() < 0.3 and len(prompt) > 4:
        place = choose.randrange(len(prompt) - 1)
        prompt = prompt[:place] + choose.choice(string.ascii_lowercase) + prompt[place + 1 :]
    return f"{choose.choice(GREETINGS)}{prompt}{choose.choice(ENDINGS)}"


def write_suite(path: Path, known: dict[str, list[str]], tests: int, seed: int = 0) -> None:
    """Write distinct tests of the known topics, one model's answers to them."""
    choose = random.Random(seed)
    names = sorted(known)
    prompts: dict[str, None] = {}
    while len(prompts) < tests:
        prompts[retyped(choose.choice(known[choose.choice(names)]), choose)] = None
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(["example_id", "model", "input_text", "output_text", "score", "correct_answer"])
        for number, prompt in enumerate(prompts):
            writer.writerow([f"test-{number:06d}", "bot", prompt, "an answer", int(choose.random() > 0.2), "x"])


def write_day(path: Path, day: str, every: dict[str, list[str]], rows: int, seed: int) -> int:
    """Write one day of logs; return its number of distinct prompts."""
    choose = random.Random(seed)
    names = sorted(every, key=lambda name: random.Random(name).random())
    weights = [1 / (rank + 10) for rank in range(len(names))]
    bad = set(names[5:10])
    seen = set()
    with path.open("w", encoding="utf-8") as stream:
        for number, topic in enumerate(choose.choices(names, weights, k=rows)):
            prompt = retyped(choose.choice(every[topic]), choose)
            seen.add(prompt)
            second = int(number * 86_400 / rows)
            row = {
                "id": f"{day}-{number:06d}",
                "timestamp": f"{day}T{second // 3600:02d}:{second // 60 % 60:02d}:{second % 60:02d}Z",
                "session_id": f"{day}-{choose.randrange(rows // 2)}",
                "model": "bot",
                "prompt": prompt,
                "response": "This is what I can say about that. " * 5,
            }
            if choose.random() < FEEDBACK_SHARE:
                row["feedback"] = "down" if choose.random() < (0.5 if topic in bad else 0.1) else "up"
            stream.write(json.dumps(row) + "\n")
    return len(seen)


def measure(*arguments: str) -> dict[str, float]:
    """Run the command line; return wall and processor seconds and peak memory in GB."""
    started = time.perf_counter()
    process = subprocess.Popen([sys.executable, "-m", "faultmap_assets.cli", *arguments], stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    if os.waitstatus_to_exitcode(status):
        raise SystemExit(f"faultmap {' '.join(arguments)} failed")
    return {
        "wall_seconds": round(time.perf_counter() - started, 1),
        "processor_seconds": round(usage.ru_utime + usage.ru_stime, 1),
        "peak_gb": round(usage.ru_maxrss / 2**20, 2),
    }


def told(home: Path, day: str) -> dict[str, Any]:
    """Return the seconds of each asset of a day, the vectors that are stored, and what was found."""
    with duckdb.connect(str(home / "faultmap.duckdb"), read_only=True) as connection:

        def number(sql: str) -> int:
            row = connection.execute(sql, {"day": day} if "$day" in sql else {}).fetchone()
            return int(row[0]) if row else 0

        seconds = connection.execute(
            "SELECT asset, round(seconds, 1) FROM materializations WHERE partition_key = $day ORDER BY asset",
            {"day": day},
        ).fetchall()
        return {
            "asset_seconds": dict(seconds),
            "vectors": number("SELECT count(*) FROM embedding_vectors"),
            "distinct_vectors": number("SELECT count(DISTINCT (embedder, text_hash)) FROM embedding_vectors"),
            "gaps": number("SELECT count(*) FROM coverage_gaps WHERE day = $day AND kind = 'gap'"),
            "production_slices": number("SELECT count(*) FROM production_slices WHERE day = $day"),
            "topics_changed": number("SELECT count(*) FROM topic_drift WHERE day = $day"),
        }


def run(rows: int, tests: int, queries: Path) -> dict[str, Any]:
    """Audit the suite and two days; return the figures."""
    every = topics(queries)
    hidden = sorted(every, key=lambda name: random.Random(f"hidden {name}").random())[:HIDDEN_TOPICS]
    known = {name: prompts for name, prompts in every.items() if name not in hidden}
    with tempfile.TemporaryDirectory() as scratch:
        folder, home = Path(scratch), Path(scratch) / "var"
        write_suite(folder / "suite.csv", known, tests)
        figures: dict[str, Any] = {"rows": rows, "tests": tests, "real_queries": any("clinc" in name for name in every)}
        figures["suite"] = measure("audit", str(folder / "suite.csv"), "--home", str(home))
        before = 0
        for number, day in enumerate(DAYS):
            distinct = write_day(folder / f"{day}.jsonl", day, every, rows, seed=number + 1)
            name = ("first_day", "next_day")[number]
            figures[name] = measure("coverage", str(folder / f"{day}.jsonl"), "--home", str(home))
            found = told(home, day)
            figures[name] |= {"distinct_prompts": distinct, "vectors_computed": found["vectors"] - before, **found}
            before = found["vectors"]
            print(f"{name}: {json.dumps(figures[name])}", flush=True)
    return figures


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--tests", type=int, default=10_000)
    parser.add_argument("--queries", type=Path, default=QUERIES)
    parser.add_argument("--write", action="store_true")
    chosen = parser.parse_args(arguments)
    load = os.getloadavg()[0]
    figures = {
        "machine": f"{platform.machine()}, {os.cpu_count()} processors, Python {platform.python_version()}",
        "load_before": round(load, 1),
        **run(chosen.rows, chosen.tests, chosen.queries),
        "load_after": round(os.getloadavg()[0], 1),
    }
    print(json.dumps(figures, indent=1))
    if chosen.write:
        RESULTS.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
