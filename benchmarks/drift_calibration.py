"""How often drift is reported where there is none: 1,000 simulated runs a test.

    python benchmarks/drift_calibration.py [PART ...] [--runs 1000] [--tests NAME ...]

Rows are unit vectors of 64 dimensions in ten clusters of unequal size.

    tests     each two-sample test at a nominal 5 %: single rows, and scenes of five nearly equal
              frames whose blocks are given
    decision  the one boolean, vectors and five covariates together, against a stored reference;
              and any changed cluster at all
    blocks    rows that change slowly over time (an autoregression), block lengths found in the data
    stream    a reference for each run and a stream fifty times as long, looked at after each unit:
              runs that ever alarm, with single rows and with blocks of five
    cameras   50 cameras of which five, or none, drift half way, e-BH at 10 % at each of 40 looks:
              the mean share of false alarms among all, at the moment of the first alarm, at the
              end, and at whichever look it is largest (a look that nobody could choose). Each
              picture is two scores that depend on each other; bags, ranks, bettors and e-BH are
              those of monitors
    monitors  the same with vectors and whole monitors; a thirtieth of the runs
    harm      how often the 95 % interval of the change of accuracy misses the truth, and what kind
              of shift is said; a quarter of the runs for all but the first
    shares    how often the 95 % interval of a class's share misses the truth

Beside each share stands the exact 95 % interval of a binomial.
"""

from __future__ import annotations

import argparse
import os
import time
from types import SimpleNamespace

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
from scipy import stats

from tamis.algo.drift import (
    Covariate,
    accuracy_change,
    changed_clusters,
    class_shares,
    decide_drift,
    fit_reference,
    shift_kind,
)
from tamis.algo.k_means import spherical_k_means
from tamis.algo.sequential import e_benjamini_hochberg, start_monitor
from tamis.algo.sequential.betting import bin_of, new_wealth
from tamis.algo.sequential.conformal import Bag
from tamis.algo.two_sample import (
    block_length,
    chi_squared_test,
    classifier_test,
    energy_test,
    ks_test,
    mmd_test,
    neighbor_test,
    pool,
    time_order_blocks,
)

DIM = 64
CENTERS = np.random.default_rng(99).normal(size=(10, DIM))
WEIGHTS = np.arange(1, 11) / 55
COVARIATES = [
    *(Covariate(name) for name in ("brightness", "sharpness", "size", "hour")),
    Covariate("camera", is_category=True),
]


def unit(rows):
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def draw(rng, n):
    return unit(CENTERS[rng.choice(10, n, p=WEIGHTS)] + rng.normal(size=(n, DIM)))


def figures(rng, n):
    brightness = rng.beta(2, 3, n)
    return np.column_stack(
        [
            brightness,
            brightness + rng.gamma(2, size=n),
            rng.choice([300, 400, 533], n),
            rng.integers(0, 24, n),
            rng.integers(0, 4, n),
        ]
    )


def scenes(rng, n, frames=5):
    """`n` frames of `n / frames` scenes, and the scene of each."""
    rows = np.repeat(draw(rng, n // frames), frames, axis=0)
    simple = np.repeat(figures(rng, n // frames), frames, axis=0)
    noise = 0.02 * rng.normal(size=rows.shape)
    return unit(rows + noise), simple, np.repeat(np.arange(n // frames), frames)


def say(name, alarms, runs, seconds):
    low, high = stats.binomtest(alarms, runs).proportion_ci(method="exact")
    print(f"{name:44} {alarms / runs:7.3f}  [{low:.3f}, {high:.3f}]  {seconds:7.1f} s", flush=True)


def counted(name, runs, alarm):
    begin = time.process_time()
    alarms = sum(bool(alarm(np.random.default_rng([7, run]))) for run in range(runs))
    say(name, alarms, runs, time.process_time() - begin)


def chi_squared(pooled, **options):
    cluster = spherical_k_means(pooled.X, 10, rng=options["rng"]).labels
    return chi_squared_test(pooled, cluster, **options)


def gaps(pooled, **options):
    columns = pooled.X[:, :5].astype(np.float64)
    return SimpleNamespace(p=ks_test(pooled, columns, **options).p_any)


TESTS = {
    "MMD": mmd_test,
    "MMD, random features": lambda pooled, **more: mmd_test(pooled, exact=False, **more),
    "energy": energy_test,
    "classifier": classifier_test,
    "k-NN": neighbor_test,
    "KS, five columns, Bonferroni": gaps,
    "chi squared, ten pooled clusters": chi_squared,
}


def run_tests(runs, names=tuple(TESTS)):
    for name in names:
        test = TESTS[name]

        def single(rng, test=test):
            pooled = pool(draw(rng, 150), draw(rng, 100), rng=rng)
            return test(pooled, permutations=199, rng=rng).p <= 0.05

        def scene(rng, test=test):
            (X, _, x), (Y, _, y) = scenes(rng, 200), scenes(rng, 125)
            pooled = pool(X, Y, blocks=(x, y), rng=rng)
            return test(pooled, permutations=199, rng=rng).p <= 0.05

        counted(f"{name}, rows", runs, single)
        counted(f"{name}, scenes of five", runs, scene)


def run_decision(runs):
    def single(rng):
        reference = fit_reference(draw(rng, 300), covariates=figures(rng, 300), rng=rng)
        pooled = reference.pooled_with(draw(rng, 100), covariates=figures(rng, 100), rng=rng)
        return decide_drift(pooled, COVARIATES, permutations=99, rng=rng).drift

    def scene(rng):
        (X, a, x), (Y, b, y) = scenes(rng, 300), scenes(rng, 150)
        reference = fit_reference(X, covariates=a, blocks=x, rng=rng)
        pooled = reference.pooled_with(Y, covariates=b, blocks=y, rng=rng)
        return decide_drift(pooled, COVARIATES, permutations=99, rng=rng).drift

    def joined(rng):
        pooled = pool(draw(rng, 1500), draw(rng, 1100), rng=rng)
        return decide_drift(pooled, permutations=99, rng=rng).drift

    def clusters(rng):
        pooled = pool(draw(rng, 300), draw(rng, 100), rng=rng)
        found = changed_clusters(pooled, permutations=199, rng=rng)
        return any(one.change != "same" for one in found.clusters)

    counted("decision with five covariates, rows", runs, single)
    counted("decision with five covariates, scenes", runs, scene)
    counted("decision, units joined", runs, joined)
    counted("any changed cluster", runs, clusters)


def walk(rng, n, keep):
    """Rows that change slowly."""
    rows = np.empty((n, 16))
    rows[0] = rng.normal(size=16)
    for at in range(1, n):
        rows[at] = keep * rows[at - 1] + np.sqrt(1 - keep**2) * rng.normal(size=16)
    return rows


def run_blocks(runs):
    for keep in (0.5, 0.9):

        def found(rng, keep=keep):
            X, Y = walk(rng, 3000, keep), walk(rng, 1500, keep)
            length = block_length(X)
            blocks = time_order_blocks(3000, length), time_order_blocks(1500, length)
            pooled = pool(X, Y, blocks=blocks, rng=rng)
            return decide_drift(pooled, permutations=99, rng=rng).drift

        def naive(rng, keep=keep):
            pooled = pool(walk(rng, 3000, keep), walk(rng, 1500, keep), rng=rng)
            return decide_drift(pooled, permutations=99, rng=rng).drift

        counted(f"autoregression {keep}, blocks found", runs, found)
        counted(f"autoregression {keep}, no blocks", max(1, runs // 10), naive)


def run_stream(runs):
    def single(rng):
        seed = int(rng.integers(2**31))
        monitor = start_monitor(draw(rng, 100), figures(rng, 100)[:, :2], seed=seed)
        return monitor.watch(draw(rng, 5000), figures(rng, 5000)[:, :2])

    def scene(rng):
        seed = int(rng.integers(2**31))
        X, a, x = scenes(rng, 200)
        Y, b, y = scenes(rng, 10_000)
        monitor = start_monitor(X, a[:, :2], blocks=x, seed=seed)
        return monitor.watch(Y, b[:, :2], blocks=y)

    counted("5,000 rows after 100, ever", runs, single)
    counted("2,000 blocks of five after 40, ever", runs, scene)


def run_cameras(runs):
    for drifted in (5, 0):
        of_cameras(runs, drifted)


def of_cameras(runs, drifted, cameras=50, pictures=240, looks=40):
    begin = time.process_time()
    shares, found, at_once = [], [], 50
    # Streams of several runs lie side by side, and share the edges between which scores rank.
    normal = np.linspace(-4, 4, 160)
    for first_run in range(0, runs, at_once):
        rng = np.random.default_rng([8, first_run])
        many = min(at_once, runs - first_run)

        def places(count, shift, rng=rng, many=many):
            first, other = rng.normal(size=(2, count, many, cameras))
            first[..., :drifted] += shift
            scores = np.stack([first, np.hypot(first, other) - 1.2], axis=3)
            return np.searchsorted(normal, scores.reshape(count, -1), side="right")

        streams = many * cameras * 2
        reference = places(50, 0)
        counts = np.zeros((streams, normal.size + 2), np.int64)
        np.add.at(counts, (np.arange(streams), reference), 1)
        bag = Bag(np.tile(normal, (streams, 1)), counts)
        wealth, logs = new_wealth(streams), []
        rows = np.concatenate([places(pictures // 2, 0), places(pictures // 2, 1)])
        for part in np.array_split(rows, looks):
            wealth.bet(bin_of(bag.ranked(part, rng.random(part.shape))))
            funds = wealth.log_funds.reshape(many, cameras, 2)
            logs.append(funds.max(axis=2) - np.log(2))
        for run in range(many):
            alarms = np.array([e_benjamini_hochberg(one[run], 0.1) for one in logs])
            false = alarms[:, drifted:].sum(axis=1) / np.maximum(1, alarms.sum(axis=1))
            early = false[int(np.argmax(alarms.any(axis=1)))]
            shares.append((early, false[-1], false.max()))
            found.append(alarms[-1][:drifted].sum())
    for name, column in zip(
        ("first alarm", "end", "worst look"), np.transpose(shares), strict=True
    ):
        error = 1.96 * column.std() / np.sqrt(runs)
        print(
            f"{drifted} of {cameras} drift, e-BH at 10 %, {name:12} "
            f"{column.mean():.4f} +- {error:.4f}",
            flush=True,
        )
    print(
        f"found at the end {np.mean(found):.2f} of {drifted}; {runs} runs, "
        f"{time.process_time() - begin:.0f} s",
        flush=True,
    )


def run_monitors(runs):
    begin = time.process_time()
    first, last, found = [], [], []
    for run in range(max(1, runs // 30)):
        rng = np.random.default_rng([8, run])
        paths = np.empty((50, 60))
        for camera in range(50):
            seed = int(rng.integers(2**31))
            monitor = start_monitor(draw(rng, 200), level=1e-300, seed=seed)
            rows = draw(rng, 600)
            if camera < 5:
                rows[300:] = unit(rows[300:] + 0.25 * CENTERS[0])
            for part in range(60):
                monitor.watch(rows[10 * part : 10 * part + 10])
                paths[camera, part] = monitor.log_wealth
        alarms = np.array([e_benjamini_hochberg(paths[:, part], 0.1) for part in range(60)])
        early = alarms[int(np.argmax(alarms.any(axis=1)))]
        for chosen, kept in ((early, first), (alarms[-1], last)):
            kept.append(chosen[5:].sum() / max(1, chosen.sum()))
        found.append(alarms[-1][:5].mean())
    print(
        f"50 cameras, e-BH at 10 %: false share {np.mean(first):.4f} at the first alarm, "
        f"{np.mean(last):.4f} at the end, found {np.mean(found):.2f} of the five; "
        f"{len(last)} runs, {time.process_time() - begin:.0f} s",
        flush=True,
    )


def probabilities(rng, classes):
    """Calibrated probabilities: classes are drawn from them."""
    sure = rng.beta(4, 1.5, len(classes)) * 0.5 + 0.5
    right = rng.random(len(classes)) < sure
    p = np.empty((len(classes), 2))
    predicted = np.where(right, classes, 1 - classes)
    p[np.arange(len(classes)), predicted] = sure
    p[np.arange(len(classes)), 1 - predicted] = 1 - sure
    return p, right


def run_harm(runs):
    def missed(rng):
        confidence = rng.beta(8, 2, 400), rng.beta(5, 2, 200)
        right = rng.random(400) < confidence[0]
        found = accuracy_change(*confidence, right=right)
        return not found.low <= 5 / 7 - 0.8 <= found.high

    def looks(rng, share):
        y = rng.choice(2, 400)
        z = rng.choice(2, 200, p=[share, 1 - share])
        (p, _), (q, _) = probabilities(rng, y), probabilities(rng, z)
        X = rng.normal(size=(400, 8)) + 1.5 * y[:, None]
        Y = rng.normal(size=(200, 8)) + 1.5 * z[:, None]
        found = class_shares(p, y, q)
        return shift_kind(
            X,
            y,
            p.argmax(axis=1),
            Y,
            q.argmax(axis=1),
            shares=found.batch,
            rng=rng,
            permutations=199,
        )

    counted("interval of accuracy misses (5 %)", runs, missed)
    counted(
        "looks said to change, no shift (5 %)", runs // 4, lambda r: looks(r, 0.5).p_look <= 0.05
    )
    counted(
        "looks said to change, .5 to .8 of a class (5 %)",
        runs // 4,
        lambda r: looks(r, 0.8).p_look <= 0.05,
    )
    counted(
        "kind is `label`, .5 to .8 of a class", runs // 4, lambda r: looks(r, 0.8).kind == "label"
    )


def class_rows(rng, reference, batch, n, *, temperature=1.0, frames=1, apart=3.0):
    """Probabilities of 400 rows of a reference and `n` of a batch, with classes and blocks."""
    k, sides = len(reference), []
    for shares, rows in ((reference, 400), (batch, n)):
        classes = np.repeat(rng.choice(k, rows // frames, p=shares), frames)
        X = apart * np.eye(k)[classes]
        X += np.repeat(rng.normal(size=(rows // frames, k)), frames, axis=0)
        logits = (apart * X + np.log(reference)) / temperature
        p = np.exp(logits - logits.max(axis=1, keepdims=True))
        sides.append((p / p.sum(axis=1, keepdims=True), classes, np.arange(rows) // frames))
    (p, y, x), (q, _, z) = sides
    return (p, y, q), (x, z)


def run_shares(runs):
    even, three = np.full(3, 1 / 3), np.array([0.7, 0.25, 0.05])
    settings = {
        "three classes": (even, three, 200, {"apart": 2.0}),
        "three classes, 50 rows": (even, three, 50, {"apart": 2.0}),
        "no shift": (even, even, 200, {"apart": 2.0}),
        "hardly told apart": (even, three, 200, {"apart": 1.0}),
        "too sure (temperature .4)": (even, three, 200, {"apart": 2.0, "temperature": 0.4}),
        "not sure enough (temperature 3)": (even, three, 200, {"apart": 2.0, "temperature": 3}),
        "scenes of five": (even, three, 400, {"apart": 2.0, "frames": 5}),
        "ten classes, rare become common": (WEIGHTS, WEIGHTS[::-1], 200, {}),
        "never wrong": (even, three, 100, {"apart": 12.0}),
    }
    for name, (reference, batch, n, options) in settings.items():
        begin, missed, width = time.process_time(), np.zeros((runs, len(batch)), bool), 0.0
        for run in range(runs):
            rng = np.random.default_rng([9, run])
            rows, blocks = class_rows(rng, reference, batch, n, **options)
            found = class_shares(*rows, blocks=blocks)
            missed[run] = (batch < found.low) | (batch > found.high)
            width += (found.high - found.low).mean() / runs
        worst = int(missed.sum(axis=0).max())
        print(f"mean {missed.mean():.3f}, mean width {width:.3f}; of the worst class:")
        say(f"share of a class misses: {name}", worst, runs, time.process_time() - begin)


PARTS = {
    "tests": run_tests,
    "decision": run_decision,
    "blocks": run_blocks,
    "stream": run_stream,
    "cameras": run_cameras,
    "monitors": run_monitors,
    "harm": run_harm,
    "shares": run_shares,
}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], default=list(PARTS))
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--tests", nargs="+", choices=TESTS, default=list(TESTS))
    options = parser.parse_args()
    for name in options.parts or PARTS:
        more = {"names": options.tests} if name == "tests" else {}
        PARTS[name](options.runs, **more)


if __name__ == "__main__":
    main()
