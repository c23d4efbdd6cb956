"""Finds and reads `faultmap.yaml`; a problem in it is one line that says the key, the value and what is allowed."""

from __future__ import annotations

import difflib
import os
import reprlib
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError

from faultmap_assets.settings.project import Settings
from faultmap_assets.settings.sections import DatasetSettings, FeedbackSettings, ModelUnderTestSettings
from faultmap_core.base.errors import ConfigurationError

SETTINGS_FILE = "faultmap.yaml"
HOME_VARIABLE = "FAULTMAP_HOME"
SETTINGS_VARIABLE = "FAULTMAP_SETTINGS"
WITHOUT_MODEL_VARIABLE = "FAULTMAP_WITHOUT_MODEL"
SETTINGS_NOTE = "settings_file"

_SECRETS = frozenset({"api_key_variable", "parameters", "webhook_url_variable"})

_PATHS = {
    "evals": ("paths",),
    "logs": ("paths",),
    "language_model": ("prompts_folder",),
    "taxonomy": ("seed_file",),
    "warehouse": ("path",),
}


def load_settings(path: Path | None = None, home: Path | None = None) -> Settings:
    """Read the settings.

    Args:
        path: the file; by default the one that FAULTMAP_SETTINGS names, else `faultmap.yaml` in the current folder
            where there is one, else none. Where the state folder is chosen and was made with another file
            (`record_settings_file`), that file counts.
        home: the state folder; wins over FAULTMAP_HOME, which wins over the file's `home`.
    With FAULTMAP_WITHOUT_MODEL set, no language model is used, whatever the file says.
    Raises:
        ConfigurationError: the file cannot be read, is no YAML, has an unknown key or a value that is not allowed.
    """
    named = path or (Path(os.environ[SETTINGS_VARIABLE]) if os.environ.get(SETTINGS_VARIABLE) else None)
    chosen_home = home or os.environ.get(HOME_VARIABLE)
    elsewhere = _recorded_file(Path(chosen_home)) if named is None and chosen_home else None
    source = named or elsewhere or settings_path()
    content = _read_yaml(source) if named or source.is_file() else {}
    if elsewhere:
        content = _from_folder(content, elsewhere.parent)
    if chosen_home:
        content = {**content, "home": str(chosen_home)}
    try:
        found = Settings.model_validate(content)
        return without_model(found) if os.environ.get(WITHOUT_MODEL_VARIABLE) else found
    except ValidationError as error:
        raise ConfigurationError(f"{source}: {first_problem(error)}") from None


def settings_path() -> Path:
    """Return where the settings are read from: what FAULTMAP_SETTINGS names, else `faultmap.yaml` in this folder."""
    return Path(os.environ.get(SETTINGS_VARIABLE) or SETTINGS_FILE)


def _from_folder(content: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Return settings whose relative paths start at `folder`, where they were written."""

    def absolute(path: Any) -> Any:
        return str(folder / Path(path).expanduser()) if isinstance(path, str) else path

    found = dict(content)
    for section, names in _PATHS.items():
        if isinstance(part := found.get(section), dict):
            changed = {name: part[name] for name in names if part.get(name)}
            found[section] = part | {
                name: [absolute(one) for one in value] if isinstance(value, list) else absolute(value)
                for name, value in changed.items()
            }
    return found


def record_settings_file(home: Path) -> None:
    """Note in a state folder which file its settings come from; the first one stays, none is not noted.

    Noted relative to the folder, so that a project can be moved as a whole.
    """
    source = settings_path().resolve()
    note = home / SETTINGS_NOTE
    if source.is_file() and not note.exists():
        note.write_text(f"{os.path.relpath(source, home.resolve())}\n", encoding="utf-8")


def _recorded_file(home: Path) -> Path | None:
    """Return the file that a state folder was made with. Raises ConfigurationError where it is gone."""
    note = home / SETTINGS_NOTE
    try:
        source = (home.resolve() / note.read_text(encoding="utf-8").strip()).resolve()
    except FileNotFoundError:
        return None
    except (OSError, UnicodeError) as error:
        raise ConfigurationError(f"{note}: cannot be read: {error}") from None
    if source == Path(SETTINGS_FILE).resolve():
        # Beside the project itself a file that is gone means the defaults, as ever.
        return None
    if not source.is_file():
        raise ConfigurationError(
            f"{home} was made with the settings of {source}, which is gone; name another file in {SETTINGS_VARIABLE},"
            f" or delete {note}"
        )
    return source


@cache
def settings_at_import() -> Settings:
    """Return the settings as they were when Dagster's definitions were imported; the defaults where they are invalid.

    What is decided at import (partitions, schedule, intervals) is decided by these. An invalid file is reported where
    the settings are first used: by the command, the run or the sensor, each of which reads them again.
    """
    try:
        return load_settings()
    except ConfigurationError:
        return Settings()


_AT_IMPORT: tuple[tuple[str, Callable[[Settings], object]], ...] = (
    ("logs.first_day", lambda settings: settings.logs.first_day),
    ("production.time_zone", lambda settings: settings.production.time_zone),
    ("production.window_days", lambda settings: settings.production.window_days),
    ("production.hour", lambda settings: settings.production.hour),
    ("automation.interval_seconds", lambda settings: settings.automation.interval_seconds),
    ("watch.interval_seconds", lambda settings: settings.watch.interval_seconds),
    ("alerts.stale_evals_after_days", lambda settings: settings.alerts.stale_evals_after_days),
    ("owners", lambda settings: settings.owners),
)


def reload_needed(settings: Settings, imported: Settings | None = None) -> str:
    """Return in one sentence which settings Dagster still has as they were at import; empty where all are the same."""
    loaded = imported or settings_at_import()
    changed = [
        f"{name} is {value(settings)} and Dagster still has {value(loaded)}"
        for name, value in _AT_IMPORT
        if value(settings) != value(loaded)
    ]
    return f"{'; '.join(changed)}: reload the code location (Deployment > Reload), or restart" if changed else ""


def without_model(settings: Settings) -> Settings:
    """Return the same settings as if no language model were named: keyword names, judgments by rules."""
    language_model = settings.language_model.model_copy(update={"model": None})
    judging = settings.judging.model_copy(update={"judge": "rules"})
    return settings.model_copy(update={"language_model": language_model, "judging": judging})


def _read_yaml(source: Path) -> dict[str, Any]:
    try:
        content = yaml.safe_load(source.read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeError) as error:
        raise ConfigurationError(f"{source}: cannot be read: {error}") from None
    except yaml.YAMLError as error:
        raise ConfigurationError(f"{source}: no YAML: {' '.join(str(error).split())}") from None
    except RecursionError:
        raise ConfigurationError(f"{source}: its values are nested too deeply") from None
    except (ValueError, OverflowError, TypeError) as error:
        raise ConfigurationError(f"{source}: it holds a value that cannot be read: {str(error)[:200]}") from None
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise ConfigurationError(f"{source}: expected keys and values, found a {type(content).__name__}")
    return content


def first_problem(error: ValidationError) -> str:
    """Say the key, the value and what is allowed, in one line."""
    problem = error.errors()[0]
    key = ".".join(str(part) for part in problem["loc"]) or "the settings"
    if problem["type"] == "extra_forbidden":
        known = _keys_beside(problem["loc"])
        near = difflib.get_close_matches(str(problem["loc"][-1]), known, n=1)
        hint = f"did you mean {near[0]!r}? " if near else ""
        return f"{key}: unknown key; {hint}allowed: {', '.join(known)}"
    # Who mistakes the variable's name for the key itself shall not find the key in a log.
    value = "its value" if key.rsplit(".", 1)[-1] in _SECRETS else _shown(problem["input"])
    return f"{key}: {value} is not allowed: {problem['msg'].removeprefix('Value error, ')}"


def _shown(value: Any) -> str:
    """A value in short; one that a few lines of YAML blow up to billions of parts, or of thousands of digits, too."""
    try:
        return repr(value[:80]) if isinstance(value, str) else repr(reprlib.repr(value)[:80])
    except ValueError:
        return "its number"


# Sections whose keys the user chooses.
_NAMED_SECTIONS: dict[str | int, type[BaseModel]] = {
    "datasets": DatasetSettings,
    "models": ModelUnderTestSettings,
    "feedback": FeedbackSettings,
}


def _keys_beside(location: tuple[int | str, ...]) -> list[str]:
    section: type[BaseModel] = Settings
    for part in location[:-1]:
        if part in _NAMED_SECTIONS:
            section = _NAMED_SECTIONS[str(part)]
        elif part in section.model_fields:
            annotation = section.model_fields[str(part)].annotation
            section = annotation if isinstance(annotation, type) and issubclass(annotation, BaseModel) else section
    return list(section.model_fields)
