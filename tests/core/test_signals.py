import csv
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from faultmap_core.answer_numbers import near_miss, number_of
from faultmap_core.answers import expected_answer, final_answer
from faultmap_core.arithmetic import wrong_sums
from faultmap_core.languages import language_of
from faultmap_core.signals import SIGNALS, FailedExample, examine, signals_of
from tests.growth import MAX_GROWTH, growth

CHOICE = "Which of these is a bird?\nOptions:\n(A) an owl\n(B) a trout\n(C) a spruce tree\n(D) None of the above"
LISTED = 'Which one flies?\nOptions: ["a trout", "an owl", "a spruce"]'
LABELS = "Is the argument valid or invalid?\nOptions:\n- valid\n- invalid"
ESSAY = "The river rises in the hills and runs to the sea through three countries, where it waters farms and towns."
GERMAN = "Der Fluss entspringt in den Bergen und fließt durch drei Länder in das Meer, wo er viele Felder bewässert."
VERB = "Say 'draw'. For example:\n\nShe drew a horse.\n\nHere draw is a verb."
LOOP = "The bus stops here and two people get off. " * 6


def failure(prompt, response, reference, **changed):
    return FailedExample("one", prompt, response, reference, 0.0, "digest", **changed)


def seen(prompt, response, reference, **changed):
    return signals_of(failure(prompt, response, reference, **changed))


POSITIVE = [
    ("empty", "Say hello.", "  \n ", "hello"),
    ("refusal", "Tell me about tides.", "I'm sorry, but I can't help with that.", ESSAY),
    ("refusal", "Erzähle von Gezeiten.", "Es tut mir leid, dabei kann ich nicht helfen.", GERMAN),
    ("refusal", "告诉我潮汐。", "抱歉，我无法回答这个问题。", "潮汐是由月球引起的。"),
    ("repetition", "How many are left?", LOOP, "8"),
    ("repetition", "What is printed?", "It prints:\n" + "glass\n" * 20, "GLASS"),
    ("repetition", "Name a job.", "x" + "abc" * 40, "cook"),
    ("wrong_language", "Describe a river in two sentences, please, as you would for the children.", GERMAN, ESSAY),
    ("wrong_language", "Describe a river that you know.", "Эта река течёт с гор к морю через три страны.", ESSAY),
    ("wrong_language", "Translate into German: the river runs to the sea.", ESSAY, GERMAN),
    (
        "prompt_echo",
        "Who wrote the long novel about the whale?",
        "Who wrote the long novel about the whale?",
        "Melville",
    ),
    ("answer_matches_reference", "What is 600 + 400?", "That makes $1,000.00.", "1000"),
    ("answer_matches_reference", CHOICE, "Owls are birds. The answer is (A).", "(A)"),
    ("answer_matches_reference", LISTED, "B", "B"),
    ("answer_matches_reference", CHOICE, "an owl", "A"),
    ("answer_matches_reference", "Is ice cold? Yes or no.", "Yes, it is.", "yes"),
    ("answer_matches_reference", 'Give JSON with the key "a".', '```json\n{ "a": 1 }\n```', '{"a":1}'),
    ("answer_matches_reference", "Sort: pear, fig, apple", "Apple, fig, pear.", "apple, fig, pear"),
    ("case_or_punctuation", "Capital of Brazil?", "BRASÍLIA.", "Brasília"),
    ("several_options", CHOICE, "So the answer is (A) or (B).", "(A)"),
    ("several_options", "Of 17 and 261, which one is less?", "17 and 261 are 17 and 261, which is 17 and 261.", "17"),
    ("several_options", "Of 17 and 261, which one is less?", "The answer is 261 or 17.", "17"),
    ("several_options", "Welche ist kleiner, 3 oder 8?", "3 und 8", "8"),
    ("no_answer", "Who was Anna's teacher?", "I don't know.", "Mr Novak"),
    ("no_answer", "Who was Anna's teacher?", "It cannot be determined from the text.", "Mr Novak"),
    ("wrong_arithmetic", "What is 30 % of 120?", "120 * 30 / 100 = 30", "36"),
    ("invalid_json", "Reply with JSON.", '{"day": "Monday", "hour": }', '{"day": "Monday", "hour": 8}'),
    ("no_json", "Reply with JSON.", "It is on Monday at eight.", '{"day": "Monday"}'),
    (
        "no_option",
        CHOICE,
        "Birds have feathers, and fish have scales, and trees have leaves.",
        "(A)",
    ),
    ("no_number", "How many are left?", "A few of them are left.", "3"),
    ("no_yes_no", "Is ice cold?", "Ice is a solid form of water that is found in winter.", "yes"),
    (
        "no_list",
        "Sort: pear, fig, apple",
        "To sort, look at " + "each letter of all words " * 5,
        "apple, fig, pear",
    ),
    (
        "no_short_answer",
        "Past tense of draw?",
        "The verb draw is " + "a word that is used " * 6 + ".",
        "drew",
    ),
    ("number_for_words", "What is printed?", "19", "ksed"),
    ("wrong_format", CHOICE, "Birds have feathers, and fish have scales, and trees have leaves.", "(A)"),
    ("option_mixup", CHOICE, "It can only be an owl. So the answer is (C).", "(A)"),
    ("near_miss_number", "How far?", "It is 1,005 metres.", "1000"),
    ("sign_error", "What is 3 - 7?", "4", "-4"),
    ("factor_of_ten", "How many?", "The answer is 4500.", "45"),
    ("factor_of_ten", 'How much?\nOptions: ["5 kg", "50 kg", "7 kg"]', "(A)", "B"),
    ("rounding", "What is 25 / 4?", "6", "6.25"),
    ("transposed_digits", "What is it?", "The answer is 5418.", "5148"),
    ("off_by_one", "How many animals?", "12", "13"),
    ("factor_of_two", "How many?", "The total is 48.", "24"),
    ("reference_inside", "How much?", "She has 3 * 14 = 42 apples. She eats 2, so 42 - 2 = 40.", "42"),
    (
        "reference_inside",
        "Past of draw?",
        VERB,
        "drew",
    ),
    ("number_from_prompt", "Which is smaller, 903 or 81?", "903", "81"),
    ("word_from_prompt", "Give an antonym of 'wide'.", "wide", "narrow"),
    ("word_from_prompt", "Run in your head: print('glass'.upper()) What is printed?", "glass", "GLASS"),
    ("word_from_prompt", "Write the word BOOK in small letters.", "The answer is BOOK.", "book"),
    ("word_from_prompt", "Which digits stand for thirty-five?", "thirty-five", "35"),
    ("wrong_option", CHOICE, "The answer is (B).", "(A)"),
    ("wrong_option", LABELS, "So the answer is valid.", "invalid"),
    ("wrong_option", "Positive or negative? I love it.", "negative", "positive"),
    ("wrong_yes", "Is fire cold?", "Yes.", "no"),
    ("wrong_no", "Is ( True ) is", "So the answer is False.", "True"),
    ("number_too_large", "How many?", "The answer is 77.", "30"),
    ("number_too_small", "How many?", "A: 5", "30"),
    ("wrong_number", "How many?", "#### 5", "30"),
    ("wrong_order", "Sort: pear, fig, apple", "fig, apple, pear", "apple, fig, pear"),
    ("wrong_order", "Close the brackets: ( [", ") ]", "] )"),
    ("missing_items", "Sort: pear, fig, apple", "apple, pear", "apple, fig, pear"),
    ("extra_items", "Sort: pear, fig, apple", "apple, fig, pear, plum", "apple, fig, pear"),
    ("wrong_items", "Sort: pear, fig, apple", "- apple\n- plum\n- pear", "apple, fig, pear"),
    ("wrong_json_keys", "Reply with JSON.", '{"when": "Monday"}', '{"day": "Monday"}'),
    ("wrong_json_values", "Reply with JSON.", '{"day": "Tuesday"}', '{"day": "Monday"}'),
    ("near_miss_text", "How is it spelled?", "noticable", "noticeable"),
    ("truncated", "Describe a river.", ESSAY + " It is known for the", ESSAY),
    ("truncated", "Write code.", "Here it is:\n```python\nprint(1)\n", "print(1)"),
    ("runs_on", "What is 1 + 1?", "A: 3\n\nQ: What is 2 + 2?\nA: 4", "2"),
    ("extra_text", "Past of draw?", VERB, "drew"),
    ("too_short", "Describe a river.", "It is long.", ESSAY + ESSAY),
    ("over_long", "Describe a cat.", ESSAY * 5, "A cat is a small animal that hunts mice."),
]


@pytest.mark.parametrize(("signal", "prompt", "response", "reference"), POSITIVE)
def test_signal_is_seen(signal, prompt, response, reference):
    found = examine(failure(prompt, response, reference))
    assert signal in found.signals
    assert found.evidence(signal) in response


def test_every_signal_has_a_case():
    assert {case[0] for case in POSITIVE} == set(SIGNALS)


NEGATIVE = [
    ("refusal", "How should I decline?", "I'm sorry, but I can't help with that.", "declines"),
    (
        "refusal",
        "A joke?",
        "I'm sorry, I can't tell one. But here is one: " + "a man walks in. " * 10,
        "x y z",
    ),
    ("refusal", "What did he say?", "He said that nobody was able to help him on that day.", "No one could help."),
    ("repetition", "What is 1/11?", "0.0909090909090909090909090909", "1/11"),
    ("repetition", "Close the brackets.", ") ) ) ) ) ) ) ) ) ) ) ) ) ) )", "] ]"),
    ("repetition", "Repeat it.", "no more tears in the rain tonight " * 4, "no more tears in the rain tonight " * 5),
    ("repetition", "Describe a river.", ESSAY, "It is long."),
    ("wrong_language", "Translate into German: the river runs to the sea.", GERMAN, "Der Fluss"),
    ("wrong_language", "Find f(z).", "a e i o u z w, la de da: f(z) = z + i o, is a u v w o", ESSAY),
    ("wrong_language", "Name the longest river that you know of.", ESSAY, "这条河流从山上流向大海"),
    ("prompt_echo", "Repeat exactly: king yellow candles 766", "king yellow candles 766", "king yellow candles 766"),
    ("answer_matches_reference", CHOICE, "The answer is (B).", "(A)"),
    ("answer_matches_reference", "How many?", "12345678901234567890", "12345678901234567891"),
    ("several_options", CHOICE, "(A) is no fish. The answer is (B).", "(A)"),
    ("several_options", "Of 17 and 261, which one is less?", "Of 17 and 261 the less is 17.", "17"),
    ("several_options", "Of 17 and 261, which one is less?", "17 is less than 261.", "17"),
    ("several_options", "How many are 4 and 9?", "The answer is 12 and 13.", "13"),
    ("case_or_punctuation", "Run in your head: print('glass'.upper())", "glass", "GLASS"),
    ("answer_matches_reference", "What is twelve as a number?", "twelve", "12"),
    ("word_from_prompt", "Is the colour of grass Green or red?", "green", "Green"),
    ("word_from_prompt", "How much is three and four?", "seven", "7"),
    (
        "no_answer",
        "Which?\nOptions:\n(A) one\n(B) cannot be determined",
        "(B) cannot be determined",
        "(A)",
    ),
    ("wrong_arithmetic", "q", "33 / 2 = 16.5 and 10 / 3 = 3.33 and 2 + 3 * 4 = 14 and 5x-5 = 33 and 7 / 2 = 3", "1"),
    ("wrong_arithmetic", "q", "In binary 1 + 1 = 10.", "1"),
    ("wrong_arithmetic", "q", "3 * 5 = 1 (mod 7), x + 2 = 5, 12:30 + 2 = 14:30, 2 + 2 = 4 * 1", "1"),
    ("no_option", CHOICE, "I would choose option C here, since it is no fish at all.", "(A)"),
    ("option_mixup", CHOICE, "It is a spruce tree. So the answer is (C).", "(A)"),
    ("near_miss_number", "How many?", "The answer is 77.", "30"),
    ("off_by_one", "How many?", "2.5", "3.4"),
    ("number_from_prompt", "He has 2 cats and 40 mice.", "2", "5"),
    ("reference_inside", "How many?", "He has 5 cats. 5 + 35 + 2 = 42, so 42.", "5"),
    ("reference_inside", "Is it narrow or wide, and why?", "It is not narrow, as all of us can see.", "narrow"),
    ("wrong_yes", "Is fire cold?", "No, it is not. Yes, really.", "no"),
    ("wrong_order", "Sort: pear, fig, apple", "apple, pear", "apple, fig, pear"),
    ("near_miss_text", "Rhyme?", "shake", "snow"),
    ("truncated", "Capital?", "The capital of France is Paris", "Lyon"),
    ("truncated", "Describe a river.", ESSAY, "x"),
    ("truncated", "Post it.", ESSAY + " #river #travel", "x"),
    ("truncated", "List them.", "These are long:\n- the river in the north\n- the river in the south", "x"),
    ("runs_on", "q", "Question: is it so? It is.", "x"),
    ("over_long", "Describe a cat.", ESSAY, "A cat is a small animal that hunts mice."),
    ("no_short_answer", "q", "It is long, " + "and so on " * 20 + ". The answer is drawn.", "drew"),
    ("wrong_json_values", "Reply with JSON.", '{"b": [1, 2], "a": 1.0}', '{"a": 1, "b": [1, 2]}'),
]


@pytest.mark.parametrize(("signal", "prompt", "response", "reference"), NEGATIVE)
def test_signal_is_not_seen(signal, prompt, response, reference):
    assert signal not in seen(prompt, response, reference)


def test_signals_come_most_severe_first_and_once():
    found = seen("Capital of France?", LOOP + "I don't know, 12 + 5 = 20 and", "Paris")
    assert found == tuple(sorted(set(found), key=list(SIGNALS).index))
    assert len(found) >= 2


def test_length_stop_of_the_metadata_is_a_truncation():
    assert "truncated" in seen("q", "The answer is 5.", "7", metadata={"finish_reason": "length"})
    assert "truncated" not in seen("q", "The answer is 5.", "7", metadata={"finish_reason": "stop"})


def test_what_stands_last_in_a_cut_response_is_not_its_answer():
    cut = "To find the next number in this row, we look at each of them. The numbers in this row are 7, 9,"
    assert seen("What follows 7, 9?", cut, "11") == ("truncated",)
    assert "wrong_number" in seen("What follows 7, 9?", "The answer is 12. " + cut, "11")


def test_a_failure_without_reference_has_signals_of_its_look_alone():
    assert seen("Tell a joke.", "", None) == ("empty",)
    assert seen("Tell a joke.", ESSAY, None) == ()
    assert seen("Tell a joke.", LOOP, "  ") == ("repetition",)


def test_a_list_of_strings_is_a_list_of_accepted_answers():
    assert "answer_matches_reference" in seen("How many?", "The answer is 7.", '["6", "7"]')
    assert "wrong_number" in seen("How many?", "The answer is 8.", '["6", "7"]')
    assert expected_answer("Reply with JSON.", '["6", "7"]').kind == "json"


@pytest.mark.parametrize(
    ("prompt", "reference", "kind"),
    [
        (CHOICE, "(B)", "option"),
        (LISTED, "a trout", "option"),
        ("Choose A, B or C.", "B", "option"),
        ("What letter does it print?", "H", "short_text"),
        (LABELS, "valid", "option"),
        ("Is it?", "True", "yes_no"),
        ("How much?", "$1,234.50", "number"),
        ("How much?", "3/4", "number"),
        ("How much?", "The steps: 2 + 2.\n#### 4", "number"),
        ("When?", "March 8", "short_text"),
        ("Reply", '{"a": [1]}', "json"),
        ("Sort: b a", "a b", "sequence"),
        ("Close: ( [", "] )", "sequence"),
        ("Who?", "Ada Lovelace", "short_text"),
        ("Why?", ESSAY, "free_text"),
        ("Why?", None, "unknown"),
        ("Why?", "[]", "unknown"),
    ],
)
def test_kind_of_answer(prompt, reference, kind):
    assert expected_answer(prompt, reference).kind == kind


@pytest.mark.parametrize(
    ("response", "answer"),
    [
        ("So 3 + 4 = 7.\nThe answer is 7. I hope so.", "7"),
        ("Some steps.\n#### 12", "12"),
        ("Hence \\boxed{42} holds.", "42"),
        ("Schritte. Die Antwort ist: Bonn.", "Bonn"),
        ("答案是：北京。", "北京"),
        ("The answer is 5.\n\nQ: And 2 + 2?\nThe answer is 4.", "5"),
        ("Paris", "Paris"),
        (ESSAY, ""),
    ],
)
def test_final_answer(response, answer):
    assert final_answer(response).text == answer


@pytest.mark.parametrize(
    ("answer", "reference", "miss"),
    [
        ("5", "-5", "sign_error"),
        ("0.45", "450", "factor_of_ten"),
        ("6", "6.25", "rounding"),
        ("3.142", "3.14159", "rounding"),
        ("1324", "1234", "transposed_digits"),
        ("9", "10", "off_by_one"),
        ("1003", "1000", "within_one_percent"),
        ("0", "5", ""),
        ("7", "30", ""),
        ("0", "0.4", ""),
        ("9" * 60, "1", ""),
    ],
)
def test_near_miss(answer, reference, miss):
    assert near_miss(Decimal(answer), Decimal(reference)) == miss


@given(st.integers(-(10**9), 10**9), st.sampled_from(["{}", "${:,}", "{:,}.0", "{} km", " {}. "]))
def test_a_written_number_is_read_as_its_value(number, form):
    text = form.format(number).replace("$-", "-$")
    assert number_of(text) == number


@given(st.integers(0, 999), st.integers(1, 999), st.integers(1, 50), st.sampled_from("+-*"), st.booleans())
def test_a_sum_is_wrong_when_its_result_is(a, b, error, sign, right):
    true = {"+": a + b, "-": a - b, "*": a * b}[sign]
    text = f"We get {a} {sign} {b} = {true if right else true + error}. Then we go on."
    assert [one.value for one in wrong_sums(text)] == ([] if right else [true])


@pytest.mark.parametrize(
    ("text", "language"),
    [
        (ESSAY, "English"),
        (GERMAN, "German"),
        ("La rivière prend sa source dans les montagnes et coule vers la mer, où elle est très large.", "French"),
        ("El río nace en las montañas y corre hasta el mar, que es muy grande para los barcos.", "Spanish"),
        ("河流从山上流向大海。", "Han script"),
        ("川は山から海へ流れています。", "Kana script"),
        ("12 + 3 = 15", " script"),
    ],
)
def test_language(text, language):
    assert str(language_of(text)) == language


TEXTS = st.text(max_size=200)


@given(TEXTS, TEXTS, st.none() | TEXTS)
@example("Options:\n- \ud800", "\ud800", "\ud800")
@example("(A) (B)", "(A) or (B)", "((")
@example("JSON", "{" * 5000, "{}")
@example("q", "1e999 and 1/0", "0/0")
def test_anything_is_examined_and_evidence_is_verbatim(prompt, response, reference):
    found = examine(failure(prompt, response, reference))
    assert set(found.signals) <= set(SIGNALS)
    assert all(finding.evidence in response for finding in found.findings)
    assert found == examine(failure(prompt, response, reference))


def test_hostile_length_takes_time_in_proportion():
    # 100,000 characters are read whatever the length.
    def look(text: str) -> None:
        seen(text, text, "(A)")
        seen("Sort them.", text, "1, 2, 3")

    for piece in ("1+", " ", "(A) ", "answer is ", "{", "ab", "- x\n", "A or ", "I can't ", "a,", ". "):
        short, long = (piece * (length // len(piece)) + "x" for length in (25_000, 100_000))
        assert growth(look, short, long, rounds=2) < MAX_GROWTH, piece


def test_answers_that_passed_are_seen_as_right():
    # Real responses of SmolLM2-135M with the scores that exact rules gave them: numbers and options.
    path = Path(__file__).parents[2] / "examples" / "evals" / "everyday_skills.csv"
    with path.open(newline="", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["category"] in ("addition", "subtraction", "capitals")]
    wrong = {"wrong_number", "wrong_option", "wrong_items"}
    passed = [signals_of(_row(row)) for row in rows if float(row["score"]) == 1]
    failed = [signals_of(_row(row)) for row in rows if float(row["score"]) == 0]
    assert len(passed) > 15
    assert len(failed) > 15
    assert sum(bool(wrong & set(signals)) for signals in passed) <= 0.1 * len(passed)
    assert not any("answer_matches_reference" in signals for signals in failed)


def _row(row):
    return failure(row["input_text"], row["output_text"], row["correct_answer"])
