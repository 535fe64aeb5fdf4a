"""Rare near pairs among many clustered rows: who finds them, what recall is stated, what it costs.

    python benchmarks/near_pairs.py [--rows 50000] [--dim 32 128 1280] [--pairs 300] [--seed 0]
        [--search pairs components …]

Rows lie around many centres of unequal weight. Some are made near copies of others, at cosines
drawn between `--low` and `--high`, which hardly any other two rows reach. Each search runs by
inverted file and exactly, in turn, in one process; seconds are of all cores' processors. "Found"
counts the planted pairs; for the graph, those of which one row lists the other, as the candidates
for duplicates are made. All run on one thread: where threads wait for each other on cores that
other work shares, they use processor time that is nobody's.
"""

from __future__ import annotations

import argparse
import os
import sys
import time

import numpy as np

from tamis.algo.near_components import near_components
from tamis.algo.neighbors import knn_graph, pairs_over
from tamis.algo.splits.closest_across import closest_across

SEARCHES = ("pairs", "components", "most similar", "graph, 8 nearest")
ONE_THREAD = {f"{library}_NUM_THREADS": "1" for library in ("OPENBLAS", "OMP", "MKL")}


def unit(rows):
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def clustered(rows, dim, spread, rng):
    """Unit vectors around many centres of unequal weight."""
    centers = rng.standard_normal((max(2, rows // 100), dim), dtype=np.float32)
    weights = rng.dirichlet(np.full(len(centers), 0.5))
    noise = rng.standard_normal((rows, dim), dtype=np.float32)
    return unit(centers[rng.choice(len(centers), rows, p=weights)] + spread * noise)


def with_copies(X, pairs, low, high, rng):
    """Rows and near copies of some of them, shuffled, and which rows are pairs."""
    left = rng.choice(len(X), pairs, replace=False)
    aside = rng.standard_normal((pairs, X.shape[1])).astype(np.float32)
    aside -= (aside * X[left]).sum(axis=1, keepdims=True) * X[left]
    cosine = rng.uniform(low, high, (pairs, 1)).astype(np.float32)
    copies = unit(cosine * X[left] + np.sqrt(1 - cosine**2) * unit(aside))
    place = rng.permutation(len(X) + pairs)
    rows = np.empty((len(X) + pairs, X.shape[1]), np.float32)
    rows[place] = np.concatenate([X, copies])
    return rows, place[left], place[len(X) :]


def keys(n, left, right):
    return np.minimum(left, right) * n + np.maximum(left, right)


def found_by(search, X, left, right, *, threshold, method):
    """How many planted pairs a search finds, the recall that it states, and what ran."""
    n, rng = len(X), np.random.default_rng(0)
    planted = keys(n, left, right)
    if search == "graph, 8 nearest":
        graph = knn_graph(X, 8, method=method, rng=rng)
        rows = np.repeat(np.arange(n), graph.indices.shape[1])
        hit = np.isin(planted, keys(n, rows, graph.indices.ravel()))
        return int(hit.sum()), graph.recall_estimate, graph.method
    if search == "pairs":
        pairs = pairs_over(X, threshold, method=method, rng=rng)
        hit = np.isin(planted, keys(n, pairs.left, pairs.right))
        return int(hit.sum()), pairs.recall_estimate, pairs.method
    if search == "components":
        groups = near_components(X, threshold, method=method, rng=rng)
        return int((groups.labels[left] == groups.labels[right]).sum()), 1.0, groups.method
    cross = closest_across(X, np.arange(n), most=len(left), method=method, rng=rng)
    hit = np.isin(planted, keys(n, cross.left, cross.right))
    return int(hit.sum()), cross.recall_estimate, cross.method


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=50_000)
    parser.add_argument("--dim", type=int, nargs="+", default=[32, 128, 1280])
    parser.add_argument("--spread", type=float, default=1.0)
    parser.add_argument("--pairs", type=int, default=300)
    parser.add_argument("--low", type=float, default=0.93)
    parser.add_argument("--high", type=float, default=0.99)
    parser.add_argument("--search", nargs="+", choices=SEARCHES, default=SEARCHES)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    if not ONE_THREAD.items() <= os.environ.items():
        # The libraries read these when they are loaded.
        os.execve(sys.executable, [sys.executable, *sys.argv], {**os.environ, **ONE_THREAD})
    for dim in args.dim:
        rng = np.random.default_rng([args.seed, dim])
        X, left, right = with_copies(
            clustered(args.rows, dim, args.spread, rng), args.pairs, args.low, args.high, rng
        )
        print(f"\n{len(X):,} x {dim}, {args.pairs} pairs at {args.low:g} to {args.high:g}")
        print(f"{'':18} {'ran':>6} {'found':>10} {'recall stated':>14} {'processor s':>12}")
        for search in args.search:
            for method in ("auto", "exact"):
                begin = time.process_time()
                # Planted cosines hold to rounding.
                hit, recall, ran = found_by(
                    search, X, left, right, threshold=args.low - 1e-5, method=method
                )
                seconds = time.process_time() - begin
                print(
                    f"{search:18} {ran:>6} {f'{hit} of {args.pairs}':>10} {recall:14.4f} "
                    f"{seconds:12.1f}",
                    flush=True,
                )


if __name__ == "__main__":
    main()
