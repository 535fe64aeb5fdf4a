"""Fine-tuning without labels: figures before and after, on pictures that were not trained on.

    python benchmarks/finetune.py clothing FOLDER simclr vicreg cutpaste
    python benchmarks/finetune.py textiles CONFORMAL_CLIP_DATA cutpaste densecl simclr
    python benchmarks/finetune.py clothing FOLDER distill --teacher bundled:efficientnet-lite2 \
        --input 112
    python benchmarks/finetune.py noise - simclr cutpaste

FOLDER holds pictures in one folder a class; CONFORMAL_CLIP_DATA is where the package of that name
was unpacked: its nominal pictures and those with a local flaw are the two classes. Labels serve
only to compare. Each method is one run in a new dataset; what it prints is a row of the guide's
table, with processor seconds.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

import tamis


def clothing(source, out, count):
    """Copy pictures of each class alike."""
    folders = sorted(folder for folder in source.iterdir() if folder.is_dir())
    for folder in folders:
        (out / folder.name).mkdir(parents=True)
        for file in sorted(folder.iterdir())[: count // len(folders)]:
            (out / folder.name / file.name).symlink_to(file.resolve())


def textiles(source, out, count):
    """Copy nominal pictures, and as many with a local flaw."""
    root = next(source.rglob("simulated"))
    for kind in ("nominal", "local"):
        (out / kind).mkdir(parents=True)
        for file in sorted((root / kind).glob("*.jpg"))[: count // 2]:
            (out / kind / file.name).symlink_to(file.resolve())


def noise(_source, out, count):
    """Make pictures without anything to learn, with labels drawn at random."""
    rng = np.random.default_rng(5)
    for number in range(count):
        folder = out / f"class{rng.integers(3)}"
        folder.mkdir(parents=True, exist_ok=True)
        pixels = rng.integers(0, 256, (128, 128, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"{number}.png")


SETS = {"clothing": clothing, "textiles": textiles, "noise": noise}


def show(name, method, report):
    """Print what a run found."""
    print(f"## {name}, {method}: {report.kept}; {report.seconds:.0f} CPU s", flush=True)
    print(f"trained on {report.trained_on}, measured on {report.measured_on}; {report.facts}")
    for one in report.figures:
        change = one.difference
        print(
            f"| {name} | {method} | {one.name}{' *' if one.decides else ''} "
            f"| {one.before.value:.3f} | {one.after.value:.3f} "
            f"| {change.value:+.3f} ({change.low:+.3f} to {change.high:+.3f}) |"
        )
    print(f"effective rank {report.rank_before:.0f} to {report.rank_after:.0f}")
    print("signal", [(one.epoch, round(one.signal, 4), one.loss) for one in report.epochs])
    print(report.stopped, report.why, flush=True)


def main():
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", choices=sorted(SETS))
    parser.add_argument("source", type=Path)
    parser.add_argument("methods", nargs="+")
    parser.add_argument("--count", type=int, default=800)
    parser.add_argument("--side", type=int, default=112)
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--teacher")
    parser.add_argument("--input", type=int)
    parser.add_argument("--train", default="all")
    parser.add_argument("--rate", type=float)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--patience", type=int, default=3)
    parser.add_argument("--unlabeled", action="store_true")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        pictures = Path(folder) / "pictures"
        SETS[given.name](given.source, pictures, given.count)
        for method in given.methods:
            ds = tamis.open(Path(folder) / f"{method}.tamis")
            ds.add(str(pictures), labels="none" if given.unlabeled else "folder")
            report = ds.finetune(
                method=method,
                epochs=given.epochs,
                side=given.input or given.side,
                train=given.train,
                rate=given.rate,
                batch=given.batch,
                patience=given.patience,
                **({"teacher": given.teacher, "input": given.input} if given.teacher else {}),
            )
            show(given.name, method, report)


if __name__ == "__main__":
    main()
