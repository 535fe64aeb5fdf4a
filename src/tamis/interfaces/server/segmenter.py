"""A segmenter that the user names: points in a picture in, a mask out."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from tamis.algo.run_lengths import counts_of, write_counts
from tamis.encoders.spec import EncoderSpec
from tamis.encoders.user_code import explained, find_object, prints_to_stderr
from tamis.errors import UsageError
from tamis.interfaces.server.pictures import upright

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from tamis.dataset.samples import Samples

__all__ = ["Segmenter"]

_MOST_POINTS: Final = 200
_NUMBERS: Final = 3


class Segmenter:
    """The user's function `segment(picture, points, inside)`. Thread-safe: one call at a time.

    It is given the upright picture, `[H, W, 3]` uint8, the points, `[N, 2]` float64, x and y in
    pixels, and `[N]` bool whether each belongs to the object; it returns the mask, `[H, W]` bool.
    As long as points are of one picture, it is given the same array, so that it can keep what it
    computed of that.

    Args:
        name: `MODULE:FUNCTION` or `FILE.py:FUNCTION`; it is imported at once, and runs with all
            rights of the user, as an encoder of the user's does.

    Raises:
        UsageError: the name is none, or what it names cannot be called.
        EncoderError: it cannot be imported.
    """

    def __init__(self, name: str) -> None:
        if not all(name.rpartition(":")):
            raise UsageError(f"a segmenter is MODULE:FUNCTION or FILE.py:FUNCTION, not {name!r}")
        _, function = find_object(EncoderSpec("py", name))
        if not callable(function):
            raise UsageError(f"{name} is no function; name one that takes picture, points, inside")
        self._name = name
        self._function: Callable[..., Any] = function
        self._lock = threading.Lock()
        self._picture: tuple[str, NDArray[np.uint8]] | None = None

    def mask(self, samples: Samples, sample: str, given: Any) -> str:
        """Return the mask of what some points of a picture mean, as run lengths.

        Args:
            samples: the dataset.
            sample: the picture's sample id.
            given: `points`, for each x, y and 1 where it belongs to the object, else 0.

        Raises:
            UsageError: the points are none, the function fails, or it returns no such mask.
            PictureError: the picture cannot be read.
        """
        points = _points(given)
        with self._lock:
            if self._picture is None or self._picture[0] != sample:
                pixels = np.asarray(upright(samples, sample).convert("RGB"))
                self._picture = sample, pixels
            picture = self._picture[1]
            try:
                with prints_to_stderr():
                    found = self._function(picture, points[:, :2], points[:, 2] > 0)
                mask = np.asarray(found)
            except Exception as error:
                raise UsageError(
                    f"the segmenter {self._name} failed: {explained(error)}"
                ) from error
        if mask.shape != picture.shape[:2]:
            raise UsageError(
                f"the segmenter {self._name} returned an array of shape {mask.shape}; it has to "
                f"return [H, W] bool, here {picture.shape[:2]}"
            )
        return write_counts(counts_of(mask.astype(bool)))


def _points(given: Any) -> NDArray[np.float64]:
    rows = given.get("points") if isinstance(given, dict) else None
    if not isinstance(rows, list) or not 0 < len(rows) <= _MOST_POINTS:
        raise UsageError(f"give 1 to {_MOST_POINTS} points")
    if not all(
        isinstance(row, list)
        and len(row) == _NUMBERS
        and all(type(one) in (int, float) for one in row)
        for row in rows
    ):
        raise UsageError("a point is three numbers: x, y, and 1 where it belongs, else 0")
    try:
        found = np.array(rows, np.float64)
    except OverflowError:
        raise UsageError("a point lies nowhere: its numbers are too large") from None
    if not np.isfinite(found).all():
        raise UsageError("a point's numbers are not finite")
    return found
