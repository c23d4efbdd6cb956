"""Regions of production that the tests do not ask about."""
