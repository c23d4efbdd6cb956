"""List the files that paths, folders and globs name, with their sizes and ages.

Of files in a folder, JSON, CSV and zip files are opened: their beginning tells whether they are logs.
"""

from __future__ import annotations

import glob
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from faultmap_core.readers import EVAL_SUFFIXES, companions, is_eval_file

_TOLD_BY_CONTENT = (".json", ".jsonl", ".ndjson", ".csv", ".zip", ".traj")


@dataclass(frozen=True)
class FoundFile:
    """A file as it lies there.

    Attributes:
        path: absolute, links resolved.
        size: in bytes, with the files beside it without which it cannot be understood (`readers.companions`).
        modified_ns: nanoseconds since 1970, of the newest of them.
    """

    path: Path
    size: int
    modified_ns: int


def find_files(pattern: str) -> list[FoundFile]:
    """Return the files that one path, folder or glob names, in no order; none where there is none.

    Of a folder, files of a known format at any depth count, hidden ones and those in hidden folders do not. What is
    named or matched by a glob counts whatever its name is.
    Raises: OSError where a folder cannot be listed.
    """
    # Not Path.is_file: it raises where a name is too long.
    if os.path.isfile(pattern):  # noqa: PTH113
        return list(_found([os.path.realpath(pattern)]))
    if os.path.isdir(pattern):  # noqa: PTH112
        return list(_walk(os.path.realpath(pattern)))
    # A pattern may be absolute, which Path.glob refuses.
    names = glob.glob(pattern, recursive=True)  # noqa: PTH207
    return list(_found({os.path.realpath(name) for name in names}))


def unreachable(pattern: str) -> bool:
    """Say whether the folder in which a pattern looks is not there, as where a disk is not mounted."""
    fixed = Path(pattern)
    while glob.has_magic(str(fixed)):
        fixed = fixed.parent
    if os.path.lexists(fixed) and not fixed.is_dir():
        fixed = fixed.parent
    return not os.access(fixed, os.R_OK | os.X_OK)


def _walk(folder: str) -> Iterator[FoundFile]:
    waiting = [folder]
    while waiting:
        with os.scandir(waiting.pop()) as entries:
            linked = []
            for entry in entries:
                if entry.name.startswith("."):
                    continue
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(entry.path)
                elif _known_format(entry):
                    if entry.is_symlink():
                        linked.append(os.path.realpath(entry.path))
                    else:
                        yield from _found([entry.path], entry)
        yield from _found(linked)


def _found(paths: Iterable[str], entry: os.DirEntry[str] | None = None) -> Iterator[FoundFile]:
    for path in paths:
        try:
            stat = entry.stat() if entry else os.stat(path)  # noqa: PTH116
        except OSError:
            # Gone since it was listed.
            continue
        if os.path.stat.S_ISREG(stat.st_mode):  # type: ignore[attr-defined]
            yield _with_companions(Path(path), stat)


def look_at(path: Path) -> FoundFile | None:
    """Return a file as it lies there now; None where it is gone."""
    try:
        return _with_companions(path, path.stat())
    except OSError:
        return None


def _with_companions(path: Path, stat: os.stat_result) -> FoundFile:
    size, modified_ns = stat.st_size, stat.st_mtime_ns
    for beside in companions(path):
        with suppress(OSError):
            other = beside.stat()
            size, modified_ns = size + other.st_size, max(modified_ns, other.st_mtime_ns)
    return FoundFile(path, size, modified_ns)


def _known_format(entry: os.DirEntry[str]) -> bool:
    name = entry.name.lower().removesuffix(".gz")
    # Folders are full of JSON and archives that are no logs; the beginning of them tells.
    return name.endswith(EVAL_SUFFIXES) and (not name.endswith(_TOLD_BY_CONTENT) or is_eval_file(Path(entry.path)))


def oldest_first(files: Sequence[FoundFile]) -> list[FoundFile]:
    """Return each file once, oldest first, so that newer ones supersede."""
    return sorted({file.path: file for file in files}.values(), key=lambda file: (file.modified_ns, str(file.path)))
