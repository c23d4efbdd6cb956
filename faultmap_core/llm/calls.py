"""What goes into a language model's client and what comes out of it: plain records, no behaviour.

`Request` in, `Outcome` out; `Budget` and `Price` are the caller's limits; `CallRecord` is a row of the ledger.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, Literal, TypeVar

from pydantic import BaseModel

R = TypeVar("R", bound=BaseModel | str)

Status = Literal["ok", "failed", "not_asked"]
Reason = Literal[
    "",
    "invalid_reply",
    "truncated",
    "timeout",
    "rate_limit",
    "server",
    "connection",
    "bad_request",
    "authentication",
    "budget",
    "refused",
]


@dataclass(frozen=True)
class Message:
    """One message of a conversation."""

    role: Literal["system", "user", "assistant"]
    content: str


@dataclass(frozen=True)
class Request(Generic[R]):
    """One question to the model.

    key: the caller's id, unique in one call of `ask_all`. reply: the pydantic model of a structured reply; None: the
    plain text is the reply. template: "name@version" of the prompt, for the ledger. temperature, max_tokens: None
    takes the client's. sample: repeats of one request are different cache entries. check: looks at a parsed reply and
    returns a complaint (the model is asked once more and shown it) or None.
    """

    key: str
    messages: tuple[Message, ...]
    reply: type[R] | None = None
    template: str = ""
    temperature: float | None = None
    max_tokens: int | None = None
    sample: int = 0
    check: Callable[[R], str | None] | None = None


@dataclass(frozen=True)
class Outcome(Generic[R]):
    """What became of one request; `reply` is None unless `status` is "ok".

    detail: one line, without secrets. text: the raw text of the last reply, "" if none. Tokens, cost (US dollars;
    None: unknown), seconds and attempts are sums over the calls made for it now: 0 when it came from the cache.
    """

    key: str
    reply: R | None
    status: Status
    reason: Reason = ""
    detail: str = ""
    cached: bool = False
    text: str = ""
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cost: float | None = 0.0
    seconds: float = 0.0
    attempts: int = 0


@dataclass(frozen=True)
class Purpose:
    """Who asks, for the ledger."""

    asset: str = ""
    partition: str = ""


@dataclass(frozen=True)
class Budget:
    """Most that may be spent in a period (UTC day, UTC month, or ever); None: no cap."""

    cost_usd: float | None = None
    calls: int | None = None
    tokens: int | None = None
    period: Literal["day", "month", "total"] = "day"


@dataclass(frozen=True)
class Price:
    """US dollars per million tokens; goes before litellm's table."""

    input_per_million: float
    output_per_million: float


@dataclass(frozen=True)
class Estimate:
    """What requests will take at most, before one of them is made; `cached` ones are not in `calls`.

    prompt_tokens is approximate (4 characters a token); most_completion_tokens is the sum of the requests' limits;
    most_cost is None when the model's price is unknown. Repair attempts are not counted.
    """

    calls: int
    cached: int
    prompt_tokens: int
    most_completion_tokens: int
    most_cost: float | None


@dataclass(frozen=True)
class CallRecord:
    """One row of the ledger: a call that was made, or a reply taken from the cache (cost 0, tokens 0)."""

    call_id: int
    at: datetime
    asset: str
    partition: str
    model: str
    template: str
    prompt_tokens: int
    completion_tokens: int
    cost: float | None
    seconds: float
    cached: bool
    outcome: str
    attempts: int
