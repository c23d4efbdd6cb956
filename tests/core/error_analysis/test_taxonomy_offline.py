"""The taxonomy without a language model."""

import json
import random
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from sklearn.metrics import adjusted_rand_score

from faultmap_core.embedding import get_embedder
from faultmap_core.error_analysis.taxonomy.taxonomy import (
    UNCLASSIFIED,
    ErrorRecord,
    TaxonomySettings,
    apply_taxonomy,
    build_taxonomy,
    load_taxonomy,
    needs_rebuild,
    tree_lines,
)
from faultmap_core.error_analysis.taxonomy.wording import families, summary_text, without_error_words
from tests.core.error_analysis.test_taxonomy import assert_conserved, counts

EMBEDDER = get_embedder()
RULES = {
    "Final number too large": 60,
    "Final number too small": 40,
    "Final number off by one": 20,
    "Empty response": 15,
    "Cut off before the end": 10,
    "Refuses to answer": 5,
}
KINDS = {
    "money": (
        "bank account balance",
        "wrong credit card fee",
        "loan interest rate error",
        "mortgage payment of the bank",
    ),
    "cooking": (
        "oven temperature for bread",
        "boiling pasta too long",
        "recipe ingredient wrong",
        "baking cake in oven",
    ),
    "travel": (
        "flight booking airport",
        "train ticket to airport",
        "hotel reservation of trip",
        "passport visa for trip",
    ),
}
PLACES = ("north", "south", "east", "west", "red", "blue", "green", "old", "new", "small")
PLAIN = TaxonomySettings(quality_sample=0)


def build(found, settings=PLAIN, **more):
    return build_taxonomy(found, settings, model=None, embedder=EMBEDDER, **more)


def rule_records(summary="The answer is “{0}”; the reference is “{1}”."):
    return [
        ErrorRecord(f"{title}-{number}", title, summary.format(number, number + 1))
        for title, count in RULES.items()
        for number in range(count)
    ]


def kind_records():
    found, truth = [], []
    for kind, forms in KINDS.items():
        for form in forms:
            for place in PLACES:
                found.append(ErrorRecord(f"{kind}-{form}-{place}", f"{form} {place}"))
                truth.append(kind)
    return found, truth


def test_recurring_titles_are_categories_and_those_that_begin_alike_a_family():
    found = rule_records()
    result = build(found)
    assert tree_lines(result) == [
        "All errors                     150  100.0%",
        "├─ Final number …              120   80.0%",
        "│  ├─ Final number too large    60   40.0%",
        "│  ├─ Final number too small    40   26.7%",
        "│  └─ Final number off by one   20   13.3%",
        "├─ Empty response               15   10.0%",
        "├─ Cut off before the end       10    6.7%",
        "└─ Refuses to answer             5    3.3%",
    ]
    assert (result.taxonomy.method, result.taxonomy.made_by) == ("clusters", EMBEDDER.id)
    assert_conserved(result, found, TaxonomySettings())


def test_titles_that_differ_are_clustered_by_what_they_say():
    found, truth = kind_records()
    result = build(found, TaxonomySettings(quality_sample=0, max_categories=3, max_depth=1))
    tops = [result.assignments[record.record_id] for record in found]
    assert adjusted_rand_score(truth, tops) > 0.7
    assert_conserved(result, found, TaxonomySettings(max_categories=3))
    words = " ".join(category.name for category in result.taxonomy.categories).casefold()
    assert "airport" in words or "trip" in words


def test_a_cluster_is_named_by_the_title_that_most_of_its_errors_have():
    found = [ErrorRecord(f"a{i}", "Oven too hot") for i in range(9)]
    found += [ErrorRecord(f"b{i}", f"oven {word} hot") for i, word in enumerate(("much", "very", "so"))]
    found += [
        ErrorRecord(f"c{i}", f"{word} bank account") for i, word in enumerate(("blocked", "closed", "frozen", "shut"))
    ]
    result = build(found, TaxonomySettings(quality_sample=0, max_depth=1))
    assert {category.name for category in result.taxonomy.categories} >= {"Oven too hot"}
    assert len(result.taxonomy.categories) == 2


def test_below_one_title_summaries_divide_where_they_are_kinds_and_not_where_they_are_forms():
    tags = [
        ErrorRecord(f"t{i}", "Wrong tool", ("search instead of calculator", "no call at all")[i % 2]) for i in range(40)
    ]
    forms = [ErrorRecord(f"f{i}", "Wrong sum", f"It writes “{i} + 1 = 9”, which is {i}.") for i in range(40)]
    result = build(tags + forms)
    assert counts(result) == {
        "wrong-tool": 40,
        "wrong-tool/search-instead-of-calculator": 20,
        "wrong-tool/no-call-at-all": 20,
        "wrong-sum": 40,
    }


def test_many_summaries_below_one_title_divide_where_they_are_clear_groups():
    found, _ = kind_records()
    found = [ErrorRecord(record.record_id, "Wrong answer", record.title) for record in found]
    result = build(found, TaxonomySettings(quality_sample=0, max_categories=3, max_depth=2))
    assert counts(result)["wrong-answer"] == len(found)
    leaves = [result.assignments[record.record_id] for record in found]
    assert len(set(leaves)) in (1, 3)  # never a handful of splinters beside one big rest
    assert_conserved(result, found)


@pytest.mark.parametrize("number", [0, 1, 2])
def test_hardly_any_records(number):
    found = rule_records()[:number]
    result = build(found, TaxonomySettings())
    assert counts(result) == ({"final-number-too-large": number} if number else {})
    assert_conserved(result, found)


def test_records_of_one_title_are_one_category():
    found = [ErrorRecord(str(i), "Final number too large") for i in range(50)]
    assert counts(build(found)) == {"final-number-too-large": 50}


def test_hostile_and_empty_titles():
    titles = [
        "",
        " ",
        "\x1b[31mred\x1b[0m",
        "[bold]x[/bold]",
        "=cmd()",
        "\ud800",
        "无标题",
        "Other",
        "unclassified",
        "a\nb",
    ]
    found = [ErrorRecord(f"{title!r}-{i}", title, title) for title in titles for i in range(20)]
    result = build(found)
    assert_conserved(result, found, TaxonomySettings())
    text = "\n".join(tree_lines(result))
    assert "\x1b" not in text
    text.encode("utf-8")
    json.dumps(result.to_dict(), allow_nan=False)
    assert "No title" in text
    assert not any(category.other for category in result.taxonomy.categories)


@given(
    st.lists(st.sampled_from([*RULES, "", "odd one", "wrong", "Other", "x y z", "bank account", "oven"]), max_size=80),
    st.sampled_from([None, 2, 10]),
    st.sampled_from([0.1, 0.5]),
)
@hypothesis_settings(max_examples=40, deadline=None)
def test_counts_are_conserved(titles, merge_rare, share):
    found = [ErrorRecord(str(i), title, f"{title} {i % 7} of them") for i, title in enumerate(titles)]
    settings = TaxonomySettings(merge_rare=merge_rare, max_category_share=share, min_size=3, max_categories=5)
    result = build(found, settings)
    assert result.unclassified == 0
    assert_conserved(result, found, settings)


def test_the_same_bytes_for_any_order_of_the_records():
    found, _ = kind_records()
    found += rule_records()
    shuffled = random.Random(3).sample(found, len(found))
    first, second = (json.dumps(build(one, TaxonomySettings()).to_dict()) for one in (found, shuffled))
    assert first == second


@pytest.mark.slow
def test_the_same_bytes_in_another_process():
    script = (
        "import json; from tests.core.error_analysis.test_taxonomy_offline import *; "
        "print(json.dumps(build(kind_records()[0] + rule_records(), TaxonomySettings()).to_dict()))"
    )
    outputs = {
        subprocess.run(
            [sys.executable, "-c", script], capture_output=True, check=True, text=True, env={"PYTHONHASHSEED": seed}
        ).stdout
        for seed in ("1", "2")
    }
    assert len(outputs) == 1


def test_a_frozen_taxonomy_gives_its_own_records_back_and_new_ones_the_nearest():
    found = rule_records()
    base = build(found)
    again = apply_taxonomy(base.taxonomy, found, {}, model=None, embedder=EMBEDDER)
    assert again.assignments == base.assignments
    new = [
        ErrorRecord("n1", "FINAL  number too large"),
        ErrorRecord("n2", "Response is empty"),
        ErrorRecord("n3", "Refuses to give an answer"),
        ErrorRecord("n4", "Kubernetes ingress certificate"),
    ]
    result = apply_taxonomy(base.taxonomy, found + new, base.assignments, model=None, embedder=EMBEDDER)
    assert [result.assignments[record.record_id] for record in new] == [
        "final-number/final-number-too-large", "empty-response", "refuses-to-answer", UNCLASSIFIED,
    ]  # fmt: skip
    assert result.reasons == {"n4": "fits_no_category"}
    assert result.taxonomy.version == base.taxonomy.version
    assert not needs_rebuild(result)
    assert_conserved(result, found + new)


def test_new_errors_of_a_new_kind_make_a_rebuild_due():
    base = build(rule_records())
    new = [ErrorRecord(f"k{i}", "Kubernetes ingress certificate") for i in range(60)]
    result = apply_taxonomy(base.taxonomy, rule_records() + new, base.assignments, model=None, embedder=EMBEDDER)
    assert result.quality.unclassified_share == pytest.approx(60 / 210)
    assert needs_rebuild(result)


def test_rare_titles_merged_into_other_are_found_there_again():
    settings = TaxonomySettings(quality_sample=0, merge_rare=12, max_depth=1)
    base = build(rule_records(), settings)
    assert counts(base)["other"] == 15  # cut off 10, refuses 5
    new = [ErrorRecord("n1", "Refuses to answer"), ErrorRecord("n2", "Empty response")]
    result = apply_taxonomy(base.taxonomy, new, {}, settings, model=None, embedder=EMBEDDER)
    assert result.assignments == {"n1": "other", "n2": "empty-response"}


def test_a_seed_taxonomy_takes_errors_by_name_and_description_and_leaves_the_rest_to_other():
    seed = load_taxonomy(
        "Money:\n  Loans: Interest rate of a loan or mortgage.\n  Cards: Fee of a credit card.\n"
        "Cooking: Oven, recipe, baking.\n"
    )
    found = [
        ErrorRecord("1", "loan interest rate too high"),
        ErrorRecord("2", "credit card fee charged twice"),
        ErrorRecord("3", "recipe for baking in the oven"),
        ErrorRecord("4", "kubernetes ingress certificate"),
        ErrorRecord("5", "cooking"),
    ]
    result = build(found, seed_taxonomy=seed)
    assert result.assignments == {
        "1": "money/loans", "2": "money/cards", "3": "cooking", "4": "other", "5": "cooking",
    }  # fmt: skip
    assert_conserved(result, found)


def test_quality_is_high_where_kinds_are_plain_and_low_where_there_are_none():
    plain = build(rule_records(), TaxonomySettings(max_depth=1)).quality
    assert plain.sample == 150
    assert plain.coverage == 1.0
    assert plain.agreement > 0.95
    words = ("lorem", "ipsum", "dolor", "sit", "amet", "elitr", "sed", "diam", "nonumy", "eirmod", "tempor", "invidunt")
    shuffle = random.Random(0)
    noise = [ErrorRecord(str(i), " ".join(shuffle.sample(words, 4))) for i in range(150)]
    assert build(noise, TaxonomySettings(max_depth=1)).quality.agreement < 0.5
    assert build(rule_records()[:19], TaxonomySettings()).quality.agreement is None


def test_families_need_three_titles_and_a_word_that_says_something():
    titles = [
        "final number too large",
        "final number too small",
        "final number off",
        "the end",
        "the start",
        "the rest",
    ]
    assert families(titles) == {
        **dict.fromkeys(titles[:3], "final number"), **{title: title for title in titles[3:]},
    }  # fmt: skip
    assert families(titles[:3]) == {title: title for title in titles[:3]}  # what all share tells nothing apart


@pytest.mark.parametrize(
    ("summary", "form"),
    [
        ("The answer is “(A) a “quoted” word”; 3 of 4.5 right", "the answer is …; # of # right"),
        ('Says "yes" on 2024-05-01, costs $5', "says … on #, costs #"),
        ("No number at all", "no number at all"),
    ],
)
def test_what_differs_from_error_to_error_is_taken_out_of_a_summary(summary, form):
    assert summary_text(summary) == form


def test_words_that_only_say_error_are_left_out_of_vectors():
    assert without_error_words("Wrong unit, conversion error") == "unit conversion"
    assert without_error_words("Wrong error") == "Wrong error"
