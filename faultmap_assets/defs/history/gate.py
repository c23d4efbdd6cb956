"""Compare the last audit with an earlier one, or with another model, for `faultmap gate`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from faultmap_assets.defs.history import store
from faultmap_assets.defs.history.state import PRODUCTION, coverage_range
from faultmap_assets.graph.declarations import NODES
from faultmap_assets.graph.staleness import stale_partitions
from faultmap_assets.settings import Settings
from faultmap_assets.warehouse.connection import Connection, Warehouse
from faultmap_assets.warehouse.materializations import read_state
from faultmap_assets.warehouse.same_questions import same_questions, same_questions_lines
from faultmap_core.base.errors import ConfigurationError
from faultmap_core.monitoring.changes import CoverageRange
from faultmap_core.monitoring.gate import GateResult, GateSettings, RunSummary, gate

_RELATIVE = re.compile(r"latest(?:~(\d+))?")


@dataclass(frozen=True)
class Gated:
    """Attributes: result; current, baseline: what was compared, in words."""

    result: GateResult
    current: str
    baseline: str


def gate_against(
    warehouse: Warehouse,
    settings: Settings,
    baseline: str,
    datasets: Sequence[str] | None = None,
    models: Sequence[str] | None = None,
) -> Gated:
    """Compare the last audit with a baseline, with the margins of the settings.

    Args:
        baseline: an audit's number, `latest~N` or `previous` (the one before the last), or the name of a model that
            all others are compared with; `run:` and `model:` before it say which is meant.
        datasets, models: only these of the last audit.
    Raises: ConfigurationError where there is no such baseline, nothing was audited, or results are out of date: a gate
        on old results would let anything pass.
    """
    with warehouse.read() as connection:
        past = [one.audit for one in store.audits(connection)]
        if not past:
            raise ConfigurationError("nothing was audited yet; run `faultmap audit FILE` first")
        _refuse_stale(connection, settings)
        current = store.summaries_at(connection, past[-1], datasets)
        known_models = sorted({one.model for one in current})
        _check_named(current, datasets, models)
        number = _audit_number(baseline, past, known_models)
        if number is None:
            name = baseline.removeprefix("model:")
            chosen = [one for one in current if (one.model in models if models else one.model != name)]
            against = [one for one in current if one.model == name]
            told = f"model {name}"
        else:
            chosen = [one for one in current if not models or one.model in models]
            against = store.summaries_at(connection, number, datasets, models)
            told = f"audit {number}"
            if not datasets and not models:
                chosen, against = (
                    [*chosen, *_coverage(connection, past[-1])],
                    [*against, *_coverage(connection, number)],
                )
    result = gate(chosen, against, GateSettings(**settings.alerts.gate.model_dump()))
    # Coverage is a fact about production, which has no examples to compare.
    notes = tuple(note for note in result.notes if not note.startswith(f" on {PRODUCTION}"))
    if not result.decided:
        notes = (*notes, *same_questions_lines(same_questions(warehouse, datasets)))
    return Gated(replace(result, notes=notes), f"audit {past[-1]}", told)


def _refuse_stale(connection: Connection, settings: Settings) -> None:
    seen = {"finding_history", *NODES["finding_history"].upstream}
    stale = [
        one for one in stale_partitions(read_state(connection), settings) if one.asset in seen and not one.pending_only
    ]
    if stale:
        first = f"{stale[0].asset} {stale[0].partition.key}".strip()
        raise ConfigurationError(
            f"{len(stale)} results are out of date (first: {first}, {stale[0].reason}); run `faultmap audit` before"
            " the gate"
        )


def _check_named(current: Sequence[RunSummary], datasets: Sequence[str] | None, models: Sequence[str] | None) -> None:
    for what, given, known in (
        ("dataset", datasets, sorted({one.dataset for one in current})),
        ("model", models, sorted({one.model for one in current})),
    ):
        for name in given or ():
            if name not in known:
                raise ConfigurationError(f"the last audit has no {what} {name!r}; it has {', '.join(known) or 'none'}")


def _audit_number(baseline: str, past: Sequence[int], models: Sequence[str]) -> int | None:
    """Return the audit that is meant, or None for a model."""
    if baseline.startswith("model:") or (baseline in models and not baseline.startswith("run:")):
        if baseline.removeprefix("model:") not in models:
            raise ConfigurationError(f"the last audit has no model {baseline[6:]!r}; it has {', '.join(models)}")
        return None
    name = baseline.removeprefix("run:")
    match = _RELATIVE.fullmatch("latest~1" if name == "previous" else name)
    if match:
        back = int(match[1] or 0)
        if back >= len(past):
            raise ConfigurationError(
                f"{name}: there are only {len(past)} audits; `faultmap history --audits` lists them"
            )
        return past[-1 - back]
    if name.isdecimal() and int(name) in past:
        return int(name)
    raise ConfigurationError(
        f"baseline {baseline!r} is neither an audit (1 to {past[-1]}, latest~N, previous) nor a model of the last audit"
        f" ({', '.join(models)})"
    )


def _coverage(connection: Connection, audit: int) -> list[RunSummary]:
    """Return the coverage of the newest day of production that an audit saw, as a run without examples."""
    found = store.findings_at(connection, audit, (PRODUCTION,), members=False)
    ranges: dict[str, CoverageRange] = {
        scope.day: coverage_range(one) for scope, own in found.items() for one in own if one.kind == "coverage"
    }
    return [RunSummary(PRODUCTION, "", {}, coverage=ranges[max(ranges)])] if ranges else []
