"""Whatever the pairs: kept pictures cover the dropped and pack, in any order of rows."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tamis.algo.duplicates import greedy_leader


@st.composite
def graphs(draw):
    n = draw(st.integers(1, 12))
    row = st.integers(0, n - 1)
    pairs = draw(st.lists(st.tuples(row, row).filter(lambda pair: pair[0] != pair[1])))
    order = draw(st.permutations(range(n)))
    return n, pairs, order


@given(graphs())
def test_covers_and_packs(graph):
    n, pairs, order = graph
    keeper = greedy_leader(n, [a for a, _ in pairs], [b for _, b in pairs], order)
    paired = {frozenset(pair) for pair in pairs}
    kept = {row for row in range(n) if keeper[row] == row}
    rank = {row: place for place, row in enumerate(order)}
    for row in range(n):
        assert keeper[row] in kept
        if row not in kept:
            assert frozenset((row, int(keeper[row]))) in paired
            assert rank[int(keeper[row])] < rank[row]
    for a in kept:
        assert not any(frozenset((a, b)) in paired for b in kept if a != b)


@given(graphs(), st.randoms(use_true_random=False))
def test_numbering_does_not_matter(graph, random):
    n, pairs, order = graph
    name = list(range(n))
    random.shuffle(name)
    shuffled = [(name[b], name[a]) for a, b in pairs]
    random.shuffle(shuffled)
    keeper = greedy_leader(n, [a for a, _ in pairs], [b for _, b in pairs], order)
    renamed = greedy_leader(
        n, [a for a, _ in shuffled], [b for _, b in shuffled], [name[row] for row in order]
    )
    assert [name[int(keeper[row])] for row in range(n)] == [
        int(renamed[name[row]]) for row in range(n)
    ]
