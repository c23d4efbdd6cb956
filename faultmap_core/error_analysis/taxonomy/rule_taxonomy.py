"""Group the errors that the rules name into families; the rules' titles are few and known.

Clustering such titles by their words would put "Cut off before the end" beside "Final number too small"; here each
title stands in the family of the rule that gives it. Ids depend on the titles alone, so counts of different days can be
compared.
"""

from __future__ import annotations

from collections.abc import Iterable

from faultmap_core.error_analysis.taxonomy.results import Category, Taxonomy, new_id

MADE_BY = "rules"

# A family's name, what it is, and how the titles in it begin; the first that fits counts.
_FAMILIES: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    (
        "No usable answer",
        "Nothing, a refusal, or text that never comes to an answer of the expected kind.",
        (
            *("Empty response", "Declines to answer", "Says that the answer is not known", "Gives the prompt back"),
            *("Explains at length without", "No final choice", "No number where", "No clear yes", "No list at the end"),
            *("No JSON where", "Names more than one option"),
        ),
    ),
    (
        "Broken or ill-formed text",
        "Cut off, looping, in another language, or of the wrong form or length.",
        (
            *("Repeats itself", "Cut off", "Goes on to write", "Answers in another language", "JSON", "Much shorter"),
            *("Much longer", "Right words among much other", "Number given where words"),
        ),
    ),
    (
        "Wrong reasoning or working",
        "A visible slip on the way, or a right result that is not given as the answer.",
        ("Arithmetic slip", "Right number computed", "States the right option's text", "The reference's text is in"),
    ),
    ("Wrong number", "A number is given, and it is not the right one.", ("Final number", "Wrong final number")),
    (
        "Wrong choice",
        "One of the given options, or yes or no, and not the right one.",
        ("Chose ", "Said "),
    ),
    (
        "Wrong list",
        "Items are missing, superfluous or in the wrong order.",
        ("Items missing", "Superfluous items", "Missing and wrong items", "Right items in the wrong order"),
    ),
    (
        "Words of the question, or nearly right words",
        "The answer repeats the question, or misses the reference by a few letters.",
        ("Answers with words of", "Answers with a number of", "Answer differs"),
    ),
    ("Unexplained", "Scored as wrong, and no rule sees why.", ("Unexplained",)),
)
_ELSE = ("Other wrong answers", "Errors that belong to no other family.")


def family_of(title: str) -> str:
    """Return the name of the family in which a title stands."""
    return next((name for name, _, starts in _FAMILIES if title.startswith(starts)), _ELSE[0])


def rule_taxonomy(titles: Iterable[str]) -> Taxonomy:
    """Return the families of `titles` with one leaf per title, for `build_taxonomy` and `apply_taxonomy`."""
    described = {name: text for name, text, _ in _FAMILIES} | {_ELSE[0]: _ELSE[1]}
    members: dict[str, list[str]] = {}
    for title in sorted(set(titles)):
        members.setdefault(family_of(title), []).append(title)
    categories: list[Category] = []
    taken: set[str] = set()
    for name in (known for known in described if known in members):
        top = new_id(None, name, taken)
        inside = tuple((title, "") for title in members[name])
        categories.append(Category(top, None, name, described[name], 1, examples=inside))
        taken.add(top)
        for title in members[name]:
            leaf = new_id(top, title, taken)
            taken.add(leaf)
            categories.append(Category(leaf, top, title, "", 2, examples=((title, ""),)))
    return Taxonomy.of(categories, "rules", 0, MADE_BY)
