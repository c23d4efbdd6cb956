CREATE TABLE production_logs (
    day VARCHAR NOT NULL,
    source VARCHAR NOT NULL,
    log_id VARCHAR NOT NULL,
    timestamp TIMESTAMP NOT NULL,
    model VARCHAR NOT NULL,
    session_id VARCHAR,
    prompt_text VARCHAR NOT NULL,
    question_text VARCHAR,
    response_text VARCHAR NOT NULL,
    score DOUBLE,
    metadata VARCHAR NOT NULL,
    source_path VARCHAR NOT NULL,
    source_line BIGINT NOT NULL,
    row_digest VARCHAR NOT NULL
);

-- Regions of a day's traffic that the tests lack (kind gap), have too few of (under-tested), or far away (distant).
CREATE TABLE coverage_gaps (
    day VARCHAR NOT NULL,
    gap_id VARCHAR NOT NULL,
    rank INTEGER NOT NULL,
    kind VARCHAR NOT NULL,
    name VARCHAR NOT NULL,
    description VARCHAR NOT NULL,
    size INTEGER NOT NULL,
    prompts INTEGER NOT NULL,
    traffic_share DOUBLE NOT NULL,
    tests INTEGER NOT NULL,
    expected_tests DOUBLE NOT NULL,
    test_ratio DOUBLE,
    mean_distance DOUBLE,
    p_value DOUBLE,
    adjusted_p_value DOUBLE,
    named_by VARCHAR NOT NULL,
    representative_prompts VARCHAR NOT NULL,
    nearest_tests VARCHAR NOT NULL
);

-- Every production prompt is covered, in a gap, or undetermined.
CREATE TABLE coverage_prompts (
    day VARCHAR NOT NULL,
    source VARCHAR NOT NULL,
    log_id VARCHAR NOT NULL,
    status VARCHAR NOT NULL,
    gap_id VARCHAR
);

CREATE TABLE coverage_summaries (
    day VARCHAR NOT NULL,
    tests INTEGER NOT NULL,
    production INTEGER NOT NULL,
    coverage DOUBLE,
    coverage_low DOUBLE NOT NULL,
    coverage_high DOUBLE NOT NULL,
    covered DOUBLE NOT NULL,
    in_gaps DOUBLE NOT NULL,
    undetermined DOUBLE NOT NULL,
    outliers INTEGER NOT NULL,
    distance_threshold DOUBLE,
    note VARCHAR NOT NULL
);
