"""Pictures as they come to a watched reference, and the form in which a journal keeps them."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tamis.algo.unit_vectors import normalise_rows
from tamis.errors import UsageError
from tamis.services.drift.side import FIGURES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from tamis.types import Vectors

__all__ = ["Arrivals", "arrivals_of"]


@dataclass(frozen=True)
class Arrivals:
    """Pictures in the order in which they came.

    Attributes:
        ids: `[N]` what the sender calls them.
        vectors: `[N, D]` float32 of length 1.
        figures: `[N, 4]` float64, as `FIGURES`; NaN is unknown.
        series: the video or camera that they follow each other in; None if they stand alone.
        time: when they came, in seconds since 1970.
        log_wealth: that an alarm took when they came.
    """

    ids: tuple[str, ...]
    vectors: Vectors
    figures: NDArray[np.float64]
    series: str | None
    time: float
    log_wealth: float

    def to_bytes(self) -> bytes:
        """Return what a journal keeps."""
        about = {
            "ids": self.ids,
            "series": self.series,
            "time": self.time,
            "log_wealth": self.log_wealth,
        }
        content = io.BytesIO()
        about_bytes = np.frombuffer(json.dumps(about).encode(), np.uint8)
        np.savez(content, about=about_bytes, vectors=self.vectors, figures=self.figures)
        return content.getvalue()

    @staticmethod
    def from_bytes(data: bytes) -> Arrivals:
        """Return what a journal kept.

        Raises:
            ValueError: it is damaged.
        """
        with np.load(io.BytesIO(data), allow_pickle=False) as stored:
            about = json.loads(stored["about"].tobytes())
            vectors, figures = stored["vectors"], stored["figures"]
        told = {name: about[name] for name in ("series", "time", "log_wealth")}
        return Arrivals(tuple(about["ids"]), vectors, figures, **told)

    def rows(self, kept: Sequence[int]) -> Arrivals:
        """Return some of them."""
        return Arrivals(
            tuple(self.ids[row] for row in kept),
            self.vectors[kept],
            self.figures[kept],
            self.series,
            self.time,
            self.log_wealth,
        )


def arrivals_of(
    ids: Sequence[str],
    vectors: NDArray[Any],
    figures: Mapping[str, Sequence[float | None]],
    *,
    series: str | None,
    time: float,
) -> Arrivals:
    """Return pictures that were sent, checked.

    Args:
        ids: `[N]` names.
        vectors: `[N, D]` of any length but 0.
        figures: lists of N by name; what is not given is unknown.
        series: the video or camera.
        time: now.

    Raises:
        UsageError: shapes do not fit, a number is not finite, or a vector is 0.
    """
    rows = np.asarray(vectors, np.float32)
    if rows.ndim != 2 or len(rows) != len(ids):  # noqa: PLR2004 - rows and columns
        raise UsageError(
            f"{len(ids)} pictures and vectors of shape {rows.shape}: give each picture one vector"
        )
    with np.errstate(over="ignore"):  # what is too long is refused
        lengths = np.linalg.norm(rows, axis=1)
    wrong = np.flatnonzero(~(np.isfinite(lengths) & (lengths > 0)))
    if wrong.size:
        raise UsageError(
            f"vector {wrong[0]} has the length {lengths[wrong[0]]:g}: give finite numbers that are "
            "not all 0"
        )
    table = np.full((len(rows), len(FIGURES)), np.nan)
    for name, values in figures.items():
        if name not in FIGURES:
            raise UsageError(f"there is no figure {name!r}; there are {', '.join(FIGURES)}")
        if len(values) != len(rows):
            raise UsageError(f"{len(rows)} pictures and {len(values)} of {name}: give each one")
        table[:, FIGURES.index(name)] = [np.nan if one is None else one for one in values]
    table[~np.isfinite(table)] = np.nan
    return Arrivals(tuple(ids), normalise_rows(rows.copy()), table, series, time, 0.0)
