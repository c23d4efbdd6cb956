"""The sensor that watches the folders of eval files and logs: what is new there becomes rows, without anybody asking.

It requests no partition: what the rows make stale the staleness sensor requests, so that nothing is asked for twice.
"""

# No `from __future__ import annotations`: Dagster reads the annotation of an op's configuration.
import hashlib
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg

from faultmap_assets.automation.sensors import LOCK_SECONDS_IN_TICK
from faultmap_assets.graph.partitions import sync_partitions
from faultmap_assets.ingestion.watched_files import (
    BAD,
    Listing,
    WatchedFile,
    WatchOutcome,
    list_watched,
    note_file,
    read_watched,
    watch_files,
)
from faultmap_assets.kit.instance import UNFINISHED, WRITER_POOL
from faultmap_assets.settings import Settings, load_settings, settings_at_import
from faultmap_assets.warehouse.connection import Warehouse, open_warehouse
from faultmap_assets.warehouse.materializations import read_state
from faultmap_core.base.errors import WarehouseLockedError
from faultmap_core.base.text import printable

FILE_TAG = "faultmap/file"


class FileToRead(dg.Config):
    """One watched file, as the sensor saw it."""

    path: str
    kind: str


@dg.op(description="Reads one large file into the warehouse.", pool=WRITER_POOL)
def read_large_file(
    context: dg.OpExecutionContext,
    config: FileToRead,
    warehouse: dg.ResourceParam[Warehouse],
    settings: dg.ResourceParam[Settings],
) -> None:
    """Read one file that is too large for a tick. Raises dg.Failure where it cannot be read."""
    listing = list_watched(settings, _now())
    if config.path not in listing.files:
        raise dg.Failure(f"{config.path}: it is no longer in a watched folder", allow_retries=False)
    file, path = listing.files[config.path]
    noted, ingested = read_watched(settings, warehouse, file, path)
    note_file(warehouse, noted)
    if noted.state == BAD:
        raise dg.Failure(f"{config.path}: {noted.reason}", allow_retries=False)
    if ingested:
        context.log.info("%s: %d rows kept, %d quarantined", path, ingested.rows_kept, ingested.rows_quarantined)


@dg.job(executor_def=dg.in_process_executor, description="Reads one file that is too large to be read within a tick.")
def read_file() -> None:
    """Read one large file."""
    read_large_file()


@dg.sensor(
    # Not the job itself: binding its resources makes Dagster warn of a beta parameter of its own.
    job_name=read_file.name,
    minimum_interval_seconds=settings_at_import().watch.interval_seconds,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Reads what is new or changed in the watched folders, once it is stable.",
)
def file_sensor(context: dg.SensorEvaluationContext) -> Iterator[dg.RunRequest | dg.SkipReason]:
    """Read stable files, register their keys, ask for a run for each large one, tell each bad one once."""
    settings = load_settings()
    if not settings.evals.paths and not settings.logs.paths:
        yield dg.SkipReason("evals.paths and logs.paths of faultmap.yaml name nothing to watch")
        return
    now = _now()
    listing = list_watched(settings, now)
    for problem in listing.problems:
        context.log.warning("%s", printable(problem))
    seen = f"{listing.digest} {_identity(settings.warehouse_path)}"
    if context.cursor and json.loads(context.cursor).get("settled") == seen:
        yield dg.SkipReason(f"nothing changed; {len(listing.files):,} files are watched")
        return
    warehouse = replace(open_warehouse(settings), lock_timeout_seconds=LOCK_SECONDS_IN_TICK)
    try:
        outcome = watch_files(settings, warehouse, listing, now)
        _register(context.instance, warehouse, outcome)
        requests = [request for file in outcome.large if (request := _request(context, settings, warehouse, file))]
    except WarehouseLockedError as error:
        yield dg.SkipReason(f"{error}; the next tick tries again")
        return
    _tell(context, outcome)
    settled = f"{listing.digest} {_identity(settings.warehouse_path)}" if not outcome.waiting else ""
    context.update_cursor(json.dumps({"settled": settled}))
    yield from requests
    if not requests:
        yield dg.SkipReason(_summary(listing, outcome))


def _register(instance: dg.DagsterInstance, warehouse: Warehouse, outcome: WatchOutcome) -> None:
    """Give Dagster the keys that the files brought, and take away those that went with a file."""
    if outcome.read or outcome.forgotten:
        with warehouse.read() as connection:
            sources = read_state(connection).sources
        sync_partitions(instance, sources, prune=bool(outcome.forgotten))


def _request(
    context: dg.SensorEvaluationContext, settings: Settings, warehouse: Warehouse, file: WatchedFile
) -> dg.RunRequest | None:
    """Ask for the run that reads a large file, unless one is under way; give it up after repeated failures."""
    identity = hashlib.blake2b(
        json.dumps([file.path, file.bytes, file.modified_ns, file.read_as]).encode(), digest_size=8
    ).hexdigest()
    tags = {FILE_TAG: identity}
    if context.instance.get_runs_count(dg.RunsFilter(tags=tags, statuses=UNFINISHED)):
        return None
    ended = [dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED]
    attempts = context.instance.get_runs_count(dg.RunsFilter(tags=tags, statuses=ended))
    if attempts >= settings.automation.max_attempts:
        reason = f"reading it failed {attempts} times; the log of the last run of the job read_file tells why"
        note_file(warehouse, replace(file, state=BAD, reason=reason, since=_now()))
        context.log.warning("%s: %s", printable(file.path), reason)
        return None
    return dg.RunRequest(
        run_key=f"{identity}:{attempts}",
        run_config=dg.RunConfig(ops={read_large_file.name: FileToRead(path=file.path, kind=file.kind)}),
        tags=tags,
    )


def _tell(context: dg.SensorEvaluationContext, outcome: WatchOutcome) -> None:
    for path, reason in outcome.bad:
        told = f"{path} cannot be read and is left alone until it changes: {reason}"
        context.log.warning("%s", printable(told))
    for file in outcome.read:
        if file.news:
            told = printable(str(file.path))
            context.log.info("%s: %d rows kept, %d quarantined", told, file.rows_kept, file.rows_quarantined)
    for path in outcome.removed:
        so = "; its rows do not count" if outcome.forgotten else ""
        context.log.info("%s is no longer there%s", printable(path), so)


def _summary(listing: Listing, outcome: WatchOutcome) -> str:
    parts = [
        f"{sum(file.news for file in outcome.read):,} files read" if outcome.read else "",
        f"{len(outcome.bad):,} cannot be read" if outcome.bad else "",
        f"{len(outcome.removed):,} no longer there" if outcome.removed else "",
        f"{outcome.waiting:,} wait" if outcome.waiting else "",
    ]
    return f"{len(listing.files):,} files are watched; {', '.join(filter(None, parts)) or 'nothing changed'}"


def _identity(path: Path) -> str:
    """Another warehouse in the place of this one knows nothing of the files yet."""
    try:
        stat = path.stat()
    except OSError:
        return "none"
    return f"{stat.st_dev}:{stat.st_ino}"


def _now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)
