"""The list of mutants stays true to the code: each fault can still be made, and is still Python."""

from __future__ import annotations

import ast

import pytest

from .mutation.run import ROOT, mutants

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
    assert any((ROOT / test.partition("::")[0]).exists() for test in mutant.tests)
