"""Verdicts of pairs against the truth: copies, changed views of one template, others.

    python benchmarks/verdicts.py alike FOLDER [--pairs 150] [--sets NAME ...] [--groups 15]
    python benchmarks/verdicts.py boards FOLDER
    python benchmarks/verdicts.py made [--seed 1] [--held-out]

`alike` reads FOLDER/truth.csv (set, left, right, truth) and FOLDER/SET/*; `boards` reads
FOLDER/pairs.csv (template, tested, boxes as "x1 y1 x2 y2 kind; ..."); `made` makes pictures of
`alike_kinds`. Each set becomes a dataset; the table counts verdicts by truth (as `duplicates` lists
a pair, or else as two pictures alone are judged at the thresholds that the set itself gave), what
`duplicates` would drop wrongly, how many true boxes a region hits, and the area of the regions that
hit over the area of those boxes. Copies that are not found are
counted by kind and by where they were lost: `view` is under the line of a common view (0 if ruled
out when small), `excess` is a residual over the copy line, `undecided` is too near that line.
`--groups` keeps the files whose names begin with one of so many first parts ("03_" of "03_orig").
"""

from __future__ import annotations

import argparse
import csv
import shutil
import tempfile
import time
from collections import Counter, defaultdict
from pathlib import Path

import numpy as np
from alike_kinds import HELD_OUT, KINDS

import tamis
from tamis.dataset.store import Store
from tamis.runtime.pair_verification import PairVerifier


def judge(files, truth, boxes, work, rng, most):  # noqa: PLR0917 - a set is all of it
    """Add files, search duplicates, and compare pairs of the truth; print a table."""
    path = work / "verdicts.tamis"
    dataset = tamis.open(path)
    for folder in sorted({str(file.parent) for file in files}):
        dataset.add(folder)
    dataset.embed()
    cpu = time.process_time()
    report = dataset.duplicates()
    cpu = time.process_time() - cpu
    lines = report.calibration.thresholds
    print(
        f"  {report.pictures} pictures, {cpu:.1f} CPU s; copy >= {lines.copy} changed >= "
        f"{lines.changed}, separable {report.calibration.separable}, false pairs "
        f"{report.calibration.false_pair_rate:.4f}"
    )
    # What the search says of a pair, who may know it by the picture that both are copies of.
    listed = {
        frozenset((Path(pair.left).name, Path(pair.right).name)): str(pair.verdict)
        for pair in report.pairs
    }
    known = {frozenset(pair): said for pair, said in truth.items()}
    dropped = Counter()
    for group in report.groups:
        for name in group.drop:
            pair = Path(group.keep).name, Path(name).name
            said = known.get(frozenset(pair), "not in the truth")
            dropped[said] += 1
            if said != "copy":
                print(f"    dropped, {said}: {pair[1]} for {pair[0]}")
    print(f"  dropped, by the truth of the pair: {dict(dropped)}")
    store = Store.open(path)
    table = store.read(["sample_id", "path", "width", "height"]).to_pylist()
    number = {Path(row["path"]).name: at for at, row in enumerate(table)}
    verifier = PairVerifier(store, [row["sample_id"] for row in table])
    by_truth = defaultdict(list)
    for pair, said in truth.items():
        by_truth[said].append(pair)
    for said, all_pairs in sorted(by_truth.items()):
        pairs = all_pairs
        if len(pairs) > most:
            pairs = [pairs[at] for at in sorted(rng.choice(len(pairs), most, replace=False))]
        left = np.array([number[a] for a, _ in pairs])
        right = np.array([number[b] for _, b in pairs])
        compared = verifier.compare(left, right)
        verdicts = compared.verdicts(lines)
        for at, pair in enumerate(pairs):
            verdicts[at] = listed.get(frozenset(pair), verdicts[at])
        print(f"  {said:9} {len(pairs):5} pairs: {dict(Counter(verdicts.tolist()))}")
        if said == "copy":
            tell_missed(pairs, compared, verdicts, lines)
        else:
            print(f"    called a copy: {[pairs[at] for at in np.flatnonzero(verdicts == 'copy')]}")
        if boxes:
            hits(pairs, boxes, compared, [table[at] for at in right])


def tell_missed(pairs, compared, verdicts, lines):
    """Print what share of copies was found by kind, and where the others were lost."""
    found, lost = defaultdict(list), Counter()
    for at, pair in enumerate(pairs):
        kinds = sorted(Path(name).stem.split("_")[-1] for name in pair)
        kind = next((k for k in kinds if k != "orig"), "orig") if "orig" in kinds else "others"
        found[kind].append(verdicts[at] == "copy")
        if verdicts[at] != "copy":
            view, score = float(compared.view[at]), max(float(compared.score[at]), 1e-6)
            where = verdicts[at] if verdicts[at] == "undecided" else "excess"
            if view < lines.changed:
                where = "view" if view else "view 0"
            lost["|".join(kinds), where] += 1
            print(f"      {pair} {where}: view {view:.2f} excess {5 * (1 / score - 1) ** 0.5:.1f}")
    for kind, said in found.items():
        print(f"    {kind:9} found {sum(said)} of {len(said)}")
    print(f"    lost: {dict(lost.most_common(20))}")


def hits(pairs, boxes, compared, rows):
    """Print how many true boxes, of the right picture, a region hits, and the ratio of areas."""
    hit = total = 0
    ratios = []
    for at, pair in enumerate(pairs):
        true = boxes.get(pair, [])
        regions = compared.right_regions[at] * np.tile((rows[at]["width"], rows[at]["height"]), 2)
        found = [(x, y, x + w, y + h) for x, y, w, h in regions.tolist()]
        for box in true:
            total += 1
            meeting = [region for region in found if _shared(region, box) > 0]
            hit += bool(meeting)
            if meeting:
                best = max(meeting, key=lambda region: _shared(region, box))
                held = sum(_area(other) for other in true if _shared(best, other) > 0)
                ratios.append(_area(best) / held)
    if total and not ratios:
        print(f"    boxes hit 0 of {total}")
    elif total:
        print(
            f"    boxes hit {hit} of {total} ({hit / total:.1%}); area of the region over its "
            f"boxes: median {np.median(ratios):.2f}, nine tenths under "
            f"{np.quantile(ratios, 0.9):.2f}"
        )


def _area(box):
    return max(box[2] - box[0], 0) * max(box[3] - box[1], 0)


def _shared(one, other):
    low = (max(one[0], other[0]), max(one[1], other[1]))
    return _area((*low, min(one[2], other[2]), min(one[3], other[3])))


def alike(options, rng):
    truth = defaultdict(dict)
    with (options.folder / "truth.csv").open() as file:
        for row in csv.DictReader(file):
            truth[row["set"]][row["left"], row["right"]] = row["truth"]
    for name, pairs in truth.items():
        if options.sets and name not in options.sets:
            continue
        print(name, flush=True)
        files = sorted((options.folder / name).iterdir())
        firsts = sorted({file.name.split("_")[0] for file in files})
        kept = set(firsts[:: -(-len(firsts) // options.groups)] if options.groups else firsts)
        with tempfile.TemporaryDirectory() as work:
            folder = Path(work) / name
            folder.mkdir()
            for file in files:
                if file.name.split("_")[0] in kept:
                    shutil.copy(file, folder / file.name)
            known = {
                pair: said
                for pair, said in pairs.items()
                if {name.split("_")[0] for name in pair} <= kept
            }
            judge(list(folder.iterdir()), known, {}, Path(work), rng, options.pairs)


def boards(options, rng):
    truth, boxes = {}, {}
    with (options.folder / "pairs.csv").open() as file:
        for row in csv.DictReader(file):
            pair = row["template"], row["tested"]
            truth[pair] = "changed"
            boxes[pair] = [tuple(map(int, box.split()[:4])) for box in row["boxes"].split(";")]
    with tempfile.TemporaryDirectory() as work:
        judge(list(options.folder.glob("*.jpg")), truth, boxes, Path(work), rng, 10**6)


def made(options, rng):
    for name, kind in (HELD_OUT if options.held_out else KINDS).items():
        if options.sets and name not in options.sets:
            continue
        print(name, flush=True)
        with tempfile.TemporaryDirectory() as work:
            folder = Path(work) / name
            folder.mkdir()
            holds = {}
            for number, picture, places in kind(np.random.default_rng(options.seed)):
                file = f"{name}{number}.jpg"
                picture.save(folder / file, quality=92)
                holds[file] = places
            names = list(holds)
            truth, boxes = {}, {}
            for at, a in enumerate(names):
                for b in names[at + 1 :]:
                    truth[a, b] = "changed" if holds[a] or holds[b] else "copy"
                    if not holds[a] or not holds[b]:
                        boxes[a, b] = holds[a] + holds[b]
            judge(list(folder.iterdir()), truth, boxes, Path(work), rng, options.pairs)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("what", choices=["alike", "boards", "made"])
    parser.add_argument("folder", type=Path, nargs="?")
    parser.add_argument("--pairs", type=int, default=150, help="most pairs of each truth to judge")
    parser.add_argument("--sets", nargs="*")
    parser.add_argument("--groups", type=int, help="spread over the first parts of file names")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--held-out", action="store_true")
    options = parser.parse_args()
    {"alike": alike, "boards": boards, "made": made}[options.what](
        options, np.random.default_rng(0)
    )


if __name__ == "__main__":
    main()
