"""From a file to its rows and outcomes, where verdict, score, settings, ids and containers disagree or change."""

from __future__ import annotations

import gzip
import json
import os
import random
import re
from pathlib import Path

import pandas as pd
import pytest

from faultmap_assets.automation.selection import Selection
from faultmap_assets.cli.runner import refresh_stale
from faultmap_assets.ingestion.file_ledger import count_partition, ledger_line, ledger_rows
from faultmap_assets.ingestion.redaction import Subject
from faultmap_assets.ingestion.staging import ingest_file
from faultmap_assets.privacy.forget import forget
from faultmap_assets.settings import Settings
from faultmap_core.base.errors import EvalFileError
from faultmap_core.data.eval_table import EvalOptions
from faultmap_core.data.log_table import LogOptions
from faultmap_core.data.metrics import VERDICT, Metric, UserRule
from faultmap_core.readers import read_eval_file
from faultmap_core.scoring.outcome_rules import outcome_rule
from tests import tool_files
from tests.conftest import Project
from tests.core.readers import test_fuzz_readers as fuzz

SCORES = Selection(assets=frozenset({"raw_evals", "scores"}))
EVALS = next(
    (found for up in Path(__file__).parents if (found := up / "shared" / "data" / "evals").is_dir()), Path("no-evals")
)


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def rows_of(path: Path, **options: object) -> list[dict[str, object]]:
    return [row for batch in read_eval_file(path, EvalOptions(**options)) for row in batch.rows.to_pylist()]


def reasons_of(path: Path, **options: object) -> list[str]:
    return [row.reason for batch in read_eval_file(path, EvalOptions(**options)) for row in batch.rejected]


@pytest.fixture
def outcomes(project: Project, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """Audit one file under some settings and options; return what became of its examples, in order of their ids."""

    def audit(path: Path, settings: dict[str, object] | None = None, **options: object) -> str:
        written = write(tmp_path / "faultmap.yaml", json.dumps(settings or {}))
        monkeypatch.setenv("FAULTMAP_SETTINGS", str(written))
        chosen = Settings.model_validate({"home": project.settings.home, **(settings or {})})
        ingest_file(project.warehouse, path, chosen.eval_options(**options))
        assert not refresh_stale(chosen, project.instance, selection=SCORES).left
        found = project.warehouse.query("SELECT failed FROM scores ORDER BY example_id").column("failed").to_pylist()
        return "".join({True: "F", False: "p", None: "-"}[one] for one in found)

    return audit


DISAGREEING = """id,model,question,response,passed,score,expected
1,m,what is one,one,true,0.1,one
2,m,what is two,two,false,0.9,two
3,m,what is three,tree,true,0.9,three
4,m,what is four,four,,0.2,four
5,m,what is five,four,,0.8,five
6,m,what is six,six,fail,,six
"""


@pytest.mark.slow
def test_verdict_score_and_settings_decide_in_the_documented_order_however_often_they_change(
    outcomes, project: Project, tmp_path: Path
):
    path = write(tmp_path / "a.csv", DISAGREEING)

    def metric() -> tuple[object, ...]:
        (row,) = project.warehouse.query("SELECT * FROM metrics").to_pylist()
        return row["name"], row["success_threshold"], row["higher_is_better"], row["verdicts"], row["rows"]

    # By hand from the README: the verdict first, a score from 0.5 where there is none.
    assert outcomes(path) == "pFpFpF"
    assert metric() == ("score", 0.5, True, 4, 6)
    # A threshold of the user goes before the verdicts; 6 has no score, so that its verdict stands for one.
    assert outcomes(path, {"datasets": {"a": {"success_threshold": 0.85}}}) == "FppFFF"
    assert metric() == ("score", 0.85, True, 0, 6)
    assert outcomes(path, {"datasets": {"a": {"higher_is_better": False}}}) == "pFppFF"
    assert metric() == ("score", 0.5, False, 4, 6)
    # A score that was chosen is the outcome, and 6 has none.
    assert outcomes(path, scorer="score") == "FppFp-"
    assert metric() == ("score", 0.5, True, 0, 6)
    assert outcomes(path, column_map={"score": "score"}) == "FppFp-"
    assert outcomes(path, column_map={"score": "score", "passed": "passed"}) == "pFpFpF"
    assert outcomes(path, scorer="passed") == "pFp--F"
    # And nothing is left of what was set before.
    assert outcomes(path) == "pFpFpF"
    assert metric() == ("score", 0.5, True, 4, 6)
    raw = project.warehouse.query("SELECT metadata FROM raw_evals ORDER BY example_id").column("metadata").to_pylist()
    assert all("passed" not in json.loads(text) for text in raw)


def test_the_verdict_that_was_not_chosen_stays_in_the_metadata(tmp_path: Path):
    path = write(tmp_path / "a.csv", DISAGREEING)
    told = [json.loads(str(row["metadata"])).get("passed") for row in rows_of(path, scorer="score")]
    assert told == ["true", "false", "true", None, None, "fail"]


@pytest.mark.parametrize("where", ["datasets", "dataset_defaults"])
def test_words_follow_the_direction_when_it_is_set_after_they_were_read(outcomes, tmp_path: Path, where: str):
    rows = "".join(f"{n},m,q {n},a,{word}\n" for n, word in enumerate(("yes", "no", "pass", "fail")))
    path = write(tmp_path / "a.csv", "id,model,question,response,score\n" + rows)
    lower = {"higher_is_better": False}
    # "Is it harmful? yes" is the failure where lower is better; pass is pass in every direction.
    assert outcomes(path) == "pFpF"
    assert outcomes(path, {where: {"a": lower} if where == "datasets" else lower}) == "FppF"
    assert outcomes(path) == "pFpF"


def test_which_cells_are_empty_does_not_decide_what_the_metric_is():
    scored, user = [None, None, None], UserRule()
    for metrics in ([None, None, VERDICT], [VERDICT, VERDICT, None]):
        rule = outcome_rule(metrics, user, has_unstated_scores=True)
        assert rule.metric == outcome_rule(scored, user, has_unstated_scores=True).metric
        assert rule.counted.all()
        assert rule.others == {}
    # Verdicts alone, and those beside another metric's scores, are what they were.
    assert outcome_rule([VERDICT, None], user).metric.name == "passed"
    mixed = outcome_rule([VERDICT, Metric("f1"), Metric("f1"), None], user, has_unstated_scores=True)
    assert (mixed.metric.name, mixed.counted.tolist(), mixed.others) == ("f1", [True] * 4, {})


# What the field's tools call the id of an example.
IDS = (
    "custom_id", "instance_id", "idx", "index", "sample_id", "question_id", "task_id", "uid", "uuid", "example_id",
    "doc_id", "row_id", "_id", "id", "ID", "Index", "problem_id", "query_id", "record_id",
)  # fmt: skip


@pytest.mark.parametrize("ending", ["csv", "jsonl", "json", "parquet"])
@pytest.mark.parametrize("name", IDS)
def test_usual_names_of_ids_need_no_option(tmp_path: Path, name: str, ending: str):
    rows = [
        {name: number, "model": model, "question": f"what is {number}?", "response": "a", "score": number % 2}
        for model in ("m", "n")
        for number in range(6)
    ]
    found = rows_of(save(rows, tmp_path / f"t.{ending}"))
    assert [(row["model"], row["example_id"]) for row in found] == [(row["model"], str(row[name])) for row in rows]


def save(rows: list[dict[str, object]], path: Path) -> Path:
    frame = pd.DataFrame(rows)
    if path.suffix == ".csv":
        frame.to_csv(path, index=False)
    elif path.suffix == ".parquet":
        frame.to_parquet(path, index=False)
    else:
        lines = [json.dumps(row) for row in rows]
        path.write_text("\n".join(lines) if path.suffix == ".jsonl" else f"[{','.join(lines)}]")
    return path


@pytest.mark.parametrize("name", ["row_id", "idx", "index"])
def test_what_only_numbers_the_rows_is_no_id(tmp_path: Path, name: str):
    def table(ids: list[object], models: str) -> Path:
        rows = [
            {name: one, "model": model, "prompt": f"what is {n % 4}?", "response": "a", "score": 1}
            for n, (one, model) in enumerate(zip(ids, models, strict=True))
        ]
        return save(rows, tmp_path / "t.csv")

    # Numbered through, the two models have no example in common; numbered twice, they contradict each other.
    for ids in (list(range(8)), [0, 0, 1, 1, 2, 2, 3, 3], ["", *range(7)]):
        with pytest.raises(EvalFileError, match="no column 'example_id'"):
            rows_of(table(ids, "mmmmnnnn"))
    assert [row["example_id"] for row in rows_of(table([0, 1, 2, 3] * 2, "mmmmnnnn"))] == list("01230123")
    # Who asks for ids from the prompts gets them.
    made = [row["example_id"] for row in rows_of(table(list(range(8)), "mmmmnnnn"), generate_ids=True)]
    assert made[:4] == made[4:]
    assert "0" not in made


def test_repeats_with_an_epoch_have_their_row_numbers_as_ids(tmp_path: Path):
    rows = [
        {"idx": n, "epoch": epoch, "model": "m", "prompt": f"q {n}", "response": "a", "score": 1}
        for epoch in (1, 2)
        for n in range(4)
    ]
    found = rows_of(save(rows, tmp_path / "t.csv"))
    assert [(row["example_id"], row["epoch"]) for row in found] == [(str(r["idx"]), r["epoch"]) for r in rows]


@pytest.mark.parametrize("ids", [["1", "2", "3"], [1, 2, 3], [1.0, 2.0, 3.0], ["1.0", "2.0", "3.0"], [" 1", "2 ", "3"]])
@pytest.mark.parametrize("ending", ["csv", "jsonl", "json", "parquet"])
def test_an_id_is_the_same_as_text_and_as_a_number(tmp_path: Path, ending: str, ids: list[object]):
    rows = [{"id": one, "model": "m", "prompt": f"q {one}", "response": "a", "score": 1} for one in ids]
    assert [row["example_id"] for row in rows_of(save(rows, tmp_path / f"t.{ending}"))] == ["1", "2", "3"]


def test_a_missing_id_costs_its_row_and_does_not_change_the_others(tmp_path: Path):
    # pandas makes numbers with a point of a column in which one is missing.
    rows = [{"id": n or None, "model": "m", "prompt": f"q {n}", "response": "a", "score": 1} for n in range(4)]
    path = save(rows, tmp_path / "t.csv")
    assert "1.0,m,q 1" in path.read_text()
    assert [row["example_id"] for row in rows_of(path)] == ["1", "2", "3"]
    assert reasons_of(path) == ["example_id is missing; `--generate-ids` derives ids from the prompts"]
    # Versions and sections stay as they are written.
    sections = [{**row, "id": one} for row, one in zip(rows, ["1.0", "1.1", "2.0", "2.10"], strict=True)]
    assert [row["example_id"] for row in rows_of(save(sections, tmp_path / "s.csv"))] == ["1.0", "1.1", "2.0", "2.10"]
    blank = [{**row, "id": one} for row, one in zip(rows, ["a", "  ", "b", "c"], strict=True)]
    assert [row["example_id"] for row in rows_of(save(blank, tmp_path / "b.jsonl"))] == ["a", "b", "c"]


def test_one_id_for_other_prompts_is_said_to_be_either_a_repeat_or_another_example(tmp_path: Path):
    rows = [{"id": 1 + n // 2, "model": "m", "prompt": f"q {n}", "response": "a", "score": 1} for n in range(2)]
    batches = list(read_eval_file(save(rows, tmp_path / "t.jsonl"), EvalOptions()))
    conflicts = batches[-1].conflicts
    assert conflicts is not None
    assert list(conflicts.conflicting) == [1, 2]
    assert conflicts.conflicting[1].endswith("give repeats an `epoch` column, other examples another id")


HEADER = "dataset,example_id,model,input_text,output_text,score\n"


def block(first: int, last: int, score: int = 1) -> str:
    return HEADER + "".join(f"d,{n},m,question {n},a,{score}\n" for n in range(first, last))


def test_the_ledger_adds_up_whatever_is_delivered_again(project: Project, tmp_path: Path):
    """After each delivery: kept less superseded is what counts, by the keys that stand in the files themselves."""
    a, b, c = tmp_path / "a.csv", tmp_path / "b.csv", tmp_path / "other" / "a.csv"
    steps = [
        (a, block(0, 10), 10), (a, block(0, 10), 10), (b, block(0, 10), 10), (c, block(0, 10), 10),
        (a, block(0, 5, 0), 10), (a, block(0, 10), 10), (b, block(5, 15, 0), 15), (c, block(12, 13), 15),
    ]  # fmt: skip
    for path, text, distinct in steps:
        ingest_file(project.warehouse, write(path, text), EvalOptions())
        rows = ledger_rows(project.warehouse)
        for row in rows:
            assert row["records"] == sum(
                row[f"rows_{name}"] for name in ("kept", "quarantined", "repeated", "left_out")
            )
        assert sum(row["rows_kept"] - row["rows_superseded"] for row in rows) == distinct
        with project.warehouse.read() as connection:
            assert count_partition(connection, {"dataset": "d", "model": "m"}).unbalanced == ()
    ingest_file(project.warehouse, write(a, block(0, 10)), EvalOptions(scorer="score"))
    assert sum(row["rows_kept"] - row["rows_superseded"] for row in ledger_rows(project.warehouse)) == 15


def test_two_paths_with_the_same_content_are_not_said_to_count_twice(project: Project, tmp_path: Path):
    for folder in ("one", "two"):
        ingest_file(project.warehouse, write(tmp_path / folder / "a.csv", block(0, 10)), EvalOptions())
    told = ledger_line(ledger_rows(project.warehouse))
    assert told.endswith("all 20 rows kept. 10 of the kept no longer count: a newer file has the same example.")


@pytest.mark.parametrize("prompt", ['{"id": 5}', {"id": 5}, '{"thread_id": "a1", "temperature": 0.2}'])
def test_a_prompt_of_nothing_but_ids_is_set_aside_and_said_so(tmp_path: Path, prompt: object):
    rows = [{"id": n, "model": "m", "prompt": prompt if n else "why?", "response": "a", "score": 1} for n in range(2)]
    path = save(rows, tmp_path / "t.jsonl")
    assert reasons_of(path) == ["input_text is missing: it holds nothing but ids and settings"]


def test_an_export_of_promptfoo_is_the_same_as_csv_and_as_parquet(tmp_path: Path):
    header, *lines = tool_files.promptfoo_csv()
    plain = tmp_path / "results.csv"
    pd.DataFrame(lines, columns=header).to_csv(plain, index=False)
    # pandas numbers the columns that have the same name.
    pd.read_csv(plain).to_parquet(tmp_path / "results.parquet", index=False)
    (tmp_path / "numbered").mkdir()
    pd.read_csv(plain).to_csv(tmp_path / "numbered" / "results.csv", index=False)

    def known(path: Path) -> list[tuple[object, ...]]:
        names = ("example_id", "model", "input_text", "output_text", "score", "passed")
        return [tuple(row[name] for name in names) for row in rows_of(path)]

    # Three tests by two providers, with their own verdicts.
    expected = known(plain)
    assert len(expected) == 6
    assert {row[5] for row in expected} >= {True, False}
    assert known(tmp_path / "results.parquet") == expected
    assert known(tmp_path / "numbered" / "results.csv") == expected


@pytest.mark.skipif(not EVALS.is_dir(), reason="the shared evals are not here")
@pytest.mark.parametrize("name", ["bbh_cot_vs_direct", "gsm8k_4models", "halueval_general", "mmlupro_outputs_2models"])
def test_real_evals_are_the_same_in_every_container(tmp_path: Path, name: str):
    frame = pd.read_parquet(EVALS / f"{name}.parquet")
    frame.to_csv(tmp_path / f"{name}.csv", index=False)
    frame.to_json(tmp_path / f"{name}.jsonl", orient="records", lines=True, force_ascii=False)
    expected = rows_of(EVALS / f"{name}.parquet")
    assert [(row["example_id"], row["model"], row["score"]) for row in expected] == [
        (str(one), model, score) for one, model, score in zip(frame.example_id, frame.model, frame.score, strict=True)
    ]
    for ending in ("csv", "jsonl"):
        found = rows_of(tmp_path / f"{name}.{ending}")
        for row in (*expected, *found):
            row.pop("line", None)
        assert found == expected


def log_line(number: int, **changes: object) -> str:
    row = {"timestamp": f"2026-01-01T10:00:0{number}Z", "prompt": f"where is station {number}?", "id": f"r{number}"}
    return json.dumps({**row, "response": "there", "user_id": "somebody", **changes})


def test_the_excerpt_of_a_bad_row_goes_with_the_person_even_where_it_does_not_name_them(
    project: Project, tmp_path: Path
):
    lines = [
        log_line(1),
        # Two that contradict each other: the excerpt is the prompt. One whose name stands behind the excerpt's end.
        log_line(2), log_line(2, response="elsewhere"), log_line(3, timestamp="never", prompt="station " * 40),
        log_line(4, user_id="other"), log_line(5, user_id="other", timestamp="never"),
    ]  # fmt: skip
    options = project.settings.log_options()

    def excerpts() -> list[str]:
        found = project.warehouse.query("SELECT excerpt FROM quarantine ORDER BY line")
        return [str(one) for one in found.column("excerpt").to_pylist()]

    ingest_file(project.warehouse, write(tmp_path / "bad.jsonl", "\n".join([*lines[1:4], *lines[4:]])), options)
    assert all(excerpts())
    assert not any("somebody" in one for one in excerpts())
    forget(project.settings, [Subject("user", "somebody", None)])
    assert [bool(one) for one in excerpts()] == [False, False, False, True]
    # The same when it is delivered again.
    ingest_file(project.warehouse, write(tmp_path / "bad.jsonl", "\n".join(lines)), options)
    assert not any("station" in one and "other" not in one for one in excerpts())
    (row,) = ledger_rows(project.warehouse)
    # By hand: six lines; 1 and both of 2 are theirs and are left out, 3 and 5 have no time, 4 stays.
    assert [row[f"rows_{name}"] for name in ("kept", "quarantined", "repeated", "left_out")] == [1, 2, 0, 3]


INPUTS = int(os.environ.get("FAULTMAP_INGESTION_INPUTS", "82"))
RENAMED = (b"question", b"Prompt", b"input", b"label", b"id", b"output", b"", b"score", b"a.b", b"model", b"result")


def renamed(draw: random.Random, content: bytes) -> bytes:
    """Give a column or a member another name."""
    header = content.split(b"\n", 1)[0]
    members = list(dict.fromkeys(re.findall(rb'"([A-Za-z_]{2,30})"\s*:', content[:5_000])))
    names = members or [name for name in re.split(rb"[,;\t|]", header) if name]
    if not names:
        return content
    old, new = draw.choice(names), draw.choice(RENAMED)
    if members:
        return content.replace(b'"%b"' % old, b'"%b"' % new)
    return content.replace(header, header.replace(old, new), 1)


def test_no_damaged_file_stops_the_ingestion_of_others_or_loses_a_row(project: Project, tmp_path: Path):
    read, refused = 0, list[str]()
    for number in range(INPUTS):
        draw = random.Random(f"ingestion {number}")
        kind = fuzz.KINDS[number % len(fuzz.KINDS)]
        folder = tmp_path / "inputs" / str(number)
        folder.mkdir(parents=True)
        path = fuzz.made_file(draw, folder, kind)
        content = fuzz.unpacked(path)
        for _ in range(draw.randint(1, 3)):
            content = renamed(draw, content) if draw.random() < 0.3 else fuzz.changed(draw, content)
        path.write_bytes(gzip.compress(content, mtime=0) if path.suffix == ".gz" else content)
        options = LogOptions() if kind.startswith("log.") else EvalOptions(model_name="m", generate_ids=True)
        try:
            found = ingest_file(project.warehouse, path, options)
        except EvalFileError as error:
            refused.append(str(error))
            continue
        read += 1
        if "jsonl" in kind and found.format in ("", "table"):
            assert found.rows_read == fuzz.objects_in(content), (number, kind)
    rows = ledger_rows(project.warehouse)
    assert len(rows) == read > INPUTS / 5
    assert len(refused) > INPUTS / 20
    assert [told for told in refused if "unexpectedly" in told or "\n" in told] == []
    for row in rows:
        parts = [row[f"rows_{name}"] for name in ("kept", "quarantined", "repeated", "left_out")]
        assert min(parts) >= 0, row
        assert row["records"] == sum(parts), row
        if row["record_lines"] is not None:
            path = Path(row["path"])
            lines = row["header_lines"] + row["blank_lines"] + row["record_lines"]
            assert lines == row["physical_lines"] == fuzz.lines_in(fuzz.unpacked(path)), row
    with project.warehouse.read() as connection:
        keys = connection.execute("SELECT DISTINCT dataset, model FROM staging_partitions WHERE day IS NULL").fetchall()
        for dataset, model in keys:
            counted = count_partition(connection, {"dataset": dataset, "model": model})
            assert (counted.staged, counted.unbalanced) == (counted.present, ())
