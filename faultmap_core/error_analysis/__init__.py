"""Why answers are wrong: signals, judgments, taxonomies and label quality."""
