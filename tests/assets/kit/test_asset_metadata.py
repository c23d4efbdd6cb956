"""What Dagster shows of the assets: their columns are the warehouse's, their lineage is the graph's."""

from __future__ import annotations

import base64
import re
import subprocess
import sys
from pathlib import Path

import dagster as dg
import numpy as np
import pytest

from faultmap_assets.definitions import ASSETS, defs
from faultmap_assets.graph.declarations import ASSET_GRAPH, NODES
from faultmap_assets.ingestion.file_ledger import PartitionLedger
from faultmap_assets.kit import checks
from faultmap_assets.kit import figures as pictures
from faultmap_assets.kit.asset_metadata import readable, report_link, with_metadata
from faultmap_assets.kit.markdown import table
from faultmap_assets.settings import Settings
from faultmap_assets.warehouse.catalog import tables_of
from faultmap_assets.warehouse.connection import open_warehouse

# What the project itself keeps, or several assets add to: no asset replaces its partition of these.
BOOKS = {
    "acknowledgements", "alerts", "audit_outcomes", "audit_scopes", "audits", "check_results", "embedding_vectors",
    "forgotten", "judge_validations", "judgment_labels", "llm_calls", "materializations", "quarantine", "file_ledger",
    "reconciliations", "redactions", "schema_migrations", "source_files", "staging_partitions", "staging_rows",
    "stagings", "taxonomies", "watch_states", "watched_files",
}  # fmt: skip
NAMES = [node.name for node in ASSET_GRAPH]


def graph_node(name: str):
    return defs.resolve_asset_graph().get(dg.AssetKey(name))


@pytest.fixture(scope="module")
def described(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[tuple[str, str]]]:
    """DESCRIBE of every table of a migrated warehouse."""
    warehouse = open_warehouse(Settings(home=tmp_path_factory.mktemp("empty")))
    with warehouse.read() as connection:
        tables = [name for (name,) in connection.execute("SELECT table_name FROM duckdb_tables()").fetchall()]
        return {name: [row[:2] for row in connection.execute(f"DESCRIBE {name}").fetchall()] for name in tables}


def test_the_schema_of_every_table_that_an_asset_writes_is_the_warehouses(described):
    told = {}
    for name in NAMES:
        metadata = graph_node(name).metadata
        told[name] = metadata["dagster/column_schema"]
        told |= {key.removeprefix("table "): entry for key, entry in metadata.items() if key.startswith("table ")}
    assert {name: [(one.name, one.type) for one in schema.columns] for name, schema in told.items()} == {
        name: columns for name, columns in described.items() if name not in BOOKS
    }


def test_every_column_is_described_in_words():
    for name in NAMES:
        for own in tables_of(name):
            assert own.row, own.name
            assert all(column.meaning for column in own.columns.values()), own.name


def test_lineage_names_columns_of_assets_that_are_read():
    for name in NAMES:
        lineage = graph_node(name).metadata.get("dagster/column_lineage")
        assert (lineage is None) == (not NODES[name].upstream), name
        for column, sources in lineage.deps_by_column.items() if lineage else ():
            assert sources, (name, column)
            for source in sources:
                above = source.asset_key.to_user_string()
                assert above in NODES[name].upstream, f"{name}.{column}: {above} is not read"
                assert source.column_name in NODES[above].own_table.columns, f"{name}.{column}"


def test_what_is_read_directly_shows_in_the_lineage():
    """Of each dependency some column is used, but for those that are told to be read without rows."""
    unused = {}
    for name in NAMES:
        own = tables_of(name)[0]
        used = {source.partition(".")[0] for column in own.columns.values() for source in column.sources}
        unused |= {name: set(NODES[name].upstream) - used} if set(NODES[name].upstream) - used else {}
    # The history notes whether the files of a partition changed, not what its answers say.
    assert unused == {"finding_history": {"raw_evals"}}


def test_an_asset_says_its_question_its_rows_and_its_place():
    for name in NAMES:
        node = graph_node(name)
        assert node.tags["question"] == NODES[name].question
        assert node.tags["partitioned_by"] == NODES[name].scope.value
        assert "One row is" in node.description
        assert node.metadata["dagster/table_name"] == f"faultmap.main.{name}"


def test_groups_follow_one_another_without_a_circle():
    """The graph is drawn from left to right by what depends on what: that has an order only without a circle."""
    group = {name: graph_node(name).group_name for name in NAMES}
    arrows = {(group[above], group[name]) for name in NAMES for above in NODES[name].upstream}
    arrows = {(first, second) for first, second in arrows if first != second}
    order = ["evals", "prompts", "where", "why", "production", "report"]
    assert set(group.values()) == set(order)
    assert all(order.index(first) < order.index(second) for first, second in arrows)


def test_owners_come_from_the_settings_and_change_nothing_else(tmp_path: Path):
    assert not graph_node("scores").owners
    owned = with_metadata(ASSETS, Settings(home=tmp_path, owners=["team:evals", "ada@example.org"]))
    for before, after in zip(ASSETS, owned, strict=True):
        (spec,) = after.specs
        assert list(spec.owners) == ["team:evals", "ada@example.org"]
        assert spec.code_version == NODES[spec.key.to_user_string()].code_version
        assert (after.partitions_def, after.op.pool) == (before.partitions_def, before.op.pool)
        assert {check.name for check in after.check_specs} == {check.name for check in before.check_specs}


def test_owners_of_faultmap_yaml_reach_dagster(tmp_path: Path):
    (tmp_path / "faultmap.yaml").write_text("owners: ['team:evals']\n")
    code = (
        "from faultmap_assets.definitions import ASSETS, defs; print({tuple(node.owners) for node in"
        " defs.resolve_asset_graph().asset_nodes})"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "{('team:evals',)}"


def test_figures_have_four_digits_and_other_values_stay():
    told = readable({"rate": 0.5797619047, "p": 1.23456e-9, "rows": 123456, "none": None, "text": "0.123456"})
    assert told == {"rate": 0.5798, "p": 1.235e-09, "rows": 123456, "none": None, "text": "0.123456"}


def test_a_link_into_the_report_survives_any_name(tmp_path: Path):
    link = report_link(Settings(home=tmp_path), "slices", dataset="a&model=b#c", model="gpt 4/<x>").value
    assert (
        link == f"{tmp_path.as_uri()}/reports/audit_report.html#/slices?dataset=a%26model%3Db%23c&model=gpt+4%2F%3Cx%3E"
    )


COLUMNS = {"name": "left", "size": "right"}


def test_a_table_is_short_enough_to_be_shown_in_place():
    text = table(COLUMNS, ([f"slice number {number}", str(number)] for number in range(500)), none="None.", more="see")
    assert len(text) < 1000
    shown = text.count("| slice")
    assert shown > 20
    assert text.endswith(f"\n\n{500 - shown} more: `see`")
    assert text.splitlines()[:3] == ["| name | size |", "|---|--:|", "| slice number 0 | 0 |"]


def test_a_table_of_few_rows_holds_all_and_of_none_says_so():
    assert "more" not in table(COLUMNS, [["a", "1"], ["b", "2"]], none="None.", more="see")
    assert table(COLUMNS, [], none="Nothing fails.", more="see") == "Nothing fails."
    assert "| " + "x" * 79 + "… | 1 |" in table(COLUMNS, [["x" * 5000, "1"]], none="", more="see")


@pytest.mark.parametrize(
    "text", ["<script>alert(1)</script>", "[a](javascript:alert(1))", "a|b\nc", "![x](http://x)", "`$(x)`"]
)
def test_a_table_holds_no_markup_from_outside(text: str):
    row = table(COLUMNS, [[text, "1"]], none="", more="see").splitlines()[-1]
    assert len(re.findall(r"(?<!\\)\|", row)) == 3
    assert not re.search(r"(?<!\\)[<>\[\]()`!]", row)


def image(markdown: str) -> bytes:
    found = re.fullmatch(r"!\[\]\(data:image/png;base64,([A-Za-z0-9+/=]+)\)", markdown)
    assert found
    return base64.b64decode(found[1])


HOSTILE_NAMES = ["$\\frac{", "a\nb", "<script>", "\x1b[31m", "名前" * 40, ""]


def test_pictures_stay_small_however_many_rows_there_are():
    rng = np.random.default_rng(0)
    places = rng.normal(size=(50_000, 2)).astype(np.float32)
    failed = rng.integers(0, 2, 50_000).astype(np.float64)
    members = {name: list(range(number * 100, number * 100 + 90)) for number, name in enumerate(HOSTILE_NAMES)}
    drawn = [
        pictures.slice_map(places, failed, members),
        pictures.prompt_map(places, rng.integers(0, 40, 50_000)),
        pictures.score_histogram(rng.random(50_000), 0.5),
        pictures.interval_chart(HOSTILE_NAMES * 20, [(0.1, -0.1, None), (0.2, 0.1, 0.3)] * 60, "advantage"),
        pictures.bar_chart(HOSTILE_NAMES * 20, [3] * 120, "errors"),
    ]
    for markdown in drawn:
        png = image(markdown)
        assert png.startswith(b"\x89PNG")
        # A run of thousands of partitions keeps one of these each in Dagster's event log.
        assert len(png) < 200_000


def test_pictures_of_nothing_are_drawn():
    for markdown in (pictures.interval_chart([], [], "x"), pictures.bar_chart([], [], "x")):
        assert image(markdown)


FAILED_CHECKS = [
    (checks.named("failure_slices", ["", "no key"]), "1 of 2 regions", "faultmap doctor"),
    (checks.unique_ids(5, 4), "expected as many as rows", "faultmap audit --force"),
    (checks.quarantine_share(1, 3, 0.5), "3 of 4 rows are quarantined (75.0%", "raise evals.max_quarantine_share"),
    (checks.rows_conserved("raw_evals", 9, PartitionLedger(11, 10, 1, ("q.csv: 9 rows kept, 8 there",))),
     "11 rows delivered by files, 10 there: 9 count, 1 are superseded by newer files; q.csv: 9 rows kept", "--home"),
    (checks.complete_scores(checks.ScoreCounts(5, 4, 4, 4, 4)), "5 examples, 4 rows", "faultmap audit --force"),
    (checks.scored_share(checks.ScoreCounts(4, 4, 1, 1, 1)), "expected at most 20%", "score_mode"),
    (checks.one_metric("faithfulness", 3, {"recall": 2}), "left out: 2 of recall", "`--scorer`"),
    (checks.reconciled(3, ["a.json: failures: the tool says 2, its rows give 1"]), "the tool says 2", "complete?"),
    (checks.all_pairs(3, 2, 3), "2 of 3 pairs", "expected all of them"),
    (checks.unique_log_ids(5, 4), "expected as many as rows", "faultmap audit --force"),
    (checks.tests_present(checks.CoverageCounts(1, 9, 0, 0, 9, 0, 0)), "1 distinct test prompts", "coverage.datasets"),
    (checks.every_prompt_judged(checks.CoverageCounts(9, 9, 0, 0, 8, 0, 0)), "expected one verdict each", "--force"),
    (checks.failures_accounted(checks.JudgmentCounts(5, 3, 1, 0, {}, "")), "5 failures: 3 judged", "--force"),
    (checks.judge_answered(checks.JudgmentCounts(5, 5, 0, 4, {"timeout": 4}, "")), "4 timeout", "faultmap doctor"),
    (checks.counts_conserved(checks.TaxonomyCounts(5, 3, 5, 0, 0.1)), "expected leaves and top", "--force"),
    (checks.classified_share(checks.TaxonomyCounts(5, 1, 1, 4, 0.1)), "80.0%, limit 10%", "taxonomy --rebuild"),
]  # fmt: skip


@pytest.mark.parametrize(("result", "what", "remedy"), FAILED_CHECKS, ids=lambda one: getattr(one, "check_name", None))
def test_a_failed_check_says_what_was_expected_and_what_to_do(result: dg.AssetCheckResult, what: str, remedy: str):
    assert not result.passed
    assert what in result.description
    assert remedy in result.description


def test_every_check_that_can_fail_is_looked_at_here():
    specs = {check.name for asset in ASSETS for check in asset.check_specs}
    elsewhere = {"feedback_understood", "failure_rates", "slices", "coverage", "winners", "row_quality", "fresh_data"}
    assert {result.check_name for result, _, _ in FAILED_CHECKS} | elsewhere == specs


def test_a_passed_check_advises_nothing():
    for result in (
        checks.unique_ids(5, 5),
        checks.scored_share(checks.ScoreCounts(4, 4, 4, 4, 4)),
        checks.one_metric("faithfulness", 3, {}),
        checks.reconciled(3, []),
        checks.all_pairs(3, 3, 3),
        checks.classified_share(checks.TaxonomyCounts(5, 5, 5, 0, 0.1)),
    ):
        assert result.passed
        assert "expected" not in result.description
        assert "`" not in result.description
