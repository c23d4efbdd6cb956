"""What the rows of all tools share: a chosen score beside the others, steps, errors, short metadata."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from faultmap_core.base.errors import EvalFileError
from faultmap_core.data.eval_table import FIELDS, Row, RowError, content_text
from faultmap_core.data.metrics import Metric

NumberedRow = tuple[int, Row | RowError]

LETTER_SCORES = {"C": 1.0, "I": 0.0, "P": 0.5, "N": 0.0, "YES": 1.0, "NO": 0.0, "TRUE": 1.0, "FALSE": 0.0}
"""Correct, incorrect, partial, no answer, and truth values: what Inspect AI's `value_to_float` makes of texts."""

_PARTIAL = 0.5
MAX_STEPS = 200
MAX_STEP_CHARACTERS = 600
_MAX_ERROR_CHARACTERS = 1_000
_MAX_CELL_CHARACTERS = 300


@dataclass(frozen=True)
class Judged:
    """One named score with what the tool says of it.

    Attributes:
        value: a number, a text that is one, or None.
        metric: what it measures.
        passed: the tool's verdict by this score alone; None where it gives none.
    """

    value: Any
    metric: Metric
    passed: bool | None = None


def verdict(name: str, passed: bool | None) -> Judged:
    """Return a tool's verdict on a whole row as a score of its own: 1 passed, 0 failed."""
    return Judged(passed, Metric(name, 0.0, 1.0, threshold=0.5), passed)


class ScorerChoice:
    """Which of several named scores is a row's score: the one asked for, else the file's first.

    The others stay in the row's metadata under `scores`, by their names; `scorer` names the chosen one. With the score
    goes its metric, and the tool's verdict where it gives one; a truth value is a verdict itself.

    Args:
        wanted: the scorer asked for; None takes the first.
        order: scorers in the order that the file itself names them, which goes before that of a row's scores.
        sure: the first of `order` has scores in this file, so that it is the one although the first rows lack it: the
            choice must not depend on which cells are empty.
    """

    def __init__(self, wanted: str | None, order: Sequence[str] = (), *, sure: bool = False) -> None:
        self._wanted, self._order, self._sure = wanted, order, sure and bool(order)
        self._first: str | None = None
        self._seen: dict[str, None] = {}

    @property
    def chosen(self) -> str | None:
        """The chosen scorer's name; None as long as no score was seen."""
        return self._wanted or self._first

    def apply(self, row: dict[str, Any], scores: Mapping[str, Any]) -> None:
        """Give the row its score, verdict and metric, and its other scores as metadata.

        Args: scores: by name, plain values or `Judged`.
        """
        self._seen.update(dict.fromkeys(scores))
        if self._first is None:
            order = self._order[:1] if self._sure else self._order
            self._first = next(_in_order(scores, order, only=self._sure), None)
        chosen = self.chosen
        row["score"] = None
        if chosen is not None and chosen in scores:
            judged = _judged(chosen, scores[chosen])
            row["score"], row["passed"], row["metric"] = judged.value, judged.passed, judged.metric
        if chosen is not None and len(self._seen) > 1:
            row["scorer"] = chosen
        others = {name: plain(value) for name, value in scores.items() if name != chosen}
        if others:
            row["scores"] = others

    def check(self, path: Path) -> None:
        """Raise EvalFileError where the scorer that was asked for, or that the file names, gave no row a score."""
        there = ", ".join(repr(name[:60]) for name in list(self._seen)[:12])
        known = f"`--scorer` takes one of: {there}" if there else "it holds no scores at all"
        if self._wanted and self._wanted not in self._seen:
            raise EvalFileError(f"{path}: no scorer {self._wanted!r}; {known}")
        if self._sure and self._seen and self.chosen is None:
            raise EvalFileError(f"{path}: it names the scorer {self._order[0]!r}, which gave no row a score; {known}")


def plain(score: Any) -> Any:
    """Return the value of a score, judged or not."""
    return score.value if isinstance(score, Judged) else score


def _judged(name: str, score: Any) -> Judged:
    if isinstance(score, Judged):
        return score
    if isinstance(score, bool):
        return verdict(name, score)
    return Judged(score, Metric(name))


def _in_order(scores: Mapping[str, Any], order: Sequence[str], *, only: bool) -> Iterator[str]:
    for scorer in order:
        # A scorer of several values has one score for each: `scorer.key`.
        yield from (name for name in scores if name == scorer or name.startswith(f"{scorer}."))
    if not only:
        yield from scores


def named_scores(name: str, value: Any) -> dict[str, Any]:
    """Return a scorer's value as named scores: letters as `LETTER_SCORES`, of several values one score each."""
    if isinstance(value, Mapping):
        return {f"{name}.{key}": _of_letter(f"{name}.{key}", part) for key, part in value.items()}
    if isinstance(value, list):
        return {f"{name}.{index}": _of_letter(f"{name}.{index}", part) for index, part in enumerate(value)}
    return {name: _of_letter(name, value)}


def _of_letter(name: str, value: Any) -> Any:
    """A letter is a verdict, but for the one that says partly right: that is left to the threshold."""
    score = LETTER_SCORES.get(value.strip().upper()) if isinstance(value, str) else None
    if score is None:
        return value
    return Judged(score, Metric(name, 0.0, 1.0, threshold=0.5), None if score == _PARTIAL else bool(score))


def set_error(row: dict[str, Any], error: Any) -> None:
    """Mark a row that the infrastructure failed: it has no score and no verdict, and `error` says why."""
    if isinstance(error, Mapping):
        error = error.get("message") or error
    text = error if isinstance(error, str) else json.dumps(error, ensure_ascii=False, default=str)
    row["score"] = row["passed"] = None
    row["error"] = text.strip()[:_MAX_ERROR_CHARACTERS] or "failed without a message"


def add_metadata(row: dict[str, Any], values: Any, prefix: str) -> None:
    """Add short values (texts, numbers, truth values) as metadata; one whose name is taken gets the prefix."""
    if not isinstance(values, Mapping):
        return
    for name, value in values.items():
        short = isinstance(value, bool | int | float) or (isinstance(value, str) and len(value) <= _MAX_CELL_CHARACTERS)
        if short:
            taken = name in FIELDS or name in row
            row.setdefault(f"{prefix}.{name}" if taken else str(name), value)


def text_or_json(value: Any) -> str | None:
    """Return a text as it is, anything else as JSON, None where there is nothing."""
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False, default=str)


def choices_text(question: str, choices: Any) -> str:
    """Return a question with its lettered choices below, as it stands where there are none."""
    if not isinstance(choices, list) or not choices:
        return question
    lines = [f"{_letter(index)}) {content_text(choice)}" for index, choice in enumerate(choices)]
    return "\n".join([question, "", *lines])


def _letter(index: int) -> str:
    return chr(ord("A") + index) if index < 26 else str(index + 1)


def steps_of(messages: Any) -> list[str]:
    """Return what an agent did as short texts, oldest first; nothing where it only gave an answer.

    Args: messages: of the whole run, in any of the chat formats (`tool_calls`, messages of the role `tool`).
    """
    if not isinstance(messages, list):
        return []
    turns = [turn for turn in messages if isinstance(turn, Mapping)]
    first = next((index for index, turn in enumerate(turns) if turn.get("role") == "assistant"), len(turns))
    taken = turns[first:]
    if sum(turn.get("role") == "assistant" for turn in taken) < 2 and not any(turn.get("tool_calls") for turn in taken):
        return []
    if taken[-1].get("role") == "assistant" and not taken[-1].get("tool_calls"):
        # The last word is the answer itself.
        taken = taken[:-1]
    steps = [step for turn in taken for step in _steps_of_turn(turn)]
    if len(steps) <= MAX_STEPS:
        return steps
    half = MAX_STEPS // 2
    return [*steps[:half], f"… {len(steps) - 2 * half} steps left out …", *steps[-half:]]


def _steps_of_turn(turn: Mapping[str, Any]) -> list[str]:
    role = str(turn.get("role", "?"))
    said = content_text(turn.get("content")).strip()
    error = turn.get("error")
    if isinstance(error, Mapping):
        error = error.get("message")
    if role == "tool":
        name = turn.get("function") or turn.get("name") or ""
        return [_short(f"{f'{name} ' if name else ''}{'failed' if error else 'returned'}: {error or said}")]
    calls = turn.get("tool_calls")
    steps = [_short(f"{role}: {said}")] if said else []
    return steps + [_short(_call(call)) for call in (calls if isinstance(calls, list) else [])]


def _call(call: Any) -> str:
    if not isinstance(call, Mapping):
        return f"called {call}"
    function = call.get("function")
    described = function if isinstance(function, Mapping) else call
    name = described.get("name") or (function if isinstance(function, str) else "a tool")
    arguments = described.get("arguments")
    if isinstance(arguments, Mapping):
        arguments = ", ".join(f"{key}={text_or_json(value)}" for key, value in arguments.items())
    return f"called {name}({'' if arguments is None else arguments})"


def _short(text: str) -> str:
    text = text.strip()
    return text if len(text) <= MAX_STEP_CHARACTERS else f"{text[: MAX_STEP_CHARACTERS - 1]}…"


def first_text(values: Sequence[Any] | None) -> str | None:
    """Return the first of several texts."""
    return next((text_or_json(value) for value in values or () if value is not None), None)
