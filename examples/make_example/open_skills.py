"""Skills with many right answers: short texts, lists and definitions, checked by what must be in them."""

from collections.abc import Iterator
from random import Random

from examples.make_example import scoring
from examples.make_example import vocabulary as vocab
from examples.make_example.prompts import Prompt, in_turn, rounds

OCCASIONS = (
    "birthday present,lovely present,present gift",
    "help with moving house,help with the move,help move moving",
    "lift to the station,lift to the station,lift ride station drive",
    "concert tickets,concert tickets,tickets ticket concert",
    "postcard from Oslo,postcard from Oslo,postcard oslo card",
    "long talk yesterday,long talk yesterday,talk conversation yesterday",
    "borrowed bicycle,loan of the bicycle,bicycle bike",
    "advice about the new job,advice about the job,advice job guidance",
)


def definitions(rng: Random) -> Iterator[Prompt]:
    """What a common thing is."""
    rows = [row.split("|") for row in vocab.DEFINITIONS.splitlines()]
    templates = in_turn(
        rng,
        """In one sentence, what is {a} {w}?|What is {a} {w}?|Explain to a child what {a} {w} is.
Define the word '{w}'.|Tell me briefly what {a} {w} is.|What does the word '{w}' mean?""",
    )
    for template, (thing, definition, keywords) in zip(templates, rounds(rng, rows), strict=False):
        article = "an" if thing[0] in "aeiou" else "a"
        yield Prompt(template.format(a=article, w=thing), definition, scoring.says(*keywords.split()))


def general_facts(rng: Random) -> Iterator[Prompt]:
    """Facts from school."""
    rows = [row.split("|") for row in vocab.FACTS.replace("\n", ";").split(";")]
    for question, answers in rounds(rng, rows):
        accepted = answers.split(",")
        yield Prompt(question, accepted[0], scoring.says(*accepted))


def jobs(rng: Random) -> Iterator[Prompt]:
    """The name of a profession."""
    rows = [row.split("|") for row in vocab.JOBS.replace("\n", ";").split(";")]
    templates = in_turn(
        rng,
        """What do you call a person who {w}?|Who {w}? Name the job.|Name the profession of someone who {w}.
What is the job of a person who {w}?|Somebody {w}. What is that person's job?""",
    )
    for template, (work, *accepted) in zip(templates, rounds(rng, rows), strict=False):
        yield Prompt(template.format(w=work), accepted[0], scoring.says(*accepted))


def thank_you_notes(rng: Random) -> Iterator[Prompt]:
    """Short notes of thanks that name the person and the occasion."""
    for template in in_turn(
        rng,
        """Write a short thank-you note to {p} for the {x}.|Thank {p} for the {x} in two sentences.
Draft a message to {p} that says thanks for the {x}.|Help me thank {p} for the {x}. Keep it short.
Compose a brief note of thanks: to {p}, because of the {x}.""",
    ):
        occasion, short, keywords = rng.choice(OCCASIONS).split(",")
        name = rng.choice(vocab.NAMES)
        reference = rng.choice(
            [
                f"Dear {name}, thank you so much for the {short}. It meant a lot to me.",
                f"Hi {name}, many thanks for the {short}! You made my week.",
                f"{name}, I am really grateful for the {short}. Let me know how I can return the favour.",
            ]
        )
        check = scoring.all_of(
            scoring.says(name),
            scoring.says("thank", "thanks", "grateful", "gratitude"),
            scoring.says(*keywords.split()),
        )
        yield Prompt(template.format(p=name, x=occasion), reference, check)


def example_sentences(rng: Random) -> Iterator[Prompt]:
    """A sentence that contains a given word."""
    templates = in_turn(
        rng,
        """Use the word '{w}' in a sentence.|Write a sentence with the word '{w}'.
Give me an example sentence that contains '{w}'.
Make a short sentence using '{w}'.|Show how '{w}' is used in a sentence.""",
    )
    for template, word in zip(templates, rounds(rng, vocab.WORDS[:50]), strict=False):
        check = scoring.uses_word(word, f"{word}s")
        reference = rng.choice(
            [
                f"We looked at the {word} for a long time.",
                f"My grandmother drew a {word} on the back of the map.",
                f"Nobody in the room had noticed the {word}.",
                f"Is there a {word} in the next picture?",
            ]
        )
        yield Prompt(template.format(w=word), reference, check)


def story_openings(rng: Random) -> Iterator[Prompt]:
    """A first sentence about given things or people."""
    templates = in_turn(
        rng,
        """Write the first sentence of a story about a {w} and a {v}.|Begin a tale in which {p} finds a {w}.
Start a bedtime story about {p} and the {w}.|Give me an opening line for a mystery with a {w} and a {v}.
How could a story about {p} and a lost {w} begin?""",
    )
    for template, word in zip(templates, rounds(rng, vocab.STORY_THINGS), strict=False):
        other, name = rng.choice([entry for entry in vocab.STORY_THINGS if entry != word]), rng.choice(vocab.NAMES)
        must = [scoring.says(word, f"{word}s")]
        must += [scoring.says(other, f"{other}s")] if "{v}" in template else [scoring.says(name)]
        subject = f"{name} and the {word}" if "{p}" in template else f"a {word} and a {other}"
        reference = rng.choice(
            [
                f"Once upon a time, nobody in the village had ever heard of {subject}.",
                f"The night was quiet until the old man told us about {subject}.",
                f"It all began on a rainy morning with {subject}.",
            ]
        )
        yield Prompt(template.format(w=word, v=other, p=name), reference, scoring.share_of(*must))


def listing(rng: Random) -> Iterator[Prompt]:
    """Some members of a group."""
    counts = {"two": 2, "three": 3, "four": 4, "five": 5}
    for template in in_turn(
        rng,
        """Name {n} {x}.|List {n} {x}.|Give me {n} examples of {x}.|Can you name {n} {x}?
Tell me {n} {x}, separated by commas.""",
    ):
        kind, count = rng.choice(list(vocab.LISTINGS)), rng.choice(list(counts))
        members = vocab.LISTINGS[kind].split()
        reference = ", ".join(members[: counts[count]])
        yield Prompt(template.format(n=count, x=kind), reference, scoring.names_at_least(counts[count], members))


def number_words(rng: Random) -> Iterator[Prompt]:
    """Numbers in words and digits."""
    units = [
        "zero",
        "one",
        "two",
        "three",
        "four",
        "five",
        "six",
        "seven",
        "eight",
        "nine",
        "ten",
        "eleven",
        "twelve",
        "thirteen",
        "fourteen",
        "fifteen",
        "sixteen",
        "seventeen",
        "eighteen",
        "nineteen",
    ]
    tens = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
    for template in in_turn(
        rng,
        """digits:Write the number {w} in digits.|words:Write {n} in words.|words:How do you spell the number {n}?
digits:What is {w} as a number?|words:Spell out the number {n}.|digits:Which digits stand for {w}?""",
    ):
        kind, _, question = template.partition(":")
        value = rng.choice([rng.randint(1, 19), rng.randint(20, 99)])
        unit = "" if value % 10 == 0 else f"-{units[value % 10]}"
        spelled = units[value] if value < 20 else tens[value // 10 - 2] + unit
        text = question.format(w=spelled, n=value)
        if kind == "digits":
            yield Prompt(text, str(value), scoring.number(value, text))
        else:
            yield Prompt(text, spelled, scoring.says(spelled.replace("-", " ")))


def _by_keywords(rng: Random, table: str, templates: str) -> Iterator[Prompt]:
    rows = [row.split("|") for row in table.splitlines()]
    for template, (question, answer, keywords) in zip(in_turn(rng, templates), rounds(rng, rows), strict=False):
        yield Prompt(template.format(q=question), answer, scoring.says(*keywords.split()))


def reasons(rng: Random) -> Iterator[Prompt]:
    """Why something is so."""
    return _by_keywords(rng, vocab.REASONS, "{q}|{q}|{q} Explain in one sentence.|My son asks: {q}|{q} Be brief.")


def advice(rng: Random) -> Iterator[Prompt]:
    """Small everyday advice."""
    return _by_keywords(rng, vocab.ADVICE, "{q}|{q}|{q} One tip, please.|{q} Keep it short.")


def kinds_of_things(rng: Random) -> Iterator[Prompt]:
    """Which of two kinds a thing is of."""
    kinds = {
        "animals": "animal", "instruments": "instrument", "tools": "tool", "vehicles": "vehicle", "planets": "planet",
        "countries": "country", "shapes": "shape", "colours": "colour", "furniture": "piece of furniture",
    }  # fmt: skip
    things = [(thing, group) for group in kinds for thing in vocab.CATEGORIES[group]]
    templates = in_turn(
        rng,
        """Is '{t}' the name of {a} or {b}?|What kind of thing is '{t}': {a} or {b}?|'{t}' - {a} or {b}?
Choose: '{t}' is {a} / {b}.|Does the word '{t}' stand for {a} or {b}?""",
    )
    for template, (thing, group) in zip(templates, rounds(rng, things), strict=False):
        other = rng.choice([name for key, name in kinds.items() if key != group])
        options = rng.sample([kinds[group], other], 2)
        shown = [f"an {name}" if name[0] in "aei" else f"a {name}" for name in options]
        text = template.format(t=thing, a=shown[0], b=shown[1])
        yield Prompt(
            text, kinds[group], scoring.picks(kinds[group].split()[-1], [name.split()[-1] for name in options])
        )
