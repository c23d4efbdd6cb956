"""Names of regions: by keywords, or by a language model."""
