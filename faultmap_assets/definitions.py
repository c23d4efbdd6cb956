"""Everything that Dagster loads, and nothing else."""

import dagster as dg

from faultmap_assets.assets import ASSETS
from faultmap_assets.automation import JOBS, staleness_sensor
from faultmap_assets.resources import RESOURCES

defs = dg.Definitions(
    assets=ASSETS,
    jobs=list(JOBS.values()),
    sensors=[staleness_sensor],
    resources=RESOURCES,
    executor=dg.in_process_executor,
)
