"""Small made pictures of one kind, and drifts of them, for tests of drift."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

__all__ = ["blurred", "darker", "picture", "save", "with_disc"]


def picture(seed: int, size: tuple[int, int] = (64, 48)) -> Image.Image:
    """A smooth random ground with fine noise."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 256, (4, 5, 3), dtype=np.uint8)
    ground = Image.fromarray(coarse).resize(size, Image.Resampling.BICUBIC)
    noisy = np.asarray(ground) + rng.normal(0, 12, (size[1], size[0], 3))
    return Image.fromarray(np.clip(noisy, 0, 255).astype(np.uint8))


def blurred(image: Image.Image) -> Image.Image:
    return image.filter(ImageFilter.GaussianBlur(1))


def darker(image: Image.Image) -> Image.Image:
    return ImageEnhance.Brightness(image).enhance(0.6)


def with_disc(image: Image.Image) -> Image.Image:
    w, h = image.size
    pen = ImageDraw.Draw(image)
    pen.ellipse((w // 5, h // 8, w - w // 5, h - h // 8), fill=(230, 30, 30))
    return image


def save(
    folder: Path, seeds: Iterable[int], change: Callable[[Image.Image], Image.Image] | None = None
) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for seed in seeds:
        made = picture(seed)
        (made if change is None else change(made)).save(folder / f"{seed:05}.png")
