"""All requests of one `ask_all`: from the cache what is there, the rest asked by a bounded number of workers."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, Generic

from faultmap_core.llm.asking import Asker
from faultmap_core.llm.calls import Outcome, Purpose, R, Request
from faultmap_core.llm.provider import import_litellm
from faultmap_core.llm.replies import read_reply
from faultmap_core.llm.store import CallEntry, CallStore

BLOCK = 500
PREPARATION_SECONDS = 0.2
WORKERS_PER_PLACE = 2
"""While some requests wait for their next attempt, others take their places."""


class Batch(Generic[R]):
    """The requests of one call, and their outcomes."""

    def __init__(
        self,
        asker: Asker,
        store: CallStore,
        requests: Sequence[Request[R]],
        digest: Callable[[Request[Any]], bytes],
        model: str,
        purpose: Purpose,
    ) -> None:
        self._asker = asker
        self._store = store
        self._requests = requests
        self._digest = digest
        self._model = model
        self._purpose = purpose
        self._outcomes: list[Outcome[R] | None] = [None] * len(requests)
        self._queue: deque[tuple[int, bytes]] = deque()
        self._position = 0
        self._imported = False
        self._interrupted = False
        self._turn = asyncio.Lock()

    async def run(self, max_concurrent: int) -> list[Outcome[R]]:
        """Return the outcomes, in the order of the requests."""
        count = min(len(self._requests), WORKERS_PER_PLACE * max_concurrent)
        workers = [asyncio.create_task(self._work()) for _ in range(count)]
        try:
            done, _ = await asyncio.wait(workers, return_when=asyncio.FIRST_EXCEPTION) if workers else ((), ())
            for worker in done:
                worker.result()
        finally:
            await self._end(workers)
        return [outcome for outcome in self._outcomes if outcome is not None]

    async def _end(self, workers: Sequence[asyncio.Task[None]]) -> None:
        """End the workers of a batch that failed or was interrupted, if there are any left.

        A call that litellm still prepares is not cancelled well (its coroutine would never be awaited), hence the wait.
        """
        left = [worker for worker in workers if not worker.done()]
        if left:
            self._interrupted = True
            await asyncio.sleep(PREPARATION_SECONDS)
        for worker in left:
            worker.cancel()
        await asyncio.gather(*workers, return_exceptions=True)

    async def _work(self) -> None:
        while (job := await self._next()) is not None:
            index, digest = job
            self._outcomes[index] = await self._ask(self._requests[index], digest)

    async def _next(self) -> tuple[int, bytes] | None:
        """Return the next request that is not in the cache."""
        async with self._turn:
            while not self._queue and self._position < len(self._requests):
                self._look_up(range(self._position, min(self._position + BLOCK, len(self._requests))))
                await asyncio.sleep(0)
            if not self._queue or self._interrupted:
                return None
            if not self._imported:
                await asyncio.to_thread(import_litellm)
                self._imported = True
            return self._queue.popleft()

    def _look_up(self, block: range) -> None:
        self._position = block.stop
        digests = [self._digest(self._requests[index]) for index in block]
        texts = self._store.replies(digests)
        hits = []
        for index, digest in zip(block, digests, strict=True):
            outcome = self._from_cache(self._requests[index], texts.get(digest))
            if outcome is None:
                self._queue.append((index, digest))
            else:
                self._outcomes[index] = outcome
                hits.append(self._entry(self._requests[index]))
        if hits:
            self._store.record_all(hits)

    async def _ask(self, request: Request[R], digest: bytes) -> Outcome[R]:
        """Ask, unless the same is under way: then its reply is ours, too."""
        under_way = self._asker.under_way
        while (first := under_way.get(digest)) is not None:
            await asyncio.wait([first])
            outcome = self._from_cache(request, self._store.replies([digest]).get(digest))
            if outcome is not None:
                self._store.record_all([self._entry(request)])
                return outcome
        mine = under_way[digest] = asyncio.get_running_loop().create_future()
        try:
            return await self._asker.ask(request, digest, self._purpose, lambda: self._interrupted)
        finally:
            del under_way[digest]
            mine.set_result(None)

    def _from_cache(self, request: Request[R], text: str | None) -> Outcome[R] | None:
        if text is None:
            return None
        reply, _ = read_reply(text, request)
        return None if reply is None else Outcome(request.key, reply, "ok", cached=True, text=text)

    def _entry(self, request: Request[R]) -> CallEntry:
        return CallEntry(self._purpose, self._model, request.template, "ok", cached=True)
