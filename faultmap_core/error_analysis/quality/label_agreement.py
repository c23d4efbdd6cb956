"""Items on which independent models agree on an answer that is not the reference: such a label may be wrong.

Final answers are read by `answers`; only those that can be compared without judgement count. The witnesses are families
of models: two settings of one model make the same mistakes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

import numpy as np
from numpy.typing import NDArray

from faultmap_core.error_analysis.answers.extraction import (
    POLARITY,
    Expected,
    bare,
    final_answer,
    stated_number,
    stated_options,
    stated_polarity,
    words_of,
)
from faultmap_core.error_analysis.answers.numbers import numbers_in
from faultmap_core.error_analysis.quality.shared_mistakes import MistakeProfile, mistake_profile

Floats = NDArray[np.float64]

# A kind of question is judged by itself from this many items with a wrong answer.
_LEAST_ITEMS = 30
MIN_FAMILIES = 3
"""So many families must agree."""
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
        return None if number is None or not _one_number(expected, answer.text) else _plain(number.value)
    if expected.kind == "yes_no":
        said = stated_polarity(answer.text, answer)
        return None if said is None or _both_ways(answer.text) else ("yes" if said[0] else "no")
    if expected.kind in ("short_text", "sequence"):
        return None if _only_case_differs(expected, answer.text) else bare(answer.text) or None
    return None


def _one_number(expected: Expected, text: str) -> bool:
    """Whether a text gives one number ("17 and 261" gives none), and in digits where the reference has digits."""
    digits = any(character.isdigit() for character in expected.reference)
    if digits and not any(character.isdigit() for character in text):
        return False
    return "=" in text or len({one.value for one in numbers_in(text)}) <= 1


def _both_ways(text: str) -> bool:
    """Whether a text holds both yes and no, or denies what it names ("not “yes”")."""
    words = words_of(text)
    return "not" in words or len({POLARITY[word] for word in words if word in POLARITY}) > 1


def _only_case_differs(expected: Expected, text: str) -> bool:
    """Whether a text is the reference but for its capital letters, which may be what was asked for."""
    return any(
        len(one) > 1 and one.isupper() and bare(one) == bare(text) and one != text.strip(" .")
        for one in expected.references
    )


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
    """Families of models that agree on an answer other than the reference.

    Attributes:
        item: row of the table; answer: what they agree on; agreeing: columns of the models that give it.
        families, compared: families that agree, and families with an answer at all.
        score: log10 of the likelihood ratio of "this answer is right" to "the reference is", of the families that
            agree. A family is taken to be right at its models' mean success rate on this kind of question, and two
            wrong answers to coincide at the rate at which they do there (after Dawid and Skene, 1979).
        chance: upper bound of the probability that so many wrong answers coincide, were each drawn on its own from the
            wrong options (of free answers: from the distinct answers given to questions of this kind).
        wrong_share: estimated share of wrong labels among the items that so many families contradict, in [0, 1]; see
            `shared_mistakes`.
    """

    item: int
    answer: str
    agreeing: tuple[int, ...]
    families: int
    compared: int
    score: float
    chance: float
    wrong_share: float


@dataclass(frozen=True)
class Agreement:
    """Attributes:
    suspicions: items on which more than half of the families with a comparable answer, three at least, agree on a
        wrong one and none gives the reference, beyond chance and beyond shared mistakes; by falling score.
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
class AgreementSettings:
    """When a label is suspect.

    Attributes:
        min_score: of a suspicion; max_chance: of a suspicion, in (0, 1]; min_wrong_share: see `Suspicion`, in [0, 1].
    """

    min_score: float = 1.0
    max_chance: float = 0.1
    min_wrong_share: float = 0.85


@dataclass(frozen=True)
class _Given:
    """The answers to one item: wrong ones with the columns that give them, and the columns that were right."""

    item: int
    wrong: dict[str, list[int]]
    right: list[int]


@dataclass(frozen=True)
class _Votes:
    """One voice per family: wrong answers with the families that give no other, and the families with a right model."""

    given: _Given
    wrong: dict[str, list[str]]
    confirming: list[str]
    compared: int

    @property
    def leading(self) -> tuple[str, list[str]]:
        """The wrong answer of most families, the first by name of several."""
        return min(self.wrong.items(), key=lambda one: (-len(one[1]), one[0]), default=("", []))

    @property
    def contradicting(self) -> int:
        """How many families agree on one wrong answer."""
        return len(self.leading[1])


def wrong_agreement(
    answers: Sequence[Sequence[str | None]],
    expected: Sequence[Expected],
    passed: Floats,
    families: Sequence[str],
    settings: AgreementSettings | None = None,
) -> Agreement:
    """Find the items whose reference independent models contradict with one voice.

    Args:
        answers: (items, models), see `comparable_answer`; expected: what each item asks for.
        passed: (items, models) at least 0.5 passed, below failed, NaN unknown.
        families: one per model; see `model_families`.
    """
    chosen = settings or AgreementSettings()
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
    if len(set(families)) >= MIN_FAMILIES:
        found = _all_suspicions(by_kind, references, passed, families, chosen)
    compared = n_compared / n_answers if n_answers else 0.0
    return Agreement(tuple(found), _coincidence(every), compared, tuple(misjudged))


def _all_suspicions(
    by_kind: dict[tuple[str, int], list[_Given]],
    references: Sequence[frozenset[str]],
    passed: Floats,
    families: Sequence[str],
    settings: AgreementSettings,
) -> list[Suspicion]:
    """Judge every kind of question by itself, and by all kinds where it has few items."""
    options = {kind: _choices(kind, of_kind, references) for kind, of_kind in by_kind.items()}
    # Two choices, one of them the reference's: wrong answers always coincide, and prove nothing.
    telling = {kind: of_kind for kind, of_kind in by_kind.items() if options[kind] > 2}
    every = [one for of_kind in telling.values() for one in of_kind]
    found: list[Suspicion] = []
    for kind, of_kind in telling.items():
        basis = _large_enough(of_kind, every)
        # How mistakes are shared takes many items to see; it is one matter for choices of any number of options.
        alike = [one for other, given in telling.items() if other[0] == kind[0] for one in given]
        pool = _large_enough(alike, every)
        found += _suspicions(of_kind, basis, pool, options[kind], passed, families, settings)
    return sorted(found, key=lambda one: (-one.score, one.item))


def _large_enough(given: list[_Given], every: list[_Given]) -> list[_Given]:
    """Return `given`, or all items where what these say would be noise."""
    return given if sum(bool(one.wrong) for one in given) >= _LEAST_ITEMS else every


def _kind(expected: Expected) -> tuple[str, int]:
    """Return what decides how often wrong answers coincide: of two choices they always do."""
    return expected.kind, len(expected.options.texts) if expected.options else 0


def _choices(kind: tuple[str, int], given: Sequence[_Given], references: Sequence[frozenset[str]]) -> int:
    """Return among how many answers a model chooses: the options, else the distinct answers of this kind."""
    if kind[1]:
        return kind[1]
    return len({answer for one in given for answer in (*one.wrong, *references[one.item])})


def _coincidence(given: Sequence[_Given]) -> float | None:
    counts = [[len(columns) for columns in one.wrong.values()] for one in given]
    equal = sum(n * (n - 1) for item in counts for n in item)
    pairs = sum(sum(item) * (sum(item) - 1) for item in counts)
    return equal / pairs if pairs else None


def _votes(given: _Given, families: Sequence[str]) -> _Votes:
    right = sorted({families[column] for column in given.right})
    said: dict[str, set[str]] = {}
    for answer, columns in given.wrong.items():
        for column in columns:
            said.setdefault(families[column], set()).add(answer)
    wrong: dict[str, list[str]] = {}
    for family, of_family in sorted(said.items()):
        # A family that contradicts itself is no witness; one that has the reference's answer, too, is for it.
        if len(of_family) == 1 and family not in right:
            wrong.setdefault(next(iter(of_family)), []).append(family)
    return _Votes(given, wrong, right, len({*right, *said}))


def _suspicions(
    given: Sequence[_Given],
    basis: Sequence[_Given],
    pool: Sequence[_Given],
    options: int,
    passed: Floats,
    families: Sequence[str],
    settings: AgreementSettings,
) -> list[Suspicion]:
    """Judge the items of `given` by how often models are right, and coincide, on those of `basis`, and by how often
    they share mistakes on those of `pool`."""
    coincidence, overall = _coincidence(basis), _coincidence(pool)
    if not coincidence or not overall:
        return []
    rate = _family_rates(basis, passed, families)
    weights = {family: float(np.log10(one / ((1.0 - one) * coincidence))) for family, one in rate.items()}
    pooled = _family_rates(pool, passed, families)
    profile = _profile([_votes(one, families) for one in pool], pooled, overall)
    found = []
    for votes in (_votes(one, families) for one in given):
        answer, agreeing = votes.leading
        # A family that is more often wrong than a coincidence is right bears no witness.
        worth = [family for family in agreeing if weights[family] > 0.0]
        if votes.confirming or len(worth) < MIN_FAMILIES or 2 * len(agreeing) <= votes.compared:
            continue
        score = sum(weights[family] for family in agreeing)
        chance = _chance_of_agreement(len(agreeing), votes.compared, 1.0 / (options - 1))
        share = profile.wrong_share(len(agreeing))
        if score >= settings.min_score and chance <= settings.max_chance and share >= settings.min_wrong_share:
            columns = tuple(column for column in votes.given.wrong[answer] if families[column] in agreeing)
            found.append(
                Suspicion(votes.given.item, answer, columns, len(agreeing), votes.compared, score, chance, share)
            )
    return found


def _family_rates(basis: Sequence[_Given], passed: Floats, families: Sequence[str]) -> dict[str, float]:
    """Return the mean success rate of each family's models."""
    outcomes = passed[[one.item for one in basis]]
    # One success and one failure more: no model is always right.
    rate = (np.nansum(outcomes, axis=0) + 1.0) / ((~np.isnan(outcomes)).sum(axis=0) + 2.0)
    members: dict[str, list[float]] = {}
    for family, one in zip(families, rate.tolist(), strict=True):
        members.setdefault(family, []).append(one)
    return {family: float(np.mean(own)) for family, own in members.items()}


def _profile(votes: Sequence[_Votes], rate: dict[str, float], coincidence: float) -> MistakeProfile:
    from scipy.special import comb

    n = len(rate)
    contradicted = np.bincount([one.contradicting for one in votes], minlength=n + 1).astype(np.float64)
    confirmed = np.bincount([len(one.confirming) for one in votes], minlength=n + 1).astype(np.float64)
    k = np.arange(n + 1)
    error = 1.0 - float(np.mean(list(rate.values())))
    together = error**k * coincidence ** np.maximum(k - 1, 0)
    return mistake_profile(contradicted, confirmed, len(votes) * comb(n, k) * together)


def _chance_of_agreement(agreeing: int, wrong: int, coincidence: float) -> float:
    """Return a bound of the chance that `agreeing` of `wrong` draws coincide, among 1 / coincidence equal answers."""
    from scipy.special import bdtrc

    return min(1.0, float(bdtrc(agreeing - 1, wrong, coincidence)) / coincidence)
