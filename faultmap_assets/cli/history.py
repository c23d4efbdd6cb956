"""`faultmap history`, `gate`, `alerts`, `acknowledge`: what got worse, and who knows."""

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
def history(
    dataset: DatasetFilter = None,
    model: ModelFilter = None,
    kind: Annotated[
        list[str] | None, typer.Option("--kind", help="Only this kind: slice, failure_rate, gap, coverage ...")
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="All findings; else the first ten of each kind.")] = False,
    list_audits: Annotated[bool, typer.Option("--audits", help="List the audits instead.")] = False,
    latest: Annotated[bool, typer.Option("--latest", help="Print the last audit's number, for a later gate.")] = False,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Show how every finding developed from audit to audit.

    Example: faultmap history --dataset gsm8k --kind slice
    """
    from faultmap_assets import history_queries, terminal_history
    from faultmap_assets.known_names import check_choice
    from faultmap_core.error_reach import explains_nothing

    warehouse = filtered_warehouse(settings_of(home), dataset, model)
    check_choice("--kind", kind or (), history_queries.KINDS)
    audits = history_queries.audits(warehouse)
    if latest:
        if not audits:
            stop(["nothing was audited yet; run `faultmap audit FILE` first"])
        print_json(audits[0]["audit"])
        return
    if list_audits:
        if as_json:
            print_json(audits)
        else:
            out.print(terminal_history.audit_table(audits))
        return
    found = history_queries.trends(warehouse, dataset, model, kind)
    if as_json:
        print_json(found)
        return
    # Shares that never were otherwise than nothing are no story.
    shown = [
        row
        for row in found
        if (row["kind"] not in _QUIET or any(point["value"] for point in row["points"]))
        and not (row["kind"] == "error_category" and explains_nothing(row["label"]))
    ]
    for table in terminal_history.trend_tables(shown, None if everything else _MOST_OF_A_KIND):
        out.print(table)
        out.print()
    if not shown:
        out.print("No history yet. `faultmap status` tells what has been audited.")


_MOST_OF_A_KIND = 10
_QUIET = frozenset({"quarantined", "unscored", "unjudged"})


@app.command()
def gate(
    baseline: Annotated[
        str, typer.Option("--baseline", metavar="RUN|MODEL", help="An audit (12, previous, latest~2) or a model.")
    ],
    dataset: DatasetFilter = None,
    model: ModelFilter = None,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Hold the last audit against a baseline; exit 1 with the reasons where it is significantly worse.

    Where nothing could be compared it cannot say: exit 2.

    Example: faultmap gate --baseline previous

    Example: faultmap gate --baseline gpt-4o --model gpt-4o-mini
    """
    from faultmap_assets import terminal_history
    from faultmap_assets.history_gate import gate_against

    settings = settings_of(home)
    gated = gate_against(filtered_warehouse(settings, dataset, model), settings, baseline, dataset, model)
    if as_json:
        print_json({"current": gated.current, "baseline": gated.baseline, **gated.result.to_dict()})
    else:
        for line in terminal_history.gate_lines(gated):
            out.print(line, soft_wrap=True)
    raise typer.Exit(0 if gated.result.passed else 1 if gated.result.decided else 2)


@app.command()
def alerts(
    everything: Annotated[bool, typer.Option("--all", help="Also those that are over or acknowledged.")] = False,
    send: Annotated[bool, typer.Option("--send", help="Post what was not posted yet.")] = False,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """List what is new or got worse and is still so.

    Example: faultmap alerts --all
    """
    from datetime import UTC, datetime

    from faultmap_assets import history_queries, terminal, terminal_history
    from faultmap_assets.alert_delivery import deliver, try_again
    from faultmap_assets.data_arrival import overdue

    settings = settings_of(home)
    warehouse = warehouse_of(settings)
    note = ""
    if send:
        try_again(warehouse)
        delivery = deliver(warehouse, settings)
        note = delivery.note or f"{delivery.sent} alerts posted"
    found = history_queries.alerts(warehouse, everything=everything)
    known = history_queries.known(warehouse) if everything else []
    late = overdue(warehouse, settings, datetime.now(UTC))
    if as_json:
        print_json({"alerts": found, "acknowledged": known, "overdue": late, "webhook": note})
        return
    if found:
        out.print(terminal_history.alert_table(found))
    else:
        out.print("No alerts: nothing is new, nothing got worse.")
    if known:
        out.print()
        out.print(terminal_history.acknowledgement_table(known))
    for sentence in late:
        out.print(terminal.literal(f"overdue: {sentence}", "yellow"), soft_wrap=True)
    if note:
        out.print(terminal.literal(note))


@app.command()
def acknowledge(
    finding: Annotated[str, typer.Argument(help="An alert's or a finding's id, or its beginning.")],
    until: Annotated[str, typer.Option(metavar="DAY", help="Only until this day, e.g. 2026-01-31.")] = "",
    note: Annotated[str, typer.Option(help="Why, for others.")] = "",
    undo: Annotated[bool, typer.Option("--undo", help="Take it back.")] = False,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Note that somebody knows: silent until it gets significantly worse, or until the day.

    Example: faultmap acknowledge 3fa9 --until 2026-01-31 --note "fixed in the next release"
    """
    from faultmap_assets import terminal
    from faultmap_assets.alert_acknowledgements import acknowledge as note_it
    from faultmap_assets.alert_acknowledgements import withdraw

    warehouse = warehouse_of(settings_of(home))
    if undo:
        name = withdraw(warehouse, finding)
        told = {"name": name, "withdrawn": True}
        sentence = f"{name} is no longer acknowledged."
    else:
        done = note_it(warehouse, finding, until, note)
        told = vars(done)
        limit = "" if done.value is None else f", unless it gets significantly worse than {done.value:.1%}"
        where, period = done.dataset or "this project", f"until {until}" if until else "for good"
        sentence = f"{done.name} on {where} is silent {period}{limit}."
    if as_json:
        print_json(told)
    else:
        out.print(terminal.literal(sentence), soft_wrap=True)
