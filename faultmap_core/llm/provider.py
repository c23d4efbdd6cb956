"""One call to a provider through litellm: what it answers, what it costs, and why it failed.

litellm is imported with the first call: its import takes seconds, and would fetch a price table from the network.
"""

from __future__ import annotations

import hashlib
import logging
import os
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from functools import lru_cache
from typing import Any

from faultmap_core.base.errors import LanguageModelError
from faultmap_core.llm.calls import Message, Price, Reason

SECRET_NAME = re.compile(r"(KEY|KEYS|TOKEN|SECRET|PASSWORD|CREDENTIALS?|AUTHORIZATION)$", re.IGNORECASE)
SECRET_TEXT = re.compile(r"(Bearer\s+\S+|\bsk-[\w*.-]{4,})")
SHORTEST_SECRET = {"given": 4, "environment": 8}
ERROR_NAMES = re.compile(r"^((litellm\.)?\w+(Error|Exception)(: | - ))+")
REFUSALS = frozenset({"content_policy_violation", "content_filter"})
CHARACTERS_PER_TOKEN = 4
MOST_DETAIL = 300
TOO_LONG = 413
RETRYABLE_STATUS = frozenset({408, 409, 425, 429, 500, 502, 503, 504, 529})


@dataclass(frozen=True)
class Answer:
    """What a provider answered. `cost` in US dollars; None: unknown."""

    text: str
    truncated: bool
    refused: bool
    prompt_tokens: int
    completion_tokens: int
    cost: float | None


class CallFailed(Exception):  # noqa: N818 - it is no error of ours, and becomes an outcome
    """An attempt failed. `answered`: the provider said so itself, hence nothing was generated or billed."""

    def __init__(
        self, reason: Reason, detail: str, *, retryable: bool = False, wait: float = 0.0, status: int | None = None
    ) -> None:
        super().__init__(detail)
        self.reason: Reason = reason
        self.detail = detail
        self.retryable = retryable
        self.wait = wait
        self.status = status

    @property
    def answered(self) -> bool:
        return self.reason not in ("timeout", "connection")


@lru_cache(maxsize=1)
def import_litellm() -> Any:
    """Import litellm, offline and silent; it takes seconds the first time."""
    os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")
    # Before the import: it prints already while it is imported, where the application logs at DEBUG.
    for name in ("LiteLLM", "LiteLLM Router", "LiteLLM Proxy"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    import litellm

    litellm.suppress_debug_info = True
    return litellm


class Provider:
    """The provider of one model.

    parameters: extra arguments of `litellm.acompletion`. api_key_variable: the environment variable that holds the
    key, read at each call; None: the one that litellm knows for the provider. price: goes before litellm's table.
    """

    def __init__(
        self,
        model: str,
        parameters: Mapping[str, Any],
        api_key_variable: str | None,
        price: Price | None,
    ) -> None:
        self.model = model
        self._parameters = dict(parameters)
        self._api_key_variable = api_key_variable
        self._price = price
        self._looked_up = price is not None

    async def complete(
        self,
        messages: Sequence[Message],
        *,
        temperature: float,
        max_tokens: int,
        seed: int | None,
        response_format: dict[str, Any] | None,
        timeout: float,
    ) -> Answer:
        """Make one attempt. Raises CallFailed."""
        litellm = import_litellm()
        arguments: dict[str, Any] = {
            "temperature": temperature,
            "max_tokens": max_tokens,
            "seed": seed,
            "response_format": response_format,
            "drop_params": True,
            **self._parameters,
            **self._key(),
        }
        arguments.update(max_retries=0, num_retries=0, timeout=timeout, stream=False)
        wire = [{"role": message.role, "content": _without_surrogates(message.content)} for message in messages]
        try:
            return self._answer(wire, await litellm.acompletion(model=self.model, messages=wire, **arguments))
        except CallFailed:
            raise
        except Exception as error:
            raise self._failure(litellm, error, timeout) from None

    def takes_schema(self) -> bool:
        """Whether litellm passes a JSON schema on to this model; the provider may still refuse it."""
        litellm = import_litellm()
        try:
            return "response_format" in (litellm.get_supported_openai_params(self.model) or ())
        except Exception:
            return False

    def price(self) -> Price | None:
        """Return what a million tokens cost, from litellm's table when none was given; None: unknown."""
        if not self._looked_up:
            try:
                parts = import_litellm().cost_per_token(self.model, prompt_tokens=1000, completion_tokens=1000)
                self._price = Price(parts[0] * 1000, parts[1] * 1000)
            except Exception:
                self._price = None
            self._looked_up = True
        return self._price

    def cost(self, prompt_tokens: int, completion_tokens: int) -> float | None:
        """Return US dollars, or None where the price is unknown."""
        price = self.price()
        if price is None:
            return None
        return (prompt_tokens * price.input_per_million + completion_tokens * price.output_per_million) / 1e6

    def missing(self) -> str:
        """Say in one line which variable to set, or "" when credentials are there; nothing is asked on the network."""
        if self._api_key_variable is not None:
            key_is_missing = f"The key for {self.model} is missing; set the environment variable"
            return f"{key_is_missing} {self._api_key_variable}." if self.lacks_key() else ""
        litellm = import_litellm()
        try:
            *_, address = litellm.get_llm_provider(self.model)
        except Exception:
            return (
                f"The provider of the language model {self.model!r} is not known; write provider/model, for example "
                f"openai/{self.model}."
            )
        given = {"KEY": "api_key" in self._parameters, "BASE": bool(address) or "api_base" in self._parameters}
        given["VERSION"] = "api_version" in self._parameters
        names = litellm.validate_environment(self.model)["missing_keys"]
        needed = [name for name in names if not given.get(name.rsplit("_", 1)[-1], False)]
        if not needed:
            return ""
        plural = "variables" if len(needed) > 1 else "variable"
        return f"Credentials for {self.model} are missing; set the environment {plural} {', '.join(needed)}."

    def lacks_key(self) -> bool:
        """Whether the variable that was named for the key is not set."""
        variable = self._api_key_variable
        return variable is not None and not os.environ.get(variable) and "api_key" not in self._parameters

    def credentials_advice(self) -> str:
        """Say what to do about credentials that are missing or refused."""
        given = "api_key" in self._parameters and not os.environ.get(self._api_key_variable or "")
        instead = "leave out the parameter api_key and " if given else ""
        return f"{instead}set the environment variable {self._credentials_variable()} to valid credentials"

    def _credentials_variable(self) -> str:
        if self._api_key_variable is not None:
            return self._api_key_variable
        litellm = import_litellm()
        try:
            keys = litellm.validate_environment(self.model)["missing_keys"]
            return ", ".join(keys) or f"{litellm.get_llm_provider(self.model)[1].upper()}_API_KEY"
        except Exception:
            return f"{self.model.split('/')[0].upper()}_API_KEY"

    def credentials_digest(self) -> bytes:
        """Tell one set of credentials from another without holding them."""
        return hashlib.sha256("\0".join(sorted(self._secrets())).encode("utf-8", "replace")).digest()

    def _key(self) -> dict[str, str]:
        if self._api_key_variable is None:
            return {}
        key = os.environ.get(self._api_key_variable, "")
        return {"api_key": key} if key else {}

    def _answer(self, wire: Sequence[Mapping[str, str]], reply: Any) -> Answer:
        try:
            choice = reply.choices[0]
            text = choice.message.content or ""
        except (AttributeError, IndexError):
            raise CallFailed("server", "The provider sent an answer without a choice.", retryable=True) from None
        usage = getattr(reply, "usage", None)
        prompt_tokens = int(getattr(usage, "prompt_tokens", 0) or 0)
        completion_tokens = int(getattr(usage, "completion_tokens", 0) or 0)
        if not prompt_tokens:  # the provider reports no usage: no prompt has no token
            prompt_tokens = -(-sum(len(message["content"]) for message in wire) // CHARACTERS_PER_TOKEN)
            completion_tokens = completion_tokens or -(-len(text) // CHARACTERS_PER_TOKEN)
        refusal = getattr(choice.message, "refusal", None) or _specific(choice.message).get("refusal")
        return Answer(
            text=_without_surrogates(text),
            truncated=choice.finish_reason == "length",
            refused=choice.finish_reason == "content_filter" or bool(refusal),
            prompt_tokens=prompt_tokens,
            completion_tokens=completion_tokens,
            cost=self.cost(prompt_tokens, completion_tokens),
        )

    def _failure(self, litellm: Any, error: Exception, timeout: float) -> CallFailed:
        import openai

        status = getattr(error, "status_code", None)
        if isinstance(error, litellm.AuthenticationError) or status == 401:
            detail = f"The provider of {self.model} refused the credentials (status 401)."
            return CallFailed("authentication", detail, status=401)
        detail = self.scrub(f"{type(error).__name__}: {ERROR_NAMES.sub('', str(error))}")
        lost = _lost(error)
        if lost == "timeout" or isinstance(error, litellm.Timeout):
            return CallFailed("timeout", f"No answer within {timeout:g} s.", retryable=True)
        if lost == "connection":
            return CallFailed("connection", detail, retryable=True)
        if isinstance(error, litellm.RateLimitError):
            retryable = "insufficient_quota" not in _codes(error)
            return CallFailed("rate_limit", detail, retryable=retryable, wait=_wait(error), status=429)
        if isinstance(error, litellm.ContextWindowExceededError):
            return CallFailed("bad_request", detail, status=TOO_LONG)
        refused = isinstance(error, litellm.ContentPolicyViolationError) or REFUSALS & _codes(error)
        if refused or status == 403:
            return CallFailed("refused", detail, status=status)
        known = isinstance(error, openai.APIError)  # base of litellm's errors; anything else is a fault of the call
        if known and (status in RETRYABLE_STATUS or status is None):
            return CallFailed("server", detail, retryable=True, wait=_wait(error), status=status)
        reason: Reason = "server" if isinstance(status, int) and status >= 500 else "bad_request"
        return CallFailed(reason, detail, status=status)

    def scrub(self, text: str) -> str:
        """Return one line of bounded length without any secret that this process knows, or that looks like one."""
        for secret in sorted(self._secrets(), key=len, reverse=True):
            text = text.replace(secret, "***")
        line = " ".join(SECRET_TEXT.sub("***", text).split())
        return line if len(line) <= MOST_DETAIL else f"{line[: MOST_DETAIL - 1]}…"

    def _secrets(self) -> set[str]:
        headers = {**self._parameters.get("headers", {}), **self._parameters.get("extra_headers", {})}
        given = [value for name, value in self._parameters.items() if SECRET_NAME.search(name)] + list(headers.values())
        given += [os.environ.get(self._api_key_variable or "", "")]
        around = [value for name, value in os.environ.items() if SECRET_NAME.search(name)]
        return {
            value
            for place, values in (("given", given), ("environment", around))
            for value in values
            if isinstance(value, str) and len(value) >= SHORTEST_SECRET[place]
        }


def require_price(provider: Provider) -> Price:
    """Return the price. Raises LanguageModelError where it is unknown."""
    price = provider.price()
    if price is None:
        raise LanguageModelError(
            f"language_model.budget.cost_usd caps what {provider.model} may cost, but its price is not known; set "
            "language_model.price (input_per_million and output_per_million, in US dollars), or cap calls or tokens."
        )
    return price


def _specific(message: Any) -> Mapping[str, Any]:
    """Return what litellm passes on of a provider's own fields."""
    return getattr(message, "provider_specific_fields", None) or {}


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _lost(error: BaseException) -> str:
    """Say "timeout" or "connection" when no answer came; litellm calls both an error of the server."""
    import httpx
    import openai

    for cause in _causes(error):
        if isinstance(cause, TimeoutError | httpx.TimeoutException | openai.APITimeoutError):
            return "timeout"
        if isinstance(cause, httpx.TransportError | openai.APIConnectionError):
            return "connection"
    return ""


def _codes(error: BaseException) -> set[str]:
    """Return the provider's own error codes, which litellm does not pass on."""
    return {str(getattr(cause, "code", "")) for cause in _causes(error)}


def _wait(error: Exception) -> float:
    """Return the seconds that the provider asks to wait for, or 0."""
    from_litellm = getattr(error, "litellm_response_headers", None)
    headers = from_litellm or getattr(getattr(error, "response", None), "headers", None) or {}
    milliseconds, value = headers.get("retry-after-ms"), headers.get("retry-after")
    try:
        if milliseconds is not None:
            return max(0.0, float(milliseconds) / 1000)
        return max(0.0, float(value)) if value is not None else 0.0
    except ValueError:
        pass
    try:
        return max(0.0, parsedate_to_datetime(str(value)).timestamp() - time.time())
    except ValueError:
        return 0.0


def _without_surrogates(text: str) -> str:
    return text.encode("utf-8", "replace").decode()
