"""What a tool says of a row decides, a score carries its metric, and a tool's own figures are compared."""

from __future__ import annotations

import json
from itertools import product
from pathlib import Path

import pytest

from faultmap_core.base.errors import EvalFileError
from faultmap_core.data.eval_table import EvalOptions
from faultmap_core.data.metrics import Metric
from faultmap_core.readers import read_eval_file
from faultmap_core.readers.formats import format_of
from tests.log_files import (
    every_eval_ever_record,
    helm_request,
    helm_stats,
    inspect_header,
    inspect_sample,
    lm_eval_sample,
    openai_evals_lines,
    promptfoo_result,
    write_helm,
    write_inspect_json,
    write_inspect_zip,
    write_lines,
    write_lm_eval,
)

CASES = Path(__file__).parents[4] / "shared" / "cases"


def read(path: Path, **options):
    batches = list(read_eval_file(path, EvalOptions(**{"model_name": "m", **options})))
    rows = [row for batch in batches for row in batch.rows.to_pylist()]
    for row in rows:
        row["metadata"] = json.loads(row["metadata"])
        row["metric"] = Metric.from_json(row["metric"]) if row["metric"] else None
    return sorted(rows, key=lambda row: row["line"]), batches[-1].summaries


def outcomes(path: Path, **options) -> list[tuple[float | None, bool | None, str | None]]:
    rows, _ = read(path, **options)
    return [(row["score"], row["passed"], row["metric"].name if row["metric"] else None) for row in rows]


def disagreements(path: Path) -> list[str]:
    return [str(one) for one in read(path)[1] if not one.agrees]


# promptfoo


def write_promptfoo(path: Path, results: list, **stats) -> Path:
    summary = {"version": 3, "timestamp": "t", "prompts": [], "results": results, "stats": stats}
    path.write_text(json.dumps({"evalId": "e", "results": summary}))
    return path


@pytest.mark.parametrize("suffix", [".json", ".jsonl"])
def test_promptfoo_success_decides_although_the_score_is_above_a_half(tmp_path, suffix):
    # Two of three assertions hold: promptfoo calls that a failure with a score of .67.
    results = [
        promptfoo_result(0, success=False, failureReason=1, score=2 / 3),
        promptfoo_result(1, success=True, score=0.2),
        promptfoo_result(2, success=None, score=0.8, gradingResult={"pass": False, "score": 0.8}),
        promptfoo_result(3, success=False, failureReason=2, error="429", score=0),
    ]
    path = tmp_path / f"t{suffix}"
    write_promptfoo(path, results) if suffix == ".json" else write_lines(path, *results)
    assert outcomes(path) == [
        (0.0, False, "success"), (1.0, True, "success"), (0.0, False, "success"), (None, None, None),
    ]  # fmt: skip
    assert outcomes(path, scorer="score")[0] == (pytest.approx(2 / 3), None, "score")
    assert read(path)[0][0]["metadata"]["scores"] == {"score": pytest.approx(2 / 3), "tone": 0.5}


def test_promptfoo_results_without_any_verdict_keep_their_score(tmp_path):
    result = promptfoo_result(0, score=0.4)
    path = write_lines(tmp_path / "t.jsonl", {k: v for k, v in result.items() if k not in ("success", "gradingResult")})
    assert outcomes(path) == [(0.4, None, "score")]


def test_promptfoo_stats_are_compared(tmp_path):
    results = [promptfoo_result(0), promptfoo_result(1, success=False, failureReason=1)]
    assert disagreements(write_promptfoo(tmp_path / "a.json", results, successes=1, failures=1, errors=0)) == []
    assert disagreements(write_promptfoo(tmp_path / "b.json", results, successes=1, failures=2, errors=0)) == [
        "failures: the tool says 2, its rows give 1"
    ]


def test_promptfoo_counts_of_prompts_stand_in_for_stats(tmp_path):
    path = tmp_path / "a.json"
    metrics = [{"metrics": {"testPassCount": 1, "testFailCount": 0}}, {"metrics": {"testPassCount": 3}}]
    document = {"results": {"version": 3, "prompts": metrics, "results": [promptfoo_result(0)], "timestamp": "t"}}
    path.write_text(json.dumps(document))
    assert disagreements(path) == ["successes: the tool says 4, its rows give 1"]


# DeepEval


def deepeval_case(number: int, **changes) -> dict:
    metrics = [
        {"name": "Bias", "threshold": 0.5, "success": True, "score": 0.0, "strictMode": False},
        {"name": "Answer Relevancy", "threshold": 0.7, "success": True, "score": 0.95},
    ]
    case = {"name": f"case_{number}", "input": f"Q{number}?", "actualOutput": "A.", "success": True}
    return {**case, "metricsData": metrics, **changes}


def test_deepeval_success_decides_and_a_metric_has_its_own_threshold_and_direction(tmp_path):
    failed = deepeval_case(1, success=False)
    failed["metricsData"][0] = {"name": "Bias", "threshold": 0.5, "success": False, "score": 0.8}
    path = tmp_path / "run.json"
    path.write_text(json.dumps({"testCases": [deepeval_case(0), failed], "testPassed": 1, "testFailed": 1}))
    assert outcomes(path) == [(1.0, True, "success"), (0.0, False, "success")]
    assert disagreements(path) == []
    rows, _ = read(path, scorer="Bias")
    assert [(row["score"], row["passed"]) for row in rows] == [(0.0, True), (0.8, False)]
    assert rows[0]["metric"] == Metric("Bias", 0.0, 1.0, higher_is_better=False, threshold=0.5)


@pytest.mark.parametrize(
    ("changes", "passed"),
    [
        # Without a verdict of its own a case passes where all metrics do.
        ({"success": None}, True),
        # One of two metrics is enough to fail it.
        ({"success": None, "metricsData": [{"name": "Bias", "score": 0.1, "threshold": 0.5},
                                           {"name": "Tone", "score": 0.4, "threshold": 0.5}]}, False),
        # Direction by name: toxicity of .9 is bad; by the verdicts where the name says nothing.
        ({"success": None, "metricsData": [{"name": "Toxicity", "score": 0.9, "threshold": 0.5}]}, False),
        ({"success": None, "metricsData": [{"name": "Toxicity", "score": 0.1, "threshold": 0.5}]}, True),
        # Strict mode moves the threshold to the end.
        ({"success": None, "metricsData": [{"name": "Tone", "score": 0.9, "threshold": 1, "strictMode": True}]}, False),
        # The layout of 0.20.
        ({"success": None, "metricsData": None,
          "metricsMetadata": [{"metric": "Tone", "score": 0.4, "minimumScore": 0.5}]}, False),
        ({"success": False, "metricsData": []}, False),
    ],
)  # fmt: skip
def test_deepeval_verdicts_where_the_case_has_none(tmp_path, changes, passed):
    path = tmp_path / "run.json"
    path.write_text(json.dumps({"testCases": [deepeval_case(0, **changes)]}))
    assert outcomes(path) == [(float(passed), passed, "success")]


def test_a_custom_metrics_direction_is_read_off_its_verdicts(tmp_path):
    path = tmp_path / "run.json"
    metrics = [[{"name": "Latency points", "score": s, "threshold": 0.5, "success": s <= 0.5}] for s in (0.9, 0.1)]
    path.write_text(json.dumps({"testCases": [deepeval_case(i, metricsData=one) for i, one in enumerate(metrics)]}))
    rows, _ = read(path, scorer="Latency points")
    assert [row["passed"] for row in rows] == [False, True]
    assert not rows[0]["metric"].higher_is_better


def test_a_metric_that_could_not_be_measured_is_no_failure(tmp_path):
    broken = {"name": "Tone", "success": False, "score": None, "error": "RateLimitError: 429"}
    path = tmp_path / "run.json"
    path.write_text(json.dumps({"testCases": [deepeval_case(0, success=False, metricsData=[broken])], "testFailed": 1}))
    rows, summaries = read(path)
    assert (rows[0]["score"], rows[0]["passed"]) == (None, None)
    assert rows[0]["metadata"]["error"] == "RateLimitError: 429"
    # Counted as the tool counts it.
    assert all(one.agrees for one in summaries)


@pytest.mark.parametrize("wrapping", ["bare", "object", "text"])
def test_deepeval_latest_test_run(tmp_path, wrapping):
    run = {"testFile": "t.py", "testCases": [deepeval_case(0), deepeval_case(1)], "testPassed": 2, "testFailed": 0}
    inside = {"bare": run, "object": {"testRunData": run}, "text": {"testRunData": json.dumps(run), "testRunLink": "x"}}
    path = tmp_path / ".latest_test_run.json"
    path.write_text(json.dumps(inside[wrapping]))
    assert format_of(path) == "deepeval"
    rows, summaries = read(path)
    assert [row["input_text"] for row in rows] == ["Q0?", "Q1?"]
    assert [str(one) for one in summaries] == ["testPassed: 2, as the tool says", "testFailed: 0, as the tool says"]


def test_deepeval_conversations_are_rows(tmp_path):
    turns = [{"role": "user", "content": "Hi, refund?"}, {"role": "assistant", "content": "Sure."}]
    case = {"name": "c", "success": False, "turns": turns, "metricsData": [], "expectedOutcome": "refunded"}
    path = tmp_path / "run.json"
    path.write_text(json.dumps({"testCases": [], "conversationalTestCases": [case]}))
    rows, _ = read(path)
    assert (rows[0]["question_text"] or rows[0]["input_text"], rows[0]["output_text"]) == ("Hi, refund?", "Sure.")
    assert (rows[0]["correct_answer"], rows[0]["passed"]) == ("refunded", False)


# Inspect AI


@pytest.mark.parametrize(
    ("value", "score", "passed"),
    [("C", 1.0, True), ("I", 0.0, False), ("N", 0.0, False), ("P", 0.5, None), (True, 1.0, True), (False, 0.0, False),
     ("yes", 1.0, True), ("false", 0.0, False), (1, 1.0, None), (0.25, 0.25, None), ("0.5", 0.5, None)],
)  # fmt: skip
def test_inspect_values(tmp_path, value, score, passed):
    path = write_inspect_json(tmp_path / "l.json", inspect_sample(scores={"match": {"value": value}}))
    assert outcomes(path) == [(score, passed, "match")]


def test_inspect_without_scores_has_no_verdict(tmp_path):
    header = inspect_header(results=None)
    path = write_inspect_json(tmp_path / "l.json", inspect_sample(scores=None), header=header)
    assert outcomes(path) == [(None, None, None)]


def test_the_scorer_of_an_inspect_log_does_not_depend_on_the_first_sample(tmp_path):
    first = inspect_sample(id="1", scores={"includes": {"value": "I"}})
    path = write_inspect_json(tmp_path / "l.json", first, inspect_sample(id="2"))
    assert outcomes(path) == [(None, None, None), (1.0, True, "match")]


def test_inspect_results_are_compared(tmp_path):
    def header(total: int, accuracy: float) -> dict:
        metrics = {"accuracy": {"name": "accuracy", "value": accuracy}, "stderr": {"value": 0.1}}
        scores = [{"name": "match", "scorer": "match", "metrics": metrics}]
        return inspect_header(results={"total_samples": total, "scores": scores})

    # One sample right in one of its two epochs, one right: (.5 + 1) / 2, not 2 of 3.
    samples = [
        inspect_sample(id="1", epoch=1),
        inspect_sample(id="1", epoch=2, scores={"match": {"value": "I"}}),
        inspect_sample(id="2"),
    ]
    good = write_inspect_json(tmp_path / "a.json", *samples, header=header(3, 0.75))
    assert disagreements(good) == []
    bad = write_inspect_zip(tmp_path / "b.eval", *samples, header=header(4, 0.9))
    assert disagreements(bad) == [
        "total_samples: the tool says 4, its rows give 3",
        "accuracy of match: the tool says 0.9, its rows give 0.75",
    ]
    # The best of the epochs is another figure than their mean.
    best = header(3, 1.0)
    best["results"]["scores"][0]["reducer"] = "max"
    assert disagreements(write_inspect_json(tmp_path / "c.json", *samples, header=best)) == []


def test_an_inspect_attachment_over_the_limit_costs_the_attachment_alone(tmp_path, monkeypatch):
    monkeypatch.setattr("faultmap_core.readers.files.json_stream.MAX_VALUE_CHARACTERS", 200_000)
    sample = inspect_sample(
        id="1",
        input="attachment://short",
        metadata={"document": "attachment://long"},
        attachments={"long": "x" * 300_000, "short": "What is 2+2?"},
    )
    rows, _ = read(write_inspect_json(tmp_path / "l.json", sample, inspect_sample(id="2")))
    assert [row["example_id"] for row in rows] == ["1", "2"]
    assert rows[0]["input_text"] == "What is 2+2?"
    assert rows[0]["metadata"]["document"].startswith("[attachment left out: ")


# lm-evaluation-harness


def test_lines_without_filter_are_told_apart_by_their_order(tmp_path):
    def sample(doc_id: int, right: bool) -> dict:
        made = lm_eval_sample(doc_id, exact_match=float(right))
        return {name: value for name, value in made.items() if name not in ("filter", "metrics")}

    lines = [*(sample(i, i < 5) for i in range(10)), *(sample(i, i < 8) for i in range(10))]
    said = {"alias": "sums", "exact_match,strict-match": 0.5, "exact_match,flexible-extract": 0.8}
    results = {"config": {"model": "m"}, "results": {"sums": said}, "n-samples": {"sums": {"effective": 10}}}
    path = write_lm_eval(tmp_path, *lines, results=results)
    rows, summaries = read(path)
    assert [row["score"] for row in rows] == [1.0] * 5 + [0.0] * 5
    assert rows[0]["metric"].name == "exact_match,strict-match"
    loose, _ = read(path, scorer="exact_match,flexible-extract")
    assert sum(row["score"] == 0 for row in loose) == 2
    assert len(summaries) == 3
    assert all(one.agrees for one in summaries)


def test_the_order_of_filters_is_that_of_the_configuration(tmp_path):
    sample = {name: value for name, value in lm_eval_sample(0).items() if name != "filter"}
    config = {"sums": {"filter_list": [{"name": "loose"}, {"name": "strict"}]}}
    said = {"sums": {"exact_match,strict": 0.0, "exact_match,loose": 1.0}}
    path = write_lm_eval(
        tmp_path,
        sample,
        {**sample, "exact_match": 0.0},
        results={"model_name": "m", "configs": config, "results": said},
    )
    assert outcomes(path) == [(1.0, None, "exact_match,loose")]


def test_lm_eval_results_are_compared(tmp_path):
    path = write_lm_eval(tmp_path, lm_eval_sample(0), lm_eval_sample(1, exact_match=0.0))
    assert disagreements(path) == ["mean exact_match,none: the tool says 1, its rows give 0.5"]


# HELM


def test_helm_names_its_metric_whatever_the_first_instance_lacks(tmp_path):
    states = [helm_request("id1", " B"), helm_request("id2", " A")]
    stats = [helm_stats("id1", quasi_exact_match=1.0), helm_stats("id2", exact_match=0.0, quasi_exact_match=0.0)]
    path = write_helm(tmp_path, states, stats)
    assert outcomes(path) == [(None, None, None), (0.0, None, "exact_match")]
    assert read(path)[0][1]["metric"] == Metric("exact_match", 0.0, 1.0, source="default")


def test_helm_stats_are_compared_by_split(tmp_path):
    states = [helm_request("id1", " B"), helm_request("id2", " A")]
    path = write_helm(tmp_path, states, [helm_stats("id1", exact_match=1.0), helm_stats("id2", exact_match=0.0)])
    stats = [
        {"name": {"name": "exact_match", "split": "test"}, "mean": 0.5},
        {"name": {"name": "exact_match", "split": "test", "perturbation": {"name": "typos"}}, "mean": 0.1},
        {"name": {"name": "num_instances", "split": "test"}, "mean": 3.0},
    ]
    path.with_name("stats.json").write_text(json.dumps(stats))
    assert disagreements(path) == ["instances of test: the tool says 3, its rows give 2"]
    assert len(read(path)[1]) == 2


# OpenAI evals


def test_openai_evals_matches_are_verdicts_and_the_report_is_compared(tmp_path):
    path = write_lines(tmp_path / "r.jsonl", *openai_evals_lines())
    found = {row["example_id"]: (row["score"], row["passed"]) for row in read(path)[0]}
    assert found["sums.dev.0"] == (1.0, True)
    assert found["sums.dev.1"] == (0.0, False)
    assert disagreements(path) == []
    lines = [*openai_evals_lines()[:-1], {"final_report": {"accuracy": 0.9}}]
    wrong = write_lines(tmp_path / "w.jsonl", *lines)
    assert disagreements(wrong) == ["accuracy: the tool says 0.9, its rows give 0.5"]


# Every Eval Ever


@pytest.mark.parametrize(
    ("evaluation", "outcome"),
    [
        ({"score": 0.3, "is_correct": True}, (0.3, True, "r")),
        ({"score": 0.9, "is_correct": False}, (0.9, False, "r")),
        ({"score": 0.9, "is_correct": None}, (0.9, None, "r")),
        ({"score": 0.9}, (0.9, None, "r")),
        ({"is_correct": False}, (0.0, False, "is_correct")),
    ],
)
def test_every_eval_ever_verdicts(tmp_path, evaluation, outcome):
    record = every_eval_ever_record(evaluation=evaluation, evaluation_result_id="r")
    assert outcomes(write_lines(tmp_path / "x_samples.jsonl", record)) == [outcome]


def test_every_eval_ever_aggregates_name_the_metric_and_are_compared(tmp_path):
    records = [every_eval_ever_record(str(i), evaluation={"score": i}, evaluation_result_id="r") for i in (1, 2)]
    path = write_lines(tmp_path / "x_samples.jsonl", *records)
    config = {"lower_is_better": True, "score_type": "continuous", "min_score": 0, "max_score": 5}
    result = {"evaluation_name": "GSM8K", "evaluation_result_id": "r", "metric_config": config}
    aggregate = {"evaluation_results": [{**result, "score_details": {"score": 1.6}}]}
    path.with_name("x.json").write_text(json.dumps(aggregate))
    rows, _ = read(path)
    assert rows[0]["metric"] == Metric("r", 0.0, 5.0, higher_is_better=False)
    assert [row["score"] for row in rows] == [1.0, 2.0]
    assert disagreements(path) == ["score of r: the tool says 1.6, its rows give 1.5"]


# Tables of Ragas, LangSmith and MLflow


def write_csv(path: Path, *lines: str) -> Path:
    path.write_text("\n".join(lines) + "\n")
    return path


def test_the_metric_of_a_table_depends_neither_on_empty_cells_nor_on_the_order_of_columns(tmp_path):
    shapes = ["0.9,0.2", ",0.2"]
    for number, (first, order) in enumerate(product(shapes, (1, -1))):
        names = ["faithfulness", "answer_relevancy"][::order]
        rows = [",".join(line.split(",")[::order]) for line in (first, "0.8,0.3")]
        lines = [f"q{i},r,{row}" for i, row in enumerate(rows)]
        path = write_csv(tmp_path / f"{number}.csv", f"user_input,response,{','.join(names)}", *lines)
        assert format_of(path) == "ragas"
        assert [one[2] for one in outcomes(path)][-1] == "faithfulness"
        assert outcomes(path)[0][0] == (0.9 if first == shapes[0] else None)


def test_a_mapped_column_is_the_score_of_a_table(tmp_path):
    path = write_csv(tmp_path / "t.csv", "user_input,response,faithfulness,zeal", "q1,r,0.9,", "q2,r,0.9,0.25")
    assert outcomes(path, column_map={"score": "zeal"}) == [(None, None, None), (0.25, None, "zeal")]


@pytest.mark.parametrize(
    ("cells", "outcome"),
    [
        ({"feedback.correct": True}, (1.0, True, "correct")),
        ({"feedback.correct": "False"}, (0.0, False, "correct")),
        ({"feedback.correct": 0.25}, (0.25, None, "correct")),
        ({"feedback.harmfulness": True}, (1.0, False, "harmfulness")),
        ({"feedback.a": 0.1, "feedback.correctness": 0.7}, (0.7, None, "correctness")),
        ({"feedback.a": None, "feedback.b": 0.5}, (0.5, None, "b")),
    ],
)
def test_langsmith_feedback(tmp_path, cells, outcome):
    path = write_lines(tmp_path / "x.jsonl", {"inputs.q": "2+2?", "outputs.a": "4", **cells})
    assert format_of(path) == "langsmith"
    assert outcomes(path) == [outcome]


@pytest.mark.parametrize(
    ("cells", "outcome", "metric"),
    [
        ({"correctness/value": "yes"}, (1.0, True, "correctness"), None),
        ({"correctness/value": "no"}, (0.0, False, "correctness"), None),
        ({"answer_correctness/v1/score": 4}, (4.0, None, "answer_correctness"),
         Metric("answer_correctness", 1.0, 5.0, source="default")),
        ({"toxicity/v1/score": 0.001}, (0.001, None, "toxicity"),
         Metric("toxicity", None, None, higher_is_better=False, source="default")),
        # What is measured beside quality is no outcome.
        ({"ari_grade_level/v1/score": 0.5, "latency/v1/score": 0.2, "zeal/v1/score": 0.7}, (0.7, None, "zeal"), None),
    ],
)  # fmt: skip
@pytest.mark.parametrize("layout", ["records", "split", "lines"])
def test_mlflow_tables(tmp_path, cells, outcome, metric, layout):
    row = {"inputs": "2+2?", "outputs": "4", **cells}
    if layout == "split":
        path = tmp_path / "eval_results_table.json"
        path.write_text(json.dumps({"columns": list(row), "data": [list(row.values())]}))
    else:
        path = write_lines(tmp_path / "x.jsonl", row)
        if layout == "records":
            path = tmp_path / "x.json"
            path.write_text(json.dumps([row]))
    assert format_of(path) == "mlflow"
    assert outcomes(path) == [outcome]
    if metric:
        assert read(path)[0][0]["metric"] == metric


def test_a_row_of_a_split_table_with_a_cell_too_many_is_set_aside(tmp_path):
    path = tmp_path / "t.json"
    path.write_text(json.dumps({"columns": ["inputs", "ok/value"], "data": [["a", "yes"], ["b", "no", "x"]]}))
    (first, *_), last = list(read_eval_file(path, EvalOptions(model_name="m"))), None
    assert first.rows.num_rows == 1
    assert [row.reason for row in first.rejected] == ["3 values where `columns` names 2"]
    assert last is None


@pytest.mark.parametrize(
    ("columns", "name"),
    [
        (["user_input", "response", "faithfulness"], "ragas"),
        (["question", "answer", "contexts", "ground_truth", "my_metric"], "ragas"),
        (["question", "answer", "score"], "table"),
        (["input", "actual_output", "expected_output", "success"], "deepeval"),
        (["inputs", "outputs", "reference_outputs", "feedback.ok"], "langsmith"),
        (["inputs", "outputs", "relevance/v1/score"], "mlflow"),
        (["trace_id", "request", "response", "safety/value", "safety/rationale"], "mlflow"),
        (["example_id", "model", "input_text", "actual_output", "input", "score"], "table"),
    ],
)
@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".json"])
def test_content_tells_tables_apart(tmp_path, columns, name, suffix):
    path = tmp_path / f"t{suffix}"
    if suffix == ".csv":
        write_csv(path, ",".join(columns), ",".join("1" for _ in columns))
    else:
        row = dict.fromkeys(columns, "1")
        path.write_text(json.dumps([row] if suffix == ".json" else row))
    assert format_of(path) == name
    if name != "table":
        # A column that the user maps makes it the user's own table.
        assert format_of(path, EvalOptions(column_map={"input_text": columns[0]})) == "table"


def test_a_log_that_names_a_scorer_which_scored_nothing_says_so(tmp_path):
    path = write_inspect_json(tmp_path / "l.json", inspect_sample(scores={"other": {"value": "C"}}))
    with pytest.raises(EvalFileError, match="names the scorer 'match', which gave no row a score; `--scorer` takes"):
        read(path)
    assert outcomes(path, scorer="other") == [(1.0, True, "other")]


@pytest.mark.skipif(not CASES.is_dir(), reason="the cases are not there")
@pytest.mark.parametrize(
    ("name", "rows", "failed"), [("promptfoo_partial_success.json", 15, 15), ("deepeval_bias_success.json", 40, 0)]
)
def test_the_cases(name, rows, failed):
    found, summaries = read(CASES / name)
    assert (len(found), sum(row["passed"] is False for row in found)) == (rows, failed)
    assert summaries
    assert all(one.agrees for one in summaries)
