"""Everything that Dagster loads, and nothing else."""

import dagster as dg

from faultmap_assets.automation.alert_sensors import data_arrival, failed_run_alert
from faultmap_assets.automation.backfill import backfill
from faultmap_assets.automation.file_sensor import file_sensor, read_file
from faultmap_assets.automation.schedules import daily_audit
from faultmap_assets.automation.sensors import JOBS, staleness_sensor
from faultmap_assets.defs import ASSETS
from faultmap_assets.kit.resources import RESOURCES

defs = dg.Definitions(
    assets=ASSETS,
    jobs=[*JOBS.values(), backfill, read_file],
    sensors=[file_sensor, staleness_sensor, failed_run_alert, data_arrival],
    schedules=[daily_audit],
    resources=RESOURCES,
    executor=dg.in_process_executor,
)
