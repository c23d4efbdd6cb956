"""What a prompt is, and the few ways in which skills and log topics fill their templates."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from random import Random
from typing import TypeVar

from examples.make_example import scoring
from examples.make_example.scoring import Check

T = TypeVar("T")


@dataclass(frozen=True)
class Prompt:
    """A question to the model, the reference answer in words, and the check that scores an answer in [0, 1].

    Where the reference only describes a right answer, `solved` is such an answer, as a few-shot example shows it.
    """

    text: str
    reference: str
    check: Check
    solved: str = ""


Skill = Callable[[Random], Iterator[Prompt]]


def entries(table: str) -> list[list[str]]:
    return [[cell.replace("_", " ") for cell in entry.split(":")] for entry in table.split()]


def lines(text: str) -> list[str]:
    return [line.strip() for line in text.replace("\n", "|").split("|") if line.strip()]


def rounds(rng: Random, entries: Sequence[T]) -> Iterator[T]:
    """Every entry once in a shuffled order, then again in another."""
    while True:
        yield from rng.sample(list(entries), len(entries))


def in_turn(rng: Random, templates: str) -> Iterator[str]:
    return rounds(rng, lines(templates))


def show(value: Fraction | int) -> str:
    return str(int(value)) if Fraction(value).denominator == 1 else f"{float(value):g}"


def numeric(text: str, value: Fraction | int) -> Prompt:
    return Prompt(text, show(value), scoring.number(float(value), text))
