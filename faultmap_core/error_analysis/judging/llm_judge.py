"""Judge failures with a language model: the criteria of a right answer, and the first major error.

What the model quotes is checked against the response; what it did not find there is marked. A judgment that it cannot
give stays open (outcome "failed") and is never made up from rules.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from faultmap_core.error_analysis.answers.signals import FailedExample, signals_of
from faultmap_core.error_analysis.judging.judgment import (
    NO_PURPOSE,
    ContrastAnswer,
    Criterion,
    Judgment,
    JudgmentOutcome,
    contrast_digest,
    evidence_in,
    judgment_key,
)
from faultmap_core.llm import Estimate, LanguageModel, Outcome, Purpose, Request

TEMPLATE = "judge"
CUT_MARK = "\n[…]\n"
# Part of the version: raise it when the reply's form, its check or the lengths below change.
_REPLY_FORM = 1
_LONGEST = {"prompt": 6_000, "response": 8_000, "reference": 3_000, "contrast": 3_000, "steps": 8_000}
_CHUNK = 2_000
_MAX_TOKENS = 2_000


class JudgedCriterion(BaseModel):
    """One criterion of a reply."""

    model_config = ConfigDict(extra="forbid")

    criterion: Annotated[str, Field(min_length=1, max_length=200)]
    present: bool
    quality: Literal["correct", "partially_correct", "incorrect", "missing"]
    evidence: Annotated[str, Field(max_length=400)]
    comment: Annotated[str, Field(max_length=400)]


class JudgeReply(BaseModel):
    """What the model is asked to reply."""

    model_config = ConfigDict(extra="forbid")

    criteria: Annotated[list[JudgedCriterion], Field(min_length=1, max_length=8)]
    whole_solution_incorrect: bool
    no_error: bool
    error_title: Annotated[str, Field(max_length=120)]
    error_summary: Annotated[str, Field(max_length=800)]


class ModelJudge:
    """Judges with a language model; the prompt is the template judge.j2 of the model's library."""

    def __init__(self, model: LanguageModel) -> None:
        self.model = model

    @property
    def id(self) -> str:
        return self.model.id

    @property
    def version(self) -> str:
        """The version of the prompt and of the form of the reply."""
        return f"{self.model.prompts.version(TEMPLATE)}.{_REPLY_FORM}"

    def judge(
        self,
        examples: Sequence[FailedExample],
        contrasts: Sequence[Sequence[ContrastAnswer]],
        purpose: Purpose = NO_PURPOSE,
    ) -> list[Judgment]:
        """Return one judgment per example, in order; an item that fails is a judgment with outcome "failed"."""
        judgments: list[Judgment] = []
        for start in range(0, len(examples), _CHUNK):
            some, theirs = examples[start : start + _CHUNK], contrasts[start : start + _CHUNK]
            outcomes = self.model.ask_all(self.requests(some, theirs), purpose)
            for example, shown, outcome in zip(some, theirs, outcomes, strict=True):
                judgments.append(self._judgment(example, shown, outcome))
        return judgments

    def estimate(self, examples: Sequence[FailedExample], contrasts: Sequence[Sequence[ContrastAnswer]]) -> Estimate:
        """Return what judging would take at most, without a call."""
        return self.model.estimate(self.requests(examples, contrasts))

    def requests(
        self, examples: Sequence[FailedExample], contrasts: Sequence[Sequence[ContrastAnswer]]
    ) -> list[Request[JudgeReply]]:
        """Return the requests for these examples; their keys are the places in the list."""
        template = self.model.prompts.template_id(TEMPLATE)
        return [
            Request(
                key=str(place),
                messages=self.model.prompts.render(TEMPLATE, **_values(example, shown)),
                reply=JudgeReply,
                template=template,
                max_tokens=_MAX_TOKENS,
                check=_checks(example),
            )
            for place, (example, shown) in enumerate(zip(examples, contrasts, strict=True))
        ]

    def _judgment(
        self, example: FailedExample, contrasts: Sequence[ContrastAnswer], outcome: Outcome[JudgeReply]
    ) -> Judgment:
        reply = outcome.reply
        verdict: JudgmentOutcome = "failed"
        reason = ""
        if reply is None:
            code = outcome.reason or outcome.status
            reason = f"{code}: {outcome.detail}" if outcome.detail else code
        elif complaint := complaint_about(reply, example):
            # A client may hand on a reply that it could not have repaired.
            reply, reason = None, f"invalid_reply: {complaint}"
        else:
            verdict = _verdict(reply)
        has_error = reply is not None and verdict != "no_error_found"
        return Judgment(
            example_id=example.example_id,
            outcome=verdict,
            error_title=_one_line(reply.error_title) if reply and has_error else "",
            error_summary=reply.error_summary.strip() if reply else "",
            criteria=tuple(_criterion(one, example) for one in reply.criteria) if reply else (),
            signals=signals_of(example),
            judged_by=self.id,
            judgment_key=judgment_key(example, self),
            contrast_models=tuple(one.model for one in contrasts),
            contrast_digest=contrast_digest(contrasts),
            reason=reason,
            raw_reply=outcome.text,
        )


def complaint_about(reply: JudgeReply, example: FailedExample) -> str | None:
    """Return in what a reply contradicts itself or the response, None where it does not.

    "No error" must be shown: with a quotation that is in the response, and with no criterion that is not met.
    """
    if reply.no_error and reply.whole_solution_incorrect:
        return "no_error and whole_solution_incorrect cannot both be true."
    contradicting = [one.criterion for one in reply.criteria if not one.present and one.quality in _MET]
    if contradicting:
        return f"The criterion {contradicting[0]!r} is not present, so its quality must be missing or incorrect."
    if not reply.no_error:
        return None if len(_one_line(reply.error_title)) >= 3 else "error_title is empty although there is an error."
    unmet = [one.criterion for one in reply.criteria if one.quality in ("incorrect", "missing")]
    if unmet:
        return f"no_error is true although the criterion {unmet[0]!r} is incorrect or missing."
    if not any(_found(one.evidence, example) for one in reply.criteria):
        return "no_error is true, but no evidence is a quotation from the answer under examination."
    return None


_MET = ("correct", "partially_correct")


def _checks(example: FailedExample) -> Callable[[JudgeReply], str | None]:
    return lambda reply: complaint_about(reply, example)


def _verdict(reply: JudgeReply) -> JudgmentOutcome:
    if reply.no_error:
        return "no_error_found"
    return "whole_solution_incorrect" if reply.whole_solution_incorrect else "error"


def _criterion(judged: JudgedCriterion, example: FailedExample) -> Criterion:
    return Criterion(
        criterion=_one_line(judged.criterion),
        present=judged.present and judged.quality != "missing",
        quality=judged.quality,
        evidence=judged.evidence,
        evidence_found=_found(judged.evidence, example),
        comment=judged.comment.strip(),
    )


def _found(evidence: str, example: FailedExample) -> bool:
    return evidence_in(evidence, example.response, *example.steps)


def _one_line(text: str) -> str:
    return " ".join(text.split()).strip(" .")


def _values(example: FailedExample, contrasts: Sequence[ContrastAnswer]) -> dict[str, object]:
    reference = example.reference if example.reference and example.reference.strip() else ""
    return {
        "prompt": cut_middle(example.prompt, _LONGEST["prompt"]),
        "response": cut_middle(example.response, _LONGEST["response"]),
        "has_reference": bool(reference),
        "reference": cut_middle(reference, _LONGEST["reference"]),
        "has_contrasts": bool(contrasts),
        "contrasts": [cut_middle(one.response, _LONGEST["contrast"]) for one in contrasts],
        "has_steps": bool(example.steps),
        "steps": cut_middle("\n".join(example.steps), _LONGEST["steps"]),
    }


def cut_middle(text: str, limit: int) -> str:
    """Return a text of at most `limit` characters, a longer one as its beginning, a mark and its end."""
    if len(text) <= limit:
        return text
    kept = limit - len(CUT_MARK)
    return text[: kept - kept // 2] + CUT_MARK + text[len(text) - kept // 2 :]
