"""The list of mutants stays true to the code: each fault can still be made, and is still Python."""

from __future__ import annotations

import ast

import pytest

from .mutation.run import ROOT, Copy, Mutant, mutants, run_mutants

MUTANTS = mutants()


def test_there_are_enough_of_them_over_all_subjects():
    assert len(MUTANTS) >= 140
    subjects = ("regions", "slices", "comparison", "coverage", "drift", "taxonomy", "readers", "staleness")
    assert [subject for subject in subjects if not any(subject in one.file for one in MUTANTS)] == []
    assert len({(one.file, one.old, one.new) for one in MUTANTS}) == len(MUTANTS)


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda one: f"{one.file}: {one.promise}")
def test_a_mutant_can_be_made(mutant):
    changed = mutant.applied((ROOT / mutant.file).read_text(encoding="utf-8"))
    ast.parse(changed)
    assert mutant.tests
    assert all((ROOT / test.partition("::")[0]).exists() for test in mutant.tests)


@pytest.fixture
def sums(tmp_path):
    """A project of one function; one file of tests watches it, one does not, one fails whatever the function does."""
    (tmp_path / "sums.py").write_text("def total(a, b):\n    return a + b\n", encoding="utf-8")
    for name, line in {
        "watches": "assert total(2, 3) == 5",
        "looks_away": "assert total(0, 0) == 0",
        "fails": "assert total(2, 3) == 6",
        "hangs": "time.sleep(600)",
    }.items():
        text = f"import time\nfrom sums import total\n\ndef test_{name}():\n    {line}\n"
        (tmp_path / f"test_{name}.py").write_text(text, encoding="utf-8")
    copy = Copy(tmp_path)
    yield copy
    copy.close()


def test_only_a_test_that_fails_with_the_fault_and_not_without_it_kills(sums, capsys):
    def fault(new, *tests):
        return Mutant("sums.py", f"a sum is no {new}", "a + b", new, tests)

    chosen = [
        fault("a - b", "test_looks_away.py", "test_watches.py"),
        fault("a * b", "test_looks_away.py"),
        fault("a // 2", "test_watches.py", "test_fails.py"),
        fault("a +", "test_watches.py"),
    ]
    before = (sums.project / "sums.py").read_bytes()
    assert run_mutants(chosen, [sums]) == 1
    assert (sums.project / "sums.py").read_bytes() == before
    told = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in told] == ["FAILS", "passes", "passes", "killed", "LIVES", "LIVES", "LIVES"]
    assert "test_fails.py" in told[0]
    assert "its tests fail without it" in told[5]


def test_a_test_that_does_not_end_is_stopped_and_kills_nothing(sums):
    outcome = sums.run(["test_hangs.py"], max_seconds=0.5)
    assert (outcome.passed, outcome.killed) == (False, False)
    assert "stopped after" in outcome.last
    assert sums.run(["test_watches.py"]).passed
