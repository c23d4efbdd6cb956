"""Extract the numbers of a text, and describe how one number differs from another."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation

from faultmap_core.data.prompts import normalized

_NUMBER = re.compile(
    r"(?<![\w.])([-−]?)[$€£¥]?[ ]?(-?(?:\d{1,3}(?:,\d{3})+(?!\d)|\d+)(?:\.\d+)?(?:[eE][-+]?\d{1,3})?)(?!\w*\d)"
)
_ONLY_NUMBER = re.compile(
    r"\s*[-−+]?\s?[$€£¥]?\s?-?\d[\d,]*(?:\.\d+)?(?:[eE][-+]?\d{1,3})?\s*(?:[%°€$£¥]|°?[^\W\d_]{1,12})?\.?\s*"
)
_FRACTION = re.compile(r"\s*(-?\d{1,15})\s*/\s*(\d{1,15})\s*")
_MONTHS = re.compile(r"(?i)\b(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\b")
_TEENS = "ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen"
_UNIT_WORDS = f"zero one two three four five six seven eight nine {_TEENS}"
_UNITS = tuple(_UNIT_WORDS.split())
_TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_MOST_DIGITS = 60
# More do not fit into the precision of decimal arithmetic.
_COMPARED_DIGITS = 25
_NEAR = Decimal("0.01")
_ROUNDING = Decimal("0.1")


@dataclass(frozen=True)
class Number:
    """A number in a text: its value and how it is written there."""

    value: Decimal
    text: str
    end: int


def numbers_in(text: str) -> list[Number]:
    """Return the numbers of a text in their order; a minus counts where it touches the digits."""
    found = []
    for match in _NUMBER.finditer(text):
        value = _decimal(match[2])
        if value is not None:
            found.append(Number(-value if match[1] else value, match[0].strip(), match.end()))
    return found


def _decimal(digits: str) -> Decimal | None:
    if len(digits) > _MOST_DIGITS:
        return None
    try:
        return Decimal(digits.replace(",", ""))
    except InvalidOperation:
        return None


def number_of(text: str) -> Decimal | None:
    """Return the number that a whole text states, with its currency, percent sign or unit; None where it is none."""
    fraction = _FRACTION.fullmatch(text)
    if fraction and int(fraction[2]):
        return Decimal(int(fraction[1])) / Decimal(int(fraction[2]))
    if not _ONLY_NUMBER.fullmatch(text) or _MONTHS.search(text):
        return None
    found = numbers_in(text)
    return found[0].value if len(found) == 1 else None


def number_word(text: str) -> Decimal | None:
    """Return the value of an English number word below one hundred ("thirty-four"), None for anything else."""
    first, _, second = normalized(text).strip(" .").replace(" ", "-").partition("-")
    if first in _UNITS and not second:
        return Decimal(_UNITS.index(first))
    if first in _TENS and (not second or second in _UNITS[1:10]):
        return Decimal(10 * (_TENS.index(first) + 2) + (_UNITS.index(second) if second else 0))
    return None


def near_miss(answer: Decimal, reference: Decimal) -> str:
    """Return in what small way a number misses its reference, "" where it does not: the first that applies of

    "sign_error" (the same amount), "factor_of_ten" (a power of ten up to a million), "rounding" (one is the other,
    rounded or cut to fewer digits, by a tenth at most), "transposed_digits" (two neighbouring digits changed places),
    "off_by_one" (whole numbers), "within_one_percent".
    """
    if max(len(str(answer)), len(str(reference))) > _COMPARED_DIGITS:
        return ""
    if answer == -reference:
        return "sign_error"
    if answer and reference and any(answer == reference.scaleb(k) for k in range(-6, 7) if k):
        return "factor_of_ten"
    if _rounded(answer, reference) or _rounded(reference, answer):
        return "rounding"
    if _transposed(str(answer), str(reference)):
        return "transposed_digits"
    if abs(answer - reference) == 1 and answer == answer.to_integral_value():
        return "off_by_one"
    return "within_one_percent" if abs(answer - reference) <= _NEAR * abs(reference) else ""


def _rounded(short: Decimal, long: Decimal) -> bool:
    """Whether `short` is `long` with fewer decimal places, rounded or cut."""
    places, more = _places(short), _places(long)
    if places >= more:
        return False
    if abs(long - short) > _ROUNDING * abs(long):
        return False
    unit = Decimal(1).scaleb(-places)
    return long.quantize(unit, ROUND_HALF_UP) == short or (abs(long - short) < unit and short != 0)


def _places(number: Decimal) -> int:
    exponent = number.normalize().as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0


def _transposed(answer: str, reference: str) -> bool:
    if len(answer) != len(reference):
        return False
    differing = [i for i, (a, b) in enumerate(zip(answer, reference, strict=True)) if a != b]
    if len(differing) != 2 or differing[1] != differing[0] + 1:
        return False
    i, j = differing
    return (answer[i], answer[j]) == (reference[j], reference[i]) and answer[i].isdigit() and answer[j].isdigit()
