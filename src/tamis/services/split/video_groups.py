"""Frames of videos as groups: by video, by shot, or by stretch of time."""

from __future__ import annotations

from io import BytesIO
from itertools import groupby
from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow.compute as pc
from PIL import Image

from tamis.algo.components import join_groups
from tamis.algo.shots import shot_numbers
from tamis.algo.splits.shared_views import divisible
from tamis.dataset.columns import Column
from tamis.dataset.group_columns import codes_of
from tamis.dataset.samples import Samples
from tamis.errors import UsageError
from tamis.wording import counted

if TYPE_CHECKING:
    from collections.abc import Callable

    from tamis.dataset.store import Store
    from tamis.services.split.contract import Shots
    from tamis.types import Indices

__all__ = ["SHOT", "STRETCH", "default_groups", "fits", "shots_of", "torn_videos"]

SHOT: Final = "shot"
"""The group that stands for shots, unless the dataset has a column of that name."""

STRETCH: Final = "tenth of a video"
"""The group that stands for a tenth of a video's frames, in a row."""

_SIDE: Final = 32
_STRETCHES: Final = 10
_BLOCKS: Final = 20
_LENGTHS: Final = ((600, "10m"), (60, "1m"), (10, "10s"), (2, "2s"), (0, "1s"))


def default_groups(
    store: Store, ids: list[str], copies: Indices, targets: Indices
) -> tuple[dict[str, Indices], list[str]]:
    """Return how frames of videos are kept together where the user does not say, and notes on it.

    A video stays whole. Where the videos are too few or too long for that, a shot does, else a
    tenth of a video.

    Args:
        store: the dataset.
        ids: `[N]` the pictures.
        copies: `[N]` groups that stay whole in any case.
        targets: `[S]` how many pictures each split should get.

    Returns:
        By name, the group of each picture, `[N]`, -1 for what is no frame; empty without frames.
    """
    samples = Samples(store)
    if not samples.has(Column.VIDEO):
        return {}, []
    videos = codes_of(store, Column.VIDEO, ids)
    if not (videos >= 0).any():
        return {}, []
    finer: dict[str, Callable[[], Indices]] = {
        Column.VIDEO.value: lambda: videos,
        SHOT: lambda: shots_of(store, ids),
        STRETCH: lambda: _stretches_of(store, ids),
    }
    name, groups = "", copies
    for name, find in finer.items():  # noqa: B007 - the last one tried is taken
        groups = find()
        if fits(join_groups([copies, groups]), targets):
            break
    if name == Column.VIDEO:
        return {name: groups}, []
    number = counted(int(videos.max()) + 1, "video")
    return {name: groups}, [
        (
            f"the pictures are of {number}, which cannot be divided whole: each {name} stays "
            "together, so a test frame can be a moment away from a training frame; "
            f"--time-block {_block_of(store, ids)}  leaves a gap between splits"
        )
    ]


def _block_of(store: Store, ids: list[str]) -> str:
    """Return a length of blocks of which the longest video has 20 or more, or else a second."""
    seconds = Samples(store).rows([Column.SECONDS], ids).column(Column.SECONDS)
    most = (pc.max(seconds).as_py() or 0) / _BLOCKS
    return next((text for length, text in _LENGTHS if length <= most), _LENGTHS[-1][1])


def fits(groups: Indices, targets: Indices) -> bool:
    """Return whether whole groups can fill the splits: there are enough, and none is too large.

    Args:
        groups: `[N]` group of each picture, from 0.
        targets: `[S]` how many pictures each split should get.
    """
    return int(groups.max(initial=-1)) + 1 >= targets.size and divisible(groups, targets)


def torn_videos(store: Store, ids: list[str], placed: Indices) -> int:
    """Return how many videos have frames in more than one split.

    Args:
        store: the dataset.
        ids: `[N]` the pictures.
        placed: `[N]` the split of each.
    """
    if not Samples(store).has(Column.VIDEO):
        return 0
    videos = codes_of(store, Column.VIDEO, ids)
    framed = videos >= 0
    met = np.unique(np.stack([videos[framed], placed[framed]]), axis=1)
    return int((np.bincount(met[0]) > 1).sum())


def _stretches_of(store: Store, ids: list[str]) -> Indices:
    """Return the tenth of its video that each frame is in, numbered through all videos."""
    stretches = np.full(len(ids), -1, np.int64)
    for number, places in enumerate(_frames_by_video(Samples(store), ids)):
        tenth = np.arange(len(places)) * _STRETCHES // len(places)
        stretches[places] = number * _STRETCHES + tenth
    return stretches


def _frames_by_video(samples: Samples, ids: list[str]) -> list[list[int]]:
    """Return where the frames of each video are in `ids`, in the order they are shown."""
    rows = samples.rows([Column.VIDEO, Column.FRAME], ids).to_pylist()
    framed = sorted(
        (row[Column.VIDEO], row[Column.FRAME], place)
        for place, row in enumerate(rows)
        if row[Column.VIDEO] is not None
    )
    by_video = groupby(framed, key=lambda frame: frame[0])
    return [[place for _, _, place in frames] for _, frames in by_video]


def shots_of(store: Store, ids: list[str], by: Shots = "histogram") -> Indices:
    """Return the shot of each sample, `[N]`, numbered through all videos; -1 for what is no frame.

    Args:
        store: the dataset.
        ids: `[N]` the pictures.
        by: `histogram` looks at the thumbnails of these frames (`tamis.algo.shots`), `transnetv2`
            at every frame of their videos (`tamis.runtime.shot_boundaries`).

    Raises:
        UsageError: the dataset has no frames of videos.
    """
    samples = Samples(store)
    if not samples.has(Column.VIDEO):
        raise UsageError("there are no shots to group by: the dataset has no frames of videos")
    shots = np.full(len(ids), -1, np.int64)
    first = 0
    for places in _frames_by_video(samples, ids):
        framed = [ids[place] for place in places]
        numbers = (
            shot_numbers(_small(samples, framed))
            if by == "histogram"
            else _shots_by_network(samples, framed)
        )
        shots[places] = first + numbers
        first += int(numbers[-1]) + 1
    return shots


def _shots_by_network(samples: Samples, ids: list[str]) -> Indices:
    from tamis.runtime.shot_boundaries import shot_starts

    rows = samples.rows([Column.VIDEO, Column.FRAME], ids).to_pylist()
    starts = shot_starts(rows[0][Column.VIDEO], rows[0][Column.VIDEO])
    numbers: Indices = np.searchsorted(starts, [row[Column.FRAME] for row in rows], "right") - 1
    return numbers


def _small(samples: Samples, ids: list[str]) -> np.ndarray:
    thumbnails = samples.rows([Column.THUMBNAIL], ids).column(0).to_pylist()
    small = np.zeros((len(ids), _SIDE, _SIDE, 3), np.uint8)
    for row, thumbnail in enumerate(thumbnails):
        if thumbnail:
            with Image.open(BytesIO(thumbnail)) as image:
                small[row] = np.asarray(image.convert("RGB").resize((_SIDE, _SIDE)))
    return small
