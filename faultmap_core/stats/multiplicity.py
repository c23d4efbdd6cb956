"""Adjust p-values once more over all the searches of one audit: every model on every dataset is a search of its own.

Each search keeps its share of false findings to the significance level by itself; of twenty searches with nothing to
find, one finds something. Here the searches themselves are a family of hypotheses.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import TypeVar

import numpy as np

from faultmap_core.base.errors import ConfigurationError
from faultmap_core.stats.exact_tests import benjamini_hochberg

Search = TypeVar("Search", bound=Hashable)


def adjust_over_partitions(
    findings: Mapping[Search, Sequence[float]], searches: int
) -> dict[Search, tuple[float, ...]]:
    """Adjust findings' p-values, which their own search adjusted already, over all searches of an audit.

    The smallest Benjamini-Hochberg adjusted p of a search is its Simes p-value of "nothing to find here"; searches are
    selected by Benjamini-Hochberg over those. With R of m searches selected at a level, a selected one is held to
    R / m of that level, and the adjusted p is the smallest level at which a finding survives both. Then the false
    discovery rate is controlled on average over the selected searches, and with nothing to find anywhere some finding
    survives with at most the level's probability.

    Args:
        findings: search -> adjusted p-values, in [0, 1], of what it found; searches that found nothing may be left out.
        searches: how many were made, those that found nothing included; at least the number of those with findings.
    Returns: search -> one p-value per finding, in the given order, never below the one given.
    Raises: ConfigurationError where `searches` is too small or a p-value lies outside [0, 1].
    Source: Benjamini, Bogomolov (2014), J. R. Stat. Soc. B 76, theorem 2, with Simes' p per family; what found nothing
        has a Simes p above the level, so its exact value changes no decision.
    """
    found = {search: np.asarray(p, dtype=np.float64) for search, p in findings.items() if len(p)}
    if searches < len(found):
        raise ConfigurationError(f"searches is {searches}; expected at least the {len(found)} that found something")
    for search, p in found.items():
        if not ((p >= 0.0) & (p <= 1.0)).all():
            raise ConfigurationError(f"{search}: a p-value lies outside 0 … 1")
    adjusted: dict[Search, tuple[float, ...]] = dict.fromkeys(findings, ())
    if not found:
        return adjusted
    simes = [float(p.min()) for p in found.values()] + [1.0] * (searches - len(found))
    # The level from which on at least 1, 2, … searches are selected.
    selected_from = np.sort(benjamini_hochberg(simes))
    selected = np.arange(1, searches + 1)
    for search, p in found.items():
        within = p[:, None] * (searches / selected)[None, :]
        surviving = np.minimum(np.maximum(within, selected_from[None, :]).min(axis=1), 1.0)
        adjusted[search] = tuple(float(one) for one in surviving)
    return adjusted
