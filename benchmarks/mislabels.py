"""Wrong labels planted on purpose: average precision against cleanlab, SimiFeat and a vote.

    python benchmarks/mislabels.py CACHE.npz [CACHE.npz …] [--cleanlab PYTHON] [--seeds 1]

Each CACHE holds `vectors` and `paths`, as `selection_quality.py --cache` writes; the folder of a
path is its label. Noise of 5, 10 and 30 % is planted, `even` (any other class) and `pair` (each
class is taken for one other). cleanlab runs in an environment of its own, PYTHON, and gets
vectors by file: five-fold out-of-fold probabilities of scikit-learn's logistic regression, ranked
by `get_label_quality_scores` (self-confidence, its default; and its best of all methods, which a
user could not know), or Datalab's own scores from the same probabilities and vectors. SimiFeat
(Zhu, Dong and Liu, ICML 2022) is written anew here: the vote and rank of ten neighbours, over 21
draws of nine tenths of the rows; a row's score is how often it was found, then its vote.
"""

from __future__ import annotations

import argparse
import subprocess
import tempfile
import time
from pathlib import Path

import numpy as np

from tamis.algo.mislabels import average_precision, find_mislabels
from tamis.algo.neighbors import knn_graph

CLEANLAB = """
import sys, time, numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from cleanlab.rank import get_label_quality_scores
data = np.load(sys.argv[1])
X, y = data["X"], data["y"]
start = time.process_time()
folds = StratifiedKFold(5, shuffle=True, random_state=0)
P = cross_val_predict(
    LogisticRegression(max_iter=400), X, y, cv=folds, method="predict_proba"
)
scores = {}
for method in ("self_confidence", "normalized_margin", "confidence_weighted_entropy"):
    scores[method] = 1 - get_label_quality_scores(y, P, method=method)
seconds = time.process_time() - start
np.savez(sys.argv[2], P=P, seconds=seconds, **scores)
"""


def plant(y, share, kind, rng):
    classes = y.max() + 1
    rows = rng.permutation(len(y))[: round(share * len(y))]
    step = rng.integers(1, classes, len(rows)) if kind == "even" else 1
    noisy = y.copy()
    noisy[rows] = (y[rows] + step) % classes
    return noisy, noisy != y


def vote(graph, y, k=10):
    return (y[graph.indices[:, :k]] != y[:, None]).mean(axis=1)


def simifeat(X, y, rng, draws=21):
    """Found by rank: per class, as many as the noise rate estimated from votes says."""
    found = np.zeros(len(y))
    drawn = np.zeros(len(y))
    total = np.zeros(len(y))
    for _ in range(draws):
        rows = np.sort(rng.permutation(len(y))[: round(0.9 * len(y))])
        near = knn_graph(X[rows], 10, rng=rng).indices
        given = y[rows]
        share = np.stack([(given[near] == c).mean(axis=1) for c in range(y.max() + 1)], axis=1)
        own = share[np.arange(len(rows)), given]
        wrong = share.argmax(axis=1) != given
        for c in np.unique(given):
            of_class = np.flatnonzero(given == c)
            many = int(wrong[of_class].sum())
            found[rows[of_class[np.argsort(own[of_class], kind="stable")[:many]]]] += 1
        drawn[rows] += 1
        total[rows] += 1 - own
    drawn = np.maximum(drawn, 1)
    return found / drawn + 1e-3 * total / drawn


def with_cleanlab(python, X, y):
    with tempfile.TemporaryDirectory() as folder:
        given, answer = Path(folder, "in.npz"), Path(folder, "out.npz")
        np.savez(given, X=X, y=y)
        subprocess.run([python, "-c", CLEANLAB, given, answer], check=True)
        return dict(np.load(answer))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("caches", type=Path, nargs="+")
    parser.add_argument("--cleanlab")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--share", type=float, nargs="+", default=[0.05, 0.1, 0.3])
    options = parser.parse_args()
    for cache in options.caches:
        saved = np.load(cache)
        X = saved["vectors"]
        y = np.unique([Path(p).parent.name for p in saved["paths"]], return_inverse=True)[1]
        for share in options.share:
            for kind in ("even", "pair"):
                for seed in range(options.seeds):
                    noisy, wrong = plant(y, share, kind, np.random.default_rng(seed))
                    results = {}
                    start = time.process_time()
                    ours = find_mislabels(X, noisy, rng=np.random.default_rng(seed))
                    results[f"tamis ({ours.method}, C {ours.C:g})"] = (
                        average_precision(wrong, ours.scores),
                        time.process_time() - start,
                    )
                    if options.cleanlab:
                        theirs = with_cleanlab(options.cleanlab, X, noisy)
                        for name in (
                            "self_confidence",
                            "normalized_margin",
                            "confidence_weighted_entropy",
                        ):
                            results[f"cleanlab {name}"] = (
                                average_precision(wrong, theirs[name]),
                                float(theirs["seconds"]),
                            )
                    start = time.process_time()
                    scores = simifeat(X, noisy, np.random.default_rng(seed))
                    results["SimiFeat"] = (
                        average_precision(wrong, scores),
                        time.process_time() - start,
                    )
                    start = time.process_time()
                    graph = knn_graph(X, 10, rng=np.random.default_rng(seed))
                    results["vote of ten"] = (
                        average_precision(wrong, vote(graph, noisy)),
                        time.process_time() - start,
                    )
                    print(f"\n{cache.stem}, {share:.0%} {kind}, seed {seed}")
                    for name, (reached, seconds) in results.items():
                        print(f"  {name:58} {reached:.3f}  {seconds:6.1f} processor s", flush=True)


if __name__ == "__main__":
    main()
