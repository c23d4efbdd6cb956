"""Render errors, their categories and their causes in a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rich.table import Table
from rich.text import Text

from faultmap_assets.cli.render.tables import literal, percent, plain_table

if TYPE_CHECKING:
    from faultmap_assets.automation.estimate import AuditEstimate
    from faultmap_core.error_analysis.judging.validation import Agreement, JudgeAgreement

_ITEMS_SHOWN = 10
_NEARLY_ALL = 0.8


def taxonomy_lines(
    categories: Sequence[Mapping[str, Any]], unclassified: int, least_share: float = 0.0, blind_spot: str = ""
) -> Iterator[Text]:
    """The kinds of error as an indented tree, with their numbers and shares; below the top, those of `least_share`.

    Args: blind_spot: the sentence that says what the judge did not see.
    """
    total = sum(row["errors"] for row in categories if row["depth"] == 1) + unclassified
    yield literal(f"{total:,} errors", "bold")
    hidden = 0
    for row in categories:
        if row["depth"] > 1 and row["share"] < least_share:
            hidden += 1
            continue
        line = literal(f"{'  ' * row['depth']}{row['errors']:>5,}  {row['share']:>4.0%}  ")
        line.append_text(literal(row["name"], "bold" if row["depth"] == 1 else ""))
        yield line
    if unclassified:
        yield literal(f"  {unclassified:>5,}  {unclassified / total:>4.0%}  unclassified", "yellow")
    if hidden:
        yield literal(f"  {hidden} smaller kinds: `faultmap taxonomy`", "dim")
    if blind_spot:
        yield literal(blind_spot, "dim")


def signature_tables(signatures: Sequence[Mapping[str, Any]], most: int = 0) -> Iterator[Table]:
    """Per dataset and model, what it does more often than the others, and what gathers in its slices.

    Significant ones only, at most `most` of each (0: all); of a kind and its only subkind the former.
    """
    found = [row for row in signatures if row["significant"]]
    for dataset, model in dict.fromkeys((row["dataset"], row["model"]) for row in found):
        for scope in ("model", "slice"):
            rows = _without_repeats(
                [row for row in found if (row["dataset"], row["model"], row["scope"]) == (dataset, model, scope)]
            )
            if rows:
                yield _signature_table(dataset, model, scope, rows, most)


def _signature_table(dataset: str, model: str, scope: str, rows: Sequence[Mapping[str, Any]], most: int) -> Table:
    against = scope == "model"
    table = plain_table("kind of error", ">errors")
    what = "more often than the other models" if against else "gathered in slices"
    table.title = literal(f"{model} on {dataset}: {what}", "bold")
    table.title_justify = "left"
    for row in rows[: most or None]:
        cell = literal(row["category"])
        if not against:
            cell.append_text(literal(f" in {row['slice'] or row['slice_id']}"))
        if row["claim"]:
            cell.append_text(literal(f"\n{row['claim']['told']}", "dim"))
        table.add_row(cell, f"{row['errors']:,}")
    if most and len(rows) > most:
        table.add_row(literal(f"… {len(rows) - most} more: `faultmap errors`", "dim"))
    return table


def _without_repeats(rows: list[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Leave out a kind of error that is nearly all of a kind above it, or nearly all of which is below it."""
    by_place = {(row["category_id"], row["slice_id"]): row for row in rows}
    kept = []
    for row in rows:
        parent = by_place.get((row["category_id"].rpartition("/")[0], row["slice_id"]))
        if parent is None or row["errors"] < _NEARLY_ALL * parent["errors"]:
            kept.append(row)
    return kept


def error_table(errors: Sequence[Mapping[str, Any]]) -> Table:
    """One row per judged error."""
    table = plain_table("dataset", "model", "example", "error", "judged by")
    for row in errors:
        told = row["error_title"] or (f"not judged: {row['reason']}" if row["outcome"] == "failed" else row["outcome"])
        cell = literal(told, "bold")
        if row["error_summary"]:
            cell.append_text(literal(f"\n{row['error_summary']}", "dim"))
        table.add_row(
            literal(row["dataset"]), literal(row["model"]), literal(row["example_id"]), cell, literal(row["judged_by"])
        )
    return table


def quality_tables(datasets: Sequence[Mapping[str, Any]]) -> Iterator[Table]:
    """Per dataset its figures, and the items that want a look."""
    for dataset in datasets:
        table = plain_table("figure", ">value", "meaning")
        table.title = literal(dataset["dataset"], "bold")
        table.title_justify = "left"
        for row in dataset["measures"]:
            table.add_row(
                literal(row["measure"].replace("_", " ")),
                _figure(row["measure"], row["value"]),
                literal(row["meaning"]),
            )
        yield table
        # That all models fail is told as a number above: it says that an item is hard, not that it is wrong.
        listed = [row for row in dataset["items"] if row["flag"] != "all_models_fail"]
        if listed:
            items = plain_table("flag", "example", "evidence")
            items.title = literal(f"{dataset['dataset']}: items that want a look", "bold")
            items.title_justify = "left"
            shown: dict[str, int] = {}
            for row in listed:
                shown[row["flag"]] = shown.get(row["flag"], 0) + 1
                if shown[row["flag"]] <= _ITEMS_SHOWN:
                    items.add_row(
                        literal(row["flag"].replace("_", " ")), literal(row["example_id"]), literal(row["evidence"])
                    )
            for flag, count in shown.items():
                if count > _ITEMS_SHOWN:
                    items.add_row(
                        literal(f"… {count - _ITEMS_SHOWN:,} more: --json lists all", "dim"), flag.replace("_", " ")
                    )
            yield items


def _figure(measure: str, value: float | None) -> str:
    if value is None:
        return "–"
    if measure == "smallest_visible_difference":
        return f"{100 * value:.1f} points"
    if measure.endswith("_share"):
        return f"{value:.1%}"
    return f"{value:,.0f}" if float(value).is_integer() and abs(value) >= 1 else f"{value:.3g}"


def estimate_table(estimate: AuditEstimate) -> Table | Text:
    """What the language models would be asked, by asset; a sentence where that is nothing."""
    if not estimate.rows:
        return literal("The next audit asks no language model anything and costs nothing.")
    table = plain_table(
        "asset", "partitions", "model", ">calls", ">cached", ">prompt tokens", ">reply tokens ≤", ">USD ≤"
    )
    for row in estimate.rows:
        table.add_row(
            row.asset,
            str(row.partitions),
            literal(row.model),
            f"{row.calls:,}",
            f"{row.cached:,}",
            f"{row.prompt_tokens:,}",
            f"{row.most_completion_tokens:,}",
            "unknown" if row.most_cost is None else f"{row.most_cost:,.2f}",
        )
    return table


def agreement_tables(found: JudgeAgreement) -> Iterator[Table | Text]:
    """How well the judge agrees with people, question by question, class by class."""
    yield literal(
        f"{found.matched:,} answers have a label and a judgment; {found.labels_without_judgment:,} labels and"
        f" {found.judgments_without_label:,} judgments have no counterpart; {found.failed_judgments:,} judgments failed"
    )
    for title, agreement in (("Error or not", found.error), ("Kind of error", found.kind)):
        if agreement is None:
            continue
        table = plain_table("class", ">labelled", ">judged", ">both", ">precision", ">recall")
        table.title = literal(
            f"{title}: {agreement.accuracy:.0%} agree ({agreement.accuracy_low:.0%}–{agreement.accuracy_high:.0%}),"
            f" kappa {_kappa(agreement)}",
            "bold",
        )
        table.title_justify = "left"
        for one in agreement.per_class:
            table.add_row(
                literal(one.name),
                f"{one.labelled:,}",
                f"{one.judged:,}",
                f"{one.both:,}",
                percent(one.precision),
                percent(one.recall),
            )
        yield table
    if found.unknown_labels:
        more = len(found.unknown_labels) - _ITEMS_SHOWN
        cut = f" … {more:,} more" if more > 0 else ""
        named = ", ".join(found.unknown_labels[:_ITEMS_SHOWN])
        yield literal(f"Labels that no {found.compared_by} has: {named}{cut}", "yellow")


def _kappa(agreement: Agreement) -> str:
    if agreement.kappa is None:
        return "– (one class only)"
    if agreement.kappa_low is None or agreement.kappa_high is None:
        return f"{agreement.kappa:.2f}"
    return f"{agreement.kappa:.2f} ({agreement.kappa_low:.2f} to {agreement.kappa_high:.2f})"
