"""The sections of `faultmap.yaml`, typed and validated; everything has a default."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_validator, model_validator

from faultmap_core.data.eval_table import FORMATS, parse_column_map
from faultmap_core.data.feedback import FeedbackRule
from faultmap_core.data.log_table import LOG_FIELDS, LogFormat
from faultmap_core.data.metrics import UserRule
from faultmap_core.data.redaction import REDACTIONS

FeedbackValue = str | bool | int | float

Share = Annotated[float, Field(ge=0, le=1)]
_VARIABLE = r"^[A-Za-z_][A-Za-z0-9_]*$"
_FUNCTION_PATH = re.compile(r"[A-Za-z_][\w.]*[:.][A-Za-z_]\w*")
_KEY_ENDINGS = ("key", "token", "secret", "password", "authorization")


class Section(BaseModel):
    """A part of `faultmap.yaml`: an unknown key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


def _owner(text: str) -> str:
    """Refuse what Dagster does not take as the owner of an asset."""
    if not re.fullmatch(r"team:[\w.-]+|[^@\s]+@[^@\s]+\.[^@\s]+", text):
        raise ValueError("expected an e-mail address, or a team as team:NAME")
    return text


Owner = Annotated[str, AfterValidator(_owner)]


def without_keys(parameters: dict[str, Any]) -> dict[str, Any]:
    """Refuse a parameter that looks like a key; its value is not repeated."""
    for name in parameters:
        if name.lower().endswith(_KEY_ENDINGS):
            raise ValueError(f"{name} does not belong into a file; name its environment variable in api_key_variable")
    return parameters


class DatasetSettings(Section):
    """What the scores of a dataset mean.

    A failure is a score below `success_threshold`, or above it where `higher_is_better` is false. Without a threshold
    it is the middle of `score_range`.
    """

    score_range: tuple[float, float] = (0.0, 1.0)
    success_threshold: float | None = None
    higher_is_better: bool = True
    score_mode: Literal["given", "reference", "entropy"] = "given"

    @model_validator(mode="after")
    def _consistent(self) -> DatasetSettings:
        low, high = self.score_range
        if not low < high:
            raise ValueError(f"score_range [{low:g}, {high:g}]: the first must be below the second")
        if self.score_mode != "given" and (low, high) != (0.0, 1.0):
            raise ValueError(f"score_mode {self.score_mode} gives scores in [0, 1]; leave score_range out")
        if not low <= self.threshold <= high:
            raise ValueError(f"success_threshold {self.threshold:g} is outside of score_range [{low:g}, {high:g}]")
        return self

    @property
    def threshold(self) -> float:
        """The score that separates failures from successes."""
        return sum(self.score_range) / 2 if self.success_threshold is None else self.success_threshold

    @property
    def user_rule(self) -> UserRule:
        """What of it the user set, which goes before what a file's tool states."""
        given = self.model_fields_set
        return UserRule(
            self.success_threshold,
            self.higher_is_better if "higher_is_better" in given else None,
            self.score_range if "score_range" in given else None,
            self.threshold,
        )


class EvalSettings(Section):
    """Where eval files lie and how their columns are named."""

    paths: tuple[str, ...] = ()
    columns: dict[str, str] = {}
    dataset_name: str | None = None
    model_name: str | None = None
    generate_ids: bool = False
    format: str | None = None
    scorer: str | None = None
    max_quarantine_share: Share = 0.5

    @field_validator("format")
    @classmethod
    def _known_format(cls, name: str | None) -> str | None:
        if name is not None and name not in FORMATS:
            raise ValueError(f"expected one of {', '.join(FORMATS)}")
        return name

    @field_validator("columns")
    @classmethod
    def _known_fields(cls, columns: dict[str, str]) -> dict[str, str]:
        return parse_column_map([f"{name}={column}" for name, column in columns.items()])


class LogSettings(Section):
    """Where production logs lie and how their columns are named."""

    paths: tuple[str, ...] = ()
    columns: dict[str, str] = {}
    format: LogFormat = "auto"
    source: str = "production"
    model_name: str = "production"
    first_day: date = date(2025, 1, 1)
    score_range: tuple[float, float] = (0.0, 1.0)

    @field_validator("columns")
    @classmethod
    def _known_fields(cls, columns: dict[str, str]) -> dict[str, str]:
        return parse_column_map([f"{name}={column}" for name, column in columns.items()], LOG_FIELDS)


class EmbeddingSettings(Section):
    """Which embedder turns prompts into vectors."""

    model: str = "wordllama"
    max_text_chars: int | None = Field(default=2000, ge=1)


class BudgetSettings(Section):
    """What language models may cost in a period (UTC days and months); None caps nothing."""

    cost_usd: float | None = Field(default=None, gt=0)
    calls: int | None = Field(default=None, ge=1)
    tokens: int | None = Field(default=None, ge=1)
    period: Literal["day", "month", "total"] = "day"


class PriceSettings(Section):
    """USD per million tokens, where litellm does not know the model's price."""

    input_per_million: float = Field(ge=0)
    output_per_million: float = Field(ge=0)


class ModelUnderTestSettings(Section):
    """How a model that entropy scoring samples is called; by default under the name that the evals give it."""

    model: str | None = None
    api_key_variable: str | None = Field(default=None, pattern=_VARIABLE)
    api_base: str | None = None
    parameters: dict[str, Any] = {}
    price: PriceSettings | None = None

    @field_validator("parameters")
    @classmethod
    def _no_keys(cls, parameters: dict[str, Any]) -> dict[str, Any]:
        return without_keys(parameters)


class LanguageModelSettings(Section):
    """Which language model names and judges; none is a normal state. Keys stand in the environment, never here."""

    model: str | None = None
    api_key_variable: str | None = Field(default=None, pattern=_VARIABLE)
    api_base: str | None = None
    parameters: dict[str, Any] = {}
    temperature: float = Field(default=0.0, ge=0)
    max_tokens: int = Field(default=1500, ge=1)
    max_concurrent: int = Field(default=50, ge=1)
    timeout_seconds: float = Field(default=120, gt=0)
    max_attempts: int = Field(default=5, ge=1)
    budget: BudgetSettings = BudgetSettings()
    price: PriceSettings | None = None
    prompts_folder: Path | None = None
    names: bool = True

    @field_validator("parameters")
    @classmethod
    def _no_keys(cls, parameters: dict[str, Any]) -> dict[str, Any]:
        return without_keys(parameters)

    @property
    def identity(self) -> list[Any] | None:
        """What of it changes an answer; budgets, prices and patience do not."""
        if self.model is None:
            return None
        return [self.model, self.api_base, self.parameters, self.temperature, self.max_tokens]


class EntropySettings(Section):
    """How the model under test is sampled where `score_mode` is entropy."""

    n_samples: int = Field(default=8, ge=2)
    temperature: float = Field(default=1.0, ge=0)
    consistency_threshold: Share = 0.8
    grouping: Literal["complete", "components", "greedy"] = "complete"
    models: dict[str, ModelUnderTestSettings] = {}


class JudgingSettings(Section):
    """Which failures are judged, and by what: the language model where there is one, else the rules."""

    judge: Literal["auto", "rules", "model"] = "auto"
    ratio: float = Field(default=1.0, gt=0, le=1)
    contrast_answers: int = Field(default=2, ge=0, le=10)


class TaxonomySettings(Section):
    """How the kinds of error are arranged. A taxonomy stays until too many errors do not fit into it."""

    max_depth: int = Field(default=3, ge=1, le=6)
    min_size: int = Field(default=10, ge=2)
    max_categories: int = Field(default=25, ge=2)
    merge_rare: int | None = Field(default=None, ge=2)
    rebuild_above: Share = 0.2
    seed_file: Path | None = None


class ClusterSettings(Section):
    """How prompts are arranged into the tree whose nodes are the candidate slices."""

    method: Literal["agglomerative", "hdbscan"] = "agglomerative"
    map: Literal["umap", "pca"] = "umap"


class SliceSettings(Section):
    """When a region counts as a failure slice."""

    significance_level: float = Field(default=0.05, gt=0, lt=1)
    min_slice_size: int = Field(default=10, ge=2)
    test: Literal["midp", "fisher", "chi2"] = "midp"
    metadata: bool = True


class ComparisonSettings(Section):
    """When one model counts as better than another; significance, size and test are those of the slices."""

    margin: float = Field(default=0.05, ge=0)
    outcome: Literal["binary", "score"] = "binary"


class CoverageSettings(Section):
    """When a region of production counts as untested, and which datasets are the test suite (none named: all)."""

    datasets: tuple[str, ...] = ()
    min_gap_size: int = Field(default=5, ge=2)
    max_test_ratio: float = Field(default=0.2, gt=0, lt=1)


class FeedbackSettings(Section):
    """Which values of one column of a log mean that an answer was good, or bad."""

    column: str = Field(min_length=1)
    good: tuple[FeedbackValue, ...] = ()
    bad: tuple[FeedbackValue, ...] = ()
    success_threshold: float | None = None
    higher_is_better: bool = True

    @model_validator(mode="after")
    def _consistent(self) -> FeedbackSettings:
        self.rule()
        return self

    def rule(self) -> FeedbackRule:
        """Return the rule in the core's form; raises ConfigurationError where it says nothing or two things."""
        return FeedbackRule(self.column, self.good, self.bad, self.success_threshold, self.higher_is_better)


_DEFAULT_FEEDBACK = (
    FeedbackSettings(column="score", success_threshold=0.5),
    FeedbackSettings(
        column="feedback",
        good=("up", "good", "positive", "thumbs_up", 1, True),
        bad=("down", "bad", "negative", "thumbs_down", 0, -1, False),
    ),
    FeedbackSettings(column="error", good=(False,), bad=(True,)),
)


class ProductionSettings(Section):
    """When production is audited, over which windows, and what of a log says how an answer went."""

    hour: int = Field(default=3, ge=0, le=23)
    time_zone: str = "UTC"
    window_days: int = Field(default=7, ge=1, le=90)
    feedback: tuple[FeedbackSettings, ...] = _DEFAULT_FEEDBACK
    min_topic_size: int = Field(default=10, ge=2)
    most_prompts: int = Field(default=10_000, ge=100)

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, time_zone: str) -> str:
        try:
            ZoneInfo(time_zone)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise ValueError("no time zone; expected a name such as UTC or Europe/Berlin") from None
        return time_zone

    @field_validator("feedback", mode="before")
    @classmethod
    def _one_rule(cls, feedback: Any) -> Any:
        return (feedback,) if isinstance(feedback, dict) else feedback


class GateMargins(Section):
    """How much worse a run may be than its baseline before `faultmap gate` holds it up; 0.01 is one point."""

    significance_level: float = Field(default=0.05, gt=0, lt=1)
    failure_margin: float = Field(default=0.0, ge=0)
    slice_margin: float = Field(default=0.0, ge=0)
    coverage_margin: float = Field(default=0.0, ge=0)
    winner_margin: float = Field(default=0.0, ge=0)
    quarantine_margin: float = Field(default=0.01, ge=0)


class AlertingSettings(Section):
    """When to speak, and to whom. The webhook's URL is a secret: it stands in the environment, never here."""

    webhook_url_variable: str | None = Field(default=None, pattern=_VARIABLE)
    false_alerts_per_year: float = Field(default=0.5, gt=0)
    tests_per_year: int = Field(default=365, ge=1)
    min_difference: float = Field(default=0.01, ge=0)
    error_from: float = Field(default=0.05, ge=0)
    baseline_days: int = Field(default=28, ge=1)
    lag_days: int = Field(default=7, ge=0)
    lag_runs: int = Field(default=7, ge=1)
    stale_logs_after_days: int | None = Field(default=2, ge=1)
    stale_evals_after_days: int | None = Field(default=None, ge=1)
    gate: GateMargins = GateMargins()


class AutomationSettings(Section):
    """How the staleness sensor behaves."""

    max_attempts: int = Field(default=3, ge=1)
    interval_seconds: int = Field(default=30, ge=5)


class WatchSettings(Section):
    """How the folders of `evals.paths` and `logs.paths` are watched."""

    interval_seconds: int = Field(default=30, ge=5)
    settle_seconds: float = Field(default=10, ge=0)
    most_files_per_tick: int = Field(default=500, ge=1)
    seconds_per_tick: float = Field(default=20, gt=0, le=40)
    largest_file_mb: float = Field(default=50, gt=0)
    removed: Literal["keep", "forget"] = "keep"


class PrivacySettings(Section):
    """What of a log, or of an eval file, is never stored, for how long the rest is, and whether reports show it.

    `redact` names kinds, or a function `str -> str` as MODULE:FUNCTION.
    """

    redact: tuple[str, ...] | str = ()
    redact_evals: bool = False
    retention_days: int | None = Field(default=None, ge=1)
    report_texts: bool = True

    @field_validator("redact")
    @classmethod
    def _known(cls, redact: tuple[str, ...] | str) -> tuple[str, ...] | str:
        kinds = ", ".join(REDACTIONS)
        if isinstance(redact, str) and not _FUNCTION_PATH.fullmatch(redact):
            raise ValueError(f"expected a list of {kinds}, or MODULE:FUNCTION")
        unknown = [] if isinstance(redact, str) else [kind for kind in redact if kind not in REDACTIONS]
        if unknown:
            raise ValueError(f"{unknown[0]!r} is not known; choose of {kinds}")
        return redact


class WarehouseSettings(Section):
    """Where results are kept, and how long to wait for another writer."""

    path: str | None = None
    lock_timeout_seconds: float = Field(default=120, gt=0)
    memory_limit_mb: int = Field(default=1000, ge=100)
