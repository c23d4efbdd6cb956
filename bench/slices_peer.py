"""Run by the peer's own Python (`faultmap==0.5.0`): its clustering and tests on the vectors it is given.

usage: PEER_PYTHON slices_peer.py JOB.npz REPLY.json

The job holds `vectors` (n, d), `failed` (draws, n), `min_size` and `methods`. The reply holds, per method, the
clusters it calls significant in each draw (rows, failure rate, baseline rate), the CPU seconds of the clustering, or
the error that it raised.
"""

import json
import sys
import time
from pathlib import Path

import numpy as np
from faultmap.slicing import benjamini_hochberg, cluster_embeddings, test_cluster_failure_rate

ALPHA = 0.05


def significant(labels: np.ndarray, failed: np.ndarray, min_size: int) -> list:
    """What faultmap's `analyze` does between clustering and naming."""
    results = []
    for cluster in sorted(set(labels.tolist()) - {-1}):
        inside = labels == cluster
        if inside.sum() >= min_size:
            results.append(
                test_cluster_failure_rate(
                    cluster_failures=int(failed[inside].sum()),
                    cluster_size=int(inside.sum()),
                    total_failures=int(failed.sum()),
                    total_size=len(failed),
                    cluster_id=cluster,
                )
            )
    kept = [one for one in benjamini_hochberg(results, ALPHA) if one.adjusted_p_value < ALPHA]
    return [np.flatnonzero(labels == one.cluster_id).tolist() for one in kept]


def main(job_file: str, reply_file: str) -> None:
    """Answer one job."""
    job = np.load(job_file)
    reply = {}
    for method in job["methods"].tolist():
        start = time.process_time()
        try:
            labels = cluster_embeddings(job["vectors"], method=method, min_cluster_size=int(job["min_size"]))
        except Exception as error:  # all noise raises: a finding-free run
            reply[method] = {"error": str(error), "found": [[] for _ in job["failed"]]}
            continue
        seconds = time.process_time() - start
        found = [significant(labels, failed, int(job["min_size"])) for failed in job["failed"]]
        reply[method] = {"cpu_seconds": seconds, "noise": float((labels == -1).mean()), "found": found}
    Path(reply_file).write_text(json.dumps(reply))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
