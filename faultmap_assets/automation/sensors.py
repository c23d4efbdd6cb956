"""Define one job per kind of partition, and the sensor that requests runs for what is stale.

Dagster's own conditions are not used: on a sparse product of datasets and models they never fire, and where branches
join they lose updates (see `staleness`).
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import dagster as dg

from faultmap_assets.graph.declarations import ASSET_GRAPH, NODES
from faultmap_assets.graph.partitions import dagster_key, sync_partitions
from faultmap_assets.graph.scopes import Partition, Scope
from faultmap_assets.graph.staleness import AssetPartition, PlannedRun, plan_runs, stale_partitions
from faultmap_assets.kit.instance import UNFINISHED, close_dead_runs
from faultmap_assets.privacy.forget_rows import expire_logs
from faultmap_assets.settings import Settings, load_settings, reload_needed, settings_at_import
from faultmap_assets.warehouse.connection import open_warehouse
from faultmap_assets.warehouse.materializations import read_state
from faultmap_core.base.errors import WarehouseLockedError

# Dagster gives a tick 60 s.
LOCK_SECONDS_IN_TICK = 10.0

PARTITION_TAG, ASSETS_TAG, DIGEST_TAG = "faultmap/partition", "faultmap/assets", "faultmap/inputs"

JOBS = {
    scope: dg.define_asset_job(
        f"refresh_{'report' if scope is Scope.NONE else scope.value}",
        selection=[node.name for node in ASSET_GRAPH if node.scope is scope],
        executor_def=dg.in_process_executor,
        description=f"Makes stale assets that are partitioned by {scope.value.replace('_', ' × ')}.",
    )
    for scope in Scope
}


def run_tags(run: PlannedRun) -> dict[str, str]:
    """Return the tags by which later ticks recognise a run."""
    return {
        PARTITION_TAG: run.partition.key or "-",
        ASSETS_TAG: ",".join(run.assets),
        DIGEST_TAG: run.digest,
    }


def in_progress(instance: dg.DagsterInstance) -> set[AssetPartition]:
    """Return what unfinished runs, the audit's and the sensor's, are making."""
    making: set[AssetPartition] = set()
    for run in instance.get_runs(dg.RunsFilter(statuses=UNFINISHED)):
        if ASSETS_TAG in run.tags:
            for asset in run.tags[ASSETS_TAG].split(","):
                if asset in NODES:
                    making.add((asset, Partition.parse(NODES[asset].scope, run.tags[PARTITION_TAG])))
    return making


def failed_attempts(instance: dg.DagsterInstance, run: PlannedRun) -> int:
    """Return how often a run that would be made from the same inputs has failed."""
    return instance.get_runs_count(
        dg.RunsFilter(tags=run_tags(run), statuses=[dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED])
    )


@dataclass(frozen=True)
class StaleRuns:
    """What one look at the warehouse wants to be run.

    Attributes: requests: the runs; stale: partitions out of date; making: being made; given_up: failed too often.
    """

    requests: tuple[dg.RunRequest, ...]
    stale: int
    making: int
    given_up: int


def request_stale(
    instance: dg.DagsterInstance, settings: Settings, wanted: Callable[[PlannedRun], bool] = lambda run: True
) -> StaleRuns:
    """Return the runs that `stale_partitions` wants now, a failed one a bounded number of times.

    Sensors and schedules all ask here: what one of them requested is being made, or fresh, when the next one asks.

    Args: wanted: says which of the runs to request.
    Raises: WarehouseLockedError where another process holds the warehouse for longer than a tick can wait.
    """
    close_dead_runs(instance)
    warehouse = replace(open_warehouse(settings), lock_timeout_seconds=LOCK_SECONDS_IN_TICK)
    expire_logs(settings, warehouse)
    with warehouse.read() as connection:
        state = read_state(connection)
    sync_partitions(instance, state.sources)
    making = in_progress(instance)
    stale = stale_partitions(state, settings, making)
    requests: list[dg.RunRequest] = []
    given_up = 0
    for run in filter(wanted, plan_runs(stale, making)):
        attempts = failed_attempts(instance, run)
        if attempts >= settings.automation.max_attempts:
            given_up += 1
        else:
            requests.append(_request(run, attempts))
    return StaleRuns(tuple(requests), len(stale), len(making), given_up)


def _request(run: PlannedRun, attempts: int) -> dg.RunRequest:
    # What a language model did not answer is asked for again once a day.
    again = f":{datetime.now(UTC):%Y-%m-%d}" if any(item.pending_only for item in run.stale) else ""
    return dg.RunRequest(
        run_key=f"{run.scope.value}:{run.partition.key}:{run.digest}:{attempts}{again}",
        job_name=JOBS[run.scope].name,
        asset_selection=[dg.AssetKey(asset) for asset in run.assets],
        partition_key=dagster_key(run.partition) if run.partition.key else None,
        tags=run_tags(run),
    )


@dg.sensor(
    jobs=list(JOBS.values()),
    minimum_interval_seconds=settings_at_import().automation.interval_seconds,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Requests every partition whose inputs, settings or code changed, once all above it is settled.",
)
def staleness_sensor(context: dg.SensorEvaluationContext) -> Iterator[dg.RunRequest | dg.SkipReason]:
    """Request what `stale_partitions` says."""
    settings = load_settings()
    if changed := reload_needed(settings):
        context.log.warning("%s", changed)
    try:
        found = request_stale(context.instance, settings)
    except WarehouseLockedError as error:
        yield dg.SkipReason(f"{error}; the next tick tries again")
        return
    yield from found.requests
    if found.stale or found.given_up:
        context.log.info(
            "%d stale, %d being made, %d given up after repeated failures", found.stale, found.making, found.given_up
        )
    else:
        yield dg.SkipReason("everything is fresh")
