"""Read an Inspect AI log (`.eval`, a zip, or `.json`) as eval rows.

One row per sample and epoch. Its dataset is the task, its scores are those of the scorers, and a letter or a truth
value is the scorer's verdict; a sample that ended with an error has no score. Of an agent's run the steps are kept.
What was recorded beside (events, stores) is skipped unread. The log's `results` are compared with the rows: the number
of samples, and each scorer's accuracy or mean, where epochs are reduced by their mean.
Source: https://inspect.aisi.org.uk/eval-logs.html; logs of versions 0.3.58 to 0.3.285.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping
from pathlib import Path
from typing import Any

from faultmap_core.errors import EvalFileError
from faultmap_core.evals import EvalOptions, RowError, content_text
from faultmap_core.readers.archives import ZipLog
from faultmap_core.readers.conservation import LineAccount
from faultmap_core.readers.json_stream import MAX_VALUE_CHARACTERS, JsonStream
from faultmap_core.readers.raw_rows import (
    NumberedRow,
    ScorerChoice,
    add_metadata,
    choices_text,
    first_text,
    named_scores,
    plain,
    set_error,
    steps_of,
    text_or_json,
)
from faultmap_core.readers.reconciliation import Tally, ToolSummary, compare_count, compare_mean
from faultmap_core.readers.tabular import open_text

_HEADERS = ("header.json", "_journal/start.json")
_SAMPLES = "samples/"
_HEADER_MEMBERS = frozenset({"eval", "results", "status", "version"})
_SAMPLE_MEMBERS = frozenset(
    {
        "id", "epoch", "input", "choices", "target", "messages", "output", "scores", "score", "metadata", "error",
        "limit", "attachments", "total_time", "working_time",
    }
)  # fmt: skip
_MEANS = frozenset({"accuracy", "mean"})
_ATTACHMENT = "attachment://"
_LEFT_OUT = f"[attachment left out: missing, or more than {MAX_VALUE_CHARACTERS:,} characters]"
_CHOICE_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def is_inspect_zip(names: list[str]) -> bool:
    """Say whether a zip's entries are those of an Inspect AI log."""
    return any(header in names for header in _HEADERS)


def zip_rows(
    path: Path, options: EvalOptions, _account: LineAccount
) -> Generator[NumberedRow, None, list[ToolSummary]]:
    """Read a `.eval` log; a row's line is the sample's position in the archive."""
    with ZipLog(path) as archive:
        header_name = next((name for name in _HEADERS if name in archive.names), None)
        if header_name is None:
            raise EvalFileError(f"{path}: this zip file is no Inspect AI log: it has no header.json")
        with archive.text(header_name) as text:
            log = _Log(JsonStream(text, f"{path}: {header_name}").head(_HEADER_MEMBERS), path, options)
        samples = [name for name in archive.names if name.startswith(_SAMPLES) and name.endswith(".json")]
        for line, name in enumerate(samples, start=1):
            with archive.text(name) as text:
                yield line, log.row(JsonStream(text, f"{path}: {name}"))
    return log.end(path)


def json_rows(
    path: Path, options: EvalOptions, _account: LineAccount
) -> Generator[NumberedRow, None, list[ToolSummary]]:
    """Read a `.json` log; a row's line is the sample's position."""
    with open_text(path) as text:
        log = _Log(JsonStream(text, str(path)).head(_HEADER_MEMBERS), path, options)
    with open_text(path) as text:
        stream = JsonStream(text, str(path))
        for member in stream.members():
            if member == "samples" and stream.peek() == "[":
                for position in stream.items():
                    yield position + 1, log.row(stream)
    return log.end(path)


class _Log:
    """What holds for all samples of a log."""

    def __init__(self, header: Mapping[str, Any], path: Path, options: EvalOptions) -> None:
        described = header.get("eval")
        if not isinstance(described, dict):
            raise EvalFileError(f"{path}: this Inspect AI log does not say what was evaluated (`eval` is missing)")
        self._task = described.get("task") or described.get("task_registry_name")
        self._model = described.get("model")
        self._results = header.get("results")
        config = described.get("config")
        self._reducers = config.get("epochs_reducer") if isinstance(config, dict) else None
        order, sure = _scorer_names(described, self._results)
        self._scorers = ScorerChoice(options.scorer, order, sure=sure)
        self._tally = Tally()

    def end(self, path: Path) -> list[ToolSummary]:
        """Check the choice of the scorer, and compare the log's results with its rows."""
        self._scorers.check(path)
        results = self._results if isinstance(self._results, dict) else {}
        found = list(compare_count("total_samples", results.get("total_samples"), self._tally.rows))
        if self._reducers not in (None, ["mean"], "mean"):
            return found
        for name, metric, value in _accuracies(results):
            ours = self._tally.mean(name)
            # Of a scorer that is named otherwise in the samples there is nothing to compare.
            found += compare_mean(f"{metric} of {name}", value, ours) if ours is not None else ()
        return found

    def row(self, stream: JsonStream) -> dict[str, Any] | RowError:
        """Read one sample as a raw row, or say why it is none."""
        try:
            return self._row(stream.record(_SAMPLE_MEMBERS, spared=("attachments",)))
        except RowError as error:
            return error
        except RecursionError:
            return RowError("its values are nested too deeply")

    def _row(self, sample: dict[str, Any]) -> dict[str, Any]:
        attachments = sample.get("attachments")
        if isinstance(attachments, dict):
            sample = {name: _attached(sample.get(name), attachments) for name in sample if name != "attachments"}
        output = sample.get("output")
        row: dict[str, Any] = {
            "dataset": self._task,
            "model": self._model,
            "example_id": sample.get("id"),
            "epoch": sample.get("epoch"),
            "input_text": _input(sample),
            "output_text": _answer(output),
            "correct_answer": _target(sample),
        }
        scores = sample.get("scores")
        if not isinstance(scores, dict) or not scores:
            scores = {"score": sample["score"]} if sample.get("score") is not None else {}
        values = _values(scores)
        self._scorers.apply(row, values)
        self._explain(row, scores)
        if steps := steps_of(sample.get("messages")):
            row["steps"] = steps
        if sample.get("error"):
            set_error(row, sample["error"])
        elif isinstance(output, dict) and output.get("error"):
            set_error(row, output["error"])
        self._tally.add(row, {name: plain(value) for name, value in values.items()}, str(sample.get("id")))
        if isinstance(limit := sample.get("limit"), dict):
            row["limit"] = limit.get("type")
        add_metadata(row, {name: sample.get(name) for name in ("total_time", "working_time")}, "sample")
        add_metadata(row, sample.get("metadata"), "sample")
        return row

    def _explain(self, row: dict[str, Any], scores: Mapping[str, Any]) -> None:
        chosen = (self._scorers.chosen or "").partition(".")[0]
        score = scores.get(self._scorers.chosen or "", scores.get(chosen))
        if not isinstance(score, dict):
            return
        for name in ("answer", "explanation"):
            if isinstance(text := score.get(name), str) and text.strip() and text != row["output_text"]:
                row[f"scored_{name}"] = text


def _scorer_names(described: Mapping[str, Any], results: Any) -> tuple[list[str], bool]:
    """Name the scorers in the order of the task, which need not be that of a single sample.

    Returns: the names, and whether the results say that the first of them scored samples.
    """
    reported = results.get("scores") if isinstance(results, dict) else None
    reported = [one for one in reported if isinstance(one, dict)] if isinstance(reported, list) else []
    listed = described.get("scorers") or reported
    named = [scorer.get("name") for scorer in listed if isinstance(scorer, dict)] if isinstance(listed, list) else []
    # In a sample's scores, a registered scorer has its name alone.
    names = [name.rpartition("/")[2] for name in named if isinstance(name, str)]
    scored = {str(one.get("scorer") or one.get("name")).rpartition("/")[2] for one in reported}
    unscored = {one.get("scorer") for one in reported if one.get("scored_samples") == 0}
    return names, bool(names) and names[0] in scored - unscored


def _accuracies(results: Mapping[str, Any]) -> Iterator[tuple[str, str, Any]]:
    """Yield (name as the samples have it, metric, value) of the accuracies and means in a log's results."""
    listed = results.get("scores")
    for score in listed if isinstance(listed, list) else []:
        metrics = score.get("metrics") if isinstance(score, dict) else None
        if not isinstance(metrics, dict) or score.get("reducer") not in (None, "mean"):
            continue
        name, scorer = (str(score.get(key) or "").rpartition("/")[2] for key in ("name", "scorer"))
        for key in _MEANS & metrics.keys():
            value = metrics[key].get("value") if isinstance(metrics[key], dict) else None
            yield name if name == scorer else f"{scorer}.{name}", key, value


def _values(scores: Any) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for name, score in scores.items() if isinstance(scores, dict) else []:
        values.update(named_scores(name, score.get("value") if isinstance(score, dict) else score))
    return values


def _input(sample: Mapping[str, Any]) -> Any:
    given = sample.get("input")
    return choices_text(given, sample.get("choices")) if isinstance(given, str) else given


def _answer(output: Any) -> str | None:
    if not isinstance(output, dict):
        return None
    choices = output.get("choices")
    if isinstance(choices, list) and choices and isinstance(choices[0], dict):
        message = choices[0].get("message")
        return content_text(message.get("content")) if isinstance(message, dict) else None
    return text_or_json(output.get("completion"))


def _target(sample: Mapping[str, Any]) -> Any:
    """Return the reference; of a letter that stands for a choice, with the choice."""
    target = sample.get("target")
    if isinstance(target, list) and len(target) == 1:
        target = first_text(target)
    choices = sample.get("choices")
    if isinstance(target, str) and isinstance(choices, list) and len(target.strip()) == 1:
        position = _CHOICE_LETTERS.find(target.strip())
        if 0 <= position < len(choices):
            return f"{target.strip()}) {content_text(choices[position])}"
    return target


def _attached(value: Any, attachments: Mapping[str, Any]) -> Any:
    """Put long texts, which Inspect keeps aside, back to where they belong; what is not there is said to be missing."""
    if isinstance(value, str):
        if not value.startswith(_ATTACHMENT):
            return value
        return attachments.get(value[len(_ATTACHMENT) :], _LEFT_OUT)
    if isinstance(value, dict):
        return {name: _attached(part, attachments) for name, part in value.items()}
    return [_attached(part, attachments) for part in value] if isinstance(value, list) else value
