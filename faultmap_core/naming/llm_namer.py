"""Name regions, and explain their failures, with a language model grounded in the region's examples.

Regions of one question are named together, so that their names differ. The model sees failing and passing examples
with responses and references and cites those that its root cause rests on; citations and names are checked. Where it
gives no usable reply, names are keywords and say so.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from faultmap_core.llm import LanguageModel, Outcome, Purpose, Request
from faultmap_core.llm.replies import read_reply
from faultmap_core.naming.keywords import KeywordNamer, Namer, NamingTask, RegionName, private_words, unique_name

logger = logging.getLogger("faultmap")

TEMPLATE = "name_regions"
_NAME_CHARS = 80
_MOST_REGIONS = 20
_EXAMPLES = 10
_MORE_PROMPTS = 8
# Of an example's text the end is shown too: it is where the answer stands.
_END_SHARE = 0.3
_TOKENS_PER_REGION = 700
# Copied as they are where an example has them; texts are shortened.
_FACTS = ("source", "failed", "score", "failed_a", "failed_b", "score_a", "score_b")
_TEXTS = ("prompt", "response", "response_a", "response_b", "reference")


class NamedRegion(BaseModel):
    """What the model says of one region."""

    model_config = ConfigDict(extra="forbid")

    region: str = Field(max_length=8)
    name: str = Field(min_length=1, max_length=_NAME_CHARS)
    description: str = Field(max_length=400)
    root_cause: str = Field(max_length=600)
    suggested_remediation: str = Field(max_length=600)
    cited_example_ids: list[Annotated[str, Field(max_length=16)]] = Field(max_length=_EXAMPLES)


class RegionNames(BaseModel):
    """What the model says of the regions of one call."""

    model_config = ConfigDict(extra="forbid")

    regions: list[NamedRegion] = Field(max_length=_MOST_REGIONS)


class ModelNamer:
    """Names by a language model, and by `fallback` where it gives none (`RegionName.note` then says why).

    Args:
        model: asked through its cache; its templates may be the user's.
        fallback: names what the model does not, and its keywords are the model's hints; keywords where None.
        purpose: who asks, for the ledger.
        regions_per_call: most regions in one call, 1 to 20; later calls are told the names that are taken.
        example_chars: most characters of a prompt or response that are shown.
    """

    def __init__(
        self,
        model: LanguageModel,
        fallback: Namer | None = None,
        purpose: Purpose | None = None,
        *,
        regions_per_call: int = 8,
        example_chars: int = 400,
    ) -> None:
        self.model = model
        self.fallback = fallback or KeywordNamer()
        self.purpose = purpose or Purpose()
        self.regions_per_call = min(max(regions_per_call, 1), _MOST_REGIONS)
        self.example_chars = example_chars
        self._told = ""

    def name_regions(self, tasks: Sequence[NamingTask], background: Sequence[str]) -> list[RegionName]:
        """Return one name per task, all different; never raises for what the model does."""
        if not tasks:
            return []
        hints = self.fallback.name_regions(tasks, background)
        missing = self.model.available()
        if missing:
            self._tell(logging.INFO, f"Names are keywords: {missing}")
            return [_instead(hint, missing) for hint in hints]
        taken = [hint.name for task, hint in zip(tasks, hints, strict=True) if task.fixed_name]
        names: list[RegionName] = []
        for start in range(0, len(tasks), self.regions_per_call):
            stop = start + self.regions_per_call
            named = self._named(tasks[start:stop], hints[start:stop], taken)
            names += named
            taken += [one.name for one in named if one.name not in taken]
        return names

    def _named(
        self, tasks: Sequence[NamingTask], hints: Sequence[RegionName], taken: Sequence[str]
    ) -> list[RegionName]:
        """Name the regions of one call; `taken` also holds the fixed names of these regions."""
        regions = [
            _Region.of(f"R{number}", task, hint, self.example_chars)
            for number, (task, hint) in enumerate(zip(tasks, hints, strict=True), start=1)
        ]
        request = self._request(regions, taken)
        [outcome] = self.model.ask_all([request], self.purpose)
        replies, why = _replies(outcome, request)
        if why:
            self._tell(logging.WARNING, f"Names are keywords where the model gives none: {why}")
        used = {name.casefold() for name in taken}
        names = []
        for region in regions:
            name = region.name_from(replies.get(region.id), used, self.model.id, why or "the reply leaves it out")
            used.add(name.name.casefold())
            names.append(name)
        return names

    def _request(self, regions: Sequence[_Region], taken: Sequence[str]) -> Request[RegionNames]:
        task = regions[0].task
        others = [name for name in taken if name not in {one.task.fixed_name for one in regions}]
        messages = self.model.prompts.render(
            TEMPLATE,
            question=task.question,
            models=_json({"A": task.models[0], "B": task.models[1]}),
            taken="\n".join(_json(name) for name in others),
            regions=[region.shown() for region in regions],
        )
        used = {name.casefold() for name in taken}
        return Request(
            key="regions",
            messages=messages,
            reply=RegionNames,
            template=self.model.prompts.template_id(TEMPLATE),
            max_tokens=_TOKENS_PER_REGION * len(regions),
            check=lambda reply: _complaint(reply, regions, used),
        )

    def _tell(self, level: int, line: str) -> None:
        """Log a line unless it was the last one told."""
        if line != self._told:
            self._told = line
            logger.log(level, "%s", line)


@dataclass(frozen=True)
class _Region:
    """A region under the ids that the model is shown: example ids of the user's may be long, or say anything."""

    id: str
    task: NamingTask
    hint: RegionName
    examples: Mapping[str, Mapping[str, Any]]
    chars: int

    @classmethod
    def of(cls, region_id: str, task: NamingTask, hint: RegionName, chars: int) -> _Region:
        shown = {f"{region_id}E{i}": one for i, one in enumerate(task.examples[:_EXAMPLES], start=1)}
        return cls(region_id, task, hint, shown, chars)

    def shown(self) -> dict[str, object]:
        """Return what the template shows, everything that was not written here as JSON lines in `material`."""
        task, seen = self.task, {one.get("prompt") for one in self.examples.values()}
        more = [prompt for prompt in task.prompts[: _EXAMPLES + _MORE_PROMPTS] if prompt not in seen][:_MORE_PROMPTS]
        lines: list[object] = [{"fixed_name": task.fixed_name}] if task.fixed_name else []
        lines += [{"id": shown_id, **self._example(one)} for shown_id, one in self.examples.items()]
        lines += [{"more_prompts": [_excerpt(prompt, self.chars // 2) for prompt in more]}] if more else []
        lines += [{"keywords": list(self.hint.keywords)}] if self.hint.keywords else []
        return {
            "id": self.id,
            "size": f"{task.size:,}",
            "failures": f"{task.failures:,}",
            "rate": f"{task.rate:.0%}",
            "rest_rate": f"{task.rest_rate:.0%}",
            "material": "\n".join(_json(line) for line in lines),
        }

    def _example(self, example: Mapping[str, Any]) -> dict[str, object]:
        texts = {key: _excerpt(str(example[key]), self.chars) for key in _TEXTS if example.get(key) is not None}
        return {**{key: example[key] for key in _FACTS if example.get(key) is not None}, **texts}

    def name_from(self, reply: NamedRegion | None, used: set[str], model_id: str, why: str) -> RegionName:
        """Return the model's name, with what cannot be kept of it left out; without a reply the hint, with `why`."""
        if reply is None:
            name = self.hint.name if self.task.fixed_name else unique_name(self.hint.name, used)
            return _instead(replace(self.hint, name=name), why)
        cited = [self.examples[one] for one in dict.fromkeys(reply.cited_example_ids) if one in self.examples]
        strange = [one for one in reply.cited_example_ids if one not in self.examples]
        metadata: dict[str, Any] = {"cited_example_ids": tuple(str(one.get("example_id", "")) for one in cited)}
        if strange:
            metadata["note"] = f"citations of no example, left out: {', '.join(_line(one) for one in strange)}"
        elif self.examples and not cited:
            metadata["note"] = "no example is cited"
        private = private_words(reply.name, self.task)
        if private:
            metadata["note"] = f"the model's name was not taken: {_told_by_one(private)}"
        given = "" if private or self.task.fixed_name else _line(reply.name)
        name = self.hint.name if self.task.fixed_name else unique_name(given or self.hint.name, used)
        return RegionName(
            name=name,
            description=_line(reply.description),
            named_by=model_id,
            keywords=self.hint.keywords,
            root_cause=_line(reply.root_cause),
            suggested_remediation=_line(reply.suggested_remediation),
            metadata=metadata,
        )


def _replies(outcome: Outcome[RegionNames], request: Request[RegionNames]) -> tuple[dict[str, NamedRegion], str]:
    """Return the reply by region, and why there is none. A reply that failed only its checks is still read."""
    reply = outcome.reply
    if reply is None and outcome.reason == "invalid_reply":
        reply, _ = read_reply(outcome.text, replace(request, check=None))
    if reply is None:
        return {}, f"{outcome.reason or outcome.status}{f': {outcome.detail}' if outcome.detail else ''}"
    return {one.region: one for one in reversed(reply.regions)}, ""


def _complaint(reply: RegionNames, regions: Sequence[_Region], used: set[str]) -> str | None:
    """Say what the model must repair: regions left out or made up, names not unique, citations of what is not there."""
    asked = {region.id: region for region in regions}
    given = [one.region for one in reply.regions]
    wrong = [f"region {one} is left out" for one in asked if one not in given]
    wrong += [f"there is no region {_line(one)}" for one in given if one not in asked]
    wrong += [f"region {one} stands twice" for one in asked if given.count(one) > 1]
    names = set(used)
    for one in reply.regions:
        region = asked.get(one.region)
        if region is None:
            continue
        folded = _line(one.name).casefold()
        if not region.task.fixed_name:
            if not folded or folded in names:
                wrong.append(f"the name of region {one.region} is {'taken: choose another' if folded else 'empty'}")
            names.add(folded)
            if private := private_words(one.name, region.task):
                wrong.append(f"the name of region {one.region} is of one person: {_told_by_one(private)}")
        strange = [_line(cited) for cited in one.cited_example_ids if cited not in region.examples]
        if strange:
            wrong.append(f"region {one.region} has no example {', '.join(strange)}")
        elif region.examples and not one.cited_example_ids:
            wrong.append(f"region {one.region} cites no example; its ids are {', '.join(region.examples)}")
    return "; ".join(wrong) or None


def _told_by_one(words: Sequence[str]) -> str:
    # The words themselves would stand in the note, and in the next request.
    return f"{len(words)} of its words {'is' if len(words) == 1 else 'are'} written by one person or session alone"


def _instead(hint: RegionName, why: str) -> RegionName:
    """Mark a name that stands in for the model's."""
    return replace(hint, metadata={**hint.metadata, "fallback": why})


def _excerpt(text: str, limit: int) -> str:
    """Return the beginning and the end of a text that is longer than `limit` characters."""
    if len(text) <= limit:
        return text
    end = int(limit * _END_SHARE)
    return f"{text[: limit - end]} […] {text[len(text) - end :]}"


def _json(value: object) -> str:
    """Return one line of JSON; half a surrogate pair, which no request can carry, becomes a question mark."""
    return json.dumps(value, ensure_ascii=False, default=str).encode("utf-8", "replace").decode("utf-8")


def _line(text: str) -> str:
    return " ".join(text.split())
