"""Assets that say why models fail: judgments, taxonomy, signatures, dataset quality."""
