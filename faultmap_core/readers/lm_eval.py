"""Read lm-evaluation-harness samples (`samples_TASK_TIME.jsonl`) as eval rows.

The file has one line per document and filter; here a document is one row. Its scores are named `metric,filter`, as
the harness prints them, or `metric` where there is one filter. Where lines do not name their filter, the n-th line of a
document is that of the n-th filter. The results file beside it names the model, says for each metric whether higher is
better, and holds the means that the rows are compared with.
Source: https://github.com/EleutherAI/lm-evaluation-harness, `--log_samples`, versions 0.4.0 to 0.4.9.
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
from faultmap_core.readers.raw_rows import Judged, NumberedRow, ScorerChoice, add_metadata, text_or_json
from faultmap_core.readers.reconciliation import Tally, ToolSummary, compare_count, compare_mean
from faultmap_core.readers.tabular import jsonl_rows, open_text

_NAME = re.compile(r"samples_(?P<task>.+?)(?:_(?P<time>\d{4}-\d\d-\d\dT[\d.:-]+))?\.(?:jsonl|ndjson)(?:\.gz)?", re.I)
_RESULT_MEMBERS = frozenset(
    {"config", "configs", "higher_is_better", "model_name", "model_source", "n-samples", "results"}
)
# Metrics of single documents in [0, 1], of which the harness takes the mean.
_SHARES = frozenset(
    {
        "acc", "acc_norm", "acc_mutual_info", "acc_bytes", "exact_match", "em", "f1", "contains", "math_verify",
        "prompt_level_strict_acc", "prompt_level_loose_acc", "pass@1",
    }
)  # fmt: skip
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


def rows(path: Path, options: EvalOptions, account: LineAccount) -> Generator[NumberedRow, None, list[ToolSummary]]:
    """Read one samples file; a row's line is that of the chosen filter."""
    run = _Run(path, options)
    filters = list(dict.fromkeys(name for _, _, name in run.samples() if name is not None)) or ["none"]
    several = len(filters) > 1
    wanted, kept = _wanted(options.scorer, filters)
    scorers, tally = ScorerChoice(wanted), Tally()
    others = _scores_of_other_filters(run, kept) if several else {}
    for line, sample, name in run.samples(account):
        if isinstance(sample, RowError) or name is None:
            yield line, sample
        elif name == kept:
            scores = {**_scores(sample, name if several else None), **others.get(str(sample["doc_id"]), {})}
            row = run.row(sample)
            scorers.apply(row, {one: run.judged(one, value) for one, value in scores.items()})
            run.check_direction(scorers.chosen)
            if several:
                row["filter"] = kept
            tally.add(row, scores)
            yield line, row
    scorers.check(path)
    return run.compared(tally, None if several else kept)


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
        said = results.get("results")
        said = said.get(self._task) if isinstance(said, dict) else None
        self._said: dict[str, Any] = said if isinstance(said, dict) else {}
        counts = results.get("n-samples")
        counts = counts.get(self._task) if isinstance(counts, dict) else None
        self._documents = counts.get("effective") if isinstance(counts, dict) else None
        self._filter_order = _filter_order(results, self._task, self._said)
        self.dataset = self._task or options.dataset_name

    def samples(self, account: LineAccount | None = None) -> Iterator[tuple[int, Row | RowError, str | None]]:
        """Yield line, sample and filter; the filter is None of what is no sample.

        Lines that do not name their filter are told apart by their order: a document has one line for each filter.
        """
        seen: Counter[str] = Counter()
        for line, sample in jsonl_rows(self._path, account):
            if isinstance(sample, RowError) or "doc_id" not in sample:
                yield line, sample, None
            elif "filter" in sample:
                yield line, sample, str(sample["filter"])
            else:
                document = str(sample["doc_id"])
                place = seen[document]
                seen[document] += 1
                yield line, sample, self._filter_at(place)

    def _filter_at(self, place: int) -> str:
        if self._filter_order:
            # A line more than there are filters is a repeat, and is reported as one.
            return self._filter_order[min(place, len(self._filter_order) - 1)]
        return "none" if place == 0 else f"filter {place + 1}"

    def judged(self, scorer: str, value: Any) -> Any:
        """Return a score with its metric; a truth value is a verdict."""
        if isinstance(value, bool):
            return value
        name = scorer.partition(",")[0]
        low, high = (0.0, 1.0) if name in _SHARES else (None, None)
        return Judged(value, Metric(scorer, low, high, self._directions.get(name, True)))

    def compared(self, tally: Tally, only_filter: str | None) -> list[ToolSummary]:
        """Compare the means of the results file with those of the rows, where a mean is what the harness takes.

        Args: only_filter: where there is one filter, whose scores are named without it.
        """
        found = list(compare_count("documents", self._documents, tally.rows))
        for name, value in self._said.items():
            metric, comma, filter_name = name.partition(",")
            if not comma or metric.endswith("_stderr") or metric not in _SHARES:
                continue
            own = metric if only_filter is not None and filter_name == only_filter else name
            found += compare_mean(f"mean {name}", value, tally.mean(own))
        return found

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
        """Raise EvalFileError where the settings contradict the harness on what a good score is."""
        said = self._directions.get((scorer or "").partition(",")[0])
        dataset = self.dataset or ""
        if said is not None and self._options.higher_is_better_in(dataset) not in (None, said):
            better = "higher" if said else "lower"
            raise EvalFileError(
                f"{self._path}: of {scorer!r} the {better} score is the better one; take datasets.{dataset}."
                f"higher_is_better out of faultmap.yaml, or choose another score with `--scorer`"
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


def _filter_order(results: Mapping[str, Any], task: str | None, said: Mapping[str, Any]) -> list[str]:
    """Return a task's filters in their order: as its configuration lists them, else as its results do."""
    configs = results.get("configs")
    config = configs.get(task) if isinstance(configs, dict) else None
    listed = config.get("filter_list") if isinstance(config, dict) else None
    names = [one.get("name") for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
    if not names:
        names = [name.partition(",")[2] for name in said if "," in name]
    return list(dict.fromkeys(name for name in names if isinstance(name, str)))


def _wanted(scorer: str | None, filters: Sequence[str]) -> tuple[str | None, str]:
    """Return the scorer's name as rows name it, and the filter whose lines become rows."""
    if scorer is None:
        return None, filters[0]
    metric, _, filter_name = scorer.partition(",")
    if len(filters) == 1:
        return (metric if filter_name == filters[0] else scorer), filters[0]
    kept = filter_name if filter_name in filters else filters[0]
    return (scorer if filter_name else f"{metric},{kept}"), kept


def _scores(sample: Mapping[str, Any], filter_name: str | None) -> dict[str, Any]:
    listed = sample.get("metrics")
    names = listed if isinstance(listed, list) else [name for name in sample if name not in _OWN_MEMBERS]
    return {
        str(name) if filter_name is None else f"{name},{filter_name}": sample[name]
        for name in names
        if isinstance(name, str) and isinstance(sample.get(name), bool | int | float)
    }


def _scores_of_other_filters(run: _Run, kept: str) -> dict[str, dict[str, Any]]:
    others: dict[str, dict[str, Any]] = {}
    for _, sample, name in run.samples():
        if not isinstance(sample, RowError) and name is not None and name != kept:
            others.setdefault(str(sample["doc_id"]), {}).update(_scores(sample, name))
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
