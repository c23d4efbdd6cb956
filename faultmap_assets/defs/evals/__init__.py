"""Assets of eval results: raw rows, scores, embeddings and clusters."""
