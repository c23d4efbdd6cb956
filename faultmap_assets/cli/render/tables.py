"""Render findings in a terminal. External text never becomes markup or a control sequence."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from rich.console import Console
from rich.table import Table
from rich.text import Text

from faultmap_core.base.text import printable

if TYPE_CHECKING:
    from faultmap_assets.automation.doctor import Finding
    from faultmap_assets.graph.staleness import StalePartition
    from faultmap_assets.ingestion.reconciliations import FileSummary
    from faultmap_assets.ingestion.watched_files import WatchedFile

_REASONS_SHOWN = 10
_TEXT_LINES_SHOWN = 12


def literal(text: object, style: str = "") -> Text:
    """Return text that rich prints as it is."""
    return Text(printable(str(text)), style=style)


def percent(share: float | None) -> str:
    """Return a share as a whole percentage."""
    return "–" if share is None else f"{share:.0%}"


def p_value(p: float) -> str:
    """Return a p-value, short."""
    return "<0.0001" if p < 0.0001 else f"{p:.2g}"


def slice_tables(slices: Sequence[Mapping[str, Any]]) -> Iterator[Table]:
    """One table per dataset and model, worst slice first; p is adjusted over all searches of the audit."""
    for dataset, model in dict.fromkeys((row["dataset"], row["model"]) for row in slices):
        table = plain_table("slice", ">answers", ">here", ">elsewhere", ">too many", ">adj. p", "id")
        table.title = literal(f"{model} on {dataset}", "bold")
        table.title_justify = "left"
        for row in slices:
            if (row["dataset"], row["model"]) == (dataset, model):
                table.add_row(
                    literal(row["name"]),
                    str(row["size"]),
                    slice_value(row, "inside"),
                    slice_value(row, "outside"),
                    f"{_expected_excess(row):.0f}",
                    p_value(row["audit_adjusted_p_value"]),
                    literal(row["slice_id"], "dim"),
                )
        yield table


def slice_value(row: Mapping[str, Any], side: Literal["inside", "outside"]) -> str:
    """The value that a slice's test was of, with what it is."""
    value = row["claim"][f"{side}_text"]
    return f"score {value}" if row["claim"]["statistic"] == "score" else f"{value} fail"


def breakable(name: str, width: int) -> str:
    """Return a name in lines of at most `width` characters, broken where a reader would break it, not inside a word."""
    lines, line = [], ""
    for part in re.split(r"(?<=[-_/.: ])", name):
        if line and len(line) + len(part) > width:
            lines.append(line)
            line = ""
        line += part
    return "\n".join([*lines, line])


def _expected_excess(row: Mapping[str, Any]) -> float:
    """Return the failures to expect beyond the rest's rate; what was observed where no estimate is stored."""
    estimate = row["estimated_excess_failures"]
    return float(row["excess_failures"] if estimate is None else estimate)


def coverage_tables(days: Sequence[Mapping[str, Any]]) -> Iterator[Table]:
    """One table of the days, then one of the gaps of all days."""
    if days:
        table = plain_table("day", ">production", ">tests", ">coverage", ">range", ">in gaps", ">gaps")
        for day in days:
            low = day["coverage_low"]
            table.add_row(
                day["day"],
                f"{day['production']:,}",
                f"{day['tests']:,}",
                percent(day["coverage"]),
                "–" if low is None else f"{percent(low)}–{percent(day['coverage_high'])}",
                percent(day["in_gaps"]),
                str(len(day["gaps"])),
            )
        yield table
    gaps = [gap for day in days for gap in day["gaps"]]
    if gaps:
        table = plain_table(">day", "what is asked and not tested", ">prompts", ">of the day", "id")
        for gap in gaps:
            cell = literal(gap["name"])
            if gap["claim"]:
                cell.append_text(literal(f"\n{_gap_sentence(gap)}", "dim"))
            table.add_row(
                gap["day"],
                cell,
                f"{gap['size']:,}",
                percent(gap["traffic_share"]),
                literal(gap["gap_id"], "dim"),
            )
        yield table


def _gap_sentence(gap: Mapping[str, Any]) -> str:
    """What is claimed of a gap; what was not tested at all says no more than that."""
    told = str(gap["claim"]["told"])
    return f"{told} Tested too little." if gap["kind"] == "under-tested" else told


def print_slice(console: Console, row: Mapping[str, Any]) -> None:
    """Print one slice with its examples."""
    console.print(literal(row["name"], "bold"))
    console.print(literal(f"{row['model']} on {row['dataset']} · {row['slice_id']}", "dim"))
    if row["named_by"] not in ("keywords", "metadata"):
        console.print(literal(row["description"]))
    console.print(literal(row["claim"]["told"]))
    console.print(literal(row["claim"]["basis"], "dim"))
    for label, text in (("root cause", row["root_cause"]), ("remedy", row["suggested_remediation"])):
        if text:
            console.print(Text.assemble((f"{label}  ", "dim"), literal(text)))
    if row["cited_examples"]:
        console.print(literal(f"seen in {', '.join(row['cited_examples'])} (named by {row['named_by']})", "dim"))
    if row["naming_note"]:
        console.print(literal(row["naming_note"], "yellow"))
    for example in row["examples"]:
        console.print()
        style = "red" if example["failed"] else "green"
        console.print(
            Text.assemble(
                ("failed" if example["failed"] else "passed", style), literal(f"  {example['example_id']}", "dim")
            )
        )
        for label, key in (("prompt", "prompt"), ("answer", "response"), ("expected", "reference")):
            text = example.get(key)
            if text is None and key == "reference":
                continue
            console.print(Text.assemble((f"{label:>9}  ", "dim"), literal(_shortened(text) if text else "(empty)")))


def stale_table(stale: Sequence[StalePartition]) -> Table:
    """One row per stale partition with its reason."""
    table = plain_table("stale", "partition", "why", "waits for")
    for item in stale[: 2 * _REASONS_SHOWN]:
        waits = item.waits_for[0] if item.waits_for else None
        more = f" (+{len(item.waits_for) - 1})" if len(item.waits_for) > 1 else ""
        table.add_row(
            item.asset,
            literal(item.partition.key or "–"),
            item.reason,
            literal(f"{waits[0]} {waits[1].key}{more}" if waits else ""),
        )
    if len(stale) > 2 * _REASONS_SHOWN:
        table.add_row(f"… and {len(stale) - 2 * _REASONS_SHOWN} more", "", "", "")
    return table


def quarantine_table(rows: Sequence[Mapping[str, Any]]) -> Table:
    """One row per file and reason, with the first line where it happened."""
    table = plain_table("quarantined rows of", ">first line", ">rows", "why")
    groups: dict[tuple[str, str], list[int]] = {}
    for row in rows:
        groups.setdefault((row["path"], row["reason"]), []).append(row["line"])
    for (path, reason), lines in sorted(groups.items(), key=lambda item: (-len(item[1]), item[0]))[:_REASONS_SHOWN]:
        table.add_row(literal(path), f"{min(lines)}", f"{len(lines):,}", literal(reason))
    if len(groups) > _REASONS_SHOWN:
        table.add_row(f"… and {len(groups) - _REASONS_SHOWN} more reasons", "", "", "")
    return table


def disagreement_lines(compared: Sequence[FileSummary]) -> Iterator[Text]:
    """One line per figure of a tool that its file's rows do not give, with both figures."""
    differing = [one for one in compared if not one.agrees]
    for one in differing[:_REASONS_SHOWN]:
        yield literal(str(one), "yellow")
    if len(differing) > _REASONS_SHOWN:
        yield literal(f"… and {len(differing) - _REASONS_SHOWN} more figures that differ; `faultmap status --json`")


def bad_files_table(files: Sequence[WatchedFile]) -> Table:
    """One row per watched file that cannot be read."""
    table = plain_table("unreadable file", "why; it is read again when it changes")
    for file in files[:_REASONS_SHOWN]:
        table.add_row(literal(file.path), literal(file.reason))
    if len(files) > _REASONS_SHOWN:
        table.add_row(f"… and {len(files) - _REASONS_SHOWN} more", "")
    return table


def findings_table(findings: Sequence[Finding]) -> Table:
    """What the doctor found, one row per question."""
    table = plain_table("", "looked at", "found")
    marks = {"ok": ("ok", "green"), "warning": ("look", "yellow"), "error": ("bad", "red")}
    for finding in findings:
        told = literal(finding.answer)
        if finding.advice:
            told.append_text(literal(f"\n→ {finding.advice}", "bold"))
        table.add_row(Text(*marks[finding.verdict]), finding.question, told)
    return table


def plain_table(*columns: str) -> Table:
    """Columns whose name starts with `>` are numbers."""
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    for name in columns:
        number = name.startswith(">")
        justify: Literal["left", "right"] = "right" if number else "left"
        table.add_column(name.lstrip(">"), justify=justify, no_wrap=number or name == "id", overflow="fold")
    return table


def _shortened(text: str) -> str:
    lines = text.splitlines()
    shown = "\n".join(line[:400] for line in lines[:_TEXT_LINES_SHOWN])
    return shown + ("\n…" if len(lines) > _TEXT_LINES_SHOWN else "")
