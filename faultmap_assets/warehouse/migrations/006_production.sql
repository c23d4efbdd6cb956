-- Who asked, where the log says so: rows of one user are no independent observations.
ALTER TABLE staging_rows ADD COLUMN user_id VARCHAR;
ALTER TABLE production_logs ADD COLUMN user_id VARCHAR;

-- Regions of a window of production (the day and those before it) whose feedback is worse than elsewhere.
CREATE TABLE production_slices (
    day VARCHAR NOT NULL,
    slice_id VARCHAR NOT NULL,
    rank INTEGER NOT NULL,
    name VARCHAR NOT NULL,
    description VARCHAR NOT NULL,
    size INTEGER NOT NULL,
    prompts INTEGER NOT NULL,
    failures INTEGER NOT NULL,
    excess_failures DOUBLE NOT NULL,
    failure_rate DOUBLE NOT NULL,
    baseline_rate DOUBLE NOT NULL,
    risk_difference DOUBLE NOT NULL,
    risk_difference_low DOUBLE NOT NULL,
    risk_difference_high DOUBLE NOT NULL,
    effect_size DOUBLE,
    p_value DOUBLE NOT NULL,
    adjusted_p_value DOUBLE NOT NULL,
    test_used VARCHAR NOT NULL,
    named_by VARCHAR NOT NULL,
    root_cause VARCHAR NOT NULL,
    suggested_remediation VARCHAR NOT NULL,
    cited_examples VARCHAR NOT NULL,
    naming_note VARCHAR NOT NULL,
    examples VARCHAR NOT NULL
);

-- log_day is the day of the row, day that of the window.
CREATE TABLE production_slice_members (
    day VARCHAR NOT NULL,
    slice_id VARCHAR NOT NULL,
    log_day VARCHAR NOT NULL,
    source VARCHAR NOT NULL,
    model VARCHAR NOT NULL,
    log_id VARCHAR NOT NULL
);

-- What a window's feedback says as a whole; sampled is null where all of its rows were looked at.
CREATE TABLE production_slice_summaries (
    day VARCHAR NOT NULL,
    first_day VARCHAR NOT NULL,
    days INTEGER NOT NULL,
    rows INTEGER NOT NULL,
    sampled INTEGER,
    with_feedback INTEGER NOT NULL,
    not_understood INTEGER NOT NULL,
    failures INTEGER NOT NULL,
    failure_rate DOUBLE,
    prompts INTEGER NOT NULL,
    tested INTEGER NOT NULL,
    note VARCHAR NOT NULL
);

-- Topics whose share of the window differs from that of the window before it.
CREATE TABLE topic_drift (
    day VARCHAR NOT NULL,
    topic_id VARCHAR NOT NULL,
    rank INTEGER NOT NULL,
    kind VARCHAR NOT NULL,
    name VARCHAR NOT NULL,
    description VARCHAR NOT NULL,
    prompts INTEGER NOT NULL,
    current_rows INTEGER NOT NULL,
    previous_rows INTEGER NOT NULL,
    current_traffic DOUBLE NOT NULL,
    previous_traffic DOUBLE NOT NULL,
    current_share DOUBLE NOT NULL,
    current_share_low DOUBLE NOT NULL,
    current_share_high DOUBLE NOT NULL,
    previous_share DOUBLE NOT NULL,
    previous_share_low DOUBLE NOT NULL,
    previous_share_high DOUBLE NOT NULL,
    ratio DOUBLE,
    ratio_low DOUBLE,
    ratio_high DOUBLE,
    p_value DOUBLE NOT NULL,
    adjusted_p_value DOUBLE NOT NULL,
    named_by VARCHAR NOT NULL,
    cited_examples VARCHAR NOT NULL,
    naming_note VARCHAR NOT NULL,
    representative_prompts VARCHAR NOT NULL,
    nearest_other_prompts VARCHAR NOT NULL
);

CREATE TABLE topic_drift_members (
    day VARCHAR NOT NULL,
    topic_id VARCHAR NOT NULL,
    log_day VARCHAR NOT NULL,
    source VARCHAR NOT NULL,
    model VARCHAR NOT NULL,
    log_id VARCHAR NOT NULL
);

-- rows, prompts: of the window and of the one before it, as they were looked at.
CREATE TABLE topic_drift_summaries (
    day VARCHAR NOT NULL,
    first_day VARCHAR NOT NULL,
    previous_first_day VARCHAR NOT NULL,
    days INTEGER NOT NULL,
    previous_days INTEGER NOT NULL,
    rows INTEGER NOT NULL,
    previous_rows INTEGER NOT NULL,
    prompts INTEGER NOT NULL,
    previous_prompts INTEGER NOT NULL,
    tested INTEGER NOT NULL,
    note VARCHAR NOT NULL
);
