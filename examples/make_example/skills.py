"""The skills by name, and the draw of their prompts: the evals take the first ones, the production logs later ones."""

from dataclasses import dataclass
from random import Random

from examples.make_example import number_skills as number
from examples.make_example import open_skills as free
from examples.make_example import word_skills as word
from examples.make_example.prompts import Prompt, Skill

SKILLS: dict[str, Skill] = {
    "addition": number.addition,
    "subtraction": number.subtraction,
    "multiplication": number.multiplication,
    "percentages": number.percentages,
    "unit-conversion": number.unit_conversion,
    "dates": number.dates,
    "sequences": number.sequences,
    "number-comparison": number.number_comparison,
    "roman-numerals": number.roman_numerals,
    "word-problems": number.word_problems,
    "python-output": number.python_output,
    "letter-counting": word.letter_counting,
    "word-reversal": word.word_reversal,
    "sorting": word.sorting,
    "extraction": word.extraction,
    "json-formatting": word.json_formatting,
    "translation": word.translation,
    "capitals": word.capitals,
    "antonyms": word.antonyms,
    "synonyms": word.synonyms,
    "rhymes": word.rhymes,
    "past-tense": word.past_tense,
    "spelling-choice": word.spelling_choice,
    "common-sense": word.common_sense,
    "negation": word.negation,
    "sentiment": word.sentiment,
    "headline-topic": word.headline_topic,
    "odd-one-out": word.odd_one_out,
    "copying": word.copying,
    "reading": word.reading,
    "grammar-correction": word.grammar_correction,
    "refusals": word.refusals,
    "definitions": free.definitions,
    "general-facts": free.general_facts,
    "jobs": free.jobs,
    "thank-you-notes": free.thank_you_notes,
    "example-sentences": free.example_sentences,
    "story-openings": free.story_openings,
    "listing": free.listing,
    "reasons": free.reasons,
    "advice": free.advice,
    "kinds-of-things": free.kinds_of_things,
    "number-words": free.number_words,
}


def draw(name: str, count: int) -> list[Prompt]:
    """The first `count` prompts of a skill, no text twice; a longer draw begins with the shorter one.

    Raises: ValueError where the skill has fewer distinct prompts than asked for.
    """
    drawn: dict[str, Prompt] = {}
    source = SKILLS[name](Random(f"everyday skills/{name}"))
    for _ in range(count * 40):
        prompt = next(source)
        drawn.setdefault(prompt.text, prompt)
        if len(drawn) == count:
            return list(drawn.values())
    raise ValueError(
        f"skill {name!r} has {len(drawn)} distinct prompts, {count} were asked for; add templates or words"
    )


HARD = frozenset(
    {
        "addition",
        "subtraction",
        "multiplication",
        "percentages",
        "unit-conversion",
        "dates",
        "sequences",
        "roman-numerals",
        "word-problems",
        "letter-counting",
        "word-reversal",
        "sorting",
        "translation",
        "synonyms",
        "rhymes",
        "odd-one-out",
    }
)
"""Skills that so small a model nearly always fails: fewer of their prompts make the point."""

DRAWN = 50
SHOTS = 3


@dataclass(frozen=True)
class Share:
    """A skill's prompts by use; no prompt is in two of them."""

    evals: list[Prompt]
    logs: list[Prompt]
    solved: tuple[tuple[str, str], ...]


def share(name: str) -> Share:
    """A skill's prompts for the evals and for the logs, and three solved ones.

    The solved ones answer differently, and give away no answer of the evals, where the skill has so many answers.
    """
    drawn = draw(name, DRAWN)
    asked = 12 if name in HARD else 24
    evals, others = drawn[:asked], drawn[asked:]
    given_away = {prompt.reference for prompt in evals}
    fresh = [prompt for prompt in others if prompt.reference not in given_away]
    candidates = fresh if len({prompt.reference for prompt in fresh}) >= SHOTS else others[-8:]
    answers = [prompt.solved or prompt.reference for prompt in candidates]
    by_novelty = sorted(range(len(candidates)), key=lambda place: (answers[place] in answers[:place], place))
    chosen = sorted(by_novelty[:SHOTS])
    solved = tuple((candidates[place].text, answers[place]) for place in chosen)
    taken = {text for text, _ in solved}
    return Share(evals, [prompt for prompt in others if prompt.text not in taken], solved)
