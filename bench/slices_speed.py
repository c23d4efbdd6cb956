"""What does slice discovery cost? CPU seconds and memory, each measurement in a fresh process.

usage: python bench/slices_speed.py [--peer-python PYTHON] [--repeats N] [--sizes 5000,10000,...] [--out FILE]

Vectors are synthetic mixtures (384 dimensions, one centre per 40 prompts), the same for both systems, written to a
file that each process loads. Ours: neighbours, tree, `find_failure_slices` with keyword names. faultmap 0.5.0:
`SliceAnalyzer.analyze` with an embedder that returns the same vectors and a language model that answers with a fixed
label. One thread each (OMP_NUM_THREADS=1).
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parent.parent

_USAGE = """
import resource
used = resource.getrusage(resource.RUSAGE_SELF)
print("RESULT", used.ru_utime + used.ru_stime, used.ru_maxrss / 1024, found)
"""

OURS = (
    """
import sys
sys.path.insert(0, {root!r})
import numpy as np
from faultmap_core.regions.tree import build_tree
from faultmap_core.regions.neighbors import nearest_neighbors
from faultmap_core.discovery.slices.discovery import EvalRows, find_failure_slices
given = np.load({file!r})
vectors, failed = given["vectors"], given["failed"]
n = len(failed)
prompts = [f"prompt {{topic}} number {{i}}" for i, topic in enumerate(given["topic"])]
tree = build_tree(vectors, nearest_neighbors(vectors, vectors, 15, exclude_self=True), method={method!r})
ids, none = [str(i) for i in range(n)], [None] * n
rows = EvalRows(ids, prompts, none, none, 1.0 - failed, failed, np.arange(n))
found = len(find_failure_slices(rows, tree, vectors).slices)
"""
    + _USAGE
)

PEER = (
    """
import warnings
warnings.simplefilter("ignore")
import numpy as np
import faultmap.analyzer
from faultmap import SliceAnalyzer
from faultmap.embeddings import Embedder
import faultmap.labeling
given = np.load({file!r})
vectors, failed = given["vectors"], given["failed"]
prompts = [f"prompt {{topic}} number {{i}}" for i, topic in enumerate(given["topic"])]
class Given(Embedder):
    dimension = vectors.shape[1]
    def embed(self, texts, *, usage="generic"):
        return vectors
async def fixed(client, clusters_texts, context="failure slice"):
    return [faultmap.labeling.ClusterLabel(name="slice", description="slice") for _ in clusters_texts]
faultmap.labeling.label_clusters = fixed
if hasattr(faultmap.analyzer, "label_clusters"):
    faultmap.analyzer.label_clusters = fixed
analyzer = SliceAnalyzer(model="none", embedding_model="all-MiniLM-L6-v2", clustering_method={method!r})
for name, value in list(vars(analyzer).items()):
    if isinstance(value, Embedder):
        setattr(analyzer, name, Given())
report = analyzer.analyze(prompts, ["x"] * len(prompts), scores=(1.0 - failed).tolist())
found = len(report.slices)
"""
    + _USAGE
)


def write_vectors(n: int, folder: Path, clumps: bool = False) -> Path:
    """Write a mixture of n vectors; with `clumps` each vector stands in 50 exact or nearly exact copies."""
    rng = np.random.default_rng(n)
    distinct = n // 50 if clumps else n
    topic = rng.integers(0, max(distinct // 40, 2), distinct)
    centers = rng.normal(size=(topic.max() + 1, 384))
    vectors = (centers[topic] + rng.normal(size=(distinct, 384))).astype(np.float32)
    if clumps:
        topic, vectors = np.repeat(topic, 50), np.repeat(vectors, 50, axis=0)
        vectors += 1e-3 * (rng.random((n, 1)) < 0.5) * rng.normal(size=vectors.shape).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    failed = (rng.random(n) < np.where(topic % 25 == 0, 0.5, 0.15)).astype(float)
    file = folder / f"vectors_{n}{'_clumps' if clumps else ''}.npz"
    np.savez(file, vectors=vectors.astype(np.float32), failed=failed, topic=topic)
    return file


def run(python: str, script: str) -> dict[str, float]:
    """Run a script in a fresh process; CPU seconds and peak memory are what the kernel counted for it."""
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "LOKY_MAX_CPU_COUNT"), "1")
    environment = {**os.environ, **threads, "LITELLM_LOCAL_MODEL_COST_MAP": "True"}
    done = subprocess.run([python, "-c", script], capture_output=True, text=True, env=environment, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:])
    line = next(line for line in done.stdout.splitlines() if line.startswith("RESULT"))
    cpu, memory, found = line.split()[1:]
    return {"cpu_seconds": float(cpu), "peak_mb": float(memory), "slices": float(found)}


def median_run(python: str, script: str, repeats: int) -> dict[str, float]:
    """Return the run of median CPU time."""
    runs = sorted((run(python, script) for _ in range(repeats)), key=lambda one: one["cpu_seconds"])
    return {**runs[len(runs) // 2], "repeats": float(repeats)}


def exponent(points: list[tuple[int, float]]) -> float:
    """Slope of log cost over log size."""
    sizes, costs = zip(*points, strict=True)
    return float(np.polyfit(np.log(sizes), np.log(costs), 1)[0])


def sgemm_share() -> dict[str, float]:
    """Nearest neighbours 10k x 100k as a share of the machine's sgemm rate, both measured here, in turn."""
    sys.path.insert(0, str(ROOT))
    import time

    from faultmap_core.regions.neighbors import nearest_neighbors

    rng = np.random.default_rng(0)
    corpus = rng.normal(size=(100_000, 384)).astype(np.float32)
    queries = rng.normal(size=(10_000, 384)).astype(np.float32)
    corpus /= np.linalg.norm(corpus, axis=1, keepdims=True)
    queries /= np.linalg.norm(queries, axis=1, keepdims=True)
    shares = []
    for _ in range(3):
        start = time.process_time()
        for first in range(0, 10_000, 1_000):
            queries[first : first + 1_000] @ corpus.T
        product = time.process_time() - start
        start = time.process_time()
        nearest_neighbors(queries, corpus, 15)
        shares.append(product / (time.process_time() - start))
    return {"share_of_sgemm": statistics.median(shares), "gflops_sgemm": 2 * 1e4 * 1e5 * 384 / product / 1e9}


def measured(chosen: argparse.Namespace, part: str, folder: Path) -> dict[str, Any]:
    """Return what one part measures."""
    repeats = chosen.repeats
    if part == "neighbors":
        return sgemm_share()
    if part == "clumps":
        file = write_vectors(100_000, folder, clumps=True)
        return run(sys.executable, OURS.format(root=str(ROOT), file=str(file), method="agglomerative"))
    peer = part == "faultmap"
    python = chosen.peer_python if peer else sys.executable
    costs: dict[str, Any] = {}
    for n in map(int, (chosen.peer_sizes if peer else chosen.sizes).split(",")):
        file = write_vectors(n, folder)
        script = (PEER if peer else OURS).format(
            root=str(ROOT), file=str(file), method="hdbscan" if peer else "agglomerative"
        )
        costs[str(n)] = median_run(python, script, repeats if n <= 20_000 else 1)
        print(part, n, costs[str(n)], file=sys.stderr, flush=True)
        file.unlink()
    points = [(int(n), one["cpu_seconds"]) for n, one in costs.items()]
    return {"sizes": costs, "growth_exponent": exponent(points) if len(points) > 1 else None}


def main() -> None:
    """Measure and write one JSON file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peer-python", default=None)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--sizes", default="5000,10000,20000,50000,100000")
    parser.add_argument("--peer-sizes", default="5000,10000")
    parser.add_argument("--parts", default="faultmap,ours,neighbors,clumps")
    parser.add_argument("--out", type=Path, default=Path(__file__).with_name("results") / "slices_speed.json")
    chosen = parser.parse_args()
    chosen.out.parent.mkdir(parents=True, exist_ok=True)
    results: dict[str, Any] = json.loads(chosen.out.read_text()) if chosen.out.exists() else {}
    for part in chosen.parts.split(","):
        if part == "faultmap" and not chosen.peer_python:
            print("skipped faultmap: --peer-python names no interpreter that has faultmap==0.5.0", file=sys.stderr)
            continue
        with tempfile.TemporaryDirectory() as name:
            results[part] = measured(chosen, part, Path(name))
        chosen.out.write_text(json.dumps(results, indent=1) + "\n")
        print(f"{part}: done", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
