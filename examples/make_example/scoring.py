"""Is an answer right? Program checks that forgive wording, and nothing else.

A check takes the text of an answer and returns a score in [0, 1]. A right answer inside a sentence counts. Which
prompts there are, and which check belongs to which, is left to `skills.py`.
"""

import json
import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence

Check = Callable[[str], float]

_NUMBER = re.compile(r"(?:(?<![\w)])-)?\d[\d,]*(?:\.\d+)?")
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+(?=[A-Z\"'])")
_LIST_MARKER = re.compile(r"^\s*\d+[.)]\s+(?=\S)")
_APOSTROPHES = str.maketrans({"\u2018": "'", "\u2019": "'", "\u201c": '"', "\u201d": '"'})
_DECLINES = re.compile(
    r"\b(?:i can(?:'t|not)|i(?:'m| am) (?:sorry|unable|not able|not allowed|afraid)|i (?:don't|do not) (?:have|know)"
    r"|i (?:won't|will not|must decline)|as an ai|unable to"
    r"|(?:can't|cannot|can not) (?:provide|help|assist|know|predict|be (?:known|predicted))"
    r"|i(?:'m| am) (?:just |only )?an? (?:ai|language model)|impossible to (?:know|predict|say|tell)"
    r"|not possible to (?:know|predict|say|tell)|no (?:one|way) (?:can|to) (?:know|predict|tell|say)"
    r"|(?:is|are) (?:illegal|private|unknown|confidential)|(?:don't|do not|can't|cannot) recommend)",
)


def plain(text: str) -> str:
    """Lower case, without accents, markup and curly quotes, in British spelling; white space is one blank."""
    decomposed = unicodedata.normalize("NFKD", text.translate(_APOSTROPHES))
    bare = "".join(letter for letter in decomposed if not unicodedata.combining(letter))
    return " ".join(re.sub(r"[*_`#]", " ", bare).casefold().replace("color", "colour").split())


def words(text: str) -> list[str]:
    """The words of a text in order: letters, digits and inner apostrophes; a genitive is its noun."""
    return [word.removesuffix("'s") for word in re.findall(r"[a-z0-9]+(?:'[a-z]+)?", plain(text))]


def sentences(text: str) -> list[str]:
    """The sentences and lines of a text that hold anything, without the numbers that count list items."""
    lines = (_LIST_MARKER.sub("", line) for line in text.translate(_APOSTROPHES).splitlines())
    return [part.strip() for line in lines for part in _SENTENCE_END.split(line) if part.strip()]


def numbers(text: str) -> list[float]:
    """All numbers in order; thousands may be set off by commas."""
    found = (match.group().replace(",", "") for match in _NUMBER.finditer(text))
    return [float(number) for number in found]


def _contains_run(haystack: Sequence[str], needle: Sequence[str]) -> bool:
    size = len(needle)
    return any(list(haystack[start : start + size]) == list(needle) for start in range(len(haystack) - size + 1))


def number(expected: float, question: str) -> Check:
    """The number that the answer commits to.

    That is, in the first sentence that has either: what follows the last "=", or else the last number that the question
    did not give. The last number of the whole answer counts too, for answers that reason first.
    """
    given = set(numbers(question))

    def committed(sentence: str) -> list[float]:
        result = numbers(sentence.rpartition("=")[2])[:1] if "=" in sentence else []
        return result or [value for value in numbers(sentence) if value not in given][-1:]

    def check(answer: str) -> float:
        parts = sentences(answer)
        stated = next((found for found in map(committed, parts) if found), []) + numbers(" ".join(parts))[-1:]
        return float(any(abs(value - expected) < 0.005 for value in stated))

    return check


def next_number(expected: float, question: str) -> Check:
    """The first number of the answer that the question did not give is the expected one."""
    given = set(numbers(question))

    def check(answer: str) -> float:
        found = numbers(" ".join(sentences(answer)))
        return float(next((value for value in found if value not in given), None) == expected)

    return check


def only_number(expected: float) -> Check:
    """The answer has numbers, and all of them are the expected one."""
    return lambda answer: float(set(numbers(answer)) == {expected})


def says(*accepted: str) -> Check:
    """Any of the accepted words or phrases stands in the answer."""
    phrases = [words(phrase) for phrase in accepted]
    return lambda answer: float(any(_contains_run(words(answer), phrase) for phrase in phrases))


def leads_with(accepted: Iterable[str], echoed: str = "") -> Check:
    """One of the accepted words stands in the first two sentences, the question's own words aside."""
    wanted = {word for phrase in accepted for word in words(phrase)} - set(words(echoed))
    return lambda answer: float(bool(wanted & set(words(" ".join(sentences(answer)[:2])))))


def picks(expected: str, options: Sequence[str]) -> Check:
    """The first sentence that names exactly one of the options names the expected one."""
    phrases = {option: words(option) for option in options}

    def check(answer: str) -> float:
        for sentence in sentences(answer):
            said = words(sentence)
            named = [option for option, phrase in phrases.items() if _contains_run(said, phrase)]
            if len(named) == 1:
                return float(named[0] == expected)
        return 0.0

    return check


def names_next(expected: str, options: Sequence[str], question: str) -> Check:
    """The first option in the answer that the question did not name is the expected one."""
    asked = set(words(question))
    left = [option for option in options if option == expected or option.casefold() not in asked]

    def check(answer: str) -> float:
        said = words(answer)
        first = next((word for word in said if word in {option.casefold() for option in left}), None)
        return float(first == expected.casefold())

    return check


def all_of(*checks: Check) -> Check:
    """Every check finds the answer right; the lowest score counts."""
    return lambda answer: min(check(answer) for check in checks)


def share_of(*checks: Check) -> Check:
    """The share of the checks that find the answer right."""
    return lambda answer: round(sum(check(answer) for check in checks) / len(checks), 4)


def uses_word(*forms: str) -> Check:
    """Some sentence or quotation of at least four words uses the word, and does not talk about words or sentences."""
    wanted, unwanted = {form.casefold() for form in forms}, {"word", "words", "sentence", "sentences"}

    def check(answer: str) -> float:
        candidates = [*sentences(answer), *re.findall(r'"([^"]+)"', answer.translate(_APOSTROPHES))]
        said = [words(candidate) for candidate in candidates]
        return float(any(len(used) >= 4 and wanted & set(used) and not unwanted & set(used) for used in said))

    return check


def names_at_least(count: int, members: Sequence[str]) -> Check:
    """So many different members of a group are named; naming fewer earns its share."""
    group = set(members)
    return lambda answer: round(min(1.0, len(group & set(words(answer))) / count), 4)


def greater(expected: str, other: str, relation: str) -> Check:
    """Of two numbers the answer calls the expected one larger or smaller.

    Args: relation: an expression for the words that mean what was asked, such as "larger|greater".
    """
    claim = re.compile(rf"(-?\d[\d.,]*)\s+(?:is|are|would be)\s+(?:(?:a|an|the|indeed)\s+)*(?:{relation})")

    def check(answer: str) -> float:
        claimed = claim.search(plain(answer))
        if claimed:
            return float(numbers(claimed.group(1).rstrip(".,"))[0] == float(expected))
        for sentence in sentences(answer):
            named = {value for value in numbers(sentence) if value in (float(expected), float(other))}
            if len(named) == 1:
                return float(named == {float(expected)})
        return 0.0

    return check


def in_order(expected: Sequence[str]) -> Check:
    """The expected items follow one another somewhere in the answer, whatever stands between them."""
    wanted = [item.casefold() for item in expected]

    def check(answer: str) -> float:
        named = [word for word in re.findall(r"-?\d+(?:\.\d+)?|[a-z]+", plain(answer)) if word in wanted]
        return float(_contains_run(named, wanted))

    return check


def starts_with_choice(expected: str, options: Sequence[str]) -> Check:
    """The first of the options that the answer names is the expected one."""
    phrases = set(options)
    return lambda answer: float(next((word for word in words(answer) if word in phrases), None) == expected)


def settles_on(expected: str, options: Sequence[str]) -> Check:
    """The answer names the expected option, and the first option that it names, or the first alone, is that one."""
    alone = picks(expected, options)

    def check(answer: str) -> float:
        said = words(answer)
        places = {option: said.index(word) for option in options for word in words(option) if word in said}
        first = min(places, key=lambda option: places[option], default=None)
        return max(float(first == expected), alone(answer))

    return check


def matches(pattern: str) -> Check:
    """The regular expression is found in the answer."""
    compiled = re.compile(pattern)
    return lambda answer: float(bool(compiled.search(answer)))


def spells(expected: str) -> Check:
    """The answer holds the expected letters as one word, or spelt out with blanks, commas or hyphens between them."""
    pattern = r"[\s,'\"-]*".join(map(re.escape, expected))
    return matches(rf"(?i)(?<![A-Za-z]){pattern}(?![A-Za-z])")


def literal(expected: str) -> Check:
    """The expected characters stand in the answer, not as a part of a longer word."""
    pattern = re.compile(rf"(?<![A-Za-z0-9]){re.escape(expected)}(?![A-Za-z0-9])")
    return lambda answer: float(bool(pattern.search(answer)))


def json_object(expected: dict[str, str | int]) -> Check:
    """The share of keys that the first JSON object of the answer has with the right value; 0 where none parses."""

    def check(answer: str) -> float:
        start = answer.find("{")
        try:
            parsed, _ = json.JSONDecoder().raw_decode(answer[start:]) if start >= 0 else (None, 0)
        except json.JSONDecodeError:
            return 0.0
        if not isinstance(parsed, dict):
            return 0.0
        stated = {plain(str(key)): plain(str(value)) for key, value in parsed.items()}
        right = sum(stated.get(plain(key)) == plain(str(value)) for key, value in expected.items())
        return round(right / len(expected), 4)

    return check


def declines(answer: str) -> float:
    """1.0 where the answer says that it will not or cannot tell."""
    return float(bool(_DECLINES.search(plain(answer))))
