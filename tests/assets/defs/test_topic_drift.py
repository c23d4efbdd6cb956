"""Drift in the graph: a topic that appears between two windows is found, and the first days are valid and empty."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from faultmap_assets.defs.production import queries as production_queries
from faultmap_assets.ingestion.staging import ingest_file
from tests.conftest import Project, make_project, topics

PLACES = ["mountains", "seaside", "desert", "city", "islands", "forest", "lakes", "jungle", "countryside", "capital"]
TRIPS = [f"What should I pack for {length} days in the {place}?" for place in PLACES for length in (2, 5, 9)]
DAYS = ["2026-11-01", "2026-11-02"]


def write_day(path: Path, day: str, prompts: list[str], session: str | None = None) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = [
        {
            "id": f"{day}-{number}",
            "timestamp": f"{day}T10:00:00Z",
            "prompt": prompt,
            "response": "…",
            "session_id": session if session and prompt in TRIPS else f"{day}-{number}",
        }
        for number, prompt in enumerate(prompts)
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def familiar(day: str) -> list[str]:
    return [f"{prompt} Asked on {day}." for prompts in topics("school").values() for prompt in prompts]


def audit_days(folder: Path, patch: pytest.MonkeyPatch, session: str | None = None) -> Project:
    project = make_project(folder, production={"window_days": 1})
    settings = folder / "faultmap.yaml"
    settings.write_text(json.dumps({"home": str(project.settings.home), "production": {"window_days": 1}}))
    patch.setenv("FAULTMAP_HOME", str(project.settings.home))
    patch.setenv("FAULTMAP_SETTINGS", str(settings))
    for day, prompts in zip(DAYS, (familiar(DAYS[0]), familiar(DAYS[1]) + TRIPS), strict=True):
        path = write_day(folder / "logs" / f"{day}.jsonl", day, prompts, session)
        ingest_file(project.warehouse, path, project.settings.log_options())
    outcome = project.audit()
    assert outcome.failed == outcome.left == ()
    return project


@pytest.mark.slow
def test_a_new_topic_is_found_and_its_rows_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    project = audit_days(tmp_path, monkeypatch)
    first, second = production_queries.topic_drift(project.warehouse)
    assert (first["topics"], first["rows"], first["previous_rows"]) == ([], 60, 0)
    assert first["note"]
    assert (second["first_day"], second["previous_first_day"]) == (DAYS[1], DAYS[0])
    assert (second["rows"], second["previous_rows"]) == (60 + len(TRIPS), 60)
    topic = second["topics"][0]
    assert topic["kind"] == "new"
    assert topic["adjusted_p_value"] < 0.05
    assert all(prompt in TRIPS for prompt in topic["representative_prompts"])
    members = project.warehouse.query(
        "SELECT m.log_day, l.prompt_text FROM topic_drift_members m JOIN production_logs l"
        " ON l.day = m.log_day AND l.log_id = m.log_id WHERE m.day = $day AND m.topic_id = $topic",
        {"day": DAYS[1], "topic": topic["topic_id"]},
    ).to_pylist()
    now = [row for row in members if row["log_day"] == DAYS[1]]
    assert (len(now), len(members) - len(now)) == (topic["current_rows"], topic["previous_rows"])
    assert sum(row["prompt_text"] in TRIPS for row in now) >= 0.9 * len(TRIPS)
    assert topic["current_traffic"] == pytest.approx(len(now) / (60 + len(TRIPS)))


@pytest.mark.slow
def test_a_burst_of_one_session_is_no_trend(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    project = audit_days(tmp_path, monkeypatch, session="the same person")
    *_, second = production_queries.topic_drift(project.warehouse)
    assert [topic for topic in second["topics"] if topic["representative_prompts"][0] in TRIPS] == []
