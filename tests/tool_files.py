"""Small files in the layouts of batch APIs and benchmarks, with texts of our own (see each function)."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


def write_json(path: Path, content: Any) -> Path:
    """A JSON document."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content), encoding="utf-8", errors="surrogatepass")
    return path


def batch_request(number: int, **changes: Any) -> dict[str, Any]:
    """A line of a request file of OpenAI's batch API."""
    body = {
        "model": "gpt-4o-mini",
        "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": f"{number} + 1?"}],
        "metadata": {"answer": str(number + 1), "topic": "sums"},
        **changes,
    }
    return {"custom_id": f"request-{number}", "method": "POST", "url": "/v1/chat/completions", "body": body}


def batch_answer(number: int, text: str, **changes: Any) -> dict[str, Any]:
    """A line of an output file, as OpenAI, Azure and Groq write it."""
    choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
    body = {"id": "c", "object": "chat.completion", "model": "gpt-4o-mini-2024-07-18", "choices": [choice], "usage": {}}
    return {
        "id": f"batch_req_{number}",
        "custom_id": f"request-{number}",
        "response": {"status_code": 200, "request_id": "r", "body": body},
        "error": None,
        **changes,
    }


def batch_failures() -> list[dict[str, Any]]:
    """Lines of an error file: the service refused, and the batch expired."""
    refused = {"error": {"message": "Rate limit reached", "type": "requests", "code": "rate_limit_exceeded"}}
    return [
        batch_answer(3, "", response={"status_code": 429, "request_id": "r", "body": refused}),
        batch_answer(4, "", response=None, error={"code": "batch_expired", "message": "Not executed in time."}),
    ]


def swe_bench_report(**changes: Any) -> dict[str, Any]:
    """A report of the harness, schema 2: five submitted instances of six."""
    lists = {
        "resolved_ids": ["a__b-1", "a__b-2"],
        "unresolved_ids": ["c__d-3"],
        "empty_patch_ids": ["c__d-4"],
        "error_ids": ["c__d-5"],
        "incomplete_ids": ["c__d-6"],
        "completed_ids": ["a__b-1", "a__b-2", "c__d-3"],
        "submitted_ids": ["a__b-1", "a__b-2", "c__d-3", "c__d-4", "c__d-5"],
    }
    counts = {
        "total_instances": 6,
        **{f"{name.removesuffix('_ids')}_instances": len(ids) for name, ids in lists.items()},
    }
    return {**counts, **lists, "schema_version": 2, **changes}


def swe_bench_predictions(model: str = "org/model-1.5") -> list[dict[str, Any]]:
    """Predictions of a run, as agents write them."""
    return [
        {"instance_id": one, "model_name_or_path": model, "model_patch": f"diff --git {one}"}
        for one in ("a__b-1", "a__b-2", "c__d-3", "c__d-5")
    ]


def azure_row(number: int, relevance: float | None, result: str | None, **changes: Any) -> dict[str, Any]:
    """A row of azure-ai-evaluation 1.5: a target's answer, two evaluators, one of them of a harm."""
    return {
        "inputs.id": f"q{number}",
        "inputs.query": f"Where is door {number}?",
        "inputs.ground_truth": "left",
        "inputs.topic": "doors",
        "outputs.response": "right",
        "outputs.relevance.relevance": relevance,
        "outputs.relevance.gpt_relevance": relevance,
        "outputs.relevance.relevance_reason": "It is on the other side.",
        "outputs.relevance.relevance_result": result,
        "outputs.relevance.relevance_threshold": 3,
        "outputs.content_safety.violence": "Very low",
        "outputs.content_safety.violence_score": 0,
        "outputs.content_safety.violence_result": "pass",
        "outputs.content_safety.violence_threshold": 3,
        **changes,
    }


def azure_document() -> dict[str, Any]:
    """What `evaluate` writes: four rows, of which relevance passes two and could not judge one."""
    return {
        "rows": [azure_row(1, 5.0, "pass"), azure_row(2, 3.0, "pass"), azure_row(3, 1.0, "fail"),
                 azure_row(4, None, None)],
        "metrics": {"relevance.relevance": 3.0, "relevance.gpt_relevance": 3.0, "relevance.relevance_threshold": 3.0,
                    "relevance.binary_aggregate": 0.5, "content_safety.violence_defect_rate": 0.0},
        "studio_url": None,
    }  # fmt: skip


def promptfoo_csv() -> list[list[str]]:
    """An export of promptfoo 0.119: two providers with one prompt, three tests; one provider failed once."""
    about = ["Status", "Score", "Named Scores", "Metric: tone", "Grader Reason", "Comment"]
    header = ["Description", "n", "__expected"]
    for provider in ("openai:gpt-4o", "local:tiny"):
        header += [f"[{provider}] Name number {{{{n}}}}", *about]
    lines = [
        ["first", "1", "one", "one", "PASS", "1.00", '{"tone":0.5}', "0.50", "All assertions passed", "",
         "uno", "FAIL", "0.75", '{"tone":1}', "1.00", "Expected one", "close"],
        ["", "2", "two", "two, or so", "PASS", "0.50", "", "", "Good", "", "two", "PASS", "1.00", "", "", "Good", ""],
        ["", "3", "three", "", "ERROR", "0.00", "", "", "429, try later", "", "four", "FAIL", "0.00", "", "", "No", ""],
    ]  # fmt: skip
    return [header, *lines]


ARENA_PROMPT = (
    "<|User Prompt|>\nName a tree.\n\n<|The Start of Assistant A's Answer|>\nRose\n<|The End of Assistant A's Answer|>"
    "\n\n<|The Start of Assistant B's Answer|>\nOak\n<|The End of Assistant B's Answer|>"
)
SINGLE_PROMPT = (
    "[Instruction]\nRate it.\n\n[Question]\nName a tree.\n\n[The Start of Reference Answer]\nOak\n"
    "[The End of Reference Answer]\n\n[The Start of Assistant's Answer]\nElm\n[The End of Assistant's Answer]"
)


def rating(question: int, turn: int, score: float, model: str = "tiny") -> dict[str, Any]:
    """A line of FastChat's `gpt-4_single.jsonl`."""
    return {
        "question_id": question, "model": model, "judge": ["gpt-4", "single-v1"], "user_prompt": SINGLE_PROMPT,
        "judgment": f"Rating: [[{score}]]", "score": score, "turn": turn, "tstamp": 1.5,
    }  # fmt: skip


def game(uid: str, first: str | None, second: str | None, model: str = "tiny") -> dict[str, Any]:
    """A line of Arena-Hard 2.0: in the first game the baseline is assistant A, in the second the model."""

    def played(label: str | None) -> dict[str, Any]:
        prompt = [{"role": "system", "content": "Judge."}, {"role": "user", "content": ARENA_PROMPT}]
        return {"score": label, "judgment": {"answer": f"[[{label}]]"}, "prompt": prompt}

    return {
        "uid": uid, "category": "hard_prompt", "judge": "gpt-4.1", "model": model, "baseline": "o3",
        "games": [played(first), played(second)],
    }  # fmt: skip


def evalplus_document() -> dict[str, Any]:
    """Results of EvalPlus 0.3: three samples of one task, one of another, one that only the added tests fail."""

    def sample(task: str, base: str, plus: str) -> dict[str, Any]:
        return {"task_id": task, "solution": f"def f(): {base}", "base_status": base, "plus_status": plus,
                "base_fail_tests": [], "plus_fail_tests": []}  # fmt: skip

    return {
        "date": "2025-01-01 00:00",
        "hash": "f00d",
        "eval": {
            "HumanEval/0": [sample("HumanEval/0", "pass", "pass"), sample("HumanEval/0", "pass", "fail"),
                            sample("HumanEval/0", "timeout", "fail"), sample("HumanEval/0", "fail", "pass")],
            "HumanEval/1": [sample("HumanEval/1", "pass", "pass")],
        },
        # (1 of 4, 1 of 1) and (2 of 4, 1 of 1)
        "pass_at_k": {"plus": {"pass@1": 0.625}, "base": {"pass@1": 0.75}},
    }  # fmt: skip


def opencompass_files() -> dict[str, Any]:
    """Predictions of a run and the results of the same, with details."""
    asked = [{"role": "SYSTEM", "prompt": "Be brief."}, {"role": "HUMAN", "prompt": "1+1?"}]
    return {
        "20250101/predictions/tiny-hf/sums.json": {
            "0": {"origin_prompt": asked, "prediction": "2", "gold": "2"},
            "1": {"origin_prompt": "2+2?", "prediction": "5", "gold": "4"},
            "2": {"origin_prompt": "3+3?", "prediction": "6", "gold": "6"},
            "3": {"origin_prompt": "4+4?", "prediction": "9", "gold": "8"},
        },
        "20250101/results/tiny-hf/sums.json": {
            "accuracy": 50.0,
            "details": {"type": "GEN", "0": {"pred": "2", "correct": True}, "1": {"pred": "5", "correct": False},
                        "2": {"pred": "6", "correct": [True]}, "3": {"pred": "9", "correct": False}},
        },
    }  # fmt: skip


def mmlu_pro_output(number: int, picked: str | None) -> dict[str, Any]:
    """One of MMLU-Pro's raw outputs."""
    return {
        "question_id": number, "question": f"Which is {number}?", "options": ["one", "two", "three"], "answer": "B",
        "answer_index": 1, "cot_content": "", "category": "numbers", "src": "ours", "pred": picked,
        "generated_text": f"The answer is ({picked}).",
    }  # fmt: skip


def annotation(number: int, preference: float | None) -> dict[str, Any]:
    """An annotation of AlpacaEval."""
    return {
        "instruction": f"Name tree {number}.", "output_1": "Rose", "generator_1": "baseline", "dataset": "trees",
        "output_2": "Oak", "generator_2": "tiny", "annotator": "gpt4", "preference": preference,
    }  # fmt: skip


WIDE = [
    ["questions", "contexts", "rag_ground_truth_answers", "rag_responses", "rag_metric_sas", "rag_metric_faith",
     "rag_v2_ground_truth_answers", "rag_v2_responses", "rag_v2_metric_sas", "rag_v2_metric_faith"],
    ["1+1?", "sums", "2", "two", "0.75", "1.0", "2", "three", "0.25", "0.0"],
    ["2+2?", "sums", "4", "four", "1.0", "1.0", "4", "", "", "0.5"],
]  # fmt: skip


def tau_run(task: int, trial: int, reward: float, **changes: Any) -> dict[str, Any]:
    """A result of tau-bench: the user asks, the agent calls a tool and answers."""
    call = {"function": {"name": "get_flight", "arguments": '{"id": 7}'}, "id": "c", "type": "function"}
    turns = [
        {"role": "system", "content": "Policy"},
        {"role": "user", "content": "When is my flight?"},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c", "name": "get_flight", "content": "at noon"},
        {"role": "assistant", "content": "At noon."},
        {"role": "user", "content": "###STOP###"},
    ]
    info = {"task": {"user_id": "u", "actions": [], "instruction": f"Ask for flight {task}", "outputs": []}}
    return {"task_id": task, "reward": reward, "info": info, "traj": turns, "trial": trial, **changes}


def tau2_document() -> dict[str, Any]:
    """Results of tau2-bench: one task with two trials, one of which the infrastructure failed."""

    def simulation(trial: int, reward: float | None, reason: str) -> dict[str, Any]:
        return {"id": f"s{trial}", "task_id": "t1", "trial": trial, "termination_reason": reason,
                "reward_info": None if reward is None else {"reward": reward},
                "messages": tau_run(1, 0, 0.0)["traj"]}  # fmt: skip

    told = {"reason_for_call": "No data.", "task_instructions": "Insist.", "known_info": "You are Ann."}
    return {
        "timestamp": "2026-01-01",
        "info": {"agent_info": {"llm": "tiny-4"}, "environment_info": {"domain_name": "telecom"}, "num_trials": 2},
        "tasks": [{"id": "t1", "user_scenario": {"instructions": told}}],
        "simulations": [simulation(0, 1.0, "user_stop"), simulation(1, None, "infrastructure_error")],
    }


def trajectory(**changes: Any) -> dict[str, Any]:
    """A trajectory of SWE-agent 0.7: a demonstration, the issue, one action, the patch."""
    issue = "We are solving an issue.\nISSUE:\nSums are wrong\n\nINSTRUCTIONS:\nUse the shell."
    step = {
        "action": "edit sums.py",
        "observation": "edited",
        "response": "I edit.",
        "thought": "I edit.",
        "state": "{}",
    }
    return {
        "environment": "swe_main",
        "trajectory": [step],
        "history": [
            {"role": "system", "content": "SETTING", "agent": "primary"},
            {"role": "user", "content": "ISSUE:\nA demonstration", "agent": "primary", "is_demo": True},
            {"role": "user", "content": issue, "agent": "primary"},
            {"role": "assistant", "content": "I edit.", "thought": "I edit.", "action": "edit sums.py"},
        ],
        "info": {"exit_status": "submitted", "submission": "diff --git", "model_stats": {"api_calls": 1}},
        **changes,
    }


def lighteval_row(number: int, score: float, **changes: Any) -> dict[str, Any]:
    """A row of lighteval's details, 0.10."""
    return {
        "doc": {"query": f"{number} + 1?", "choices": [str(number + 1)], "gold_index": [0], "id": str(number),
                "num_effective_few_shots": 0, "specific": None},
        "metric": {"extractive_match": score, "length": 0.5},
        "model_response": {"text": ["2"], "logprobs": []},
        **changes,
    }  # fmt: skip


LIGHTEVAL_DATE = "2025-01-02T03-04-05.678901"


def lighteval_results() -> dict[str, Any]:
    """The results file of the same run."""
    return {"config_general": {"model_name": "org/tiny"},
            "results": {"lighteval|sums|0": {"extractive_match": 0.5, "extractive_match_stderr": 0.1}}}  # fmt: skip


@dataclass(frozen=True)
class Seed:
    """One small example of a format.

    Attributes:
        entry: the file to be read.
        files: all files by their places in a folder.
        format: the format's name.
        options: how it is read.
    """

    entry: str
    files: dict[str, Any]
    format: str
    options: dict[str, Any] = field(default_factory=dict)


def write_file(path: Path, content: Any) -> None:
    """Write lists as lines of JSON or CSV where the name says so, texts as they are, anything else as JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(content, str):
        text = content
    elif path.suffix == ".csv" and isinstance(content, list):
        buffer = io.StringIO()
        csv.writer(buffer, lineterminator="\n").writerows(
            line if isinstance(line, list) else [line] for line in content
        )
        text = buffer.getvalue()
    elif path.name.endswith(".jsonl") and isinstance(content, list):
        text = "".join(json.dumps(one) + "\n" for one in content)
    else:
        text = json.dumps(content)
    path.write_text(text, encoding="utf-8", errors="surrogatepass")


SEEDS = {
    "openai-batch": Seed(
        "sums_output.jsonl",
        {
            "sums_output.jsonl": [batch_answer(1, "2"), *batch_failures()],
            "sums_input.jsonl": [batch_request(number) for number in (1, 3, 4)],
        },
        "openai-batch",
    ),
    "swe-bench": Seed(
        "org__model-1.5.run1.json",
        {
            "org__model-1.5.run1.json": swe_bench_report(),
            "all_preds.jsonl": swe_bench_predictions(),
            "problems.jsonl": [{"instance_id": "a__b-1", "problem_statement": "Sums are wrong"}],
        },
        "swe-bench",
    ),
    "azure": Seed("evaluation_results.json", {"evaluation_results.json": azure_document()}, "azure"),
    "promptfoo-csv": Seed("results.csv", {"results.csv": promptfoo_csv()}, "promptfoo-csv"),
    "mt-bench": Seed(
        "mt_bench/model_judgment/gpt-4_single.jsonl",
        {
            "mt_bench/model_judgment/gpt-4_single.jsonl": [rating(81, 1, 9), rating(81, 2, 4.5), rating(82, 1, -1)],
            "mt_bench/question.jsonl": [
                {"question_id": 81, "category": "writing", "turns": ["Write a line.", "Shorter."]},
                {"question_id": 82, "category": "math", "turns": ["1+1?", "2+2?"], "reference": ["2", "4"]},
            ],
            "mt_bench/model_answer/tiny.jsonl": [
                {
                    "question_id": 81,
                    "answer_id": "a",
                    "model_id": "tiny",
                    "tstamp": 1.5,
                    "choices": [{"index": 0, "turns": ["A long line.", "A line."]}],
                },
            ],
        },
        "mt-bench",
        {"default_score_range": (1.0, 10.0)},
    ),
    "arena-hard": Seed(
        "bench/model_judgment/gpt-4.1/tiny.jsonl",
        {
            "bench/model_judgment/gpt-4.1/tiny.jsonl": [
                game("u1", "B>>A", "A=B"),
                game("u2", "A>B", None),
                game("u3", None, None),
            ],
            "bench/question.jsonl": [
                {"uid": "u1", "category": "hard_prompt", "subcategory": "names", "prompt": "Name a fish."}
            ],
            "bench/model_answer/tiny.jsonl": [
                {
                    "uid": "u1",
                    "ans_id": "x",
                    "model": "tiny",
                    "messages": [
                        {"role": "user", "content": "Name a fish."},
                        {"role": "assistant", "content": {"answer": "Cod"}},
                    ],
                },
            ],
        },
        "mt-bench",
    ),
    "evalplus": Seed(
        "org--tiny_vllm_temp_0.0_eval_results.json",
        {
            "org--tiny_vllm_temp_0.0_eval_results.json": evalplus_document(),
            "HumanEvalPlus.jsonl": [{"task_id": "HumanEval/0", "prompt": "def f():", "entry_point": "f"}],
            "org--tiny_vllm_temp_0.0.jsonl": [{"task_id": "HumanEval/0", "solution": "def f(): pass"}],
        },
        "humaneval",
    ),
    "humaneval": Seed(
        "samples.jsonl_results.jsonl",
        {
            "samples.jsonl_results.jsonl": [
                {"task_id": "HumanEval/0", "completion": " return 1", "result": "passed", "passed": True},
                {"task_id": "HumanEval/0", "completion": " return 2", "result": "failed: x", "passed": False},
            ],
            "samples.jsonl": [{"task_id": "HumanEval/0", "completion": " return 1"}],
        },
        "humaneval",
    ),
    "opencompass": Seed("20250101/predictions/tiny-hf/sums.json", opencompass_files(), "opencompass"),
    "l-eval": Seed(
        "talks/tiny.pred.jsonl",
        {"talks/tiny.pred.jsonl": [{"query": "Who?", "gt": "She", "prompt": "{}{}", "tiny_pred": "He",
                                    "evaluation": "LLM"}]},
        "opencompass",
    ),
    "mmlu-pro": Seed(
        "model_outputs_tiny-7b_5shots.json",
        {"model_outputs_tiny-7b_5shots.json": [mmlu_pro_output(1, "B"), mmlu_pro_output(2, "A"),
                                               mmlu_pro_output(3, None)]},
        "mmlu-pro",
    ),
    "alpaca-eval": Seed(
        "annotations.json",
        {
            "annotations.json": [annotation(1, 2.0), annotation(2, 1), annotation(3, 1.5), annotation(4, 0),
                                 annotation(5, None), annotation(6, 1.25)],
            "leaderboard.csv": [["", "win_rate", "n_total"], ["other", "9.0", "9"], ["tiny", "45.0", "5"]],
        },
        "alpaca-eval",
    ),
    "wide-table": Seed("comparison.csv", {"comparison.csv": WIDE}, "wide-table"),
    "tau-bench": Seed(
        "tiny-airline.json",
        {"tiny-airline.json": [tau_run(1, 0, 1.0), tau_run(1, 1, 0.0), tau_run(2, 0, 0.5)]},
        "tau-bench",
    ),
    "tau2-bench": Seed("run.json", {"run.json": tau2_document()}, "tau-bench"),
    "swe-agent": Seed("gpt__bench/a__b-1.traj", {"gpt__bench/a__b-1.traj": trajectory()}, "swe-agent"),
    "mini-swe-agent": Seed(
        "c__d-3.traj.json",
        {
            "c__d-3.traj.json": {
                "info": {"exit_status": "Submitted", "submission": "diff", "config": {"model": {"model_name": "o/m"}}},
                "messages": [
                    {"role": "system", "content": "You are an agent."},
                    {"role": "user", "content": "<pr_description>\nIt fails\n</pr_description>\nRules"},
                    {"role": "assistant", "content": "ls"}, {"role": "user", "content": "a.py"},
                    {"role": "assistant", "content": "submit"},
                ],
                "trajectory_format": "mini-swe-agent-1",
                "instance_id": "c__d-3",
            }
        },
        "swe-agent",
    ),
    "lighteval": Seed(
        f"details_lighteval|sums|0_{LIGHTEVAL_DATE}.jsonl",
        {
            f"details_lighteval|sums|0_{LIGHTEVAL_DATE}.jsonl": [lighteval_row(1, 1.0), lighteval_row(2, 0.0)],
            f"results_{LIGHTEVAL_DATE}.json": lighteval_results(),
        },
        "lighteval",
    ),
}  # fmt: skip
