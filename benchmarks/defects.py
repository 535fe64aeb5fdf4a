"""Small flaws: how well and how fast `tamis defects` finds them, beside anomalib's PatchCore.

    python benchmarks/defects.py prepare textiles CONFORMAL_CLIP_DATA OUT
    python benchmarks/defects.py prepare boards DEEP_PCB OUT
    python benchmarks/defects.py prepare planted PHOTOGRAPHS OUT
    python benchmarks/defects.py prepare texture PHOTOGRAPH OUT --fit 32 --test 16
    python benchmarks/defects.py prepare conveyor - OUT --test 30
    python benchmarks/defects.py run OUT [--contamination .2] [--flaw KIND]... [--side N]
    python benchmarks/defects.py speed OUT --side 224 --side 448
    PEER_PYTHON benchmarks/defects_peer.py OUT --weights LITE0.pth
    python benchmarks/defects.py false-alarms OUT --times 50 [--contamination .2]

`prepare` writes a set of `defect_sets.py`. `run` fits and scores in one process and prints AUROCs
by kind, pixel figures, processor seconds and the peak of memory. `speed` times the scoring of a
decoded file alone, as `defects_peer.py --speed` does. `false-alarms` refits again and again.
"""

from __future__ import annotations

import argparse
import json
import resource
import tempfile
import time
from pathlib import Path

import numpy as np
from defect_sets import SETS
from PIL import Image

import tamis
from tamis.algo.defects import area_under_curve, cross_distances, fit_patch_model, lowest_share
from tamis.encoders.registry import load_encoder
from tamis.machine import one_blas_thread
from tamis.runtime.defect_model import DefectModel, Expert
from tamis.runtime.defect_places import PlaceFeatures
from tamis.runtime.defect_scores import PictureScorer
from tamis.services.defects.calibration import Calibration
from tamis.services.defects.contract import DefectsFit
from tamis.services.defects.nominal import NominalSet


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


def speed(out, sides, most):
    """Print how many pictures a processor second are scored, one thread, at some sides.

    From the file to the score and the verdict: decoding, scaling, network, distances, smoothing.
    """
    files = sorted((out / "good").iterdir())
    for side in sides:
        with tempfile.TemporaryDirectory() as folder, one_blas_thread():
            ds = tamis.open(Path(folder) / "parts.tamis")
            ds.add(str(out / "good"))
            fitted = ds.defects_fit(side=side, flaws=["cutpaste"], out=Path(folder) / "m.npz")
            model = DefectModel.read(Path(folder) / "m.npz")
            scorer = PictureScorer(model, load_encoder(model.facts.encoder, threads=1))

            def score(file, features=scorer.features, scorer=scorer):
                return scorer.score_prepared(
                    features.scaled(np.asarray(Image.open(file).convert("RGB")))
                )

            score(files[0])
            begin = time.process_time()
            for file in files[:most]:
                score(file)
            each = (time.process_time() - begin) / len(files[:most])
        print(
            f"tamis, {fitted.side} px, {[(one.model, list(one.levels)) for one in fitted.experts]}:"
            f" {1000 * each:.1f} ms a picture, {1 / each:.1f} a CPU second",
            flush=True,
        )


def false_alarms(out, times, rate, contamination):
    """Refit to other pictures again and again, and count which new nominal ones are called.

    Each time half of OUT/good is drawn to fit to and the other half is new. With a contamination,
    that share of what is fitted to are flawed pictures of OUT/test. Levels are fixed: banks of
    `stride8` and `stride16` of 300 patches, and the mean residual of `stride16`, at 224 pixels.
    Features are computed once.
    """
    experts = [
        Expert("bank", ("stride8",), 0.0, "highest"),
        Expert("bank", ("stride16",), 0.0, "highest"),
        Expert("residual", ("stride16",), 0.0, "mean"),
    ]
    features = PlaceFeatures(
        load_encoder("bundled:efficientnet-lite0", threads=1),
        ["stride8", "stride16"],
        side=224,
        brightness=None,
    )
    good = sorted((out / "good").iterdir())
    kinds = [one for one in sorted((out / "test").iterdir()) if one.name != "good"]
    flawed = [file for kind in kinds for file in sorted(kind.iterdir())]
    begin = time.process_time()
    with one_blas_thread():
        known = {file: _joined(features, file, experts) for file in (*good, *flawed)}
        cached = time.process_time() - begin
        rates, missed = [], []
        for number in range(times):
            rng = np.random.default_rng(number)
            order = rng.permutation(len(good))
            half = len(good) // 2
            mixed = round(half * contamination)
            fitted = [good[at] for at in order[: half - mixed]]
            planted = [flawed[at] for at in rng.permutation(len(flawed))]
            request = DefectsFit(rate=rate, contamination=contamination, seed=number)
            called = _refitted(
                [known[file] for file in (*fitted, *planted[:mixed])], experts, request
            )
            rates.append(np.mean([called(known[good[at]]) for at in order[half:]]))
            missed.append(np.mean([not called(known[file]) for file in planted[mixed:][:half]]))
    print(
        json.dumps(
            {
                "asked": rate,
                "contamination": contamination,
                "fitted to": half,
                "new": len(good) - half,
                "false alarms": round(float(np.mean(rates)), 4),
                "standard error": round(float(np.std(rates, ddof=1) / np.sqrt(times)), 4),
                "nine tenths below": round(float(np.quantile(rates, 0.9)), 4),
                "flaws found": round(1 - float(np.mean(missed)), 4),
                "features, refits in CPU s": [
                    round(cached, 1),
                    round(time.process_time() - begin - cached, 1),
                ],
            }
        )
    )


def _joined(features, file, experts):
    """Return the places of a picture by each set of levels, in half precision."""
    place = features.of(features.scaled(np.asarray(Image.open(file).convert("RGB"))))
    return {one.levels: place.joined(one.levels).astype(np.float16) for one in experts}


def _refitted(pictures, experts, request):
    """Fit as `defects fit` does, and return what calls a picture anomalous."""
    count = len(pictures)
    nominal = NominalSet.of([None] * count, np.arange(count), request.seed)
    rng = np.random.default_rng(request.seed)
    left_out = max(0.005, request.contamination * 0.1)
    models, figures = [], np.empty((count, len(experts)))
    for column, expert in enumerate(experts):
        rows = [one[expert.levels].astype(np.float32) for one in pictures]
        flat = [one.reshape(-1, one.shape[-1]) for one in rows]
        some = [one[rng.permutation(len(one))[:100]] for one in flat]
        folds = [
            np.concatenate([some[at] for at in np.flatnonzero(nominal.folds == fold)])
            for fold in range(nominal.fold_count)
        ]
        kept = _trusted(folds, left_out, rng)
        model, without = fit_patch_model(expert.model, kept, size=300, rng=rng)
        models.append(model)
        for at, one in enumerate(rows):
            figures[at, column] = _figure(expert, without[nominal.folds[at]], one)
    calibration = Calibration(nominal, np.arange(count), figures, request)

    def called(picture):
        scores = [
            scale.scaled(np.float64(_figure(expert, model, picture[expert.levels])))
            for expert, model, scale in zip(experts, models, calibration.scales, strict=True)
        ]
        return max(scores) > calibration.threshold.value

    return called


def _trusted(folds, share, rng):
    distances = cross_distances(folds, rng, compared=1000)
    kept = lowest_share(np.concatenate(distances), 1 - share)
    return [
        fold[part]
        for fold, part in zip(
            folds, np.split(kept, np.cumsum([len(one) for one in folds])[:-1]), strict=True
        )
    ]


def _figure(expert, model, places):
    flat = model.distances(places.reshape(-1, places.shape[-1]).astype(np.float32))
    return expert.figure(expert.places(flat.reshape(places.shape[:2])))


def main():
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True)
    made = verbs.add_parser("prepare")
    made.add_argument("kind", choices=sorted(SETS))
    made.add_argument("source", type=Path)
    made.add_argument("out", type=Path)
    made.add_argument("--fit", type=int, default=60)
    made.add_argument("--test", type=int, default=40)
    ran = verbs.add_parser("run")
    ran.add_argument("out", type=Path)
    ran.add_argument("--contamination", type=float, default=0.0)
    ran.add_argument("--flaw", action="append", default=[])
    ran.add_argument("--side", type=int)
    timed = verbs.add_parser("speed")
    timed.add_argument("out", type=Path)
    timed.add_argument("--side", type=int, action="append", required=True)
    timed.add_argument("--most", type=int, default=12, help="pictures to time")
    alarms = verbs.add_parser("false-alarms")
    alarms.add_argument("out", type=Path)
    alarms.add_argument("--times", type=int, default=50)
    alarms.add_argument("--rate", type=float, default=0.05)
    alarms.add_argument("--contamination", type=float, default=0.0)
    given = parser.parse_args()
    if given.verb == "prepare":
        SETS[given.kind](given.source, given.out, given.fit, given.test)
    elif given.verb == "run":
        run(given.out, contamination=given.contamination, flaws=given.flaw, side=given.side)
    elif given.verb == "speed":
        speed(given.out, given.side, given.most)
    else:
        false_alarms(given.out, given.times, given.rate, given.contamination)


if __name__ == "__main__":
    main()
