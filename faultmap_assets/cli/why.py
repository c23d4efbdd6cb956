"""`faultmap errors`, `taxonomy`, `quality`, `estimate`, `validate-judge`: why models fail, and what that costs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from faultmap_assets.cli.common import (
    AsJson,
    DatasetFilter,
    Home,
    ModelFilter,
    app,
    end,
    filtered_warehouse,
    out,
    print_json,
    refresh,
    settings_of,
    stop,
    warehouse_of,
)


@app.command()
def errors(
    dataset: DatasetFilter = None,
    model: ModelFilter = None,
    category: Annotated[str | None, typer.Option(help="Only errors of this category (its id) and below.")] = None,
    limit: Annotated[int, typer.Option(help="Errors to print; 0 prints all.", min=0)] = 20,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """List the judged errors, and which kinds of error each model makes more often than the others.

    Example: faultmap errors --dataset gsm8k --category wrong-number
    """
    from faultmap_assets.cli.render import errors as terminal_why
    from faultmap_assets.defs.why import queries as error_queries
    from faultmap_assets.warehouse.known_names import check_choice

    warehouse = filtered_warehouse(settings_of(home), dataset, model)
    if category is not None:
        kinds = {row["category_id"] for row in error_queries.taxonomy_rows(warehouse)} | {"unclassified"}
        check_choice("--category", [category], kinds)
    found = [
        row
        for row in error_queries.judgments(warehouse, dataset, model)
        if category is None or row["category_id"] == category or (row["category_id"] or "").startswith(f"{category}/")
    ]
    signatures = error_queries.signatures(warehouse, dataset, model)
    if as_json:
        print_json({"errors": found, "signatures": signatures})
        return
    for table in terminal_why.signature_tables(signatures):
        out.print(table)
        out.print()
    if not found:
        out.print("No judged errors. `faultmap status` tells what has been audited.")
        return
    out.print(terminal_why.error_table(found[: limit or None]))
    if limit and len(found) > limit:
        out.print(f"{len(found) - limit:,} more: --limit 0 prints all, --json all of each.", highlight=False)


@app.command()
def taxonomy(
    rebuild: Annotated[bool, typer.Option("--rebuild", help="Build it anew from all errors, now.")] = False,
    export: Annotated[
        Path | None, typer.Option(help="Write it as YAML, to be edited and named as taxonomy.seed_file.")
    ] = None,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Show the kinds of error as a tree with their numbers.

    Example: faultmap taxonomy --export kinds.yaml
    """
    from faultmap_assets.cli.render import errors as terminal_why
    from faultmap_assets.cli.render import tables as terminal
    from faultmap_assets.defs.why import queries as error_queries
    from faultmap_core.error_analysis.taxonomy.taxonomy import taxonomy_to_yaml

    settings = settings_of(home)
    warehouse = warehouse_of(settings)
    outcome = None
    if rebuild:
        with warehouse.write() as connection:
            error_queries.retire_taxonomy(connection)
        outcome = refresh(settings)
    rows = error_queries.taxonomy_rows(warehouse)
    unclassified = error_queries.unclassified(warehouse)
    if export:
        stored = error_queries.active_taxonomy(warehouse)
        if stored is None:
            stop(["there is no taxonomy yet; `faultmap audit FILE` builds it"])
        try:
            export.write_text(taxonomy_to_yaml(stored.taxonomy), encoding="utf-8")
        except OSError as error:
            stop([f"{export}: cannot be written: {error.strerror}"])
    if as_json:
        blind = error_queries.blind_spot_of(warehouse)
        print_json({"categories": rows, "unclassified": unclassified, "blind_spot": blind})
    elif rows:
        blind = error_queries.blind_spot_of(warehouse)
        for line in terminal_why.taxonomy_lines(rows, unclassified, blind_spot=blind):
            out.print(line, soft_wrap=True)
    else:
        out.print("No errors are judged yet: `faultmap audit FILE`.")
    if export and not as_json:
        out.print(terminal.literal(f"Wrote {export}."))
    end(outcome, [])


@app.command()
def quality(dataset: DatasetFilter = None, home: Home = None, as_json: AsJson = False) -> None:
    """Tell what the datasets themselves get wrong: suspect labels, duplicates, items that tell no models apart.

    Example: faultmap quality --dataset gsm8k
    """
    from faultmap_assets.cli.render import errors as terminal_why
    from faultmap_assets.defs.why import queries as error_queries

    found = error_queries.quality(filtered_warehouse(settings_of(home), dataset), dataset)
    if as_json:
        print_json(found)
        return
    for table in terminal_why.quality_tables(found):
        out.print(table)
        out.print()
    if not found:
        out.print("No dataset was audited yet: `faultmap audit FILE`.")


@app.command()
def estimate(home: Home = None, as_json: AsJson = False) -> None:
    """Tell what the language model would be asked by the next audit, and what that costs at most; asks nothing.

    Example: faultmap estimate
    """
    from faultmap_assets.automation.estimate import estimate_next_audit
    from faultmap_assets.cli.render import errors as terminal_why
    from faultmap_assets.cli.render import tables as terminal

    settings = settings_of(home)
    found = estimate_next_audit(settings, warehouse_of(settings))
    if as_json:
        print_json(found.to_dict())
        return
    out.print(terminal_why.estimate_table(found))
    for note in found.notes:
        out.print(terminal.literal(note), soft_wrap=True)


@app.command(name="validate-judge")
def validate_judge(
    labels: Annotated[
        Path | None,
        typer.Argument(
            help="CSV: dataset, model, example_id, label (category, title, or yes/no). Default: the labels that were"
            " set in `faultmap view`.",
            show_default=False,
        ),
    ] = None,
    export_labels: Annotated[
        Path | None,
        typer.Option("--export-labels", help="Write the labels of `faultmap view` as CSV instead.", show_default=False),
    ] = None,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Compare the judge with people's labels: agreement beyond chance with its interval, precision and recall.

    Example: faultmap validate-judge labels.csv
    """
    from faultmap_assets.cli.render import errors as terminal_why
    from faultmap_assets.cli.render import tables as terminal
    from faultmap_assets.defs.why import human_labels as kept
    from faultmap_assets.defs.why.judge_validation import validate_against

    if labels and export_labels:
        stop(["--export-labels writes the labels of the warehouse; leave the file of labels out"])
    warehouse = warehouse_of(settings_of(home))
    if export_labels:
        written = kept.export_labels(warehouse, export_labels)
        if as_json:
            print_json({"labels": written, "path": str(export_labels)})
        else:
            out.print(
                terminal.literal(f"Wrote {written:,} {'label' if written == 1 else 'labels'} to {export_labels}.")
            )
        return
    found = validate_against(warehouse, labels)
    if as_json:
        print_json(found.to_dict())
        return
    for part in terminal_why.agreement_tables(found):
        out.print(part)
        out.print()
