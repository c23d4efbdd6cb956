"""Categories of errors without a language model: titles that say the same, found by clustering, named by keywords.

Titles that recur, as those of the rules do, are categories as they are, or families of those that begin alike. Others
are embedded, put in a tree and cut. Below a single title the summaries are taken, but only where they fall into groups
that are clear, of some size, and have words of their own.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from faultmap_core.data.prompts import normalized
from faultmap_core.embedding import Embedder, unit_rows
from faultmap_core.error_analysis.taxonomy.growth import FITS_NONE, Division, Draft, Group, Placing, Unit
from faultmap_core.error_analysis.taxonomy.results import Category
from faultmap_core.error_analysis.taxonomy.wording import (
    families,
    name_summaries,
    name_titles,
    summary_text,
    without_error_words,
)
from faultmap_core.regions.tree import build_tree, flat_labels

Vectors = NDArray[np.float32]

# Titles recur where they have this many errors each on average: a rule made them, or a model that was given a list.
_RECURRING = 5
# Groups below the top must be this clear (mean silhouette, Rousseeuw, 1987, of their distinct texts), and those of
# summaries hold at least this share of the errors each.
_CLEAR = 0.15
_LEAST_SHARE = 0.05
_SILHOUETTE_TEXTS = 2_000
# A text fits none where it is farther from the nearest category than 95 % of all examples are from the rest of their
# own, or than this cosine: wordllama, 50 titles of 7 kinds: 82 % of the titles are nearer to the rest of their kind,
# 20 % of 500 prompts of CLINC150 are nearer to one of the kinds (measured).
_FAR_QUANTILE = 0.05
_MIN_CALIBRATION = 20
_FAR = 0.15


class ClusterMethod:
    """The offline `Method`. Deterministic; texts are embedded once in its life."""

    name = "clusters"

    def __init__(self, embedder: Embedder, seed: int = 0) -> None:
        self._embedder = embedder
        self._seed = seed
        self._known: dict[str, Vectors] = {}

    @property
    def made_by(self) -> str:
        """The embedder's id."""
        return self._embedder.id

    def divide(self, groups: Sequence[Group]) -> list[Division]:
        """Divide each group by its titles, or by its summaries where it has only one title."""
        return [self._divide(group) for group in groups]

    def place(self, placings: Sequence[Placing]) -> list[Division]:
        """Choose for each unit the category that has an example of equal text, and else the nearest."""
        return [self._place(one) for one in placings]

    def _divide(self, group: Group) -> Division:
        by_title = _told_by_titles(group, {unit.title_key for unit in group.units})
        return self._by_titles(group) if by_title else self._by_summaries(group)

    def _by_titles(self, group: Group) -> Division:
        texts = [unit.title_key for unit in group.units]
        distinct = sorted(set(texts))
        keys = families(distinct) if group.count >= _RECURRING * len(distinct) else {text: text for text in distinct}
        if 1 < len(set(keys.values())) <= group.limit:
            labels = _numbered(keys)
        elif len(distinct) <= group.limit:
            labels = {text: index for index, text in enumerate(distinct)}
        else:
            labels, keys = self._clusters(distinct, group.limit, clear=bool(group.path)), {}
        members = _members(group, texts, labels)
        own = [keys.get(units[0].title_key, "") for units in members]
        return _division(name_titles(members, own), texts, labels)

    def _by_summaries(self, group: Group) -> Division:
        texts = [summary_text(unit.summary) for unit in group.units]
        distinct = sorted(set(texts))
        few = len(distinct) <= group.limit
        if few:
            labels = {text: index for index, text in enumerate(distinct)}
        else:
            labels = self._clusters(distinct, group.limit, clear=True)
        members = _members(group, texts, labels)
        least = min(sum(unit.count for unit in units) for units in members)
        drafts = name_summaries(members, few) if least >= _LEAST_SHARE * group.count else None
        if drafts is None:
            return Division((Draft("undivided", ""),), (0,) * len(texts))
        return _division(drafts, texts, labels)

    def _clusters(self, texts: Sequence[str], limit: int, *, clear: bool) -> dict[str, int]:
        """Return each text's cluster, of at most `limit`; with `clear`, one for all where they do not stand apart."""
        vectors = self._vectors(texts)
        vectors = unit_rows(vectors - vectors.mean(axis=0))
        wanted = int(np.clip(round(float(np.sqrt(len(texts)))), 2, limit))
        # Every text twice: a tree has no node for a single leaf, and a title unlike all others is a group of its own.
        labels = flat_labels(build_tree(np.repeat(vectors, 2, axis=0)), wanted)[::2]
        if clear and self._silhouette(vectors, labels) < _CLEAR:
            return dict.fromkeys(texts, 0)
        return _numbered(dict(zip(texts, labels.tolist(), strict=True)))

    def _silhouette(self, vectors: Vectors, labels: NDArray[np.int64]) -> float:
        from sklearn.metrics import silhouette_score

        if len(vectors) > _SILHOUETTE_TEXTS:
            rows = np.random.default_rng(self._seed).choice(len(vectors), _SILHOUETTE_TEXTS, replace=False)
            vectors, labels = vectors[np.sort(rows)], labels[np.sort(rows)]
        if not 2 <= len(set(labels.tolist())) < len(labels):
            return -1.0
        return float(silhouette_score(vectors, labels))

    def _place(self, placing: Placing) -> Division:
        units = placing.group.units
        titles = {normalized(title) for category in placing.into for title, _ in category.examples}
        by_title = _told_by_titles(placing.group, titles)
        texts = [unit.title_key if by_title else summary_text(unit.summary) for unit in units]
        examples = [_example_texts(category, by_title) for category in placing.into]
        exact = _exact(placing.into, examples)
        centroids, far = self._centroids(placing.words, examples)
        cosines = self._vectors(texts) @ centroids.T
        choices = []
        for text, row in zip(texts, cosines, strict=True):
            nearest = int(np.argmax(row))
            if text in exact:
                choices.append(exact[text])
            elif placing.may_fit_none and row[nearest] < far:
                choices.append(FITS_NONE)
            else:
                choices.append(nearest)
        return Division((), tuple(choices))

    def _centroids(self, words: Sequence[str], examples: Sequence[Sequence[str]]) -> tuple[Vectors, float]:
        """Return a unit vector for each category, of its examples and of what it is called, and the cosine below which
        a text belongs to none of them."""
        centroids = np.zeros((len(words), self._embedder.dimensions), dtype=np.float32)
        own: list[float] = []
        for row, (called, texts) in enumerate(zip(words, examples, strict=True)):
            vectors = self._vectors([*texts, called])
            total = vectors.sum(axis=0)
            centroids[row] = _unit(total)
            own += [float(one @ _unit(total - one)) for one in vectors[:-1]]
        calibrated = float(np.quantile(own, _FAR_QUANTILE)) if len(own) >= _MIN_CALIBRATION else _FAR
        return centroids, max(_FAR, calibrated)

    def _vectors(self, texts: Sequence[str]) -> Vectors:
        missing = sorted(set(texts) - self._known.keys())
        if missing:
            told = [without_error_words(text) for text in missing]
            self._known.update(zip(missing, self._embedder.embed(told, "document"), strict=True))
        return np.array([self._known[text] for text in texts], dtype=np.float32)


def _numbered(labels: Mapping[str, object]) -> dict[str, int]:
    """Return the labels as 0, 1, ... in the order in which they first occur."""
    order = {label: rank for rank, label in enumerate(dict.fromkeys(labels.values()))}
    return {text: order[label] for text, label in labels.items()}


def _members(group: Group, texts: Sequence[str], labels: Mapping[str, int]) -> list[list[Unit]]:
    members: list[list[Unit]] = [[] for _ in range(max(labels.values()) + 1)]
    for unit, text in zip(group.units, texts, strict=True):
        members[labels[text]].append(unit)
    return members


def _division(drafts: Sequence[Draft], texts: Sequence[str], labels: Mapping[str, int]) -> Division:
    return Division(tuple(drafts), tuple(labels[text] for text in texts))


def _told_by_titles(group: Group, titles: Collection[str]) -> bool:
    """Whether titles tell a group's errors apart; below the top, where all have the same one, summaries do."""
    return not group.path or len(titles) != 1


def _example_texts(category: Category, by_title: bool) -> list[str]:
    texts = {normalized(title) if by_title else summary_text(summary) for title, summary in category.examples}
    return sorted(texts - {""})


def _exact(into: Sequence[Category], examples: Sequence[Sequence[str]]) -> Mapping[str, int]:
    """Texts that are examples of one category only; without examples, the category's own name."""
    found: dict[str, set[int]] = {}
    for index, (category, texts) in enumerate(zip(into, examples, strict=True)):
        for text in texts or [normalized(category.name)]:
            found.setdefault(text, set()).add(index)
    return {text: min(where) for text, where in found.items() if len(where) == 1}


def _unit(vector: Vectors) -> Vectors:
    length = float(np.linalg.norm(vector))
    return vector / np.float32(length) if length > 1e-9 else vector
