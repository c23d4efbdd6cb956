"""A real deployment for the live test: `faultmap ui` in a process of its own, asked by GraphQL as its own pages do."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from faultmap_assets.automation.sensors import ASSETS_TAG, PARTITION_TAG
from faultmap_assets.kit.instance import PROCESS_TAG

T = TypeVar("T")

ENDED = frozenset({"SUCCESS", "FAILURE", "CANCELED"})
WORKING = frozenset({"STARTING", "STARTED", "CANCELING"})

_RUNS = """
query Runs {
  runsOrError(limit: 500) {
    ... on Runs { results { runId status jobName startTime endTime tags { key value } } }
    ... on PythonError { message }
  }
}
"""
_MATERIALIZATIONS = """
query Made {
  assetsOrError {
    ... on AssetConnection {
      nodes { key { path } assetMaterializations(limit: 1000) { partition runId timestamp } }
    }
    ... on PythonError { message }
  }
}
"""
_LOCATIONS = """
query Locations {
  workspaceOrError {
    ... on Workspace {
      locationEntries {
        name loadStatus locationOrLoadError { __typename ... on PythonError { message } }
      }
    }
  }
}
"""
_DAEMONS = """
query Daemons { instance { daemonHealth { allDaemonStatuses { daemonType required healthy } } } }
"""


@dataclass(frozen=True)
class Run:
    """One run as the UI shows it; `assets` and `partition` are those that the sensor asked for."""

    run_id: str
    status: str
    job: str
    assets: tuple[str, ...]
    partition: str
    process: int | None


class Deployment:
    """A running `faultmap ui`."""

    def __init__(self, processes: Sequence[subprocess.Popen[bytes]], port: int, log: Path) -> None:
        self.address = f"http://127.0.0.1:{port}"
        self._processes = processes
        self._log = log

    def graphql(self, query: str) -> Mapping[str, Any]:
        """Ask; returns `data`."""
        request = urllib.request.Request(
            f"{self.address}/graphql",
            data=json.dumps({"query": query}).encode(),
            headers={"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=60) as response:
            answer = json.load(response)
        assert not answer.get("errors"), answer
        data: Mapping[str, Any] = answer["data"]
        return data

    def runs(self) -> list[Run]:
        """Return all runs, newest first."""
        return [_run(row) for row in self.graphql(_RUNS)["runsOrError"]["results"]]

    def materializations(self) -> list[tuple[str, str]]:
        """Return every materialisation ever, as asset and partition."""
        return [
            ("/".join(node["key"]["path"]), made["partition"] or "")
            for node in self.graphql(_MATERIALIZATIONS)["assetsOrError"]["nodes"]
            for made in node["assetMaterializations"]
        ]

    def ready(self) -> bool:
        """Say whether the code is loaded and the daemon alive; fails where the code cannot be loaded."""
        try:
            entries = self.graphql(_LOCATIONS)["workspaceOrError"]["locationEntries"]
            daemons = self.graphql(_DAEMONS)["instance"]["daemonHealth"]["allDaemonStatuses"]
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            assert [process.poll() for process in self._processes] == [None] * len(self._processes), self.log()
            return False
        for entry in entries:
            told = entry["locationOrLoadError"] or {}
            assert told.get("__typename") != "PythonError", told
        loaded = bool(entries) and all(entry["loadStatus"] == "LOADED" for entry in entries)
        return loaded and all(daemon["healthy"] for daemon in daemons if daemon["required"])

    def wait_for(self, what: str, condition: Callable[[], T], seconds: float = 600, every: float = 1.0) -> T:
        """Wait until a condition holds; return what it returned."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if found := condition():
                return found
            time.sleep(every)
        raise AssertionError(f"not within {seconds:.0f} s: {what}\n{self.runs()}\n{self.log()[-6000:]}")

    def log(self) -> str:
        """Return what the processes wrote."""
        return self._log.read_text("utf-8", "replace")


def _run(row: Mapping[str, Any]) -> Run:
    tags = {tag["key"]: tag["value"] for tag in row["tags"]}
    process = tags.get(PROCESS_TAG, "::").split(":")[1]
    return Run(
        row["runId"],
        row["status"],
        row["jobName"],
        tuple(tags.get(ASSETS_TAG, "").split(",")),
        tags.get(PARTITION_TAG, ""),
        int(process) if process else None,
    )


@contextmanager
def deployed(folder: Path, environment: Mapping[str, str]) -> Iterator[Deployment]:
    """Start `faultmap ui` in a folder that has a faultmap.yaml, and wait until it works."""
    port = free_port()
    command = [sys.executable, "-m", "faultmap_assets.cli", "ui", "--port", str(port)]
    with running([command], folder, environment, port) as deployment:
        yield deployment


@contextmanager
def running(
    commands: Sequence[Sequence[str]],
    folder: Path,
    environment: Mapping[str, str],
    port: int,
    first_is_healthy: Sequence[str] = (),
) -> Iterator[Deployment]:
    """Start commands that make a deployment together, and wait until its web server on `port` says that it works.

    first_is_healthy: a command that succeeds as soon as what the first one started can be used by the others.
    """
    log = folder.parent / f"{port}.log"
    processes: list[subprocess.Popen[bytes]] = []
    try:
        with log.open("wb") as stream:
            for command in commands:
                process = subprocess.Popen(
                    list(command),
                    cwd=folder,
                    env={**os.environ, **environment},
                    stdin=subprocess.DEVNULL,
                    stdout=stream,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
                processes.append(process)
                if first_is_healthy and len(processes) == 1:
                    _wait_until_healthy(first_is_healthy, process)
        deployment = Deployment(processes, port, log)
        deployment.wait_for("the web server, the code and the daemon", deployment.ready, seconds=300)
        yield deployment
    finally:
        for process in reversed(processes):
            _end(process)


def _wait_until_healthy(command: Sequence[str], process: subprocess.Popen[bytes], seconds: float = 300) -> None:
    deadline = time.monotonic() + seconds
    while subprocess.run(list(command), capture_output=True).returncode != 0:
        assert process.poll() is None
        assert time.monotonic() < deadline, command
        time.sleep(1)


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the process with everything that it started: all of it is in the session that we gave it."""
    process.send_signal(signal.SIGTERM)
    with suppress(subprocess.TimeoutExpired):
        process.wait(60)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def free_port() -> int:
    """Return a port of 127.0.0.1 that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
