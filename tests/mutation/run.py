"""Tries every mutant of `mutants.yaml` in a copy of the project: a mutant that no test notices is printed.

Usage: python -m tests.mutation.run [--only TEXT] [--workers 2]; exit code 1 where fewer than 95 % are killed.
"""

from __future__ import annotations

import argparse
import compileall
import os
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue

import yaml

ROOT = Path(__file__).parents[2]
LEAST_KILLED = 0.95
_COPIED = ("faultmap_core", "faultmap_assets", "tests", "examples", "docs", "bench", "pyproject.toml", "Makefile",
           "README.md", "workspace.yaml", "requirements.lock", "CHANGELOG.md", "LICENSE", "deploy")  # fmt: skip
_SECONDS = 600


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


def mutants() -> list[Mutant]:
    """Return all mutants of the list."""
    listed = yaml.safe_load((Path(__file__).parent / "mutants.yaml").read_text(encoding="utf-8"))
    return [Mutant(**{**one, "tests": tuple(one["tests"])}) for one in listed]


def copy_project(target: Path) -> None:
    """Copy what the tests read; `dagster.yaml` is a link into the package and stays one."""
    for name in _COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, target / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, target / name)
    (target / "dagster.yaml").symlink_to("faultmap_assets/dagster.yaml")
    # Once for all mutants; a changed file has another time than its compiled one, which is then passed over.
    compileall.compile_dir(target, quiet=2)


def noticed(project: Path, tests: tuple[str, ...]) -> tuple[bool, str]:
    """Say whether a test fails in a copy of the project, and how pytest ended."""
    there = [test for test in tests if (project / test.partition("::")[0]).exists()]
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:randomly", "-p", "no:cacheprovider", *there]
    environment = {**os.environ, "PYTHONPATH": str(project), "PYTHONDONTWRITEBYTECODE": "1"}
    try:
        ended = subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True, timeout=_SECONDS)
    except subprocess.TimeoutExpired:
        return True, "a test did not end"
    last = (ended.stdout.strip() or ended.stderr.strip() or "no output").splitlines()[-1]
    if ended.returncode not in (0, 1, 2):
        raise RuntimeError(f"pytest ended with {ended.returncode}: {last}")
    return ended.returncode != 0, last


def tried(mutant: Mutant, project: Path) -> tuple[bool, str]:
    """Apply one mutant to a copy, run its tests, and take it back."""
    path = project / mutant.file
    whole = path.read_text(encoding="utf-8")
    path.write_text(mutant.applied(whole), encoding="utf-8")
    try:
        return noticed(project, mutant.tests)
    finally:
        path.write_text(whole, encoding="utf-8")


def main() -> int:
    """Try the mutants; print those that live."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", help="only mutants whose file or promise holds this text")
    parser.add_argument("--workers", type=int, default=2)
    arguments = parser.parse_args()
    chosen = [one for one in mutants() if arguments.only in one.file or arguments.only in one.promise]
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder, ThreadPoolExecutor(arguments.workers) as pool:
        copies: SimpleQueue[Path] = SimpleQueue()
        for number in range(arguments.workers):
            project = Path(folder) / str(number)
            project.mkdir()
            copy_project(project)
            copies.put(project)

        def one(work: Mutant | tuple[str, ...]) -> tuple[bool, str]:
            project = copies.get()
            try:
                return tried(work, project) if isinstance(work, Mutant) else noticed(project, work)
            finally:
                copies.put(project)

        suites = sorted({mutant.tests for mutant in chosen})
        broken = [(suite, last) for suite, (fails, last) in zip(suites, pool.map(one, suites), strict=True) if fails]
        for suite, last in broken:
            print(f"fails without a mutant: {' '.join(suite)}: {last}")
        if broken:
            return 1
        killed = 0
        for mutant, (fails, last) in zip(chosen, pool.map(one, chosen), strict=True):
            killed += fails
            print(f"{'killed' if fails else 'LIVES '}  {mutant.file}: {mutant.promise} ({last})", flush=True)
    print(f"{killed} of {len(chosen)} mutants killed ({killed / max(len(chosen), 1):.0%})")
    return 0 if chosen and killed >= LEAST_KILLED * len(chosen) else 1


if __name__ == "__main__":
    sys.exit(main())
