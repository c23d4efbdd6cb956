"""Tests, intervals, rates and corrections for multiplicity, on arrays."""
