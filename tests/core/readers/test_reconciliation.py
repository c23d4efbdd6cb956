"""A tool's own figures beside ours."""

from collections.abc import Generator, Sequence

import pytest

from faultmap_core.data.eval_table import EvalOptions, EvalTableBuilder
from faultmap_core.readers.rows.raw_rows import NumberedRow
from faultmap_core.readers.rows.reconciliation import Tally, ToolSummary, compare_count, compare_mean
from faultmap_core.readers.rows.tabular import build_batches


def test_counts_agree_only_where_they_are_equal():
    assert [one.agrees for one in compare_count("failures", 15, 15)] == [True]
    (differing,) = compare_count("failures", 15, 14)
    assert not differing.agrees
    assert str(differing) == "failures: the tool says 15, its rows give 14"


@pytest.mark.parametrize(
    ("tool_value", "our_value", "agrees"),
    [(0.6667, 2 / 3, True), (0.5, 0.502, False), (66.67, 200 / 3, True), (0.5, None, False), (0.0, 0.0, True)],
)
def test_means_agree_to_four_decimals(tool_value, our_value, agrees):
    assert [one.agrees for one in compare_mean("accuracy", tool_value, our_value)] == [agrees]


@pytest.mark.parametrize("tool_value", [None, "5", True, float("nan"), float("inf"), [1]])
def test_a_figure_that_is_no_number_is_not_compared(tool_value):
    assert list(compare_count("rows", tool_value, 1)) == []
    assert list(compare_mean("accuracy", tool_value, 1.0)) == []


def test_tally_counts_verdicts_errors_and_means():
    tally = Tally()
    tally.add({"passed": True}, {"f1": 0.5, "label": "yes"})
    tally.add({"passed": False}, {"f1": 1})
    tally.add({"error": "timeout"})
    assert (tally.rows, tally.passed, tally.failed, tally.errors) == (3, 1, 1, 1)
    assert tally.mean("f1") == 0.75
    assert tally.count("f1") == 2
    assert tally.mean("label") is None


def test_the_last_batch_carries_what_a_reader_returns(tmp_path):
    summary = ToolSummary("rows", 1.0, 1.0, True)

    def reader() -> Generator[NumberedRow, None, Sequence[ToolSummary]]:
        yield 1, {"example_id": "a", "model": "m", "input_text": "q", "score": 1}
        return [summary]

    path = tmp_path / "d.jsonl"
    path.write_text("one line\n")
    batches = list(build_batches(path, reader(), EvalTableBuilder(EvalOptions(), "d")))
    assert [batch.summaries for batch in batches] == [(), (summary,)]
