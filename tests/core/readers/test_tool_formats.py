"""The files of batch APIs and benchmarks become rows with the tools' own verdicts, told by their content."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from faultmap_assets.ingestion.scanning import find_files
from faultmap_core.base.errors import EvalFileError
from faultmap_core.data.eval_table import EvalOptions
from faultmap_core.readers import companions, content_hash, is_eval_file, read_eval_file
from faultmap_core.readers.formats import format_of
from tests.log_files import write_lines, write_zip
from tests.tool_files import (
    LIGHTEVAL_DATE,
    SEEDS,
    azure_document,
    azure_row,
    batch_answer,
    batch_failures,
    batch_request,
    lighteval_results,
    lighteval_row,
    mmlu_pro_output,
    rating,
    swe_bench_predictions,
    swe_bench_report,
    tau_run,
    trajectory,
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
    path, seed = write_seed(tmp_path, name), SEEDS[name]
    assert format_of(path) == seed.format
    assert is_eval_file(path)
    options = {"model_name": "m", **seed.options}
    assert read(path, **options) == read(path, **options, format=seed.format)
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


def test_a_stray_quote_in_an_export_costs_its_line_alone(tmp_path):
    path = tmp_path / "r.csv"
    lines = [f'{n},"said {n}",PASS,1,' for n in range(40)]
    lines[7] = '7,"said 7,PASS,1,'
    path.write_text("\n".join(["n,[a:b] Say {{n}},Status,Score,Grader Reason", *lines]) + "\n")
    batches = list(read_eval_file(path, EvalOptions()))
    kept = [row["output_text"] for batch in batches for row in batch.rows.to_pylist()]
    assert kept == [f"said {n}" for n in range(40) if n != 7]
    assert len([one for batch in batches for one in batch.rejected]) == 1


def test_a_table_of_results_is_no_companion(tmp_path):
    own = {"instance_id": "x", "problem_statement": "q", "model": "m", "score": 1}
    write_lines(tmp_path / "mine.jsonl", own)
    write_lines(tmp_path / "problems.jsonl", {"instance_id": "x", "problem_statement": "q"})
    assert [found.path.name for found in find_files(str(tmp_path))] == ["mine.jsonl"]


def test_a_damaged_line_of_an_export_costs_its_outputs_alone(tmp_path):
    path = tmp_path / "r.csv"
    path.write_text("n,[a:b] Say {{n}},Status,Score,Grader Reason\n1,one,PASS,1,\n2,two,PASS\n3,four,FAIL,0,no\n")
    batches = list(read_eval_file(path, EvalOptions()))
    assert [row["example_id"] for batch in batches for row in batch.rows.to_pylist()] == ["1", "3"]
    assert [one.reason for batch in batches for one in batch.rejected] == ["line 3: 3 fields where the header has 5"]


def test_ratings_of_mt_bench_are_joined_with_questions_and_answers(tmp_path):
    path = write_seed(tmp_path, "mt-bench")
    first, second, unrated = read(path, default_score_range=(1.0, 10.0))
    assert [(row["example_id"], row["score"]) for row in (first, second, unrated)] == [
        ("81-1", 9.0), ("81-2", 4.5), ("82-1", None),
    ]  # fmt: skip
    assert (first["dataset"], first["model"], first["input_text"], first["output_text"]) == (
        "mt_bench", "tiny", "Write a line.", "A long line.",
    )  # fmt: skip
    assert (second["question_text"], second["output_text"], second["metadata"]["turn"]) == ("Shorter.", "A line.", 2)
    assert second["input_text"] == "user: Write a line.\n\nassistant: A long line.\n\nuser: Shorter."
    assert (first["metadata"]["judge"], first["metadata"]["category"]) == ("gpt-4", "writing")
    assert first["metric"]["name"] == "rating"
    # No answer lies there: it is taken out of the judge's prompt.
    assert (unrated["output_text"], unrated["correct_answer"]) == ("Elm", "2")
    assert unrated["metadata"]["error"] == "the judge gave no rating"
    assert "scores run from 1 to 10; set datasets.mt_bench.score_range: [1, 10] in faultmap.yaml" in problem(path)


def test_ratings_alone_take_their_texts_from_the_judges_prompt(tmp_path):
    write_file(tmp_path / "single.jsonl", [rating(81, 1, 9)])
    row = read(tmp_path / "single.jsonl", default_score_range=(1.0, 10.0))[0]
    assert (row["dataset"], row["input_text"], row["output_text"], row["correct_answer"]) == (
        "mt-bench", "Name a tree.", "Elm", "Oak",
    )  # fmt: skip


def test_games_of_arena_hard_score_as_its_own_script_does(tmp_path):
    path = write_seed(tmp_path, "arena-hard")
    rows = read(path)
    # u1: game 1 B>>A: the model wins thrice, game 2 a tie: (3 × 1 + 0.5) / 4; u2: game 1 lost, no second label.
    assert [(row["example_id"], row["score"]) for row in rows] == [("u1", 0.875), ("u2", 0.0), ("u3", None)]
    assert (rows[0]["input_text"], rows[0]["output_text"]) == ("Name a fish.", "Cod")
    assert (rows[1]["input_text"], rows[1]["output_text"]) == ("Name a tree.", "Oak")
    assert (rows[0]["dataset"], rows[0]["metric"]["name"]) == ("bench", "win rate against o3")
    assert rows[2]["metadata"]["error"] == "the judge gave no label"


def test_pairs_of_mt_bench_give_each_model_its_share_of_wins(tmp_path):
    pair = {"question_id": 81, "turn": 1, "judge": ["gpt-4", "pair-v2"], "g1_judgment": "x", "g2_judgment": "y"}
    lines = [
        {**pair, "model_1": "a", "model_2": "b", "g1_winner": "model_1", "g2_winner": "tie"},
        {**pair, "model_1": "a", "model_2": "c", "g1_winner": "model_2", "g2_winner": "model_2"},
        {**pair, "model_1": "b", "model_2": "c", "g1_winner": "error", "g2_winner": "error"},
    ]
    write_file(tmp_path / "question.jsonl", [{"question_id": 81, "category": "writing", "turns": ["Write."]}])
    write_file(tmp_path / "pair.jsonl", lines)
    rows = read(tmp_path / "pair.jsonl")
    assert [(row["model"], row["epoch"], row["score"]) for row in rows] == [
        ("a", 1, 0.75), ("b", 1, 0.25), ("a", 2, 0.0), ("c", 1, 1.0), ("b", 2, None), ("c", 2, None),
    ]  # fmt: skip
    assert {row["input_text"] for row in rows} == {"Write."}


def test_judged_answers_are_no_logs_of_their_own_and_others_are_unscored(tmp_path):
    write_seed(tmp_path, "mt-bench")
    answers = tmp_path / "mt_bench" / "model_answer" / "tiny.jsonl"
    assert not is_eval_file(answers)
    (tmp_path / "mt_bench" / "model_judgment" / "gpt-4_single.jsonl").unlink()
    (tmp_path / "mt_bench" / "model_judgment").rmdir()
    assert is_eval_file(answers)
    rows = read(answers)
    assert [(row["example_id"], row["output_text"], row["score"], row["passed"]) for row in rows] == [
        ("81-1", "A long line.", None, None), ("81-2", "A line.", None, None),
    ]  # fmt: skip
    (tmp_path / "mt_bench" / "question.jsonl").unlink()
    assert "put the bench's question.jsonl" in problem(answers)


@real
def test_real_answers_of_mt_bench(tmp_path):
    real_file = next((REAL_LOGS / "mt_bench").glob("*.jsonl"))
    path = tmp_path / real_file.name
    path.write_bytes(real_file.read_bytes())
    given = [json.loads(line) for line in path.read_text().splitlines()]
    write_file(
        tmp_path / "question.jsonl",
        [{"question_id": one["question_id"], "turns": ["First?", "Second?"]} for one in given],
    )
    rows = read(path)
    assert len(rows) == 2 * len(given) == 160
    assert [row["output_text"] for row in rows[:2]] == given[0]["choices"][0]["turns"]


def test_evalplus_passes_where_both_kinds_of_tests_pass(tmp_path):
    path = write_seed(tmp_path, "evalplus")
    rows = read(path)
    assert [(row["example_id"], row["epoch"], row["passed"]) for row in rows] == [
        ("HumanEval/0", 1, True), ("HumanEval/0", 2, False), ("HumanEval/0", 3, False), ("HumanEval/0", 4, False),
        ("HumanEval/1", 1, True),
    ]  # fmt: skip
    first = rows[0]
    assert (first["dataset"], first["model"], first["input_text"]) == ("HumanEval", "org/tiny", "def f():")
    assert (first["output_text"], first["metric"]["name"], rows[4]["input_text"]) == (
        "def f(): pass", "plus", "HumanEval/1",
    )  # fmt: skip
    assert summaries(path) == {"pass@1 plus": (0.625, 0.625, True), "pass@1 base": (0.75, 0.75, True)}
    base = read(path, scorer="base")
    assert [row["passed"] for row in base] == [True, True, False, False, True]
    assert base[1]["metadata"]["scores"] == {"plus": 0.0}


def test_results_of_humaneval(tmp_path):
    path = write_seed(tmp_path, "humaneval")
    rows = read(path, model_name="tiny")
    assert [(row["epoch"], row["passed"], row["output_text"]) for row in rows] == [
        (1, True, " return 1"), (2, False, " return 2"),
    ]  # fmt: skip
    assert (rows[0]["dataset"], rows[0]["model"], rows[1]["metadata"]["scored_explanation"]) == (
        "HumanEval", "tiny", "failed: x",
    )  # fmt: skip
    with pytest.raises(EvalFileError, match="model is missing"):
        read(path)


def test_predictions_of_opencompass_are_joined_with_its_results(tmp_path):
    path = write_seed(tmp_path, "opencompass")
    rows = read(path)
    assert [(row["example_id"], row["passed"]) for row in rows] == [
        ("0", True),
        ("1", False),
        ("2", True),
        ("3", False),
    ]
    first = rows[0]
    assert (first["dataset"], first["model"], first["input_text"], first["question_text"]) == (
        "sums", "tiny-hf", "system: Be brief.\n\nuser: 1+1?", "1+1?",
    )  # fmt: skip
    assert (first["output_text"], first["correct_answer"]) == ("2", "2")
    assert summaries(path) == {"accuracy": (50.0, 50.0, True)}
    (tmp_path / "20250101" / "results" / "tiny-hf" / "sums.json").unlink()
    assert {(row["passed"], row["score"]) for row in read(path)} == {(None, None)}


def test_predictions_of_l_eval(tmp_path):
    row = read(write_seed(tmp_path, "l-eval"))[0]
    assert [row[name] for name in ("dataset", "model", "input_text", "output_text", "correct_answer", "score")] == [
        "talks", "tiny", "Who?", "He", "She", None,
    ]  # fmt: skip


@pytest.mark.parametrize("zipped", [False, True])
def test_outputs_of_mmlu_pro_pass_where_the_letter_is_right(tmp_path, zipped):
    path = write_seed(tmp_path, "mmlu-pro")
    if zipped:
        text = path.read_text()
        path.unlink()
        path = write_zip(tmp_path / "model_outputs_tiny-7b_5shots.zip", {"a.json": text})
        assert format_of(path) == "mmlu-pro"
        assert [found.path.name for found in find_files(str(tmp_path))] == [path.name]
    rows = read(path)
    assert [(row["example_id"], row["passed"]) for row in rows] == [("1", True), ("2", False), ("3", False)]
    first = rows[0]
    assert (first["dataset"], first["model"], first["correct_answer"]) == ("mmlu-pro", "tiny-7b", "B")
    assert first["input_text"] == "Which is 1?\n\nA) one\nB) two\nC) three"
    assert first["metadata"] == {"category": "numbers", "src": "ours", "picked": "B"}


def test_zips_of_others_are_no_logs(tmp_path):
    write_zip(tmp_path / "backup.zip", {"a.json": json.dumps([{"x": 1}])})
    (tmp_path / "broken.zip").write_bytes(b"PK\x03\x04")
    write_file(tmp_path / "x.traj", {"a": 1})
    assert find_files(str(tmp_path)) == []
    two = {"a.json": json.dumps([mmlu_pro_output(1, "B")]), "b.json": json.dumps([mmlu_pro_output(2, "B")])}
    path = write_zip(tmp_path / "outputs.zip", two)
    assert [row["line"] for row in read(path, model_name="m")] == [1, 2]


def test_preferences_of_alpaca_eval_are_scores(tmp_path):
    path = write_seed(tmp_path, "alpaca-eval")
    rows = read(path)
    assert [row["score"] for row in rows] == [1.0, 0.0, 0.5, 0.5, None, 0.25]
    first = rows[0]
    assert (first["dataset"], first["model"], first["input_text"], first["output_text"]) == (
        "alpaca_eval", "tiny", "Name tree 1.", "Oak",
    )  # fmt: skip
    assert first["metric"]["name"] == "win rate against baseline"
    assert (first["metadata"]["baseline_output"], first["metadata"]["subset"]) == ("Rose", "trees")
    # 100 × (1 + 0 + 0.5 + 0.5 + 0.25) / 5
    assert summaries(path) == {"win_rate of tiny": (45.0, 45.0, True), "n_total of tiny": (5, 5, True)}


def test_a_wide_table_has_a_row_for_each_system(tmp_path):
    path = write_seed(tmp_path, "wide-table")
    rows = read(path)
    assert [(row["model"], row["input_text"], row["output_text"], row["score"]) for row in rows] == [
        ("rag", "1+1?", "two", 0.75), ("rag_v2", "1+1?", "three", 0.25),
        ("rag", "2+2?", "four", 1.0), ("rag_v2", "2+2?", "", None),
    ]  # fmt: skip
    assert rows[0]["example_id"] == rows[1]["example_id"] != rows[2]["example_id"]
    assert rows[0]["metric"]["name"] == "sas"
    assert (rows[0]["correct_answer"], rows[0]["metadata"]["contexts"]) == ("2", "sums")
    assert [row["score"] for row in read(path, scorer="faith")] == [1.0, 0.0, 1.0, 0.5]
    assert "'sas', 'faith'" in problem(path, scorer="bleu")


@pytest.mark.parametrize(
    "columns",
    ["question,expected_output,model_output,model_score", "prompt,chosen_response,rejected_response,chosen_score",
     "question,a_response,b_response", "id,a_response,b_response,a_score,b_score"],
)  # fmt: skip
def test_other_tables_are_not_taken_for_wide_ones(tmp_path, columns):
    path = tmp_path / "t.csv"
    path.write_text(columns + "\n" + ",".join("1" * (columns.count(",") + 1)) + "\n")
    assert format_of(path) == "table"


@real
def test_real_outputs_of_mmlu_pro_alpaca_eval_haystack_and_l_eval():
    # Counted in the files by other means: 2,207 letters are right; 740 wins, 1 tie, 62 losses, 2 without a preference.
    outputs = read(next((REAL_LOGS / "mmlu_pro").glob("*.zip")))
    assert (len(outputs), sum(row["passed"] for row in outputs)) == (12_032, 2_207)
    annotated = [row["score"] for row in read(REAL_LOGS / "alpaca_eval" / "annotations.json")]
    assert [annotated.count(one) for one in (1.0, 0.5, 0.0, None)] == [740, 1, 62, 2]
    wide = read(REAL_LOGS / "haystack" / "comparative_scores.csv")
    assert [sum(row["model"] == name for row in wide) for name in ("baseline_rag", "hyde_rag")] == [107, 107]
    predicted = read(next((REAL_LOGS / "opencompass").glob("*.jsonl")))
    assert (len(predicted), {row["model"] for row in predicted}) == (96, {"turbo-16k-0613"})


def test_runs_of_tau_bench_pass_where_the_reward_is_one(tmp_path):
    path = write_seed(tmp_path, "tau-bench")
    rows = read(path)
    assert [(row["example_id"], row["epoch"], row["score"], row["passed"]) for row in rows] == [
        ("1", 1, 1.0, True), ("1", 2, 0.0, False), ("2", 1, 0.5, False),
    ]  # fmt: skip
    first = rows[0]
    assert (first["dataset"], first["model"], first["input_text"], first["output_text"]) == (
        "tau-bench-airline", "tiny", "Ask for flight 1", "At noon.",
    )  # fmt: skip
    assert first["metadata"]["steps"][:2] == ['called get_flight({"id": 7})', "get_flight returned: at noon"]
    failed = tau_run(3, 0, 0.0, info={"error": "rate limit", "traceback": "x"})
    write_file(tmp_path / "tool-calling-gpt-x-0.0_range_0-115_user-gpt-y-llm_0101.json", [failed])
    row = read(tmp_path / "tool-calling-gpt-x-0.0_range_0-115_user-gpt-y-llm_0101.json")[0]
    assert (row["model"], row["passed"], row["score"], row["metadata"]["error"]) == ("gpt-x", None, None, "rate limit")
    assert row["input_text"] == "When is my flight?"


def test_runs_of_tau2_bench(tmp_path):
    first, second = read(write_seed(tmp_path, "tau2-bench"))
    assert (first["dataset"], first["model"], first["input_text"]) == (
        "tau2-bench-telecom", "tiny-4", "No data.\nInsist.\nYou are Ann.",
    )  # fmt: skip
    assert (first["passed"], second["passed"], second["epoch"]) == (True, None, 2)
    assert second["metadata"]["error"] == "infrastructure error"


def test_a_trajectory_is_judged_by_the_report_above_it(tmp_path):
    path = write_seed(tmp_path, "swe-agent")
    row = read(path)[0]
    assert [row[name] for name in ("dataset", "model", "example_id", "input_text", "output_text", "passed")] == [
        "swe-bench", "gpt", "a__b-1", "Sums are wrong", "diff --git", None,
    ]  # fmt: skip
    assert row["metadata"]["steps"] == ["assistant: I edit.", "called action(edit sums.py)", "returned: edited"]
    assert (row["metadata"]["repo"], row["metadata"]["exit_status"]) == ("a/b", "submitted")
    report = tmp_path / "gpt.run.json"
    write_file(report, swe_bench_report())
    assert companions(path) == [report]
    judged = read(path)[0]
    assert (judged["passed"], judged["metadata"]["outcome"]) == (True, "resolved")
    config = json.dumps({"agent": {"model": {"name": "claude-x"}}})
    write_file(tmp_path / "x" / "c__d-3.traj", trajectory(replay_config=config))
    other = read(tmp_path / "x" / "c__d-3.traj")[0]
    assert (other["model"], other["passed"]) == ("claude-x", False)


def test_a_trajectory_of_mini_swe_agent(tmp_path):
    row = read(write_seed(tmp_path, "mini-swe-agent"))[0]
    assert [row[name] for name in ("model", "example_id", "input_text", "output_text")] == [
        "o/m", "c__d-3", "It fails", "diff",
    ]  # fmt: skip
    assert row["metadata"]["steps"] == ["assistant: ls", "user: a.py"]


def test_details_of_lighteval(tmp_path):
    folder = tmp_path / "details" / "org" / "tiny" / LIGHTEVAL_DATE
    folder.mkdir(parents=True)
    path = folder / f"details_lighteval|sums|0_{LIGHTEVAL_DATE}.parquet"
    pq.write_table(pa.Table.from_pylist([lighteval_row(1, 1.0), lighteval_row(2, 0.0)]), path)
    assert format_of(path) == "lighteval"
    assert read(path)[0]["model"] == "org/tiny"
    write_file(tmp_path / "results" / "org" / "tiny" / f"results_{LIGHTEVAL_DATE}.json", lighteval_results())
    first, second = read(path)
    assert (first["dataset"], first["model"], first["example_id"], first["input_text"]) == (
        "sums", "org/tiny", "1", "1 + 1?",
    )  # fmt: skip
    assert (first["output_text"], first["correct_answer"], first["score"], second["score"]) == ("2", "2", 1.0, 0.0)
    assert first["metric"]["name"] == "extractive_match"
    assert summaries(path) == {"mean extractive_match": (0.5, 0.5, True)}
    assert read(path, scorer="length")[0]["score"] == 0.5


def test_older_details_of_lighteval_hold_texts_of_python(tmp_path):
    path = tmp_path / "details_leaderboard|arc:challenge|25_2024-01-01T00-00-00.parquet"
    row = {"full_prompt": "Which?", "predictions": "[(-2.5, False), (-0.5, True)]", "gold": "[' red']",
           "choices": "[' blue', ' red']", "metrics": "{'acc': 1}", "pred_logits": "[-2.5, -0.5]"}  # fmt: skip
    pq.write_table(pa.Table.from_pylist([row]), path)
    told = read(path, model_name="m")[0]
    assert [told[name] for name in ("dataset", "model", "output_text", "correct_answer", "score")] == [
        "arc:challenge", "m", " red", " red", 1.0,
    ]  # fmt: skip


@real
def test_a_real_trajectory_of_swe_agent():
    path = next((REAL_LOGS / "swe_agent").glob("*.traj"))
    row = read(path, model_name="gpt-4")[0]
    given = json.loads(path.read_text())
    assert row["output_text"] == given["info"]["submission"]
    assert row["input_text"].startswith("Pixel Representation attribute should be optional")
    assert sum(step.startswith("called action(") for step in row["metadata"]["steps"]) == len(given["trajectory"]) == 12


@pytest.mark.parametrize(("name", "column"), [("azure", "inputs.topic"), ("wide-table", "contexts")])
def test_a_mapped_column_is_that_of_the_file(tmp_path, name, column):
    path = write_seed(tmp_path, name)
    rows = read(path, model_name="m", column_map={"input_text": column})
    assert {row["input_text"] for row in rows} == {"doors" if name == "azure" else "sums"}
    assert "inputs.topik" in problem(path, model_name="m", column_map={"correct_answer": "inputs.topik"})
