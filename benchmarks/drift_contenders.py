"""What `drift_power.py` compares: tests of tamis and of other packages, one function each.

A contender takes the vectors of a reference and of a batch, their figures (brightness, sharpness)
and a seed, and returns what says drift at 5 %, by name: one answer, or several where they share
work. Packages are imported on first use, so each environment needs only those it runs.
"""

from __future__ import annotations

import warnings

import numpy as np

LEVEL = 0.05


def tamis(vectors, figures, seed):
    """The one decision on vectors as stored, that with figures, and each test of vectors."""
    from tamis.algo import two_sample
    from tamis.algo.drift import Covariate, decide_drift, fit_reference

    rng = np.random.default_rng(seed)
    reference = fit_reference(vectors[0], covariates=figures[0], rng=rng)
    pooled = reference.pooled_with(vectors[1], covariates=figures[1], rng=rng)
    names = [Covariate("brightness"), Covariate("sharpness")]
    told = decide_drift(pooled, names, permutations=199, rng=rng)
    # Without figures the decision is that of the vectors by themselves.
    found = {"tamis": told.p_vectors <= LEVEL, "tamis+figures": told.drift}
    dealt = two_sample.deals(pooled.unit_is_batch, 199, rng)
    statistics = {
        "mmd": two_sample.MmdStatistic(pooled, rng=rng),
        "classifier": two_sample.ClassifierStatistic(pooled, rng=rng),
        "neighbors": two_sample.NeighborStatistic(pooled, rng=rng),
        "energy": two_sample.EnergyStatistic(pooled),
    }
    for name, one in statistics.items():
        p = two_sample.p_values(two_sample.evaluated(one, dealt))[0]
        found[name] = bool(p <= LEVEL)
    return found


def tamis_decision(vectors, _, seed):
    from tamis.algo.drift import decide_drift, fit_reference

    rng = np.random.default_rng(seed)
    pooled = fit_reference(vectors[0], rng=rng).pooled_with(vectors[1], rng=rng)
    return {"tamis": decide_drift(pooled, permutations=199, rng=rng).drift}


def tamis_test(name):
    def run(vectors, _, seed):
        from tamis.algo import two_sample

        rng = np.random.default_rng(seed)
        pooled = two_sample.pool(*vectors, rng=rng)
        found = getattr(two_sample, f"{name}_test")(pooled, permutations=100, rng=rng).p <= LEVEL
        return {name: found}

    return run


def alibi(name, **options):
    def run(vectors, _, seed):
        import torch
        from alibi_detect import cd

        torch.set_num_threads(1)
        torch.manual_seed(seed)
        detector = getattr(cd, name)(vectors[0].astype(np.float32), p_val=LEVEL, **options)
        found = detector.predict(vectors[1].astype(np.float32))["data"]["is_drift"]
        return {f"alibi {name}": bool(found)}

    return run


def alibi_c2st(vectors, _, seed):
    from sklearn.linear_model import LogisticRegression

    # 5 folds, and the Kolmogorov-Smirnov test of probabilities out of fold.
    options = {"backend": "sklearn", "n_folds": 5, "seed": seed, "preds_type": "probs"}
    model = LogisticRegression(max_iter=200)
    found = alibi("ClassifierDrift", model=model, **options)(vectors, None, seed)
    return {"alibi C2ST": found["alibi ClassifierDrift"]}


def dataeval(name, **options):
    def run(vectors, _, seed):
        import torch
        from dataeval import shift

        torch.set_num_threads(1)
        torch.manual_seed(seed)
        detector = getattr(shift, name)(**options)
        detector.fit(vectors[0].astype(np.float32))
        found = detector.predict(vectors[1].astype(np.float32)).drifted
        return {f"dataeval {name}": bool(found)}

    return run


def evidently(name, **options):
    def run(vectors, _, __):
        import pandas as pd
        from evidently.legacy.metrics.data_drift import embedding_drift_methods as methods

        reference, batch = (pd.DataFrame(side) for side in vectors)
        # Random states are fixed in the package.
        method = getattr(methods, name)(bootstrap=True, **options)
        return {f"evidently {name}": bool(method(batch, reference)[1])}

    return run


def frouros_mmd(vectors, _, seed):
    from functools import partial

    from frouros.callbacks import PermutationTestDistanceBased
    from frouros.detectors.data_drift import MMD
    from frouros.utils.kernels import rbf_kernel

    test = PermutationTestDistanceBased(
        num_permutations=100, random_state=seed, num_jobs=1, name="test"
    )
    # Its default width is 1; the median distance, as others take it, serves it better.
    sides = [side.astype(np.float64) for side in vectors]
    width = float(np.median(np.linalg.norm(sides[0][:200] - sides[0][200:400], axis=1)))
    detector = MMD(kernel=partial(rbf_kernel, sigma=width), callbacks=[test])
    detector.fit(X=sides[0])
    _, logs = detector.compare(X=sides[1])
    return {"frouros MMD": bool(logs["test"]["p_value"] <= LEVEL)}


CONTENDERS = {
    "tamis-all": tamis,
    "tamis": tamis_decision,
    "mmd": tamis_test("mmd"),
    "energy": tamis_test("energy"),
    "classifier": tamis_test("classifier"),
    "neighbor": tamis_test("neighbor"),
    "alibi-mmd": alibi("MMDDrift", backend="pytorch", n_permutations=100),
    "alibi-ks": alibi("KSDrift"),
    "alibi-c2st": alibi_c2st,
    "dataeval-mmd": dataeval("DriftMMD", p_val=LEVEL, n_permutations=100),
    "dataeval-ks": dataeval("DriftUnivariate", method="ks", p_val=LEVEL),
    "dataeval-knn": dataeval("DriftKNeighbors", p_val=LEVEL),
    "dataeval-domain": dataeval("DriftDomainClassifier"),
    "evidently-model": evidently("model"),
    "evidently-distance": evidently("distance"),
    "evidently-mmd": evidently("mmd"),
    "frouros-mmd": frouros_mmd,
}


def says(name, vectors, figures, seed):
    """What a contender says, by name."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return CONTENDERS[name](vectors, figures, seed)
