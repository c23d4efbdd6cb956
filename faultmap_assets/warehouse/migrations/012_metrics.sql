-- By which metric one model's answers on one dataset were judged. source: tool, default, settings, unstated. threshold:
-- what the tool or the user gives; success_threshold: what was used. verdicts: rows on which the tool itself decided.
-- left_out: rows of other metrics, which have no outcome.
CREATE TABLE metrics (
    dataset VARCHAR NOT NULL,
    model VARCHAR NOT NULL,
    name VARCHAR NOT NULL,
    low DOUBLE,
    high DOUBLE,
    higher_is_better BOOLEAN NOT NULL,
    threshold DOUBLE,
    success_threshold DOUBLE NOT NULL,
    source VARCHAR NOT NULL,
    rows BIGINT NOT NULL,
    verdicts BIGINT NOT NULL,
    left_out BIGINT NOT NULL
);

-- What a tool says of its own file beside what its rows give: one row per figure.
CREATE TABLE reconciliations (
    staging_id VARCHAR NOT NULL,
    what VARCHAR NOT NULL,
    tool_value DOUBLE,
    our_value DOUBLE,
    agrees BOOLEAN NOT NULL
);
