"""An example id is no pair by itself: what models were asked under it must be the same prompt, everywhere."""

from __future__ import annotations

import json

import numpy as np
import pytest

from faultmap_assets import cli
from faultmap_assets.defs.evals import queries
from faultmap_assets.defs.history import gate as history_gate
from faultmap_assets.defs.history.state import example_key
from faultmap_assets.defs.why import queries as error_queries
from faultmap_assets.graph.scopes import Partition
from faultmap_core.discovery.comparison.results import pairing_sentence
from faultmap_core.error_analysis.quality.assessment import AnswerTable, assess_dataset
from tests.conftest import make_project, write_csv

SUBJECTS = ["cats", "dogs", "law", "tax", "chess", "soup", "rain", "iron", "gold", "wool"]
PAIRS, SHARED = 20, 5


def rows(shared: int) -> list[dict[str, object]]:
    """Two models with the same 20 ids; the first `shared` ids have the same prompt, the others do not.

    A passes all, B fails all: joined by id alone, A would win with 20 of 20.
    """
    found = []
    for model, shift in (("A", 0), ("B", 3)):
        for number in range(PAIRS):
            subject = SUBJECTS[(number + (shift if number >= shared else 0)) % len(SUBJECTS)]
            # White space and case make no other prompt.
            prompt = f"Question about {subject}, number {number}: what is it?"
            found.append(
                {
                    "example_id": f"{number:02d}",
                    "model": model,
                    "input_text": prompt if model == "A" else f" {prompt.upper()}  ",
                    "output_text": "right" if model == "A" else "wrong",
                    "correct_answer": "right",
                    "score": float(model == "A"),
                }
            )
    return found


@pytest.fixture(scope="module")
def mixed(tmp_path_factory: pytest.TempPathFactory):
    with pytest.MonkeyPatch.context() as patch:
        project = make_project(tmp_path_factory.mktemp("ids"))
        patch.setenv("FAULTMAP_HOME", str(project.settings.home))
        write_csv(project.evals / "none.csv", rows(0))
        write_csv(project.evals / "some.csv", rows(SHARED))
        write_csv(project.evals / "open.csv", [{**row, "correct_answer": ""} for row in rows(PAIRS)])
        project.ingest()
        project.audit()
    with project.instance:
        yield project


def test_a_comparison_counts_only_the_pairs_with_one_prompt(mixed):
    pairs = {pair["dataset"]: pair for pair in queries.comparisons(mixed.warehouse)}
    assert (pairs["none"]["compared"], pairs["none"]["other_prompts"]) == (0, PAIRS)
    assert "no pair has the same prompt" in pairs["none"]["pairing"]
    assert pairs["none"]["note"] == pairs["none"]["pairing"]
    assert (pairs["some"]["compared"], pairs["some"]["other_prompts"]) == (SHARED, PAIRS - SHARED)
    assert pairs["some"]["pairing"].startswith("Left out: 15 example ids")
    assert (pairs["some"]["failure_rate_a"], pairs["some"]["failure_rate_b"]) == (0.0, 1.0)


def test_a_comparison_of_none_is_a_sentence(mixed, monkeypatch, capsys):
    def compare(dataset: str) -> str:
        monkeypatch.setattr(
            "sys.argv", ["faultmap", "compare", "--dataset", dataset, "--home", str(mixed.settings.home)]
        )
        with pytest.raises(SystemExit) as stop:
            cli.main()
        assert not stop.value.code
        return " ".join(capsys.readouterr().out.split())

    told = compare("none")
    assert "no pair has the same prompt" in told
    assert not {"0%", "unresolved"} & set(told.split())
    told = compare("some")
    assert "on 5 examples that both answered" in told
    assert "5 pairs: only A right 5, only B right 0" in told


def test_quality_keeps_the_prompts_of_one_id_apart(mixed):
    found = {one["dataset"]: {row["measure"]: row["value"] for row in one["measures"]} for one in
             error_queries.quality(mixed.warehouse)}  # fmt: skip
    # Only on the five shared prompts do two models have an outcome; A passes them, B fails them.
    assert found["none"]["examples"] == found["some"]["examples"] == PAIRS
    assert found["none"]["duplicate_share"] == 0.0
    assert found["none"].get("smallest_visible_difference") is None


def test_the_gate_pairs_only_the_same_prompts(mixed):
    result = history_gate.gate_against(mixed.warehouse, mixed.settings, "A", ["none"]).result
    (failed,) = [one for one in result.changes if one.subject.kind == "failure_rate"]
    # Twenty other prompts: two samples, not twenty pairs.
    assert failed.test == "midp"
    assert (failed.before_rows, failed.after_rows) == (PAIRS, PAIRS)
    assert example_key("1", "cats") != example_key("1", "dogs")
    assert example_key("1", "cats") == example_key("1", "cats")


def test_contrast_answers_are_of_the_same_prompt(mixed):
    def contrasts(dataset: str) -> list[str]:
        answers = error_queries.RightAnswers(
            mixed.warehouse, Partition(dataset, "B"), higher_is_better=True, number=3, seed=0
        )
        return [row for row in (f"{number:02d}" for number in range(PAIRS)) if answers(row)]

    assert contrasts("none") == []
    assert contrasts("some") == [f"{number:02d}" for number in range(SHARED)]


def test_suspect_labels_and_copies_need_one_prompt():
    """Three models answer "5" under one id: to one prompt it is agreement, to three prompts it is none."""

    def flags(prompts: dict[str, tuple[str, str]]) -> dict[str, int]:
        table = [
            (f"e{number}", model, prompts[model][number % 2].format(number=number), "5" if number == 0 else "4", "4")
            for number in range(60)
            for model in prompts
        ]
        columns = [list(column) for column in zip(*table, strict=True)]
        failed = np.array([float(row[3] != "4") for row in table])
        return assess_dataset(AnswerTable(*columns, failed)).flags

    one = "Of {number}: two and two?", "{number} is two and two?"
    apart = {
        "kestrel": one,
        "heron": ("Dog {number} has how many legs?", "How many legs, dog {number}?"),
        "wren": ("Before six comes {number} or what?", "What precedes six, {number}?"),
    }
    assert flags(apart)["suspect_label"] == flags(apart)["all_models_fail"] == 0
    assert flags(dict.fromkeys(apart, one))["all_models_fail"] == 1


@pytest.mark.parametrize(
    ("pairs", "other", "expected"),
    [(10, 0, ""), (0, 0, "no example has an outcome of both models"), (0, 3, "no pair has the same prompt"),
     (10, 1, "Left out: 1 example id of both models")],
)  # fmt: skip
def test_what_was_not_compared_is_said(pairs, other, expected):
    assert expected in pairing_sentence(pairs, other)
    assert bool(expected) == bool(pairing_sentence(pairs, other))
    assert json.dumps(pairing_sentence(pairs, other))


def test_what_rules_cannot_see_is_said_once_and_never_compared(mixed):
    """B fails all 20 of "open", which has no reference: its score says so already, and no rule sees more."""
    tested = [row for row in error_queries.signatures(mixed.warehouse, ["open"]) if row["p_value"] is not None]
    assert tested == []
    assert (
        "20 of 20 errors (100%) have no visible cause, 20 of them without a reference"
        in error_queries.blind_spot_of(mixed.warehouse, ["open"])
    )
    top = [row for row in error_queries.taxonomy_rows(mixed.warehouse) if row["depth"] == 1]
    assert (top[-1]["name"], top[-1]["other"]) == ("Unexplained", True)
