"""Small logs in the layouts of the eval tools, written as the tools write them (see each function)."""

from __future__ import annotations

import json
import struct
import zipfile
import zlib
from pathlib import Path
from typing import Any

import pyarrow as pa

ZSTANDARD = 93


def inspect_sample(**changes: Any) -> dict[str, Any]:
    """A sample as Inspect AI 0.3.285 writes it, with what a reader must skip."""
    answer = {"id": "m3", "content": "The answer is 4", "source": "generate", "role": "assistant", "model": "mock"}
    sample: dict[str, Any] = {
        "id": "007",
        "epoch": 1,
        "input": "What is 2+2?",
        "target": "4",
        "messages": [{"id": "m1", "content": "What is 2+2?", "source": "input", "role": "user"}, answer],
        "output": {"model": "mock", "choices": [{"message": answer, "stop_reason": "stop"}], "completion": "ignored"},
        "scores": {
            "match": {"value": "C", "answer": "4", "explanation": "it is 4", "history": []},
            "includes": {"value": "I", "answer": "4"},
            "graded": {"value": {"style": 0.25, "facts": 1}},
        },
        "metadata": {"level": "easy", "model": "not the model"},
        "store": {"big": ["x"] * 50},
        "events": [{"event": "sample_init", "data": {"deep": [[[{"a": ']}\\"'}]]]}}] * 3,
        "model_usage": {},
        "total_time": 0.9,
        "attachments": {},
    }
    return {**sample, **changes}


def inspect_header(**changes: Any) -> dict[str, Any]:
    """The head of a log."""
    scorers = [{"name": name, "options": {}} for name in ("match", "includes", "graded")]
    return {
        "version": 2,
        "status": "success",
        "eval": {"task": "sums", "model": "openai/gpt-4o", "dataset": {"name": "sums"}, "scorers": scorers},
        "plan": {"name": "plan", "steps": [], "config": {}},
        "results": {"total_samples": 4, "scores": [{"name": "match", "scorer": "match"}]},
        **changes,
    }


def write_inspect_json(path: Path, *samples: dict[str, Any], header: dict[str, Any] | None = None) -> Path:
    """A `.json` log: the head, then the samples."""
    path.write_text(json.dumps({**(header or inspect_header()), "samples": list(samples), "reductions": []}))
    return path


def write_inspect_zip(
    path: Path,
    *samples: dict[str, Any],
    header: dict[str, Any] | None = None,
    zstandard: bool = False,
    crashed: bool = False,
) -> Path:
    """An `.eval` log; a crashed run has no header.json, only its journal."""
    head = "_journal/start.json" if crashed else "header.json"
    entries = {"_journal/start.json": json.dumps(header or inspect_header())}
    for sample in samples:
        entries[f"samples/{sample['id']}_epoch_{sample['epoch']}.json"] = json.dumps(sample)
    entries["summaries.json"] = "[]"
    entries[head] = json.dumps(header or inspect_header())
    write_zip(path, entries, zstandard=zstandard)
    return path


def write_zip(path: Path, entries: dict[str, str], *, zstandard: bool = False) -> Path:
    """A zip file; zstandard, which Python's zipfile knows from 3.14 on, is put together by hand."""
    if not zstandard:
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, text in entries.items():
                archive.writestr(name, text)
        return path
    body, directory = b"", b""
    for name, text in entries.items():
        raw, place = text.encode(), len(body)
        packed = pa.compress(raw, codec="zstd", asbytes=True)
        fields = struct.pack("<HHHHHIIIHH", 20, 0, ZSTANDARD, 0, 0x21, zlib.crc32(raw), len(packed), len(raw),
                             len(name.encode()), 0)  # fmt: skip
        body += b"PK\x03\x04" + fields + name.encode() + packed
        directory += b"PK\x01\x02" + struct.pack("<H", 20) + fields + struct.pack("<HHHII", 0, 0, 0, 0, place)
        directory += name.encode()
    end = struct.pack("<HHHHIIH", 0, 0, len(entries), len(entries), len(directory), len(body), 0)
    path.write_bytes(body + directory + b"PK\x05\x06" + end)
    return path


def lm_eval_sample(doc_id: int, **changes: Any) -> dict[str, Any]:
    """A line of `samples_*.jsonl` of lm-eval 0.4.9."""
    sample = {
        "doc_id": doc_id,
        "doc": {"question": f"What is {doc_id}+1?", "subject": "sums", "answer": str(doc_id + 1)},
        "target": str(doc_id + 1),
        "arguments": {"gen_args_0": {"arg_0": f"Q: What is {doc_id}+1?\nA:", "arg_1": {"until": ["\n"]}}},
        "resps": [[f" {doc_id + 1}."]],
        "filtered_resps": [str(doc_id + 1)],
        "filter": "none",
        "metrics": ["exact_match"],
        "doc_hash": "d",
        "prompt_hash": "p",
        "target_hash": "t",
        "exact_match": 1.0,
    }
    return {**sample, **changes}


def write_lm_eval(
    folder: Path,
    *samples: dict[str, Any],
    task: str = "sums",
    results: dict[str, Any] | None = None,
    time: str = "2026-01-21T03-44-18.458309",
) -> Path:
    """A samples file with its results file beside it; without one where `results` is empty."""
    default = {
        "results": {task: {"exact_match,none": 1.0}},
        "configs": {task: {"task": task, "metric_list": [{"metric": "exact_match", "higher_is_better": True}]}},
        "higher_is_better": {task: {"exact_match": True}},
        "config": {"model": "hf", "model_args": "pretrained=org/tiny-model,dtype=float"},
        "pretty_env_info": "x" * 1000,
    }
    if results is None or results:
        (folder / f"results_{time}.json").write_text(json.dumps(default if results is None else results))
    path = folder / f"samples_{task}_{time}.jsonl"
    path.write_text("".join(json.dumps(sample) + "\n" for sample in samples))
    return path


def helm_request(instance_id: str, answer: str, **changes: Any) -> dict[str, Any]:
    """A request state of a HELM multiple-choice run."""
    references = [
        {"output": {"text": "external"}, "tags": []},
        {"output": {"text": "internal"}, "tags": ["correct"]},
    ]
    state = {
        "instance": {"input": {"text": "Where?"}, "references": references, "split": "test", "id": instance_id},
        "train_trial_index": 0,
        "output_mapping": {"A": "external", "B": "internal"},
        "request": {"model": "openai/gpt2", "prompt": f"Preamble\n\nQuestion {instance_id}: Where?\nAnswer:"},
        "result": {"success": True, "completions": [{"text": answer, "logprob": 0.0}]},
        "num_conditioning_tokens": 0,
    }
    return {**state, **changes}


def helm_stats(instance_id: str, trial: int = 0, perturbation: str = "", **metrics: float) -> dict[str, Any]:
    """An entry of per_instance_stats.json."""
    stats = [{"name": {"name": name, "split": "test"}, "count": 1, "mean": mean} for name, mean in metrics.items()]
    bookkeeping = {"name": {"name": "num_prompt_tokens", "split": "test"}, "count": 1, "mean": 333.0}
    entry: dict[str, Any] = {"instance_id": instance_id, "train_trial_index": trial, "stats": [bookkeeping, *stats]}
    return {**entry, "perturbation": {"name": perturbation}} if perturbation else entry


def write_helm(folder: Path, states: list[dict[str, Any]], stats: list[dict[str, Any]]) -> Path:
    """A run folder; returns the path of its scenario_state.json."""
    run = folder / "mmlu-subject=philosophy,model=openai_gpt2"
    run.mkdir()
    spec = {
        "name": "mmlu:subject=philosophy,model=openai_gpt2,method=joint",
        "adapter_spec": {"model": "openai/gpt2"},
        "metric_specs": [{"class_name": "Basic", "args": {"names": ["exact_match", "quasi_exact_match"]}}],
    }
    files = {
        "run_spec.json": spec,
        "scenario.json": {"name": "mmlu"},
        "stats.json": [{"name": {"name": "exact_match"}}],
        "per_instance_stats.json": stats,
        "scenario_state.json": {"adapter_spec": {"model": "openai/gpt2"}, "request_states": states},
    }
    for name, content in files.items():
        (run / name).write_text(json.dumps(content))
    return run / "scenario_state.json"


def promptfoo_result(test: int, position: int = 0, **changes: Any) -> dict[str, Any]:
    """A result of promptfoo 0.120, `EvaluateResult`."""
    result = {
        "cost": 0.001,
        "gradingResult": {"pass": True, "score": 1, "reason": "All assertions passed", "componentResults": []},
        "id": f"r{test}{position}",
        "latencyMs": 12,
        "namedScores": {"tone": 0.5},
        "prompt": {"raw": f"Translate number {test}", "label": "Translate number {{n}}"},
        "promptId": "f00d",
        "promptIdx": position,
        "provider": {"id": "openai:gpt-4o", "label": ""},
        "response": {"output": f"number {test}", "tokenUsage": {}},
        "score": 1,
        "success": True,
        "testCase": {"vars": {"n": test, "lang": "de"}, "assert": [{"type": "equals", "value": f"Nummer {test}"}]},
        "testIdx": test,
        "vars": {"n": test, "lang": "de"},
        "failureReason": 0,
    }
    return {**result, **changes}


def write_promptfoo(path: Path, *results: dict[str, Any]) -> Path:
    """A results file, version 3 (`-o results.json`)."""
    summary = {"version": 3, "timestamp": "2026-01-01", "prompts": [], "results": list(results), "stats": {}}
    content = {"evalId": "eval-x", "results": summary, "config": {"description": "numbers"}, "shareableUrl": None}
    path.write_text(json.dumps(content))
    return path


def openai_evals_lines() -> list[dict[str, Any]]:
    """A record file of OpenAI evals 3.0: two samples, interleaved; one that failed; one graded by a model."""

    def event(sample: str, kind: str, data: dict[str, Any]) -> dict[str, Any]:
        return {"run_id": "r", "event_id": 0, "sample_id": sample, "type": kind, "data": data, "created_at": "x"}

    prompt = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "2+2?"}]
    return [
        {"spec": {"completion_fns": ["gpt-4o"], "eval_name": "sums.dev.v0", "base_eval": "sums", "split": "dev"}},
        event("sums.dev.0", "sampling", {"prompt": prompt, "sampled": ["4"]}),
        event("sums.dev.1", "sampling", {"prompt": "3+3?", "sampled": ["7"]}),
        event("sums.dev.0", "match", {"correct": True, "expected": ["4"], "picked": "4", "sampled": "4"}),
        event("sums.dev.1", "match", {"correct": False, "expected": ["6", "six"], "picked": None, "sampled": "7"}),
        event("sums.dev.2", "error", {"type": "RateLimitError", "message": "429, try later"}),
        event("sums.dev.2", "raw_sample", {"input": "5+5?", "ideal": "10"}),
        event("sums.dev.3", "sampling", {"prompt": "Joke?", "sampled": ["Ha"]}),
        event("sums.dev.3", "sampling", {"prompt": "Grade this joke", "sampled": ["C"]}),
        event("sums.dev.3", "metrics", {"choice": "C", "score": 0.25}),
        {"final_report": {"accuracy": 0.5}, "run_id": "r"},
    ]


def every_eval_ever_record(sample: str = "gsm8k_0001", **changes: Any) -> dict[str, Any]:
    """A record of the instance-level schema 0.2.2."""
    record = {
        "schema_version": "0.2.2",
        "evaluation_id": "GSM8K/org_model/1",
        "model_id": "org/model",
        "evaluation_name": "GSM8K",
        "sample_id": sample,
        "interaction_type": "single_turn",
        "input": {"raw": "2+2?", "reference": ["4"], "choices": ["3", "4"]},
        "output": {"raw": ["4"]},
        "messages": None,
        "answer_attribution": [],
        "evaluation": {"score": 1.0, "is_correct": True},
        "metadata": {"subject": "sums"},
    }
    return {**record, **changes}


def write_lines(path: Path, *rows: dict[str, Any]) -> Path:
    """A JSONL file."""
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path
