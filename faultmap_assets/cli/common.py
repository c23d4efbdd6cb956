"""Shared parts of all commands: options, access to the warehouse, reading files, refreshing, and error messages.

Every command ends with one of `EXIT_CODES`.
What a command needs is imported when it runs, so that `--help` is quick.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from faultmap_assets.cli.render.console import PipeConsole, progress, write_out
from faultmap_core.base.errors import EmptyFileError, EvalFileError
from faultmap_core.base.text import printable

if TYPE_CHECKING:
    from faultmap_assets.automation.selection import Selection
    from faultmap_assets.cli.runner import RefreshOutcome
    from faultmap_assets.ingestion.staging import IngestedFile
    from faultmap_assets.settings import Settings
    from faultmap_assets.warehouse.connection import Warehouse

EXIT_CODES = {
    0: "done",
    1: "something could not be made; for `gate`, something got worse; for `doctor`, something is missing",
    2: "wrong use, a bad setting or an unreadable file; for `gate`, nothing to compare",
    130: "interrupted; what was finished is kept",
    143: "terminated; what was finished is kept",
}

app = typer.Typer(
    name="faultmap",
    help="Find where your language models fail: significant failure slices from eval results.",
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    epilog="Exit codes: " + "; ".join(f"{code} {meaning}" for code, meaning in EXIT_CODES.items()) + ".",
    context_settings={"help_option_names": ["-h", "--help"]},
)

Home = Annotated[
    Path | None,
    typer.Option("--home", help="State folder (warehouse, reports, Dagster). Default: var.", show_default=False),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]
DatasetFilter = Annotated[list[str] | None, typer.Option("--dataset", help="Only this dataset; may be repeated.")]
ModelFilter = Annotated[list[str] | None, typer.Option("--model", help="Only this model; may be repeated.")]

out = PipeConsole(soft_wrap=False)
err = PipeConsole(stderr=True)


def settings_of(home: Path | None) -> Settings:
    from faultmap_assets.settings import load_settings

    return load_settings(home=home)


def warehouse_of(settings: Settings) -> Warehouse:
    from faultmap_assets.warehouse.connection import open_warehouse

    if not settings.warehouse_path.exists():
        stop(
            [f"no warehouse at {settings.warehouse_path}; `faultmap audit FILE` makes it, --home names another folder"]
        )
    return open_warehouse(settings)


def filtered_warehouse(
    settings: Settings, datasets: Sequence[str] | None = None, models: Sequence[str] | None = None
) -> Warehouse:
    """Return the warehouse; raises ConfigurationError where a filter names nothing in it."""
    from faultmap_assets.warehouse.known_names import check_names

    warehouse = warehouse_of(settings)
    check_names(warehouse, datasets, models)
    return warehouse


@contextmanager
def interruptible() -> Iterator[None]:
    try:
        yield
    except KeyboardInterrupt:
        print_errors(["interrupted; what was finished is kept, `faultmap audit` goes on from there"])
        raise typer.Exit(130) from None


def ingest(settings: Settings, patterns: Sequence[str], options: Any) -> tuple[list[IngestedFile], list[str]]:
    from faultmap_assets.cli.render import tables as terminal
    from faultmap_assets.ingestion.redaction import privacy_of
    from faultmap_assets.ingestion.staging import find_source_files, ingest_file
    from faultmap_assets.warehouse.connection import open_warehouse

    privacy = privacy_of(settings, options)
    warehouse = open_warehouse(settings)
    paths = find_source_files(patterns)
    files: list[IngestedFile] = []
    unreadable: list[str] = []
    empty: list[str] = []
    with interruptible(), progress(err, "reading") as shown:
        task = shown.add_task("", total=len(paths))
        for path in paths:

            def on_rows(rows: int, name: str = path.name) -> None:
                shown.update(task, description=printable(f"{name}: {rows:,} rows"))

            try:
                files.append(ingest_file(warehouse, path, options, on_rows, privacy))
            except EmptyFileError as error:
                empty.append(str(error))
            except EvalFileError as error:
                unreadable.append(str(error))
            shown.advance(task)
    if not files:
        return files, unreadable + empty
    # A log of a quiet day is no fault, as long as the others say something.
    for told in empty:
        err.print(terminal.literal(f"{told}; it is left out", "yellow"), soft_wrap=True)
    return files, unreadable


def refresh(settings: Settings, selection: Selection | None = None, *, force: bool = False) -> RefreshOutcome:
    with interruptible(), progress(err, "auditing") as shown:
        task = shown.add_task("starting Dagster", total=None)
        from faultmap_assets.automation.selection import Selection
        from faultmap_assets.cli.runner import refresh_stale
        from faultmap_assets.kit.instance import open_instance, telling_instance_trouble

        done = 0

        def on_run(run: Any, stale: int) -> None:
            nonlocal done
            shown.update(
                task, completed=done, total=done + stale, description=f"{' + '.join(run.assets)} {run.partition.key}"
            )
            done += len(run.assets)

        with open_instance(settings) as instance, telling_instance_trouble(settings):
            return refresh_stale(settings, instance, on_run, selection or Selection(), force=force)


def end(outcome: RefreshOutcome | None, unreadable: Sequence[str]) -> None:
    """Tell what could not be made or read, and leave with the exit code that says so."""
    if outcome:
        told = {failure.run.partition for failure in outcome.failed}
        print_errors(
            [f"{'+'.join(item.run.assets)} of {item.run.partition.key}: {item.reason}" for item in outcome.failed]
            + [
                f"{asset} of {partition.key}: its check {check} fails, so nothing is made of it; `faultmap status`"
                " shows the rows"
                for (asset, partition), check in outcome.blocked
                if partition not in told
            ]
        )
    if unreadable:
        stop(unreadable)
    if outcome and (outcome.failed or outcome.left or outcome.blocked):
        raise typer.Exit(1)


def print_json(content: Any) -> None:
    write_out(json.dumps(content, ensure_ascii=False, allow_nan=False, default=str, indent=1) + "\n")


def error_line(message: str) -> Any:
    from faultmap_assets.cli.render import tables as terminal

    return terminal.literal(f"error: {' '.join(message.split())}", "red")


def print_errors(messages: Sequence[str]) -> None:
    for message in messages:
        err.print(error_line(message), soft_wrap=True)


def stop(messages: Sequence[str]) -> NoReturn:
    print_errors(messages)
    raise typer.Exit(2)
