"""A process that has imported everything once and starts `faultmap` by forking itself; imports take longer than audits.

Alone: `python -m tests.reliability_worker` says "ready", then answers one line of JSON by another. `{"start": {...}}`
starts a process (folder, arguments, environment, most bytes of a file, where its output goes) and answers its number;
`{"wait": number}` answers how it ended: the exit code, or minus the signal.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]

# Threads do not survive a fork, and a library that had some waits for them for ever, or ends the process.
ONE_THREAD = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "NUMBA_NUM_THREADS": "1",
    "NUMBA_THREADING_LAYER": "workqueue",
}


@dataclass(frozen=True)
class Ended:
    """How a process ended: its exit code or minus its signal, and what it wrote."""

    code: int
    output: str
    errors: str


class Started:
    """A `faultmap` process."""

    def __init__(self, worker: Worker, number: int, output: Path) -> None:
        self.number = number
        self._worker = worker
        self._output = output

    def wait(self) -> Ended:
        """Wait for its end."""
        code = self._worker.ask({"wait": self.number})
        errors = self._output.with_suffix(".err")
        return Ended(int(code), self._output.read_text("utf-8", "replace"), errors.read_text("utf-8", "replace"))


class Worker:
    """The other end of `main`: starts `faultmap` processes."""

    def __init__(self, process: subprocess.Popen[str], folder: Path) -> None:
        self._process = process
        self._folder = folder
        self._started = 0

    def ask(self, question: Mapping[str, Any]) -> Any:
        """Put a question to `main`."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(question) + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        assert answer, "the worker is gone"
        return json.loads(answer)

    def start(
        self, folder: Path, *arguments: str, environment: Mapping[str, str] | None = None, file_bytes: int | None = None
    ) -> Started:
        """Start `faultmap ARGUMENTS` in a folder.

        file_bytes: no file of it may grow beyond so many bytes.
        """
        self._started += 1
        output = self._folder / f"{self._started}.out"
        task = {
            "folder": str(folder),
            "arguments": arguments,
            "environment": dict(environment or {}),
            "file_bytes": file_bytes,
            "output": str(output),
        }
        return Started(self, int(self.ask({"start": task})), output)

    def run(self, folder: Path, *arguments: str, **options: Any) -> Ended:
        """Start `faultmap ARGUMENTS` in a folder, and wait for its end."""
        return self.start(folder, *arguments, **options).wait()


@contextmanager
def forking(folder: Path) -> Iterator[Worker]:
    """Start the process; what the processes write goes to `folder`."""
    process = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-m", "tests.reliability_worker"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env={**os.environ, **ONE_THREAD, "FAULTMAP_SETTINGS": "", "FAULTMAP_HOME": ""},
    )
    with process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        try:
            yield Worker(process, folder)
        finally:
            assert process.stdin is not None
            process.stdin.close()


def _import_everything() -> None:
    import matplotlib.pyplot  # noqa: F401
    import numpy as np

    import faultmap_assets.cli
    import faultmap_assets.cli.render.tables
    import faultmap_assets.cli.runner
    import faultmap_assets.definitions  # noqa: F401
    from faultmap_core.llm.provider import import_litellm
    from faultmap_core.regions.projection import project

    import_litellm()
    # UMAP compiles itself.
    project(np.random.default_rng(0).normal(size=(40, 8)))


def _start(task: Mapping[str, Any]) -> int:
    number = os.fork()
    if number:
        return number
    os.setsid()
    for descriptor, path, flags in (
        (0, os.devnull, os.O_RDONLY),
        (1, task["output"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC),
        (2, str(Path(task["output"]).with_suffix(".err")), os.O_WRONLY | os.O_CREAT | os.O_TRUNC),
    ):
        os.dup2(os.open(path, flags), descriptor)
    if task["file_bytes"] is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (task["file_bytes"], task["file_bytes"]))
    os.chdir(task["folder"])
    for name in ("FAULTMAP_SETTINGS", "FAULTMAP_HOME"):
        os.environ.pop(name, None)
    os.environ.update(task["environment"])
    sys.argv = ["faultmap", *task["arguments"]]
    _run_and_end()
    raise AssertionError("not reached")


def _run_and_end() -> None:
    """Run the command and end the process as an interpreter would, but for the loop of its parent."""
    from faultmap_assets.cli import run as faultmap

    code: Any = 1
    try:
        faultmap()
        code = 0
    except SystemExit as ending:
        code = ending.code
    except BaseException:
        import traceback

        traceback.print_exc()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code if isinstance(code, int) else 0 if code is None else 1)


def _answers(lines: Iterator[str]) -> Iterator[int]:
    for line in lines:
        question = json.loads(line)
        if "start" in question:
            yield _start(question["start"])
        else:
            yield os.waitstatus_to_exitcode(os.waitpid(question["wait"], 0)[1])


def main() -> None:
    """Answer until standard input is closed."""
    _import_everything()
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    for answer in _answers(iter(sys.stdin)):
        sys.stdout.write(f"{answer}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
