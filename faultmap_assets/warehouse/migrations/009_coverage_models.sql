-- Two models that answer the same request may share its log id: a prompt's verdict names the model, too. Days audited
-- before have one verdict for both.
ALTER TABLE coverage_prompts ADD COLUMN model VARCHAR;
UPDATE coverage_prompts SET model = (
    SELECT min(l.model) FROM production_logs l
    WHERE l.day = coverage_prompts.day AND l.source = coverage_prompts.source AND l.log_id = coverage_prompts.log_id
);
