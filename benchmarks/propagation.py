"""Labels from few: propagation against a vote, LabelSpreading and the probe alone.

    python benchmarks/propagation.py FOLDER [--cache FILE.npz] [--seeds 10]
        [--first-seed 0] [--a-class 1 5 10]

FOLDER holds `…/CLASS/…` pictures, embedded once by the bundled encoder (`--cache` keeps vectors).
Each seed draws so many labels of each class at random; all other pictures are labelled. Printed
are the mean accuracy on all of them, that on those given a label (confidence .5 or more) and
their share, and in how many seeds the accuracy lies in the interval expected. LabelSpreading
(scikit-learn) runs with its k-NN kernel at its defaults but k = 50 and alpha = .99, as ours, and
needs dense columns; its confidence is its own.
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections import defaultdict
from pathlib import Path

import numpy as np
from selection_quality import embedded
from sklearn.neighbors import KNeighborsClassifier
from sklearn.semi_supervised import LabelSpreading

from tamis.algo.probe import train_probe
from tamis.algo.propagation import propagate


def peers(X, rows, labels, seed):
    classes, codes = np.unique(labels, return_inverse=True)

    def vote():
        k = min(5, len(rows))
        model = KNeighborsClassifier(k, metric="cosine", weights="distance")
        return model.fit(X[rows], codes).predict_proba(X)

    def spreading():
        given = np.full(len(X), -1)
        given[rows] = codes
        model = LabelSpreading("knn", n_neighbors=50, alpha=0.99, max_iter=100)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return model.fit(X, given).label_distributions_

    def probe():
        return train_probe(X[rows], labels, rng=np.random.default_rng(seed)).probabilities(X)

    return classes, {"k-NN vote": vote, "LabelSpreading": spreading, "probe alone": probe}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--cache", type=Path)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--a-class", type=int, nargs="+", default=[1, 5, 10])
    options = parser.parse_args()
    X, paths = embedded(options.folder, options.cache)
    truth = np.array([Path(path).parent.name for path in paths])
    for many in options.a_class:
        found = defaultdict(list)
        inside, inside_all, methods = 0, 0, defaultdict(int)
        for seed in range(options.first_seed, options.first_seed + options.seeds):
            rng = np.random.default_rng(seed)
            rows = np.concatenate(
                [
                    rng.choice(np.flatnonzero(truth == name), many, replace=False)
                    for name in np.unique(truth)
                ]
            )
            free = np.setdiff1d(np.arange(len(X)), rows)
            classes, others = peers(X, rows, truth[rows], seed)
            codes = np.searchsorted(classes, truth)

            def note(name, probabilities, labels, seconds, *, free=free, codes=codes, found=found):
                best = probabilities.argmax(axis=1)
                given = free[labels[free] >= 0]
                right = (labels[given] == codes[given]).mean() if given.size else np.nan
                every = (best[free] == codes[free]).mean()
                found[name].append((every, right, given.size / free.size, seconds))
                return every, right

            start = time.process_time()
            ours = propagate(X, rows, truth[rows], rng=np.random.default_rng(seed))
            every, right = note(
                "propagation", ours.probabilities, ours.labels, time.process_time() - start
            )
            methods[ours.method] += 1
            inside += ours.expected.low <= right <= ours.expected.high
            inside_all += ours.expected_of_all.low <= every <= ours.expected_of_all.high
            for name, run in others.items():
                start = time.process_time()
                probabilities = run()
                labels = np.where(
                    probabilities.max(axis=1) >= 0.5, probabilities.argmax(axis=1), -1
                )
                note(name, probabilities, labels, time.process_time() - start)
        print(f"\n{many} a class, {options.seeds} seeds; by {dict(methods)}")
        for name, values in found.items():
            every, right, share, seconds = np.mean(values, axis=0)
            print(
                f"  {name:15} all {every:.3f}  labelled {right:.3f} of {share:.3f}"
                f"  {seconds:.1f} processor s"
            )
        print(f"  inside the interval: labelled {inside}, all {inside_all}", flush=True)


if __name__ == "__main__":
    main()
