"""Test what got worse between two runs or windows: each change with its size, its interval and a one-sided test.

Failure rates on the same examples are compared in pairs, on different rows as two samples; coverage by its range, a
comparison of models by its advantage. When a change is worth an alarm is left to `alerting`, of a pipeline to `gate`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from faultmap_core.base.errors import ConfigurationError
from faultmap_core.base.records import _Record
from faultmap_core.discovery.comparison.results import ComparisonResult
from faultmap_core.monitoring.change_claims import change_message
from faultmap_core.stats.exact_tests import midp_greater, newcombe_interval
from faultmap_core.stats.paired_tests import mcnemar_of_means, tango_interval
from faultmap_core.stats.rates import Rate as Rate
from faultmap_core.stats.rates import between_day_variance, rate_of

ChangeKind = Literal[
    "failure_rate", "slice_rate", "new_slice", "coverage", "winner", "quarantined", "unscored", "unjudged"
]
Verdict = Literal["won", "lost", "tie", "unresolved"]

# Where more is better, a fall is a regression.
FALLING: frozenset[str] = frozenset({"coverage", "winner"})
_LEVEL = 0.95
_Z = 1.959963984540054
# What `coverage_estimate` puts between the estimate and its bounds, in standard errors.
_COVERAGE_LOW_Z, _COVERAGE_HIGH_Z = 1.645, 2.6
# Two runs are the same examples asked again where they share this part of the smaller one.
_SAME_EXAMPLES = 0.5
_SLACK, _LEAST_P, _LEAST_UP = 1e-9, 1e-300, 1e-16


@dataclass(frozen=True)
class Subject:
    """What may have got worse.

    Attributes: kind; dataset; model: empty where there is none; finding_id, name: of a slice, see `history`; of a
        comparison `name` is the opponent.
    """

    kind: ChangeKind
    dataset: str
    model: str = ""
    finding_id: str = ""
    name: str = ""


@dataclass(frozen=True)
class Change(_Record):
    """One thing before and after.

    Attributes:
        subject: what; before, after: shares in [0, 1], of "winner" the advantage over the opponent in [-1, 1] (or in
            scores); of "new_slice" the failure rates of the rest and of the slice.
        difference: after - before; low, high: its interval at 95 %.
        p_value: one-sided, that it is no worse than before; of "new_slice" adjusted for the search.
        test: "mcnemar_midp" (same examples), "midp" (two samples), "range", "advantage" or "slice".
        before_error, after_error: standard errors, >= 0; before_rows, after_rows: rows that were counted.
        verdict: of "winner", where it is worse than before; None else.
        adjusted_p_value: p over all that was tested together; None where it was asked alone; level: up to which one a
            change is claimed.
    """

    subject: Subject
    before: float
    after: float
    difference: float
    low: float
    high: float
    p_value: float
    test: str
    before_error: float
    after_error: float
    before_rows: int
    after_rows: int
    verdict: Verdict | None = None
    adjusted_p_value: float | None = None
    level: float = 0.05

    @property
    def worse_by(self) -> float:
        """The difference, positive where it is for the worse."""
        return -self.difference if self.subject.kind in FALLING else self.difference

    @property
    def is_worse(self) -> bool:
        """Whether it went for the worse at all; a comparison where its verdict did."""
        return self.worse_by > 0 and (self.subject.kind != "winner" or self.verdict is not None)

    @property
    def message(self) -> str:
        """What happened, in one sentence with its figures."""
        return change_message(self)

    def to_dict(self) -> dict[str, Any]:
        """Return all fields as JSON's own types, those of the subject among them."""
        own = super().to_dict()
        del own["subject"]
        return {**self.subject.__dict__, **own, "message": self.message}


def change_of_rate(
    subject: Subject, before: Rate, after: Rate, *, day_variance: float = 0.0, before_days: int = 1
) -> Change | None:
    """Compare two samples that share no row: did the rate rise?

    Args:
        before, after: a baseline window, and today's rows, which it does not hold.
        day_variance: see `between_day_variance`, estimated from `before_days` days: it counts in full for `after`,
            divided by them for `before`, and p allows for its own error (Student's t, degrees of freedom after
            Satterthwaite, 1946).
    Returns: None where a side has no rows. Mid-p of the hypergeometric distribution (Lancaster, 1961) on what the
        counts are worth; Newcombe's (1998) interval.
    """
    if before.trials <= 0 or after.trials <= 0:
        return None
    middle = (before.failures + after.failures) / (before.trials + after.trials)
    spread = middle * (1.0 - middle)
    m, n = before.worth, after.worth
    freedom = np.inf
    if day_variance > 0 and spread > 0:
        freedom = max(before_days - 1, 1) * (1.0 + spread / n / day_variance) ** 2
        m = 1.0 / (1.0 / m + day_variance / spread / max(before_days, 1))
        n = 1.0 / (1.0 / n + day_variance / spread)
    p = _student(_midp(after.rate, n, before.rate, m), freedom)
    low, high = newcombe_interval(after.rate, n, before.rate, m, _LEVEL)
    errors = _error(before.rate, m), _error(after.rate, n)
    rows = round(before.trials), round(after.trials)
    difference = after.rate - before.rate
    return Change(subject, before.rate, after.rate, difference, float(low), float(high), p, "midp", *errors, *rows)


def _midp(rate: float, n: float, other: float, m: float) -> float:
    """Return the one-sided mid-p of two rates of n and m rows; between whole counts its quantile is interpolated."""
    from scipy.special import ndtr, ndtri

    size, rest = max(round(n), 1), max(round(m), 1)
    hits, others = min(rate * size, float(size)), min(round(other * rest), rest)
    below = int(min(np.floor(hits + _SLACK), size))
    share = max(hits - below, 0.0)
    if share <= _SLACK:
        return float(midp_greater(below, size, below + others, size + rest))
    counts = np.array([below, below + 1])
    ends = ndtri(np.clip(midp_greater(counts, size, counts + others, size + rest), _LEAST_P, 1.0 - _LEAST_UP))
    return float(ndtr(ends[0] + share * (ends[1] - ends[0])))


def _student(p: float, freedom: float) -> float:
    """Return the p that the same quantile has in Student's distribution."""
    from scipy.special import ndtri, stdtr

    if not np.isfinite(freedom) or not 0.0 < p < 1.0:
        return p
    return float(stdtr(freedom, ndtri(p)))


def change_of_day(subject: Subject, earlier: Sequence[Rate], today: Rate) -> Change | None:
    """Compare one day with earlier days: did the rate rise by more than rows, sessions and days usually make it vary?

    Args: earlier: the baseline, one rate per day, none of them `today`'s. Best it ends a week before: a lasting rise
        that has reached the baseline hides itself.
    Returns: as `change_of_rate` on the earlier days together, with their design effect and day-to-day variance.
    """
    days = [day for day in earlier if day.trials > 0]
    if not days:
        return None
    trials = sum(day.trials for day in days)
    effect = sum(day.design_effect * day.trials for day in days) / trials
    before = Rate(sum(day.failures for day in days), trials, max(effect, 1.0))
    now = Rate(today.failures, today.trials, max(today.design_effect, effect))
    return change_of_rate(subject, before, now, day_variance=between_day_variance(days), before_days=len(days))


def paired_change(subject: Subject, before: Mapping[str, float], after: Mapping[str, float]) -> Change | None:
    """Compare two runs on the same examples: do more of them fail now?

    Args: example id -> failed in [0, 1] (fractions are means of repeats, NaN has no outcome); only ids that both runs
        have an outcome for are compared.
    Returns: None where there are none. One-sided mid-p McNemar test (Fagerland, Lydersen, Laake, 2013, eq. 4), Tango's
        (1998) interval.
    """
    first, second = _outcomes(before), _outcomes(after)
    ids = sorted(first.keys() & second.keys())
    if not ids:
        return None
    then, now = np.array([first[one] for one in ids]), np.array([second[one] for one in ids])
    n = len(ids)
    lost, won = float(np.maximum(now - then, 0.0).sum()), float(np.maximum(then - now, 0.0).sum())
    two_sided = mcnemar_of_means(lost, won)
    p = two_sided / 2.0 if lost > won else 1.0 - two_sided / 2.0
    low, high = tango_interval(lost, won, n, _LEVEL)
    rates = float(then.mean()), float(now.mean())
    errors = _error(rates[0], n), _error(rates[1], n)
    return Change(subject, *rates, rates[1] - rates[0], low, high, p, "mcnemar_midp", *errors, n, n)


def change_of_failures(
    subject: Subject,
    before: Mapping[str, float],
    after: Mapping[str, float],
    *,
    before_groups: Mapping[str, str | None] | None = None,
    after_groups: Mapping[str, str | None] | None = None,
) -> Change | None:
    """Compare two runs by what they share: in pairs where half of the smaller one is in both, else as two samples.

    Args: example id -> failed in [0, 1], NaN without an outcome; groups: example id -> session, for two samples.
    Returns: None where a side has no outcome. Of two samples, rows in both count for `after` only.
    """
    first, second = _outcomes(before), _outcomes(after)
    shared = first.keys() & second.keys()
    if shared and len(shared) >= _SAME_EXAMPLES * min(len(first), len(second)):
        return paired_change(subject, first, second)
    earlier = _rate_of({one: value for one, value in first.items() if one not in shared}, before_groups)
    return change_of_rate(subject, earlier, _rate_of(second, after_groups))


def _outcomes(failed: Mapping[str, float]) -> dict[str, float]:
    return {one: float(value) for one, value in failed.items() if np.isfinite(value)}


def _rate_of(failed: Mapping[str, float], groups: Mapping[str, str | None] | None) -> Rate:
    return rate_of(list(failed.values()), None if groups is None else [groups.get(one) for one in failed])


def _error(rate: float, worth: float) -> float:
    """Return the standard error of a share, with a failure and a success more so that it is never 0."""
    smoothed = (rate * worth + 1.0) / (worth + 2.0)
    return float(np.sqrt(smoothed * (1.0 - smoothed) / worth))


def new_slice(
    subject: Subject,
    inside: Rate,
    rest: Rate,
    adjusted_p_value: float,
    interval: tuple[float, float] | None = None,
) -> Change | None:
    """Describe a significant slice that no earlier run found.

    Args: inside, rest: failure rates of the slice and of all other rows; adjusted_p_value, interval: as the search
        gives them, adjusted for it (Newcombe's at 95 % where None).
    Returns: None where a side has no rows.
    """
    plain = change_of_rate(subject, rest, inside)
    if plain is None:
        return None
    low, high = interval if interval is not None else (plain.low, plain.high)
    rows = plain.before_rows, plain.after_rows
    errors = plain.before_error, plain.after_error
    return Change(
        subject, plain.before, plain.after, plain.difference, low, high, adjusted_p_value, "slice", *errors, *rows
    )


@dataclass(frozen=True)
class CoverageRange:
    """A coverage figure: score, low, high as in `CoverageResult`, 0 <= low <= score <= high <= 1; prompts: distinct."""

    score: float
    low: float
    high: float
    prompts: int


def change_of_coverage(subject: Subject, before: CoverageRange, after: CoverageRange) -> Change | None:
    """Compare two coverage figures: did coverage fall?

    Returns: None where a side has no prompts. The ranges are turned back into standard errors, towards each other,
        never smaller than those of a share of that many prompts; the test is normal and so approximate. The suite
        that both are measured by is the same, which makes it cautious.
    """
    if before.prompts <= 0 or after.prompts <= 0:
        return None
    errors = (
        max((before.score - before.low) / _COVERAGE_LOW_Z, _error(before.score, before.prompts)),
        max((after.high - after.score) / _COVERAGE_HIGH_Z, _error(after.score, after.prompts)),
    )
    rows = before.prompts, after.prompts
    return _normal(subject, before.score, after.score, errors, rows, "range", -1.0)


@dataclass(frozen=True)
class Standing:
    """How a model stands against another one.

    Attributes: opponent; verdict: from the model's side; advantage: > 0 where it is better; error: standard error of
        the advantage, None where it is unknown; rows: compared.
    """

    opponent: str
    verdict: Verdict
    advantage: float
    error: float | None
    rows: int

    @classmethod
    def of(cls, result: ComparisonResult, model: str) -> Standing:
        """Take one model's side of a comparison; raises ConfigurationError where it is not in it."""
        from scipy.special import ndtri

        if model not in (result.model_a, result.model_b):
            raise ConfigurationError(f"{model} was not compared; expected {result.model_a} or {result.model_b}")
        is_a = model == result.model_a
        verdicts: dict[str, Verdict] = {
            "a": "won" if is_a else "lost",
            "b": "lost" if is_a else "won",
            "tie": "tie",
            "unresolved": "unresolved",
        }
        error = None
        if result.difference_low is not None and result.difference_high is not None:
            reach = 2.0 * float(ndtri(1.0 - result.significance_level / 2.0))
            error = (result.difference_high - result.difference_low) / reach
        advantage = result.difference if is_a else -result.difference
        opponent = result.model_b if is_a else result.model_a
        return cls(opponent, verdicts[result.global_winner], advantage, error, result.compared_rows)


def change_of_winner(subject: Subject, before: Standing, after: Standing) -> Change | None:
    """Compare a model's advantage over one opponent in two runs: did it lose what it had?

    Returns: None where an advantage has no error. p is that the advantage did not fall (normal; the two runs taken as
        independent, which is cautious where they share examples). `verdict` is filled where it is worse than before
        (won, then tie or unresolved, then lost); else nothing was lost, however small p.
    """
    rank = {"won": 2, "tie": 1, "unresolved": 1, "lost": 0}
    if before.error is None or after.error is None:
        return None
    rows = before.rows, after.rows
    change = _normal(subject, before.advantage, after.advantage, (before.error, after.error), rows, "advantage", -1.0)
    return replace(change, verdict=after.verdict) if rank[after.verdict] < rank[before.verdict] else change


def _normal(
    subject: Subject,
    before: float,
    after: float,
    errors: tuple[float, float],
    rows: tuple[int, int],
    test: str,
    sign: float,
) -> Change:
    from scipy.special import ndtr

    difference, error = after - before, float(np.hypot(*errors))
    z = sign * difference / error if error > 0 else np.inf * np.sign(sign * difference) if difference else 0.0
    p = float(ndtr(-z))
    return Change(
        subject, before, after, difference, difference - _Z * error, difference + _Z * error, p, test, *errors, *rows
    )
