"""Raise alerts when no audit runs: sensors for failed runs and for data that does not arrive."""

from dataclasses import replace
from datetime import UTC, datetime

import dagster as dg

from faultmap_assets.automation.sensors import ASSETS_TAG, DIGEST_TAG, LOCK_SECONDS_IN_TICK, PARTITION_TAG
from faultmap_assets.defs.history.alert_rows import acknowledgements
from faultmap_assets.defs.history.alerts import close_events, events_open, raise_event
from faultmap_assets.defs.history.delivery import deliver
from faultmap_assets.defs.production.data_arrival import overdue
from faultmap_assets.kit.failing_checks import FINDING_HISTORY, fresh_data
from faultmap_assets.settings import Settings, load_settings
from faultmap_assets.warehouse.connection import Warehouse, open_warehouse
from faultmap_core.base import errors
from faultmap_core.base.errors import WarehouseLockedError

_INTERVAL_SECONDS = 300
_REASON_CHARACTERS = 400
_OUR_ERRORS = {name for name, kind in vars(errors).items() if isinstance(kind, type) and issubclass(kind, Exception)}


@dg.run_failure_sensor(
    name="failed_run_alert",
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Raises an alert for a run that failed, once for the same inputs, however often it is tried.",
)
def failed_run_alert(context: dg.RunFailureSensorContext) -> None:
    """Raise an alert for a failed run and post it."""
    run, settings = context.dagster_run, load_settings()
    assets = run.tags.get(ASSETS_TAG, run.job_name)
    key = run.tags.get(PARTITION_TAG, run.tags.get("dagster/partition", "-"))
    stream = f"run|{assets}|{key}|{run.tags.get(DIGEST_TAG, run.run_id)}"
    of = f" of {key}" if key != "-" else ""
    message = f"the run of {assets.replace(',', ', ')}{of} failed: {_reason(context)}"
    now = datetime.now(UTC).replace(tzinfo=None)
    warehouse = replace(open_warehouse(settings), lock_timeout_seconds=LOCK_SECONDS_IN_TICK)
    with warehouse.write() as connection:
        if stream in events_open(connection, "runs"):
            return
        raise_event(connection, "runs", stream, "error", message, acknowledgements(connection), now)
    told = deliver(warehouse, settings)
    if told.note:
        context.log.warning("the webhook was not told: %s", told.note)


def _reason(context: dg.RunFailureSensorContext) -> str:
    """Return what the first failed step says: our own error, which says what to do, else the first cause."""
    for event in context.get_step_failure_events():
        told, error = "", event.step_failure_data.error
        while error:
            text = " ".join(error.message.split())
            told = (
                text.removeprefix(f"{error.cls_name}: ") if error.cls_name in _OUR_ERRORS or not error.cause else told
            )
            error = None if error.cls_name in _OUR_ERRORS else error.cause
        if told:
            return told[:_REASON_CHARACTERS]
    return " ".join((context.failure_event.message or "see its log").split())[:_REASON_CHARACTERS]


@dg.sensor(
    name="data_arrival",
    minimum_interval_seconds=_INTERVAL_SECONDS,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Raises an alert when logs or evals are overdue, and posts what could not be posted before.",
)
def data_arrival(context: dg.SensorEvaluationContext) -> dg.SensorResult:
    """Compare the newest data with the clock; tell each change of the verdict once."""
    settings = load_settings()
    warehouse = replace(open_warehouse(settings), lock_timeout_seconds=LOCK_SECONDS_IN_TICK)
    try:
        stale, changed = _told_of_arrival(warehouse, settings, datetime.now(UTC))
        note = deliver(warehouse, settings).note
    except WarehouseLockedError as error:
        return dg.SensorResult(skip_reason=dg.SkipReason(f"{error}; looked at again at the next tick"))
    verdict = fresh_data(stale)
    event = dg.AssetCheckEvaluation(
        asset_key=dg.AssetKey(FINDING_HISTORY),
        check_name="fresh_data",
        passed=not stale,
        severity=dg.AssetCheckSeverity.WARN,
        description=verdict.description,
        metadata={},
    )
    reason = "; ".join(told for told in (*stale, note) if told) or "data arrives as expected"
    return dg.SensorResult(asset_events=[event] if changed else [], skip_reason=dg.SkipReason(reason))


def _told_of_arrival(warehouse: Warehouse, settings: Settings, now: datetime) -> tuple[list[str], bool]:
    """Raise or close the alert about data that is overdue; return what is overdue, and whether that is news."""
    stale = overdue(warehouse, settings, now)
    with warehouse.read() as connection:
        before = bool(events_open(connection, "freshness"))
    if before == bool(stale):
        return stale, False
    with warehouse.write() as connection:
        close_events(connection, "freshness", ())
        known = acknowledgements(connection)
        if stale:
            told = "; ".join(stale)
            raise_event(connection, "freshness", "data|overdue", "warn", told, known, now.replace(tzinfo=None))
    return stale, True
