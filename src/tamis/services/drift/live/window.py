"""The latest pictures of a watched reference, so many and no more."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

import numpy as np

from tamis.services.drift.live.arrivals import Arrivals
from tamis.services.drift.side import FIGURES, Side

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

__all__ = ["Window"]


class Window:
    """The latest `size` pictures.

    Args:
        size: how many it holds.
        dimensions: of the vectors.
    """

    def __init__(self, size: int, dimensions: int) -> None:
        self.size = size
        self._dimensions = dimensions
        self._parts: deque[Arrivals] = deque()
        self._held = 0

    def __len__(self) -> int:
        return min(self.size, self._held)

    def add(self, arrivals: Arrivals) -> None:
        """Take pictures in, and let as many go. O(N), whatever the window holds."""
        self._parts.append(arrivals)
        self._held += len(arrivals.ids)
        while self._held - len(self._parts[0].ids) >= self.size:
            self._held -= len(self._parts.popleft().ids)

    def side(self, *, in_blocks: bool) -> Side:
        """Return the pictures as one side of a comparison.

        Args:
            in_blocks: pictures of one series follow each other.
        """
        arrays, about = self.state()
        given = [str(one) for one in about["series"]]
        number = {name: place for place, name in enumerate(sorted(set(given)))}
        series = np.array([number[one] if in_blocks else -1 for one in given], np.int64)
        order = np.argsort(series, kind="stable")
        named = [about["ids"][row] for row in order]
        return Side(
            ids=named,
            paths=named,
            vectors=arrays["vectors"][order],
            figures=arrays["figures"][order],
            cameras=[None] * len(named),
            labels=[None] * len(named),
            series=series[order],
            days=int(np.unique(arrays["times"] // 86_400).size),
        )

    def state(self) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
        """Return arrays, and values for JSON, from which `resume` goes on."""
        n, parts = self.size, self._parts
        vectors = [np.empty((0, self._dimensions), np.float32), *(one.vectors for one in parts)]
        figures = [np.empty((0, len(FIGURES))), *(one.figures for one in parts)]
        times = [np.empty(0), *(np.full(len(one.ids), one.time) for one in parts)]
        arrays: dict[str, NDArray[Any]] = {
            "vectors": np.concatenate(vectors)[-n:],
            "figures": np.concatenate(figures)[-n:],
            "times": np.concatenate(times)[-n:],
        }
        ids = [name for one in parts for name in one.ids]
        series = [one.series for one in parts for _ in one.ids]
        return arrays, {"ids": ids[-n:], "series": series[-n:]}

    def resume(self, arrays: Mapping[str, NDArray[Any]], about: Mapping[str, Any]) -> None:
        """Go on from a state; of a larger window the latest are kept."""
        for row, (name, series) in enumerate(zip(about["ids"], about["series"], strict=True)):
            self.add(
                Arrivals(
                    (name,),
                    arrays["vectors"][row : row + 1],
                    arrays["figures"][row : row + 1],
                    series,
                    float(arrays["times"][row]),
                    0.0,
                )
            )
