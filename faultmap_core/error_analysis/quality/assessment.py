"""Assess what a benchmark itself gets wrong, and what it can still tell apart.

Items to look at, skills that no longer separate models, and the smallest difference that the set can show. All from
the models' outcomes and answers; whether a flagged label is wrong is for people to say.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from faultmap_core.base.errors import ConfigurationError
from faultmap_core.data.prompts import unique_prompts
from faultmap_core.error_analysis.answers.extraction import expected_answer
from faultmap_core.error_analysis.quality.flags import (
    Items,
    all_fail_flags,
    copy_flags,
    discrimination_flags,
    misjudged_flags,
    near_copy_flags,
    no_error_flags,
    row_means,
    suspect_flags,
)
from faultmap_core.error_analysis.quality.label_agreement import (
    Agreement,
    AgreementSettings,
    comparable_answer,
    wrong_agreement,
)
from faultmap_core.error_analysis.quality.model_families import families_of
from faultmap_core.error_analysis.quality.results import (
    FLAGS,
    AnswerTable,
    DatasetQuality,
    ItemFlag,
    QualitySettings,
    SkillStanding,
    SkillState,
)
from faultmap_core.stats.exact_tests import wilson_interval
from faultmap_core.stats.power import resolution

Floats = NDArray[np.float64]

__all__ = ["FLAGS", "AnswerTable", "DatasetQuality", "ItemFlag", "QualitySettings", "SkillStanding", "assess_dataset"]


def assess_dataset(
    answers: AnswerTable,
    settings: QualitySettings | None = None,
    *,
    no_error_found: Iterable[tuple[str, str]] = (),
    near_copies: Mapping[str, int] | None = None,
    skills: Mapping[str, Collection[str]] | None = None,
) -> DatasetQuality:
    """Assess one dataset by what all its models did.

    Args:
        no_error_found: (example id, model) of failed answers that a judge found nothing wrong with.
        near_copies: example id -> number of its group of nearly equal prompts, where such groups are known.
        skills: name -> example ids: slices, categories, values of metadata columns.
    Raises: ConfigurationError on an example id that is not in the table.
    """
    chosen = settings or QualitySettings()
    items = _items_of(answers)
    position = items.rows_of_id()
    found = [(example_id, model) for example_id, model in no_error_found]
    groups = near_copies or {}
    _check_ids(position, (one for one, _ in found), "no_error_found")
    _check_ids(position, groups, "near_copies")
    agreement = _agreement(items, chosen)
    flags = [
        *copy_flags(items),
        *suspect_flags(items, agreement),
        *misjudged_flags(items, agreement),
        *no_error_flags(items, found),
        *all_fail_flags(items),
        *discrimination_flags(items, chosen),
        *near_copy_flags(items, groups),
    ]
    flags.sort(key=lambda one: (FLAGS.index(one.flag), -one.score, one.example_id))
    units = len(set(items.unit.tolist()))
    answered = items.answered() >= 2
    pass_rate = row_means(items.passed)
    return DatasetQuality(
        examples=len(position),
        prompts=units,
        models=items.models,
        all_fail=int((answered & (pass_rate == 0.0)).sum()),
        all_pass=int((answered & (pass_rate == 1.0)).sum()),
        duplicate_share=_duplicate_share(items),
        compared_share=agreement.compared,
        wrong_agreement=agreement.coincidence,
        flags={flag: sum(one.flag == flag for one in flags) for flag in FLAGS},
        items=tuple(flags),
        skills=tuple(_standing(items, name, _rows(position, ids, name), chosen) for name, ids in _sorted(skills)),
        resolution=resolution(_unit_means(items), chosen.significance_level, chosen.power),
    )


def _duplicate_share(items: Items) -> float:
    """Return the share of the items that ask some model once more what it was asked already."""
    again: set[int] = set()
    for column in items.asked().T:
        rows = np.flatnonzero(column)
        _, first = np.unique(items.unit[rows], return_index=True)
        again.update(np.delete(rows, first).tolist())
    return len(again) / len(items.ids) if items.ids else 0.0


def _sorted(skills: Mapping[str, Collection[str]] | None) -> list[tuple[str, Collection[str]]]:
    return sorted((skills or {}).items())


def _check_ids(position: Mapping[str, Sequence[int]], ids: Iterable[str], where: str) -> None:
    unknown = next((one for one in ids if one not in position), None)
    if unknown is not None:
        raise ConfigurationError(f"{where}: example {unknown!r} is not among the answers")


def _rows(position: Mapping[str, Sequence[int]], ids: Collection[str], skill: str) -> NDArray[np.int64]:
    _check_ids(position, ids, f"skill {skill!r}")
    return np.array(sorted({row for one in ids for row in position[one]}), dtype=np.int64)


def _items_of(answers: AnswerTable) -> Items:
    """Return the table by item: an example id together with the prompt that was asked under it.

    What models were asked under one id, but with other prompts, are items of their own: their answers are not
    comparable. Prompts are compared as everywhere: what all prompts of one model share is no part of them.
    """
    asked = unique_prompts(answers.prompts, answers.models).unit.tolist()
    keys = list(zip(answers.example_ids, asked, strict=True))
    models = sorted(set(answers.models))
    items, column_of = sorted(set(keys)), {one: i for i, one in enumerate(models)}
    row_of = {one: i for i, one in enumerate(items)}
    passed = np.full((len(items), len(models)), np.nan)
    responses: list[list[str | None]] = [[None] * len(models) for _ in items]
    references: list[list[str]] = [[] for _ in items]
    # An item's prompt is shown as its first model got it.
    first: dict[int, int] = {}
    for row in sorted(range(len(answers)), key=lambda row: (keys[row], answers.models[row])):
        item, column = row_of[keys[row]], column_of[answers.models[row]]
        first.setdefault(item, row)
        passed[item, column] = 1.0 - answers.failed[row]
        responses[item][column] = answers.responses[row]
        reference = answers.references[row]
        if reference is not None and reference not in references[item]:
            references[item].append(reference)
    rows = [first[item] for item in range(len(items))]
    prompts = [answers.prompts[row] for row in rows]
    unit = np.array([one for _, one in items], dtype=np.int64)
    sorted_references = [sorted(one) for one in references]
    return Items(
        tuple(example_id for example_id, _ in items), tuple(models), passed, responses, prompts, sorted_references, unit
    )


def _unit_means(items: Items) -> Floats:
    """Return (prompts, models): copies of a prompt are one observation, their mean."""
    _, unit = np.unique(items.unit, return_inverse=True)
    n = int(unit.max(initial=-1)) + 1
    columns = []
    for column in items.passed.T:
        known = ~np.isnan(column)
        counts = np.bincount(unit[known], minlength=n)
        sums = np.bincount(unit[known], weights=column[known], minlength=n)
        columns.append(np.where(counts > 0, sums / np.maximum(counts, 1), np.nan))
    return np.column_stack(columns) if columns else np.empty((n, 0))


def _agreement(items: Items, settings: QualitySettings) -> Agreement:
    expected = [
        expected_answer(prompt, references[0] if references else None)
        for prompt, references in zip(items.prompts, items.references, strict=True)
    ]
    answers = [
        [comparable_answer(one, response) if one.references else None for response in responses]
        for one, responses in zip(expected, items.responses, strict=True)
    ]
    chosen = AgreementSettings(settings.least_suspicion, min_wrong_share=settings.least_wrong_share)
    return wrong_agreement(answers, expected, items.passed, families_of(items.models, settings.families), chosen)


def _standing(items: Items, skill: str, rows: NDArray[np.int64], settings: QualitySettings) -> SkillStanding:
    active = ~np.isnan(items.passed).all(axis=0)
    outcomes = items.passed[rows][:, active]
    outcomes = outcomes[~np.isnan(outcomes).any(axis=1)]
    n, models = outcomes.shape
    if not n or not models:
        return SkillStanding(skill, 0, models, None, None, None, None, "too_few")
    rates = outcomes.mean(axis=0)
    lowest, highest = float(rates.min()), float(rates.max())
    state: SkillState = "separates"
    if n < settings.least_items:
        state = "too_few"
    elif lowest >= settings.saturated_rate:
        state = "saturated"
    elif highest <= 1.0 - settings.saturated_rate + 1e-12:
        state = "unsolved"
    low, high = float(wilson_interval(lowest, n)[0]), float(wilson_interval(highest, n)[1])
    return SkillStanding(skill, n, models, lowest, highest, low, high, state)
