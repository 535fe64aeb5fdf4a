"""Accuracy of a probe by strategy and number of labels, on labelled pictures.

    python benchmarks/selection_quality.py FOLDER [--cache FILE.npz] [--strategy NAME ...]

FOLDER holds `train/CLASS/…` and `test/CLASS/…`, or `CLASS/…`, of which each seed then draws its own
test part. Pictures are embedded once by the bundled encoder (`--cache` keeps the vectors). Each
seed draws 70 % of the pool, the same for every strategy; groups of pictures at a cosine of
`--near` or more are never both in pool and test. Budgets are 1, 5 and 10 picks a class in one go
(`--rounds`: the 10 a class in that many rounds instead, each round told the labels before).
Printed are the mean accuracy over the seeds with its 95 % interval, and the mean difference to
random picks in the same seeds with its own.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np

from tamis.algo.active_learning import draw_parts, mean_of_seeds, replay
from tamis.algo.near_components import near_components
from tamis.algo.strategies import FROM_PROBABILITIES, STRATEGIES
from tamis.encoders.preprocess import prepare
from tamis.encoders.registry import load_encoder
from tamis.images.decode import decode

BATCH = 8


def embedded(folder, cache):
    """Vectors, and paths relative to the folder."""
    if cache and cache.exists():
        saved = np.load(cache)
        return saved["vectors"], saved["paths"]
    kinds = {".jpg", ".jpeg", ".png"}
    paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in kinds)
    encoder = load_encoder("default", threads=1)
    parts = []
    for start in range(0, len(paths), BATCH):
        images = [decode(p.read_bytes(), str(p)).image for p in paths[start : start + BATCH]]
        pixels = np.stack([prepare(image, encoder.preprocessing) for image in images])
        parts.append(encoder.embed(pixels))
    vectors = np.concatenate(parts)
    names = np.array([str(path.relative_to(folder)) for path in paths])
    if cache:
        np.savez(cache, vectors=vectors, paths=names)
    return vectors, names


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--cache", type=Path)
    parser.add_argument("--strategy", action="append", help="those without a model if not given")
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--near", type=float, default=0.95)
    parser.add_argument("--a-class", type=int, nargs="+", default=[1, 5, 10])
    parser.add_argument("--rounds", type=int, help="in rounds, to the last budget")
    options = parser.parse_args()
    vectors, paths = embedded(options.folder, options.cache)
    labels = np.array([Path(path).parent.name for path in paths])
    tops = np.array([Path(path).parts[0] for path in paths])
    pool, test = np.arange(len(paths)), None
    if {"train", "test"} <= set(tops):
        pool, test = np.flatnonzero(tops == "train"), np.flatnonzero(tops == "test")
    groups = near_components(vectors, options.near, rng=np.random.default_rng(0)).labels
    classes = np.unique(labels).size
    budgets = [classes * many for many in options.a_class]
    if options.rounds:
        budgets = np.linspace(0, budgets[-1], options.rounds + 1).round().astype(int)[1:].tolist()
    draws = [
        draw_parts(groups, pool, test, rng=np.random.default_rng(seed))
        for seed in range(options.seeds)
    ]
    strategies = options.strategy or [
        *(name for name in STRATEGIES if options.rounds or name not in FROM_PROBABILITIES),
        *(["schedule"] if options.rounds else []),
    ]
    print(
        f"{len(paths)} pictures, {classes} classes, {groups.max() + 1} groups, pools of "
        f"{draws[0].pool.size}, {draws[0].test.size} to test, {options.seeds} seeds"
    )
    print(f"{'strategy':22}" + "".join(f"{budget:>35} labels" for budget in budgets))
    chance = None
    for name in dict.fromkeys(["random", *strategies]):
        begin = time.process_time()
        runs = np.stack(
            [
                reached(vectors, labels, draw, budgets, name, groups, seed, rounds=options.rounds)
                for seed, draw in enumerate(draws)
            ]
        )
        chance = runs if chance is None else chance
        cells = []
        for column in range(len(budgets)):
            mean, gain = mean_of_seeds(runs[:, column]), mean_of_seeds((runs - chance)[:, column])
            cells.append(
                f"{mean.value:8.1%} ±{mean.high - mean.value:5.1%}   "
                f"{gain.value:+7.1%} ±{gain.high - gain.value:5.1%}      "
            )
        print(f"{name:22}" + "".join(cells) + f"{time.process_time() - begin:6.0f} s", flush=True)


def reached(vectors, labels, draw, budgets, name, groups, seed, *, rounds):  # noqa: PLR0917 - one run
    """Accuracy at each budget: each picked in one go, or all in rounds."""
    strategy = None if name == "schedule" else name
    schedules = [budgets] if rounds else [[budget] for budget in budgets]
    return np.concatenate(
        [
            replay(
                vectors,
                labels,
                draw,
                schedule,
                strategy=strategy,
                groups=groups,
                rng=np.random.default_rng(seed),
            ).accuracy
            for schedule in schedules
        ]
    )


if __name__ == "__main__":
    main()
