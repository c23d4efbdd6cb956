"""Small real data for the tests: two datasets, two models, each failing on one topic."""

from __future__ import annotations

import csv
import os
import signal
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import dagster as dg
import hypothesis
import pytest

from faultmap_assets.cli.runner import RefreshOutcome, refresh_stale
from faultmap_assets.ingestion.staging import find_source_files, ingest_file
from faultmap_assets.kit.instance import open_instance
from faultmap_assets.settings import Settings
from faultmap_assets.warehouse.connection import Warehouse, open_warehouse
from tests.llm_server import LlmServer, serving

# Rich reads the width once, when the command line is imported: whoever calls the suite must not decide it.
for _name in ("COLUMNS", "LINES"):
    os.environ.pop(_name, None)

# What a shell starts in its background ignores interrupts, and so does all that it starts: no test could send one.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN and threading.current_thread() is threading.main_thread():
    signal.signal(signal.SIGINT, signal.default_int_handler)

# The suite draws the same examples every time; `make fuzz` draws new ones, and many more.
hypothesis.settings.register_profile("suite", derandomize=True, database=None)
hypothesis.settings.register_profile("fuzz", max_examples=1_000)
hypothesis.settings.load_profile("suite")

CITIES = (
    "France Spain Italy Japan Peru Kenya Norway Egypt Chile Ghana Cuba Nepal Iran Iraq Oman Fiji Mali Chad Laos Malta"
)
DISHES = (
    "bread soup pancakes risotto pizza lasagne curry omelette dumplings sushi salad stew porridge waffles tacos ramen"
    " pudding cake pie goulash"
)


def topics(dataset: str) -> dict[str, list[str]]:
    """Return 20 prompts of each of three topics; the datasets share none."""
    offset = {"school": 0, "kitchen": 7}[dataset]
    return {
        "arithmetic": [f"What is {23 + 3 * i + offset} plus {41 + 7 * i}? Give the sum." for i in range(20)],
        "capital": [f"Which city is the capital of {name}, asked in {dataset}?" for name in CITIES.split()],
        "cooking": [f"How long does it take to cook {dish} in the oven of a {dataset}?" for dish in DISHES.split()],
    }


WEAKNESS = {"alpha": "arithmetic", "beta": "cooking"}


def eval_rows(dataset: str, models: Sequence[str] = ("alpha", "beta")) -> list[dict[str, object]]:
    """Rows in which each model fails on 18 of 20 prompts of its weak topic and on 2 of the 40 others."""
    rows = []
    for model in models:
        for topic, prompts in topics(dataset).items():
            for number, prompt in enumerate(prompts):
                good = number < 2 if topic == WEAKNESS[model] else number > 0
                rows.append(
                    {
                        "example_id": f"{topic}-{number:02d}",
                        "model": model,
                        "input_text": prompt,
                        "output_text": f"answer {number}" if good else "I do not know.",
                        "score": 1.0 if good else 0.0,
                        "correct_answer": f"answer {number}",
                        "category": topic,
                    }
                )
    return rows


def write_csv(path: Path, rows: Sequence[dict[str, object]]) -> Path:
    """Write rows as CSV."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


@dataclass(frozen=True)
class Project:
    """A state folder with its settings, warehouse and Dagster instance."""

    settings: Settings
    warehouse: Warehouse
    instance: dg.DagsterInstance
    evals: Path

    def ingest(self) -> None:
        """Read every file in the evals folder."""
        for path in find_source_files([str(self.evals)]):
            ingest_file(self.warehouse, path, self.settings.eval_options())

    def audit(self, settings: Settings | None = None) -> RefreshOutcome:
        """Do what `faultmap audit` does; return what was made."""
        return refresh_stale(settings or self.settings, self.instance)


def make_project(folder: Path, **changes: object) -> Project:
    """Make a project in `folder`."""
    settings = Settings.model_validate({"home": folder / "var", **changes})
    return Project(settings, open_warehouse(settings), open_instance(settings), folder / "evals")


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Neither the user's environment nor a faultmap.yaml in the current folder reaches a test."""
    for name in ("FAULTMAP_HOME", "FAULTMAP_SETTINGS", "FAULTMAP_WITHOUT_MODEL", "DAGSTER_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    """An empty project; its own home stands in the environment, as in the real processes."""
    made = make_project(tmp_path)
    monkeypatch.setenv("FAULTMAP_HOME", str(made.settings.home))
    with made.instance:
        yield made


@pytest.fixture(scope="session")
def audited(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Project, RefreshOutcome]]:
    """Two datasets × two models, audited once; tests that use it only read."""
    with pytest.MonkeyPatch.context() as patch:
        project = make_project(tmp_path_factory.mktemp("graph"))
        patch.setenv("FAULTMAP_HOME", str(project.settings.home))
        for dataset in ("school", "kitchen"):
            write_csv(project.evals / f"{dataset}.csv", eval_rows(dataset))
        project.ingest()
        outcome = project.audit()
    with project.instance:
        yield project, outcome


@pytest.fixture
def llm_server() -> Iterator[LlmServer]:
    """A local OpenAI-compatible server that answers every request with what fits its schema."""
    with serving(LlmServer()) as server:
        yield server
