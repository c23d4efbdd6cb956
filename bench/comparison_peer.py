"""Run by the peer's own Python (`faultmap==0.5.0`): its comparison of two models on the vectors it is given.

usage: PEER_PYTHON comparison_peer.py JOB.npz REPLY.json

The job holds `vectors` (n, d), `failed_a` and `failed_b` (draws, n), `min_size` and `methods`. The reply holds, per
method, the clusters (rows), and per draw those it calls significant with their winners.
"""

import json
import sys
from pathlib import Path

import numpy as np
from faultmap.comparison import benjamini_hochberg_comparison, test_mcnemar
from faultmap.slicing import cluster_embeddings

ALPHA = 0.05


def significant(clusters: dict, failed_a: np.ndarray, failed_b: np.ndarray) -> list:
    """What faultmap's `compare_models` does between clustering and naming."""
    results = []
    for cluster, rows in clusters.items():
        a, b = failed_a[rows], failed_b[rows]
        results.append(test_mcnemar(int((~a & b).sum()), int((a & ~b).sum()), cluster, len(rows)))
    kept = [one for one in benjamini_hochberg_comparison(results, ALPHA) if one.adjusted_p_value < ALPHA]
    return [(one.cluster_id, one.winner) for one in kept]


def main(job_file: str, reply_file: str) -> None:
    """Answer one job."""
    job = np.load(job_file)
    failed_a, failed_b = job["failed_a"], job["failed_b"]
    reply = {}
    for method in job["methods"].tolist():
        try:
            labels = cluster_embeddings(job["vectors"], method=method, min_cluster_size=int(job["min_size"]))
        except Exception as error:  # all noise raises: a finding-free run
            reply[method] = {"error": str(error), "clusters": {}, "found": [[] for _ in failed_a]}
            continue
        clusters = {int(one): np.flatnonzero(labels == one) for one in sorted(set(labels.tolist()) - {-1})}
        found = [significant(clusters, a, b) for a, b in zip(failed_a, failed_b, strict=True)]
        reply[method] = {"clusters": {one: rows.tolist() for one, rows in clusters.items()}, "found": found}
    Path(reply_file).write_text(json.dumps(reply))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
