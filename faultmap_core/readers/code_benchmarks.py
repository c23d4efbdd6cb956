"""Read results of HumanEval (`*_results.jsonl`) and EvalPlus (`*_eval_results.json`) as eval rows.

Several samples of a task are epochs. HumanEval says `passed`; of EvalPlus a sample passes where the base tests and the
added ones pass (`--scorer base` takes the base tests alone), and its own pass@1 is compared. Prompts come from the
problems beside the results (`task_id`, `prompt`); without them the prompt is the task's name.
Sources: https://github.com/openai/human-eval, https://github.com/evalplus/evalplus (`evaluate.py`, 0.1 to 0.3).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Generator, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from faultmap_core.errors import EvalFileError
from faultmap_core.evals import EvalOptions, Row, RowError
from faultmap_core.metrics import Metric
from faultmap_core.readers.conservation import LineAccount
from faultmap_core.readers.json_stream import JsonStream
from faultmap_core.readers.objects import good_objects, object_or_error, objects_of, siblings
from faultmap_core.readers.outcomes import set_outcome, verdict_of
from faultmap_core.readers.raw_rows import NumberedRow, ScorerChoice, text_or_json
from faultmap_core.readers.reconciliation import ToolSummary, compare_mean
from faultmap_core.readers.shapes import Shape, shape_of
from faultmap_core.readers.tabular import dataset_of, open_text

_ANSWERS = ("solution", "completion", "code")
_RUN = re.compile(r"_(?:[a-z]+_)?temp_[\d.]+.*$")


def is_samples_results(shape: Shape) -> bool:
    """Say whether a file holds judged samples, one a line."""
    judged = "passed" in shape.keys or "base_status" in shape.keys
    return "task_id" in shape.keys and judged and bool(shape.keys & set(_ANSWERS))


def is_evalplus(shape: Shape) -> bool:
    """Say whether a file is the document of EvalPlus."""
    return not shape.in_list and not shape.in_table and "eval" in shape.inside and bool(shape.keys & {"hash", "date"})


def fits(shape: Shape) -> bool:
    """Say whether a file holds results of one of the two."""
    return is_samples_results(shape) or is_evalplus(shape)


def is_problems(shape: Shape) -> bool:
    """Say whether a file holds the problems of such a benchmark."""
    return {"task_id", "prompt"} <= shape.keys and bool(shape.keys & {"entry_point", "canonical_solution", "test"})


def is_samples(shape: Shape) -> bool:
    """Say whether a file holds samples that were not judged."""
    return "task_id" in shape.keys and bool(shape.keys & {"completion", "solution"}) and len(shape.keys) <= 3


def companions(path: Path) -> list[Path]:
    """Return the problems beside the results."""
    return [one for one in siblings(path) if is_problems(shape_of(one))][:1]


def rows(path: Path, options: EvalOptions, account: LineAccount) -> Generator[NumberedRow, None, Sequence[ToolSummary]]:
    """Read one results file; a row's number is its line, or its place in the document."""
    prompts = {text_or_json(one.get("task_id")): one.get("prompt") for file in companions(path)
               for one in good_objects(file)}  # fmt: skip
    scorers = ScorerChoice(options.scorer)
    seen: Counter[str] = Counter()
    passed: dict[str, dict[str, list[bool]]] = {}
    model = _model_of(path)
    for number, sample in _samples(path, account):
        if isinstance(sample, RowError):
            yield number, sample
            continue
        task = text_or_json(sample.get("task_id")) or ""
        seen[task] += 1
        verdicts = _verdicts(sample)
        row: dict[str, Any] = {
            "dataset": options.dataset_name or task.partition("/")[0] or "humaneval",
            "model": text_or_json(sample.get("model")) or options.model_name or model,
            "example_id": task,
            "epoch": seen[task],
            "input_text": prompts.get(task) or task,
            "output_text": text_or_json(next((sample[name] for name in _ANSWERS if name in sample), None)),
        }
        scorers.apply(row, {name: None if verdict is None else float(verdict) for name, verdict in verdicts.items()})
        if scorers.chosen in verdicts:
            set_outcome(row, options, Metric(scorers.chosen, 0.0, 1.0), row["score"], verdicts[scorers.chosen])
        if isinstance(result := sample.get("result"), str):
            row["scored_explanation"] = result
        for name, verdict in verdicts.items():
            passed.setdefault(name, {}).setdefault(task, []).append(verdict is True)
        yield number, row
    scorers.check(path)
    return list(_summaries(path, passed))


def _samples(path: Path, account: LineAccount) -> Iterator[NumberedRow]:
    if not is_evalplus(shape_of(path)):
        yield from objects_of(path, account=account)
        return
    number = 0
    with open_text(path) as text:
        stream = JsonStream(text, str(path))
        for member in stream.members():
            if member != "eval" or stream.peek() != "{":
                continue
            for task in stream.members():
                if stream.peek() != "[":
                    number += 1
                    yield number, RowError(f"{task[:60]}: expected a list of samples")
                    continue
                for _ in stream.items():
                    number += 1
                    sample = object_or_error(stream)
                    yield number, sample if isinstance(sample, RowError) else {"task_id": task, **sample}


def _verdicts(sample: Row) -> dict[str, bool | None]:
    """Return what the tests say, the strictest first."""
    if "base_status" not in sample:
        return {"passed": verdict_of(sample.get("passed"))}
    base, plus = _status(sample.get("base_status")), _status(sample.get("plus_status"))
    if plus is None:
        return {"base": base}
    return {"plus": bool(base and plus), "base": base}


def _status(status: Any) -> bool | None:
    """Return whether tests passed: `pass`, `fail` or `timeout`; older versions add details in a list."""
    while isinstance(status, list) and status:
        status = status[0]
    return None if not isinstance(status, str) or not status else status == "pass"


def _model_of(path: Path) -> str | None:
    """Return the model that EvalPlus puts into the file's name: `org--model_vllm_temp_0.0_eval_results.json`."""
    name, found = _RUN.subn("", dataset_of(path), count=1)
    return name.replace("--", "/") if found and name else None


def _summaries(path: Path, passed: Mapping[str, Mapping[str, Sequence[bool]]]) -> Iterator[ToolSummary]:
    if not is_evalplus(shape_of(path)):
        return
    try:
        with open_text(path) as text:
            told = JsonStream(text, str(path)).head(frozenset({"pass_at_k"})).get("pass_at_k")
    except EvalFileError:
        return
    for name, shares in told.items() if isinstance(told, dict) else ():
        tasks = [sum(of) / len(of) for of in passed.get(name, {}).values()]
        if isinstance(shares, dict) and tasks:
            yield from compare_mean(f"pass@1 {name}", shares.get("pass@1"), sum(tasks) / len(tasks))
