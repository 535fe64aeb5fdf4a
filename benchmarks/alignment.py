"""How well a linear map between two encoders stands in for the second, by pictures learned from.

    python benchmarks/alignment.py FOLDER SOURCE TARGET [--k 10] [--seed 0]

FOLDER is searched for pictures. 20 % are held out, near-equal pictures (perceptual hash) on one
side; recall is the share of the native `k` nearest held-out pictures that mapped vectors find
(`tamis.algo.alignment`). For comparison: an orthogonal map (Procrustes) of the same pictures, and
chance. Vectors are kept in the folder named by --cache, by encoder.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np

import tamis
from tamis.algo.alignment import fit_linear_map, hold_out, neighbour_recall
from tamis.algo.components import join_groups
from tamis.dataset.embedded import read_embedded
from tamis.dataset.group_columns import duplicate_columns


def embedded(folder, specs, place):
    """Vectors of each encoder of the same pictures, and the groups that stay on one side."""
    ds = tamis.open(place)
    if not len(ds):
        ds.add(folder)
    for spec in specs:
        ds.embed(spec)
    columns = [ds.vector_column(spec) for spec in specs]
    both = " AND ".join(f"{column} IS NOT NULL" for column in columns)
    found = [read_embedded(ds.store, column, both) for column in columns]
    return (
        *(f.vectors for f in found),
        join_groups(duplicate_columns(ds.store, found[0].ids).codes),
    )


def procrustes(X, Y):
    """The orthogonal map (or its part, where dimensions differ) nearest to X -> Y, centred."""
    x, y = X.mean(axis=0), Y.mean(axis=0)
    U, _, Vt = np.linalg.svd((X - x).T.astype(float) @ (Y - y), full_matrices=False)

    def apply(new):
        mapped = (new - x) @ (U @ Vt) + y
        return (mapped / np.linalg.norm(mapped, axis=1, keepdims=True)).astype(np.float32)

    return apply


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder")
    parser.add_argument("source")
    parser.add_argument("target")
    parser.add_argument("--k", type=int, default=10)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--cache", type=Path)
    options = parser.parse_args()
    place = options.cache or Path(tempfile.mkdtemp()) / "pictures.tamis"
    X, Y, groups = embedded(options.folder, [options.source, options.target], place)
    rng = np.random.default_rng(options.seed)
    fitted, held = hold_out(groups, 0.2, rng)
    print(f"{len(X)} pictures, {len(held)} held out, chance {options.k / (len(held) - 1):.3f}")
    print(f"{'pictures':>9} {'recall':>7} {'cosine':>7} {'orthogonal':>11} {'seconds':>8}")
    shuffled = rng.permutation(fitted)
    for size in [200, 500, 1000, 2000, 5000, 10_000, 20_000, len(fitted)]:
        if size > len(fitted):
            continue
        rows = np.sort(shuffled[:size])
        begin = time.perf_counter()
        mapped = fit_linear_map(X[rows], Y[rows]).apply(X[held])
        seconds = time.perf_counter() - begin
        recall = neighbour_recall(Y[held], mapped, options.k)
        cosine = (mapped * Y[held]).sum(axis=1).mean()
        turned = neighbour_recall(Y[held], procrustes(X[rows], Y[rows])(X[held]), options.k)
        print(f"{size:9} {recall:7.3f} {cosine:7.3f} {turned:11.3f} {seconds:8.2f}", flush=True)
        if size == len(fitted):
            break


if __name__ == "__main__":
    main()
