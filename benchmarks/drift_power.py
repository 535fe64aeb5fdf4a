"""How often a drift is found, by how large it is and how many pictures there are, beside peers.

    python benchmarks/drift_power.py run VECTORS.npz OUT.jsonl [--contenders ...]
        [--sizes 50 200 1000] [--runs 40 40 20] [--shifts "50:other .05" ...]
    python benchmarks/drift_power.py cost VECTORS.npz OUT.jsonl --contenders NAME
        [--rows 200 1000 10000]
    python benchmarks/drift_power.py table OUT.jsonl

VECTORS.npz is what `drift_vectors.py` writes. Each run draws photographs as the reference (400, or
as many as the batch if that is more) and others as the batch, by a seed, so that every contender of
`drift_contenders.py`, in whichever environment it runs, sees the same vectors: all are projected to
the same 384 random directions first. Shifts: none; blurred, dark or badly compressed photographs,
all of the batch or a share; a class that the reference lacks; pictures of another domain. A run is
one line of OUT.jsonl. `cost` takes rows at random, as often as need be, with a little noise, on
each side, in a process of its own a contender: processor seconds, and memory beyond what the
process held before. `table` prints shares with exact 95 % intervals. A contender whose false alarms
are plainly too many (the interval lies above 5 %) is marked and not the best peer of any cell.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import time
from collections import defaultdict
from pathlib import Path

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(name, "1")

import numpy as np  # noqa: E402 - threads are counted at import
from drift_contenders import CONTENDERS, says  # noqa: E402

HELD_OUT = "shoes"
LEAST_REFERENCE = 400
FEW = ("none", "class .05", "other .01", "other .05", "dark50 .2", "jpeg10 .2")
SOME = (*FEW, "blur05", "dark85", "jpeg40", "blur1 .2", "class .1", "other .1")
SHIFTS = {
    50: ("none", "dark85", "jpeg40", "blur1 .2", "class .2", "other .05", "other .1", "other .2"),
    200: SOME,
    1000: FEW,
}
"""What is neither seen by all nor by none at that number of pictures."""


class Photographs:
    """Vectors of every kind, in 384 directions, and draws of them."""

    def __init__(self, path):
        arrays = dict(np.load(path))
        dim = arrays["clean"].shape[1]
        turn = np.linalg.qr(np.random.default_rng(0).normal(size=(dim, min(dim, 384))))[0]
        self.label = arrays["label"]
        self.vectors = {k: v @ turn.astype(v.dtype) for k, v in arrays.items() if v.ndim == 2}
        self.figures = {
            k: np.column_stack([arrays[f"{k}_brightness"], arrays[f"{k}_sharpness"]])
            for k in self.vectors
        }

    def draw(self, shift, n, seed):
        """Vectors and figures of a reference and a batch of `n`."""
        rng = np.random.default_rng([seed, n])
        kind, _, share = shift.partition(" ")
        count = int(np.ceil(n * float(share))) if share else n
        usual = rng.permutation(np.flatnonzero(self.label != HELD_OUT))
        parts = []
        if kind == "none":
            count = 0
        elif kind == "class":
            new = rng.choice(np.flatnonzero(self.label == HELD_OUT), count, replace=False)
            parts.append(("clean", new))
        elif kind == "other":
            parts.append(("other", rng.choice(len(self.vectors["other"]), count, replace=False)))
        else:
            # Those that there is a changed version of.
            known = np.isfinite(self.vectors[kind][usual, 0])
            gone = usual[known][:count]
            parts.append((kind, gone))
            usual = usual[~np.isin(usual, gone)]
        parts.append(("clean", usual[: n - count]))
        size = max(n, LEAST_REFERENCE)
        reference = usual[n - count :][:size]
        return tuple(
            (table["clean"][reference], np.concatenate([table[k][rows] for k, rows in parts]))
            for table in (self.vectors, self.figures)
        )


def cells(options):
    """Seeds first, so that a run that is stopped has all cells alike."""
    sizes = dict(zip(options.sizes, options.runs, strict=True))
    for seed in range(options.first, max(options.runs)):
        for n, runs in sizes.items():
            given = [one.split(":") for one in options.shifts or ()]
            chosen = [shift for size, shift in given if int(size) == n] or SHIFTS[n]
            yield from ((seed, n, shift) for shift in chosen if seed < runs)


def run(options):
    photographs = Photographs(options.vectors)
    for name in options.contenders:
        says(name, *photographs.draw("none", 50, 0), 0)  # imports
    with options.out.open("a") as out:
        for seed, n, shift in cells(options):
            vectors, figures = photographs.draw(shift, n, seed)
            for name in options.contenders:
                begin = time.process_time()
                found = says(name, vectors, figures, seed)
                used = time.process_time() - begin
                line = {"n": n, "shift": shift, "seed": seed, "seconds": round(used, 4)}
                print(json.dumps(line | {"found": found}), file=out, flush=True)


def cost(options):
    photographs = Photographs(options.vectors)
    rng = np.random.default_rng(0)
    clean = photographs.vectors["clean"]
    most = max(options.rows)
    rows = clean[rng.integers(0, len(clean), 2 * most)]
    rows = (rows + 1e-3 * rng.normal(size=rows.shape).astype(np.float32)).astype(np.float32)
    figures = rng.random((2, most, 2))
    (name,) = options.contenders
    says(name, (rows[:100], rows[100:200]), figures[:, :100], 0)  # imports
    page = os.sysconf("SC_PAGE_SIZE") / 1e6
    # The process's peak never falls, so the sizes go up.
    for n in sorted(options.rows):
        held = int(Path("/proc/self/statm").read_text().split()[1]) * page
        begin = time.process_time()
        found = says(name, (rows[:n], rows[most : most + n]), figures[:, :n], 0)
        used = time.process_time() - begin
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
        line = {"cost": "/".join(found), "rows": n, "seconds": round(used, 2)}
        line["megabytes"] = round(max(0, peak - held))
        print(json.dumps(line), flush=True)
        with options.out.open("a") as out:
            print(json.dumps(line), file=out)


def interval(found, runs):
    from scipy import stats

    return stats.binomtest(found, runs).proportion_ci(method="exact")


def table(options):
    answers, seconds, costs = defaultdict(dict), defaultdict(list), []
    for line in map(json.loads, options.out.read_text().splitlines()):
        if "cost" in line:
            costs.append(line)
            continue
        for name, found in line["found"].items():
            answers[line["n"], line["shift"], name][line["seed"]] = found
            seconds[line["n"], name].append(line["seconds"])
    names = list(dict.fromkeys(name for _, _, name in answers))
    ours = {"tamis", "tamis+figures", "mmd", "classifier", "neighbors", "energy"}
    broken = set()
    for name in names:
        calm = [a for (_, shift, of), a in answers.items() if shift == "none" and of == name]
        found, runs = (sum(sum(f(a.values()) for a in calm) for f in (g,)) for g in (sum, len))
        if runs:
            low, high = interval(found, runs)
            broken |= {name} if low > 0.05 else set()
            mark = "  MARKED" if low > 0.05 else ""
            print(f"{name:32} false alarms {found / runs:.3f} [{low:.3f}, {high:.3f}]{mark}")
    for n, shift in dict.fromkeys((n, shift) for n, shift, _ in answers):
        cell = {name: answers[n, shift, name] for name in names if answers[n, shift, name]}
        shares = {name: (sum(a.values()), len(a)) for name, a in cell.items()}
        peers = [name for name in shares if name not in ours | broken]
        line = f"{n:5} {shift:10}" + "".join(
            f"  {name} {k / m:.2f}" for name, (k, m) in shares.items()
        )
        if peers and shift != "none" and "tamis" in shares:
            best = max(peers, key=lambda name: shares[name][0] / shares[name][1])
            low, high = interval(*shares[best])
            held = low <= shares["tamis"][0] / shares["tamis"][1]
            line += f"  | best {best} [{low:.2f}, {high:.2f}]: {'held' if held else 'MISSED'}"
        print(line)
    for (n, name), used in seconds.items():
        print(f"{n:5} {name:32} {np.mean(used):.3f} s a call with all that share it")
    for line in costs:
        print(f"{line['rows']:6} {line['cost']:32} {line['seconds']} s  {line['megabytes']} MB")


def main():
    parser = argparse.ArgumentParser()
    verbs = parser.add_subparsers(required=True)
    for verb in (run, cost, table):
        one = verbs.add_parser(verb.__name__)
        one.set_defaults(verb=verb)
        if verb is not table:
            one.add_argument("vectors", type=Path)
            one.add_argument("--contenders", nargs="+", choices=CONTENDERS, default=["tamis-all"])
        one.add_argument("out", type=Path)
        if verb is run:
            one.add_argument("--sizes", nargs="+", type=int, default=list(SHIFTS))
            one.add_argument("--runs", nargs="+", type=int, default=[40, 40, 20])
            one.add_argument("--first", type=int, default=0)
            one.add_argument("--shifts", nargs="+")
        if verb is cost:
            one.add_argument("--rows", nargs="+", type=int, default=[200, 1000, 10_000])
    options = parser.parse_args()
    options.verb(options)


if __name__ == "__main__":
    main()
