"""`faultmap inspect`: what a file holds and how it is understood, before anything is stored."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from faultmap_assets.cli.common import AsJson, Home, app, out, print_json, settings_of, stop

if TYPE_CHECKING:
    from faultmap_core.evals import EvalOptions
    from faultmap_core.file_inspection import FileInspection


@app.command()
def inspect(
    file: Annotated[Path, typer.Argument(help="An eval file; with --log, a production log.", show_default=False)],
    columns: Annotated[
        list[str] | None,
        typer.Option("--map", metavar="FIELD=COLUMN", help="How a column is named, e.g. input=question."),
    ] = None,
    dataset_name: Annotated[str | None, typer.Option(help="Dataset of rows that do not name theirs.")] = None,
    model_name: Annotated[str | None, typer.Option(help="Model of rows that do not name theirs.")] = None,
    generate_ids: Annotated[bool, typer.Option("--generate-ids", help="Derive missing ids from the prompts.")] = False,
    format_name: Annotated[
        str | None, typer.Option("--format", metavar="NAME", help="What wrote the file. Default: told by its content.")
    ] = None,
    scorer: Annotated[str | None, typer.Option(help="Which of its scores counts. Default: the tool's verdict.")] = None,
    log: Annotated[bool, typer.Option("--log", help="It is a production log.")] = False,
    save: Annotated[bool, typer.Option("--save", help="Write these options into faultmap.yaml.")] = False,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Say what a file holds, how it is understood and what looks wrong; nothing is stored.

    Example: faultmap inspect results.csv --map input=question --model-name gpt-x --save

    Exit code 2 where an audit would refuse the file; what to do about it is the last line.

    With --save the next `faultmap audit` without arguments reads the file in this way.
    """
    from faultmap_assets.terminal_files import inspection_lines, warnings_of
    from faultmap_core.evals import parse_column_map
    from faultmap_core.file_inspection import inspect_file
    from faultmap_core.logs import LOG_FIELDS

    settings = settings_of(home)
    options: EvalOptions
    if log:
        if generate_ids or scorer:
            stop(["--generate-ids and --scorer are for eval files; a log needs neither"])
        mapped = parse_column_map(columns or [], LOG_FIELDS)
        options = settings.log_options()
        given = {"dataset_name": dataset_name, "model_name": model_name, "format": format_name}
        chosen: dict[str, Any] = {name: value for name, value in given.items() if value}
        options = replace(options, column_map={**options.column_map, **mapped}, **chosen)
    else:
        mapped = parse_column_map(columns or [])
        options = settings.eval_options(
            column_map={**settings.evals.columns, **mapped},
            dataset_name=dataset_name,
            model_name=model_name,
            generate_ids=generate_ids,
            format=format_name,
            scorer=scorer,
        )
    if not file.is_file():
        folder = f"{file}: this is a folder; name a file in it, or read all of it with `faultmap audit {file}`"
        stop([folder if file.is_dir() else f"{file}: there is no such file"])
    found = inspect_file(file, options)
    if as_json:
        print_json({**_as_json(found), "warnings": list(warnings_of(found, options))})
    else:
        for line in inspection_lines(found, options, lambda name: settings.dataset(name).user_rule):
            _print_line(line)
    if found.refusal:
        if save:
            stop([f"{file}: nothing was saved: an audit refuses the file as it is"])
        raise typer.Exit(2)
    if save:
        changes = _log_changes(file, options, mapped) if log else _eval_changes(file, options, found, mapped)
        _save(changes, as_json=as_json)


def _as_json(found: FileInspection) -> dict[str, Any]:
    return {**asdict(found), "path": str(found.path), "format_name": found.format_name}


def _print_line(line: str) -> None:
    from faultmap_assets import terminal

    out.print(terminal.literal(line, "yellow" if line.startswith("! ") else ""), soft_wrap=True)


def _eval_changes(file: Path, options: EvalOptions, found: FileInspection, mapped: dict[str, str]) -> dict[str, Any]:
    """Return the keys of `evals` that say how the file is read; raises typer.Exit where the file needs more."""
    missing = ["--model-name NAME"] if found.model_missing else []
    missing += ["--generate-ids (or --map example_id=COLUMN)"] if found.ids_missing else []
    if missing:
        stop([f"{file}: nothing was saved: an audit needs {' and '.join(missing)}; give it here, too"])
    changes: dict[str, Any] = {"paths": [str(file)]}
    changes |= {"columns": mapped} if mapped else {}
    for name in ("dataset_name", "model_name", "generate_ids", "format", "scorer"):
        if value := getattr(options, name):
            changes[name] = value
    return {"evals": changes}


def _log_changes(file: Path, options: EvalOptions, mapped: dict[str, str]) -> dict[str, Any]:
    changes: dict[str, Any] = {"paths": [str(file)]}
    changes |= {"columns": mapped} if mapped else {}
    changes |= {"source": options.dataset_name, "model_name": options.model_name, "format": options.format}
    return {"logs": changes}


def _save(changes: dict[str, Any], *, as_json: bool) -> None:
    from faultmap_assets import terminal
    from faultmap_assets.settings import settings_path
    from faultmap_assets.settings_file import save_settings

    target = settings_path()
    save_settings(target, changes)
    if not as_json:
        section = next(iter(changes))
        command = "faultmap audit" if section == "evals" else "faultmap coverage"
        out.print(terminal.literal(f"Wrote {section} of {target}. Next: `{command}`."), soft_wrap=True)
