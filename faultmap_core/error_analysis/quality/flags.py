"""Flag the items of a dataset that are worth a look; one function per kind of flag."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from faultmap_core.data.prompts import normalized
from faultmap_core.error_analysis.answers.extraction import expected_answer
from faultmap_core.error_analysis.quality.label_agreement import Agreement, comparable_references
from faultmap_core.error_analysis.quality.results import Flag, ItemFlag, QualitySettings
from faultmap_core.stats.power import item_rest_correlations

Floats = NDArray[np.float64]

_SHOWN_CHARACTERS = 80
_SHOWN_IDS = 5


@dataclass(frozen=True)
class Items:
    """The table by item and model: an item is an example id with one prompt, so `ids` may name an id twice.

    Attributes: passed: (items, models) 1.0, 0.0 or NaN; unit: (items,) distinct prompts.
    """

    ids: tuple[str, ...]
    models: tuple[str, ...]
    passed: Floats
    responses: list[list[str | None]]
    prompts: list[str]
    references: list[list[str]]
    unit: NDArray[np.int64]

    def names(self, columns: Iterable[int]) -> tuple[str, ...]:
        return tuple(self.models[column] for column in columns)

    def rows_of_id(self) -> dict[str, list[int]]:
        """Return example id -> its items, one per prompt that was asked under it."""
        rows: dict[str, list[int]] = {}
        for row, example_id in enumerate(self.ids):
            rows.setdefault(example_id, []).append(row)
        return rows

    def asked(self) -> NDArray[np.bool_]:
        """(items, models) whether a model has a row of an item, scored or not."""
        stored = np.array([[one is not None for one in row] for row in self.responses], dtype=np.bool_)
        return np.asarray(stored.reshape(self.passed.shape) | ~np.isnan(self.passed), dtype=np.bool_)

    def answered(self) -> NDArray[np.int64]:
        """(items,) how many models have an outcome."""
        return np.asarray((~np.isnan(self.passed)).sum(axis=1), dtype=np.int64)


def row_means(table: Floats) -> Floats:
    known = (~np.isnan(table)).sum(axis=1)
    return np.where(known > 0, np.nansum(table, axis=1) / np.maximum(known, 1), np.nan)


def _shown(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _SHOWN_CHARACTERS else line[: _SHOWN_CHARACTERS - 1] + "…"


def suspect_flags(items: Items, agreement: Agreement) -> list[ItemFlag]:
    flags = []
    for one in agreement.suspicions:
        evidence = (
            f"{one.families} of {one.compared} independent models answer “{_shown(one.answer)}”, none the reference"
            f" “{_shown(items.references[one.item][0])}”; about {one.wrong_share:.0%} of labels contradicted like this"
            " are estimated to be wrong"
        )
        flags.append(
            ItemFlag(items.ids[one.item], "suspect_label", evidence, items.names(one.agreeing), one.score, one.chance)
        )
    return flags


def misjudged_flags(items: Items, agreement: Agreement) -> list[ItemFlag]:
    columns: dict[int, list[int]] = {}
    for item, column in agreement.misjudged:
        columns.setdefault(item, []).append(column)
    flags = []
    for item, of_item in columns.items():
        failed = sum(items.passed[item, column] < 0.5 for column in of_item)
        verdicts = []
        if failed:
            verdicts.append(f"{_answers(failed)} equal to the reference and failed")
        if len(of_item) > failed:
            verdicts.append(f"{_answers(len(of_item) - failed)} another option than the reference and passed")
        names = items.names(of_item)
        evidence = f"{', '.join(verdicts)}: {_listed(names)}"
        flags.append(ItemFlag(items.ids[item], "misjudged_answer", evidence, names, float(len(of_item))))
    return flags


def _answers(number: int) -> str:
    return "1 answer is" if number == 1 else f"{number} answers are"


def _models(number: int) -> str:
    return "1 model" if number == 1 else f"each of {number} models"


def _all_fail(number: int) -> str:
    return "both models fail" if number == 2 else f"all {number} models fail"


def no_error_flags(items: Items, found: Sequence[tuple[str, str]]) -> list[ItemFlag]:
    rows_of, column_of = items.rows_of_id(), {model: column for column, model in enumerate(items.models)}
    models: dict[int, set[str]] = {}
    for example_id, model in found:
        rows = rows_of[example_id]
        column = column_of.get(model)
        asked = [row for row in rows if column is not None and not np.isnan(items.passed[row, column])]
        models.setdefault((asked or rows)[0], set()).add(model)
    return [
        ItemFlag(
            items.ids[row],
            "no_error_found",
            f"failed, but the judge found no error in the answer of {_models(len(names))}",
            tuple(sorted(names)),
            float(len(names)),
        )
        for row, names in models.items()
    ]


def all_fail_flags(items: Items) -> list[ItemFlag]:
    known = ~np.isnan(items.passed)
    n_known = np.maximum(known.sum(axis=0), 1)
    rates = np.where(known, 1.0 - items.passed, 0.0).sum(axis=0) / n_known
    surprise = -np.log10(np.where(rates > 0, rates, 1.0))
    rows = np.flatnonzero((items.answered() >= 2) & (row_means(items.passed) == 0.0))
    return [
        ItemFlag(
            items.ids[row],
            "all_models_fail",
            _all_fail(int(known[row].sum())),
            items.names(np.flatnonzero(known[row]).tolist()),
            float(surprise[known[row]].sum()),
        )
        for row in rows.tolist()
    ]


def discrimination_flags(items: Items, settings: QualitySettings) -> list[ItemFlag]:
    correlation = item_rest_correlations(items.passed)
    rows = np.flatnonzero(np.nan_to_num(correlation, nan=1.0) <= settings.least_discrimination)
    flags = []
    for row in rows.tolist():
        passing = items.names(np.flatnonzero(items.passed[row] == 1.0).tolist())
        evidence = f"better models fail, weaker pass: {_listed(passing)} (item-rest correlation {correlation[row]:.2f})"
        flags.append(ItemFlag(items.ids[row], "negative_discrimination", evidence, passing, -float(correlation[row])))
    return flags


def _listed(names: Sequence[str], number: int | None = None) -> str:
    """Return the first names and how many more of the `number` there are."""
    hidden = (len(names) if number is None else number) - min(len(names), _SHOWN_IDS)
    more = f" and {hidden} more" if hidden else ""
    return ", ".join(map(_shown, names[:_SHOWN_IDS])) + more


def _members(group: Mapping[int, int]) -> list[list[int]]:
    """Return the rows of each group of two or more; `group`: row -> number."""
    rows: dict[int, list[int]] = {}
    for row, number in sorted(group.items()):
        rows.setdefault(number, []).append(row)
    return [one for one in rows.values() if len(one) >= 2]


def copy_flags(items: Items) -> list[ItemFlag]:
    """Exact copies, and references that contradict each other: of copies, or of one example's rows."""
    flags = []
    contradictory: set[int] = set()
    asked = items.asked()
    units = dict(enumerate(items.unit.tolist()))
    for rows in _members(units):
        labels = {_label(items, row, text): text for row in rows for text in items.references[row]}
        for row in rows:
            copies = [other for other in rows if items.ids[other] != items.ids[row]]
            if len(labels) < 2:
                # What another model was asked under another id is the same question, not a copy of it.
                copies = [other for other in copies if (asked[other] & asked[row]).any()]
            if not copies:
                continue
            others = tuple(items.ids[other] for other in copies[:_SHOWN_IDS])
            flag: Flag = "contradictory_label" if len(labels) > 1 else "duplicate"
            evidence = f"same prompt as {_listed(others, len(copies))}"
            if len(labels) > 1:
                contradictory.add(row)
                evidence += f", with the references {_quoted(labels.values())}"
            flags.append(ItemFlag(items.ids[row], flag, evidence, (), float(len(rows)), others=others))
    for row, references in enumerate(items.references):
        if len(references) < 2 or row in contradictory:
            continue
        labels = {_label(items, row, text): text for text in references}
        if len(labels) > 1:
            evidence = f"its rows have the references {_quoted(labels.values())}"
            flags.append(ItemFlag(items.ids[row], "contradictory_label", evidence, (), 1.0))
    return flags


def _label(items: Items, row: int, reference: str) -> frozenset[str]:
    """Return what is equal for references that accept the same answers."""
    accepted = comparable_references(expected_answer(items.prompts[row], reference))
    return accepted or frozenset([normalized(reference)])


def _quoted(texts: Iterable[str]) -> str:
    shown = sorted(f"“{_shown(text)}”" for text in texts)
    return " and ".join(shown[:_SHOWN_IDS])


def near_copy_flags(items: Items, groups: Mapping[str, int]) -> list[ItemFlag]:
    flags = []
    rows_of = items.rows_of_id()
    for rows in _members({row: number for example_id, number in groups.items() for row in rows_of[example_id]}):
        # One row for each distinct prompt: exact copies have a flag of their own.
        distinct = list({int(items.unit[row]): row for row in reversed(rows)}.values())[::-1]
        if len(distinct) < 2:
            continue
        for row in rows:
            near = [other for other in distinct[: _SHOWN_IDS + 1] if items.unit[other] != items.unit[row]]
            others = tuple(items.ids[other] for other in near[:_SHOWN_IDS])
            evidence = f"nearly the same prompt as {_listed(others, len(distinct) - 1)}"
            score = float(len(distinct))
            flags.append(ItemFlag(items.ids[row], "near_duplicate", evidence, (), score, others=others))
    return flags
