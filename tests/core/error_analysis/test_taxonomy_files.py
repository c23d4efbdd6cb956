"""Seed taxonomies as YAML: both forms, their errors, and the way back."""

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from faultmap_core.base.errors import ConfigurationError
from faultmap_core.error_analysis.taxonomy.results import new_id, slug
from faultmap_core.error_analysis.taxonomy.taxonomy import Category, Taxonomy, load_taxonomy, taxonomy_to_yaml

MAPPING = """
Reasoning:
  description: Wrong steps.
  children:
    Arithmetic: Slips in sums.
    Logic:
Format:
  Too long: More than was asked.
  Cut off: ends early
Refusal:
"""
LIST = """
- name: Reasoning
  description: Wrong steps.
  children:
    - name: Arithmetic
      description: Slips in sums.
    - Logic
- name: Format
  children:
    - {name: Too long, description: More than was asked.}
    - {name: Cut off, description: ends early}
- Refusal
"""


def test_both_forms_say_the_same():
    taxonomy = load_taxonomy(MAPPING)
    assert taxonomy == load_taxonomy(LIST)
    assert {(c.category_id, c.parent_id, c.name, c.description, c.depth) for c in taxonomy.categories} == {
        ("reasoning", None, "Reasoning", "Wrong steps.", 1),
        ("reasoning/arithmetic", "reasoning", "Arithmetic", "Slips in sums.", 2),
        ("reasoning/logic", "reasoning", "Logic", "", 2),
        ("format", None, "Format", "", 1),
        ("format/too-long", "format", "Too long", "More than was asked.", 2),
        ("format/cut-off", "format", "Cut off", "ends early", 2),
        ("refusal", None, "Refusal", "", 1),
    }
    assert (taxonomy.method, taxonomy.built_from) == ("given", 0)


def test_a_file_is_read(tmp_path):
    path = tmp_path / "seed.yaml"
    path.write_text(MAPPING, encoding="utf-8")
    assert load_taxonomy(path) == load_taxonomy(str(path)) == load_taxonomy(MAPPING)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("\n", "taxonomy holds no categories; expected a list or a mapping of names"),
        ("a: [b\n", "taxonomy is not YAML: "),
        ("a:\na:\n", "the category 'a' occurs twice"),
        ("yes: fine\n", "the name True is true or false; expected text (put it in quotes)"),
        ("a:\n  b:\n    3: three\n", "taxonomy, at a > b: the name 3 is a number; expected text (put it in quotes)"),
        ("a:\n  children:\n    b: 7\n", "taxonomy, at a > b: a number; expected a description, or a mapping or list"),
        ("a:\n  description: x\n  childs: {}\n", "taxonomy, at a: unknown key 'childs'; expected name, description"),
        (
            "a:\n  description: [x]\n",
            "taxonomy, at a: the description is a list; expected text of at most 300 characters",
        ),
        ("- name: a\n- title: b\n", "taxonomy: entry 2 is a mapping; expected a name or a mapping with 'name'"),
        ("- a\n- A\n", "taxonomy, at A: the name occurs twice on this level; expected different names"),
        ("a:\n  other: maybe\n  description: x\n", "taxonomy, at a: other is 'maybe'; expected true or false"),
        ("a:\n  examples: [1]\n", "taxonomy, at a: the example 1 is no title; expected text, or title and summary"),
        ("categories: [a]\nverison: 1\n", "taxonomy: unknown key 'verison'; expected method, made_by"),
        ("7\n", "taxonomy: a number; expected a list or a mapping of categories"),
        ("&a\n- *a\n", "entry 1 is a list"),
        ("&a\nx: *a\n", "more than 20 levels; expected fewer"),
        (f"{'n' * 81}:\n", "has 81 characters; expected at most 80"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(text, said):
    with pytest.raises(ConfigurationError) as raised:
        load_taxonomy(text)
    assert said in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_file_that_is_missing_or_no_text_is_named(tmp_path):
    with pytest.raises(ConfigurationError, match=r"taxonomy file .*none\.yaml cannot be read: No such file"):
        load_taxonomy(tmp_path / "none.yaml")
    (tmp_path / "latin.yaml").write_bytes(b"caf\xe9: x\n")
    with pytest.raises(ConfigurationError, match=r"latin\.yaml cannot be read: it is not UTF-8 text"):
        load_taxonomy(tmp_path / "latin.yaml")


def test_no_python_objects_are_made_from_yaml():
    with pytest.raises(ConfigurationError, match="is not YAML"):
        load_taxonomy("a: !!python/object/apply:os.getcwd []\n")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Off-by-one  Error!", "off-by-one-error"),
        ("Ошибка знака", "ошибка-знака"),
        ("ﬁnal ＡＢ", "final-ab"),
        ("हिन्दी", "हिन्दी"),
        ("a/b\\c", "a-b-c"),
        ("\u202e!!", "category"),
        ("x" * 99, "x" * 60),
    ],
)
def test_slugs(name, expected):
    assert slug(name) == expected


def test_ids_are_unique_among_siblings_and_never_the_mark_of_unclassified():
    assert new_id("a", "B!", {"a/b"}) == "a/b-2"
    assert new_id(None, "Unclassified", ()) == "unclassified-2"
    assert new_id("a", "Unclassified", ()) == "a/unclassified"


NAMES = st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=12).filter(lambda name: name.strip())
TREES = st.recursive(
    st.just([]), lambda inner: st.lists(st.tuples(NAMES, st.booleans(), inner), max_size=4), max_leaves=12
)


def taxonomy_of(tree):
    made = {}

    def add(branches, parent):
        for number, (name, other, children) in enumerate(branches):
            parent_id = parent.category_id if parent else None
            own = new_id(parent_id, name, made)
            depth = parent.depth + 1 if parent else 1
            shown = f"{number} {' '.join(name.split())}".translate(dict.fromkeys(range(32), " "))
            made[own] = Category(
                own, parent_id, shown, "", depth, 0, other, (("a title", "a summary"),) if other else ()
            )
            add(children, made[own])

    add(tree, None)
    return Taxonomy.of(made.values(), "model", 7, "a/model")


@given(TREES.filter(bool))
@hypothesis_settings(max_examples=60, deadline=None)
def test_any_taxonomy_survives_the_way_to_yaml_and_back(tree):
    taxonomy = taxonomy_of(tree)
    back = load_taxonomy(taxonomy_to_yaml(taxonomy))
    assert [c.category_id for c in back.categories] == [c.category_id for c in taxonomy.categories]
    assert [c.depth for c in back.categories] == [c.depth for c in taxonomy.categories]
    assert [(c.other, c.examples) for c in back.categories] == [(c.other, c.examples) for c in taxonomy.categories]
    assert (back.method, back.built_from, back.made_by) == ("model", 7, "a/model")
    # Names are made harmless on reading; what is harmless comes back as it was.
    assert load_taxonomy(taxonomy_to_yaml(back)) == back


def test_a_category_without_its_parent_or_twice_is_refused():
    lost = Category("a/b", "a", "b", "", 2)
    top = Category("a", None, "a", "", 1)
    for categories in ([lost], [top, top]):
        with pytest.raises(ConfigurationError, match="a category id occurs twice, or a parent_id is the id of no"):
            Taxonomy.of(categories, "model")
