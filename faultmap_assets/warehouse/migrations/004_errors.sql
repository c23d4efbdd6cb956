-- Rows that a language model did not answer for; the partition is stale until they are asked for again.
ALTER TABLE materializations ADD COLUMN pending INTEGER DEFAULT 0;

-- What a language model says of a region rests on cited examples; naming_note: why the name is not the model's.
ALTER TABLE failure_slices ADD COLUMN cited_examples VARCHAR DEFAULT '[]';
ALTER TABLE failure_slices ADD COLUMN naming_note VARCHAR DEFAULT '';
ALTER TABLE model_comparison_slices ADD COLUMN root_cause VARCHAR DEFAULT '';
ALTER TABLE model_comparison_slices ADD COLUMN suggested_remediation VARCHAR DEFAULT '';
ALTER TABLE model_comparison_slices ADD COLUMN cited_examples VARCHAR DEFAULT '[]';
ALTER TABLE model_comparison_slices ADD COLUMN naming_note VARCHAR DEFAULT '';
ALTER TABLE coverage_gaps ADD COLUMN root_cause VARCHAR DEFAULT '';
ALTER TABLE coverage_gaps ADD COLUMN suggested_remediation VARCHAR DEFAULT '';
ALTER TABLE coverage_gaps ADD COLUMN cited_examples VARCHAR DEFAULT '[]';
ALTER TABLE coverage_gaps ADD COLUMN naming_note VARCHAR DEFAULT '';

-- How a score that was computed here came about: similarity, or entropy with its parts.
CREATE TABLE score_parts (
    dataset VARCHAR NOT NULL,
    model VARCHAR NOT NULL,
    example_id VARCHAR NOT NULL,
    part VARCHAR NOT NULL,
    value DOUBLE
);

-- One row per failure that was sampled for judging; outcome: error, no_error_found, whole_solution_incorrect, failed.
CREATE TABLE error_judgments (
    dataset VARCHAR NOT NULL,
    model VARCHAR NOT NULL,
    example_id VARCHAR NOT NULL,
    outcome VARCHAR NOT NULL,
    error_title VARCHAR NOT NULL,
    error_summary VARCHAR NOT NULL,
    criteria VARCHAR NOT NULL,
    signals VARCHAR NOT NULL,
    judged_by VARCHAR NOT NULL,
    judgment_key VARCHAR NOT NULL,
    contrast_models VARCHAR NOT NULL,
    contrast_digest VARCHAR NOT NULL,
    reason VARCHAR NOT NULL,
    raw_reply VARCHAR NOT NULL
);

-- What rules see in every failure, judged or not.
CREATE TABLE error_signals (
    dataset VARCHAR NOT NULL,
    model VARCHAR NOT NULL,
    example_id VARCHAR NOT NULL,
    signal VARCHAR NOT NULL
);

-- Taxonomies are kept, so that trends compare like with like; one of them is the active one.
CREATE TABLE taxonomies (
    version VARCHAR NOT NULL,
    method VARCHAR NOT NULL,
    built_with VARCHAR NOT NULL,
    built_from INTEGER NOT NULL,
    built_at TIMESTAMP NOT NULL,
    active BOOLEAN NOT NULL,
    content VARCHAR NOT NULL
);

-- The active taxonomy with the counts of the errors in it.
CREATE TABLE error_taxonomy (
    version VARCHAR NOT NULL,
    category_id VARCHAR NOT NULL,
    parent_id VARCHAR,
    name VARCHAR NOT NULL,
    description VARCHAR NOT NULL,
    depth INTEGER NOT NULL,
    other BOOLEAN NOT NULL,
    errors INTEGER NOT NULL,
    share DOUBLE NOT NULL,
    examples VARCHAR NOT NULL
);

-- In which leaf each judged error is; category_id "unclassified" where it fits none.
CREATE TABLE error_categories (
    version VARCHAR NOT NULL,
    dataset VARCHAR NOT NULL,
    model VARCHAR NOT NULL,
    example_id VARCHAR NOT NULL,
    category_id VARCHAR NOT NULL,
    reason VARCHAR NOT NULL
);

CREATE TABLE taxonomy_quality (
    measure VARCHAR NOT NULL,
    value DOUBLE
);

-- Which kinds of error each model makes more than the others (scope model), and in which slices (scope slice).
CREATE TABLE error_signatures (
    scope VARCHAR NOT NULL,
    dataset VARCHAR NOT NULL,
    model VARCHAR NOT NULL,
    category_id VARCHAR NOT NULL,
    depth INTEGER NOT NULL,
    slice_id VARCHAR NOT NULL,
    errors INTEGER NOT NULL,
    total INTEGER NOT NULL,
    share DOUBLE NOT NULL,
    rate DOUBLE NOT NULL,
    rest_rate DOUBLE,
    risk_ratio DOUBLE,
    risk_ratio_low DOUBLE,
    risk_ratio_high DOUBLE,
    p_value DOUBLE,
    adjusted_p_value DOUBLE,
    significant BOOLEAN NOT NULL
);

-- What a dataset itself gets wrong: its figures, and the items that want a look.
CREATE TABLE dataset_quality (
    dataset VARCHAR NOT NULL,
    measure VARCHAR NOT NULL,
    value DOUBLE,
    meaning VARCHAR NOT NULL
);

CREATE TABLE dataset_quality_items (
    dataset VARCHAR NOT NULL,
    example_id VARCHAR NOT NULL,
    flag VARCHAR NOT NULL,
    evidence VARCHAR NOT NULL,
    models VARCHAR NOT NULL,
    rank_score DOUBLE
);

-- Every call of a language model, copied from the call store; cost is null where the price is unknown.
CREATE TABLE llm_calls (
    call_id BIGINT NOT NULL,
    called_at TIMESTAMP NOT NULL,
    asset VARCHAR NOT NULL,
    partition_key VARCHAR NOT NULL,
    model VARCHAR NOT NULL,
    template VARCHAR NOT NULL,
    prompt_tokens BIGINT NOT NULL,
    completion_tokens BIGINT NOT NULL,
    cost_usd DOUBLE,
    seconds DOUBLE NOT NULL,
    cached BOOLEAN NOT NULL,
    outcome VARCHAR NOT NULL,
    attempts INTEGER NOT NULL
);

-- How well a judge agrees with people's labels, kept beside what it judged.
CREATE TABLE judge_validations (
    validated_at TIMESTAMP NOT NULL,
    labels_path VARCHAR NOT NULL,
    labels_digest VARCHAR NOT NULL,
    judged_by VARCHAR NOT NULL,
    question VARCHAR NOT NULL,
    matched INTEGER NOT NULL,
    kappa DOUBLE,
    kappa_low DOUBLE,
    kappa_high DOUBLE,
    report VARCHAR NOT NULL
);
