"""Fixtures for tests of the dataset."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tamis.dataset.store import Store

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """An empty dataset."""
    return Store.create(tmp_path / "birds.tamis")
