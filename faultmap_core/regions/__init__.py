"""Candidate regions of prompts, and the search for those in which a label concentrates."""
