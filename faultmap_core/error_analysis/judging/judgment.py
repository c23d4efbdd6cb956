"""What a judge says of one failure, and when two texts count as the same evidence. Written by judges, kept as rows."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, Protocol, cast, get_args

from faultmap_core.data.prompts import normalized
from faultmap_core.error_analysis.answers.signals import FailedExample
from faultmap_core.llm import Purpose

NO_PURPOSE = Purpose()
Quality = Literal["correct", "partially_correct", "incorrect", "missing"]
JudgmentOutcome = Literal["error", "no_error_found", "whole_solution_incorrect", "failed"]

_QUOTES = "\"'`“”‘’«»「」*"
_ELLIPSIS = re.compile(r"\s*(?:\.{3,}|…|\[(?:\.{3}|…)\]|\((?:\.{3}|…)\))\s*")
_LEAST_PIECE = 8


@dataclass(frozen=True)
class ContrastAnswer:
    """A correct answer of another model to the same example."""

    model: str
    response: str


@dataclass(frozen=True)
class Criterion:
    """One thing that a right answer needs.

    Attributes:
        present: whether the response attends to it at all; quality: how well.
        evidence: quoted from the response, "" where there is nothing to quote; evidence_found: whether it is there.
    """

    criterion: str
    present: bool
    quality: Quality
    evidence: str
    evidence_found: bool
    comment: str

    @property
    def invented(self) -> bool:
        """Whether the judge quotes what the response does not say."""
        return bool(self.evidence.strip()) and not self.evidence_found


@dataclass(frozen=True)
class Judgment:
    """What a judge found first in one failure.

    Attributes:
        outcome: "error"; "no_error_found" (the answer seems right: a suspect score); "whole_solution_incorrect" (no
            part of it can be kept); "failed" (the judge gave no usable reply; still to be judged).
        error_title: a few words under which equal errors can be grouped, "" unless there is an error.
        signals: rule signals (keys of `signals.SIGNALS`), whoever judged.
        judged_by: "rules" or the model's id; judgment_key: equal keys need not be judged again.
        contrast_models, contrast_digest: the answers that were shown; fixed when judged, no part of the key.
        reason: why a judgment failed: a code such as "timeout", where known ": " and a detail; "" else.
        raw_reply: what the model said.
    """

    example_id: str
    outcome: JudgmentOutcome
    error_title: str
    error_summary: str
    criteria: tuple[Criterion, ...]
    signals: tuple[str, ...]
    judged_by: str
    judgment_key: str
    contrast_models: tuple[str, ...] = ()
    contrast_digest: str = ""
    reason: str = ""
    raw_reply: str = ""

    @property
    def reason_code(self) -> str:
        return self.reason.partition(":")[0]

    @property
    def invented_evidence(self) -> int:
        """How many quotations are not in the response."""
        return sum(criterion.invented for criterion in self.criteria)

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values; `from_dict` makes the same judgment of them."""
        plain = asdict(self)
        for name in ("criteria", "signals", "contrast_models"):
            plain[name] = list(plain[name])
        return plain

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Judgment:
        """Make a judgment of what `to_dict` returned. Raises: ValueError for an outcome or a quality that is none."""
        criteria = tuple(Criterion(**one) for one in values["criteria"])
        _known("outcome", values["outcome"], get_args(JudgmentOutcome))
        for criterion in criteria:
            _known("quality", criterion.quality, get_args(Quality))
        rest = {name: value for name, value in values.items() if name not in ("criteria", "signals", "contrast_models")}
        return cls(
            **rest,
            criteria=criteria,
            signals=tuple(values["signals"]),
            contrast_models=tuple(values["contrast_models"]),
        )


def _known(name: str, value: object, allowed: Sequence[str]) -> None:
    if value not in allowed:
        raise ValueError(f"{name} of a judgment is {value!r}; expected one of {', '.join(allowed)}")


class Judge(Protocol):
    """Anything that judges failures. `id` goes into the rows; `version` changes whenever its judgments may change."""

    @property
    def id(self) -> str: ...

    @property
    def version(self) -> str: ...

    def judge(
        self,
        examples: Sequence[FailedExample],
        contrasts: Sequence[Sequence[ContrastAnswer]],
        purpose: Purpose = ...,
    ) -> list[Judgment]:
        """Return one judgment per example, in order. `contrasts`: for each example its correct answers of others."""


def judgment_key(example: FailedExample, judge: Judge) -> str:
    """Return the 32 hex digits of the row (with an agent's steps), the judge and its version."""
    return _digest([example.row_digest, *example.steps, judge.id, judge.version])


def contrast_digest(contrasts: Sequence[ContrastAnswer]) -> str:
    """Return the 32 hex digits of the contrast answers, "" without any."""
    return _digest([[one.model, one.response] for one in contrasts]) if contrasts else ""


def _digest(parts: object) -> str:
    return hashlib.blake2b(json.dumps(parts).encode(), digest_size=16).hexdigest()


def evidence_in(evidence: str, *texts: str) -> bool:
    """Whether a quotation is in one of the texts, apart from white space, case and quotation marks around it.

    A quotation with an ellipsis is there when its pieces, of 8 characters or more, follow one another. An empty one is
    nowhere.
    """
    if not evidence.strip():
        return False
    if any(evidence in text for text in texts):
        return True
    quoted = _plain(evidence)
    if not quoted:
        return False
    pieces = [piece for piece in _ELLIPSIS.split(quoted) if piece]
    for text in map(_plain, texts):
        if quoted in text:
            return True
        if len(pieces) > 1 and all(len(piece) >= _LEAST_PIECE for piece in pieces) and _in_order(pieces, text):
            return True
    return False


def _plain(text: str) -> str:
    return normalized(text).translate(_SAME_QUOTES).strip(_QUOTES + " ")


_SAME_QUOTES = cast("dict[int, str]", str.maketrans({"“": '"', "”": '"', "‘": "'", "’": "'"}))


def _in_order(pieces: Sequence[str], text: str) -> bool:
    at = 0
    for piece in pieces:
        at = text.find(piece, at)
        if at < 0:
            return False
        at += len(piece)
    return True
