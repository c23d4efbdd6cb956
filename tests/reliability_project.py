"""A small project for the tests of reliability: its files, its settings, and what stands in its warehouse."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import dagster as dg

from faultmap_assets.ingestion.staging import ingest_file
from faultmap_assets.kit.instance import UNFINISHED, open_instance
from faultmap_assets.settings import Settings
from faultmap_assets.warehouse.connection import Warehouse, open_warehouse
from tests.conftest import CITIES, eval_rows, topics, write_csv
from tests.llm_server import LlmServer
from tests.scripted import scripted_judge

KEY_VARIABLE = "RELIABILITY_TEST_KEY"
ENVIRONMENT = {KEY_VARIABLE: "sk-of-a-test"}
MAX_CONCURRENT = 4

# What tells when, in which run, at which try and for how much something was made, and not what was made.
_NOT_RESULTS = frozenset({"llm_calls", "schema_migrations", "watched_files"})
_NOT_OF_THE_RESULT = frozenset({"run_id", "seconds", "sequence"})
# The rows of `finding_history` are appended and recorded in two transactions; made again between them, it added none.
ROWS_MADE = "CASE WHEN asset = 'finding_history' THEN NULL ELSE rows END"

Contents = Mapping[str, Sequence[tuple[Any, ...]]]


def steady_judge(body: dict[str, Any], n: int) -> str | dict[str, Any]:
    """Answer as the scripted judge does, and the same whenever the same is asked."""
    content = json.dumps(body["messages"], sort_keys=True)
    return scripted_judge(body, int(hashlib.sha256(content.encode()).hexdigest()[:6], 16))


class ReliabilityProject:
    """A folder with eval files, logs of one day and settings, and the state folder that an audit makes in it."""

    def __init__(self, folder: Path, server: LlmServer | None = None, **settings: Any) -> None:
        self.folder = folder
        self.evals = folder / "evals"
        self._server = server
        self._settings = settings

    @property
    def settings(self) -> Settings:
        """The settings, with the state folder inside of the project's."""
        content: dict[str, Any] = {"evals": {"paths": [str(self.evals)]}, **self._settings}
        if self._server:
            content["language_model"] = {
                "model": "openai/test",
                "api_base": self._server.url,
                "api_key_variable": KEY_VARIABLE,
                "max_concurrent": MAX_CONCURRENT,
                "price": {"input_per_million": 1.0, "output_per_million": 2.0},
            }
        return Settings.model_validate({"home": self.folder / "var", **content})

    @property
    def warehouse(self) -> Warehouse:
        """The warehouse."""
        return open_warehouse(self.settings)

    def make(self, models: Sequence[str] = ("alpha", "beta"), *, logs: bool = True) -> None:
        """Write everything anew: the files, and no state but a day of logs that was read already."""
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        content = self.settings.model_dump_json(exclude_none=True, exclude={"home"})
        (self.folder / "faultmap.yaml").write_text(content, encoding="utf-8")
        for model in models:
            self.deliver(model)
        if logs:
            path = write_csv(self.folder / "logs" / "day.csv", _log_rows())
            ingest_file(self.warehouse, path, self.settings.log_options())

    def deliver(self, model: str, dataset: str = "school") -> Path:
        """Write the file with one model's results on one dataset; a later one has no time stamp of the clock's."""
        rows = [{**row, "dataset": dataset} for row in eval_rows("school", [model])]
        path = write_csv(self.evals / f"{dataset}-{model}.csv", rows)
        os.utime(path, (1_750_000_000, 1_750_000_000))
        return path

    def contents(self) -> Contents:
        """Return all rows of all tables that hold results, sorted."""
        with self.warehouse.read() as connection:
            columns: dict[str, list[str]] = {}
            for table, column in connection.execute(
                "SELECT table_name, column_name FROM duckdb_columns() WHERE NOT internal ORDER BY ALL"
            ).fetchall():
                if table not in _NOT_RESULTS and column not in _NOT_OF_THE_RESULT and not column.endswith("_at"):
                    made = (table, column) == ("materializations", "rows")
                    columns.setdefault(table, []).append(ROWS_MADE if made else f'"{column}"')
            return {
                table: sorted(
                    connection.execute(f"SELECT {', '.join(names)} FROM {table}").fetchall(),
                    key=repr,
                )
                for table, names in columns.items()
            }

    def stored_replies(self) -> int:
        """Return how many replies the call store holds; it is looked at without being changed."""
        path = self.settings.call_store_path
        if not path.exists():
            return 0
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
            if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'replies'").fetchone():
                return 0
            return int(connection.execute("SELECT count(*) FROM replies").fetchone()[0])

    def made(self) -> int:
        """Return how many partitions were made, looking at a warehouse that nobody holds."""
        if not self.warehouse.path.exists():
            return 0
        return int(self.warehouse.query("SELECT count(*) AS n FROM materializations").to_pylist()[0]["n"])

    def nothing_is_stuck(self) -> None:
        """Assert that no run is left unfinished and no slot of a pool taken."""
        with open_instance(self.settings) as instance:
            left = instance.get_runs(dg.RunsFilter(statuses=UNFINISHED))
            assert left == []
            assert instance.event_log_storage.get_concurrency_run_ids() == set()


def _log_rows() -> list[dict[str, object]]:
    asked = topics("school")["arithmetic"] + topics("school")["cooking"]
    asked += [f"Translate the anthem of {name} into French, please." for name in CITIES.split()]
    return [
        {
            "id": f"log-{number:03d}",
            "timestamp": f"2025-06-01T{number // 60:02d}:{number % 60:02d}:00Z",
            "prompt": prompt,
            "response": "I do not know." if prompt.startswith("Translate") else "an answer",
            "feedback": "down" if prompt.startswith("Translate") else "up",
        }
        for number, prompt in enumerate(asked)
    ]


def differences(found: Contents, expected: Contents, without: str = "") -> list[str]:
    """Tell in which tables, and how, two warehouses differ; empty where they hold the same rows, as often.

    without: an asset whose table, and whose row in `materializations`, is not looked at.
    """
    told = []
    for table in sorted({*found, *expected} - {without}):
        here, there = (
            [row for row in rows.get(table, ()) if not without or without not in row] for rows in (found, expected)
        )
        if here != there:
            row, other = next((pair for pair in zip(here, there, strict=False) if pair[0] != pair[1]), ((), ()))
            values = [pair for pair in zip(row, other, strict=True) if pair[0] != pair[1]]
            told.append(f"{table}: {len(here)} rows instead of {len(there)}; first difference, in {row}: {values}")
    return told


@contextmanager
def small_disk(folder: Path, megabytes: int) -> Iterator[bool]:
    """Mount a small file system in memory at `folder`; yields False where this process may not."""
    folder.mkdir(parents=True, exist_ok=True)
    made = _mount("-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(folder))
    try:
        yield made
    finally:
        if made:
            subprocess.run(["umount", "--lazy", str(folder)], check=True)


def remount(folder: Path, how: str) -> bool:
    """Change a mount of `small_disk`: "ro" or "rw"."""
    return _mount("-o", f"remount,{how}", str(folder))


def _mount(*arguments: str) -> bool:
    try:
        return subprocess.run(["mount", *arguments], capture_output=True).returncode == 0
    except FileNotFoundError:
        return False
