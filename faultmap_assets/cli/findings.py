"""`faultmap slices`, `show`, `compare`: read the findings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

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
    from faultmap_assets.report.memo import no_evals, no_outcome

    warehouse = filtered_warehouse(settings_of(home), dataset, model)
    found = queries.failure_slices(warehouse, dataset, model)
    if as_json:
        print_json(found)
        return
    for table in terminal.slice_tables(found):
        out.print(table)
        out.print()
    if not found:
        scored = [row for row in queries.score_summaries(warehouse) if _is_chosen(row, dataset, model)]
        told = no_outcome(scored) if scored else no_evals(warehouse)
        out.print(told or "No failure slices: nowhere does a model fail significantly more than elsewhere.")


def _is_chosen(row: Mapping[str, Any], datasets: list[str] | None, models: list[str] | None) -> bool:
    return (not datasets or row["dataset"] in datasets) and (not models or row["model"] in models)


@app.command()
def compare(
    models: Annotated[
        list[str] | None, typer.Argument(help="Two models: that pair; one: its pairs.", show_default=False)
    ] = None,
    dataset: DatasetFilter = None,
    pairs: Annotated[bool, typer.Option("--pairs", help="Each pair of models, and where its winner changes.")] = False,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Rank the models of each dataset and tell which can be told apart; --pairs or two names show single pairs.

    Example: faultmap compare --dataset gsm8k
    """
    from faultmap_assets import queries, terminal, terminal_comparisons
    from faultmap_assets.known_names import check_names
    from faultmap_assets.report.findings import audits
    from faultmap_assets.report.memo import rankings
    from faultmap_assets.report.scope import Scope
    from faultmap_assets.same_questions import same_questions, same_questions_lines
    from faultmap_assets.unmeasured import measured_pairs

    warehouse = filtered_warehouse(settings_of(home), dataset)
    check_names(warehouse, models=models, model_option="model")
    found = queries.comparisons(warehouse, dataset)
    named = set(models or ())
    chosen = [pair for pair in found if len(named & {pair["model_a"], pair["model_b"]}) >= min(len(named), 2)]
    if as_json:
        print_json(measured_pairs(chosen))
        return
    if named:
        for pair in chosen:
            for part in terminal_comparisons.pair_parts(pair):
                out.print(part)
            out.print()
    else:
        ranked = rankings(audits(warehouse, Scope.of(warehouse, dataset, None, texts=True)), found)
        for part in terminal_comparisons.comparison_parts(ranked, found, pairs):
            out.print(part)
    if not chosen:
        out.print("Nothing to compare: a comparison needs two models on one dataset.")
        for hint in same_questions_lines(same_questions(warehouse, dataset)):
            out.print(terminal.literal(hint, "yellow"), soft_wrap=True)


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
        ids = sorted({row["slice_id"] for row in found})
        more = f" … {len(ids) - 5} more" if len(ids) > 5 else ""
        stop([f"{slice_id!r} fits {len(ids)} slices: {', '.join(ids[:5])}{more}; give more of the id"])
    if as_json:
        print_json(found)
        return
    for row in found:
        terminal.print_slice(out, row)
        out.print()
