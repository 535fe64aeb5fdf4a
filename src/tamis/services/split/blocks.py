"""Blocks of capture time that stay whole: where the times come from, and what a gap leaves out."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tamis.algo.splits.time_blocks import inside_gap, time_blocks, torn_moments
from tamis.dataset.columns import Column
from tamis.dataset.group_columns import codes_of
from tamis.dataset.samples import Samples
from tamis.errors import UsageError
from tamis.wording import counted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from tamis.dataset.store import Store
    from tamis.types import Indices

__all__ = ["TIME_BLOCK", "TimeBlocks", "asked_blocks", "lengths_of", "parse_duration"]

TIME_BLOCK: Final = "block of time"
"""What joins pictures of one block, in words."""

_UNITS: Final = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}
_DURATION: Final = re.compile(r"\s*(\d+(?:\.\d*)?|\.\d+)\s*([smhd]?)\s*")
_GAP_SHARE: Final = 0.1


@dataclass(frozen=True)
class TimeBlocks:
    """Blocks of time of N pictures, and how far apart those of two splits must be.

    Attributes:
        of: `[N]` the block of each picture; -1 where its time is unknown.
        gap: seconds.
        sources: `[N]` the video or camera of each picture.
        seconds: `[N]` times; NaN where unknown.
        notes: what the user should know.
    """

    of: Indices
    gap: float
    sources: Indices
    seconds: NDArray[np.float64]
    notes: list[str]

    def taken(self, inside: NDArray[np.bool_]) -> TimeBlocks:
        """Return those of the pictures that `inside` `[N]` says."""
        return replace(
            self, of=self.of[inside], sources=self.sources[inside], seconds=self.seconds[inside]
        )

    def left_out(
        self, placed: Indices, shares: Sequence[float], copies: Indices
    ) -> NDArray[np.bool_]:
        """Choose the pictures that get no split, by `tamis.algo.splits.time_blocks`.

        A copy whose own time is unknown, as messengers leave it, goes with its original.

        Args:
            placed: `[N]` the split of each picture.
            shares: of each split.
            copies: `[N]` groups of copies.
        """
        goes = inside_gap(self.sources, self.seconds, placed, self.gap, shares)
        return goes | (np.isnan(self.seconds) & np.isin(copies, copies[goes]))

    def torn(self, placed: Indices) -> list[tuple[int, int]]:
        """Neighbours in time of two blocks that lie in two splits and nearer than the gap."""
        earlier, later = torn_moments(self.sources, self.seconds, placed, self.gap)
        two = self.of[earlier] != self.of[later]
        return list(zip(earlier[two].tolist(), later[two].tolist(), strict=True))


def parse_duration(text: str | float) -> float:
    """Return a duration in seconds.

    Args:
        text: a number of seconds, or a number with the unit s, m, h or d.

    Raises:
        UsageError: it is none.

    Example:
        >>> parse_duration("10m"), parse_duration("1.5h"), parse_duration("20"), parse_duration(3)
        (600.0, 5400.0, 20.0, 3.0)
    """
    found = _DURATION.fullmatch(str(text))
    if found is None:
        raise UsageError(
            f"{text!r} is no duration: give a number with s, m, h or d, such as 90s, 10m, 2h, 1d"
        )
    return float(found[1]) * _UNITS[found[2]]


def lengths_of(block: str | float, gap: str | float | None) -> tuple[float, float]:
    """Return how long a block is and how far apart splits lie, in seconds.

    Raises:
        UsageError: a duration is none, or the gap is longer than a block.
    """
    seconds = parse_duration(block)
    between = _GAP_SHARE * seconds if gap is None else parse_duration(gap)
    if between > seconds:
        raise UsageError(
            f"a gap of {gap} is longer than a block of {block}, so that whole blocks would be "
            "left out: give longer blocks or a shorter gap"
        )
    return seconds, between


def asked_blocks(
    store: Store,
    ids: list[str],
    length: str | float | None,
    gap: str | float | None,
    block_by: str | None,
    *,
    time: str | None = None,
) -> TimeBlocks | None:
    """Cut pictures into blocks of time: frames by video, photographs by camera.

    Args:
        store: the dataset.
        ids: the pictures.
        length: of a block, as for `parse_duration`; None for no blocks.
        gap: between splits; a tenth of a block if None.
        block_by: column of times, or of numbers in seconds, on one clock for each camera; if
            None, `time`.
        time: column that the split goes by; if None as well, the blocks go by `seconds` for the
            frames of a video and by `captured_at` for photographs.

    Raises:
        UsageError: a duration is none or the gap longer than a block; the column is unknown or
            holds no times; or no picture has a time.
    """
    if length is None:
        return None
    time = block_by or time
    seconds_of_block, between = lengths_of(length, gap)
    sources, seconds = _moments(store, ids, time)
    missing = int(np.isnan(seconds).sum())
    if missing == len(ids):
        columns = time or "captured_at, and none is a frame of a video"
        raise UsageError(
            f"no picture has a time to make blocks of: none has {columns}. Name a column of times "
            "with  --block-by COLUMN, or keep pictures together by another one with  --group"
        )
    notes = []
    if missing:
        notes.append(
            f"{counted(missing, 'picture has')} no {time or 'capture time'}, which is in no block "
            "and may lie in any split"
        )
    blocks = time_blocks(sources, seconds, seconds_of_block)
    return TimeBlocks(blocks, between, sources, seconds, notes)


def _moments(store: Store, ids: list[str], time: str | None) -> tuple[Indices, NDArray[np.float64]]:
    """The source of each picture, and its time in seconds on that source's clock."""
    # Pictures whose camera is not known are taken for those of one: they may be neighbours.
    cameras = codes_of(store, "camera", ids)
    if time is not None:
        return cameras, _seconds(store, time, ids)
    seconds = _seconds(store, "captured_at", ids)
    if not Samples(store).has(Column.VIDEO):
        return cameras, seconds
    videos = codes_of(store, "video", ids)
    framed = videos >= 0
    sources = np.where(framed, cameras.max(initial=-1) + 1 + videos, cameras)
    return sources, np.where(framed, _seconds(store, "seconds", ids), seconds)


def _seconds(store: Store, column: str, ids: list[str]) -> NDArray[np.float64]:
    values = store.read([column], ids=ids).column(column)
    kind, unit = values.type, 1.0
    if pa.types.is_timestamp(kind):
        values, unit = pc.cast(pc.cast(values, pa.timestamp("us")), pa.int64()), 1e-6
    elif pa.types.is_date(kind):
        values, unit = pc.cast(pc.cast(values, pa.date32()), pa.int32()), 86400.0
    elif not (pa.types.is_integer(kind) or pa.types.is_floating(kind)):
        raise UsageError(
            f"{column!r} holds {kind}, which cannot be cut into blocks of time: name a column of "
            "times, or of numbers in seconds"
        )
    numbers = np.asarray(pc.cast(values, pa.float64(), safe=False).to_numpy(), np.float64)
    return np.where(np.isfinite(numbers), numbers * unit, np.nan)
