"""What is the question in a prompt, and which prompts are copies?"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from faultmap_core.data.prompts import normalized, prompt_id, text_hash, unique_prompts, varying_parts

WORDS = ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"]


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("  What\n\tis  it? ", "what is it?"),
        ("cafe\u0301", "caf\u00e9"),
        ("STRASSE", "strasse"),
        ("Straße", "strasse"),
        ("a\u00a0b\u3000c", "a b c"),
        ("", ""),
    ],
)
def test_normalized(text, form):
    assert normalized(text) == form


@given(st.text(st.sampled_from("aBß \n\t\0\u00a0\u0301e\ud800日😀İ"), max_size=20))
def test_copies_share_an_id(text):
    assert prompt_id(text) == prompt_id(f"  {text}\n") == prompt_id(normalized(text))
    assert len(prompt_id(text)) == 32


def test_different_questions_have_different_ids():
    assert len({prompt_id(text) for text in ("2 + 2?", "2 + 3?", "2+2?", "")}) == 4
    assert text_hash("a") != text_hash("A") == text_hash("A")


def test_preamble_and_instruction_are_cut_at_word_boundaries():
    prompts = [f"Answer briefly. Question: spell thirst{word} now. Answer:" for word in WORDS]
    # "thirst" is shared by all, but belongs to a word that is not.
    assert varying_parts(prompts) == [f"thirst{word}" for word in WORDS]


def test_few_prompts_are_left_whole():
    prompts = [f"  Question: {word}" for word in WORDS[:9]]
    assert varying_parts(prompts) == [f"Question: {word}" for word in WORDS[:9]]
    assert varying_parts(prompts * 5) == [f"Question: {word}" for word in WORDS[:9]] * 5


def test_a_prompt_that_is_all_preamble_is_left_whole():
    prompts = ["Think. ", *(f"Think. About {word}" for word in WORDS)]
    assert varying_parts(prompts)[0] == "Think."
    assert varying_parts(prompts)[1] == "About one"


@given(st.lists(st.text(alphabet="ab \n", max_size=12), max_size=30))
def test_varying_parts_are_parts_of_their_prompts(texts):
    parts = varying_parts(texts)
    assert len(parts) == len(texts)
    for text, part in zip(texts, parts, strict=True):
        assert part in text
        assert bool(part) == bool(text.strip())


def test_unique_prompts_counts_copies_once_and_shows_the_commonest_spelling():
    found = unique_prompts(["Hi there", "hi  there", "Bye", "hi  there"], ["m"] * 4)
    assert len(found.prompt_ids) == 2
    assert list(found.prompt_ids) == sorted(found.prompt_ids)
    assert [found.texts[unit] for unit in found.unit] == ["hi  there", "hi  there", "Bye", "hi  there"]


def test_each_model_s_own_preamble_is_cut():
    texts = [*WORDS, *(f"Let us think step by step. {word}" for word in WORDS)]
    found = unique_prompts(texts, ["direct"] * 12 + ["cot"] * 12)
    assert set(found.texts) == set(WORDS)
    assert found.unit.tolist()[:12] == found.unit.tolist()[12:]


def test_no_prompts():
    found = unique_prompts([], [])
    assert (found.prompt_ids, found.texts, found.unit.tolist()) == ((), (), [])


@given(st.lists(st.text(alphabet="aAb ", max_size=3), max_size=12), st.randoms(use_true_random=False))
def test_the_order_of_the_rows_does_not_matter(texts, random):
    shuffled = list(texts)
    random.shuffle(shuffled)
    first, second = unique_prompts(texts, ["m"] * len(texts)), unique_prompts(shuffled, ["m"] * len(texts))
    assert (first.prompt_ids, first.texts) == (second.prompt_ids, second.texts)
