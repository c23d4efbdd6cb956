"""`error-map`, as ErrorMap's users type it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from faultmap_assets.cli import error_map
from tests.conftest import eval_rows, write_csv


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    monkeypatch.setenv("COLUMNS", "200")

    def call(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["error-map", *arguments])
        capsys.readouterr()
        with pytest.raises(SystemExit) as stop:
            error_map.main()
        captured = capsys.readouterr()
        return int(stop.value.code or 0), captured.out, captured.err

    return call


@pytest.fixture
def evals(tmp_path: Path) -> Path:
    for dataset in ("school", "kitchen"):
        write_csv(tmp_path / "data" / f"{dataset}.csv", eval_rows(dataset))
    return tmp_path / "data"


def test_options_take_several_values_as_in_errormap(call, evals: Path):
    code, out, err = call(
        "--models", "alpha", "beta", "--datasets", "school", "kitchen", "--ratio", "0.5", "--max-workers", "8", "--json"
    )  # fmt: skip
    result = json.loads(out)
    assert (code, err) == (0, "")
    assert set(result["rules"]) == {"school", "kitchen"}
    assert (result["errors"], result["error_records"]) == (80, 40)  # 20 of each model and dataset, half of them
    only = json.loads(call("--models", "alpha", "--datasets", "school", "--exp-id", "one", "--json")[1])
    assert (only["errors"], only["of_other_models"], only["error_records"]) == (20, 20, 2)


def test_the_summary_tells_the_rule_the_counts_the_tree_and_the_files(call, evals: Path, tmp_path: Path):
    with (evals / "school.csv").open("a") as stream:
        stream.write("extra,alpha,What?,Hm,many,x,y\n")
    code, out, _ = call("--datasets", "school", "--ratio", "1", "--exp-id", "shown", "--output-dir", "there")
    assert code == 0
    # 40 of 120 fail: the mean is 2/3
    assert "school: scores below 0.4667 are errors (0.7 of the mean score 0.6667)" in out
    assert "121 rows read: 120 used, 1 quarantined" in out
    assert "'many' is no number" in out
    assert "40 errors, 40 of them sampled" in out
    assert "All errors" in out
    for path in (tmp_path / "there").iterdir():
        assert path.name in out


def test_options_reach_the_stored_configuration(call, evals: Path):
    call("--exp-id", "c", "--seed", "5", "--no-use-correct-predictions", "--max-workers", "3", "--judge", "openai/x")
    stored = json.loads(Path("output/config__exp_id=c.json").read_text(encoding="utf-8"))
    assert (stored["seed"], stored["use_correct_predictions"], stored["max_workers"]) == (5, False, 3)
    assert (stored["judge"], stored["inference_type"], stored["ratio"]) == ("openai/x", "litellm-mock", 0.1)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--data-path", "nowhere"], "data_path 'nowhere' is no folder"),
        (["--models", "gamma"], "there is no model 'gamma'"),
        (["--datasets", "scool"], "there is no dataset 'scool'"),
        (["--ratio", "2"], "ratio is 2.0"),
        (["--inference-type", "litellm"], "no judge model is named"),
        (["--inference-type", "litellm", "--provider", "azure"], "AZURE_API_KEY is not set"),
    ],
)
def test_wrong_use_is_one_line_and_exit_code_2(call, evals: Path, monkeypatch, arguments, said):
    monkeypatch.delenv("AZURE_API_KEY", raising=False)
    code, out, err = call(*arguments)
    assert (code, out) == (2, "")
    assert err.startswith("error: ")
    assert said in err
    assert err.count("\n") == 1


def test_a_model_that_refuses_the_key_is_exit_code_1(call, evals: Path, llm_server, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-not-this-one-either")
    monkeypatch.setenv("OPENAI_API_BASE", llm_server.url)
    llm_server.always = "authentication"
    code, out, err = call("--inference-type", "litellm", "--judge", "openai/test", "--ratio", "0.1")
    assert code == 1
    assert "OPENAI_API_KEY" in err
    assert "could not be judged" in err
    assert "failed: 8" in out
    assert "sk-not-this-one-either" not in out + err


def test_names_from_outside_are_printed_as_they_are(call, tmp_path: Path):
    rows = [{**row, "model": "[red]m[/]"} for row in eval_rows("school", ("alpha",))]
    write_csv(tmp_path / "data" / "[bold]x.csv", rows)
    code, out, _ = call("--ratio", "1")
    assert code == 0
    assert "[bold]x: scores below" in out


def test_help_is_quick_because_nothing_heavy_is_imported():
    code = (
        "import sys; sys.argv = ['error-map', '--help']\n"
        "from faultmap_assets.cli.error_map import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "print(sorted({'litellm', 'numpy', 'pyarrow', 'sklearn', 'pydantic', 'dagster'} & set(sys.modules)))"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.rstrip().endswith("[]")
    for option in ("--models", "--ratio", "--seed", "--inference-type", "--max-workers", "--datasets", "--data-path"):
        assert option in shown.stdout
    for option in ("--output-dir", "--provider", "--judge", "--exp-id", "--no-use-correct-predictions"):
        assert option in shown.stdout
