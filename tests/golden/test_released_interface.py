"""What one release offers, every later one does: names, methods, commands, options."""

from __future__ import annotations

import copy
import json
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))

from released_interface import RELEASES, broken, interface  # noqa: E402

NOW = interface()


@pytest.mark.parametrize("release", sorted(RELEASES.glob("*.json")), ids=lambda file: file.stem)
def test_nothing_is_missing_that_a_release_had(release):
    assert broken(json.loads(release.read_text("utf-8")), NOW) == []


def test_each_kind_of_break_is_seen():
    later = copy.deepcopy(NOW)
    later["names"].remove("open")
    del later["methods"]["undo"]
    del later["methods"]["add"]["every"]
    later["commands"]["split"]["--new"] = True
    later["methods"]["embed"]["fresh"] = False
    assert broken(NOW, later) == [
        "add: every",
        "method undo",
        "split: --new must be given",
        "the name open",
    ]


def test_what_became_required_is_a_break():
    later = copy.deepcopy(NOW)
    later["methods"]["add"]["labels"] = True
    assert broken(NOW, later) == ["add: labels must be given"]
