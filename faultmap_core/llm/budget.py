"""Decide whether one more call may be made, under caps in money, calls and tokens that all users of the store share.

What a call may take at most is reserved before it is made, so that calls in flight together cannot pass a cap.
"""

from __future__ import annotations

from datetime import UTC, datetime

from faultmap_core.llm.calls import Budget
from faultmap_core.llm.store import CallStore, Spent

PERIODS = {"day": " a day", "month": " a month", "total": ""}
AGAIN = {"day": " or run again tomorrow", "month": " or run again next month", "total": ""}


class BudgetKeeper:
    """Reserves calls within a budget."""

    def __init__(self, store: CallStore, budget: Budget) -> None:
        self._store = store
        self._budget = budget
        self._since = -1.0
        self._last = 0
        self._counted = Spent()

    @property
    def capped(self) -> bool:
        """Whether there is any cap."""
        return (self._budget.cost_usd, self._budget.calls, self._budget.tokens) != (None, None, None)

    @property
    def caps_cost(self) -> bool:
        """Whether money is capped, so that prices must be known."""
        return self._budget.cost_usd is not None

    def reserve(self, most: Spent) -> int | None:
        """Reserve what a call may take at most; return the reservation's number, or None when it does not fit."""
        with self._store.transaction():
            return None if self._reached(self._taken() + most) else self._store.reserve(most)

    def spent(self) -> Spent:
        """Return what the ledger and the open reservations of the period sum up to."""
        with self._store.transaction("DEFERRED"):
            return self._taken()

    def why(self, most: Spent) -> tuple[str, str]:
        """Say which cap a call meets, with what is spent of it, and what to do."""
        spent = self.spent()
        cap = self._reached(spent + most) or "calls"
        amount, used, next_one = {
            "cost_usd": (
                f"{self._budget.cost_usd or 0:.2f} USD",
                f"{spent.cost:.4f} USD",
                f"{most.cost:.4f} USD",
            ),
            "calls": (f"{self._budget.calls or 0:,} calls", f"{spent.calls:,}", f"{most.calls:,}"),
            "tokens": (f"{self._budget.tokens or 0:,} tokens", f"{spent.tokens:,}", f"{most.tokens:,}"),
        }[cap]
        a_period = PERIODS[self._budget.period]
        reached = f"budget of {amount}{a_period} is spent ({used} used; the next call may take {next_one})"
        return reached, f"raise language_model.budget.{cap}{AGAIN[self._budget.period]}"

    def _reached(self, total: Spent) -> str:
        """Name the cap that `total` passes, or ""."""
        caps = (
            ("cost_usd", self._budget.cost_usd, total.cost),
            ("calls", self._budget.calls, total.calls),
            ("tokens", self._budget.tokens, total.tokens),
        )
        return next((name for name, cap, value in caps if cap is not None and value > cap * (1 + 1e-12)), "")

    def _taken(self) -> Spent:
        """Read only what the ledger has got since the last time."""
        since = self._period_start()
        if since != self._since:
            self._since, self._last, self._counted = since, 0, Spent()
        self._last, new = self._store.spent(since, self._last)
        self._counted += new
        return self._counted + self._store.reserved(since)

    def _period_start(self) -> float:
        if self._budget.period == "total":
            return 0.0
        today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        return (today if self._budget.period == "day" else today.replace(day=1)).timestamp()
