"""Understands the words, letters and percentages by which people and tools write down how an answer was judged."""

from __future__ import annotations

import re
from typing import Any, Literal

Judged = Literal["passed", "failed", "yes", "no", "partial"]
"""`passed` and `failed` judge the answer; `yes` and `no` say whether what the column asks is so."""

_WORDS: dict[str, Judged] = {
    **dict.fromkeys(("pass", "passed", "passes", "correct", "right", "c", "success", "successful"), "passed"),
    **dict.fromkeys(("succeeded", "resolved", "ok", "✓", "✔", "✅"), "passed"),
    **dict.fromkeys(("fail", "failed", "fails", "incorrect", "wrong", "i", "failure", "unsuccessful"), "failed"),
    **dict.fromkeys(("unresolved", "not correct", "✗", "✘", "❌"), "failed"),
    **dict.fromkeys(("yes", "true", "y", "t"), "yes"),
    **dict.fromkeys(("no", "false", "n", "f"), "no"),
    **dict.fromkeys(("p", "partial", "partially correct"), "partial"),
}
_PERCENTAGE = re.compile(r"([-+]?\d+(?:[.,]\d+)?)\s*%")
_LETTERS_TOGETHER = (frozenset("cipn"), frozenset("yn"), frozenset("tf"))


def judged(value: Any) -> Judged | None:
    """Return what a cell says in a word or as a truth value; None where it says something else, a number included."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return _WORDS.get(value.strip().casefold()) if isinstance(value, str) else None


def share_of_percentage(value: Any) -> float | None:
    """Return 0.85 for `85%` and `85 %`; None for what is no percentage."""
    found = _PERCENTAGE.fullmatch(value.strip()) if isinstance(value, str) else None
    return float(found[1].replace(",", ".")) / 100 if found else None


def letter_of(value: Any) -> str | None:
    """Return the single letter that a cell is, in lower case; None where it is more or less than one."""
    text = value.strip().casefold() if isinstance(value, str) else ""
    return text if len(text) == 1 and text.isalpha() else None


def letters_are_verdicts(letters: set[str]) -> bool:
    """Say whether all of a column's letters come from one way of judging: C, I, P, N (Inspect), Y, N or T, F."""
    return not letters or any(letters <= known for known in _LETTERS_TOGETHER)
