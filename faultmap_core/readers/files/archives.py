"""Read the content of zip and gzip files without trusting it.

Nothing is ever written to disk. What comes out is bounded by what went in, so that a bomb is an error after a moment;
entries that point outside of their archive, that are encrypted or compressed in a way that nobody's logs are, are
refused.
"""

from __future__ import annotations

import gzip
import io
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO, Any, cast

import pyarrow as pa

from faultmap_core.base.errors import EvalFileError

MAX_EXPANSION = 200
"""Logs shrink to a twentieth, logs of agents that repeat themselves to a hundredth; bombs to a thousandth."""

FREE_BYTES = 64_000_000
"""Up to here a small file may expand as it likes: it costs a second."""

MAX_DIRECTORY_BYTES = 32_000_000
"""The list of a zip's entries is held in memory (some 250,000 samples); a longer one is refused."""

_ZSTANDARD = 93
_METHODS = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, _ZSTANDARD}
_ENCRYPTED = 0x1
_LOCAL_HEADER = struct.Struct("<26xHH")
_DAMAGE = (
    zipfile.BadZipFile, zipfile.LargeZipFile, zlib.error, EOFError, OSError, ValueError, RuntimeError, struct.error,
    OverflowError, pa.ArrowException,
)  # fmt: skip


class ExpansionLimit:
    """Counts what came out of a compressed file; more than its size allows is an EvalFileError."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._allowed = FREE_BYTES + MAX_EXPANSION * path.stat().st_size

    def count(self, size: int) -> None:
        """Note `size` more bytes."""
        self._allowed -= size
        if self._allowed < 0:
            raise EvalFileError(
                f"{self._path}: it expands to more than {MAX_EXPANSION} times its size, as no log does; given up"
            )


class _Limited(io.RawIOBase):
    """A stream whose bytes are counted and whose damage is an EvalFileError."""

    def __init__(
        self, read: Callable[[int], bytes], limit: ExpansionLimit, close: Callable[[], None], name: str
    ) -> None:
        self._read, self._limit, self._close, self._name = read, limit, close, name

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        try:
            block = self._read(len(buffer))
        except _DAMAGE as error:
            raise EvalFileError(f"{self._name}: damaged or truncated: {_line(error)}") from error
        self._limit.count(len(block))
        buffer[: len(block)] = block
        return len(block)

    def close(self) -> None:
        if not self.closed:
            self._close()
        super().close()


def open_gzip(path: Path) -> IO[bytes]:
    """Open a gzip file for reading; expanding too far is an EvalFileError. Raises OSError."""
    limit = ExpansionLimit(path)
    stream = gzip.GzipFile(path, "rb")
    return io.BufferedReader(_Limited(stream.read, limit, stream.close, str(path)))


class ZipLog:
    """A log that is a zip file. Used as a context manager.

    Attributes: names: of its entries, in the archive's order; of entries with one name the last counts.
    Raises: EvalFileError where it is no zip file, or one that no tool writes as a log.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._limit = ExpansionLimit(path)
        self._file = path.open("rb")
        try:
            self._zip = zipfile.ZipFile(cast(IO[bytes], _ShortReads(self._file)))
            for entry in self._zip.infolist():
                self._check(entry)
        except _DAMAGE as error:
            self._file.close()
            raise EvalFileError(f"{path}: no zip file, or a truncated one: {_line(error)}") from error
        except EvalFileError:
            self._file.close()
            raise
        self.names = list(dict.fromkeys(self._zip.namelist()))

    def __enter__(self) -> ZipLog:
        return self

    def __exit__(self, *_: object) -> None:
        self._zip.close()
        self._file.close()

    @contextmanager
    def text(self, name: str) -> Iterator[IO[str]]:
        """Open one entry as UTF-8 text."""
        entry = self._zip.getinfo(name)
        shown = f"{self._path}: entry {_shown(name)!r}"
        try:
            stream = self._zstandard(entry) if entry.compress_type == _ZSTANDARD else self._zip.open(entry)
        except (*_DAMAGE, KeyError) as error:
            raise EvalFileError(f"{shown} cannot be read: {_line(error)}") from error
        raw = _Limited(stream.read, self._limit, stream.close, shown)
        with io.TextIOWrapper(io.BufferedReader(raw), encoding="utf-8-sig", errors="replace", newline="") as text:
            yield text

    def _check(self, entry: zipfile.ZipInfo) -> None:
        shown = f"{self._path}: entry {_shown(entry.filename)!r}"
        parts = PurePosixPath(entry.filename.replace("\\", "/"))
        if parts.is_absolute() or ".." in parts.parts or ":" in entry.filename[:2]:
            raise EvalFileError(f"{shown} points outside of the archive; this is no log")
        if entry.flag_bits & _ENCRYPTED:
            raise EvalFileError(f"{shown} is encrypted; expected a log without a password")
        if entry.compress_type not in _METHODS:
            raise EvalFileError(f"{shown} is compressed by method {entry.compress_type}; expected deflate or zstandard")

    def _zstandard(self, entry: zipfile.ZipInfo) -> _WholeEntry:
        # zipfile knows zstandard from Python 3.14 on; Inspect AI writes it since 2026.
        self._file.seek(entry.header_offset)
        header = self._file.read(_LOCAL_HEADER.size)
        name_length, extra_length = _LOCAL_HEADER.unpack(header)
        start = entry.header_offset + _LOCAL_HEADER.size + name_length + extra_length
        part = _Part(self._path, start, entry.compress_size)
        return _WholeEntry(pa.CompressedInputStream(pa.PythonFile(part, mode="r"), "zstd"), part, entry)


class _WholeEntry:
    """An entry's content; ends with an error where it is not of the size and checksum that the archive tells."""

    def __init__(self, stream: Any, part: _Part, entry: zipfile.ZipInfo) -> None:
        self._stream, self._part, self._entry = stream, part, entry
        self._size, self._checksum = 0, 0

    def read(self, size: int = -1, /) -> bytes:
        block = bytes(self._stream.read(size))
        self._size += len(block)
        self._checksum = zlib.crc32(block, self._checksum)
        if not block and (self._size, self._checksum) != (self._entry.file_size, self._entry.CRC):
            raise zipfile.BadZipFile("its content is not what the archive tells")
        return block

    def close(self) -> None:
        self._stream.close()
        self._part.close()


class _Part:
    """Some bytes of a file, as a file."""

    def __init__(self, path: Path, start: int, size: int) -> None:
        self._file, self._left, self.closed = path.open("rb"), size, False
        self._file.seek(start)

    def read(self, size: int = -1, /) -> bytes:
        block = self._file.read(self._left if size < 0 else min(size, self._left))
        self._left -= len(block)
        return block

    def close(self) -> None:
        self._file.close()
        self.closed = True


class _ShortReads:
    """A file from which nobody reads very much at once; zipfile reads its directory in one piece."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.seek, self.tell, self.seekable = file.seek, file.tell, file.seekable

    def read(self, size: int = -1, /) -> bytes:
        if size > MAX_DIRECTORY_BYTES:
            raise zipfile.BadZipFile(f"its list of entries takes more than {MAX_DIRECTORY_BYTES:,} bytes")
        return self._file.read(size)


def _shown(name: str) -> str:
    return "".join(character if character.isprintable() else "\ufffd" for character in name)[:80]


def _line(error: BaseException) -> str:
    text = getattr(error, "strerror", None) or str(error).strip() or type(error).__name__
    return _shown(" ".join(str(text).split()))[:200]
