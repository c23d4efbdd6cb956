"""One event loop in a thread of its own, for all language models of the process.

All calls run there, whoever asks: a script, several threads, or code inside a running loop (Jupyter, Dagster).
"""

from __future__ import annotations

import asyncio
import atexit
import os
import sys
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from typing import Any, TypeVar

from faultmap_core.base.errors import LanguageModelError

T = TypeVar("T")

SHUTDOWN_SECONDS = 5.0


class _LoopThread:
    """The loop and its thread; made anew in a forked process, where the thread is not."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._pid = 0

    def loop(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._loop is None or self._pid != os.getpid():
                self._pid = os.getpid()
                self._loop = asyncio.new_event_loop()
                self._thread = threading.Thread(target=self._loop.run_forever, name="faultmap-llm", daemon=True)
                self._thread.start()
                atexit.register(self.stop)
            return self._loop

    def inside(self) -> bool:
        return threading.current_thread() is self._thread

    def stop(self) -> None:
        with self._lock:
            loop, thread, self._loop = self._loop, self._thread, None
        if loop is None or thread is None or self._pid != os.getpid():
            return
        try:
            asyncio.run_coroutine_threadsafe(_close(), loop).result(SHUTDOWN_SECONDS)
        except TimeoutError:
            return
        loop.call_soon_threadsafe(loop.stop)
        thread.join(SHUTDOWN_SECONDS)
        if not thread.is_alive():
            loop.close()


async def _close() -> None:
    """Cancel what runs, and close the connections that litellm keeps on this loop."""
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    litellm = sys.modules.get("litellm")
    if litellm is not None:
        await litellm.close_litellm_async_clients()


_THREAD = _LoopThread()


def submit(work: Callable[[], Coroutine[Any, Any, T]]) -> tuple[Future[T], threading.Event]:
    """Start a coroutine on the loop; return its future, and an event that is set when it has ended, even cancelled."""
    ended = threading.Event()

    async def watched() -> T:
        try:
            return await work()
        finally:
            ended.set()

    return asyncio.run_coroutine_threadsafe(watched(), _THREAD.loop()), ended


def run(work: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Run a coroutine on the loop and wait for it; an interrupt (Ctrl-C) cancels it and is raised again."""
    if _THREAD.inside():
        raise LanguageModelError(
            "ask_all was called from within a call of its own (a check?); use ask_all_async there."
        )
    future, ended = submit(work)
    try:
        return future.result()
    except BaseException:
        if future.cancel():
            ended.wait(SHUTDOWN_SECONDS)
        raise
