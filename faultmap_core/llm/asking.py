"""How one request is asked: a place among those in flight, the budget, retries, and one repair of a bad reply.

All of it runs on the event loop of `event_loop`, so that nothing here needs a lock against other threads.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Generic

from pydantic import BaseModel

from faultmap_core.llm.budget import BudgetKeeper
from faultmap_core.llm.calls import Message, Outcome, Purpose, R, Reason, Request, Status
from faultmap_core.llm.provider import Answer, CallFailed, Provider, require_price
from faultmap_core.llm.replies import (
    asking_again,
    read_reply,
    reply_model,
    response_format,
    schema_text,
    stating_schema,
)
from faultmap_core.llm.store import CallEntry, CallStore, Spent

TURNS = 2
"""A question, and one repair of its reply."""

DEADLINE_TIMEOUTS = 3
"""A request with all its retries and its repair takes at most as many time-outs of one call."""

LEAST_SECONDS = 1.0
MOST_BACKOFF_SECONDS = 30.0
STOP_GRACE_SECONDS = 3.0
LOCAL_SECONDS = 10.0
"""litellm itself ends a call that is silent for as long as its time-out; one that trickles is ended this much later."""

FORMS = ("strict schema", "schema", "prompt")
"""Ways to ask for a schema. A provider that refuses one as a bad request is asked in the next way."""

TOKENS_PER_MESSAGE = 16


@dataclass(frozen=True)
class Limits:
    """The client's settings for its calls."""

    max_concurrent: int
    timeout_seconds: float
    max_attempts: int
    retry_seconds: float
    temperature: float
    max_tokens: int
    seed: int | None


@dataclass(frozen=True)
class Stop:
    """Why no more calls are made, and what to do."""

    reason: Reason
    why: str
    advice: str


class NotAsked(Exception):  # noqa: N818 - it becomes an outcome
    """A call is not made, because the client has stopped."""


@dataclass
class Ticket(Generic[R]):
    """One request on its way: what was spent on it, in all and since the last row of the ledger."""

    request: Request[R]
    digest: bytes
    purpose: Purpose
    reply_model: type[BaseModel] | None
    abandoned: Callable[[], bool]
    deadline: float | None = None
    attempts: int = 0
    attempts_recorded: int = 0
    seconds: float = 0.0
    seconds_recorded: float = 0.0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cost: float | None = 0.0
    reservations: list[int] = field(default_factory=list)
    text: str = ""

    def outcome(self, reply: R | None, reason: Reason, detail: str) -> Outcome[R]:
        """Return the outcome: not asked when no call was made."""
        status: Status = "ok" if reply is not None else "failed" if self.attempts else "not_asked"
        return Outcome(
            key=self.request.key,
            reply=reply,
            status=status,
            reason=reason,
            detail=detail,
            text=self.text,
            prompt_tokens=self.prompt_tokens,
            completion_tokens=self.completion_tokens,
            cost=self.cost,
            seconds=self.seconds,
            attempts=self.attempts,
        )


class Asker:
    """Asks requests of one model, several at once."""

    def __init__(self, model: str, provider: Provider, store: CallStore, keeper: BudgetKeeper, limits: Limits) -> None:
        self._model = model
        self._provider = provider
        self._store = store
        self._keeper = keeper
        self._limits = limits
        self._form = -1
        self._form_is_proven = False
        self._succeeded = False
        self._failures_in_a_row = 0
        self._refused_credentials = b""
        self._attempts_in_flight = 0
        self._batches = 0
        self._loop: asyncio.AbstractEventLoop | None = None
        self.stop: Stop | None = None
        self.under_way: dict[bytes, asyncio.Future[None]] = {}

    def begin(self) -> None:
        """A batch of requests begins; when it is the only one, what stopped an earlier one is tried again.

        Credentials that were refused are not tried again before they change.
        """
        loop = asyncio.get_running_loop()
        if loop is not self._loop:
            self._loop = loop
            self._slots = asyncio.Semaphore(self._limits.max_concurrent)
            self._budget_turn = asyncio.Lock()
            self._stopping = asyncio.Event()
            self._settled = asyncio.Event()
            self._open_calls: set[asyncio.Timeout] = set()
            self.under_way = {}
            self._batches = self._attempts_in_flight = 0
        self._batches += 1
        refused = self.stop is not None and self.stop.reason == "authentication"
        if self._batches == 1 and not (refused and self._provider.credentials_digest() == self._refused_credentials):
            self.stop = None
            self._failures_in_a_row = 0
            self._stopping.clear()
        if self._provider.lacks_key() and self.stop is None:
            why = f"the key for {self._model} is missing"
            self._halt(Stop("authentication", why, self._provider.credentials_advice()))

    def end(self) -> None:
        """A batch of requests has ended."""
        self._batches -= 1

    async def ask(
        self, request: Request[R], digest: bytes, purpose: Purpose, abandoned: Callable[[], bool]
    ) -> Outcome[R]:
        """Ask one request; record each reply the moment it is here. `abandoned`: whether nobody waits for it."""
        ticket = Ticket(request, digest, purpose, reply_model(request), abandoned)
        messages = request.messages
        reason: Reason = ""
        detail = ""
        for _ in range(TURNS):
            try:
                answer = await self._answer(ticket, messages)
            except NotAsked:
                return self._not_asked(ticket, reason, detail)
            except CallFailed as failure:
                return self._give_up(ticket, failure)
            self._succeeded, self._failures_in_a_row = True, 0
            reply, reason, detail = self._read(ticket, answer)
            self._record(ticket, answer, reason, cacheable=reply is not None)
            if reply is not None or ticket.reply_model is None or reason == "refused":
                return ticket.outcome(reply, reason, detail)
            messages = asking_again(request.messages, answer.text, detail, ticket.reply_model)
        return ticket.outcome(None, reason, detail)

    def _read(self, ticket: Ticket[R], answer: Answer) -> tuple[R | None, Reason, str]:
        ticket.text = answer.text
        if answer.refused:
            return None, "refused", "The provider refused to answer."
        reply, complaint = read_reply(answer.text, ticket.request)
        cut = f"the reply was cut at {self._max_tokens(ticket)} tokens" if answer.truncated else ""
        if reply is not None:
            return reply, "", cut
        if cut:
            return None, "truncated", f"{cut}; reply shorter"
        return None, "invalid_reply", complaint

    async def _answer(self, ticket: Ticket[R], messages: tuple[Message, ...]) -> Answer:
        """Call until there is an answer, as long as that is sensible. Raises CallFailed or NotAsked."""
        if self._form < 0:
            self._form = 0 if self._provider.takes_schema() else len(FORMS) - 1
        form, tries = self._form, 0
        last: CallFailed | None = None
        while True:
            try:
                answer = await self._attempt(ticket, messages, form)
            except NotAsked:
                if last is None:
                    raise
                raise last from None
            except CallFailed as failure:
                last = failure
                self._heed(failure)
                if self._may_be_the_form(ticket, failure, form):
                    form += 1
                    continue
                tries += 1
                await self._back_off(ticket, failure, tries)
            else:
                if ticket.reply_model is not None:
                    self._form, self._form_is_proven = form, True
                return answer

    def _may_be_the_form(self, ticket: Ticket[R], failure: CallFailed, form: int) -> bool:
        bad = failure.reason == "bad_request" and failure.status in (400, 422)
        return bad and ticket.reply_model is not None and not self._form_is_proven and form < len(FORMS) - 1

    async def _back_off(self, ticket: Ticket[R], failure: CallFailed, tries: int) -> None:
        """Wait before the next attempt, or raise the failure when there shall be none."""
        backoff = min(MOST_BACKOFF_SECONDS, self._limits.retry_seconds * 2 ** (tries - 1))
        delay = max(failure.wait, backoff) * random.uniform(1.0, 1.5)
        too_late = ticket.deadline is not None and time.monotonic() + delay > ticket.deadline
        if not failure.retryable or tries >= self._limits.max_attempts or too_late:
            raise failure
        try:
            async with asyncio.timeout(delay):
                await self._stopping.wait()
        except TimeoutError:
            return
        raise failure

    async def _attempt(self, ticket: Ticket[R], messages: tuple[Message, ...], form: int) -> Answer:
        """Make one call, with one of the places and within the budget."""
        async with self._slots:
            reservation = await self._reserve(ticket, messages)
            self._attempts_in_flight += 1
            try:
                return await self._call(ticket, messages, form)
            except CallFailed as failure:
                if reservation is not None and failure.answered:
                    self._store.lower(reservation)
                raise
            finally:
                self._attempts_in_flight -= 1
                self._settled.set()

    async def _call(self, ticket: Ticket[R], messages: tuple[Message, ...], form: int) -> Answer:
        started = time.monotonic()
        if ticket.deadline is None:
            ticket.deadline = started + DEADLINE_TIMEOUTS * self._limits.timeout_seconds
        timeout = min(self._limits.timeout_seconds, max(LEAST_SECONDS, ticket.deadline - started))
        request, reply = ticket.request, ticket.reply_model
        stated = FORMS[form] == "prompt"
        limit = asyncio.timeout(timeout + LOCAL_SECONDS)
        ticket.attempts += 1
        try:
            async with limit:
                self._open_calls.add(limit)
                return await self._provider.complete(
                    stating_schema(messages, reply) if reply and stated else messages,
                    temperature=self._limits.temperature if request.temperature is None else request.temperature,
                    max_tokens=self._max_tokens(ticket),
                    seed=None if self._limits.seed is None else self._limits.seed + request.sample,
                    response_format=response_format(reply, strict=form == 0) if reply and not stated else None,
                    timeout=timeout,
                )
        except TimeoutError:
            raise CallFailed("timeout", f"No answer within {timeout:g} s.", retryable=True) from None
        finally:
            self._open_calls.discard(limit)
            ticket.seconds += time.monotonic() - started

    def _max_tokens(self, ticket: Ticket[R]) -> int:
        return ticket.request.max_tokens or self._limits.max_tokens

    async def _reserve(self, ticket: Ticket[R], messages: tuple[Message, ...]) -> int | None:
        """Reserve what the call may take. What does not fit now may fit when the calls in flight have ended.

        Raises NotAsked when the client has stopped, or does so here, or nobody waits for the request any more.
        """
        if not self._keeper.capped:
            if self.stop is not None or ticket.abandoned():
                raise NotAsked
            return None
        most = self._most(ticket, messages)
        async with self._budget_turn:
            while self.stop is None and not ticket.abandoned():
                self._settled.clear()
                reservation = self._keeper.reserve(most)
                if reservation is not None:
                    ticket.reservations.append(reservation)
                    return reservation
                if self._attempts_in_flight == 0:
                    self._halt(Stop("budget", *self._keeper.why(most)))
                    break
                await self._settled.wait()
        raise NotAsked

    def _most(self, ticket: Ticket[R], messages: tuple[Message, ...]) -> Spent:
        """Return the most that a call may take; a token is at least one byte."""
        texts = [message.content for message in messages]
        prompt = sum(len(text.encode("utf-8", "replace")) + TOKENS_PER_MESSAGE for text in texts)
        prompt += 0 if ticket.reply_model is None else len(schema_text(ticket.reply_model)) + TOKENS_PER_MESSAGE
        completion = self._max_tokens(ticket)
        cost = self._provider.cost(prompt, completion)
        if self._keeper.caps_cost:
            require_price(self._provider)
        return Spent(1, prompt + completion, cost or 0.0)

    def _heed(self, failure: CallFailed) -> None:
        """Stop everything when no other call can go better: the credentials are refused."""
        refused = failure.reason == "authentication" or (failure.status == 403 and not self._succeeded)
        if refused and self.stop is None:
            self._refused_credentials = self._provider.credentials_digest()
            advice = self._provider.credentials_advice()
            self._halt(Stop("authentication", failure.detail.rstrip("."), advice))

    def _halt(self, stop: Stop) -> None:
        """Make no new call. Those in flight may end, but after refused credentials they do not get long."""
        self.stop = stop
        self._stopping.set()
        if stop.reason == "authentication":
            latest = asyncio.get_running_loop().time() + STOP_GRACE_SECONDS
            for limit in self._open_calls:
                limit.reschedule(min(limit.when() or latest, latest))

    def _not_asked(self, ticket: Ticket[R], reason: Reason, detail: str) -> Outcome[R]:
        """The client stopped before the request was asked (reason "") or before its reply was repaired."""
        stop = self.stop
        if reason or stop is None:
            return ticket.outcome(None, reason, detail)
        return ticket.outcome(None, stop.reason, stop.why)

    def _give_up(self, ticket: Ticket[R], failure: CallFailed) -> Outcome[R]:
        reason = failure.reason
        if self.stop is not None and self.stop.reason == "authentication":
            reason = "authentication"
        self._record(ticket, None, reason, cacheable=False)
        self._failures_in_a_row += self._is_of_the_provider(failure)
        most = max(20, 2 * self._limits.max_concurrent)
        if self._failures_in_a_row >= most and self.stop is None:
            why = f"the last {most} requests all failed, the last one: {failure.detail.rstrip('.')}"
            self._halt(Stop(reason, why, "look at the provider and the settings, and run again"))
        return ticket.outcome(None, reason, failure.detail)

    def _is_of_the_provider(self, failure: CallFailed) -> bool:
        """Whether a failure says more about the provider, or the settings, than about the one request."""
        if failure.reason in ("connection", "timeout", "rate_limit", "server"):
            return True
        return failure.reason == "bad_request" and failure.status in (400, 404, 422) and not self._succeeded

    def _record(self, ticket: Ticket[R], answer: Answer | None, reason: Reason, *, cacheable: bool) -> None:
        """Write the ledger's row of an answer, or of a request that was given up."""
        unanswered = answer is None and reason in ("timeout", "connection")
        cost = answer.cost if answer is not None else None if unanswered else 0.0
        entry = CallEntry(
            purpose=ticket.purpose,
            model=self._model,
            template=ticket.request.template,
            outcome=reason or "ok",
            prompt_tokens=answer.prompt_tokens if answer else 0,
            completion_tokens=answer.completion_tokens if answer else 0,
            cost=cost,
            seconds=ticket.seconds - ticket.seconds_recorded,
            attempts=ticket.attempts - ticket.attempts_recorded,
        )
        with self._store.transaction():
            if answer is not None and ticket.reservations:
                self._store.lower(ticket.reservations[-1])
            digest = ticket.digest if cacheable else None
            self._store.record(entry, digest=digest, text=ticket.text, reservations=ticket.reservations)
        ticket.reservations.clear()
        ticket.attempts_recorded, ticket.seconds_recorded = ticket.attempts, ticket.seconds
        ticket.prompt_tokens += entry.prompt_tokens
        ticket.completion_tokens += entry.completion_tokens
        ticket.cost = None if ticket.cost is None or cost is None else ticket.cost + cost
