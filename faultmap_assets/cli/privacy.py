"""`faultmap forget`: take a person, a session or single rows out of everything that is kept."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from faultmap_assets.cli.common import (
    AsJson,
    Home,
    app,
    end,
    err,
    out,
    print_json,
    refresh,
    settings_of,
    stop,
    warehouse_of,
)

if TYPE_CHECKING:
    from faultmap_assets.forget import Forgotten


@app.command()
def forget(
    ids: Annotated[
        list[str] | None,
        typer.Option("--id", metavar="ID", help="Id of an example, or of a log's row."),
    ] = None,
    users: Annotated[list[str] | None, typer.Option("--user", metavar="ID", help="All rows of a user.")] = None,
    sessions: Annotated[
        list[str] | None, typer.Option("--session", metavar="ID", help="All rows of a session.")
    ] = None,
    dataset: Annotated[
        str | None, typer.Option(help="Only of this dataset, or of this source of logs. Default: of all.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only tell what would be deleted.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Delete all rows of an id, a user or a session, with what was made of them, and never read them again.

    Example: faultmap forget --user u-1734 --dry-run

    What quotes them is deleted and made again without them: slices, gaps, judgments, replies of language models,
    reports. The files that they were read from, and what was exported, are yours to delete.
    """
    from faultmap_assets import forget as forgetting
    from faultmap_assets.privacy import Subject

    subjects = [
        Subject(kind, value, dataset)
        for kind, values in (("id", ids), ("user", users), ("session", sessions))
        for value in values or ()
    ]
    if not subjects:
        stop(["nothing to forget: name an --id, a --user or a --session"])
    settings = settings_of(home)
    found = forgetting.find_rows(warehouse_of(settings), subjects)
    if dry_run:
        _tell_found(found, as_json=as_json)
        return
    if not yes:
        _tell_found(found, as_json=False)
        typer.confirm("Delete this, and never read it again?", abort=True, err=True)
    forgotten = forgetting.forget(settings, subjects)
    outcome = refresh(settings) if forgotten.partitions else None
    _tell(forgotten, made=len(outcome.made) if outcome else 0, as_json=as_json)
    end(outcome, [])


def _tell_found(found: Sequence[tuple[str, str, str | None, int]], *, as_json: bool) -> None:
    from faultmap_assets import terminal

    if as_json:
        names = ("dataset", "model", "day", "rows")
        print_json([dict(zip(names, row, strict=True)) for row in found])
        return
    if not found:
        err.print("Nothing of it is stored; it would only be remembered, so that it is never read.")
        return
    table = terminal.plain_table("dataset or source", "model", "day", ">rows")
    for dataset, model, day, rows in found:
        table.add_row(terminal.literal(dataset), terminal.literal(model), day or "", f"{rows:,}")
    out.print(table)


def _tell(forgotten: Forgotten, *, made: int, as_json: bool) -> None:
    from faultmap_assets import terminal

    if as_json:
        content: dict[str, Any] = {**vars(forgotten), "partitions_made": made}
        print_json(content)
        return
    if not forgotten.rows:
        out.print("Nothing of it was stored. It is remembered, and will not be read.")
        return
    table = terminal.plain_table("deleted from", ">rows")
    for name, number in sorted(forgotten.rows.items()):
        table.add_row(name, f"{number:,}")
    out.print(table)
    for name, number in sorted(forgotten.blanked.items()):
        out.print(f"Quotations were blanked in {number:,} rows of {name}.", highlight=False)
    if forgotten.replies:
        out.print(f"{forgotten.replies:,} replies of language models that quoted it were deleted.", highlight=False)
    if forgotten.reports:
        out.print(f"{len(forgotten.reports):,} files of reports were deleted and are written anew.", highlight=False)
    out.print(f"{forgotten.partitions:,} partitions were concerned, {made:,} were made again.", highlight=False)
    out.print("It is remembered, and will not be read again. The files that it came from still hold it.")
