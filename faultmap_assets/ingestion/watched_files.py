"""Find watched files that are new, changed, unreadable or gone, and act on each.

A file is read once its size and time have not changed between two scans at least `watch.settle_seconds` apart: one that
is still being written is left alone. What is known of every file stands in `watched_files`. The work of one scan is
bounded; what is left over follows with the next. `file_sensor` calls this at every tick.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa

from faultmap_assets.ingestion.redaction import Privacy, privacy_of
from faultmap_assets.ingestion.scanning import FoundFile, find_files, look_at, unreachable
from faultmap_assets.ingestion.staging import IngestedFile, drop_files, ingest_file, read_as, stored_path_of
from faultmap_assets.settings import Settings
from faultmap_assets.warehouse.connection import Warehouse
from faultmap_core.base.errors import FaultmapError, WarehouseError
from faultmap_core.data.eval_table import EvalOptions

SETTLING, READ, BAD, MISSING = "settling", "read", "bad", "missing"
KINDS = ("evals", "logs")

_MEGABYTE = 1_000_000


@dataclass(frozen=True)
class WatchedFile:
    """What is known of one file; its columns are those of `watched_files`.

    Attributes:
        read_as: digest of how it is read.
        since: when it was first seen as it is (UTC).
    """

    path: str
    pattern: str
    kind: str
    bytes: int
    modified_ns: int
    read_as: str
    state: str
    reason: str
    since: datetime

    def looks_like(self, other: WatchedFile) -> bool:
        """Say whether there is no sign that the file, or how it is read, changed."""
        return (self.bytes, self.modified_ns, self.read_as) == (other.bytes, other.modified_ns, other.read_as)


@dataclass(frozen=True)
class Listing:
    """What lies in the watched folders now.

    Attributes:
        files: stored path -> the file as it would be if it were new, and where it lies.
        silent: patterns that name nothing now, or whose folder cannot be reached; nothing of theirs counts as removed.
        problems: what could not be listed, in words.
    """

    files: Mapping[str, tuple[WatchedFile, Path]]
    silent: frozenset[str]
    problems: tuple[str, ...]

    @property
    def digest(self) -> str:
        """32 hex digits that change with every file, its size and its time."""
        digest = hashlib.blake2b(digest_size=16)
        for path in sorted(self.files):
            file, _ = self.files[path]
            digest.update(f"{path}\0{file.bytes}\0{file.modified_ns}\0{file.read_as}\0".encode())
        digest.update("\0".join(sorted(self.silent)).encode("utf-8", "surrogatepass"))
        return digest.hexdigest()


@dataclass(frozen=True)
class WatchOutcome:
    """What one scan did.

    Attributes:
        read: files that were read, news or not.
        bad: path and reason of files that cannot be read; each is told once.
        removed: paths that are no longer there; `forgotten` of them had rows that no longer count.
        large: files that want a run of their own.
        waiting: files that are not stable yet, or that the next scan reads.
    """

    read: tuple[IngestedFile, ...] = ()
    bad: tuple[tuple[str, str], ...] = ()
    removed: tuple[str, ...] = ()
    forgotten: int = 0
    large: tuple[WatchedFile, ...] = ()
    waiting: int = 0


def list_watched(settings: Settings, now: datetime) -> Listing:
    """Look into the folders of `evals.paths` and `logs.paths`. Raises ConfigurationError on a setting of theirs."""
    files: dict[str, tuple[WatchedFile, Path]] = {}
    silent: set[str] = set()
    problems: list[str] = []
    for kind in KINDS:
        how = _how(settings, kind)
        for pattern in _patterns(settings, kind):
            matches, problem = _listed(pattern)
            problems += [problem] if problem else []
            if not matches:
                silent.add(pattern)
            for found in matches:
                path = stored_path_of(found.path)
                if path not in files:
                    seen = (found.size, found.modified_ns, how, SETTLING, "", now)
                    files[path] = WatchedFile(path, pattern, kind, *seen), found.path
    return Listing(files, frozenset(silent), tuple(problems))


def watch_files(settings: Settings, warehouse: Warehouse, listing: Listing, now: datetime) -> WatchOutcome:
    """Read what is new or changed and stable, and note what is not; at most `watch.seconds_per_tick` of it.

    Raises: WarehouseError where the warehouse cannot be used; what was read until then is noted.
    """
    known = known_files(warehouse)
    changes = _Changes(known)
    ready = _sort_out(settings, listing, changes, now)
    deadline = time.monotonic() + settings.watch.seconds_per_tick
    read: list[IngestedFile] = []
    large: list[WatchedFile] = []
    tried = 0
    try:
        for file in ready:
            if file.bytes > settings.watch.largest_file_mb * _MEGABYTE:
                large.append(file)
                continue
            if tried >= settings.watch.most_files_per_tick or (tried and time.monotonic() > deadline):
                break
            tried += 1
            noted, ingested = read_watched(settings, warehouse, file, listing.files[file.path][1])
            changes.note(noted)
            read += [ingested] if ingested else []
        removed, forgotten = _removed(settings, warehouse, listing, changes, now)
    finally:
        changes.write(warehouse)
    bad = tuple((file.path, file.reason) for file in changes.noted.values() if file.state == BAD)
    waiting = sum(file.state in (SETTLING, MISSING) for file in changes.all())
    return WatchOutcome(tuple(read), bad, removed, forgotten, tuple(large), waiting)


def read_watched(
    settings: Settings, warehouse: Warehouse, file: WatchedFile, path: Path
) -> tuple[WatchedFile, IngestedFile | None]:
    """Read one file; return what is then known of it, and what became of its rows unless it is bad.

    Raises: WarehouseError where the warehouse cannot be used: that is no fault of the file.
    """
    options, privacy = _options(settings, file.kind)
    now = datetime.now(UTC).replace(tzinfo=None)
    try:
        ingested = ingest_file(warehouse, path, options, privacy=privacy)
    except WarehouseError:
        raise
    except FaultmapError as error:
        return replace(file, state=BAD, reason=str(error).removeprefix(f"{path}: "), since=now), None
    except Exception as error:
        # A defect of ours that one file brings to light must not keep the others from being read.
        reason = f"reading it failed unexpectedly: {type(error).__name__}: {' '.join(str(error).split())[:200]}"
        return replace(file, state=BAD, reason=reason, since=now), None
    after = look_at(path)
    size, modified_ns = (after.size, after.modified_ns) if after else (0, 0)
    if (size, modified_ns) != (file.bytes, file.modified_ns):
        # It was changed while it was read; what was read then is replaced once it is stable.
        return replace(file, bytes=size, modified_ns=modified_ns, state=SETTLING, since=now), ingested
    return replace(file, state=READ, reason="", since=now), ingested


def known_files(warehouse: Warehouse) -> dict[str, WatchedFile]:
    """Return what is known of every watched file, by its stored path."""
    rows = warehouse.query(f"SELECT {', '.join(_COLUMNS)} FROM watched_files").to_pydict()
    return {path: WatchedFile(path, *rest) for path, *rest in zip(*(rows[name] for name in _COLUMNS), strict=True)}


def note_file(warehouse: Warehouse, file: WatchedFile) -> None:
    """Write down what is known of one file."""
    changes = _Changes({})
    changes.note(file)
    changes.write(warehouse)


def bad_files(warehouse: Warehouse) -> list[WatchedFile]:
    """Return the watched files that cannot be read, by path; none is tried again until it changes."""
    return sorted((file for file in known_files(warehouse).values() if file.state == BAD), key=lambda file: file.path)


_COLUMNS = tuple(WatchedFile.__dataclass_fields__)
_SCHEMA = pa.schema(
    [
        *((name, pa.string()) for name in ("path", "pattern", "kind")),
        ("bytes", pa.int64()),
        ("modified_ns", pa.int64()),
        *((name, pa.string()) for name in ("read_as", "state", "reason")),
        ("since", pa.timestamp("us")),
    ]
)


@dataclass
class _Changes:
    """What is to be written down at the end of a scan."""

    known: Mapping[str, WatchedFile]
    noted: dict[str, WatchedFile] = field(default_factory=dict)
    gone: set[str] = field(default_factory=set)

    def note(self, file: WatchedFile) -> None:
        self.noted[file.path] = file

    def forget(self, path: str) -> None:
        self.noted.pop(path, None)
        self.gone.add(path)

    def all(self) -> Iterator[WatchedFile]:
        for path, file in {**self.known, **self.noted}.items():
            if path not in self.gone:
                yield file

    def write(self, warehouse: Warehouse) -> None:
        if not self.noted and not self.gone:
            return
        rows = pa.Table.from_pylist([vars(file) for file in self.noted.values()], schema=_SCHEMA)
        gone = pa.table({"path": pa.array(sorted(self.gone), pa.string())})
        with warehouse.write() as connection:
            connection.register("noted_files", rows)
            connection.register("gone_files", gone)
            connection.execute("DELETE FROM watched_files WHERE path IN (SELECT path FROM gone_files)")
            connection.execute("INSERT OR REPLACE INTO watched_files BY NAME SELECT * FROM noted_files")


def _sort_out(settings: Settings, listing: Listing, changes: _Changes, now: datetime) -> list[WatchedFile]:
    """Note what is new, changed or back; return what is stable and not read yet, oldest first."""
    settled = now - timedelta(seconds=settings.watch.settle_seconds)
    ready = []
    for path, (seen, _) in listing.files.items():
        before = changes.known.get(path)
        if before is None or not before.looks_like(seen) or before.state == MISSING:
            changes.note(seen)
        elif before.state == SETTLING and before.since <= settled:
            ready.append(before)
    return sorted(ready, key=lambda file: (file.modified_ns, file.path))


def _removed(
    settings: Settings, warehouse: Warehouse, listing: Listing, changes: _Changes, now: datetime
) -> tuple[tuple[str, ...], int]:
    """Note what is missing; return what has been for two scans, and how many of these files had rows that go.

    A pattern that names nothing at all any more is an unmounted disk sooner than a wish to forget everything.
    """
    patterns = {pattern for kind in KINDS for pattern in _patterns(settings, kind)}
    settled = now - timedelta(seconds=settings.watch.settle_seconds)
    removed = []
    for path, file in changes.known.items():
        if path in listing.files:
            continue
        if file.pattern not in patterns:
            changes.forget(path)
        elif file.pattern in listing.silent:
            continue
        elif file.state != MISSING:
            changes.note(replace(file, state=MISSING, since=now))
        elif file.since <= settled:
            removed.append(path)
    forgets = settings.watch.removed == "forget" and removed
    forgotten = drop_files(warehouse, removed) if forgets else 0
    for path in removed:
        changes.forget(path)
    return tuple(sorted(removed)), forgotten


def _listed(pattern: str) -> tuple[list[FoundFile], str]:
    try:
        found = find_files(pattern)
    except OSError as error:
        return [], f"{pattern}: cannot be listed: {error.strerror}"
    lost = not found and unreachable(pattern)
    return found, f"{pattern}: its folder is not there, or may not be read" if lost else ""


def _patterns(settings: Settings, kind: str) -> Sequence[str]:
    return settings.evals.paths if kind == "evals" else settings.logs.paths


def _options(settings: Settings, kind: str) -> tuple[EvalOptions, Privacy]:
    options = settings.eval_options() if kind == "evals" else settings.log_options()
    return options, privacy_of(settings, options)


def _how(settings: Settings, kind: str) -> str:
    return read_as(*_options(settings, kind))
