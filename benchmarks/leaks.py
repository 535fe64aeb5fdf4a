"""Leaks planted across a naive split of real photographs: which are found, and which remain.

    python benchmarks/leaks.py FOLDER [--originals 1500] [--planted 320] [--seed 0] [--keep DIR]

Takes photographs of a folder, puts each in train, val or test by chance, and plants copies across
the splits (JPEG at quality 30, crop to 90 % of the sides, half size, mirrored), in four ways:

    pair    the original in train, a copy in val or test
    star    the original in train, one copy in val, another in test
    orphan  one copy in val, another in test, no original
    chain   crops to 80 % of crops: two in train, the third in val, the fourth in test

Then it asks, of the naive split: how many planted pairs does `split --check` name, and how many
pairs of different photographs? And of the split that tamis makes: how many planted pairs does it
leave? The rule of FiftyOne's `compute_leaky_splits` runs beside it, on the same vectors, in a few
plain lines: keep pictures in their order unless one kept before is within the threshold, then
compare each other picture with its nearest kept one only.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from itertools import combinations
from pathlib import Path

import numpy as np
from duplicates import SUFFIXES, crop, half
from PIL import Image, ImageOps

SPLITS = ("train", "val", "test")
SHARES = (0.6, 0.2, 0.2)
COPIES = {
    "jpeg": (lambda p, _: p, 30),
    "crop": (lambda p, rng: crop(p, 0.9, rng), 90),
    "resize": (lambda p, _: half(p), 90),
    "flip": (lambda p, _: ImageOps.mirror(p), 90),
}
WAYS = ("pair", "star", "orphan", "chain")


def plant(source, folder, originals, planted, seed):
    """Write the pictures; return for each file its original, way, step and naive split."""
    rng = np.random.default_rng(seed)
    files = sorted(path for path in source.rglob("*") if path.suffix.lower() in SUFFIXES)
    chosen = [files[i] for i in rng.permutation(len(files))[:originals]]
    names = iter(rng.permutation(10 * len(chosen)).tolist())
    made = {}

    def save(picture, about, quality=95):
        file = f"{next(names):06}.jpg"
        picture.save(folder / file, quality=quality)
        made[file] = about

    for number, path in enumerate(chosen):
        with Image.open(path) as opened:
            picture = ImageOps.exif_transpose(opened).convert("RGB")
        if number >= planted:
            save(picture, (number, "none", "original", str(rng.choice(SPLITS, p=SHARES))))
            continue
        way = WAYS[number % len(WAYS)]
        if way == "chain":
            for step, split in enumerate(("train", "train", "val", "test")):
                save(picture, (number, way, f"step{step}", split))
                picture = crop(picture, 0.8, rng)
            continue
        first, second = rng.permutation(list(COPIES))[:2].tolist()
        if way != "orphan":
            save(picture, (number, way, "original", "train"))
        places = [str(rng.choice(SPLITS[1:]))] if way == "pair" else list(SPLITS[1:])
        for kind, split in zip((first, second), places, strict=False):
            make, quality = COPIES[kind]
            save(make(picture, rng), (number, way, kind, split), quality)
    return made


def planted_pairs(made, split_of):
    """Pairs of one original that lie in two splits, each with the way it was planted."""
    groups = {}
    for file, about in made.items():
        groups.setdefault(about[0], []).append(file)
    found = {}
    for files in groups.values():
        for a, b in combinations(sorted(files), 2):
            if split_of[a] != split_of[b]:
                found[a, b] = way_of(made[a], made[b])
    return found


def way_of(a, b):
    if a[1] != "chain":
        return a[1]
    steps = abs(int(a[2][-1]) - int(b[2][-1]))
    return "chain, next" if steps == 1 else "chain, apart"


def nearest_kept(vectors, splits, threshold):
    """The rule: greedy in the given order, then each other row with its nearest kept row only."""
    similar = vectors @ vectors.T
    keep = np.ones(len(vectors), bool)
    for row in range(len(vectors)):
        if keep[row]:
            keep[row + 1 :] &= similar[row, row + 1 :] < threshold
    kept = np.flatnonzero(keep)
    pairs = []
    for row in np.flatnonzero(~keep):
        nearest = kept[np.argmax(similar[row, kept])]
        if splits[row] != splits[nearest]:
            pairs.append((row, nearest))
    return pairs


def tell(name, found, planted, made):
    found = {tuple(sorted(pair)) for pair in found}
    false = [pair for pair in found if made[pair[0]][0] != made[pair[1]][0]]
    right = {pair for pair in planted if pair in found}
    leaking = {file for pair in planted for file in pair if made[file][3] != "train"}
    named = {file for pair in right for file in pair if made[file][3] != "train"}
    print(
        f"{name}: {len(right)} of {len(planted)} planted pairs, {len(named)} of {len(leaking)} "
        f"pictures of val and test, {len(false)} pairs of different photographs"
    )
    for way in sorted(set(planted.values())):
        of = [pair for pair in planted if planted[pair] == way]
        print(f"  {way:13} {sum(pair in right for pair in of):4} of {len(of)}")
    return false


def run(options, work):
    import tamis

    pictures = work / "pictures"
    pictures.mkdir()
    made = plant(options.folder, pictures, options.originals, options.planted, options.seed)
    ds = tamis.open(work / "leaks.tamis")
    with (work / "naive.csv").open("w") as table:
        table.write("path,split\n")
        table.writelines(f"{pictures}/{file},{about[3]}\n" for file, about in made.items())
    ds.add(str(pictures), labels=str(work / "naive.csv"))
    ds.embed()
    measure(ds, made)


def measure(ds, made):
    planted = planted_pairs(made, {file: about[3] for file, about in made.items()})
    print(f"{len(made)} pictures, {len(planted)} planted pairs across the naive split")

    table = ds.table(["path", "split"])
    files = [Path(path).name for path in table.column("path").to_pylist()]
    splits = table.column("split").to_pylist()
    ids, vectors = ds.store.vectors(ds.vector_column())
    known = ds.store.read(["path"], ids=ids).column("path").to_pylist()
    place = {Path(path).name: row for row, path in enumerate(known)}
    vectors = vectors[[place[file] for file in files]]
    for threshold in (0.95, 0.9, 0.85, 0.8, 0.75):
        found = nearest_kept(vectors, splits, threshold)
        pairs = [(files[a], files[b]) for a, b in found]
        tell(f"nearest kept, cosine >= {threshold}", pairs, planted, made)

    def check(name):
        cpu = time.process_time()
        report = ds.check_splits()
        cpu = time.process_time() - cpu
        pairs = [(Path(leak.left).name, Path(leak.right).name) for leak in report.leaks]
        print(f"\n{report.leak_count} leaks, {cpu:.0f} CPU s, threshold {report.threshold:.3f}")
        for pair in tell(name, pairs, planted, made):
            print("  different photographs:", *pair)
        kinds = [leak.kind for leak in report.leaks]
        print("  kinds:", {kind: kinds.count(kind) for kind in sorted(set(kinds))})

    def left(name):
        report = ds.split(train=0.6, val=0.2, test=0.2, apply=True)
        now = ds.table(["path", "split"]).to_pylist()
        remain = planted_pairs(made, {Path(row["path"]).name: row["split"] for row in now})
        print(
            f"{name}: {len(remain)} planted pairs across splits, sizes {report.counts}, largest "
            f"group {report.largest_group}, leaks reported {report.leak_count}"
        )
        ds.undo()

    check("split --check, duplicates not marked")
    left("split, duplicates not marked")
    ds.duplicates(apply=True)
    check("split --check, duplicates marked")
    left("split, duplicates marked")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--originals", type=int, default=1500)
    parser.add_argument("--planted", type=int, default=320)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--keep", type=Path, metavar="DIR", help="work here, and leave it")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        work = options.keep or Path(temporary)
        work.mkdir(parents=True, exist_ok=True)
        run(options, work)


if __name__ == "__main__":
    main()
