"""Detect, without a language model, what is wrong with a failed answer: rule signals in order of
their severity.

A signal is an observable fact about prompt, response and reference, not a cause. `SIGNALS` defines each of them;
`examine` finds them, with the words of the response that show them; `signals_of` gives their names alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from faultmap_core.error_analysis.answers.arithmetic import wrong_sums
from faultmap_core.error_analysis.answers.extraction import (
    Expected,
    FinalAnswer,
    expected_answer,
    final_answer,
    shown,
    without_next_question,
)
from faultmap_core.error_analysis.answers.mismatch import Comparison, Finding, compare
from faultmap_core.error_analysis.answers.text_signals import (
    no_answer,
    prompt_echo,
    refusal,
    repetition,
    truncated,
    wrong_language,
)

_NO_METADATA: Mapping[str, Any] = MappingProxyType({})
_READ = 100_000


@dataclass(frozen=True)
class FailedExample:
    """One failed answer of one model.

    Attributes:
        reference: the right answer, None where there is none.
        row_digest: identifies the content of the row; a row with another digest is judged anew.
        steps: of an agent run: its rendered steps, oldest first.
        metadata: of the row; `finish_reason` and the like tell of a cut response.
    """

    example_id: str
    prompt: str
    response: str
    reference: str | None
    score: float | None
    row_digest: str
    dataset: str = ""
    model: str = ""
    steps: tuple[str, ...] = ()
    metadata: Mapping[str, Any] = field(default_factory=lambda: _NO_METADATA)


# From the most to the least severe: the first that holds is a failure's major sign.
SIGNALS: Mapping[str, str] = MappingProxyType(
    {
        "empty": "The response holds nothing but white space.",
        "refusal": "The response begins by declining (nine languages) and gives nothing after it.",
        "repetition": "The response loops: a piece of text, a line or its word runs come again and again.",
        "wrong_language": "Its script or language is not that of the reference, nor of the prompt.",
        "prompt_echo": "The response is the prompt, or a part of it, given back.",
        "answer_matches_reference": "The final answer equals the reference in its kind: a suspect score or reference.",
        "case_or_punctuation": "The response differs from the reference in case, accents or punctuation alone.",
        "several_options": "The final answer names more than one option.",
        "no_answer": "The answer says that it is not known or cannot be told, which is no accepted answer.",
        "wrong_arithmetic": "The response writes down a sum of plain numbers whose result is wrong.",
        "invalid_json": "JSON is expected, and what begins like JSON cannot be read as such.",
        "no_json": "JSON is expected, and the response holds none.",
        "no_option": "A choice among options is expected, and the response chooses none.",
        "no_number": "A number is expected, and the response gives none.",
        "no_yes_no": "Yes or no, true or false is expected, and the response says neither.",
        "no_list": "A list or a row of symbols is expected, and the response ends with none.",
        "no_short_answer": "A few words are expected; the response has more than 25 words and marks none as answer.",
        "number_for_words": "The answer is a number where the reference is words.",
        "wrong_format": "An option, a number, yes or no, a list or JSON is expected, and the response holds none.",
        "option_mixup": "What stands before the choice is the right option's text, not that of the chosen one.",
        "near_miss_number": "The final number, or the chosen option's, misses in a small way: the next five, or 1 %.",
        "sign_error": "The final number is the reference with the other sign.",
        "factor_of_ten": "It is the reference times a power of ten, up to a million.",
        "rounding": "It is the reference rounded or cut to fewer places, or the other way round.",
        "transposed_digits": "It is the reference with two neighbouring digits exchanged.",
        "off_by_one": "It is one more or one less than the reference.",
        "factor_of_two": "The final number is double or half the reference.",
        "reference_inside": "The reference is in the response, though not as its answer.",
        "number_from_prompt": "The final number, of two digits or more, is one that the prompt gives.",
        "word_from_prompt": "The short answer is words that the prompt gives.",
        "wrong_option": "The chosen option is not the reference.",
        "wrong_yes": "The response says yes or true, the reference the opposite.",
        "wrong_no": "The response says no or false, the reference the opposite.",
        "number_too_large": "The final number is greater than the reference.",
        "number_too_small": "The final number is less than the reference.",
        "wrong_number": "The final number is not the reference.",
        "wrong_order": "A list or row of symbols has the right items in the wrong order.",
        "missing_items": "Items of the reference are missing, and no wrong one is there.",
        "extra_items": "All items of the reference are there, and others, too.",
        "wrong_items": "Items are missing, and wrong ones are there.",
        "wrong_json_keys": "The response is JSON of another shape or with other keys.",
        "wrong_json_values": "The response is JSON with the right keys and other values.",
        "near_miss_text": "A short answer is the reference but for a few letters.",
        "truncated": "The response ends before it is finished.",
        "runs_on": "The response goes on to write the next question itself.",
        "extra_text": "The response holds the reference, and more than twice as much besides.",
        "too_short": "It has less than a fifth of the reference's length, of at least 120 characters.",
        "over_long": "It is more than five times as long as a free-text reference, and has 400 characters or more.",
    }
)
_WHEREVER = frozenset({"reference_inside", "extra_text", "over_long", "invalid_json", "no_json"})
_ORDER = {name: place for place, name in enumerate(SIGNALS)}


@dataclass(frozen=True)
class Examination:
    """What the rules see in one failure.

    Attributes:
        expected: what kind of answer is asked for; answer: the response's own.
        compared: the words that were compared to the reference, "" where there were none.
        findings: the signals with their evidence, most severe first, each once.
    """

    expected: Expected
    answer: FinalAnswer
    compared: str
    findings: tuple[Finding, ...]

    @property
    def signals(self) -> tuple[str, ...]:
        return tuple(finding.signal for finding in self.findings)

    def evidence(self, signal: str) -> str:
        return next((finding.evidence for finding in self.findings if finding.signal == signal), "")


def signals_of(example: FailedExample) -> tuple[str, ...]:
    """Return the names of a failure's signals (keys of `SIGNALS`), most severe first; none where the rules see none."""
    return examine(example).signals


def examine(example: FailedExample) -> Examination:
    """Find a failure's signals. Reads at most the first 100,000 characters of a response; 0.2 ms for a usual one."""
    response = example.response[:_READ]
    expected = expected_answer(example.prompt, example.reference)
    if not response.strip():
        return Examination(expected, FinalAnswer("", False, False), "", (Finding("empty", ""),))
    answer = final_answer(response)
    comparison = compare(example.prompt, response, expected, answer)
    look = _by_look(example, response, expected, comparison, answer)
    if not (answer.marked or answer.alone) and any(one.signal == "truncated" for one in look):
        # What stands last in a response that was cut is not its answer.
        comparison = Comparison("", tuple(one for one in comparison.findings if one.signal in _WHEREVER))
    found = [*comparison.findings, *look]
    if any(finding.signal == "refusal" for finding in found):
        # What a refusal does not hold needs no further signal.
        found = [one for one in found if one.signal not in ("no_answer", "too_short", "wrong_format", "truncated")]
    first: dict[str, Finding] = {}
    for finding in found:
        first.setdefault(finding.signal, finding)
    ordered = sorted(first.values(), key=lambda finding: _ORDER[finding.signal])
    return Examination(expected, answer, comparison.answer, tuple(ordered))


def _by_look(
    example: FailedExample, response: str, expected: Expected, comparison: Comparison, answer: FinalAnswer
) -> list[Finding]:
    """Find the signals that do not depend on what kind of answer is asked for."""
    reference = expected.reference
    accepted = "\n".join((*expected.references, *(expected.options.texts if expected.options else ())))
    own = without_next_question(response)
    checks: tuple[tuple[str, Callable[[], str]], ...] = (
        ("refusal", lambda: refusal(response, reference)),
        ("repetition", lambda: repetition(response, reference)),
        ("wrong_language", lambda: wrong_language(response, reference, example.prompt)),
        ("prompt_echo", lambda: prompt_echo(response, example.prompt, reference)),
        ("truncated", lambda: truncated(response, example.metadata)),
        ("no_answer", lambda: "" if _chosen(comparison) else no_answer(answer.text, response, accepted)),
        ("wrong_arithmetic", lambda: _wrong_sum(response)),
        ("runs_on", lambda: shown(response[len(own) :], 60) if len(own) < len(response) else ""),
    )
    return [Finding(name, words) for name, check in checks if (words := check())]


def _chosen(comparison: Comparison) -> bool:
    """Whether a choice, a number or a word that the question asks for was found."""
    return bool(comparison.answer) and any(
        one.signal.startswith(("wrong_option", "wrong_number", "wrong_yes", "wrong_no", "answer_matches"))
        for one in comparison.findings
    )


def _wrong_sum(response: str) -> str:
    wrong = wrong_sums(response)
    return wrong[0].text if wrong else ""
