"""Read the raw outputs that MMLU-Pro publishes (`model_outputs_MODEL_5shots.zip`, or the JSON in it) as eval rows.

An answer passes where the extracted letter (`pred`) is the right one. Where none was extracted the benchmark's script
guesses; here such an answer fails, so accuracy can lie a little below the published one.
Source: https://github.com/TIGER-AI-Lab/MMLU-Pro, `eval_results` and `compute_accuracy.py`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from faultmap_core.evals import EvalOptions, Row, RowError
from faultmap_core.metrics import Metric
from faultmap_core.readers.archives import ZipLog
from faultmap_core.readers.conservation import LineAccount
from faultmap_core.readers.json_stream import JsonStream
from faultmap_core.readers.objects import objects_of, stream_objects
from faultmap_core.readers.outcomes import set_outcome
from faultmap_core.readers.raw_rows import NumberedRow, add_metadata, choices_text, text_or_json
from faultmap_core.readers.shapes import Shape
from faultmap_core.readers.tabular import dataset_of

_NAME = re.compile(r"(?:model_outputs_)?(?P<model>.+?)(?:_\d+[-_]?shots?.*)?$", re.I)
_OUTPUTS = ("generated_text", "model_outputs", "model_output", "response")


def is_mmlu_pro(shape: Shape) -> bool:
    """Say whether a file holds outputs of the benchmark."""
    return {"question_id", "question", "options", "answer_index", "pred"} <= shape.keys


def rows(path: Path, options: EvalOptions, account: LineAccount) -> Iterator[NumberedRow]:
    """Read one file of outputs; a row's number counts through the archive's entries."""
    model = options.model_name or _model_of(path)
    for number, output in enumerate(_outputs(path, account), start=1):
        yield number, output if isinstance(output, RowError) else _row(output, options, model)


def _outputs(path: Path, account: LineAccount) -> Iterator[Row | RowError]:
    if not path.name.lower().endswith(".zip"):
        yield from (found for _, found in objects_of(path, account=account))
        return
    with ZipLog(path) as archive:
        for entry in archive.names:
            if entry.lower().endswith(".json"):
                with archive.text(entry) as text:
                    yield from (found for _, found in stream_objects(JsonStream(text, f"{path}: {entry}")))


def _model_of(path: Path) -> str | None:
    found = _NAME.fullmatch(dataset_of(path)) if path.name.startswith("model_outputs_") else None
    return found["model"] if found else None


def _row(output: Row, options: EvalOptions, model: str | None) -> dict[str, Any]:
    answer, picked = output.get("answer"), output.get("pred")
    said = next((output[name] for name in _OUTPUTS if output.get(name) is not None), None)
    row: dict[str, Any] = {
        "dataset": options.dataset_name or "mmlu-pro",
        "model": model,
        "example_id": text_or_json(output.get("question_id")),
        "input_text": choices_text(text_or_json(output.get("question")) or "", output.get("options")),
        "output_text": text_or_json(said if said is not None else picked),
        "correct_answer": answer,
    }
    add_metadata(row, {"category": output.get("category"), "src": output.get("src"), "picked": picked}, "output")
    passed = picked == answer if isinstance(answer, str) and answer else None
    set_outcome(row, options, Metric("accuracy", 0.0, 1.0), None if passed is None else float(passed), passed)
    return row
