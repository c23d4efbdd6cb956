"""The file sensor tick by tick: new, changed, half-written, unreadable, large and removed files."""

from __future__ import annotations

import json
import os
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest
import yaml
from typer.testing import CliRunner

from faultmap_assets.automation.file_sensor import FILE_TAG, file_sensor, read_file
from faultmap_assets.cli import app
from faultmap_assets.definitions import defs
from faultmap_assets.ingestion import watched_files as watch
from faultmap_assets.ingestion.watched_files import bad_files, known_files, list_watched, watch_files
from faultmap_assets.settings import load_settings
from faultmap_core.base.errors import WarehouseLockedError
from tests.assets.automation.test_sensor import tick
from tests.conftest import Project, eval_rows, write_csv
from tests.log_files import lm_eval_sample, write_lm_eval

HEADER = "example_id,model,input_text,output_text,score\n"


@dataclass
class Watched:
    """A project whose evals and logs folders are watched, and the sensor's cursor."""

    project: Project
    logs: Path
    cursor: str | None = None
    messages: list[str] = field(default_factory=list)

    @property
    def evals(self) -> Path:
        return self.project.evals

    def change(self, **sections: object) -> None:
        """Write the settings that the sensor reads."""
        watched = {"settle_seconds": 0, **dict(sections.pop("watch", {}))}
        content = {
            "evals": {"paths": [str(self.evals)], **dict(sections.pop("evals", {}))},
            "logs": {"paths": [str(self.logs)], **dict(sections.pop("logs", {}))},
            "watch": watched,
            **sections,
        }
        Path("faultmap.yaml").write_text(yaml.safe_dump(content), encoding="utf-8")

    def tick(self) -> list[dg.RunRequest]:
        context = dg.build_sensor_context(instance=self.project.instance, definitions=defs, cursor=self.cursor)
        result = file_sensor.evaluate_tick(context)
        self.cursor = result.cursor
        self.messages.append(result.skip_message or "")
        return list(result.run_requests or [])

    def files(self) -> list[str]:
        rows = self.project.warehouse.query("SELECT path FROM source_files ORDER BY sequence").to_pylist()
        return [Path(row["path"]).name for row in rows]

    def answers(self) -> list[str]:
        rows = self.project.warehouse.query("SELECT output_text FROM staging_rows ORDER BY ALL").to_pylist()
        return [row["output_text"] for row in rows]

    def states(self) -> dict[str, str]:
        return {Path(path).name: file.state for path, file in known_files(self.project.warehouse).items()}


@pytest.fixture
def watched(project: Project, tmp_path: Path) -> Watched:
    project.evals.mkdir()
    (tmp_path / "logs").mkdir()
    made = Watched(project, tmp_path / "logs")
    made.change()
    return made


def write(folder: Path, name: str, *answers: str, age: float = 0) -> Path:
    path = folder / name
    path.write_text(HEADER + "".join(f"{n},m,q {n},{answer},1\n" for n, answer in enumerate(answers)), encoding="utf-8")
    moment = time.time() - age
    os.utime(path, (moment, moment))
    return path


@pytest.fixture
def read_paths(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the files that were opened for reading, in order."""
    names: list[str] = []
    real = watch.ingest_file

    def noted(warehouse: object, path: Path, *args: object, **options: object) -> object:
        names.append(path.name)
        return real(warehouse, path, *args, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(watch, "ingest_file", noted)
    return names


def test_nothing_to_watch_is_said(project: Project):
    context = dg.build_sensor_context(instance=project.instance, definitions=defs)
    assert "name nothing to watch" in str(file_sensor.evaluate_tick(context).skip_message)


def test_a_new_file_is_read_once_it_is_stable_and_its_keys_are_registered(watched: Watched, read_paths: list[str]):
    write_csv(watched.evals / "school.csv", eval_rows("school"))
    (watched.logs / "day.jsonl").write_text('{"timestamp": "2025-11-03T10:00:00Z", "prompt": "hi", "response": "ho"}\n')
    assert watched.tick() == []
    assert (read_paths, watched.states()) == ([], {"school.csv": "settling", "day.jsonl": "settling"})
    assert watched.tick() == []
    assert sorted(watched.files()) == sorted(read_paths) == ["day.jsonl", "school.csv"]
    instance = watched.project.instance
    assert instance.get_dynamic_partitions("dataset") == ["school"]
    assert sorted(instance.get_dynamic_partitions("model")) == ["alpha", "beta"]
    # The requests come from the staleness sensor, and from it alone.
    requested = {str(request.partition_key) for request in tick(watched.project)}
    assert requested == {"school|alpha", "school|beta", "2025-11-03"}
    for _ in range(3):
        assert watched.tick() == []
        assert watched.messages[-1] == "nothing changed; 2 files are watched"
    assert len(read_paths) == 2
    assert len(str(watched.cursor)) < 200


def test_a_file_that_grows_is_left_alone_until_it_does_not(watched: Watched, read_paths: list[str]):
    path = write(watched.evals, "a.csv", "one", age=60)
    for number in range(3):
        watched.tick()
        assert read_paths == []
        with path.open("a") as stream:
            stream.write(f"x{number},m,more {number},later {number},1\n")
    watched.tick()
    watched.tick()
    assert watched.answers() == ["later 0", "later 1", "later 2", "one"]
    assert read_paths == ["a.csv"]


def test_a_file_settles_for_the_time_that_the_settings_say(watched: Watched):
    write(watched.evals, "a.csv", "one", age=3600)
    watched.change(watch={"settle_seconds": 30})
    settings = load_settings()
    start = datetime.now(UTC).replace(tzinfo=None)
    read_at = []
    for seconds in (0, 10, 29, 31, 41):
        now = start + timedelta(seconds=seconds)
        outcome = watch_files(settings, watched.project.warehouse, list_watched(settings, now), now)
        read_at += [seconds] * len(outcome.read)
    assert read_at == [31]


def test_a_changed_file_replaces_and_a_touched_one_is_no_news(watched: Watched, read_paths: list[str]):
    path = write(watched.evals, "a.csv", "one", age=60)
    watched.tick()
    watched.tick()
    os.utime(path, (1, 1))
    before = watched.project.warehouse.query("SELECT * FROM source_files").to_pylist()
    watched.tick()
    watched.tick()
    assert watched.project.warehouse.query("SELECT * FROM source_files").to_pylist() == before
    write(watched.evals, "a.csv", "two")
    watched.tick()
    watched.tick()
    assert watched.answers() == ["two"]
    assert len(read_paths) == 3


def test_a_log_is_read_again_when_the_file_beside_it_that_explains_it_comes_or_changes(watched: Watched):
    def models() -> list[str]:
        rows = watched.project.warehouse.query("SELECT DISTINCT model FROM staging_partitions ORDER BY ALL")
        return [str(row["model"]) for row in rows.to_pylist()]

    watched.change(evals={"model_name": "of the settings"})
    samples = write_lm_eval(watched.evals, lm_eval_sample(0), results={})
    for _ in range(2):
        watched.tick()
    assert models() == ["of the settings"]
    # lm-eval writes the results, which name the model, after the samples.
    watched.change(evals={})
    for name in ("org/tiny-model", "org/other-model"):
        results = samples.with_name(samples.name.replace("samples_sums", "results")).with_suffix(".json")
        results.write_text(json.dumps({"config": {"model": "hf", "model_args": f"pretrained={name}"}}))
        for _ in range(2):
            watched.tick()
        assert models() == [name]


def test_what_changes_while_it_is_read_is_read_again(watched: Watched, monkeypatch: pytest.MonkeyPatch):
    path = write(watched.evals, "a.csv", "one", age=60)
    real = watch.ingest_file

    def changing(*args: object, **options: object) -> object:
        monkeypatch.setattr(watch, "ingest_file", real)
        result = real(*args, **options)  # type: ignore[arg-type]
        write(watched.evals, "a.csv", "one", "two")
        return result

    monkeypatch.setattr(watch, "ingest_file", changing)
    for _ in range(3):
        watched.tick()
    assert (watched.answers(), watched.states()) == (["one", "two"], {path.name: "read"})


def test_a_bad_file_is_told_once_and_not_tried_again_until_it_changes(
    watched: Watched, read_paths: list[str], capfd: pytest.CaptureFixture[str]
):
    (watched.evals / "bad.csv").write_text("question,answer\nwhy,so\n")
    write(watched.evals, "good.csv", "one")
    for _ in range(5):
        watched.tick()
    assert watched.files() == ["good.csv"]
    assert sorted(read_paths) == ["bad.csv", "good.csv"]
    told = [line for line in capfd.readouterr().err.splitlines() if "bad.csv" in line]
    assert len(told) == 1
    assert "cannot be read and is left alone until it changes: no column 'example_id' and no column 'model'" in told[0]
    [bad] = bad_files(watched.project.warehouse)
    assert (Path(bad.path).name, bad.reason.split(";")[0]) == (
        "bad.csv",
        "no column 'example_id' and no column 'model'",
    )
    write(watched.evals, "bad.csv", "better now")
    watched.tick()
    watched.tick()
    assert watched.answers() == ["better now", "one"]
    assert bad_files(watched.project.warehouse) == []


def test_other_settings_read_a_bad_file_again(watched: Watched):
    (watched.evals / "quiz.csv").write_text("question,answer\nwhy,so\n")
    for _ in range(3):
        watched.tick()
    assert watched.states() == {"quiz.csv": "bad"}
    columns = {"input_text": "question", "output_text": "answer"}
    watched.change(evals={"columns": columns, "generate_ids": True, "model_name": "m"})
    watched.tick()
    watched.tick()
    assert (watched.states(), watched.answers()) == ({"quiz.csv": "read"}, ["so"])


def test_a_defect_that_one_file_brings_to_light_does_not_stop_the_others(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
):
    real = watch.ingest_file

    def broken(warehouse: object, path: Path, *args: object, **options: object) -> object:
        if path.name == "a.csv":
            raise ZeroDivisionError("division by zero")
        return real(warehouse, path, *args, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(watch, "ingest_file", broken)
    write(watched.evals, "a.csv", "one", age=60)
    write(watched.evals, "b.csv", "two")
    watched.tick()
    watched.tick()
    assert watched.files() == ["b.csv"]
    [bad] = bad_files(watched.project.warehouse)
    assert bad.reason == "reading it failed unexpectedly: ZeroDivisionError: division by zero"


def test_the_work_of_a_tick_is_bounded_and_the_rest_follows_oldest_first(watched: Watched, read_paths: list[str]):
    watched.change(watch={"most_files_per_tick": 2})
    for number in range(5):
        write(watched.evals, f"{number}.csv", f"answer {number}", age=100 * number)
    watched.tick()
    counts = []
    for _ in range(4):
        watched.tick()
        counts.append(len(read_paths))
    assert counts == [2, 4, 5, 5]
    assert read_paths == ["4.csv", "3.csv", "2.csv", "1.csv", "0.csv"]
    watched.change(watch={"seconds_per_tick": 0.000001})
    for number in range(2):
        write(watched.evals, f"{number}.csv", "changed")
    watched.tick()
    watched.tick()
    # One file at least is read, or nothing ever would be.
    assert len(read_paths) == 6


@pytest.mark.parametrize("removed", ["keep", "forget"])
def test_a_removed_file(watched: Watched, removed: str):
    watched.change(watch={"removed": removed})
    write(watched.evals, "a.csv", "one")
    gone = write(watched.evals, "b.csv", "two")
    watched.tick()
    watched.tick()
    gone.unlink()
    watched.tick()
    assert watched.answers() == ["one", "two"]
    watched.tick()
    assert watched.states() == {"a.csv": "read"}
    assert watched.answers() == (["one", "two"] if removed == "keep" else ["one"])
    assert watched.project.instance.get_dynamic_partitions("dataset") == (["a", "b"] if removed == "keep" else ["a"])
    write(watched.evals, "b.csv", "two")
    watched.tick()
    watched.tick()
    assert watched.answers() == ["one", "two"]


def test_a_file_that_is_back_within_a_scan_was_not_removed(watched: Watched):
    watched.change(watch={"removed": "forget"})
    write(watched.evals, "a.csv", "one")
    other = write(watched.evals, "b.csv", "two")
    watched.tick()
    watched.tick()
    content, stat = other.read_bytes(), other.stat()
    other.unlink()
    watched.tick()
    other.write_bytes(content)
    os.utime(other, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    watched.tick()
    watched.tick()
    assert watched.states() == {"a.csv": "read", "b.csv": "read"}
    assert watched.answers() == ["one", "two"]


@pytest.mark.parametrize("how", ["emptied", "gone"])
def test_a_folder_that_holds_nothing_any_more_forgets_nothing(
    watched: Watched, how: str, capfd: pytest.CaptureFixture[str]
):
    watched.change(watch={"removed": "forget"})
    path = write(watched.evals, "a.csv", "one")
    watched.tick()
    watched.tick()
    path.unlink()
    if how == "gone":
        watched.evals.rmdir()
    for _ in range(4):
        watched.tick()
    assert watched.answers() == ["one"]
    assert ("its folder is not there" in capfd.readouterr().err) == (how == "gone")


def test_a_folder_that_is_no_longer_watched_keeps_its_rows(watched: Watched, tmp_path: Path):
    watched.change(watch={"removed": "forget"})
    write(watched.evals, "a.csv", "one")
    watched.tick()
    watched.tick()
    (tmp_path / "other").mkdir()
    watched.change(evals={"paths": [str(tmp_path / "other")]}, watch={"removed": "forget"})
    for _ in range(3):
        watched.tick()
    assert (watched.states(), watched.answers()) == ({}, ["one"])


def run_of(watched: Watched, request: dg.RunRequest) -> dg.ExecuteInProcessResult:
    return defs.resolve_job_def(read_file.name).execute_in_process(
        instance=watched.project.instance, run_config=request.run_config, tags=request.tags, raise_on_error=False
    )


def test_a_large_file_is_read_by_a_run_of_its_own(watched: Watched, read_paths: list[str]):
    watched.change(watch={"largest_file_mb": 0.0001})
    write(watched.evals, "large.csv", *[f"answer {n}" for n in range(20)])
    write(watched.evals, "small.csv", "one")
    assert watched.tick() == []
    [request] = watched.tick()
    assert read_paths == ["small.csv"]
    assert [again.run_key for again in watched.tick()] == [request.run_key]
    under_way = dg.DagsterRun(job_name=read_file.name, tags=request.tags, status=dg.DagsterRunStatus.STARTED)
    watched.project.instance.add_run(under_way)
    assert watched.tick() == []
    watched.project.instance.delete_run(under_way.run_id)
    assert run_of(watched, request).success
    assert len(watched.answers()) == 21
    watched.tick()
    assert watched.tick() == []
    assert watched.messages[-1] == "nothing changed; 2 files are watched"


def test_a_large_bad_file_is_tried_once(watched: Watched):
    watched.change(watch={"largest_file_mb": 0.0001})
    (watched.evals / "large.csv").write_text("question\n" + "why\n" * 100)
    watched.tick()
    [request] = watched.tick()
    result = run_of(watched, request)
    assert not result.success
    assert watched.states() == {"large.csv": "bad"}
    assert watched.tick() == []


def test_a_large_file_whose_runs_die_is_given_up(watched: Watched):
    watched.change(watch={"largest_file_mb": 0.0001})
    write(watched.evals, "large.csv", *["x"] * 20)
    watched.tick()
    keys = []
    for _ in range(5):
        for request in watched.tick():
            keys.append(request.run_key)
            run = dg.DagsterRun(job_name=read_file.name, tags=request.tags, status=dg.DagsterRunStatus.FAILURE)
            watched.project.instance.add_run(run)
            assert FILE_TAG in request.tags
    assert len(keys) == len(set(keys)) == 3
    [bad] = bad_files(watched.project.warehouse)
    assert bad.reason.startswith("reading it failed 3 times")


def test_a_held_warehouse_is_tried_again_with_the_next_tick(watched: Watched, monkeypatch: pytest.MonkeyPatch):
    write(watched.evals, "a.csv", "one")

    def locked(*args: object) -> None:
        raise WarehouseLockedError("warehouse x: somebody has held it for 10 s")

    with monkeypatch.context() as patch:
        patch.setattr(watch, "known_files", locked)
        assert watched.tick() == []
    assert "the next tick tries again" in watched.messages[-1]
    watched.tick()
    watched.tick()
    assert watched.answers() == ["one"]


def test_another_warehouse_in_its_place_is_filled_anew(watched: Watched):
    write(watched.evals, "a.csv", "one")
    watched.tick()
    watched.tick()
    watched.project.settings.warehouse_path.unlink()
    watched.tick()
    watched.tick()
    assert watched.answers() == ["one"]


def test_the_status_shows_what_cannot_be_read(watched: Watched, capfd: pytest.CaptureFixture[str]):
    (watched.evals / "bad\x1b[2J.csv").write_text("question,answer\nwhy,so\n")
    watched.tick()
    watched.tick()
    result = CliRunner().invoke(app, ["status"], env={"COLUMNS": "400"})
    assert result.exit_code == 0
    assert "the file name holds control characters" in result.output
    assert "\x1b[2J" not in result.output + capfd.readouterr().err
    [told] = json.loads(CliRunner().invoke(app, ["status", "--json"]).output)["bad_files"]
    assert told["reason"].startswith("the file name holds control characters")


@pytest.mark.slow
def test_ten_thousand_files_are_scanned_in_five_seconds_of_the_processor(watched: Watched):
    for number in range(10_000):
        folder = watched.evals / f"{number % 100:02d}"
        folder.mkdir(exist_ok=True)
        (folder / f"{number}.csv").touch()
    seconds = []
    for _ in range(3):
        started = time.process_time()
        settings = load_settings()
        now = datetime.now(UTC).replace(tzinfo=None)
        outcome = watch_files(
            settings.model_copy(update={"watch": settings.watch.model_copy(update={"settle_seconds": 3600.0})}),
            watched.project.warehouse,
            list_watched(settings, now),
            now,
        )
        seconds.append(time.process_time() - started)
        assert outcome.waiting == 10_000
    assert max(seconds) <= 5
