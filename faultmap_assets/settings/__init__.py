"""What may a user decide, and what holds where they decide nothing? `faultmap.yaml`, typed and validated."""

from __future__ import annotations

import difflib
import os
import re
import reprlib
from collections.abc import Callable
from datetime import date
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from faultmap_core.base.errors import ConfigurationError
from faultmap_core.data.eval_table import FORMATS, EvalOptions, parse_column_map
from faultmap_core.data.feedback import FeedbackRule
from faultmap_core.data.log_table import LOG_FIELDS, LogFormat, LogOptions
from faultmap_core.data.metrics import UserRule
from faultmap_core.data.redaction import REDACTIONS

SETTINGS_FILE = "faultmap.yaml"
HOME_VARIABLE = "FAULTMAP_HOME"
SETTINGS_VARIABLE = "FAULTMAP_SETTINGS"
WITHOUT_MODEL_VARIABLE = "FAULTMAP_WITHOUT_MODEL"
DEFAULT_HOME = "var"
SETTINGS_NOTE = "settings_file"

FeedbackValue = str | bool | int | float

_SECRETS = frozenset({"api_key_variable", "parameters", "webhook_url_variable"})

Share = Annotated[float, Field(ge=0, le=1)]
_VARIABLE = r"^[A-Za-z_][A-Za-z0-9_]*$"
_FUNCTION_PATH = re.compile(r"[A-Za-z_][\w.]*[:.][A-Za-z_]\w*")
_PATHS = {
    "evals": ("paths",),
    "logs": ("paths",),
    "language_model": ("prompts_folder",),
    "taxonomy": ("seed_file",),
    "warehouse": ("path",),
}
_KEY_ENDINGS = ("key", "token", "secret", "password", "authorization")


class _Section(BaseModel):
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


class DatasetSettings(_Section):
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


class EvalSettings(_Section):
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


class LogSettings(_Section):
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


class EmbeddingSettings(_Section):
    """Which embedder turns prompts into vectors."""

    model: str = "wordllama"
    max_text_chars: int | None = Field(default=2000, ge=1)


class BudgetSettings(_Section):
    """What language models may cost in a period (UTC days and months); None caps nothing."""

    cost_usd: float | None = Field(default=None, gt=0)
    calls: int | None = Field(default=None, ge=1)
    tokens: int | None = Field(default=None, ge=1)
    period: Literal["day", "month", "total"] = "day"


class PriceSettings(_Section):
    """USD per million tokens, where litellm does not know the model's price."""

    input_per_million: float = Field(ge=0)
    output_per_million: float = Field(ge=0)


class ModelUnderTestSettings(_Section):
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


class LanguageModelSettings(_Section):
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


class EntropySettings(_Section):
    """How the model under test is sampled where `score_mode` is entropy."""

    n_samples: int = Field(default=8, ge=2)
    temperature: float = Field(default=1.0, ge=0)
    consistency_threshold: Share = 0.8
    grouping: Literal["complete", "components", "greedy"] = "complete"
    models: dict[str, ModelUnderTestSettings] = {}


class JudgingSettings(_Section):
    """Which failures are judged, and by what: the language model where there is one, else the rules."""

    judge: Literal["auto", "rules", "model"] = "auto"
    ratio: float = Field(default=1.0, gt=0, le=1)
    contrast_answers: int = Field(default=2, ge=0, le=10)


class TaxonomySettings(_Section):
    """How the kinds of error are arranged. A taxonomy stays until too many errors do not fit into it."""

    max_depth: int = Field(default=3, ge=1, le=6)
    min_size: int = Field(default=10, ge=2)
    max_categories: int = Field(default=25, ge=2)
    merge_rare: int | None = Field(default=None, ge=2)
    rebuild_above: Share = 0.2
    seed_file: Path | None = None


class ClusterSettings(_Section):
    """How prompts are arranged into the tree whose nodes are the candidate slices."""

    method: Literal["agglomerative", "hdbscan"] = "agglomerative"
    map: Literal["umap", "pca"] = "umap"


class SliceSettings(_Section):
    """When a region counts as a failure slice."""

    significance_level: float = Field(default=0.05, gt=0, lt=1)
    min_slice_size: int = Field(default=10, ge=2)
    test: Literal["midp", "fisher", "chi2"] = "midp"
    metadata: bool = True


class ComparisonSettings(_Section):
    """When one model counts as better than another; significance, size and test are those of the slices."""

    margin: float = Field(default=0.05, ge=0)
    outcome: Literal["binary", "score"] = "binary"


class CoverageSettings(_Section):
    """When a region of production counts as untested, and which datasets are the test suite (none named: all)."""

    datasets: tuple[str, ...] = ()
    min_gap_size: int = Field(default=5, ge=2)
    max_test_ratio: float = Field(default=0.2, gt=0, lt=1)


class FeedbackSettings(_Section):
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


class ProductionSettings(_Section):
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


class GateMargins(_Section):
    """How much worse a run may be than its baseline before `faultmap gate` holds it up; 0.01 is one point."""

    significance_level: float = Field(default=0.05, gt=0, lt=1)
    failure_margin: float = Field(default=0.0, ge=0)
    slice_margin: float = Field(default=0.0, ge=0)
    coverage_margin: float = Field(default=0.0, ge=0)
    winner_margin: float = Field(default=0.0, ge=0)
    quarantine_margin: float = Field(default=0.01, ge=0)


class AlertingSettings(_Section):
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


class AutomationSettings(_Section):
    """How the staleness sensor behaves."""

    max_attempts: int = Field(default=3, ge=1)
    interval_seconds: int = Field(default=30, ge=5)


class WatchSettings(_Section):
    """How the folders of `evals.paths` and `logs.paths` are watched."""

    interval_seconds: int = Field(default=30, ge=5)
    settle_seconds: float = Field(default=10, ge=0)
    most_files_per_tick: int = Field(default=500, ge=1)
    seconds_per_tick: float = Field(default=20, gt=0, le=40)
    largest_file_mb: float = Field(default=50, gt=0)
    removed: Literal["keep", "forget"] = "keep"


class PrivacySettings(_Section):
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


class WarehouseSettings(_Section):
    """Where results are kept, and how long to wait for another writer."""

    path: str | None = None
    lock_timeout_seconds: float = Field(default=120, gt=0)
    memory_limit_mb: int = Field(default=1000, ge=100)


class Settings(_Section):
    """All of `faultmap.yaml`. Everything has a default."""

    home: Path = Path(DEFAULT_HOME)
    seed: int = Field(default=0, ge=0, lt=2**32)
    owners: list[Owner] = []
    evals: EvalSettings = EvalSettings()
    logs: LogSettings = LogSettings()
    dataset_defaults: DatasetSettings = DatasetSettings()
    datasets: dict[str, DatasetSettings] = {}
    model_families: dict[str, str] = {}
    embedding: EmbeddingSettings = EmbeddingSettings()
    language_model: LanguageModelSettings = LanguageModelSettings()
    entropy: EntropySettings = EntropySettings()
    judging: JudgingSettings = JudgingSettings()
    taxonomy: TaxonomySettings = TaxonomySettings()
    clusters: ClusterSettings = ClusterSettings()
    slices: SliceSettings = SliceSettings()
    comparisons: ComparisonSettings = ComparisonSettings()
    coverage: CoverageSettings = CoverageSettings()
    production: ProductionSettings = ProductionSettings()
    alerts: AlertingSettings = AlertingSettings()
    automation: AutomationSettings = AutomationSettings()
    watch: WatchSettings = WatchSettings()
    privacy: PrivacySettings = PrivacySettings()
    warehouse: WarehouseSettings = WarehouseSettings()

    @model_validator(mode="after")
    def _judge_exists(self) -> Settings:
        if self.judging.judge == "model" and self.language_model.model is None:
            raise ValueError("judging.judge is 'model', but language_model.model names none")
        return self

    @property
    def warehouse_path(self) -> Path:
        """The DuckDB file."""
        return Path(self.warehouse.path) if self.warehouse.path else self.home / "faultmap.duckdb"

    @property
    def report_folder(self) -> Path:
        """Where `audit_report` writes."""
        return self.home / "reports"

    @property
    def call_store_path(self) -> Path:
        """The SQLite file with the language models' replies and what they cost."""
        return self.home / "language_model_calls.sqlite"

    @property
    def judged_by_model(self) -> bool:
        """Whether a language model judges errors and builds their taxonomy."""
        return self.judging.judge == "model" or (self.judging.judge == "auto" and self.language_model.model is not None)

    def dataset(self, name: str) -> DatasetSettings:
        """Return what holds for one dataset."""
        return self.datasets.get(name, self.dataset_defaults)

    def eval_options(self, **overrides: Any) -> EvalOptions:
        """Return how eval files are to be read; `overrides` (not None) win over the file's settings."""
        chosen: dict[str, Any] = {
            "column_map": self.evals.columns,
            "dataset_name": self.evals.dataset_name,
            "model_name": self.evals.model_name,
            "generate_ids": self.evals.generate_ids,
            "format": self.evals.format,
            "scorer": self.evals.scorer,
        }
        chosen.update({name: value for name, value in overrides.items() if value})
        return EvalOptions(
            **chosen,
            score_ranges={
                name: dataset.score_range
                for name, dataset in self.datasets.items()
                if "score_range" in dataset.model_fields_set | self.dataset_defaults.model_fields_set
            },
            default_score_range=self.dataset_defaults.score_range,
            higher_is_better={
                name: dataset.higher_is_better
                for name, dataset in self.datasets.items()
                if "higher_is_better" in dataset.model_fields_set
            },
            default_higher_is_better=self.dataset_defaults.higher_is_better,
        )

    def log_options(self) -> LogOptions:
        """Return how production logs are to be read."""
        return LogOptions(
            column_map=self.logs.columns,
            dataset_name=self.logs.source,
            model_name=self.logs.model_name,
            first_day=self.logs.first_day,
            time_zone=self.production.time_zone,
            format=self.logs.format,
            default_score_range=self.logs.score_range,
        )


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
