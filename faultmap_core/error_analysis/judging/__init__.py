"""Judgments of failures, by rules or by a language model, and their validation."""
