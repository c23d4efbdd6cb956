"""Consoles and progress for people and for pipes: a reader that stops reading, and a log instead of a bar."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import IO, Any, Protocol

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.text import Text

SECONDS_BETWEEN_LINES = 60.0


class PipeConsole(Console):
    """A console whose reader may leave (`| head`): the rest goes nowhere, the command still ends with its exit code."""

    def on_broken_pipe(self) -> None:
        """Stay quiet from now on."""
        self.quiet = True
        discard(self.file)


def discard(stream: IO[str]) -> None:
    """Send what is written to a stream nowhere from now on, so that neither a write nor the last flush fails."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    with suppress(OSError, ValueError):
        os.dup2(nowhere, stream.fileno())
    os.close(nowhere)


def write_out(text: str) -> None:
    """Write to standard output as it is; a reader that left is no error."""
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        discard(sys.stdout)


class ProgressView(Protocol):
    """What long work reports to: rich's progress, or `LineProgress`."""

    def add_task(self, description: str, *, total: float | None = ...) -> TaskID:
        """Begin a task; `total` is None as long as nobody knows it."""

    def update(self, task_id: TaskID, **changes: Any) -> None:
        """Change `description`, `completed` or `total`."""

    def advance(self, task_id: TaskID, advance: float = 1) -> None:
        """Complete a part of the task."""


@dataclass
class LineProgress:
    """Progress where nobody watches (a CI log): at most one line a minute, none for short work.

    Attributes: clock: seconds, ascending.
    """

    console: Console
    title: str
    clock: Callable[[], float] = time.monotonic
    description: str = ""
    completed: float = 0
    total: float | None = None

    def __post_init__(self) -> None:
        self._began = self._printed = self.clock()

    def add_task(self, description: str, *, total: float | None = None) -> TaskID:
        """Begin the one task."""
        self.description, self.completed, self.total = description, 0, total
        return TaskID(0)

    def update(self, task_id: TaskID, **changes: Any) -> None:
        """Change `description`, `completed` or `total`, and print a line where the last is a minute old."""
        for name, value in changes.items():
            setattr(self, name, value)
        self._line()

    def advance(self, task_id: TaskID, advance: float = 1) -> None:
        """Complete a part of the task."""
        self.update(task_id, completed=self.completed + advance)

    def _line(self) -> None:
        now = self.clock()
        if now - self._printed < SECONDS_BETWEEN_LINES:
            return
        self._printed = now
        done = f"{self.completed:.0f} of {self.total:.0f}, " if self.total else ""
        elapsed = f"{int(now - self._began) // 60} min"
        described = "".join(c if c.isprintable() else "\ufffd" for c in self.description)
        self.console.print(Text(f"{self.title}: {done}{elapsed}, {described}".rstrip(", ")), soft_wrap=True)


@contextmanager
def progress(console: Console, title: str) -> Iterator[ProgressView]:
    """Show progress on `console` while work goes on: a bar that leaves nothing behind, or a line a minute in a pipe."""
    if not console.is_terminal:
        yield LineProgress(console, title)
        return
    columns = (
        SpinnerColumn(),
        TextColumn(escape(title)),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.description}", markup=False),
    )
    with Progress(*columns, console=console, transient=True) as shown:
        yield shown
