"""In the warehouse: verdicts and metrics decide, unlike metrics are never mixed, tools' figures are shown."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from faultmap_assets import cli
from faultmap_assets.automation.selection import Selection
from faultmap_assets.cli.runner import refresh_stale
from faultmap_assets.defs.evals import queries
from faultmap_assets.ingestion.reconciliations import file_summaries
from faultmap_assets.ingestion.staging import drop_files, ingest_file, stored_path_of
from faultmap_assets.warehouse.metric_queries import higher_is_better, like_models, metrics_of, unlike_pairs
from faultmap_core.data.metrics import Metric
from tests.conftest import Project, make_project
from tests.core.readers.test_verdicts import deepeval_case, write_promptfoo
from tests.history_data import outcomes, results
from tests.log_files import promptfoo_result

ROWS = 24
SCORES = frozenset({"raw_evals", "scores"})
COMPARED = frozenset(
    {"prompt_embeddings", "prompt_clusters", "model_comparisons", "error_judgments", "dataset_quality"}
)


def write_frame(path: Path, header: str, cells: list[str]) -> Path:
    lines = [f"question {i} about topic {i % 4},an answer,{cell}" for i, cell in enumerate(cells)]
    path.write_text("\n".join([f"user_input,response,{header}", *lines]) + "\n")
    return path


def scored(project: Project) -> dict[tuple[str, str], tuple[int, int, int]]:
    """Return (dataset, model) -> examples, scored, failures."""
    return {
        (row["dataset"], row["model"]): (row["examples"], row["scored"], row["failures"])
        for row in queries.score_summaries(project.warehouse)
    }


@pytest.fixture(scope="module")
def audited(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    folder = tmp_path_factory.mktemp("metrics")
    with pytest.MonkeyPatch.context() as patch:
        project = make_project(folder, clusters={"map": "pca"})
        patch.setenv("FAULTMAP_HOME", str(project.settings.home))
        (folder / "faultmap.yaml").write_text("clusters: {map: pca}\n")
        patch.setenv("FAULTMAP_SETTINGS", str(folder / "faultmap.yaml"))

        def add(path: Path, dataset: str, model: str, **options: object) -> None:
            ingest_file(
                project.warehouse,
                path,
                project.settings.eval_options(dataset_name=dataset, model_name=model, generate_ids=True, **options),
            )

        both = "faithfulness,answer_relevancy"
        add(write_frame(folder / "a.csv", both, ["0.9,0.2"] * ROWS), "rag", "A")
        add(write_frame(folder / "b.csv", both, [",0.2", *["0.9,0.2"] * (ROWS - 1)]), "rag", "B")
        add(write_frame(folder / "c.csv", "faithfulness", ["0.9"] * ROWS), "mixed", "A")
        add(write_frame(folder / "d.csv", "answer_relevancy", ["0.2"] * ROWS), "mixed", "B")
        add(write_frame(folder / "e.csv", "faithfulness", ["0.8"] * ROWS), "mixed", "C")

        cases = [deepeval_case(i) for i in range(ROWS)]
        cases[0]["metricsData"][0] = {"name": "Bias", "threshold": 0.5, "success": False, "score": 0.9}
        cases[0]["success"] = False
        for name, chosen in (("deepeval", {}), ("bias", {"scorer": "Bias"})):
            run = folder / f"{name}.json"
            run.write_text(json.dumps({"testCases": cases, "testPassed": ROWS - 1, "testFailed": 1}))
            add(run, name, "m", **chosen)

        toxic = [{"inputs": f"question {i}", "outputs": "x", "toxicity/v1/score": 0.9 * (i < 6)} for i in range(ROWS)]
        (folder / "toxic.json").write_text(json.dumps(toxic))
        add(folder / "toxic.json", "toxic", "m")
        graded = [
            {"inputs": f"question {i}", "outputs": "x", "answer_correctness/v1/score": 1 + i % 5} for i in range(25)
        ]
        (folder / "graded.json").write_text(json.dumps(graded))
        add(folder / "graded.json", "graded", "m")

        partial = [promptfoo_result(i, success=False, failureReason=1, score=2 / 3) for i in range(ROWS)]
        add(write_promptfoo(folder / "pf.json", partial, successes=1, failures=ROWS, errors=0), "promptfoo", "m")
        for selection in (Selection(assets=SCORES), Selection(assets=SCORES | COMPARED, datasets={"rag", "mixed"})):
            refresh_stale(project.settings, project.instance, selection=selection)
    with project.instance:
        yield project


def test_failures_are_what_the_tools_say(audited: Project):
    found = scored(audited)
    assert found["promptfoo", "openai:gpt-4o"] == (ROWS, ROWS, ROWS)
    assert found["deepeval", "m"] == (ROWS, ROWS, 1)
    # The chosen metric's own verdict and direction: .9 of bias is bad, 0.0 is best.
    assert found["bias", "m"] == (ROWS, ROWS, 1)
    # No verdict: lower is better for toxicity; of 1 to 5 the middle is 3, so that 1 and 2 fail.
    assert found["toxic", "m"] == (ROWS, ROWS, 6)
    assert found["graded", "m"] == (25, 25, 10)


def test_metrics_stand_in_the_warehouse(audited: Project):
    rows = {(row["dataset"], row["model"]): row for row in audited.warehouse.query("SELECT * FROM metrics").to_pylist()}
    bias = rows["bias", "m"]
    assert (bias["name"], bias["higher_is_better"], bias["threshold"], bias["source"]) == ("Bias", False, 0.5, "tool")
    assert (bias["rows"], bias["verdicts"], bias["left_out"]) == (ROWS, ROWS, 0)
    graded = rows["graded", "m"]
    assert (graded["low"], graded["high"], graded["threshold"], graded["success_threshold"]) == (1.0, 5.0, None, 3.0)
    assert not higher_is_better(audited.warehouse, "toxic")
    assert higher_is_better(audited.warehouse, "graded")


def test_an_empty_cell_neither_changes_the_metric_nor_makes_a_winner(audited: Project):
    metrics = metrics_of(audited.warehouse, "rag")
    assert {model: metric.name for model, metric in metrics.items()} == {"A": "faithfulness", "B": "faithfulness"}
    (pair,) = queries.comparisons(audited.warehouse, ["rag"])
    assert (pair["compared"], pair["winner"] in ("A", "B")) == (ROWS - 1, False)
    assert scored(audited)["rag", "B"] == (ROWS, ROWS - 1, 0)


def test_models_judged_by_unlike_metrics_are_not_compared(audited: Project):
    pairs = {(pair["model_a"], pair["model_b"]): pair for pair in queries.comparisons(audited.warehouse, ["mixed"])}
    assert pairs["A", "C"]["compared"] == ROWS
    for a, b in (("A", "B"), ("B", "C")):
        assert pairs[a, b]["compared"] == 0
        assert pairs[a, b]["note"].startswith("not compared: ")
        assert "are different metrics" in pairs[a, b]["note"]
        assert pairs[a, b]["winner"] == "unresolved"
        assert pairs[a, b]["p_value"] == 1.0


def test_quality_leaves_out_models_judged_by_another_metric_and_says_so(audited: Project):
    measures = {
        row["measure"]: row["meaning"]
        for row in audited.warehouse.query("SELECT * FROM dataset_quality WHERE dataset = 'mixed'").to_pylist()
    }
    assert measures["examples"].endswith("2 models")
    assert measures["models_left_out"] == (
        "judged by another metric: B (faithfulness and answer_relevancy are different metrics)"
    )


def test_a_tools_figures_are_kept_and_a_disagreement_is_shown_with_both(audited: Project, capsys, monkeypatch):
    found = file_summaries(audited.warehouse)
    assert {one.summary.what for one in found if one.agrees} == {"failures", "errors", "testPassed", "testFailed"}
    (differing,) = (one for one in found if not one.agrees)
    assert str(differing).endswith("pf.json: successes: the tool says 1, its rows give 0")
    monkeypatch.setattr("faultmap_assets.cli.common.out._width", 250)
    for command in (["status"], ["status", "--json"]):
        monkeypatch.setattr(sys, "argv", ["faultmap", *command, "--home", str(audited.settings.home)])
        capsys.readouterr()
        with pytest.raises(SystemExit):
            cli.main()
        told = capsys.readouterr().out
        if "--json" in command:
            figures = json.loads(told)["reconciliations"]
            assert [one["tool_value"] for one in figures if not one["agrees"]] == [1.0]
            assert len(figures) == len(found)
        else:
            assert "pf.json: successes: the tool says 1, its rows give 0" in told
    result = audited.warehouse.query(
        "SELECT passed, description FROM check_results WHERE check_name = 'reconciled' AND partition_key LIKE 'prompt%'"
    ).to_pylist()
    assert [row["passed"] for row in result] == [False]
    assert "the tool says 1, its rows give 0" in result[0]["description"]


def test_a_tools_figures_go_with_their_file(tmp_path):
    project = make_project(tmp_path)
    path = write_promptfoo(tmp_path / "x.json", [promptfoo_result(0)], successes=1, failures=0, errors=0)
    with project.instance:
        ingest_file(project.warehouse, path, project.settings.eval_options())
        assert len(file_summaries(project.warehouse)) == 3
        drop_files(project.warehouse, [stored_path_of(path)])
        assert project.warehouse.query("SELECT * FROM reconciliations").num_rows == 0


def put_metric(made, dataset: str, model: str, metric: Metric) -> None:
    with made.warehouse.write() as connection:
        connection.execute(
            "DELETE FROM metrics WHERE dataset = $dataset AND model = $model", {"dataset": dataset, "model": model}
        )
        connection.execute(
            "INSERT INTO metrics VALUES ($dataset, $model, $name, $low, $high, $up, $threshold, 0.5, 'tool', 1, 0, 0)",
            {"dataset": dataset, "model": model, "name": metric.name, "low": metric.low, "high": metric.high,
             "up": metric.higher_is_better, "threshold": metric.threshold},
        )  # fmt: skip


@pytest.mark.parametrize("same", [True, False])
def test_history_and_gate_do_not_compare_across_metrics(tmp_path, same: bool):
    from faultmap_assets.defs.history.gate import gate_against

    made = results(tmp_path)
    for failures, name in ((40, "f1"), (120, "f1" if same else "recall")):
        made.evals("law", "m", outcomes(failures, 400))
        put_metric(made, "law", "m", Metric(name, 0.0, 1.0))
        made.audit()
    made.settle()
    gated = gate_against(made.warehouse, made.settings, "previous").result
    assert not gated.passed
    statuses = made.warehouse.query(
        "SELECT status FROM finding_history WHERE kind = 'failure_rate' ORDER BY audit"
    ).to_pylist()
    alerts = made.warehouse.query("SELECT * FROM alerts WHERE kind = 'failure_rate'").num_rows
    if same:
        assert gated.reasons[0].startswith("m on law: the failure rate rose")
        assert (statuses[-1]["status"], alerts) == ("worse", 1)
    else:
        assert gated.reasons[0] == "m on law cannot be compared: recall and f1 are different metrics"
        assert not gated.changes
        assert (statuses[-1]["status"], alerts) == ("new", 0)


def test_the_largest_group_of_like_models():
    metrics = {"a": Metric("f1"), "b": Metric("recall"), "c": Metric("f1", 0, 1), "d": Metric("f1")}
    assert like_models(metrics) == ["a", "c", "d"]
    assert set(unlike_pairs(metrics)) == {("a", "b"), ("b", "c"), ("b", "d")}
    assert like_models({}) == []
