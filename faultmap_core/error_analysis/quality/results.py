"""What an assessment of a dataset takes and answers: frozen dataclasses, checked where they are made."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from faultmap_core.base.errors import ConfigurationError
from faultmap_core.base.records import _Record
from faultmap_core.stats.power import Resolution

Floats = NDArray[np.float64]
Flag = Literal[
    "contradictory_label",
    "suspect_label",
    "misjudged_answer",
    "no_error_found",
    "all_models_fail",
    "negative_discrimination",
    "duplicate",
    "near_duplicate",
]
FLAGS: tuple[Flag, ...] = get_args(Flag)
SkillState = Literal["separates", "saturated", "unsolved", "too_few"]


@dataclass(frozen=True)
class AnswerTable:
    """All models' answers to one dataset, n rows, one per example and model.

    Attributes:
        example_ids, models, prompts, responses, references: n each; a response or reference may be None.
        failed: (n,) 1.0 failed, 0.0 passed, NaN unscored.
    """

    example_ids: Sequence[str]
    models: Sequence[str]
    prompts: Sequence[str]
    responses: Sequence[str | None]
    references: Sequence[str | None]
    failed: Floats

    def __post_init__(self) -> None:
        n = len(self.example_ids)
        for name in ("models", "prompts", "responses", "references", "failed"):
            if len(getattr(self, name)) != n:
                raise ConfigurationError(f"answers: {name} has {len(getattr(self, name))} values for {n} example ids")
        known = np.asarray(self.failed)[~np.isnan(np.asarray(self.failed))]
        if not np.isin(known, (0.0, 1.0)).all():
            raise ConfigurationError("answers: failed must be 1.0, 0.0 or NaN")
        twice = [key for key, rows in Counter(zip(self.example_ids, self.models, strict=True)).items() if rows > 1]
        if twice:
            raise ConfigurationError(
                f"answers: example {twice[0][0]!r} has two rows of {twice[0][1]!r}; reduce repeats to one row"
            )

    def __len__(self) -> int:
        """Number of rows."""
        return len(self.example_ids)


@dataclass(frozen=True)
class QualitySettings:
    """When something is worth a look.

    Attributes:
        least_suspicion: score of a suspect label, log10 of a likelihood ratio; 1.0 is ten to one.
        least_wrong_share: labels are suspect only where this share of them is estimated to be wrong, in [0, 1].
        families: model -> family, where its name does not say it (see `model_families`).
        least_discrimination: an item is flagged from this item-rest correlation downwards, in [-1, 0].
        saturated_rate: a skill is saturated where every model passes at least this share, unsolved where every model
            fails it, in (0.5, 1].
        least_items: a skill is judged from this many examples that all models have an outcome for.
        significance_level, power: of the resolution.
    """

    least_suspicion: float = 1.0
    least_wrong_share: float = 0.85
    families: Mapping[str, str] = field(default_factory=dict)
    least_discrimination: float = -0.5
    saturated_rate: float = 0.99
    least_items: int = 30
    significance_level: float = 0.05
    power: float = 0.8

    def __post_init__(self) -> None:
        if not 0.0 <= self.least_wrong_share <= 1.0:
            raise ConfigurationError(f"least_wrong_share is {self.least_wrong_share}; expected 0 to 1")
        if not -1.0 <= self.least_discrimination <= 0.0:
            raise ConfigurationError(f"least_discrimination is {self.least_discrimination}; expected between -1 and 0")
        if not 0.5 < self.saturated_rate <= 1.0:
            raise ConfigurationError(f"saturated_rate is {self.saturated_rate}; expected above 0.5, at most 1")
        if self.least_items < 1:
            raise ConfigurationError(f"least_items is {self.least_items}; expected 1 or more")


@dataclass(frozen=True)
class ItemFlag(_Record):
    """A reason to look at an item.

    Attributes:
        flag: contradictory_label: copies of one prompt have different references; suspect_label: independent models
            agree on another answer (see `label_agreement.Suspicion`); misjudged_answer: an answer equals the reference
            and failed, or differs and passed; no_error_found: a judge found nothing wrong with a failed answer;
            all_models_fail; negative_discrimination: better models fail it and worse ones pass; duplicate,
            near_duplicate: other examples have the same, or nearly the same, prompt.
        evidence: one line for people, with pieces of the data in it.
        models: whose outcomes or answers it rests on; others: the other examples, up to five.
        score: ranks the items of one flag, the greatest first. suspect_label: log10 of a likelihood ratio;
            all_models_fail: -log10 of the chance that all fail, each at its own rate; negative_discrimination: minus
            the correlation; duplicates: how many copies; else how many models.
        chance: for suspect_label, see `label_agreement.Suspicion`; else None.
    """

    example_id: str
    flag: Flag
    evidence: str
    models: tuple[str, ...]
    score: float
    chance: float | None = None
    others: tuple[str, ...] = ()


@dataclass(frozen=True)
class SkillStanding(_Record):
    """How well a group of examples tells models apart.

    Attributes:
        examples: that all models with any outcome in the dataset have an outcome for; models: how many.
        lowest_pass_rate, highest_pass_rate: over the models, in [0, 1]; None without examples.
        lowest_bound: lower limit of the lowest pass rate, upper limit of the highest is `highest_bound` (Wilson, 95 %).
        state: "saturated": all models pass (nearly) all; "unsolved": all fail; "separates"; "too_few" examples.
    """

    skill: str
    examples: int
    models: int
    lowest_pass_rate: float | None
    highest_pass_rate: float | None
    lowest_bound: float | None
    highest_bound: float | None
    state: SkillState


@dataclass(frozen=True)
class DatasetQuality(_Record):
    """What a dataset's outcomes say about the dataset.

    Attributes:
        examples, prompts: examples, and distinct prompts among them; models: names, sorted.
        all_fail, all_pass: examples that at least two models answered, and that all of these failed, passed.
        duplicate_share: share of the examples that are further copies of a prompt.
        compared_share: share of the answers to items with a reference whose final answer can be compared.
        wrong_agreement: share of pairs of wrong answers to one item that are equal; None without any pair. The higher,
            the less a common wrong answer says.
        flags: how many items each flag has; items: the flags, in the order of `FLAGS`, each by falling score.
        skills: groups by name; resolution: None where no two models answered the same prompt.
    """

    examples: int
    prompts: int
    models: tuple[str, ...]
    all_fail: int
    all_pass: int
    duplicate_share: float
    compared_share: float
    wrong_agreement: float | None
    flags: dict[str, int]
    items: tuple[ItemFlag, ...]
    skills: tuple[SkillStanding, ...] = field(default=())
    resolution: Resolution | None = None
