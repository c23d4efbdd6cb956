"""The memo that opens a report: who leads, what to repair first, and what these data cannot tell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from faultmap_assets import error_queries
from faultmap_assets.report import findings
from faultmap_assets.report.scope import Row, Scope
from faultmap_assets.warehouse import Warehouse
from faultmap_core.ranking import PairVerdict, rank_models, ranking_sentence
from faultmap_core.report_text import counted

_MAX_REPAIRS = 100
# From this adjusted p over all searches of an audit on, a finding may be chance.
_LEVEL = 0.05
# Of fewer scored answers a group that may be tested (10) is so large a part that only extreme ones are found.
_FEW = 100


def memo(content: Mapping[str, Any]) -> Row:
    """Return the memo of a report's findings.

    Args: content: audits, comparisons, taxonomy, judging, quality and quarantined, as in the report.
    """
    found = [row for audit in content["audits"] for row in audit["slices"]]
    held = [row for row in found if row["audit_adjusted_p_value"] <= _LEVEL]
    return {
        "rankings": rankings(content["audits"], content["comparisons"]),
        "repairs": _repairs(held)[:_MAX_REPAIRS],
        "may_be_chance": [_named(row) for row in found if row["audit_adjusted_p_value"] > _LEVEL],
        "searches": len(content["audits"]),
        "cannot_tell": cannot_tell(content),
        "no_outcome": no_outcome(content["audits"]),
    }


def memo_of(warehouse: Warehouse, scope: Scope) -> Row:
    """Return the memo of a part of the warehouse."""
    return memo(
        {
            "audits": findings.audits(warehouse, scope),
            "comparisons": findings.comparisons(warehouse, scope),
            "taxonomy": findings.taxonomy(warehouse, scope),
            "judging": findings.judging(warehouse, scope),
            "quality": error_queries.quality(warehouse, scope.datasets),
            "quarantined": findings.quarantined(warehouse, scope),
        }
    )


def rankings(audits: Sequence[Row], comparisons: Sequence[Row]) -> list[Row]:
    """Return each dataset's models in their order, with who can be told apart."""
    ranked = []
    for dataset in dict.fromkeys(audit["dataset"] for audit in audits):
        of_model = {audit["model"]: audit for audit in audits if audit["dataset"] == dataset}
        verdicts = [
            PairVerdict(pair["model_a"], pair["model_b"], pair["winner"], pair["compared"])
            for pair in comparisons
            if pair["dataset"] == dataset and {pair["model_a"], pair["model_b"]} <= set(of_model)
        ]
        standings = rank_models({model: audit["failure_rate"] for model, audit in of_model.items()}, verdicts)
        counted = ("examples", "scored", "failures", "failure_rate_low", "failure_rate_high")
        ranked.append(
            {
                "dataset": dataset,
                "told": ranking_sentence(standings),
                "models": [
                    {
                        **one.to_dict(),
                        **{name: of_model[one.model][name] for name in counted},
                        "slices": len(of_model[one.model]["slices"]),
                    }
                    for one in standings
                ],
            }
        )
    return ranked


def _repairs(slices: Sequence[Row]) -> list[Row]:
    """Return the regions that are worth repairing, the most failures beyond the rest first; one line per region."""
    regions: dict[tuple[str, object], list[Row]] = {}
    # Of two models that were not asked quite the same, one region has two ids; its words are the same.
    words = {(row["dataset"], row["slice_id"]): frozenset(row["name"].split(", ")) for row in reversed(slices)}
    for row in slices:
        regions.setdefault((row["dataset"], words[row["dataset"], row["slice_id"]]), []).append(row)
    repairs = []
    for rows in regions.values():
        worst = max(rows, key=_excess)
        others = sorted({row["model"] for row in rows} - {worst["model"]})
        repairs.append(
            {
                **_named(worst),
                "also_of": others,
                "prompt": _typical_prompt(worst),
                "recoverable": recoverable(worst),
                "excess_failures": _excess(worst),
            }
        )
    return sorted(repairs, key=lambda one: (-one["excess_failures"], one["dataset"], one["slice_id"]))


def _named(row: Row) -> Row:
    names = ("dataset", "model", "slice_id", "name", "claim", "size", "audit_adjusted_p_value")
    return {name: row[name] for name in names}


def _excess(row: Row) -> float:
    """Return the failures to expect beyond the rest's rate; what was observed where no estimate is stored."""
    estimate = row["estimated_excess_failures"]
    return float(row["excess_failures"] if estimate is None else estimate)


def _typical_prompt(row: Row) -> str:
    for example in row["examples"]:
        if example["failed"] and example["prompt"]:
            return str(example["prompt"])
    return ""


def recoverable(row: Row) -> str:
    """Say how many failures fewer there would be if the slice failed like the rest, with a range where it holds."""
    claim, size = row["claim"], row["size"]
    if claim["statistic"] != "failure rate":
        return f"{row['failures']:,} of its {size:,} answers count as failures."
    about = max(round(_excess(row)), 1)
    failures = "failure" if about == 1 else "failures"
    if claim["flaw"]:
        return f"About {about:,} fewer {failures} if it failed like the rest; so few answers give no range."
    low, high = (max(round(size * claim[end]), 1) for end in ("low", "high"))
    span = f" ({low:,} to {high:,})" if low <= about <= high else ""
    return f"About {about:,} fewer {failures} if it failed like the rest{span}."


def no_outcome(audits: Sequence[Row]) -> str:
    """Say what can be done where nothing says which answers are right; empty where something does."""
    if not audits or any(audit["scored"] for audit in audits):
        return ""
    return (
        "No answer has a score or a verdict, so nothing says which are right, and where a model fails cannot be told."
        " If a column says so, name it: `faultmap audit FILE --map score=COLUMN`. If nothing does and the rows have"
        " times, as logs of production have, `faultmap coverage FILE` tells what is asked and what no test asks."
    )


def no_evals(warehouse: Warehouse) -> str:
    """Say what can be done where no evals were audited; empty where some were."""
    if warehouse.query("SELECT 1 FROM staging_partitions WHERE day IS NULL LIMIT 1").num_rows:
        return ""
    return (
        "No evals were audited, so nothing is known of where a model fails or what the tests ask:"
        " `faultmap audit FILES` reads them. Logs of production are read by `faultmap coverage LOGS`."
    )


def cannot_tell(content: Mapping[str, Any]) -> list[str]:
    """Return, as sentences, what the data are too few or too incomplete to tell."""
    told = [*_resolution(content), *_few(content["audits"]), *_uncompared(content["comparisons"])]
    told += _unscored(content["audits"])
    quarantined = sum(row["rows"] for row in content["quarantined"])
    if quarantined:
        told.append(f"{counted(quarantined, 'row')} could not be read and were set aside; nothing here rests on them.")
    return [*told, *_unseen_causes(content["taxonomy"])]


def _resolution(content: Mapping[str, Any]) -> list[str]:
    told = []
    several = len(content["quality"]) > 1
    compared = {pair["dataset"] for pair in content["comparisons"] if pair["compared"]}
    for dataset in content["quality"]:
        for measure in dataset["measures"]:
            if (
                measure["measure"] == "smallest_visible_difference"
                and measure["value"] is not None
                and dataset["dataset"] in compared
            ):
                where = f"On {dataset['dataset']}, two" if several else "Two"
                told.append(
                    f"{where} models that differ by less than about {100 * measure['value']:.1f} percentage points"
                    " would usually not be told apart."
                )
    return told


def _few(audits: Sequence[Row]) -> list[str]:
    few = [audit for audit in audits if 0 < audit["scored"] < _FEW]
    if not few:
        return []
    named = f"{few[0]['model']} has only {counted(few[0]['scored'], 'scored answer')} on {few[0]['dataset']}"
    more = f" ({counted(len(few) - 1, 'other model')} likewise)" if len(few) > 1 else ""
    return [f"{named}{more}: a weak spot can hardly be told from chance. Some hundred answers are needed."]


def _uncompared(comparisons: Sequence[Row]) -> list[str]:
    none = [pair for pair in comparisons if pair["compared"] == 0]
    if not none:
        return []
    first = none[0]
    named = f"{first['model_a']} and {first['model_b']} on {first['dataset']}"
    more = f" and {counted(len(none) - 1, 'other pair')}" if len(none) > 1 else ""
    return [f"{named}{more} share no example that both have a score for, so nothing says which is better."]


def _unscored(audits: Sequence[Row]) -> list[str]:
    missing = sum(audit["examples"] - audit["scored"] for audit in audits)
    if not missing:
        return []
    return [f"{counted(missing, 'answer')} without a score: counted neither as right nor as wrong."]


def _unseen_causes(taxonomy: Row | None) -> list[str]:
    told = (taxonomy or {}).get("blind_spot", "")
    return [told] if told else []
