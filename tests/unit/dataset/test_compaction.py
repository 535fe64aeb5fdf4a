from __future__ import annotations

import pytest

from tamis.dataset.compaction import tail_to_merge


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([], 0),
        ([1] * 15, 0),
        ([1] * 16, 16),
        ([4096] * 40, 0),
        ([1024] * 40, 0),
        ([1] * 40 + [4096], 0),
        ([4096, *[1] * 15], 0),
        ([4096, *[1] * 16], 16),
        ([160] * 3 + [10] * 16, 16),
        ([160] * 15 + [10], 0),
        ([160] * 16 + [10], 17),
        ([10] + [160] * 16 + [10], 17),
        ([900] * 10 + [200] * 5 + [300] * 6, 21),
        ([1023] * 16, 16),
    ],
)
def test_the_end_is_merged_once_it_is_worth_it(rows: list[int], expected: int) -> None:
    assert tail_to_merge(rows) == expected


@pytest.mark.parametrize("addition", [1, 7, 100, 1000])
def test_fragments_stay_few_and_rows_are_rewritten_seldom(addition: int) -> None:
    fragments: list[int] = []
    total = rewritten = 0
    for _ in range(20_000 // addition):
        fragments.append(addition)
        total += addition
        count = tail_to_merge(fragments)
        if count:
            merged = sum(fragments[-count:])
            rewritten += merged
            full, rest = divmod(merged, 4096)
            fragments[-count:] = [4096] * full + [rest] * bool(rest)
    assert len(fragments) <= 45 + total / 1024
    assert rewritten <= 3.3 * total
