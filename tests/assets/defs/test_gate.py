"""May this run go out? `faultmap gate` against an earlier audit or another model, with its exit code and reasons."""

from __future__ import annotations

import json
import shutil
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from faultmap_assets import cli
from faultmap_assets.defs.history.gate import gate_against
from faultmap_core.base.errors import ConfigurationError
from tests.history_data import Results, outcomes, results

TAX = [f"e{number:04d}" for number in range(30)]


@pytest.fixture(scope="module")
def audited_thrice(tmp_path_factory: pytest.TempPathFactory) -> Results:
    """Three audits of two models on two datasets; the last one of m on law is worse."""
    made = results(tmp_path_factory.mktemp("gate"))
    for model in ("m", "n"):
        for dataset in ("law", "tax"):
            made.evals(dataset, model, outcomes(40, 400), {"category = tax": TAX})
    made.comparison("law", "m", "n", "tie", 0.0)
    made.audit()
    made.evals("law", "m", outcomes(38, 400), {"category = tax": TAX})
    made.audit()
    made.evals("law", "m", outcomes(80, 400), {"category = tax": TAX})
    made.audit()
    made.settle()
    return made


@pytest.fixture
def made(audited_thrice: Results, tmp_path: Path) -> Results:
    """A copy of it that a test may change."""
    copied = results(tmp_path)
    copied.warehouse.path.parent.mkdir(parents=True)
    shutil.copy(audited_thrice.warehouse.path, copied.warehouse.path)
    return replace(
        copied,
        now=audited_thrice.now,
        versions=audited_thrice.versions,
        sources=set(audited_thrice.sources),
    )


def run(made: Results, monkeypatch: pytest.MonkeyPatch, capsys, *arguments: str) -> tuple[int, str, str]:
    # Not by COLUMNS: rich reads it once where it was set when the command line was imported.
    monkeypatch.setattr("faultmap_assets.cli.common.out._width", 250)
    monkeypatch.setattr(sys, "argv", ["faultmap", *arguments, "--home", str(made.settings.home)])
    capsys.readouterr()
    with pytest.raises(SystemExit) as stop:
        cli.main()
    captured = capsys.readouterr()
    return int(stop.value.code or 0), captured.out, captured.err


@pytest.mark.parametrize("baseline", ["previous", "latest~1", "2", "1", "run:1", "latest~2"])
def test_a_run_that_is_worse_than_its_baseline_is_held_up_with_the_reason(made: Results, baseline: str):
    gated = gate_against(made.warehouse, made.settings, baseline)
    assert not gated.result.passed
    (reason,) = gated.result.reasons
    assert reason.startswith("m on law: the failure rate rose from ")
    assert "to 20.0%" in reason
    assert gated.current == "audit 3"
    assert len(gated.result.compared) == 4


def test_a_run_against_itself_passes(made: Results):
    assert gate_against(made.warehouse, made.settings, "latest").result.passed
    assert gate_against(made.warehouse, made.settings, "latest").baseline == "audit 3"


def test_a_model_is_held_against_another_one(made: Results):
    gated = gate_against(made.warehouse, made.settings, "n")
    assert gated.result.compared == (("law", "m", "n"), ("tax", "m", "n"))
    assert [change.subject.dataset for change in gated.result.changes] == ["law"]
    assert gate_against(made.warehouse, made.settings, "model:n", datasets=["tax"]).result.passed
    # The other way round nothing is worse.
    assert gate_against(made.warehouse, made.settings, "m", models=["n"]).result.passed


def test_only_what_is_asked_for_is_compared(made: Results):
    assert gate_against(made.warehouse, made.settings, "previous", datasets=["tax"]).result.passed
    assert gate_against(made.warehouse, made.settings, "previous", models=["n"]).result.passed
    assert not gate_against(made.warehouse, made.settings, "previous", ["law"], ["m"]).result.passed


def test_margins_of_the_settings_let_through(made: Results):
    alerts = made.settings.alerts
    wide = alerts.model_copy(update={"gate": alerts.gate.model_copy(update={"failure_margin": 0.2})})
    assert gate_against(made.warehouse, made.settings.model_copy(update={"alerts": wide}), "1").result.passed


def test_coverage_of_production_is_held_up_too(tmp_path: Path):
    made = results(tmp_path)
    made.evals("law", "m", outcomes(40, 400))
    made.day("2026-02-01", [False] * 900, (0.9, 0.88, 0.92))
    made.audit()
    made.day("2026-02-02", [False] * 900, (0.6, 0.57, 0.63))
    made.audit()
    made.settle()
    gated = gate_against(made.warehouse, made.settings, "previous")
    (reason,) = gated.result.reasons
    assert reason.startswith("production: coverage by the tests fell from 90.0% to 60.0%")
    assert gated.result.notes == ()
    assert gate_against(made.warehouse, made.settings, "previous", datasets=["law"]).result.passed


@pytest.mark.parametrize(
    ("baseline", "datasets", "told"),
    [
        ("4", None, "neither an audit"),
        ("gpt", None, r"nor a model of the last audit \(m, n\)"),
        ("latest~3", None, "there are only 3 audits"),
        ("model:x", None, "has no model 'x'; it has m, n"),
        ("previous", ["geography"], "has no dataset 'geography'"),
    ],
)
def test_what_is_no_baseline_is_one_line(made: Results, baseline: str, datasets, told: str):
    with pytest.raises(ConfigurationError, match=told):
        gate_against(made.warehouse, made.settings, baseline, datasets)


def test_results_that_are_out_of_date_are_no_ground_for_a_gate(made: Results):
    with made.warehouse.write() as connection:
        connection.execute("UPDATE staging_partitions SET digest = 'new' WHERE dataset = 'law' AND model = 'n'")
    with pytest.raises(ConfigurationError, match=r"out of date \(first: raw_evals law\|n.*run `faultmap audit`"):
        gate_against(made.warehouse, made.settings, "previous")


def test_without_an_audit_there_is_no_gate(tmp_path: Path):
    with pytest.raises(ConfigurationError, match="nothing was audited yet"):
        gate_against(results(tmp_path).warehouse, results(tmp_path).settings, "previous")


def test_the_command_says_why_in_sentences_and_in_its_exit_code(made: Results, monkeypatch, capsys):
    code, out, _ = run(made, monkeypatch, capsys, "gate", "--baseline", "previous")
    assert code == 1
    assert "failed: audit 3 against audit 2 (m on law, n on law, m on tax, n on tax" in out
    assert "- m on law: the failure rate rose from 9.5% to 20.0%" in out
    code, out, _ = run(made, monkeypatch, capsys, "gate", "--baseline", "previous", "--dataset", "tax")
    assert (code, out.startswith("passed: audit 3 is nowhere significantly worse than audit 2")) == (0, True)
    code, out, _ = run(made, monkeypatch, capsys, "gate", "--baseline", "1", "--json")
    content = json.loads(out)
    assert (code, content["passed"], content["baseline"]) == (1, False, "audit 1")
    assert content["changes"][0]["dataset"] == "law"
    code, _, err = run(made, monkeypatch, capsys, "gate", "--baseline", "gpt")
    assert (code, err.count("\n")) == (2, 1)


def test_a_pipeline_notes_the_audit_before_its_own(made: Results, monkeypatch, capsys):
    code, before, _ = run(made, monkeypatch, capsys, "history", "--latest")
    assert (code, before.strip()) == (0, "3")
    made.evals("tax", "n", outcomes(90, 400))
    made.audit()
    made.settle()
    code, out, _ = run(made, monkeypatch, capsys, "gate", "--baseline", before.strip())
    assert code == 1
    assert "n on tax" in out


def test_history_alerts_and_acknowledge_on_the_command_line(made: Results, monkeypatch, capsys):
    _, out, _ = run(made, monkeypatch, capsys, "history", "--dataset", "law", "--model", "m")
    assert "m on law" in out
    assert "\nn on law" not in out
    line = next((line for line in out.splitlines() if line.startswith("failure rate")), f"not told: {out!r}")
    assert "9.5%" in line
    assert "20.0%" in line
    assert "worse" in line
    # Nothing was ever quarantined: no line about it.
    assert "quarantined" not in out
    assert [row["audit"] for row in json.loads(run(made, monkeypatch, capsys, "history", "--audits", "--json")[1])] == [
        3,
        2,
        1,
    ]
    _, out, _ = run(made, monkeypatch, capsys, "alerts")
    assert "the failure rate rose" in out
    (alert,) = json.loads(run(made, monkeypatch, capsys, "alerts", "--json")[1])["alerts"]
    code, out, _ = run(made, monkeypatch, capsys, "acknowledge", alert["alert_id"], "--note", "known [bold]since[/]")
    assert (code, "silent for good, unless it gets significantly worse than 20.0%" in out) == (0, True)
    assert "No alerts" in run(made, monkeypatch, capsys, "alerts")[1]
    assert "known [bold]since[/]" in run(made, monkeypatch, capsys, "alerts", "--all")[1]
    assert run(made, monkeypatch, capsys, "acknowledge", alert["alert_id"], "--undo")[0] == 0
    assert "the failure rate rose" in run(made, monkeypatch, capsys, "alerts")[1]
