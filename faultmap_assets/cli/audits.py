"""`faultmap audit`, `coverage`, `status`: read what is new, make what is stale, tell it."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from faultmap_assets.cli.common import (
    AsJson,
    DatasetFilter,
    Home,
    ModelFilter,
    app,
    end,
    ingest,
    out,
    print_json,
    refresh,
    settings_of,
    stop,
    warehouse_of,
)

if TYPE_CHECKING:
    from faultmap_assets.automation.selection import Selection
    from faultmap_assets.cli.runner import RefreshOutcome
    from faultmap_assets.ingestion.staging import IngestedFile
    from faultmap_assets.settings import Settings


@app.command()
def audit(
    paths: Annotated[list[str] | None, typer.Argument(help="Eval files, folders or globs.", show_default=False)] = None,
    columns: Annotated[
        list[str] | None,
        typer.Option("--map", metavar="FIELD=COLUMN", help="How a column is named, e.g. input=question."),
    ] = None,
    dataset_name: Annotated[str | None, typer.Option(help="Dataset of rows that do not name theirs.")] = None,
    model_name: Annotated[str | None, typer.Option(help="Model of rows that do not name theirs.")] = None,
    generate_ids: Annotated[bool, typer.Option("--generate-ids", help="Derive missing ids from the prompts.")] = False,
    format_name: Annotated[
        str | None,
        typer.Option(
            "--format",
            metavar="NAME",
            help="What wrote the files: inspect, lm-eval, helm, promptfoo, openai-evals, every-eval-ever, deepeval,"
            " ragas, langsmith, mlflow, openai-batch, swe-bench, azure, promptfoo-csv, mt-bench,"
            " humaneval, opencompass, lighteval, tau-bench, swe-agent, mmlu-pro, alpaca-eval, wide-table or table."
            " Default: told by their content.",
        ),
    ] = None,
    scorer: Annotated[
        str | None,
        typer.Option(help="Which of a log's scores counts: a scorer, metric,filter or column. Default: the first."),
    ] = None,
    without_model: Annotated[
        bool, typer.Option("--without-model", help="Call no language model: keyword names, judgments by rules.")
    ] = False,
    dataset: DatasetFilter = None,
    model: ModelFilter = None,
    since: Annotated[
        str | None, typer.Option(metavar="YYYY-MM-DD", help="Of production, only this day and later ones.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Make it again although nothing changed.")] = False,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Read eval files, recompute what depends on them, show where each model fails, write the report.

    Example: faultmap audit results/*.csv --map input=question --model-name gpt-x

    Logs of Inspect AI, lm-evaluation-harness, HELM, promptfoo and OpenAI evals need no mapping: faultmap audit logs/

    Without PATHS, the paths of faultmap.yaml are read. Files that were read before are not read again. With --dataset,
    --model or --since, only that is made, and what is made of everything; the rest stays as it is.
    """
    from faultmap_assets.cli.render import tables as terminal
    from faultmap_assets.settings import WITHOUT_MODEL_VARIABLE
    from faultmap_core.data.eval_table import parse_column_map

    if without_model:
        os.environ[WITHOUT_MODEL_VARIABLE] = "1"
    settings = settings_of(home)
    options = settings.eval_options(
        column_map={**settings.evals.columns, **parse_column_map(columns or [])},
        dataset_name=dataset_name,
        model_name=model_name,
        generate_ids=generate_ids,
        format=format_name,
        scorer=scorer,
    )
    patterns = paths or list(settings.evals.paths)
    if not patterns and not settings.warehouse_path.exists():
        stop(["nothing to audit: name eval files, or set evals.paths in faultmap.yaml"])
    files, unreadable = ingest(settings, patterns, options) if patterns else ([], [])
    if patterns and not files:
        stop(unreadable)
    if not as_json:
        from faultmap_assets.cli.render.files import file_lines

        for line in file_lines(files, lambda name: settings.dataset(name).user_rule):
            out.print(terminal.literal(line), soft_wrap=True)
    outcome = refresh(settings, _selection(settings, dataset, model, since), force=force)
    datasets = dataset or sorted({key for file in files for key, _ in file.partitions}) or None
    _tell_audit(settings, files, outcome, datasets, as_json=as_json)
    end(outcome, unreadable)


@app.command()
def coverage(
    paths: Annotated[list[str] | None, typer.Argument(help="Production logs: files, folders, globs.")] = None,
    columns: Annotated[
        list[str] | None,
        typer.Option("--map", metavar="FIELD=COLUMN", help="How a column is named, e.g. input=question."),
    ] = None,
    export: Annotated[
        Path | None,
        typer.Option("--export-tests", metavar="FILE", help="Write the gaps' prompts as test cases: .jsonl or .csv."),
    ] = None,
    gaps: Annotated[
        list[str] | None,
        typer.Option("--gap", metavar="ID", help="Export only this gap; may be repeated."),
    ] = None,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Tell what production asks and the tests never do, day by day; reads production logs first where PATHS are given.

    Example: faultmap coverage logs/*.jsonl --export-tests new-tests.jsonl

    A row of a log has a timestamp, a prompt, and what else there is: id, response, model, session_id, feedback. Spans
    of OpenTelemetry and exports of Langfuse are recognised.
    """
    from faultmap_assets.cli.render import production as terminal_production
    from faultmap_assets.cli.render import tables as terminal
    from faultmap_assets.defs.evals import queries
    from faultmap_assets.defs.production import queries as production_queries
    from faultmap_assets.defs.production.gap_tests import export_tests
    from faultmap_assets.ingestion.file_ledger import ledger_line, ledger_rows
    from faultmap_assets.warehouse.unmeasured import measured_days
    from faultmap_core.data.eval_table import parse_column_map
    from faultmap_core.data.log_table import LOG_FIELDS

    if gaps and export is None:
        stop(["--gap chooses what --export-tests writes; give --export-tests FILE, too"])
    settings = settings_of(home)
    options = settings.log_options()
    options = replace(options, column_map={**options.column_map, **parse_column_map(columns or [], LOG_FIELDS)})
    patterns = paths or list(settings.logs.paths)
    files, unreadable = ingest(settings, patterns, options) if patterns else ([], [])
    if patterns and not files:
        stop(unreadable)
    outcome = refresh(settings) if patterns else None
    warehouse = warehouse_of(settings)
    days = queries.coverage(warehouse)
    slices, drift = production_queries.production_slices(warehouse), production_queries.topic_drift(warehouse)
    exported = None if export is None else export_tests(warehouse, export, gaps)
    if as_json:
        windows = {found["day"]: {"feedback": found} for found in slices}
        for found in drift:
            windows.setdefault(found["day"], {})["drift"] = found
        print_json([{**day, **windows.get(day["day"], {})} for day in measured_days(days)])
    else:
        for table in (
            *terminal.coverage_tables(measured_days(days)),
            *terminal_production.production_tables(slices, drift),
        ):
            out.print(table)
            out.print()
        if exported is not None:
            out.print(terminal.literal(f"{exported:,} test cases in {export}"), soft_wrap=True)
        if files:
            out.print(terminal.literal(ledger_line(ledger_rows(warehouse))), soft_wrap=True, highlight=False)
        for note in _coverage_notes(days, slices):
            out.print(terminal.literal(note), soft_wrap=True)
    end(outcome, unreadable)


def _coverage_notes(days: Sequence[Mapping[str, Any]], slices: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Yield what the newest day cannot tell, with what would change that."""
    if not days:
        yield "No production log was audited yet: `faultmap coverage LOGS`."
        return
    newest = days[-1]
    if not newest["tests"]:
        yield (
            "No evals were audited, so there is no test to hold these prompts against: `faultmap audit FILES` reads"
            " evals, then `faultmap coverage` tells what they never ask."
        )
    elif newest["note"]:
        yield f"{newest['day']}: {newest['note']}"
    if slices and not slices[-1]["with_feedback"]:
        yield str(slices[-1]["note"])


@app.command()
def status(home: Home = None, as_json: AsJson = False) -> None:
    """Tell what is fresh, what is stale and why, which files cannot be read and which rows were quarantined.

    Example: faultmap status --json
    """
    from faultmap_assets.cli.render import tables as terminal
    from faultmap_assets.defs.evals import queries
    from faultmap_assets.graph.declarations import ASSET_GRAPH
    from faultmap_assets.graph.staleness import plan_runs, stale_partitions
    from faultmap_assets.ingestion.reconciliations import file_summaries
    from faultmap_assets.ingestion.watched_files import bad_files
    from faultmap_assets.warehouse.materializations import read_state

    settings = settings_of(home)
    warehouse = warehouse_of(settings)
    with warehouse.read() as connection:
        state = read_state(connection)
    stale = stale_partitions(state, settings)
    quarantined = queries.quarantined(warehouse)
    compared = file_summaries(warehouse)
    bad = bad_files(warehouse)
    blocked = {key: made.blocked_by for key, made in state.materialized.items() if made.blocked_by}
    if as_json:
        print_json(
            {
                "assets": {node.name: len(state.partitions(node.scope)) for node in ASSET_GRAPH},
                "stale": [
                    {
                        "asset": item.asset,
                        "partition": item.partition.key,
                        "reason": item.reason,
                        "waits_for": [[name, partition.key] for name, partition in item.waits_for],
                    }
                    for item in stale
                ],
                "blocked": [[asset, partition.key, check] for (asset, partition), check in sorted(blocked.items())],
                "quarantined": quarantined,
                "reconciliations": [one.to_dict() for one in compared],
                "bad_files": [{"path": file.path, "reason": file.reason, "since": file.since} for file in bad],
            }
        )
        return
    total = sum(len(state.partitions(node.scope)) for node in ASSET_GRAPH)
    out.print(f"{total - len(stale)} of {total} results are up to date.", highlight=False)
    for (asset, partition), check in sorted(blocked.items()):
        out.print(terminal.literal(f"{asset} of {partition.key}: its check {check} failed; what is below waits", "red"))
    if stale:
        out.print(terminal.stale_table(stale))
        if plan_runs(stale):
            out.print("`faultmap audit` makes what it can.")
    if bad:
        out.print()
        out.print(terminal.bad_files_table(bad))
    if quarantined:
        out.print()
        out.print(terminal.quarantine_table(quarantined))
    for line in terminal.disagreement_lines(compared):
        out.print(line, soft_wrap=True)


def _selection(
    settings: Settings, datasets: list[str] | None, models: list[str] | None, since: str | None
) -> Selection:
    """Raises typer.Exit where the day is none or a name is unknown."""
    from faultmap_assets.automation.selection import Selection
    from faultmap_assets.warehouse.known_names import check_names
    from faultmap_core.base.errors import ConfigurationError

    if since:
        try:
            since = date.fromisoformat(since).isoformat()
        except ValueError:
            stop([f"--since {since}: expected a day such as 2026-01-31"])
    try:
        # What only history knows (and all production traffic, under its one name there) cannot be made.
        check_names(warehouse_of(settings), datasets, models, of_evals=True)
    except ConfigurationError as error:
        stop([str(error)])
    return Selection(datasets=datasets, models=models, since=since)


def _tell_audit(
    settings: Settings,
    files: Sequence[IngestedFile],
    outcome: RefreshOutcome,
    datasets: list[str] | None,
    *,
    as_json: bool,
) -> None:
    from faultmap_assets.cli.render import memo as terminal_memo
    from faultmap_assets.cli.render import tables as terminal
    from faultmap_assets.defs.evals import queries
    from faultmap_assets.defs.why import queries as error_queries
    from faultmap_assets.ingestion.file_ledger import ledger_line, ledger_rows
    from faultmap_assets.ingestion.reconciliations import file_summaries
    from faultmap_assets.report.memo import memo_of
    from faultmap_assets.report.scope import Scope
    from faultmap_assets.warehouse.same_questions import same_questions, same_questions_lines
    from faultmap_assets.warehouse.unmeasured import measured_pairs
    from faultmap_core.base.text import counted

    warehouse = warehouse_of(settings)
    twins = same_questions(warehouse, datasets)
    compared = file_summaries(warehouse)
    found = queries.failure_slices(warehouse, datasets)
    pairs = queries.comparisons(warehouse, datasets)
    summaries = [row for row in queries.score_summaries(warehouse) if not datasets or row["dataset"] in datasets]
    report = settings.report_folder / "audit_report.html"
    quarantined = sum(file.rows_quarantined for file in files)
    if as_json:
        print_json(
            {
                "files": [
                    {
                        "path": str(file.path),
                        "news": file.news,
                        "rows_read": file.rows_read,
                        "rows_kept": file.rows_kept,
                        "rows_quarantined": file.rows_quarantined,
                        "rows_repeated": file.rows_repeated,
                    }
                    for file in files
                ],
                "made": [[asset, partition.key] for asset, partition in outcome.made],
                "failed": [
                    [list(failure.run.assets), failure.run.partition.key, failure.reason] for failure in outcome.failed
                ],
                "summaries": summaries,
                "reconciliations": [one.to_dict() for one in compared],
                "slices": found,
                "comparisons": measured_pairs(pairs),
                "same_questions": [vars(one) for one in twins],
                "taxonomy": error_queries.taxonomy_rows(warehouse),
                "signatures": error_queries.signatures(warehouse, datasets),
                "ledger": ledger_rows(warehouse),
                "report": str(report) if report.exists() else None,
            }
        )
        return
    scored = {row["dataset"] for row in summaries}
    # What a check holds back has no scores, and `end` says why.
    chosen = sorted(scored.intersection(datasets) if datasets else scored)
    if chosen:
        for part in terminal_memo.memo_parts(memo_of(warehouse, Scope.of(warehouse, chosen, None, texts=True))):
            out.print(part)
    kinds = error_queries.taxonomy_rows(warehouse)
    errors = sum(row["errors"] for row in kinds if row["depth"] == 1) + error_queries.unclassified(warehouse)
    if why := terminal_memo.why_line(kinds, errors, error_queries.without_error(warehouse)):
        out.print()
        out.print(why)
    out.print()
    if quarantined:
        out.print(
            f"{quarantined:,} rows were quarantined and not counted; `faultmap status` tells why.", highlight=False
        )
    out.print(terminal.literal(ledger_line(ledger_rows(warehouse))), soft_wrap=True, highlight=False)
    for line in terminal.disagreement_lines(compared):
        out.print(line, soft_wrap=True)
    for hint in same_questions_lines(twins):
        out.print(terminal.literal(hint, "yellow"), soft_wrap=True)
    made = f"{counted(len(outcome.made), 'result')} made" if outcome.made else "Nothing changed since the last audit"
    out.print(
        f"{made}. `faultmap slices` lists all weak spots, `faultmap show ID` one with its examples.", highlight=False
    )
    if report.exists():
        out.print(terminal.literal(f"Report: {report}"), soft_wrap=True)
