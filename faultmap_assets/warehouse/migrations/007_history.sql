-- An audit is a state of all findings that differs from the one before it; the same state adds nothing.
CREATE TABLE audits (
    audit INTEGER PRIMARY KEY,
    audited_at TIMESTAMP NOT NULL,
    run_id VARCHAR NOT NULL,
    state_digest VARCHAR NOT NULL
);

-- What an audit saw otherwise than the one before it. area: evals (dataset, model), comparisons (dataset), errors
-- (dataset, model), production (day); what a scope does not have is ''. An empty digest: it is there no more.
CREATE TABLE audit_scopes (
    audit INTEGER NOT NULL,
    area VARCHAR NOT NULL,
    dataset VARCHAR NOT NULL,
    model VARCHAR NOT NULL,
    day VARCHAR NOT NULL,
    digest VARCHAR NOT NULL,
    outcomes VARCHAR NOT NULL
);

-- Which examples failed in one version of one model's scores on one dataset, so that any two audits can be compared
-- in pairs. Content-addressed: a version that many audits share is kept once. examples: 64-bit digests of the ids,
-- ascending; failed: 0 to 1, NaN without an outcome.
CREATE TABLE audit_outcomes (
    outcomes VARCHAR NOT NULL,
    examples UBIGINT[] NOT NULL,
    failed FLOAT[] NOT NULL
);

-- One row per finding and audit in which its scope changed. value: a failure rate, a share, or of a comparison the
-- first model's advantage. rest: the same outside of a slice. verdict: who won a comparison. source_id: its id among
-- the current results. members: digests of example ids (of log rows). status: new, same, worse, better, gone.
CREATE TABLE finding_history (
    audit INTEGER NOT NULL,
    area VARCHAR NOT NULL,
    kind VARCHAR NOT NULL,
    dataset VARCHAR NOT NULL,
    model VARCHAR NOT NULL,
    day VARCHAR NOT NULL,
    finding_id VARCHAR NOT NULL,
    name VARCHAR NOT NULL,
    status VARCHAR NOT NULL,
    value DOUBLE,
    low DOUBLE,
    high DOUBLE,
    error DOUBLE,
    rows DOUBLE NOT NULL,
    failures DOUBLE NOT NULL,
    design_effect DOUBLE NOT NULL,
    rest DOUBLE,
    rest_rows DOUBLE,
    adjusted_p_value DOUBLE,
    verdict VARCHAR NOT NULL,
    source_id VARCHAR NOT NULL,
    fixed_name BOOLEAN NOT NULL,
    members UBIGINT[] NOT NULL,
    centroid FLOAT[]
);

-- What the alerts remember between days: after each day of production, after each audit of a dataset. inputs: what
-- the day was watched on; a day that changed is watched again from the state before it.
CREATE TABLE watch_states (
    area VARCHAR NOT NULL,
    dataset VARCHAR NOT NULL,
    day VARCHAR NOT NULL,
    inputs VARCHAR NOT NULL,
    state VARCHAR NOT NULL
);

-- What got worse or is new. is_open: neither over nor told anew; silenced: somebody knows of it. delivery: pending,
-- sending, sent, failed, or none (no webhook, or silenced).
CREATE TABLE alerts (
    alert_id VARCHAR NOT NULL,
    area VARCHAR NOT NULL,
    kind VARCHAR NOT NULL,
    dataset VARCHAR NOT NULL,
    model VARCHAR NOT NULL,
    finding_id VARCHAR NOT NULL,
    name VARCHAR NOT NULL,
    severity VARCHAR NOT NULL,
    day VARCHAR NOT NULL,
    days INTEGER,
    before_value DOUBLE,
    after_value DOUBLE,
    difference DOUBLE,
    low DOUBLE,
    high DOUBLE,
    after_error DOUBLE,
    p_value DOUBLE,
    level DOUBLE,
    message VARCHAR NOT NULL,
    stream VARCHAR NOT NULL,
    raised_at TIMESTAMP NOT NULL,
    is_open BOOLEAN NOT NULL,
    silenced BOOLEAN NOT NULL,
    delivery VARCHAR NOT NULL,
    attempts INTEGER NOT NULL,
    tried_at TIMESTAMP,
    note VARCHAR NOT NULL
);

-- Somebody knows: silent until it is significantly worse than value, or until the day.
CREATE TABLE acknowledgements (
    acknowledged_at TIMESTAMP NOT NULL,
    dataset VARCHAR NOT NULL,
    finding_id VARCHAR NOT NULL,
    kind VARCHAR NOT NULL,
    model VARCHAR NOT NULL,
    name VARCHAR NOT NULL,
    until VARCHAR NOT NULL,
    value DOUBLE,
    error DOUBLE NOT NULL,
    note VARCHAR NOT NULL
);

-- The last verdict of every check on every partition, for the alerts.
CREATE TABLE check_results (
    asset VARCHAR NOT NULL,
    partition_key VARCHAR NOT NULL,
    check_name VARCHAR NOT NULL,
    passed BOOLEAN NOT NULL,
    severity VARCHAR NOT NULL,
    description VARCHAR NOT NULL
);
