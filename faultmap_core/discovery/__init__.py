"""What is found: failure slices, comparisons of models, coverage gaps and drift."""
