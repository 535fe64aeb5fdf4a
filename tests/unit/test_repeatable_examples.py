"""What Hypothesis tries in `make test` is the same in every run."""

from __future__ import annotations

import importlib
import sys
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

if TYPE_CHECKING:
    from pathlib import Path


def examples() -> list[object]:
    tried: list[object] = []

    @settings(max_examples=100)
    @given(st.integers() | st.text(max_size=20))
    def collect(value: object) -> None:
        tried.append(value)

    collect()
    return tried


def test_examples_do_not_depend_on_what_ran_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not settings().derandomize:
        pytest.skip("chance chooses the examples of this run")
    before = examples()
    assert len(before) == 100
    constants = [*range(10_000, 10_400), *(f"word {number}" for number in range(400))]
    (tmp_path / "full_of_constants.py").write_text(f"{constants = }")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setitem(sys.modules, "full_of_constants", None)  # undone at the end
    del sys.modules["full_of_constants"]
    importlib.import_module("full_of_constants")
    assert examples() == before
