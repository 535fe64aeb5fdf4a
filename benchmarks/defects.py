"""Small flaws: how well and how fast `tamis defects` finds them, beside anomalib's PatchCore.

    python benchmarks/defects.py prepare textiles CONFORMAL_CLIP_DATA OUT
    python benchmarks/defects.py prepare planted PHOTOGRAPHS OUT
    python benchmarks/defects.py prepare boards DEEP_PCB OUT
    python benchmarks/defects.py run OUT [--contamination .2] [--flaw KIND]... [--side N]
    PEER_PYTHON benchmarks/defects_peer.py OUT --weights LITE0.pth
    python benchmarks/defects.py false-alarms OUT --times 50

`prepare` writes OUT/good (nominal pictures to fit to), OUT/test/KIND (to score; `good` is nominal)
and, where flaws are known by place, OUT/masks/KIND. `run` fits and scores in one process and
prints AUROCs by kind, pixel figures, processor seconds and the peak of memory.
"""

from __future__ import annotations

import argparse
import csv
import json
import resource
import shutil
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image

import tamis
from tamis.algo.defects import FLAWS, area_under_curve, conformal_threshold, plant_flaw


def _copy(files, folder):
    folder.mkdir(parents=True, exist_ok=True)
    for file in files:
        shutil.copy(file, folder / file.name)


def textiles(source, out, fit, test):
    """The package's pictures: nominal, with a local flaw, or with another texture throughout."""
    root = next(source.rglob("simulated"))
    nominal = sorted((root / "nominal").glob("*.jpg"))
    _copy(nominal[:fit], out / "good")
    _copy(nominal[fit : fit + test], out / "test" / "good")
    for kind in ("local", "global"):
        _copy(sorted((root / kind).glob("*.jpg"))[:test], out / "test" / kind)


def planted(source, out, fit, test):
    """Photographs, and others with one planted flaw each, of every kind."""
    photographs = sorted(source.rglob("*.jpg"))
    _copy(photographs[:fit], out / "good")
    _copy(photographs[fit : fit + test], out / "test" / "good")
    rng = np.random.default_rng(7)
    each = max(test // 2, 1)
    for number, kind in enumerate(FLAWS):
        begin = fit + test + number * each
        for folder in ("test", "masks"):
            (out / folder / kind).mkdir(parents=True, exist_ok=True)
        for file in photographs[begin : begin + each]:
            pixels = np.asarray(Image.open(file).convert("RGB"))
            made = plant_flaw(pixels, kind, rng)
            Image.fromarray(made.pixels).save(out / "test" / kind / f"{file.stem}.png")
            Image.fromarray(made.mask).save(out / "masks" / kind / f"{file.stem}.png")


def boards(source, out, fit, test):
    """Circuit boards: templates are nominal, tested boards have boxes around their flaws."""
    rows = list(csv.DictReader((source / "pairs.csv").open()))
    order = np.random.default_rng(3).permutation(len(rows))
    _copy([source / rows[at]["template"] for at in order[:fit]], out / "good")
    _copy([source / rows[at]["template"] for at in order[fit : fit + test]], out / "test" / "good")
    (out / "masks" / "flawed").mkdir(parents=True)
    for at in order:
        file = source / rows[at]["tested"]
        _copy([file], out / "test" / "flawed")
        mask = np.zeros(Image.open(file).size[::-1], np.uint8)
        for box in rows[at]["boxes"].split(";"):
            left, top, right, bottom, *_ = map(int, box.split())
            mask[top:bottom, left:right] = 255
        Image.fromarray(mask).save(out / "masks" / "flawed" / f"{file.stem}.png")


def by_kind(scores):
    """Print the AUROC of each kind against the nominal pictures of the test."""
    nominal = np.array(scores.pop("good"))
    found = {kind: area_under_curve(np.array(values), nominal) for kind, values in scores.items()}
    print("picture AUROC:", ", ".join(f"{kind} {auroc:.3f}" for kind, auroc in found.items()))


def run(out, **options):
    """Fit to OUT/good and score OUT/test."""
    with tempfile.TemporaryDirectory() as folder:
        ds = tamis.open(Path(folder) / "parts.tamis")
        ds.add(str(out / "good"))
        begin = time.process_time()
        fitted = ds.defects_fit(**options)
        fit_seconds = time.process_time() - begin
        masks = out / "masks" if (out / "masks").exists() else None
        begin = time.process_time()
        found = ds.defects_score(str(out / "test"), masks=masks)
        score_seconds = time.process_time() - begin
    scores: dict[str, list[float]] = {}
    called: dict[str, list[bool]] = {}
    for picture in found.pictures:
        kind = Path(picture.path).parent.name
        scores.setdefault(kind, []).append(picture.score)
        called.setdefault(kind, []).append(picture.anomalous)
    print("experts:", [(one.model, list(one.levels), one.sigma) for one in fitted.experts])
    print("side", fitted.side, "chosen on planted flaws", fitted.planted_auroc, fitted.planted)
    by_kind(scores)
    print("called anomalous:", {kind: f"{np.mean(one):.2f}" for kind, one in called.items()})
    if found.truth:
        truth = found.truth
        print(f"pixel AUROC {truth.pixel_auroc:.3f}, PRO {truth.pro:.3f}, F1 {truth.f1:.3f}")
    count = len(found.pictures)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"fit {fit_seconds:.1f} CPU s for {fitted.pictures} pictures, score {score_seconds:.1f} "
        f"CPU s for {count} ({count / score_seconds:.1f} a CPU second), peak {peak:.0f} MB"
    )


def false_alarms(out, times, rate):
    """Resample which nominal pictures are held out and which are new, 50 times, from one scoring.

    The model is fitted to OUT/good; OUT/test/good is scored by it, and dealt anew each time to a
    part that gives the threshold and a part that is new.
    """
    with tempfile.TemporaryDirectory() as folder:
        ds = tamis.open(Path(folder) / "parts.tamis")
        ds.add(str(out / "good"))
        ds.defects_fit(rate=rate)
        found = ds.defects_score(str(out / "test" / "good"))
    scores = np.array([picture.score for picture in found.pictures])
    rng = np.random.default_rng(0)
    rates = []
    for _ in range(times):
        order = rng.permutation(len(scores))
        held, new = np.array_split(order, 2)
        threshold = conformal_threshold(scores[held], np.arange(len(held)), rate)
        rates.append(float(np.mean(scores[new] > threshold.value)))
    print(
        json.dumps(
            {
                "asked": rate,
                "by the model's own threshold": float(np.mean(scores > found.threshold)),
                "mean over resamplings": float(np.mean(rates)),
                "new": len(scores) // 2,
            }
        )
    )


def main():
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True)
    made = verbs.add_parser("prepare")
    made.add_argument("kind", choices=("textiles", "planted", "boards"))
    made.add_argument("source", type=Path)
    made.add_argument("out", type=Path)
    made.add_argument("--fit", type=int, default=60)
    made.add_argument("--test", type=int, default=40)
    ran = verbs.add_parser("run")
    ran.add_argument("out", type=Path)
    ran.add_argument("--contamination", type=float, default=0.0)
    ran.add_argument("--flaw", action="append", default=[])
    ran.add_argument("--side", type=int)
    alarms = verbs.add_parser("false-alarms")
    alarms.add_argument("out", type=Path)
    alarms.add_argument("--times", type=int, default=50)
    alarms.add_argument("--rate", type=float, default=0.05)
    given = parser.parse_args()
    if given.verb == "prepare":
        {"textiles": textiles, "planted": planted, "boards": boards}[given.kind](
            given.source, given.out, given.fit, given.test
        )
    elif given.verb == "run":
        run(given.out, contamination=given.contamination, flaws=given.flaw, side=given.side)
    else:
        false_alarms(given.out, given.times, given.rate)


if __name__ == "__main__":
    main()
