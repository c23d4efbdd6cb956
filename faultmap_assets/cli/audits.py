"""`faultmap audit`, `coverage`, `status`: read what is new, make what is stale, tell it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from faultmap_assets.cli.common import (
    AsJson,
    Home,
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
    from faultmap_assets.audit import RefreshOutcome
    from faultmap_assets.ingestion import IngestedFile
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
    without_model: Annotated[
        bool, typer.Option("--without-model", help="Call no language model: keyword names, judgments by rules.")
    ] = False,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Read eval files, recompute what depends on them, show where each model fails, write the report.

    Example: faultmap audit results/*.csv --map input=question --model-name gpt-x

    Without PATHS, the paths of faultmap.yaml are read. Files that were read before are not read again.
    """
    from faultmap_assets.settings import WITHOUT_MODEL_VARIABLE
    from faultmap_core.evals import parse_column_map

    if without_model:
        os.environ[WITHOUT_MODEL_VARIABLE] = "1"
    settings = settings_of(home)
    options = settings.eval_options(
        column_map={**settings.evals.columns, **parse_column_map(columns or [])},
        dataset_name=dataset_name,
        model_name=model_name,
        generate_ids=generate_ids,
    )
    patterns = paths or list(settings.evals.paths)
    if not patterns and not settings.warehouse_path.exists():
        stop(["nothing to audit: name eval files, or set evals.paths in faultmap.yaml"])
    files, unreadable = ingest(settings, patterns, options) if patterns else ([], [])
    if patterns and not files:
        stop(unreadable)
    outcome = refresh(settings)
    datasets = sorted({dataset for file in files for dataset, _ in file.partitions}) or None
    _tell_audit(settings, files, outcome, datasets, as_json=as_json)
    end(outcome, unreadable)


@app.command()
def coverage(
    paths: Annotated[list[str] | None, typer.Argument(help="Production logs: files, folders, globs.")] = None,
    columns: Annotated[
        list[str] | None,
        typer.Option("--map", metavar="FIELD=COLUMN", help="How a column is named, e.g. input=question."),
    ] = None,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Tell what production asks and the tests never do, day by day; reads production logs first where PATHS are given.

    Example: faultmap coverage logs/*.jsonl

    A row of a log has a timestamp, a prompt, and what else there is: id, response, model, session_id.
    """
    from faultmap_assets import queries, terminal
    from faultmap_core.evals import parse_column_map
    from faultmap_core.logs import LOG_FIELDS

    settings = settings_of(home)
    options = settings.log_options()
    options = replace(options, column_map={**options.column_map, **parse_column_map(columns or [], LOG_FIELDS)})
    patterns = paths or list(settings.logs.paths)
    files, unreadable = ingest(settings, patterns, options) if patterns else ([], [])
    if patterns and not files:
        stop(unreadable)
    outcome = refresh(settings) if patterns else None
    days = queries.coverage(warehouse_of(settings))
    if as_json:
        print_json(days)
    else:
        for table in terminal.coverage_tables(days):
            out.print(table)
            out.print()
        if not days:
            out.print("No production log was audited yet: `faultmap coverage LOGS`.")
    end(outcome, unreadable)


@app.command()
def status(home: Home = None, as_json: AsJson = False) -> None:
    """Tell what is fresh, what is stale and why, and which rows were quarantined."""
    from faultmap_assets import queries, terminal
    from faultmap_assets.records import read_state
    from faultmap_assets.staleness import ASSET_GRAPH, plan_runs, stale_partitions

    settings = settings_of(home)
    warehouse = warehouse_of(settings)
    with warehouse.read() as connection:
        state = read_state(connection)
    stale = stale_partitions(state, settings)
    quarantined = queries.quarantined(warehouse)
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
            }
        )
        return
    total = sum(len(state.partitions(node.scope)) for node in ASSET_GRAPH)
    out.print(f"{total - len(stale)} of {total} partitions are fresh.", highlight=False)
    for (asset, partition), check in sorted(blocked.items()):
        out.print(terminal.literal(f"{asset} of {partition.key}: its check {check} failed; what is below waits", "red"))
    if stale:
        out.print(terminal.stale_table(stale))
        if plan_runs(stale):
            out.print("`faultmap audit` makes what it can.")
    if quarantined:
        out.print()
        out.print(terminal.quarantine_table(quarantined))


def _tell_audit(
    settings: Settings,
    files: Sequence[IngestedFile],
    outcome: RefreshOutcome,
    datasets: list[str] | None,
    *,
    as_json: bool,
) -> None:
    from faultmap_assets import error_queries, queries, terminal, terminal_why

    warehouse = warehouse_of(settings)
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
                "slices": found,
                "comparisons": pairs,
                "taxonomy": error_queries.taxonomy_rows(warehouse),
                "signatures": error_queries.signatures(warehouse, datasets),
                "report": str(report) if report.exists() else None,
            }
        )
        return
    out.print(terminal.summary_table(summaries, found))
    for table in terminal.slice_tables(found):
        out.print()
        out.print(table)
    for table in terminal.comparison_tables(pairs):
        out.print()
        out.print(table)
    kinds = error_queries.taxonomy_rows(warehouse)
    if kinds:
        out.print()
        for line in terminal_why.taxonomy_lines(kinds, error_queries.unclassified(warehouse), 0.03):
            out.print(line, soft_wrap=True)
    for table in terminal_why.signature_tables(error_queries.signatures(warehouse, datasets), most=5):
        out.print()
        out.print(table)
    if not found and summaries:
        out.print("\nNo region of any dataset fails significantly more than the rest.")
    out.print()
    if quarantined:
        out.print(
            f"{quarantined:,} rows were quarantined and not counted; `faultmap status` tells why.", highlight=False
        )
    made = f"{len(outcome.made)} partitions made" if outcome.made else "nothing was stale"
    out.print(f"{made}. `faultmap show ID` shows a slice's examples.", highlight=False)
    if report.exists():
        out.print(terminal.literal(f"Report: {report}"), soft_wrap=True)
