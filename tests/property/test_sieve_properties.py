"""What the sieve promises, for any vectors, order, batching and mode."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import tamis.algo.sieve.epsilon_net as net_module
from tamis.algo.sieve import Sieve
from tamis.errors import UsageError

ROUNDING = 1e-6
"""How far the cosine of float32 rows may be from the similarity that the sieve decides by."""

QUICK = settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@st.composite
def streams(draw, most=90):
    """Draw vectors that wander, jump, come back and repeat, as a camera's do."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    dim = draw(st.sampled_from([2, 3, 8, 33]))
    count = draw(st.integers(1, most))
    step = draw(st.sampled_from([0.0, 0.02, 0.2, 1.0]))
    places = rng.normal(size=(4, dim))
    here = places[0]
    rows = []
    for _ in range(count):
        if rng.random() < 0.1:
            here = places[rng.integers(4)]
        here = here + step * rng.normal(size=dim)
        rows.append(rows[rng.integers(len(rows))] if rows and rng.random() < 0.2 else here)
    X = np.array(rows) + 1e-3
    return (X / np.linalg.norm(X, axis=1, keepdims=True)).astype(np.float32)


thresholds = st.floats(-0.5, 1.0)


def cosines(A, B):
    return A.astype(np.float64) @ B.astype(np.float64).T


def offer_in_parts(sieve, X, cuts, times=None):
    verdicts = []
    for start, stop in itertools.pairwise([0, *sorted(cuts), len(X)]):
        part = None if times is None else times[start:stop]
        verdicts += sieve.offer_many(X[start:stop], times=part)
    return verdicts


@QUICK
@given(X=streams(), threshold=thresholds)
def test_kept_ones_cover_and_pack(X, threshold):
    sieve = Sieve(threshold)
    verdicts = sieve.offer_many(X)
    kept = sieve.vectors()
    between = cosines(kept, kept)[np.triu_indices(len(kept), 1)]
    assert (between < threshold + ROUNDING).all()
    nearest = cosines(X, kept).max(axis=1)
    assert (nearest >= threshold - ROUNDING).all()
    assert (nearest >= sieve.coverage - ROUNDING).all()
    dropped = [v.similarity for v in verdicts if not v]
    assert sieve.coverage == pytest.approx(min(dropped, default=1.0), abs=1e-12)
    assert [v.key for v in verdicts if v] == sieve.keys()
    assert np.array_equal(X[[v.kept for v in verdicts]], kept)


@QUICK
@given(X=streams(), threshold=thresholds)
def test_the_verdict_names_the_nearest_kept_before(X, threshold):
    before = []
    for row, verdict in enumerate(Sieve(threshold).offer_many(X)):
        near = cosines(X[row : row + 1], X[before])[0] if before else np.array([-1.0])
        assert verdict.similarity == pytest.approx(near.max(), abs=ROUNDING)
        assert verdict.key == str(row)
        if verdict:
            assert verdict.keeper == verdict.key
            before.append(row)
        else:
            assert near[before.index(int(verdict.keeper))] >= near.max() - ROUNDING


@QUICK
@given(
    X=streams(),
    threshold=thresholds,
    cuts=st.lists(st.integers(0, 90), max_size=6),
    max_kept=st.none() | st.integers(1, 12),
    window=st.none() | st.floats(0.5, 20.0),
    index_from=st.sampled_from([8, 10**6]),
    confirm=st.sampled_from([1.0, 0.4]),
    save=st.booleans(),
)
def test_no_answer_depends_on_batching(  # noqa: PLR0917 - Hypothesis draws them
    X, threshold, cuts, max_kept, window, index_from, confirm, save, monkeypatch, tmp_path_factory
):
    monkeypatch.setattr(net_module, "INDEX_FROM", index_from)
    times = np.cumsum(np.full(len(X), 0.7))
    options = {"max_kept": max_kept, "window": window, "confirm": confirm}
    whole = Sieve(threshold, **options)
    verdicts = whole.offer_many(X, times=times)
    single = Sieve(threshold, **options)
    assert [single.offer(x, time=t) for x, t in zip(X, times, strict=True)] == verdicts
    parts = Sieve(threshold, **options)
    assert offer_in_parts(parts, X, [c for c in cuts if c < len(X)], times) == verdicts
    for other in (single, parts):
        assert other.keys() == whole.keys()
        assert (other.threshold, other.coverage, other.seen) == (
            whole.threshold,
            whole.coverage,
            whole.seen,
        )
    if save and index_from > len(X):
        half = len(X) // 2
        first = Sieve(threshold, **options)
        done = first.offer_many(X[:half], times=times[:half])
        path = tmp_path_factory.mktemp("sieve") / "state"
        first.save(path)
        second = Sieve.load(path)
        assert done + second.offer_many(X[half:], times=times[half:]) == verdicts
        assert (second.keys(), second.coverage) == (whole.keys(), whole.coverage)


@QUICK
@given(X=streams(), threshold=st.floats(0.5, 1.0), max_kept=st.integers(1, 6))
def test_bounded_memory_keeps_its_bound(X, threshold, max_kept):
    sieve = Sieve(threshold, max_kept=max_kept)
    most = 0
    for x in X:
        sieve.offer(x)
        most = max(most, len(sieve))
    assert most <= max_kept
    kept = sieve.vectors()
    between = cosines(kept, kept)[np.triu_indices(len(kept), 1)]
    assert (between < sieve.threshold + ROUNDING).all()
    nearest = cosines(X, kept).max(axis=1)
    assert (nearest >= sieve.coverage - ROUNDING).all()
    assert chord(sieve.coverage) <= max(2.0 * chord(sieve.threshold), chord(threshold)) + ROUNDING


@QUICK
@given(X=streams(most=11), threshold=st.floats(0.9, 1.0), max_kept=st.integers(1, 3))
def test_bounded_memory_is_within_eight_times_the_best(X, threshold, max_kept):
    sieve = Sieve(threshold, max_kept=max_kept)
    sieve.offer_many(X)
    distance = np.sqrt(np.maximum(2.0 - 2.0 * cosines(X, X), 0.0))
    best = min(
        distance[:, list(centres)].min(axis=1).max()
        for centres in itertools.combinations(range(len(X)), min(max_kept, len(X)))
    )
    assert chord(sieve.coverage) <= max(chord(threshold), 8.0 * best) + 1e-3


@QUICK
@given(X=streams(), threshold=st.floats(0.5, 1.0), max_kept=st.integers(1, 6))
def test_what_was_merged_is_told_with_what_stands_for_it(X, threshold, max_kept):
    sieve = Sieve(threshold, max_kept=max_kept)
    kept = []
    for verdict in sieve.offer_many(X):
        assert set(verdict.merged) <= set(kept)
        kept = [key for key in kept if key not in verdict.merged]
        kept += [verdict.key] if verdict else []
        assert set(verdict.merged.values()) <= set(kept)
        assert verdict.keeper in kept
    assert kept == sieve.keys()


@QUICK
@given(X=streams(), threshold=st.floats(0.3, 1.0), window=st.floats(0.5, 30.0))
def test_a_window_decides_like_a_plain_loop(X, threshold, window):
    times = np.cumsum(np.random.default_rng(len(X)).exponential(size=len(X)))
    verdicts = Sieve(threshold, window=window).offer_many(X, times=times)
    seen: dict[int, float] = {}
    for row, verdict in enumerate(verdicts):
        seen = {key: at for key, at in seen.items() if times[row] - at <= window}
        rows = list(seen)
        near = cosines(X[row : row + 1], X[rows])[0] if rows else np.array([-2.0])
        if abs(near.max() - threshold) > ROUNDING:
            assert verdict.kept == (near.max() < threshold)
        seen[row if verdict else int(verdict.keeper)] = times[row]


@QUICK
@given(X=streams(), threshold=st.floats(0.3, 1.0), confirm=st.sampled_from([1.0, 0.3]))
def test_an_index_never_drops_what_is_new_and_confirmed_keeps_are_new(
    X, threshold, confirm, monkeypatch
):
    monkeypatch.setattr(net_module, "INDEX_FROM", 6)
    sieve = Sieve(threshold, confirm=confirm)
    verdicts = sieve.offer_many(X)
    monkeypatch.setattr(net_module, "INDEX_FROM", 10**6)
    nearest = cosines(X, sieve.vectors()).max(axis=1)
    assert (nearest >= threshold - ROUNDING).all()
    if confirm == 1.0:
        assert [v.kept for v in verdicts] == [v.kept for v in Sieve(threshold).offer_many(X)]
    else:
        misses = sieve.index_misses
        assert misses.confirmed + misses.unconfirmed >= len(sieve) - 6 - 1


@QUICK
@given(X=streams(), threshold=st.floats(0.3, 1.0), cut=st.integers(0, 90))
def test_two_sieves_merged_cover_what_both_saw(X, threshold, cut):
    one, two = Sieve(threshold), Sieve(threshold)
    one.offer_many(X[:cut])
    two.offer_many(X[cut:])
    one.merge(two, prefix="two/")
    kept = one.vectors()
    between = cosines(kept, kept)[np.triu_indices(len(kept), 1)]
    assert (between < threshold + ROUNDING).all()
    nearest = cosines(X, kept).max(axis=1)
    assert (nearest >= one.coverage - ROUNDING).all()
    assert chord(one.coverage) <= 2.0 * chord(threshold) + ROUNDING
    assert one.seen == len(X)


@QUICK
@given(
    X=streams(),
    threshold=st.floats(0.3, 1.0),
    max_kept=st.none() | st.integers(1, 8),
    cut=st.integers(0, 90),
)
def test_admitting_what_was_kept_restores_a_sieve(X, threshold, max_kept, cut):
    whole = Sieve(threshold, max_kept=max_kept)
    whole.offer_many(X[:cut])
    again = Sieve(threshold, max_kept=max_kept)
    again.threshold = whole.threshold
    if len(whole):
        again.admit(whole.vectors(), keys=whole.keys())
    assert again.keys() == whole.keys()
    again.seen = whole.seen
    assert again.offer_many(X[cut:]) == whole.offer_many(X[cut:])
    assert again.keys() == whole.keys()


def chord(similarity):
    return np.sqrt(max(0.0, 2.0 - 2.0 * similarity))


@pytest.fixture(params=[4, 10**6], ids=["indexed", "all compared"])
def index_from(request, monkeypatch):
    """From how many kept vectors on there is an index."""
    monkeypatch.setattr(net_module, "INDEX_FROM", request.param)
    return request.param


@QUICK
@given(X=streams(), threshold=thresholds, seed=st.integers(0, 1000), reload=st.booleans())
def test_what_was_offered_once_is_never_new_again_in_any_order(  # noqa: PLR0917 - as above
    X, threshold, seed, reload, index_from, tmp_path_factory
):
    sieve = Sieve(threshold)
    sieve.offer_many(X)
    kept = sieve.keys()
    if reload:
        path = tmp_path_factory.mktemp("sieve") / "state"
        sieve.save(path)
        sieve = Sieve.load(path)
    again = sieve.offer_many(X[np.random.default_rng(seed).permutation(len(X))])
    assert not any(again)
    assert all(verdict.similarity >= threshold for verdict in again)
    assert sieve.keys() == kept


@QUICK
@given(X=streams(), threshold=thresholds, seed=st.integers(0, 1000))
def test_every_order_of_the_same_vectors_covers_and_packs(X, threshold, seed, index_from):
    order = np.random.default_rng(seed).permutation(len(X))
    for rows in (X, X[order], np.concatenate([X, X[order]])):
        sieve = Sieve(threshold)
        sieve.offer_many(rows)
        kept = sieve.vectors()
        between = cosines(kept, kept)[np.triu_indices(len(kept), 1)]
        assert (between < threshold + ROUNDING).all()
        assert (cosines(X, kept).max(axis=1) >= threshold - ROUNDING).all()


@QUICK
@given(X=streams(most=40), row=st.integers(0, 39))
def test_exactly_the_threshold_covers_and_the_next_number_does_not(X, row, index_from):
    """Whatever else is kept, and however the similarity comes about."""
    before, y = X[: row % len(X)], X[row % len(X)]
    filled = Sieve(1.0)
    filled.offer_many(before)
    similarity = filled.offer(y).similarity
    # Near the threshold it is summed without rounding, so it is asked for there.
    for _ in range(2):
        asked = Sieve(1.0)
        asked.offer_many(before)
        asked.threshold = max(-1.0, similarity)
        similarity = asked.offer(y).similarity
    if not -1.0 < similarity < 1.0:
        return
    for threshold, is_new in ((similarity, False), (np.nextafter(similarity, 2.0), True)):
        sieve = Sieve(1.0)
        sieve.offer_many(before)
        sieve.threshold = float(threshold)
        assert sieve.offer(y).kept is is_new


@QUICK
@given(X=streams(), threshold=st.floats(0.3, 1.0), bad=st.sampled_from(["zero", "nan", "inf"]))
def test_a_bad_vector_refuses_its_batch_and_leaves_no_trace(X, threshold, bad):
    sieve, spared = Sieve(threshold), Sieve(threshold)
    half = len(X) // 2
    sieve.offer_many(X[:half])
    spared.offer_many(X[:half])
    batch = X[half:].copy()
    batch[-1] = {"zero": 0.0, "nan": np.nan, "inf": np.inf}[bad]
    with pytest.raises(UsageError, match=r"length 1|finite"):
        sieve.offer_many(batch)
    assert sieve.offer_many(X[half:]) == spared.offer_many(X[half:])
    assert (sieve.keys(), sieve.seen, sieve.coverage) == (
        spared.keys(),
        spared.seen,
        spared.coverage,
    )


@QUICK
@given(
    X=streams(),
    threshold=st.floats(0.3, 1.0),
    cut=st.integers(0, 90),
    max_kept=st.none() | st.integers(2, 8),
)
def test_an_index_changes_nothing_that_is_kept_by_merging_or_in_bounded_memory(
    X, threshold, cut, max_kept, monkeypatch
):
    """It may name another keeper than the nearest, which decides on nothing."""
    answers = []
    for index_from in (3, 10**6):
        monkeypatch.setattr(net_module, "INDEX_FROM", index_from)
        one, two = Sieve(threshold, max_kept=max_kept), Sieve(threshold, max_kept=max_kept)
        kept = [v.kept for v in one.offer_many(X[:cut]) + two.offer_many(X[cut:])]
        if max_kept is None:
            one.merge(two, prefix="two/")
        nearest = cosines(
            X,
            np.concatenate(
                [one.vectors().reshape(-1, X.shape[1]), two.vectors().reshape(-1, X.shape[1])]
            ),
        )
        assert (nearest.max(axis=1) >= min(one.coverage, two.coverage) - ROUNDING).all()
        answers.append((kept, one.keys(), two.keys(), one.threshold, two.threshold))
    assert answers[0] == answers[1]


@QUICK
@given(X=streams(), threshold=st.floats(0.3, 0.99), window=st.floats(1.0, 40.0))
def test_an_index_with_a_window_covers_and_packs(X, threshold, window, monkeypatch):
    monkeypatch.setattr(net_module, "INDEX_FROM", 3)
    times = np.arange(len(X), dtype=float)
    sieve = Sieve(threshold, window=window)
    verdicts = sieve.offer_many(X, times=times)
    seen: dict[str, float] = {}
    for row, verdict in enumerate(verdicts):
        seen = {key: at for key, at in seen.items() if times[row] - at <= window}
        near = cosines(X[row : row + 1], X[[int(key) for key in seen]].reshape(-1, X.shape[1]))[0]
        if verdict:
            assert near.size == 0 or near.max() < threshold + ROUNDING
        else:
            assert verdict.keeper in seen
            place = list(seen).index(verdict.keeper)
            assert near[place] >= threshold - ROUNDING
        seen[verdict.keeper] = times[row]
    assert set(seen) == set(sieve.keys())


@QUICK
@given(X=streams(), threshold=st.floats(0.3, 0.99), cut=st.integers(0, 90))
def test_merging_forgets_what_the_window_would_have(X, threshold, cut):
    window = 20.0
    times = np.arange(len(X), dtype=float)
    one, two = Sieve(threshold, window=window), Sieve(threshold, window=window)
    one.offer_many(X[:cut], times=times[:cut])
    verdicts = two.offer_many(X[cut:], times=times[cut:])
    seen = {}
    for row, verdict in enumerate(verdicts, start=cut):
        seen[int(verdict.keeper)] = times[row]
    now = times[-1]
    one.merge(two, prefix="two/")
    late = {f"two/{key}" for key, at in seen.items() if now - at > window}
    assert not late & set(one.keys())
    # What was offered within the window is within twice the distance of a kept one.
    recent = X[times >= now - window]
    nearest = cosines(recent, one.vectors()).max(axis=1)
    assert (np.sqrt(np.maximum(2 - 2 * nearest, 0)) <= 2 * chord(threshold) + 1e-3).all()
