-- Files and their rows. A file is parsed once into staging (staging_id = content hash + how it was read);
-- `source_files` says which staging each path stands for now, and `sequence` which of two files is newer.
CREATE SEQUENCE source_file_sequence;

CREATE TABLE source_files (
    path VARCHAR PRIMARY KEY,
    staging_id VARCHAR NOT NULL,
    content_hash VARCHAR NOT NULL,
    sequence BIGINT NOT NULL,
    bytes BIGINT NOT NULL,
    modified_at TIMESTAMP NOT NULL,
    read_at TIMESTAMP NOT NULL
);

CREATE TABLE stagings (
    staging_id VARCHAR PRIMARY KEY,
    rows_read BIGINT NOT NULL,
    rows_kept BIGINT NOT NULL,
    rows_quarantined BIGINT NOT NULL,
    rows_repeated BIGINT NOT NULL
);

-- An eval file delivers datasets × models (day is null), a log days.
CREATE TABLE staging_partitions (
    staging_id VARCHAR NOT NULL,
    dataset VARCHAR NOT NULL,
    model VARCHAR NOT NULL,
    day VARCHAR,
    rows BIGINT NOT NULL,
    digest VARCHAR NOT NULL
);

CREATE TABLE staging_rows (
    staging_id VARCHAR NOT NULL,
    dataset VARCHAR NOT NULL,
    model VARCHAR NOT NULL,
    example_id VARCHAR NOT NULL,
    epoch INTEGER NOT NULL,
    input_text VARCHAR NOT NULL,
    question_text VARCHAR,
    output_text VARCHAR NOT NULL,
    score DOUBLE,
    correct_answer VARCHAR,
    metadata VARCHAR NOT NULL,
    line BIGINT NOT NULL,
    row_digest VARCHAR NOT NULL,
    timestamp TIMESTAMP,
    day VARCHAR,
    session_id VARCHAR
);

CREATE TABLE quarantine (
    staging_id VARCHAR NOT NULL,
    path VARCHAR NOT NULL,
    line BIGINT NOT NULL,
    reason VARCHAR NOT NULL,
    excerpt VARCHAR NOT NULL,
    dataset VARCHAR,
    model VARCHAR,
    quarantined_at TIMESTAMP NOT NULL
);

-- What every materialised partition was made from: staleness is a comparison with the present.
-- blocked_by names the blocking check that failed, if one did; what is below waits.
CREATE TABLE materializations (
    asset VARCHAR NOT NULL,
    partition_key VARCHAR NOT NULL,
    data_version VARCHAR NOT NULL,
    input_digest VARCHAR NOT NULL,
    inputs VARCHAR NOT NULL,
    blocked_by VARCHAR,
    run_id VARCHAR NOT NULL,
    rows BIGINT NOT NULL,
    seconds DOUBLE NOT NULL,
    materialized_at TIMESTAMP NOT NULL,
    PRIMARY KEY (asset, partition_key)
);

CREATE TABLE raw_evals (
    dataset VARCHAR NOT NULL,
    model VARCHAR NOT NULL,
    example_id VARCHAR NOT NULL,
    epoch INTEGER NOT NULL,
    input_text VARCHAR NOT NULL,
    question_text VARCHAR,
    output_text VARCHAR NOT NULL,
    score DOUBLE,
    correct_answer VARCHAR,
    metadata VARCHAR NOT NULL,
    source_path VARCHAR NOT NULL,
    source_line BIGINT NOT NULL,
    row_digest VARCHAR NOT NULL
);

CREATE TABLE scores (
    dataset VARCHAR NOT NULL,
    model VARCHAR NOT NULL,
    example_id VARCHAR NOT NULL,
    score DOUBLE,
    epochs INTEGER NOT NULL,
    scored_epochs INTEGER NOT NULL,
    failed BOOLEAN,
    score_mode VARCHAR NOT NULL,
    success_threshold DOUBLE NOT NULL
);

-- Content-addressed: a text is embedded once in its life.
CREATE TABLE embedding_vectors (
    embedder VARCHAR NOT NULL,
    text_hash VARCHAR NOT NULL,
    vector FLOAT[] NOT NULL
);

CREATE TABLE prompt_embeddings (
    dataset VARCHAR NOT NULL,
    prompt_id VARCHAR NOT NULL,
    text VARCHAR NOT NULL,
    text_hash VARCHAR NOT NULL,
    embedder VARCHAR NOT NULL,
    dimensions INTEGER NOT NULL
);

CREATE TABLE example_prompts (
    dataset VARCHAR NOT NULL,
    model VARCHAR NOT NULL,
    example_id VARCHAR NOT NULL,
    prompt_id VARCHAR NOT NULL
);

CREATE TABLE prompt_clusters (
    dataset VARCHAR NOT NULL,
    position INTEGER NOT NULL,
    prompt_id VARCHAR NOT NULL,
    cluster INTEGER NOT NULL,
    x FLOAT NOT NULL,
    y FLOAT NOT NULL
);

-- A node of the tree holds the prompts at positions start_position (included) to end_position (excluded).
CREATE TABLE prompt_cluster_nodes (
    dataset VARCHAR NOT NULL,
    node INTEGER NOT NULL,
    parent INTEGER NOT NULL,
    start_position INTEGER NOT NULL,
    end_position INTEGER NOT NULL,
    height DOUBLE NOT NULL,
    method VARCHAR NOT NULL
);

CREATE TABLE failure_slices (
    dataset VARCHAR NOT NULL,
    model VARCHAR NOT NULL,
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
    examples VARCHAR NOT NULL
);

CREATE TABLE failure_slice_members (
    dataset VARCHAR NOT NULL,
    model VARCHAR NOT NULL,
    slice_id VARCHAR NOT NULL,
    example_id VARCHAR NOT NULL
);

CREATE TABLE audit_report (
    html_path VARCHAR NOT NULL,
    json_path VARCHAR NOT NULL,
    digest VARCHAR NOT NULL,
    datasets INTEGER NOT NULL,
    models INTEGER NOT NULL,
    slices INTEGER NOT NULL,
    written_at TIMESTAMP NOT NULL
);
