"""The command line, as people and scripts use it."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from faultmap_assets import cli
from faultmap_assets.settings import load_settings
from tests.conftest import eval_rows, write_csv


class Result:
    def __init__(self, code: int, out: str, err: str):
        self.code, self.out, self.err = code, out, err

    def json(self):
        return json.loads(self.out, parse_constant=lambda name: pytest.fail(f"{name} is no strict JSON"))


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    monkeypatch.setenv("COLUMNS", "200")

    def call(*arguments: str) -> Result:
        monkeypatch.setattr(sys, "argv", ["faultmap", *arguments])
        capsys.readouterr()
        with pytest.raises(SystemExit) as stop:
            cli.main()
        captured = capsys.readouterr()
        return Result(int(stop.value.code or 0), captured.out, captured.err)

    return call


@pytest.fixture
def home(audited) -> str:
    return str(audited[0].settings.home)


def test_audit_of_known_files_tells_the_findings_again_and_makes_nothing(run, audited, home: str):
    result = run("audit", str(audited[0].evals), "--home", home)
    assert result.code == 0
    assert "Nothing changed since the last audit" in result.out
    assert "Repair first" in result.out
    assert "alpha on school: " in " ".join(result.out.split())
    assert "audit_report.html" in result.out


def test_audit_as_json_is_strict_and_complete(run, audited, home: str):
    content = run("audit", str(audited[0].evals), "--home", home, "--json").json()
    assert content["made"] == content["failed"] == []
    assert [file["rows_read"] for file in content["files"]] == [120, 120]
    assert {(row["dataset"], row["model"]) for row in content["summaries"]} == {
        (dataset, model) for dataset in ("kitchen", "school") for model in ("alpha", "beta")
    }


def test_a_report_of_one_dataset_without_texts_goes_where_it_is_asked_for(run, home: str, tmp_path: Path):
    page = tmp_path / "out" / "for_others.html"
    result = run("report", "--home", home, "--dataset", "school", "--without-texts", "--output", str(page), "--json")
    assert result.json() == {"html": str(page), "json": str(page.with_suffix(".json")), "texts": False}
    written = page.with_suffix(".json").read_text() + page.read_text()
    assert {audit["dataset"] for audit in json.loads(page.with_suffix(".json").read_text())["audits"]} == {"school"}
    assert "Give the sum" not in written
    assert "Give the sum" in (Path(home) / "reports" / "audit_report.json").read_text()
    assert run("report", "--home", home, "--output", str(tmp_path / "x.pdf")).err.startswith("error: --output is ")
    assert run("report", "--home", home, "--dataset", "none").code == 2


def test_slices_are_listed_and_filtered(run, home: str):
    everything = run("slices", "--home", home, "--json").json()
    some = run("slices", "--home", home, "--dataset", "school", "--model", "beta", "--json").json()
    assert {(row["dataset"], row["model"]) for row in some} == {("school", "beta")}
    assert len(some) < len(everything)
    shown = run("slices", "--home", home, "--dataset", "school", "--model", "beta").out
    # In 80 columns a name takes several lines.
    assert all(word in shown for word in some[0]["name"].split())


def test_show_prints_failing_and_passing_examples(run, home: str):
    worst = run("slices", "--home", home, "--dataset", "school", "--model", "alpha", "--json").json()[0]
    shown = run("show", worst["slice_id"][:8], "--home", home).out
    for example in worst["examples"]:
        assert example["prompt"] in shown
    assert "failed" in shown
    assert "passed" in shown


def test_compare_lists_pairs_and_where_the_winner_changes(run, home: str):
    (pair,) = run("compare", "--home", home, "--dataset", "school", "--json").json()
    shown = run("compare", "--home", home, "--dataset", "school").out
    assert (pair["model_a"], pair["model_b"]) == ("alpha", "beta")
    for one in pair["slices"]:
        assert one["name"] in shown
    assert "alpha (A) or beta (B) on school" in shown


def test_coverage_reads_logs_and_tells_days_and_gaps(run, tmp_path: Path):
    (tmp_path / "log.jsonl").write_text(
        "".join(
            json.dumps({"timestamp": f"2026-11-0{day}T12:00:00Z", "q": f"Question {number}?"}) + "\n"
            for day in (1, 2)
            for number in range(4)
        )
    )
    result = run("coverage", "log.jsonl", "--map", "input=q", "--home", "state", "--json")
    assert result.code == 0
    assert [(day["day"], day["production"], day["tests"]) for day in result.json()] == [
        ("2026-11-01", 4, 0),
        ("2026-11-02", 4, 0),
    ]
    # Without tests no figure was measured: none is 0.
    unmeasured = ("coverage", "coverage_low", "coverage_high", "covered", "in_gaps", "undetermined")
    assert {day[name] for day in result.json() for name in unmeasured} == {None}
    shown = run("coverage", "--home", "state").out
    assert "2026-11-02" in shown
    assert "%" not in shown
    assert "No evals were audited, so there is no test" in shown
    assert "says how the answer went, so where answers are worse cannot be told" in shown
    assert "No evals were audited" in run("slices", "--home", "state").out
    assert "coverage" not in run("history", "--home", "state").out


@pytest.mark.parametrize(("wanted", "said"), [("zzzz", "no slice has an id that starts with"), ("", "give more")])
def test_show_of_an_unclear_id_says_what_to_do(run, home: str, wanted: str, said: str):
    result = run("show", wanted, "--home", home)
    assert (result.code, said in result.err) == (2, True)


def test_status_of_a_fresh_warehouse(run, home: str):
    content = run("status", "--home", home, "--json").json()
    assert content["stale"] == content["blocked"] == content["quarantined"] == []
    assert content["assets"]["scores"] == 4
    assert "28 of 28 results are up to date" in run("status", "--home", home).out


def test_status_tells_what_is_stale_and_why(run, home: str, tmp_path: Path):
    Path("faultmap.yaml").write_text("datasets: {school: {success_threshold: 0.9}}")
    stale = run("status", "--home", home, "--json").json()["stale"]
    assert [(item["asset"], item["partition"], item["reason"]) for item in stale] == [
        ("scores", "school|alpha", "its settings changed"),
        ("scores", "school|beta", "its settings changed"),
    ]


@pytest.mark.slow
def test_a_few_prompts_are_a_valid_audit_without_slices(run, tmp_path: Path):
    write_csv(tmp_path / "tiny.csv", eval_rows("school", ["alpha"])[:5])
    result = run("audit", "tiny.csv", "--home", "state")
    assert result.code == 0
    assert "No group of prompts was found in which a model fails more often than elsewhere" in result.out
    assert (tmp_path / "state" / "reports" / "audit_report.html").exists()


@pytest.mark.slow
def test_quarantined_rows_are_told_and_the_others_audited(run, tmp_path: Path):
    rows = eval_rows("school", ["alpha"])[:8]
    rows[3]["score"] = "three"
    write_csv(tmp_path / "mixed.csv", rows)
    result = run("audit", "mixed.csv", "--home", "state")
    assert result.code == 0
    assert "1 rows were quarantined" in result.out
    (row,) = run("status", "--home", "state", "--json").json()["quarantined"]
    # The header is line 1, so the fourth row is line 5.
    assert (row["line"], row["reason"]) == (5, "score 'three' is no number")


@pytest.mark.slow
def test_columns_by_other_names(run, tmp_path: Path):
    rows = [
        {"question": row["input_text"], "answer": row["output_text"], "points": 5 * float(str(row["score"]))}
        for row in eval_rows("school", ["alpha"])[:6]
    ]
    write_csv(tmp_path / "other.csv", rows)
    Path("faultmap.yaml").write_text("dataset_defaults: {score_range: [0, 5]}")
    maps = ["--map", "input=question", "--map", "output=answer", "--map", "score=points"]
    content = run(
        "audit", "other.csv", *maps, "--model-name", "alpha", "--dataset-name", "quiz", "--generate-ids",
        "--home", "state", "--json",
    ).json()  # fmt: skip
    (summary,) = content["summaries"]
    assert (summary["dataset"], summary["model"], summary["examples"]) == ("quiz", "alpha", 6)
    assert summary["failures"] == sum(1 for row in eval_rows("school", ["alpha"])[:6] if row["score"] == 0)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "no eval file there"),
        (b"", "the file is empty"),
        (b"a,b\n1,2\n", "no column 'input_text' and no column 'example_id' and no column 'model'; it has a, b"),
        (b"\x00\x01\x02" * 50, "no text file"),
    ],
)
def test_an_unreadable_file_is_one_line_and_exit_code_2(run, tmp_path: Path, content: bytes | None, said: str):
    if content is not None:
        (tmp_path / "bad.csv").write_bytes(content)
    result = run("audit", "bad.csv", "--home", "state")
    assert result.code == 2
    assert result.err.strip().count("\n") == 0
    assert "bad.csv" in result.err
    assert said in result.err


@pytest.mark.slow
def test_an_unreadable_file_does_not_stop_the_others(run, tmp_path: Path):
    write_csv(tmp_path / "evals" / "good.csv", eval_rows("school", ["alpha"])[:5])
    (tmp_path / "evals" / "bad.parquet").write_bytes(b"PAR1 not really")
    result = run("audit", "evals", "--home", "state")
    assert result.code == 2
    assert "bad.parquet" in result.err
    assert "good" in result.out


@pytest.mark.parametrize(
    ("yaml", "said"),
    [
        ("slices: {significance_level: 2}", "slices.significance_level: '2' is not allowed"),
        ("slicez: {}", "slicez: unknown key; did you mean 'slices'?"),
    ],
)
def test_a_bad_setting_is_one_line_and_exit_code_2(run, yaml: str, said: str):
    Path("faultmap.yaml").write_text(yaml)
    result = run("status")
    assert result.code == 2
    assert result.err.startswith("error: faultmap.yaml: " + said)


def test_audit_of_nothing_says_what_to_name(run):
    result = run("audit")
    assert (result.code, "nothing to audit: name eval files" in result.err) == (2, True)


@pytest.mark.slow
def test_a_blocked_audit_says_so_every_time_until_the_limit_is_raised(run, tmp_path: Path):
    rows = eval_rows("school", ["alpha"])[:4]
    for row in rows[1:]:
        row["score"] = "three"
    write_csv(tmp_path / "bad.csv", rows)
    for _ in range(2):
        result = run("audit", "bad.csv", "--home", "state")
        assert result.code == 1
        assert "quarantine_share" in result.err
    assert "its check quarantine_share failed" in run("status", "--home", "state").out
    Path("faultmap.yaml").write_text("evals: {max_quarantine_share: 0.9}")
    assert run("audit", "bad.csv", "--home", "state").code == 0


def test_without_a_warehouse_the_commands_say_so(run):
    for command in (["slices"], ["show", "a"], ["status"], ["export", "x.csv"]):
        result = run(*command)
        assert (result.code, "no warehouse at var/faultmap.duckdb" in result.err) == (2, True)


def test_init_writes_settings_that_are_the_defaults_and_does_not_overwrite(run, tmp_path: Path):
    assert run("init").code == 0
    assert load_settings() == load_settings(tmp_path / "faultmap.yaml")
    lines = (tmp_path / "faultmap.yaml").read_text().splitlines()
    uncommented = "\n".join(line[2:] for line in lines if re.match(r"# +(- \{|[a-z_]+:( |$))", line))
    (tmp_path / "all.yaml").write_text(uncommented)
    everything = load_settings(tmp_path / "all.yaml")
    assert everything.model_dump(exclude={"datasets", "home"}) == load_settings().model_dump(
        exclude={"datasets", "home"}
    )
    again = run("init")
    assert (again.code, "exists; --force overwrites it" in again.err) == (2, True)


def test_export_writes_what_slices_lists(run, home: str, tmp_path: Path):
    assert run("export", "out.jsonl", "--home", home).code == 0
    exported = [json.loads(line)["slice_id"] for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    listed = [row["slice_id"] for row in run("slices", "--home", home, "--json").json()]
    assert sorted(exported) == sorted(listed)


def test_help_does_not_import_what_only_commands_need():
    code = (
        "import sys; import faultmap_assets.cli; heavy = {'dagster', 'duckdb', 'pandas', 'sklearn', 'litellm'};"
        " print(sorted(heavy & set(sys.modules)))"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "[]"


def test_every_command_has_help(run):
    for command in ("audit", "slices", "compare", "coverage", "show", "status", "init", "export", "ui"):
        result = run(command, "--help")
        assert result.code == 0
        assert "Usage" in result.out
