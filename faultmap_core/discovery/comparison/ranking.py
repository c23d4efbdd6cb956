"""Order several models by how they did, and say which of them can be told apart.

The order is by failure rate; who leads and who is tied comes from the paired comparisons, not from the rates.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from faultmap_core.base.records import _Record

Place = Literal["leads", "tied", "behind", "not compared"]
Outcome = Literal["wins", "loses", "open", "none"]


@dataclass(frozen=True)
class PairVerdict:
    """A comparison of two models; `winner` is a model's name, "tie" or "unresolved", `pairs` the compared examples."""

    model_a: str
    model_b: str
    winner: str
    pairs: int


@dataclass(frozen=True)
class Standing(_Record):
    """One model among the others.

    Attributes:
        model, failure_rate: None where nothing is scored.
        place: "leads"; "tied" where the comparison with the leader has no winner; "behind" where the leader wins;
            "not compared" where the two share no example.
        beats, loses_to: models that are shown to be worse, better; open: neither is shown; uncompared: no common
            example.
    """

    model: str
    failure_rate: float | None
    place: Place
    beats: tuple[str, ...]
    loses_to: tuple[str, ...]
    open: tuple[str, ...]
    uncompared: tuple[str, ...]


def rank_models(rates: Mapping[str, float | None], verdicts: Sequence[PairVerdict]) -> tuple[Standing, ...]:
    """Return the models by rising failure rate, the leader first.

    The leader is the model with the lowest failure rate among those that are compared with another and that no
    comparison shows to be worse; where every one of them is beaten by some other, simply the one with the lowest rate.
    Where no two models are compared, nobody leads.

    Args: rates: model -> failure rate on its own examples, None where nothing is scored; verdicts: pairs of them.
    """
    table = outcomes(verdicts)
    names = sorted(rates, key=lambda model: (rates[model] is None, rates[model] or 0.0, model))
    scored = [model for model in names if rates[model] is not None]
    compared = [m for m in scored if any(table.get((m, other), "none") != "none" for other in scored)]
    unbeaten = [m for m in compared if "loses" not in [table.get((m, other)) for other in names]]
    leader = next(iter(unbeaten or compared or (scored if len(scored) == 1 else [])), None)
    standings = []
    for model in sorted(names, key=lambda one: one != leader):
        against: dict[str, list[str]] = {"wins": [], "loses": [], "open": [], "none": []}
        for other in names:
            if other != model:
                against[table.get((model, other), "none")].append(other)
        standings.append(
            Standing(
                model=model,
                failure_rate=rates[model],
                place="leads" if model == leader else _place(table.get((model, leader or ""), "none")),
                beats=tuple(against["wins"]),
                loses_to=tuple(against["loses"]),
                open=tuple(against["open"]),
                uncompared=tuple(against["none"]),
            )
        )
    return tuple(standings)


def outcomes(verdicts: Sequence[PairVerdict]) -> dict[tuple[str, str], Outcome]:
    """Return (model, other) -> how the model did against the other, in both directions."""
    table: dict[tuple[str, str], Outcome] = {}
    for one in verdicts:
        for model, other in ((one.model_a, one.model_b), (one.model_b, one.model_a)):
            if one.pairs < 1:
                table[model, other] = "none"
            elif one.winner in (one.model_a, one.model_b):
                table[model, other] = "wins" if one.winner == model else "loses"
            else:
                table[model, other] = "open"
    return table


def _place(against_leader: Outcome) -> Place:
    places: dict[Outcome, Place] = {"loses": "behind", "open": "tied", "wins": "tied", "none": "not compared"}
    return places[against_leader]


def ranking_sentence(standings: Sequence[Standing]) -> str:
    """Say who leads, who cannot be told apart from it and who is behind; empty for fewer than two scored models."""
    scored = [one for one in standings if one.failure_rate is not None]
    if len(scored) < 2:
        return ""
    leader, *others = scored
    if leader.place == "not compared":
        return "No two of these models can be compared: they share no example that both have a score for."
    by_place = {place: [one.model for one in others if one.place == place] for place in ("tied", "behind")}
    tied, behind = by_place["tied"], by_place["behind"]
    alone = [one.model for one in others if one.place == "not compared"]
    parts = []
    if tied and not behind:
        parts.append(f"{leader.model} fails least, and {_listed(tied)} cannot be told apart from it.")
    elif tied:
        verb = "cannot be told apart from it"
        parts.append(f"{leader.model} fails least; {_listed(tied)} {verb}. {_behind(behind)} than {leader.model}.")
    else:
        than = behind[0] if len(behind) == 1 else f"each of the other {len(behind)}"
        parts.append(f"{leader.model} is better than {than} on the same examples.")
    if alone:
        verb = "shares" if len(alone) == 1 else "share"
        parts.append(f"{_listed(alone)} {verb} no scored example with {leader.model} and cannot be placed.")
    return " ".join(parts)


def _behind(models: Sequence[str]) -> str:
    return f"{models[0]} fails more" if len(models) == 1 else f"The other {len(models)} fail more"


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
