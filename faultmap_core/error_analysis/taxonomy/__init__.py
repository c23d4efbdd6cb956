"""Kinds of errors: taxonomies, their construction, and the signatures of models."""
