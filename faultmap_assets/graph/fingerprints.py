"""The part of the settings that the result of one partition depends on, and its fingerprint.

A declaration names that part: a setting by its path (`slices`, `clusters.method`), some of a section's fields
(`production: [window_days]`), a section without some (`alerts: {without: [gate]}`), or one of the recipes below, which
look at what a language model is asked.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from typing import Any

from pydantic import BaseModel

from faultmap_assets.graph.declarations import AssetNode
from faultmap_assets.graph.scopes import Partition
from faultmap_assets.settings import Settings
from faultmap_core.error_analysis.taxonomy.taxonomy import TAXONOMY_TEMPLATES
from faultmap_core.llm import PromptLibrary


class SettingsFingerprints:
    """The fingerprints of what each asset takes from the settings, each computed once: it reads prompt templates."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._digests: dict[tuple[str, str | None, str | None], str] = {}

    def digest(self, node: AssetNode, partition: Partition) -> str:
        """Return 32 hex digits that change with the part of the settings that one partition depends on."""
        # What the settings do not name is under the defaults, like all others that they do not name.
        dataset = partition.dataset if partition.dataset in self._settings.datasets else None
        model = partition.model if partition.model in self._settings.entropy.models else None
        key = (node.name, dataset, model)
        if key not in self._digests:
            self._digests[key] = digest_of(taken_from(self._settings, partition, node.settings))
        return self._digests[key]


def digest_of(content: Any) -> str:
    """Return 32 hex digits of JSON values."""
    return hashlib.blake2b(json.dumps(content, sort_keys=True).encode(), digest_size=16).hexdigest()


def taken_from(settings: Settings, partition: Partition, part: Any) -> Any:
    """Return the part of the settings that a declaration names, as JSON values.

    A recipe may ask for what the settings say of the partition's dataset or model, and for nothing else of it.
    """
    if part is None:
        return None
    if isinstance(part, list):
        return [taken_from(settings, partition, one) for one in part]
    if isinstance(part, str):
        return _dumped(settings.at(part))
    [(name, chosen)] = part.items()
    if name == "recipe":
        return _RECIPES[chosen](settings, partition)
    if isinstance(chosen, Mapping):
        return settings.at(name).model_dump(exclude=set(chosen["without"]))
    return settings.at(name).model_dump(include=set(chosen))


def taxonomy_recipe(settings: Settings) -> list[Any]:
    """Return what an error taxonomy is built with; another recipe wants another taxonomy."""
    seed_file = settings.taxonomy.seed_file
    language = _language(settings, *TAXONOMY_TEMPLATES) if settings.judged_by_model else None
    return [
        settings.taxonomy.model_dump(exclude={"seed_file", "rebuild_above"}),
        seed_file.read_text(encoding="utf-8") if seed_file and seed_file.is_file() else None,
        # Vectors are looked at where neither the rules nor a model place an error.
        settings.embedding.model_dump() if seed_file and not settings.judged_by_model else None,
        language,
        settings.seed,
    ]


def _dumped(value: Any) -> Any:
    return value.model_dump() if isinstance(value, BaseModel) else value


def _language(settings: Settings, *templates: str) -> Any:
    """What of the language model a result that is made with these prompt templates depends on."""
    language_model = settings.language_model
    if language_model.model is None:
        return None
    return [language_model.identity, PromptLibrary(language_model.prompts_folder).version(*templates)]


def _naming(settings: Settings, partition: Partition) -> Any:
    return _language(settings, "name_regions") if settings.language_model.names else None


def _scoring(settings: Settings, partition: Partition) -> Any:
    rules = settings.dataset(partition.dataset or "")
    if rules.score_mode == "given":
        return rules.model_dump()
    under_test = settings.entropy.model_dump(exclude={"models"}) if rules.score_mode == "entropy" else None
    sampled = settings.entropy.models.get(partition.model or "") if rules.score_mode == "entropy" else None
    return [
        rules.model_dump(),
        settings.embedding.model_dump(),
        under_test,
        sampled.model_dump(exclude={"price"}) if sampled else None,
        settings.seed,
    ]


def _judging(settings: Settings, partition: Partition) -> Any:
    language = _language(settings, "judge") if settings.judged_by_model else None
    return [settings.judging.model_dump(exclude={"judge"}), language, settings.seed]


_RECIPES: Mapping[str, Callable[[Settings, Partition], Any]] = {
    "naming": _naming,
    "scoring": _scoring,
    "judging": _judging,
    "taxonomy": lambda settings, partition: taxonomy_recipe(settings),
}
