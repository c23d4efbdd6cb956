"""What an audit refuses is still shown by `faultmap inspect`; decimal commas; all that is missing at once."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from faultmap_assets import cli
from faultmap_core.decimal_commas import decimal_comma
from faultmap_core.errors import EvalFileError
from faultmap_core.evals import EvalOptions
from faultmap_core.readers import read_eval_file


@pytest.fixture
def inspect(monkeypatch, capsys, tmp_path):
    monkeypatch.chdir(tmp_path)

    def call(text: str, *arguments: str, name: str = "t.csv"):
        Path(name).write_text(text)
        monkeypatch.setattr(sys, "argv", ["faultmap", "inspect", name, *arguments])
        capsys.readouterr()
        with pytest.raises(SystemExit) as stop:
            cli.main()
        captured = capsys.readouterr()
        return int(stop.value.code or 0), captured.out, captured.err

    return call


def table(scores: list[str], separator: str = ";") -> str:
    rows = [["id", "model", "question", "answer", "score"]]
    rows += [[str(number), "m", f"q {number}?", "a", score] for number, score in enumerate(scores)]
    return "".join(separator.join(row) + "\n" for row in rows)


def scores_of(path: Path) -> list[float | None]:
    return [row["score"] for batch in read_eval_file(path, EvalOptions()) for row in batch.rows.to_pylist()]


@pytest.mark.parametrize(
    ("scores", "separator", "told"),
    [
        (["0,5", "1,0", "0,85"], ";", [0.5, 1.0, 0.85]),
        (["0,5", "1", "", "0"], ";", [0.5, 1.0, None, 0.0]),
        (['"0,0"', '"0,85"'], ",", [0.0, 0.85]),
        (["0,123", "0,5"], "\t", [0.123, 0.5]),
        (["0,123", "0,456"], ";", [0.123, 0.456]),
    ],
)
def test_decimal_commas_are_read_where_the_whole_column_has_them(inspect, tmp_path, scores, separator, told):
    code, out, _ = inspect(table(scores, separator))
    assert code == 0
    assert "written with decimal commas" in out
    assert "score from score" in out
    assert scores_of(tmp_path / "t.csv") == told


@pytest.mark.parametrize(
    ("scores", "why"),
    [
        (["0,5", "0.85"], "'0,5' and '0.85'"),
        (["0.5", "1", "0,5"], "write all of them with points"),
        (["1,234", "2,500"], "can be 1.234 or 1234"),
    ],
)
def test_a_column_that_can_be_read_in_two_ways_is_refused_with_a_hint(inspect, tmp_path, scores, why):
    code, out, _ = inspect(table(scores))
    assert code == 2
    assert why in out
    assert "score" in out.splitlines()[1]
    with pytest.raises(EvalFileError, match="decimal"):
        scores_of(tmp_path / "t.csv")


def test_decimal_commas_that_the_separator_tears_apart_are_named(inspect):
    code, out, _ = inspect(table(["0,5", "1,0"], ","))
    assert code == 2
    assert "is '0,5' a number with a decimal comma?" in out
    assert "columns   answer, id, model, question, score" in out


@pytest.mark.parametrize("text", ["1.000,5", "1,2,3", "a,b", ",", "", "1,", "5", "0.5"])
def test_what_is_no_number_with_a_decimal_comma(text):
    assert decimal_comma(text) is None


@pytest.mark.parametrize(
    ("text", "shown", "fix"),
    [
        (table(["1", "5", "3"]), "score from score", 'datasets: {"t": {score_range: [1, 5]}}'),
        (table(["2", "5", "3"]), "score from score", "score_range"),
        (table(["A", "B", "F"]), "columns", "write numbers"),
        (table(["three", "four"]), "row 1", "is no number"),
        ("Nummer;Frage;Antwort\n7;wie viele?;3\n", "columns   Antwort, Frage, Nummer", "--map input_text=COLUMN"),
        ("id,model,question,response,output,score\n1,m,q?,a,b,1\n", "output", "--map output=COLUMN"),
        ("id,model,question,answer,score\n1,m,,a,1\n", "question", "input_text is missing"),
    ],
)
def test_what_an_audit_refuses_is_shown_with_its_remedy(inspect, text, shown, fix):
    code, out, err = inspect(text)
    assert (code, err) == (2, "")
    assert "looks like a table" in out
    assert shown in out
    assert "row 1" in out
    assert "! an audit stores nothing of it: " in out.splitlines()[-1]
    assert fix in out.splitlines()[-1]
    code, out, _ = inspect(text, "--json")
    assert (code, fix in json.loads(out)["refusal"]) == (2, True)
    # Nothing that is refused is saved for the next audit.
    assert inspect(text, "--save")[0] == 2
    assert not Path("faultmap.yaml").exists()


def test_all_that_is_missing_is_named_at_once(inspect, tmp_path):
    (tmp_path / "a.csv").write_text("Frage,Antwort\nwie?,so\n")
    with pytest.raises(EvalFileError) as wrong:
        scores_of(tmp_path / "a.csv")
    for field, remedy in (("input_text", "--map"), ("example_id", "--generate-ids"), ("model", "--model-name NAME")):
        assert f"no column '{field}'" in str(wrong.value)
        assert remedy in str(wrong.value)
    told = inspect("Frage,Antwort\nwie?,so\n")[1]
    assert "--generate-ids" in told
    assert "--model-name NAME" in told
    # Rows of a file that has the columns and leaves them empty.
    (tmp_path / "b.jsonl").write_text('{"example_id": "", "model": null, "input_text": "q?", "score": 1}\n')
    with pytest.raises(EvalFileError, match=r"model and example_id are missing; `--model-name NAME`.*`--generate-ids`"):
        scores_of(tmp_path / "b.jsonl")


def test_formats_whose_model_is_missing_say_how_it_is_named(tmp_path):
    (tmp_path / "r.csv").write_text("user_input,response,faithfulness\nq?,a,0.5\n")
    with pytest.raises(EvalFileError, match=r"model is missing; `--model-name NAME` names it"):
        scores_of(tmp_path / "r.csv")
