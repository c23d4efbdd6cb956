"""error_judgments, error_taxonomy, error_signatures: why each model fails, and which failures are its own."""

import hashlib
import json
from collections import Counter
from collections.abc import Mapping, Sequence

import dagster as dg
import pyarrow as pa

from faultmap_assets.defs.why import queries as error_queries
from faultmap_assets.defs.why.queries import ErrorKey, StoredTaxonomy
from faultmap_assets.graph.fingerprints import taxonomy_recipe
from faultmap_assets.graph.scopes import Partition
from faultmap_assets.kit import checks
from faultmap_assets.kit import figures as pictures
from faultmap_assets.kit.asset_metadata import report_link
from faultmap_assets.kit.declared import declared_asset
from faultmap_assets.kit.markdown import Align, table
from faultmap_assets.kit.refresh import Made, Refresh, content_version
from faultmap_assets.kit.rows import rows_of
from faultmap_assets.settings import Settings
from faultmap_assets.warehouse import metric_queries
from faultmap_assets.warehouse.connection import Warehouse
from faultmap_core.embedding import Embedder
from faultmap_core.error_analysis.judging.pipeline import (
    FailedExample,
    JudgingResult,
    ModelJudge,
    RuleJudge,
    judge_failures,
    signals_of,
)
from faultmap_core.error_analysis.taxonomy.rule_taxonomy import rule_taxonomy
from faultmap_core.error_analysis.taxonomy.signatures import Signature, SignatureSettings
from faultmap_core.error_analysis.taxonomy.signatures import error_signatures as find_signatures
from faultmap_core.error_analysis.taxonomy.taxonomy import (
    Classification,
    ErrorRecord,
    TaxonomySettings,
    apply_taxonomy,
    build_taxonomy,
    load_taxonomy,
    needs_rebuild,
    tree_lines,
)
from faultmap_core.llm import LanguageModel


@declared_asset()
def error_judgments(
    context: dg.AssetExecutionContext,
    warehouse: dg.ResourceParam[Warehouse],
    settings: dg.ResourceParam[Settings],
    language_model: dg.ResourceParam[LanguageModel | None],
) -> Made:
    """What went wrong in each failure of one model on one dataset: the first major error, with quoted evidence."""
    refresh = Refresh.begin(context, warehouse, settings)
    higher = metric_queries.higher_is_better(warehouse, str(refresh.partition.dataset))
    model = language_model if settings.judged_by_model else None
    failures = error_queries.failed_examples(warehouse, refresh.partition, higher_is_better=higher)
    result = judge_failures(
        failures,
        ModelJudge(model) if model else RuleJudge(),
        previous=error_queries.previous_judgments(warehouse, refresh.partition),
        contrasts=error_queries.RightAnswers(
            warehouse,
            refresh.partition,
            higher_is_better=higher,
            number=settings.judging.contrast_answers if model else 0,
            seed=settings.seed,
        ),
        ratio=settings.judging.ratio,
        seed=settings.seed,
        salt=refresh.partition.key,
        purpose=refresh.purpose,
    )
    titles = Counter(one.error_title for one in result.judgments if one.error_title)
    counts = checks.JudgmentCounts(
        failures=len(failures),
        judgments=len(result.judgments),
        not_sampled=result.not_sampled,
        failed=result.failed,
        reasons=result.failed_reasons,
        stopped=model.stopped if model else "",
    )
    return refresh.write(
        {
            "error_judgments": _judgment_table(refresh.partition, result),
            "error_signals": _signal_table(refresh.partition, failures),
        },
        metadata={
            "failures": len(failures),
            "judged_now": result.judged,
            "kept": result.kept,
            "not_sampled": result.not_sampled,
            "without_judgment": result.failed,
            "judged_by": model.id if model else "rules",
            "kinds": len(titles),
            "titles": dg.MetadataValue.md(_markdown_counts("error", titles)),
            **({"stopped": model.stopped} if model and model.stopped else {}),
        },
        checks=[checks.failures_accounted(counts), checks.judge_answered(counts)],
        pending=result.failed,
        calls=model.store if model else None,
    )


@declared_asset()
def error_taxonomy(
    context: dg.AssetExecutionContext,
    warehouse: dg.ResourceParam[Warehouse],
    settings: dg.ResourceParam[Settings],
    embedder: dg.ResourceParam[Embedder],
    language_model: dg.ResourceParam[LanguageModel | None],
) -> Made:
    """The kinds of error of all models on all datasets, as a tree; every judged error stands in exactly one leaf."""
    refresh = Refresh.begin(context, warehouse, settings)
    model = language_model if settings.judged_by_model else None
    records = error_queries.error_records(warehouse)
    built_with = hashlib.blake2b(json.dumps(taxonomy_recipe(settings)).encode(), digest_size=16).hexdigest()
    stored = error_queries.active_taxonomy(warehouse)
    found, rebuilt = _classified(list(records.values()), stored, built_with, settings, embedder, model, refresh)
    tables = {
        "error_taxonomy": _category_table(found),
        "error_categories": _place_table(records, found),
        "taxonomy_quality": _quality_table(found),
    }
    counts = checks.TaxonomyCounts(
        errors=len(records),
        in_leaves=sum(leaf.count for leaf in found.taxonomy.leaves()),
        at_the_top=sum(top.count for top in found.taxonomy.children(None)),
        unclassified=found.unclassified,
        limit=settings.taxonomy.rebuild_above,
    )
    results = [checks.counts_conserved(counts), checks.classified_share(counts)]
    unanswered = sum(reason != "fits_no_category" for reason in found.reasons.values())
    return refresh.write(
        tables,
        metadata={
            "errors": len(records),
            "categories": len(found.taxonomy.categories),
            "unclassified": found.unclassified,
            "version": found.taxonomy.version,
            "rebuilt": rebuilt,
            "kinds_of_error": dg.MetadataValue.md(_picture(found)),
            "tree": dg.MetadataValue.md("```\n" + "\n".join(tree_lines(found)).replace("```", "ʼʼʼ") + "\n```"),
            "report": report_link(settings, "taxonomy"),
            **({"notes": "; ".join(found.notes)} if found.notes else {}),
        },
        checks=results,
        pending=unanswered if model else 0,
        calls=model.store if model else None,
        also=(lambda connection: error_queries.activate_taxonomy(connection, found.taxonomy, built_with))
        if rebuilt
        else None,
        version_of=pa.table({"version": [found.taxonomy.version, content_version(list(tables.values()))]}),
    )


def _classified(
    records: list[ErrorRecord],
    stored: StoredTaxonomy | None,
    built_with: str,
    settings: Settings,
    embedder: Embedder,
    model: LanguageModel | None,
    refresh: Refresh,
) -> tuple[Classification, bool]:
    """Sort the errors into the taxonomy that stands; build one where there is none, or where too many do not fit.

    Titles that the rules gave have their places already, whatever was there before.
    """
    chosen = settings.taxonomy
    core = TaxonomySettings(**chosen.model_dump(exclude={"seed_file"}), seed=settings.seed)
    if model is None and not chosen.seed_file:
        ruled = rule_taxonomy(record.title for record in records)
        rebuilt = stored is None or stored.taxonomy.version != ruled.version
        return apply_taxonomy(ruled, records, None, core, model=None, embedder=embedder), rebuilt
    if stored and stored.built_with == built_with and stored.taxonomy.categories:
        found = apply_taxonomy(
            stored.taxonomy, records, stored.places, core, model=model, embedder=embedder, purpose=refresh.purpose
        )
        if not needs_rebuild(found, core):
            return found, False
    seed = load_taxonomy(chosen.seed_file) if chosen.seed_file else None
    return (
        build_taxonomy(records, core, model=model, embedder=embedder, seed_taxonomy=seed, purpose=refresh.purpose),
        True,
    )


@declared_asset()
def error_signatures(
    context: dg.AssetExecutionContext, warehouse: dg.ResourceParam[Warehouse], settings: dg.ResourceParam[Settings]
) -> Made:
    """Which kinds of error each model makes more often than the others, and in which slices they gather."""
    refresh = Refresh.begin(context, warehouse, settings)
    found = find_signatures(
        error_queries.signature_rows(warehouse),
        SignatureSettings(settings.slices.significance_level, untested=error_queries.untested_categories(warehouse)),
    )
    significant = [one for one in found if one.significant]
    return refresh.write(
        {"error_signatures": _signature_table(found)},
        metadata={
            "contrasts": len(found),
            "significant": len(significant),
            "signatures": dg.MetadataValue.md(_markdown_signatures(significant)),
            "not_seen": error_queries.blind_spot_of(warehouse) or "nothing",
            "report": report_link(settings, "signatures"),
        },
    )


def _judgment_table(partition: Partition, result: JudgingResult) -> pa.Table:
    return rows_of("error_judgments", result.judgments, partition.columns)


def _signal_table(partition: Partition, failures: Sequence[FailedExample]) -> pa.Table:
    records = [
        {**partition.columns, "example_id": failure.example_id, "signal": signal}
        for failure in failures
        for signal in signals_of(failure)
    ]
    return pa.Table.from_pylist(records)


def _category_table(found: Classification) -> pa.Table:
    total = max(len(found.assignments), 1)
    return rows_of(
        "error_taxonomy",
        found.taxonomy.categories,
        {"version": found.taxonomy.version},
        errors="count",
        share=lambda _, one: one.count / total,
    )


def _place_table(records: Mapping[ErrorKey, ErrorRecord], found: Classification) -> pa.Table:
    rows = [
        {
            "version": found.taxonomy.version,
            "dataset": dataset,
            "model": model,
            "example_id": example_id,
            "category_id": found.assignments[record.record_id],
            "reason": found.reasons.get(record.record_id, ""),
        }
        for (dataset, model, example_id), record in records.items()
    ]
    return pa.Table.from_pylist(rows)


def _quality_table(found: Classification) -> pa.Table:
    records = [
        {"measure": measure, "value": None if value is None else float(value)}
        for measure, value in found.quality.to_dict().items()
    ]
    return pa.Table.from_pylist(records, schema=pa.schema({"measure": pa.string(), "value": pa.float64()}))


def _signature_table(found: Sequence[Signature]) -> pa.Table:
    return rows_of("error_signatures", found, {}, errors="count")


def _picture(found: Classification) -> str:
    top = sorted(found.taxonomy.children(None), key=lambda one: (-one.count, one.category_id))
    return pictures.bar_chart([one.name for one in top], [one.count for one in top], "judged errors")


def _markdown_counts(what: str, counts: Mapping[str, int]) -> str:
    shown = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    rows = ([name, str(number)] for name, number in shown)
    return table({what: "left", "number": "right"}, rows, none="None.", more="faultmap errors")


def _markdown_signatures(significant: Sequence[Signature]) -> str:
    columns: dict[str, Align] = {
        "model": "left", "dataset": "left", "kind of error": "left", "where": "left", "share": "right",
        "elsewhere": "right", "adjusted p": "right",
    }  # fmt: skip
    rows = (
        [
            one.model,
            one.dataset,
            one.category_id,
            f"of the errors in slice {one.slice_id}"
            if one.slice_id
            else "of its scored examples, against other models",
            f"{one.rate:.1%}",
            "–" if one.rest_rate is None else f"{one.rest_rate:.1%}",
            f"{one.adjusted_p_value or 0:.2g}",
        ]
        for one in significant
    )
    none = "No kind of error is significantly more frequent with one model, or in one slice, than elsewhere."
    return table(columns, rows, none=none, more="faultmap errors")
