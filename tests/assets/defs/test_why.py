"""Why models fail, through the whole graph: by rules, and with a language model over real HTTP."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from faultmap_assets.automation.estimate import estimate_next_audit
from faultmap_assets.cli.runner import RefreshOutcome
from faultmap_assets.defs.evals import queries
from faultmap_assets.defs.why import queries as error_queries
from faultmap_assets.settings import Settings
from faultmap_core.llm.prompt_library import OWN_PROMPTS
from tests.conftest import Project, eval_rows, make_project, write_csv
from tests.llm_server import LlmServer, serving
from tests.scripted import ARITHMETIC, COOKING, asked_for, scripted_judge

KEY = "sk-test-3f9a1b7c"


def rows_of(project: Project, sql: str) -> list[dict[str, object]]:
    return project.warehouse.query(sql).to_pylist()


# By rules: the audited project of the graph tests.


@pytest.fixture
def ruled(audited: tuple[Project, RefreshOutcome], monkeypatch: pytest.MonkeyPatch) -> Project:
    monkeypatch.setenv("FAULTMAP_HOME", str(audited[0].settings.home))
    return audited[0]


def test_every_failure_is_judged_by_the_rules_and_has_signals(ruled: Project):
    judged = rows_of(ruled, "SELECT dataset, model, count(*) AS n FROM error_judgments GROUP BY ALL ORDER BY ALL")
    # 20 failures of each model on each dataset (see conftest.eval_rows), all of them "I do not know."
    assert [row["n"] for row in judged] == [20, 20, 20, 20]
    assert rows_of(ruled, "SELECT DISTINCT judged_by, error_title FROM error_judgments") == [
        {"judged_by": "rules", "error_title": "Says that the answer is not known"}
    ]
    signals = rows_of(ruled, "SELECT count(DISTINCT (dataset, model, example_id)) AS n FROM error_signals")
    assert signals == [{"n": 80}]


def test_the_taxonomy_counts_every_error_at_every_level(ruled: Project):
    rows = error_queries.taxonomy_rows(ruled.warehouse)
    top = [row for row in rows if row["depth"] == 1]
    leaves = [row for row in rows if row["category_id"] not in {other["parent_id"] for other in rows}]
    assert sum(row["errors"] for row in top) == sum(row["errors"] for row in leaves) == 80
    assert [row["name"] for row in top] == ["No usable answer"]
    assert error_queries.unclassified(ruled.warehouse) == 0


def test_the_checks_of_why_passed(ruled: Project):
    for asset, name in (
        ("error_judgments", "failures_accounted"),
        ("error_judgments", "judge_answered"),
        ("error_taxonomy", "counts_conserved"),
        ("error_taxonomy", "classified_share"),
        ("failure_slices", "named"),
    ):
        key = dg.AssetCheckKey(dg.AssetKey(asset), name)
        records = ruled.instance.event_log_storage.get_asset_check_execution_history(key, limit=10)
        assert records, name
        assert {record.status.value for record in records} == {"SUCCEEDED"}, name


def test_the_datasets_figures_are_counted(ruled: Project):
    found = {one["dataset"]: one for one in error_queries.quality(ruled.warehouse)}
    assert set(found) == {"kitchen", "school"}
    figures = {row["measure"]: row["value"] for row in found["school"]["measures"]}
    # Of 60 examples each model fails 18 of its weak topic and one of each other topic, number 0 of it; alpha's two
    # good ones of arithmetic are 0 and 1, so nothing fails for both but number 0 of the topic that is nobody's.
    assert figures["examples"] == 60
    assert figures["all_models_fail"] == 1


# With a language model.


@pytest.fixture
def server() -> Iterator[LlmServer]:
    with serving(LlmServer(scripted_judge)) as running:
        yield running


@pytest.fixture
def judged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, server: LlmServer) -> Iterator[Project]:
    """School alone, alpha alone, to be judged by the server."""
    monkeypatch.setenv("TEST_KEY", KEY)
    project = make_project(tmp_path, language_model=model_settings(server))
    monkeypatch.setenv("FAULTMAP_HOME", str(project.settings.home))
    monkeypatch.setenv("FAULTMAP_SETTINGS", str(write_settings(tmp_path, project.settings)))
    write_csv(project.evals / "school.csv", eval_rows("school", ["alpha"]))
    project.ingest()
    with project.instance:
        yield project


def model_settings(server: LlmServer, **more: object) -> dict[str, object]:
    return {
        "model": "openai/test",
        "api_base": server.url,
        "api_key_variable": "TEST_KEY",
        "max_attempts": 2,
        "price": {"input_per_million": 1.0, "output_per_million": 2.0},
        **more,
    }


def write_settings(folder: Path, settings: Settings) -> Path:
    """The file that the runs read; JSON is YAML."""
    path = folder / "faultmap.yaml"
    path.write_text(settings.model_dump_json(exclude_none=True, exclude={"home"}), encoding="utf-8")
    return path


def test_a_model_judges_names_and_sorts_and_nothing_is_asked_twice(judged: Project, server: LlmServer):
    outcome = judged.audit()
    assert outcome.failed == ()
    assert outcome.left == ()
    titles = rows_of(judged, "SELECT error_title, count(*) AS n FROM error_judgments GROUP BY ALL ORDER BY n DESC")
    assert titles[0] == {"error_title": ARITHMETIC, "n": 18}
    assert sum(row["n"] for row in titles) == 20
    kinds = {row["name"]: row["errors"] for row in error_queries.taxonomy_rows(judged.warehouse) if row["depth"] == 1}
    assert kinds == {"Gives up on arithmetic": 18, "Gives up on facts": 2}
    worst = queries.failure_slices(judged.warehouse)[0]
    assert worst["root_cause"] == "The model gives up."
    assert worst["cited_examples"][0].startswith("arithmetic-")
    asked = Counter(asked_for(body) for body in server.requests)
    assert asked["judgment"] == 20
    ledger = rows_of(judged, "SELECT asset, count(*) AS n FROM llm_calls WHERE NOT cached GROUP BY ALL")
    assert sum(row["n"] for row in ledger) == server.count
    assert {row["asset"] for row in ledger} >= {"error_judgments", "error_taxonomy", "failure_slices"}
    server.reset()
    assert judged.audit().made == ()
    assert server.count == 0


@pytest.mark.slow
def test_a_new_model_does_not_have_the_others_judged_again(judged: Project, server: LlmServer):
    judged.audit()
    before = rows_of(judged, "SELECT * FROM error_judgments ORDER BY example_id")
    server.reset()
    write_csv(judged.evals / "beta.csv", [{**row, "dataset": "school"} for row in eval_rows("school", ["beta"])])
    judged.ingest()
    outcome = judged.audit()
    made = {(asset, partition.key) for asset, partition in outcome.made}
    assert ("error_judgments", "school|alpha") not in made
    assert ("error_judgments", "school|beta") in made
    judgments = [body for body in server.requests if asked_for(body) == "judgment"]
    # Both fail capital-00 with the same words, and no other model is right there: the reply is in the cache.
    assert len(judgments) == 19
    after = rows_of(judged, "SELECT * FROM error_judgments WHERE model = 'alpha' ORDER BY example_id")
    assert after == before
    # beta is shown what alpha answered rightly.
    contrasts = rows_of(judged, "SELECT contrast_models FROM error_judgments WHERE model = 'beta'")
    assert {row["contrast_models"] for row in contrasts} == {'["alpha"]', "[]"}
    titles = rows_of(judged, "SELECT error_title, count(*) AS n FROM error_judgments WHERE model = 'beta' GROUP BY ALL")
    assert {row["error_title"]: row["n"] for row in titles}[COOKING] == 18
    found = [row for row in error_queries.signatures(judged.warehouse) if row["significant"]]
    assert {(row["model"], row["category"]) for row in found if row["scope"] == "model"} == {
        ("alpha", "Gives up on arithmetic"),
        ("beta", "Gives up on facts"),
    }


@pytest.mark.slow
def test_what_the_model_does_not_answer_stays_pending_and_is_asked_for_again(judged: Project, server: LlmServer):
    server.always = "server_error"
    outcome = judged.audit()
    assert outcome.failed == ()
    pending = {item.asset: item.reason for item in outcome.left}
    assert pending["error_judgments"] == "20 rows wait for the language model"
    assert {row["outcome"] for row in rows_of(judged, "SELECT outcome FROM error_judgments")} == {"failed"}
    # Names fall back to keywords, and say so; judgments are never replaced by rules.
    worst = queries.failure_slices(judged.warehouse)[0]
    assert worst["named_by"] in ("keywords", "metadata")
    assert {row["judged_by"] for row in rows_of(judged, "SELECT judged_by FROM error_judgments")} != {"rules"}
    server.always = None
    server.reset()
    again = judged.audit()
    assert again.left == ()
    assert Counter(asked_for(body) for body in server.requests)["judgment"] == 20
    assert {row["outcome"] for row in rows_of(judged, "SELECT outcome FROM error_judgments")} == {"error"}
    assert error_queries.taxonomy_rows(judged.warehouse)


@pytest.mark.slow
def test_a_budget_stops_the_calls_and_what_is_left_is_told(judged: Project, server: LlmServer, tmp_path: Path):
    settings = Settings.model_validate(
        {"home": judged.settings.home, "language_model": model_settings(server, budget={"calls": 7, "period": "total"})}
    )
    write_settings(tmp_path, settings)
    outcome = judged.audit(settings)
    assert server.count == 7
    assert any("wait for the language model" in item.reason for item in outcome.left)
    reasons = {row["reason"].partition(":")[0] for row in rows_of(judged, "SELECT reason FROM error_judgments")}
    assert "budget" in reasons


@pytest.mark.slow
def test_a_new_taxonomy_prompt_remakes_the_taxonomy_alone(judged: Project, server: LlmServer, tmp_path: Path):
    judged.audit()
    source = OWN_PROMPTS / "taxonomy_generate.j2"
    mine = tmp_path / "prompts"
    mine.mkdir()
    (mine / "taxonomy_generate.j2").write_text(
        source.read_text(encoding="utf-8").replace("You build taxonomies", "You build short taxonomies"), "utf-8"
    )
    settings = Settings.model_validate(
        {"home": judged.settings.home, "language_model": model_settings(server, prompts_folder=str(mine))}
    )
    write_settings(tmp_path, settings)
    server.reset()
    made = [asset for asset, _ in judged.audit(settings).made]
    assert made[0] == "error_taxonomy"
    assert set(made) <= {"error_taxonomy", "error_signatures", "finding_history", "audit_report"}
    assert {asked_for(body) for body in server.requests} <= {"categories", "choices"}


@pytest.mark.slow
def test_an_estimate_asks_nothing_and_bounds_what_is_asked(judged: Project, server: LlmServer, tmp_path: Path):
    free = Settings.model_validate({"home": judged.settings.home})
    write_settings(tmp_path, free)
    judged.audit(free)
    assert server.count == 0
    write_settings(tmp_path, judged.settings)
    found = estimate_next_audit(judged.settings, judged.warehouse)
    assert server.count == 0
    rows = {row.asset: row for row in found.rows}
    assert rows["error_judgments"].calls == 20
    judged.audit()
    asked = Counter(asked_for(body) for body in server.requests)
    assert asked["judgment"] == rows["error_judgments"].calls
    assert asked["names"] <= rows["failure_slices"].calls
    assert asked["categories"] + asked["choices"] <= rows["error_taxonomy"].calls
    spent = sum(row["cost_usd"] for row in error_queries.spent(judged.warehouse))
    assert 0 < spent <= sum(row.most_cost for row in found.rows)


def test_no_file_of_the_project_holds_the_key(judged: Project, server: LlmServer):
    server.plan = ["authentication"]
    judged.audit()
    server.plan = []
    judged.audit()
    files = [path for path in judged.settings.home.rglob("*") if path.is_file()]
    assert len(files) > 5
    assert [path for path in files if KEY.encode() in path.read_bytes()] == []
    assert set(server.keys) == {KEY}
