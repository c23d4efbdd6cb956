"""The example: what the demo shows is what a real model answered, scored by program."""

from __future__ import annotations

import csv
import filecmp
import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

import faultmap_assets

EXAMPLES = Path(faultmap_assets.__file__).parent.parent / "examples"


@pytest.fixture(scope="module")
def rows() -> list[dict[str, str]]:
    with (EXAMPLES / "evals" / "everyday_skills.csv").open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def logs() -> list[dict[str, str]]:
    files = sorted((EXAMPLES / "logs").glob("*.jsonl"))
    return [json.loads(line) for file in files for line in file.read_text(encoding="utf-8").splitlines()]


def test_two_models_answered_the_same_prompts_of_many_skills(rows):
    assert list(rows[0]) == [
        "example_id", "model", "input_text", "output_text", "score", "correct_answer", "category",
    ]  # fmt: skip
    zero_shot, few_shot = (
        {row["example_id"]: row["input_text"] for row in rows if row["model"] == f"smollm2-135m-{setting}"}
        for setting in ("zero-shot", "few-shot")
    )
    assert zero_shot == few_shot
    assert len(zero_shot) >= 600
    assert len({r["category"] for r in rows}) >= 20
    assert all(r["correct_answer"] and 0 <= float(r["score"]) <= 1 for r in rows)


def test_the_models_fail_but_not_everywhere(rows):
    for model in {r["model"] for r in rows}:
        rates = Counter()
        sizes = Counter()
        for row in rows:
            if row["model"] == model:
                sizes[row["category"]] += 1
                rates[row["category"]] += float(row["score"]) < 0.5
        shares = [rates[skill] / sizes[skill] for skill in sizes]
        assert min(shares) < 0.2
        assert max(shares) > 0.9


def test_seven_days_of_logs_with_repeats_and_no_eval_prompt(rows):
    lines = logs()
    assert len(lines) >= 700
    assert len({line["timestamp"][:10] for line in lines}) == 7
    assert len({line["prompt"] for line in lines}) < len(lines)
    assert not {line["prompt"] for line in lines} & {r["input_text"] for r in rows}


def test_all_of_it_is_small():
    files = [path for folder in ("evals", "logs", "make_example") for path in (EXAMPLES / folder).rglob("*.[cjp][sy]*")]
    assert sum(path.stat().st_size for path in files) < 3_000_000


def test_the_committed_files_are_what_the_script_makes_of_the_recorded_answers(tmp_path: Path):
    """Prompts are generated, answers taken from the files, scores computed: the same bytes come out."""
    for folder in ("evals", "logs"):
        (tmp_path / folder).mkdir()
        for source in (EXAMPLES / folder).iterdir():
            (tmp_path / folder / source.name).write_bytes(source.read_bytes())
    (tmp_path / "README.md").write_bytes((EXAMPLES / "README.md").read_bytes())
    command = [sys.executable, "-m", "examples.make_example", "--restore"]
    command += ["--folder", str(tmp_path), "--journal", str(tmp_path / "answers.jsonl")]
    done = subprocess.run(command, cwd=EXAMPLES.parent, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    for folder in ("evals", "logs"):
        names = [path.name for path in (EXAMPLES / folder).iterdir()]
        same, _, _ = filecmp.cmpfiles(EXAMPLES / folder, tmp_path / folder, names, shallow=False)
        assert sorted(same) == sorted(names)
