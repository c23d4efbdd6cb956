import dataclasses

import numpy as np
import pytest

from faultmap_core.naming.keywords import KeywordNamer, NamingTask, quoted
from faultmap_core.regions.composition import composition


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


def holding(name, prompts):
    """The share of prompts that hold each word of a name, a word's plural counted as the word."""
    words = [word.removesuffix("s") for part in name.split(", ") for word in part.split()]
    return [sum(word in prompt.casefold() for prompt in prompts) / len(prompts) for word in words]


def test_every_word_of_a_name_is_held_by_half_of_the_members():
    rng = np.random.default_rng(0)
    topics = {"print": 40, "number": 38, "range": 22}
    prompts = ["python list " * (i < 70) + "".join(f"{word} " for word, n in topics.items() if rng.integers(100) < n)
               + f"case{chr(97 + i % 26)}" for i in range(100)]  # fmt: skip
    background = prompts + [f"the weather of {chr(97 + i % 26)}town" for i in range(400)]
    (named,) = KeywordNamer().name_regions([NamingTask(prompts, 100, 60, 0.6, 0.2)], background)
    assert min(holding(named.name, prompts)) >= 0.5
    assert "print" not in named.name


def test_without_covering_words_the_metadata_names_the_region_and_then_a_prompt():
    prompts = ["add 3 and 4", "print the length", "which is larger", "count letters"] * 5
    other = [f"a story of number {i}" for i in range(60)]
    task = NamingTask(prompts[:4], 20, 10, 0.5, 0.2, composition="3 categories, mostly addition, python-output")
    (named,) = KeywordNamer().name_regions([task], prompts + other)
    assert named.name == "3 categories, mostly addition, python-output"
    (bare,) = KeywordNamer().name_regions([dataclasses.replace(task, composition="")], prompts + other)
    assert bare.name.startswith("like “")


def test_a_region_has_one_name_whatever_stands_beside_it_and_in_any_order():
    prompts = [f"How do I cancel my card {i}?" for i in range(30)]
    beside = [f"How do I cancel my transfer {i}?" for i in range(30)]
    background = [*prompts, *beside, *(f"Tell me of city {i}" for i in range(100))]
    (alone,) = KeywordNamer().name_regions([NamingTask(prompts, 30, 9, 0.3, 0.1)], background)
    _, second = KeywordNamer().name_regions(
        [NamingTask(beside, 30, 9, 0.3, 0.1), NamingTask(prompts[::-1], 30, 20, 0.6, 0.1)], background
    )
    assert alone.name == second.name


def test_a_neighbour_that_shares_a_word_does_not_change_it():
    prompts = [f"card the abroad of cancel with lost {i}" for i in range(30)]
    beside = [f"cancel my transfer {i}" for i in range(30)]
    background = [
        *prompts,
        *beside,
        *(f"lost in the city {i}" for i in range(40)),
        *(f"weather {i}" for i in range(60)),
    ]
    task = NamingTask(prompts, 30, 9, 0.3, 0.1)
    (alone,) = KeywordNamer().name_regions([task], background)
    first, _ = KeywordNamer().name_regions([task, NamingTask(beside, 30, 9, 0.3, 0.1)], background)
    assert first.name == alone.name
    assert sorted(alone.name.split(", ")) == ["abroad", "cancel", "card"]


def test_the_forms_of_a_word_are_one_word():
    prompts = ["city names", "a city", "cities of old", "the cities"] * 5
    (named,) = KeywordNamer().name_regions([NamingTask(prompts, 20, 9, 0.5, 0.1)], prompts + ["rivers run"] * 60)
    assert named.keywords[0] in ("city", "cities")


@pytest.mark.parametrize(
    ("prompts", "word"),
    [
        (["北京的天气怎么样", "上海的天气如何", "明天天气好吗", "天气预报是什么"], "天气"),
        (["ما هي عاصمة فرنسا", "ما هي عاصمة مصر", "عاصمة المغرب ما هي", "هل عاصمة العراق بغداد"], "عاصمة"),
    ],
)
def test_words_of_other_scripts_cover_too(prompts, word):
    rest = ["cook the soup slowly", "how to bake bread"] * 20
    (named,) = KeywordNamer().name_regions([NamingTask(prompts, 4, 3, 0.7, 0.1)], prompts + rest)
    assert word in named.name


def test_a_composition_counts_values_that_set_the_region_apart():
    category = ["add"] * 30 + ["print"] * 20 + ["sort"] * 5 + ["story"] * 145
    level = ["easy", "hard"] * 100
    inside = np.r_[0:55, 55:60]
    # 60 rows: 30 add, 20 print, 5 sort, 5 story: three are shown, which make up 55. No kind is missing: no number.
    found = composition({"category": category, "level": level}, inside, np.arange(200))
    assert found == "categories: mostly add, print, sort"
    assert composition({"category": category}, np.arange(30), np.arange(200)) == "within category = add"
    many = [f"kind {i}" for i in range(10) for _ in range(6)] + ["story"] * 140
    # Three of ten kinds of six rows are less than half.
    assert composition({"category": many}, inside, np.arange(200)) == "10 categories, such as kind 0, kind 1, kind 2"
    assert composition({"level": level}, inside, np.arange(200)) == ""
    # All ten kinds are inside: their number would say nothing. 12 each of three kinds and one each of seven.
    every = [f"kind {i}" for i in range(10) for _ in range(20)]
    inside = np.array([20 * i + j for i in range(10) for j in range(12 if i < 3 else 1)])
    assert composition({"category": every}, inside, np.arange(200)) == "categories: mostly kind 0, kind 1, kind 2"
    assert composition({"id": [str(i) for i in range(200)]}, inside, np.arange(200)) == ""
