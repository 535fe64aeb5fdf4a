"""Exact neighbours against scikit-learn's, and what an inverted file saves.

    python benchmarks/neighbors.py [--rows 20000] [--dim 384] [--k 10] [--repeat 3] [--large 0]

Every run is a process of its own, so that its peak memory is its own; contenders take turns, and
the medians are compared. `sklearn-cosine` is `NearestNeighbors(metric="cosine",
algorithm="brute")`; `sklearn-euclidean` is what FiftyOne runs for cosine: unit vectors and the
default metric. All find the same neighbours, which is checked.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np


def vectors(rows, dim, spread):
    """Unit vectors around many centres of unequal weight; spread 0 makes them unstructured."""
    rng = np.random.default_rng(0)
    noise = rng.standard_normal((rows, dim), dtype=np.float32)
    if spread:
        centers = rng.standard_normal((max(2, rows // 100), dim), dtype=np.float32)
        weights = rng.dirichlet(np.full(len(centers), 0.5))
        noise = centers[rng.choice(len(centers), rows, p=weights)] + spread * noise
    return noise / np.linalg.norm(noise, axis=1, keepdims=True)


def tamis(method):
    from tamis.algo.neighbors import knn_graph

    def run(X, k):
        graph = knn_graph(X, k, method=method, rng=np.random.default_rng(0))
        return graph.indices, graph.recall_estimate

    return run


def sklearn(metric):
    from sklearn.neighbors import NearestNeighbors

    options = {"algorithm": "brute"} if metric == "cosine" else {}

    def run(X, k):
        search = NearestNeighbors(n_neighbors=k + 1, metric=metric, **options).fit(X)
        return search.kneighbors(X)[1][:, 1:], 1.0

    return run


def faiss_flat():
    import faiss

    def run(X, k):
        index = faiss.IndexFlatIP(X.shape[1])
        index.add(X)
        return index.search(X, k + 1)[1][:, 1:], 1.0

    return run


CONTENDERS = {
    "tamis-exact": lambda: tamis("exact"),
    "tamis-ivf": lambda: tamis("ivf"),
    "sklearn-cosine": lambda: sklearn("cosine"),
    "sklearn-euclidean": lambda: sklearn("euclidean"),
    "faiss-flat": faiss_flat,
}


def peak_kib():
    """Peak memory of this process. getrusage would count what its parent held at the fork."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1])
    raise SystemExit("peak memory is read from /proc/self/status, which this system lacks")


def one_run(name, path, k):
    """Run one contender here and print its figures as JSON."""
    run = CONTENDERS[name]()
    # Read, not made: making them would raise the peak that the run is measured against.
    X = np.load(path)
    rows = len(X)
    run(X[:500], k)
    before = peak_kib()
    wall, cpu = time.perf_counter(), time.process_time()
    indices, recall = run(X, k)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    peak = peak_kib()
    sampled = np.random.default_rng(1).choice(rows, min(rows, 200), replace=False)
    similarity = X[sampled] @ X.T
    similarity[np.arange(sampled.size), sampled] = -np.inf
    true = np.argpartition(-similarity, k, axis=1)[:, :k]
    found = np.mean([np.isin(a, b).mean() for a, b in zip(true, indices[sampled], strict=True)])
    figures = {
        "seconds": wall,
        "cpu_seconds": cpu,
        "rise_mib": (peak - before) / 1024,
        "recall": float(found),
        "recall_estimate": recall,
    }
    print(json.dumps(figures))


def spawn(name, path, k):
    environment = {
        key: value
        for key, value in os.environ.items()
        if key not in {"OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"}
    }
    command = [sys.executable, __file__, "--one", name, "--vectors", path, "--k", str(k)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def compare(names, args, rows):
    runs = {name: [] for name in names}
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/vectors.npy"
        np.save(path, vectors(rows, args.dim, args.spread))
        for _ in range(args.repeat):
            for name in names:
                runs[name].append(spawn(name, path, args.k))
    shape = f"{rows:,} x {args.dim}, k = {args.k}"
    print(f"\n{shape}: medians of {args.repeat} on {os.cpu_count()} cores")
    print(f"{'':20}{'seconds':>9}{'cpu s':>9}{'rise MiB':>10}{'recall':>8}{'times ours':>12}")
    ours = statistics.median(run["seconds"] for run in runs[names[0]])
    for name, figures in runs.items():
        median = {key: statistics.median(run[key] for run in figures) for key in figures[0]}
        print(
            f"{name:20}{median['seconds']:9.2f}{median['cpu_seconds']:9.2f}"
            f"{median['rise_mib']:10.0f}{median['recall']:8.4f}{median['seconds'] / ours:12.2f}"
        )


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--dim", type=int, default=384)
    parser.add_argument("--k", type=int, default=10)
    parser.add_argument("--spread", type=float, default=1.0)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--large", type=int, default=0, help="rows for exact against ivf; 0: skip")
    parser.add_argument("--one", choices=sorted(CONTENDERS), help=argparse.SUPPRESS)
    parser.add_argument("--vectors", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.one:
        one_run(args.one, args.vectors, args.k)
        return
    compare(["tamis-exact", "sklearn-cosine", "sklearn-euclidean", "faiss-flat"], args, args.rows)
    if args.large:
        compare(["tamis-ivf", "tamis-exact"], args, args.large)


if __name__ == "__main__":
    main()
