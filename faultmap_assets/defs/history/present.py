"""Read today's findings from the current results of every scope that changed."""

from __future__ import annotations

from collections.abc import Mapping

from faultmap_assets.defs.history.production import production_findings
from faultmap_assets.defs.history.state import (
    CENTROID_PROMPTS,
    AuditScope,
    Finding,
    ScopeState,
    digest_of,
    example_key,
    slice_finding,
    with_centroids,
)
from faultmap_assets.graph.scopes import Partition
from faultmap_assets.graph.staleness import Materialization, WarehouseState
from faultmap_assets.settings import Settings
from faultmap_assets.warehouse.connection import Connection
from faultmap_assets.warehouse.metric_queries import metric_of
from faultmap_core.error_analysis.taxonomy.taxonomy import UNCLASSIFIED
from faultmap_core.monitoring.finding_identity import FindingKind
from faultmap_core.monitoring.trends import standing


def present_digests(connection: Connection, state: WarehouseState, settings: Settings) -> dict[AuditScope, str]:
    """Return every scope that has results now, with the digest of what they are; blocked results are left out."""
    made = {key: one for key, one in state.materialized.items() if not one.blocked_by}
    digests: dict[AuditScope, str] = {}
    counts = _row_counts(connection)
    for partition in (key[1] for key in made if key[0] == "scores"):
        dataset, model = str(partition.dataset), str(partition.model)
        parts = [_version(made, name, partition) for name in ("scores", "failure_slices")]
        digests[AuditScope("evals", dataset, model)] = digest_of(*parts, counts.get((dataset, model), {}))
    for asset, partition in made:
        if asset == "model_comparisons":
            digests[AuditScope("comparisons", str(partition.dataset))] = _version(made, asset, partition)
        elif asset == "production_logs":
            rules = [rule.model_dump(mode="json") for rule in settings.production.feedback]
            names = ("production_logs", "coverage_gaps", "production_slices")
            parts = [_version(made, name, partition) for name in names]
            digests[AuditScope("production", day=str(partition.day))] = digest_of(*parts, rules)
    for (dataset, model), kinds in _error_kinds(connection).items():
        digests[AuditScope("errors", dataset, model)] = digest_of(kinds)
    return digests


def _version(made: Mapping[tuple[str, Partition], Materialization], asset: str, partition: Partition) -> str:
    record = made.get((asset, partition))
    return record.data_version if record else ""


def _row_counts(connection: Connection) -> dict[tuple[str, str], dict[str, int]]:
    """Return quarantined rows, judgments and judgments that failed, by dataset and model."""
    rows = connection.execute(
        """SELECT dataset, model, sum(quarantined)::BIGINT, sum(judgments)::BIGINT, sum(unjudged)::BIGINT FROM (
            SELECT dataset, model, count(*) AS quarantined, 0 AS judgments, 0 AS unjudged FROM quarantine
            WHERE dataset IS NOT NULL AND model IS NOT NULL GROUP BY ALL
            UNION ALL
            SELECT dataset, model, 0, count(*), count(*) FILTER (outcome = 'failed') FROM error_judgments GROUP BY ALL
        ) GROUP BY ALL"""
    ).fetchall()
    return {
        (dataset, model): {"quarantined": quarantined, "judgments": judgments, "unjudged": unjudged}
        for dataset, model, quarantined, judgments, unjudged in rows
    }


def _error_kinds(connection: Connection) -> dict[tuple[str, str], list[tuple[str, str, int, int]]]:
    """Return (category id, name, errors, scored examples) by dataset and model."""
    rows = connection.execute(
        """SELECT c.dataset, c.model, c.category_id, coalesce(t.name, c.category_id), count(*), any_value(s.scored)
        FROM error_categories c LEFT JOIN error_taxonomy t USING (category_id)
        JOIN (SELECT dataset, model, count(failed) AS scored FROM scores GROUP BY ALL) s USING (dataset, model)
        WHERE c.category_id <> $unclassified GROUP BY ALL ORDER BY ALL""",
        {"unclassified": UNCLASSIFIED},
    ).fetchall()
    kinds: dict[tuple[str, str], list[tuple[str, str, int, int]]] = {}
    for dataset, model, category, name, errors, scored in rows:
        kinds.setdefault((dataset, model), []).append((category, name, errors, scored))
    return kinds


def read_scopes(
    connection: Connection, digests: Mapping[AuditScope, str], settings: Settings, embedder_id: str
) -> list[ScopeState]:
    """Read the present findings of some scopes, in their order."""
    counts, kinds = _row_counts(connection), _error_kinds(connection)
    states = []
    for scope in sorted(digests):
        if scope.area == "evals":
            found = _evals(connection, scope, digests[scope], counts.get((scope.dataset, scope.model), {}))
        elif scope.area == "comparisons":
            findings = _comparisons(connection, scope.dataset, settings.slices.significance_level)
            found = ScopeState(scope, digests[scope], findings, metric=_dataset_metric(connection, scope.dataset))
        elif scope.area == "errors":
            findings = tuple(
                Finding(
                    "error_category", scope.dataset, scope.model, category, errors / scored, scored, errors,
                    source_id=name,
                )
                for category, name, errors, scored in kinds.get((scope.dataset, scope.model), [])
            )  # fmt: skip
            found = ScopeState(scope, digests[scope], findings)
        else:
            found = ScopeState(scope, digests[scope], production_findings(connection, scope.day, settings, embedder_id))
        states.append(found)
    return states


def _dataset_metric(connection: Connection, dataset: str) -> str:
    """Return the metric of a dataset's comparisons: of models with others there is none."""
    row = connection.execute("SELECT min(model) FROM metrics WHERE dataset = $dataset", {"dataset": dataset}).fetchone()
    metric = metric_of(connection, dataset, row[0]) if row and row[0] is not None else None
    return metric.to_json() if metric else ""


def _evals(connection: Connection, scope: AuditScope, digest: str, counts: Mapping[str, int]) -> ScopeState:
    names = {"dataset": scope.dataset, "model": scope.model}
    rows = connection.execute(
        """SELECT example_id, coalesce(e.prompt_id, ''), failed::DOUBLE
        FROM scores LEFT JOIN example_prompts e USING (dataset, model, example_id)
        WHERE dataset = $dataset AND model = $model ORDER BY example_id""",
        names,
    ).fetchall()
    failed = {example_key(one, prompt): float("nan") if value is None else value for one, prompt, value in rows}
    scored = sum(value is not None for _, _, value in rows)
    failures = sum(value or 0.0 for _, _, value in rows)

    def share(kind: FindingKind, part: float, whole: float) -> Finding:
        return Finding(kind, scope.dataset, scope.model, kind, part / whole if whole else None, whole, part)

    kept = connection.execute("SELECT count(*) FROM raw_evals WHERE dataset = $dataset AND model = $model", names)
    quarantined = counts.get("quarantined", 0)
    findings = [
        share("failure_rate", failures, scored),
        share("unscored", len(rows) - scored, len(rows)),
        share("quarantined", quarantined, quarantined + _number(kept)),
    ]
    if counts.get("judgments"):
        findings.append(share("unjudged", counts["unjudged"], counts["judgments"]))
    # Of the outcomes alone: the same ones under another threshold's name are the same run.
    outcomes = digest_of(sorted((key, str(value)) for key, value in failed.items()))
    metric = metric_of(connection, scope.dataset, scope.model)
    stated = metric.to_json() if metric else ""
    return ScopeState(scope, digest, (*findings, *_slices(connection, names)), outcomes, failed, stated)


def _number(result: Connection) -> int:
    row = result.fetchone()
    return int(row[0]) if row else 0


def _slices(connection: Connection, names: Mapping[str, str]) -> list[Finding]:
    rows = connection.execute(
        """SELECT slice_id, name, named_by, size, failures, failure_rate, baseline_rate, risk_difference_low,
            risk_difference_high, adjusted_p_value, (SELECT count(failed) FROM scores s
                WHERE s.dataset = f.dataset AND s.model = f.model) - size AS rest_rows
        FROM failure_slices f WHERE dataset = $dataset AND model = $model ORDER BY rank""",
        dict(names),
    ).to_arrow_table()
    if not rows.num_rows:
        return []
    members = connection.execute(
        """SELECT slice_id, list((example_id, coalesce(e.prompt_id, ''))) FROM failure_slice_members
        LEFT JOIN example_prompts e USING (dataset, model, example_id)
        WHERE dataset = $dataset AND model = $model GROUP BY slice_id""",
        dict(names),
    ).fetchall()
    vectors = connection.execute(
        """SELECT m.slice_id, v.vector FROM (
            SELECT * FROM failure_slice_members WHERE dataset = $dataset AND model = $model
            QUALIFY row_number() OVER (PARTITION BY slice_id ORDER BY example_id) <= $most
        ) m JOIN example_prompts e USING (dataset, model, example_id)
        JOIN prompt_embeddings p ON p.dataset = m.dataset AND p.prompt_id = e.prompt_id
        JOIN embedding_vectors v ON v.embedder = p.embedder AND v.text_hash = p.text_hash
        ORDER BY m.slice_id, m.example_id""",
        {**names, "most": CENTROID_PROMPTS},
    ).fetchall()
    keys = {slice_id: frozenset(example_key(*one) for one in ids) for slice_id, ids in members}
    return [
        slice_finding(row, names["dataset"], names["model"], keys.get(row["slice_id"], frozenset()), centroid)
        for row, centroid in with_centroids(rows.to_pylist(), "slice_id", vectors)
    ]


def _comparisons(connection: Connection, dataset: str, level: float) -> tuple[Finding, ...]:
    rows = connection.execute(
        """SELECT model_a, model_b, compared, failure_rate_a, winner, adjusted_p_value, difference, difference_low,
            difference_high
        FROM model_comparisons WHERE dataset = $dataset AND compared > 0 ORDER BY model_a, model_b""",
        {"dataset": dataset},
    ).fetchall()
    findings = []
    for a, b, compared, rate, winner, p, difference, low, high in rows:
        interval = None if low is None or high is None else (low, high)
        side = standing(b, winner, a, difference, interval, level, compared)
        findings.append(
            Finding(
                "comparison",
                dataset,
                f"{a}|{b}",
                f"{a} against {b}",
                difference,
                compared,
                round(rate * compared),
                low=low,
                high=high,
                error=side.error,
                adjusted_p_value=p,
                verdict=winner,
            )
        )
    return tuple(findings)
