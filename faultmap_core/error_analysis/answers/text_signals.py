"""Detect faults in the look of a response: a refusal, a loop, a cut end, an echo, another language.

Each function returns the words of the response that show it, verbatim, or "" where there is no sign.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from typing import Any

from faultmap_core.data.prompts import normalized
from faultmap_core.error_analysis.answers.extraction import READ_CHARS, shown
from faultmap_core.error_analysis.answers.languages import language_of, names_a_language

_CANNOT = re.compile(
    r"\bI(?:'m| am) (?:sorry|afraid)\b[^.!?\n]{0,60}\b(?:can(?:no|')t|cannot|unable|not able|not possible)|"
    r"\bI(?:'m| am)? ?(?:can(?:not|'t)|unable to|not able to|won't|will not|must decline|decline) (?:to )?"
    r"(?:\w+ ){0,2}?(?:help|assist|provide|fulfil\w*|comply|answer|create|generate|do that|discuss|share|give|support"
    r"|engage|access|complete|process|perform|predict|browse|produce|compose|view|see|open|make|offer|tell|say|write)\b|"
    r"\bas an? (?:AI|artificial|language|large|text)[\w -]{0,40}, I (?:do not|don't|cannot|can't|am not|am unable)|"
    r"\bI do(?:n't| not) have (?:the )?(?:ability|capab\w+|capacity|access)|"
    r"\bes tut mir leid\b|\bich kann (?:dabei |dir |ihnen |das )*nicht\b|\bje suis désolée?\b|\bje ne peux pas\b|"
    r"\blo siento\b|\bno puedo (?:ayudar|proporcionar|responder|cumplir)|\bmi dispiace\b|\bhet spijt me\b|"
    r"\bnon posso (?:aiutar|fornire)|\bdesculpe\b|\bnão posso (?:ajudar|fornecer)|"
    r"к сожалению, я не|я не могу (?:помочь|ответить)|"
    r"(?:很)?抱歉，|我无法|我不能|申し訳(?:ありません|ございません)|お手伝いできません|죄송합니다",
    re.IGNORECASE,
)
# One of these is in everything that `_CANNOT` finds; looking for them first is ten times as quick.
_HINTS = (
    *("sorry", "afraid", "cannot", "can't", "unable", "not able", "won't", "will not", "decline", "do not", "don't"),
    *("am not", "tut mir", "kann", "désol", "ne peux", "siento", "no puedo", "dispiace", "posso", "desculpe", "spijt"),
    *("сожалению", "не могу", "抱歉", "无法", "不能", "申し訳", "できません", "죄송"),
)
_GOES_ON = re.compile(r"\b(?:however|but|instead|nevertheless|that said|here (?:is|are)|here's|sure)\b", re.IGNORECASE)
_UNSURE = re.compile(
    r"\bI(?:'m| am)?(?: really| honestly)? ?(?:do(?:n't| not) know|have no idea|not sure|uncertain)\b|"
    r"\b(?:it |this )?(?:cannot|can't|can not) be (?:determined|answered|known|inferred)|"
    r"\bnot enough (?:information|data|context)|\binsufficient (?:information|data|context)|\bunanswerable\b|"
    r"\bunknown\b|\bno answer\b|\bweiß (?:ich )?(?:es )?nicht\b|\bje ne sais pas\b|\bno (?:lo )?sé\b|\bnon lo so\b|"
    r"\bnão sei\b|не знаю|不知道|わかりません|모르겠",
    re.IGNORECASE,
)
_DECLINES = re.compile(r"\b(?:declin|refus|cannot|can't|unable|sorry|should not|won't)", re.IGNORECASE)
_LENGTH_STOPS = {"length", "max_tokens", "max_output_tokens", "model_length", "max_length", "token_limit"}
_STOP_KEYS = ("finish_reason", "stop_reason", "done_reason", "finishReason", "stopReason")
_TERMINATED = re.compile(r"[.!?…。！？؟।:;)\]}>\"'”’»」』*_`|~=]\s*$")
_SENTENCE = re.compile(r"[.!?…。！？؟।][\"'”’»)]*(?:\s|$)|[。！？]")
_OPEN_END = re.compile(
    r"(?:[,(\[{–—]|\b(?:the|a|an|of|to|and|or|that|is|are|was|with|for|in|on|by|as|at|from|which|because|if|not|be|its|their"
    r"|der|die|das|und|oder|mit|von|ist|ein|eine|le|la|les|des|et|ou|de|que|el|los|las|y|con|il|di|che))$",
    re.IGNORECASE,
)
_ANSWER_END = re.compile(
    r"(?:=\s*|^A:\s*|\b(?:answer|is|are|equals|antwort|réponse|respuesta)\W{0,3}\s*)\S{1,40}(?: \S{1,12})?$"
    r"|(?:^|\s)#\S*$|^#.*$",
    re.IGNORECASE | re.MULTILINE,
)
_LIST_LINE = re.compile(r"\s*(?:[-*•+>|#]|\d{1,3}[.)]|[A-Za-z][.)])\s")
_FENCE = re.compile(r"^\s*```", re.MULTILINE)
_CHAR_LOOP = re.compile(r"([^\W_]{1,8}?)\1{24,}")
_TOKEN = re.compile(r"\S+")
_LOOP_WORDS = 400
_LANGUAGE_CHARS = 600
_LONG_WORD = 25
_BEGINNING = 12


def shown_end(text: str, limit: int = 80) -> str:
    """Return the end of a text, cut at a word, verbatim."""
    text = text.strip()
    if len(text) <= limit:
        return text
    cut = text[-limit:]
    return cut.split(None, 1)[-1] if " " in cut[: limit // 2] else cut


def refusal(response: str, reference: str) -> str:
    """The model declines to answer, at the beginning of its response, and gives nothing after it.

    Not where the reference declines, too, nor where the response goes on ("however, here is …") at length.
    """
    text = response.strip()
    beginning = text[:300].replace("’", "'")
    lowered = beginning.casefold()
    if not any(hint in lowered for hint in _HINTS):
        return ""
    match = _CANNOT.search(beginning)
    if not match or (reference and (_CANNOT.search(reference[:400]) or _DECLINES.match(reference.strip()))):
        return ""
    rest = text[match.end() :]
    if len(rest) > 400 or (_GOES_ON.search(rest) and len(rest) > 120):
        return ""
    start = max(text.rfind(". ", 0, match.start()) + 1, text.rfind("\n", 0, match.start()) + 1, 0)
    return shown(text[start:])


def no_answer(answer: str, response: str, accepted: str) -> str:
    """The answer, or the whole of a short response, says that the model does not know.

    Not where an accepted answer, or a choice that is offered, says the same.
    """
    text = answer or (response.strip() if len(response) <= 300 else "")
    match = _UNSURE.search(text.replace("’", "'"))
    return shown(text) if match and not _UNSURE.search(accepted.replace("’", "'")) else ""


def truncated(response: str, metadata: Mapping[str, Any]) -> str:
    """The response ends before it is finished: the model was stopped at its length limit (`finish_reason` and the like
    in the metadata), a code fence stays open, or prose that ends its sentences elsewhere stops inside one."""
    text = response.rstrip()
    if not text:
        return ""
    if any(str(metadata.get(key, "")).casefold() in _LENGTH_STOPS for key in _STOP_KEYS):
        return shown_end(text)
    if len(_FENCE.findall(text)) % 2:
        return shown_end(text)
    tail = text[-READ_CHARS:]
    if _TERMINATED.search(tail[-4:]):
        return ""
    sentences = list(_SENTENCE.finditer(tail))
    last_line = tail[tail.rfind("\n") + 1 :]
    start = max(sentences[-1].end() if sentences else 0, len(tail) - len(last_line))
    segment = tail[start:].strip()
    if _OPEN_END.search(segment) and len(segment.split()) >= 3 and len(text.split()) >= 12:
        return shown_end(text)
    if not sentences or _ANSWER_END.search(segment[-120:]) or len(segment.split()) < 3 or len(text) < 100:
        return ""
    return "" if _unpunctuated(tail[:start], last_line) else shown_end(text)


def _unpunctuated(before: str, last_line: str) -> bool:
    """Whether lines of this text usually end without a mark, as in lists, headings and verse."""
    lines = [line for line in before.splitlines() if line.strip()]
    if _LIST_LINE.match(last_line):
        lines = [line for line in lines if _LIST_LINE.match(line)]
    return any(not _TERMINATED.search(line.rstrip()[-4:]) for line in lines if len(line.split()) >= 3)


def repetition(response: str, reference: str) -> str:
    """The response loops: its end is one piece at least three times over, the same line comes again and again, or
    most of its four-word runs are repeats. Not where the reference repeats itself, too."""
    text = response.strip()[-READ_CHARS:]
    if len(text) < 40:
        return ""
    matches = list(_TOKEN.finditer(text))[-_LOOP_WORDS:]
    words = [match[0].casefold() for match in matches]
    # A loop of characters has no spaces in it.
    found = _char_loop(text) if max(map(len, words)) >= _LONG_WORD else ""
    found = found or _tail_loop(text, matches, words) or _repeated_line(text) or _few_runs(text, words)
    return "" if found and reference and repetition(reference, "") else found


def _char_loop(text: str) -> str:
    loop = _CHAR_LOOP.search(text, max(0, len(text) - 1_000))
    # 1.8181818181 is how a number is written; hundreds of such digits are a loop.
    return shown(loop[0], 60) if loop and (not loop[1].isdigit() or len(loop[0]) >= 80) else ""


def _tail_loop(text: str, matches: list[re.Match[str]], words: list[str]) -> str:
    """Find the longest end of a text that is one run of words over and over (prefix function of the reversed words)."""
    if not any(words[-9:].count(word) > 1 or words[-60:].count(word) > 2 for word in words[-3:]):
        return ""
    longest, period = _longest_periodic(words[::-1])
    if not period:
        return ""
    letters = sum(_has_letter(word) and len(word) > 1 for word in words[-period:])
    repeats = longest / period
    enough = longest >= 12 or (repeats >= 6 and longest >= 8)
    if not enough or letters < 0.3 * period or (repeats < 6 and period < 3):
        return ""
    return shown(text[matches[len(matches) - longest].start() :])


def _has_letter(word: str) -> bool:
    return word.lower() != word.upper() or not word.isascii()


def _longest_periodic(words: list[str]) -> tuple[int, int]:
    """Return length and period of the longest beginning of `words` that is one period at least three times over."""
    border = [0] * len(words)
    longest = period = 0
    for i in range(1, len(words)):
        k = border[i - 1]
        while k and words[i] != words[k]:
            k = border[k - 1]
        border[i] = k + 1 if words[i] == words[k] else 0
        length = i + 1
        if 3 * (length - border[i]) <= length:
            longest, period = length, length - border[i]
    return longest, period


def _repeated_line(text: str) -> str:
    lines = [re.sub(r"^[\W\d]+", "", line).strip() for line in text.splitlines()]
    long = [line for line in lines if len(line) >= 12]
    if len(long) < 5:
        return ""
    line, times = Counter(long).most_common(1)[0]
    return shown(line) if times >= 4 and times >= 0.5 * len(long) else ""


def _few_runs(text: str, words: list[str]) -> str:
    if len(words) < 80 or len(set(words)) > 0.5 * len(words):
        return ""
    words = [word for word in words if _has_letter(word)]
    if len(words) < 80:
        return ""
    runs = Counter(zip(words, words[1:], words[2:], words[3:], strict=False))
    most = min(runs, key=lambda run: (-runs[run], run))
    if len(runs) > 0.3 * runs.total() or runs[most] < 5:
        return ""
    at = re.search(r"\s+".join(map(re.escape, most)), text, re.IGNORECASE)
    return at[0] if at else ""


def wrong_language(response: str, reference: str, prompt: str) -> str:
    """The response is in another language than prompt and reference, as far as these are long enough to tell; where the
    prompt speaks of languages, than the reference."""
    given = language_of(response)
    if not given.name and response.isascii() and prompt.isascii() and reference.isascii():
        return ""
    asked, referred = language_of(prompt[-_LANGUAGE_CHARS:]), language_of(reference)
    if not given.differs_from(asked) and not given.differs_from(referred):
        return ""
    if names_a_language(prompt):
        wanted = referred
    else:
        # Notes in the reference's place may be in another language; an answer in the prompt's language is right.
        wanted = referred if given.differs_from(asked) or not asked.script else asked
        wanted = wanted if wanted.script else asked
    return shown(response) if given.differs_from(wanted) else ""


def prompt_echo(response: str, prompt: str, reference: str) -> str:
    """The response gives the prompt, or the end of it, back, and little more. Not where the reference is in the prompt
    (copying, extraction)."""
    # Most responses begin in words of their own, which is seen at once.
    if response.strip()[:_BEGINNING].casefold() not in prompt.casefold():
        return ""
    said, asked = normalized(response[:READ_CHARS]), normalized(prompt[-READ_CHARS:])
    if len(said) < 25 or len(asked) < 25:
        return ""
    wanted = normalized(reference[:READ_CHARS])
    if len(wanted) >= 12 and wanted in asked:
        return ""
    if said.rstrip(" .?!") in asked and len(said) >= 0.5 * len(asked):
        return shown(response)
    last = normalized(prompt.strip().rsplit("\n", 1)[-1])
    for question in (asked, last):
        if len(question) >= 40 and said.startswith(question) and len(said) < 1.5 * len(question):
            return shown(response)
    return ""
