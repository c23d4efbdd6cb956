"""Name the regions that assets find: by the language model where there is one, else by keywords."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from faultmap_core.llm import CallStore, LanguageModel, Purpose
from faultmap_core.naming.keywords import KeywordNamer, Namer
from faultmap_core.naming.llm_namer import ModelNamer


class Named(Protocol):
    """A finding that a namer named."""

    @property
    def naming_note(self) -> str:
        """Why its name is not the model's; empty where nothing went wrong."""

    @property
    def named_by(self) -> str:
        """Who named it."""


@dataclass(frozen=True)
class WarehouseNamer:
    """A namer for each purpose.

    Attributes: model: None names by keywords.
    """

    model: LanguageModel | None

    def of(self, purpose: Purpose) -> Namer:
        """Return the namer; calls are noted under `purpose`."""
        return ModelNamer(self.model, purpose=purpose) if self.model else KeywordNamer()

    def pending(self, findings: Sequence[Named]) -> int:
        """Return how many findings the model was asked to name and has not."""
        instead = [one for one in findings if one.naming_note and one.named_by in ("keywords", "metadata")]
        return len(instead) if self.model else 0

    @property
    def calls(self) -> CallStore | None:
        """Where its calls are noted."""
        return self.model.store if self.model else None
