"""Duplicates on planted copies of real photographs, and on pictures that are only alike.

    python benchmarks/duplicates.py planted FOLDER [--originals 1000] [--copied 300] [--seed 0]
        [--kinds planted|hard|eight] [--peers PYTHON] [--keep DIR]
    python benchmarks/duplicates.py distinct FOLDER

`planted` copies pictures of a folder into a new one, makes variants of some of them, and counts
pairs called copies: a pair is right if both come of one original. The seven of `planted` are JPEG
at quality 30, half size, crop to 90 % of each side, brightness, blur, mirrored, and a line of text;
`eight` and `hard` are other ones. What bears text is a changed version, and its pairs are counted
on their own: called copies, they are wrong. Pairs of different originals are printed, since a
folder of photographs may hold duplicates of its own. `--peers` runs imagededup and fastdup on the
same files with another Python that has them; they tell no changed versions, so pairs with text are
left out for them. `distinct` counts how many pictures of a folder are called duplicates.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import tempfile
import time
from collections import Counter
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


def tilted(picture, rng):
    return picture.rotate(2 * float(rng.choice((-1, 1))), resample=Image.Resampling.BICUBIC)


def marked(picture, _):
    """Write a translucent word across the picture."""
    layer = Image.new("RGBA", picture.size, (0, 0, 0, 0))
    font = ImageFont.load_default(max(16, picture.width // 5))
    place = (picture.width // 12, picture.height // 2)
    ImageDraw.Draw(layer).text(place, "sample", fill=(255, 255, 255, 100), font=font)
    return Image.alpha_composite(picture.convert("RGBA"), layer).convert("RGB")


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
EIGHT = {
    "jpeg10": (lambda p, _: p, 10),
    "quarter": (lambda p, _: half(half(p)), 90),
    "thumb160": (lambda p, _: p.resize((160, max(1, 160 * p.height // p.width))), 85),
    "crop70": (lambda p, rng: crop(p, 0.7, rng), 90),
    "tilt2": (tilted, 90),
    "mark": (marked, 90),
    "bright": (lambda p, rng: bright(p, rng, (0.65, 1.35)), 90),
    "flip": (lambda p, _: ImageOps.mirror(p), 90),
}
KINDS = {"planted": PLANTED, "hard": HARD, "eight": EIGHT}
CHANGED = {"text", "mixed"}
"""Kinds that cover something: changed versions, no copies."""


def plant(source, folder, originals, copied, kinds, seed=0):  # noqa: PLR0917 - a set is all of it
    """Write originals and variants; the name of each file tells its original and kind."""
    rng = np.random.default_rng(seed)
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
    for note in report.notes:
        print(f"  {note}")
    return report


def tell(name, pairs, folder, kinds, verdicts=None):
    """Precision, recall and F1 of pairs, and recall by the kinds that a pair is of."""
    origin = {path.name: path.stem.split("_") for path in folder.iterdir()}
    groups = {}
    for file, (original, _) in origin.items():
        groups.setdefault(original, []).append(file)
    of_one = {frozenset(p) for files in groups.values() for p in combinations(files, 2)}
    covered = {pair for pair in of_one if CHANGED & {origin[file][1] for file in pair}}
    true = of_one - covered
    found = {frozenset((Path(a).name, Path(b).name)) for a, b in pairs}
    found = {pair for pair in found if len(pair) == 2}
    if verdicts is None:
        found -= covered
    right, wrong = found & true, found - true
    precision = len(right) / max(len(found), 1)
    recall = len(right) / max(len(true), 1)
    f1 = 2 * len(right) / max(len(found) + len(true), 1)
    print(f"{name}: precision {precision:.4f} recall {recall:.4f} F1 {f1:.4f} ({len(found)} pairs)")
    of_original = {kind: [0, 0] for kind in kinds}
    of_any = {kind: [0, 0] for kind in kinds}
    lost = Counter()
    for pair in true:
        names = {origin[file][1] for file in pair}
        if verdicts is not None and pair not in found:
            lost["|".join(sorted(names)), verdicts.get(pair, "different or not compared")] += 1
        for kind in names - {"original"}:
            for tally in (of_any, *([of_original] if "original" in names else [])):
                tally[kind][0] += pair in found
                tally[kind][1] += 1
    for kind in (kind for kind in kinds if kind not in CHANGED):
        with_original, with_any = (hits / n for hits, n in (of_original[kind], of_any[kind]))
        print(f"  {kind:9} recall with the original {with_original:.3f}, with any {with_any:.3f}")
    if verdicts is not None:
        said = Counter(verdicts.get(pair, "different or not compared") for pair in covered)
        print(f"  pairs in which one bears text: {dict(said)}")
        print(f"  copies not found: {dict(lost.most_common(25))}")
        print(f"  why: {dict(Counter(why for _, why in lost.elements()))}")
    for pair in sorted(map(sorted, wrong))[:20]:
        print("  no copies:", *pair)


def tell_dropped(report, folder):
    """How many copies would be dropped, and what would be dropped wrongly."""
    dropped = {
        Path(path).name: Path(group.keep).name for group in report.groups for path in group.drop
    }
    origins = {file: file.split("_")[0] for file in (*dropped, *dropped.values())}
    wrong = [pair for pair in dropped.items() if origins[pair[0]] != origins[pair[1]]]
    covered = [file for file in dropped if Path(file).stem.split("_")[1] in CHANGED]
    copies = [path.stem.split("_")[1] for path in folder.iterdir()]
    expected = sum(kind != "original" and kind not in CHANGED for kind in copies)
    right = len(dropped) - len(wrong) - len(covered)
    print(f"  dropped: {right} of {expected} copies, {len(covered)} with text, others {wrong}")


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
    kinds = KINDS[options.kinds]
    folder = work / "planted"
    folder.mkdir()
    chosen = plant(options.folder, folder, options.originals, options.copied, kinds, options.seed)
    report = run_tamis(folder, work)
    verdicts = {
        frozenset((Path(pair.left).name, Path(pair.right).name)): str(pair.verdict)
        for pair in report.pairs
    }
    copies = [(pair.left, pair.right) for pair in report.pairs if pair.verdict == "copy"]
    tell("tamis", copies, folder, kinds, verdicts)
    tell_dropped(report, folder)
    for pair in report.pairs:
        left, right = (int(Path(path).name[:5]) for path in (pair.left, pair.right))
        if left != right:
            print(
                f"  different photographs {pair.verdict}: score {pair.score:.3f} {pair.kind}",
                chosen[left].name,
                chosen[right].name,
            )
    if options.peers:
        for name, pairs in peers(options.peers, folder):
            tell(name, pairs, folder, kinds)


def distinct(options, work):
    report = run_tamis(options.folder, work)
    dropped = sum(len(group.drop) for group in report.groups)
    share = dropped / max(report.pictures, 1)
    print(f"{dropped} of {report.pictures} called duplicates ({100 * share:.2f} %)")
    print(f"verdicts: {report.verdicts}")
    for pair in report.pairs[:30]:
        names = Path(pair.left).name, Path(pair.right).name
        print("  ", round(pair.score, 3), pair.verdict, pair.kind, *names)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=["planted", "distinct"])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--originals", type=int, default=1000)
    parser.add_argument("--copied", type=int, default=300)
    parser.add_argument("--kinds", choices=KINDS, default="planted")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--peers", metavar="PYTHON")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="work here, and leave it")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as made:
        work = options.keep or Path(made)
        work.mkdir(parents=True, exist_ok=True)
        (planted if options.what == "planted" else distinct)(options, work)


if __name__ == "__main__":
    main()
