"""`faultmap init`, `doctor`, `export`, `ui`: look after the project."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from faultmap_assets.cli.common import (
    AsJson,
    DatasetFilter,
    Home,
    ModelFilter,
    app,
    end,
    filtered_warehouse,
    ingest,
    out,
    print_json,
    refresh,
    settings_of,
    stop,
)

if TYPE_CHECKING:
    from faultmap_assets.settings import Settings


@app.command()
def init(
    folder: Annotated[Path, typer.Argument(help="Where to write it.")] = Path(),
    force: Annotated[bool, typer.Option("--force", help="Overwrite an existing file.")] = False,
) -> None:
    """Write a commented faultmap.yaml; every line of it shows a default.

    Example: faultmap init
    """
    from importlib.resources import files

    from faultmap_assets.settings import SETTINGS_FILE

    target = folder / SETTINGS_FILE
    if target.exists() and not force:
        stop([f"{target} exists; --force overwrites it"])
    try:
        folder.mkdir(parents=True, exist_ok=True)
        target.write_text((files("faultmap_assets") / "faultmap.example.yaml").read_text(encoding="utf-8"))
    except OSError as error:
        stop([f"{target}: cannot be written: {error.strerror}"])
    out.print(f"Wrote {target}. Next: `faultmap audit FILE`.", highlight=False)


@app.command()
def doctor(
    repair: Annotated[
        bool, typer.Option("--repair", help="Set a damaged warehouse aside and make it anew from the files.")
    ] = False,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Look whether everything that an audit needs is there, and say what to do; asks no model, changes nothing.

    Example: faultmap doctor --home var

    With --repair, a warehouse that cannot be read is renamed, never deleted, and the files are read again into a new
    one; labels, acknowledgements and what was forgotten are taken over as far as they can be read.
    """
    from dataclasses import asdict

    from faultmap_assets import terminal
    from faultmap_assets.doctor import examine

    if repair:
        _repair(settings_of(home), as_json=as_json)
        return

    findings = examine(settings_of(home))
    if as_json:
        print_json([asdict(finding) for finding in findings])
    else:
        out.print(terminal.findings_table(findings))
    if any(finding.verdict == "error" for finding in findings):
        raise typer.Exit(1)


def _repair(settings: Settings, *, as_json: bool) -> None:
    from dataclasses import asdict

    from faultmap_assets import terminal
    from faultmap_assets.repair import damage_of, repair_warehouse

    damage = damage_of(settings)
    if not damage:
        if as_json:
            print_json({"damage": None})
        else:
            out.print(f"{settings.warehouse_path} is not damaged; nothing was changed.", highlight=False)
        return
    done = repair_warehouse(settings)
    evals = tuple(dict.fromkeys([*settings.evals.paths, *(path for path in done.evals if Path(path).exists())]))
    logs = tuple(dict.fromkeys([*settings.logs.paths, *(path for path in done.logs if Path(path).exists())]))
    if not as_json:
        told = [f"damaged: {damage}", f"set aside as {done.set_aside}"]
        told += [f"taken over: {rows:,} rows of {table}" for table, rows in done.rescued.items() if rows]
        told += [f"could not be read: {table}" for table in done.lost]
        for line in told:
            out.print(terminal.literal(line), soft_wrap=True)
    if "forgotten" in done.lost:
        # Files still hold what was forgotten, and nobody knows any more what that was.
        stop(
            [
                "whom the project promised to forget could not be read, so no file was read again: run"
                " `faultmap forget` for them, then `faultmap audit FILE`"
            ]
        )
    unreadable: list[str] = []
    for patterns, options in ((evals, settings.eval_options()), (logs, settings.log_options())):
        if patterns:
            unreadable += ingest(settings, patterns, options)[1]
    outcome = refresh(settings) if evals or logs else None
    if as_json:
        print_json({"damage": damage, **asdict(done), "set_aside": str(done.set_aside), "read": [*evals, *logs]})
    else:
        made = len(outcome.made) if outcome else 0
        out.print(f"{len(evals) + len(logs):,} paths were read again, {made:,} results made anew.", highlight=False)
    end(outcome, unreadable)


@app.command()
def export(
    target: Annotated[Path, typer.Argument(help="A .csv, .jsonl or .parquet file.")],
    table: Annotated[str, typer.Option(help="Which asset's rows.")] = "failure_slices",
    format_name: Annotated[
        str | None,
        typer.Option("--format", metavar="NAME", help="every-eval-ever: all scored rows in that format, as .jsonl."),
    ] = None,
    dataset: DatasetFilter = None,
    model: ModelFilter = None,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Write the rows of an asset to a file, or all scored rows in a format that other tools read.

    Example: faultmap export slices.csv --dataset gsm8k

    Example: faultmap export gsm8k_samples.jsonl --format every-eval-ever --dataset gsm8k
    """
    from faultmap_assets.export import export_table

    settings = settings_of(home)
    if format_name is not None:
        _export_records(settings, format_name, target, dataset, model, as_json=as_json)
        return
    rows = export_table(filtered_warehouse(settings, dataset, model), table, target, dataset, model)
    if as_json:
        print_json({"table": table, "path": str(target), "rows": rows})
    else:
        out.print(f"Wrote {rows:,} rows of {table} to {target}.", highlight=False)


def _export_records(
    settings: Settings,
    format_name: str,
    target: Path,
    datasets: list[str] | None,
    models: list[str] | None,
    *,
    as_json: bool,
) -> None:
    from faultmap_assets.record_export import export_every_eval_ever

    if format_name != "every-eval-ever":
        stop([f"format {format_name!r} is unknown; expected every-eval-ever, or leave --format out"])
    written, unscored = export_every_eval_ever(filtered_warehouse(settings, datasets, models), target, datasets, models)
    if as_json:
        print_json({"format": format_name, "path": str(target), "rows": written, "unscored": unscored})
    else:
        without = f"; {unscored:,} without a score were left out" if unscored else ""
        out.print(f"Wrote {written:,} records to {target}{without}.", highlight=False)


@app.command()
def ui(
    home: Home = None,
    port: Annotated[int, typer.Option(help="Port on 127.0.0.1.")] = 3000,
) -> None:
    """Open Dagster's web server and daemon on this project, on 127.0.0.1, for its own pages alone.

    Example: faultmap ui --port 3001
    """
    from faultmap_assets.home import open_instance, prepare_home
    from faultmap_assets.rebuild import rebuild_instance
    from faultmap_assets.settings import HOME_VARIABLE

    settings = settings_of(home)
    with open_instance(settings) as instance:
        rebuild_instance(settings, instance)
    environment = {
        **os.environ,
        "DAGSTER_HOME": str(prepare_home(settings)),
        HOME_VARIABLE: str(settings.home.resolve()),
        "DAGSTER_DISABLE_TELEMETRY": "1",
        # `dagster dev` recommends another package's `dg dev` in several lines at every start.
        "PYTHONWARNINGS": "ignore",
    }
    command = [sys.executable, "-m", "faultmap_assets.ui", "-m", "faultmap_assets.definitions"]
    os.execve(sys.executable, [*command, "-h", "127.0.0.1", "-p", str(port)], environment)
