"""Where do models agree on an answer that is not the reference? Such a label may be wrong.

Final answers are read by `answers`; only those that can be compared without judgement count.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

import numpy as np
from numpy.typing import NDArray

from faultmap_core.answers import (
    Expected,
    bare,
    final_answer,
    stated_number,
    stated_options,
    stated_polarity,
)

Floats = NDArray[np.float64]

# A kind of question is judged by itself from this many items with a wrong answer.
_LEAST_ITEMS = 30
# Of these an answer that differs is another one; a text or a rounded number may be accepted as the same.
_CLOSED = ("option", "yes_no")


def comparable_answer(expected: Expected, response: str | None) -> str | None:
    """Return a response's final answer in a form that is equal for equal answers, None where that is not certain.

    Only an answer that the response marks as such ("The answer is", "####", "A:", "\\boxed") or consists of is read.
    An option is its letter (or text), a number its value, yes and no "yes" and "no", a short text or a sequence its
    words in lower case. Free texts, JSON and answers to questions without a reference have no comparable form.
    """
    answer = final_answer(response or "")
    if not answer.text or not (answer.marked or answer.alone):
        return None
    if expected.kind == "option":
        chosen = {one for one, _ in stated_options(answer.text, answer, expected.options)}
        return _named(expected, chosen.pop(), answer.text) if len(chosen) == 1 else None
    if expected.kind == "number":
        number = stated_number(answer.text, answer)
        return None if number is None else _plain(number.value)
    if expected.kind == "yes_no":
        said = stated_polarity(answer.text, answer)
        return None if said is None else ("yes" if said[0] else "no")
    if expected.kind in ("short_text", "sequence"):
        return bare(answer.text) or None
    return None


def comparable_references(expected: Expected) -> frozenset[str]:
    """Return the accepted answers in the form of `comparable_answer`."""
    return frozenset(
        one for one in (comparable_answer(expected, f"Answer: {text}") for text in expected.references) if one
    )


def _named(expected: Expected, option: str, text: str) -> str | None:
    """Return the option if `text` opens with it or is nothing else; "closest to 21.4" only mentions one."""
    first = next((word for word in bare(text).split() if word not in ("option", "choice", "answer")), "")
    whole = expected.options is not None and expected.options.find(text) is not None
    if not whole and bare(option).split()[:1] != [first]:
        return None
    return option.upper() if len(option) == 1 else bare(option)


def _plain(value: Decimal) -> str:
    text = f"{value:f}"
    return (text.rstrip("0").rstrip(".") if "." in text else text) or "0"


@dataclass(frozen=True)
class Suspicion:
    """Models that agree on an answer other than the reference.

    Attributes:
        item: row of the table; answer: what they agree on; agreeing: columns of the models that give it; supporting:
            of those that gave the reference's answer; compared: models with a comparable answer.
        score: log10 of the likelihood ratio of "this answer is right" to "the reference is". A model is taken to be
            right at its success rate on this kind of question, and two wrong answers to coincide at the rate at which
            they do there (after Dawid and Skene, 1979). It ranks and is no probability: on hard items models share
            their mistakes.
        chance: upper bound of the probability that so many of the wrong answers coincide, were each drawn on its own
            from equally likely ones of which two coincide at that rate. Wrong labels raise that rate, and so this.
    """

    item: int
    answer: str
    agreeing: tuple[int, ...]
    supporting: tuple[int, ...]
    compared: int
    score: float
    chance: float


@dataclass(frozen=True)
class Agreement:
    """Attributes:
    suspicions: items on which more than half of the models with a comparable answer, two at least, agree on a wrong
        one, and whose score is high enough; by falling score.
    coincidence: share of pairs of wrong answers to one item that are equal; None without any pair.
    compared: share of the answers to items with a reference that could be compared.
    misjudged: (item, column) of answers that equal the reference and were scored as failed, or are another option and
        passed.
    """

    suspicions: tuple[Suspicion, ...]
    coincidence: float | None
    compared: float
    misjudged: tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class _Given:
    """The answers to one item: wrong ones with the columns that give them, and the columns that were right."""

    item: int
    wrong: dict[str, list[int]]
    right: list[int]


def wrong_agreement(
    answers: Sequence[Sequence[str | None]],
    expected: Sequence[Expected],
    passed: Floats,
    least_score: float,
) -> Agreement:
    """Find the items whose reference most models contradict with one voice.

    Args:
        answers: (items, models), see `comparable_answer`; expected: what each item asks for.
        passed: (items, models) at least 0.5 passed, below failed, NaN unknown.
        least_score: of a suspicion.
    """
    references = [comparable_references(one) for one in expected]
    by_kind: dict[tuple[str, int], list[_Given]] = {}
    misjudged: list[tuple[int, int]] = []
    n_answers = n_compared = 0
    for item, (row, accepted) in enumerate(zip(answers, references, strict=True)):
        known = np.flatnonzero(~np.isnan(passed[item])).tolist() if accepted else []
        read = [column for column in known if row[column] is not None]
        n_answers, n_compared = n_answers + len(known), n_compared + len(read)
        given = _Given(item, {}, [])
        for column in read:
            answer, right = row[column] or "", bool(passed[item, column] >= 0.5)
            if right and (answer in accepted or expected[item].kind not in _CLOSED):
                given.right.append(column)
            elif right or answer in accepted:
                misjudged.append((item, column))
            else:
                given.wrong.setdefault(answer, []).append(column)
        by_kind.setdefault(_kind(expected[item]), []).append(given)
    every = [one for of_kind in by_kind.values() for one in of_kind]
    found: list[Suspicion] = []
    for of_kind in by_kind.values():
        # What a few questions of a kind say about it is noise.
        basis = of_kind if sum(bool(one.wrong) for one in of_kind) >= _LEAST_ITEMS else every
        found += _suspicions(of_kind, basis, passed)
    found = sorted((one for one in found if one.score >= least_score), key=lambda one: (-one.score, one.item))
    compared = n_compared / n_answers if n_answers else 0.0
    return Agreement(tuple(found), _coincidence(every), compared, tuple(misjudged))


def _kind(expected: Expected) -> tuple[str, int]:
    """Return what decides how often wrong answers coincide: of two choices they always do."""
    return expected.kind, len(expected.options.texts) if expected.options else 0


def _coincidence(given: Sequence[_Given]) -> float | None:
    counts = [[len(columns) for columns in one.wrong.values()] for one in given]
    equal = sum(n * (n - 1) for item in counts for n in item)
    pairs = sum(sum(item) * (sum(item) - 1) for item in counts)
    return equal / pairs if pairs else None


def _suspicions(given: Sequence[_Given], basis: Sequence[_Given], passed: Floats) -> list[Suspicion]:
    """Judge the items of `given` by how often models are right, and coincide, on those of `basis`."""
    coincidence = _coincidence(basis)
    if not coincidence:
        return []
    outcomes = passed[[one.item for one in basis]]
    # One success and one failure more: no model is always right.
    rate = (np.nansum(outcomes, axis=0) + 1.0) / ((~np.isnan(outcomes)).sum(axis=0) + 2.0)
    weights = np.log10(rate / ((1.0 - rate) * coincidence))
    found = []
    for one in given:
        compared = len(one.right) + sum(map(len, one.wrong.values()))
        answer, agreeing = min(one.wrong.items(), key=lambda given: (-len(given[1]), given[0]), default=("", []))
        if len(agreeing) < 2 or 2 * len(agreeing) <= compared:
            continue
        score = float(weights[agreeing].sum() - weights[one.right].sum())
        chance = _chance_of_agreement(len(agreeing), compared - len(one.right), coincidence)
        found.append(Suspicion(one.item, answer, tuple(agreeing), tuple(one.right), compared, score, chance))
    return found


def _chance_of_agreement(agreeing: int, wrong: int, coincidence: float) -> float:
    """Return a bound of the chance that `agreeing` of `wrong` draws coincide, among 1 / coincidence equal answers."""
    from scipy.special import bdtrc

    return min(1.0, float(bdtrc(agreeing - 1, wrong, coincidence)) / coincidence)
