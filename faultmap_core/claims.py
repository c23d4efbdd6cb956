"""One record behind every claim: what was measured, on whom, by which test, and whether all of it agrees.

Page, terminal, Dagster, JSON and notebook say what a `Claim` says. A claim whose parts contradict each other is not
rendered: `sentence` raises, and `told` falls back to what does hold.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from html import escape
from typing import Any

from faultmap_core.errors import ClaimError
from faultmap_core.report_text import harmless
from faultmap_core.results import _Record

# Rounding of rates that are means over copies.
_SLACK = 1e-9


@dataclass(frozen=True)
class _Kind:
    """How a statistic is tested and told: the tests that are of it, the effect that means nothing, and its words."""

    tests: frozenset[str]
    null: float
    value: Callable[[float], str]
    effect: Callable[[float], str]
    title: str
    explained: str
    paired: bool = False
    # The sign of (inside - outside) that goes with an effect above the null; 0 where values and effect may part.
    sign: int = 1
    # Whether inside and outside are the same thing now and before.
    over_time: bool = False


def percent(share: float) -> str:
    """Return a share in [0, 1] as a percentage that is 0 % or 100 % only where it is exactly that."""
    hundred = 100.0 * share
    if 0.0 < hundred < 0.05:
        return "<0.1%"
    if 0.0 < hundred < 0.95 or 99.0 < hundred < 100.0:
        return f"{min(hundred, 99.9):.1f}%"
    return f"{hundred:.0f}%"


def points(difference: float) -> str:
    """Return a difference of shares in percentage points; one digit more where whole points would read 0."""
    hundred = 100.0 * difference
    text = f"{hundred:+.0f}" if abs(hundred) >= 2.0 or hundred == 0.0 else f"{hundred:+.1f}"
    return "0" if float(text) == 0.0 else text.replace("-", "−")


def tenths(share: float) -> str:
    """Return a share as a percentage with one digit."""
    return f"{share:.1%}"


def point_tenths(difference: float) -> str:
    """Return a difference of shares in percentage points with one digit."""
    return f"{100.0 * difference:+.1f}"


def number(value: float) -> str:
    """Return a score or ratio with two significant digits, three from 1 on."""
    return f"{value:.{3 if abs(value) >= 1.0 else 2}g}".replace("-", "−")


def p_text(p: float) -> str:
    """Return a p-value, short."""
    return "<0.0001" if p < 0.0001 else f"{p:.2g}"


_KINDS: dict[str, _Kind] = {
    "failure rate": _Kind(
        frozenset({"midp", "fisher", "chi2", "slice"}), 0.0, percent, points, "failure rate",
        "share of answers that failed, inside less outside",
    ),
    "score": _Kind(
        frozenset({"ranksum"}), 0.5, number, percent, "mean score",
        "chance that an answer from inside is worse than one from outside, ties halved (probability of superiority)",
        sign=0,
    ),
    "failure rate over repeats": _Kind(
        frozenset({"ranksum"}), 0.5, percent, percent, "failure rate over repeats",
        "chance that a prompt from inside fails more often than one from outside, ties halved", sign=0,
    ),
    "paired failure rate": _Kind(
        frozenset({"mcnemar_midp"}), 0.0, percent, points, "failure rate on the same examples",
        "share of examples that only the first got right less the share that only the second got right", True, -1,
    ),
    "paired score": _Kind(
        frozenset({"sign_flip"}), 0.0, number, number, "mean score on the same examples",
        "mean difference of the two scores of an example, first less second", True,
    ),
    "share": _Kind(
        frozenset({"midp", "fisher", "chi2"}), 1.0, percent, number, "share",
        "share inside over share outside (risk ratio)",
    ),
    "count": _Kind(
        frozenset({"midp", "fisher", "chi2"}), 0.0, number, number, "number", "number found against number expected",
    ),
    "share over time": _Kind(
        frozenset({"midp", "mcnemar_midp", "range"}), 0.0, tenths, point_tenths, "share now and before",
        "share now less share before", over_time=True,
    ),
    "advantage over time": _Kind(
        frozenset({"advantage"}), 0.0, point_tenths, point_tenths, "advantage now and before",
        "advantage over the other model now less before", over_time=True,
    ),
}  # fmt: skip

TESTS = {
    "midp": "mid-p test (hypergeometric)",
    "fisher": "Fisher's exact test",
    "chi2": "chi-squared test",
    "slice": "the search's test",
    "ranksum": "rank-sum test (Wilcoxon, Mann-Whitney)",
    "mcnemar_midp": "McNemar's mid-p test",
    "sign_flip": "sign-flip permutation test",
    "range": "normal test of two coverage figures",
    "advantage": "normal test of two advantages",
}
"""A test's name for people."""


@dataclass(frozen=True)
class Claim(_Record):
    """That a statistic differs between an inside and an outside, or that this is not shown.

    Attributes:
        statistic: what `inside` and `outside` are values of, a key of `_KINDS`; a mean where it is a score.
        inside, outside: the values; None where only the effect is known (scores in pairs).
        effect, low, high: what the interval is of: a difference of rates (pairs: the first model's advantage), for
            scores the probability of a worse one, for shares their ratio; None where there is no interval. A `high`
            of None beside a `low` is without bound.
        test: a key of `TESTS`; p_value, adjusted_p_value: its p, alone and adjusted for all that was looked at.
        population, other_population: what was counted inside and outside, in words ("scored answers"); two different
            ones are not compared.
        n, n_other: how many of them; of pairs both are the number of pairs.
        level: from which adjusted p on nothing is claimed; equivalent: the two are shown to be about equal.
        first, second: names of the two sides, for the sentence.
    """

    statistic: str
    inside: float | None
    outside: float | None
    effect: float | None
    low: float | None
    high: float | None
    test: str
    population: str
    n: int
    n_other: int
    p_value: float
    adjusted_p_value: float
    other_population: str = ""
    level: float = 0.05
    equivalent: bool = False
    first: str = ""
    second: str = ""

    @property
    def shown(self) -> bool:
        """Whether the test shows a difference after all adjustments."""
        return self.adjusted_p_value <= self.level

    @property
    def flaw(self) -> str:
        """Why the record contradicts itself; empty where it does not."""
        return self._unmeasured() or self._disagreement()

    def _unmeasured(self) -> str:
        """Return what is wrong with what was measured, on whom and by what."""
        kind = _KINDS.get(self.statistic)
        if kind is None:
            return f"the statistic {self.statistic!r} is unknown"
        if self.test not in kind.tests:
            return f"the {kind.title} is shown, but {TESTS.get(self.test, repr(self.test))} tested something else"
        if self.n < 1 or self.n_other < 1:
            return f"there is nothing to compare: {self.n:,} {self.population} against {self.n_other:,}"
        if self.other_population not in ("", self.population):
            return f"unlike things are compared: {self.population} against {self.other_population}"
        if kind.paired and self.n != self.n_other:
            return f"{self.n:,} {self.population} are paired with {self.n_other:,}"
        known = (self.inside, self.outside, self.effect, self.low, self.high, self.p_value, self.adjusted_p_value)
        if any(one is not None and not math.isfinite(one) for one in known):
            return "a value is not finite"
        return ""

    def _disagreement(self) -> str:
        """Return where values, interval and test say different things."""
        kind = _KINDS[self.statistic]
        direction = 0 if self.effect is None else _sign(self.effect - kind.null)
        if self.inside is not None and self.outside is not None and kind.sign:
            values = kind.sign * _sign(self.inside - self.outside)
            if values * direction < 0:
                return "the values differ in the other direction than what was tested"
        if self.low is None:
            return ""
        above = self.low > kind.null
        below = self.high is not None and self.high < kind.null
        if self.effect is not None and not (
            self.low - _SLACK <= self.effect and (self.high is None or self.effect <= self.high + _SLACK)
        ):
            return "the interval does not hold the estimate"
        if self.shown and not (above or below):
            return "the test shows a difference and the interval includes none"
        if not self.shown and (above or below):
            return "the interval excludes no difference and the test, adjusted, does not"
        return ""

    @property
    def inside_text(self) -> str:
        """The value inside, as it is printed."""
        return self._value(self.inside)

    @property
    def outside_text(self) -> str:
        """The value outside, as it is printed."""
        return self._value(self.outside)

    def _value(self, value: float | None) -> str:
        kind = _KINDS.get(self.statistic)
        return "–" if value is None or kind is None else kind.value(value)

    @property
    def sentence(self) -> str:
        """What is claimed, in one sentence with its figures. Raises ClaimError where the record contradicts itself."""
        if self.flaw:
            raise ClaimError(f"this claim cannot be rendered: {self.flaw}")
        return harmless(_SENTENCES[self.statistic](self))

    @property
    def told(self) -> str:
        """The sentence, or the one that states only what holds."""
        return self.sentence if not self.flaw else harmless(self._what_holds())

    def _what_holds(self) -> str:
        """Return what may be said although the parts disagree."""
        kind = _KINDS.get(self.statistic)
        if self.n < 1 or self.n_other < 1:
            return f"Nothing was compared: {self.flaw.removeprefix('there is nothing to compare: ')}."
        if kind is None or self._unmeasured():
            shown = f"A difference is shown by the {TESTS[self.test]}" if self.shown and self.test in TESTS else ""
            return f"{shown}; {self.flaw}." if shown else f"Nothing can be said here: {self.flaw}."
        first, second = self.first or "these", self.second or "the rest"
        if kind.over_time and not self._disagreement().startswith("the values"):
            doubt = "by how much so few cannot tell" if self.shown else "that may be chance"
            return f"{_moved(self)} ({doubt}; {_rows(self)})"
        if not self.shown:
            alone = "looked at alone, this pair might" if kind.paired else "looked at alone, they might"
            return f"{first} and {second}: no difference is shown over all that was compared; {alone} differ."
        if self.inside is None or self.outside is None or self._disagreement().startswith("the values"):
            return f"{_capital(first)} and {second} differ; by how much, these figures cannot tell."
        values = _VALUES[self.statistic](self)
        return f"{_capital(values)}; that they differ is shown, by how much so few cannot tell."

    @property
    def basis(self) -> str:
        """The statistic, its interval and the test, for those who want to check."""
        kind = _KINDS.get(self.statistic)
        if kind is None:
            return self.flaw
        parts = [f"{kind.title}: {kind.explained}"]
        if self.low is not None and self.effect is not None and not self.flaw:
            high = "without upper bound" if self.high is None else _bound(kind, self.high)
            parts.append(f"estimate {kind.effect(self.effect)}, interval {_bound(kind, self.low)} to {high}")
        test = TESTS.get(self.test, self.test)
        parts.append(f"{test}, p {p_text(self.p_value)}, adjusted {p_text(self.adjusted_p_value)}")
        what = f"{self.n:,} {self.population}"
        parts.append(what if kind.paired else f"{what} against {self.n_other:,}")
        return harmless("; ".join(parts))

    def to_dict(self) -> dict[str, Any]:
        """Return the fields and what they say, as JSON's own types."""
        said = {"flaw": self.flaw, "told": self.told, "basis": self.basis}
        return {**super().to_dict(), "inside_text": self.inside_text, "outside_text": self.outside_text, **said}

    def __str__(self) -> str:
        """Return what is claimed."""
        return self.told

    def _repr_html_(self) -> str:
        """Return the sentence for a notebook, with its basis folded below."""
        return f"<details><summary>{escape(self.told)}</summary><p>{escape(self.basis)}</p></details>"


def _sign(value: float) -> int:
    return 0 if abs(value) <= _SLACK else (1 if value > 0 else -1)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _bound(kind: _Kind, value: float) -> str:
    """Return an end of an interval; where rounding would make it read like no difference, with more digits."""
    text = kind.effect(value)
    if _sign(value - kind.null) == 0 or text.lstrip("+−") != kind.effect(kind.null).lstrip("+−"):
        return text
    if kind.effect is number:
        return f"{value:.6g}".replace("-", "−")
    for digits in range(1, 7):
        close = f"{100.0 * value:.{digits}f}"
        if float(close) != 100.0 * kind.null:
            return f"{close}%" if kind.effect is percent else f"{float(close):+.{digits}f}".replace("-", "−")
    return text


def _span(claim: Claim, unit: str = "") -> str:
    """Return the interval in words; empty where there is none."""
    if claim.low is None:
        return ""
    kind = _KINDS[claim.statistic]
    if claim.high is None:
        return f", at least {_bound(kind, claim.low)}{unit}"
    return f", between {_bound(kind, claim.low)} and {_bound(kind, claim.high)}{unit}"


def _rates(claim: Claim) -> str:
    return (
        f"{claim.inside_text} of {claim.n:,} {claim.population} failed, {claim.outside_text} of the other"
        f" {claim.n_other:,}"
    )


def _of_rates(claim: Claim) -> str:
    if claim.effect is None:
        return f"{_rates(claim)}."
    apart = f"{points(claim.effect)} points{_span(claim)}"
    return f"{_rates(claim)}: {apart}." if claim.shown else f"{_rates(claim)}; that may be chance ({apart})."


def _means(claim: Claim) -> str:
    if claim.inside is None or claim.outside is None:
        return f"{claim.n:,} {claim.population} against the other {claim.n_other:,}"
    return (
        f"{claim.inside_text} mean score in {claim.n:,} {claim.population}, {claim.outside_text} in the other"
        f" {claim.n_other:,}"
    )


def _of_ranks(claim: Claim) -> str:
    values = _VALUES[claim.statistic](claim)
    if claim.effect is None:
        return f"{_capital(values)}."
    worse = "is worse" if claim.statistic == "score" else "fails more often"
    told = (
        f"{_capital(values)}: one from here {worse} than one from elsewhere in {percent(claim.effect)} of"
        f" comparisons{_span(claim)} (50% is no difference)"
    )
    return f"{told}." if claim.shown else f"{told}; that may be chance."


def _sides(claim: Claim) -> str:
    first, second = claim.first or "the first model", claim.second or "the second model"
    pairs = f"{claim.n:,} {claim.population}"
    if claim.inside is None or claim.outside is None:
        return f"on {pairs}"
    verb = "fails" if claim.statistic == "paired failure rate" else "scores"
    return f"on {pairs}, {first} {verb} {claim.inside_text}, {second} {claim.outside_text}"


def _of_pairs(claim: Claim) -> str:
    first, second = claim.first or "the first model", claim.second or "the second model"
    unit = " points" if claim.statistic == "paired failure rate" else " in score"
    sides = _sides(claim)
    if claim.effect is None:
        return f"{_capital(sides)}."
    effect = _KINDS[claim.statistic].effect
    if not claim.shown:
        what = (
            f"{first} and {second} are about equal"
            if claim.equivalent
            else f"Neither {first} nor {second} is shown to be better"
        )
        return f"{what}: {sides} ({effect(claim.effect)}{unit} for {first}{_span(claim)})."
    better, worse = (first, second) if claim.effect > 0 else (second, first)
    span = ""
    if claim.low is not None and claim.high is not None:
        ends = sorted((abs(claim.low), abs(claim.high)))
        low, high = (_bound(_KINDS[claim.statistic], end).lstrip("+") for end in ends)
        span = f", between {low} and {high}"
    return f"{better} is better than {worse} by {effect(abs(claim.effect)).lstrip('+')}{unit}{span}: {sides}."


def _shares(claim: Claim) -> str:
    second = claim.second or "elsewhere"
    return f"{claim.inside_text} of {claim.n:,} {claim.population}, {claim.outside_text} of {claim.n_other:,} {second}"


def _of_shares(claim: Claim) -> str:
    if claim.effect is None:
        return f"{_shares(claim)}{_span(claim, ' times as often')}."
    if not claim.shown:
        return f"{_shares(claim)}; that may be chance ({number(claim.effect)} times{_span(claim)})."
    return f"{_shares(claim)}: {number(claim.effect)} times as often{_span(claim)}."


def _of_counts(claim: Claim) -> str:
    found = claim.population.removesuffix("s") if claim.inside == 1 else claim.population
    return f"{claim.inside_text} {found} where {claim.outside_text} were expected."


def _moved(claim: Claim) -> str:
    """Return from where to where something went."""
    first, values = claim.first or "the share", f"from {claim.outside_text} to {claim.inside_text}"
    if claim.statistic == "advantage over time":
        return f"{first} went {values} points"
    if not claim.effect:
        return f"{first} stayed at {claim.inside_text}"
    return f"{first} {'rose' if claim.effect > 0 else 'fell'} {values}"


def _rows(claim: Claim) -> str:
    return f"p {p_text(claim.p_value)}; {claim.n_other:,} {claim.population} before, {claim.n:,} now"


def _over_time(claim: Claim) -> str:
    chance = "" if claim.shown or not claim.effect else "that may be chance: "
    if claim.effect is None or claim.low is None or claim.high is None:
        return f"{_moved(claim)} ({chance}{_rows(claim)})"
    kind = _KINDS[claim.statistic]
    span = f"95% interval {_bound(kind, claim.low)} to {_bound(kind, claim.high)}"
    return f"{_moved(claim)} ({chance}{kind.effect(claim.effect)} points, {span}, {_rows(claim)})"


_VALUES: dict[str, Callable[[Claim], str]] = {
    "failure rate": _rates,
    "score": _means,
    "failure rate over repeats": _rates,
    "paired failure rate": _sides,
    "paired score": _sides,
    "share": _shares,
    "count": lambda claim: _of_counts(claim).removesuffix("."),
    "share over time": _moved,
    "advantage over time": _moved,
}
_SENTENCES: dict[str, Callable[[Claim], str]] = {
    "failure rate": _of_rates,
    "score": _of_ranks,
    "failure rate over repeats": _of_ranks,
    "paired failure rate": _of_pairs,
    "paired score": _of_pairs,
    "share": _of_shares,
    "count": _of_counts,
    "share over time": _over_time,
    "advantage over time": _over_time,
}
