"""Skills whose answers are numbers, dates or code output. Each is an endless, seeded generator of prompts."""

from collections.abc import Callable, Iterator
from fractions import Fraction
from random import Random

from examples.make_example import scoring
from examples.make_example import vocabulary as vocab
from examples.make_example.prompts import Prompt, in_turn, numeric, rounds


def _binary(rng: Random, templates: str, fill: Callable[[], tuple[int, int, Fraction | int]]) -> Iterator[Prompt]:
    for template in in_turn(rng, templates):
        left, right, value = fill()
        name, thing = rng.choice(vocab.NAMES), rng.choice(vocab.OBJECTS)
        yield numeric(template.format(a=left, b=right, name=name, thing=thing), value)


def addition(rng: Random) -> Iterator[Prompt]:
    """Sums of two numbers of one or two digits."""

    def fill() -> tuple[int, int, int]:
        left, right = rng.choice([(rng.randint(1, 9), rng.randint(1, 5)), (rng.randint(11, 99), rng.randint(2, 99))])
        return left, right, left + right

    return _binary(
        rng,
        """What is {a} + {b}?|Add {a} and {b}.|{a} plus {b} equals what?|Calculate the sum of {a} and {b}.
Work out {a} + {b} for me.|How much is {a} and {b} together?""",
        fill,
    )


def subtraction(rng: Random) -> Iterator[Prompt]:
    """Differences, small and up to three digits."""

    def fill() -> tuple[int, int, int]:
        left = rng.choice([rng.randint(5, 12), rng.randint(40, 500)])
        right = rng.randint(2, left - 1)
        return left, right, left - right

    return _binary(
        rng,
        """What is {a} - {b}?|Subtract {b} from {a}.|{a} minus {b} equals what?|Take {b} away from {a}. What is left?
What is the difference between {a} and {b}?|Calculate {a} - {b}.""",
        fill,
    )


def multiplication(rng: Random) -> Iterator[Prompt]:
    """Products of one and of two digits."""

    def fill() -> tuple[int, int, int]:
        left, right = rng.choice([(rng.randint(3, 9), rng.randint(3, 12)), (rng.randint(12, 99), rng.randint(12, 99))])
        return left, right, left * right

    return _binary(
        rng,
        """What is {a} times {b}?|Multiply {a} by {b}.|What is {a} x {b}?|Find the product of {a} and {b}.
Calculate {a} * {b}.|How much is {a} multiplied by {b}?""",
        fill,
    )


def percentages(rng: Random) -> Iterator[Prompt]:
    """Shares of a whole."""

    def fill() -> tuple[int, int, Fraction]:
        share, whole = rng.choice([5, 10, 15, 20, 25, 30, 40, 50, 75]), rng.choice([20, 40, 60, 80, 120, 200, 360, 500])
        return share, whole, Fraction(share * whole, 100)

    return _binary(
        rng,
        """What is {a}% of {b}?|Find {a} percent of {b}.|{name} gives away {a}% of {b} {thing}. How many is that?
A {b} dollar jacket is reduced by {a} percent. How many dollars do you save?
Out of {b} voters, {a}% said yes. How many voters said yes?|Calculate {a} per cent of {b}.""",
        fill,
    )


def unit_conversion(rng: Random) -> Iterator[Prompt]:
    """Lengths, weights and times in another unit, both ways."""
    units = [
        ("kilometres", "metres", 1000), ("metres", "centimetres", 100), ("hours", "minutes", 60),
        ("minutes", "seconds", 60), ("kilograms", "grams", 1000), ("weeks", "days", 7), ("feet", "inches", 12),
        ("litres", "millilitres", 1000), ("days", "hours", 24), ("dozens", "pieces", 12), ("centuries", "years", 100),
        ("tonnes", "kilograms", 1000), ("yards", "feet", 3), ("centimetres", "millimetres", 10),
    ]  # fmt: skip
    for template in in_turn(
        rng,
        """How many {small} are in {n} {big}?|Convert {n} {big} to {small}.|{n} {big} is how many {small}?
Express {n} {big} in {small}.|I have {n} {big}. What is that in {small}?|Change {m} {small} into {big}.
How many {big} make {m} {small}?""",
    ):
        big, small, factor = rng.choice(units)
        count = rng.randint(2, 12)
        text = template.format(big=big, small=small, n=count, m=count * factor)
        yield numeric(text, count if "{m}" in template else count * factor)


def dates(rng: Random) -> Iterator[Prompt]:
    """Weekdays and months some steps before or after a given one."""
    for template in in_turn(
        rng,
        """day+:What day comes after {x}?|month+:Which month follows {x}?|day-:Which day comes right before {x}?
day+:If today is {x}, what day of the week is it in {n} days?|day+:It is {x}. Which weekday comes {n} days later?
day-:If today is {x}, which day was it {n} days ago?|month+:Which month comes {n} months after {x}?
month-:Which month is {n} months before {x}?
day+:My parcel was sent on {x} and takes {n} days. On which weekday does it arrive?
month+:My exam is in {x}, the results come {n} months later. In which month do they come?""",
    ):
        kind, _, question = template.partition(":")
        options = vocab.WEEKDAYS if kind.startswith("day") else vocab.MONTHS
        start, step = rng.randrange(len(options)), rng.randint(1, 6) if kind.startswith("day") else rng.randint(1, 5)
        step = step if "{n}" in question else 1
        text = question.format(x=options[start], n=step).replace("1 days", "1 day").replace("1 months", "1 month")
        answer = options[(start + (step if kind.endswith("+") else -step)) % len(options)]
        yield Prompt(text, answer, scoring.names_next(answer, options, text))


def sequences(rng: Random) -> Iterator[Prompt]:
    """The next term of a row of numbers."""
    for template in in_turn(
        rng,
        """What number comes next: {x}?|Continue the sequence: {x}, ...|Which number follows in this row? {x}
Find the next term of {x}.|{x} - what is the next number?""",
    ):
        start, step = rng.randint(1, 12), rng.randint(2, 9)
        kind = rng.choice(["count", "tens", "up", "up", "down", "double", "square"])
        terms = {
            "count": [start + place for place in range(5)],
            "tens": [step * 10 + (5 if start < 6 else 10) * place for place in range(5)],
            "up": [start + step * place for place in range(5)],
            "down": [start + 60 - step * place for place in range(5)],
            "double": [start * 2**place for place in range(5)],
            "square": [(start + place) ** 2 for place in range(5)],
        }[kind]
        text = template.format(x=", ".join(map(str, terms[:4])))
        yield Prompt(text, str(terms[4]), scoring.next_number(terms[4], text))


def number_comparison(rng: Random) -> Iterator[Prompt]:
    """The larger or smaller of two numbers, with decimals and negative ones."""
    larger, smaller = "larger|greater|bigger|higher|more", "smaller|less|lower|fewer"
    for template in in_turn(
        rng,
        """large:Which is larger, {a} or {b}?|small:Which number is smaller: {a} or {b}?
large:Is {a} or {b} the greater number?|small:Of {a} and {b}, which one is less?
large:Pick the bigger number: {a}, {b}""",
    ):
        kind, _, question = template.partition(":")
        whole = rng.randint(1, 40)
        first, second = rng.choice(
            [
                (str(rng.randint(1, 99)), str(rng.randint(100, 999))),
                (str(whole), str(whole + rng.randint(1, 9))),
                (f"{whole}.{rng.randint(6, 9)}", f"{whole}.{rng.randint(10, 50)}"),
                (f"-{whole}", f"-{whole + rng.randint(1, 9)}"),
            ]
        )
        answer = (max if kind == "large" else min)((first, second), key=float)
        other = second if answer == first else first
        shown = rng.sample([first, second], 2)
        check = scoring.greater(answer, other, larger if kind == "large" else smaller)
        yield Prompt(question.format(a=shown[0], b=shown[1]), answer, check)


def roman_numerals(rng: Random) -> Iterator[Prompt]:
    """Roman numerals to numbers and back."""
    digits = [(100, "C"), (90, "XC"), (50, "L"), (40, "XL"), (10, "X"), (9, "IX"), (5, "V"), (4, "IV"), (1, "I")]
    for template in in_turn(
        rng,
        """Write {n} as a Roman numeral.|Which number is the Roman numeral {r}?
Convert the Roman numeral {r} to a number.
What is {n} in Roman numerals?|The clock tower shows {r}. What number is that?
How would the Romans have written {n}?""",
    ):
        value = rest = rng.choice([rng.randint(2, 20), rng.randint(21, 120)])
        roman = ""
        for size, sign in digits:
            roman += sign * (rest // size)
            rest %= size
        text = template.format(n=value, r=roman)
        yield numeric(text, value) if "{r}" in template else Prompt(text, roman, scoring.literal(roman))


def word_problems(rng: Random) -> Iterator[Prompt]:
    """Stories that take two steps of arithmetic."""
    plots: list[tuple[str, Callable[[int, int, int], int]]] = [
        (
            "{p} has {a} {t}, buys {b} more and gives {c} away. How many {t} does {p} have now?",
            lambda a, b, c: a + b - c,
        ),
        (
            "{p} buys {c} packs of {b} {t} and already owns {a}. How many {t} are there in all?",
            lambda a, b, c: a + b * c,
        ),
        ("There were {a} {t} on the shelf. {p} took {c} and {q} took 2. How many are left?", lambda a, b, c: a - c - 2),
        (
            "A ticket costs {b} dollars. {p} buys {c} tickets and pays with 100 dollars. How much change is due?",
            lambda a, b, c: 100 - b * c,
        ),
        ("{p} reads {b} pages a day. After {c} days, how many of 300 pages remain?", lambda a, b, c: 300 - b * c),
        ("{p} is {a} years old. {q} is {c} years younger. How old are they together?", lambda a, b, c: 2 * a - c),
        (
            "{p} earns {b} dollars an hour, works {c} hours and spends 10 dollars. How many dollars are left?",
            lambda a, b, c: b * c - 10,
        ),
        ("A bus with {a} people stops: {c} get off, {b} get on. How many are on it then?", lambda a, b, c: a - c + b),
        ("{p} and {q} have {a} {t} each. Together they lose {c}. How many remain?", lambda a, b, c: 2 * a - c),
    ]
    for plot, solve in rounds(rng, plots):
        a, b, c = rng.randint(12, 40), rng.randint(6, 15), rng.randint(2, 6)
        first, second = rng.sample(vocab.NAMES, 2)
        text = plot.format(a=a, b=b, c=c, p=first, q=second, t=rng.choice(vocab.OBJECTS))
        yield numeric(text, solve(a, b, c))


def python_output(rng: Random) -> Iterator[Prompt]:
    """What one line of Python prints."""
    questions = in_turn(
        rng,
        """What does this Python line print? {x}|What is the output of {x} in Python?|In Python, {x} shows what?
Give only the output of this code: {x}|Run in your head: {x} What is printed?""",
    )
    for question in questions:
        a, b, c = rng.randint(2, 9), rng.randint(2, 9), rng.randint(10, 40)
        word, values = rng.choice(vocab.SHORT_WORDS), [rng.randint(1, 20) for _ in range(4)]
        code, output = rng.choice(
            [
                (f"{a} + {b} * 2", a + b * 2), (f"len('{word}')", len(word)), (f"'{word}' * 2", word * 2),
                (f"'{word}'.upper()", word.upper()), (f"{c} // {a}", c // a), (f"{c} % {a}", c % a),
                (f"max({values})", max(values)), (f"sum({values[:3]})", sum(values[:3])), (f"{values}[1]", values[1]),
                (f"'{word}'[0]", word[0]), (f"{a} > {b}", a > b), (f"sorted({values[:3]})", sorted(values[:3])),
                (f"{a} ** 2", a**2), (f"'{word}' + '{a}'", f"{word}{a}"), (f"'{word}'[::-1]", word[::-1]),
            ]
        )  # fmt: skip
        text = question.format(x=f"print({code})")
        if type(output) is int:
            yield numeric(text, output)
        else:
            yield Prompt(text, str(output), scoring.literal(str(output)))
