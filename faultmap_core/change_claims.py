"""The claim of each change between two runs or windows: what gates and alerts say of it, from its figures."""

from __future__ import annotations

from typing import TYPE_CHECKING

from faultmap_core.claims import Claim

if TYPE_CHECKING:
    from faultmap_core.regression import Change

_SUBJECTS = {
    "failure_rate": "the failure rate",
    "slice_rate": "the failure rate of the slice",
    "coverage": "coverage by the tests",
    "quarantined": "the share of quarantined rows",
    "unscored": "the share of rows without an outcome",
    "unjudged": "the share of failures without a judgment",
}
_STANDINGS = {"lost": "now loses to", None: "still stands as before against"}


def change_claim(change: Change) -> Claim:
    """Return what is claimed of a change.

    The test of a change is one-sided, for the worse; of one for the better the claim carries the other side's p.
    """
    p = change.p_value if change.worse_by >= 0 else 1.0 - change.p_value
    adjusted = p if change.adjusted_p_value is None or change.worse_by < 0 else change.adjusted_p_value
    new = change.subject.kind == "new_slice"
    advantage = change.subject.kind == "winner"
    return Claim(
        statistic="failure rate" if new else "advantage over time" if advantage else "share over time",
        inside=change.after,
        outside=change.before,
        effect=change.difference,
        low=change.low,
        high=change.high,
        test=change.test,
        population="rows",
        n=change.after_rows,
        n_other=change.before_rows,
        p_value=p,
        adjusted_p_value=adjusted,
        level=change.level,
        first=_lead(change),
    )


def change_message(change: Change) -> str:
    """Return what happened, in one sentence without its full stop; figures that contradict each other are left out."""
    told = change_claim(change).told.removesuffix(".")
    return f"{_lead(change)}: {told}" if change.subject.kind == "new_slice" else told


def _lead(change: Change) -> str:
    """Return what the sentence is about."""
    one = change.subject
    where = f"{one.model} on {one.dataset}" if one.model else one.dataset
    if one.kind == "new_slice":
        return f'{where}: new failure slice "{one.name}"'
    if one.kind == "winner":
        return f"{where}: {_STANDINGS.get(change.verdict, 'no longer beats')} {one.name}: its advantage"
    name = f' "{one.name}"' if one.kind == "slice_rate" else ""
    return f"{where}: {_SUBJECTS[one.kind]}{name}"
