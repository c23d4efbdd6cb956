"""The facts in the README: counts and accuracy, always those of the files beside it."""

import csv
import json
from collections import defaultdict
from itertools import chain
from math import nan
from pathlib import Path
from statistics import fmean

BEGIN, END = "<!-- facts: begin -->", "<!-- facts: end -->"


def accuracy_table(evals: Path) -> str:
    """Prompts and mean score of each skill by model, and of all, as a Markdown table; hardest skills last."""
    scores: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    with evals.open(encoding="utf-8", newline="") as table:
        for row in csv.DictReader(table):
            for skill in (row["category"], "all"):
                scores[skill][row["model"]].append(float(row["score"]))
    models = list(scores["all"])
    skills = sorted(scores, key=lambda skill: (skill == "all", -fmean(chain(*scores[skill].values()))))
    lines = ["| skill | prompts | " + " | ".join(models) + " |", "|---|---:|" + "---:|" * len(models)]
    for skill in skills:
        means = " | ".join(f"{fmean(scores[skill][model] or [nan]):.2f}" for model in models)
        lines.append(f"| {skill} | {len(scores[skill][models[0]])} | {means} |")
    return "\n".join(lines)


def log_table(logs: Path) -> str:
    """Lines, sessions and feedback of each day as a Markdown table."""
    lines = [
        "| day | lines | distinct prompts | sessions | thumbs up | thumbs down |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    for day in sorted(logs.glob("*.jsonl")):
        entries = [json.loads(line) for line in day.read_text(encoding="utf-8").splitlines()]
        prompts, sessions = {entry["prompt"] for entry in entries}, {entry["session_id"] for entry in entries}
        up, down = (sum(entry["feedback"] == given for entry in entries) for given in ("up", "down"))
        lines.append(f"| {day.stem} | {len(entries)} | {len(prompts)} | {len(sessions)} | {up} | {down} |")
    return "\n".join(lines)


def write_facts(evals: Path, logs: Path, readme: Path) -> None:
    """Put both tables between the marks of the README, if there is one."""
    if not readme.exists():
        return
    text = readme.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    facts = f"{BEGIN}\n\n{accuracy_table(evals)}\n\n{log_table(logs)}\n\n{END}"
    readme.write_text(before + facts + after, encoding="utf-8")
