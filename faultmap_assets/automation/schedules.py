"""Audit production every day at the configured hour, whether or not a new file arrived."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import dagster as dg

from faultmap_assets.automation.sensors import JOBS, request_stale
from faultmap_assets.graph.declarations import NODES
from faultmap_assets.graph.scopes import Partition, Scope
from faultmap_assets.graph.staleness import PlannedRun
from faultmap_assets.settings import load_settings, settings_at_import
from faultmap_assets.warehouse.connection import open_warehouse
from faultmap_assets.warehouse.materializations import read_state

_production = settings_at_import().production


def ended_day(moment: datetime, time_zone: str) -> date:
    """Return the last day that was over at `moment` (aware) in a time zone: yesterday by its calendar.

    By the calendar and not 24 hours back: where clocks change, days have 23 or 25.
    """
    return moment.astimezone(ZoneInfo(time_zone)).date() - timedelta(days=1)


@dg.schedule(
    cron_schedule=f"0 {_production.hour} * * *",
    execution_timezone=_production.time_zone,
    job=JOBS[Scope.DAY],
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="Audits the day of production that ended. What depends on it follows by the staleness sensor.",
)
def daily_audit(context: dg.ScheduleEvaluationContext) -> Iterator[dg.RunRequest | dg.SkipReason]:
    """Request the day that ended, and the later windows that hold it, as the staleness sensor would.

    They are requested by the same function with the same tags, so what the sensor already has in hand is left to it.
    A day that still goes on is left to the sensor, too.
    """
    settings = load_settings()
    day = ended_day(context.scheduled_execution_time, settings.production.time_zone)
    longest = max(node.window_days(settings) for node in NODES.values())
    until = (day + timedelta(days=longest - 1)).isoformat()

    def wanted(run: PlannedRun) -> bool:
        if run.scope is not Scope.DAY:
            return False
        later = day.isoformat() < str(run.partition.day) <= until
        return run.partition.day == day.isoformat() or (later and "production_logs" not in run.assets)

    found = request_stale(context.instance, settings, wanted)
    yield from found.requests
    if not found.requests:
        yield dg.SkipReason(_why_nothing(day, found.given_up))


def _why_nothing(day: date, given_up: int) -> str:
    settings = load_settings()
    with open_warehouse(settings).read() as connection:
        state = read_state(connection)
    if Partition(day=day.isoformat()) not in state.sources:
        now = datetime.now(UTC)
        return (
            f"no log delivered a row of {day} until {now:%Y-%m-%d %H:%M} UTC; are logs.paths right, and does the log"
            " still arrive?"
        )
    if given_up:
        return f"{day} failed {settings.automation.max_attempts} times; its runs tell why"
    return f"{day} is audited, or being audited, already"
