"""Read a HELM run folder as eval rows.

`scenario_state.json` holds the requests, `per_instance_stats.json` the scores, `run_spec.json` the name. One row per
instance; another draw of few-shot examples (`train_trial_index`) is a repeat of it. The name of the run without its
model is the dataset, so that runs of several models meet. The means of `stats.json` are compared with the rows'.
Source: https://crfm-helm.readthedocs.io, `helm-run`, version 0.5.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import groupby
from pathlib import Path
from typing import Any

from faultmap_core.errors import EvalFileError
from faultmap_core.evals import EvalOptions, RowError
from faultmap_core.metrics import Metric
from faultmap_core.readers.conservation import LineAccount
from faultmap_core.readers.json_stream import JsonStream
from faultmap_core.readers.raw_rows import Judged, NumberedRow, ScorerChoice, add_metadata, choices_text, set_error
from faultmap_core.readers.reconciliation import Tally, ToolSummary, compare_count, compare_mean
from faultmap_core.readers.tabular import open_text

STATE_FILE = "scenario_state.json"
SPEC_FILE = "run_spec.json"
STATS_FILE = "per_instance_stats.json"
SUMMARY_FILE = "stats.json"

_STATE_MEMBERS = frozenset(
    {"instance", "train_trial_index", "output_mapping", "request", "result", "reference_index", "request_mode"}
)
_MODEL_PART = re.compile(r",?\b(?:model|model_deployment)=[^,]*")
# What HELM records of each request beside its metrics.
_BOOKKEEPING = re.compile(
    r"num_.*|.*_tokens|.*runtime.*|.*_cost|batch_size|finish_reason_.*|logprob.*|predicted_index|max_prob|"
    r"training_.*|inference_.*|.*_count|prompt_truncated"
)

_SHARES = re.compile(r"(?:quasi_|prefix_|quasi_prefix_|final_number_)*exact_match(?:@\d+)?|f1_score|rouge_.*|bleu_.*")
_LOWER_IS_BETTER = re.compile(r"toxic|bits_per_byte|perplexity|edit_distance|(?:^|_)ece|calibration_error")
_INSTANCES = "num_instances"

_Key = tuple[str, int, str]


def rows(path: Path, options: EvalOptions, _account: LineAccount) -> Generator[NumberedRow, None, list[ToolSummary]]:
    """Read the run that `scenario_state.json` belongs to; a row's line is the position of its first request."""
    spec = _read_spec(path.with_name(SPEC_FILE))
    dataset = _dataset(spec.get("name"), path)
    stats = _read_stats(path.with_name(STATS_FILE))
    measured = {name for metrics in stats.values() for name in metrics}
    order = sorted(measured, key=_rank(_metric_names(spec.get("metric_specs"))))
    scorers = ScorerChoice(options.scorer, order, sure=True)
    tallies: dict[str, Tally] = {}
    for _, group in groupby(_states(path), key=lambda numbered: _identity(numbered[1])):
        states = list(group)
        line, state = states[0]
        if isinstance(state, RowError):
            yield from states
            continue
        requests = [one for _, one in states if not isinstance(one, RowError)]
        row = _row(requests, dataset, spec)
        scores = stats.get(_key(state), {})
        scorers.apply(row, {name: Judged(value, _metric(name)) for name, value in scores.items()})
        if error := _error(requests):
            set_error(row, error)
        if "perturbation" not in row:
            tally = tallies.setdefault(str(state["instance"].get("split")), Tally())
            tally.add(row, {**scores, _INSTANCES: 1}, _key(state)[0])
        yield line, row
    scorers.check(path)
    return list(_compared(path.with_name(SUMMARY_FILE), tallies))


def _rank(named: Sequence[str]) -> Callable[[str], tuple[int, str]]:
    """The metrics that the run names itself come first, in its order; then goes the alphabet."""
    return lambda name: (named.index(name) if name in named else len(named), name)


def _metric(name: str) -> Metric:
    """Return the identity of a metric; shares of matching text run from 0 to 1, of other metrics HELM says nothing."""
    low, high = (0.0, 1.0) if _SHARES.fullmatch(name) else (None, None)
    return Metric(name, low, high, _LOWER_IS_BETTER.search(name) is None, source="default")


def _compared(path: Path, tallies: Mapping[str, Tally]) -> Iterator[ToolSummary]:
    """Compare `stats.json`, of unchanged prompts, with the rows, split by split."""
    for stat in _summary(path):
        name = stat.get("name")
        if not isinstance(name, dict) or name.get("perturbation") or not isinstance(metric := name.get("name"), str):
            continue
        split = str(name.get("split"))
        tally = tallies.get(split)
        if tally is None or (metric != _INSTANCES and tally.mean(metric) is None):
            continue
        if metric == _INSTANCES:
            yield from compare_count(f"instances of {split}", stat.get("mean"), tally.count(_INSTANCES))
        else:
            yield from compare_mean(f"mean {metric} of {split}", stat.get("mean"), tally.mean(metric))


def _summary(path: Path) -> Iterator[dict[str, Any]]:
    if not path.is_file():
        return
    with open_text(path) as text:
        stream = JsonStream(text, str(path))
        if stream.peek() == "[":
            for _ in stream.items():
                with suppress(RowError):
                    yield stream.record({"name", "mean"})


def _states(path: Path) -> Iterator[NumberedRow]:
    with open_text(path) as text:
        stream = JsonStream(text, str(path))
        found = False
        for member in stream.members():
            if member == "request_states" and stream.peek() == "[":
                found = True
                for position in stream.items():
                    yield position + 1, _state(stream)
        if not found:
            raise EvalFileError(f"{path}: this is no run of HELM: it has no `request_states`")


def _state(stream: JsonStream) -> dict[str, Any] | RowError:
    try:
        state = stream.record(_STATE_MEMBERS)
    except RowError as error:
        return error
    if not isinstance(state.get("instance"), dict) or not isinstance(state.get("request"), dict):
        return RowError("a request without an instance")
    return state


def _identity(state: Any) -> Any:
    """Requests that belong to one instance have one identity: one per reference where each is weighed by itself."""
    if isinstance(state, RowError) or state.get("reference_index") is None:
        return object()
    return _key(state)


def _key(state: Mapping[str, Any]) -> _Key:
    instance = state["instance"]
    return str(instance.get("id")), _trial(state.get("train_trial_index")), _perturbation(instance.get("perturbation"))


def _trial(value: Any) -> int:
    return value if isinstance(value, int) and 0 <= value < 2**31 - 1 else 0


def _perturbation(value: Any) -> str:
    return str(value.get("name", "")) if isinstance(value, dict) else ""


def _row(requests: Sequence[Mapping[str, Any]], dataset: str, spec: Mapping[str, Any]) -> dict[str, Any]:
    state = requests[0]
    instance, request = state["instance"], state["request"]
    mapping = state.get("output_mapping")
    references = instance.get("references")
    references = [one for one in references if isinstance(one, dict)] if isinstance(references, list) else []
    example_id, trial, perturbation = _key(state)
    # A perturbed prompt is another example, not another try of the same.
    example_id = f"{example_id} [{perturbation}]" if perturbation else example_id
    row: dict[str, Any] = {
        "dataset": dataset,
        "model": request.get("model") or _model(spec),
        "example_id": example_id if instance.get("id") is not None else None,
        "epoch": trial + 1,
        "input_text": _prompt(state, references),
        "output_text": _weighed(requests, references) if len(requests) > 1 else _completion(state),
        "correct_answer": _correct(references, mapping),
    }
    answer = str(row["output_text"] or "").strip()
    if isinstance(mapping, dict) and isinstance(mapping.get(answer), str):
        row["answer_choice"] = mapping[answer]
    if perturbation:
        row["perturbation"] = perturbation
    add_metadata(row, {"split": instance.get("split"), "sub_split": instance.get("sub_split")}, "instance")
    add_metadata(row, instance.get("extra_data"), "instance")
    return row


def _prompt(state: Mapping[str, Any], references: Sequence[Mapping[str, Any]]) -> Any:
    request, asked = state["request"], state["instance"].get("input")
    asked = asked if isinstance(asked, dict) else {}
    if state.get("reference_index") is not None:
        return choices_text(str(asked.get("text", "")), [_text(one) for one in references])
    return request.get("prompt") or request.get("messages") or asked.get("text") or asked.get("messages")


def _completion(state: Mapping[str, Any]) -> str | None:
    completions = _completions(state)
    return completions[0].get("text") if completions else None


def _completions(state: Mapping[str, Any]) -> list[dict[str, Any]]:
    result = state.get("result")
    completions = result.get("completions") if isinstance(result, dict) else None
    return [one for one in completions if isinstance(one, dict)] if isinstance(completions, list) else []


def _weighed(requests: Sequence[Mapping[str, Any]], references: Sequence[Mapping[str, Any]]) -> str | None:
    """Return the reference that the model found likeliest, of requests that show one reference each."""
    likeliest: tuple[float, str] | None = None
    for state in requests:
        index, completions = state.get("reference_index"), _completions(state)
        if state.get("request_mode") == "calibration" or not completions or not isinstance(index, int):
            continue
        logprob = completions[0].get("logprob")
        if (
            isinstance(logprob, int | float)
            and 0 <= index < len(references)
            and (likeliest is None or logprob > likeliest[0])
        ):
            likeliest = (logprob, _text(references[index]))
    return likeliest[1] if likeliest else None


def _text(reference: Mapping[str, Any]) -> str:
    output = reference.get("output")
    return str(output.get("text", "")) if isinstance(output, dict) else str(output or "")


def _correct(references: Sequence[Mapping[str, Any]], mapping: Any) -> Any:
    mapping = mapping if isinstance(mapping, dict) else {}
    letters = {text: letter for letter, text in mapping.items() if isinstance(text, str)}
    correct = [_text(one) for one in references if isinstance(one.get("tags"), list) and "correct" in one["tags"]]
    shown = [f"{letters[text]}) {text}" if text in letters else text for text in correct]
    return shown[0] if len(shown) == 1 else shown or None


def _error(requests: Sequence[Mapping[str, Any]]) -> Any:
    for state in requests:
        result = state.get("result")
        if not isinstance(result, dict):
            return "the request has no result"
        if result.get("success") is False:
            return result.get("error") or "the request failed"
    return None


def _read_spec(path: Path) -> dict[str, Any]:
    if not path.is_file():
        return {}
    with open_text(path) as text:
        return JsonStream(text, str(path)).head({"name", "adapter_spec", "metric_specs"})


def _dataset(name: Any, path: Path) -> str:
    run = name if isinstance(name, str) and name.strip() else path.resolve().parent.name
    return _MODEL_PART.sub("", run).replace(":,", ":").strip(" ,:") or run


def _model(spec: Mapping[str, Any]) -> Any:
    adapter = spec.get("adapter_spec")
    return adapter.get("model") if isinstance(adapter, dict) else None


def _metric_names(metric_specs: Any) -> list[str]:
    """Return the metrics that the run names itself, in its order."""
    names: list[str] = []
    for metric in metric_specs if isinstance(metric_specs, list) else []:
        arguments = metric.get("args") if isinstance(metric, dict) else None
        listed = arguments.get("names") if isinstance(arguments, dict) else None
        names += [name for name in listed if isinstance(name, str)] if isinstance(listed, list) else []
    return names


def _read_stats(path: Path) -> dict[_Key, dict[str, float]]:
    """Return the metrics of each instance: some hundred bytes each."""
    if not path.is_file():
        raise EvalFileError(f"{path}: this file of the HELM run is missing, so there are no scores; copy it there")
    stats: dict[_Key, dict[str, float]] = {}
    with open_text(path) as text:
        stream = JsonStream(text, str(path))
        for _ in stream.items():
            one = stream.head({"instance_id", "train_trial_index", "perturbation", "stats"})
            trial, perturbation = _trial(one.get("train_trial_index")), _perturbation(one.get("perturbation"))
            listed = one.get("stats")
            found = stats.setdefault((str(one.get("instance_id")), trial, perturbation), {})
            found.update(_means(listed if isinstance(listed, list) else []))
    return stats


def _means(stats: Sequence[Any]) -> dict[str, float]:
    means = {}
    for stat in stats:
        name = stat.get("name") if isinstance(stat, dict) else None
        name = name.get("name") if isinstance(name, dict) else None
        if isinstance(name, str) and isinstance(stat.get("mean"), int | float) and not _BOOKKEEPING.fullmatch(name):
            means[name] = stat["mean"]
    return means
