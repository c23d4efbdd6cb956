"""Compare a response's answer with the reference: one finding per observable difference, with its words."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from difflib import SequenceMatcher

from faultmap_core.error_analysis.answers.extraction import (
    POLARITY,
    READ_CHARS,
    SENTENCE_END,
    AnswerKind,
    Expected,
    FinalAnswer,
    bare,
    items_of,
    json_value,
    last_sentence,
    shown,
    stated_number,
    stated_options,
    stated_polarity,
    without_next_question,
    words_of,
)
from faultmap_core.error_analysis.answers.numbers import near_miss, number_of, numbers_in

_BULLET = re.compile(r"^[ \t]*(?:[-*•+]|\d{1,3}[.)])[ \t]+(.+)$", re.MULTILINE)
_LEAD_IN = re.compile(r"^[^,]*?(?:\b(?:are|is|ist|sind|sont|son|order)\b:?|:)\s+", re.IGNORECASE)
_WORDY = 25
_EQUATION_RESULT = r"(?:=|>>)\s*[$€£]?\s?{}(?![\d,]*\d|\.\d)"
_SAME = Decimal("1e-9")
_JOINED = re.compile(r",?\s*(?:and|or|und|oder|et|ou|y|e|o|&|/|,)", re.IGNORECASE)
_NOTHING_MORE = re.compile(r"\W*(?:respectively)?\W*", re.IGNORECASE)
_LONG_ENOUGH = 12
_MOST_EVIDENCE = 160
_NEAR_END = 150


@dataclass(frozen=True)
class Finding:
    """A signal with the words of the response that show it, verbatim; "" where it is shown by what is missing."""

    signal: str
    evidence: str


@dataclass(frozen=True)
class Comparison:
    """What was compared: the answer as found in the response ("" where there is none), and what was found."""

    answer: str
    findings: tuple[Finding, ...]


def compare(prompt: str, response: str, expected: Expected, answer: FinalAnswer) -> Comparison:
    """Compare a response's answer to the reference in the way that its kind asks for."""
    comparison = _BY_KIND[expected.kind](prompt, response, expected, answer)
    found = {one.signal for one in comparison.findings}
    if "answer_matches_reference" in found or expected.kind == "unknown":
        return comparison
    return Comparison(comparison.answer, (*comparison.findings, *_reference_inside(prompt, response, expected)))


def _matches(text: str) -> Comparison:
    return Comparison(text, (Finding("answer_matches_reference", text),))


def _missing(signal: str) -> Comparison:
    return Comparison("", (Finding(signal, ""), Finding("wrong_format", "")))


def _differs(text: str, *signals: str) -> Comparison:
    return Comparison(text, tuple(Finding(signal, text) for signal in signals))


def _option(prompt: str, response: str, expected: Expected, answer: FinalAnswer) -> Comparison:
    options = expected.options
    chosen = stated_options(response, answer, options)
    if not chosen:
        return _missing("no_option")
    if len(chosen) > 1:
        return _differs(chosen[0][1], "several_options")
    letter, words = chosen[0]
    if options is None:
        wanted = {one.strip(" ().:").upper()[:1] for one in expected.references}
        return _matches(words) if letter in wanted else _differs(words, "wrong_option")
    right = {options.find(one) for one in expected.references}
    index = options.letters.index(letter) if options.letters else options.texts.index(letter)
    if index in right:
        return _matches(words)
    wanted_text = options.texts[options.find(expected.reference) or 0]
    signals = ["wrong_option"]
    if options.letters and _argued_for(wanted_text, options.texts[index], response, words):
        signals.insert(0, "option_mixup")
    a, b = _only_number(options.texts[index]), _only_number(wanted_text)
    if a is not None and b is not None and a != b:
        signals[:0] = _near_signals(near_miss(a, b))
    return _differs(words, *signals)


def _only_number(text: str) -> Decimal | None:
    """Return the number that an option consists of, apart from its unit and the marks of LaTeX."""
    return number_of(re.sub(r"\\(?:mathrm|text|,|;)|[$\\{}]|\s(?=[^\W\d])", "", text).strip())


def _near_signals(miss: str) -> list[str]:
    if not miss:
        return []
    return ["near_miss_number"] if miss == "within_one_percent" else ["near_miss_number", miss]


def _argued_for(wanted: str, chosen: str, response: str, words: str) -> bool:
    """Whether the sentence before the answer states the right option's text, and not the chosen one's."""
    at = response.rfind(words)
    before = [piece for piece in SENTENCE_END.split(response[max(0, at - 1_000) : at]) if piece.strip()]
    if len(bare(wanted)) < 4 or len(before) < 2:
        return False
    said = f" {bare(' '.join(before[-2:]))} "
    return f" {bare(wanted)} " in said and f" {bare(chosen)} " not in said


def _yes_no(prompt: str, response: str, expected: Expected, answer: FinalAnswer) -> Comparison:
    said = stated_polarity(response, answer)
    if said is None:
        return _missing("no_yes_no")
    wanted = POLARITY[bare(expected.reference)]
    if said[0] == wanted:
        return _matches(said[1])
    return _differs(said[1], "wrong_yes" if said[0] else "wrong_no")


def _number(prompt: str, response: str, expected: Expected, answer: FinalAnswer) -> Comparison:
    said = stated_number(response, answer)
    if said is None:
        return _missing("no_number")
    wanted = [value for value in map(number_of, expected.references) if value is not None]
    # The whole answer may be a fraction, which is two numbers to a search.
    whole = number_of(answer.text)
    value = said.value if whole is None else whole
    ending = answer.text or last_sentence(without_next_question(response))
    if undecided := _both_offered(prompt, ending, wanted):
        return _differs(undecided, "several_options")
    if any(_equal(value, one) for one in wanted):
        if _is_from_prompt(prompt, said.text, expected):
            return _differs(said.text, "word_from_prompt")
        return _matches(said.text)
    reference = wanted[0]
    signals = _near_signals(near_miss(value, reference))
    if not signals and reference and value in (2 * reference, reference / 2):
        signals.append("factor_of_two")
    if not signals and _given_in(prompt, value):
        signals.append("number_from_prompt")
    signals.append("number_too_large" if value > reference else "number_too_small")
    return _differs(said.text, *signals, "wrong_number")


def _both_offered(prompt: str, text: str, wanted: Sequence[Decimal]) -> str:
    """Return the words that end an answer with two numbers of the prompt, the right one and another; else ""."""
    found = numbers_in(text)[-2:]
    if len(found) < 2 or sum(any(_equal(one.value, right) for right in wanted) for one in found) != 1:
        return ""
    offered = {number.value for number in numbers_in(prompt[-READ_CHARS:])}
    between, behind = text[found[0].end : found[1].end - len(found[1].text)], text[found[1].end :]
    joined = _JOINED.fullmatch(between.strip()) and _NOTHING_MORE.fullmatch(behind)
    if not joined or not {one.value for one in found} <= offered:
        return ""
    return text[text.rfind(found[0].text, 0, found[0].end) : found[1].end]


def _is_from_prompt(prompt: str, words: str, expected: Expected) -> bool:
    """Whether an answer only repeats, letter for letter, what the prompt asks to turn into something else."""
    asked = prompt[-READ_CHARS:]
    if any(_standing_alone(one, asked) for one in expected.references):
        return False
    return _standing_alone(words, asked)


def _standing_alone(words: str, text: str) -> bool:
    return bool(words.strip()) and bool(re.search(rf"(?<!\w){re.escape(words.strip())}(?!\w)", text))


def _equal(a: Decimal, b: Decimal) -> bool:
    """Whether two numbers are the same; fractions up to a billionth, whole numbers to the last digit."""
    if a == a.to_integral_value() and b == b.to_integral_value():
        return a == b
    return abs(a - b) <= abs(b) * _SAME


def _given_in(prompt: str, value: Decimal) -> bool:
    # A number of one digit is there by chance too often.
    return abs(value) >= 10 and any(number.value == value for number in numbers_in(prompt[-2_000:]))


def _json(prompt: str, response: str, expected: Expected, answer: FinalAnswer) -> Comparison:
    fenced = re.search(r"```(?:json)?\s*\n(.*?)```", response[:READ_CHARS], re.DOTALL)
    text = (fenced[1] if fenced else response).strip()
    if text[:1] not in ("{", "["):
        start = min((at for at in (text.find("{"), text.find("[")) if at >= 0), default=-1)
        if start < 0:
            return _missing("no_json")
        text = text[start:]
    try:
        value, end = json.JSONDecoder().raw_decode(text)
    except (ValueError, RecursionError):
        return Comparison(text[:80], (Finding("invalid_json", text[:80]), Finding("wrong_format", text[:80])))
    said = text[:end][:_MOST_EVIDENCE]
    wanted = [json_value(one) for one in expected.references]
    if value in wanted:
        return _matches(said)
    known = wanted[0]
    if isinstance(value, dict) and isinstance(known, dict) and value.keys() != known.keys():
        return _differs(said, "wrong_json_keys")
    return _differs(said, "wrong_json_values" if type(value) is type(known) else "wrong_json_keys")


def _sequence(prompt: str, response: str, expected: Expected, answer: FinalAnswer) -> Comparison:
    text, said = _stated_items(response, expected, answer)
    wanted = [_item(one) for one in items_of(expected.reference, prompt)]
    if not said:
        return _missing("no_list")
    if said == wanted:
        return _matches(text)
    have, want = Counter(said), Counter(wanted)
    if have == want:
        return _differs(text, "wrong_order")
    signals = [name for name, items in (("missing_items", want - have), ("extra_items", have - want)) if items]
    return _differs(text, *(["wrong_items"] if len(signals) == 2 else signals))


def _stated_items(response: str, expected: Expected, answer: FinalAnswer) -> tuple[str, list[str]]:
    """Return the items that a response lists, with its words: of its answer, its bullets, or a short last line."""
    by_comma = len(expected.reference.split(",")) >= 3
    own = without_next_question(response).strip()
    bullets = [match[1] for match in _BULLET.finditer(own)]
    if not answer.text and len(bullets) >= 2:
        return shown(own[own.rfind(bullets[0]) :]), [one for bullet in bullets if (one := _item(bullet))]
    text = answer.text or own.splitlines()[-1].strip()
    if not answer.text and len(text.split()) > max(20, 3 * len(expected.reference.split())):
        return "", []
    plain = _LEAD_IN.sub("", text) if by_comma else text
    pieces = re.split(r",|\s(?:and|und|et|y|e)\s", plain) if by_comma else plain.split()
    return text[:_MOST_EVIDENCE], [one for piece in pieces if (one := _item(piece))]


def _item(text: str) -> str:
    return bare(text) if re.search(r"\w", text) else text.strip()


def _text(prompt: str, response: str, expected: Expected, answer: FinalAnswer) -> Comparison:
    text = answer.text.strip(" \"'“”*_.") or answer.text
    whole = response.strip()
    same = [one for one in expected.references if bare(one) in (bare(text), bare(whole)) and bare(one)]
    if same:
        letter_for_letter = any(one.strip() == whole for one in same)
        if not any(one.strip() in (text, whole) for one in same) and _is_from_prompt(prompt, text, expected):
            # Case is what was asked for: the reference is the prompt's word, written otherwise.
            return _differs(text[:_MOST_EVIDENCE], "word_from_prompt")
        name = "answer_matches_reference" if letter_for_letter or answer.marked else "case_or_punctuation"
        words = shown(answer.text or whole)
        return Comparison(words, (Finding(name, words),))
    findings: list[Finding] = []
    reference = bare(expected.reference)
    if text and 4 <= len(reference) <= 80 and _nearly(bare(text), reference):
        findings.append(Finding("near_miss_text", text[:_MOST_EVIDENCE]))
    if expected.kind == "short_text":
        findings += _short_answer(prompt, whole, text, reference, answer)
    findings += _length(whole, expected)
    return Comparison(answer.text[:_MOST_EVIDENCE], tuple(findings))


def _short_answer(prompt: str, response: str, text: str, reference: str, answer: FinalAnswer) -> list[Finding]:
    if not text:
        return [Finding("no_short_answer", "")] if len(response.split()) > _WORDY and not answer.marked else []
    if number_of(text) is not None and not any(char.isdigit() for char in reference):
        return [Finding("number_for_words", text)]
    inside = f" {bare(text)} " in f" {bare(prompt[-2_000:])} "
    return [Finding("word_from_prompt", text)] if inside and len(bare(text)) >= 2 else []


def _nearly(text: str, reference: str) -> bool:
    """Whether two texts share nine letters in ten; four in five where they are one word of at least five letters."""
    if abs(len(text) - len(reference)) > 0.3 * len(reference) or text.isdigit() or reference.isdigit():
        return False
    ratio = SequenceMatcher(None, text, reference, autojunk=False).ratio()
    return ratio >= (0.8 if " " not in reference and len(reference) >= 5 else 0.9)


def _length(response: str, expected: Expected) -> list[Finding]:
    if expected.kind != "free_text" or not response:
        return []
    longest, shortest = max(map(len, expected.references)), min(map(len, expected.references))
    if len(response) > max(5 * longest, 400):
        return [Finding("over_long", response[:80])]
    if shortest >= 120 and len(response) < 0.2 * shortest:
        return [Finding("too_short", response[:80])]
    return []


def _reference_inside(prompt: str, response: str, expected: Expected) -> list[Finding]:
    """The reference is in the response, though not as its answer; what the prompt says, too, does not count."""
    for reference in expected.references:
        words = _reference_words(prompt, response, expected, reference)
        if words:
            extra = expected.kind in ("short_text", "json", "sequence") and len(response) > 3 * len(reference)
            return [Finding("reference_inside", words)] + ([Finding("extra_text", words)] if extra else [])
    return []


def _reference_words(prompt: str, response: str, expected: Expected, reference: str) -> str:
    if expected.kind in ("option", "yes_no", "json"):
        return ""
    if expected.kind == "number":
        plain = reference.strip(" $€£%.")
        if plain not in response or not re.fullmatch(r"[\d.,]+", plain):
            return ""
        # Small numbers are everywhere: only a result counts, and one of a single digit near the end alone.
        read = response[-READ_CHARS:] if len(plain) > 1 else response[-_NEAR_END:]
        found = re.search(_EQUATION_RESULT.format(re.escape(plain)), read)
        return found[0] if found else ""
    if len(reference) > 2_000:
        return ""
    if expected.kind == "sequence" or len(bare(reference)) < 3:
        return reference.strip() if len(reference.strip()) >= _LONG_ENOUGH and reference.strip() in response else ""
    if f" {bare(reference)} " in f" {bare(prompt[-READ_CHARS:])} " and expected.kind == "short_text":
        return ""
    if f" {bare(reference)} " not in f" {bare(response[:READ_CHARS])} ":
        return ""
    found = re.search(r"[\W_]+".join(map(re.escape, words_of(reference))), response, re.IGNORECASE)
    return found[0][:_MOST_EVIDENCE] if found else ""


def _unknown(prompt: str, response: str, expected: Expected, answer: FinalAnswer) -> Comparison:
    return Comparison(answer.text, ())


_Compare = Callable[[str, str, Expected, FinalAnswer], Comparison]
_BY_KIND: Mapping[AnswerKind, _Compare] = {
    "option": _option,
    "yes_no": _yes_no,
    "number": _number,
    "json": _json,
    "sequence": _sequence,
    "short_text": _text,
    "free_text": _text,
    "unknown": _unknown,
}
