"""What is measured of pictures to choose how training may change them, and a sheet of examples."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from PIL import Image

from tamis.algo.symmetry import layout_of, share_told_apart
from tamis.training.views import ViewRecipe

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from tamis.types import PixelBatch

__all__ = ["picture_facts", "recipe_for", "write_sheet"]

_SAMPLE: Final = 400
_SIDE: Final = 64
_GREY_SPREAD: Final = 12.0
_TOLD: Final = 0.65
_FEWEST: Final = 40
_CELL, _GAP = 128, 4


def picture_facts(pixels: PixelBatch) -> dict[str, float]:
    """Return what is measured of up to 400 pictures.

    Args:
        pixels: `[N, H, W, 3]` uint8.

    Returns:
        `colored`: share of pictures with colors; `told_mirrored`, `told_flipped`, `told_turned`:
        share of pictures that can be told from their mirrored, upside-down or quarter-turned
        version by their layout, 0.5 if there is no difference.
    """
    places = np.unique(np.linspace(0, len(pixels) - 1, min(_SAMPLE, len(pixels))).round())
    sample = [Image.fromarray(pixels[int(place)]) for place in places]
    small = [np.asarray(one.resize((_SIDE, _SIDE), Image.Resampling.BOX)) for one in sample]
    spread = [float(np.ptp(one.astype(np.float32), axis=2).mean()) for one in small]
    lumas = [one.astype(np.float32).mean(axis=2) for one in small]
    original = np.stack([layout_of(luma) for luma in lumas])

    def told(change: Callable[[NDArray[np.float32]], NDArray[np.float32]]) -> float:
        changed = np.stack([layout_of(np.ascontiguousarray(change(luma))) for luma in lumas])
        return share_told_apart(original, changed)

    return {
        "colored": float(np.mean(np.array(spread) >= _GREY_SPREAD)),
        "told_mirrored": told(lambda luma: luma[:, ::-1]),
        "told_flipped": told(lambda luma: luma[::-1]),
        "told_turned": told(np.rot90),
        "pictures": float(len(small)),
    }


def recipe_for(facts: Mapping[str, float]) -> ViewRecipe:
    """Return how views may differ, by what was measured.

    What can be told from the original in over 65 % of pictures means something and is left as it
    is; under 40 pictures only mirroring is trusted.
    """
    enough = facts["pictures"] >= _FEWEST
    colored = facts["colored"] > 0.01  # noqa: PLR2004 - a stray one is no rule
    return ViewRecipe(
        mirror=not enough or facts["told_mirrored"] <= _TOLD,
        flip=enough and facts["told_flipped"] <= _TOLD,
        turn=enough and facts["told_turned"] <= _TOLD,
        saturation=0.4 if colored else 0.0,
        grey=0.2 if colored else 0.0,
    )


def write_sheet(examples: Sequence[Sequence[NDArray[np.uint8]]], path: Path) -> None:
    """Write rows of pictures as one PNG: each row a picture and the views made of it.

    Raises:
        OSError: the disk refuses.
    """
    columns = max(map(len, examples))
    step = _CELL + _GAP
    sheet = Image.new("RGB", (columns * step + _GAP, len(examples) * step + _GAP), "white")
    for down, row in enumerate(examples):
        for across, pixels in enumerate(row):
            cell = Image.fromarray(pixels).resize((_CELL, _CELL), Image.Resampling.BICUBIC)
            sheet.paste(cell, (across * step + _GAP, down * step + _GAP))
    path.parent.mkdir(parents=True, exist_ok=True)
    sheet.save(path, "PNG")
