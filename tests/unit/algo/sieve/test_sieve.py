"""The sieve's options, edges and errors."""

from __future__ import annotations

import numpy as np
import pytest

from tamis.algo.sieve import Sieve
from tamis.errors import UsageError


def unit(*angles):
    radians = np.deg2rad(np.array(angles, dtype=np.float64))
    return np.stack([np.cos(radians), np.sin(radians)], axis=1).astype(np.float32)


def directions(count, dim, seed=0):
    X = np.random.default_rng(seed).normal(size=(count, dim)).astype(np.float32)
    return X / np.linalg.norm(X, axis=1, keepdims=True)


def test_keeps_what_is_new_and_names_what_covers_the_rest():
    sieve = Sieve(threshold=np.cos(np.deg2rad(10)))
    first, near, far = sieve.offer_many(unit(0, 5, 30), keys=["first", "near", "far"])
    assert (bool(first), bool(near), bool(far)) == (True, False, True)
    assert (near.keeper, far.keeper) == ("first", "far")
    assert near.similarity == pytest.approx(np.cos(np.deg2rad(5)))
    assert first.similarity == -1.0
    assert len(sieve) == 2
    assert sieve.keys() == ["first", "far"]
    assert sieve.keeps("far")
    assert not sieve.keeps("near")
    assert sieve.coverage == pytest.approx(np.cos(np.deg2rad(5)))


def test_an_equal_vector_is_never_new_at_any_threshold():
    X = directions(200, 129)
    sieve = Sieve(threshold=1.0)
    assert all(sieve.offer_many(X))
    again = sieve.offer_many(X)
    assert not any(again)
    assert {v.similarity for v in again} == {1.0}


def test_a_similarity_of_exactly_the_threshold_covers():
    x, y = np.eye(2, dtype=np.float32)
    sieve = Sieve(threshold=0.0)
    assert sieve.offer(x)
    assert not sieve.offer(y)
    assert not sieve.offer(-x + 2 * x)
    assert sieve.offer(-x)


@pytest.mark.parametrize("dim", [384, 1280])
def test_float32_rounding_decides_nothing(dim):
    """Thresholds put between the true similarity and its float32 product are decided truly."""
    A, B = directions(400, dim), directions(400, dim, seed=1)
    B = B + 2.0 * A
    B /= np.linalg.norm(B, axis=1, keepdims=True)
    true = 1.0 - np.square(A.astype(np.float64) - B).sum(axis=1) / 2.0
    rounded = np.einsum("nd,nd->n", A, B)
    # half of the differences is enough to stay clear of float64 rounding
    between = (true + rounded) / 2.0
    tellable = np.abs(true - between) > 1e-12
    assert tellable.sum() > 300
    for a, b, value, threshold in zip(
        A[tellable], B[tellable], true[tellable], between[tellable], strict=True
    ):
        sieve = Sieve(float(threshold))
        sieve.offer(a)
        assert sieve.offer(b).kept == (value < threshold)


def test_unit_length_is_asked_for_and_restored_row_by_row():
    X = directions(6, 20)
    mixed = X.copy()
    mixed[3] *= 1.005
    one, two = Sieve(0.5), Sieve(0.5)
    one.offer_many(mixed)
    for row in mixed:
        two.offer(row)
    assert np.array_equal(one.vectors(), two.vectors())
    with pytest.raises(UsageError, match="length 1"):
        one.offer(X[0] * 2)
    for bad in (np.nan, np.inf):
        with pytest.raises(UsageError, match="NaN or infinity"):
            one.offer(np.full(20, bad))
    with pytest.raises(UsageError, match="length 0"):
        one.offer(np.zeros(20))
    with pytest.raises(UsageError, match="7 dimensions and those before them 20"):
        one.offer(directions(1, 7)[0])
    assert one.seen == 6


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"threshold": 1.2}, "threshold is 1.2"),
        ({"threshold": float("nan")}, "threshold is nan"),
        ({"threshold": 0.9, "max_kept": 0}, "max_kept is 0"),
        ({"threshold": 0.9, "window": 0.0}, "window is 0.0"),
        ({"threshold": 0.9, "confirm": 0.0}, "confirm is 0.0"),
        ({"threshold": 0.9, "seed": -1}, "seed is -1"),
    ],
)
def test_options_out_of_range_are_refused(options, message):
    with pytest.raises(UsageError, match=message):
        Sieve(**options)


def test_keys_are_the_callers_own_and_unique_among_the_kept():
    sieve = Sieve(0.9)
    sieve.offer(unit(0)[0], key="a")
    with pytest.raises(UsageError, match="'a' is in use"):
        sieve.offer(unit(90)[0], key="a")
    with pytest.raises(UsageError, match="'b' is in use"):
        sieve.offer_many(unit(90, 180), keys=["b", "b"])
    with pytest.raises(UsageError, match="2 vectors and 1 keys"):
        sieve.offer_many(unit(90, 180), keys=["b"])
    assert sieve.keys() == ["a"]


def test_what_comes_back_after_the_window_is_news():
    sieve = Sieve(0.9, window=30.0)
    times = [0, 10, 35, 64, 94.5]
    verdicts = [sieve.offer(unit(0)[0], time=time, key=str(time)) for time in times]
    # seen every now and then it stays known, after 30.5 s of absence it is new
    assert [v.kept for v in verdicts] == [True, False, False, False, True]
    assert sieve.keys() == ["94.5"]


def test_a_window_needs_times_that_are_numbers():
    sieve = Sieve(0.9, window=30.0)
    with pytest.raises(UsageError, match="needs the time"):
        sieve.offer(unit(0)[0])
    with pytest.raises(UsageError, match="finite"):
        sieve.offer(unit(0)[0], time=float("nan"))


def test_a_time_that_falls_counts_as_no_later():
    sieve = Sieve(0.9, window=30.0)
    sieve.offer(unit(0)[0], time=100.0)
    assert not sieve.offer(unit(0)[0], time=20.0)
    assert not sieve.offer(unit(0)[0], time=130.0)


def test_noting_that_a_kept_vector_was_seen_keeps_it_from_being_forgotten():
    sieve = Sieve(0.9, window=30.0)
    assert not sieve.see("a", time=0.0)
    sieve.offer(unit(0)[0], time=0.0, key="a")
    assert sieve.see("a", time=25.0)
    assert not sieve.offer(unit(0)[0], time=50.0)
    assert not sieve.see("b", time=51.0)
    # too late: it is forgotten by then
    assert not sieve.see("a", time=80.5)
    assert len(sieve) == 0


def test_streams_share_what_is_kept_or_do_not():
    shared, apart = Sieve(0.9), Sieve(0.9, shared=False)
    for sieve, kept in ((shared, False), (apart, True)):
        assert sieve.offer(unit(0)[0], stream="left", key="l")
        assert sieve.offer(unit(0)[0], stream="right", key="r").kept is kept
    assert (len(shared), len(apart)) == (1, 2)
    assert (apart.keys("left"), apart.keys("right"), apart.keys("other")) == (["l"], ["r"], [])
    assert apart.vectors("other").shape == (0, 0)


def test_bounded_memory_doubles_the_distance_when_it_overflows():
    sieve = Sieve(np.cos(np.deg2rad(5)), max_kept=3)
    distance = 2 * np.sin(np.deg2rad(2.5))
    verdicts = sieve.offer_many(unit(0, 8, 16, 40), keys=list("abcd"))
    assert all(verdicts)
    assert 1 - sieve.threshold == pytest.approx((2 * distance) ** 2 / 2)
    # 8° apart is under the new 10°: b went to a; c, 16° from a, stayed
    assert verdicts[-1].merged == {"b": "a"}
    assert sieve.keys() == ["a", "c", "d"]
    assert sieve.coverage == pytest.approx(np.cos(np.deg2rad(8)), abs=1e-6)


def test_bounded_memory_works_from_a_threshold_that_only_equals_reach():
    sieve = Sieve(1.0, max_kept=2)
    sieve.offer_many(directions(50, 4))
    assert 1 <= len(sieve) <= 2


def test_the_threshold_may_be_set_but_not_raised_with_bounded_memory():
    sieve = Sieve(0.9)
    sieve.offer(unit(0)[0])
    sieve.threshold = 0.99
    assert sieve.offer(unit(10)[0])
    bounded = Sieve(0.9, max_kept=3)
    bounded.threshold = 0.8
    with pytest.raises(UsageError, match="falls only"):
        bounded.threshold = 0.85


def test_merging_two_cameras_keeps_what_either_saw():
    one, two = Sieve(np.cos(np.deg2rad(10))), Sieve(np.cos(np.deg2rad(10)))
    one.offer_many(unit(0, 50))
    two.offer_many(unit(6, 100, 13))
    with pytest.raises(UsageError, match="'0'; give a prefix"):
        one.merge(two)
    assert one.keys() == ["0", "1"]
    one.merge(two, prefix="two/")
    assert one.keys() == ["0", "1", "two/1"]
    assert two.keys() == ["0", "1"]
    # two/2 at 13° is within 10° of two/0 at 6°, and that within 10° of 0: 13° is the true distance
    assert np.cos(np.deg2rad(13.1)) < one.coverage + 0.001
    assert one.coverage <= np.cos(np.deg2rad(12.9))


@pytest.mark.parametrize(
    ("options", "name"),
    [({"threshold": 0.8}, "threshold"), ({"window": 5.0}, "window"), ({"shared": False}, "shared")],
)
def test_sieves_of_other_options_do_not_merge(options, name):
    with pytest.raises(UsageError, match=name):
        Sieve(0.9).merge(Sieve(**{"threshold": 0.9, **options}))
