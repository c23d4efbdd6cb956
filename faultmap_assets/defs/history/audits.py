"""Turn an audit into history: compare what changed with what was there, and append it in one transaction."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from faultmap_assets.defs.history import store
from faultmap_assets.defs.history.alert_rows import RaisedAlert
from faultmap_assets.defs.history.alerts import merge_alerts
from faultmap_assets.defs.history.present import present_digests, read_scopes
from faultmap_assets.defs.history.state import AuditScope, Finding, ScopeState, coverage_range, digest_of, unlike
from faultmap_assets.defs.history.store import Audit, Sighting
from faultmap_assets.defs.history.watch import Watched, watch_evals, watch_production
from faultmap_assets.graph.scopes import Partition
from faultmap_assets.graph.staleness import WarehouseState
from faultmap_assets.kit.failing_checks import failing_checks
from faultmap_assets.settings import Settings
from faultmap_assets.warehouse.connection import Connection, Warehouse
from faultmap_assets.warehouse.materializations import read_state
from faultmap_core.base.errors import WarehouseError
from faultmap_core.monitoring.changes import (
    Change,
    Subject,
    change_of_coverage,
    change_of_failures,
    change_of_rate,
    change_of_winner,
    paired_change,
)
from faultmap_core.monitoring.finding_identity import match_findings
from faultmap_core.monitoring.trends import trend_of
from faultmap_core.stats.rates import Rate

# Of processes that record at once one is overtaken by all others, in the worst case.
_MOST_TRIES = 50


class OvertakenError(WarehouseError):
    """Another process recorded an audit between the look at the last one and the writing of the next."""


@dataclass(frozen=True)
class RecordedAudit:
    """What came of recording an audit.

    Attributes:
        audit: number of the last audit, 0 before the first; news: whether this one added something.
        version: changes when the last state, or the one before it, does.
        rows: of `finding_history` at this audit; statuses: how many findings are new, worse ...
        raised: alerts that nobody was told of before.
    """

    audit: int
    news: bool
    version: str
    rows: int
    statuses: Mapping[str, int]
    raised: tuple[RaisedAlert, ...]


def record_audit_in_turn(
    warehouse: Warehouse, settings: Settings, embedder_id: str, run_id: str, now: datetime | None = None
) -> RecordedAudit:
    """Do what `record_audit` does, anew for as long as other processes record theirs meanwhile.

    Raises: WarehouseError where the warehouse cannot be written.
    """
    for _ in range(_MOST_TRIES - 1):
        try:
            return record_audit(warehouse, settings, embedder_id, run_id, now)
        except OvertakenError:
            continue
    return record_audit(warehouse, settings, embedder_id, run_id, now)


def record_audit(
    warehouse: Warehouse, settings: Settings, embedder_id: str, run_id: str, now: datetime | None = None
) -> RecordedAudit:
    """Compare what there is with the last audit; append what differs, and raise the alerts that come of it.

    Args: now: UTC without a zone, by default the clock's; days of production that ended before it are watched.
    Raises: WarehouseError where the warehouse cannot be written; OvertakenError where another process recorded an
        audit meanwhile.
    """
    with warehouse.read() as connection:
        state = read_state(connection)
        past = store.audits(connection)
        audited_at = _after(past, now or datetime.now(UTC).replace(tzinfo=None))
        number = past[-1].audit if past else 0
        known = store.last_scopes(connection, number)
        digests = present_digests(connection, state, settings)
        changed = {
            scope: digest for scope, digest in digests.items() if scope not in known or known[scope][1] != digest
        }
        states = read_scopes(connection, changed, settings, embedder_id)
        states = [*_recognised(connection, states, known), *_vanished(connection, known, digests, state)]
        standing = _digest_of_state(known, states)
        watched: list[Watched] = []
        if states:
            watched += watch_evals(connection, states, audited_at, settings)
        watched += watch_production(connection, states, number, audited_at, settings)
        checks = failing_checks(connection)
    audit = Audit(number + 1, audited_at, standing) if states else None
    with warehouse.write() as connection:
        if [one.audit for one in store.audits(connection)][-1:] != ([number] if number else []):
            raise OvertakenError(
                f"warehouse {warehouse.path}: another process recorded an audit meanwhile; nothing was written, run it"
                " again"
            )
        if audit is not None:
            store.insert_audit(connection, audit, run_id, states)
        raised = merge_alerts(connection, watched, checks, audited_at)
    kept = [*past, audit] if audit is not None else past
    return RecordedAudit(
        kept[-1].audit if kept else 0,
        audit is not None,
        digest_of([one.state_digest for one in kept[-2:]]),
        sum(len(one.findings) for one in states),
        Counter(one.status for own in states for one in own.findings),
        raised,
    )


def _after(past: Sequence[Audit], now: datetime) -> datetime:
    """Audits follow one another, even where the clock was put back."""
    return max(now, past[-1].audited_at + timedelta(microseconds=1)) if past else now


def _digest_of_state(known: Mapping[AuditScope, tuple[int, str, str]], states: Sequence[ScopeState]) -> str:
    digests = {scope: digest for scope, (_, digest, _) in known.items()}
    digests.update({one.scope: one.digest for one in states})
    return digest_of(sorted([*vars(scope).values(), digest] for scope, digest in digests.items() if digest))


def _recognised(
    connection: Connection, states: Sequence[ScopeState], known: Mapping[AuditScope, tuple[int, str, str]]
) -> list[ScopeState]:
    """Give every finding the id of its first sighting and say how it went since the last one.

    Days that are audited together are compared in their order, each with those before it.
    """
    seen = store.sightings(connection, [one.scope for one in states])
    outcomes = _Outcomes(connection)
    days = sorted({scope.day for scope in [*known, *(one.scope for one in states)] if scope.area == "production"})
    of_days: dict[str, Sighting] = {}
    found = []
    for one in sorted(states, key=lambda state: state.scope):
        earlier = seen[one.scope]
        if one.scope.area == "production":
            of_days = of_days or {last.finding.finding_id: last for last in earlier}
            earlier = list(of_days.values())
        compared = _compared(one, earlier, known, days, outcomes)
        found.append(compared)
        if one.scope.area == "production":
            of_days.update(_sighted(compared, of_days))
    return found


def _sighted(state: ScopeState, known: Mapping[str, Sighting]) -> dict[str, Sighting]:
    """Return the findings of a day that were not seen on a later one."""
    return {
        one.finding_id: Sighting(one, 0, state.scope.day, "")
        for one in state.findings
        if one.status != "gone" and (one.finding_id not in known or known[one.finding_id].day <= state.scope.day)
    }


class _Outcomes:
    """Example outcomes of earlier audits, each read once."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._read: dict[str, dict[str, float]] = {}

    def __call__(self, outcomes: str) -> dict[str, float]:
        if outcomes not in self._read:
            self._read[outcomes] = store.outcomes_of(self._connection, outcomes)
        return self._read[outcomes]


def _compared(
    state: ScopeState,
    seen: Sequence[Sighting],
    known: Mapping[AuditScope, tuple[int, str, str]],
    days: Sequence[str],
    outcomes: _Outcomes,
) -> ScopeState:
    scope = state.scope
    before = known.get(scope)
    shared = None
    if scope.area == "evals" and before is not None:
        shared = {(scope.dataset, scope.model): state.failed.keys() & outcomes(before[2]).keys()}
    matches = match_findings([one.key for one in state.findings], [one.finding.key for one in seen], shared_ids=shared)
    yesterday = max((day for day in days if day < scope.day), default="")
    found: list[Finding] = []
    for match in matches:
        if match.current is not None:
            finding = replace(state.findings[match.current], finding_id=match.finding_id)
            if match.previous is not None:
                finding = replace(finding, status=_status(finding, seen[match.previous], state, outcomes))
            found.append(finding)
        elif match.previous is not None:
            last = seen[match.previous]
            was_there = last.day == yesterday != "" if scope.area == "production" else _stood(last, before)
            if was_there:
                found.append(replace(last.finding, status="gone", members=frozenset(), centroid=None))
    return replace(state, findings=tuple(found))


def _stood(last: Sighting, before: tuple[int, str, str] | None) -> bool:
    """Whether a finding was there at the scope's last audit."""
    return before is not None and last.audit == before[0]


def _status(now: Finding, last: Sighting, state: ScopeState, outcomes: _Outcomes) -> str:
    if last.day and last.day >= state.scope.day:
        # The day itself is audited anew, or days after it were first.
        return last.finding.status if last.day == state.scope.day else "same"
    if now.kind in ("slice", "failure_rate", "comparison") and unlike(state.metric, last.metric):
        # Nothing that was seen before is of the same metric.
        return "new"
    return trend_of(_change(now, last, state, outcomes))


def _change(now: Finding, last: Sighting, state: ScopeState, outcomes: _Outcomes) -> Change | None:
    """Test a finding against its last sighting: in pairs where there are examples, else as two samples."""
    then = last.finding
    subject = Subject("failure_rate", now.dataset, now.model, now.finding_id, now.name)
    if now.kind == "comparison":
        first = now.model.partition("|")[0]
        return change_of_winner(
            replace(subject, kind="winner"), store.standing_of(then, first), store.standing_of(now, first)
        )
    if now.kind == "coverage":
        return change_of_coverage(replace(subject, kind="coverage"), coverage_range(then), coverage_range(now))
    if state.scope.area == "evals" and now.kind == "slice":
        earlier = outcomes(last.outcomes)
        # The earlier members were chosen without the later outcomes.
        return paired_change(subject, earlier, {one: state.failed[one] for one in then.members & state.failed.keys()})
    if state.scope.area == "evals" and now.kind == "failure_rate":
        return change_of_failures(subject, outcomes(last.outcomes), state.failed)
    return change_of_rate(
        subject, Rate(then.failures, then.rows, then.design_effect), Rate(now.failures, now.rows, now.design_effect)
    )


def _vanished(
    connection: Connection,
    known: Mapping[AuditScope, tuple[int, str, str]],
    digests: Mapping[AuditScope, str],
    state: WarehouseState,
) -> list[ScopeState]:
    """Return an empty state for each scope that no file delivers any more; one that a check holds back stays.

    Days that are deleted because they are old take no finding with them.
    """
    gone = [scope for scope in known if scope not in digests and _delivered_no_more(scope, state)]
    if not gone:
        return []
    standing = store.findings_at(connection, max(one[0] for one in known.values()), ("evals", "comparisons", "errors"))
    return [
        ScopeState(
            scope,
            "",
            tuple(replace(one, status="gone", members=frozenset(), centroid=None) for one in standing.get(scope, ())),
        )
        for scope in sorted(gone)
    ]


def _delivered_no_more(scope: AuditScope, state: WarehouseState) -> bool:
    if scope.area == "errors":
        # No error is left.
        return True
    if scope.area == "comparisons":
        return scope.dataset not in {one.dataset for one in state.sources}
    return Partition(scope.dataset or None, scope.model or None, scope.day or None) not in state.sources
