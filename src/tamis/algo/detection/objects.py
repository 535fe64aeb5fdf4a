"""Objects of many pictures as arrays: boxes, and for some tasks masks or keypoints."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Objects"]


@dataclass(frozen=True)
class Objects:
    """Objects of many pictures, true or predicted.

    Attributes:
        picture: number of the picture, `[N]` int.
        label: number of the class, `[N]` int.
        box: x, y, width and height in pixels, `[N, 4]`.
        score: confidence, `[N]`; of true objects it does not matter.
        area: of the object in pixels, `[N]`, which tells its size.
        crowd: whether a true object marks a crowd, `[N]`.
        masks: `[N]` of `RunMask`, if masks are compared.
        keypoints: x, y and visibility of each, `[N, K, 3]`, if keypoints are compared.
    """

    picture: NDArray[np.int64]
    label: NDArray[np.int64]
    box: NDArray[np.float64]
    score: NDArray[np.float64]
    area: NDArray[np.float64]
    crowd: NDArray[np.bool_]
    masks: NDArray[np.object_] | None = None
    keypoints: NDArray[np.float64] | None = None

    def __len__(self) -> int:
        return len(self.picture)

    def chosen(self, rows: NDArray[np.int64] | NDArray[np.bool_]) -> Objects:
        """Return some of them."""
        return Objects(
            self.picture[rows],
            self.label[rows],
            self.box[rows],
            self.score[rows],
            self.area[rows],
            self.crowd[rows],
            None if self.masks is None else self.masks[rows],
            None if self.keypoints is None else self.keypoints[rows],
        )

    @property
    def left_aside(self) -> NDArray[np.bool_]:
        """Which true objects count neither as found nor as missed, `[N]`.

        These are crowds and, where keypoints are compared, objects without a visible one.
        """
        if self.keypoints is None:
            return self.crowd
        return np.asarray(self.crowd | ~(self.keypoints[..., 2] > 0).any(axis=1), np.bool_)
