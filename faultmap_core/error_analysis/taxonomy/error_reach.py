"""Where a kind of error can occur, and which kinds explain nothing: what may be compared between models, and ranked.

A rule that holds an answer against the reference is blind where there is none, so its errors are counted on rows with
a reference only. A title that says no more than the score does is no explanation, whoever gave it.
"""

from __future__ import annotations

import re

# Titles of the rules that are seen without a reference; all their others come from a comparison with it.
_WITHOUT_REFERENCE = (
    *("Empty response", "Declines to answer", "Repeats itself", "Gives the prompt back", "Cut off before the end"),
    *("Goes on to write", "Arithmetic slip", "Says that the answer is not known"),
)
_NOTHING = re.compile(
    r"unexplained\b|unclassified\b|unknown (?:error|reason|cause)|no (?:reference|explanation|reason)\b"
    r"|(?:the )?(?:score|rating|metric|grade|assertion|check|test|verdict)s? (?:is |are |was |were )?"
    r"(?:too low|low|below|under|at or below|failed|not met|not reached|above the threshold|zero|0)\b"
    r"|(?:low|zero|poor|bad|failing) (?:score|rating|grade)s?\b"
    r"|(?:below|under) (?:the )?(?:score |success )?threshold"
    r"|(?:does|did) not (?:pass|meet) the (?:test|check|threshold|score|metric)|threshold not (?:met|reached)"
    r"|(?:scored|judged|marked|graded) (?:as )?(?:wrong|incorrect|failed)",
    re.IGNORECASE,
)
_BARE = re.compile(
    r"(?:(?:an?|the|other|generally|simply) )?(?:incorrect|wrong|bad|failed|failing|other wrong)"
    r"(?: (?:final )?(?:answer|response|output|result)s?)?|fail(?:ed|ure)?|(?:general )?errors?|mistakes?",
    re.IGNORECASE,
)


def needs_reference(title: str) -> bool:
    """Whether an error of the rules under this title is seen by holding the answer against a reference."""
    return not title.startswith(_WITHOUT_REFERENCE)


def explains_nothing(name: str) -> bool:
    """Whether a kind's name, or an error's title, says no more than that the answer was scored as wrong.

    "Unexplained: …", "no reference …" and restatements of the score ("score below threshold", "wrong answer").
    """
    text = " ".join(name.split()).strip(" .:")
    return bool(_NOTHING.match(text) or _BARE.fullmatch(text))


def blind_spot(unexplained: int, without_reference: int, judged: int) -> str:
    """Return the sentence that says once what the judge did not see; empty where it explains every error.

    Args: unexplained: errors whose kind explains nothing; without_reference: those among them that have no reference;
        judged: all judged errors.
    """
    if not unexplained or not judged:
        return ""
    share = f"{unexplained:,} of {judged:,} errors ({unexplained / judged:.0%})"
    blind = f", {without_reference:,} of them without a reference" if without_reference else ""
    return (
        f"Rules see the form of an answer and how it misses its reference, not what it means: {share} have no visible"
        f" cause{blind}. They are counted, and neither compared nor ranked; a language model as judge can read them."
    )
