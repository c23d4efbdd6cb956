"""The daily audit: which day it requests, also where clocks change, and that nothing is requested twice."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import dagster as dg
import pytest
from dagster import DagsterRunStatus
from dagster._core.definitions.partitions.context import partition_loading_context
from dagster._utils.schedules import schedule_execution_time_iterator

from faultmap_assets.automation.schedules import daily_audit, ended_day
from faultmap_assets.automation.sensors import ASSETS_TAG, PARTITION_TAG, staleness_sensor
from faultmap_assets.cli.runner import Selection, refresh_stale
from faultmap_assets.definitions import defs
from faultmap_assets.ingestion.staging import ingest_file
from faultmap_assets.settings import Settings
from faultmap_core.data.log_table import LogOptions
from faultmap_core.readers import read_log_file
from tests.conftest import Project

MORNING = datetime(2026, 11, 8, 3, tzinfo=UTC)
ENDED = "2026-11-07"


@pytest.mark.parametrize(
    ("zone", "moment", "day"),
    [
        ("UTC", datetime(2026, 11, 8, 3), date(2026, 11, 7)),
        # Spring: the 29th of March 2026 has 23 hours in Berlin, so 24 hours before this moment it is the 28th.
        ("Europe/Berlin", datetime(2026, 3, 30, 0, 30), date(2026, 3, 29)),
        # 02:00 does not exist on the 29th: Dagster ticks at 03:00.
        ("Europe/Berlin", datetime(2026, 3, 29, 3), date(2026, 3, 28)),
        # Autumn: the 25th of October has 25 hours, and 02:30 comes twice.
        ("Europe/Berlin", datetime(2026, 10, 25, 2, 30, fold=0), date(2026, 10, 24)),
        ("Europe/Berlin", datetime(2026, 10, 25, 2, 30, fold=1), date(2026, 10, 24)),
        ("Europe/Berlin", datetime(2026, 10, 25, 23, 30), date(2026, 10, 24)),
        ("America/New_York", datetime(2026, 11, 1, 1, 30, fold=1), date(2026, 10, 31)),
        ("Pacific/Auckland", datetime(2026, 11, 8, 6), date(2026, 11, 7)),
        ("America/Los_Angeles", datetime(2026, 1, 1, 3), date(2025, 12, 31)),
    ],
)
def test_the_day_that_ended_is_yesterday_by_the_calendar(zone: str, moment: datetime, day: date):
    assert ended_day(moment.replace(tzinfo=ZoneInfo(zone)), zone) == day
    # The moment may come in another zone.
    assert ended_day(moment.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC), zone) == day


def test_every_day_is_requested_once_over_a_year_with_its_clock_changes():
    zone = ZoneInfo("Europe/Berlin")
    start = datetime(2026, 1, 1, 12, tzinfo=zone).timestamp()
    found = schedule_execution_time_iterator(start, "0 2 * * *", "Europe/Berlin")
    days = [ended_day(next(found), "Europe/Berlin") for _ in range(365)]
    assert days == [date.fromordinal(date(2026, 1, 1).toordinal() + number) for number in range(365)]


def test_the_partition_is_the_same_day_as_the_logs(tmp_path: Path):
    row = {"id": "1", "timestamp": "2026-11-07T23:30:00Z", "prompt": "What?"}
    path = tmp_path / "log.jsonl"
    path.write_text(json.dumps(row) + "\n")
    days = {}
    for zone in ("UTC", "Europe/Berlin", "America/Los_Angeles"):
        (accepted,) = next(read_log_file(path, LogOptions(time_zone=zone))).rows.to_pylist()
        days[zone] = accepted["day"]
    assert days == {"UTC": "2026-11-07", "Europe/Berlin": "2026-11-08", "America/Los_Angeles": "2026-11-07"}


def tick(project: Project, moment: datetime = MORNING) -> tuple[list[dg.RunRequest], str]:
    with dg.build_schedule_context(
        instance=project.instance, scheduled_execution_time=moment, repository_def=defs.get_repository_def()
    ) as context:
        result = daily_audit.evaluate_tick(context)
    return list(result.run_requests), result.skip_message or ""


def sensor_tick(project: Project) -> list[dg.RunRequest]:
    context = dg.build_sensor_context(instance=project.instance, definitions=defs)
    with partition_loading_context(dynamic_partitions_store=project.instance):
        return list(staleness_sensor.evaluate_tick(context).run_requests)


def ours(request: dg.RunRequest) -> dict[str, str]:
    """Return the tags by which runs are recognised; Dagster adds who asked."""
    return {name: value for name, value in request.tags.items() if name.startswith("faultmap/")}


@pytest.fixture
def logged(project: Project) -> Project:
    path = project.settings.home.parent / "logs.jsonl"
    rows = [
        {"id": day, "timestamp": f"{day}T10:00:00Z", "prompt": f"What happens on {day}?"}
        for day in ("2026-11-05", ENDED, "2026-11-08")
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    ingest_file(project.warehouse, path, project.settings.log_options())
    return project


def test_the_day_that_ended_is_requested_with_what_its_runs_can_make(logged: Project):
    requests, _ = tick(logged)
    # The 8th is not over, the 5th is older.
    assert [request.partition_key for request in requests] == [ENDED]
    assert {request.job_name for request in requests} == {"refresh_day"}
    first = {key.to_user_string() for key in requests[0].asset_selection or ()}
    assert {"production_logs", "coverage_gaps"} <= first
    assert requests[0].tags[PARTITION_TAG] == ENDED
    assert set(requests[0].tags[ASSETS_TAG].split(",")) == first


def test_schedule_and_sensor_ask_for_the_same_runs_and_not_twice(logged: Project):
    (scheduled, *_), _ = tick(logged)
    (sensed,) = [request for request in sensor_tick(logged) if request.partition_key == ENDED]
    assert scheduled.run_key == sensed.run_key
    assert ours(scheduled) == ours(sensed)
    assert len(ours(scheduled)) == 3
    run = dg.DagsterRun(job_name=str(scheduled.job_name), tags=dict(scheduled.tags), status=DagsterRunStatus.STARTED)
    logged.instance.add_run(run)
    assert ENDED not in [request.partition_key for request in sensor_tick(logged)]
    assert ENDED not in [request.partition_key for request in tick(logged)[0]]


def test_a_day_without_logs_says_so(logged: Project):
    requests, why = tick(logged, datetime(2026, 12, 25, 3, tzinfo=UTC))
    assert requests == []
    assert "no log delivered a row of 2026-12-24" in why
    assert "logs.paths" in why


@pytest.mark.slow
def test_an_audited_day_is_left_alone_until_late_rows_ask_for_the_windows_that_hold_it(logged: Project):
    assert logged.audit().failed == ()
    requests, why = tick(logged)
    assert requests == []
    assert why == f"{ENDED} is audited, or being audited, already"
    late = logged.settings.home.parent / "late.jsonl"
    row = {"id": "late", "timestamp": f"{ENDED}T23:00:00Z", "prompt": "Is it late?"}
    late.write_text(json.dumps(row) + "\n", encoding="utf-8")
    ingest_file(logged.warehouse, late, logged.settings.log_options())
    requests, _ = tick(logged)
    assert [request.partition_key for request in requests] == [ENDED]
    refresh_stale(logged.settings, logged.instance, selection=Selection(assets=["production_logs"]))
    requests, _ = tick(logged)
    assert [request.partition_key for request in requests] == [ENDED, "2026-11-08"]
    assert {key.to_user_string() for key in requests[1].asset_selection or ()} == {"production_slices", "topic_drift"}


def test_hour_and_zone_are_those_of_the_settings_and_it_runs_by_default():
    production = Settings().production
    assert daily_audit.cron_schedule == f"0 {production.hour} * * *"
    assert daily_audit.execution_timezone == production.time_zone
    assert daily_audit.default_status is dg.DefaultScheduleStatus.RUNNING


@pytest.mark.parametrize("zone", ["Mars/Olympus", "", "../etc/passwd", "europe berlin"])
def test_a_zone_that_does_not_exist_is_named(zone: str):
    with pytest.raises(ValueError, match="expected a name such as UTC or Europe/Berlin"):
        Settings.model_validate({"production": {"time_zone": zone}})
