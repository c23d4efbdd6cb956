"""Render trends, alerts and the gate's verdict in a terminal. External text never becomes markup."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby, islice
from typing import TYPE_CHECKING, Any

from rich.table import Table
from rich.text import Text

from faultmap_assets.cli.render.tables import literal, plain_table

if TYPE_CHECKING:
    from faultmap_assets.defs.history.gate import Gated

_BARS = "▁▂▃▄▅▆▇█"
_POINTS_SHOWN = 12
_PAIRS_SHOWN = 4
# `faultmap acknowledge` takes the beginning of an id.
_ID_SHOWN = 10
_STYLES = {"worse": "red", "new": "yellow", "better": "green", "gone": "dim", "same": ""}
_KINDS = {
    "failure_rate": "failure rate",
    "slice": "slice",
    "error_category": "error",
    "comparison": "comparison",
    "coverage": "coverage",
    "gap": "gap",
    "quarantined": "quarantined",
    "unscored": "without outcome",
    "unjudged": "without judgment",
}


def audit_table(audits: Sequence[Mapping[str, Any]]) -> Table:
    """One row per audit, newest first."""
    table = plain_table(">audit", "when (UTC)", ">new", ">worse", ">better", ">gone")
    for row in audits:
        when = row["audited_at"].strftime("%Y-%m-%d %H:%M")
        table.add_row(str(row["audit"]), when, *(_count(row[name]) for name in ("new", "worse", "better", "gone")))
    return table


def _count(number: int) -> str:
    return f"{number:,}" if number else "–"


def trend_tables(trends: Sequence[Mapping[str, Any]], most: int | None = None) -> Iterator[Table]:
    """One table per dataset and model: each finding with its rates over the audits; `most` of a kind."""
    for dataset, model in dict.fromkeys((row["dataset"], row["model"]) for row in trends):
        table = plain_table("what", "trend", ">before", ">now", "status", ">first seen", "id")
        title = f"{model.replace('|', ' against ')} on {dataset}" if model else dataset
        table.title, table.title_justify = literal(title, "bold"), "left"
        own = [row for row in trends if (row["dataset"], row["model"]) == (dataset, model)]
        shown = [row for _, rows in groupby(own, key=lambda row: row["kind"]) for row in islice(rows, most)]
        for row in shown:
            table.add_row(*_trend(row))
        if len(own) > len(shown):
            table.add_row(f"… and {len(own) - len(shown):,} more (--all)", *[""] * 6, style="dim")
        yield table


def _trend(row: Mapping[str, Any]) -> tuple[Text | str, ...]:
    values = [point["value"] for point in row["points"]]
    told = [value for value in values if value is not None]
    now = values[-1]
    before = told[-2] if now is not None and len(told) > 1 else told[-1] if now is None and told else None
    kind = _KINDS[row["kind"]]
    return (
        literal(f"{kind}: {row['label']}" if row["kind"] in ("slice", "gap", "error_category") else kind),
        sparkline(values[-_POINTS_SHOWN:]),
        _share(before),
        _share(now),
        Text(row["status"], style=_STYLES[row["status"]]),
        (row["first_seen"] or "")[:10],
        literal(row["finding_id"][:_ID_SHOWN], "dim"),
    )


def sparkline(values: Sequence[float | None]) -> str:
    """Return one bar per value, from their least to their greatest (equal values: low bars); a gap for none."""
    told = [value for value in values if value is not None]
    low, spread = (min(told), max(told) - min(told)) if told else (0.0, 0.0)
    return "".join(
        " " if value is None else _BARS[round((value - low) / spread * (len(_BARS) - 1)) if spread > 0 else 0]
        for value in values
    )


def _share(value: float | None) -> str:
    return "–" if value is None else f"{value:.1%}"


def alert_table(alerts: Sequence[Mapping[str, Any]]) -> Table:
    """One row per alert: how bad, since when, what, and where it stands."""
    table = plain_table("", "day", "what", "state", "id")
    for row in alerts:
        style = "dim" if not row["is_open"] else "red" if row["severity"] == "error" else "yellow"
        table.add_row(
            Text("error" if row["severity"] == "error" else "warning", style=style),
            row["day"][:10],
            literal(row["message"]),
            _state(row),
            literal(row["alert_id"], "dim"),
        )
    return table


def _state(row: Mapping[str, Any]) -> str:
    if not row["is_open"]:
        return "over"
    if row["silenced"]:
        return "acknowledged"
    return {"sent": "posted", "failed": "not posted", "pending": "to be posted", "sending": "to be posted"}.get(
        row["delivery"], "open"
    )


def acknowledgement_table(known: Sequence[Mapping[str, Any]]) -> Table:
    """One row per acknowledgement."""
    table = plain_table("acknowledged", "of", "since (UTC)", "until", ">silent up to", "note")
    for row in known:
        table.add_row(
            literal(row["name"] or row["kind"]),
            literal(" on ".join(part for part in (row["model"], row["dataset"]) if part)),
            row["acknowledged_at"].strftime("%Y-%m-%d"),
            row["until"] or "for good",
            _share(row["value"]),
            literal(row["note"]),
        )
    return table


def gate_lines(gated: Gated) -> Iterator[Text]:
    """Say whether the gate is passed, why not, and what could not be compared."""
    result = gated.result
    names = [f"{model} on {dataset}" if model else dataset for dataset, model, _ in result.compared]
    more = f" and {len(names) - _PAIRS_SHOWN:,} more" if len(names) > _PAIRS_SHOWN else ""
    tested = f" ({', '.join(names[:_PAIRS_SHOWN])}{more}; {result.tested:,} tests)" if names else ""
    if result.passed:
        told = f": {gated.current} is nowhere significantly worse than {gated.baseline}{tested}"
        yield Text.assemble(("passed", "green"), literal(told))
    else:
        verdict = ("failed", "red") if result.decided else ("cannot say", "yellow")
        yield Text.assemble(verdict, literal(f": {gated.current} against {gated.baseline}{tested}"))
        for reason in result.reasons:
            yield literal(f"- {reason}")
    for note in result.notes:
        yield literal(f"note: {note}", "dim")
