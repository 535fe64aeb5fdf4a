"""Pairs in a report: leaks as the audit counts them, changed versions with what differs framed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pytest

from tamis.runtime.comparison import Comparison
from tamis.services.report.collect import collect
from tamis.services.report.render import render

if TYPE_CHECKING:
    from tamis.dataset.store import Store


@dataclass(frozen=True)
class Found:
    left_id: str
    right_id: str
    splits: tuple[str, str] = ("train", "val")
    kind: str = "near"
    score: float | None = 0.97
    reason: str = "the same picture"
    regions: list[dict[str, list[int]]] = field(default_factory=list)


@dataclass(frozen=True)
class Audited:
    leaks: list[Found]
    leak_count: int
    copies: int = 0
    changed: int = 0
    undecided: int = 0
    changed_together: bool = True
    changed_apart: list[Found] = field(default_factory=list)


def name(number: int) -> str:
    return f"{number:032x}"


def test_leaks_are_pairs_with_their_splits_and_places(curated: Store) -> None:
    places = [{"left": [320, 240, 64, 48], "right": [0, 0, 640, 480]}]
    changed = Found(
        name(4), name(6), ("train", "test"), "changed", 0.4, "the same view, changed", places
    )
    audit = Audited([Found(name(0), name(5)), changed], 7, copies=5, changed=2)
    data = collect(curated, audit=audit)
    assert data.leaks_total == 7
    first, second = data.leaks
    assert [first.left.path, first.right.path] == ["photos/0.jpg", "photos/5.jpg"]
    assert first.caption == "near, score 0.97: the same picture"
    assert (first.left.boxes, first.right.boxes) == ((), ())
    assert [tile.badge and tile.badge.text for tile in (second.left, second.right)] == [
        "train",
        "test",
    ]
    assert second.left.boxes == ((50.0, 50.0, 10.0, 10.0),)
    assert second.right.boxes == ((0.0, 0.0, 100.0, 100.0),)
    assert (second.score, second.left.split) == (0.4, "train")
    leaks = data.split_figures[0]
    assert (leaks.label, leaks.value) == ("Leaks", "7")
    assert "5 copies, 2 changed versions, 0 undecided" in leaks.explanation
    page = render(data)
    assert "left: 50.0%; top: 50.0%; width: 10.0%; height: 10.0%" in page
    assert "2 of 7 leaks shown" in page
    assert "the same view, changed" in page


def test_what_is_no_leak_is_shown_and_counted_apart(curated: Store) -> None:
    apart = [Found(name(4), name(6), kind="changed", reason="the same view, changed")]
    audit = Audited(
        [], 0, changed=90, undecided=2, changed_together=False, changed_apart=apart * 20
    )
    data = collect(curated, audit=audit)
    leaks, changed = data.split_figures[:2]
    assert (leaks.value, changed.value) == ("0", "92")
    assert changed.label == "Changed versions across splits"
    assert (len(data.changed_apart), data.changed_apart_total) == (8, 92)
    page = render(data)
    assert "8 of 92 pairs shown" in page
    assert "leaks shown" not in page


def test_parts_are_counted_and_not_shown(curated: Store) -> None:
    audit = Audited([Found("", "", kind="part"), Found(name(0), name(5))], 2)
    data = collect(curated, audit=audit)
    assert (len(data.leaks), data.leaks_total) == (1, 2)


def test_without_an_audit_nothing_is_claimed(curated: Store) -> None:
    data = collect(curated)
    assert "Leaks" not in [figure.label for figure in data.split_figures]
    assert (data.leaks, data.leaks_total, data.changed_apart_total) == ((), 0, 0)


@pytest.fixture
def changed_groups(curated: Store, monkeypatch: pytest.MonkeyPatch) -> Store:
    """6, 7 and 8 show one view, 9 and 10 another; 0 and 5 only its copies."""
    groups = {6: "a", 7: "a", 8: "a", 9: "b", 10: "b", 1: "c", 0: "c"}
    with curated.operation("duplicates", {"threshold": "auto"}, seed=7) as op:
        op.set_marks([name(row) for row in groups], {"changed_group": list(groups.values())})
        op.counts |= {"threshold": 0.7, "changed_threshold": 0.6}

    class Verifier:
        def __init__(self, _store: Store, ids: list[str]) -> None:
            self.rows = [int(one, 16) for one in ids]

        def compare(self, left: np.ndarray, right: np.ndarray) -> Comparison:
            pairs = [(self.rows[a], self.rows[b]) for a, b in zip(left, right, strict=True)]
            view = np.array([0.9 if pair in {(6, 8), (9, 10)} else 0.1 for pair in pairs])
            box = np.array([[0.5, 0.5, 0.1, 0.1]], np.float32)
            no = np.zeros(len(pairs), np.bool_)
            unsure = np.array([pair == (9, 10) for pair in pairs])
            places = (box,) * len(pairs)
            covers, sharper = np.zeros((len(pairs), 2), np.bool_), np.zeros(len(pairs), np.int8)
            return Comparison(
                view.astype(np.float32) / 2, view, unsure, no, places, places, covers, sharper
            )

    monkeypatch.setattr("tamis.services.report.pairs.PairVerifier", Verifier)
    return curated


def test_changed_versions_are_shown_a_pair_for_each_group(changed_groups: Store) -> None:
    data = collect(changed_groups)
    shown = [(pair.left.path, pair.right.path, pair.caption) for pair in data.changed]
    assert shown == [
        ("photos/6.jpg", "photos/8.jpg", "changed, score 0.45, 3 in the group"),
        ("photos/9.jpg", "photos/10.jpg", "undecided, score 0.45, 2 in the group"),
    ]
    assert data.changed_total == 2
    assert data.changed[0].left.boxes == ((50.0, 50.0, 10.0, 10.0),)
    assert "3 in the group" in render(data)
