"""The graph of assets: partitions, dependencies and staleness."""
