"""A simulated annotator: actions for 1,000 correct labels, by group and one by one.

    python benchmarks/label_actions.py CACHE.npz [CACHE.npz …] [--seeds 3]

Each CACHE holds `vectors` and `paths`, as `selection_quality.py --cache` writes; the folder of a
path is its true class. All ways end with every picture labeled rightly. Looking is free, a click
counts: one to label a picture, one to label a group at once, one to correct a picture within it.

* one by one: a click a picture, 1,000 by definition;
* clusters: a click for each cluster, for the class that most of it shows, and one for each picture
  of another class; with the number that `tamis cluster` chooses, and with four times as many;
* propagation: the pictures nearest the middles of as many clusters as there are classes are
  labeled, then those that `label review` lists, 50 at a time; then a click for each class takes
  what was propagated, and one for each picture corrects it. The best number of rounds is not
  known beforehand: all are printed.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from tamis.algo.clusters import cluster
from tamis.algo.neighbors import knn_graph
from tamis.algo.propagation import propagate, review_first

ROUNDS = 6
BATCH = 50


def by_clusters(y, found):
    wrong = 0
    for number in range(len(found.sizes)):
        inside = y[found.labels == number]
        wrong += inside.size - np.bincount(inside).max()
    return len(found.sizes) + wrong, wrong


def by_propagation(X, y, seed):
    rng = np.random.default_rng(seed)
    classes = int(y.max()) + 1
    graph = knn_graph(X, 50, rng=rng)
    known = set(cluster(X, 2 * classes, rng=rng).medoids.tolist())
    for round_ in range(ROUNDS + 1):
        rows = np.array(sorted(known))
        if np.unique(y[rows]).size > 1:
            found = propagate(X, rows, y[rows], graph=graph, rng=rng)
            said = found.classes[found.probabilities.argmax(axis=1)]
            free = np.setdiff1d(np.arange(len(y)), rows)
            wrong = int((said[free] != y[free]).sum())
            yield round_, len(known), wrong, len(known) + classes + wrong, found.method
            picks = review_first(graph, found.confidence, BATCH, candidates=free).indices
        else:
            picks = rng.choice(len(y), BATCH, replace=False)
        known |= set(picks.tolist())


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("caches", type=Path, nargs="+")
    parser.add_argument("--seeds", type=int, default=3)
    options = parser.parse_args()
    for cache in options.caches:
        saved = np.load(cache)
        X = saved["vectors"]
        y = np.unique([Path(p).parent.name for p in saved["paths"]], return_inverse=True)[1]
        print(f"\n{cache.stem}: {len(y)} pictures, {y.max() + 1} classes; clicks for 1,000 labels")
        print("  one by one                         1000")
        auto = cluster(X, rng=np.random.default_rng(0))
        k = len(auto.sizes)
        for many in (k, 4 * k, 16 * k):
            found = auto if many == k else cluster(X, many, rng=np.random.default_rng(0))
            clicks, wrong = by_clusters(y, found)
            print(f"  {many:4} clusters                      {1000 * clicks / len(y):4.0f}", end="")
            print(f"  (right at once {1 - wrong / len(y):.3f})", flush=True)
        rounds = {}
        for seed in range(options.seeds):
            for round_, known, wrong, clicks, winner in by_propagation(X, y, seed):
                rounds.setdefault(round_, []).append((known, wrong, clicks))
                last = winner
        for found in rounds.values():
            known, wrong, clicks = np.mean(found, axis=0)
            right = 1 - wrong / (len(y) - known)
            print(
                f"  propagation, {known:4.0f} looked at first  {1000 * clicks / len(y):4.0f}",
                end="",
            )
            print(f"  (right at once {right:.3f}, last by {last})", flush=True)


if __name__ == "__main__":
    main()
