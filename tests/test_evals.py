"""What becomes of a row: accepted as what, or rejected why."""

from __future__ import annotations

import json
import math
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from faultmap_core.errors import ConfigurationError
from faultmap_core.evals import EVAL_SCHEMA, EvalOptions, EvalTableBuilder, RowError, key_problem, parse_column_map

ROW = {
    "example_id": "e1",
    "model": "m",
    "input_text": "What is 2 + 2?",
    "output_text": "4",
    "score": 1.0,
    "correct_answer": "4",
}


def build(*rows, **options):
    builder = EvalTableBuilder(EvalOptions(**options), fallback_dataset="quiz")
    return builder.table(list(enumerate(rows, start=2)))


def accepted(row, **options):
    table, rejected = build(row, **options)
    assert rejected == []
    return table.to_pylist()[0]


def reason(row, **options):
    table, rejected = build(row, **options)
    assert table.num_rows == 0
    return rejected[0].reason


def test_a_plain_row_is_taken_as_it_is():
    table, rejected = build(ROW)
    assert rejected == []
    assert table.schema == EVAL_SCHEMA
    row = table.to_pylist()[0]
    assert len(row.pop("row_digest")) == 32
    assert row == {
        "dataset": "quiz",
        "model": "m",
        "example_id": "e1",
        "epoch": 1,
        "input_text": "What is 2 + 2?",
        "question_text": None,
        "output_text": "4",
        "score": 1.0,
        "passed": None,
        "metric": None,
        "correct_answer": "4",
        "metadata": "{}",
        "line": 2,
    }


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("007", "007"),
        (" 7 ", "7"),
        (7, "7"),
        (7.0, "7"),
        (7.5, "7.5"),
        (2**60, str(2**60)),
        (True, "True"),
        ("é", "é"),
    ],
)
def test_ids_are_text(value, text):
    assert accepted({**ROW, "example_id": value})["example_id"] == text


@pytest.mark.parametrize("missing", [{}, {"output_text": None}, {"output_text": ""}, {"output_text": math.nan}])
def test_an_absent_answer_is_kept_as_an_empty_one(missing):
    row = {name: value for name, value in ROW.items() if name != "output_text"}
    assert accepted({**row, **missing})["output_text"] == ""


@pytest.mark.parametrize("score", [None, "", "  ", "nan", "NaN", "null", "None", "n/a", math.nan])
def test_an_absent_score_is_unscored(score):
    assert accepted({**ROW, "score": score})["score"] is None


def test_a_row_without_a_score_column_is_unscored():
    assert accepted({name: value for name, value in ROW.items() if name != "score"})["score"] is None


@pytest.mark.parametrize(
    ("score", "number"),
    [("0.25", 0.25), (" 1 ", 1.0), (1, 1.0), (True, 1.0), (False, 0.0), ("true", 1.0), ("False", 0.0), ("1e-3", 0.001),
     (Decimal("0.50"), 0.5)],
)  # fmt: skip
def test_scores_are_numbers(score, number):
    assert accepted({**ROW, "score": score})["score"] == number


@pytest.mark.parametrize(
    ("score", "expected"),
    [
        ("good", "score 'good' is no number"),
        ("1.000,5", "score '1.000,5' is no number"),
        ([1], "score is of type list, expected a number"),
        ({"value": 1}, "score is of type dict, expected a number"),
        (1.5, "score 1.5 is outside of [0, 1], the dataset's score_range"),
        ("-1", "score -1 is outside of [0, 1], the dataset's score_range"),
        (math.inf, "score inf is outside of [0, 1], the dataset's score_range"),
        ("-Infinity", "score -Infinity is outside of [0, 1], the dataset's score_range"),
        (10**400, "is no number"),
    ],
)
def test_a_bad_score_is_no_row(score, expected):
    assert expected in reason({**ROW, "score": score})


def test_each_dataset_has_its_own_score_range():
    options = {"score_ranges": {"judge": (1.0, 5.0)}, "default_score_range": (0.0, 100.0)}
    assert accepted({**ROW, "dataset": "judge", "score": 5}, **options)["score"] == 5.0
    assert accepted({**ROW, "score": 100}, **options)["score"] == 100.0
    assert "outside of [1, 5]" in reason({**ROW, "dataset": "judge", "score": 0}, **options)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"example_id": None}, "example_id is missing; `--generate-ids`"),
        ({"example_id": ""}, "example_id is missing"),
        ({"example_id": math.nan}, "example_id is missing"),
        ({"example_id": ["a"]}, "example_id is of type list, expected text"),
        ({"model": " "}, "model is missing; `--model-name NAME` names it"),
        ({"model": {"name": "m"}}, "model is of type dict"),
        ({"input_text": None}, "input_text is missing"),
        ({"input_text": "  \n"}, "input_text is missing"),
        ({"input_text": {"session_id": "s-1"}}, "input_text is missing: it holds nothing but ids and settings"),
        ({"input_text": [{"role": "user", "content": [{"type": "image", "text": None}]}]}, "no turn of the chat"),
        ({"epoch": "second"}, "epoch 'second' is no number"),
        ({"epoch": 1.5}, "epoch 1.5 is no whole number"),
        ({"epoch": -1}, "epoch -1 is no whole number"),
        ({"epoch": math.inf}, "epoch inf is no whole number"),
    ],
)
def test_a_bad_field_is_no_row(change, expected):
    assert expected in reason({**ROW, **change})


def test_a_rejected_row_says_where_it_stands_and_whose_it_is():
    table, rejected = build(ROW, {**ROW, "model": " gpt ", "score": "x" * 500}, RowError("no CSV: broken"))
    assert table.num_rows == 1
    assert [(row.line, row.dataset, row.model) for row in rejected] == [(3, "quiz", "gpt"), (4, "quiz", None)]
    assert rejected[0].excerpt.startswith('{"example_id": "e1"')
    assert len(rejected[0].excerpt) == 200
    assert rejected[1].reason == "no CSV: broken"


@pytest.mark.parametrize(
    ("value", "epoch"), [(None, 1), ("", 1), (math.nan, 1), (0, 0), ("3", 3), (2.0, 2), (Decimal(4), 4)]
)
def test_epochs(value, epoch):
    assert accepted({**ROW, "epoch": value})["epoch"] == epoch


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        (None, None),
        (4, "4"),
        (0.1, "0.1"),
        (["Paris", "paris"], '["Paris", "paris"]'),
        ({"a": math.nan}, '{"a": null}'),
    ],
)
def test_references_are_text(answer, text):
    assert accepted({**ROW, "correct_answer": answer})["correct_answer"] == text


@pytest.mark.parametrize("as_text", [False, True])
def test_of_a_chat_the_last_user_turn_is_the_question(as_text):
    chat = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "2 + 2?"},
        {"role": "assistant", "content": "4"},
        {
            "role": "user",
            "content": [{"type": "text", "text": "and"}, {"type": "image"}, {"type": "text", "text": "3?"}],
        },
        {"role": "assistant", "content": None},
    ]
    row = accepted({**ROW, "input_text": json.dumps(chat) if as_text else chat})
    assert row["question_text"] == "and\n3?"
    assert row["input_text"] == "system: Be brief.\n\nuser: 2 + 2?\n\nassistant: 4\n\nuser: and\n3?\n\nassistant: "


@pytest.mark.parametrize(
    "text",
    ['[{"role": broken', '["role"]', "[]", '[1, "role"]', '[{"role": "user"}] and more', "[" * 100_000 + '"role"'],
)
def test_text_that_is_no_chat_stays_text(text):
    row = accepted({**ROW, "input_text": text})
    assert (row["input_text"], row["question_text"]) == (text, None)


def test_other_columns_are_metadata_without_the_empty_ones():
    row = accepted(
        {
            **ROW,
            "topic": "sums",
            "tags": ["a", "b"],
            "level": 3,
            "note": "",
            "gap": None,
            "x": math.nan,
            "y": [math.inf],
        }
    )
    assert json.loads(row["metadata"], parse_constant=pytest.fail) == {
        "topic": "sums", "tags": ["a", "b"], "level": 3, "y": [None],
    }  # fmt: skip


def test_a_column_map_names_the_file_s_columns():
    row = {"question": "2 + 2?", "qid": "007", "system": "m", "answer": "4", "example_id": "left over"}
    columns = parse_column_map(["input=question", "id=qid", "model = system", "output=answer"])
    taken = accepted(row, column_map=columns)
    assert (taken["example_id"], taken["model"], taken["input_text"], taken["output_text"]) == (
        "007", "m", "2 + 2?", "4",
    )  # fmt: skip
    assert json.loads(taken["metadata"]) == {"example_id": "left over"}


@pytest.mark.parametrize(
    ("pairs", "columns"),
    [
        ([], {}),
        (["prompt=q"], {"input_text": "q"}),
        (["response=a=b"], {"output_text": "a=b"}),
        (["reference=gold answer", "score= s "], {"correct_answer": "gold answer", "score": "s"}),
    ],
)
def test_column_maps_take_aliases(pairs, columns):
    assert parse_column_map(pairs) == columns


@pytest.mark.parametrize("pairs", [["input"], ["input="], ["=q"], ["colour=q"], ["input=q", "input_text=p"]])
def test_a_bad_column_map_is_an_error_that_names_it(pairs):
    with pytest.raises(ConfigurationError, match="column map"):
        parse_column_map(pairs)


def test_options_fill_in_what_rows_do_not_name():
    bare = {"input_text": "q", "example_id": "1"}
    row = accepted(bare, dataset_name="exam", model_name="gpt")
    assert (row["dataset"], row["model"]) == ("exam", "gpt")
    named = accepted({**bare, "dataset": "d", "model": "m"}, dataset_name="exam", model_name="gpt")
    assert (named["dataset"], named["model"]) == ("d", "m")
    assert reason(bare) == "model is missing; `--model-name NAME` names it"


def test_generated_ids_are_equal_across_models_and_epochs():
    prompts = ["What is 2 + 2?", "What is 3 + 3?", "what is  2 + 2? "]
    rows = [{"model": model, "input_text": prompt} for model in "ab" for prompt in prompts]
    table, _ = build(*rows, generate_ids=True)
    ids = table.column("example_id").to_pylist()
    assert ids[:3] == ids[3:]
    assert len(set(ids)) == 3
    assert ids[2] == f"{ids[0]}-2"

    epochs, _ = build(*[{**rows[0], "epoch": epoch} for epoch in (1, 2)], generate_ids=True)
    assert epochs.column("example_id").to_pylist() == [ids[0]] * 2
    assert accepted(ROW, generate_ids=True)["example_id"] == "e1"


BAD_KEYS = [
    ("a|b", "'|'"),
    ("a...b", "'...'"),
    ("a\nb", "control characters"),
    ("a\x00b", "control characters"),
    ("a\x1b[31m", "control characters"),
    ("x" * 201, "longer than 200"),
]


@pytest.mark.parametrize(("key", "problem"), [*BAD_KEYS, ("", "is empty"), ("  ", "is empty")])
def test_bad_partition_keys_are_refused(key, problem):
    assert problem in key_problem(key)
    for option in ("dataset_name", "model_name"):
        with pytest.raises(ConfigurationError, match=option.removesuffix("_name")):
            EvalOptions(**{option: key})


@pytest.mark.parametrize(("key", "problem"), BAD_KEYS)
@pytest.mark.parametrize("column", ["dataset", "model"])
def test_a_bad_partition_key_in_a_row_is_no_row(column, key, problem):
    told = reason({**ROW, column: key})
    assert told.startswith(column)
    assert problem in told


@pytest.mark.parametrize("key", ["gpt-4o", "org/model:v1.2", "..", "ein Name", "日本語", "x" * 200])
def test_ordinary_names_are_partition_keys(key):
    assert key_problem(key) is None
    assert accepted({**ROW, "model": f" {key} "})["model"] == key


def test_identical_rows_are_repeated_and_different_ones_conflict():
    builder = EvalTableBuilder(EvalOptions(), "quiz")
    other = {**ROW, "output_text": "5"}
    rows = [(2, ROW), (3, {**ROW, "example_id": "e2"}), (4, ROW), (5, {**ROW, "example_id": "e2", "score": 0})]
    rows += [(6, {**ROW, "epoch": 2}), (7, {**other, "model": "n"}), (8, {**other, "dataset": "d"})]
    for row in rows:
        builder.table([row])
    conflicts = builder.conflicts()
    assert conflicts.repeated == (4,)
    assert set(conflicts.conflicting) == {3, 5}
    assert "lines 3, 5 differ under one example_id" in conflicts.conflicting[3]


def test_a_conflict_takes_repeated_rows_with_it():
    builder = EvalTableBuilder(EvalOptions(), "quiz")
    builder.table([(2, ROW), (3, ROW), (4, {**ROW, "score": 0.5})])
    conflicts = builder.conflicts()
    assert conflicts.repeated == ()
    assert set(conflicts.conflicting) == {2, 3, 4}


def test_nothing_conflicts_in_an_empty_file():
    assert EvalTableBuilder(EvalOptions(), "quiz").conflicts().conflicting == {}


def test_option_digests_tell_different_readings_apart():
    different = [
        EvalOptions(),
        EvalOptions(dataset_name="d"),
        EvalOptions(model_name="d"),
        EvalOptions(generate_ids=True),
        EvalOptions(column_map={"score": "s"}),
        EvalOptions(score_ranges={"d": (0, 5)}),
        EvalOptions(default_score_range=(0, 5)),
    ]
    assert len({options.digest() for options in different}) == len(different)
    assert EvalOptions(column_map={"score": "s", "model": "m"}).digest() == EvalOptions(
        column_map={"model": "m", "score": "s"}
    ).digest()  # fmt: skip


def test_options_refuse_columns_that_have_no_meaning():
    with pytest.raises(ConfigurationError, match="'input' is no field; map one of dataset, model"):
        EvalOptions(column_map={"input": "q"})


@pytest.mark.parametrize("depth", [960, 975, 985, 989, 995, 5000])
def test_deep_nesting_costs_its_row_alone(depth):
    nested: list[object] = []
    for _ in range(depth):
        nested = [nested]
    table, rejected = build({**ROW, "extra": nested}, ROW)
    assert table.num_rows + len(rejected) == 2
    assert table.column("example_id").to_pylist()[-1] == "e1"


hostile_text = st.text(st.sampled_from("a7 \n\r\t\0\"',;|[{.=\x1b\ufeff\u2028\ud800é日😀"), max_size=12)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | hostile_text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(hostile_text, inner, max_size=3),
    max_leaves=4,
)
fields = st.sampled_from([*ROW, "epoch", "dataset", "category"])


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.dictionaries(fields, json_values, max_size=3), max_size=5), st.booleans())
def test_any_row_is_accepted_or_rejected_never_lost(changes, generate_ids):
    rows = [{**ROW, **change} for change in changes]
    table, rejected = build(*rows, generate_ids=generate_ids)
    assert sorted([*table.column("line").to_pylist(), *(row.line for row in rejected)]) == list(range(2, len(rows) + 2))
    for row in table.to_pylist():
        assert row["score"] is None or 0 <= row["score"] <= 1
        assert key_problem(row["dataset"]) is None
        assert key_problem(row["model"]) is None
        assert row["example_id"]
        json.loads(row["metadata"], parse_constant=pytest.fail)
    for row in rejected:
        assert row.reason
        (row.reason + row.excerpt).encode()
