"""Read a record file of OpenAI evals (JSONL of events) as eval rows.

The file has a line per event; the events of one sample are a row: what was sampled, and how it was scored. What a match
says is the verdict. Events of several samples are interleaved, so only their places in the file are held in memory. The
accuracy of the file's `final_report` is compared with that of the rows.
Source: https://github.com/openai/evals, `evals/record.py`, version 3.0.
"""

from __future__ import annotations

import io
from array import array
from collections.abc import Generator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from faultmap_core.errors import EvalFileError
from faultmap_core.evals import EvalOptions, RowError
from faultmap_core.readers.conservation import LineAccount, count_lines
from faultmap_core.readers.json_stream import MAX_VALUE_CHARACTERS, decode_value
from faultmap_core.readers.objects import seekable
from faultmap_core.readers.raw_rows import NumberedRow, ScorerChoice, add_metadata, set_error, text_or_json
from faultmap_core.readers.reconciliation import Tally, ToolSummary, compare_mean

_KEY_OF_SAMPLE = "sample_id"
# A sample's own events beside its scores.
_SAMPLING, _MATCH, _METRICS, _ERROR, _RAW = "sampling", "match", "metrics", "error", "raw_sample"


def is_openai_evals_row(row: Mapping[str, Any]) -> bool:
    """Say whether a row is the head or an event of a record file."""
    spec = row.get("spec")
    if isinstance(spec, dict) and {"completion_fns", "eval_name"} & spec.keys():
        return True
    return {"run_id", "sample_id", "type", "data"} <= row.keys()


def rows(path: Path, options: EvalOptions, account: LineAccount) -> Generator[NumberedRow, None, list[ToolSummary]]:
    """Read one record file; a row's line is that of its sample's first event."""
    with seekable(path) as stream:
        index = _Index(stream, path, account)
        if index.spec is None and options.model_name is None:
            raise EvalFileError(
                f"{path}: the line with `spec`, which names the model, is missing; use `--model-name NAME`"
            )
        named = _named(index.spec or {})
        order = sorted(index.scorers, key=lambda name: (name != _MATCH, name))
        scorers, tally = ScorerChoice(options.scorer, order, sure=True), Tally()
        yield from index.unfit
        for sample_id, places in index.places.items():
            events = index.events(places)
            row: dict[str, Any] = {**named, "example_id": sample_id, **_said(events)}
            scores = _scores(events)
            scorers.apply(row, scores)
            failed = next((event["data"] for event in events if event.get("type") == _ERROR), None)
            if failed is not None:
                set_error(row, failed)
            tally.add(row, scores)
            yield index.lines[sample_id], row
    scorers.check(path)
    said = index.report.get("accuracy")
    return list(compare_mean("accuracy", said, tally.mean(_MATCH))) if tally.count(_MATCH) else []


class _Index:
    """Where the events of each sample stand; some 100 bytes a sample and 8 bytes an event."""

    def __init__(self, stream: IO[bytes], path: Path, account: LineAccount) -> None:
        self._stream = stream
        account.by_line = True
        self.spec: dict[str, Any] | None = None
        self.places: dict[str, array[int]] = {}
        self.lines: dict[str, int] = {}
        self.unfit: list[tuple[int, RowError]] = []
        self.scorers: set[str] = set()
        self.report: dict[str, Any] = {}
        line, place = 0, 0
        while raw := stream.readline(MAX_VALUE_CHARACTERS):
            line += 1
            if len(raw) == MAX_VALUE_CHARACTERS:
                raise EvalFileError(f"{path}: line {line} is longer than {MAX_VALUE_CHARACTERS:,} bytes")
            lines = count_lines(io.BytesIO(raw))
            account.blank += 0 if raw.strip() else lines
            account.in_records += lines if raw.strip() else 0
            try:
                self._note(_decoded(raw), line, place)
            except RowError as error:
                self.unfit.append((line, error))
            place += len(raw)

    def _note(self, event: Any, line: int, place: int) -> None:
        if event is None:
            return
        if not isinstance(event, dict):
            raise RowError(f"a JSON {type(event).__name__}, expected an object")
        if isinstance(event.get("spec"), dict):
            self.spec = event["spec"]
        elif isinstance(event.get("final_report"), dict):
            self.report = event["final_report"]
        elif isinstance(sample_id := event.get(_KEY_OF_SAMPLE), str | int):
            self.places.setdefault(str(sample_id), array("Q")).append(place)
            self.lines.setdefault(str(sample_id), line)
            if isinstance(event.get("data"), dict):
                self.scorers.update(_scores([event]))

    def events(self, places: Sequence[int]) -> list[dict[str, Any]]:
        """Read a sample's events again, in the file's order."""
        events = []
        for place in places:
            self._stream.seek(place)
            event = _decoded(self._stream.readline(MAX_VALUE_CHARACTERS))
            events.append({**event, "data": event["data"] if isinstance(event.get("data"), dict) else {}})
        return events


def _decoded(raw: bytes) -> Any:
    text = raw.decode("utf-8-sig", "replace").strip()
    return decode_value(text) if text else None


def _named(spec: Mapping[str, Any]) -> dict[str, Any]:
    functions = spec.get("completion_fns")
    models = [one for one in functions if isinstance(one, str)] if isinstance(functions, list) else []
    dataset = spec.get("eval_name") or spec.get("base_eval")
    return {"dataset": dataset, "model": "+".join(models) or None, "split": spec.get("split")}


def _said(events: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return prompt, answer and reference. Later samplings are those of a grader, or further turns."""
    of_type: dict[str, Mapping[str, Any]] = {}
    for event in events:
        of_type.setdefault(str(event.get("type")), event["data"])
    sampling, match = of_type.get(_SAMPLING, {}), of_type.get(_MATCH, {})
    raw = of_type.get(_RAW, {})
    answer = sampling.get("sampled", match.get("sampled"))
    if isinstance(answer, list) and len(answer) == 1:
        answer = answer[0]
    expected = next(
        (one for one in (match.get("expected"), raw.get("ideal"), sampling.get("expected")) if one is not None), None
    )
    if isinstance(expected, list) and len(expected) == 1:
        expected = expected[0]
    said: dict[str, Any] = {
        "input_text": sampling.get("prompt", match.get("prompt", raw.get("input"))),
        "output_text": text_or_json(answer),
        "correct_answer": expected,
    }
    add_metadata(said, {name: value for name, value in match.items() if name in ("picked", "options")}, "match")
    return said


def _scores(events: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    scores: dict[str, Any] = {}
    for event in events:
        if event.get("type") == _MATCH and isinstance(event["data"].get("correct"), bool | int | float):
            scores.setdefault("match", event["data"]["correct"])
        elif event.get("type") == _METRICS:
            numbers = {name: value for name, value in event["data"].items() if isinstance(value, bool | int | float)}
            for name, value in numbers.items():
                scores.setdefault(name, value)
    return scores
