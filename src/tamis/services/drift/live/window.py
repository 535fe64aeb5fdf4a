"""The latest pictures of a watched reference, so many and no more."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tamis.services.drift.side import FIGURES, Side

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from tamis.services.drift.live.arrivals import Arrivals

__all__ = ["Window"]


class Window:
    """The latest `size` pictures.

    Args:
        size: how many it holds.
        dimensions: of the vectors.
    """

    def __init__(self, size: int, dimensions: int) -> None:
        self.size = size
        self._ids: list[str] = []
        self._series: list[str | None] = []
        self._vectors = np.empty((0, dimensions), np.float32)
        self._figures = np.empty((0, len(FIGURES)))
        self._times = np.empty(0)

    def __len__(self) -> int:
        return len(self._ids)

    def add(self, arrivals: Arrivals) -> None:
        """Take pictures in, and let as many go."""
        n = self.size
        self._ids = [*self._ids, *arrivals.ids][-n:]
        self._series = [*self._series, *[arrivals.series] * len(arrivals.ids)][-n:]
        self._vectors = np.concatenate([self._vectors, arrivals.vectors])[-n:]
        self._figures = np.concatenate([self._figures, arrivals.figures])[-n:]
        self._times = np.concatenate([self._times, np.full(len(arrivals.ids), arrivals.time)])[-n:]

    def side(self, *, in_blocks: bool) -> Side:
        """Return the pictures as one side of a comparison.

        Args:
            in_blocks: pictures of one series follow each other.
        """
        names = sorted({str(one) for one in self._series})
        number = {name: place for place, name in enumerate(names)}
        series = np.array([number[str(one)] if in_blocks else -1 for one in self._series], np.int64)
        order = np.argsort(series, kind="stable")
        named = [self._ids[row] for row in order]
        days = np.unique(self._times // 86_400).size
        return Side(
            ids=named,
            paths=named,
            vectors=self._vectors[order],
            figures=self._figures[order],
            cameras=[None] * len(named),
            labels=[None] * len(named),
            series=series[order],
            days=int(days),
        )

    def state(self) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
        """Return arrays, and values for JSON, from which `resume` goes on."""
        arrays: dict[str, NDArray[Any]] = {
            "vectors": self._vectors,
            "figures": self._figures,
            "times": self._times,
        }
        return arrays, {"ids": self._ids, "series": self._series}

    def resume(self, arrays: Mapping[str, NDArray[Any]], about: Mapping[str, Any]) -> None:
        """Go on from a state; of a larger window the latest are kept."""
        n = self.size
        self._ids, self._series = about["ids"][-n:], about["series"][-n:]
        self._vectors, self._figures = arrays["vectors"][-n:], arrays["figures"][-n:]
        self._times = arrays["times"][-n:]
