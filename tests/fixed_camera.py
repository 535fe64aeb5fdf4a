"""Frames of a fixed camera: one background, figures that move, and copies of some frames."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageDraw, ImageEnhance

from synthetic_pictures import scene

if TYPE_CHECKING:
    from pathlib import Path

SIZE = (256, 192)
START = datetime(2026, 5, 1, 8)  # noqa: DTZ001 - cameras write no zone
_TAKEN = 0x9003


def background(seed: int, size: tuple[int, int] = SIZE) -> Image.Image:
    """A place with texture at every scale, in colour."""
    planes = [scene(3 * seed + plane, 256) for plane in range(3)]
    grey = np.mean(planes, axis=0)
    tinted = [np.clip(0.7 * grey + 0.3 * plane, 0, 255).astype(np.uint8) for plane in planes]
    return Image.fromarray(np.stack(tinted, axis=-1)).resize(size, Image.Resampling.BICUBIC)


def frame(place: int, number: int, size: tuple[int, int] = SIZE) -> Image.Image:
    """What the camera at a place sees at a moment: one to three figures, and noise of its own."""
    rng = np.random.default_rng([place, number])
    picture = background(place, size)
    pen = ImageDraw.Draw(picture)
    for _ in range(rng.integers(1, 4)):
        x, y = int(rng.integers(10, size[0] - 40)), int(rng.integers(30, size[1] - 70))
        body, legs, skin = (tuple(int(c) for c in rng.integers(20, 236, 3)) for _ in range(3))
        wide = int(rng.integers(12, 18))
        pen.rectangle((x, y, x + wide, y + 20), fill=body)
        pen.rectangle((x + 2, y + 20, x + wide - 2, y + 38), fill=legs)
        pen.ellipse((x + wide // 2 - 5, y - 11, x + wide // 2 + 5, y), fill=skin)
    noise = rng.normal(0, 1.5, (size[1], size[0], 3))
    return Image.fromarray(np.clip(np.asarray(picture) + noise, 0, 255).astype(np.uint8))


def write_frames(folder: Path, places: int, each: int) -> list[Path]:
    """Write the frames of some cameras, a second apart, with the time and camera in their EXIF."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for place in range(places):
        for number in range(each):
            path = folder / f"{place}-{number:03}.jpg"
            exif = Image.Exif()
            exif[0x0110] = f"camera {place}"
            taken = START + timedelta(seconds=number)
            exif.get_ifd(0x8769)[_TAKEN] = taken.strftime("%Y:%m:%d %H:%M:%S")
            frame(place, number).save(path, quality=92, exif=exif)
            written.append(path)
    return written


def write_copies(paths: list[Path]) -> dict[Path, Path]:
    """Write a copy beside each picture: recompressed, brighter or smaller in turn."""
    copies = {}
    for turn, path in enumerate(paths):
        copy = path.with_name(f"{path.stem}-copy.jpg")
        with Image.open(path) as picture:
            if turn % 3 == 1:
                ImageEnhance.Brightness(picture).enhance(1.15).save(copy, quality=90)
            elif turn % 3 == 2:
                picture.resize((192, 144), Image.Resampling.LANCZOS).save(copy, quality=90)
            else:
                picture.save(copy, quality=45)
        copies[path] = copy
    return copies
