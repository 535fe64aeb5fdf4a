"""Pictures of one side of a comparison: vectors, simple figures, and which count as one draw."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from tamis.algo.two_sample import block_length, time_order_blocks
from tamis.dataset.columns import Column

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from tamis.dataset.samples import SampleSet
    from tamis.types import Indices, Vectors

__all__ = ["FEWEST", "FIGURES", "Side", "side_of"]

FEWEST: Final = 20
"""Draws that a side must have; fewer say next to nothing."""

FIGURES: Final = ("brightness", "sharpness", "size", "hour")
"""Covariates that are numbers; size is in megapixels."""

_COLUMNS: Final = (
    Column.PATH,
    Column.BRIGHTNESS,
    Column.SHARPNESS,
    Column.WIDTH,
    Column.HEIGHT,
    Column.CAPTURED_AT,
    Column.CAMERA,
    Column.VIDEO,
    Column.FRAME,
    Column.LABEL,
)
_HOUR: Final = np.timedelta64(1, "h")


@dataclass(frozen=True)
class Side:
    """N pictures in the order of time, rows of one series side by side.

    Attributes:
        ids: `[N]` sample ids.
        paths: `[N]` as the user gave them.
        vectors: `[N, D]` float32.
        figures: `[N, 4]` float64, as `FIGURES`; NaN is unknown.
        cameras: `[N]` names; None is unknown.
        labels: `[N]` labels; None is unknown.
        series: `[N]` video, camera or folder that a picture follows others in; -1 if it stands
            alone.
        days: how many days the pictures are known to be from.
    """

    ids: Sequence[str]
    paths: Sequence[str]
    vectors: Vectors
    figures: NDArray[np.float64]
    cameras: Sequence[str | None]
    labels: Sequence[str | None]
    series: Indices
    days: int

    def found_block_length(self) -> int:
        """Return how many consecutive pictures of a series are one draw, by how alike they stay."""
        ordered = self.series >= 0
        return block_length(self.vectors[ordered], self.series[ordered]) if ordered.any() else 1

    def blocks(self, length: int) -> Indices:
        """Return `[N]` the block of each picture: `length` in a row, or itself alone."""
        blocks = np.arange(len(self.ids))
        ordered = np.flatnonzero(self.series >= 0)
        if ordered.size:
            found = time_order_blocks(ordered.size, length, self.series[ordered])
            blocks[ordered] = len(self.ids) + found
        return blocks

    def covariates(self, cameras: Sequence[str]) -> NDArray[np.float64]:
        """Return `[N, 5]` the figures and the camera's number.

        Args:
            cameras: those that have the numbers from 0; others get higher ones.
        """
        others = sorted({name for name in self.cameras if name is not None} - set(cameras))
        number = {name: float(place) for place, name in enumerate([*cameras, *others])}
        codes = [np.nan if name is None else number[name] for name in self.cameras]
        return np.column_stack([self.figures, np.array(codes, np.float64).reshape(-1)])


def side_of(samples: SampleSet, encoder: str, *, all_follow: bool = False) -> Side:
    """Read the embedded pictures of a set. Memory 4 N D bytes.

    Frames of a video follow each other. So do photographs of a camera, and those without a capture
    time of a folder, if asked to.

    Args:
        samples: which pictures.
        encoder: the vector column.
        all_follow: photographs follow each other too.

    Raises:
        UsageError: there are no such vectors, or the condition names an unknown column.
    """
    embedded = samples.vectors(encoder)
    rows = samples.samples.rows(list(map(str, _COLUMNS)), embedded.ids).to_pydict()
    taken = np.array(rows[Column.CAPTURED_AT], "datetime64[us]")
    names, places = _series(rows, embedded.ids, all_follow)
    began: dict[str, Any] = {}
    unknown = np.datetime64("9999-01-01", "us")
    times = np.where(np.isnat(taken), unknown, taken)
    for name, time in zip(names, times, strict=True):
        began[name] = min(began.get(name, unknown), time)
    order = sorted(
        range(len(names)), key=lambda row: (began[names[row]], names[row], places[row], row)
    )
    codes: dict[str, int] = {}
    series = [
        -1 if names[row].startswith("alone") else codes.setdefault(names[row], len(codes))
        for row in order
    ]
    sides = np.array([rows[Column.WIDTH], rows[Column.HEIGHT]], np.float64)
    hours = (taken - taken.astype("datetime64[D]")) / _HOUR
    figures = np.column_stack(
        [
            np.array(rows[Column.BRIGHTNESS], np.float64),
            np.array(rows[Column.SHARPNESS], np.float64),
            sides[0] * sides[1] / 1e6,
            hours.astype(np.float64),
        ]
    )
    return Side(
        ids=[embedded.ids[row] for row in order],
        paths=[rows[Column.PATH][row] for row in order],
        vectors=embedded.vectors[order],
        figures=figures[order],
        cameras=[rows[Column.CAMERA][row] for row in order],
        labels=[rows[Column.LABEL][row] for row in order],
        series=np.array(series, np.int64),
        days=len(set(taken[~np.isnat(taken)].astype("datetime64[D]").tolist())),
    )


def _series(
    rows: dict[str, list[Any]], ids: Sequence[str], all_follow: bool
) -> tuple[list[str], list[tuple[int, str]]]:
    """The series of each picture by name, and its place within it."""
    names, places = [], []
    for row, name in enumerate(ids):
        path, time = rows[Column.PATH][row], rows[Column.CAPTURED_AT][row]
        if rows[Column.VIDEO][row] is not None:
            names.append(f"video {rows[Column.VIDEO][row]}")
            places.append((rows[Column.FRAME][row], path))
        elif all_follow and time is not None:
            names.append(f"camera {rows[Column.CAMERA][row]}")
            places.append((0, f"{time.isoformat()} {path}"))
        elif all_follow:
            names.append(f"folder {PurePath(path).parent}")
            places.append((0, path))
        else:
            names.append(f"alone {path} {name}")
            places.append((0, path))
    return names, places
