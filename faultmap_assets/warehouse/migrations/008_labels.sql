-- What a person says of a judgment. Nothing that is read or made anew removes it: it is a person's work; only its undo
-- and `faultmap forget` do. judged_*: what the person saw. is_error: whether there is an error; kind: the category that
-- is right, "" where it is left open.
CREATE TABLE judgment_labels (
    dataset VARCHAR NOT NULL,
    model VARCHAR NOT NULL,
    example_id VARCHAR NOT NULL,
    judgment_right BOOLEAN NOT NULL,
    is_error BOOLEAN NOT NULL,
    kind VARCHAR NOT NULL,
    note VARCHAR NOT NULL,
    judged_outcome VARCHAR NOT NULL,
    judged_title VARCHAR NOT NULL,
    judged_kind VARCHAR NOT NULL,
    judged_by VARCHAR NOT NULL,
    labelled_at TIMESTAMP NOT NULL,
    PRIMARY KEY (dataset, model, example_id)
);
