"""`faultmap forget`: take a person, a session or single rows out of everything that is kept."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
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
    from faultmap_assets.ingestion.redaction import Subject
    from faultmap_assets.privacy.forget import Forgotten
    from faultmap_assets.settings import Settings


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
    verify: Annotated[
        bool, typer.Option("--verify", help="Delete nothing; look whether anything of it is left, exit 1 if so.")
    ] = False,
    sources: Annotated[
        list[Path] | None,
        typer.Option(
            "--source",
            metavar="FILE",
            help="With --verify: a file that still has the rows, whose texts are looked for.",
        ),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Delete all rows of an id, a user or a session, with what was made of them, and never read them again.

    Example: faultmap forget --user u-1734 --dry-run

    What quotes them is deleted and made again without them: slices, gaps, judgments, replies of language models,
    reports, Dagster's events. The files that they were read from, and what was exported, are yours to delete.

    Afterwards, and before you delete the files: faultmap forget --user u-1734 --verify --source logs/monday.jsonl
    searches every byte of the state folder for the id and for what these files say of it.
    """
    from faultmap_assets.ingestion.redaction import Subject
    from faultmap_assets.privacy import forget as forgetting

    subjects = [
        Subject(kind, value, dataset)
        for kind, values in (("id", ids), ("user", users), ("session", sessions))
        for value in values or ()
    ]
    if not subjects:
        stop(["nothing to forget: name an --id, a --user or a --session"])
    if sources and not verify:
        stop(["--source names where the texts stand that --verify looks for; add --verify, or leave it out"])
    settings = settings_of(home)
    if verify:
        _verify(settings, subjects, sources or [], as_json=as_json)
        return
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


def _verify(settings: Settings, subjects: Sequence[Subject], sources: Sequence[Path], *, as_json: bool) -> None:
    from faultmap_assets.cli.render import tables as terminal
    from faultmap_assets.privacy import verify_forgotten

    wanted = verify_forgotten.sought(settings, subjects, sources)
    search = verify_forgotten.verify(settings, wanted)
    if as_json:
        print_json(verify_forgotten.summary(wanted, search))
    else:
        ids = sum(1 for term in wanted.terms if term.whole)
        told = f"Looked for {ids:,} ids and {len(wanted.terms) - ids:,} texts"
        if not sources:
            told += " (the texts of rows stand in their files alone: name those with --source)"
        out.print(f"{told}.", highlight=False, markup=False)
        if wanted.shared or wanted.short:
            out.print(
                f"Not looked for: {wanted.shared:,} texts that other rows of the files say too, {wanted.short:,} of"
                f" fewer than {verify_forgotten.MIN_TEXT} characters.",
                highlight=False,
            )
        out.print(
            f"Looked at {search.files:,} files under {settings.home} with {search.bytes:,} bytes, {search.unpacked:,}"
            f" packed parts in them, and {search.values:,} values of databases.",
            highlight=False,
            markup=False,
            soft_wrap=True,
        )
        if search.free_blocks:
            out.print(
                f"The warehouse has {search.free_blocks:,} free blocks; what stands compressed in them cannot be seen.",
                highlight=False,
            )
        for file, where, what in search.found:
            out.print(terminal.literal(f"{file}, {where}: {what}"), highlight=False, soft_wrap=True)
        out.print("Nothing of it was found." if not search.found else f"Found in {len(search.found):,} places.")
    if search.found:
        raise typer.Exit(1)


def _tell_found(found: Sequence[tuple[str, str, str | None, int]], *, as_json: bool) -> None:
    from faultmap_assets.cli.render import tables as terminal

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
    from faultmap_assets.cli.render import tables as terminal

    if as_json:
        content: dict[str, Any] = {**vars(forgotten), "partitions_made": made}
        print_json(content)
        return
    for path in forgotten.set_aside:
        err.print(f"{path} was set aside as damaged and may still hold it; delete it.", highlight=False, markup=False)
    if not forgotten.rows:
        out.print("Nothing of it was stored. It is remembered, and will not be read.")
        return
    table = terminal.plain_table("deleted from", ">rows")
    for name, number in sorted(forgotten.rows.items()):
        table.add_row(name, f"{number:,}")
    out.print(table)
    for name, number in sorted(forgotten.blanked.items()):
        out.print(f"Names and quotations were blanked in {number:,} rows of {name}.", highlight=False)
    if forgotten.replies:
        out.print(f"{forgotten.replies:,} replies of language models that quoted it were deleted.", highlight=False)
    if forgotten.reports:
        out.print(f"{len(forgotten.reports):,} files of reports were deleted and are written anew.", highlight=False)
    if forgotten.runs:
        out.print("Dagster's events and the logs of its runs were deleted.", highlight=False)
    out.print(f"{forgotten.partitions:,} partitions were concerned, {made:,} were made again.", highlight=False)
    out.print("It is remembered, and will not be read again. The files that it came from still hold it.")
