"""What clipping leaves undetermined between a picture and a brighter copy of it.

Clipping takes light away. A blur or a smaller size before it gives other levels than after it,
wherever clipped pixels were mixed with others: about a highlight the copy is darker than a tone
curve predicts of the original, by at most what its clipped pixels may have lost. Which order it was
cannot be told, so what lies between both is no difference. What is brighter than both is: nothing
that was clipped gets brighter.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from tamis.algo.photometric_fit import quartered
from tamis.algo.picture_filters import blurred

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tamis.algo.photometric_fit import ToneCurves

__all__ = ["LostLight", "lost_light"]

# Levels from which a pixel is clipped to some part, and is clipped: a pixel of a thumbnail holds
# several of the file, and JPEG moves them.
_PARTLY, _CLIPPED = 238.0, 251.0
# Half a pixel each of registration and of the filter that made the thumbnail.
_MIXED = 0.7
# Under one level nothing was lost.
_LEAST = 1.0
_LUMA = np.array([0.299, 0.587, 0.114], np.float32)
# Largest weight of a channel in Cb and in Cr.
_CHROMA = np.array([[0.1687, 0.3313, 0.5], [0.5, 0.4187, 0.0813]], np.float32)


class LostLight(NamedTuple):
    """How much light the clipped pixels of a picture may have lost, mixed with their neighbours.

    Attributes:
        luma: `[H, W]` levels, 0 where nothing near is clipped.
        chroma: `[2, H/2, W/2]` levels that Cb and Cr may have moved, either way.
    """

    luma: NDArray[np.float32]
    chroma: NDArray[np.float32]

    def explained(
        self, predicted: NDArray[np.float32], seen: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        """Return predicted brightness, darker by as much as what is seen needs and was lost."""
        return np.clip(seen, predicted - self.luma, predicted)

    def explained_colours(
        self, predicted: NDArray[np.float32], seen: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        """Return predicted colours, moved by as much as what is seen needs and was lost."""
        return np.clip(seen, predicted - self.chroma, predicted + self.chroma)


def lost_light(brighter: ToneCurves, picture: NDArray[np.uint8]) -> LostLight | None:
    """Return what a picture may have lost; None if nothing of it is clipped.

    Args:
        brighter: the curves that led to the picture; what they make of white is the most that a
            clipped pixel may have been.
        picture: `[3, H, W]` uint8, the brighter one.
    """
    most = np.maximum(brighter.beyond[:, -1], 0)
    if most.max() < _LEAST:
        return None
    levels = np.arange(256, dtype=np.float32)
    share = np.clip((levels - _PARTLY) / (_CLIPPED - _PARTLY), 0, 1)
    lost = blurred(share[picture] * most[:, None, None], _MIXED)
    if not lost.any():
        return None
    luma = np.einsum("c,chw->hw", _LUMA, lost)
    return LostLight(luma, np.einsum("kc,chw->khw", _CHROMA, quartered(lost)))
