"""Duplicates on planted copies of real photographs, and on pictures that are only alike.

    python benchmarks/duplicates.py planted FOLDER [--originals 1000] [--copied 300] [--hard]
        [--peers PYTHON] [--keep DIR]
    python benchmarks/duplicates.py distinct FOLDER

`planted` copies pictures of a folder into a new one, makes seven variants of some of them (JPEG at
quality 30, half size, crop to 90 % of each side, brightness, blur, mirrored, a line of text), and
counts pairs: a pair is right if both come of one original. Pairs of different originals are
printed, since a folder of photographs may hold duplicates of its own. `--hard` makes other variants
that nothing was chosen on. `--peers` runs imagededup and fastdup on the same files with another
Python that has them. `distinct` counts how many pictures of a folder are called duplicates.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import tempfile
import time
from itertools import combinations
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter, ImageFont, ImageOps

SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".bmp"}


def crop(picture, share, rng):
    width, height = (int(side * share) for side in picture.size)
    x = int(rng.integers(0, picture.width - width + 1))
    y = int(rng.integers(0, picture.height - height + 1))
    return picture.crop((x, y, x + width, y + height))


def text(picture, rng, share=0.05):
    copy, size = picture.copy(), max(8, int(share * picture.height))
    font, draw = ImageFont.load_default(size), ImageDraw.Draw(copy)
    words = "sample 0123"
    x = rng.uniform(0, max(1, copy.width - draw.textlength(words, font=font)))
    y = rng.uniform(0, copy.height - 1.3 * size)
    draw.text((x, y), words, fill="white", font=font, stroke_width=1, stroke_fill="black")
    return copy


def bright(picture, rng, factors):
    return ImageEnhance.Brightness(picture).enhance(float(rng.choice(factors)))


def half(picture):
    return picture.resize((max(picture.width // 2, 1), max(picture.height // 2, 1)))


def noise(picture, rng):
    grain = rng.normal(0, 12, (picture.height, picture.width, 1))
    return Image.fromarray(np.clip(np.asarray(picture, float) + grain, 0, 255).astype(np.uint8))


PLANTED = {
    "jpeg30": (lambda p, _: p, 30),
    "half": (lambda p, _: half(p), 90),
    "crop90": (lambda p, rng: crop(p, 0.9, rng), 90),
    "bright": (lambda p, rng: bright(p, rng, (0.65, 1.35)), 90),
    "blur": (lambda p, _: p.filter(ImageFilter.GaussianBlur(2)), 90),
    "flip": (lambda p, _: ImageOps.mirror(p), 90),
    "text": (text, 90),
}
HARD = {
    "jpeg10": (lambda p, _: p, 10),
    "quarter": (lambda p, _: half(half(p)), 90),
    "crop75": (lambda p, rng: crop(p, 0.75, rng), 90),
    "bright2": (lambda p, rng: bright(p, rng, (0.4, 1.8)), 90),
    "grey": (lambda p, _: ImageOps.grayscale(p).convert("RGB"), 90),
    "squashed": (lambda p, _: p.resize((224, 224)), 90),
    "border": (lambda p, _: ImageOps.expand(p, p.width // 25, "white"), 90),
    "grain": (noise, 90),
    "mixed": (lambda p, rng: text(half(bright(crop(p, 0.9, rng), rng, (1.2,))), rng), 50),
}


def plant(source, folder, originals, copied, kinds):
    """Write originals and variants; the name of each file tells its original and kind."""
    rng = np.random.default_rng(0)
    files = sorted(path for path in source.rglob("*") if path.suffix.lower() in SUFFIXES)
    chosen = [files[i] for i in rng.permutation(len(files))[:originals]]
    for number, path in enumerate(chosen):
        with Image.open(path) as opened:
            picture = ImageOps.exif_transpose(opened).convert("RGB")
        picture.save(folder / f"{number:05}_original.jpg", quality=95)
        if number < copied:
            for kind, (make, quality) in kinds.items():
                make(picture, rng).save(folder / f"{number:05}_{kind}.jpg", quality=quality)
    return chosen


def run_tamis(source, work):
    import tamis

    dataset = tamis.open(work / "benchmark.tamis")
    dataset.add(str(source))
    dataset.embed()
    start, cpu = time.perf_counter(), time.process_time()
    report = dataset.duplicates()
    wall, cpu = time.perf_counter() - start, time.process_time() - cpu
    print(f"tamis: {report.pictures} pictures, {report.candidates} candidates, {wall:.1f} s wall, ")
    print(f"  {cpu:.1f} CPU s; threshold {report.threshold}, {report.calibration}")
    if report.note:
        print(f"  {report.note}")
    return report


def tell(name, pairs, folder, kinds):
    """Precision, recall and F1 of pairs, and recall by the kinds that a pair is of."""
    origin = {path.name: path.stem.split("_") for path in folder.iterdir()}
    groups = {}
    for file, (original, _) in origin.items():
        groups.setdefault(original, []).append(file)
    true = {frozenset(p) for files in groups.values() for p in combinations(files, 2)}
    found = {frozenset((Path(a).name, Path(b).name)) for a, b in pairs}
    found = {pair for pair in found if len(pair) == 2}
    right, wrong = found & true, found - true
    precision = len(right) / max(len(found), 1)
    recall = len(right) / max(len(true), 1)
    f1 = 2 * len(right) / max(len(found) + len(true), 1)
    print(f"{name}: precision {precision:.4f} recall {recall:.4f} F1 {f1:.4f} ({len(found)} pairs)")
    of_original = {kind: [0, 0] for kind in kinds}
    of_any = {kind: [0, 0] for kind in kinds}
    for pair in true:
        names = {origin[file][1] for file in pair}
        for kind in names - {"original"}:
            for tally in (of_any, *([of_original] if "original" in names else [])):
                tally[kind][0] += pair in found
                tally[kind][1] += 1
    for kind in kinds:
        with_original, with_any = (hits / n for hits, n in (of_original[kind], of_any[kind]))
        print(f"  {kind:9} recall with the original {with_original:.3f}, with any {with_any:.3f}")
    for pair in sorted(map(sorted, wrong))[:20]:
        print("  different originals:", *pair)


def peers(python, folder):
    script = Path(__file__).with_name("duplicate_peers.py")
    for peer in ("imagededup", "fastdup"):
        with tempfile.TemporaryDirectory() as work:
            out = Path(work) / "pairs.json"
            ran = subprocess.run(
                [python, script, peer, folder, out], capture_output=True, text=True, check=False
            )
            if ran.returncode:
                print(f"{peer} did not run: {ran.stderr.strip().splitlines()[-1:]}")
                continue
            yield from json.loads(out.read_text()).items()


def planted(options, work):
    kinds = HARD if options.hard else PLANTED
    folder = work / "planted"
    folder.mkdir()
    chosen = plant(options.folder, folder, options.originals, options.copied, kinds)
    report = run_tamis(folder, work)
    tell("tamis", [(pair.left, pair.right) for pair in report.pairs], folder, kinds)
    for pair in report.pairs:
        left, right = (int(Path(path).name[:5]) for path in (pair.left, pair.right))
        if left != right:
            print("  ", round(pair.score, 3), pair.kind, chosen[left].name, chosen[right].name)
    if options.peers:
        for name, pairs in peers(options.peers, folder):
            tell(name, pairs, folder, kinds)


def distinct(options, work):
    report = run_tamis(options.folder, work)
    dropped = sum(len(group.drop) for group in report.groups)
    share = dropped / max(report.pictures, 1)
    print(f"{dropped} of {report.pictures} called duplicates ({100 * share:.2f} %)")
    for pair in report.pairs[:30]:
        print("  ", round(pair.score, 3), pair.kind, Path(pair.left).name, Path(pair.right).name)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=["planted", "distinct"])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--originals", type=int, default=1000)
    parser.add_argument("--copied", type=int, default=300)
    parser.add_argument("--hard", action="store_true")
    parser.add_argument("--peers", metavar="PYTHON")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="work here, and leave it")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as made:
        work = options.keep or Path(made)
        work.mkdir(parents=True, exist_ok=True)
        (planted if options.what == "planted" else distinct)(options, work)


if __name__ == "__main__":
    main()
