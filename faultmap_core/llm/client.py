"""The client: many requests to one language model, and an outcome for each, whatever happens."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from faultmap_core.base.errors import ConfigurationError, LanguageModelError
from faultmap_core.llm import event_loop
from faultmap_core.llm.asking import Asker, Limits
from faultmap_core.llm.batch import Batch
from faultmap_core.llm.budget import BudgetKeeper
from faultmap_core.llm.calls import Budget, Estimate, Outcome, Price, Purpose, R, Request
from faultmap_core.llm.prompt_library import PromptLibrary
from faultmap_core.llm.provider import CHARACTERS_PER_TOKEN, SECRET_NAME, Provider
from faultmap_core.llm.replies import reply_model, schema_text
from faultmap_core.llm.store import CallStore

NO_BUDGET = Budget()
NO_PURPOSE = Purpose()
TRANSPORT = {"api_base", "api_type", "api_version", "base_url", "extra_headers", "headers", "organization", "timeout"}
"""Parameters that say where and how the model is reached, not what it answers; secrets are left out, too."""


class LanguageModel:
    """A language model behind litellm, with cache, ledger and budget.

    model: as litellm names it, "provider/model". store: where replies and the ledger are kept; None: in memory.
    parameters: further arguments of `litellm.acompletion` (api_base, top_p, …). api_key_variable: the environment
    variable that holds the key; None: the one that litellm knows for the provider. timeout_seconds: of one call; a
    request with its retries and its repair takes three times that at most. max_attempts: calls per question, when
    they fail in a way that may pass. retry_seconds: the first back-off, doubled each time, 30 s at most. seed: sent
    to the provider, plus the request's `sample`.

    Calls run on one event loop of the process: any thread and any event loop may use the same object.
    """

    def __init__(
        self,
        model: str,
        *,
        store: CallStore | None = None,
        budget: Budget = NO_BUDGET,
        price: Price | None = None,
        parameters: Mapping[str, Any] | None = None,
        api_key_variable: str | None = None,
        max_concurrent: int = 50,
        timeout_seconds: float = 120.0,
        max_attempts: int = 5,
        retry_seconds: float = 1.0,
        temperature: float = 0.0,
        max_tokens: int = 1024,
        seed: int | None = 0,
        prompts: PromptLibrary | None = None,
    ) -> None:
        least_one = {"max_concurrent": max_concurrent, "max_attempts": max_attempts, "max_tokens": max_tokens}
        for name, value in least_one.items():
            if value < 1:
                raise ConfigurationError(f"{name} must be at least 1, not {value}.")
        if not timeout_seconds > 0:
            raise ConfigurationError(f"timeout_seconds must be above 0, not {timeout_seconds}.")
        self.model = model
        self.prompts = prompts or PromptLibrary()
        self.stopped = ""
        self.store = store or CallStore()
        self._limits = Limits(
            max_concurrent, timeout_seconds, max_attempts, retry_seconds, temperature, max_tokens, seed
        )
        self._answering = {
            name: value
            for name, value in (parameters or {}).items()
            if name not in TRANSPORT and not SECRET_NAME.search(name)
        }
        self._provider = Provider(model, parameters or {}, api_key_variable, price)
        self._asker = Asker(self.id, self._provider, self.store, BudgetKeeper(self.store, budget), self._limits)

    @property
    def id(self) -> str:
        """The model's name, with a digest of what else changes its answers when that is not as by default.

        The address is no part of it: it says where the model is, not which one.
        """
        settings = {**self._answering, "temperature": self._limits.temperature, "seed": self._limits.seed}
        if settings == {"temperature": 0.0, "seed": 0}:
            return self.model
        return f"{self.model}#{hashlib.sha256(_canonical(settings)).hexdigest()[:8]}"

    def available(self) -> str:
        """Return "" when credentials for the model are there, else one line that names the variable to set."""
        return self._provider.missing()

    def ask_all(self, requests: Sequence[Request[R]], purpose: Purpose = NO_PURPOSE) -> list[Outcome[R]]:
        """Ask all requests; return an outcome for each, in their order.

        May be called from any thread, inside a running event loop, too (which waits meanwhile). Raises
        LanguageModelError for what is not a matter of one request: the store cannot be used, a cost is capped but the
        price unknown, two requests have the same key.
        """
        return event_loop.run(lambda: self._ask_all(requests, purpose))

    async def ask_all_async(self, requests: Sequence[Request[R]], purpose: Purpose = NO_PURPOSE) -> list[Outcome[R]]:
        """Do what `ask_all` does without holding up the running event loop."""
        future, _ = event_loop.submit(lambda: self._ask_all(requests, purpose))
        return await asyncio.wrap_future(future)

    def estimate(self, requests: Sequence[Request[Any]]) -> Estimate:
        """Say what requests will take at most, without a call; what is in the cache, or asked twice, takes nothing."""
        digests = {self._digest(request): request for request in requests}
        cached = self.store.replies(list(digests))
        pending = [request for digest, request in digests.items() if digest not in cached]
        characters = sum(
            len(_schema(request)) + sum(len(message.content) for message in request.messages) for request in pending
        )
        prompt_tokens = -(-characters // CHARACTERS_PER_TOKEN)
        completion_tokens = sum(request.max_tokens or self._limits.max_tokens for request in pending)
        return Estimate(
            calls=len(pending),
            cached=len(requests) - len(pending),
            prompt_tokens=prompt_tokens,
            most_completion_tokens=completion_tokens,
            most_cost=self._provider.cost(prompt_tokens, completion_tokens) if pending else 0.0,
        )

    async def _ask_all(self, requests: Sequence[Request[R]], purpose: Purpose) -> list[Outcome[R]]:
        twice = [key for key, count in Counter(request.key for request in requests).items() if count > 1]
        if twice:
            raise LanguageModelError(f"{len(twice)} keys stand for more than one request, for example {twice[0]!r}.")
        self._asker.begin()
        try:
            batch = Batch(self._asker, self.store, requests, self._digest, self.id, purpose)
            outcomes = await batch.run(self._limits.max_concurrent)
            self.stopped = self._why_stopped(outcomes)
            return outcomes
        finally:
            self._asker.end()

    def _why_stopped(self, outcomes: Sequence[Outcome[Any]]) -> str:
        stop = self._asker.stop
        left = sum(outcome.status == "not_asked" for outcome in outcomes)
        if stop is None:
            return ""
        return f"{stop.why}; {left:,} of {len(outcomes):,} requests were not made; {stop.advice}."

    def _digest(self, request: Request[Any]) -> bytes:
        """Return the cache's key: everything that the answer depends on."""
        temperature = self._limits.temperature if request.temperature is None else request.temperature
        head = _canonical(
            {
                "model": self.model,
                "parameters": self._answering,
                "temperature": float(temperature),
                "max_tokens": request.max_tokens or self._limits.max_tokens,
                "seed": self._limits.seed,
                "sample": request.sample,
            }
        )
        digest = hashlib.sha256(head)
        parts = [
            _schema(request),
            *(part for message in request.messages for part in (message.role, message.content)),
        ]
        for part in parts:
            content = part.encode("utf-8", "surrogatepass")
            digest.update(len(content).to_bytes(8, "big") + content)
        return digest.digest()


def _schema(request: Request[Any]) -> str:
    """Return the text of the reply's schema; "" for plain text."""
    reply = reply_model(request)
    return "" if reply is None else schema_text(reply)


def _canonical(value: object) -> bytes:
    return json.dumps(value, sort_keys=True, default=str).encode("utf-8", "surrogatepass")
