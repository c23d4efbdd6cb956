"""Read earlier audits back from the tables of history."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import pyarrow as pa

from faultmap_assets.defs.history.state import AuditScope, Finding, ScopeState
from faultmap_assets.warehouse.connection import Connection, insert
from faultmap_core.data.metrics import Metric
from faultmap_core.monitoring.changes import Standing, Verdict
from faultmap_core.monitoring.gate import RunSummary, SliceSummary
from faultmap_core.stats.rates import Rate

_COLUMNS = (
    "kind",
    "dataset",
    "model",
    "name",
    "value",
    "rows",
    "failures",
    "low",
    "high",
    "error",
    "design_effect",
    "rest",
    "rest_rows",
    "adjusted_p_value",
    "verdict",
    "source_id",
    "fixed_name",
    "finding_id",
    "status",
)

# What stands at one audit: of every scope, its last rows up to then.
LAST_SCOPES = """SELECT * FROM audit_scopes WHERE audit <= $audit
QUALIFY row_number() OVER (PARTITION BY area, dataset, model, day ORDER BY audit DESC) = 1"""
SAME_SCOPE = """s.area = f.area AND s.day = f.day AND (s.dataset = '' OR s.dataset = f.dataset)
AND (s.model = '' OR s.model = f.model)"""


@dataclass(frozen=True)
class Audit:
    """One audit: its number, when it was, and the digest of the state that it found."""

    audit: int
    audited_at: datetime
    state_digest: str


@dataclass(frozen=True, eq=False)
class Sighting:
    """When a finding was last there: the audit, the day of production, its scope's outcomes and metric then."""

    finding: Finding
    audit: int
    day: str
    outcomes: str
    metric: str = ""


def audits(connection: Connection) -> list[Audit]:
    """Return all audits, oldest first."""
    rows = connection.execute("SELECT audit, audited_at, state_digest FROM audits ORDER BY audit").fetchall()
    return [Audit(*row) for row in rows]


def last_scopes(connection: Connection, audit: int) -> dict[AuditScope, tuple[int, str, str]]:
    """Return what stands at an audit: scope -> (audit that saw it so, digest, outcomes); vanished ones are left out."""
    rows = connection.execute(
        f"SELECT area, dataset, model, day, audit, digest, outcomes FROM ({LAST_SCOPES}) WHERE digest <> ''",
        {"audit": audit},
    ).fetchall()
    return {AuditScope(*row[:4]): (row[4], row[5], row[6]) for row in rows}


def findings_at(
    connection: Connection, audit: int, areas: Sequence[str], *, members: bool = True
) -> dict[AuditScope, list[Finding]]:
    """Return the findings that stand at an audit, gone ones left out, by scope; `members`: with what is in them."""
    parts = "f.members, f.centroid" if members else "[] AS members, NULL AS centroid"
    rows = connection.execute(
        f"""SELECT s.area AS area, s.dataset AS of_dataset, s.model AS of_model, s.day AS day,
            f.* EXCLUDE (audit, area, day, members, centroid), {parts}
        FROM ({LAST_SCOPES}) s JOIN finding_history f ON s.audit = f.audit AND {SAME_SCOPE}
        WHERE s.digest <> '' AND f.status <> 'gone' AND list_contains($areas, s.area)
        ORDER BY ALL""",
        {"audit": audit, "areas": list(areas)},
    ).to_arrow_table()
    found: dict[AuditScope, list[Finding]] = {}
    for row in rows.to_pylist():
        scope = AuditScope(row["area"], row["of_dataset"], row["of_model"], row["day"])
        found.setdefault(scope, []).append(_finding(row))
    return found


def sightings(connection: Connection, scopes: Iterable[AuditScope]) -> dict[AuditScope, list[Sighting]]:
    """Return, for each scope, the last sighting of every finding that may come back in it.

    A day of production may show any finding of any other day.
    """
    wanted = sorted({AuditScope(one.area, one.dataset, one.model) for one in scopes})
    connection.register(
        "wanted_scopes",
        pa.table({name: pa.array([getattr(one, name) for one in wanted]) for name in ("area", "dataset", "model")}),
    )
    rows = connection.execute(
        f"""SELECT w.area AS of_area, w.dataset AS of_dataset, w.model AS of_model, f.*,
            coalesce(s.outcomes, '') AS outcomes, coalesce(s.metric, '') AS metric
        FROM wanted_scopes w JOIN finding_history f ON w.area = f.area
            AND (w.dataset = '' OR w.dataset = f.dataset) AND (w.model = '' OR w.model = f.model)
        LEFT JOIN audit_scopes s ON s.audit = f.audit AND {SAME_SCOPE}
        WHERE f.status <> 'gone'
        QUALIFY row_number() OVER (PARTITION BY w.area, w.dataset, w.model, f.finding_id
            ORDER BY f.day DESC, f.audit DESC) = 1
        ORDER BY ALL"""
    ).to_arrow_table()
    connection.unregister("wanted_scopes")
    found: dict[AuditScope, list[Sighting]] = {}
    for row in rows.to_pylist():
        scope = AuditScope(row["of_area"], row["of_dataset"], row["of_model"])
        last = Sighting(_finding(row), row["audit"], row["day"], row["outcomes"], row["metric"])
        found.setdefault(scope, []).append(last)
    return {one: found.get(AuditScope(one.area, one.dataset, one.model), []) for one in scopes}


def _finding(row: Mapping[str, Any]) -> Finding:
    centroid = row["centroid"]
    return Finding(
        **{name: row[name] for name in _COLUMNS},
        members=frozenset(str(one) for one in row["members"]),
        centroid=None if centroid is None else np.array(centroid, dtype=np.float64),
    )


def outcomes_of(connection: Connection, outcomes: str) -> dict[str, float]:
    """Return example key -> failed in [0, 1] of one version of a model's scores; empty for the empty id."""
    if not outcomes:
        return {}
    row = connection.execute(
        "SELECT examples, failed FROM audit_outcomes WHERE outcomes = $outcomes LIMIT 1", {"outcomes": outcomes}
    ).fetchone()
    return {} if row is None else dict(zip(map(str, row[0]), row[1], strict=True))


def runs_of(connection: Connection, dataset: str, model: str) -> list[tuple[int, str]]:
    """Return (audit, outcomes) of each run of a model on a dataset, oldest first.

    A run is a change of its outcomes; of the audits that saw the same ones, the last counts.
    """
    rows = connection.execute(
        """SELECT audit, outcomes FROM audit_scopes
        WHERE area = 'evals' AND dataset = $dataset AND model = $model AND digest <> ''
        QUALIFY outcomes IS DISTINCT FROM lead(outcomes) OVER (ORDER BY audit) ORDER BY audit""",
        {"dataset": dataset, "model": model},
    ).fetchall()
    return [(audit, outcomes) for audit, outcomes in rows]


def run_summary(state: ScopeState, comparisons: Iterable[Finding]) -> RunSummary:
    """Return what a gate or an alert looks at, of one model on one dataset; comparisons: of the whole dataset."""
    dataset, model = state.scope.dataset, state.scope.model
    shares = {one.kind: Rate(one.failures, one.rows) for one in state.findings if one.kind != "slice"}
    slices = [
        SliceSummary(
            one.key,
            one.adjusted_p_value if one.adjusted_p_value is not None else 1.0,
            None if one.low is None or one.high is None else (one.low, one.high),
        )
        for one in state.findings
        if one.kind == "slice"
    ]
    return RunSummary(
        dataset,
        model,
        state.failed,
        slices,
        [standing_of(one, model) for one in comparisons if one.dataset == dataset and model in one.model.split("|")],
        quarantined=shares.get("quarantined"),
        unscored=shares.get("unscored"),
        unjudged=shares.get("unjudged"),
        metric=Metric.from_json(state.metric) if state.metric else None,
    )


def standing_of(comparison: Finding, model: str) -> Standing:
    """Return one model's side of a comparison."""
    first, _, second = comparison.model.partition("|")
    opponent = second if model == first else first
    verdicts: dict[str, Verdict] = {model: "won", opponent: "lost", "tie": "tie"}
    advantage = comparison.value or 0.0
    return Standing(
        opponent,
        verdicts.get(comparison.verdict, "unresolved"),
        advantage if model == first else -advantage,
        comparison.error,
        int(comparison.rows),
    )


def summaries_at(
    connection: Connection, audit: int, datasets: Sequence[str] | None = None, models: Sequence[str] | None = None
) -> list[RunSummary]:
    """Return every model on every dataset as an audit saw it."""
    found = findings_at(connection, audit, ("evals", "comparisons"))
    comparisons = [one for scope, own in found.items() if scope.area == "comparisons" for one in own]
    metrics = _metrics_at(connection, audit)
    summaries = []
    for scope, (_, digest, outcomes) in sorted(last_scopes(connection, audit).items()):
        chosen = (not datasets or scope.dataset in datasets) and (not models or scope.model in models)
        if scope.area == "evals" and chosen:
            failed = outcomes_of(connection, outcomes)
            state = ScopeState(scope, digest, tuple(found.get(scope, ())), outcomes, failed, metrics.get(scope, ""))
            summaries.append(run_summary(state, comparisons))
    return summaries


def _metrics_at(connection: Connection, audit: int) -> dict[AuditScope, str]:
    rows = connection.execute(
        f"SELECT area, dataset, model, day, metric FROM ({LAST_SCOPES}) WHERE digest <> '' AND metric <> ''",
        {"audit": audit},
    ).fetchall()
    return {AuditScope(*row[:4]): row[4] for row in rows}


def insert_audit(connection: Connection, audit: Audit, run_id: str, states: Sequence[ScopeState]) -> None:
    """Append one audit: what it saw otherwise than the one before."""
    insert(
        connection,
        "audits",
        pa.Table.from_pylist(
            [
                {
                    "audit": audit.audit,
                    "audited_at": audit.audited_at,
                    "run_id": run_id,
                    "state_digest": audit.state_digest,
                }
            ]
        ),
    )
    scopes = [
        {
            "audit": audit.audit,
            **vars(one.scope),
            "digest": one.digest,
            "outcomes": one.outcomes,
            "metric": one.metric,
        }
        for one in states
    ]
    insert(connection, "audit_scopes", pa.Table.from_pylist(scopes))
    insert(connection, "finding_history", _finding_table(audit.audit, states))
    _insert_outcomes(connection, {one.outcomes: one.failed for one in states if one.outcomes})


def _insert_outcomes(connection: Connection, versions: Mapping[str, Mapping[str, float]]) -> None:
    """Keep the versions that no earlier audit kept."""
    stored = connection.execute(
        "SELECT outcomes FROM audit_outcomes WHERE list_contains($versions, outcomes)", {"versions": list(versions)}
    ).fetchall()
    known = {row[0] for row in stored}
    for version in sorted(set(versions) - known):
        failed = versions[version]
        ids = sorted(failed, key=int)
        row = {
            "outcomes": pa.array([version]),
            "examples": pa.array([[int(one) for one in ids]], pa.list_(pa.uint64())),
            "failed": pa.array([[failed[one] for one in ids]], pa.list_(pa.float32())),
        }
        insert(connection, "audit_outcomes", pa.table(row))


def _finding_table(audit: int, states: Sequence[ScopeState]) -> pa.Table:
    rows = [
        {
            "audit": audit,
            "area": state.scope.area,
            "day": state.scope.day,
            **{name: getattr(one, name) for name in _COLUMNS},
            "members": sorted(int(member) for member in one.members),
            "centroid": None if one.centroid is None else one.centroid.tolist(),
        }
        for state in states
        for one in state.findings
    ]
    types = {
        "members": pa.list_(pa.uint64()),
        "centroid": pa.list_(pa.float32()),
        "audit": pa.int32(),
        "fixed_name": pa.bool_(),
    }
    numbers = {
        "value", "rows", "failures", "low", "high", "error", "design_effect", "rest", "rest_rows", "adjusted_p_value",
    }  # fmt: skip
    columns = ("audit", "area", "day", *_COLUMNS, "members", "centroid")
    schema = pa.schema([(name, types.get(name, pa.float64() if name in numbers else pa.string())) for name in columns])
    return pa.Table.from_pylist([{**row, **{name: _float(row[name]) for name in numbers}} for row in rows], schema)


def _float(value: Any) -> float | None:
    return None if value is None else float(value)
