from __future__ import annotations

import numpy as np
import pytest

from tamis.services.add.known_samples import KnownSamples


def test_exactly_the_given_ids_are_known() -> None:
    rng = np.random.default_rng(0)
    ids = [rng.bytes(16).hex() for _ in range(3000)]
    known = KnownSamples([ids[:700], [], ids[700:2000]])

    assert len(known) == 2000
    assert [name in known for name in ids] == [True] * 2000 + [False] * 1000


def test_ids_that_share_a_half_are_told_apart() -> None:
    halves = ["0" * 16, "f" * 16, "0" * 15 + "1"]
    ids = [first + second for first in halves for second in halves]

    for left_out in ids:
        known = KnownSamples([[name for name in ids if name != left_out]])
        assert [name for name in ids if name not in known] == [left_out]


@pytest.mark.parametrize("pieces", [[], [[]], [[], []]])
def test_an_empty_dataset_knows_nothing(pieces: list[list[str]]) -> None:
    assert "0" * 32 not in KnownSamples(pieces)
