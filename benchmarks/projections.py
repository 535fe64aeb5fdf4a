"""Maps of vectors by openTSNE, UMAP and PaCMAP: processor seconds, memory, neighbors kept.

    python benchmarks/projections.py VECTORS.npy --graph GRAPH.npz          # writes the k-NN graph
    PEER/bin/python benchmarks/projections.py VECTORS.npy --graph GRAPH.npz --method umap

The first writes the graph of the 90 nearest that all methods are given, and measures the principal
plane. The others run in an environment with opentsne, umap-learn and pacmap, one method a process,
on one thread. Trustworthiness and neighbors kept are of 15 neighbors of 1,500 rows, exactly.
`--made` makes 15,000 rows in 60 clusters of uneven size first.
"""

from __future__ import annotations

import argparse
import hashlib
import resource
from pathlib import Path
from typing import Any

import numpy as np

NEIGHBORS = 15
SAMPLED = 1500


def made(path: Path) -> None:
    rng = np.random.default_rng(0)
    sizes = rng.pareto(1.5, 60) + 0.3
    sizes = np.maximum((sizes / sizes.sum() * 15_000).astype(int), 30)
    groups = rng.normal(size=(12, 128))
    rows = []
    for cluster, size in enumerate(sizes):
        middle = groups[cluster % 12] + 0.6 * rng.normal(size=128)
        axes = rng.normal(size=(10, 128)) * 0.25
        rows.append(
            middle + rng.normal(size=(size, 10)) @ axes + 0.1 * rng.normal(size=(size, 128))
        )
    vectors = np.concatenate(rows)
    np.save(path, (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32))


def plane(X: np.ndarray) -> np.ndarray:
    centered = X - X.mean(axis=0)
    return centered @ np.linalg.eigh(centered.T @ centered)[1][:, ::-1][:, :2]


def tsne(X: np.ndarray, near: np.ndarray, apart: np.ndarray) -> np.ndarray:
    from openTSNE import TSNEEmbedding, affinity, initialization, nearest_neighbors

    graph = nearest_neighbors.PrecomputedNeighbors(near, apart)
    affinities = affinity.PerplexityBasedNN(knn_index=graph, perplexity=30, random_state=0)
    way = "bh" if len(X) < 10_000 else "fft"
    found = TSNEEmbedding(
        initialization.rescale(plane(X)),
        affinities,
        negative_gradient_method=way,
        random_state=0,
    )
    found = found.optimize(n_iter=250, exaggeration=12, momentum=0.5)
    return np.asarray(found.optimize(n_iter=500, momentum=0.8))


def umap(X: np.ndarray, near: np.ndarray, apart: np.ndarray) -> np.ndarray:
    import umap as package

    count = len(X)
    itself = np.arange(count)[:, None]
    graph = (
        np.hstack([itself, near[:, :14]]),
        np.hstack([np.zeros((count, 1)), apart[:, :14]]).astype(np.float32),
    )
    start = plane(X)
    model = package.UMAP(
        n_neighbors=15,
        random_state=0,
        precomputed_knn=graph,
        init=start / np.abs(start).max() * 10,
        n_jobs=1,
    )
    return model.fit_transform(X)


def pacmap(X: np.ndarray, near: np.ndarray, _apart: np.ndarray) -> np.ndarray:
    import pacmap as package

    rows = np.repeat(np.arange(len(X)), 10)
    pairs = np.stack([rows, near[:, :10].ravel()], axis=1).astype(np.int32)
    model = package.PaCMAP(n_neighbors=10, random_state=0, pair_neighbors=pairs)
    return model.fit_transform(X, init="pca")


METHODS: dict[str, Any] = {"tsne": tsne, "umap": umap, "pacmap": pacmap}


def measured(X: np.ndarray, places: np.ndarray) -> tuple[float, float]:
    rng = np.random.default_rng(1)
    count = len(X)
    rows = np.sort(rng.choice(count, min(SAMPLED, count), replace=False))
    likeness = X[rows] @ X.T
    likeness[np.arange(len(rows)), rows] = np.inf
    ranks = np.empty(likeness.shape, np.int64)
    order = np.argsort(-likeness, axis=1, kind="stable")
    ranks[np.arange(len(rows))[:, None], order] = np.arange(count)
    apart = np.stack([((places[row] - places) ** 2).sum(axis=1) for row in rows])
    apart[np.arange(len(rows)), rows] = -1
    near = np.argpartition(apart, NEIGHBORS, axis=1)[:, : NEIGHBORS + 1]
    found = np.take_along_axis(ranks, near, 1)
    excess = np.maximum(found - NEIGHBORS, 0).sum()
    worst = len(rows) * NEIGHBORS * (2 * count - 3 * NEIGHBORS - 1) / 2
    kept = ((found <= NEIGHBORS) & (found > 0)).sum() / (len(rows) * NEIGHBORS)
    return float(1 - excess / worst), float(kept)


def processor() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("vectors", type=Path)
    parser.add_argument("--graph", type=Path, required=True)
    parser.add_argument("--method", choices=sorted(METHODS))
    parser.add_argument("--made", action="store_true", help="make the vectors first")
    given = parser.parse_args()
    if given.made:
        made(given.vectors)
    X = np.load(given.vectors)
    if given.method is None:
        from tamis.algo.neighbors import knn_graph

        graph = knn_graph(X, 90, rng=np.random.default_rng(0))
        np.savez(given.graph, near=graph.indices, likeness=graph.similarities)
        places, spent = plane(X), 0.0
    else:
        graph = np.load(given.graph)
        apart = np.sqrt(np.maximum(2 - 2 * graph["likeness"].astype(np.float64), 0))
        begun = processor()
        places = np.asarray(METHODS[given.method](X, graph["near"], apart), np.float64)
        spent = processor() - begun
    trust, kept = measured(X, places)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    digest = hashlib.sha256(places.tobytes()).hexdigest()[:8]
    name = given.method or "plane"
    print(
        f"{name:7} {len(X):,} rows: {spent:.1f} s of processor, {memory:.0f} MB, "
        f"trustworthiness {trust:.4f}, neighbors kept {kept:.3f}, digest {digest}"
    )


if __name__ == "__main__":
    main()
