-- By which metric an audit saw a model's outcomes on a dataset (a line of JSON); '' where the audit did not know.
ALTER TABLE audit_scopes ADD COLUMN metric VARCHAR DEFAULT '';
