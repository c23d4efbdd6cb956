"""Tries every mutant of `mutants.yaml` in a copy of the project: a mutant that no test notices is printed.

Usage: python -m tests.mutation.run [--only TEXT ...] [--workers 2]; exit code 1 where fewer than 95 % are killed.
A mutant counts as killed only where its named tests pass without it and one of them fails with it.
"""

from __future__ import annotations

import argparse
import compileall
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from threading import Timer
from typing import TypeVar

import yaml

ROOT = Path(__file__).parents[2]
LEAST_KILLED = 0.95
_COPIED = ("faultmap_core", "faultmap_assets", "tests", "examples", "docs", "bench", "pyproject.toml", "Makefile",
           "README.md", "workspace.yaml", "requirements.lock", "CHANGELOG.md", "LICENSE", "deploy")  # fmt: skip
_MAX_SECONDS = 600.0
_PASSED, _FAILED = 0, 1  # exit codes of pytest; it ends with another where a test file cannot even be loaded
# What most tests import from elsewhere: the tests' own conftest stands for what it loads.
_LIBRARIES = (
    "tests.conftest",
    "hdbscan",
    "scipy.stats",
    "sklearn.cluster",
    "statsmodels.api",
    "statsmodels.stats.proportion",
)
_Work = TypeVar("_Work")


@dataclass(frozen=True)
class Mutant:
    """One fault: `old` becomes `new` in `file`, and one of `tests` shall notice."""

    file: str
    promise: str
    old: str
    new: str
    tests: tuple[str, ...]

    def applied(self, text: str) -> str:
        """Return the file's text with the fault; raises ValueError where `old` does not stand in it just once."""
        if text.count(self.old) != 1:
            raise ValueError(f"{self.file}: {self.old!r} stands there {text.count(self.old)} times, expected once")
        return text.replace(self.old, self.new)


@dataclass(frozen=True)
class Outcome:
    """How pytest ended: its exit code (negative where a signal stopped it), what it said last, and what it took."""

    code: int
    last: str
    seconds: float

    @property
    def passed(self) -> bool:
        """Say whether the tests ran and passed."""
        return self.code == _PASSED

    @property
    def killed(self) -> bool:
        """Say whether a test failed; a file that cannot be loaded and a test that does not end are no verdict."""
        return self.code == _FAILED


def mutants() -> list[Mutant]:
    """Return all mutants of the list."""
    listed = yaml.safe_load((Path(__file__).parent / "mutants.yaml").read_text(encoding="utf-8"))
    return [Mutant(**{**one, "tests": tuple(one["tests"])}) for one in listed]


def copy_project(target: Path) -> None:
    """Copy what the tests read; `dagster.yaml` is a link into the package and stays one."""
    target.mkdir()
    for name in _COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, target / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, target / name)
    (target / "dagster.yaml").symlink_to("faultmap_assets/dagster.yaml")
    # Once for all mutants; a changed file has another time than its compiled one, which is then passed over.
    compileall.compile_dir(target, quiet=2)


class Copy:
    """A copy of the project, and the process that runs tests in it (see `warm`)."""

    def __init__(self, project: Path, libraries: Sequence[str] = ()) -> None:
        command = [sys.executable, "-m", "tests.mutation.warm", *libraries]
        # No plugin is needed; loading those that are installed takes longer than many a file of tests.
        quick = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTHONDONTWRITEBYTECODE": "1"}
        self.project = project
        self._warm = subprocess.Popen(
            command, cwd=ROOT, env={**os.environ, **quick}, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )

    def close(self) -> None:
        """End the process."""
        self._warm.communicate()

    def _answer(self) -> int:
        assert self._warm.stdout is not None
        if not (line := self._warm.stdout.readline()):
            raise RuntimeError(f"the process that runs the tests ended with exit code {self._warm.wait()}")
        return int(line)

    def run(self, tests: Sequence[str], max_seconds: float = _MAX_SECONDS) -> Outcome:
        """Run tests until one fails; one that does not end is stopped with all that it started."""
        assert self._warm.stdin is not None
        started = time.monotonic()
        with tempfile.NamedTemporaryFile("r", encoding="utf-8", errors="replace") as said:
            order = {"project": str(self.project), "tests": tests, "output": said.name}
            self._warm.stdin.write(json.dumps(order) + "\n")
            self._warm.stdin.flush()
            timer = Timer(max_seconds, os.killpg, (self._answer(), signal.SIGKILL))
            timer.start()
            code = self._answer()
            timer.cancel()
            lines = said.read().strip().splitlines() or ["no output"]
        seconds = time.monotonic() - started
        if code == -signal.SIGKILL:
            return Outcome(code, f"stopped after {seconds:.0f} s", seconds)
        failures = [line for line in lines if line.startswith(("FAILED", "ERROR"))]
        return Outcome(code, (failures or lines)[-1], seconds)

    def run_with(self, mutant: Mutant, seconds: dict[str, float]) -> Outcome:
        """Apply one mutant, run its tests, those first that take the fewest seconds, and take it back."""
        path = self.project / mutant.file
        whole, before = path.read_text(encoding="utf-8"), path.stat()
        tests = sorted(mutant.tests, key=seconds.__getitem__)
        path.write_text(mutant.applied(whole), encoding="utf-8")
        try:
            return self.run(tests, min(_MAX_SECONDS, 60 + 5 * sum(seconds[test] for test in tests)))
        finally:
            path.write_text(whole, encoding="utf-8")
            os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))  # what was compiled of it is valid again


def each(
    copies: Sequence[Copy],
    work: Sequence[_Work],
    do: Callable[[_Work, Copy], Outcome],
    tell: Callable[[_Work, Outcome], None],
) -> list[Outcome]:
    """Do each piece of work in a copy that is free; tell each outcome as soon as those before it are there."""
    free: SimpleQueue[Copy] = SimpleQueue()
    for copy in copies:
        free.put(copy)

    def one(piece: _Work) -> Outcome:
        copy = free.get()
        try:
            return do(piece, copy)
        finally:
            free.put(copy)

    outcomes = []
    with ThreadPoolExecutor(len(copies)) as pool:
        for piece, outcome in zip(work, pool.map(one, work), strict=True):
            tell(piece, outcome)
            outcomes.append(outcome)
    return outcomes


def run_mutants(chosen: Sequence[Mutant], copies: Sequence[Copy]) -> int:
    """Run the named tests without a fault, then with each; return how many mutants were killed."""
    tests = sorted({test for mutant in chosen for test in mutant.tests})

    def tell_baseline(test: str, outcome: Outcome) -> None:
        word = "passes" if outcome.passed else "FAILS "
        print(f"{word}  without a fault: {test} ({outcome.last}; {outcome.seconds:.0f} s)", flush=True)

    baseline = each(copies, tests, lambda test, copy: copy.run([test]), tell_baseline)
    seconds = {test: outcome.seconds for test, outcome in zip(tests, baseline, strict=True)}
    broken = {test for test, outcome in zip(tests, baseline, strict=True) if not outcome.passed}

    def attempt(mutant: Mutant, copy: Copy) -> Outcome:
        if broken.intersection(mutant.tests):
            return Outcome(_PASSED, "its tests fail without it", 0.0)
        return copy.run_with(mutant, seconds)

    def tell(mutant: Mutant, outcome: Outcome) -> None:
        word = "killed" if outcome.killed else "LIVES "
        print(f"{word}  {mutant.file}: {mutant.promise} ({outcome.last}; {outcome.seconds:.0f} s)", flush=True)

    return sum(outcome.killed for outcome in each(copies, chosen, attempt, tell))


def main() -> int:
    """Try the mutants; print those that live."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", nargs="+", default=[""], help="only mutants whose file or promise holds such a text")
    parser.add_argument("--workers", type=int, default=2)
    arguments = parser.parse_args()
    chosen = [one for one in mutants() if any(text in one.file or text in one.promise for text in arguments.only)]
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        projects = [Path(folder) / str(number) for number in range(arguments.workers)]
        for project in projects:
            copy_project(project)
        copies = [Copy(project, _LIBRARIES) for project in projects]
        killed = run_mutants(chosen, copies)
        for copy in copies:
            copy.close()
    print(f"{killed} of {len(chosen)} mutants killed ({killed / max(len(chosen), 1):.0%})")
    return 0 if chosen and killed >= LEAST_KILLED * len(chosen) else 1


if __name__ == "__main__":
    sys.exit(main())
