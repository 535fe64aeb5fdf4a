"""Measures of technical quality, comparable across resolutions.

All are computed on gray scaled to a standard size, as a viewer sees the whole picture: the same
shot at 2 and at 12 megapixels gets nearly the same values, and an enlarged small picture counts as
blurred.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["STANDARD_SIDE", "Quality", "measure_quality", "sharpness", "standard_gray"]

STANDARD_SIDE = 512
"""Longest side, in pixels, at which quality is measured."""

_WHITE = 255.0
_GREY_LEVELS = 256


@dataclass(frozen=True)
class Quality:
    """The quality measures of one picture.

    Attributes:
        sharpness: variance of the Laplacian, on gray levels 0 to 255; 0 for a flat picture,
            below about 100 for a visibly blurred photo.
        brightness: mean gray in [0, 1], of the gamma-encoded values.
        contrast: standard deviation of gray, in [0, 0.5].
        entropy: entropy of the histogram of 256 gray levels, in bits, in [0, 8].
    """

    sharpness: float
    brightness: float
    contrast: float
    entropy: float


def standard_gray(image: Image.Image) -> NDArray[np.uint8]:
    """Scale an RGB picture to gray (ITU-R 601 luma) with its longest side at `STANDARD_SIDE`.

    Args:
        image: RGB or L, H x W pixels.

    Returns:
        `[h, w]` uint8 with max(h, w) = 512, the same aspect ratio, and no side under 1.

    >>> standard_gray(Image.new("RGB", (40, 30))).shape
    (384, 512)
    """
    scale = STANDARD_SIDE / max(image.size)
    size = (max(round(image.width * scale), 1), max(round(image.height * scale), 1))
    gray = image.convert("L")
    if size != gray.size:
        gray = gray.resize(size, Image.Resampling.BICUBIC)
    return np.asarray(gray)


def measure_quality(gray: NDArray[np.uint8]) -> Quality:
    """Measure the quality of a gray picture of the standard size.

    Args:
        gray: `[H, W]` uint8, from `standard_gray`.

    >>> measure_quality(np.full((4, 4), 255, np.uint8))
    Quality(sharpness=0.0, brightness=1.0, contrast=0.0, entropy=0.0)
    """
    shares = np.array(Image.fromarray(gray).histogram()) / gray.size
    levels = np.arange(_GREY_LEVELS)
    mean = float(shares @ levels)
    variance = float(shares @ (levels - mean) ** 2)
    present = shares[shares > 0]
    return Quality(
        sharpness=sharpness(gray),
        brightness=mean / _WHITE,
        contrast=float(np.sqrt(variance)) / _WHITE,
        entropy=abs(float(present @ np.log2(present))),
    )


def sharpness(gray: NDArray[np.uint8]) -> float:
    """Compute the variance of the 4-neighbor Laplacian, with mirrored borders.

    Equal to `cv2.Laplacian(gray, cv2.CV_64F).var()`. Exact in integers, one pass.

    Args:
        gray: `[H, W]` uint8.

    Source: Pech-Pacheco et al., Diatom autofocusing in brightfield microscopy, ICPR 2000.

    >>> sharpness(np.tile(np.array([0, 255], np.uint8), (2, 1)))
    260100.0
    """
    rows, columns = gray.shape
    padded = np.pad(gray, 1, mode="reflect" if min(rows, columns) > 1 else "edge").astype(np.int16)
    laplacian = gray * np.int16(-4)
    laplacian += padded[:-2, 1:-1]
    laplacian += padded[2:, 1:-1]
    laplacian += padded[1:-1, :-2]
    laplacian += padded[1:-1, 2:]
    # sums of whole numbers below 2^53 are exact in float64, whatever their order
    values = laplacian.astype(np.float64).ravel()
    total, squares, count = int(values.sum()), int(values @ values), gray.size
    return (squares * count - total * total) / (count * count)
