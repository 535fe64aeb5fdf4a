"""Monitors of streams: false alarms at every look, delay, change points, restarts, states."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from tamis.algo.sequential import (
    OnlineFalseDiscovery,
    e_benjamini_hochberg,
    start_monitor,
    wealth_for_an_alarm,
)
from tamis.algo.sequential.betting import BINS, bin_of, new_wealth
from tamis.algo.sequential.change_point import change_point
from tamis.algo.sequential.conformal import bag_of, score_edges
from tamis.algo.sequential.monitor import uniform_chances
from tamis.algo.sequential.score_functions import fit_scores
from tamis.errors import UsageError

MEMORIES = np.array([30.0, 150.0, 750.0])


def monitor_of(rng, n=100, dim=4, **options):
    return start_monitor(rng.normal(size=(n, dim)), seed=int(rng.integers(2**31)), **options)


def test_ranks_are_those_of_a_loop():
    rng = np.random.default_rng(0)
    reference = rng.integers(0, 6, (20, 2)).astype(float)
    edges = np.tile(np.arange(7.0), (2, 1))
    bag = bag_of(edges, reference)
    rows = rng.integers(0, 6, (30, 2)).astype(float)
    rows[3, 1] = np.nan
    chance = rng.random((30, 2))
    places = bag.places(rows)
    found = np.concatenate([bag.ranked(places[:7], chance[:7]), bag.ranked(places[7:], chance[7:])])
    for s in range(2):
        held = list(reference[:, s])
        for t in range(30):
            if np.isnan(rows[t, s]):
                assert found[t, s] == chance[t, s]
                continue
            held.append(rows[t, s])
            above = sum(other > rows[t, s] for other in held)
            same = sum(other == rows[t, s] for other in held)
            assert found[t, s] == pytest.approx((above + chance[t, s] * same) / len(held))


def test_ranks_are_uniform_and_independent_though_the_reference_is_small():
    rng = np.random.default_rng(1)
    found = []
    for _ in range(400):
        bag = bag_of(score_edges(rng.normal(size=(10, 1))), rng.normal(size=(5, 1)))
        found.append(bag.ranked(bag.places(rng.normal(size=(20, 1))), rng.random((20, 1)))[:, 0])
    found = np.array(found)
    assert stats.kstest(found.ravel(), "uniform").pvalue > 1e-4
    assert stats.kstest(found[:, -1], "uniform").pvalue > 1e-4
    correlation = np.corrcoef(found, rowvar=False)[np.triu_indices(20, 1)]
    assert abs(correlation.mean()) < 5 / np.sqrt(400 * correlation.size)


def test_bets_are_those_of_a_loop():
    rng = np.random.default_rng(2)
    intervals = rng.integers(0, BINS, (50, 3))
    wealth = new_wealth(3)
    path = np.concatenate([wealth.bet(intervals[:20]), wealth.bet(intervals[20:])])
    width = uniform_chances()
    funds = np.ones(3)
    idle, capital, recent = np.ones(3), np.zeros((3, 3)), np.zeros((3, 3, BINS))
    for t, now in enumerate(intervals):
        lent = idle / (t + 2)
        idle = idle - lent
        for s, interval in enumerate(now):
            for m, memory in enumerate(MEMORIES):
                seen = recent[s, m]
                density = (seen[interval] / width[interval] + 10) / (seen.sum() + 10)
                capital[s, m] = (capital[s, m] + lent[s] / 3) * density
                recent[s, m] *= np.exp(-1 / memory)
                recent[s, m, interval] += 1
        funds = idle + capital.sum(axis=1)
        assert path[t] == pytest.approx(np.log(funds.max() / 3), abs=1e-9)
    assert wealth.log == pytest.approx(path[-1])
    assert np.allclose(np.exp(wealth.log_funds), funds)


def test_no_bet_gains_on_average():
    """Each interval of the next p-value, by its chance, leaves the funds where they were."""
    rng = np.random.default_rng(3)
    start = rng.integers(0, BINS, (40, 1))
    before = new_wealth(1)
    before.bet(start)
    after = []
    for interval in range(BINS):
        wealth = new_wealth(1)
        wealth.bet(np.concatenate([start, [[interval]]]))
        after.append(np.exp(wealth.log_funds[0]))
    assert np.dot(after, uniform_chances()) == pytest.approx(np.exp(before.log_funds[0]))


def test_intervals_cover_what_they_say():
    p = np.random.default_rng(4).random(100_000)
    assert np.bincount(bin_of(p)) / p.size == pytest.approx(uniform_chances(), abs=0.006)
    assert uniform_chances().sum() == pytest.approx(1)


def test_a_long_stream_alarms_no_more_often_than_stated():
    """One reference a run and a stream fifty times as long, looked at after each row."""
    runs, alarms = 40, 0
    for seed in range(runs):
        rng = np.random.default_rng(seed)
        alarms += bool(monitor_of(rng, 40, level=0.2).watch(rng.normal(size=(2000, 4))))
    assert alarms <= stats.binom.isf(1e-4, runs, 0.2)


def test_blocks_of_alike_rows_count_once():
    runs, alarms, naive = 30, 0, 0
    for seed in range(runs):
        rng = np.random.default_rng(seed)
        rows = np.repeat(rng.normal(size=(200, 4)), 10, axis=0)
        block = np.repeat(np.arange(200), 10)
        start = {"seed": seed, "level": 0.2}
        monitor = start_monitor(rows[:500], blocks=block[:500], **start)
        alarms += bool(monitor.watch(rows[500:], blocks=block[500:]))
        if seed < 5:
            naive += bool(start_monitor(rows[:500], **start).watch(rows[500:]))
    assert alarms <= stats.binom.isf(1e-4, runs, 0.2)
    assert monitor.step == 150
    assert naive == 5


def test_a_change_is_seen_soon_and_dated():
    late, off, shown = [], [], []
    for seed in range(15):
        rng = np.random.default_rng(seed)
        rows = rng.normal(size=(900, 4))
        rows[600:, 1] += 2
        alarms = [one for one in monitor_of(rng, 200).watch(rows) if one.step > 600]
        late.append(alarms[0].step - 600)
        off.append(abs(alarms[0].since - 601))
        shown.append(alarms[0].streams[0])
    assert np.median(late) < 80
    assert np.median(off) <= 5
    assert all(name.startswith(("direction", "distance")) for name in shown)


def test_figures_that_nobody_knows_any_more_are_no_evidence():
    rng = np.random.default_rng(21)
    light = rng.random((200, 1))
    monitor = start_monitor(rng.normal(size=(200, 4)), light, seed=3)
    assert monitor.watch(rng.normal(size=(2000, 4)), np.full((2000, 1), np.nan)) == []
    assert monitor.e_value < 5


def test_streams_that_are_judged_together_alarm_as_e_bh_chooses():
    rng = np.random.default_rng(22)
    for _ in range(200):
        wealth = rng.normal(3, 2, rng.integers(1, 8))
        chosen = e_benjamini_hochberg(wealth, 0.1)
        told = np.where(chosen, np.inf, wealth)
        for one in range(wealth.size):
            needed = wealth_for_an_alarm(np.delete(told, one), 0.1)
            assert (wealth[one] >= needed - 1e-12) == chosen[one]
    assert wealth_for_an_alarm(np.empty(0), 0.05) == pytest.approx(np.log(20))


def test_an_alarm_that_others_raise_begins_anew():
    rng = np.random.default_rng(23)
    monitor = start_monitor(rng.normal(size=(100, 4)), level=1e-300, seed=1)
    monitor.watch(rng.normal(2, size=(60, 4)))
    wealth = monitor.log_wealth
    alarm = monitor.alarm_now()
    assert (alarm.step, alarm.log_wealth) == (60, wealth)
    assert alarm.since < 10
    assert monitor.restarted == 60
    assert monitor.e_value <= 1


def test_a_covariate_alone_is_seen_and_named():
    rng = np.random.default_rng(5)
    dark = np.concatenate([rng.random(700), rng.random(200) - 0.7])
    rows = rng.normal(size=(900, 4))
    monitor = start_monitor(rows[:400], dark[:400])
    assert monitor.watch(rows[400:700], dark[400:700]) == []
    alarms = monitor.watch(rows[700:], dark[700:])
    assert alarms[0].streams == ("covariate 0",)


def test_after_an_alarm_it_begins_anew_and_alarms_again_while_drift_lasts():
    rng = np.random.default_rng(6)
    monitor = monitor_of(rng, 200)
    alarms = monitor.watch(rng.normal(3, size=(300, 4)))
    assert len(alarms) > 1
    assert monitor.restarted == alarms[-1].step
    assert all(one.since > before.step for before, one in pairwise(alarms))
    assert monitor.log_wealth < np.log(20)
    assert 0 < monitor.e_value < 20


@settings(max_examples=15, deadline=None)
@given(cuts=st.lists(st.integers(1, 399), max_size=6), seed=st.integers(0, 1000))
def test_what_is_stored_goes_on_as_if_it_had_never_stopped(cuts, seed):
    rng = np.random.default_rng(seed)
    reference, rows = rng.normal(size=(60, 3)), rng.normal(size=(400, 3))
    rows[250:, 0] += 2.5
    whole = start_monitor(reference, seed=3)
    expected = whole.watch(rows)
    monitor, found = start_monitor(reference, seed=3), []
    for part in np.split(rows, sorted(set(cuts))):
        found += monitor.watch(part)
        state = {name: array.copy() for name, array in monitor.state().items()}
        monitor = start_monitor(reference, seed=3)
        monitor.resume(state)
    assert [(one.step, one.since, one.streams) for one in found] == [
        (one.step, one.since, one.streams) for one in expected
    ]
    assert monitor.log_wealth == pytest.approx(whole.log_wealth)
    assert (monitor.step, monitor.restarted) == (whole.step, whole.restarted)


def test_memory_does_not_grow_with_the_stream():
    rng = np.random.default_rng(7)
    monitor = monitor_of(rng)
    size = sum(array.nbytes for array in monitor.state().values())
    for _ in range(5):
        monitor.watch(rng.normal(size=(1000, 4)))
    assert sum(array.nbytes for array in monitor.state().values()) == size < 500_000


def test_scores_are_of_the_row_alone():
    rng = np.random.default_rng(8)
    scores = fit_scores(rng.normal(size=(80, 5)), covariates=1, directions=3, rng=rng)
    rows, figures = rng.normal(size=(30, 5)), rng.random(30)
    found = scores(rows, figures)
    assert found.shape == (30, len(scores.names)) == (30, 6)
    assert np.allclose(found[7], scores(rows[7:8], figures[7:8])[0])
    centred = rows - scores.mean
    rest = centred - (centred @ scores.directions.T) @ scores.directions
    assert np.allclose(found[:, 3], np.linalg.norm(rest, axis=1))
    distance = np.linalg.norm(rows[:, None] - scores.known, axis=2).min(axis=1)
    assert np.allclose(found[:, 4], distance, atol=1e-6)


def test_the_change_point_is_the_likeliest_by_a_loop():
    rng = np.random.default_rng(9)
    chances = np.array([0.2, 0.3, 0.5])
    seen = np.concatenate([rng.choice(3, 30, p=chances), rng.choice(3, 20, p=[0.8, 0.1, 0.1])])
    likelihood = []
    for step in range(50):
        counts, value = np.full(3, 0.5), 0.0
        for interval in seen[step:]:
            value += np.log(counts[interval] / counts.sum()) - np.log(chances[interval])
            counts[interval] += 1
        likelihood.append(value)
    step, gain = change_point(seen[:, None], chances)
    assert step == int(np.argmax(likelihood))
    assert gain[0] == pytest.approx(max(likelihood))
    assert change_point(np.empty((0, 2), np.int64), chances)[0] == 0


def test_e_bh_is_that_of_a_loop_and_finds_all_strong_ones():
    rng = np.random.default_rng(10)
    for _ in range(50):
        wealth = np.exp(rng.normal(2, 2, 8))
        enough = [k for k in range(1, 9) if np.sort(wealth)[-k] >= 8 / (0.1 * k)]
        chosen = e_benjamini_hochberg(np.log(wealth), 0.1)
        assert chosen.sum() == max(enough, default=0)
        assert chosen.all() or not chosen.any() or wealth[chosen].min() >= wealth[~chosen].max()
    assert e_benjamini_hochberg(np.empty(0), 0.1).size == 0


def test_levels_of_days_sum_up_to_less_than_the_one_stated():
    days = OnlineFalseDiscovery(0.05)
    levels = []
    for _ in range(3000):
        levels.append(days.next_level())
        assert not days.decide(1.0)
    assert sum(levels) < 0.025
    assert levels == sorted(levels, reverse=True)


def test_an_alarm_earns_higher_levels():
    """LORD++: the first alarm earns the level less what it began with, later ones the level."""
    days = OnlineFalseDiscovery(0.1)
    gamma = [0.07720838 * np.log(max(t, 2)) / (t * np.exp(np.sqrt(np.log(t)))) for t in range(1, 9)]
    p = [0.5, 1e-6, 0.5, 1e-6, 0.5, 0.9, 0.9, 0.9]
    for t, value in enumerate(p, 1):
        expected = 0.05 * gamma[t - 1]
        if t > 2:
            expected += 0.05 * gamma[t - 3]
        if t > 4:
            expected += 0.1 * gamma[t - 5]
        assert days.next_level() == pytest.approx(expected)
        assert days.decide(value) == (value <= expected)
    assert days.alarms == [2, 4]


def test_few_false_alarms_among_all():
    shares = []
    for seed in range(30):
        rng = np.random.default_rng(seed)
        drifts = rng.random(300) < 0.2
        p = np.where(drifts, stats.norm.sf(rng.normal(3.5, size=300)), rng.random(300))
        days = OnlineFalseDiscovery(0.1)
        chosen = np.array([days.decide(float(one)) for one in p])
        shares.append((chosen & ~drifts).sum() / max(1, chosen.sum()))
    assert np.mean(shares) < 0.1 + 4 * np.std(shares) / np.sqrt(30)
    assert chosen.sum() > 10


def test_wrong_use_is_refused():
    rng = np.random.default_rng(11)
    with pytest.raises(UsageError, match="between 0 and 1, not at 2"):
        start_monitor(rng.normal(size=(10, 2)), level=2)
    with pytest.raises(UsageError, match="four blocks of reference, not 3"):
        start_monitor(rng.normal(size=(3, 2)))
    with pytest.raises(UsageError, match="10 rows and 3 blocks"):
        start_monitor(rng.normal(size=(10, 2)), blocks=np.arange(3))
    monitor = monitor_of(rng)
    with pytest.raises(UsageError, match="4 dimensions of the reference"):
        monitor.watch(rng.normal(size=(3, 5)))
    with pytest.raises(UsageError, match="0 covariates, not 1"):
        monitor.watch(rng.normal(size=(3, 4)), np.ones(3))
    with pytest.raises(UsageError, match="lie apart"):
        monitor.watch(rng.normal(size=(3, 4)), blocks=np.array([0, 1, 0]))
    with pytest.raises(UsageError, match="3 rows and 2 blocks"):
        monitor.watch(rng.normal(size=(3, 4)), blocks=np.array([0, 1]))
    assert monitor.watch(np.empty((0, 4)), blocks=np.empty(0, np.int64)) == []
    with pytest.raises(UsageError, match="does not fit its reference"):
        monitor.resume(monitor_of(rng, dim=9).state())
    with pytest.raises(UsageError, match="without a reference"):
        bag_of(np.zeros((1, 3)), np.empty((0, 1)))
    with pytest.raises(UsageError, match="at least two rows"):
        fit_scores(np.ones((1, 3)), rng=rng)
    with pytest.raises(UsageError, match="between 0 and 1, not at 0"):
        e_benjamini_hochberg(np.zeros(3), 0)
    with pytest.raises(UsageError, match=r"not at 1\.5"):
        OnlineFalseDiscovery(0.1).decide(1.5)
