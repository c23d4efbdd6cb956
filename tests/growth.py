"""Compares the processor time of two sizes of one task, so that a busy machine does not decide a test."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

MAX_GROWTH = 9.0
"""Four times the work takes 4 times as long where time is proportional to it and 16 times where it is quadratic."""


def growth(work: Callable[[T], object], small: T, large: T, *, rounds: int = 4) -> float:
    """Return how many times as much processor time of this thread the large task takes; the best of some rounds each.

    Both sizes are tried in turns, so that whatever slows the machine down meets both.
    """
    best = {False: float("inf"), True: float("inf")}
    for _ in range(rounds):
        for is_large, task in ((False, small), (True, large)):
            started = time.thread_time()
            work(task)
            best[is_large] = min(best[is_large], time.thread_time() - started)
    return best[True] / best[False]
