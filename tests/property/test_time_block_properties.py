"""What holds of blocks of time and their gap, whatever the times."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tamis.algo.splits.time_blocks import inside_gap, time_blocks, torn_moments

SHARES = st.sampled_from([(0.8, 0.1, 0.1), (0.5, 0.5), (0.6, 0.3, 0.1), (0.25,) * 4])


@st.composite
def recordings(draw):
    n = draw(st.integers(1, 60))
    shares = draw(SHARES)
    # Whole numbers make ties and times exactly a gap apart; fractions make none.
    moments = st.integers(0, 50) if draw(st.booleans()) else st.floats(0, 50)
    seconds = np.array(draw(st.lists(moments, min_size=n, max_size=n)), np.float64)
    seconds[draw(st.lists(st.integers(0, n - 1), max_size=5))] = np.nan
    rng = np.random.default_rng(draw(st.integers(0, 2**16)))
    sources, split = rng.integers(0, draw(st.integers(1, 4)), n), rng.integers(0, len(shares), n)
    gap = draw(st.sampled_from([0.0, 0.5, 1.0, 3.0, 20.0]))
    return sources, seconds, split, gap, shares


def too_near(sources, seconds, split, gap):
    """All pairs of one source, of different splits and nearer than the gap, by definition."""
    apart = np.abs(seconds[:, None] - seconds[None])
    one_source = sources[:, None] == sources[None]
    return one_source & (split[:, None] != split[None]) & (apart < gap)


@settings(max_examples=300, deadline=None)
@given(recording=recordings())
def test_what_stays_is_a_gap_apart_and_nothing_goes_for_nothing(recording):
    sources, seconds, split, gap, shares = recording
    goes = inside_gap(sources, seconds, split, gap, shares)
    near = too_near(sources, seconds, split, gap)
    assert not near[np.ix_(~goes, ~goes)].any()
    # Whoever goes had a neighbour that stays: putting any one back would break the gap.
    assert near[np.ix_(goes, ~goes)].any(axis=1).all()
    # The smallest split loses nothing to a larger one.
    smallest = np.flatnonzero(np.asarray(shares) == min(shares))
    if smallest.size == 1:
        assert not goes[split == smallest[0]].any()
    assert not goes[np.isnan(seconds)].any()


@settings(max_examples=100, deadline=None)
@given(recording=recordings(), seed=st.integers(0, 100))
def test_the_order_of_rows_does_not_matter(recording, seed):
    sources, seconds, split, gap, shares = recording
    # Rows of one moment and one source in different splits differ in their order alone.
    _, first = np.unique(np.stack([sources, seconds]), axis=1, return_index=True)
    sources, seconds, split = sources[first], seconds[first], split[first]
    order = np.random.default_rng(seed).permutation(sources.size)
    goes = inside_gap(sources, seconds, split, gap, shares)
    turned = inside_gap(sources[order], seconds[order], split[order], gap, shares)
    assert np.array_equal(goes[order], turned)


@settings(max_examples=200, deadline=None)
@given(recording=recordings())
def test_torn_moments_are_found_exactly_where_there_are_any(recording):
    sources, seconds, split, gap, shares = recording
    earlier, later = torn_moments(sources, seconds, split, gap)
    near = too_near(sources, seconds, split, gap)
    assert near[earlier, later].all()
    assert bool(earlier.size) == bool(near.any())
    stays = ~inside_gap(sources, seconds, split, gap, shares)
    assert torn_moments(sources[stays], seconds[stays], split[stays], gap)[0].size == 0


@settings(max_examples=200, deadline=None)
@given(recording=recordings(), length=st.sampled_from([0.5, 1.0, 7.0, 100.0]))
def test_a_block_is_one_interval_of_one_source(recording, length):
    sources, seconds, *_ = recording
    blocks = time_blocks(sources, seconds, length)
    assert np.array_equal(blocks < 0, np.isnan(seconds))
    for block in range(int(blocks.max()) + 1):
        rows = np.flatnonzero(blocks == block)
        assert rows.size
        assert np.unique(sources[rows]).size == 1
        assert np.ptp(seconds[rows]) <= length
    # Rows that come later move no border: those of one block stay together, of two apart.
    half = slice(None, None, 2)
    some = time_blocks(sources[half], seconds[half], length)
    known = some >= 0
    assert np.array_equal(
        some[known][:, None] == some[known][None],
        blocks[half][known][:, None] == blocks[half][known][None],
    )
