"""The rows of production logs as the newest files deliver them, each request once."""

from __future__ import annotations

from datetime import date, timedelta

import pyarrow as pa

from faultmap_assets.warehouse import Warehouse

_NEWEST_LOGS = """
WITH files AS (
    SELECT staging_id, max(sequence) AS sequence, arg_max(path, sequence) AS path FROM source_files GROUP BY staging_id
), traced AS (
    SELECT staging_id, dataset, trace_id, is_whole_trace, model FROM staging_rows SEMI JOIN files USING (staging_id)
    WHERE trace_id IS NOT NULL AND day BETWEEN $day_before AND $day_after
), whole AS (
    SELECT dataset, trace_id, list(DISTINCT staging_id) AS stagings FROM traced WHERE is_whole_trace GROUP BY ALL
), steps AS (
    SELECT dataset, trace_id, min(model) FILTER (model <> $unnamed) AS model
    FROM traced JOIN whole USING (dataset, trace_id)
    WHERE NOT is_whole_trace AND NOT list_contains(stagings, staging_id) GROUP BY ALL
)
SELECT day, dataset AS source, example_id AS log_id, timestamp,
    CASE WHEN is_whole_trace AND logged.model = $unnamed THEN coalesce(steps.model, logged.model)
        ELSE logged.model END AS model,
    session_id, user_id, input_text AS prompt_text, question_text, output_text AS response_text, score, metadata,
    path AS source_path, line AS source_line, row_digest
FROM staging_rows AS logged JOIN files USING (staging_id)
LEFT JOIN steps USING (dataset, trace_id) LEFT JOIN whole USING (dataset, trace_id)
WHERE day = $day AND (trace_id IS NULL OR is_whole_trace OR stagings IS NULL OR list_contains(stagings, staging_id))
QUALIFY row_number() OVER (
    PARTITION BY dataset, logged.model, example_id, epoch ORDER BY sequence DESC) = 1
ORDER BY dataset, example_id, model
"""


def newest_logs(warehouse: Warehouse, day: str, unnamed_model: str) -> pa.Table:
    """Return the requests of one day, with the columns of `production_logs`.

    The newest delivery wins a key. A trace that was delivered as a whole stands for those of its steps that came in
    another file (an export of traces, and one of observations), also past midnight, and takes the model from them.

    Args:
        day: YYYY-MM-DD.
        unnamed_model: what rows are called that name no model.
    """
    middle = date.fromisoformat(day)
    parameters = {
        "day": day,
        "day_before": (middle - timedelta(days=1)).isoformat(),
        "day_after": (middle + timedelta(days=1)).isoformat(),
        "unnamed": unnamed_model,
    }
    return warehouse.query(_NEWEST_LOGS, parameters)
