"""Tries every mutant of `mutants.yaml` in a copy of the project: a mutant that no test notices is printed.

Usage: python -m tests.mutation.run [--only TEXT ...] [--workers 2]; exit code 1 where fewer than 95 % are killed.
A mutant counts as killed only where its named tests pass without it and one of them fails with it.
"""

from __future__ import annotations

import argparse
import compileall
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
from typing import TypeVar

import yaml

ROOT = Path(__file__).parents[2]
LEAST_KILLED = 0.95
_COPIED = ("faultmap_core", "faultmap_assets", "tests", "examples", "docs", "bench", "pyproject.toml", "Makefile",
           "README.md", "workspace.yaml", "requirements.lock", "CHANGELOG.md", "LICENSE", "deploy")  # fmt: skip
_MAX_SECONDS = 600.0
_PASSED, _FAILED = 0, 1  # exit codes of pytest; it ends with another where a test file cannot even be loaded
_Work = TypeVar("_Work")
_Answer = TypeVar("_Answer")


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
    """How pytest ended: its exit code (None where it had to be stopped), its last line, and what it took."""

    code: int | None
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


def run_tests(project: Path, tests: Sequence[str], max_seconds: float = _MAX_SECONDS) -> Outcome:
    """Run tests in a copy of the project until one fails; what they started is stopped with them."""
    command = [sys.executable, "-m", "pytest", "-x", "-q", "--tb=no", "-p", "no:cacheprovider", *tests]
    # No plugin is needed; loading those that are installed takes longer than many a file of tests.
    quick = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTHONDONTWRITEBYTECODE": "1"}
    environment = {**os.environ, **quick, "PYTHONPATH": str(project)}
    started = time.monotonic()
    with (
        tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as said,
        subprocess.Popen(
            command, cwd=project, env=environment, stdout=said, stderr=said, start_new_session=True
        ) as process,
    ):
        try:
            code: int | None = process.wait(max_seconds)
        except subprocess.TimeoutExpired:
            code = None
            os.killpg(process.pid, signal.SIGKILL)
        said.seek(0)
        lines = said.read().strip().splitlines() or ["no output"]
    failures = [line for line in lines if line.startswith(("FAILED", "ERROR"))]
    last = f"not ended after {max_seconds:.0f} s" if code is None else (failures or lines)[-1]
    return Outcome(code, last, time.monotonic() - started)


def try_mutant(mutant: Mutant, project: Path, seconds: dict[str, float]) -> Outcome:
    """Apply one mutant to a copy, run its tests, the quick ones first, and take it back."""
    path = project / mutant.file
    whole, before = path.read_text(encoding="utf-8"), path.stat()
    tests = sorted(mutant.tests, key=seconds.__getitem__)
    path.write_text(mutant.applied(whole), encoding="utf-8")
    try:
        return run_tests(project, tests, min(_MAX_SECONDS, 60 + 5 * sum(seconds[test] for test in tests)))
    finally:
        path.write_text(whole, encoding="utf-8")
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))  # what was compiled of it is valid again


class Copies:
    """Copies of the project, each used by one worker at a time."""

    def __init__(self, projects: Sequence[Path]) -> None:
        self._workers = len(projects)
        self._free: SimpleQueue[Path] = SimpleQueue()
        for project in projects:
            self._free.put(project)

    def each(
        self, work: Sequence[_Work], do: Callable[[_Work, Path], _Answer], tell: Callable[[_Work, _Answer], None]
    ) -> list[_Answer]:
        """Do each piece of work in a free copy; tell each answer as soon as those before it are there."""

        def one(piece: _Work) -> _Answer:
            project = self._free.get()
            try:
                return do(piece, project)
            finally:
                self._free.put(project)

        answers = []
        with ThreadPoolExecutor(self._workers) as pool:
            for piece, answer in zip(work, pool.map(one, work), strict=True):
                tell(piece, answer)
                answers.append(answer)
        return answers


def run_mutants(chosen: Sequence[Mutant], copies: Copies) -> int:
    """Run the named tests without a fault, then with each; return how many mutants were killed."""
    tests = sorted({test for mutant in chosen for test in mutant.tests})

    def tell_baseline(test: str, outcome: Outcome) -> None:
        word = "passes" if outcome.passed else "FAILS "
        print(f"{word}  without a fault: {test} ({outcome.last}; {outcome.seconds:.0f} s)", flush=True)

    baseline = copies.each(tests, lambda test, project: run_tests(project, [test]), tell_baseline)
    seconds = {test: outcome.seconds for test, outcome in zip(tests, baseline, strict=True)}
    broken = {test for test, outcome in zip(tests, baseline, strict=True) if not outcome.passed}

    def attempt(mutant: Mutant, project: Path) -> Outcome:
        if broken.intersection(mutant.tests):
            return Outcome(None, "its tests fail without it", 0.0)
        return try_mutant(mutant, project, seconds)

    def tell(mutant: Mutant, outcome: Outcome) -> None:
        word = "killed" if outcome.killed else "LIVES "
        print(f"{word}  {mutant.file}: {mutant.promise} ({outcome.last}; {outcome.seconds:.0f} s)", flush=True)

    return sum(outcome.killed for outcome in copies.each(chosen, attempt, tell))


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
        killed = run_mutants(chosen, Copies(projects))
    print(f"{killed} of {len(chosen)} mutants killed ({killed / max(len(chosen), 1):.0%})")
    return 0 if chosen and killed >= LEAST_KILLED * len(chosen) else 1


if __name__ == "__main__":
    sys.exit(main())
