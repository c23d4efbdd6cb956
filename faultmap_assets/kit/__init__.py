"""What the asset definitions share: resources, checks, metadata, figures, the Dagster instance."""
