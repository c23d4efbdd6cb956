"""All of `faultmap.yaml`, and what follows from it: paths, and how files are to be read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import Field, model_validator

from faultmap_assets.settings.sections import (
    AlertingSettings,
    AutomationSettings,
    ClusterSettings,
    ComparisonSettings,
    CoverageSettings,
    DatasetSettings,
    EmbeddingSettings,
    EntropySettings,
    EvalSettings,
    JudgingSettings,
    LanguageModelSettings,
    LogSettings,
    Owner,
    PrivacySettings,
    ProductionSettings,
    Section,
    SliceSettings,
    TaxonomySettings,
    WarehouseSettings,
    WatchSettings,
)
from faultmap_core.data.eval_table import EvalOptions
from faultmap_core.data.log_table import LogOptions

DEFAULT_HOME = "var"


class Settings(Section):
    """All of `faultmap.yaml`. Everything has a default."""

    home: Path = Path(DEFAULT_HOME)
    seed: int = Field(default=0, ge=0, lt=2**32)
    owners: list[Owner] = Field(default_factory=list)
    evals: EvalSettings = EvalSettings()
    logs: LogSettings = LogSettings()
    dataset_defaults: DatasetSettings = DatasetSettings()
    datasets: dict[str, DatasetSettings] = Field(default_factory=dict)
    model_families: dict[str, str] = Field(default_factory=dict)
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

    def at(self, path: str) -> Any:
        """Return the value at a path such as `clusters.method`. Raises AttributeError where there is none."""
        value: Any = self
        for part in path.split("."):
            value = getattr(value, part)
        return value

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
