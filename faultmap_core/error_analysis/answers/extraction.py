"""Extract the kind of answer that a question asks for, and the final answer that a response gives.

Nothing here decides whether an answer is right (see `answer_comparison`). All patterns are linear in the text, and long
texts are read at their ends only, because responses are hostile input.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

from faultmap_core.data.prompts import normalized
from faultmap_core.error_analysis.answers.numbers import Number, number_of, number_word, numbers_in

AnswerKind = Literal["option", "yes_no", "number", "json", "sequence", "short_text", "free_text", "unknown"]

READ_CHARS = 8_000
_SHORT_WORDS = 6
_LETTER = re.compile(r"(?:^|(?<=\s))[(\[]?([A-Z])[).\]:][ \t]+(?=\S)", re.MULTILINE)
_JSON_OPTIONS = re.compile(r"(?:options|choices)\s*:?\s*(\[)", re.IGNORECASE)
_BULLETED = re.compile(r"(?:options|choices)\s*:?[ \t]*\n((?:[ \t]*[-*•][ \t]+[^\n]+(?:\n|$))+)", re.IGNORECASE)
_LONE_LETTER = re.compile(r"\s*(?:option\s+)?[(\[]?([A-Z])[)\]]?[.:]?\s*", re.IGNORECASE)
_LETTER_AND_TEXT = re.compile(r"\s*[(\[]?([A-Z])[).\]:]\s+(\S.*)", re.DOTALL)
_ASKS_TO_CHOOSE = re.compile(r"\b(?:options?|choices?|choose|select|which of the following)\b", re.IGNORECASE)
_ASKS_FOR_ORDER = re.compile(r"\b(?:sort|order|arrange|rank|list|sequence|reverse|alphabetical)", re.IGNORECASE)
_MARK = re.compile(
    r"####|\\boxed\{|(?:^|\n)[ \t]*A:|(?:answer|antwort|réponse|respuesta|risposta|resposta|ответ)\**"
    r"(?:\s*(?:is|are|ist|lautet|est|es|è|é)\b\s*:?|\s*[:=])|答案(?:是|为|為)?[:：]?|答えは|答え[:：]",
    re.IGNORECASE,
)
_NEXT_QUESTION = re.compile(r"\n[ \t]*(?:Q|Question|User|Human|Frage|Pregunta|问题)[ \t]*[:：]")
SENTENCE_END = re.compile(r"[.!?](?=\s|$|[\"'”)])|[。！？\n]")
_LETTER_CHOICE = re.compile(r"[\s*_`\"'(\[:]*(?:option|choice|answer)?\s*[*_`(\[]*([A-Z])(?![\w'’])[)\]]?")
_NAMED_LETTER = re.compile(r"\b(?:option|choice|answer)\s+(?:is\s+)?[*_`(\[]*([A-Z])(?![\w'’])[)\]]?|\(([A-Z])\)")
_SEVERAL = re.compile(r"[(\[]?([A-Z])[)\]]?\s*(?:or|and|,|/|&)\s*(?:option\s+)?[(\[]?([A-Z])[)\]]?(?![\w'’])")
_WORD = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*")
_YES = ("yes", "true", "ja", "wahr", "oui", "vrai", "sí", "verdadero", "sì", "vero", "sim", "verdadeiro", "да", "верно")
_NO = (
    "no",
    "false",
    "nein",
    "falsch",
    "non",
    "faux",
    "falso",
    "não",
    "нет",
    "неверно",
    "いいえ",
    "不是",
    "不",
    "否",
    "错",
)
POLARITY = dict.fromkeys((*_YES, "はい", "是", "对"), True) | dict.fromkeys(_NO, False)


@dataclass(frozen=True)
class Options:
    """The choices that a prompt offers. `letters` are empty where the choices are named by their texts alone."""

    texts: tuple[str, ...]
    letters: tuple[str, ...] = ()

    def find(self, text: str) -> int | None:
        """Return which option a text is, by its letter or by its whole text; None where it is none of them."""
        letter = _LONE_LETTER.fullmatch(text) or _LETTER_AND_TEXT.fullmatch(text)
        if letter and letter[1].upper() in self.letters:
            return self.letters.index(letter[1].upper())
        plain = bare(text)
        same = [i for i, option in enumerate(self.texts) if bare(option) == plain and plain]
        return same[0] if len(same) == 1 else None

    def label(self, index: int) -> str:
        """Return how an option is called in a sentence: "(B)", or its text in quotation marks."""
        return f"({self.letters[index]})" if self.letters else f"“{self.texts[index]}”"


@dataclass(frozen=True)
class Expected:
    """What a question asks for: `references` are the accepted answers, none where the kind is "unknown"."""

    kind: AnswerKind
    references: tuple[str, ...]
    options: Options | None = None

    @property
    def reference(self) -> str:
        return self.references[0] if self.references else ""


@dataclass(frozen=True)
class FinalAnswer:
    """The part of a response that gives its answer.

    Attributes:
        text: verbatim from the response, "" where there is none.
        marked: whether the response says that this is the answer ("The answer is", "####", "A:", "\\boxed").
        alone: whether the response is nothing but this answer.
    """

    text: str
    marked: bool
    alone: bool


def bare(text: str) -> str:
    """Return `text` in lower case, with accents and case folded and everything but letters and digits as one space.

    A text of symbols alone stays as it is, since nothing would be left of it.
    """
    words = _WORD.findall(normalized(text).replace("’", "'"))
    return " ".join(words) if words else normalized(text)


def shown(text: str, limit: int = 160) -> str:
    """Return the beginning of a text, cut at a word, verbatim."""
    text = text.strip()
    if len(text) <= limit:
        return text
    cut = text[:limit]
    return cut.rsplit(None, 1)[0] if " " in cut[limit // 2 :] else cut


def words_of(text: str) -> list[str]:
    return _WORD.findall(text.casefold())


def expected_answer(prompt: str, reference: str | None) -> Expected:
    """Tell what kind of answer is asked for, from the reference and from what the prompt offers.

    A reference that is a JSON list of strings, where JSON is not asked for, is a list of accepted answers.
    """
    references = _references(prompt, reference)
    if not references:
        return Expected("unknown", (), prompt_options(prompt))
    first = references[0]
    options = prompt_options(prompt)
    if json_value(first) is not None and ("json" in prompt.casefold() or first.lstrip().startswith("{")):
        return Expected("json", references)
    if options and all(options.find(one) is not None for one in references):
        return Expected("option", references, options)
    if _LONE_LETTER.fullmatch(first) and (first.strip().startswith("(") or _choice_asked(prompt, first)):
        return Expected("option", references, None)
    if all(bare(one) in POLARITY for one in references):
        return Expected("yes_no", references)
    if all(number_of(one) is not None for one in references):
        return Expected("number", references)
    named = _either_or(prompt, first)
    if named:
        return Expected("option", references, named)
    if items_of(first, prompt):
        return Expected("sequence", references)
    short = len(words_of(first)) <= _SHORT_WORDS and "\n" not in first.strip()
    return Expected("short_text" if short else "free_text", references)


def _choice_asked(prompt: str, reference: str) -> bool:
    return reference.strip(" .").isupper() and bool(_ASKS_TO_CHOOSE.search(prompt[-READ_CHARS:]))


def _references(prompt: str, reference: str | None) -> tuple[str, ...]:
    if reference is None or not reference.strip():
        return ()
    listed = json_value(reference) if reference.lstrip().startswith("[") else None
    if isinstance(listed, list) and "json" not in prompt.casefold() and all(isinstance(one, str) for one in listed):
        return tuple(one for one in listed if one.strip())
    if "####" in reference:
        return (reference.rsplit("####", 1)[1].strip() or reference,)
    return (reference,)


def json_value(text: str) -> Any | None:
    """Return the object or list that a text is as JSON; None for anything else."""
    if not text.lstrip().startswith(("{", "[")):
        return None
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict | list) else None


@lru_cache(maxsize=64)
def prompt_options(prompt: str) -> Options | None:
    """Return the choices that a prompt offers last: lettered, as a JSON list, or as a list after "Options:"."""
    text = prompt[-READ_CHARS:]
    listed = _last(_JSON_OPTIONS, text)
    if listed:
        try:
            texts, _ = json.JSONDecoder().raw_decode(text[listed.start(1) :])
        except (ValueError, RecursionError):
            texts = []
        if 2 <= len(texts) <= 26 and all(isinstance(one, str) for one in texts):
            return Options(tuple(texts), tuple(chr(65 + i) for i in range(len(texts))))
    lettered = _lettered(text)
    if lettered:
        return lettered
    bulleted = _last(_BULLETED, text)
    if bulleted:
        lines = [line.strip().lstrip("-*•").strip() for line in bulleted[1].splitlines() if line.strip()]
        return Options(tuple(lines)) if len(lines) >= 2 else None
    return None


def _last(pattern: re.Pattern[str], text: str, start: int = 0) -> re.Match[str] | None:
    found = None
    for match in pattern.finditer(text, start):
        found = match
    return found


def _lettered(text: str) -> Options | None:
    """Return the last run of marks A, B, C … with the texts behind them."""
    run: list[re.Match[str]] = []
    for match in _LETTER.finditer(text):
        if match[1] == "A":
            run = [match]
        elif run and ord(match[1]) == ord(run[-1][1]) + 1:
            run.append(match)
    if len(run) < 2:
        return None
    ends = [match.start() for match in run[1:]] + [len(text)]
    texts = [text[match.end() : end] for match, end in zip(run, ends, strict=True)]
    texts[-1] = texts[-1].split("\n", 1)[0]
    return Options(tuple(one.strip() for one in texts), tuple(match[1] for match in run))


def _either_or(prompt: str, reference: str) -> Options | None:
    """Return both words of "this or that" where the reference is one of them."""
    word = reference.strip().strip(".\"'")
    if not word or len(word) > 40 or not _WORD.fullmatch(word):
        return None
    end = prompt[-READ_CHARS:]
    joint, quote = r"[\"'”’]?\s*(?:\bor\b|/|\boder\b|\bou\b|\bo\b)\s*[\"'“‘]?", r"\b([^\W\d_][\w'-]*)"
    for pattern in (rf"\b{re.escape(word)}{joint}{quote}", rf"{quote}{joint}{re.escape(word)}\b"):
        found = re.search(pattern, end, re.IGNORECASE)
        if found and found[1].casefold() != word.casefold():
            return Options((word, found[1]))
    return None


def items_of(text: str, prompt: str) -> list[str]:
    """Return the items of a list or a row of symbols; none where a text is no sequence.

    A sequence is three or more short pieces between commas, or symbols alone, or words that a prompt asks to order.
    """
    pieces = [piece.strip(" .") for piece in text.strip().split(",")]
    if len(pieces) >= 3 and all(piece and len(piece.split()) <= 4 for piece in pieces):
        return pieces
    tokens = text.split()
    if tokens and not _WORD.search(text):
        return tokens
    asked = len(tokens) >= 2 and _ASKS_FOR_ORDER.search(prompt[-READ_CHARS:])
    if asked and set(bare(text).split()) <= set(bare(prompt[-READ_CHARS:]).split()):
        return tokens
    return []


def without_next_question(response: str) -> str:
    """Cut a response where it goes on to write the next question itself."""
    start = _NEXT_QUESTION.search(response, 1)
    return response[: start.start()] if start else response


def final_answer(response: str) -> FinalAnswer:
    """Return what a response gives as its answer: behind its last mark, or the whole of a short response.

    A longer response without a mark has no final answer text; single numbers and choices may still be found in it.
    """
    text = without_next_question(response).strip()
    if not text:
        return FinalAnswer("", False, False)
    mark = _last(_MARK, text, max(0, len(text) - READ_CHARS))
    if mark:
        rest = text[mark.end() : mark.end() + 400].strip()
        said = rest.split("}", 1)[0] if mark[0].startswith("\\boxed") else first_sentence(rest)
        if said:
            return FinalAnswer(said, True, mark.start() == 0)
    if "\n" not in text and len(text) <= 100 and len(text.split()) <= 12:
        return FinalAnswer(text, False, True)
    return FinalAnswer("", False, False)


def first_sentence(text: str) -> str:
    """Return a text up to its first sentence end or line end, without trailing marks."""
    for end in SENTENCE_END.finditer(text):
        if text[: end.start()].strip(" *_`:"):
            return text[: end.start()].strip(" *_`:")
    return text.strip(" *_`:")


def last_sentence(text: str) -> str:
    """Return the last sentence or line of a text that holds a word."""
    pieces = [piece.strip() for piece in SENTENCE_END.split(text[-2_000:])]
    return next((piece for piece in reversed(pieces) if _WORD.search(piece)), "")


def stated_number(response: str, answer: FinalAnswer) -> Number | None:
    """Return the number that a response answers with: the last one behind its mark, else the last one of all."""
    if answer.text:
        found = numbers_in(answer.text)
        if found:
            # "The answer is 12 of 40": behind "is" the first number is the answer, behind an equation the last one.
            return found[-1] if "=" in answer.text or not answer.marked else found[0]
        worded = number_word(answer.text)
        if worded is not None:
            return Number(worded, answer.text, len(answer.text))
        if answer.marked or answer.alone:
            return None
    found = numbers_in(without_next_question(response)[-READ_CHARS:])
    return found[-1] if found else None


def stated_polarity(response: str, answer: FinalAnswer) -> tuple[bool, str] | None:
    """Return whether a response says yes or no, with the word: of its answer, its beginning or its last sentence."""
    for text in (answer.text, first_sentence(response[:500].strip())):
        words = _WORD.findall(text[:200])
        if words and words[0].casefold() in POLARITY:
            return POLARITY[words[0].casefold()], words[0]
    for text in (answer.text, last_sentence(without_next_question(response))):
        said = [word for word in _WORD.findall(text) if word.casefold() in POLARITY]
        if len({POLARITY[word.casefold()] for word in said}) == 1:
            return POLARITY[said[-1].casefold()], said[-1]
    return None


def stated_options(response: str, answer: FinalAnswer, options: Options | None) -> list[tuple[str, str]]:
    """Return the options that a response chooses, each as (letter or text, words of the response); more than one
    where it does not decide."""
    letters = options.letters if options else tuple("ABCDEFGHIJ")
    if answer.text:
        chosen = _chosen(answer.text, options, letters)
        if chosen:
            return chosen
        if answer.alone and not answer.marked:
            return _mentioned(answer.text, options)
    text = without_next_question(response)[-READ_CHARS:]
    named = [(match[1] or match[2], match[0]) for match in _NAMED_LETTER.finditer(last_sentence(text))]
    named = [one for one in named if one[0] in letters]
    if named:
        return named[-1:]
    return _mentioned(answer.text or last_sentence(text), options)


def _chosen(text: str, options: Options | None, letters: tuple[str, ...]) -> list[tuple[str, str]]:
    several = _SEVERAL.search(text[:40])
    if several and {several[1], several[2]} <= set(letters) and several[1] != several[2]:
        return [(several[1], several[0]), (several[2], several[0])]
    choice = _LETTER_CHOICE.match(text)
    # "A" begins many sentences: it is a choice when nothing or a mark follows.
    if choice and choice[1] in letters and (choice[1] not in "AI" or not re.match(r"\s+\w", text[choice.end() :])):
        return [(choice[1], choice[0].strip())]
    if options:
        index = options.find(text)
        if index is not None:
            return [(options.letters[index] if options.letters else options.texts[index], text)]
    return []


def _mentioned(text: str, options: Options | None) -> list[tuple[str, str]]:
    """Return the one option whose text occurs in a text; a longer one hides the shorter ones that are part of it."""
    if not options or not text:
        return []
    padded = f" {bare(text)} "
    inside = [i for i, option in enumerate(options.texts) if len(bare(option)) >= 3 and f" {bare(option)} " in padded]
    inside = [i for i in inside if not any(j != i and bare(options.texts[i]) in bare(options.texts[j]) for j in inside)]
    if len(inside) != 1:
        return []
    return [(options.letters[inside[0]] if options.letters else options.texts[inside[0]], text)]
