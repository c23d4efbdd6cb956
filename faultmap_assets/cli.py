"""`faultmap`: audit eval files, read the findings, look after the warehouse.

Exit codes: 0 done; 1 something could not be made (it says what); 2 wrong use, a bad setting or an unreadable file.
What a command needs is imported when it runs, so that `--help` is quick.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer
from rich.console import Console

from faultmap_core.errors import EvalFileError, FaultmapError

if TYPE_CHECKING:
    from faultmap_assets.audit import RefreshOutcome
    from faultmap_assets.ingestion import IngestedFile
    from faultmap_assets.settings import Settings
    from faultmap_assets.warehouse import Warehouse

app = typer.Typer(
    name="faultmap",
    help="Find where your language models fail: significant failure slices from eval results.",
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

Home = Annotated[
    Path | None,
    typer.Option("--home", help="State folder (warehouse, reports, Dagster). Default: var.", show_default=False),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]
DatasetFilter = Annotated[list[str] | None, typer.Option("--dataset", help="Only this dataset; may be repeated.")]
ModelFilter = Annotated[list[str] | None, typer.Option("--model", help="Only this model; may be repeated.")]

out = Console(soft_wrap=False)
err = Console(stderr=True)


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
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Read eval files, recompute what depends on them, show where each model fails, write the report.

    Example: faultmap audit results/*.csv --map input=question --model-name gpt-x

    Without PATHS, the paths of faultmap.yaml are read. Files that were read before are not read again.
    """
    from faultmap_core.evals import parse_column_map

    settings = _settings(home)
    options = settings.eval_options(
        column_map={**settings.evals.columns, **parse_column_map(columns or [])},
        dataset_name=dataset_name,
        model_name=model_name,
        generate_ids=generate_ids,
    )
    patterns = paths or list(settings.evals.paths)
    if not patterns and not settings.warehouse_path.exists():
        _stop(["nothing to audit: name eval files, or set evals.paths in faultmap.yaml"])
    files, unreadable = _ingest(settings, patterns, options) if patterns else ([], [])
    if patterns and not files:
        _stop(unreadable)
    outcome = _refresh(settings)
    datasets = sorted({dataset for file in files for dataset, _ in file.partitions}) or None
    _tell_audit(settings, files, outcome, datasets, as_json=as_json)
    _end(outcome, unreadable)


@app.command()
def slices(
    dataset: DatasetFilter = None, model: ModelFilter = None, home: Home = None, as_json: AsJson = False
) -> None:
    """List the failure slices, worst first.

    Example: faultmap slices --dataset gsm8k
    """
    from faultmap_assets import queries, terminal

    warehouse = _warehouse(_settings(home))
    found = queries.failure_slices(warehouse, dataset, model)
    if as_json:
        _print_json(found)
        return
    for table in terminal.slice_tables(found):
        out.print(table)
        out.print()
    if not found:
        out.print("No failure slices. `faultmap status` tells what has been audited.")


@app.command()
def compare(dataset: DatasetFilter = None, home: Home = None, as_json: AsJson = False) -> None:
    """Tell which model wins on each dataset, and in which slices that changes.

    Example: faultmap compare --dataset gsm8k
    """
    from faultmap_assets import queries, terminal

    pairs = queries.comparisons(_warehouse(_settings(home)), dataset)
    if as_json:
        _print_json(pairs)
        return
    for table in terminal.comparison_tables(pairs):
        out.print(table)
        out.print()
    if not pairs:
        out.print("Nothing to compare: a comparison needs two models on one dataset.")


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

    settings = _settings(home)
    options = settings.log_options()
    options = replace(options, column_map={**options.column_map, **parse_column_map(columns or [], LOG_FIELDS)})
    patterns = paths or list(settings.logs.paths)
    files, unreadable = _ingest(settings, patterns, options) if patterns else ([], [])
    if patterns and not files:
        _stop(unreadable)
    outcome = _refresh(settings) if patterns else None
    days = queries.coverage(_warehouse(settings))
    if as_json:
        _print_json(days)
    else:
        for table in terminal.coverage_tables(days):
            out.print(table)
            out.print()
        if not days:
            out.print("No production log was audited yet: `faultmap coverage LOGS`.")
    _end(outcome, unreadable)


@app.command()
def show(
    slice_id: Annotated[str, typer.Argument(help="A slice's id, or its beginning.")],
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Show one slice: its figures, failing and passing examples.

    Example: faultmap show 3fa9
    """
    from faultmap_assets import queries, terminal

    found = [row for row in queries.failure_slices(_warehouse(_settings(home))) if row["slice_id"].startswith(slice_id)]
    if not found:
        _stop([f"no slice has an id that starts with {slice_id!r}; `faultmap slices` lists them"])
    if len({row["slice_id"] for row in found}) > 1:
        _stop([f"{slice_id!r} fits {len(found)} slices: {', '.join(row['slice_id'] for row in found[:5])}; give more"])
    if as_json:
        _print_json(found)
        return
    for row in found:
        terminal.print_slice(out, row)
        out.print()


@app.command()
def status(home: Home = None, as_json: AsJson = False) -> None:
    """Tell what is fresh, what is stale and why, and which rows were quarantined."""
    from faultmap_assets import queries, terminal
    from faultmap_assets.records import read_state
    from faultmap_assets.staleness import ASSET_GRAPH, plan_runs, stale_partitions

    settings = _settings(home)
    warehouse = _warehouse(settings)
    with warehouse.read() as connection:
        state = read_state(connection)
    stale = stale_partitions(state, settings)
    quarantined = queries.quarantined(warehouse)
    blocked = {key: made.blocked_by for key, made in state.materialized.items() if made.blocked_by}
    if as_json:
        _print_json(
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


@app.command()
def init(
    folder: Annotated[Path, typer.Argument(help="Where to write it.")] = Path(),
    force: Annotated[bool, typer.Option("--force", help="Overwrite an existing file.")] = False,
) -> None:
    """Write a commented faultmap.yaml; every line of it shows a default."""
    from importlib.resources import files

    from faultmap_assets.settings import SETTINGS_FILE

    target = folder / SETTINGS_FILE
    if target.exists() and not force:
        _stop([f"{target} exists; --force overwrites it"])
    try:
        folder.mkdir(parents=True, exist_ok=True)
        target.write_text((files("faultmap_assets") / "faultmap.example.yaml").read_text(encoding="utf-8"))
    except OSError as error:
        _stop([f"{target}: cannot be written: {error.strerror}"])
    out.print(f"Wrote {target}. Next: `faultmap audit FILE`.", highlight=False)


@app.command()
def export(
    target: Annotated[Path, typer.Argument(help="A .csv, .jsonl or .parquet file.")],
    table: Annotated[str, typer.Option(help="Which asset's rows.")] = "failure_slices",
    dataset: DatasetFilter = None,
    model: ModelFilter = None,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Write the rows of an asset to a file.

    Example: faultmap export slices.csv --dataset gsm8k
    """
    from faultmap_assets.export import export_table

    rows = export_table(_warehouse(_settings(home)), table, target, dataset, model)
    if as_json:
        _print_json({"table": table, "path": str(target), "rows": rows})
    else:
        out.print(f"Wrote {rows:,} rows of {table} to {target}.", highlight=False)


@app.command()
def ui(
    home: Home = None,
    port: Annotated[int, typer.Option(help="Port on 127.0.0.1.")] = 3000,
) -> None:
    """Open Dagster's web server and daemon on this project, on 127.0.0.1."""
    from faultmap_assets.home import prepare_home
    from faultmap_assets.settings import HOME_VARIABLE

    settings = _settings(home)
    environment = {
        **os.environ,
        "DAGSTER_HOME": str(prepare_home(settings)),
        HOME_VARIABLE: str(settings.home.resolve()),
        "DAGSTER_DISABLE_TELEMETRY": "1",
        # `dagster dev` recommends another package's `dg dev` in several lines at every start.
        "PYTHONWARNINGS": "ignore",
    }
    command = [sys.executable, "-m", "dagster", "dev", "-m", "faultmap_assets.definitions"]
    os.execve(sys.executable, [*command, "-h", "127.0.0.1", "-p", str(port)], environment)


def main() -> None:
    """Run the command line; an error of ours is one line on standard error and exit code 2."""
    try:
        app()
    except FaultmapError as error:
        _print_errors([str(error)])
        sys.exit(2)


def _settings(home: Path | None) -> Settings:
    from faultmap_assets.settings import load_settings

    return load_settings(home=home)


def _warehouse(settings: Settings) -> Warehouse:
    from faultmap_assets.warehouse import open_warehouse

    if not settings.warehouse_path.exists():
        _stop(
            [f"no warehouse at {settings.warehouse_path}; `faultmap audit FILE` makes it, --home names another folder"]
        )
    return open_warehouse(settings)


@contextmanager
def _interruptible() -> Iterator[None]:
    try:
        yield
    except KeyboardInterrupt:
        _print_errors(["interrupted; what was finished is kept, `faultmap audit` goes on from there"])
        raise typer.Exit(130) from None


def _ingest(settings: Settings, patterns: Sequence[str], options: Any) -> tuple[list[IngestedFile], list[str]]:
    from faultmap_assets import terminal
    from faultmap_assets.ingestion import find_source_files, ingest_file
    from faultmap_assets.warehouse import open_warehouse

    warehouse = open_warehouse(settings)
    paths = find_source_files(patterns)
    files: list[IngestedFile] = []
    unreadable: list[str] = []
    with _interruptible(), terminal.progress(err, "reading") as shown:
        task = shown.add_task("", total=len(paths))
        for path in paths:

            def on_rows(rows: int, name: str = path.name) -> None:
                shown.update(task, description=terminal.printable(f"{name}: {rows:,} rows"))

            try:
                files.append(ingest_file(warehouse, path, options, on_rows))
            except EvalFileError as error:
                unreadable.append(str(error))
            shown.advance(task)
    return files, unreadable


def _refresh(settings: Settings) -> RefreshOutcome:
    from faultmap_assets import terminal

    with _interruptible(), terminal.progress(err, "auditing") as shown:
        task = shown.add_task("starting Dagster", total=None)
        from faultmap_assets.audit import refresh_stale
        from faultmap_assets.home import open_instance

        done = 0

        def on_run(run: Any, stale: int) -> None:
            nonlocal done
            shown.update(
                task, completed=done, total=done + stale, description=f"{' + '.join(run.assets)} {run.partition.key}"
            )
            done += len(run.assets)

        with open_instance(settings) as instance:
            return refresh_stale(settings, instance, on_run)


def _end(outcome: RefreshOutcome | None, unreadable: Sequence[str]) -> None:
    """Tell what could not be made or read, and leave with the exit code that says so."""
    if outcome:
        told = {failure.run.partition for failure in outcome.failed}
        _print_errors(
            [f"{'+'.join(item.run.assets)} of {item.run.partition.key}: {item.reason}" for item in outcome.failed]
            + [
                f"{asset} of {partition.key}: its check {check} fails, so nothing is made of it; `faultmap status`"
                " shows the rows"
                for (asset, partition), check in outcome.blocked
                if partition not in told
            ]
        )
    if unreadable:
        _stop(unreadable)
    if outcome and (outcome.failed or outcome.left or outcome.blocked):
        raise typer.Exit(1)


def _tell_audit(
    settings: Settings,
    files: Sequence[IngestedFile],
    outcome: RefreshOutcome,
    datasets: list[str] | None,
    *,
    as_json: bool,
) -> None:
    from faultmap_assets import queries, terminal

    warehouse = _warehouse(settings)
    found = queries.failure_slices(warehouse, datasets)
    pairs = queries.comparisons(warehouse, datasets)
    summaries = [row for row in queries.score_summaries(warehouse) if not datasets or row["dataset"] in datasets]
    report = settings.report_folder / "audit_report.html"
    quarantined = sum(file.rows_quarantined for file in files)
    if as_json:
        _print_json(
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


def _print_json(content: Any) -> None:
    sys.stdout.write(json.dumps(content, ensure_ascii=False, allow_nan=False, default=str, indent=1) + "\n")


def _error_line(message: str) -> Any:
    from faultmap_assets import terminal

    return terminal.literal(f"error: {' '.join(message.split())}", "red")


def _print_errors(messages: Sequence[str]) -> None:
    for message in messages:
        err.print(_error_line(message), soft_wrap=True)


def _stop(messages: Sequence[str]) -> NoReturn:
    _print_errors(messages)
    raise typer.Exit(2)


if __name__ == "__main__":
    main()
