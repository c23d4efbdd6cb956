"""How long does `faultmap audit` take, and how much memory?

    python bench/audit_scale.py [--rows 100000]

Prints a table: the first and the second audit of generated rows (one model, one dataset), the demo, and `--help`.
Wall seconds and the peak memory of the process, as the operating system accounts for it.
"""

from __future__ import annotations

import argparse
import csv
import os
import platform
import random
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SUBJECTS = (
    "card",
    "order",
    "refund",
    "account",
    "password",
    "invoice",
    "flight",
    "hotel",
    "router",
    "printer",
    "phone",
)
VERBS = ("cancel", "change", "track", "find", "update", "reset", "return", "upgrade", "repair", "explain", "translate")
DETAILS = (
    "before friday",
    "after the update",
    "for my mother",
    "without a receipt",
    "in euros",
    "from abroad",
    "by email",
)
ASKS = ("How do I {v} my {s} {d}?", "Please {v} the {s} {d}.", "Can you {v} a {s} {d}?", "I want to {v} this {s} {d}")


def write_rows(path: Path, rows: int, seed: int = 0) -> None:
    """Write `rows` varied prompts; the model fails on half of what is about invoices, on a tenth of the rest."""
    choose = random.Random(seed)
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(["example_id", "model", "input_text", "output_text", "score", "correct_answer"])
        for number in range(rows):
            subject = choose.choice(SUBJECTS)
            prompt = choose.choice(ASKS).format(v=choose.choice(VERBS), s=subject, d=choose.choice(DETAILS))
            prompt += f" My number is {choose.randrange(10**6)} and it began on day {choose.randrange(365)}."
            failed = choose.random() < (0.5 if subject == "invoice" else 0.1)
            writer.writerow([f"row-{number:06d}", "model", prompt, "an answer", 0 if failed else 1, "another"])


def measure(*arguments: str) -> tuple[float, float]:
    """Run the command line; return wall seconds and peak memory in GB."""
    started = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "faultmap_assets.cli", *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    _, status, usage = os.wait4(process.pid, 0)
    if os.waitstatus_to_exitcode(status):
        raise SystemExit(f"faultmap {' '.join(arguments)} failed")
    return time.perf_counter() - started, usage.ru_maxrss / 2**20


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=100_000)
    rows = parser.parse_args().rows
    print(f"{platform.machine()}, {os.cpu_count()} processors, Python {platform.python_version()}")
    print("\n| what | wall s | peak GB |\n|---|--:|--:|")
    with tempfile.TemporaryDirectory() as folder:
        home, data = f"{folder}/var", Path(folder) / "scale.csv"
        write_rows(data, rows)
        for what in (f"audit of {rows:,} rows", "the same again, nothing new"):
            seconds, memory = measure("audit", str(data), "--home", home)
            print(f"| {what} | {seconds:.1f} | {memory:.2f} |", flush=True)
        demo = [measure("audit", str(ROOT / "examples" / "evals"), "--home", f"{folder}/demo{i}") for i in range(3)]
        print(
            f"| the demo, median of 3 | {statistics.median(s for s, _ in demo):.1f} | {max(m for _, m in demo):.2f} |"
        )
        helps = [measure("--help") for _ in range(5)]
        print(
            f"| `--help`, median of 5 | {statistics.median(s for s, _ in helps):.2f} | {max(m for _, m in helps):.2f} |"
        )


if __name__ == "__main__":
    main()
