"""Selection against apricot-select, submodlib and lightly-mundig, each in a process of its own.

    python benchmarks/selection.py [--rows 20000 100000] [--picks 500] [--peers PYTHON]

`--peers` names a Python that has numpy, tamis' own dependencies and the peers:
`pip install apricot-select submodlib-py lightly-mundig`. Clustered vectors of 384 dimensions, the
same file for all. Of each contender: processor seconds and peak memory of the selection alone, with
what was there before it taken off (the interpreter, its libraries and the vectors), and the
objective of its picks, computed the same way for all: the sum over all rows of the cosine
similarity to the nearest pick, or for k-center the largest distance. Ratios are to tamis.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

LOOSE = "OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"


def clustered(n, dim=384, seed=0):
    """Clusters of uneven sizes and widths."""
    rng = np.random.default_rng(seed)
    count = max(20, n // 100)
    middle = rng.standard_normal((count, dim)).astype(np.float32)
    middle /= np.linalg.norm(middle, axis=1, keepdims=True)
    labels = rng.choice(count, n, p=rng.dirichlet(np.full(count, 0.5)))
    X = np.empty((n, dim), np.float32)
    for begin in range(0, n, 50_000):
        own = labels[begin : begin + 50_000]
        width = (0.9 * rng.uniform(0.3, 1.5, (own.size, 1)) / np.sqrt(dim)).astype(np.float32)
        rows = middle[own] + width * rng.standard_normal((own.size, dim), dtype=np.float32)
        X[begin : begin + 50_000] = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return X


def tamis_facility(X, n):
    from tamis.algo.strategies.vectors.facility_location import facility_location

    return facility_location(X, n, rng=np.random.default_rng(0)).indices


def apricot(X, n):
    from apricot import FacilityLocationSelection

    model = FacilityLocationSelection(n, metric="cosine", optimizer="lazy", verbose=False)
    return model.fit(X).ranking


def submodlib(X, n):
    from submodlib.functions.facilityLocation import FacilityLocationFunction

    function = FacilityLocationFunction(
        n=len(X), mode="sparse", data=X, metric="cosine", num_neighbors=64
    )
    found = function.maximize(budget=n, optimizer="LazyGreedy", show_progress=False)
    return [row for row, _ in found]


def submodlib_dense(X, n):
    from submodlib.functions.facilityLocation import FacilityLocationFunction

    function = FacilityLocationFunction(n=len(X), mode="dense", data=X, metric="cosine")
    found = function.maximize(budget=n, optimizer="LazyGreedy", show_progress=False)
    return [row for row, _ in found]


def plain_greedy(X, n):
    """The exact greedy over all similarities, in plain NumPy: the objective's measure."""
    import heapq

    similarity = np.maximum(X @ X.T, 0)
    covered = np.zeros(len(X), np.float32)
    queue = [(-float(row.sum(dtype=np.float64)), place, 0) for place, row in enumerate(similarity)]
    heapq.heapify(queue)
    picks = []
    while len(picks) < n:
        _, place, known = queue[0]
        if known == len(picks):
            heapq.heappop(queue)
            picks.append(place)
            np.maximum(covered, similarity[place], out=covered)
        else:
            gain = float(np.maximum(similarity[place] - covered, 0).sum(dtype=np.float64))
            heapq.heapreplace(queue, (-gain, place, len(picks)))
    return picks


def tamis_k_center(X, n):
    from tamis.algo.strategies.vectors.k_center import k_center

    return k_center(X, n).indices


def mundig(X, n):
    from lightly_mundig import Selection

    selection = Selection()
    selection.add_diversifying_strategy(X.tolist(), 1.0)
    return selection.run_selection([], len(X), n)


FACILITY = {
    "tamis": tamis_facility,
    "apricot, lazy": apricot,
    "submodlib, sparse 64": submodlib,
    "submodlib, dense": submodlib_dense,
    "plain NumPy, exact": plain_greedy,
}
CENTER = {"tamis k-center": tamis_k_center, "lightly-mundig": mundig}
MOST_DENSE = 30_000
DENSE = {"apricot, lazy", "submodlib, dense", "plain NumPy, exact"}


def usage():
    found = resource.getrusage(resource.RUSAGE_SELF)
    return found.ru_utime + found.ru_stime


def contend(name, file, n):
    """Run one contender and print its figures as JSON."""
    X = np.load(file)
    run = (FACILITY | CENTER)[name]
    run(X[:200].copy(), 5)  # loads libraries, compiles what is compiled
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    cpu, wall = usage(), time.perf_counter()
    picks = np.asarray(run(X, n), dtype=np.int64)
    cpu, wall = usage() - cpu, time.perf_counter() - wall
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    best = np.full(len(X), -1, np.float32)
    for begin in range(0, len(X), 4096):
        best[begin : begin + 4096] = (X[begin : begin + 4096] @ X[picks].T).max(axis=1)
    print(
        json.dumps(
            {
                "cpu": cpu,
                "wall": wall,
                "memory": peak - before,
                "peak": peak,
                "distinct": len(set(picks.tolist())),
                "objective": float(np.maximum(best, 0).sum(dtype=np.float64)),
                "farthest": float(np.sqrt(max(0.0, 2 - 2 * float(best.min())))),
            }
        )
    )


def started(python, name, file, n):
    environment = {key: value for key, value in os.environ.items() if key not in LOOSE}
    done = subprocess.run(
        [python, __file__, "--contender", name, "--file", str(file), "--picks", str(n)],
        capture_output=True,
        text=True,
        check=False,
        env=environment,
    )
    if done.returncode:
        return None, (done.stderr.strip().splitlines() or [f"ended by {done.returncode}"])[-1]
    return json.loads(done.stdout.strip().splitlines()[-1]), ""


def compare(python, names, file, *, rows, n, figure):
    base = None
    for name in names:
        if name in DENSE and rows > MOST_DENSE:
            print(f"  {name:<22} left out: {4 * rows**2 / 2**30:.0f} GiB of similarities")
            continue
        found, error = started(python, name, file, n)
        if found is None:
            print(f"  {name:<22} failed: {error}")
            continue
        base = base or found
        ratios = " ".join(
            f"{label} {found[key] / max(base[key], 1.0):.2f}"
            for label, key in (("cpu", "cpu"), ("memory", "memory"), (figure, figure))
        )
        print(
            f"  {name:<22} {found['cpu']:7.1f} cpu s {found['wall']:7.1f} s "
            f"{found['memory']:8.0f} MiB (peak {found['peak']:.0f})  {figure} "
            f"{found[figure]:.4f}  distinct {found['distinct']}  ratios: {ratios}",
            flush=True,
        )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, nargs="+", default=[20_000, 100_000])
    parser.add_argument("--picks", type=int, default=500)
    parser.add_argument("--peers", default=sys.executable)
    parser.add_argument("--only", nargs="*", default=[*FACILITY, *CENTER])
    parser.add_argument("--contender")
    parser.add_argument("--file")
    options = parser.parse_args()
    if options.contender:
        contend(options.contender, options.file, options.picks)
        return
    with tempfile.TemporaryDirectory() as folder:
        for rows in options.rows:
            file = Path(folder) / f"{rows}.npy"
            np.save(file, clustered(rows))
            for title, names, figure in (
                ("facility location", FACILITY, "objective"),
                ("k-center", CENTER, "farthest"),
            ):
                print(f"{title}, {options.picks} of {rows:,} x 384", flush=True)
                wanted = [name for name in names if name in options.only]
                compare(options.peers, wanted, file, rows=rows, n=options.picks, figure=figure)


if __name__ == "__main__":
    main()
