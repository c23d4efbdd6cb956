"""Where does the state of a project lie? One folder: the warehouse, the reports and the Dagster instance."""

from __future__ import annotations

import os
import socket
import time
from contextlib import suppress
from importlib.resources import as_file, files
from pathlib import Path

import dagster as dg

from faultmap_assets.settings import HOME_VARIABLE, Settings
from faultmap_core.errors import ConfigurationError

PROCESS_TAG = "faultmap/process"

UNFINISHED = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]

# A living daemon tells so every 30 s.
_DAEMON_SILENT_SECONDS = 120


def prepare_home(settings: Settings) -> Path:
    """Make the state folder; return its Dagster folder, in which `dagster.yaml` is a link to ours.

    A `dagster.yaml` that somebody put there as a file of their own is left alone.
    Raises: ConfigurationError where the folder cannot be made.
    """
    folder = (settings.home / "dagster").resolve()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        target = folder / "dagster.yaml"
        with as_file(files("faultmap_assets") / "dagster.yaml") as source:
            if target.is_symlink() and target.resolve() != source.resolve():
                target.unlink()
            # Another process may be making the same folder.
            with suppress(FileExistsError):
                target.symlink_to(source.resolve())
    except OSError as error:
        raise ConfigurationError(
            f"{settings.home}: the state folder cannot be made: {error.strerror}; choose another with --home"
        ) from error
    return folder


def open_instance(settings: Settings) -> dg.DagsterInstance:
    """Open the Dagster instance that the UI shows; runs of this process use the same settings and home."""
    folder = prepare_home(settings)
    os.environ[HOME_VARIABLE] = str(settings.home.resolve())
    return dg.DagsterInstance.from_config(str(folder))


def process_tag() -> str:
    """Identify this process, for `close_dead_runs` of a later one."""
    return f"{socket.gethostname()}:{os.getpid()}"


def close_dead_runs(instance: dg.DagsterInstance) -> int:
    """Fail the unfinished runs that nobody works on any more; return their number.

    A run of an audit is dead where its process, on this machine, is gone. A run of the daemon, queued or started, is
    dead once no daemon has shown signs of life for two minutes. Otherwise what it was making would be waited for for
    ever.
    """
    closed = 0
    for run in instance.get_runs(dg.RunsFilter(statuses=UNFINISHED)):
        host, _, process = run.tags.get(PROCESS_TAG, "").rpartition(":")
        if process:
            dead, reason = host == socket.gethostname() and not _alive(int(process)), "its process was killed"
        else:
            dead, reason = not _daemon_alive(instance, run.run_id), "the Dagster daemon that had it is gone"
        if dead:
            instance.report_run_failed(run, reason)
            instance.event_log_storage.free_concurrency_slots_for_run(run.run_id)
            closed += 1
    return closed


def _daemon_alive(instance: dg.DagsterInstance, run_id: str) -> bool:
    """A run that was changed a moment ago counts as a sign of life, too."""
    signs = [heartbeat.timestamp for heartbeat in instance.get_daemon_heartbeats().values()]
    signs += [
        record.update_timestamp.timestamp() for record in instance.get_run_records(dg.RunsFilter(run_ids=[run_id]))
    ]
    return max(signs, default=0.0) > time.time() - _DAEMON_SILENT_SECONDS


def _alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
