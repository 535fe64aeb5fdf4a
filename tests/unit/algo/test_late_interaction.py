"""Late interaction: each token of the query finds its best token in a picture."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tamis.algo.late_interaction import late_interaction


def tokens(count, dim, seed):
    return np.random.default_rng(seed).normal(size=(count, dim)).astype(np.float32)


@given(st.integers(1, 6), st.integers(1, 9), st.integers(1, 4), st.integers(0, 99))
def test_it_is_the_mean_of_the_best_cosines(asked, there, pictures, seed):
    query = tokens(asked, 5, seed)
    maps = tokens(pictures * there, 5, seed + 1).reshape(pictures, there, 5)
    expected = []
    for picture in maps:
        best = [
            max(np.dot(q, t) / np.linalg.norm(q) / np.linalg.norm(t) for t in picture)
            for q in query
        ]
        expected.append(np.mean(best))
    np.testing.assert_allclose(late_interaction(query, maps), expected, atol=1e-5)


@given(st.integers(0, 99))
def test_neither_lengths_nor_places_of_tokens_matter(seed):
    query, maps = tokens(3, 4, seed), tokens(7, 4, seed + 1)[None]
    shuffled = maps[:, np.random.default_rng(seed).permutation(7)]
    np.testing.assert_allclose(
        late_interaction(5 * query, shuffled * 3), late_interaction(query, maps), atol=1e-5
    )


def test_a_query_that_occurs_scores_one_wherever_it_lies():
    maps = tokens(20, 6, 0)[None]
    for start in range(17):
        assert late_interaction(maps[0, start : start + 3], maps)[0] > 0.9999


def test_an_empty_patch_is_like_nothing():
    maps = np.zeros((1, 2, 3), np.float32)
    assert late_interaction(np.ones((1, 3), np.float32), maps)[0] == 0
