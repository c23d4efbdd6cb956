"""Read AlpacaEval's annotations (`annotations.json`) as eval rows.

The model is `generator_2`, judged against `generator_1`: `preference` 2 is a win, 1 a loss, 1.5 (in old files 0) a tie,
and a number between where the judge's probabilities were used. The score is the preference less 1, so its mean is the
win rate, which is compared with the `leaderboard.csv` beside it.
Source: https://github.com/tatsu-lab/alpaca_eval, `metrics/winrate.py`.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from pathlib import Path
from typing import Any

from faultmap_core.evals import EvalOptions, Row, RowError
from faultmap_core.metrics import Metric
from faultmap_core.readers.conservation import LineAccount
from faultmap_core.readers.objects import good_objects, objects_of
from faultmap_core.readers.outcomes import number_or_none
from faultmap_core.readers.raw_rows import NumberedRow, add_metadata, text_or_json
from faultmap_core.readers.reconciliation import ToolSummary, compare_count, compare_mean
from faultmap_core.readers.shapes import Shape

_LEADERBOARD = "leaderboard.csv"


def is_alpaca_eval(shape: Shape) -> bool:
    """Say whether a file holds annotations of pairs."""
    return {"instruction", "output_1", "output_2", "preference"} <= shape.keys


def is_leaderboard(shape: Shape) -> bool:
    """Say whether a table is the benchmark's leaderboard."""
    return shape.in_table and {"win_rate", "n_total"} <= shape.keys


def companions(path: Path) -> list[Path]:
    """Return the leaderboard beside the annotations."""
    beside = path.with_name(_LEADERBOARD)
    return [beside] if beside.is_file() else []


def rows(path: Path, options: EvalOptions, account: LineAccount) -> Generator[NumberedRow, None, Sequence[ToolSummary]]:
    """Read one file of annotations; a row's line is its position."""
    scores: dict[str, list[float]] = {}
    for line, annotation in objects_of(path, account=account):
        if isinstance(annotation, RowError):
            yield line, annotation
            continue
        row = _row(annotation, options)
        if row["score"] is not None:
            scores.setdefault(str(row["model"]), []).append(row["score"])
        yield line, row
    return list(_summaries(path, scores))


def _row(annotation: Row, options: EvalOptions) -> dict[str, Any]:
    preference = number_or_none(annotation.get("preference"))
    known = preference is not None and (preference == 0 or 1 <= preference <= 2)
    score = (0.5 if preference == 0 else preference - 1) if known else None  # type: ignore[operator]
    baseline = text_or_json(annotation.get("generator_1")) or "the baseline"
    row: dict[str, Any] = {
        "dataset": options.dataset_name or "alpaca_eval",
        "model": text_or_json(annotation.get("generator_2")),
        "input_text": text_or_json(annotation.get("instruction")),
        "output_text": text_or_json(annotation.get("output_2")),
        "score": score,
        "metric": Metric(f"win rate against {baseline}", 0.0, 1.0),
        "baseline": baseline,
        "baseline_output": text_or_json(annotation.get("output_1")),
    }
    add_metadata(row, {"subset": annotation.get("dataset"), "annotator": annotation.get("annotator")}, "annotation")
    return row


def _summaries(path: Path, scores: dict[str, list[float]]) -> Iterator[ToolSummary]:
    for beside in companions(path):
        for line in good_objects(beside):
            name = next((line[column] for column in ("name", "", "model") if line.get(column)), None)
            ours = scores.get(str(name))
            if not ours:
                continue
            told = number_or_none(line.get("win_rate"))
            yield from compare_mean(f"win_rate of {name}", told, 100 * sum(ours) / len(ours))
            yield from compare_count(f"n_total of {name}", number_or_none(line.get("n_total")), len(ours))
