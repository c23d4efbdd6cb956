"""What must not be stored is not, what is forgotten is nowhere and does not come back, old days of logs go."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest
import yaml
from typer.testing import CliRunner

from faultmap_assets.audit import refresh_stale
from faultmap_assets.cli import app
from faultmap_assets.forget import find_rows, forget
from faultmap_assets.forget_rows import expire_logs
from faultmap_assets.ingestion import IngestedFile, ingest_file
from faultmap_assets.privacy import Subject, privacy_of
from faultmap_assets.records import read_state
from faultmap_assets.selection import Selection
from faultmap_assets.settings import Settings
from faultmap_assets.staleness import stale_partitions
from faultmap_assets.warehouse import Warehouse
from faultmap_core.errors import EvalFileError, WarehouseError
from faultmap_core.evals import EvalOptions
from faultmap_core.llm import CallStore, Purpose
from faultmap_core.llm.store import CallEntry
from faultmap_core.redaction import pseudonym

from .conftest import CITIES, DISHES, Project, eval_rows, make_project, write_csv

UP_TO_COVERAGE = ("raw_evals", "prompt_embeddings", "coverage_gaps")
SECRET = "Please tell nobody about the tunnel under the old mill in Ravensworth"


def rows_of(project: Project, sql: str) -> list[dict[str, object]]:
    return project.warehouse.query(sql).to_pylist()


def settings_with(project: Project, **sections: object) -> Settings:
    """Return the project's settings with other sections, and have the runs read the same ones."""
    content = {"home": str(project.settings.home), **sections}
    Path("faultmap.yaml").write_text(yaml.safe_dump(content), encoding="utf-8")
    return Settings.model_validate(content)


def read_logs(settings: Settings, warehouse: Warehouse, path: Path, rows: list[dict[str, object]]) -> IngestedFile:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    options = settings.log_options()
    return ingest_file(warehouse, path, options, privacy=privacy_of(settings, options))


def log_row(number: int, asked: str, day: str = "2025-11-03", **more: object) -> dict[str, object]:
    time = f"{day}T10:00:{number:02d}Z"
    return {"id": f"log-{number}", "timestamp": time, "prompt": asked, "response": "ok", **more}


def everything_that_is_kept(home: Path) -> bytes:
    """All bytes of the state folder but Dagster's own."""
    return b"".join(
        path.read_bytes() for path in sorted(home.rglob("*")) if path.is_file() and "dagster" not in path.parts
    )


# Redaction.


PERSONAL = {
    "prompt": "I am jane@example.org, call (202) 555-0143",
    "response": "I noted 4111 1111 1111 1111.",
    "note": {"mail": "jane@example.org", "list": ["GB29 NWBK 6016 1331 9268 19"]},
    "session_id": "jane@example.org",
    "user_id": "202-555-0143",
}
TRACES = (b"jane@", b"555-0143", b"4111", b"NWBK")


def test_what_is_redacted_is_never_written(project: Project, tmp_path: Path):
    settings = settings_with(project, privacy={"redact": ["email", "phone", "card", "iban"]})
    bad = {"timestamp": "about noon, jane@example.org", "prompt": "4111 1111 1111 1111 is mine", "response": "x"}
    cut = {"timestamp": "never", "prompt": "x" * 165 + " 4111 1111 1111 1111", "response": "x"}
    rows = [
        log_row(1, "plain"),
        log_row(2, "", **PERSONAL),
        bad,
        cut,
        log_row(3, "twice"),
        log_row(3, "jane@example.org"),
    ]
    found = read_logs(settings, project.warehouse, tmp_path / "in" / "day.jsonl", rows)
    assert (found.rows_kept, found.rows_quarantined) == (2, 4)
    [plain, row] = rows_of(project, "SELECT * FROM staging_rows ORDER BY line")
    assert row["input_text"] == "I am [email], call [phone]"
    assert row["output_text"] == "I noted [card]."
    assert json.loads(str(row["metadata"])) == {"note": {"mail": "[email]", "list": ["[iban]"]}}
    assert (row["session_id"], row["user_id"]) == (pseudonym("jane@example.org"), pseudonym("202-555-0143"))
    assert (plain["input_text"], plain["example_id"]) == ("plain", "log-1")
    reasons = {str(one["reason"]) for one in rows_of(project, "SELECT reason FROM quarantine")}
    assert any("about noon, [email]" in reason for reason in reasons)
    excerpts = [str(one["excerpt"]) for one in rows_of(project, "SELECT excerpt FROM quarantine")]
    assert any("[card] is mine" in excerpt for excerpt in excerpts)
    kept = everything_that_is_kept(project.settings.home)
    assert [trace for trace in TRACES if trace in kept] == []


def test_what_was_redacted_is_told_with_the_asset(project: Project, tmp_path: Path):
    settings = settings_with(project, privacy={"redact": ["email"]})
    rows = [log_row(1, "a@example.org b@example.org"), log_row(2, "c@example.org"), log_row(3, "none", "2025-11-04")]
    read_logs(settings, project.warehouse, tmp_path / "in" / "day.jsonl", rows)
    refresh_stale(settings, project.instance, selection=Selection(assets=["production_logs"]))
    for day, expected in (("2025-11-03", 3), ("2025-11-04", None)):
        [event] = project.instance.fetch_materializations(
            dg.AssetRecordsFilter(dg.AssetKey("production_logs"), asset_partitions=[day]), limit=1
        ).records
        metadata = event.asset_materialization.metadata
        assert (metadata["redacted_email"].value if "redacted_email" in metadata else None) == expected


def test_the_same_file_gives_the_same_bytes_and_other_rules_read_it_again(project: Project, tmp_path: Path):
    rows = [log_row(1, "jane@example.org 203.0.113.7")]
    path = tmp_path / "in" / "day.jsonl"
    stored = []
    for redact in (["email"], ["email"], ["ip"], [], ["email"]):
        settings = settings_with(project, privacy={"redact": redact})
        read_logs(settings, project.warehouse, path, rows)
        stored.append(rows_of(project, "SELECT input_text, row_digest FROM staging_rows"))
    assert [row["input_text"] for [row] in stored] == [
        "[email] 203.0.113.7", "[email] 203.0.113.7", "jane@example.org [ip]", "jane@example.org 203.0.113.7",
        "[email] 203.0.113.7",
    ]  # fmt: skip
    assert stored[0] == stored[1] == stored[4]
    assert len({row["row_digest"] for [row] in stored}) == 3


def test_eval_files_are_redacted_where_that_is_wanted(project: Project, tmp_path: Path):
    path = tmp_path / "quiz.csv"
    path.write_text(
        "example_id,model,input_text,output_text,score,correct_answer\na@b.example,m,q@b.example,o,1,r@b.example\n"
    )
    for wanted, expected in ((False, "q@b.example"), (True, "[email]")):
        settings = settings_with(project, privacy={"redact": ["email"], "redact_evals": wanted})
        options = settings.eval_options()
        ingest_file(project.warehouse, path, options, privacy=privacy_of(settings, options))
        [row] = rows_of(project, "SELECT example_id, input_text, correct_answer FROM staging_rows")
        assert row["input_text"] == expected
        assert row["correct_answer"] == expected.replace("q@", "r@")
        # Other files name the same example.
        assert row["example_id"] == "a@b.example"


def test_the_reason_of_an_unreadable_file_is_redacted(project: Project, tmp_path: Path):
    settings = settings_with(project, privacy={"redact": ["email"]})
    with pytest.raises(EvalFileError) as caught:
        read_logs(
            settings, project.warehouse, tmp_path / "in" / "d.jsonl", [{"timestamp": "jane@x.example", "prompt": "p"}]
        )
    assert "[email]" in str(caught.value)
    assert "jane" not in str(caught.value)


# Forgetting.


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A state folder with two audited models, two days of logs, and a secret in one example and one log row."""
    folder = tmp_path_factory.mktemp("forget")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        project = make_project(folder)
        patch.setenv("FAULTMAP_HOME", str(project.settings.home))
        rows = [dict(row) for row in eval_rows("school")]
        for row in rows:
            if row["example_id"] == "arithmetic-05":
                row["input_text"] = f"{row['input_text']} {SECRET}?"
                row["output_text"] = SECRET
        write_csv(project.evals / "school.csv", rows)
        project.ingest()
        prompts = [f"How long does it take to cook {dish} for a mill?" for dish in DISHES.split()]
        prompts += [f"What is the tax on a mill in {city}?" for city in CITIES.split()]
        logs = [
            log_row(n, prompt, "2025-11-03" if n % 2 else "2025-11-04", user_id=f"u-{n % 4}", session_id=f"s-{n}")
            for n, prompt in enumerate(prompts)
        ]
        logs[7]["prompt"] = SECRET
        read_logs(project.settings, project.warehouse, folder / "logs" / "days.jsonl", logs)
        with project.instance:
            outcome = project.audit()
        assert outcome.failed == outcome.left == ()
        with CallStore(project.settings.call_store_path) as store:
            for number, text in enumerate((json.dumps({"quote": SECRET}), "another reply")):
                entry = CallEntry(Purpose("error_judgments"), "m", "judge", "answered")
                store.record(entry, digest=bytes([number]) * 8, text=text)
        with project.warehouse.write() as connection:
            connection.execute(
                "INSERT INTO judge_validations (validated_at, labels_path, labels_digest, judged_by, question, matched,"
                " report) VALUES (now()::TIMESTAMP, 'l', 'd', 'j', 'q', 1, $report)",
                {"report": json.dumps({"said": f"It said: {SECRET}"})},
            )
        yield folder


@pytest.fixture
def kept(template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    """A copy of the template of one's own."""
    shutil.copytree(template, tmp_path / "copy", symlinks=True)
    project = make_project(tmp_path / "copy")
    monkeypatch.setenv("FAULTMAP_HOME", str(project.settings.home))
    with project.instance:
        yield project


def quoting(project: Project, text: str = SECRET) -> list[str]:
    """Tables with a text column that holds a text."""
    with project.warehouse.read() as connection:
        columns = connection.execute(
            "SELECT table_name, column_name FROM duckdb_columns() WHERE NOT internal AND data_type = 'VARCHAR'"
        ).fetchall()
        return sorted(
            {
                table
                for table, column in columns
                if connection.execute(f"FROM {table} WHERE contains({column}, $text)", {"text": text}).fetchall()
            }
        )


@pytest.mark.slow
def test_an_example_is_nowhere_after_it_was_forgotten(kept: Project):
    before = set(quoting(kept))
    assert before >= {"staging_rows", "raw_evals", "prompt_embeddings", "production_logs", "judge_validations"}
    assert SECRET.encode() in everything_that_is_kept(kept.settings.home)
    assert find_rows(kept.warehouse, [Subject("id", "arithmetic-05")]) == [
        ("school", "alpha", None, 1),
        ("school", "beta", None, 1),
    ]
    found = forget(kept.settings, [Subject("id", "arithmetic-05")])
    assert found.rows["staging_rows"] == found.rows["raw_evals"] == found.rows["scores"] == 2
    assert found.replies == 1
    assert found.blanked["judge_validations"] == 1
    assert any(name.endswith("audit_report.html") for name in found.reports)
    # The log row of another day and id said the same by itself, and stays; nothing else quotes it.
    assert quoting(kept) == ["production_logs", "staging_rows"]
    assert rows_of(kept, "SELECT count(*) AS n FROM raw_evals") == [{"n": 118}]
    with kept.warehouse.read() as connection:
        stale = {(item.asset, item.partition.key) for item in stale_partitions(read_state(connection), kept.settings)}
    assert stale >= {("raw_evals", "school|alpha"), ("failure_slices", "school|beta"), ("audit_report", "")}
    outcome = kept.audit()
    assert outcome.failed == outcome.left == ()
    assert not {"raw_evals", "failure_slices", "error_judgments", "prompt_embeddings"} & set(quoting(kept))
    assert rows_of(kept, "SELECT DISTINCT count(*) AS n FROM scores GROUP BY model") == [{"n": 59}]
    # What lost its rows beside what was concerned was made again, too.
    assert rows_of(kept, "SELECT count(*) AS n FROM coverage_summaries") == [{"n": 2}]


@pytest.mark.slow
def test_after_both_are_forgotten_no_file_holds_the_text(kept: Project):
    forget(kept.settings, [Subject("id", "arithmetic-05"), Subject("id", "log-7")])
    assert quoting(kept) == []
    assert SECRET.encode() not in everything_that_is_kept(kept.settings.home)


@pytest.mark.slow
def test_a_forgotten_row_does_not_come_back_from_its_file(kept: Project):
    forget(kept.settings, [Subject("id", "arithmetic-05")])
    path = kept.evals / "school.csv"
    again = ingest_file(kept.warehouse, path, kept.settings.eval_options())
    assert (again.rows_read, again.rows_kept, again.rows_left_out) == (120, 118, 2)
    rows = [row for row in eval_rows("school", ["alpha"]) if row["example_id"] in ("arithmetic-05", "arithmetic-06")]
    # Short, for an excerpt that is cut off may hide a name and goes in any case.
    bad = {**rows[0], "score": "bad", "input_text": "q", "output_text": "", "correct_answer": ""}
    rows += [{**bad, "example_id": one} for one in ("arithmetic-050", "arithmetic-05 ")]
    new = write_csv(kept.evals / "new.csv", [{**row, "dataset": "school", "model": "gamma"} for row in rows])
    found = ingest_file(kept.warehouse, new, kept.settings.eval_options())
    assert (found.rows_read, found.rows_kept, found.rows_quarantined, found.rows_left_out) == (4, 1, 2, 1)
    gamma = rows_of(kept, "SELECT example_id FROM staging_rows WHERE model = 'gamma'")
    assert gamma == [{"example_id": "arithmetic-06"}]
    # A bad row is no row of anybody, but its excerpt may name somebody.
    excerpts = rows_of(kept, "SELECT excerpt <> '' AS told FROM quarantine ORDER BY line")
    assert excerpts == [{"told": True}, {"told": False}]


@pytest.mark.slow
def test_only_of_one_dataset(kept: Project):
    other = write_csv(kept.evals / "kitchen.csv", eval_rows("kitchen", ["alpha"]))
    ingest_file(kept.warehouse, other, kept.settings.eval_options())
    forget(kept.settings, [Subject("id", "capital-03", "school")])
    left = rows_of(kept, "SELECT dataset FROM staging_rows WHERE example_id = 'capital-03'")
    assert left == [{"dataset": "kitchen"}]
    renewed = write_csv(kept.evals / "kitchen.csv", eval_rows("kitchen", ["beta"]))
    assert ingest_file(kept.warehouse, renewed, kept.settings.eval_options()).rows_left_out == 0


@pytest.mark.slow
@pytest.mark.parametrize(("subject", "rows"), [(Subject("user", "u-3"), 10), (Subject("session", "s-7"), 1)])
def test_a_user_or_a_session_of_the_logs(kept: Project, subject: Subject, rows: int):
    total = 40
    vectors = rows_of(kept, "SELECT count(*) AS n FROM embedding_vectors")[0]["n"]
    found = forget(kept.settings, [subject])
    assert found.rows["staging_rows"] == found.rows["production_logs"] == rows
    assert found.rows["embedding_vectors"] == rows
    assert rows_of(kept, "SELECT count(*) AS n FROM embedding_vectors") == [{"n": int(str(vectors)) - rows}]
    refresh_stale(kept.settings, kept.instance, selection=Selection(assets=["production_logs", *UP_TO_COVERAGE]))
    assert rows_of(kept, "SELECT count(*) AS n FROM production_logs") == [{"n": total - rows}]
    assert rows_of(kept, "SELECT sum(production)::INT AS n FROM coverage_summaries") == [{"n": total - rows}]
    assert rows_of(kept, f"SELECT 1 FROM staging_rows WHERE {subject.kind}_id = '{subject.value}'") == []


def test_a_pseudonym_is_found_by_the_name_that_it_stands_for(project: Project, tmp_path: Path):
    settings = settings_with(project, privacy={"redact": ["email"]})
    rows = [log_row(1, "a", user_id="jane@example.org"), log_row(2, "b", user_id="joe@example.org")]
    path = tmp_path / "in" / "day.jsonl"
    read_logs(settings, project.warehouse, path, rows)
    forget(settings, [Subject("user", "jane@example.org")])
    assert rows_of(project, "SELECT input_text FROM staging_rows") == [{"input_text": "b"}]
    # Neither under the pseudonym nor, where nothing is redacted any more, by its name.
    for redact in (["email", "ip"], []):
        changed = settings_with(project, privacy={"redact": redact})
        assert read_logs(changed, project.warehouse, path, rows).rows_left_out == 1


@pytest.mark.slow
def test_the_database_keeps_no_id_that_was_forgotten(kept: Project):
    forget(kept.settings, [Subject("user", "u-3")])
    digests = rows_of(kept, "SELECT digest FROM forgotten")
    assert all(len(str(row["digest"])) == 64 for row in digests)
    assert "u-3" not in str(digests)


@pytest.mark.slow
def test_the_command_shows_asks_deletes_and_makes_again(kept: Project):
    run = CliRunner()
    asked = ["forget", "--user", "u-3", "--home", str(kept.settings.home)]
    shown = run.invoke(app, [*asked, "--dry-run", "--json"])
    assert json.loads(shown.output) == [
        {"dataset": "production", "model": "production", "day": "2025-11-03", "rows": 10}
    ]
    refused = run.invoke(app, asked, input="n\n")
    assert refused.exit_code == 1
    assert rows_of(kept, "SELECT count(*) AS n FROM staging_rows WHERE user_id = 'u-3'") == [{"n": 10}]
    done = run.invoke(app, [*asked, "--yes"], env={"COLUMNS": "200"})
    assert done.exit_code == 0, done.output
    assert "staging_rows" in done.output
    assert "will not be read again" in done.output
    assert rows_of(kept, "SELECT count(*) AS n FROM production_logs") == [{"n": 30}]
    assert (kept.settings.report_folder / "audit_report.html").exists()
    nobody = run.invoke(app, ["forget", "--user", "nobody", "--yes", "--home", str(kept.settings.home)])
    assert (nobody.exit_code, "Nothing of it was stored" in nobody.output) == (0, True)
    assert run.invoke(app, ["forget"]).exit_code == 2


# Retention.


@pytest.mark.slow
def test_old_days_go_with_all_that_was_made_of_them_and_do_not_come_back(kept: Project, tmp_path: Path):
    today = datetime.now(UTC).date()
    days = [(today - timedelta(days=age)).isoformat() for age in (0, 30, 31, 200)]
    settings = settings_with(kept, privacy={"retention_days": 30})
    unlimited = settings_with(kept)
    path = tmp_path / "in" / "late.jsonl"
    rows = [log_row(n, f"question number {n} about mills", day, id=f"new-{n}") for n, day in enumerate(days)]
    rows[0]["timestamp"] = f"{days[0]}T00:00:00Z"
    assert read_logs(unlimited, kept.warehouse, path, rows).rows_kept == 4
    expired = expire_logs(settings, kept.warehouse)
    old_logs = 40 if days[1] > "2025-11-04" else 0
    assert expired == 2 + old_logs
    assert expire_logs(settings, kept.warehouse) == 0
    for table in ("staging_partitions", "coverage_summaries", "coverage_prompts", "production_logs"):
        assert rows_of(kept, f"SELECT 1 FROM {table} WHERE day < '{days[1]}'") == []
    assert rows_of(kept, "SELECT count(*) AS n FROM staging_rows WHERE day IS NOT NULL") == [{"n": 42 - old_logs}]
    # The evals are as they were.
    assert rows_of(kept, "SELECT count(*) AS n FROM raw_evals") == [{"n": 120}]
    rows.append(log_row(9, "another question about mills", days[3], id="new-9"))
    again = read_logs(settings, kept.warehouse, path, rows)
    assert (again.rows_read, again.rows_kept, again.rows_left_out) == (5, 2, 3)


@pytest.mark.slow
def test_an_audit_expires_by_itself(kept: Project):
    settings = settings_with(kept, privacy={"retention_days": 1})
    if datetime.now(UTC).date().isoformat() <= "2025-11-06":
        pytest.skip("the logs of the fixture are not old yet")
    # Nothing is selected: it is the audit itself that does it.
    outcome = refresh_stale(settings, kept.instance, selection=Selection(assets=()))
    assert outcome.made == ()
    assert rows_of(kept, "SELECT count(*) AS n FROM production_logs") == [{"n": 0}]
    with kept.warehouse.read() as connection:
        stale = {item.asset for item in stale_partitions(read_state(connection), settings)}
    assert "audit_report" in stale


# The files.


@pytest.mark.slow
def test_a_warehouse_that_is_written_anew_is_the_same(kept: Project):
    def content() -> dict[str, list[str]]:
        with kept.warehouse.read() as connection:
            tables = connection.execute("SELECT table_name, sql FROM duckdb_tables() ORDER BY ALL").fetchall()
            return {f"{sql}": sorted(map(str, connection.execute(f"FROM {name}").fetchall())) for name, sql in tables}

    before = content()
    kept.warehouse.rewrite()
    assert content() == before
    # The sequence goes on: a newer file supersedes.
    newest = rows_of(kept, "SELECT max(sequence) AS n FROM source_files")[0]["n"]
    ingest_file(kept.warehouse, write_csv(kept.evals / "kitchen.csv", eval_rows("kitchen")), EvalOptions())
    assert int(str(rows_of(kept, "SELECT max(sequence) AS n FROM source_files")[0]["n"])) > int(str(newest))


@pytest.mark.slow
def test_a_warehouse_that_cannot_be_written_anew_stays(kept: Project):
    in_the_way = kept.warehouse.path.with_name(f".{kept.warehouse.path.name}.fresh")
    (in_the_way / "folder").mkdir(parents=True)
    with pytest.raises(WarehouseError, match="the rows are deleted, but the file may still hold bytes of them"):
        forget(kept.settings, [Subject("id", "log-7")])
    assert rows_of(kept, "SELECT count(*) AS n FROM staging_rows WHERE day IS NOT NULL") == [{"n": 39}]


def test_the_command_line_redacts_what_it_reads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("faultmap_assets.cli.audits.refresh", lambda settings: None)
    Path("faultmap.yaml").write_text(yaml.safe_dump({"privacy": {"redact": ["email"]}}), encoding="utf-8")
    Path("day.jsonl").write_text(json.dumps(log_row(1, "I am jane@example.org")) + "\n", encoding="utf-8")
    assert CliRunner().invoke(app, ["coverage", "day.jsonl"]).exit_code == 0
    rows = Warehouse(Path("var/faultmap.duckdb")).query("SELECT input_text FROM staging_rows").to_pylist()
    assert rows == [{"input_text": "I am [email]"}]
