"""Names of regions: keyword names that need no language model, and the interface that a model's namer fits.

Keywords are words and word pairs that many of a region's prompts hold and few others do (class-based TF-IDF on the
scale of document frequencies). A word stands in a name only where at least half of the region's prompts hold it, in any
of its forms; else the name is what the region is made of by its metadata, or its typical prompt. A name depends on the
region and on the prompts of the question, not on who found the region. Names of one batch are unique. Where it is known
who asked (`NamingTask.sources`), a word or prompt of one person or session alone is neither a name nor quoted in one.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Literal, Protocol

import numpy as np

from faultmap_core.naming.prompt_sources import Sources, are_two

_WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*|\d+(?:[.,]\d+)*|[^\w\s]", re.UNICODE)
_NO_SPACES = re.compile(r"[\u0e00-\u0eff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]")
_STOP_WORDS = """
a about an and any are as at be been being but by can could did do does for from had has have he her hers him his how i
if in into is it its just me more most my no nor not of on one or our ours she should so some such than that the their
them then there these they this those to too up us very was we were what when where which who whom why will with would
you your yours i'm i've i'd i'll it's don't doesn't can't what's also another because each every few here like many
much new often only other others out over please same still there thing things very way while following given
der die das und ist ein eine nicht mit von zu den im auf für es le la les un une des et est du de que qui dans pour pas
el los las una y en por con para il lo gli di che è e o os as um uma é não com
"""
_STOP_IN_OTHER_SCRIPTS = """
في من على إلى ما هل هو هي كيف كم أن إن هذا هذه التي الذي عن مع أو لا ماذا متى أين и в во на не что как это по с для из у
什么 怎么 如何 请问 可以 这个 那个 多少 哪些 哪个 为什么 是什么 有什么 一个 的是 です ます した して
"""
STOP_WORDS = frozenset((_STOP_WORDS + _STOP_IN_OTHER_SCRIPTS).split())
# At the edge of a piece of text without spaces these join words: the piece is a fragment.
_JOINING = frozenset("的了吗呢吧是在和与及或就都也很把被给让请我你他她它们这那哪不没有はがをにでとものへ")
_LONGEST_PIECE = 4
_BACKGROUND = 20_000
_INSIDE = 2_000
_TEXT_CHARS = 600
_KEYWORDS = 8

Question = Literal["failures", "comparison", "coverage", "drift"]


@dataclass(frozen=True)
class NamingTask:
    """What a namer is told of one region.

    Attributes:
        prompts: distinct prompts inside, the most typical first.
        size, failures: rows inside and how many of them carry the label; rate, rest_rate: its share in and outside.
        what: of what the rates are, such as "fail" or "come from production".
        examples: typical rows with the label, then some without. Keys as in `FailureSlice.examples` and
            `SliceComparison.examples`; of coverage: example_id, prompt, source ("production" or "tests");
            of drift: the same, source names the period.
        fixed_name: the name of a metadata candidate ("category = law"), kept as the name.
        composition: what the region is made of by its metadata, see `composition`; may be empty.
        question: what was asked of the regions; models: the names of A and B in a comparison.
        sources: who asked each of `prompts`, see `prompt_sources`; None where prompts are nobody's own (a test suite).
    """

    prompts: Sequence[str]
    size: int
    failures: int
    rate: float
    rest_rate: float
    what: str = "fail"
    examples: Sequence[Mapping[str, Any]] = ()
    fixed_name: str | None = None
    composition: str = ""
    question: Question = "failures"
    models: tuple[str, str] = ("", "")
    sources: Sources | None = None


@dataclass(frozen=True)
class RegionName:
    """A region's name and how it came about.

    Attributes:
        named_by: "keywords", "metadata" or the model's id; keywords: strongest first.
        root_cause, suggested_remediation: empty unless a model wrote them.
        metadata: of a model's name `cited_example_ids` and what was wrong with it (`note`), of a name that stands in
            for a model's `note`.
        typical: a sentence, after a space, that shows what the prompts are like; may be empty.
    """

    name: str
    description: str
    named_by: str
    keywords: tuple[str, ...] = ()
    root_cause: str = ""
    suggested_remediation: str = ""
    metadata: Mapping[str, Any] = field(default_factory=dict)
    typical: str = ""

    @property
    def cited_examples(self) -> list[str]:
        """Ids of the examples that the text rests on."""
        return list(self.metadata.get("cited_example_ids", ()))

    @property
    def note(self) -> str:
        """Why a model that was asked has not named the region, or what of its reply was left out; else empty."""
        why = self.metadata.get("fallback", "")
        return f"not named by the model: {why}" if why else str(self.metadata.get("note", ""))


class Namer(Protocol):
    """Anything that names a batch of regions together."""

    def name_regions(self, tasks: Sequence[NamingTask], background: Sequence[str]) -> list[RegionName]:
        """Return one name per task, all different. `background`: the distinct prompts of the whole question."""


class KeywordNamer:
    """Names from the words that tell a region from the rest. Deterministic, any language.

    Args: min_cover: share of a region's prompts that must hold a word of its name, in [0, 1]. At 0 a name is the three
        words that tell the region best from the rest and from its siblings, however few hold them.
    """

    def __init__(self, min_cover: float = 0.5) -> None:
        self.min_cover = min_cover

    def name_regions(self, tasks: Sequence[NamingTask], background: Sequence[str]) -> list[RegionName]:
        """Return one name per task, all different; `named_by` is "keywords" ("metadata" where the name was fixed)."""
        everywhere = _frequencies(background, _BACKGROUND)
        inside = [_frequencies(task.prompts, _INSIDE, task.sources) for task in tasks]
        taken: set[str] = set()
        names = []
        for task, own in zip(tasks, inside, strict=True):
            siblings = [] if self.min_cover else [other for other in inside if other is not own]
            words = _ranked(own, everywhere, siblings)
            covering = [word for word in words if own.share[word] >= self.min_cover]
            title = task.fixed_name or _title(task, covering, words, own)
            name = unique_name(title, taken, covering[3:] if covering and not task.fixed_name else ())
            taken.add(name.casefold())
            by = "metadata" if task.fixed_name else "keywords"
            shown = [own.spelling[word] for word in (covering or words)[:_KEYWORDS]]
            typical = _typical_sentence(task, shown)
            names.append(RegionName(name, f"{_rates(task)}{typical}", by, tuple(shown), typical=typical))
        return names


def _rates(task: NamingTask) -> str:
    return (
        f"{task.failures:,} of {task.size:,} {task.what} ({task.rate:.1%}), against {task.rest_rate:.1%} of the rest."
    )


def _typical_sentence(task: NamingTask, keywords: Sequence[str]) -> str:
    """Quote the most typical prompt that may be shown; where none may, say the words that may."""
    shown = _quotable(task)
    if shown:
        return f" Typical prompt: {quoted(shown[0])}." if shown[0].strip() else ""
    return f" Words in it: {', '.join(keywords)}." if keywords else ""


def _quotable(task: NamingTask) -> Sequence[str]:
    """Return the prompts that are nobody's own, most typical first."""
    if task.sources is None:
        return task.prompts
    return [text for text, own in zip(task.prompts, task.sources, strict=True) if are_two([own])]


def private_words(name: str, task: NamingTask) -> list[str]:
    """Return the words of a name that one source of the region's prompts alone has written."""
    if task.sources is None:
        return []
    asked: dict[str, list[frozenset[str]]] = {}
    for text, own in zip(task.prompts, task.sources, strict=True):
        for term in _terms(_tokens(text)):
            asked.setdefault(term, []).append(own)
    terms = _terms(_tokens(name))
    words = {term: form for term, form in terms.items() if " " not in term}
    return [form for term, form in words.items() if term in asked and not are_two(asked[term])]


def quoted(text: str, limit: int = 110) -> str:
    """Return `text` on one line in quotation marks, cut at a word where it is longer than `limit` characters."""
    line = " ".join(text.split())
    if len(line) > limit:
        cut = line[:limit].rsplit(" ", 1)[0] if " " in line[limit // 2 : limit] else line[:limit]
        line = cut.rstrip(" ,;:.") + " …"
    return f"“{line}”"


def _tokens(text: str) -> list[str]:
    """Words in lower case, numbers as "#", symbols as they are; where a script has no spaces, whole runs."""
    found: list[str] = []
    for match in _WORD.findall(text[:_TEXT_CHARS]):
        if _NO_SPACES.search(match):
            found.append(match)
        elif match[0].isdigit():
            found.append("#")
        else:
            found.append(match.casefold().replace("’", "'"))
    return found


def _terms(tokens: Sequence[str]) -> dict[str, str]:
    """The words of a text that may stand in a name, and its pairs of neighbouring words (neither a stop word).

    Returns: term -> how it is spelled here; the forms of one word are one term, see `_stem`. Of a run of text without
        spaces the terms are its pieces of two to four characters.
    """
    terms: dict[str, str] = {}
    for token in tokens:
        if _NO_SPACES.search(token):
            terms.update((piece, piece) for piece in _pieces(token))
        elif _names(token):
            terms.setdefault(_stem(token), token)
    for a, b in pairwise(tokens):
        if _names(a) and _names(b) and a != b and not _NO_SPACES.search(a + b):
            terms.setdefault(f"{_stem(a)} {_stem(b)}", f"{a} {b}")
    return terms


def _pieces(run: str) -> list[str]:
    cut = (run[i : i + n] for n in range(2, _LONGEST_PIECE + 1) for i in range(len(run) - n + 1))
    return [one for one in cut if one not in STOP_WORDS and one[0] not in _JOINING and one[-1] not in _JOINING]


def _names(token: str) -> bool:
    return len(token) > 1 and token[0].isalpha() and token not in STOP_WORDS


@dataclass(frozen=True)
class _Frequencies:
    """In what share of `texts` texts a term occurs, and how it is mostly spelled."""

    texts: int
    share: Mapping[str, float]
    spelling: Mapping[str, str]


def _frequencies(texts: Sequence[str], limit: int, sources: Sources | None = None) -> _Frequencies:
    """Count terms; with `sources`, only those that two of them write, in a spelling that two of them use."""
    n = min(len(texts), limit)
    chosen = range(n) if len(texts) <= limit else np.linspace(0, len(texts) - 1, limit).astype(int).tolist()
    forms: dict[str, dict[str, list[int]]] = {}
    for at in chosen:
        for term, form in _terms(_tokens(texts[at])).items():
            forms.setdefault(term, {}).setdefault(form, []).append(at)
    share, spelling = {}, {}
    for term, own in forms.items():
        usable = [form for form, found in own.items() if sources is None or are_two(sources[at] for at in found)]
        if usable:
            share[term] = sum(map(len, own.values())) / n
            spelling[term] = min(usable, key=lambda form: (-len(own[form]), form))
    return _Frequencies(n, share, spelling)


def _ranked(own: _Frequencies, everywhere: _Frequencies, siblings: Sequence[_Frequencies]) -> list[str]:
    """Return the region's terms, best first: how often inside, times how much more often than outside and than among
    the siblings (their mean, at half weight)."""
    floor = 0.5 / max(own.texts, 1)
    rare = 0.5 / max(everywhere.texts, 1)
    scores: dict[str, float] = {}
    for term, share in own.share.items():
        if share < min(0.15, 2.01 * 2 * floor) and own.texts >= 4:
            continue
        outside = _outside(share, own, everywhere.share.get(term, 0.0), everywhere)
        beside = sum(other.share.get(term, 0.0) for other in siblings) / max(len(siblings), 1)
        odds_outside = (share + floor) / (outside + floor + rare)
        odds_beside = (share + floor) / (beside + floor + rare)
        worth = share * float(np.log(odds_outside) + 0.5 * np.log(odds_beside))
        if worth > 0.02:
            scores[term] = worth * (1.15 if " " in term else 1.0)
    return _without_parts(sorted(scores, key=lambda term: (-scores[term], term)), own)


def _outside(share: float, own: _Frequencies, overall: float, everywhere: _Frequencies) -> float:
    """The term's share among the texts that are not inside."""
    n, inside = everywhere.texts, min(own.texts, everywhere.texts)
    if n <= inside:
        return overall
    return max(0.0, (overall * n - share * inside) / (n - inside))


def _without_parts(ranked: list[str], own: _Frequencies) -> list[str]:
    """Drop what is said already: a word that occurs mostly inside a better pair, a pair of two better words, a piece
    of a longer one without spaces that occurs nearly as often."""
    kept: list[str] = []
    longer = [term for term in ranked if _NO_SPACES.search(term)]
    for term in ranked:
        if _NO_SPACES.search(term) and any(
            term != other and term in other and own.share[other] >= 0.8 * own.share[term] for other in longer
        ):
            continue
        words = term.split()
        shared = [other for other in kept if set(words) & set(other.split())]
        said = any(own.share[other] >= 0.5 * own.share[term] for other in shared)
        if said or all(word in {part for other in kept for part in other.split()} for word in words):
            continue
        kept.append(term)
        if len(kept) >= 2 * _KEYWORDS:
            break
    return kept


_ENDINGS = ("ies", "ing", "es", "ed", "s", "y")


def _stem(word: str) -> str:
    """Return what the forms of a word have in common: English endings and the Arabic article are cut."""
    for article in ("وال", "بال", "ال"):
        if word.startswith(article) and len(word) - len(article) >= 3:
            return word[len(article) :]
    if word.endswith("ss"):
        return word
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            return word[: -len(ending)].removesuffix("e")
    return word.removesuffix("e") if len(word) > 4 else word


def _title(task: NamingTask, covering: Sequence[str], words: Sequence[str], own: _Frequencies) -> str:
    """Return up to three words that cover the region; else its composition, else what the prompts look like.

    `words` also holds those that do not cover it; they stand for prompts of which none may be quoted.
    """
    if covering:
        return ", ".join(own.spelling[word] for word in covering[:3])
    if task.composition:
        return task.composition
    texts = [text for text in task.prompts[:200] if text.strip()]
    if not texts:
        return "empty prompts"
    tokens = [_tokens(text) for text in texts]
    marks = Counter(token for one in tokens for token in set(one) if not token[0].isalpha() and token != "#")
    usual = sorted(marks, key=lambda mark: (-marks[mark], mark))[:6]
    common = [mark for mark in sorted(usual, key=_mark_order) if marks[mark] >= 0.3 * len(texts)]
    if sum(not token[0].isalpha() for one in tokens for token in one) > 0.6 * sum(map(len, tokens)):
        with_numbers = sum("#" in one for one in tokens) >= 0.5 * len(texts)
        start = "numbers" if with_numbers else "symbols"
        return f"{start} with {' '.join(common)}" if common else start
    quotable = [text for text in _quotable(task)[:200] if text.strip()]
    if quotable:
        return f"like {quoted(_central(quotable, own), 60)}"
    return ", ".join(["mixed prompts", *(f"some with {own.spelling[word]}" for word in words[:3])])


def _central(texts: Sequence[str], own: _Frequencies) -> str:
    """Return the text whose words are most common among the texts, whatever their order; ties by length, then text."""

    def rank(text: str) -> tuple[float, int, str]:
        terms = _terms(_tokens(text))
        common = sum(own.share.get(term, 0.0) for term in terms) / max(len(terms), 1)
        return -round(common, 9), len(text), text

    return min(texts, key=rank)


def _mark_order(mark: str) -> tuple[int, str]:
    at = "([{<>}])+-*/%=".find(mark)
    return (at if at >= 0 else 99, mark)


def unique_name(title: str, taken: Collection[str], more: Sequence[str] = ()) -> str:
    """Return `title`, with more keywords or at last a number where it is in `taken` (names with their case folded)."""
    name = title
    for word in more:
        if name.casefold() not in taken:
            return name
        name = f"{title}, {word}"
    number = 2
    plain = name
    while name.casefold() in taken:
        name = f"{plain} ({number})"
        number += 1
    return name
