"""`faultmap inspect` says what a file holds and stores nothing; `--save` makes the next audit read it so."""

from __future__ import annotations

import csv
import json
import sys
from pathlib import Path

import pytest
import yaml

from faultmap_assets import cli
from faultmap_assets.settings import load_settings
from faultmap_assets.settings.settings_file import save_settings
from faultmap_core.base.errors import ConfigurationError
from faultmap_core.data.eval_table import FORMATS, EvalOptions
from faultmap_core.data.file_facts import FactsCollector, FileFacts
from faultmap_core.readers.inspection import FORMAT_NAMES, inspect_file

ROWS = [
    {"q": "What is 2 + 2?", "a": "4", "gold": "4", "points": "1", "topic": "sums"},
    {"q": "What is 3 + 3?", "a": "", "gold": "6", "points": "0", "topic": "sums"},
    {"q": "Name a fruit.", "a": "apple", "gold": "", "points": "", "topic": "food"},
]
MAPPED = ["--map", "input=q", "--map", "output=a", "--map", "reference=gold", "--map", "score=points"]


@pytest.fixture
def run(monkeypatch, capsys, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")

    def call(*arguments: str):
        monkeypatch.setattr(sys, "argv", ["faultmap", *arguments])
        capsys.readouterr()
        with pytest.raises(SystemExit) as stop:
            cli.main()
        captured = capsys.readouterr()
        return int(stop.value.code or 0), captured.out, captured.err

    return call


@pytest.fixture
def table(tmp_path) -> Path:
    path = tmp_path / "quiz.csv"
    with path.open("w", newline="") as stream:
        writer = csv.DictWriter(stream, list(ROWS[0]))
        writer.writeheader()
        writer.writerows(ROWS)
    return path


def test_it_says_what_it_sees_and_what_is_missing(run, table):
    code, told, _ = run("inspect", "quiz.csv", *MAPPED)
    assert code == 0
    lines = told.splitlines()
    assert lines[0] == "quiz.csv: 3 rows; looks like a table with one answer a row (--format table)"
    assert "columns   prompt from q, answer from a, score from points, reference from gold" in lines
    assert "metadata  topic" in lines
    assert "outcome   score ≥ 0.5 (scores from 0 to 1), 1 without" in lines
    assert "answers   2, 1 empty; 2 references" in lines
    assert "row 1     prompt: What is 2 + 2?" in lines
    assert "! no row names its model: give --model-name NAME" in lines
    assert any("--generate-ids" in line for line in lines if line.startswith("!"))
    assert len(lines) <= 12
    assert sorted(path.name for path in Path().iterdir()) == ["quiz.csv"]


def test_as_json_it_says_the_same(run, table):
    found = json.loads(run("inspect", "quiz.csv", *MAPPED, "--json")[1])
    assert found["columns"] == {
        "input_text": "q", "output_text": "a", "correct_answer": "gold", "score": "points"
    }  # fmt: skip
    assert (found["facts"]["rows"], found["facts"]["empty_outputs"], found["facts"]["references"]) == (3, 1, 2)
    assert found["model_missing"] is found["ids_missing"] is True
    assert len(found["warnings"]) == 2


def test_what_was_saved_is_what_the_next_audit_reads(run, table):
    Path("faultmap.yaml").write_text("# ours\nseed: 7  # lucky\nevals:\n  paths: [old.csv]\n")
    code, _, trouble = run("inspect", "quiz.csv", *MAPPED, "--save")
    assert (code, Path("faultmap.yaml").read_text()) == (2, "# ours\nseed: 7  # lucky\nevals:\n  paths: [old.csv]\n")
    assert "--model-name" in trouble
    assert "--generate-ids" in trouble
    code, _, trouble = run("inspect", "quiz.csv", *MAPPED, "--model-name", "m", "--generate-ids", "--save")
    assert (code, trouble) == (0, "")
    text = Path("faultmap.yaml").read_text()
    assert text.startswith("# ours\nseed: 7  # lucky\n")
    options = load_settings().eval_options()
    assert load_settings().evals.paths == ("old.csv", "quiz.csv")
    assert options == EvalOptions(
        column_map={"input_text": "q", "output_text": "a", "correct_answer": "gold", "score": "points"},
        model_name="m",
        generate_ids=True,
    )
    # Saved twice, it stands there once.
    run("inspect", "quiz.csv", *MAPPED, "--model-name", "m", "--generate-ids", "--save")
    assert Path("faultmap.yaml").read_text() == text


def test_a_file_of_comments_keeps_them(run, table):
    run("init")
    before = Path("faultmap.yaml").read_text()
    run("inspect", "quiz.csv", *MAPPED, "--model-name", "m", "--generate-ids", "--save")
    assert Path("faultmap.yaml").read_text().startswith(before.rstrip())
    assert load_settings().evals.model_name == "m"


@pytest.mark.parametrize("broken", ["evals: [", "- a\n- b\n", "evals: {colums: {}}", "seed: " + "[" * 3000])
def test_settings_that_cannot_be_read_stay_as_they_are(tmp_path, broken):
    path = tmp_path / "faultmap.yaml"
    path.write_text(broken)
    with pytest.raises(ConfigurationError, match=r"faultmap\.yaml"):
        save_settings(path, {"evals": {"paths": ["a.csv"]}})
    assert path.read_text() == broken


def test_what_is_not_allowed_is_not_saved(tmp_path):
    path = tmp_path / "faultmap.yaml"
    with pytest.raises(ConfigurationError, match="format"):
        save_settings(path, {"evals": {"format": "nosuch"}})
    assert not path.exists()
    save_settings(path, {"evals": {"paths": ["a #b.csv"]}})
    assert yaml.safe_load(path.read_text()) == {"evals": {"paths": ["a #b.csv"]}}


def test_a_log_is_inspected_as_a_log(run, tmp_path):
    rows = [
        {"timestamp": f"2026-11-01T10:00:0{number}", "prompt": f"question {number}", "session_id": f"s{number}"}
        for number in range(5)
    ]
    Path("day.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    code, told, _ = run("inspect", "--log", "day.jsonl", "--save")
    assert code == 0
    assert "5 rows; looks like a production log" in told
    assert "prompt from prompt, time from timestamp, session from session_id" in told
    assert "outcome" not in told
    assert "! every answer is empty: name their column, --map output=COLUMN" in told
    assert load_settings().logs.paths == ("day.jsonl",)


def test_every_format_has_a_name_in_words():
    assert set(FORMATS) <= set(FORMAT_NAMES)


def test_facts_survive_the_warehouse(table):
    found = inspect_file(table, EvalOptions(column_map={"input_text": "q", "score": "points"}))
    assert FileFacts.from_json(found.facts.to_json()) == found.facts
    assert FactsCollector().facts().rows == 0


@pytest.mark.parametrize(("name", "content"), [("none.csv", None), ("empty.csv", "")])
def test_what_cannot_be_read_is_one_line(run, name, content):
    if content is not None:
        Path(name).write_text(content)
    code, told, trouble = run("inspect", name)
    assert (code, told) == (2, "")
    assert name in trouble
    assert len(trouble.splitlines()) == 1


@pytest.mark.slow
def test_an_audit_says_of_each_file_how_it_was_understood(run, tmp_path):
    Path("faultmap.yaml").write_text("clusters: {map: pca}\ndatasets: {b: {success_threshold: 0.9}}\n")
    for name in ("a", "b"):
        rows = [
            {"user_input": f"Why {n}?", "response": f"so {n}", "faithfulness": None if n == 0 else 0.5 + n / 100}
            for n in range(12)
        ]
        Path(f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    code, told, _ = run("audit", "a.jsonl", "b.jsonl", "--model-name", "m", "--format", "ragas")
    assert code == 0
    assert (
        "a.jsonl: 12 rows, a table of Ragas; outcome = faithfulness ≥ 0.5 (scores from 0.51 to 0.61), 1 without" in told
    )
    assert (
        "b.jsonl: 12 rows, a table of Ragas; outcome = faithfulness ≥ 0.9 (scores from 0.51 to 0.61), 1 without" in told
    )


def test_of_equal_scores_no_column_is_guessed(run, tmp_path):
    rows = [
        {"id": n, "model": "m", "question": f"q {n}", "answer": "a", "score": 1, "attempt": 1, "cost": 1.0}
        for n in range(4)
    ]
    Path("same.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    found = json.loads(run("inspect", "same.jsonl", "--json")[1])
    assert found["columns"]["score"] == "score"
    tests = [
        {"input": f"q {n}", "actualOutput": "a", "success": True, "order": 1, "runDuration": 1.0} for n in range(3)
    ]
    Path("run.json").write_text(json.dumps({"testCases": tests, "testPassed": 3, "testFailed": 0}))
    found = json.loads(run("inspect", "run.json", "--json")[1])
    assert found["format"] == "deepeval"
    assert "score" not in found["columns"]


def test_a_folder_and_a_log_are_pointed_to_the_right_command(run, tmp_path):
    Path("logs").mkdir()
    assert "faultmap audit logs" in run("inspect", "logs")[2].replace("\n", " ")
    rows = [{"time": f"2026-11-01T10:00:0{n}", "prompt": f"q {n}", "response": "a", "user_id": "u"} for n in range(4)]
    Path("day.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert "faultmap inspect --log" in run("inspect", "day.jsonl")[1]
