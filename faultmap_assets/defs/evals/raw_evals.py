"""raw_evals: what the files say, newest file first."""

from typing import Any

import dagster as dg
import pyarrow as pa

from faultmap_assets.graph.scopes import Partition
from faultmap_assets.ingestion import reconciliations
from faultmap_assets.ingestion.file_ledger import count_partition
from faultmap_assets.ingestion.redaction import redactions_of
from faultmap_assets.kit import checks
from faultmap_assets.kit.declared import declared_asset
from faultmap_assets.kit.refresh import Made, Refresh, content_version
from faultmap_assets.settings import Settings
from faultmap_assets.warehouse.connection import Connection, Warehouse, delete_partition

# The newest delivery wins a key; of one staging that several paths stand for, the newest path names it.
_NEWEST_ROWS = """
INSERT INTO raw_evals (dataset, model, example_id, epoch, input_text, question_text, output_text, score, passed, metric,
    correct_answer, metadata, source_path, source_line, row_digest)
SELECT dataset, model, example_id, epoch, input_text, question_text, output_text, score, passed, metric,
    correct_answer, metadata, path, line, row_digest
FROM staging_rows
JOIN (
    SELECT staging_id, max(sequence) AS sequence, arg_max(path, sequence) AS path FROM source_files GROUP BY staging_id
) USING (staging_id)
WHERE dataset = $dataset AND model = $model
QUALIFY row_number() OVER (PARTITION BY example_id, epoch ORDER BY sequence DESC) = 1
ORDER BY example_id, epoch
"""


@declared_asset()
def raw_evals(
    context: dg.AssetExecutionContext, warehouse: dg.ResourceParam[Warehouse], settings: dg.ResourceParam[Settings]
) -> Made:
    """Prompts, answers and scores of one model on one dataset, as the newest files deliver them."""
    refresh = Refresh.begin(context, warehouse, settings)
    # The rows move inside the database: a file may be larger than memory.
    with warehouse.write() as connection:
        delete_partition(connection, "raw_evals", refresh.partition.columns)
        connection.execute(_NEWEST_ROWS, refresh.partition.columns)
        counts = _counts(connection, refresh.partition)
        results = [
            checks.unique_ids(counts["rows"], counts["distinct_keys"]),
            checks.quarantine_share(counts["rows"], counts["quarantined"], settings.evals.max_quarantine_share),
            checks.rows_conserved("raw_evals", counts["rows"], count_partition(connection, refresh.partition.columns)),
        ]
        compared = reconciliations.of_partition(connection, refresh.partition)
        results.append(checks.reconciled(len(compared), [str(one) for one in compared if not one.agrees]))
        version = content_version([_version_rows(connection, refresh.partition)])
        refresh.record(connection, version, counts["rows"], results)
    told = ("examples", "epochs", "unscored", "infrastructure_errors", "empty_answers", "quarantined")
    metadata = {name: counts[name] for name in told}
    facts: dict[str, Any] = {
        **metadata,
        "files": _files(warehouse, refresh.partition),
        **redactions_of(warehouse, refresh.partition.columns),
    }
    return refresh.result(version, counts["rows"], facts, results)


def _counts(connection: Connection, partition: Partition) -> dict[str, int]:
    result = connection.execute(
        """SELECT count(*) AS rows, count(DISTINCT (example_id, epoch)) AS distinct_keys,
            count(DISTINCT example_id) AS examples, count(DISTINCT epoch) AS epochs,
            count(*) FILTER (score IS NULL) AS unscored,
            count(*) FILTER (score IS NULL AND json_extract_string(metadata, '$.error') IS NOT NULL)
                AS infrastructure_errors,
            count(*) FILTER (trim(output_text) = '') AS empty_answers,
            (SELECT count(*) FROM quarantine WHERE dataset = $dataset AND model = $model) AS quarantined
        FROM raw_evals WHERE dataset = $dataset AND model = $model""",
        partition.columns,
    ).to_arrow_table()
    return {name: int(value) for name, value in result.to_pylist()[0].items()}


def _version_rows(connection: Connection, partition: Partition) -> pa.Table:
    return connection.execute(
        """SELECT example_id, epoch, row_digest FROM raw_evals WHERE dataset = $dataset AND model = $model
        ORDER BY example_id, epoch""",
        partition.columns,
    ).to_arrow_table()


def _files(warehouse: Warehouse, partition: Partition) -> list[str]:
    found = warehouse.query(
        "SELECT DISTINCT source_path FROM raw_evals WHERE dataset = $dataset AND model = $model ORDER BY ALL",
        partition.columns,
    )
    return [str(path) for path in found.column("source_path").to_pylist()]
