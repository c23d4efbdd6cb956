"""Locate and open the state of a project: one folder with the warehouse, the reports and the Dagster instance."""

from __future__ import annotations

import fcntl
import json
import os
import socket
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from importlib.resources import as_file, files
from pathlib import Path

import dagster as dg
from alembic.util.exc import CommandError as AlembicError
from sqlalchemy.exc import SQLAlchemyError

from faultmap_assets.settings import HOME_VARIABLE, Settings, record_settings_file
from faultmap_core.base.errors import ConfigurationError

PROCESS_TAG = "faultmap/process"

WRITER_POOL, LANGUAGE_MODEL_POOL = "warehouse_writer", "language_model"
"""Of each pool the daemon runs one run at a time; `dagster.yaml` tells why, and how to change it."""

UNFINISHED = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]

# A living daemon tells so every 30 s.
_DAEMON_SILENT_SECONDS = 120
_ENDED = "ended"
# Where Dagster notes the address of the code server that a run was launched in.
_CODE_SERVER_TAG = ".dagster/grpc_info"


def prepare_home(settings: Settings) -> Path:
    """Make the state folder with Dagster's storage in it; return its Dagster folder.

    Raises: ConfigurationError as `open_instance` does.
    """
    with open_instance(settings) as instance:
        return Path(instance.root_directory)


def open_instance(settings: Settings) -> dg.DagsterInstance:
    """Open the Dagster instance that the UI shows; runs of this process use the same settings and home.

    Raises: ConfigurationError where the folder cannot be made, or its storage not be read or written (full disk,
        read-only folder, no SQLite file).
    """
    folder = _make_folder(settings)
    os.environ[HOME_VARIABLE] = str(settings.home.resolve())
    # Dagster's storage does not bear to be made by two processes at once: neither can open it ever after.
    with telling_instance_trouble(settings), (folder / "opening.lock").open("a") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        return dg.DagsterInstance.from_config(str(folder))


def _make_folder(settings: Settings) -> Path:
    """Make the Dagster folder, in which `dagster.yaml` is a link to ours.

    A `dagster.yaml` that somebody put there as a file of their own is left alone.
    """
    folder = (settings.home / "dagster").resolve()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        record_settings_file(settings.home)
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


@contextmanager
def telling_instance_trouble(settings: Settings) -> Iterator[None]:
    """Tell in one line why Dagster's record of the runs, which is none of the results, cannot be read or written.

    Raises: ConfigurationError in the place of what its storage raises.
    """
    try:
        yield
    except (OSError, SQLAlchemyError, AlembicError) as error:
        cause = getattr(error, "orig", None) or error
        raise ConfigurationError(
            f"{settings.home / 'dagster'}: Dagster's record of the runs cannot be used: {' '.join(str(cause).split())};"
            " see whether the disk has room and the folder may be written to, and run it again: every result that was"
            " finished is kept"
        ) from error


def process_tag() -> str:
    """Identify this process, for `close_dead_runs` of a later one: host, number, and when it began.

    A container starts its processes with the same numbers each time, so that the number alone names a stranger.
    """
    return f"{socket.gethostname()}:{os.getpid()}:{_began(os.getpid())}"


def close_dead_runs(instance: dg.DagsterInstance) -> int:
    """Fail the unfinished runs that nobody works on any more; return their number.

    A run that told its process is dead where that process, on this machine, is gone. Another one is the daemon's: it
    is dead once no daemon has shown signs of life for two minutes, or when the code server that started it is gone.
    Otherwise what it was making would be waited for for ever.
    """
    closed = 0
    for run in instance.get_runs(dg.RunsFilter(statuses=UNFINISHED)):
        if reason := _why_dead(instance, run):
            instance.report_run_failed(run, reason)
            instance.event_log_storage.free_concurrency_slots_for_run(run.run_id)
            closed += 1
    return closed


def _why_dead(instance: dg.DagsterInstance, run: dg.DagsterRun) -> str:
    """Return why nobody works on a run any more; empty where somebody does, or where that cannot be known."""
    if process := _process_of(instance, run):
        host, number, began = process
        return "its process was killed" if host == socket.gethostname() and not _alive(number, began) else ""
    if not _daemon_alive(instance, run.run_id):
        return "the Dagster daemon that had it is gone"
    return "the code server that started it is gone" if _server_gone(run) else ""


def _process_of(instance: dg.DagsterInstance, run: dg.DagsterRun) -> tuple[str, int, str] | None:
    """Return host, number and beginning of the process that works on a run, where it has told.

    "Re-execute" in the UI copies the tags of the run before, its process among them.
    """
    tag = run.tags.get(PROCESS_TAG, "")
    host, _, rest = tag.partition(":")
    number, _, began = rest.partition(":")
    if not number.isdecimal():
        return None
    parent = instance.get_run_by_id(run.parent_run_id) if run.parent_run_id else None
    return None if parent and parent.tags.get(PROCESS_TAG) == tag else (host, int(number), began)


def _server_gone(run: dg.DagsterRun) -> bool:
    """Say whether the code server of a launched run answers no more; a server that lives tells itself of a dead run."""
    try:
        address = json.loads(run.tags[_CODE_SERVER_TAG])
        with closing(socket.socket(socket.AF_UNIX if "socket" in address else socket.AF_INET)) as connection:
            connection.settimeout(5)
            connection.connect(address["socket"] if "socket" in address else (address["host"], int(address["port"])))
    except (ConnectionRefusedError, FileNotFoundError):
        return True
    except (OSError, KeyError, ValueError):
        return False
    return False


def _daemon_alive(instance: dg.DagsterInstance, run_id: str) -> bool:
    """A run that was changed a moment ago counts as a sign of life, too."""
    signs = [heartbeat.timestamp for heartbeat in instance.get_daemon_heartbeats().values()]
    signs += [
        record.update_timestamp.timestamp() for record in instance.get_run_records(dg.RunsFilter(run_ids=[run_id]))
    ]
    return max(signs, default=0.0) > time.time() - _DAEMON_SILENT_SECONDS


def _alive(process: int, began: str) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        # It exists, and is somebody else's; whether the number was given anew is seen below.
        pass
    now = _began(process)
    return now != _ENDED and (not began or not now or now == began)


def _began(process: int) -> str:
    """Return when a process began, in ticks since the start of the machine; empty where the system does not tell."""
    try:
        # The name, in brackets, may hold anything; what is behind it has no brackets.
        fields = Path(f"/proc/{process}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    except OSError:
        return ""
    return _ENDED if fields[0] in "ZX" else fields[19]
