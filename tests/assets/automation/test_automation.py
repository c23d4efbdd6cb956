"""The staleness sensor tick by tick, as the daemon drives it: what is requested, in which order, and never in circles.

A request is carried out by recording what it would make, not by making it: `test_graph` and `test_why` make it.
"""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
import pyarrow as pa
import pytest
import yaml

from faultmap_assets.automation import sensors as automation
from faultmap_assets.automation.sensors import ASSETS_TAG
from faultmap_assets.graph.declarations import ASSET_GRAPH, NODES
from faultmap_assets.graph.fingerprints import SettingsFingerprints
from faultmap_assets.graph.scopes import Partition, Scope
from faultmap_assets.graph.staleness import Materialization, WarehouseState
from faultmap_assets.settings import load_settings
from faultmap_assets.warehouse.connection import insert
from faultmap_assets.warehouse.materializations import make_again, read_state, record
from faultmap_core.error_analysis.taxonomy.taxonomy import TAXONOMY_TEMPLATES
from faultmap_core.llm import prompt_library
from tests.assets.automation.test_sensor import tick
from tests.conftest import Project, write_csv

DATASETS, MODELS = ("d1", "d2", "d3"), ("m1", "m2", "m3")


@dataclass
class Daemon:
    """Ticks the sensor, and carries out every request whose run key is new.

    Attributes:
        unchanged: assets whose results stay the same whatever they are made from.
        pending: asset -> rows that a language model never answers for; their results differ at every attempt.
        ran: every run so far, as `assets key`.
    """

    project: Project
    unchanged: set[str] = field(default_factory=set)
    pending: Mapping[str, int] = field(default_factory=dict)
    ran: list[str] = field(default_factory=list)
    keys: set[str] = field(default_factory=set)

    def tick(self) -> list[str]:
        """Return what was run, in the order of the requests."""
        requests = [request for request in tick(self.project) if request.run_key not in self.keys]
        self.keys |= {str(request.run_key) for request in requests}
        told = []
        with self.project.warehouse.write() as connection:
            for request in requests:
                assets = request.tags[ASSETS_TAG].split(",")
                for asset in assets:
                    self._make(connection, asset, str(request.partition_key or ""))
                told.append(f"{'+'.join(assets)} {request.partition_key or ''}".strip())
        self.ran += told
        return told

    def _make(self, connection: object, asset: str, key: str) -> None:
        node, partition = NODES[asset], Partition.parse(NODES[asset].scope, key)
        state = read_state(connection)  # type: ignore[arg-type]
        inputs = state.inputs(node, partition, load_settings())
        pending = self.pending.get(asset, 0)
        version = "same" if asset in self.unchanged else f"{inputs.digest}{len(self.ran) if pending else ''}"
        made = Materialization(version, inputs, None, pending)
        record(connection, asset, partition, made, run_id=f"run-{len(self.ran)}-{asset}", rows=1, seconds=0)  # type: ignore[arg-type]

    def until_quiet(self, most: int = 20) -> list[list[str]]:
        """Tick until nothing is run; return what each tick ran."""
        ticks = []
        for _ in range(most):
            if not (ran := self.tick()):
                return ticks
            ticks.append(ran)
        raise AssertionError(f"requests never end: {ticks[-3:]}")


def deliver(
    project: Project,
    name: str,
    datasets: tuple[str, ...] = DATASETS,
    models: tuple[str, ...] = MODELS,
    **changes: object,
) -> None:
    """Write and read one file of a row for each dataset and model."""
    row = {"example_id": "1", "input_text": "q", "output_text": "a", "score": 1, **changes}
    rows = [{**row, "dataset": dataset, "model": model} for dataset in datasets for model in models]
    write_csv(project.evals / name, rows)
    project.ingest()


def change(**sections: object) -> None:
    """Write the settings that the sensor reads."""
    Path("faultmap.yaml").write_text(yaml.safe_dump(sections), encoding="utf-8")


@pytest.fixture
def daemon(project: Project) -> Daemon:
    """Three datasets × three models, settled."""
    deliver(project, "all.csv")
    made = Daemon(project, unchanged={"prompt_embeddings"})
    made.until_quiet()
    with project.warehouse.read() as connection:
        state = read_state(connection)
    expected = {(n.name, p) for n in ASSET_GRAPH for p in state.partitions(n.scope)}
    assert set(state.materialized) == expected
    return made


# What is made of the whole warehouse follows whatever changes below it.
WHOLE = [node.name for node in ASSET_GRAPH if node.scope is Scope.NONE]


def split(ticks: list[list[str]]) -> tuple[list[list[str]], list[str]]:
    """Return the runs of partitions tick by tick, and the assets of the whole warehouse in order."""
    of_partitions = [[run for run in ran if " " in run] for ran in ticks]
    whole = [asset for ran in ticks for run in ran if " " not in run for asset in run.split("+")]
    while of_partitions and not of_partitions[-1]:
        of_partitions.pop()
    return of_partitions, whole


def test_new_results_of_one_model_request_what_depends_on_them_in_order(daemon: Daemon):
    deliver(daemon.project, "new.csv", ("d2",), ("m3",), output_text="better")
    partitions, whole = split(daemon.until_quiet())
    assert partitions == [
        ["raw_evals d2|m3"],
        # The branches part: the scores here, the embeddings there; what joins them waits for both.
        ["scores+error_judgments d2|m3", "prompt_embeddings d2"],
        ["failure_slices d2|m3", "model_comparisons+dataset_quality d2"],
    ]
    assert whole == WHOLE


def test_new_prompts_of_one_model_have_the_dataset_clustered_before_its_slices_are_made(daemon: Daemon):
    daemon.unchanged = set()
    deliver(daemon.project, "new.csv", ("d2",), ("m3",), input_text="another question")
    partitions, whole = split(daemon.until_quiet())
    assert partitions == [
        ["raw_evals d2|m3"],
        ["scores+error_judgments d2|m3", "prompt_embeddings d2"],
        ["prompt_clusters+model_comparisons+dataset_quality d2"],
        # The other models' slices are on the same map.
        [f"failure_slices d2|{model}" for model in MODELS],
    ]
    assert set(whole) == set(WHOLE)


def test_an_unchanged_file_requests_nothing_however_it_is_delivered(daemon: Daemon):
    path = daemon.project.evals / "all.csv"
    os.utime(path, (1, 1))
    daemon.project.ingest()
    assert daemon.tick() == []
    (daemon.project.evals / "copy.csv").write_bytes(path.read_bytes())
    daemon.project.ingest()
    assert daemon.tick() == []


def test_a_changed_threshold_requests_scores_and_what_follows_and_no_embedding(daemon: Daemon):
    change(datasets={"d1": {"success_threshold": 0.7}})
    partitions, whole = split(daemon.until_quiet())
    assert partitions == [
        [f"scores d1|{model}" for model in MODELS],
        [*[f"failure_slices+error_judgments d1|{model}" for model in MODELS], "model_comparisons d1"],
        ["dataset_quality d1"],
    ]
    assert set(whole) == set(WHOLE)


def test_a_new_embedder_requests_embeddings_and_what_follows_and_no_scores(daemon: Daemon):
    daemon.unchanged = set()
    change(embedding={"model": "another"})
    partitions, _ = split(daemon.until_quiet())
    assert partitions == [
        [f"prompt_embeddings {dataset}" for dataset in DATASETS],
        [f"prompt_clusters {dataset}" for dataset in DATASETS],
        [
            *[f"failure_slices {dataset}|{model}" for dataset in DATASETS for model in MODELS],
            *[f"model_comparisons {dataset}" for dataset in DATASETS],
        ],
    ]


@pytest.fixture
def with_model(project: Project, tmp_path: Path) -> Daemon:
    """Three × three, settled with a language model and a folder of the user's own prompts."""
    prompts = tmp_path / "prompts"
    prompts.mkdir()
    name = f"{TAXONOMY_TEMPLATES[0]}.j2"
    (prompts / name).write_text((prompt_library.OWN_PROMPTS / name).read_text(encoding="utf-8"), encoding="utf-8")
    change(language_model={"model": "openai/none", "prompts_folder": str(prompts)})
    deliver(project, "all.csv")
    made = Daemon(project)
    made.until_quiet()
    return made


def test_a_new_version_of_the_taxonomy_prompt_requests_the_taxonomy_alone(with_model: Daemon, tmp_path: Path):
    path = tmp_path / "prompts" / f"{TAXONOMY_TEMPLATES[0]}.j2"
    path.write_text(path.read_text(encoding="utf-8") + "\n{# shorter #}\n", encoding="utf-8")
    partitions, whole = split(with_model.until_quiet())
    assert partitions == []
    # And what is made of it; the judgments, which cost, are not.
    assert whole == WHOLE[WHOLE.index("error_taxonomy") :]


def test_fifty_ticks_with_nothing_to_do_request_nothing(daemon: Daemon):
    before = len(daemon.ran)
    for _ in range(50):
        daemon.tick()
    assert len(daemon.ran) == before


@pytest.mark.slow
def test_what_a_language_model_never_answers_is_asked_for_once_a_day(
    with_model: Daemon, monkeypatch: pytest.MonkeyPatch
):
    class Clock(datetime):
        today = 1

        @classmethod
        def now(cls, tz: object = None) -> datetime:  # type: ignore[override]
            return datetime(2026, 1, cls.today, 12, tzinfo=UTC)

    monkeypatch.setattr(automation, "datetime", Clock)
    with_model.pending = {"error_judgments": 5}
    deliver(with_model.project, "new.csv", ("d2",), ("m3",), output_text="other")
    for day in (1, 2, 3):
        Clock.today = day
        with_model.ran.clear()
        for _ in range(50 if day == 1 else 10):
            with_model.tick()
        judged = [run for run in with_model.ran if "error_judgments" in run]
        # With the new results at first, and then by themselves.
        assert len(judged) == (2 if day == 1 else 1), with_model.ran
        # What is below follows each of its results once.
        below = Counter(asset for run in with_model.ran for asset in run.split(" ")[0].split("+"))
        assert max(below.values()) <= 3


@pytest.mark.slow
def test_results_that_come_back_are_made_again(daemon: Daemon):
    """From A to B and back to A: a request like the first one is not the first one."""
    for answer in ("other", "a", "other", "a"):
        deliver(daemon.project, "all.csv", output_text=answer)
        ran = [run for runs in daemon.until_quiet() for run in runs]
        assert sum(run.startswith("raw_evals") for run in ran) == 9


def test_what_is_asked_for_again_is_requested_each_time(daemon: Daemon):
    for _ in range(3):
        with daemon.project.warehouse.write() as connection:
            assert make_again(connection, [("failure_slices", Partition("d1", "m2"))]) == 1
        [first, *_] = daemon.until_quiet()
        assert first == ["failure_slices d1|m2"]


# The figures of a large warehouse.

MANY_DATASETS = tuple(f"dataset-{number:02d}" for number in range(50))
MANY_MODELS = tuple(f"model-{number:02d}" for number in range(20))


@pytest.fixture
def large(project: Project, tmp_path: Path) -> Daemon:
    """Fifty datasets × twenty models, settled, with a language model."""
    (tmp_path / "prompts").mkdir()
    change(language_model={"model": "openai/none", "prompts_folder": str(tmp_path / "prompts")})
    deliver(project, "all.csv", MANY_DATASETS, MANY_MODELS)
    made = Daemon(project, unchanged={"prompt_embeddings"})
    settle(project)
    assert made.tick() == []
    return made


def settle(project: Project) -> None:
    """Record everything as made."""
    settings = load_settings()
    with project.warehouse.write() as connection:
        state = read_state(connection)
        materialized: dict[tuple[str, Partition], Materialization] = {}
        rows = []
        for node in ASSET_GRAPH:
            # A state of its own for each node: it remembers what it derived from its records.
            present = WarehouseState(state.sources, dict(materialized), state.quarantine)
            recipes = SettingsFingerprints(settings)
            for partition in present.partitions(node.scope):
                inputs = present.inputs(node, partition, settings, recipes)
                version = "same" if node.name == "prompt_embeddings" else inputs.digest
                materialized[node.name, partition] = Materialization(version, inputs)
                rows.append(
                    {
                        "asset": node.name,
                        "partition_key": partition.key,
                        "data_version": version,
                        "input_digest": inputs.digest,
                        "inputs": inputs.to_json(),
                        "run_id": "r",
                        "rows": 1,
                        "seconds": 0.0,
                        "materialized_at": datetime(2026, 1, 1),
                    }
                )
        insert(connection, "materializations", pa.Table.from_pylist(rows))


def test_a_tick_with_nothing_to_do_over_fifty_datasets_and_twenty_models_takes_two_seconds(large: Daemon):
    started, on_the_clock = time.process_time(), time.perf_counter()
    assert tick(large.project) == []
    # Of the processor: the machine may be busy with other tests.
    assert time.process_time() - started <= 2
    print(f"idle tick, 50 x 20: {time.perf_counter() - on_the_clock:.2f} s")  # noqa: T201


def test_one_new_file_of_known_prompts_in_a_large_warehouse_touches_nine_partitions_at_most(large: Daemon):
    deliver(large.project, "new.csv", ("dataset-17",), ("model-05",), output_text="better")
    partitions, whole = split(large.until_quiet())
    pairs = [run.split(" ") for ran in partitions for run in ran]
    touched = [(asset, key) for assets, key in pairs for asset in assets.split("+")]
    assert touched == [
        ("raw_evals", "dataset-17|model-05"),
        ("scores", "dataset-17|model-05"),
        ("error_judgments", "dataset-17|model-05"),
        ("prompt_embeddings", "dataset-17"),
        ("failure_slices", "dataset-17|model-05"),
        ("model_comparisons", "dataset-17"),
        ("dataset_quality", "dataset-17"),
    ]
    assert len(touched) <= 9
    assert Counter(whole) == Counter(WHOLE)


def test_recipes_are_those_of_every_partition_by_itself():
    change(
        datasets={"d1": {"success_threshold": 0.7}, "d2": {"score_mode": "entropy"}},
        entropy={"models": {"m1": {"model": "openai/x"}}},
    )
    settings = load_settings()
    shared = SettingsFingerprints(settings)
    for node in ASSET_GRAPH:
        for dataset in DATASETS:
            for model in MODELS:
                partition = Partition(dataset, model)
                assert shared.digest(node, partition) == SettingsFingerprints(settings).digest(node, partition)


def test_the_jobs_of_the_requests_exist(daemon: Daemon):
    deliver(daemon.project, "new.csv", ("d2",), ("m3",), output_text="better")
    [request] = tick(daemon.project)
    assert isinstance(request.partition_key, dg.MultiPartitionKey)
    assert request.job_name == automation.JOBS[Scope.DATASET_MODEL].name
