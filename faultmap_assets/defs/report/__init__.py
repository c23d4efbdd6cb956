"""The asset that writes the report."""
