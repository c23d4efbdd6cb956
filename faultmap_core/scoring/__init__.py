"""Scores and verdicts of answers: given, by reference, or by the entropy of samples."""
