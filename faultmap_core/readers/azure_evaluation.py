"""Read results of the Azure AI evaluation SDK (`evaluate`) as eval rows.

Columns are `inputs.NAME`, `outputs.NAME` of the target, and of each evaluator `outputs.EVALUATOR.METRIC` with
`_result` (pass or fail), `_threshold` and `_reason`. The verdict is that of the first evaluator, or of `--scorer`.
Its document (`rows`, `metrics`, `studio_url`) tells its own means, which are compared with the rows.
Source: https://github.com/Azure/azure-sdk-for-python, `azure-ai-evaluation` 1.0 to 1.11.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from faultmap_core.column_paths import MISSING, value_at
from faultmap_core.evals import EvalOptions, RowError
from faultmap_core.metrics import Metric
from faultmap_core.readers.conservation import LineAccount
from faultmap_core.readers.json_stream import JsonStream
from faultmap_core.readers.objects import MappedColumns, objects_of
from faultmap_core.readers.outcomes import number_or_none, set_outcome, verdict_of
from faultmap_core.readers.raw_rows import NumberedRow, ScorerChoice, add_metadata, text_or_json
from faultmap_core.readers.reconciliation import Tally, ToolSummary, compare_mean
from faultmap_core.readers.shapes import Shape
from faultmap_core.readers.tabular import dataset_of, open_text
from faultmap_core.unwrapping import unwrap_answer

_RESULT = re.compile(r"outputs\.(?P<evaluator>[^.]+)\.(?:(?P<metric>.+)_result|passed)")
_SCORE = re.compile(r"outputs\.(?P<evaluator>[^.]+)\.(?P<metric>[^.]+)")
_ABOUT_A_SCORE = ("_result", "_threshold", "_reason", "_details", "_model", "_tokens", "_finish_reason",
                  "_sample_input", "_sample_output", ".sample")  # fmt: skip
_PROMPT = ("query", "question", "prompt", "input", "user_query", "conversation", "messages")
_ANSWER = ("response", "answer", "output", "completion", "prediction")
_REFERENCE = ("ground_truth", "ground_truth_answer", "expected_response", "expected", "reference", "target")
_ID = ("id", "example_id", "test_id", "question_id", "item_id")
_FIELDS = {"input_text": _PROMPT, "output_text": _ANSWER, "correct_answer": _REFERENCE, "example_id": _ID,
           "model": ("model", "model_name", "deployment")}  # fmt: skip
# Judged by a model from 1 to 5; severities of harm from 0 to 7, of which less is better.
_ONE_TO_FIVE = frozenset(
    {"coherence", "fluency", "relevance", "groundedness", "retrieval", "similarity", "response_completeness",
     "intent_resolution", "task_adherence"}
)  # fmt: skip
_SEVERITY = frozenset({"violence", "sexual", "self_harm", "hate_unfairness"})
_SHARES = ("f1", "f1_score", "bleu", "bleu_score", "gleu", "gleu_score", "meteor", "meteor_score", "rouge")


def is_azure_evaluation(shape: Shape) -> bool:
    """Say whether a file holds results of the SDK, as lines, a table or a document."""
    keys = shape.inside.get("rows", frozenset()) if not shape.in_list and "rows" in shape.keys else shape.keys
    if any(key.startswith("feedback.") for key in keys):
        return False
    judged = any(_RESULT.fullmatch(key) for key in keys)
    scored = any((found := _SCORE.fullmatch(key)) and found["evaluator"] == found["metric"] for key in keys)
    return judged or (scored and any(key.startswith("inputs.") for key in keys))


def rows(path: Path, options: EvalOptions, account: LineAccount) -> Generator[NumberedRow, None, Sequence[ToolSummary]]:
    """Read one results file; a row's line is its line or position."""
    scorers, mapped = ScorerChoice(options.scorer), MappedColumns(options)
    tally = Tally()
    for line, raw in objects_of(path, "rows", account):
        if isinstance(raw, RowError):
            yield line, raw
            continue
        mapped.note(raw)
        judged = _judged(raw)
        scores = {name: one.score if one.score is not None else one.verdict for name, one in judged.items()}
        row = _row(raw, options, dataset_of(path))
        scorers.apply(row, scores)
        chosen = judged.get(scorers.chosen or "")
        if chosen:
            set_outcome(row, options, chosen.metric, chosen.score, chosen.passed)
            add_metadata(row, {"scored_explanation": chosen.reason}, "azure")
        # A row without a verdict does not pass, as in the SDK's own share.
        passed = {f"{name} passed": one.passed is True for name, one in judged.items()}
        tally.add(row, {**passed, **{name: one.score for name, one in judged.items()}})
        yield line, row
    mapped.check(path)
    scorers.check(path)
    return list(_summaries(path, tally))


class _Judged:
    """What one evaluator says of a row."""

    def __init__(self, raw: Mapping[str, Any], prefix: str, metric: str, name: str) -> None:
        key = f"{prefix}.{metric}" if metric else prefix
        values = (raw.get(key), raw.get(f"{key}_score"), raw.get(f"{prefix}.score"))
        self.score = next((number for value in values if (number := number_or_none(value)) is not None), None)
        self.verdict = raw.get(f"{key}_result", raw.get(f"{prefix}.passed"))
        self.passed = verdict_of(self.verdict)
        self.reason = raw.get(f"{key}_reason")
        low, high = _range(metric)
        threshold = number_or_none(raw.get(f"{key}_threshold"))
        self.metric = Metric(name, low, high, metric not in _SEVERITY, threshold)


def _range(metric: str) -> tuple[float | None, float | None]:
    if metric in _ONE_TO_FIVE:
        return 1.0, 5.0
    if metric in _SEVERITY:
        return 0.0, 7.0
    return (0.0, 1.0) if metric.startswith(_SHARES) else (None, None)


def _judged(raw: Mapping[str, Any]) -> dict[str, _Judged]:
    """Return what each evaluator says, in the file's order, whatever cells are empty."""
    found: dict[str, _Judged] = {}
    for key in raw:
        verdict = _RESULT.fullmatch(key)
        score = _SCORE.fullmatch(key) if not key.endswith(_ABOUT_A_SCORE) and "gpt_" not in key else None
        named = verdict or score
        # Of `violence` and `violence_score` the result has the name.
        if not named or (not verdict and f"{key.removesuffix('_score')}_result" in raw):
            continue
        evaluator, metric = named["evaluator"], named["metric"] or ""
        if metric == "score" and f"outputs.{evaluator}.passed" in raw:
            continue
        if verdict and not metric and f"outputs.{evaluator}.{evaluator}_result" in raw:
            continue
        name = evaluator if metric in ("", evaluator) or evaluator == f"{metric}_score" else f"{evaluator}.{metric}"
        one = _Judged(raw, f"outputs.{evaluator}", metric, name)
        if verdict or one.score is not None:
            found.setdefault(name, one)
    return found


def _row(raw: Mapping[str, Any], options: EvalOptions, dataset: str) -> dict[str, Any]:
    used: set[str] = set()

    def value_of(name: str) -> Any:
        mapped = options.column_map.get(name)
        if mapped:
            used.add(mapped)
            value = value_at(raw, mapped)
            return None if value is MISSING else value
        keys = [f"{of}.{key}" for key in _FIELDS.get(name, ()) for of in ("inputs", "outputs")]
        key = next((key for key in keys if raw.get(key) not in (None, "")), None)
        used.add(key or "")
        return raw[key] if key else None

    row: dict[str, Any] = {
        "dataset": options.dataset_name or dataset,
        "model": text_or_json(value_of("model")),
        "example_id": text_or_json(value_of("example_id")),
        "input_text": value_of("input_text"),
        "output_text": unwrap_answer(value_of("output_text")),
        "correct_answer": unwrap_answer(value_of("correct_answer")),
    }
    rest = {key.partition(".")[2]: value for key, value in raw.items() if key.startswith("inputs.") and key not in used}
    add_metadata(row, rest, "inputs")
    return row


def _summaries(path: Path, tally: Tally) -> Iterator[ToolSummary]:
    """Compare the document's means with the rows'; lines and tables tell none."""
    if not path.name.lower().removesuffix(".gz").endswith(".json"):
        return
    with open_text(path) as text:
        stream = JsonStream(text, str(path))
        metrics = stream.head(frozenset({"metrics"})).get("metrics") if stream.peek() == "{" else None
    for name, value in metrics.items() if isinstance(metrics, dict) else ():
        evaluator, _, what = name.partition(".")
        ours = f"{evaluator} passed" if what in ("binary_aggregate", "pass_rate") else evaluator
        if (ours != evaluator or what == evaluator) and tally.count(ours):
            yield from compare_mean(name, value, _rounded_as(value, tally.mean(ours)))


def _rounded_as(told: Any, ours: float | None) -> float | None:
    """Round our mean as the tool rounded its own."""
    decimals = len(repr(told).partition(".")[2]) if isinstance(told, float) else 0
    return ours if ours is None or not isinstance(told, int | float) or decimals > 4 else round(ours, max(decimals, 2))
