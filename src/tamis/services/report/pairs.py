"""Pairs of pictures that a report shows side by side, with what differs marked."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

import numpy as np

from tamis.algo.calibration import PairThresholds
from tamis.dataset.columns import Column, known
from tamis.dataset.group_columns import last_duplicates
from tamis.dataset.samples import Kind, Samples
from tamis.pages.tile import Badge, PicturePair, in_picture
from tamis.runtime.pair_verification import PairVerifier
from tamis.types import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from tamis.dataset.store import Store
    from tamis.pages.thumbnails import Thumbnails
    from tamis.pages.tile import Tile

__all__ = ["Audit", "AuditedPair", "audited_pairs", "changed_pairs"]

_LEAKS, _CHANGED_GROUPS, _TRIED = 40, 20, 3


class AuditedPair(Protocol):
    """Two pictures of different splits, as an audit of splits names them."""

    @property
    def left_id(self) -> str:
        """Sample id of one."""

    @property
    def right_id(self) -> str:
        """Sample id of the other."""

    @property
    def splits(self) -> tuple[str, str]:
        """The split of each."""

    @property
    def kind(self) -> str:
        """What they are to each other, in a word."""

    @property
    def score(self) -> float | None:
        """1 where nothing differs."""

    @property
    def reason(self) -> str:
        """Why they should lie together."""

    @property
    def regions(self) -> Sequence[Mapping[str, Sequence[int]]]:
        """Where they differ: x, y, width and height in pixels of `left` and `right`."""


class Audit(Protocol):
    """What an audit of splits found, counted as the command line counts it."""

    @property
    def leaks(self) -> Sequence[AuditedPair]:
        """Pairs that should lie in one split, the worst first."""

    @property
    def leak_count(self) -> int:
        """How many leaks there are."""

    @property
    def copies(self) -> int:
        """How many of them are copies."""

    @property
    def changed(self) -> int:
        """Pairs across splits that are changed versions of each other."""

    @property
    def undecided(self) -> int:
        """Pairs across splits that are copies or changed and cannot be told."""

    @property
    def changed_together(self) -> bool:
        """Whether changed versions count as leaks."""

    @property
    def changed_apart(self) -> Sequence[AuditedPair]:
        """Changed versions that are no leaks."""


def audited_pairs(thumbnails: Thumbnails, pairs: Iterable[AuditedPair]) -> tuple[PicturePair, ...]:
    """Return the first pairs of an audit as they are shown, as far as there are thumbnails."""
    shown = []
    for pair in list(pairs)[:_LEAKS]:
        if not pair.left_id or not pair.right_id:
            continue  # a part is named beside its picture, and listed in words
        score = "" if pair.score is None else f", score {pair.score:.2f}"
        one = _side_by_side(
            thumbnails,
            (pair.left_id, pair.right_id),
            badges=pair.splits,
            caption=f"{pair.kind}{score}: {pair.reason}",
            score=pair.score,
            boxes=[[place[end] for place in pair.regions] for end in ("left", "right")],
        )
        if one is not None:
            shown.append(one)
    return tuple(shown)


def changed_pairs(samples: Samples, thumbnails: Thumbnails) -> tuple[tuple[PicturePair, ...], int]:
    """Return a pair of each large group of changed versions, and how many groups there are.

    The marks hold groups only, so the pairs are compared again, three a group at most.
    """
    store = samples.store
    lines = last_duplicates(store)
    if lines is None or lines.threshold is None or lines.changed_threshold is None:
        return (), 0
    kept = samples.of(kind=Kind.ALL).having(Column.CHANGED_GROUP)
    rows = kept.lacking(Column.DUPLICATE_OF).table(Column.SAMPLE_ID, Column.CHANGED_GROUP)
    members: dict[str, list[str]] = defaultdict(list)
    for row in rows.to_pylist():
        members[row["changed_group"]].append(row["sample_id"])
    groups = [ids for ids in members.values() if len(ids) > 1]
    largest = sorted(groups, key=lambda ids: (-len(ids), ids[0]))[:_CHANGED_GROUPS]
    thresholds = PairThresholds(lines.threshold, lines.changed_threshold, lines.doubtful_threshold)
    shown = []
    for ids in largest:
        one = _changed_pair(store, thumbnails, ids[: _TRIED + 1], thresholds)
        if one is not None:
            shown.append(replace(one, caption=f"{one.caption}, {len(ids):,} in the group"))
    return tuple(shown), len(groups)


def _changed_pair(
    store: Store, thumbnails: Thumbnails, ids: list[str], thresholds: PairThresholds
) -> PicturePair | None:
    """The first picture beside the first other of its group that is a changed version of it."""
    there = store.read([Column.SAMPLE_ID], known(Column.THUMBNAIL), ids=ids)
    ids = there.column(0).to_pylist()
    others = np.arange(1, len(ids))
    found = PairVerifier(store, ids).compare(np.zeros_like(others), others)
    verdicts = found.verdicts(thresholds)
    for at in np.flatnonzero((verdicts == Verdict.CHANGED) | (verdicts == Verdict.UNDECIDED)):
        both = (ids[0], ids[int(others[at])])
        sizes = store.read(["width", "height"], ids=list(both)).to_pylist()
        regions = (found.left_regions[at], found.right_regions[at])
        boxes = [
            (shares * np.tile([size["width"], size["height"]], 2)).tolist()
            for shares, size in zip(regions, sizes, strict=True)
        ]
        score = float(found.score[at])
        caption = f"{verdicts[at]}, score {score:.2f}"
        return _side_by_side(thumbnails, both, ("", ""), caption, score, boxes)
    return None


def _side_by_side(  # noqa: PLR0917 - what is shown of a pair
    thumbnails: Thumbnails,
    ids: tuple[str, str],
    badges: tuple[str, str],
    caption: str,
    score: float | None,
    boxes: Sequence[Sequence[Sequence[float]]],
) -> PicturePair | None:
    """A pair with its boxes, in pixels of the files; None where a thumbnail lacks."""
    tiles = thumbnails.tiles(ids, note=lambda row: f"{row['width']} x {row['height']} pixels")
    if len(tiles) != len(ids):
        return None
    left, right = (
        _marked(tile, badge, places)
        for tile, badge, places in zip(tiles, badges, boxes, strict=True)
    )
    return PicturePair(left, right, caption, score=score)


def _marked(tile: Tile, badge: str, places: Sequence[Sequence[float]]) -> Tile:
    return replace(
        tile,
        badge=Badge(badge) if badge else None,
        boxes=tuple(in_picture(place, (tile.width, tile.height)) for place in places),
    )
