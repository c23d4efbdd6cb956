"""The final answer of a response, and how it differs from the reference."""
