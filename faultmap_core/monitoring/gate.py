"""Compare a run with a baseline run or model: passed, or the reasons why not, with their figures.

Everything that may have got worse is one family of tests (Holm, 1979), so that a run as good as its baseline is held
up in at most `significance_level` of the cases.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np

from faultmap_core.base.errors import ConfigurationError
from faultmap_core.base.records import _Record
from faultmap_core.data.metrics import Metric
from faultmap_core.monitoring.changes import (
    Change,
    CoverageRange,
    Standing,
    Subject,
    change_of_coverage,
    change_of_failures,
    change_of_rate,
    change_of_winner,
    new_slice,
    paired_change,
)
from faultmap_core.monitoring.finding_identity import FindingKey, HistorySettings, match_findings
from faultmap_core.stats.rates import Rate, rate_of


@dataclass(frozen=True)
class GateSettings:
    """How strict to be.

    Attributes:
        significance_level: chance that a run as good as its baseline is held up, in (0, 1).
        failure_margin, slice_margin: rises of the failure rate of a dataset, of a slice, up to this are let through
            although significant; coverage_margin: falls of coverage; winner_margin: falls of the advantage over another
            model; quarantine_margin: rises of the share of quarantined rows. All >= 0, 0.01 is one point.
        history: when a slice is one that the baseline has, too.
    """

    significance_level: float = 0.05
    failure_margin: float = 0.0
    slice_margin: float = 0.0
    coverage_margin: float = 0.0
    winner_margin: float = 0.0
    quarantine_margin: float = 0.01
    history: HistorySettings = field(default_factory=HistorySettings)

    def __post_init__(self) -> None:
        if not 0.0 < self.significance_level < 1.0:
            raise ConfigurationError(f"significance_level is {self.significance_level}; expected between 0 and 1")
        for name in ("failure_margin", "slice_margin", "coverage_margin", "winner_margin", "quarantine_margin"):
            if not 0.0 <= getattr(self, name) < np.inf:
                raise ConfigurationError(f"{name} is {getattr(self, name)}; expected 0 or more")

    def margin(self, change: Change) -> float:
        """Return how much worse this may get."""
        return {
            "failure_rate": self.failure_margin,
            "slice_rate": self.slice_margin,
            "new_slice": self.slice_margin,
            "coverage": self.coverage_margin,
            "winner": self.winner_margin,
            "quarantined": self.quarantine_margin,
            "unscored": self.quarantine_margin,
            "unjudged": self.quarantine_margin,
        }[change.subject.kind]


@dataclass(frozen=True)
class SliceSummary:
    """A significant slice of a run: what it is recognised by (members are example ids), adjusted p, interval of the
    risk difference."""

    finding: FindingKey
    adjusted_p_value: float
    interval: tuple[float, float] | None = None


@dataclass(frozen=True)
class RunSummary:
    """What a gate looks at, of one model on one dataset.

    Attributes:
        failed: example id -> failed in [0, 1] (mean of repeats), NaN without an outcome; groups: example id ->
            session.
        slices: significant ones; standings: against other models; coverage: None where it was not audited;
            quarantined: of the rows read; unscored: of the examples; unjudged: of the failures that a judge was asked
            about; None where unknown.
        metric: by which the outcomes were judged; None where unknown.
    """

    dataset: str
    model: str
    failed: Mapping[str, float]
    slices: Sequence[SliceSummary] = ()
    standings: Sequence[Standing] = ()
    coverage: CoverageRange | None = None
    quarantined: Rate | None = None
    unscored: Rate | None = None
    unjudged: Rate | None = None
    groups: Mapping[str, str | None] | None = None
    metric: Metric | None = None


@dataclass(frozen=True)
class GateResult(_Record):
    """Attributes: passed; reasons: one sentence each, worst first; changes: the same with their numbers, where a change
    is the reason; compared: (dataset, model, baseline's model); notes: what could not be compared; tested: tests;
    decided: False where nothing is shown to be worse and something could not be compared, so that the reasons say only
    what is missing."""

    passed: bool
    reasons: tuple[str, ...]
    changes: tuple[Change, ...]
    compared: tuple[tuple[str, str, str], ...]
    notes: tuple[str, ...]
    tested: int
    decided: bool = True


def gate(
    current: Sequence[RunSummary], baseline: Sequence[RunSummary], settings: GateSettings | None = None
) -> GateResult:
    """Say whether a run is significantly worse than its baseline anywhere.

    Args: baseline: an earlier run, or another model on the same datasets: a summary is compared with that of the same
        dataset and model, else with the dataset's only one.
    Returns: a `GateResult`. A gate that has nothing to compare, or would have to compare unlike metrics, does not pass.
    Raises: ConfigurationError where a side has a dataset and model twice.
    """
    chosen = settings or GateSettings()
    pairs, notes = _pairs(current, baseline)
    unlike = [reason for now, then in pairs if (reason := _unlike(now, then))]
    pairs = [(now, then) for now, then in pairs if not _unlike(now, then)]
    changes: list[Change] = []
    for now, then in pairs:
        found, missing = changes_between(now, then, chosen)
        changes.extend(found)
        notes.extend(missing)
    compared = tuple((now.dataset, now.model, then.model) for now, then in pairs)
    if not any(change.subject.kind == "failure_rate" for change in changes):
        reason = "nothing to compare: no scored example of a dataset that both sides have"
        return GateResult(False, (*unlike, reason), (), compared, tuple(notes), len(changes), decided=False)
    worse = _significant(changes, chosen)
    reasons = (*unlike, *(change.message for change in worse))
    decided = bool(worse) or not reasons
    return GateResult(not reasons, reasons, worse, compared, tuple(notes), len(changes), decided)


def _unlike(now: RunSummary, then: RunSummary) -> str | None:
    """Say why two runs must not be compared; None where they may be."""
    reason = now.metric.unlike(then.metric) if now.metric is not None and then.metric is not None else None
    return f"{now.model} on {now.dataset} cannot be compared: {reason}" if reason else None


def _significant(changes: Sequence[Change], settings: GateSettings) -> tuple[Change, ...]:
    """Return what is worse than its margin by Holm's (1979) procedure over all tests, smallest p first."""
    order = sorted(range(len(changes)), key=lambda i: (changes[i].p_value, i))
    worse: list[Change] = []
    adjusted = 0.0
    for position, index in enumerate(order):
        change = changes[index]
        adjusted = max(adjusted, min(change.p_value * (len(changes) - position), 1.0))
        if adjusted > settings.significance_level:
            break
        if change.is_worse and change.worse_by > settings.margin(change):
            worse.append(replace(change, adjusted_p_value=adjusted, level=settings.significance_level))
    return tuple(worse)


def _pairs(
    current: Sequence[RunSummary], baseline: Sequence[RunSummary]
) -> tuple[list[tuple[RunSummary, RunSummary]], list[str]]:
    for side, runs in (("current", current), ("baseline", baseline)):
        keys = [(one.dataset, one.model) for one in runs]
        if len(set(keys)) < len(keys):
            twice = next(key for key in keys if keys.count(key) > 1)
            raise ConfigurationError(f"{side}: {twice[1]} on {twice[0]} stands twice; expected one summary each")
    pairs: list[tuple[RunSummary, RunSummary]] = []
    notes: list[str] = []
    for now in sorted(current, key=lambda one: (one.dataset, one.model)):
        same = [one for one in baseline if one.dataset == now.dataset]
        own = [one for one in same if one.model == now.model] or (same if len(same) == 1 else [])
        if own:
            pairs.append((now, own[0]))
        elif same:
            notes.append(f"{now.model} on {now.dataset} was not compared: the baseline has {len(same)} other models")
        else:
            notes.append(f"{now.model} on {now.dataset} was not compared: the baseline has no such dataset")
    known = {now.dataset for now in current}
    alone = sorted((one.dataset, one.model) for one in baseline if one.dataset not in known)
    notes.extend(f"{model} on {dataset} is in the baseline only" for dataset, model in alone)
    return pairs, notes


def changes_between(
    now: RunSummary, then: RunSummary, settings: GateSettings | None = None
) -> tuple[tuple[Change, ...], tuple[str, ...]]:
    """Return what changed from one run to another, for better or worse, and notes on what cannot be compared.

    Slices of the earlier run are followed on their own members: those were chosen without the later outcomes, so that
    the comparison is fair. A slice of the later run is new where no earlier one matches it, and where the earlier run
    failed less on the same examples. Runs that were judged by unlike metrics are not compared at all.
    """
    chosen = settings or GateSettings()
    if reason := _unlike(now, then):
        return (), (reason,)
    subject = Subject("failure_rate", now.dataset, now.model)
    found = [
        change_of_failures(subject, then.failed, now.failed, before_groups=then.groups, after_groups=now.groups),
        *_slice_changes(now, then, chosen),
    ]
    notes = []
    if found[0] is None:
        notes.append(f"{now.model} on {now.dataset}: a side has no outcomes")
    if now.coverage is not None and then.coverage is not None:
        found.append(change_of_coverage(replace(subject, kind="coverage"), then.coverage, now.coverage))
    elif then.coverage is not None:
        notes.append(f"{now.model} on {now.dataset}: coverage is known of the baseline only")
    kinds: tuple[Literal["quarantined", "unscored", "unjudged"], ...] = ("quarantined", "unscored", "unjudged")
    for kind in kinds:
        before, after = getattr(then, kind), getattr(now, kind)
        if before is not None and after is not None:
            found.append(change_of_rate(replace(subject, kind=kind), before, after))
    earlier = {one.opponent: one for one in then.standings}
    for standing in now.standings:
        if standing.opponent in earlier:
            about = replace(subject, kind="winner", name=standing.opponent)
            found.append(change_of_winner(about, earlier[standing.opponent], standing))
    return tuple(change for change in found if change is not None), tuple(notes)


def _slice_changes(now: RunSummary, then: RunSummary, settings: GateSettings) -> list[Change | None]:
    shared = now.failed.keys() & then.failed.keys()
    earlier = [
        replace(one.finding, model=now.model, finding_id=one.finding.finding_id or f"earlier {number}")
        for number, one in enumerate(then.slices)
    ]
    later = [replace(one.finding, model=now.model) for one in now.slices]
    ids = {(now.dataset, now.model): shared}
    matches = match_findings(later, earlier, settings.history, shared_ids=ids)
    found: list[Change | None] = []
    for key in earlier:
        members = {one: now.failed[one] for one in key.members if one in now.failed}
        about = Subject("slice_rate", now.dataset, now.model, key.finding_id, key.name)
        found.append(paired_change(about, then.failed, members))
    for match in matches:
        if match.status == "new" and match.current is not None:
            # A slice that a run in between found first has its id already.
            made = later[match.current].finding_id or match.finding_id
            found.append(_new_slice(now, then, now.slices[match.current], made, settings))
    return found


def _new_slice(
    now: RunSummary, then: RunSummary, one: SliceSummary, finding_id: str, settings: GateSettings
) -> Change | None:
    members = one.finding.members
    inside = _rate(now, [example for example in now.failed if example in members])
    rest = _rate(now, [example for example in now.failed if example not in members])
    known = [example for example in now.failed if example in members and example in then.failed]
    before, after = _rate(then, known), _rate(now, known)
    if before.trials > 0 and after.rate - before.rate <= settings.slice_margin:
        return None
    about = Subject("new_slice", now.dataset, now.model, finding_id, one.finding.name)
    return new_slice(about, inside, rest, one.adjusted_p_value, one.interval)


def _rate(run: RunSummary, examples: Sequence[str]) -> Rate:
    groups = None if run.groups is None else [run.groups.get(one) for one in examples]
    return rate_of([run.failed[one] for one in examples], groups)
