"""Sets of pictures to look for small flaws in: nominal ones, flawed ones, and where the flaws are.

Each writes OUT/good (nominal pictures to fit to), OUT/test/KIND (to score; `good` is nominal) and,
where flaws are known by place, OUT/masks/KIND. `stain` and `crack` are drawn here and are not
among the flaws that tamis plants to choose a model by.
"""

from __future__ import annotations

import csv
import shutil

import numpy as np
from PIL import Image
from scipy import ndimage

from tamis.algo.defects import FLAWS, PlantedFlaw, plant_flaw

__all__ = ["SETS"]

_UNSEEN = ("stain", "crack")


def _copy(files, folder):
    folder.mkdir(parents=True, exist_ok=True)
    for file in files:
        shutil.copy(file, folder / file.name)


def _save(pixels, folder, name):
    folder.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(folder / f"{name}.png")


def _stain(pixels, rng):
    """A soft-edged blotch, a little darker and of another tint."""
    height, width = pixels.shape[:2]
    side = min(height, width)
    radius = side * rng.uniform(0.04, 0.09)
    y, x = (rng.uniform(radius, edge - radius) for edge in (height, width))
    rows, columns = np.ogrid[:height, :width]
    waves = rng.standard_normal((height, width))
    waves = ndimage.gaussian_filter(waves, radius / 2)
    away = np.hypot(rows - y, columns - x) / radius + 0.3 * waves / waves.std()
    cover = np.clip(1.5 - away, 0, 1)[..., None]
    tint = rng.uniform(-35, -15) * rng.uniform(0.6, 1.4, 3)
    made = np.clip(np.rint(pixels + cover * tint), 0, 255).astype(np.uint8)
    return PlantedFlaw(made, cover[..., 0] > 0.3)


def _crack(pixels, rng):
    """A dark line that wanders and forks, one or two pixels wide."""
    height, width = pixels.shape[:2]
    side = min(height, width)
    cover = np.zeros((height, width))
    start = [rng.uniform(0.2, 0.8) * height, rng.uniform(0.2, 0.8) * width]
    paths = [(*start, rng.uniform(0, 2 * np.pi), side * rng.uniform(0.12, 0.3))]
    while paths:
        y, x, angle, left = paths.pop()
        while left > 0:
            angle += rng.normal(0, 0.25)
            y, x, left = y + np.sin(angle), x + np.cos(angle), left - 1
            if not (0 <= y < height and 0 <= x < width):
                break
            cover[int(y), int(x)] = 1
            if left > side * 0.05 and rng.random() < 0.02:
                paths.append((y, x, angle + rng.choice([-0.8, 0.8]), left / 2))
    soft = np.clip(ndimage.gaussian_filter(cover, max(0.5, side / 500)) * 2.5, 0, 1)[..., None]
    made = pixels * (1 - 0.45 * soft)
    return PlantedFlaw(np.rint(made).astype(np.uint8), soft[..., 0] > 0.2)


def _flawed(pixels, kind, rng):
    if kind == "stain":
        return _stain(pixels.astype(float), rng)
    if kind == "crack":
        return _crack(pixels.astype(float), rng)
    return plant_flaw(pixels, kind, rng)


def _plant(pictures, out, seed):
    """Write a flaw of each kind on each of some nominal pictures."""
    for number, pixels in enumerate(pictures):
        for which, kind in enumerate((*FLAWS, *_UNSEEN)):
            made = _flawed(pixels, kind, np.random.default_rng([seed, number, which]))
            # a mask is found by the name of its picture, which is the only one of that name
            _save(made.pixels, out / "test" / kind, f"{kind}{number:04}")
            _save(made.mask, out / "masks" / kind, f"{kind}{number:04}")


def textiles(source, out, fit, test):
    """The package's pictures: nominal, with a local flaw, or with another texture throughout."""
    root = next(source.rglob("simulated"))
    nominal = sorted((root / "nominal").glob("*.jpg"))
    _copy(nominal[:fit], out / "good")
    _copy(nominal[fit : fit + test], out / "test" / "good")
    for kind in ("local", "global"):
        _copy(sorted((root / kind).glob("*.jpg"))[:test], out / "test" / kind)


def boards(source, out, fit, test):
    """Circuit boards: templates are nominal, tested boards have boxes around their flaws."""
    rows = list(csv.DictReader((source / "pairs.csv").open()))
    order = np.random.default_rng(3).permutation(len(rows))
    _copy([source / rows[at]["template"] for at in order[:fit]], out / "good")
    _copy([source / rows[at]["template"] for at in order[fit : fit + test]], out / "test" / "good")
    (out / "masks" / "flawed").mkdir(parents=True)
    for at in order:
        file = source / rows[at]["tested"]
        _copy([file], out / "test" / "flawed")
        mask = np.zeros(Image.open(file).size[::-1], np.uint8)
        for box in rows[at]["boxes"].split(";"):
            left, top, right, bottom, *_ = map(int, box.split())
            mask[top:bottom, left:right] = 255
        Image.fromarray(mask).save(out / "masks" / "flawed" / f"{file.stem}.png")


def planted(source, out, fit, test):
    """Photographs, and others with one planted flaw of each kind."""
    photographs = sorted(source.rglob("*.jpg"))
    _copy(photographs[:fit], out / "good")
    _copy(photographs[fit : fit + test], out / "test" / "good")
    others = photographs[fit + test : fit + test + max(test // 2, 1)]
    _plant([np.asarray(Image.open(file).convert("RGB")) for file in others], out, 7)


def texture(source, out, fit, test):
    """Tiles of one photograph of a texture, cut without overlap; half of those to test get flaws.

    A photograph of 512 pixels gives 64 tiles of 64.
    """
    pixels = np.asarray(Image.open(source).convert("RGB"))
    side = int(np.sqrt(pixels.shape[0] * pixels.shape[1] / (fit + 2 * test)))
    side = min(side, min(pixels.shape[:2]) // int(np.ceil(np.sqrt(fit + 2 * test))))
    tiles = [
        np.ascontiguousarray(pixels[y : y + side, x : x + side])
        for y in range(0, pixels.shape[0] - side + 1, side)
        for x in range(0, pixels.shape[1] - side + 1, side)
    ]
    order = np.random.default_rng(11).permutation(len(tiles))
    _write([tiles[at] for at in order], out, fit, test, 11)


def conveyor(_source, out, fit, test):
    """Drawn: turned metal rings with holes, anywhere on a gray belt, at any angle, lit unevenly."""
    rng = np.random.default_rng(13)
    _write([_ring(rng) for _ in range(fit + 2 * test)], out, fit, test, 13)


def _write(pictures, out, fit, test, seed):
    for number, pixels in enumerate(pictures[:fit]):
        _save(pixels, out / "good", f"{number:04}")
    for number, pixels in enumerate(pictures[fit : fit + test]):
        _save(pixels, out / "test" / "good", f"{number:04}")
    _plant(pictures[fit + test : fit + 2 * test], out, seed)


def _ring(rng, side=256):
    rows, columns = np.mgrid[:side, :side].astype(float)
    y, x = side / 2 + rng.uniform(-16, 16, 2)
    angle = rng.uniform(0, 2 * np.pi)
    away = np.hypot(rows - y, columns - x)
    around = np.arctan2(rows - y, columns - x)
    belt = 70 + 6 * ndimage.gaussian_filter(rng.standard_normal((side, side)), (1, 4))
    # grooves of the lathe, and the gloss that turns with the light and not with the part
    metal = 150 + 8 * np.sin(away * 1.3) + 18 * np.cos(2 * (around - 0.7))
    inside = np.clip(92 - away, 0, 1) * np.clip(away - 34, 0, 1)
    for number in range(6):
        at = angle + number * np.pi / 3
        hole = np.hypot(rows - y - 64 * np.sin(at), columns - x - 64 * np.cos(at))
        inside *= np.clip(hole - 9, 0, 1)
    notch = np.hypot(rows - y - 92 * np.sin(angle + 0.5), columns - x - 92 * np.cos(angle + 0.5))
    inside *= np.clip(notch - 7, 0, 1)
    shadow = ndimage.shift(ndimage.gaussian_filter(inside, 3), (4, 4), order=0)
    light = 1 + rng.uniform(-0.12, 0.12) * (columns / side - 0.5) + rng.uniform(-0.1, 0.1)
    drawn = (belt * (1 - 0.5 * shadow) * (1 - inside) + metal * inside) * light
    color = drawn[..., None] * np.array([1.0, 0.99, 0.96])
    grainy = ndimage.gaussian_filter(color, (0.7, 0.7, 0)) + rng.normal(0, 2.5, color.shape)
    return np.clip(np.rint(grainy), 0, 255).astype(np.uint8)


SETS = {
    "textiles": textiles,
    "boards": boards,
    "planted": planted,
    "texture": texture,
    "conveyor": conveyor,
}
