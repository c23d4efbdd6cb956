"""`faultmap slices`, `show`, `compare`: read the findings."""

from __future__ import annotations

from typing import Annotated

import typer

from faultmap_assets.cli.common import (
    AsJson,
    DatasetFilter,
    Home,
    ModelFilter,
    app,
    filtered_warehouse,
    out,
    print_json,
    settings_of,
    stop,
    warehouse_of,
)


@app.command()
def slices(
    dataset: DatasetFilter = None, model: ModelFilter = None, home: Home = None, as_json: AsJson = False
) -> None:
    """List the failure slices, worst first.

    Example: faultmap slices --dataset gsm8k
    """
    from faultmap_assets import queries, terminal

    warehouse = filtered_warehouse(settings_of(home), dataset, model)
    found = queries.failure_slices(warehouse, dataset, model)
    if as_json:
        print_json(found)
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

    pairs = queries.comparisons(filtered_warehouse(settings_of(home), dataset), dataset)
    if as_json:
        print_json(pairs)
        return
    for table in terminal.comparison_tables(pairs):
        out.print(table)
        out.print()
    if not pairs:
        out.print("Nothing to compare: a comparison needs two models on one dataset.")


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

    found = [
        row for row in queries.failure_slices(warehouse_of(settings_of(home))) if row["slice_id"].startswith(slice_id)
    ]
    if not found:
        stop([f"no slice has an id that starts with {slice_id!r}; `faultmap slices` lists them"])
    if len({row["slice_id"] for row in found}) > 1:
        stop([f"{slice_id!r} fits {len(found)} slices: {', '.join(row['slice_id'] for row in found[:5])}; give more"])
    if as_json:
        print_json(found)
        return
    for row in found:
        terminal.print_slice(out, row)
        out.print()
