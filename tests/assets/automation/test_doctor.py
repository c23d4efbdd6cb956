"""The doctor finds what would stop an audit, and says what to do."""

from __future__ import annotations

from pathlib import Path

import pytest

from faultmap_assets.automation.doctor import Finding, examine
from faultmap_assets.ingestion.staging import ingest_file
from faultmap_assets.settings import Settings
from faultmap_assets.warehouse.connection import open_warehouse


def found(settings: Settings) -> dict[str, Finding]:
    return {finding.question: finding for finding in examine(settings)}


def test_a_fresh_installation_is_well_and_is_left_as_it_was(tmp_path: Path):
    findings = found(Settings(home=tmp_path / "var"))
    assert {finding.verdict for finding in findings.values()} == {"ok"}
    assert list((tmp_path / "var").iterdir()) == []


def test_what_would_stop_an_audit_is_told_with_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("MY_KEY", raising=False)
    (tmp_path / "file").write_text("")
    settings = Settings.model_validate(
        {
            "home": tmp_path / "file",
            "evals": {"paths": ["nothing/*.csv"]},
            "language_model": {"model": "openai/gpt-4o-mini", "api_key_variable": "MY_KEY"},
        }
    )
    findings = found(settings)
    assert findings["state folder"].verdict == "error"
    assert "--home" in findings["state folder"].advice
    assert findings["evals.paths"].verdict == "warning"
    assert "MY_KEY" in findings["language model"].advice


def test_a_key_without_a_budget_is_worth_a_look(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("MY_KEY", "sk-secret-value")
    model = {"model": "openai/gpt-4o-mini", "api_key_variable": "MY_KEY"}
    settings = Settings.model_validate({"home": tmp_path, "language_model": model})
    assert found(settings)["language model"].verdict == "warning"
    capped = Settings.model_validate({"home": tmp_path, "language_model": {**model, "budget": {"cost_usd": 5}}})
    assert found(capped)["language model"].verdict == "ok"
    assert "sk-secret-value" not in str(examine(capped))


def test_rows_that_count_for_nothing_are_worth_a_look(tmp_path: Path):
    settings = Settings(home=tmp_path / "var")
    path = tmp_path / "quiz.csv"
    path.write_text("example_id,model,input_text,output_text,score\n1,m,why,so,1\n2,m,why not,so,three\n")
    ingest_file(open_warehouse(settings), path, settings.eval_options())
    left_out = found(settings)["left out"]
    assert (left_out.verdict, left_out.answer) == (
        "warning",
        "0 watched files that cannot be read, 1 quarantined rows",
    )
    path.write_text("example_id,model,input_text,output_text,score\n1,m,why,so,1\n2,m,why not,so,0\n")
    ingest_file(open_warehouse(settings), path, settings.eval_options())
    assert found(settings)["left out"].verdict == "ok"
