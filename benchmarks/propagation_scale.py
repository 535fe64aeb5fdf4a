"""Time and memory of propagation beside scikit-learn's LabelSpreading, at many pictures.

    python benchmarks/propagation_scale.py [--rows 100000] [--dim 128] [--classes 20]

Vectors are drawn around class means, with ten labels a class; each side runs in a process of its
own, gets the same vectors by file, and reports its processor seconds, its peak memory over that of
the vectors alone, and its accuracy. LabelSpreading runs with its k-NN kernel, k = 50 and
alpha = .99, as ours; 30 steps at most, its default. Ours also measures how right it will be.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

SIDE = """
import resource, sys, time, warnings
import numpy as np
side, file = sys.argv[1:]
saved = np.load(file)
X, y, rows = saved["X"], saved["y"], saved["rows"]
if side == "tamis":
    from tamis.algo.propagation import propagate
else:
    from sklearn.semi_supervised import LabelSpreading
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
start = time.process_time()
if side == "tamis":
    found = propagate(X, rows, y[rows], rng=np.random.default_rng(0)).probabilities.argmax(axis=1)
else:
    given = np.full(len(X), -1)
    given[rows] = y[rows]
    model = LabelSpreading("knn", n_neighbors=50, alpha=0.99)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = model.fit(X, given).label_distributions_.argmax(axis=1)
seconds = time.process_time() - start
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
free = np.setdiff1d(np.arange(len(X)), rows)
print(f"{side:15} {seconds:8.1f} processor s  {(peak - before) / 1e6:6.2f} GB more  "
      f"accuracy {(found[free] == y[free]).mean():.3f}", flush=True)
"""


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--dim", type=int, default=128)
    parser.add_argument("--classes", type=int, default=20)
    options = parser.parse_args()
    rng = np.random.default_rng(0)
    y = rng.integers(0, options.classes, options.rows)
    middle = rng.standard_normal((options.classes, options.dim))
    X = middle[y] + 2.0 * rng.standard_normal((options.rows, options.dim))
    X = (X / np.linalg.norm(X, axis=1, keepdims=True)).astype(np.float32)
    rows = np.concatenate(
        [rng.choice(np.flatnonzero(y == c), 10, replace=False) for c in range(options.classes)]
    )
    print(f"{options.rows} pictures of {options.dim} numbers, {len(rows)} labels")
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "vectors.npz")
        np.savez(file, X=X, y=y, rows=rows)
        for side in ("tamis", "LabelSpreading"):
            subprocess.run([sys.executable, "-c", SIDE, side, file], check=True)


if __name__ == "__main__":
    main()
