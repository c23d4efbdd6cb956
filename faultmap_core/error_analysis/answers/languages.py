"""Detect the script of a text, and some widespread languages, from letters and stop words alone."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from functools import lru_cache

_READ = 600
_LEAST_LETTERS = 12
_LEAST_STOP_WORDS = 5
_WORD = re.compile(r"[^\W\d_]+")
_SCRIPTS = (
    ("Latin", re.compile(r"[A-Za-z\u00c0-\u024f]")),
    ("Cyrillic", re.compile(r"[\u0400-\u04ff]")),
    ("Greek", re.compile(r"[\u0370-\u03ff]{3,}")),
    ("Arabic", re.compile(r"[\u0600-\u06ff]")),
    ("Hebrew", re.compile(r"[\u0590-\u05ff]")),
    ("Devanagari", re.compile(r"[\u0900-\u097f]")),
    ("Thai", re.compile(r"[\u0e00-\u0e7f]")),
    ("Hangul", re.compile(r"[\uac00-\ud7af]")),
    ("Kana", re.compile(r"[\u3040-\u30ff]")),
    ("Han", re.compile(r"[\u3400-\u9fff]")),
)
# Single letters are names of variables in every language; words of two widespread languages count for both.
_STOP_WORDS = {
    "English": "the of and to in is that it for was with as on are this be by from at or an which not you they we has",
    "German": "der die das und in ist nicht ein eine mit von zu den im auf für sich dem des auch er wird durch wie",
    "French": "le la les des et est une que qui dans pour pas sur avec plus par ce il elle sont du au nous vous je",
    "Spanish": "el la los las que en es una por con para del se su como más pero al este lo esta son muy hay",
    "Italian": "il di che è una per non con sono del della dei le gli nel alla anche più come questo si ha lo da",
    "Portuguese": "os que de do da em um uma para com não é por mais dos das como mas ao ele foi seu sua são você",
    "Dutch": "de het een en van is dat niet op te zijn met voor die aan ook er maar om bij naar wordt deze ik je",
    "Polish": "nie na się do to jest że jak po ale za od przez dla są co jego może tego być tak już który oraz",
    "Turkish": "ve bir bu da de için ile çok ne daha gibi olarak var ama en olan kadar sonra mi ben değil her",
    "Swedish": "och att det som en på är av för med till den har inte om ett han men var jag sig från vi så kan",
}
_LANGUAGES: dict[str, list[str]] = {}
for _name, _words in _STOP_WORDS.items():
    for _word in _words.split():
        _LANGUAGES.setdefault(_word, []).append(_name)
_NAMED = re.compile(
    r"\b(?:translat\w*|übersetz\w*|tradu\w*|language|english|german|french|spanish|italian|portuguese|dutch|polish"
    r"|turkish|swedish|russian|chinese|japanese|korean|arabic|hindi|greek|latin|hebrew|thai|deutsch|englisch|français"
    r"|español)\b|翻译|翻訳|перевед",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Language:
    """`script` of most letters, "" for too short a text; `name` of the language, "" where stop words do not tell."""

    script: str
    name: str

    def differs_from(self, other: Language) -> bool:
        """Whether two texts are surely in different languages: other scripts, or two names that are both known."""
        if not self.script or not other.script:
            return False
        return self.script != other.script or bool(self.name and other.name and self.name != other.name)

    def __str__(self) -> str:
        return self.name or f"{self.script} script"


@lru_cache(maxsize=1024)
def language_of(text: str) -> Language:
    """Return script and language of a text's first 600 characters.

    A script needs 12 letters and two thirds of all; a language five stop words of three kinds, one word in ten, and
    twice as many as the next language.
    """
    read = text[:_READ]
    if read.isascii():
        script = "Latin" if sum(map(len, _WORD.findall(read))) >= _LEAST_LETTERS else ""
    else:
        script = _script(read)
    return Language(script, _by_stop_words(read) if script == "Latin" else "")


def _script(text: str) -> str:
    counts = Counter({name: sum(map(len, pattern.findall(text))) for name, pattern in _SCRIPTS})
    letters = counts.total()
    if counts["Kana"] > 0.1 * letters:
        counts["Kana"] += counts.pop("Han")
    script, most = counts.most_common(1)[0]
    # One sign of Chinese, Japanese or Korean says as much as several letters.
    least = 4 if script in ("Han", "Kana", "Hangul") else _LEAST_LETTERS
    return script if most >= least and most >= 2 / 3 * letters else ""


def _by_stop_words(text: str) -> str:
    words = Counter(_WORD.findall(text.casefold()))
    hits: Counter[str] = Counter()
    kinds: Counter[str] = Counter()
    for word in words.keys() & _LANGUAGES.keys():
        for name in _LANGUAGES[word]:
            hits[name] += words[word]
            kinds[name] += 1
    if not hits:
        return ""
    (name, most), (_, second) = [*hits.most_common(2), ("", 0)][:2]
    sure = most >= max(_LEAST_STOP_WORDS, 0.1 * words.total(), 2 * second) and kinds[name] >= 3
    return name if sure else ""


@lru_cache(maxsize=1024)
def names_a_language(text: str) -> bool:
    """Whether a text speaks of a language or of translating, so that an answer in another one may be what is asked.

    Reads its last 600 characters.
    """
    return bool(_NAMED.search(text[-_READ:]))
