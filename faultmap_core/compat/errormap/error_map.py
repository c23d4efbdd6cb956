"""`ErrorMap` and `run`: the other front door, with the arguments, files and result of IBM's ErrorMap.

Why do models fail? Each sampled error is judged, the judged errors are sorted into a tree of categories, everything is
written to files. What an error is stands in `error_map_records`, what the files look like in `error_map_files`.
"""

from __future__ import annotations

import asyncio
import logging
import math
import warnings
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from faultmap_core.base.errors import ConfigurationError
from faultmap_core.base.records import strict
from faultmap_core.compat.errormap.files import DATA_COLUMNS, JudgedError, OutputFiles, placed, write_files
from faultmap_core.compat.errormap.model import (
    choose_model,
    config_warnings,
    open_model,
    secrets_of,
    stored_config,
    without_secrets,
)
from faultmap_core.compat.errormap.records import (
    EvalRecord,
    PreparedData,
    dataset_param_warnings,
    nearest,
    prepare_data,
)
from faultmap_core.embedding import get_embedder
from faultmap_core.error_analysis.answers.signals import FailedExample
from faultmap_core.error_analysis.judging.pipeline import (
    ContrastAnswer,
    Judge,
    Judgment,
    ModelJudge,
    RuleJudge,
    choose_contrasts,
    judge_failures,
    sample_failures,
)
from faultmap_core.error_analysis.taxonomy.taxonomy import Classification, ErrorRecord, TaxonomySettings, build_taxonomy
from faultmap_core.llm import CallStore, LanguageModel, Purpose

logger = logging.getLogger("faultmap")

InferenceType = Literal["litellm", "litellm-mock"]
INFERENCE_TYPES = ("litellm-mock", "litellm")
OUTCOMES = ("error", "whole_solution_incorrect", "no_error_found", "failed")
CONTRASTS = 1
_MOST_QUARANTINED = 100
_LONGEST_ID = 120
_UNSAFE_ID = frozenset('/\\:*?"<>|')


@dataclass(frozen=True)
class ErrorMapReport:
    """What became of every row and every error.

    Attributes:
        errors: the sampled errors, each judged or failed, each with its place in the tree.
        classification: the categories of the errors that the judge found.
        warnings: settings without effect. stopped: why the language model was not asked any more, "" if nothing.
    """

    exp_id: str
    data: PreparedData
    errors: tuple[JudgedError, ...]
    classification: Classification
    files: OutputFiles
    warnings: tuple[str, ...]
    stopped: str

    def outcomes(self) -> dict[str, int]:
        """Return how many sampled errors had each outcome; together they are all of them."""
        counts = Counter(str(error.judgment.outcome) for error in self.errors)
        return {name: counts[name] for name in OUTCOMES}

    def to_dict(self) -> dict[str, Any]:
        """Return strict JSON: ErrorMap's own four keys, then ours.

        `total_records`: rows that could be used; `error_records`: errors that the judge was asked about.
        """
        data, files = self.data, vars(self.files)
        content = {
            "exp_id": self.exp_id,
            "total_records": len(data.records),
            "error_records": len(self.errors),
            "completed_at": datetime.now(UTC).isoformat(),
            "rows_read": data.rows_read,
            "quarantined": len(data.quarantined),
            "quarantined_rows": [vars(row) for row in data.quarantined[:_MOST_QUARANTINED]],
            "repeated": data.repeated,
            "of_other_models": data.not_chosen,
            "unscored": data.unscored,
            "errors": len(data.errors),
            "rules": {rule.dataset: {"threshold": rule.threshold, "rule": str(rule)} for rule in data.rules},
            "outcomes": self.outcomes(),
            "failed_reasons": dict(Counter(e.judgment.reason_code for e in self.errors if e.judgment.reason)),
            "unclassified": self.classification.unclassified,
            "taxonomy": self.classification.to_dict()["taxonomy"],
            "quality": self.classification.quality.to_dict(),
            "notes": list(self.classification.notes),
            "files": {name: str(path) for name, path in files.items() if path},
            "warnings": list(self.warnings),
            "stopped": self.stopped,
        }
        return dict(strict(content))


class ErrorMap:
    """Judge the errors of models and sort them into a taxonomy.

    Args:
        inference_type: "litellm-mock" judges by rules and needs no language model; "litellm" asks one.
        litellm_config: arguments of litellm: model, api_key, api_base, api_version, temperature, max_tokens ...
        exp_id: name of the experiment in the files' names; None: the present time. It is no cache key.
        output_dir: None is "output". data_path: folder with a CSV per dataset (columns example_id, model, input_text,
            output_text, score, and correct_answer where there is one).
        datasets: names of files in `data_path` without .csv; None: all CSV files.
        dataset_params: dataset -> {"success_threshold": scores below it are errors}. Other datasets: scores below 0.7
            of the dataset's mean score are errors.
        judge, provider: see `error_map_model.choose_model`.
        seed: of the sample, the contrast answers and the taxonomy; None is 0.
        models: whose errors are analysed; None: everybody's. Correct answers of the others serve as contrast.
        ratio: share of the errors of each dataset and model that is judged, in [0, 1]; at least one of each if above 0.
        max_workers: most calls at once.
        use_correct_predictions: show the judge a correct answer of another model.
        rare_freq: categories with a smaller share of the errors become "Other".
        cols_to_keep: further columns of the data for the final CSV.
    Raises: ConfigurationError on a value that is not allowed.
    """

    def __init__(
        self,
        inference_type: str = "litellm-mock",
        litellm_config: Mapping[str, Any] | None = None,
        exp_id: str | None = None,
        output_dir: str | Path | None = None,
        data_path: str | Path = "data",
        datasets: Sequence[str] | None = None,
        dataset_params: Mapping[str, Mapping[str, Any]] | None = None,
        judge: str | None = None,
        provider: str | None = None,
        seed: int | None = None,
        models: Sequence[str] | None = None,
        ratio: float = 0.1,
        max_workers: int = 10,
        use_correct_predictions: bool = True,
        rare_freq: float = 0.0,
        cols_to_keep: Sequence[str] | None = None,
    ) -> None:
        kind = (inference_type or "").lower()
        _require(kind in INFERENCE_TYPES, "inference_type", inference_type, f"one of {', '.join(INFERENCE_TYPES)}")
        _require(_between(ratio, 0, 1), "ratio", ratio, "a number from 0 to 1")
        _require(_between(rare_freq, 0, 1), "rare_freq", rare_freq, "a number from 0 to 1")
        _require(_between(max_workers, 1, math.inf), "max_workers", max_workers, "1 or more")
        for name, mapping in (("litellm_config", litellm_config), ("dataset_params", dataset_params)):
            _require(mapping is None or _has_text_keys(mapping), name, type(mapping).__name__, "a dict with text keys")
        for name, several in (("datasets", datasets), ("models", models), ("cols_to_keep", cols_to_keep)):
            _require(not isinstance(several, str), name, several, "a list of names")
        self.exp_id = _checked_id(exp_id) if exp_id is not None else datetime.now().strftime("%Y-%m-%d_%H-%M-%S")
        self.inference_type: InferenceType = "litellm" if kind == "litellm" else "litellm-mock"
        self.litellm_config = litellm_config
        self._config_warnings = config_warnings(litellm_config)
        for line in self._config_warnings:
            warnings.warn(line, stacklevel=2)
        self.output_dir = Path(output_dir or "output")
        self.data_path = Path(data_path)
        self.datasets = list(datasets) if datasets else None
        self.dataset_params = dataset_params
        self.judge = judge
        self.provider = provider
        self.seed = seed
        self.models = list(models) if models else None
        self.ratio = ratio
        self.max_workers = int(max_workers)
        self.use_correct_predictions = use_correct_predictions
        self.rare_freq = rare_freq
        self.cols_to_keep = list(cols_to_keep or [])

    async def run(self) -> dict[str, Any]:
        """Do what `analyse` does, in a thread, so that the event loop goes on; return the report's `to_dict`."""
        return (await asyncio.to_thread(self.analyse)).to_dict()

    def analyse(self) -> ErrorMapReport:
        """Judge the errors, sort them, write the files.

        Raises:
            ConfigurationError: an argument does not fit the data, the model's credentials are not there, or
                `output_dir` cannot be written.
            EvalFileError: a data file cannot be read at all.
        """
        data = prepare_data(self.data_path, self.datasets, self.dataset_params, self.models)
        told = self._data_warnings(data)
        for line in told:
            warnings.warn(line, stacklevel=2)
        logger.info("ErrorMap: %d records, %d errors", len(data.records), len(data.errors))
        with self._opened_model() as model:
            judgments = self._judge(data, model)
            classification = self._classify(judgments.values(), model)
            stopped = "" if model is None else model.stopped
        pairs = [(record, judgments[record.record_id]) for record in data.errors if record.record_id in judgments]
        errors = placed(pairs, classification)
        files = write_files(
            self.output_dir,
            self.exp_id,
            self._stored(),
            data,
            errors,
            self.cols_to_keep,
            secrets_of(self.litellm_config),
        )
        return ErrorMapReport(
            self.exp_id, data, tuple(errors), classification, files, (*self._config_warnings, *told), stopped
        )

    def _data_warnings(self, data: PreparedData) -> list[str]:
        known = {name for record in data.records for name in record.other} | set(DATA_COLUMNS)
        missing = [name for name in self.cols_to_keep if name not in known]
        return [
            *dataset_param_warnings(self.dataset_params, (rule.dataset for rule in data.rules)),
            *(f"cols_to_keep: no dataset has a column {name!r}{nearest(name, sorted(known))}" for name in missing),
        ]

    @contextmanager
    def _opened_model(self) -> Iterator[LanguageModel | None]:
        try:
            self.output_dir.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigurationError(f"output_dir {str(self.output_dir)!r}: {error.strerror or error}") from error
        if self.inference_type == "litellm-mock":
            yield None
            return
        choice = choose_model(self.litellm_config, self.provider, self.judge)
        with CallStore(self.output_dir / "calls.sqlite") as store:
            yield open_model(choice, store, self.max_workers, self.seed or 0)

    def _judge(self, data: PreparedData, model: LanguageModel | None) -> dict[str, Judgment]:
        judge: Judge = RuleJudge() if model is None else ModelJudge(model)
        result = judge_failures(
            [_failed_example(record) for record in self._sampled(data)],
            judge,
            previous={},
            contrasts=self._contrasts(data) if self.use_correct_predictions else lambda _: (),
            ratio=1.0,
            seed=self.seed or 0,
            salt="",
            purpose=Purpose("error_map", self.exp_id),
        )
        return {judgment.example_id: judgment for judgment in result.judgments}

    def _sampled(self, data: PreparedData) -> tuple[EvalRecord, ...]:
        groups: dict[tuple[str, str], list[str]] = defaultdict(list)
        for record in data.errors:
            groups[record.dataset, record.model].append(record.record_id)
        chosen: set[str] = set()
        if self.ratio > 0:
            for (dataset, model), ids in groups.items():
                chosen.update(sample_failures(ids, ratio=self.ratio, seed=self.seed or 0, salt=f"{dataset}|{model}"))
        return tuple(record for record in data.errors if record.record_id in chosen)

    def _contrasts(self, data: PreparedData) -> Callable[[str], Sequence[ContrastAnswer]]:
        correct: dict[str, dict[str, str]] = defaultdict(dict)
        for record in data.records:
            if record.error is False and record.output_text.strip():
                correct[record.example_key].setdefault(record.model, record.output_text)
        asked = {record.record_id: record for record in data.errors}

        def contrasts(record_id: str) -> Sequence[ContrastAnswer]:
            record = asked[record_id]
            answers = {name: text for name, text in correct[record.example_key].items() if name != record.model}
            return choose_contrasts(record_id, answers, CONTRASTS, self.seed or 0)

        return contrasts

    def _classify(self, judgments: Iterable[Judgment], model: LanguageModel | None) -> Classification:
        records = [
            ErrorRecord(judgment.example_id, judgment.error_title, judgment.error_summary)
            for judgment in judgments
            if judgment.outcome in ("error", "whole_solution_incorrect")
        ]
        rare = math.ceil(self.rare_freq * len(records))
        settings = TaxonomySettings(seed=self.seed or 0, merge_rare=rare if rare > 1 else None)
        purpose = Purpose("error_map", self.exp_id)
        return build_taxonomy(records, settings, model=model, embedder=get_embedder(), purpose=purpose)

    def _stored(self) -> dict[str, Any]:
        return {
            "inference_type": self.inference_type,
            "exp_id": self.exp_id,
            "output_dir": str(self.output_dir),
            "data_path": str(self.data_path),
            "datasets": self.datasets,
            "dataset_params": without_secrets(self.dataset_params),
            "judge": self.judge,
            "provider": self.provider,
            "seed": self.seed,
            "max_workers": self.max_workers,
            "use_correct_predictions": self.use_correct_predictions,
            "models": self.models,
            "ratio": self.ratio,
            "litellm_config": stored_config(self.litellm_config),
            "rare_freq": self.rare_freq,
            "cols_to_keep": self.cols_to_keep,
        }


async def run(
    inference_type: str = "litellm-mock",
    litellm_config: Mapping[str, Any] | None = None,
    datasets: Sequence[str] | None = None,
    dataset_params: Mapping[str, Mapping[str, Any]] | None = None,
    seed: int | None = None,
    models: Sequence[str] | None = None,
    ratio: float = 0.1,
    **further: Any,
) -> dict[str, Any]:
    """Run an `ErrorMap` with these and any of its further arguments, by name; return its result."""
    error_map = ErrorMap(
        inference_type=inference_type,
        litellm_config=litellm_config,
        datasets=datasets,
        dataset_params=dataset_params,
        seed=seed,
        models=models,
        ratio=ratio,
        **further,
    )
    return await error_map.run()


def _failed_example(record: EvalRecord) -> FailedExample:
    return FailedExample(
        example_id=record.record_id,
        prompt=record.input_text,
        response=record.output_text,
        reference=record.correct_answer,
        score=record.score,
        row_digest=record.row_digest,
        dataset=record.dataset,
        model=record.model,
        metadata=record.other,
    )


def _checked_id(exp_id: object) -> str:
    text = str(exp_id)
    plain = text.strip() and text.isprintable() and not _UNSAFE_ID & set(text) and len(text) <= _LONGEST_ID
    _require(bool(plain), "exp_id", text, f"1 to {_LONGEST_ID} characters that a file name may hold")
    return text


def _between(value: object, low: float, high: float) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and low <= value <= high


def _has_text_keys(value: object) -> bool:
    return isinstance(value, Mapping) and all(isinstance(key, str) for key in value)


def _require(holds: bool, name: str, value: object, expected: str) -> None:
    if not holds:
        raise ConfigurationError(f"{name} is {value!r}; expected {expected}")
