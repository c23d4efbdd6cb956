"""The files of batch APIs and benchmarks become rows with the tools' own verdicts, told by their content."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from faultmap_assets.scanning import find_files
from faultmap_core.errors import EvalFileError
from faultmap_core.evals import EvalOptions
from faultmap_core.readers import companions, content_hash, is_eval_file, read_eval_file
from faultmap_core.readers.formats import format_of
from tests.log_files import write_lines
from tests.tool_files import (
    SEEDS,
    azure_document,
    azure_row,
    batch_answer,
    batch_failures,
    batch_request,
    swe_bench_predictions,
    swe_bench_report,
    write_file,
)

REAL_LOGS = next(
    (logs for parent in Path(__file__).parents if (logs := parent / "shared" / "data" / "logs").is_dir()),
    Path("absent"),
)
real = pytest.mark.skipif(not REAL_LOGS.is_dir(), reason="real logs are not there")


def read(path: Path, **options):
    """Return the rows of a file, metadata and metric decoded; none may be rejected or in conflict."""
    batches = list(read_eval_file(path, EvalOptions(**options)))
    assert [rejected for batch in batches for rejected in batch.rejected] == []
    conflicts = batches[-1].conflicts
    assert (conflicts.repeated, dict(conflicts.conflicting)) == ((), {})
    return [
        {**row, "metadata": json.loads(row["metadata"]), "metric": json.loads(row["metric"] or "null")}
        for batch in batches
        for row in batch.rows.to_pylist()
    ]


def summaries(path: Path, **options) -> dict[str, tuple[float | None, float | None, bool]]:
    """Return what the tool says of its file beside what was read: name -> (tool's, ours, agree)."""
    last = list(read_eval_file(path, EvalOptions(**options)))[-1]
    return {one.what: (one.tool_value, one.our_value, one.agrees) for one in last.summaries}


def problem(path: Path, **options) -> str:
    with pytest.raises(EvalFileError) as caught:
        read(path, **options)
    told = str(caught.value)
    assert "\n" not in told
    return told


def test_a_batch_output_is_joined_with_its_requests(tmp_path):
    write_lines(tmp_path / "sums_input.jsonl", *[batch_request(number) for number in range(1, 6)])
    write_lines(tmp_path / "other_input.jsonl", {"custom_id": "x", "body": {"messages": []}})
    path = write_lines(tmp_path / "sums_output.jsonl", batch_answer(2, "3"), batch_answer(1, "5"))
    failed = write_lines(tmp_path / "sums_error.jsonl", *batch_failures())
    assert format_of(path) == format_of(failed) == "openai-batch"
    second, first = read(path)
    assert (second["example_id"], second["question_text"], second["output_text"]) == ("request-2", "2 + 1?", "3")
    assert (second["dataset"], second["model"], second["correct_answer"]) == ("sums", "gpt-4o-mini", "3")
    assert {name: first["metadata"][name] for name in ("topic", "finish_reason")} == {
        "topic": "sums",
        "finish_reason": "stop",
    }
    assert (first["score"], first["passed"]) == (None, None)
    refused, expired = read(failed)
    assert (refused["dataset"], refused["question_text"], refused["output_text"]) == ("sums", "3 + 1?", "")
    assert (refused["metadata"]["error"], expired["metadata"]["error"]) == (
        "Rate limit reached",
        "Not executed in time.",
    )
    # Request files are no evals; a change of theirs is a change of the output.
    assert {found.path.name for found in find_files(str(tmp_path))} == {"sums_output.jsonl", "sums_error.jsonl"}
    before = content_hash(path)
    write_lines(tmp_path / "sums_input.jsonl", *[batch_request(number, model="gpt-5") for number in range(1, 6)])
    assert content_hash(path) != before
    assert {row["model"] for row in read(path)} == {"gpt-5"}


def test_a_request_file_is_found_by_its_ids_whatever_its_name_is(tmp_path):
    path = write_lines(tmp_path / "batch_67f0.jsonl", batch_answer(90, "91"))
    told = problem(path)
    assert "no request file with its custom ids lies beside it; put the JSONL file there" in told
    requests = tmp_path / "zz.jsonl.gz"
    requests.write_bytes(gzip.compress("".join(json.dumps(batch_request(n)) + "\n" for n in range(99)).encode()))
    assert companions(path) == [requests]
    assert read(path)[0]["question_text"] == "90 + 1?"


def test_an_answer_without_its_request_costs_its_row_alone(tmp_path):
    write_lines(tmp_path / "a_input.jsonl", batch_request(1))
    path = write_lines(tmp_path / "a_output.jsonl", batch_answer(1, "2"), batch_answer(7, "8"))
    batches = list(read_eval_file(path, EvalOptions()))
    assert [row["example_id"] for batch in batches for row in batch.rows.to_pylist()] == ["request-1"]
    assert [one.reason for batch in batches for one in batch.rejected] == [
        "custom_id 'request-7' is not in a_input.jsonl"
    ]


@pytest.mark.parametrize(
    ("request_body", "answer", "asked", "said"),
    [
        ({"prompt": "1+1="}, {"choices": [{"text": "2"}]}, "1+1=", "2"),
        ({"input": "1+1=", "instructions": "Be brief."},
         {"output": [{"type": "reasoning"}, {"type": "message", "role": "assistant",
                                             "content": [{"type": "output_text", "text": "2"}]}]}, "1+1=", "2"),
        ({"messages": [{"role": "user", "content": "1+1="}]},
         {"choices": [{"message": {"content": None, "tool_calls": [{"function": {"name": "add", "arguments": "1"}}]}}]},
         "user: 1+1=", "[calls add(1)]"),
    ],
)  # fmt: skip
def test_other_endpoints_of_the_batch_api(tmp_path, request_body, answer, asked, said):
    request = {"custom_id": "1", "url": "/v1/x", "body": {"model": "m", **request_body}}
    write_lines(tmp_path / "b_input.jsonl", request)
    line = {"custom_id": "1", "response": {"status_code": 200, "body": answer}, "error": None}
    row = read(write_lines(tmp_path / "b_output.jsonl", line))[0]
    assert (row["input_text"], row["output_text"], row["model"]) == (asked, said, "m")


def test_message_batches_of_anthropic(tmp_path):
    question = {"model": "claude-x", "system": "Be brief.", "messages": [{"role": "user", "content": "1 + 1?"}]}
    write_lines(tmp_path / "m_requests.jsonl", *[{"custom_id": one, "params": question} for one in ("a", "b")])
    message = {"role": "assistant", "content": [{"type": "text", "text": "2"}], "stop_reason": "end_turn"}
    path = write_lines(
        tmp_path / "m_results.jsonl",
        {"custom_id": "a", "result": {"type": "succeeded", "message": message}},
        {"custom_id": "b", "result": {"type": "expired"}},
    )
    assert format_of(path) == "openai-batch"
    first, second = read(path)
    assert (first["input_text"], first["output_text"]) == ("system: Be brief.\n\nuser: 1 + 1?", "2")
    assert second["metadata"]["error"] == "the request expired"


@real
def test_a_real_batch_output_of_groq(tmp_path):
    real_file = REAL_LOGS / "openai_batch" / "groq-batch_output.jsonl"
    assert "no request file" in problem(real_file)
    path = tmp_path / real_file.name
    path.write_bytes(real_file.read_bytes())
    write_lines(tmp_path / "batch_input.jsonl", *[batch_request(number) for number in range(1, 4)])
    rows = read(path)
    # Counted by hand in the file: three answers, the third to request-1.
    assert [row["example_id"] for row in rows] == ["request-2", "request-3", "request-1"]
    assert rows[2]["output_text"] == "The answer to 2+2 is 4."
    assert is_eval_file(path)


def write_seed(folder: Path, name: str) -> Path:
    """Write a format's small example; return the file to be read."""
    for file, content in SEEDS[name].files.items():
        write_file(folder / file, content)
    return folder / SEEDS[name].entry


@pytest.mark.parametrize("name", SEEDS)
def test_each_format_is_told_by_content_and_by_name(tmp_path, name):
    path = write_seed(tmp_path, name)
    assert format_of(path) == name
    assert is_eval_file(path)
    assert read(path, model_name="m") == read(path, model_name="m", format=name)
    # The files beside it are part of it and no logs of their own.
    assert [found.path.name for found in find_files(str(tmp_path))] == [path.name]
    before = content_hash(path)
    for beside in companions(path):
        beside.write_bytes(beside.read_bytes() + b"\n")
        assert content_hash(path) != before


def test_a_report_of_swe_bench_is_joined_with_predictions_and_problems(tmp_path):
    path = write_seed(tmp_path, "swe-bench")
    # Another run's predictions in the same folder are not this report's.
    write_file(tmp_path / "other_preds.jsonl", swe_bench_predictions("other"))
    rows = {row["example_id"]: row for row in read(path)}
    assert {name: row["passed"] for name, row in rows.items()} == {
        "a__b-1": True, "a__b-2": True, "c__d-3": False, "c__d-4": False, "c__d-5": False,
    }  # fmt: skip
    assert {row["model"] for name, row in rows.items() if name != "c__d-4"} == {"org/model-1.5"}
    first, empty = rows["a__b-1"], rows["c__d-4"]
    assert (first["input_text"], first["output_text"], first["score"]) == ("Sums are wrong", "diff --git a__b-1", 1.0)
    assert (first["dataset"], first["metric"]["name"], first["metadata"]["repo"]) == ("swe-bench", "resolved", "a/b")
    assert (empty["input_text"], empty["output_text"], empty["model"]) == (
        "SWE-bench instance c__d-4", "", "org/model-1.5",
    )  # fmt: skip
    assert empty["metadata"]["outcome"] == "empty patch"
    assert summaries(path) == {
        "resolved_instances": (2, 2, True), "unresolved_instances": (1, 1, True), "error_instances": (1, 1, True),
        "empty_patch_instances": (1, 1, True), "submitted_instances": (5, 5, True),
    }  # fmt: skip


def test_a_report_that_contradicts_itself_is_told(tmp_path):
    path = tmp_path / "m.run.json"
    write_file(path, swe_bench_report(resolved_instances=3, unresolved_ids=["c__d-3", "a__b-1"]))
    batches = list(read_eval_file(path, EvalOptions()))
    assert [one.reason for batch in batches for one in batch.rejected] == [
        "a__b-1 stands in two lists of the report: resolved and unresolved"
    ]
    assert summaries(path)["resolved_instances"] == (3, 2, False)


def test_other_layouts_of_swe_bench(tmp_path):
    by_instance = {one["instance_id"]: one for one in swe_bench_predictions()}
    path = tmp_path / "preds.json"
    write_file(path, by_instance)
    assert [(row["example_id"], row["passed"], row["score"]) for row in read(path)] == [
        (name, None, None) for name in by_instance
    ]
    write_file(tmp_path / "old" / "results.json", {"no_generation": ["a__b-4"], "generated": ["a__b-1", "a__b-2"],
                                                   "with_logs": ["a__b-1"], "resolved": ["a__b-1"]})  # fmt: skip
    rows = read(tmp_path / "old" / "results.json", model_name="m")
    assert {row["example_id"]: row["passed"] for row in rows} == {"a__b-1": True, "a__b-2": False, "a__b-4": False}


def test_azure_results_pass_by_the_evaluators_verdict(tmp_path):
    path = write_seed(tmp_path, "azure")
    rows = read(path, model_name="m")
    assert [(row["example_id"], row["passed"], row["score"]) for row in rows] == [
        ("q1", True, 1.0), ("q2", True, 1.0), ("q3", False, 0.0), ("q4", None, None),
    ]  # fmt: skip
    first = rows[0]
    assert (first["input_text"], first["output_text"], first["correct_answer"]) == ("Where is door 1?", "right", "left")
    assert first["metric"]["name"] == "relevance_result"
    # What a scale from 1 to 5 says is kept beside the verdict.
    assert first["metadata"]["scores"] == {"content_safety.violence": 0, "relevance": 5}
    assert (first["metadata"]["topic"], first["metadata"]["scorer"]) == ("doors", "relevance")
    assert first["metadata"]["scored_explanation"] == "It is on the other side."
    assert summaries(path, model_name="m") == {
        "relevance.relevance": (3.0, 3.0, True), "relevance.binary_aggregate": (0.5, 0.5, True),
    }  # fmt: skip


def test_azure_scores_count_where_the_range_holds_them(tmp_path):
    path = write_seed(tmp_path, "azure")
    scored = read(path, model_name="m", default_score_range=(1.0, 5.0))
    assert [row["score"] for row in scored] == [5.0, 3.0, 1.0, None]
    assert scored[0]["metric"] == {
        "name": "relevance", "low": 1.0, "high": 5.0, "higher_is_better": True, "threshold": 3.0, "source": "tool",
    }  # fmt: skip
    harmless = read(path, model_name="m", scorer="content_safety.violence", default_score_range=(0.0, 7.0))
    assert {(row["score"], row["passed"], row["metric"]["higher_is_better"]) for row in harmless} == {(0, True, False)}
    assert "'relevance', 'content_safety.violence'" in problem(path, model_name="m", scorer="bleu")


@pytest.mark.parametrize("suffix", [".jsonl", ".json", ".csv"])
def test_azure_rows_in_other_layouts(tmp_path, suffix):
    listed = [azure_row(1, 5.0, "pass"), azure_row(2, 2.0, "fail")]
    path = tmp_path / f"rows{suffix}"
    if suffix == ".csv":
        lines = [",".join(listed[0]), *(",".join(map(str, row.values())) for row in listed)]
        path.write_text("\n".join(lines))
    else:
        write_file(path, listed)
    assert format_of(path) == "azure"
    assert [(row["example_id"], row["passed"]) for row in read(path, model_name="m")] == [("q1", True), ("q2", False)]
    assert summaries(path, model_name="m") == {}


def test_azure_means_that_its_rows_do_not_give_are_told(tmp_path):
    document = azure_document()
    document["metrics"]["relevance.binary_aggregate"] = 0.75
    write_file(tmp_path / "r.json", document)
    assert summaries(tmp_path / "r.json", model_name="m")["relevance.binary_aggregate"] == (0.75, 0.5, False)


def test_graders_of_azure_openai(tmp_path):
    graded = {"inputs.query": "Where?", "outputs.response": "left", "outputs.string_check.passed": False,
              "outputs.string_check.score": 0.0, "outputs.string_check.string_check_result": "fail"}  # fmt: skip
    write_file(tmp_path / "r.jsonl", [graded])
    row = read(tmp_path / "r.jsonl", model_name="m")[0]
    assert (row["passed"], row["score"], row["metric"]["name"]) == (False, 0.0, "string_check")


def test_an_export_of_promptfoo_has_a_row_for_each_provider(tmp_path):
    rows = read(write_seed(tmp_path, "promptfoo-csv"))
    assert [(row["model"], row["example_id"], row["passed"], row["score"]) for row in rows] == [
        ("openai:gpt-4o", "1", True, 1.0), ("local:tiny", "1", False, 0.75),
        ("openai:gpt-4o", "2", True, 0.5), ("local:tiny", "2", True, 1.0),
        ("openai:gpt-4o", "3", None, None), ("local:tiny", "3", False, 0.0),
    ]  # fmt: skip
    second = rows[1]
    assert (second["input_text"], second["output_text"], second["correct_answer"]) == ("Name number 1", "uno", "one")
    assert second["metadata"]["scores"] == {"tone": 1.0}
    assert (second["metadata"]["scored_explanation"], second["metadata"]["comment"]) == ("Expected one", "close")
    assert (second["metadata"]["n"], rows[4]["metadata"]["error"]) == ("1", "429, try later")
    assert [row["score"] for row in read(tmp_path / "results.csv", scorer="tone")][:2] == [0.5, 1.0]
    assert "'score', 'tone'" in problem(tmp_path / "results.csv", scorer="bleu")


def test_older_exports_of_promptfoo_mark_the_output(tmp_path):
    path = tmp_path / "old.csv"
    path.write_text('n,[openai:gpt-4o] Say {{n}},[openai:gpt-4o] Shout {{n}}\n1,[PASS] one,"[FAIL] (0.25) ONE\nmore"\n')
    assert format_of(path) == "promptfoo-csv"
    rows = read(path)
    assert [(row["example_id"], row["input_text"], row["output_text"], row["passed"]) for row in rows] == [
        ("1-0", "Say 1", "one", True), ("1-1", "Shout 1", "ONE\nmore", False),
    ]  # fmt: skip
    assert [row["score"] for row in rows] == [1.0, 0.25]


def test_a_damaged_line_of_an_export_costs_its_outputs_alone(tmp_path):
    path = tmp_path / "r.csv"
    path.write_text("n,[a:b] Say {{n}},Status,Score,Grader Reason\n1,one,PASS,1,\n2,two,PASS\n3,four,FAIL,0,no\n")
    batches = list(read_eval_file(path, EvalOptions()))
    assert [row["example_id"] for batch in batches for row in batch.rows.to_pylist()] == ["1", "3"]
    assert [one.reason for batch in batches for one in batch.rejected] == ["line 3: 3 fields where the header has 5"]
