"""Acknowledge or snooze alerts, until they get worse."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np

from faultmap_core.base.errors import ConfigurationError
from faultmap_core.base.records import _Record
from faultmap_core.monitoring.alerting import Alert
from faultmap_core.monitoring.changes import FALLING


@dataclass(frozen=True)
class Acknowledgement(_Record):
    """Somebody knows.

    Attributes:
        dataset: of what is known. finding_id: the finding, or "" for everything of `kind`; kind: "" for all kinds of
            the finding; model: "" for all models. At least one of finding_id and kind is given.
        until: last ISO day (a snooze), "" for good. value, error: as in the alert that was acknowledged (`after`,
            `after_error`); None where anything worse is to stay silent, too.
    """

    dataset: str
    finding_id: str = ""
    kind: str = ""
    model: str = ""
    until: str = ""
    value: float | None = None
    error: float = 0.0

    def __post_init__(self) -> None:
        if not self.finding_id and not self.kind:
            raise ConfigurationError(f"acknowledgement of {self.dataset}: expected a finding_id or a kind")
        if self.until:
            try:
                date.fromisoformat(self.until)
            except ValueError as error:
                raise ConfigurationError(
                    f"acknowledgement until {self.until!r}; expected a date such as 2026-01-31"
                ) from error

    @classmethod
    def of(cls, alert: Alert, until: str = "") -> Acknowledgement:
        """Acknowledge one alert: everything about its finding, or all of its kind, as bad as it is now."""
        kind = "" if alert.finding_id else alert.kind
        return cls(alert.dataset, alert.finding_id, kind, alert.model, until, alert.after, alert.after_error)

    def holds_for(self, alert: Alert) -> bool:
        """Whether the alert is about what is known, on a day on which that counts, and not significantly worse."""
        same = alert.dataset == self.dataset and all(
            not own or own == theirs
            for own, theirs in (
                (self.finding_id, alert.finding_id),
                (self.kind, alert.kind),
                (self.model, alert.model),
            )
        )
        if not same or (self.until and alert.day[:10] > self.until):
            return False
        return self.value is None or not self._worse(alert, self.value)

    def _worse(self, alert: Alert, value: float) -> bool:
        """Test the alert's value against the acknowledged one at the alert's own level."""
        from scipy.special import ndtr

        worse = value - alert.after if alert.kind in FALLING else alert.after - value
        error = float(np.hypot(alert.after_error, self.error))
        return worse > 0 and (error == 0.0 or float(ndtr(-worse / error)) <= alert.level)


def unacknowledged(alerts: Sequence[Alert], acknowledgements: Sequence[Acknowledgement]) -> tuple[Alert, ...]:
    """Return the alerts that nobody knows of, or that are significantly worse than what is known, in their order."""
    return tuple(one for one in alerts if not any(known.holds_for(one) for known in acknowledgements))
