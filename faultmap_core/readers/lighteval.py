"""Read the details that lighteval saves (`details_TASK_DATE.parquet`, `--save-details`) as eval rows.

Versions from 0.10 have the columns `doc`, `metric` and `model_response`, older ones `full_prompt`, `predictions`,
`gold` and `metrics`; some wrote every cell as text. The results file (`results_DATE.json`) names the model; its means
are compared. Where several metrics are there, `--scorer` chooses one.
Source: https://github.com/huggingface/lighteval, `logging/info_loggers.py` and `evaluation_tracker.py`, 0.4 to 0.11.
"""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Generator, Mapping, Sequence
from pathlib import Path
from typing import Any

from faultmap_core.evals import EvalOptions, Row, RowError
from faultmap_core.metrics import Metric
from faultmap_core.readers.conservation import LineAccount
from faultmap_core.readers.json_stream import JsonStream
from faultmap_core.readers.objects import objects_of
from faultmap_core.readers.outcomes import number_or_none
from faultmap_core.readers.raw_rows import NumberedRow, ScorerChoice, add_metadata, text_or_json
from faultmap_core.readers.reconciliation import Tally, ToolSummary, compare_mean
from faultmap_core.readers.shapes import Shape
from faultmap_core.readers.tabular import dataset_of, open_text

_NAME = re.compile(r"details_(?P<task>.+?)(?:_(?P<date>\d{4}-\d\d-\d\dT[\d.:-]+))?")
_MAX_LITERAL_CHARACTERS = 1_000_000


def is_lighteval(shape: Shape) -> bool:
    """Say whether a table's columns are those of the details."""
    return {"doc", "metric", "model_response"} <= shape.keys or (
        {"full_prompt", "predictions", "metrics"} <= shape.keys and bool(shape.keys & {"gold", "gold_index"})
    )


def companions(path: Path) -> list[Path]:
    """Return the results file of the same run."""
    named = _NAME.fullmatch(dataset_of(path))
    name = f"results_{named['date']}.json" if named and named["date"] else None
    folders = [path.parent]
    above = next((folder for folder in path.parents[:5] if folder.name == "details"), None)
    if above is not None:
        folders.append(above.parent / "results" / path.parent.relative_to(above).parent)
    exact = [folder / name for folder in folders if name and (folder / name).is_file()]
    return (exact or sorted(one for folder in folders for one in folder.glob("results_*.json")))[-1:]


def rows(path: Path, options: EvalOptions, account: LineAccount) -> Generator[NumberedRow, None, Sequence[ToolSummary]]:
    """Read one details file; a row's number is its place."""
    run = _Run(path, options)
    scorers = ScorerChoice(options.scorer)
    tally = Tally()
    seen: Counter[str] = Counter()
    for line, raw in objects_of(path, account=account):
        if isinstance(raw, RowError):
            yield line, raw
            continue
        row = {"dataset": run.dataset, "model": run.model, **_row(raw, line)}
        seen[str(row["example_id"])] += 1
        row["epoch"] = seen[str(row["example_id"])]
        metrics = _mapping(raw.get("metric", raw.get("metrics")))
        # An empty cell keeps its metric's place, so that the first metric is the same for all files of a task.
        scores = {name: number_or_none(value) for name, value in metrics.items()
                  if value is None or number_or_none(value) is not None}  # fmt: skip
        scorers.apply(row, scores)
        if row["score"] is not None:
            row["metric"] = Metric(str(scorers.chosen), source="default")
        tally.add(row, scores)
        yield line, row
    scorers.check(path)
    return [one for name, told in run.means.items() if tally.count(name)
            for one in compare_mean(f"mean {name}", told, tally.mean(name))]  # fmt: skip


class _Run:
    """What the file's name and the results file say about all rows."""

    def __init__(self, path: Path, options: EvalOptions) -> None:
        named = _NAME.fullmatch(dataset_of(path))
        task = named["task"] if named else dataset_of(path)
        parts = task.split("|")
        # `suite|task|few shots`; a partition's key holds no bar.
        self.dataset = options.dataset_name or (parts[1] if len(parts) > 1 else task)
        self.means: dict[str, Any] = {}
        told: str | None = None
        for beside in companions(path):
            with open_text(beside) as text:
                results = JsonStream(text, str(beside)).head(frozenset({"config_general", "results"}))
            told = text_or_json(_mapping(results.get("config_general")).get("model_name"))
            self.means = dict(_mapping(_mapping(results.get("results")).get(task)))
        self.model = told or options.model_name or _model_of_folder(path)


def _model_of_folder(path: Path) -> str | None:
    """Return the model of `details/ORG/MODEL/DATE/details_….parquet`."""
    above = next((folder for folder in path.parents[:5] if folder.name == "details"), None)
    return "/".join(path.parent.parent.relative_to(above).parts) or None if above and above != path.parent else None


def _row(raw: Row, line: int) -> dict[str, Any]:
    doc, response = _mapping(raw.get("doc")), _mapping(raw.get("model_response"))
    choices = _list(doc.get("choices", raw.get("choices")))
    row: dict[str, Any] = {
        "example_id": text_or_json(doc.get("id")) or str(line),
        "input_text": text_or_json(doc.get("query", raw.get("full_prompt", raw.get("example")))),
        "output_text": _answer(raw, response, choices),
        "correct_answer": _gold(doc, raw, choices),
    }
    add_metadata(row, {"few_shots": doc.get("num_effective_few_shots", raw.get("num_effective_few_shots"))}, "doc")
    add_metadata(row, _parsed(doc.get("specific", raw.get("specifics"))), "specific")
    return row


def _answer(raw: Row, response: Mapping[str, Any], choices: Sequence[Any]) -> str | None:
    """Return what the model said, or of weighed choices the likeliest."""
    said = _parsed(response.get("text", raw.get("predictions")))
    texts = [one for one in said if isinstance(one, str)] if isinstance(said, list) else []
    if texts and texts[0].strip():
        return texts[0]
    weighed = response.get("logprobs", raw.get("pred_logits"))
    weights = [number_or_none(_first(one)) for one in _list(weighed or (said if isinstance(said, list) else None))]
    known = [weight for weight in weights if weight is not None]
    if choices and len(known) == len(choices):
        return text_or_json(choices[known.index(max(known))])
    return texts[0] if texts else text_or_json(said) if not isinstance(said, list) else None


def _gold(doc: Mapping[str, Any], raw: Row, choices: Sequence[Any]) -> Any:
    gold = _parsed(raw.get("gold"))
    if gold not in (None, "", []):
        return gold[0] if isinstance(gold, list) and len(gold) == 1 else gold
    index = _parsed(doc.get("gold_index", raw.get("gold_index")))
    right = [choices[one] for one in (index if isinstance(index, list) else [index])
             if isinstance(one, int) and 0 <= one < len(choices)]  # fmt: skip
    return right[0] if len(right) == 1 else right or None


def _parsed(value: Any) -> Any:
    """Return what a cell means that was written as the text of a Python value."""
    if isinstance(value, str) and value[:1] in ("[", "{") and len(value) <= _MAX_LITERAL_CHARACTERS:
        try:
            return ast.literal_eval(value)
        except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
            return value
    return value


def _mapping(value: Any) -> Mapping[str, Any]:
    parsed = _parsed(value)
    return {str(key): one for key, one in parsed.items()} if isinstance(parsed, dict) else {}


def _list(value: Any) -> list[Any]:
    parsed = _parsed(value)
    return parsed if isinstance(parsed, list) else []


def _first(value: Any) -> Any:
    while isinstance(value, list | tuple) and value:
        value = value[0]
    return value
