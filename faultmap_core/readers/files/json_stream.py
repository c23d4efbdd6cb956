"""Read a JSON document of any size piece by piece, in bounded memory.

The reader walks along objects and arrays, decodes the values that are wanted and skips the others without keeping
them. What is wrong with one value is that value's problem (`RowError`); a document that is no JSON is an
`EvalFileError`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator
from contextlib import suppress
from typing import Any, Protocol

import numpy as np

from faultmap_core.base.errors import EvalFileError
from faultmap_core.data.eval_table import RowError

MAX_VALUE_CHARACTERS = 32_000_000
"""A longer value is not decoded: what people bring is a thousandth of it, and it would take its tenfold in memory."""

MAX_VALUES = 3_000_000
"""A value may hold so many values (about 100 bytes each); the log probabilities of 100,000 tokens stay below it."""

_CHUNK = 1 << 16
_LARGE_CHUNK = 1 << 20
_FIRST_WINDOW = 1 << 10
_TRUNCATED = "it ends too early; is it truncated?"
_MAX_KEY_CHARACTERS = 10_000
# What a cut-off number, literal or escape can still lack at the end of the buffer.
_CUT_OFF = 16
_SPACE = re.compile(r"[ \t\r\n]*")
_SCALAR = re.compile(r"[^,\]}\s]*")
_STRING = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"', re.DOTALL)
_IN_STRING = re.compile(r'[^"\\]*+(?:\\.[^"\\]*+)*+', re.DOTALL)
_STRING_OR_BRACKET = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"|[\[\]{}]', re.DOTALL)


class TextSource(Protocol):
    """What is read from: `read(n)` returns at most n characters, "" at the end."""

    def read(self, size: int, /) -> str:
        """Return at most `size` characters."""
        ...


def decode_value(text: str) -> Any:
    """Decode one JSON text as `JsonStream.value` would. Raises RowError where it is no JSON or holds too much."""
    if len(text) > _CHUNK and _too_many(text, 0):
        raise RowError(f"holds more than {MAX_VALUES:,} values")
    try:
        return json.loads(text)
    except RecursionError:
        raise RowError("no JSON: its values are nested too deeply") from None
    except ValueError as error:
        raise RowError(f"no JSON: {error}") from None


class JsonStream:
    """One JSON document, read forward.

    Args:
        source: the document's text.
        name: of the file, for errors.
        whole: False where the text is but the beginning; else what follows the document is an error, as a part of the
            file that nobody read.
    """

    def __init__(self, source: TextSource, name: str, *, whole: bool = True) -> None:
        self._source, self._name, self._whole = source, name, whole
        self._depth = 0
        self._decoder = json.JSONDecoder()
        self._buffer, self._at, self._read, self._ended = "", 0, 0, False
        # A value that `members` or `items` announced and nobody has read yet.
        self._announced = False

    def peek(self) -> str:
        """Return the next character that is no space, "" at the end of the document."""
        while True:
            self._at = _SPACE.match(self._buffer, self._at).end()  # type: ignore[union-attr]
            if self._at < len(self._buffer):
                return self._buffer[self._at]
            if not self._fill(_CHUNK):
                return ""

    def members(self) -> Iterator[str]:
        """Walk along an object: yields each key; its value may then be read, walked along or left out."""
        self._announced = False
        self._depth += 1
        self._expect("{")
        separator = ""
        while self.peek() != "}":
            if separator:
                self._expect(separator)
            key = self._decode(_MAX_KEY_CHARACTERS)
            if not isinstance(key, str):
                raise self._error("no JSON: a key is no text")
            self._expect(":")
            yield from self._announce(key)
            separator = ","
        self._close("}")

    def items(self) -> Iterator[int]:
        """Walk along an array: yields each position from 0; its value may then be read, walked along or left out."""
        self._announced = False
        self._depth += 1
        self._expect("[")
        position = 0
        while self.peek() != "]":
            if position:
                self._expect(",")
            yield from self._announce(position)
            position += 1
        self._close("]")

    def value(self, limit: int = MAX_VALUE_CHARACTERS) -> Any:
        """Decode the next value. Raises RowError where it is too large or nested too deeply; it is skipped then."""
        self._announced = False
        value = self._decode(limit)
        self._end_of_document()
        return value

    def record(
        self, wanted: Collection[str], limit: int = MAX_VALUE_CHARACTERS, *, spared: Collection[str] = ()
    ) -> dict[str, Any]:
        """Decode an object's wanted members, of at most `limit` characters together; the others are skipped.

        Args: spared: wanted members that are objects whose own members are left out where they are too large, at most
            `limit` characters of each object; they do not count for the others.
        Raises: RowError where the value is no object, or one of its wanted members cannot be decoded.
        """
        if self.peek() != "{":
            self.skip()
            raise RowError("expected a JSON object")
        record: dict[str, Any] = {}
        problem: RowError | None = None
        for key in self.members():
            if key not in wanted or problem:
                continue
            if key in spared and self.peek() == "{":
                record[key] = self._what_fits(MAX_VALUE_CHARACTERS)
                continue
            start = self._position
            try:
                record[key] = self.value(limit)
            except RowError as error:
                problem = RowError(f"{key}: {error}")
            limit -= self._position - start
            if limit <= 0 and not problem:
                problem = RowError(f"its texts are longer than {MAX_VALUE_CHARACTERS:,} characters")
        if problem:
            raise problem
        return record

    def _what_fits(self, limit: int) -> dict[str, Any]:
        """Decode an object's members, without those that are too large or for which there is no room any more."""
        found: dict[str, Any] = {}
        for key in self.members():
            if limit <= 0:
                continue
            start = self._position
            with suppress(RowError):
                found[key] = self.value(limit)
                limit -= self._position - start
        return found

    def head(self, wanted: Collection[str]) -> dict[str, Any]:
        """Decode the document's wanted members, without which it cannot be read: raises EvalFileError alone."""
        try:
            return self.record(wanted)
        except RowError as error:
            raise self._error(str(error)) from None

    def skip(self) -> None:
        """Leave the next value out."""
        self._announced = False
        first = self.peek()
        if first in ("[", "{"):
            self._skip_container()
        elif first == '"':
            self._skip_string()
        elif not self._skip_scalar():
            raise self._error("no JSON: a value is missing" if first else _TRUNCATED)

    def end(self) -> None:
        """Raise EvalFileError where anything follows the document."""
        if self.peek():
            raise self._error("no JSON: something follows the document")

    @property
    def _position(self) -> int:
        return self._read - len(self._buffer) + self._at

    def _announce(self, what: Any) -> Iterator[Any]:
        self._announced = True
        yield what
        if self._announced:
            self.skip()

    def _decode(self, limit: int) -> Any:
        if not self.peek():
            raise self._error(_TRUNCATED)
        while True:
            try:
                value, end = self._decoder.raw_decode(self._buffer, self._at)
                if self._ended or not self._cut_off_number(value, end):
                    self._at = end
                    return value
            except RecursionError:
                self.skip()
                raise RowError("its values are nested too deeply") from None
            except json.JSONDecodeError as error:
                self._raise_unless_cut_off(error)
            except ValueError as error:
                self.skip()
                raise RowError(f"no JSON: {error}") from None
            held = len(self._buffer) - self._at
            if held >= limit:
                self.skip()
                raise RowError(f"a value is longer than {limit:,} characters")
            self._fill(max(_CHUNK, held))
            if _too_many(self._buffer, self._at):
                self.skip()
                raise RowError(f"holds more than {MAX_VALUES:,} values")

    def _cut_off_number(self, value: Any, end: int) -> bool:
        """Say whether a value ends where the buffer does, or is a number that may go on (`1.` or `1e+`)."""
        if end == len(self._buffer):
            return True
        unfinished = len(self._buffer) - end < _CUT_OFF and self._buffer[end] in ".eE"
        return unfinished and isinstance(value, int | float)

    def _raise_unless_cut_off(self, error: json.JSONDecodeError) -> None:
        cut_off = error.msg.startswith("Unterminated string") or error.pos >= len(self._buffer) - _CUT_OFF
        if cut_off and not self._ended:
            return
        truncated = error.msg.startswith("Unterminated string") or error.pos >= len(self._buffer) - 1
        raise self._error(_TRUNCATED if truncated else f"no JSON: {error.msg}")

    def _skip_container(self) -> None:
        depth = 0
        # Most are short, and what is read ahead belongs to others; long ones are passed in long steps.
        window = _FIRST_WINDOW
        while True:
            text = self._buffer[self._at : self._at + window]
            bare = _STRING.sub("", text)
            unfinished = bare.find('"')
            after = _depths(bare if unfinished < 0 else bare[:unfinished], depth)
            if len(after) and after.min() <= 0:
                self._at = self._end_of_container(depth)
                return
            depth = int(after[-1]) if len(after) else depth
            if unfinished >= 0:
                self._at += len(text) - (len(bare) - unfinished)
                self._skip_string()
            else:
                self._at += len(text)
            if self._at == len(self._buffer) and not self._fill(_LARGE_CHUNK):
                raise self._error(_TRUNCATED)
            window = min(2 * window, _LARGE_CHUNK)

    def _end_of_container(self, depth: int) -> int:
        for found in _STRING_OR_BRACKET.finditer(self._buffer, self._at):
            token = found.group()
            depth += (token in ("[", "{")) - (token in ("]", "}"))
            if depth == 0:
                return found.end()
        raise self._error(_TRUNCATED)

    def _skip_string(self) -> None:
        self._at += 1
        while True:
            self._at = _IN_STRING.match(self._buffer, self._at).end()  # type: ignore[union-attr]
            if self._buffer.startswith('"', self._at):
                self._at += 1
                return
            # Here is the end, or a backslash whose second half is still to come.
            if not self._fill(_LARGE_CHUNK):
                raise self._error(_TRUNCATED)

    def _skip_scalar(self) -> int:
        length = 0
        while True:
            end = _SCALAR.match(self._buffer, self._at).end()  # type: ignore[union-attr]
            length += end - self._at
            self._at = end
            if end < len(self._buffer) or not self._fill(_CHUNK):
                return length

    def _close(self, bracket: str) -> None:
        self._expect(bracket)
        self._depth -= 1
        self._end_of_document()

    def _end_of_document(self) -> None:
        if self._whole and not self._depth:
            self.end()

    def _expect(self, character: str) -> None:
        found = self.peek()
        if found != character:
            if not found:
                raise self._error(_TRUNCATED)
            raise self._error(f"no JSON: expected {character!r}")
        self._at += 1

    def _fill(self, size: int) -> bool:
        """Read more; say whether there was more."""
        if self._ended:
            return False
        more = self._source.read(size)
        self._ended = not more
        self._read += len(more)
        self._buffer = self._buffer[self._at :] + more
        self._at = 0
        return bool(more)

    def _error(self, what: str) -> EvalFileError:
        return EvalFileError(f"{self._name}: {what} (character {self._position:,})")


def _too_many(text: str, start: int) -> bool:
    # Every value but the first of a container stands behind a comma; commas in texts only make the bound stricter.
    return sum(text.count(mark, start) for mark in ",[{") > MAX_VALUES


def _depths(text: str, depth: int) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Return the nesting depth behind each bracket of a text without strings."""
    characters = np.frombuffer(text.encode("latin-1", "replace"), dtype=np.uint8)
    brackets = characters[np.isin(characters, np.frombuffer(b"[]{}", dtype=np.uint8))]
    # In ASCII, [ and { have the low bits 011, ] and } have 101.
    steps: np.ndarray[Any, np.dtype[np.int64]] = np.where(brackets & 2, 1, -1)
    return depth + np.cumsum(steps)
