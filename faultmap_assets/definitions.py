"""Everything that Dagster loads, and nothing else."""

import dagster as dg

from faultmap_assets import defs as folder_of_assets
from faultmap_assets.automation.alert_sensors import data_arrival, failed_run_alert
from faultmap_assets.automation.backfill import backfill
from faultmap_assets.automation.file_sensor import file_sensor, read_file
from faultmap_assets.automation.schedules import daily_audit
from faultmap_assets.automation.sensors import JOBS, staleness_sensor
from faultmap_assets.kit.asset_metadata import with_metadata
from faultmap_assets.kit.declared import load_assets
from faultmap_assets.kit.resources import RESOURCES
from faultmap_assets.settings import settings_at_import

ASSETS = with_metadata(load_assets(folder_of_assets), settings_at_import())

defs = dg.Definitions(
    assets=ASSETS,
    jobs=[*JOBS.values(), backfill, read_file],
    sensors=[file_sensor, staleness_sensor, failed_run_alert, data_arrival],
    schedules=[daily_audit],
    resources=RESOURCES,
    executor=dg.in_process_executor,
)
