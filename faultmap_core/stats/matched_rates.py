"""Test whether a rate measured on the same examples is greater for one model than for all others together.

Matched sums of weighted events: a test, and intervals of ratios. What the events are is left to `signatures`.
"""

from __future__ import annotations

import sys

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]

# The pseudo-event that keeps a rest with hardly an event from looking certain: half of one, shared by all others.
_PRIOR_EVENTS = 0.5
_SLACK = 1e-9


def matched_midp(own: Floats, theirs: Floats, all_others: float, group: Codes, n_groups: int) -> Floats:
    """One-sided mid-p test, for each group, that a model's rate exceeds the others' on the same examples.

    The differences of an example's two contributions are split into gains and losses, whose sums are equal in
    expectation under the null hypothesis. Each sum is scaled to a number of events, divided by its mean square per sum
    (Fay and Feuer, 1997, for weighted sums of Poisson counts); given all events, the gains are binomial. Two models
    with equal weights: McNemar's mid-p (Fagerland, Lydersen, Laake, 2013), one-sided.

    Args:
        own, theirs: (events,) >= 0, contribution of one example to the model's rate and to the others'.
        all_others: > 0, what an example on which all others have the error contributes to their rate, in terms of
            what the model's own error contributes to the model's.
        group: (events,) numbers below `n_groups`.
    Returns: (n_groups,) in (0, 1]; 1.0 without any gain.
    """
    from scipy.special import betainc

    difference = own - theirs
    up, down = np.maximum(difference, 0.0), np.maximum(-difference, 0.0)
    gain, gain_squares, loss, loss_squares = (
        np.bincount(group, weights=one, minlength=n_groups) for one in (up, up**2, down, down**2)
    )
    p = np.ones(n_groups)
    some = gain > 0
    gain, loss = gain[some], loss[some]
    gain_unit = gain_squares[some] / gain
    pseudo = all_others * gain_unit
    loss_unit = (loss_squares[some] + _PRIOR_EVENTS * pseudo**2) / (loss + _PRIOR_EVENTS * pseudo)
    chance = loss_unit / (gain_unit + loss_unit)
    won, lost = gain / gain_unit, loss / loss_unit
    at_least = betainc(won, lost + 1.0, chance)
    more = np.where(lost > _SLACK, betainc(won + 1.0, np.maximum(lost, _SLACK), chance), 0.0)
    # A tail below the smallest float is still no proof: p stays above 0.
    p[some] = np.maximum(0.5 * (at_least + more), sys.float_info.min)
    return p


def matched_log_ratio(
    own: Floats, theirs: Floats, lone: tuple[float, float], group: Codes, n_groups: int
) -> tuple[Floats, Floats]:
    """Return the log of the ratio of two matched rates and its standard error, each rate with half an event more.

    Without pairs this is Walter's (1975) interval; with pairs and without the halves it is the usual one of the
    ratio of paired proportions, error sqrt((b + c) / (x y)) (Desu and Raghavarao, 2004). `lone`: what an event adds
    to either rate where there is none to tell.
    """

    def sums(values: Floats) -> Floats:
        return np.asarray(np.bincount(group, weights=values, minlength=n_groups), dtype=np.float64)

    halves, rates = [], []
    for side, alone in zip((own, theirs), lone, strict=True):
        rate, squares = sums(side), sums(side**2)
        unit = np.where(rate > 0, squares / np.where(rate > 0, rate, 1.0), alone)
        halves.append(0.5 * unit)
        rates.append(rate + 0.5 * unit)
    (a, b), (half_a, half_b) = rates, halves
    influence = own / a[group] - theirs / b[group]
    variance = sums(influence**2) + 2.0 * (half_a / a) ** 2 + 2.0 * (half_b / b) ** 2
    return np.log(a / b), np.sqrt(variance)


def log_ratio(x: Floats, n: Floats, y: Floats, m: Floats) -> tuple[Floats, Floats]:
    """Return the log of (x / n) / (y / m), half an event added to each number, and its error (Walter, 1975)."""
    ratio = np.log((x + 0.5) / (n + 0.5)) - np.log((y + 0.5) / (m + 0.5))
    variance = 1 / (x + 0.5) - 1 / (n + 0.5) + 1 / (y + 0.5) - 1 / (m + 0.5)
    return ratio, np.sqrt(np.maximum(variance, 0.0))
