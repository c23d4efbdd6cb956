"""Paired comparison and ranking of models, overall and by region."""
