"""Settings are found beside the state they made, an invalid file breaks no import, and a change at import is told."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest

from faultmap_assets.settings import SETTINGS_FILE, Settings, load_settings, record_settings_file, reload_needed
from faultmap_core.base.errors import ConfigurationError

ROOT = Path(__file__).parents[2]


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project whose state folder was made with seed 7; the current folder is another project's."""
    project, other = tmp_path / "project", tmp_path / "other"
    for folder, seed in ((project, 7), (other, 8)):
        (folder / "var").mkdir(parents=True)
        (folder / SETTINGS_FILE).write_text(f"seed: {seed}\n", encoding="utf-8")
    monkeypatch.chdir(project)
    record_settings_file(Path("var"))
    monkeypatch.chdir(other)
    return project


def test_from_another_folder_the_homes_own_settings_count(made: Path, monkeypatch: pytest.MonkeyPatch):
    assert load_settings(home=made / "var").seed == 7
    # Also where the current folder has none.
    Path(SETTINGS_FILE).unlink()
    assert load_settings(home=made / "var").seed == 7
    monkeypatch.setenv("FAULTMAP_HOME", str(made / "var"))
    assert load_settings().seed == 7


def test_a_look_from_elsewhere_does_not_change_whose_they_are(made: Path):
    record_settings_file(made / "var")
    assert load_settings(home=made / "var").seed == 7


def test_a_file_that_is_named_wins(made: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("FAULTMAP_SETTINGS", SETTINGS_FILE)
    assert load_settings(home=made / "var").seed == 8


def test_a_project_that_is_moved_keeps_its_settings(made: Path):
    moved = Path(shutil.move(made, made.with_name("moved")))
    assert load_settings(home=moved / "var").seed == 7


def test_settings_that_are_gone_are_refused_in_a_clear_line(made: Path):
    (made / SETTINGS_FILE).unlink()
    with pytest.raises(
        ConfigurationError, match=r"was made with the settings of .*project/faultmap.yaml, which is gone"
    ):
        load_settings(home=made / "var")


@pytest.mark.parametrize("content", ["seed: [", "sead: 1", "production: {hour: 99}", "- a list", "\x00"])
def test_an_invalid_file_breaks_no_import_and_is_one_line_at_first_use(tmp_path: Path, content: str):
    (tmp_path / SETTINGS_FILE).write_text(content, encoding="utf-8")
    code = (
        "import faultmap_assets.definitions as found\n"
        "from faultmap_assets.kit.resources import load_settings\n"
        "print(len(list(found.defs.assets)))\n"
        "try: load_settings()\n"
        "except Exception as error: print(type(error).__name__, str(error).count(chr(10)))\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[1] == "ConfigurationError 0"


def test_what_was_decided_at_import_and_changed_since_is_told_and_the_rest_is_not():
    imported = Settings.model_validate({"production": {"window_days": 3}})
    now = Settings.model_validate({"seed": 5, "logs": {"first_day": date(2024, 1, 1)}})
    told = reload_needed(now, imported)
    assert "production.window_days is 7 and Dagster still has 3" in told
    assert "logs.first_day is 2024-01-01 and Dagster still has 2025-01-01" in told
    assert "reload the code location" in told
    assert "seed" not in told
    assert reload_needed(now, now) == ""
