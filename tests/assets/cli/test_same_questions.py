"""Two files of two models on the same questions are two datasets: said wherever a comparison is missed."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from faultmap_assets import cli
from faultmap_assets.settings import load_settings
from faultmap_assets.warehouse.same_questions import SameQuestions, same_questions_lines
from tests.conftest import eval_rows, write_csv


def run(monkeypatch, capsys, *arguments: str) -> tuple[int, str, str]:
    monkeypatch.setattr("faultmap_assets.cli.common.out._width", 250)
    monkeypatch.setattr(sys, "argv", ["faultmap", *arguments])
    capsys.readouterr()
    with pytest.raises(SystemExit) as stop:
        cli.main()
    captured = capsys.readouterr()
    return int(stop.value.code or 0), captured.out, captured.err


@pytest.mark.slow
def test_models_in_files_of_their_own_are_told_how_they_can_be_compared(monkeypatch, capsys, tmp_path: Path):
    monkeypatch.chdir(tmp_path)
    for model, name in (("alpha", "results a"), ("beta", "b")):
        write_csv(Path(f"{name}.csv"), eval_rows("school", [model]))
    write_csv(Path("other.csv"), eval_rows("kitchen", ["beta"]))
    files = ["results a.csv", "b.csv"]
    code, out, _ = run(monkeypatch, capsys, "audit", *files, "other.csv", "--home", "state")
    told = "b and results a ask different models the same questions (60 of 60)"
    assert (code, told in out) == (0, True)
    assert "other ask" not in out
    assert "and other" not in out
    remedy = out[out.index("faultmap audit ") :].splitlines()[0]
    assert remedy.endswith("--dataset-name NAME")
    for name in files:
        assert str(tmp_path / name) in remedy

    code, out, _ = run(monkeypatch, capsys, "compare", "--home", "state")
    assert (code, "Nothing to compare" in out, told in out) == (0, True, True)
    code, out, _ = run(monkeypatch, capsys, "compare", "alpha", "beta", "--home", "state")
    assert (code, told in out) == (0, True)

    # Nothing that both sides have: the gate cannot say, which is neither passed nor failed.
    code, out, _ = run(monkeypatch, capsys, "gate", "--baseline", "beta", "--model", "alpha", "--home", "state")
    assert code == 2
    assert out.startswith("cannot say: ")
    assert "nothing to compare" in out
    assert told in out
    gate = ("gate", "--baseline", "beta", "--model", "alpha", "--home", "state", "--json")
    code, out, _ = run(monkeypatch, capsys, *gate)
    assert (code, json.loads(out)["decided"], json.loads(out)["passed"]) == (2, False, False)

    # What is advised is possible, and then there is a comparison and no advice.
    code, out, _ = run(monkeypatch, capsys, "audit", *files, "--dataset-name", "school", "--home", "state")
    assert (code, "ask different models" in out, "told apart" in out or "better than" in out) == (0, False, True)
    assert load_settings(home=Path("state")).warehouse_path.exists()
    pairs = json.loads(run(monkeypatch, capsys, "compare", "--home", "state", "--json")[1])
    assert [(pair["dataset"], pair["compared"]) for pair in pairs] == [("school", 60)]


def test_many_pairs_are_cut_with_their_number():
    found = [SameQuestions("a", f"b{number}", 5, 6) for number in range(8)]
    lines = same_questions_lines(found)
    assert len(lines) == 4
    assert lines[-1] == "… 5 more such pairs of datasets"
    # Where the rows name the dataset no option of the command line gives them another name.
    assert "--dataset-name" not in lines[0]
    assert "give both the same dataset name" in lines[0]


def test_a_wrong_name_of_a_model_is_not_blamed_on_an_option_that_was_not_given(monkeypatch, capsys, audited):
    home = str(audited[0].settings.home)
    code, out, err = run(monkeypatch, capsys, "compare", "alpha", "betta", "--home", home)
    assert (code, out) == (2, "")
    assert err.startswith("error: model betta: there is none of that name; there are alpha, beta; did you mean beta?")
    assert "--model" not in err
