"""Changed versions of a picture, as training shows them to the network."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageFilter

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["ViewRecipe", "view_of"]


@dataclass(frozen=True)
class ViewRecipe:
    """What may differ between two views of one picture.

    Attributes:
        least_area: share of the picture that a crop shows at least; 1 for no crop.
        stretch: the most by which a crop's sides differ from the picture's own.
        mirror: left and right may be exchanged.
        flip: top and bottom may be exchanged.
        turn: it may be turned by quarters.
        brightness: the most by which light changes, as a share.
        contrast: the same of contrast.
        saturation: the same of the strength of colors.
        grey: probability that colors are dropped.
        blur: probability of a blur.
        resized: crops are brought to the network's size; otherwise they are cut at that size, so
            that small detail keeps its scale.
    """

    least_area: float = 0.4
    stretch: float = 4 / 3
    mirror: bool = True
    flip: bool = False
    turn: bool = False
    brightness: float = 0.4
    contrast: float = 0.4
    saturation: float = 0.4
    grey: float = 0.2
    blur: float = 0.3
    resized: bool = True

    def gentle(self) -> ViewRecipe:
        """Return the recipe of views that keep small detail: no blur, little light, no scaling."""
        return replace(
            self,
            least_area=1.0,
            brightness=min(self.brightness, 0.1),
            contrast=min(self.contrast, 0.1),
            saturation=min(self.saturation, 0.1),
            grey=0.0,
            blur=0.0,
            resized=False,
        )


def view_of(
    pixels: NDArray[np.uint8], side: int, recipe: ViewRecipe, rng: np.random.Generator
) -> NDArray[np.uint8]:
    """Return a changed version of a picture, of its aspect.

    Args:
        pixels: `[H, W, 3]` uint8.
        side: height of what is returned.
        recipe: what may differ.
        rng: draws it.

    Returns:
        `[side, side W / H, 3]` uint8.
    """
    size = (round(side * pixels.shape[1] / pixels.shape[0]), side)
    image = _cropped(Image.fromarray(pixels), size, recipe, rng)
    chances = rng.random(6)
    if recipe.blur and chances[0] < recipe.blur:
        image = image.filter(ImageFilter.GaussianBlur(side * rng.uniform(0.002, 0.01)))
    values = np.asarray(image)
    if recipe.mirror and chances[1] < 0.5:  # noqa: PLR2004 - as often as not
        values = values[:, ::-1]
    if recipe.flip and chances[2] < 0.5:  # noqa: PLR2004
        values = values[::-1]
    if recipe.turn and size[0] == size[1]:
        values = np.rot90(values, int(chances[3] * 4))
    return _in_other_light(values, recipe, rng, grey=bool(chances[4] < recipe.grey))


def _cropped(
    image: Image.Image, size: tuple[int, int], recipe: ViewRecipe, rng: np.random.Generator
) -> Image.Image:
    share = rng.uniform(recipe.least_area, 1.0)
    ratio = 1.0
    if recipe.least_area < 1:
        ratio = float(np.exp(rng.uniform(-1, 1) * np.log(recipe.stretch)))
    places = rng.random(2)
    if not recipe.resized and image.width >= size[0] and image.height >= size[1]:
        left = int(places[0] * (image.width - size[0] + 1))
        top = int(places[1] * (image.height - size[1] + 1))
        return image.crop((left, top, left + size[0], top + size[1]))
    width = image.width * min(1.0, np.sqrt(share * ratio))
    height = image.height * min(1.0, np.sqrt(share / ratio))
    x, y = places[0] * (image.width - width), places[1] * (image.height - height)
    box = (float(x), float(y), float(x + width), float(y + height))
    return image.resize(size, Image.Resampling.BILINEAR, box)


def _in_other_light(
    values: NDArray[np.uint8], recipe: ViewRecipe, rng: np.random.Generator, *, grey: bool
) -> NDArray[np.uint8]:
    brightness, contrast, saturation = (
        np.float32(1 + rng.uniform(-most, most))
        for most in (recipe.brightness, recipe.contrast, recipe.saturation)
    )
    light = values.astype(np.float32) * brightness
    middle = light.mean()
    light = (light - middle) * contrast + middle
    weights = np.array([0.299, 0.587, 0.114], np.float32)
    luma = (light @ weights)[:, :, None]
    light = luma + (light - luma) * (np.float32(0) if grey else saturation)
    rounded: NDArray[np.uint8] = np.clip(np.rint(light), 0, 255).astype(np.uint8)
    return rounded
