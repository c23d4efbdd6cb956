"""The rows of production logs as the newest files deliver them, each request once."""

from __future__ import annotations

import pyarrow as pa

from faultmap_assets.warehouse.connection import Connection

WHOLE_TRACES = """SELECT dataset, trace_id, list(DISTINCT staging_id) AS stagings FROM staging_rows
    WHERE is_whole_trace AND staging_id IN (SELECT staging_id FROM source_files) GROUP BY ALL"""
"""Traces that some file delivers as a whole, and the stagings that do."""

IS_STEP_OF_WHOLE = """(trace_id IS NOT NULL AND NOT is_whole_trace AND stagings IS NOT NULL
    AND NOT list_contains(stagings, staging_id))"""
"""True of a row, joined with `WHOLE_TRACES`, whose trace was delivered as a whole in another file."""

_NEWEST_LOGS = f"""
WITH files AS (
    SELECT staging_id, max(sequence) AS sequence, arg_max(path, sequence) AS path FROM source_files GROUP BY staging_id
), whole AS ({WHOLE_TRACES}), steps AS (
    SELECT dataset, trace_id, min(model) FILTER (model <> $unnamed) AS model
    FROM staging_rows SEMI JOIN files USING (staging_id) JOIN whole USING (dataset, trace_id)
    WHERE {IS_STEP_OF_WHOLE} GROUP BY ALL
), newest AS (
    SELECT * FROM staging_rows JOIN files USING (staging_id) WHERE day = $day
    QUALIFY row_number() OVER (PARTITION BY dataset, model, example_id, epoch ORDER BY sequence DESC) = 1
)
SELECT day, dataset AS source, example_id AS log_id, timestamp,
    CASE WHEN is_whole_trace AND newest.model = $unnamed THEN coalesce(steps.model, newest.model)
        ELSE newest.model END AS model,
    session_id, user_id, input_text AS prompt_text, question_text, output_text AS response_text, score, metadata,
    path AS source_path, line AS source_line, row_digest
FROM newest LEFT JOIN steps USING (dataset, trace_id) LEFT JOIN whole USING (dataset, trace_id)
WHERE NOT {IS_STEP_OF_WHOLE}
ORDER BY source, log_id, model
"""


def newest_logs(connection: Connection, day: str, unnamed_model: str) -> pa.Table:
    """Return the requests of one day, with the columns of `production_logs`.

    The newest delivery wins a key. A trace that was delivered as a whole stands for those of its steps that came in
    another file (an export of traces, and one of observations), also past midnight, and takes the model from them.

    Args:
        day: YYYY-MM-DD.
        unnamed_model: what rows are called that name no model.
    """
    return connection.execute(_NEWEST_LOGS, {"day": day, "unnamed": unnamed_model}).to_arrow_table()
