"""The API of faultmap 0.5.0."""
