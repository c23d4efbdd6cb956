"""The logs of each tool become rows: ids, repeats, named scores, steps, errors; by content, not by name."""

from __future__ import annotations

import gzip
import json
import re
from collections import Counter
from pathlib import Path
from typing import get_type_hints

import pytest

from faultmap_assets.cli.audits import audit
from faultmap_assets.ingestion.scanning import find_files
from faultmap_core.base.errors import ConfigurationError, EvalFileError
from faultmap_core.data.eval_table import FORMATS, EvalOptions
from faultmap_core.data.metrics import Metric
from faultmap_core.readers import companions, content_hash, is_eval_file, read_eval_file
from faultmap_core.readers.formats import format_of
from faultmap_core.readers.tools.every_eval_ever import record_of
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
    write_promptfoo,
)

REAL_LOGS = Path(__file__).parents[4] / "shared" / "data" / "logs"


def read(path: Path, **options):
    """Return the rows of a file, with their metadata decoded; none may be rejected or in conflict."""
    batches = list(read_eval_file(path, EvalOptions(**options)))
    assert [rejected for batch in batches for rejected in batch.rejected] == []
    conflicts = batches[-1].conflicts
    assert (conflicts.repeated, dict(conflicts.conflicting)) == ((), {})
    rows = [row for batch in batches for row in batch.rows.to_pylist()]
    return [{**row, "metadata": json.loads(row["metadata"])} for row in rows]


def problem(path: Path, **options) -> str:
    with pytest.raises(EvalFileError) as caught:
        read(path, **options)
    told = str(caught.value)
    assert "\n" not in told
    return told


INSPECT_WRITERS = {
    "zip": (write_inspect_zip, "log.eval", {}),
    "zstandard": (write_inspect_zip, "log.eval", {"zstandard": True}),
    "crashed": (write_inspect_zip, "log.eval", {"crashed": True}),
    "json": (write_inspect_json, "log.json", {}),
}


@pytest.mark.parametrize("kind", INSPECT_WRITERS)
def test_inspect_samples_are_rows(tmp_path, kind):
    write, name, how = INSPECT_WRITERS[kind]
    second = inspect_sample(epoch=2, scores={"match": {"value": "P"}, "includes": {"value": "N"}})
    path = write(tmp_path / name, inspect_sample(), second, **how)
    assert format_of(path) == "inspect"
    first, again = read(path)
    expected = {
        "dataset": "sums",
        "model": "openai/gpt-4o",
        "example_id": "007",
        "epoch": 1,
        "input_text": "What is 2+2?",
        "output_text": "The answer is 4",
        "score": 1.0,
        "correct_answer": "4",
        "line": 1,
    }
    assert {name: first[name] for name in expected} == expected
    assert first["metadata"] == {
        "level": "easy",
        "sample.model": "not the model",
        "scorer": "match",
        "scores": {"includes": 0.0, "graded.style": 0.25, "graded.facts": 1},
        "scored_answer": "4",
        "scored_explanation": "it is 4",
        "total_time": 0.9,
    }
    assert (again["example_id"], again["epoch"], again["score"]) == ("007", 2, 0.5)
    assert again["metadata"]["scores"] == {"includes": 0.0}


@pytest.mark.parametrize(("scorer", "score"), [("includes", 0.0), ("graded.style", 0.25), ("match", 1.0)])
def test_a_scorer_is_chosen_by_its_name(tmp_path, scorer, score):
    row = read(write_inspect_zip(tmp_path / "log.eval", inspect_sample()), scorer=scorer)[0]
    assert row["score"] == score
    assert row["metadata"]["scorer"] == scorer
    assert set(row["metadata"]["scores"]) == {"match", "includes", "graded.style", "graded.facts"} - {scorer}


def test_the_first_scorer_is_that_of_the_task_not_of_the_sample(tmp_path):
    scores = {"includes": {"value": "I"}, "graded": {"value": {"style": 1}}, "match": {"value": "C"}}
    assert read(write_inspect_json(tmp_path / "a.json", inspect_sample(scores=scores)))[0]["score"] == 1.0
    header = inspect_header(eval={"task": "t", "model": "m", "scorers": [{"name": "my_package/graded"}]})
    path = write_inspect_json(tmp_path / "b.json", inspect_sample(scores=scores), header=header)
    assert read(path)[0]["metadata"]["scorer"] == "graded.style"


def test_an_unknown_scorer_is_an_error_that_lists_the_known(tmp_path):
    told = problem(write_inspect_zip(tmp_path / "log.eval", inspect_sample()), scorer="bleu")
    assert "no scorer 'bleu'" in told
    assert "'match', 'includes', 'graded.style'" in told


def test_an_infrastructure_error_is_no_failure(tmp_path):
    broken = inspect_sample(
        id=8,
        scores={"match": {"value": "I"}},
        error={"message": "ConnectionError('refused')", "traceback": "x" * 9000},
        output={"model": "mock", "choices": [], "completion": ""},
    )
    row = read(write_inspect_zip(tmp_path / "log.eval", inspect_sample(), broken))[1]
    assert (row["example_id"], row["score"], row["output_text"]) == ("8", None, "")
    assert row["metadata"]["error"] == "ConnectionError('refused')"


def test_an_agents_steps_are_kept_oldest_first(tmp_path):
    call = {"id": "c", "function": "bash", "arguments": {"cmd": "ls", "n": 2}, "type": "function"}
    messages = [
        {"role": "system", "content": "You are an agent."},
        {"role": "user", "content": "List."},
        {"role": "assistant", "content": [{"type": "text", "text": "I look."}], "tool_calls": [call]},
        {"role": "tool", "content": "a.txt", "function": "bash"},
        {"role": "assistant", "content": "", "tool_calls": [call]},
        {"role": "tool", "content": "", "function": "bash", "error": {"type": "timeout", "message": "took too long"}},
        {"role": "assistant", "content": "There is a.txt"},
    ]
    row = read(write_inspect_json(tmp_path / "log.json", inspect_sample(messages=messages)))[0]
    assert row["metadata"]["steps"] == [
        "assistant: I look.",
        "called bash(cmd=ls, n=2)",
        "bash returned: a.txt",
        "called bash(cmd=ls, n=2)",
        "bash failed: took too long",
    ]
    long = [messages[1], *[{"role": "assistant", "content": "x" * 5000, "tool_calls": [call]}] * 900]
    steps = read(write_inspect_json(tmp_path / "log.json", inspect_sample(messages=long)))[0]["metadata"]["steps"]
    assert len(steps) == 201
    assert max(map(len, steps)) == 600
    assert steps[100] == "… 1600 steps left out …"


def test_choices_attachments_and_chats(tmp_path):
    chat = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": [{"type": "text", "text": "attachment://a1"},
                                     {"type": "image", "image": "data:image/png;base64," + "A" * 5000}]},
    ]  # fmt: skip
    path = write_inspect_zip(
        tmp_path / "log.eval",
        inspect_sample(id=1, choices=["three", "four"], target="B"),
        inspect_sample(id=2, input=chat, target=["4", "four"], attachments={"a1": "How many?"}),
    )
    choice, talk = read(path)
    assert choice["input_text"] == "What is 2+2?\n\nA) three\nB) four"
    assert choice["correct_answer"] == "B) four"
    assert talk["question_text"] == "How many?"
    assert talk["input_text"] == "system: Be brief.\n\nuser: How many?"
    assert talk["correct_answer"] == '["4", "four"]'
    image = talk["metadata"]["input_messages"][1]["content"][1]["image"]
    assert image == "data:image/png;base64,… (5,022 characters)"


def test_letter_scores_that_are_none_cost_their_row_alone(tmp_path):
    path = write_inspect_zip(
        tmp_path / "log.eval", inspect_sample(), inspect_sample(id=2, scores={"match": {"value": "good"}})
    )
    batches = list(read_eval_file(path, EvalOptions()))
    assert [row.reason for batch in batches for row in batch.rejected] == ["score 'good' is no number"]


def test_lm_eval_rows(tmp_path):
    path = write_lm_eval(tmp_path, lm_eval_sample(0), lm_eval_sample(1, exact_match=0.0))
    assert format_of(path) == "lm-eval"
    first, second = read(path)
    assert first["input_text"] == "Q: What is 0+1?\nA:"
    assert [first[name] for name in ("dataset", "model", "example_id", "output_text", "score", "correct_answer")] == [
        "sums", "org/tiny-model", "0", "1", 1.0, "1",
    ]  # fmt: skip
    assert second["score"] == 0.0
    assert first["metadata"] == {"question": "What is 0+1?", "subject": "sums", "answer": "1"}


def test_filters_of_one_document_are_one_row_with_several_scores(tmp_path):
    strict = {"filter": "strict-match", "filtered_resps": ["[invalid]"], "exact_match": 0.0}
    flexible = {"filter": "flexible-extract", "exact_match": 1.0}
    samples = [lm_eval_sample(one, **how) for how in (strict, flexible) for one in range(2)]
    path = write_lm_eval(tmp_path, *samples)
    rows = read(path)
    assert [(row["example_id"], row["score"], row["output_text"], row["line"]) for row in rows] == [
        ("0", 0.0, "[invalid]", 1), ("1", 0.0, "[invalid]", 2),
    ]  # fmt: skip
    assert rows[0]["metadata"]["scores"] == {"exact_match,flexible-extract": 1.0}
    assert rows[0]["metadata"]["filter"] == "strict-match"
    chosen = read(path, scorer="exact_match,flexible-extract")
    assert [(row["score"], row["output_text"], row["line"]) for row in chosen] == [(1.0, "1", 3), (1.0, "2", 4)]
    assert chosen[0]["metadata"]["scores"] == {"exact_match,strict-match": 0.0}
    assert "exact_match,strict-match" in problem(path, scorer="bleu,strict-match")


def test_multiple_choice_answers_are_texts(tmp_path):
    def sample(doc_id, prompts, continuations, target, likelihoods):
        arguments = {
            f"gen_args_{index}": {"arg_0": prompt, "arg_1": continuation}
            for index, (prompt, continuation) in enumerate(zip(prompts, continuations, strict=True))
        }
        answers = [[value, False] for value in likelihoods]
        return lm_eval_sample(
            doc_id, arguments=arguments, filtered_resps=answers, resps=[[one] for one in answers], target=target,
            metrics=["acc"], acc=1.0,
        )  # fmt: skip

    results = {"config": {"model_args": {"pretrained": "org/other"}}, "higher_is_better": {"sums": {"acc": True}}}
    path = write_lm_eval(
        tmp_path,
        sample(0, ["Capital?"] * 2, [" Rome", " Oslo"], 1, [-9.5, -1.0]),
        sample(1, ["Because Ann", "Because Tom"], [" was late", " was late"], "0", [-1.0, -2.0]),
        results=results,
    )
    same, middle = read(path)
    assert (same["input_text"], same["output_text"], same["correct_answer"]) == ("Capital?", "Oslo", "Oslo")
    assert same["metadata"]["choices"] == ["Rome", "Oslo"]
    assert same["model"] == "org/other"
    assert (middle["input_text"], middle["output_text"]) == ("Because ", "Ann was late")
    assert middle["correct_answer"] == "Ann was late"


def test_the_harness_says_which_direction_is_better_and_settings_must_not_contradict_it(tmp_path):
    results = {"config": {"model": "m"}, "higher_is_better": {"sums": {"brier": False, "acc": True}}}
    sample = lm_eval_sample(0, metrics=["brier", "acc"], brier=0.2, acc=1.0)
    path = write_lm_eval(tmp_path, sample, results=results)
    assert Metric.from_json(read(path)[0]["metric"]) == Metric("brier", higher_is_better=False)
    told = problem(path, higher_is_better={"sums": True})
    assert "of 'brier' the lower score is the better one; take datasets.sums.higher_is_better out" in told
    assert read(path, higher_is_better={"sums": False})[0]["score"] == 0.2
    assert Metric.from_json(read(path, scorer="acc")[0]["metric"]) == Metric("acc", 0.0, 1.0)
    assert "the higher score is the better one" in problem(path, scorer="acc", default_higher_is_better=False)


def test_samples_without_a_results_file_need_a_model_name(tmp_path):
    path = write_lm_eval(tmp_path, lm_eval_sample(0), results={})
    assert "`--model-name NAME`" in problem(path)
    assert read(path, model_name="mine")[0]["model"] == "mine"


def test_a_results_file_is_no_samples_file(tmp_path):
    write_lm_eval(tmp_path, lm_eval_sample(0))
    summary = next(tmp_path.glob("results_*.json"))
    assert "name its samples_*.jsonl" in problem(summary)
    assert not is_eval_file(summary)


def test_helm_runs(tmp_path):
    trial = helm_request("id1", " A", train_trial_index=1)
    broken = helm_request("id2", "", result={"success": False, "completions": [], "error": "CUDA out of memory"})
    typos = helm_request("id1", " B")
    typos["instance"] = {**typos["instance"], "perturbation": {"name": "typos"}}
    stats = [
        helm_stats("id1", exact_match=1.0, quasi_exact_match=0.5),
        helm_stats("id1", 1, exact_match=0.0, quasi_exact_match=0.0),
        helm_stats("id1", 0, "typos", exact_match=0.25),
    ]
    path = write_helm(tmp_path, [helm_request("id1", " B"), trial, broken, typos], stats)
    assert format_of(path) == "helm"
    rows = read(path)
    assert [(row["example_id"], row["epoch"], row["score"]) for row in rows] == [
        ("id1", 1, 1.0), ("id1", 2, 0.0), ("id2", 1, None), ("id1 [typos]", 1, 0.25),
    ]  # fmt: skip
    assert {row["dataset"] for row in rows} == {"mmlu:subject=philosophy,method=joint"}
    assert {row["model"] for row in rows} == {"openai/gpt2"}
    assert rows[0]["correct_answer"] == "B) internal"
    assert rows[0]["metadata"]["answer_choice"] == "internal"
    assert rows[0]["metadata"]["scores"] == {"quasi_exact_match": 0.5}
    assert rows[2]["metadata"]["error"] == "CUDA out of memory"
    assert read(path, scorer="quasi_exact_match")[0]["score"] == 0.5
    assert "num_prompt_tokens" not in problem(path, scorer="none")


def test_helm_requests_of_one_reference_each_are_one_row(tmp_path):
    def weighed(index, logprob, mode="original"):
        result = {"success": True, "completions": [{"text": "", "logprob": logprob}]}
        return helm_request("id1", "", reference_index=index, request_mode=mode, result=result, output_mapping=None)

    states = [weighed(0, -5.0), weighed(0, 9.0, "calibration"), weighed(1, -1.0), weighed(1, 9.0, "calibration")]
    path = write_helm(tmp_path, states, [helm_stats("id1", exact_match=1.0)])
    row = read(path)[0]
    assert (row["output_text"], row["correct_answer"], row["score"]) == ("internal", "internal", 1.0)
    assert row["input_text"] == "Where?\n\nA) external\nB) internal"


def test_a_helm_run_without_its_scores_is_an_error(tmp_path):
    path = write_helm(tmp_path, [helm_request("id1", " B")], [])
    path.with_name("per_instance_stats.json").unlink()
    assert "per_instance_stats.json: this file of the HELM run is missing" in problem(path)


@pytest.mark.parametrize("suffix", [".json", ".jsonl"])
def test_promptfoo_results(tmp_path, suffix):
    failed = promptfoo_result(
        1, score=0, success=False, failureReason=1, error="Expected output",
        gradingResult={"pass": False, "score": 0, "reason": "Expected output to equal"},
    )  # fmt: skip
    broken = promptfoo_result(2, score=0, success=False, failureReason=2, error="API error: 429", response={})
    other = promptfoo_result(0, 1, provider={"id": "anthropic:claude", "label": "Claude, warm"})
    results = [promptfoo_result(0), failed, broken, other]
    path = tmp_path / f"numbers{suffix}"
    write_promptfoo(path, *results) if suffix == ".json" else write_lines(path, *results)
    assert format_of(path) == "promptfoo"
    rows = read(path)
    assert [(row["model"], row["example_id"], row["epoch"], row["score"]) for row in rows] == [
        ("openai:gpt-4o", "0", 1, 1.0), ("openai:gpt-4o", "1", 1, 0.0), ("openai:gpt-4o", "2", 1, None),
        ("Claude, warm", "0", 1, 1.0),
    ]  # fmt: skip
    first = rows[0]
    assert first["dataset"] == "numbers"
    assert (first["input_text"], first["output_text"]) == ("Translate number 0", "number 0")
    assert first["correct_answer"] == "Nummer 0"
    assert first["metadata"] == {"n": 0, "lang": "de", "scorer": "success", "scores": {"score": 1, "tone": 0.5}}
    assert rows[1]["metadata"]["scored_explanation"] == "Expected output to equal"
    assert rows[2]["metadata"]["error"] == "API error: 429"
    assert read(path, scorer="tone")[0]["score"] == 0.5


def test_promptfoo_repeats_are_epochs_and_templates_are_examples(tmp_path):
    case = promptfoo_result(0)["testCase"]
    repeated = promptfoo_result(3, testCase=case)
    template = promptfoo_result(0, 1, promptId="beef")
    # Results are written as they end, not in the order of the tests.
    rows = read(write_promptfoo(tmp_path / "r.json", repeated, template, promptfoo_result(0), promptfoo_result(1)))
    assert [(row["example_id"], row["epoch"]) for row in rows] == [("0-0", 2), ("0-1", 1), ("0-0", 1), ("1-0", 1)]
    assert rows[0]["metadata"]["prompt_label"] == "Translate number {{n}}"


def test_promptfoo_outputs_and_references_of_other_types(tmp_path):
    asserted = [{"type": "javascript", "value": "x"}, {"type": "not-equals", "value": "y"},
                {"type": "equals", "value": "file://a"}, {"type": "contains-all", "value": ["a", "b"]}]  # fmt: skip
    chat = json.dumps([{"role": "user", "content": "Hello"}])
    result = promptfoo_result(
        0, response={"output": {"a": 1}}, testCase={"assert": asserted}, prompt={"raw": chat}, provider="echo"
    )
    row = read(write_promptfoo(tmp_path / "r.json", result))[0]
    assert (row["output_text"], row["correct_answer"]) == ('{"a": 1}', '["a", "b"]')
    assert (row["question_text"], row["model"]) == ("Hello", "echo")


@pytest.mark.parametrize("suffix", [".jsonl", ".jsonl.gz"])
def test_openai_evals(tmp_path, suffix):
    path = write_lines(tmp_path / "record.jsonl", *openai_evals_lines())
    if suffix.endswith(".gz"):
        packed = tmp_path / "record.jsonl.gz"
        packed.write_bytes(gzip.compress(path.read_bytes()))
        path = packed
    assert format_of(path) == "openai-evals"
    rows = read(path)
    assert [(row["example_id"], row["score"], row["output_text"], row["line"]) for row in rows] == [
        ("sums.dev.0", 1.0, "4", 2), ("sums.dev.1", 0.0, "7", 3), ("sums.dev.2", None, "", 6),
        ("sums.dev.3", None, "Ha", 8),
    ]  # fmt: skip
    assert {(row["dataset"], row["model"]) for row in rows} == {("sums.dev.v0", "gpt-4o")}
    assert (rows[0]["question_text"], rows[0]["correct_answer"]) == ("2+2?", "4")
    assert rows[1]["correct_answer"] == '["6", "six"]'
    assert (rows[2]["input_text"], rows[2]["metadata"]["error"]) == ("5+5?", "429, try later")
    assert rows[3]["metadata"]["scores"] == {"score": 0.25}
    assert read(path, scorer="score")[3]["score"] == 0.25


def test_every_eval_ever_records(tmp_path):
    call = {"id": "c", "name": "search", "arguments": {"q": "x"}}
    messages = [
        {"turn_idx": 0, "role": "user", "content": "Find x"},
        {"turn_idx": 1, "role": "assistant", "content": None, "tool_calls": [call]},
        {"turn_idx": 2, "role": "tool", "content": "found"},
        {"turn_idx": 3, "role": "assistant", "content": "It is x"},
    ]
    path = write_lines(
        tmp_path / "u_samples.jsonl",
        every_eval_ever_record(),
        every_eval_ever_record(output={"raw": ["5"]}, evaluation={"score": 0.0, "is_correct": False}),
        every_eval_ever_record(
            "agent", interaction_type="agentic", output=None, messages=messages,
            input={"raw": "", "reference": []}, evaluation={"score": 0.5, "is_correct": False, "num_turns": 2},
        ),
        every_eval_ever_record("down", output=None, error="API error: 503"),
        every_eval_ever_record("refused", output={"raw": [""]}, error="refusal",
                               evaluation={"score": 0.0, "is_correct": False}),
    )  # fmt: skip
    assert format_of(path) == "every-eval-ever"
    rows = read(path)
    assert [(row["example_id"], row["epoch"], row["score"]) for row in rows] == [
        ("gsm8k_0001", 1, 1.0), ("gsm8k_0001", 2, 0.0), ("agent", 1, 0.5), ("down", 1, None), ("refused", 1, 0.0),
    ]  # fmt: skip
    assert (rows[0]["dataset"], rows[0]["model"]) == ("GSM8K", "org/model")
    assert (rows[0]["input_text"], rows[0]["correct_answer"]) == ("2+2?\n\nA) 3\nB) 4", "4")
    assert (rows[2]["question_text"], rows[2]["output_text"]) == ("Find x", "It is x")
    assert rows[2]["metadata"]["steps"] == ["called search(q=x)", "returned: found"]
    assert rows[3]["metadata"]["error"] == "API error: 503"
    assert read(path, scorer="is_correct")[2]["score"] == 0.0


def test_results_of_one_sample_are_one_row_with_several_scores(tmp_path):
    def record(result, score, sample="s1"):
        return every_eval_ever_record(
            sample, evaluation_result_id=result, evaluation={"score": score, "is_correct": score > 0.5}
        )

    path = write_lines(
        tmp_path / "x.jsonl", record("acc", 1.0), record("f1", 0.75), record("acc", 0.0, "s2"), record("f1", 0.5, "s2")
    )
    rows = read(path)
    assert [(row["example_id"], row["score"], row["metadata"]["scores"]["f1"]) for row in rows] == [
        ("s1", 1.0, 0.75), ("s2", 0.0, 0.5),
    ]  # fmt: skip
    chosen = read(path, scorer="f1")
    assert [(row["score"], row["metadata"]["scores"]["acc"]) for row in chosen] == [(0.75, 1.0), (0.5, 0.0)]
    assert "'acc', 'f1'" in problem(path, scorer="bleu")


def test_every_eval_ever_out_and_in_again(tmp_path):
    row = {
        "dataset": "sums", "model": "m", "example_id": "007", "epoch": 2, "input_text": "2+2?", "output_text": "4",
        "score": 0.75, "correct_answer": "4", "metadata": '{"level": "easy", "n": 3}',
    }  # fmt: skip
    record = record_of(row, is_correct=True)
    required = {
        "schema_version", "evaluation_id", "model_id", "evaluation_name", "sample_id", "interaction_type", "input",
        "answer_attribution", "evaluation",
    }  # fmt: skip
    assert required <= record.keys()
    # The recipe of the format's guide, for {"raw":"2+2?","reference":["4"]}, computed with sha256sum.
    assert record["sample_hash"] == "34b29cbbb2879843088ab28a1315a88a9bdc91b1edd0251be34ee0f96a7eabab"
    assert all(isinstance(value, str) for value in record["metadata"].values())
    again = read(write_lines(tmp_path / "x.jsonl", record))[0]
    same = ("dataset", "model", "example_id", "epoch", "input_text", "output_text", "score", "correct_answer")
    assert {name: again[name] for name in same} == {name: row[name] for name in same}
    assert again["metadata"]["level"] == "easy"


FRAMES = {
    "ragas": (
        {"user_input": "2+2?", "retrieved_contexts": ["a"], "response": "4", "reference": "four",
         "faithfulness": 0.5, "answer_relevancy": 0.9},
        ("2+2?", "4", "four", 0.5, {"answer_relevancy": 0.9}, "answer_relevancy", 0.9),
    ),
    "deepeval": (
        {"name": "t1", "input": "2+2?", "actualOutput": "4", "expectedOutput": "four", "success": True,
         "metricsData": [{"name": "Answer Relevancy", "score": 0.5, "success": True}, {"name": "Bias", "score": 0.0}]},
        ("2+2?", "4", "four", 1.0, {"Answer Relevancy": 0.5, "Bias": 0.0}, "Bias", 0.0),
    ),
    "langsmith": (
        {"inputs.question": "2+2?", "outputs.answer": "4", "error": None, "reference.answer": "four",
         "feedback.correct": True, "feedback.style": 0.25, "execution_time": 1.5, "example_id": "e-1", "id": "run-1"},
        ("2+2?", "4", "four", 1.0, {"style": 0.25}, "style", 0.25),
    ),
    "mlflow": (
        {"inputs": "2+2?", "outputs": "4", "targets": "four", "correctness/v1/score": 1,
         "correctness/v1/justification": "yes, it is", "safety/value": "no"},
        ("2+2?", "4", "four", 1.0, {"safety": 0.0}, "safety", 0.0),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", FRAMES)
@pytest.mark.parametrize("suffix", [".jsonl", ".json"])
def test_the_tables_of_four_tools(tmp_path, name, suffix):
    row, expected = FRAMES[name]
    path = tmp_path / f"frame{suffix}"
    path.write_text(json.dumps([row] if suffix == ".json" else row))
    first = read(path, format=name, model_name="m")[0]
    others = first["metadata"]["scores"]
    assert (first["input_text"], first["output_text"], first["correct_answer"], first["score"], others) == expected[:5]
    assert first["example_id"]
    assert read(path, format=name, model_name="m", scorer=expected[5])[0]["score"] == expected[6]
    renamed = {"wording": first["input_text"], **{k: v for k, v in row.items() if str(v) != "2+2?"}}
    path.write_text(json.dumps([renamed] if suffix == ".json" else renamed))
    assert f"no table of {name}: no column" in problem(path, format=name, model_name="m")
    mapped = read(path, format=name, model_name="m", column_map={"input_text": "wording"})[0]
    assert mapped["input_text"] == first["input_text"]


def test_frames_as_csv_with_errors(tmp_path):
    path = tmp_path / "experiment.csv"
    path.write_text(
        "inputs.question,outputs.answer,error,feedback.ok,example_id\n2+2?,4,,1.0,007\n3+3?,,\"TimeoutError('x')\",,8\n"
    )
    rows = read(path, format="langsmith", model_name="m")
    assert [(row["example_id"], row["score"], row["metadata"].get("error")) for row in rows] == [
        ("007", 1.0, None), ("8", None, "TimeoutError('x')"),
    ]  # fmt: skip


def test_a_scorer_of_a_table_is_a_column(tmp_path):
    row = {"example_id": "1", "model": "m", "input_text": "q", "f1": 0.5, "score": 1}
    path = write_lines(tmp_path / "t.jsonl", row)
    assert (read(path)[0]["score"], read(path, scorer="f1")[0]["score"]) == (1.0, 0.5)


def test_a_forced_format_wins(tmp_path):
    path = write_lines(tmp_path / "t.jsonl", lm_eval_sample(0))
    assert "no column 'input_text'" in problem(path, format="table", column_map={"model": "filter"})
    assert "file of the HELM run is missing" in problem(write_inspect_json(tmp_path / "x.json"), format="helm")
    assert "no results of promptfoo" in problem(tmp_path / "x.json", format="promptfoo")
    with pytest.raises(ConfigurationError, match="format 'insepct' is unknown; expected one of table, inspect"):
        EvalOptions(format="insepct")
    assert len({EvalOptions(format=one).digest() for one in (None, *FORMATS)}) == len(FORMATS) + 1
    assert EvalOptions(scorer="a").digest() != EvalOptions().digest()


def test_in_folders_only_logs_count(tmp_path):
    run = write_helm(tmp_path, [helm_request("id1", " B")], [helm_stats("id1", exact_match=1.0)]).parent
    write_lm_eval(tmp_path, lm_eval_sample(0))
    write_promptfoo(tmp_path / "results.json", promptfoo_result(0))
    write_inspect_json(tmp_path / "log.json", inspect_sample())
    write_inspect_zip(tmp_path / "log.eval", inspect_sample())
    for name, text in {"package.json": '{"name": "x", "version": "1"}', "broken.json": "{", "a.txt": "x"}.items():
        (tmp_path / name).write_text(text)
    found = {path.name for path in [*tmp_path.iterdir(), *run.iterdir()] if path.is_file() and is_eval_file(path)}
    assert found == {
        "results.json", "log.json", "log.eval", "scenario_state.json", "samples_sums_2026-01-21T03-44-18.458309.jsonl",
    }  # fmt: skip


def test_a_folder_of_logs_is_scanned_for_them_alone(tmp_path):
    write_helm(tmp_path, [helm_request("id1", " B")], [helm_stats("id1", exact_match=1.0)])
    write_lm_eval(tmp_path, lm_eval_sample(0))
    write_inspect_zip(tmp_path / "log.eval", inspect_sample())
    assert {found.path.name for found in find_files(str(tmp_path))} == {
        "log.eval", "scenario_state.json", "samples_sums_2026-01-21T03-44-18.458309.jsonl",
    }  # fmt: skip


def test_the_command_line_names_every_format():
    described = get_type_hints(audit, include_extras=True)["format_name"].__metadata__[0].help
    assert set(re.findall(r"[\w-]+", described.partition(":")[2])) >= set(FORMATS)


def test_a_log_is_identified_with_its_companions(tmp_path):
    path = write_helm(tmp_path, [helm_request("id1", " B")], [helm_stats("id1", exact_match=1.0)])
    before = content_hash(path)
    assert {one.name for one in companions(path)} == {"run_spec.json", "per_instance_stats.json", "stats.json"}
    path.with_name("per_instance_stats.json").write_text(json.dumps([helm_stats("id1", exact_match=0.0)]))
    assert content_hash(path) != before
    samples = write_lm_eval(tmp_path, lm_eval_sample(0))
    before = content_hash(samples)
    assert [one.name for one in companions(samples)] == ["results_2026-01-21T03-44-18.458309.json"]
    companions(samples)[0].write_text('{"model_name": "another"}')
    assert content_hash(samples) != before


@pytest.mark.skipif(not REAL_LOGS.is_dir(), reason="real logs are not there")
@pytest.mark.parametrize(
    ("pattern", "name", "rows", "failures"),
    # Accuracy as the logs' own results tell it: 1 of 3, 2 of 2, 1 of 1, 0 of 1; lm-eval 0 of 10; HELM's stats.json.
    [
        ("inspect/data_arc_qwen.json", "inspect", 3, 2),
        ("inspect/data_pubmedqa_gpt4o_mini.json", "inspect", 2, 0),
        ("inspect/log_read_sample.eval", "inspect", 1, 0),
        ("inspect/mmlu-summary-choices.eval", "inspect", 1, 1),
        ("lm_eval/samples_*.jsonl", "lm-eval", 10, 10),
        ("helm/*/scenario_state.json", "helm", 10, None),
    ],
)
def test_real_logs(pattern, name, rows, failures):
    path = next(REAL_LOGS.glob(pattern))
    assert format_of(path) == name
    assert is_eval_file(path)
    found = read(path)
    assert len(found) == rows
    counted = Counter(row["score"] for row in found)
    if failures is None:
        stats = json.loads(path.with_name("stats.json").read_text())
        told = {one["name"]["split"]: one["mean"] for one in stats if one["name"]["name"] == "exact_match"}
        scores = {split: [row["score"] for row in found if row["metadata"]["split"] == split] for split in told}
        assert told == {split: pytest.approx(sum(given) / len(given)) for split, given in scores.items()}
    else:
        assert counted[0.0] == failures


@pytest.mark.skipif(not REAL_LOGS.is_dir(), reason="real logs are not there")
def test_real_logs_in_folders():
    found = {path.name for path in REAL_LOGS.rglob("*") if path.is_file() and is_eval_file(path)}
    assert "scenario_state.json" in found
    assert not found & {"stats.json", "run_spec.json", "per_instance_stats.json", "scenario.json"}
    assert not any(name.startswith("results_") for name in found)
