"""How often a drift is found, by how large it is and how many pictures there are, beside peers.

    python benchmarks/drift_power.py VECTORS.npz [--contenders tamis tamis+figures mmd energy
        classifier neighbors alibi-mmd alibi-ks frouros-mmd] [--sizes 50 200 1000]
        [--reference 1000] [--runs 20] [--shifts ...]
    python benchmarks/drift_power.py VECTORS.npz --time 10000 [--contenders ...]

VECTORS.npz is what `drift_vectors.py` writes. Each run draws 1,000 photographs as the reference and
others as the batch, by a seed, so that every contender, in whichever environment it runs, sees the
same vectors: all are projected to the same 384 random directions first. Shifts: none; blurred, dark
or badly compressed photographs (all of the batch, or a fifth); a class that the reference lacks, as
a fifth of the batch; pictures of another domain, as 1, 5, 10 and 20 % of it. Printed are the share
of runs in which a contender says drift at 5 %, and its processor seconds a run. `tamis` is the one
decision on vectors as stored in a reference, `tamis+figures` that with brightness and sharpness.
`--time N` takes rows at random, as often as need be, with a little noise, N on each side, and
prints processor seconds.
"""

from __future__ import annotations

import argparse
import os
import time

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(name, "1")

import numpy as np  # noqa: E402 - threads are counted at import

HELD_OUT = "shoes"
SHIFTS = (
    "none",
    "blur1",
    "blur3",
    "dark",
    "jpeg",
    "blur3 .2",
    "dark .2",
    "class .2",
    "other .01",
    "other .05",
    "other .1",
    "other .2",
)


class Photographs:
    """Vectors of every kind, in 384 directions, and draws of them."""

    def __init__(self, path):
        arrays = dict(np.load(path))
        dim = arrays["clean"].shape[1]
        turn = np.linalg.qr(np.random.default_rng(0).normal(size=(dim, min(dim, 384))))[0]
        self.label = arrays["label"]
        self.vectors = {k: v @ turn for k, v in arrays.items() if v.ndim == 2}
        self.figures = {
            k: np.column_stack([arrays[f"{k}_brightness"], arrays[f"{k}_sharpness"]])
            for k in self.vectors
        }

    def draw(self, shift, n, seed, size=1000):
        """Vectors and figures of a reference of `size` and a batch of `n`."""
        rng = np.random.default_rng([seed, n])
        kind, _, share = shift.partition(" ")
        count = int(np.ceil(n * float(share))) if share else n
        usual = rng.permutation(np.flatnonzero(self.label != HELD_OUT))
        reference, rest = usual[:size], usual[size : size + n]
        parts = [("clean", rest[count:])]
        if kind == "none":
            parts = [("clean", rest)]
        elif kind == "class":
            parts.append(
                ("clean", rng.choice(np.flatnonzero(self.label == HELD_OUT), count, replace=False))
            )
        elif kind == "other":
            parts.append(("other", rng.choice(len(self.vectors["other"]), count, replace=False)))
        else:
            parts.append((kind, rest[:count]))
        return tuple(
            (table["clean"][reference], np.concatenate([table[k][rows] for k, rows in parts]))
            for table in (self.vectors, self.figures)
        )


def tamis_decision(vectors, figures, seed):
    from tamis.algo.drift import Covariate, decide_drift, fit_reference

    rng = np.random.default_rng(seed)
    names, columns = [], (None, None)
    if figures is not None:
        names, columns = [Covariate("brightness"), Covariate("sharpness")], figures
    reference = fit_reference(vectors[0], covariates=columns[0], rng=rng)
    pooled = reference.pooled_with(vectors[1], covariates=columns[1], rng=rng)
    return decide_drift(pooled, names, permutations=499, rng=rng).drift


def tamis_test(name):
    def run(vectors, _, seed):
        from tamis.algo import two_sample

        rng = np.random.default_rng(seed)
        pooled = two_sample.pool(*vectors, rng=rng)
        return getattr(two_sample, f"{name}_test")(pooled, permutations=199, rng=rng).p <= 0.05

    return run


def alibi(name, **options):
    def run(vectors, _, seed):
        import torch
        from alibi_detect import cd

        torch.set_num_threads(1)
        torch.manual_seed(seed)
        detector = getattr(cd, name)(vectors[0].astype(np.float32), p_val=0.05, **options)
        return bool(detector.predict(vectors[1].astype(np.float32))["data"]["is_drift"])

    return run


def frouros_mmd(vectors, _, seed):
    from frouros.callbacks import PermutationTestDistanceBased
    from frouros.detectors.data_drift import MMD

    test = PermutationTestDistanceBased(
        num_permutations=100, random_state=seed, num_jobs=1, name="test"
    )
    detector = MMD(callbacks=[test])
    detector.fit(X=vectors[0])
    _, logs = detector.compare(X=vectors[1])
    return logs["test"]["p_value"] <= 0.05


CONTENDERS = {
    "tamis": lambda vectors, _, seed: tamis_decision(vectors, None, seed),
    "tamis+figures": tamis_decision,
    "mmd": tamis_test("mmd"),
    "energy": tamis_test("energy"),
    "classifier": tamis_test("classifier"),
    "neighbors": tamis_test("neighbor"),
    "alibi-mmd": alibi("MMDDrift", backend="pytorch", n_permutations=100),
    "alibi-ks": alibi("KSDrift"),
    "frouros-mmd": frouros_mmd,
}


def timed(photographs, n, names):
    rng = np.random.default_rng(0)
    clean = photographs.vectors["clean"]
    rows = clean[rng.integers(0, len(clean), 2 * n)]
    rows = (rows + 1e-3 * rng.normal(size=rows.shape)).astype(np.float32)
    small = rows[:200], rows[200:400]
    for name in names:
        CONTENDERS[name](small, None, 0)
        begin = time.process_time()
        CONTENDERS[name]((rows[:n], rows[n:]), None, 0)
        print(f"{name:16} {time.process_time() - begin:8.2f} s for {n} and {n}", flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("vectors")
    parser.add_argument("--contenders", nargs="+", choices=CONTENDERS, default=["tamis"])
    parser.add_argument("--sizes", nargs="+", type=int, default=[50, 200, 1000])
    parser.add_argument("--shifts", nargs="+", default=SHIFTS)
    parser.add_argument("--reference", type=int, default=1000)
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--time", type=int)
    options = parser.parse_args()
    photographs = Photographs(options.vectors)
    if options.time:
        timed(photographs, options.time, options.contenders)
        return
    for n in options.sizes:
        for shift in options.shifts:
            line = f"{n:5} {shift:10}"
            for name in options.contenders:
                begin, found = time.process_time(), 0
                for seed in range(options.runs):
                    vectors, figures = photographs.draw(shift, n, seed, options.reference)
                    found += CONTENDERS[name](vectors, figures, seed)
                used = (time.process_time() - begin) / options.runs
                line += f"  {name} {found / options.runs:.2f} ({used:.2f} s)"
            print(line, flush=True)


if __name__ == "__main__":
    main()
