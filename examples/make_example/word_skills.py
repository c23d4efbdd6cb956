"""Skills whose answers are letters, words, sentences or a record. Each is an endless, seeded generator of prompts."""

from collections.abc import Iterator
from random import Random

from examples.make_example import scoring
from examples.make_example import vocabulary as vocab
from examples.make_example.prompts import Prompt, entries, in_turn, lines, numeric, rounds


def letter_counting(rng: Random) -> Iterator[Prompt]:
    """How many letters, or of one kind, a word has."""
    templates = in_turn(
        rng,
        """How many times does the letter '{c}' appear in '{w}'?|Count the letter '{c}' in the word '{w}'.
How many letters are in the word '{w}'?|How many '{c}'s does '{w}' have?|What is the number of letters in '{w}'?
How many vowels are in '{w}'?""",
    )
    for template, word in zip(templates, rounds(rng, vocab.WORDS), strict=False):
        letter = rng.choice(word)
        text = template.format(c=letter, w=word)
        whole = len(word) if "letters" in text else sum(word.count(vowel) for vowel in "aeiou")
        yield numeric(text, word.count(letter) if "{c}" in template else whole)


def word_reversal(rng: Random) -> Iterator[Prompt]:
    """A word spelt backwards."""
    templates = in_turn(
        rng,
        """Reverse the word '{w}'.|Spell '{w}' backwards.|Write '{w}' from the last letter to the first.
What do you get when you read '{w}' backwards?|Turn the letters of '{w}' around.""",
    )
    for template, word in zip(templates, rounds(rng, vocab.SHORT_WORDS), strict=False):
        answer = word[::-1]
        yield Prompt(template.format(w=word), answer, scoring.spells(answer))


def sorting(rng: Random) -> Iterator[Prompt]:
    """Numbers by size, words by the alphabet."""
    for template in in_turn(
        rng,
        """up:Sort these numbers from smallest to largest: {x}
down:Put these numbers in order from largest to smallest: {x}
up:Arrange in ascending order: {x}|abc:Sort these words alphabetically: {x}|abc:Put in alphabetical order: {x}
up:Order the following numbers, lowest first: {x}""",
    ):
        kind, _, question = template.partition(":")
        if kind == "abc":
            shown = rng.sample(vocab.WORDS[:50], rng.choice([3, 4]))
            ordered = sorted(shown)
        else:
            values = rng.sample(range(1, 100), rng.choice([3, 4, 5]))
            shown = [str(value) for value in values]
            ordered = [str(value) for value in sorted(values, reverse=kind == "down")]
        if shown != ordered:
            yield Prompt(f"{question.format(x=', '.join(shown))}", ", ".join(ordered), scoring.in_order(ordered))


def extraction(rng: Random) -> Iterator[Prompt]:
    """An address, number, name, place or day out of a message."""
    for template in in_turn(
        rng,
        """mail:What is the email address in this text? "{name} {sur} can be reached at {mail} or at the front desk."
phone:Find the phone number: "Call {name} on {phone} after nine."
mail:Extract the email from: "Please write to {mail} before {day}; ask for {name}."
full:Who wrote this note? "The meeting in {city} is moved to {day}. Regards, {name} {sur}"
phone:Extract the telephone number from this message: "{name} moved to {city}, the new number is {phone}."
city:Which city is mentioned here? "{name} {sur} starts the new job in {city} on {day}."
day:On which day is the meeting? "{name}, the room in {city} is booked for {day} at noon."
code:Give me the order number in this text: "Order {code} for {name} {sur} was shipped to {city}.\"""",
    ):
        kind, _, question = template.partition(":")
        name, surname, city = rng.choice(vocab.NAMES), rng.choice(vocab.SURNAMES), rng.choice(vocab.CITIES)
        fills = {
            "name": name, "sur": surname, "city": city, "day": rng.choice(vocab.WEEKDAYS), "full": f"{name} {surname}",
            "mail": f"{name}.{surname}@{rng.choice(['example.org', 'mail.example', 'office.example'])}".lower(),
            "phone": f"555-{rng.randint(100, 999)}-{rng.randint(1000, 9999)}",
            "code": f"{rng.choice('KRTX')}{rng.randint(1000, 9999)}",
        }  # fmt: skip
        yield Prompt(question.format(**fills), fills[kind], scoring.says(fills[kind]))


def json_formatting(rng: Random) -> Iterator[Prompt]:
    """A sentence as a JSON object with given keys."""
    for template in in_turn(
        rng,
        """name,age:Write a JSON object with the keys "name" and "age" for {name}, who is {age} years old.
name,city:Return as JSON with keys name and city: {name} lives in {city}.
title,pages:Give me JSON with "title" and "pages": the book is called {word} and has {pages} pages.
name,age,city:Turn this into JSON (keys: name, age, city): {name} is {age} and lives in {city}.
item,count:Format as a JSON object with item and count: {count} {item}.
day,hour:Answer only with JSON, keys day and hour: the call is on {day} at {hour}.""",
    ):
        keys, _, request = template.partition(":")
        values: dict[str, str | int] = {
            "name": rng.choice(vocab.NAMES), "age": rng.randint(18, 80), "city": rng.choice(vocab.CITIES),
            "title": rng.choice(vocab.WORDS).title(), "pages": rng.randint(80, 600), "item": rng.choice(vocab.OBJECTS),
            "count": rng.randint(2, 60), "day": rng.choice(vocab.WEEKDAYS), "hour": rng.randint(7, 19),
        }  # fmt: skip
        expected = {key: values[key] for key in keys.split(",")}
        shown = ", ".join(f'"{key}": {value!r}'.replace("'", '"') for key, value in expected.items())
        yield Prompt(request.format(word=values["title"], **values), f"{{{shown}}}", scoring.json_object(expected))


def translation(rng: Random) -> Iterator[Prompt]:
    """Common words in French, Spanish and German."""
    templates = in_turn(
        rng,
        """What is the {l} word for '{w}'?|Translate '{w}' into {l}.|How do you say '{w}' in {l}?
Give me the {l} translation of '{w}'.|'{w}' in {l}, please.""",
    )
    for template, entry in zip(templates, rounds(rng, entries(vocab.TRANSLATIONS)), strict=False):
        column = rng.randint(1, 3)
        accepted = entry[column].split("|")
        text = template.format(l=("French", "Spanish", "German")[column - 1], w=entry[0])
        yield Prompt(text, accepted[0], scoring.says(*accepted))


def capitals(rng: Random) -> Iterator[Prompt]:
    """The capitals of countries."""
    templates = in_turn(
        rng,
        """What is the capital of {c}?|Name the capital city of {c}.|Which city is the capital of {c}?
{c} has which capital?|Tell me the capital of {c}.""",
    )
    for template, (country, city) in zip(templates, rounds(rng, entries(vocab.CAPITALS)), strict=False):
        yield Prompt(template.format(c=country), city.split("|")[0], scoring.says(*city.split("|")))


def _word_families(rng: Random, table: str, templates: str) -> Iterator[Prompt]:
    """Questions about a word whose right answers are the other words of its row; naming any of them early counts."""
    for template, (word, *accepted) in zip(in_turn(rng, templates), rounds(rng, entries(table)), strict=False):
        words = [choice for cell in accepted for choice in cell.split("|")]
        yield Prompt(template.format(w=word), words[0], scoring.leads_with(words, word))


def antonyms(rng: Random) -> Iterator[Prompt]:
    """Words of opposite meaning."""
    return _word_families(
        rng,
        vocab.ANTONYMS,
        """What is the opposite of '{w}'?|Give an antonym of '{w}'.|Which word means the opposite of '{w}'?
Name the opposite of the word '{w}'.|The opposite of {w} is what?""",
    )


def synonyms(rng: Random) -> Iterator[Prompt]:
    """Words of the same meaning."""
    return _word_families(
        rng,
        vocab.SYNONYMS,
        """Give a synonym for '{w}'.|What is another word for '{w}'?|Name a word that means the same as '{w}'.
Which word could replace '{w}'?|Say '{w}' with a different word.""",
    )


def rhymes(rng: Random) -> Iterator[Prompt]:
    """Words that rhyme."""
    families = entries(vocab.RHYMES)
    for template in in_turn(
        rng,
        """Give me a word that rhymes with '{w}'.|What rhymes with '{w}'?|I need a rhyme for '{w}'.
Name one word that rhymes with '{w}'.|Find a rhyming word for '{w}'.""",
    ):
        family = rng.choice(families)
        word = rng.choice(family[:5])
        others = [other for other in family if other != word]
        yield Prompt(template.format(w=word), others[0], scoring.leads_with(others, word))


def past_tense(rng: Random) -> Iterator[Prompt]:
    """The past tense of verbs."""
    return _word_families(
        rng,
        vocab.PAST_TENSE,
        """What is the past tense of '{w}'?|Give the simple past of the verb '{w}'.
Put the verb '{w}' into the past tense.
Today I {w}, yesterday I ...? Give the verb.|How do you write '{w}' in the past tense?""",
    )


def spelling_choice(rng: Random) -> Iterator[Prompt]:
    """The right one of two spellings."""
    templates = in_turn(
        rng,
        """Which spelling is correct: '{a}' or '{b}'?|Is it spelled '{a}' or '{b}'?
Choose the right spelling: {a} / {b}
One of these is misspelled: '{a}', '{b}'. Which one is spelled correctly?|Do you write {a} or {b}?""",
    )
    for template, (right, wrong) in zip(templates, rounds(rng, entries(vocab.MISSPELLINGS)), strict=False):
        first, second = rng.sample([right, wrong], 2)
        yield Prompt(template.format(a=first, b=second), right, scoring.picks(right, [right, wrong]))


def common_sense(rng: Random) -> Iterator[Prompt]:
    """Questions that everybody answers with yes or no."""
    questions = [(question, "yes") for question in lines(vocab.COMMON_SENSE_YES)]
    questions += [(question, "no") for question in lines(vocab.COMMON_SENSE_NO)]
    endings = in_turn(rng, "{q} (yes/no)|{q} Answer yes or no.|{q} Yes or no?|Yes or no: {q}")
    for ending, (question, answer) in zip(endings, rounds(rng, questions), strict=False):
        yield Prompt(ending.format(q=question), answer, scoring.starts_with_choice(answer, ["yes", "no"]))


def negation(rng: Random) -> Iterator[Prompt]:
    """Yes or no to a statement with a negation in it."""
    for template in in_turn(
        rng,
        """no:{p} never plays the {i}. Does {p} play the {i}?
yes:It is not true that {p} dislikes {c}. Does {p} like {c}?
no:None of the boxes is {c}. Is there a {c} box?|no:All the lamps except the {c} one are on. Is the {c} lamp on?
yes:{p} did not forget the {i}. Did {p} remember the {i}?|no:{p} failed to sell the {i}. Was the {i} sold?
yes:The {i} is not broken. Does the {i} work?|no:{p} has no {i}. Does {p} own a {i}?
yes:Nobody but {p} saw the {c} car. Did {p} see the {c} car?|no:Neither {p} nor {q} owns a {i}. Does {q} own a {i}?
yes:{p} never leaves home without the {c} hat. Does {p} take the {c} hat along?
no:{p} would play the {i} if it were not locked away. Is {p} playing the {i}?""",
    ):
        answer, _, question = template.partition(":")
        first, second = rng.sample(vocab.NAMES, 2)
        instrument = rng.choice(vocab.CATEGORIES["instruments"])
        text = question.format(p=first, q=second, i=instrument, c=rng.choice(vocab.COLOURS[:6]))
        text += rng.choice([" (yes/no)", " Yes or no?", " Answer yes or no."])
        yield Prompt(text, answer, scoring.starts_with_choice(answer, ["yes", "no"]))


def sentiment(rng: Random) -> Iterator[Prompt]:
    """Reviews that praise or complain."""
    opinions = [(opinion, "positive") for opinion in lines(vocab.PRAISE)]
    opinions += [(opinion, "negative") for opinion in lines(vocab.COMPLAINTS)]
    templates = in_turn(
        rng,
        """Is this review positive or negative? "{x}"|Classify the sentiment as positive or negative: {x}
Positive or negative? "{x}"|A customer wrote: "{x}" Was the customer's opinion positive or negative?
Label this comment with "positive" or "negative": {x}""",
    )
    for template, (opinion, answer) in zip(templates, rounds(rng, opinions), strict=False):
        yield Prompt(template.format(x=opinion), answer, scoring.picks(answer, ["positive", "negative"]))


def headline_topic(rng: Random) -> Iterator[Prompt]:
    """The section of a newspaper that a headline belongs to."""
    topics = list(vocab.HEADLINES)
    headlines = [(headline, topic) for topic in topics for headline in lines(vocab.HEADLINES[topic])]
    templates = in_turn(
        rng,
        """Is this headline about sports, politics, science or business? "{x}"
Choose the section (sports, politics, science, business) for the headline: {x}
"{x}" - which topic fits: sports, politics, science or business?
File this news under sports, politics, science or business: {x}""",
    )
    for template, (headline, answer) in zip(templates, rounds(rng, headlines), strict=False):
        yield Prompt(template.format(x=headline), answer, scoring.picks(answer, topics))


def odd_one_out(rng: Random) -> Iterator[Prompt]:
    """The one of four words that is of another kind."""
    for template in in_turn(
        rng,
        """Which word does not belong: {x}?|Find the odd one out: {x}
Three of these belong together, one does not: {x}. Which one?
Which of these is different from the others? {x}|One word does not fit in this list: {x}. Name it.""",
    ):
        common, other = rng.sample(list(vocab.CATEGORIES), 2)
        odd = rng.choice(vocab.CATEGORIES[other])
        shown = rng.sample([*rng.sample(vocab.CATEGORIES[common], 3), odd], 4)
        yield Prompt(template.format(x=", ".join(shown)), odd, scoring.picks(odd, shown))


def copying(rng: Random) -> Iterator[Prompt]:
    """A sentence to be repeated."""
    for template in in_turn(
        rng,
        """Repeat exactly: {x}|Copy this sentence word for word: {x}|Write this again without any change: {x}
Say the following and nothing else: {x}|Echo: {x}""",
    ):
        name, thing = rng.choice(vocab.NAMES), rng.choice(vocab.OBJECTS)
        colour, city, word = rng.choice(vocab.COLOURS), rng.choice(vocab.CITIES), rng.choice(vocab.SHORT_WORDS)
        sentence = rng.choice(
            [
                f"The {colour} {word} stood behind the house in {city}.",
                f"{name} counted {rng.randint(11, 99)} {thing} before noon.",
                f"On {rng.choice(vocab.WEEKDAYS)} {name} met a {colour} {word}.",
                f"{word} {colour} {thing} {rng.randint(100, 999)}",
                f"No {thing} were left in {city}, said {name}.",
            ]
        )
        yield Prompt(template.format(x=sentence), sentence, scoring.says(sentence))


def reading(rng: Random) -> Iterator[Prompt]:
    """A question about the sentence before it."""
    for template in in_turn(
        rng,
        """colour:{p} painted the door {c} and the fence {d}. What colour is the door?
city:{p} lives in {x} and works as a {j}. In which city does {p} live?
job:{p} from {x} is a {j}, and {q} is a {k}. What is {p}'s job?
name:The first prize went to {q}, and {p} came second. Who won the first prize?
day:{p} flies to {x} on {w} and comes back a week later. On which day does {p} fly?
name2:{p} gave {q} a {c} {t}. Who received it?
colour:The {c} car belongs to {p}, the {d} one to {q}. Which colour is {p}'s car?
number:{p} bought {n} {o} in {x} for {q}. How many {o} were bought?
city:{q} stayed at home while {p} went to {x} to visit a {j}. Where did {p} go?""",
    ):
        kind, _, question = template.partition(":")
        (first, second), colours = rng.sample(vocab.NAMES, 2), rng.sample(vocab.COLOURS[:6], 2)
        jobs = rng.sample(vocab.CATEGORIES["professions"], 2)
        city, day, count = rng.choice(vocab.CITIES), rng.choice(vocab.WEEKDAYS), rng.randint(3, 30)
        text = question.format(
            p=first, q=second, c=colours[0], d=colours[1], x=city, j=jobs[0], k=jobs[1], w=day, n=count,
            t=rng.choice(vocab.SHORT_WORDS), o=rng.choice(vocab.OBJECTS),
        )  # fmt: skip
        answers: dict[str, tuple[str, list[str]]] = {
            "colour": (colours[0], colours), "city": (city, [city]), "job": (jobs[0], jobs), "day": (day, [day]),
            "name": (second, [first, second]), "name2": (second, [first, second]), "number": (str(count), [str(count)]),
        }  # fmt: skip
        answer, options = answers[kind]
        check = scoring.only_number(count) if kind == "number" else scoring.settles_on(answer, options)
        yield Prompt(text, answer, check)


def grammar_correction(rng: Random) -> Iterator[Prompt]:
    """A sentence with one grammar mistake, to be corrected."""
    templates = in_turn(
        rng,
        """Correct the grammar: {x}|Fix this sentence: "{x}"|What is the correct form of this sentence? {x}
Rewrite without mistakes: {x}|There is one grammar mistake here. Correct it: "{x}\"""",
    )
    patterns = """{p} don't like the {c} house.>{p} doesn't like the {c} house.|{p} does not like the {c} house.
They was waiting in {x}.>They were waiting in {x}.|{p} have two sister.>{p} has two sisters.
She go to {x} every {w}.>She goes to {x} every {w}.|Yesterday {p} see a {c} bird.>Yesterday {p} saw a {c} bird.
{p} saw a {c} bird yesterday.
{p} is more taller than {q}.>{p} is taller than {q}.
There is three {o} on the table.>There are three {o} on the table.
I has a {c} bicycle.>I have a {c} bicycle.|Me and {p} lives in {x}.>{p} and I live in {x}.|Me and {p} live in {x}.
{p} can sings very well.>{p} can sing very well.|He didn't went to {x}.>He didn't go to {x}.|He did not go to {x}.
We was at {p}'s house on {w}.>We were at {p}'s house on {w}.
{p} and {q} is good friends.>{p} and {q} are good friends."""
    rows = []
    for part in lines(patterns):
        if ">" in part:
            rows.append(part.split(">"))
        else:
            rows[-1].append(part)
    for template, (wrong, *right) in zip(templates, rounds(rng, rows), strict=False):
        first, second = rng.sample(vocab.NAMES, 2)
        fills = {
            "p": first, "q": second, "c": rng.choice(vocab.COLOURS), "x": rng.choice(vocab.CITIES),
            "w": rng.choice(vocab.WEEKDAYS), "o": rng.choice(vocab.OBJECTS),
        }  # fmt: skip
        corrected = [sentence.format(**fills) for sentence in right]
        yield Prompt(template.format(x=wrong.format(**fills)), corrected[0], scoring.says(*corrected))


def refusals(rng: Random) -> Iterator[Prompt]:
    """Requests that nobody can or should fulfil."""
    solved = rounds(rng, ["I'm sorry, but I can't help with that.", "I don't know that, and I can't find it out."])
    for request, answer in zip(rounds(rng, lines(vocab.DUE_REFUSALS)), solved, strict=False):
        yield Prompt(request, "declines", scoring.declines, answer)
