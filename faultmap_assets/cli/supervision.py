"""End a command within seconds of an interrupt or a terminate, whatever it is doing at that moment.

Python runs a signal's handler between two of its own instructions. A long call into compiled code (a database query, a
clustering) delays it, so no process can promise by itself when it ends. Here the command runs in a child process. The
parent does nothing but wait; it passes the signal on, gives the child `GRACE_SECONDS` to end by itself, and then kills
it. A kill at any moment loses nothing: results are written in transactions, files are replaced as a whole.
"""

from __future__ import annotations

import ctypes
import os
import select
import signal
import sys
import threading
import time
from collections.abc import Callable
from types import FrameType
from typing import NoReturn

GRACE_SECONDS = 4.0
"""How long a command may take to end by itself."""

_STOPPING = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))
# A terminal sends its interrupt to the child, too: it is passed on only where the child has not got it by then.
_SECONDS_TO_ARRIVE = 0.2
_POLL_SECONDS = 30.0
_DIE_WITH_PARENT = 1  # PR_SET_PDEATHSIG of Linux


def can_supervise() -> bool:
    """Say whether this process is the command line alone: one thread, and its output its own.

    Where a program (a test, a notebook) calls the command line within itself, its signals are its own affair.
    """
    # Dagster's services end each other, and need more time for it.
    if sys.argv[1:2] == ["ui"]:
        return False
    own_output = sys.stdout is sys.__stdout__ and sys.stderr is sys.__stderr__
    return hasattr(os, "fork") and own_output and threading.active_count() == 1


def supervised(command: Callable[[], None]) -> NoReturn:
    """Run a command in a child process and end with its exit code; 128 plus the signal where one ended it."""
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    told, tell = os.pipe()
    for end in (told, tell):
        os.set_blocking(end, False)
    parent = os.getpid()
    # What arrives between the fork and the first instruction of either side must not be lost.
    signal.pthread_sigmask(signal.SIG_BLOCK, _STOPPING)
    child = os.fork()
    if child == 0:
        os.close(told)
        _run_in_child(command, parent, tell)
    os.close(tell)
    sys.exit(_Supervisor(child, told).wait())


def _run_in_child(command: Callable[[], None], parent: int, tell: int) -> NoReturn:
    """Run the command as the whole of this process."""
    _end_with(parent)
    # The number of each signal is written by the C code that takes it, however busy the interpreter is.
    signal.set_wakeup_fd(tell, warn_on_full_buffer=False)
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
        signal.signal(signal.SIGTERM, signal.default_int_handler)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _STOPPING)
    code = 1
    try:
        command()
        code = 0
    except SystemExit as stop:
        code = stop.code if isinstance(stop.code, int) else int(stop.code is not None)
    except KeyboardInterrupt:
        code = 128 + signal.SIGINT
    raise SystemExit(code)


def _end_with(parent: int) -> None:
    """Have the system end this process when its parent is killed."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_DIE_WITH_PARENT, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


class _Supervisor:
    """Waits for a child; what is sent to either of the two ends both."""

    def __init__(self, child: int, told: int) -> None:
        self._child, self._told = child, told
        self._sent: list[int] = []
        self._first: int | None = None
        self._deadline = float("inf")

    def wait(self) -> int:
        """Return the exit code to end with."""
        woken, wake = os.pipe()
        for end in (woken, wake):
            os.set_blocking(end, False)
        signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
        for number in _STOPPING:
            if signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, self._note)
        # With a handler, the end of the child wakes the wait below.
        signal.signal(signal.SIGCHLD, lambda number, frame: None)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _STOPPING)
        listening = [self._told, woken]
        while (status := self._status()) is None:
            ready = select.select(listening, [], [], self._seconds_left())[0]
            for end in ready:
                content = os.read(end, 512)
                if end == self._told:
                    if not content:
                        listening.remove(end)
                    self._taken(content)
            self._pass_on()
            if time.monotonic() >= self._deadline:
                self._kill()
        return self._code(status)

    def _note(self, number: int, frame: FrameType | None) -> None:
        self._sent.append(number)

    def _status(self) -> int | None:
        process, status = os.waitpid(self._child, os.WNOHANG)
        return status if process else None

    def _seconds_left(self) -> float:
        return max(0.0, min(self._deadline - time.monotonic(), _POLL_SECONDS))

    def _taken(self, content: bytes) -> None:
        """Note what the child has got."""
        for number in content:
            if number in _STOPPING:
                self._begin(number)

    def _begin(self, number: int) -> None:
        if self._first is None:
            self._first = number
            self._deadline = time.monotonic() + GRACE_SECONDS

    def _pass_on(self) -> None:
        while self._sent:
            number = self._sent.pop(0)
            self._begin(number)
            if not self._has_got(number):
                os.kill(self._child, number)

    def _has_got(self, number: int) -> bool:
        """Say whether the child gets a signal by itself, as from a terminal."""
        if not select.select([self._told], [], [], _SECONDS_TO_ARRIVE)[0]:
            return False
        return number in os.read(self._told, 512)

    def _kill(self) -> None:
        os.kill(self._child, signal.SIGKILL)
        self._deadline = float("inf")
        message = "error: ended while it was busy; what was finished is kept, the same command goes on from there\n"
        os.write(2, message.encode())

    def _code(self, status: int) -> int:
        code = os.waitstatus_to_exitcode(status)
        if self._first is not None and code != 0:
            return 128 + self._first
        return 128 - code if code < 0 else code
