"""The API, files and results of IBM's ErrorMap."""
