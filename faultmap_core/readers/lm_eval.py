"""How do lm-evaluation-harness samples (`samples_TASK_TIME.jsonl`) become eval rows?

The file has one line per document and filter; here a document is one row. Its scores are named `metric,filter`, as
the harness prints them, or `metric` where there is one filter. The results file beside it names the model and says for
each metric whether higher is better.
Source: https://github.com/EleutherAI/lm-evaluation-harness, `--log_samples`, versions 0.4.0 to 0.4.9.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from faultmap_core.errors import EvalFileError
from faultmap_core.evals import EvalOptions, RowError
from faultmap_core.readers.json_stream import JsonStream
from faultmap_core.readers.raw_rows import NumberedRow, ScorerChoice, add_metadata, text_or_json
from faultmap_core.readers.tabular import jsonl_rows, open_text

_NAME = re.compile(r"samples_(?P<task>.+?)(?:_(?P<time>\d{4}-\d\d-\d\dT[\d.:-]+))?\.(?:jsonl|ndjson)(?:\.gz)?", re.I)
_RESULT_MEMBERS = frozenset({"config", "configs", "higher_is_better", "model_name", "model_source"})
_OWN_MEMBERS = frozenset(
    {
        "doc_id", "doc", "target", "arguments", "resps", "filtered_resps", "filter", "metrics", "doc_hash",
        "prompt_hash", "target_hash",
    }
)  # fmt: skip
_PRETRAINED = re.compile(r"(?:^|,)\s*(?:pretrained|model|engine|path)=([^,]+)")


def is_lm_eval_row(row: Mapping[str, Any]) -> bool:
    """Say whether a row is one of the harness's samples."""
    return {"doc_id", "doc", "arguments"} <= row.keys() and bool({"resps", "filtered_resps"} & row.keys())


def results_file(path: Path) -> Path | None:
    """Return the results file that belongs to a samples file: of the same time, else the last of the folder."""
    named = _NAME.fullmatch(path.name)
    if named is None:
        return None
    if named["time"] and (same := path.with_name(f"results_{named['time']}.json")).is_file():
        return same
    return max(path.parent.glob("results*.json"), key=lambda found: found.name, default=None)


def rows(path: Path, options: EvalOptions) -> Iterator[NumberedRow]:
    """Read one samples file; a row's line is that of the chosen filter."""
    run = _Run(path, options)
    filters = _filters(path)
    several = len(filters) > 1
    wanted, kept = _wanted(options.scorer, filters)
    scorers = ScorerChoice(wanted)
    others = _scores_of_other_filters(path, kept) if several else {}
    for line, sample in jsonl_rows(path):
        if isinstance(sample, RowError) or "doc_id" not in sample:
            yield line, sample
        elif _filter(sample) == kept:
            scores = {**_scores(sample, several), **others.get(str(sample["doc_id"]), {})}
            row = run.row(sample)
            scorers.apply(row, scores)
            run.check_direction(scorers.chosen)
            if several:
                row["filter"] = kept
            yield line, row
    scorers.check(path)


class _Run:
    """What the results file says about all samples of a task."""

    def __init__(self, path: Path, options: EvalOptions) -> None:
        self._path, self._options = path, options
        named = _NAME.fullmatch(path.name)
        self._task = named["task"] if named else None
        beside = results_file(path)
        results = _read_results(beside) if beside else {}
        self._model = _model(results)
        if self._model is None and options.model_name is None:
            raise EvalFileError(
                f"{path}: no results file beside it names the model; put it there or use `--model-name NAME`"
            )
        self._directions = _directions(results, self._task)
        self.dataset = self._task or options.dataset_name

    def row(self, sample: Mapping[str, Any]) -> dict[str, Any]:
        arguments = _arguments(sample.get("arguments"))
        prompt, choices = _prompt(arguments)
        row: dict[str, Any] = {
            "dataset": self.dataset,
            "model": self._model,
            "example_id": sample["doc_id"],
            "input_text": prompt,
            "output_text": _answer(sample, choices),
            "correct_answer": _target(sample.get("target"), choices),
        }
        if choices:
            row["choices"] = [choice.strip() for choice in choices]
        add_metadata(row, sample.get("doc"), "doc")
        return row

    def check_direction(self, scorer: str | None) -> None:
        """Raise EvalFileError where the harness and the settings disagree on what a good score is."""
        said = self._directions.get((scorer or "").partition(",")[0])
        dataset = self.dataset or ""
        if said is not None and said != self._options.higher_is_better_in(dataset):
            better = "higher" if said else "lower"
            raise EvalFileError(
                f"{self._path}: of {scorer!r} the {better} score is the better one; set datasets.{dataset}."
                f"higher_is_better: {str(said).lower()} in faultmap.yaml, or choose another score with `--scorer`"
            )


def _read_results(path: Path) -> dict[str, Any]:
    with open_text(path) as text:
        return JsonStream(text, str(path)).head(_RESULT_MEMBERS)


def _model(results: Mapping[str, Any]) -> str | None:
    config = results.get("config")
    config = config if isinstance(config, dict) else {}
    arguments = config.get("model_args")
    if isinstance(arguments, dict):
        arguments = ",".join(f"{name}={value}" for name, value in arguments.items())
    in_arguments = _PRETRAINED.search(arguments) if isinstance(arguments, str) else None
    for name in (results.get("model_name"), in_arguments and in_arguments[1], config.get("model")):
        if isinstance(name, str) and name.strip():
            return name.strip()
    return None


def _directions(results: Mapping[str, Any], task: str | None) -> dict[str, bool]:
    """Return metric -> whether higher is better, where the results file says it."""
    said = results.get("higher_is_better")
    of_task = said.get(task) if isinstance(said, dict) else None
    if not isinstance(of_task, dict):
        configs = results.get("configs")
        config = configs.get(task) if isinstance(configs, dict) else None
        listed = config.get("metric_list") if isinstance(config, dict) else None
        metrics = [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
        of_task = {str(one.get("metric")): one.get("higher_is_better") for one in metrics}
    return {name: value for name, value in of_task.items() if isinstance(value, bool)}


def _filter(sample: Mapping[str, Any]) -> str:
    return str(sample.get("filter", "none"))


def _filters(path: Path) -> list[str]:
    """Return the filters of a file in their order, at least one."""
    samples = (sample for _, sample in jsonl_rows(path) if not isinstance(sample, RowError))
    return list(dict.fromkeys(_filter(sample) for sample in samples if "doc_id" in sample)) or ["none"]


def _wanted(scorer: str | None, filters: Sequence[str]) -> tuple[str | None, str]:
    """Return the scorer's name as rows name it, and the filter whose lines become rows."""
    if scorer is None:
        return None, filters[0]
    metric, _, filter_name = scorer.partition(",")
    if len(filters) == 1:
        return (metric if filter_name == filters[0] else scorer), filters[0]
    kept = filter_name if filter_name in filters else filters[0]
    return (scorer if filter_name else f"{metric},{kept}"), kept


def _scores(sample: Mapping[str, Any], several: bool) -> dict[str, Any]:
    listed = sample.get("metrics")
    names = listed if isinstance(listed, list) else [name for name in sample if name not in _OWN_MEMBERS]
    return {
        f"{name},{_filter(sample)}" if several else str(name): sample[name]
        for name in names
        if isinstance(name, str) and isinstance(sample.get(name), bool | int | float)
    }


def _scores_of_other_filters(path: Path, kept: str) -> dict[str, dict[str, Any]]:
    others: dict[str, dict[str, Any]] = {}
    for _, sample in jsonl_rows(path):
        if not isinstance(sample, RowError) and "doc_id" in sample and _filter(sample) != kept:
            others.setdefault(str(sample["doc_id"]), {}).update(_scores(sample, several=True))
    return others


def _arguments(arguments: Any) -> list[tuple[Any, Any]]:
    """Return the requests of a document as (prompt, continuation or settings)."""
    if isinstance(arguments, dict):
        parts = [part for part in arguments.values() if isinstance(part, dict)]
        return [(part.get("arg_0"), part.get("arg_1")) for part in parts]
    if isinstance(arguments, list):
        return [(part[0], part[1] if len(part) > 1 else None) for part in arguments if isinstance(part, list) and part]
    return []


def _prompt(arguments: Sequence[tuple[Any, Any]]) -> tuple[str | None, list[str]]:
    """Return what was asked and, of a multiple choice, the continuations that were weighed."""
    if not arguments:
        return None, []
    prompts = [text_or_json(prompt) or "" for prompt, _ in arguments]
    if len(arguments) == 1 or not all(isinstance(continuation, str) for _, continuation in arguments):
        return prompts[0], []
    shared = _common_beginning(prompts)
    # Where the choice stands in the middle (WinoGrande), the prompts themselves differ.
    return shared, [
        prompt[len(shared) :] + continuation for prompt, (_, continuation) in zip(prompts, arguments, strict=True)
    ]


def _common_beginning(texts: Sequence[str]) -> str:
    first, last = min(texts), max(texts)
    length = next((index for index, pair in enumerate(zip(first, last, strict=False)) if pair[0] != pair[1]), None)
    return first[:length]


def _answer(sample: Mapping[str, Any], choices: Sequence[str]) -> str | None:
    answers = sample.get("filtered_resps", sample.get("resps"))
    if not isinstance(answers, list) or not answers:
        return text_or_json(answers)
    if not choices:
        return text_or_json(_first(answers))
    likelihoods = [_number(_first(answer)) for answer in answers]
    if len(likelihoods) != len(choices) or None in likelihoods:
        return text_or_json(answers)
    best = max(range(len(choices)), key=lambda index: (likelihoods[index] or 0.0, -index))
    return choices[best].strip()


def _first(value: Any) -> Any:
    while isinstance(value, list) and value:
        value = value[0]
    return value


def _number(value: Any) -> float | None:
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        return None


def _target(target: Any, choices: Sequence[str]) -> Any:
    """Return the reference; of a multiple choice the choice that the target's number names."""
    stripped = [choice.strip() for choice in choices]
    text = str(target).strip()
    if choices and text not in stripped and text.isdecimal() and int(text) < len(stripped):
        return stripped[int(text)]
    return target
