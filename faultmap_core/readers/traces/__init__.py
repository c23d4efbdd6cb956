"""Production logs and traces."""
