"""Find the wrong sums in a text. Only plain numbers, + - * / and brackets are read."""

from __future__ import annotations

import re
from dataclasses import dataclass

_DIGITS = r"[$€£]?\d+(?:,\d{3})*(?:\.\d+)?"
_NUM = rf"\(?-?{_DIGITS}\)?"
# Starts not inside a longer expression, and ends where the result stands alone.
_EQUATION = re.compile(
    rf"(?<![\w.,)\]^%:/*×÷·√±\\_|])(?P<left>[(]{{0,3}}{_NUM}(?:(?:\s?[-−+*×÷/]\s?|x(?=\d)|\sx\s)[(]{{0,3}}{_NUM}){{1,8}}[)]{{0,3}})"
    rf"\s?=\s?(?P<right>[-−]?[$€£]?-?{_DIGITS})(?![\w^%:,.]*\d)(?!\.{{2}}|…|\s?[-−+*×÷/^%:=]|\s?x\s?\d|\s?[\\_])"
)
_OPEN_BEFORE = re.compile(r"[-−+*×÷/^=<>≡]\s*$")
# "A quarter of it, 1/4 = 12" and "5x 1/4 = 3": a lone fraction behind a word is a part of something.
_LONE_FRACTION = re.compile(r"[(]?\d+/\d[\d.]*[)]?\s?=")
_MODULAR = re.compile(r"^.{0,25}(?:\bmod|\bremainder|\br\s?\d|\bin\s+Z)", re.IGNORECASE | re.DOTALL)
_OTHER_BASE = re.compile(r"\b(?:binary|hexadecimal|octal|base[ -]?\d|mod\b|modulo|Z_)", re.IGNORECASE)
_TOKEN = re.compile(r"\d+(?:\.\d+)?|[-+*/()]")
_READ = 20_000


@dataclass(frozen=True)
class WrongSum:
    """An equation whose right side is not what its left side comes to: `text` as written, `value` the true result."""

    text: str
    value: float


def wrong_sums(text: str) -> list[WrongSum]:
    """Return the wrong equations among the plain ones of a text, in their order.

    Rounded results are right: to the digits that are written, down or up to a whole number, or within one per cent.
    Texts that speak of other bases or of modular arithmetic are not judged.
    """
    read = text[:_READ]
    if "=" not in read:
        return []
    found = []
    for match in _EQUATION.finditer(read):
        if _OPEN_BEFORE.search(read[max(0, match.start() - 4) : match.start()]):
            continue
        if _LONE_FRACTION.match(match[0]) and re.search(r"[\w)]\s*$", read[max(0, match.start() - 4) : match.start()]):
            continue
        if _MODULAR.match(read[match.end() : match.end() + 40]):
            continue
        value = _value(match["left"])
        if value is not None and not _same(value, match["right"]):
            found.append(WrongSum(match[0].strip(), value))
    return [] if found and _OTHER_BASE.search(read) else found


def _plain(text: str) -> str:
    text = re.sub(r"[$€£]", "", text)
    return re.sub(r",(?=\d{3}(?!\d))", "", text).replace("−", "-").replace("×", "*").replace("x", "*").replace("÷", "/")


def _same(value: float, written: str) -> bool:
    plain = _plain(written)
    try:
        result = float(plain)
    except ValueError:
        return True
    places = len(plain.partition(".")[2])
    slack = 1.001 * 10.0**-places if places or value != int(value) else 1e-9
    return abs(result - value) <= max(slack, 0.01 * abs(value) if value != int(value) else 1e-9 * abs(value))


def _value(expression: str) -> float | None:
    """Evaluate an expression; None where it is none, has a comma left, or divides by zero."""
    plain = _plain(expression)
    if "," in plain or len(plain) > 200:
        return None
    tokens = _TOKEN.findall(plain)
    if "".join(tokens) != re.sub(r"\s", "", plain):
        return None
    try:
        value, rest = _sum(tokens, 0)
    except (IndexError, ValueError, ZeroDivisionError, OverflowError):
        return None
    return value if rest == len(tokens) and abs(value) < 1e15 else None


def _sum(tokens: list[str], at: int) -> tuple[float, int]:
    value, at = _product(tokens, at)
    while at < len(tokens) and tokens[at] in "+-":
        term, after = _product(tokens, at + 1)
        value, at = (value + term if tokens[at] == "+" else value - term), after
    return value, at


def _product(tokens: list[str], at: int) -> tuple[float, int]:
    value, at = _factor(tokens, at)
    while at < len(tokens) and tokens[at] in "*/":
        factor, after = _factor(tokens, at + 1)
        value, at = (value * factor if tokens[at] == "*" else value / factor), after
    return value, at


def _factor(tokens: list[str], at: int) -> tuple[float, int]:
    if tokens[at] == "-":
        value, at = _factor(tokens, at + 1)
        return -value, at
    if tokens[at] == "(":
        value, at = _sum(tokens, at + 1)
        if tokens[at] != ")":
            raise ValueError
        return value, at + 1
    return float(tokens[at]), at + 1
