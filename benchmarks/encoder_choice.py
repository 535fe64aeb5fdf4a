"""Nearest-neighbour accuracy and processor time of encoders on labelled pictures.

    python benchmarks/encoder_choice.py TABLE.csv SPEC [SPEC ...]

TABLE.csv has the columns `path` (relative to itself), `label` and `split` (`train`, `test`; others
are left out). Each test picture gets the label that most of its k nearest training pictures have
(a tie goes to the nearer ones); `held out` does the same for each training picture among the
others. Processor time is of inference in batches of 8 with one thread, the median of all batches;
it is not the elapsed time, so that other work on the machine disturbs it little.
"""

from __future__ import annotations

import argparse
import csv
import statistics
import time
from pathlib import Path

import numpy as np

from tamis.encoders.preprocess import prepare
from tamis.encoders.registry import load_encoder
from tamis.images.decode import decode

BATCH = 8


def vectors_of(encoders, paths):
    """Vectors by spec, and processor seconds a picture; every picture is decoded once."""
    vectors = {encoder.spec: [] for encoder in encoders}
    seconds = {encoder.spec: [] for encoder in encoders}
    for start in range(0, len(paths), BATCH):
        images = [decode(p.read_bytes(), str(p)).image for p in paths[start : start + BATCH]]
        for encoder in encoders:
            pixels = np.stack([prepare(image, encoder.preprocessing) for image in images])
            begin = time.process_time()
            vectors[encoder.spec].append(encoder.embed(pixels))
            seconds[encoder.spec].append((time.process_time() - begin) / len(images))
    return (
        {spec: np.concatenate(parts) for spec, parts in vectors.items()},
        {spec: statistics.median(parts) for spec, parts in seconds.items()},
    )


def accuracy(similarities, candidates, truth, k):
    """Share of rows whose k most similar candidates vote for the true label."""
    nearest = np.argpartition(-similarities, k, axis=1)[:, :k]
    votes = np.zeros((len(truth), candidates.max() + 1))
    weights = 1 + 1e-3 * np.take_along_axis(similarities, nearest, axis=1)
    np.add.at(votes, (np.arange(len(truth))[:, None], candidates[nearest]), weights)
    return (votes.argmax(axis=1) == truth).mean()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("table", type=Path)
    parser.add_argument("specs", nargs="+")
    parser.add_argument("--k", type=int, default=10)
    options = parser.parse_args()
    with options.table.open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["split"] in {"train", "test"}]
    labels = np.unique([row["label"] for row in rows], return_inverse=True)[1]
    train = np.array([row["split"] == "train" for row in rows])
    encoders = [load_encoder(spec, threads=1) for spec in options.specs]
    paths = [options.table.parent / row["path"] for row in rows]
    vectors, seconds = vectors_of(encoders, paths)
    print(f"{train.sum()} pictures to learn from, {(~train).sum()} to test, k = {options.k}")
    print(f"{'encoder':32} {'test':>7} {'held out':>9} {'processor time':>15}")
    for spec, X in vectors.items():
        among = X[train] @ X[train].T
        np.fill_diagonal(among, -np.inf)
        test = accuracy(X[~train] @ X[train].T, labels[train], labels[~train], options.k)
        held_out = accuracy(among, labels[train], labels[train], options.k)
        print(f"{spec:32} {test:7.1%} {held_out:9.1%} {seconds[spec] * 1e3:12.2f} ms")


if __name__ == "__main__":
    main()
