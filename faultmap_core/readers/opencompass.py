"""Read predictions of OpenCompass (`predictions/MODEL/DATASET.json`) and of L-Eval (`*.pred.jsonl`) as eval rows.

Predictions name prompt, answer and reference; verdicts stand in `results/MODEL/DATASET.json` (`details`, where the run
was made with `--dump-eval-details`), which is looked for beside the folder of predictions. Without it rows are
unscored. The results' own accuracy is compared with the details'.
Source: https://github.com/open-compass/opencompass, `icl_gen_inferencer.py` and `openicl_eval.py`.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from faultmap_core.evals import EvalOptions, Row, RowError
from faultmap_core.metrics import Metric
from faultmap_core.readers.conservation import LineAccount
from faultmap_core.readers.json_stream import JsonStream
from faultmap_core.readers.objects import object_or_error, objects_of
from faultmap_core.readers.outcomes import set_outcome, verdict_of
from faultmap_core.readers.raw_rows import NumberedRow, add_metadata, text_or_json
from faultmap_core.readers.reconciliation import ToolSummary, compare_mean
from faultmap_core.readers.shapes import Shape
from faultmap_core.readers.tabular import dataset_of, open_text

_PRED = re.compile(r"(?P<model>.+)_pred")
_ROLES = {"HUMAN": "user", "BOT": "assistant", "SYSTEM": "system"}
_PREDICTIONS, _RESULTS = "predictions", "results"


def is_predictions(shape: Shape) -> bool:
    """Say whether a file is a document of predictions by their numbers."""
    return not shape.in_list and any(
        key.isdecimal() and {"origin_prompt", "prediction"} <= shape.inside.get(key, frozenset()) for key in shape.keys
    )


def is_l_eval(shape: Shape) -> bool:
    """Say whether a file holds predictions of L-Eval, one a line."""
    return {"query", "gt"} <= shape.keys and any(_PRED.fullmatch(key) for key in shape.keys)


def fits(shape: Shape) -> bool:
    """Say whether a file holds predictions of one of the two."""
    return is_predictions(shape) or is_l_eval(shape)


def companions(path: Path) -> list[Path]:
    """Return the results that belong to predictions."""
    if path.parent.parent.name != _PREDICTIONS:
        return []
    results = path.parent.parent.parent / _RESULTS / path.parent.name / path.name
    return [results] if results.is_file() else []


def rows(path: Path, options: EvalOptions, account: LineAccount) -> Generator[NumberedRow, None, Sequence[ToolSummary]]:
    """Read one file of predictions; a row's number is its place in the document, or its line."""
    details, told = _results(path)
    passed: list[bool] = []
    for number, key, prediction in _predictions(path, account):
        if isinstance(prediction, RowError):
            yield number, prediction
            continue
        row = _row(prediction, key)
        # L-Eval names the file after the model and its folder after the task.
        name = dataset_of(path).removesuffix(".pred")
        row["dataset"] = options.dataset_name or (path.parent.name if name == row["model"] else name)
        row["model"] = row["model"] or options.model_name or _folder(path)
        if (verdict := details.get(key)) is not None:
            passed.append(verdict)
            set_outcome(row, options, Metric("accuracy", 0.0, 1.0), float(verdict), verdict)
        yield number, row
    return list(compare_mean("accuracy", told, 100 * sum(passed) / len(passed))) if passed else []


def _folder(path: Path) -> str | None:
    return path.parent.name if path.parent.parent.name == _PREDICTIONS else None


def _predictions(path: Path, account: LineAccount) -> Iterator[tuple[int, str, Row | RowError]]:
    ending = path.name.lower().removesuffix(".gz")
    if not ending.endswith(".json"):
        for line, found in objects_of(path, account=account):
            yield line, str(line), found
        return
    with open_text(path) as text:
        stream = JsonStream(text, str(path))
        for number, key in enumerate(stream.members(), start=1):
            yield number, key, object_or_error(stream)


def _row(prediction: Row, key: str) -> dict[str, Any]:
    named = next((found for name in prediction if (found := _PRED.fullmatch(name))), None)
    said = prediction.get(named[0]) if named else prediction.get("prediction")
    row: dict[str, Any] = {
        "model": named["model"] if named else None,
        "example_id": key,
        "input_text": _prompt(prediction.get("origin_prompt", prediction.get("query"))),
        "output_text": said[0] if isinstance(said, list) and len(said) == 1 else text_or_json(said),
        "correct_answer": prediction.get("gold", prediction.get("gt")),
        "score": None,
    }
    add_metadata(row, {"evaluation": prediction.get("evaluation")}, "prediction")
    return row


def _prompt(prompt: Any) -> Any:
    """Return a prompt as text or chat; OpenCompass names the turns HUMAN and BOT."""
    if not isinstance(prompt, list):
        return text_or_json(prompt)
    turns = [turn for turn in prompt if isinstance(turn, Mapping)]
    chat = [{"role": _ROLES.get(str(turn.get("role")), "user"), "content": text_or_json(turn.get("prompt")) or ""}
            for turn in turns]  # fmt: skip
    return chat[0]["content"] if len(chat) == 1 else chat or None


def _results(path: Path) -> tuple[dict[str, bool], Any]:
    """Return the verdicts by the prediction's number, and the accuracy that the results tell."""
    verdicts: dict[str, bool] = {}
    accuracy: Any = None
    for beside in companions(path):
        with open_text(beside) as text:
            stream = JsonStream(text, str(beside))
            for member in stream.members() if stream.peek() == "{" else ():
                if member == "accuracy":
                    accuracy = _value_or_none(stream)
                elif member == "details" and stream.peek() in ("{", "["):
                    verdicts.update(_details(stream))
    return verdicts, accuracy


def _details(stream: JsonStream) -> Iterator[tuple[str, bool]]:
    places: Iterator[Any] = stream.members() if stream.peek() == "{" else stream.items()
    for place in places:
        detail = object_or_error(stream)
        correct = None if isinstance(detail, RowError) else detail.get("correct", detail.get("is_correct"))
        while isinstance(correct, list) and correct:
            correct = correct[0]
        if (verdict := verdict_of(correct)) is not None:
            yield str(place), verdict


def _value_or_none(stream: JsonStream) -> Any:
    try:
        return stream.value()
    except RowError:
        return None
