"""Results as Python shows them."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from types import SimpleNamespace
from typing import ClassVar

import pytest

from tamis.errors import UsageError
from tamis.verbs.result import Result


@dataclass(frozen=True)
class Entry:
    path: str
    score: float


@dataclass(frozen=True, kw_only=True, repr=False)
class Found(Result):
    """What was found."""

    table_of: ClassVar = "entries"

    entries: list[Entry]
    words: tuple[str, ...] = ()
    threshold: float = 0.1 + 0.2


FOUND = Found(
    entries=[Entry(f"{n}.jpg", n / 3) for n in range(500)], notes=["look twice", "and <b>"]
)


def test_a_result_is_short_and_tells_its_notes():
    told = repr(FOUND)
    assert "entries=list of 500" in told
    assert "threshold=0.3)" in told
    assert told.splitlines()[1:] == ["note: look twice", "note: and <b>"]
    assert len(told) < 200


def test_a_notebook_tells_the_notes_too():
    told = FOUND._repr_html_()
    assert "look twice" in told
    assert "and &lt;b&gt;" in told


@pytest.fixture
def pandas(monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", SimpleNamespace(DataFrame=lambda rows: rows))


@pytest.mark.usefixtures("pandas")
def test_the_main_list_becomes_a_table():
    rows = FOUND.to_pandas()
    assert len(rows) == 500
    assert rows[3] == {"path": "3.jpg", "score": 1.0}


@pytest.mark.usefixtures("pandas")
def test_what_is_no_list_is_refused_with_the_names_of_those_there_are():
    with pytest.raises(UsageError, match="no list 'threshold'; name one of entries, words"):
        FOUND.to_pandas("threshold")


def test_without_pandas_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(UsageError, match="pip install pandas"):
        FOUND.to_pandas()
