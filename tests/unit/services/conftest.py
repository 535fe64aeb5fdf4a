"""Fixtures for tests of services."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from embedded_once import pictures_embedded_once
from pair_measurements import few_pairs_measured, pairs_compared_once

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module", autouse=True)
def embedded_once() -> Iterator[None]:
    """Embed each picture once: a bundled encoder gives it one vector, however it is asked."""
    with pictures_embedded_once():
        yield


@pytest.fixture
def few_measured() -> Iterator[None]:
    """Calibrate by two copies of a kind and few random pairs, where that is not the question."""
    with few_pairs_measured():
        yield


@pytest.fixture
def compared_once() -> Iterator[None]:
    """Compare each pair of pictures once, where it is not the question what that gives."""
    with pairs_compared_once():
        yield
