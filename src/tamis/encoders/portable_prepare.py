"""Turn a picture file into the graph's input with Pillow alone, as tamis does.

This file travels inside exported probes, where tamis is not installed: it imports nothing of it.
Not covered: samples of 16 bits or more, and CMYK without Adobe's marker.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from PIL import Image, ImageOps

SETTINGS: dict[str, Any] = {}
"""Of the encoder; filled in by the export."""


def prepare(file: Any, settings: dict[str, Any] | None = None) -> np.ndarray[Any, Any]:
    """Return a picture file as `[height, width, 3]` uint8."""
    given = SETTINGS if settings is None else settings
    height, width = given["height"], given["width"]
    shortest = round(height / given["crop_fraction"])
    picture = Image.open(file)
    orientation = picture.getexif().get(0x0112, 1)
    full = picture.size
    if picture.format == "JPEG":  # decodes large ones at a half, a quarter or an eighth
        picture.draft(None, (given["decode_side"],) * 2)
    factor = round(max(full) / max(picture.size))
    image: Image.Image = picture
    if image.has_transparency_data:
        above = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", above.size, "white"), above)
    image = image.convert("RGB")
    by = max(min(image.size) // given["decode_side"], 1)
    if by > 1:
        image = image.reduce(by)
        factor *= by
    image.getexif()[0x0112] = orientation
    image = ImageOps.exif_transpose(image)
    if orientation in (5, 6, 7, 8):
        full = (full[1], full[0])
    # a reduced picture ends within its last row and column, or the first ones if it was turned
    across, down = full[0] / factor, full[1] / factor
    left = max(image.width - across, 0.0) if orientation in (2, 3, 6, 7) else 0.0
    top = max(image.height - down, 0.0) if orientation in (3, 4, 7, 8) else 0.0
    box = (left, top, min(left + across, image.width), min(top + down, image.height))
    kind = Image.Resampling[given["interpolation"].upper()]
    if given["mode"] == "squash":
        return np.asarray(image.resize((width, height), kind, box))
    if given["mode"] == "pad":
        scale = min(width / full[0], height / full[1])
        inner = (max(1, round(full[0] * scale)), max(1, round(full[1] * scale)))
        canvas = Image.new("RGB", (width, height), tuple(round(255 * c) for c in given["mean"]))
        place = ((width - inner[0]) // 2, (height - inner[1]) // 2)
        canvas.paste(image.resize(inner, kind, box), place)
        return np.asarray(canvas)
    if full[0] <= full[1]:
        size = (shortest, int(shortest * full[1] / full[0]))
    else:
        size = (int(shortest * full[0] / full[1]), shortest)
    image = image.resize(size, kind, box)
    over = (size[0] - width, size[1] - height)
    even = given["crop_rounding"] == "even"
    x, y = (round(each / 2) if even else each // 2 for each in over)
    return np.asarray(image.crop((x, y, x + width, y + height)))
