"""Taxonomies as YAML: a seed that a person writes, and a built one written down to be read, edited and given back.

Reasoning:                                  or   - name: Reasoning
  description: Wrong steps.                        description: Wrong steps.
  children:                                        children:
    Arithmetic: Slips in sums.                       - name: Arithmetic
    Logic:                                             description: Slips in sums.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from faultmap_core.base.errors import ConfigurationError
from faultmap_core.error_analysis.taxonomy.results import (
    DESCRIPTION_CHARS,
    NAME_CHARS,
    Category,
    Taxonomy,
    clean_description,
    clean_name,
    new_id,
)

_KEYS = ("name", "description", "children", "examples", "other", "slug")
_HEADER = ("method", "made_by", "built_from", "version")
_MOST_LEVELS = 20
_MOST_CATEGORIES = 2_000


def load_taxonomy(source: Path | str) -> Taxonomy:
    """Return the taxonomy of a YAML file, or of YAML text (a string with a line break).

    Raises:
        ConfigurationError: no such file, not YAML, or not a taxonomy; the message says where in the tree.
    """
    text, where = _read(source)
    try:
        content = yaml.load(text, Loader=_UniqueKeys)
    except yaml.YAMLError as error:
        raise ConfigurationError(f"{where} is not YAML: {' '.join(str(error).split())}") from error
    except RecursionError as error:
        raise ConfigurationError(f"{where} is nested too deeply; expected at most {_MOST_LEVELS} levels") from error
    except (ValueError, OverflowError, TypeError) as error:
        raise ConfigurationError(f"{where} holds a value that cannot be read: {str(error)[:200]}") from error
    header: Mapping[str, Any] = {}
    if isinstance(content, dict) and isinstance(content.get("categories"), list):
        header = {key: value for key, value in content.items() if key != "categories"}
        unknown = [key for key in header if key not in _HEADER]
        if unknown:
            raise ConfigurationError(f"{where}: unknown key {unknown[0]!r}; expected {', '.join(_HEADER)}, categories")
        content = content["categories"]
    if not content:
        raise ConfigurationError(f"{where} holds no categories; expected a list or a mapping of names")
    categories = _Reader(where).read(content)
    built_from = header.get("built_from", 0)
    if isinstance(built_from, bool) or not isinstance(built_from, int):
        raise ConfigurationError(f"{where}: built_from is {built_from!r}; expected a whole number")
    method, made_by = str(header.get("method", "given")), str(header.get("made_by", ""))
    return Taxonomy.of(categories, method, built_from, made_by)


def taxonomy_to_yaml(taxonomy: Taxonomy) -> str:
    """Return the taxonomy as YAML that `load_taxonomy` reads back: all but the counts."""
    header = {key: getattr(taxonomy, key) for key in _HEADER}
    content = {**header, "categories": _entries(taxonomy, None)}
    text: str = yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=10_000)
    return text


def _read(source: Path | str) -> tuple[str, str]:
    if isinstance(source, str) and "\n" in source:
        return source, "taxonomy"
    path = Path(source)
    try:
        return path.read_text(encoding="utf-8"), f"taxonomy file {path}"
    except (OSError, UnicodeError) as error:
        detail = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise ConfigurationError(f"taxonomy file {path} cannot be read: {detail}; expected a YAML file") from error


class _UniqueKeys(yaml.SafeLoader):
    """Refuses two equal keys side by side, of which PyYAML would drop the first."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if key.value in seen and isinstance(key.value, str):
                raise yaml.constructor.ConstructorError(
                    None, None, f"the category {key.value!r} occurs twice", key.start_mark
                )
            seen.add(str(key.value))
        return super().construct_mapping(node, deep)


class _Reader:
    """Turns parsed YAML into categories; `where` opens every message."""

    def __init__(self, where: str) -> None:
        self._where = where
        self._made: dict[str, Category] = {}

    def read(self, content: Any) -> list[Category]:
        self._level(content, None, ())
        return list(self._made.values())

    def _level(self, content: Any, parent: Category | None, path: tuple[str, ...]) -> None:
        if len(path) >= _MOST_LEVELS:
            raise self._wrong(path[:3], f"more than {_MOST_LEVELS} levels; expected fewer")
        names: set[str] = set()
        for name, entry in self._named(content, path):
            here = (*path, name)
            if name.casefold() in names:
                raise self._wrong(here, "the name occurs twice on this level; expected different names")
            names.add(name.casefold())
            children = entry.get("children")
            category = self._category(name, entry, parent, here)
            if children:
                self._level(children, category, here)

    def _named(self, content: Any, path: tuple[str, ...]) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """Yield each category's name and its keys, from either form."""
        if isinstance(content, dict):
            for name, value in content.items():
                shown = self._name(name, path)
                yield shown, self._entry(value, (*path, shown))
        elif isinstance(content, list):
            for number, value in enumerate(content, 1):
                if isinstance(value, str):
                    yield self._name(value, path), {}
                    continue
                if not isinstance(value, dict) or "name" not in value:
                    raise self._wrong(
                        path, f"entry {number} is {_kind(value)}; expected a name or a mapping with 'name'"
                    )
                shown = self._name(value["name"], path)
                yield shown, self._known(value, (*path, shown))
        else:
            raise self._wrong(path, f"{_kind(content)}; expected a list or a mapping of categories")

    def _entry(self, value: Any, path: tuple[str, ...]) -> Mapping[str, Any]:
        """A mapping's value: nothing, a description, the keys of a category, or its children by name."""
        if value is None or isinstance(value, str):
            return {"description": value or ""}
        if isinstance(value, list):
            return {"children": value}
        if not isinstance(value, dict):
            raise self._wrong(path, f"{_kind(value)}; expected a description, or a mapping or list of children")
        return self._known(value, path) if any(key in _KEYS[1:] for key in value) else {"children": value}

    def _known(self, value: Mapping[str, Any], path: tuple[str, ...]) -> Mapping[str, Any]:
        unknown = [key for key in value if key not in _KEYS]
        if unknown:
            raise self._wrong(path, f"unknown key {unknown[0]!r}; expected {', '.join(_KEYS)}")
        return value

    def _name(self, value: Any, path: tuple[str, ...]) -> str:
        if not isinstance(value, str) or not value.strip():
            raise self._wrong(path, f"the name {value!r} is {_kind(value)}; expected text (put it in quotes)")
        if len(value) > NAME_CHARS:
            raise self._wrong(
                path, f"the name {value[:30]!r}… has {len(value)} characters; expected at most {NAME_CHARS}"
            )
        return clean_name(value)

    def _category(
        self, name: str, entry: Mapping[str, Any], parent: Category | None, path: tuple[str, ...]
    ) -> Category:
        if len(self._made) >= _MOST_CATEGORIES:
            raise self._wrong(path[:1], f"more than {_MOST_CATEGORIES} categories; expected fewer")
        description, other, slug = entry.get("description") or "", entry.get("other", False), entry.get("slug", name)
        if not isinstance(description, str) or len(description) > DESCRIPTION_CHARS:
            found = _kind(description) if not isinstance(description, str) else f"{len(description)} characters long"
            raise self._wrong(
                path, f"the description is {found}; expected text of at most {DESCRIPTION_CHARS} characters"
            )
        if not isinstance(other, bool):
            raise self._wrong(path, f"other is {other!r}; expected true or false")
        if not isinstance(slug, str):
            raise self._wrong(path, f"slug is {slug!r}; expected text")
        parent_id = parent.category_id if parent else None
        made = new_id(parent_id, slug, self._made)
        depth = parent.depth + 1 if parent else 1
        examples = self._examples(entry.get("examples") or [], path)
        category = Category(made, parent_id, name, clean_description(description), depth, 0, other, examples)
        self._made[made] = category
        return category

    def _examples(self, value: Any, path: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
        if not isinstance(value, list):
            raise self._wrong(path, f"examples is {_kind(value)}; expected a list of titles")
        found = []
        for one in value:
            title, summary = (one.get("title"), one.get("summary", "")) if isinstance(one, dict) else (one, "")
            if not isinstance(title, str) or not isinstance(summary, str):
                raise self._wrong(path, f"the example {one!r} is no title; expected text, or title and summary")
            found.append((title, summary))
        return tuple(found)

    def _wrong(self, path: tuple[str, ...], what: str) -> ConfigurationError:
        place = f", at {' > '.join(path)}" if path else ""
        return ConfigurationError(f"{self._where}{place}: {what}")


def _kind(value: Any) -> str:
    kinds = {dict: "a mapping", list: "a list", bool: "true or false", type(None): "nothing", str: "empty"}
    return kinds.get(type(value), "a number" if isinstance(value, (int, float)) else f"a {type(value).__name__}")


def _entries(taxonomy: Taxonomy, parent_id: str | None) -> list[dict[str, Any]]:
    entries = []
    taken: set[str] = set()
    for one in taxonomy.children(parent_id):
        entry: dict[str, Any] = {"name": one.name}
        if new_id(parent_id, one.name, taken) != one.category_id:
            entry["slug"] = one.category_id.rsplit("/", 1)[-1]
        taken.add(one.category_id)
        if one.description:
            entry["description"] = one.description
        if one.other:
            entry["other"] = True
        if one.examples:
            entry["examples"] = [{"title": title, "summary": summary} for title, summary in one.examples]
        children = _entries(taxonomy, one.category_id)
        if children:
            entry["children"] = children
        entries.append(entry)
    return entries
