"""The pictures of a fine-tuning: which are trained on, watched, measured on, and their pixels."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np

from tamis.algo.components import join_groups
from tamis.algo.splits import assign_splits
from tamis.dataset.columns import Column
from tamis.dataset.group_columns import codes_of, duplicate_columns
from tamis.encoders.preprocess import decode_side, prepare
from tamis.errors import UsageError
from tamis.services.defects.rows import looked_at, picture_rows
from tamis.types import Failure
from tamis.wording import counted

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Literal

    from numpy.typing import NDArray

    from tamis.dataset.samples import SampleSet
    from tamis.runtime.decoded_rows import Pixels
    from tamis.runtime.workspace import Workspace
    from tamis.services.defects.rows import PictureRow
    from tamis.services.finetune.contract import Finetune
    from tamis.types import Indices, PixelBatch, Preprocessing, Progress

__all__ = ["FEWEST", "Pictures", "pixels_of", "read_pictures"]

FEWEST: Final = 12
"""Pictures to train on; fewer teach nothing."""

_TRAIN, _SIGNAL, _PROOF = 0, 1, 2
_SHARES: Final = (0.65, 0.1, 0.25)
_FEWEST_OF_VAL: Final = 50
_MOST_MEASURED: Final = 400
_LONG_VIDEO: Final = 0.2
_BLOCKS: Final = 20


@dataclass(frozen=True)
class Pictures:
    """Pictures by content, with what they are for.

    Attributes:
        rows: which they are.
        groups: `[N]` pictures of one group are never told apart nor parted.
        classes: `[N]` number of the label; -1 without one.
        parts: `[N]` 0 is trained on, 1 decides when to stop, 2 is measured on.
        measured_in: where those measured on come from.
    """

    rows: Sequence[PictureRow]
    groups: Indices
    classes: Indices
    parts: Indices
    measured_in: Literal["val split", "held-out pictures"]

    def only(self, places: NDArray[np.int64]) -> Pictures:
        """Return some of them."""
        return replace(
            self,
            rows=[self.rows[place] for place in places],
            groups=self.groups[places],
            classes=self.classes[places],
            parts=self.parts[places],
        )

    @property
    def trained_on(self) -> Indices:
        """Places of those that are trained on."""
        return np.flatnonzero(self.parts == _TRAIN)

    @property
    def watched(self) -> Indices:
        """Places of those that decide when to stop."""
        return np.flatnonzero(self.parts == _SIGNAL)

    @property
    def measured_on(self) -> Indices:
        """Places of those that both encoders are compared on."""
        return np.flatnonzero(self.parts == _PROOF)


def read_pictures(workspace: Workspace, request: Finetune) -> tuple[Pictures, list[str]]:
    """Choose what is trained on and what is measured on, whole groups each.

    Rows of the split test are left alone altogether, and so is each row of a group that has one
    there; those of val are measured on if there are 50 of them. Without, a quarter of the groups is
    held out. A tenth more decides when to stop.

    Raises:
        UsageError: too few pictures, or too few groups, are left.
    """
    chosen = workspace.samples.of(request.where)
    rows = picture_rows(chosen)
    splits = _column(chosen, Column.SPLIT, rows)
    groups, notes = _groups(workspace, request, chosen, rows)
    away = np.array([split not in (None, "train") for split in splits], np.bool_)
    in_val = np.array([split == "val" for split in splits], np.bool_)
    tainted = np.isin(groups, groups[away])
    free = np.flatnonzero(~tainted)
    rng = np.random.default_rng([request.seed, 1])
    if len(free) > request.pictures:
        free = np.sort(rng.choice(free, request.pictures, replace=False))
        notes.append(
            f"{request.pictures:,} pictures, drawn at random, were used; a larger number of pictures takes more"
        )
    _require_enough(len(free), len(np.unique(groups[free])), skipped=int(tainted.sum()))
    labels = _column(chosen, Column.LABEL, rows)
    names = sorted({label for label in labels if label is not None})
    classes = np.array([names.index(x) if x is not None else -1 for x in labels], np.int64)
    parts = np.full(len(rows), -1, np.int64)
    # val rows whose group reaches into test are no fresh evidence either
    in_test = away & ~in_val
    val = np.flatnonzero(in_val & ~np.isin(groups, groups[in_test]))
    by_val = len(val) >= _FEWEST_OF_VAL
    shares = (1 - _SHARES[_SIGNAL], _SHARES[_SIGNAL], 0.0) if by_val else _SHARES
    _, own = np.unique(groups[free], return_inverse=True)
    parts[free] = assign_splits(own, [classes[free]], shares, rng=rng)
    if by_val:
        parts[val] = _PROOF
    measured = np.flatnonzero(parts == _PROOF)
    if len(measured) > _MOST_MEASURED:
        spared = rng.choice(measured, len(measured) - _MOST_MEASURED, replace=False)
        parts[spared] = -1
    pictures = Pictures(
        rows, groups, classes, parts, "val split" if by_val else "held-out pictures"
    )
    return pictures.only(np.flatnonzero(parts >= 0)), notes


def _require_enough(count: int, groups: int, *, skipped: int) -> None:
    if count >= FEWEST and groups >= FEWEST:
        return
    left_out = f" ({skipped} of val and test, and their copies, are never trained on)"
    raise UsageError(
        f"{counted(count, 'picture')} of {counted(groups, 'group')} can be trained on"
        f"{left_out if skipped else ''}; it takes at least {FEWEST} groups: add pictures, or "
        "name a column to group by that tells them apart"
    )


def _column(chosen: SampleSet, name: str, rows: Sequence[PictureRow]) -> list[str | None]:
    table = chosen.table(Column.SAMPLE_ID, name)
    ids, found = table.column(0).to_pylist(), table.column(1).to_pylist()
    values = dict(zip(ids, found, strict=True))
    return [values[row.sample_id] for row in rows]


def _groups(
    workspace: Workspace, request: Finetune, chosen: SampleSet, rows: Sequence[PictureRow]
) -> tuple[Indices, list[str]]:
    """Return which pictures belong together, and what to say about it."""
    store, ids = workspace.store, [row.sample_id for row in rows]
    if not ids:
        return np.empty(0, np.int64), []
    copies = duplicate_columns(store, ids).held_out()
    if request.group is not None:
        return join_groups([copies, codes_of(store, request.group, ids)]), []
    if not workspace.samples.has(Column.VIDEO):
        return join_groups([copies]), []
    videos, notes = codes_of(store, Column.VIDEO, ids), []
    frames = np.array([frame or 0 for frame in _column(chosen, Column.FRAME, rows)], np.int64)
    of = np.full(len(rows), -1, np.int64)
    cut = False
    for video in np.unique(videos[videos >= 0]):
        members = np.flatnonzero(videos == video)
        of[members] = video * _BLOCKS
        if len(members) > _LONG_VIDEO * len(rows):
            cut = True
            order = members[np.argsort(frames[members], kind="stable")]
            of[order] += np.arange(len(order)) * _BLOCKS // len(order)
    if cut:
        notes.append(
            f"a video that makes up over a fifth of the pictures counts as {_BLOCKS} groups of "
            "frames that follow each other"
        )
    return join_groups([copies, of]), notes


def pixels_of(
    rows: Sequence[PictureRow], preprocessing: Preprocessing, progress: Progress
) -> tuple[PixelBatch, Indices, list[Failure]]:
    """Return the pixels of pictures as an encoder takes them, and the places of those it got.

    Memory 3 H W bytes a picture.
    """

    def work(_row: PictureRow, found: Pixels) -> NDArray[np.uint8]:
        return prepare(found.image, preprocessing, size=found.size, extent=found.extent)

    pixels, places, failed = [], [], []
    found = looked_at(rows, decode_side(preprocessing), work, progress)
    for place, (_, outcome) in enumerate(found):
        if isinstance(outcome, Failure):
            failed.append(outcome)
        else:
            pixels.append(outcome)
            places.append(place)
    empty = np.empty((0, preprocessing.height, preprocessing.width, 3), np.uint8)
    return np.stack(pixels) if pixels else empty, np.array(places, np.int64), failed
