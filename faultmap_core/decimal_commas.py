"""Reads numbers that are written with a decimal comma, where a whole column is consistently written so."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

_COMMA = re.compile(r"[-+]?\d*,\d+")
_POINT = re.compile(r"[-+]?\d*\.\d+(?:[eE][-+]?\d+)?")
# "1,234" may be one and a bit, or more than a thousand; "0,234" and "1,23" may not.
_GROUPED = re.compile(r"[-+]?[1-9]\d{0,2},\d{3}")


def decimal_comma(value: Any) -> float | None:
    """Return 0.85 for `0,85`; None for what is not a number with a decimal comma."""
    text = value.strip() if isinstance(value, str) else ""
    return float(text.replace(",", ".")) if _COMMA.fullmatch(text) else None


@dataclass
class DecimalsSeen:
    """How the numbers of one column are written: the first with a comma, with a point, and with a comma that can
    separate nothing but decimals."""

    comma: str = ""
    point: str = ""
    sure_comma: str = ""

    def note(self, value: Any) -> None:
        """Look at one cell; a float that is no text has no spelling, but was written with a point."""
        if isinstance(value, float):
            self.point = self.point or (str(value) if value == value and not value.is_integer() else "")
            return
        text = value.strip() if isinstance(value, str) else ""
        if _COMMA.fullmatch(text):
            self.comma = self.comma or text
            if not _GROUPED.fullmatch(text):
                self.sure_comma = self.sure_comma or text
        elif _POINT.fullmatch(text):
            self.point = self.point or text

    def problem(self, what: str = "scores") -> str:
        """Say why commas cannot be read as decimal ones; empty where they can, or where there are none."""
        if not self.comma:
            return ""
        if self.point:
            return (
                f"{what} are written with decimal commas and with decimal points ({self.comma!r} and {self.point!r}):"
                " write all of them with points"
            )
        if not self.sure_comma:
            shown = self.comma.replace(",", ".")
            return (
                f"{what} such as {self.comma!r} can be {shown} or {self.comma.replace(',', '')}: write them with a"
                " decimal point and without separators of thousands"
            )
        return ""
