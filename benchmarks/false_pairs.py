"""False pairs per pair called a copy: as the calibration states it, and counted by simulation.

    python benchmarks/false_pairs.py [--runs 60] [--seed 0]

Each dataset has copies made of its pictures (as many as `duplicates` makes), true copies among its
candidates, and candidates of other content whose worst places lie at excesses of one distribution:
far from copies, near them, or down to nothing. Summed over the datasets: pairs called copies, how
many of them are false, how many were expected and at most expected, and what share of the true
copies was called. In "separable" ones the calibration says that its verdicts can be relied on.
"""

from __future__ import annotations

import argparse
import time

import numpy as np

from tamis.algo.calibration import PairScores, calibrate_pairs, copy_score

NONE = PairScores(np.empty(0, np.float32), np.empty(0, np.float32))
KINDS_OF_COPIES = (1.2, 2.6, 1.2, 1.6, 1.6, 1.8, 2.4, 1.5, 1.1, 1.8)
"""Typical excess of each kind that is made."""


def around(rng, n, typical, spread):
    return typical * np.exp(rng.normal(0, spread, n))


OTHER_CONTENT = {
    "photographs": lambda rng, n: around(rng, n // 25, 35, 0.4),
    "plates": lambda rng, n: around(rng, 4 * n, 12, 0.4),
    "faint changes": lambda rng, n: around(rng, 4 * n, 6, 0.3),
    "few faint changes": lambda rng, n: np.concatenate(
        [around(rng, n // 8, 6, 0.3), around(rng, 4 * n, 35, 0.4)]
    ),
    "one template": lambda rng, n: np.exp(rng.uniform(np.log(3), np.log(60), 4 * n)),
    "down to nothing": lambda rng, n: rng.uniform(0, 40, 4 * n),
}


def scores(excesses):
    found = np.array([copy_score(excess) for excess in excesses], np.float32)
    return PairScores(found, np.full(len(found), 0.95, np.float32))


def run(kind, pictures, rng):
    made = min(120, max(pictures, min(2 * pictures, 40))) // len(KINDS_OF_COPIES)
    copies = {
        str(at): scores(around(rng, made, typical, 0.25))
        for at, typical in enumerate(KINDS_OF_COPIES)
    }
    true = int(rng.choice((2, max(pictures // 20, 2), pictures)))
    other = OTHER_CONTENT[kind](rng, pictures)
    typical = rng.choice(KINDS_OF_COPIES, true)
    near = scores(np.concatenate([other, around(rng, true, typical, 0.25)]))
    found = calibrate_pairs(copies, near, NONE, pictures=pictures)
    called = near.score >= found.thresholds.copy
    total = int(called.sum())
    return found.separable, np.array(
        [
            total,
            called[: len(other)].sum(),
            found.false_pair_rate * total,
            found.false_pair_rate_high * total,
            called[len(other) :].sum(),
            true,
        ]
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=60)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    cpu = time.process_time()
    print("| content | pictures | called | false | expected | at most | copies found | separable |")
    print("|---|---|---|---|---|---|---|---|")
    everywhere = np.zeros(6)
    for kind in OTHER_CONTENT:
        for pictures in (20, 100, 1000):
            rng = np.random.default_rng([options.seed, pictures, *kind.encode()])
            ran = [run(kind, pictures, rng) for _ in range(options.runs)]
            total = np.sum([figures for _, figures in ran], axis=0)
            sure = [figures for separable, figures in ran if separable]
            told = np.sum(sure, axis=0) if sure else np.zeros(6)
            everywhere += told
            rates = (f"{share / max(total[0], 1):.2%}" for share in total[1:4])
            print(
                f"| {kind} | {pictures} | {total[0]:,.0f} | {' | '.join(rates)} | "
                f"{total[4] / total[5]:.1%} | {len(sure)} of {options.runs}, "
                f"{told[1]:.0f} false of {told[0]:,.0f} |",
                flush=True,
            )
    print(
        f"\nin all that are called separable {everywhere[1]:.0f} of {everywhere[0]:,.0f} pairs are "
        f"false, {everywhere[1] / max(everywhere[0], 1):.2%}; {time.process_time() - cpu:.0f} CPU s"
    )


if __name__ == "__main__":
    main()
