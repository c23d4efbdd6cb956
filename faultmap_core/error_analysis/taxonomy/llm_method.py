"""Categories of errors from a language model: generated from titles, updated, reviewed, then chosen record by record.

All groups of a level are asked about together. A reply is checked number by number: what it leaves out or invents is
asked again once, alone, and then left without a category; a call that failed takes only its own records with it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from faultmap_core.base.text import shortened
from faultmap_core.data.prompts import normalized, text_hash
from faultmap_core.error_analysis.taxonomy.growth import FITS_NONE, NO_ANSWER, Division, Draft, Group, Placing
from faultmap_core.error_analysis.taxonomy.results import (
    DESCRIPTION_CHARS,
    NAME_CHARS,
    Category,
    TaxonomySettings,
    clean_description,
    clean_name,
)
from faultmap_core.llm import LanguageModel, Outcome, Purpose, Request

TAXONOMY_TEMPLATES: Final = ("taxonomy_generate", "taxonomy_update", "taxonomy_review", "taxonomy_classify")

_TITLE_CHARS = 160
_SUMMARY_CHARS = 400
_TOKENS_PER_CATEGORY = 150
_TOKENS_PER_CHOICE = 40
_MOST_CATEGORIES = 200
_MOST_CHOICES = 400

T = TypeVar("T")
R = TypeVar("R", bound=BaseModel)


class CategoryReply(BaseModel):
    """One category that the model proposes."""

    model_config = ConfigDict(extra="forbid")
    name: str = Field(min_length=1, max_length=NAME_CHARS)
    description: str = Field(max_length=DESCRIPTION_CHARS)


class CategoriesReply(BaseModel):
    """The whole list of categories, as the model would have it now."""

    model_config = ConfigDict(extra="forbid")
    categories: list[CategoryReply] = Field(min_length=1, max_length=_MOST_CATEGORIES)


class ChoiceReply(BaseModel):
    """The category of one record, both by their numbers in the question."""

    model_config = ConfigDict(extra="forbid")
    record: int
    category: int


class ChoicesReply(BaseModel):
    """The categories of a batch of records."""

    model_config = ConfigDict(extra="forbid")
    choices: list[ChoiceReply] = Field(max_length=_MOST_CHOICES)


@dataclass
class _Answers:
    """What is known so far of the units of one placing."""

    chosen: dict[int, int] = field(default_factory=dict)
    reasons: dict[int, str] = field(default_factory=dict)
    details: Counter[str] = field(default_factory=Counter)


class ModelMethod:
    """The `Method` that asks a language model."""

    name = "model"

    def __init__(self, model: LanguageModel, settings: TaxonomySettings, purpose: Purpose) -> None:
        self._model = model
        self._settings = settings
        self._purpose = purpose

    @property
    def made_by(self) -> str:
        """The model's id."""
        return self._model.id

    def divide(self, groups: Sequence[Group]) -> list[Division]:
        """Generate, update and review each group's categories, then classify its units into them."""
        drafts, notes, reasons = self._drafts(groups)
        divisions: dict[int, Division] = {}
        placings: dict[int, Placing] = {}
        for index, group in enumerate(groups):
            if not drafts[index]:
                divisions[index] = _unanswered(group, notes[index], reasons[index])
            elif len(drafts[index]) == 1 and group.path:
                divisions[index] = Division(tuple(drafts[index]), (0,) * len(group.units), notes=tuple(notes[index]))
            else:
                into = tuple(Category(str(i), None, d.name, d.description, 1) for i, d in enumerate(drafts[index]))
                placings[index] = Placing(group, into, ("",) * len(into), may_fit_none=True, has_other=False)
        for index, division in zip(placings, self.place(list(placings.values())), strict=True):
            said = (*notes[index], *division.notes)
            divisions[index] = Division(tuple(drafts[index]), division.choices, division.reasons, said)
        return [divisions[index] for index in range(len(groups))]

    def place(self, placings: Sequence[Placing]) -> list[Division]:
        """Choose a category for each unit, in batches; what a reply leaves out is asked again once."""
        answers = [_Answers() for _ in placings]
        self._classify(placings, answers, [list(range(len(one.group.units))) for one in placings])
        again = [
            [
                unit
                for unit in range(len(one.group.units))
                if answer.reasons.get(unit) in ("no_answer", "unknown_category")
            ]
            for one, answer in zip(placings, answers, strict=True)
        ]
        self._classify(placings, answers, again)
        return [_division(one, answer) for one, answer in zip(placings, answers, strict=True)]

    def _drafts(self, groups: Sequence[Group]) -> tuple[list[list[Draft]], list[list[str]], list[str]]:
        """Return each group's categories (none where no call succeeded), notes on calls that failed, and why the last
        of them did."""
        batches = [
            list(_batches(_listed(group, self._settings.seed), self._settings.titles_per_batch)) for group in groups
        ]
        drafts: list[list[Draft]] = [[] for _ in groups]
        notes: list[list[str]] = [[] for _ in groups]
        reasons = ["no_answer"] * len(groups)
        for turn in range(max(map(len, batches), default=0)):
            due = [index for index in range(len(groups)) if turn < len(batches[index])]
            failed = self._ask_for_categories(groups, due, drafts, [batches[index][turn] for index in due])
            for index, reason in failed.items():
                reasons[index] = reason
                notes[index].append(_note(groups[index], "batch of titles", reason))
        due = [index for index in range(len(groups)) if len(drafts[index]) > 1]
        for index, reason in self._ask_for_categories(groups, due, drafts, None).items():
            notes[index].append(_note(groups[index], "review", reason))
        for index, group in enumerate(groups):
            drafts[index] = drafts[index][: group.limit]
        return drafts, notes, reasons

    def _ask_for_categories(
        self,
        groups: Sequence[Group],
        due: Sequence[int],
        drafts: list[list[Draft]],
        batches: Sequence[Sequence[str]] | None,
    ) -> dict[int, str]:
        """Renew the lists of the groups `due` in `drafts`: with a batch of titles each, or by a review (None).

        Returns: why, for each group whose call failed; its list stays as it was.
        """
        requests = []
        for place, index in enumerate(due):
            step = "update" if drafts[index] else "generate"
            errors = batches[place] if batches is not None else ()
            requests.append(
                self._list_request(groups[index], drafts[index], errors, "review" if batches is None else step)
            )
        failed: dict[int, str] = {}
        for index, outcome in zip(due, self._ask(requests), strict=True):
            if outcome.reply is not None:
                drafts[index] = _distinct(outcome.reply.categories)
            else:
                failed[index] = _reason(outcome)
        return failed

    def _list_request(
        self, group: Group, drafts: Sequence[Draft], errors: Sequence[str], step: str
    ) -> Request[CategoriesReply]:
        name = f"taxonomy_{step}"
        messages = self._model.prompts.render(
            name,
            parent=" > ".join(group.path),
            parent_description=group.description,
            categories=_numbered(drafts),
            errors="\n".join(errors),
            limit=group.limit,
        )
        return Request(
            key=group.category_id or "",
            messages=messages,
            reply=CategoriesReply,
            template=self._model.prompts.template_id(name),
            max_tokens=_TOKENS_PER_CATEGORY * (group.limit + 1),
            check=_too_many(group.limit),
        )

    def _classify(
        self, placings: Sequence[Placing], answers: Sequence[_Answers], wanted: Sequence[Sequence[int]]
    ) -> None:
        """Ask for the wanted units of each placing and enter what is answered, and why not what is not."""
        batches = [
            (index, batch)
            for index, units in enumerate(wanted)
            for batch in _batches(units, self._settings.records_per_classification)
        ]
        requests = [self._classification(f"{i}", placings[index], batch) for i, (index, batch) in enumerate(batches)]
        for (index, batch), outcome in zip(batches, self._ask(requests), strict=True):
            answer = answers[index]
            if outcome.reply is None:
                reason = _reason(outcome)
                # A first reply that said nothing usable stays the reason when the second call fails.
                answer.reasons.update({unit: answer.reasons.get(unit, reason) for unit in batch})
                answer.details[reason] += 1
            else:
                _enter(answer, placings[index], batch, outcome.reply.choices)

    def _classification(self, key: str, placing: Placing, batch: Sequence[int]) -> Request[ChoicesReply]:
        units = [placing.group.units[unit] for unit in batch]
        messages = self._model.prompts.render(
            "taxonomy_classify",
            parent=" > ".join(placing.group.path),
            categories=_numbered([Draft(one.name, one.description) for one in placing.into]),
            may_fit_none=placing.may_fit_none,
            records="\n".join(
                f"{number}. {shortened(unit.title, _TITLE_CHARS) or '(no title)'}"
                + (f" | {shortened(unit.summary, _SUMMARY_CHARS)}" if unit.summary.strip() else "")
                for number, unit in enumerate(units, 1)
            ),
            n_records=len(units),
            n_categories=len(placing.into),
        )
        return Request(
            key=key,
            messages=messages,
            reply=ChoicesReply,
            template=self._model.prompts.template_id("taxonomy_classify"),
            max_tokens=100 + _TOKENS_PER_CHOICE * len(units),
        )

    def _ask(self, requests: Sequence[Request[R]]) -> list[Outcome[R]]:
        return self._model.ask_all(requests, self._purpose) if requests else []


def _note(group: Group, what: str, reason: str) -> str:
    where = f"under “{' > '.join(group.path)}”" if group.path else "at the top"
    return f"categories {where}: a {what} had no answer ({reason})"


def _unanswered(group: Group, notes: Sequence[str], reason: str) -> Division:
    choices = (NO_ANSWER,) * len(group.units)
    return Division((), choices, dict.fromkeys(range(len(choices)), reason), tuple(notes))


def _listed(group: Group, seed: int) -> list[str]:
    """Lines "count x title", frequent first; summaries below a category whose errors all have one title."""
    counts: Counter[str] = Counter()
    shown: dict[str, str] = {}
    by_summary = bool(group.path) and len({unit.title_key for unit in group.units}) == 1
    for unit in group.units:
        text = unit.summary if by_summary else unit.title
        key = normalized(text) if by_summary else unit.title_key
        counts[key] += unit.count
        if key not in shown:
            shown[key] = shortened(text, _SUMMARY_CHARS if by_summary else _TITLE_CHARS)
    # Of equal counts in the order of a digest: in that of the alphabet a batch would hold one kind of title.
    ranked = sorted(counts, key=lambda key: (-counts[key], text_hash(f"{seed}:{key}"), key))
    return [f"{counts[key]} x {shown[key] or '(no title)'}" for key in ranked]


def _batches(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    for first in range(0, len(items), size):
        yield items[first : first + size]


def _numbered(drafts: Sequence[Draft]) -> str:
    return "\n".join(f"{number}. {draft.name}: {draft.description}" for number, draft in enumerate(drafts, 1))


def _distinct(replies: Sequence[CategoryReply]) -> list[Draft]:
    """The proposed categories, cleaned; of equal names the first."""
    drafts: dict[str, Draft] = {}
    for one in replies:
        name = clean_name(one.name)
        drafts.setdefault(normalized(name), Draft(name, clean_description(one.description)))
    return list(drafts.values())


def _too_many(limit: int) -> Any:
    def complaint(reply: CategoriesReply) -> str | None:
        number = len(_distinct(reply.categories))
        return (
            f"{number} categories are too many: merge them until at most {limit} are left" if number > limit else None
        )

    return complaint


def _enter(answer: _Answers, placing: Placing, batch: Sequence[int], replies: Sequence[ChoiceReply]) -> None:
    """Enter the reply's choices; a number that is asked of nothing is ignored, two choices for one record are none."""
    said: dict[int, set[int]] = {}
    for one in replies:
        said.setdefault(one.record, set()).add(one.category)
    least = 0 if placing.may_fit_none else 1
    for number, unit in enumerate(batch, 1):
        choices = said.get(number, set())
        choice = next(iter(choices)) if len(choices) == 1 else None
        if choice is not None and least <= choice <= len(placing.into):
            answer.chosen[unit] = choice - 1 if choice else FITS_NONE
            answer.reasons.pop(unit, None)
        else:
            answer.reasons[unit] = "unknown_category" if choices else "no_answer"


def _division(placing: Placing, answer: _Answers) -> Division:
    choices = tuple(answer.chosen.get(unit, NO_ANSWER) for unit in range(len(placing.group.units)))
    where = f"under “{' > '.join(placing.group.path)}”" if placing.group.path else "at the top"
    notes = tuple(
        f"classification {where}: {number} call{'s' if number > 1 else ''} had no answer ({reason})"
        for reason, number in sorted(answer.details.items())
    )
    return Division((), choices, answer.reasons, notes)


def _reason(outcome: Outcome[Any]) -> str:
    return outcome.reason or outcome.status
