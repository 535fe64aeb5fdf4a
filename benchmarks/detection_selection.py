"""What selecting by detections finds: mistakes of a simulated detector, and rare classes.

    python benchmarks/detection_selection.py FOLDER [--picks 30] [--seeds 5]

FOLDER holds pictures and Pascal VOC files of their boxes. A detector is simulated whose confidences
are probabilities: each picture has a difficulty, each box a confidence by it, and the box is right
as often as its confidence says. Printed are, for as many picks by each way, the mistakes in a
picked picture and its objects of the rarest class, each as the mean over the seeds with its 95 %
interval.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import numpy as np

import tamis
from tamis.algo.active_learning import mean_of_seeds

WAYS = {
    "random": {"strategy": "random"},
    "default": {},
    "unsure": {"unsure": "detector"},
    "rare classes": {"rare_classes": "detector"},
    "both": {"unsure": "detector", "rare_classes": "detector"},
}


def simulated(rows, seed):
    """Predictions of every true box, and for each whether it is a mistake at a half."""
    rng = np.random.default_rng(seed)
    pictures = sorted({row["sample_id"] for row in rows})
    skill = dict(zip(pictures, rng.uniform(0.4, 0.97, len(pictures)), strict=True))
    classes = sorted({row["label"] for row in rows})
    made = []
    for row in rows:
        middle = skill[row["sample_id"]]
        score = float(rng.beta(12 * middle, 12 * (1 - middle)))
        right = rng.random() < score
        others = [name for name in classes if name != row["label"]]
        label = row["label"] if right else others[rng.integers(len(others))]
        made.append((row, label, score, not right or score < 0.5))
    return made


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--picks", type=int, default=30)
    parser.add_argument("--seeds", type=int, default=5)
    options = parser.parse_args()
    ds = tamis.open(Path(tempfile.mkdtemp()) / "d.tamis")
    ds.add(str(options.folder))
    ds.import_annotations("voc", options.folder)
    ds.embed()
    rows = ds.annotations().to_pylist()
    counts = {
        name: sum(row["label"] == name for row in rows) for name in {r["label"] for r in rows}
    }
    rarest = min(sorted(counts), key=counts.get)
    print(f"{len(ds)} pictures, {len(rows)} boxes, rarest {rarest} with {counts[rarest]}")
    found = {way: ([], []) for way in WAYS}
    for seed in range(options.seeds):
        made = simulated(rows, seed)
        ds.add_annotations(
            [row["sample_id"] for row, *_ in made], [label for _, label, *_ in made],
            boxes=[[row[side] for side in ("x", "y", "width", "height")] for row, *_ in made],
            scores=[score for *_, score, _ in made], layer="detector", replace=True,
        )  # fmt: skip
        for way, asked in WAYS.items():
            picks = ds.select(options.picks, apply=False, seed=seed, **asked).picks
            chosen = {pick.sample_id for pick in picks}
            of = [one for one in made if one[0]["sample_id"] in chosen]
            found[way][0].append(sum(wrong for *_, wrong in of) / len(chosen))
            found[way][1].append(sum(row["label"] == rarest for row, *_ in of) / len(chosen))
    print(f"{'by':14}{'mistakes a picture':>26}{'of the rarest class':>26}")
    for way, measures in found.items():
        told = (mean_of_seeds(np.array(values)) for values in measures)
        shown = (f"{one.value:.2f} ({one.low:.2f} to {one.high:.2f})" for one in told)
        print(f"{way:14}" + "".join(f"{text:>26}" for text in shown))


if __name__ == "__main__":
    main()
