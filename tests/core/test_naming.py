import pytest

from faultmap_core.naming import KeywordNamer, NamingTask, quoted


def names(*groups, fixed=None):
    tasks = [
        NamingTask(prompts=group, size=10, failures=5, rate=0.5, rest_rate=0.1, fixed_name=fixed) for group in groups
    ]
    return KeywordNamer().name_regions(tasks, [prompt for group in groups for prompt in group] + REST)


REST = [f"Tell me something about item {i} of the list" for i in range(30)]
SORTING = [
    f"Sort the following words alphabetically: {a} {b} apple" for a in ("pear", "fig") for b in ("nut", "oat", "rye")
]
FLIGHTS = [
    f"Which airline flies from {a} to {b} in spring?" for a in ("Oslo", "Rome", "Bonn") for b in ("Lima", "Bern")
]


def test_names_hold_the_words_that_set_a_region_apart():
    sorting, flights = names(SORTING, FLIGHTS)
    assert "alphabetically" in sorting.name
    assert "airline" in flights.name
    assert sorting.named_by == "keywords"
    assert sorting.keywords


def test_the_description_tells_size_rates_and_the_typical_prompt():
    (one,) = names(SORTING)
    assert one.description == f"5 of 10 fail (50.0%), against 10.0% of the rest. Typical prompt: “{SORTING[0]}”."


def test_regions_with_the_same_words_get_different_names():
    found = names(SORTING, SORTING, SORTING, ["", " "], [""])
    assert len({one.name.casefold() for one in found}) == 5


def test_prompts_of_numbers_only_have_a_readable_name():
    (one,) = names([f"(({i} + 2) * -{i}) =" for i in range(12)])
    assert one.name == "numbers with ( ) + - * ="


@pytest.mark.parametrize("text", ["如何重置我的密码", "Как сбросить мой пароль", "パスワードを忘れました"])
def test_other_scripts_have_names(text):
    (one,) = names([f"{text} {i}" for i in range(10)])
    assert any(part in text.casefold() for part in one.name.replace(",", "").split())


def test_empty_prompts_are_called_so():
    assert names([""])[0].name == "empty prompts"


def test_a_metadata_region_keeps_its_name():
    (one,) = names(SORTING, fixed="category = law")
    assert (one.name, one.named_by) == ("category = law", "metadata")


def test_quoted_text_is_one_short_line():
    assert quoted("a\n b") == "“a b”"
    assert len(quoted("word " * 100)) <= 116
    assert len(quoted("x" * 500)) <= 116
