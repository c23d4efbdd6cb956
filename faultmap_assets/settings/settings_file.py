"""Writes single keys into `faultmap.yaml` and leaves its comments and order as they are."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap
from ruamel.yaml.error import YAMLError
from yaml import safe_load

from faultmap_assets.settings import Settings, first_problem
from faultmap_core.base.atomic_write import replacing
from faultmap_core.base.errors import ConfigurationError


def save_settings(path: Path, changes: Mapping[str, Any]) -> Settings:
    """Merge `changes` (nested mappings; lists are joined, other values replaced) into a settings file.

    The file is made where it is not there; it is replaced in one step, and only by what is valid.

    Raises: ConfigurationError where it is not valid YAML, would not be valid settings, or cannot be written.
    """
    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = 120
    try:
        before = path.read_text(encoding="utf-8-sig") if path.exists() else ""
        content = yaml.load(before)
    except (OSError, UnicodeError) as error:
        raise ConfigurationError(f"{path}: cannot be read: {error}") from None
    except (YAMLError, RecursionError) as error:
        raise ConfigurationError(f"{path}: is not valid YAML: {' '.join(str(error).split())}") from None
    if content is None:
        # A file of comments alone: they stay, and what is new stands behind them.
        return _write(path, before, _dumped(yaml, changes))
    if not isinstance(content, CommentedMap):
        raise ConfigurationError(f"{path}: expected keys and values, found a {type(content).__name__}")
    _merge(content, changes)
    return _write(path, "", _dumped(yaml, content))


def _merge(content: Any, changes: Mapping[str, Any]) -> None:
    for name, value in changes.items():
        present = content.get(name)
        if isinstance(value, Mapping) and isinstance(present, CommentedMap):
            _merge(present, value)
        elif isinstance(value, list) and isinstance(present, list):
            present.extend(item for item in value if item not in present)
        else:
            content[name] = value


def _dumped(yaml: YAML, content: Any) -> str:
    text = io.StringIO()
    yaml.dump(content, text)
    return text.getvalue()


def _write(path: Path, before: str, text: str) -> Settings:
    whole = f"{before.rstrip()}\n\n{text}" if before.strip() else text
    try:
        settings = Settings.model_validate(safe_load(whole))
    except ValidationError as error:
        raise ConfigurationError(f"{path}: {first_problem(error)}") from None
    try:
        with replacing(path) as stream:
            stream.write(whole)
    except OSError as error:
        raise ConfigurationError(f"{path}: cannot be written: {error.strerror or error}") from None
    return settings
