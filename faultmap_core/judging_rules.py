"""Rules judge failures: the most severe signal gives the first major error. Deterministic, without a language model.

They say what can be seen and no more: where no signal holds, the title says that the error is unexplained.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal

from faultmap_core.answer_numbers import number_of, number_word, numbers_in
from faultmap_core.answers import POLARITY, bare, shown, words_of
from faultmap_core.arithmetic import wrong_sums
from faultmap_core.judgments import (
    NO_PURPOSE,
    ContrastAnswer,
    Criterion,
    Judgment,
    Quality,
    evidence_in,
    judgment_key,
)
from faultmap_core.llm import Purpose
from faultmap_core.naming import quoted
from faultmap_core.signals import SIGNALS, Examination, FailedExample, examine
from faultmap_core.text_signs import shown_end

# Raise it whenever a rule, a title or a criterion changes.
RULES_VERSION = "2"
_NO_ERROR = ("answer_matches_reference", "case_or_punctuation")
# How a final number misses, and how a chosen option's number does.
_NUMBER_TITLES = {
    "near_miss_number": (
        "Final number within one per cent of the reference",
        "is within one per cent of the right one",
    ),
    "sign_error": ("Final number with the wrong sign", "has the wrong sign"),
    "factor_of_ten": ("Final number off by a power of ten", "is off by a power of ten"),
    "rounding": ("Final number rounded to other digits", "is rounded to other digits"),
    "transposed_digits": ("Final number with two digits exchanged", "has two digits exchanged"),
    "off_by_one": ("Final number off by one", "is off by one"),
    "factor_of_two": ("Final number double or half the right one", "is double or half the right one"),
}
_NEAR_MISSES = frozenset(_NUMBER_TITLES) - {"near_miss_number", "factor_of_two"}
_TITLES = {
    "empty": "Empty response",
    "refusal": "Declines to answer",
    "repetition": "Repeats itself in a loop",
    "wrong_language": "Answers in another language",
    "prompt_echo": "Gives the prompt back instead of an answer",
    "several_options": "Names more than one option as the answer",
    "no_answer": "Says that the answer is not known",
    "wrong_arithmetic": "Arithmetic slip in the working",
    "invalid_json": "JSON that cannot be read",
    "no_json": "No JSON where JSON is expected",
    "no_option": "No final choice among the options",
    "no_number": "No number where a number is expected",
    "no_yes_no": "No clear yes or no",
    "no_list": "No list at the end where a list is expected",
    "no_short_answer": "Explains at length without stating an answer",
    "number_for_words": "Number given where words are expected",
    "option_mixup": "States the right option's text but names another option",
    "word_from_prompt": "Answers with words of the question",
    "wrong_order": "Right items in the wrong order",
    "missing_items": "Items missing from the list",
    "extra_items": "Superfluous items in the list",
    "wrong_items": "Missing and wrong items in the list",
    "wrong_json_keys": "JSON of another shape than the reference",
    "wrong_json_values": "JSON with wrong values",
    "near_miss_text": "Answer differs from the reference by a few letters",
    "truncated": "Cut off before the end",
    "runs_on": "Goes on to write the next question",
    "extra_text": "Right words among much other text",
    "too_short": "Much shorter than the reference",
    "over_long": "Much longer than the reference",
}
_CATCH_ALL = (
    *("ambiguous", "cannot be determined", "none of the above", "none of these", "all of the above", "all of these"),
    *("not enough information", "unknown"),
)
_LABELS = frozenset(
    (
        *POLARITY,
        *("valid", "invalid", "positive", "negative", "neutral", "plausible", "implausible", "correct", "incorrect"),
        *("same", "different", "entailment", "contradiction", "safe", "unsafe", "spam", "toxic", "fake", "real"),
    )
)
_REASONED_WORDS = 15
_QUOTE = 90


class RuleJudge:
    """Judges by rule signals; contrast answers are not looked at."""

    id = "rules"
    version = RULES_VERSION

    def judge(
        self,
        examples: Sequence[FailedExample],
        contrasts: Sequence[Sequence[ContrastAnswer]],
        purpose: Purpose = NO_PURPOSE,
    ) -> list[Judgment]:
        """Return one judgment per example, in order; none of them fails."""
        return [self._judge(example) for example in examples]

    def _judge(self, example: FailedExample) -> Judgment:
        seen = examine(example)
        major = _major(seen)
        right = major in _NO_ERROR
        return Judgment(
            example_id=example.example_id,
            outcome="no_error_found" if right else "error",
            error_title="" if right else _title(major, example, seen),
            error_summary=_summary(major, example, seen),
            criteria=_criteria(example, seen),
            signals=seen.signals,
            judged_by=self.id,
            judgment_key=judgment_key(example, self),
        )


def _major(seen: Examination) -> str:
    """Return the most severe signal that has a meaning of its own, "" where there is none."""
    for signal in seen.signals:
        if signal == "near_miss_number" and _NEAR_MISSES & set(seen.signals):
            continue
        if signal != "wrong_format":
            return signal
    return ""


def _title(major: str, example: FailedExample, seen: Examination) -> str:
    if major in _TITLES:
        return _TITLES[major]
    if major in _NUMBER_TITLES:
        final, option = _NUMBER_TITLES[major]
        return f"Chose an option whose number {option}" if seen.expected.kind == "option" else final
    made = _MADE_TITLES.get(major)
    return made(example, seen) if made else _unexplained(example, seen)


def _option_title(example: FailedExample, seen: Examination) -> str:
    options = seen.expected.options
    how = "after reasoning" if _reasoned(example, seen) else "without reasoning"
    if options is None:
        return f"Chose the wrong option, {how}"
    wanted = options.texts[options.find(seen.expected.reference) or 0]
    index = options.find(seen.compared.strip("(). ")) if seen.compared else None
    chosen = options.texts[index] if index is not None else ""
    if {bare(chosen), bare(wanted)} <= _LABELS:
        return f"Said {bare(chosen)} where {bare(wanted)} is right"
    if _is_catch_all(chosen) != _is_catch_all(wanted):
        if _is_catch_all(chosen):
            return f"Chose “{_catch_all(chosen)}” where another option is right"
        return f"Chose a definite option where “{_catch_all(wanted)}” is right"
    return f"Chose the wrong option among {_what(options.texts)}, {how}"


def _is_catch_all(text: str) -> bool:
    return bool(_catch_all(text))


def _catch_all(text: str) -> str:
    plain = bare(text)
    return next((phrase for phrase in _CATCH_ALL if plain.startswith(phrase)), "")


def _what(texts: Sequence[str]) -> str:
    """Return what most of the options are."""
    if sum(any(map(str.isdigit, text)) and len(text.split()) <= 4 for text in texts) > 0.7 * len(texts):
        return "numbers"
    return "statements" if sum(len(text.split()) for text in texts) > 4 * len(texts) else "names and terms"


def _reasoned(example: FailedExample, seen: Examination) -> bool:
    return len(example.response.split()) - len(seen.compared.split()) > _REASONED_WORDS


def _number_title(example: FailedExample, seen: Examination) -> str:
    answer, reference = _last_number(seen.compared), number_of(seen.expected.reference)
    how = "" if _reasoned(example, seen) else ", given without working"
    if answer is None or reference is None:
        return f"Wrong final number{how}"
    if answer * reference < 0:
        return f"Final number {'negative' if answer < 0 else 'positive'} where the opposite is right{how}"
    far = "far " if abs(answer) > 10 * abs(reference) or 10 * abs(answer) < abs(reference) else ""
    return f"Final number {far}too {'large' if answer > reference else 'small'}{how}"


def _last_number(text: str) -> Decimal | None:
    found = numbers_in(text)
    return found[-1].value if found else number_word(text)


def _polarity_title(example: FailedExample, seen: Examination) -> str:
    return f"Said {bare(seen.compared)} where {bare(seen.expected.reference)} is right"


def _inside_title(example: FailedExample, seen: Examination) -> str:
    if seen.expected.kind == "number":
        return "Right number computed, but another one given as the answer"
    return "The reference's text is in the response, but not as its answer"


def _prompt_number_title(example: FailedExample, seen: Examination) -> str:
    return "Answers with a number of the question"


_MADE_TITLES: Mapping[str, Callable[[FailedExample, Examination], str]] = {
    "wrong_option": _option_title,
    "wrong_yes": _polarity_title,
    "wrong_no": _polarity_title,
    "number_too_large": _number_title,
    "number_too_small": _number_title,
    "wrong_number": _number_title,
    "reference_inside": _inside_title,
    "number_from_prompt": _prompt_number_title,
}


def _unexplained(example: FailedExample, seen: Examination) -> str:
    if seen.expected.kind == "unknown":
        return "Unexplained: no reference to compare with"
    what = "a text" if seen.expected.kind == "free_text" else "a short answer"
    shared = word_overlap(seen.compared or example.response, seen.expected.reference)
    near = "no word" if shared == 0 else "few words" if shared < 0.4 else "many words"
    return f"Unexplained: {what} that shares {near} with the reference"


def word_overlap(text: str, reference: str) -> float:
    """Return the F1 of the words of two texts, in [0, 1]; a word counts as often as it is in both."""
    a, b = Counter(words_of(text)), Counter(words_of(reference))
    total = a.total() + b.total()
    return 2 * (a & b).total() / total if total else 0.0


def _summary(major: str, example: FailedExample, seen: Examination) -> str:
    """Say what was seen, with the words that show it."""
    if major == "empty":
        return "The response is empty."
    if not major:
        said = "No rule explains why this was scored as wrong."
    elif major == "wrong_arithmetic":
        wrong = wrong_sums(seen.evidence(major))
        said = f"It writes {quoted(wrong[0].text, _QUOTE)}, which comes to {wrong[0].value:.10g}." if wrong else ""
    else:
        evidence = seen.evidence(major)
        shows = f": {quoted(evidence, _QUOTE)}." if evidence and evidence != seen.compared else "."
        said = SIGNALS[major].rstrip(".") + shows
    parts = [said, *_answer_and_reference(example, seen)]
    return " ".join(part for part in parts if part)


def _answer_and_reference(example: FailedExample, seen: Examination) -> list[str]:
    answered = (
        f"The answer is {quoted(seen.compared, _QUOTE)}" if seen.compared.strip() else "No final answer is stated"
    )
    if not seen.expected.references:
        return [f"{answered}; there is no reference."]
    options = seen.expected.options
    index = options.find(seen.expected.reference) if options else None
    wanted = seen.expected.reference
    if options and options.letters and index is not None:
        wanted = f"{options.label(index)} {options.texts[index]}"
    return [f"{answered}; the reference is {quoted(wanted, _QUOTE)}."]


def _criteria(example: FailedExample, seen: Examination) -> tuple[Criterion, ...]:
    """Return the observable criteria; the language and the match only where there is something to hold them against."""
    has = set(seen.signals)
    response = example.response
    beginning, end = shown(response, 80), shown_end(response, 80)
    silent = has & {"empty", "refusal", "no_answer"}
    rows: list[tuple[str, Quality, str, str]] = [
        ("Gives an answer", "missing" if silent else "correct", "" if silent else beginning, _why(silent))
    ]
    if "empty" not in has:
        broken = has & {"truncated", "repetition"}
        rows.append(("Is complete", "incorrect" if broken else "correct", end, _why(broken)))
        format_row = _format_row(has, seen)
        if format_row:
            rows.append(format_row)
        if "wrong_language" in has:
            rows.append(("Is in the right language", "incorrect", beginning, SIGNALS["wrong_language"]))
    if seen.expected.references:
        rows.append(_match_row(has, seen))
    return tuple(
        Criterion(name, quality != "missing", quality, evidence, evidence_in(evidence, response), comment)
        for name, quality, evidence, comment in rows
    )


def _why(signals: set[str]) -> str:
    return " ".join(SIGNALS[name] for name in SIGNALS if name in signals)


def _format_row(has: set[str], seen: Examination) -> tuple[str, Quality, str, str] | None:
    names = {"option": "a choice", "number": "a number", "yes_no": "yes or no", "json": "JSON", "sequence": "a list"}
    kind = names.get(seen.expected.kind)
    if kind is None:
        return None
    wrong = has & {"no_option", "no_number", "no_yes_no", "no_list", "no_json", "invalid_json", "several_options"}
    if not wrong and not seen.compared:
        return None
    quality: Quality = "correct"
    if wrong:
        quality = "incorrect" if wrong & {"invalid_json", "several_options"} else "missing"
    return f"Answers with {kind}", quality, "" if quality == "missing" else seen.compared, _why(wrong)


def _match_row(has: set[str], seen: Examination) -> tuple[str, Quality, str, str]:
    name = "Final answer matches the reference"
    if has & set(_NO_ERROR):
        return name, "correct", seen.compared, _why(has & set(_NO_ERROR))
    near = has & {"near_miss_number", "near_miss_text", "reference_inside", "wrong_order", "missing_items"}
    if near:
        return name, "partially_correct", seen.compared or seen.evidence(min(near)), _why(near)
    if not seen.compared:
        return name, "missing", "", "No final answer was found."
    return name, "incorrect", seen.compared, f"The reference is {quoted(seen.expected.reference, _QUOTE)}."
