"""Find the steps of a trace that are users' requests: the outermost model calls, agents and chains with a prompt.

What lies inside of them (the calls that an agent makes, its tools, retrievers, guardrails) is how the answer came about
and no traffic of its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

Role = Literal["call", "wrapper", "inside"]


@dataclass(frozen=True)
class TraceStep:
    """One span or observation.

    Attributes:
        key, parent: unique in the file; parent None for a root.
        trace: what it belongs to.
        role: "call" for a call of a model, an agent or a chain; "wrapper" for a step that may stand for the calls below
            it; "inside" for what is never a request (tools, retrievers, embeddings, evaluators).
        has_prompt: whether it says what was asked.
        model, session, user: as far as it knows them.
    """

    key: str
    parent: str | None
    trace: str
    role: Role
    has_prompt: bool
    model: str | None = None
    session: str | None = None
    user: str | None = None


@dataclass(frozen=True)
class Request:
    """What a request inherits: the model of a call below it, session and user of its trace."""

    model: str | None
    session: str | None
    user: str | None


class TraceTree:
    """The steps of all traces of one file; about half a kilobyte a step."""

    def __init__(self) -> None:
        self._steps: dict[str, TraceStep] = {}
        self._session: dict[str, str] = {}
        self._user: dict[str, str] = {}

    def add(self, step: TraceStep) -> None:
        """Add a step; of two with one key the first stands."""
        self._steps.setdefault(step.key, step)
        if step.session:
            self._session.setdefault(step.trace, step.session)
        if step.user:
            self._user.setdefault(step.trace, step.user)

    def requests(self) -> dict[str, Request]:
        """Return the requests by key."""
        above_calls = {above.key for step in self._steps.values() if step.role == "call" for above in self._above(step)}
        able = {
            step.key
            for step in self._steps.values()
            if step.has_prompt and (step.role == "call" or (step.role == "wrapper" and step.key in above_calls))
        }
        outermost = {key for key in able if not any(above.key in able for above in self._above(self._steps[key]))}
        models: dict[str, str] = {}
        for step in self._steps.values():
            if step.model:
                for one in (step, *self._above(step)):
                    models.setdefault(one.key, step.model)
        found = {}
        for key in outermost:
            step = self._steps[key]
            found[key] = Request(
                step.model or models.get(key),
                step.session or self._session.get(step.trace),
                step.user or self._user.get(step.trace),
            )
        return found

    def without_content(self, requests: dict[str, Request]) -> set[str]:
        """Return the outermost calls that say nothing of what was asked, and neither does anything above or below."""
        told = set(requests)
        for key in requests:
            told.update(above.key for above in self._above(self._steps[key]))
        return {
            step.key
            for step in self._steps.values()
            if step.role == "call"
            and step.key not in told
            and not any(above.role == "call" or above.key in requests for above in self._above(step))
        }

    def _above(self, step: TraceStep) -> Iterator[TraceStep]:
        """Yield the steps above one, nearest first; a circle ends where it closes."""
        seen = {step.key}
        while step.parent is not None and step.parent in self._steps and step.parent not in seen:
            step = self._steps[step.parent]
            seen.add(step.key)
            yield step
