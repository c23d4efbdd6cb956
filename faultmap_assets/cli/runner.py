"""Make everything that is stale, in this process and without a daemon.

`faultmap audit` and the staleness sensor decide by the same function; this module runs what it decides, in this
process, recorded in the same Dagster instance that the UI shows.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import dagster as dg

from faultmap_assets.automation.selection import EVERYTHING, Selection
from faultmap_assets.automation.sensors import JOBS, in_progress, run_tags
from faultmap_assets.definitions import defs
from faultmap_assets.graph.partitions import dagster_key, sync_partitions
from faultmap_assets.graph.scopes import Partition
from faultmap_assets.graph.staleness import AssetPartition, PlannedRun, StalePartition, plan_runs, stale_partitions
from faultmap_assets.kit.instance import PROCESS_TAG, close_dead_runs, process_tag
from faultmap_assets.kit.rebuild import rebuild_instance
from faultmap_assets.privacy.forget_rows import expire_logs
from faultmap_assets.settings import Settings
from faultmap_assets.warehouse.connection import open_warehouse
from faultmap_assets.warehouse.materializations import read_state
from faultmap_core.base import errors

_POLL_SECONDS = 0.5
# Errors are told by the caller, in one line each.
_QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
# The second is of a query that was interrupted; see `Warehouse`.
_INTERRUPTS = (dg.DagsterExecutionInterruptedError.__name__, KeyboardInterrupt.__name__)
_OUR_ERRORS = {name for name, kind in vars(errors).items() if isinstance(kind, type) and issubclass(kind, Exception)}

OnRun = Callable[[PlannedRun, int], None]


@dataclass(frozen=True)
class FailedRun:
    """A run that failed: what it was to make, and why."""

    run: PlannedRun
    reason: str


@dataclass(frozen=True)
class RefreshOutcome:
    """What became of everything that was stale.

    Attributes:
        made: the partitions that were made, in order.
        failed: runs that failed.
        left: partitions that are still stale, because they or something above them failed.
        blocked: partitions whose blocking check failed, with the check's name; what is below them is in `left`.
    """

    made: tuple[AssetPartition, ...]
    failed: tuple[FailedRun, ...]
    left: tuple[StalePartition, ...]
    blocked: tuple[tuple[AssetPartition, str], ...] = ()


def refresh_stale(
    settings: Settings,
    instance: dg.DagsterInstance,
    on_run: OnRun | None = None,
    selection: Selection = EVERYTHING,
    *,
    force: bool = False,
) -> RefreshOutcome:
    """Make every stale partition, upstream first; what another live process is making is waited for.

    Args:
        selection: what is made; the rest stays as it is.
        force: make what is selected although nothing changed.
        on_run: called before each run with the run and the number of partitions that are stale at the moment.
    Raises:
        WarehouseError: the warehouse cannot be opened.
        KeyboardInterrupt: the user interrupted a run; nothing more is started.
    """
    made: list[AssetPartition] = []
    made_from: set[tuple[str, Partition, str]] = set()
    failed: list[FailedRun] = []
    first = True
    rebuild_instance(settings, instance)
    expire_logs(settings, open_warehouse(settings))
    if force:
        selection.ask_again(open_warehouse(settings))
    while True:
        close_dead_runs(instance)
        with open_warehouse(settings).read() as connection:
            state = read_state(connection)
        sync_partitions(instance, state.sources, prune=first)
        first = False
        elsewhere = in_progress(instance)
        found = stale_partitions(state, settings, elsewhere, selection.holds_keys)
        stale = [item for item in found if selection.holds(item.asset, item.partition)]
        tried = {failure.run.digest for failure in failed}
        # What a language model did not answer is asked for once an audit.
        wanted = [item for item in stale if not (item.pending_only and (item.asset, item.partition) in made)]
        # Runs read the settings anew: where the file changed meanwhile, what they make never fits the ones held here.
        wanted = [item for item in wanted if (item.asset, item.partition, item.inputs.digest) not in made_from]
        runs = [run for run in plan_runs(wanted, elsewhere) if run.digest not in tried]
        if not runs and not elsewhere:
            blocked = tuple((key, done.blocked_by) for key, done in state.materialized.items() if done.blocked_by)
            return RefreshOutcome(tuple(made), tuple(failed), tuple(stale), blocked)
        if not runs:
            time.sleep(_POLL_SECONDS)
        for run in runs:
            if on_run:
                on_run(run, len(stale))
            reason = _execute(run, instance)
            if reason is None:
                made += [(asset, run.partition) for asset in run.assets]
                made_from |= {(item.asset, item.partition, item.inputs.digest) for item in run.stale}
            else:
                failed.append(FailedRun(run, reason))


def _execute(run: PlannedRun, instance: dg.DagsterInstance) -> str | None:
    """Run one job in this process; return why it failed, or None."""
    try:
        result = _run(run, instance)
    except dg.DagsterUnknownPartitionError as error:
        return f"another process removed the partition meanwhile: {' '.join(str(error).split())}"
    if any(_interrupted(event) for event in result.all_events):
        raise KeyboardInterrupt
    return None if result.success else _failure_reason(result)


def _run(run: PlannedRun, instance: dg.DagsterInstance) -> dg.ExecuteInProcessResult:
    return defs.resolve_job_def(JOBS[run.scope].name).execute_in_process(
        instance=instance,
        partition_key=dagster_key(run.partition) if run.partition.key else None,
        asset_selection=[dg.AssetKey(asset) for asset in run.assets],
        tags={**run_tags(run), PROCESS_TAG: process_tag()},
        run_config=_QUIET,
        raise_on_error=False,
    )


def _interrupted(event: dg.DagsterEvent) -> bool:
    """Dagster makes of an interrupt a failed step like any other."""
    error = event.step_failure_data.error if event.is_step_failure else None
    return error is not None and error.cls_name in _INTERRUPTS


def _failure_reason(result: dg.ExecuteInProcessResult) -> str:
    for evaluation in result.get_asset_check_evaluations():
        if not evaluation.passed and evaluation.severity is dg.AssetCheckSeverity.ERROR:
            asset = evaluation.asset_key.to_user_string()
            return f"the check {evaluation.check_name} of {asset} failed: {evaluation.description}"
    for event in result.all_events:
        if event.is_step_failure:
            data = event.step_failure_data
            if data.user_failure_data and data.user_failure_data.description:
                return str(data.user_failure_data.description)
            return _told(data.error)
    for event in result.all_events:
        # A resource that could not be opened fails no step.
        if event.is_resource_init_failure:
            return _told(event.engine_event_data.error)
    return "the run failed before its first step; the Dagster UI shows its log"


def _told(error: Any) -> str:
    """Return the message of our own error, which says what to do; without one, that of the first cause."""
    told, first_cause = "", "unknown"
    while error:
        first_cause = " ".join(error.message.split())
        if not told and error.cls_name in _OUR_ERRORS:
            told = first_cause.partition(": ")[2]
        error = error.cause
    return told or first_cause
