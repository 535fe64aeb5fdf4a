"""Synthetic changes to a picture: harmless ones, and small local ones that may matter."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageEnhance, ImageFilter

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["HARMLESS", "harmless_changes", "with_patch"]

_SMALLEST_PATCH, _LARGEST_PATCH = 0.03, 0.3
_FAINTEST_PATCH = 0.1
_NOISE = 3.0  # gray levels, standard deviation


def _jpeg(image: Image.Image) -> Image.Image:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=50)
    with Image.open(buffer) as opened:
        return opened.convert("RGB")


def _shaken(image: Image.Image) -> Image.Image:
    x, y = max(round(0.02 * image.width), 1), max(round(0.02 * image.height), 1)
    return image.crop((x, y, image.width, image.height)) if min(image.size) > 1 else image


def _noisy(image: Image.Image) -> Image.Image:
    pixels = np.asarray(image, dtype=np.float32)
    noise = np.random.default_rng(0).normal(0.0, _NOISE, pixels.shape)
    return Image.fromarray(np.clip(pixels + noise, 0.0, 255.0).astype(np.uint8))


HARMLESS: dict[str, Callable[[Image.Image], Image.Image]] = {
    "jpeg": _jpeg,
    "brighter": lambda image: ImageEnhance.Brightness(image).enhance(1.1),
    "darker": lambda image: ImageEnhance.Brightness(image).enhance(0.9),
    "shaken": _shaken,
    "blurred": lambda image: image.filter(ImageFilter.GaussianBlur(1.0)),
    "noisy": _noisy,
}
"""Changes in a camera's picture while nothing happens in front of it: recompression at JPEG quality
50, 10% more or less light, a shift by 2%, a slight blur, sensor noise."""


def harmless_changes(image: Image.Image) -> list[Image.Image]:
    """Return an RGB picture after each of the harmless changes."""
    return [change(image) for change in HARMLESS.values()]


def with_patch(image: Image.Image, donor: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Return an RGB picture with a patch of another blended in at random opacity.

    The patch's sides are between 3% and 30% of the picture's.

    Source: similar to Li et al., CutPaste, CVPR 2021.

    Args:
        image: RGB.
        donor: RGB, of any size.
        rng: chooses the patch, its position and its opacity.
    """
    share = rng.uniform(_SMALLEST_PATCH, _LARGEST_PATCH, size=2)
    size = [max(1, round(part * side)) for part, side in zip(share, image.size, strict=True)]
    other = donor.resize(image.size) if donor.size != image.size else donor
    take, put = (
        [int(rng.integers(0, side - part + 1)) for part, side in zip(size, image.size, strict=True)]
        for _ in range(2)
    )
    piece = other.crop((take[0], take[1], take[0] + size[0], take[1] + size[1]))
    ground = image.crop((put[0], put[1], put[0] + size[0], put[1] + size[1]))
    result = image.copy()
    mixed = Image.blend(ground, piece, rng.uniform(_FAINTEST_PATCH, 1.0))
    result.paste(mixed, (put[0], put[1]))
    return result
