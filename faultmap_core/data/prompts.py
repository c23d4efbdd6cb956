"""Find the question inside a prompt, and decide whether two prompts are the same.

Few-shot preambles and instructions are shared by all prompts of a dataset; embedded with the question they drown it.
Copies of one prompt are one unit everywhere: they are embedded once and count once in every test.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_WHITESPACE = re.compile(r"\s+")

# With fewer distinct prompts than this, a shared beginning is as likely to be chance as a preamble.
_MIN_DISTINCT_FOR_PREAMBLE = 10


def normalized(text: str) -> str:
    """Return `text` with Unicode composed, white space folded and case removed: the form in which copies are equal."""
    # Folding the case of a composed letter can leave parts that compose anew.
    folded = unicodedata.normalize("NFC", unicodedata.normalize("NFD", text).casefold())
    return _WHITESPACE.sub(" ", folded).strip()


def prompt_id(text: str) -> str:
    """Return the 32 hex digits that identify a prompt: equal for copies (see `normalized`), different otherwise."""
    return hashlib.blake2b(normalized(text).encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def varying_parts(texts: Sequence[str]) -> list[str]:
    """Cut the beginning and the end that all `texts` share, at word boundaries.

    Args:
        texts: the prompts of one model on one dataset.
    Returns:
        One string per text, stripped. A text is returned whole where cutting would leave nothing, and all of them
        where fewer than 10 are distinct.
    """
    distinct = sorted(set(texts))
    if len(distinct) < _MIN_DISTINCT_FOR_PREAMBLE:
        return [text.strip() for text in texts]
    # The common prefix of a sorted list is that of its first and last; the suffix is the prefix of the reversed.
    prefix = _shared_prefix(distinct[0], distinct[-1])
    reversed_texts = [text[::-1] for text in distinct]
    suffix = _shared_prefix(min(reversed_texts), max(reversed_texts))
    return [text[prefix : len(text) - suffix].strip() or text.strip() for text in texts]


def _shared_prefix(first: str, last: str) -> int:
    """Length of the common prefix of two strings, cut back to the last white space so that no word is split."""
    length = next((i for i, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), min(len(first), len(last)))
    while length and not first[length - 1].isspace():
        length -= 1
    return length


@dataclass(frozen=True)
class UniquePrompts:
    """The distinct prompts among many examples, in ascending order of their ids.

    Attributes:
        prompt_ids: n distinct ids.
        texts: n texts, what is to be embedded and shown: the most frequent spelling among the copies.
        unit: (rows,) position in `prompt_ids` of every example's prompt.
    """

    prompt_ids: tuple[str, ...]
    texts: tuple[str, ...]
    unit: NDArray[np.int64]


def unique_prompts(texts: Sequence[str], sources: Sequence[str]) -> UniquePrompts:
    """Find the distinct prompts, after cutting what all prompts of one source share (see `varying_parts`).

    Args:
        texts: one prompt per example.
        sources: whose preamble each prompt carries: the model that it was sent to.
    """
    parts = [""] * len(texts)
    rows_of: dict[str, list[int]] = {}
    for row, source in enumerate(sources):
        rows_of.setdefault(source, []).append(row)
    for rows in rows_of.values():
        for row, part in zip(rows, varying_parts([texts[row] for row in rows]), strict=True):
            parts[row] = part
    spellings: dict[str, Counter[str]] = {}
    ids = [prompt_id(part) for part in parts]
    for identifier, part in zip(ids, parts, strict=True):
        spellings.setdefault(identifier, Counter())[part] += 1
    ordered = sorted(spellings)
    position = {identifier: index for index, identifier in enumerate(ordered)}
    # Ties go to the smallest text, so that the order of the rows does not matter.
    shown = tuple(min(spellings[i].items(), key=lambda item: (-item[1], item[0]))[0] for i in ordered)
    unit = np.fromiter((position[identifier] for identifier in ids), dtype=np.int64, count=len(ids))
    return UniquePrompts(tuple(ordered), shown, unit)


def text_hash(text: str) -> str:
    """Return the 32 hex digits that identify the exact text, under which its vector is stored."""
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
