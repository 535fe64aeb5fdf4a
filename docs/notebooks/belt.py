"""A conveyor belt, drawn: what the notebooks use where you use pictures of your own."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

if TYPE_CHECKING:
    from collections.abc import Iterable

SIZE = (256, 192)
KINDS = ("bolt", "gear", "nut", "washer")


def picture(kind: str, seed: int, *, light: float = 1.0, blur: float = 0.0) -> Image.Image:
    """Draw one part on the belt; place, turn, size and wear come from `seed`."""
    rng = np.random.default_rng([seed, *kind.encode()])
    x, y = SIZE[0] * rng.uniform(0.35, 0.65), SIZE[1] * rng.uniform(0.4, 0.6)
    return view([(kind, x, y, seed)], int(rng.integers(2**32)), light=light, blur=blur)


def view(
    parts: Iterable[tuple[str, float, float, int]],
    seed: int,
    *,
    light: float = 1.0,
    blur: float = 0.0,
    shift: float = 0.0,
) -> Image.Image:
    """Draw the belt with parts at given places, as a camera with a noisy sensor sees it."""
    canvas = Image.new("RGB", SIZE, (74, 84, 80))
    pen = ImageDraw.Draw(canvas)
    for x in range(-32, SIZE[0] + 32, 32):  # the weave of the belt
        start = x + shift % 32
        pen.line([(start, 0), (start - 18, SIZE[1])], fill=(62, 70, 68), width=3)
    pen.rectangle((0, 0, SIZE[0], 14), fill=(150, 140, 40))
    pen.rectangle((0, SIZE[1] - 14, SIZE[0], SIZE[1]), fill=(150, 140, 40))
    for kind, x, y, part in parts:
        _draw(pen, kind, x, y, np.random.default_rng([part, *kind.encode()]))
    canvas = canvas.filter(ImageFilter.GaussianBlur(0.6 + blur))
    noise = np.random.default_rng(seed).normal(0, 3, (SIZE[1], SIZE[0], 3))
    return Image.fromarray(np.clip(np.asarray(canvas) * light + noise, 0, 255).astype(np.uint8))


def save(
    folder: str,
    kinds: Iterable[str],
    each: int,
    *,
    first: int = 0,
    light: float = 1,
    blur: float = 0,
) -> Path:
    """Write `each` pictures of every kind as `folder/kind-0000.jpg`."""
    out = Path(folder)
    out.mkdir(parents=True, exist_ok=True)
    for kind in kinds:
        for number in range(first, first + each):
            # each picture by chance of its own: what several share would be drift by itself
            lamp = np.random.default_rng([number, *kind.encode(), 1]).uniform(0.92, 1.08)
            drawn = picture(kind, number, light=light * lamp, blur=blur)
            drawn.save(out / f"{kind}-{number:04d}.jpg", quality=92)
    return out


def film(path: str, parts: int, *, seconds_apart: float = 2.0, rate: int = 10) -> Path:
    """Write a video of `parts` parts that pass one after the other, the belt empty between them."""
    import av

    rng = np.random.default_rng(parts)
    kinds = [KINDS[number] for number in rng.integers(0, len(KINDS), parts)]
    with av.open(path, "w") as container:
        stream = container.add_stream("libx264", rate=rate)
        stream.width, stream.height, stream.pix_fmt = *SIZE, "yuv420p"
        for frame in range(int(parts * seconds_apart * rate)):
            travelled = 160.0 * frame / rate  # pixels, at 160 a second
            shown = [
                (kind, travelled - 160.0 * seconds_apart * number - 40, SIZE[1] / 2, number)
                for number, kind in enumerate(kinds)
            ]
            visible = [part for part in shown if -60 < part[1] < SIZE[0] + 60]
            drawn = view(visible, frame, shift=travelled)
            container.mux(stream.encode(av.VideoFrame.from_image(drawn)))
        container.mux(stream.encode())
    return Path(path)


def _draw(
    pen: ImageDraw.ImageDraw, kind: str, x: float, y: float, rng: np.random.Generator
) -> None:
    size, turn = rng.uniform(26, 38), rng.uniform(0, 2 * math.pi)
    grey = int(rng.uniform(150, 215))
    steel, hole = (grey, grey, grey + 8), (58, 64, 62)
    if kind == "bolt":
        far = (x + 1.7 * size * math.cos(turn), y + 1.7 * size * math.sin(turn))
        pen.line([(x, y), far], fill=steel, width=int(size * 0.5))
        pen.polygon(_ring(x, y, size * 0.75, 6, turn), fill=steel, outline=hole)
    elif kind == "nut":
        pen.polygon(_ring(x, y, size, 6, turn), fill=steel, outline=hole)
        _disc(pen, x, y, size * 0.5, hole)
    elif kind == "gear":
        teeth = 24
        rim = [
            (x + r * math.cos(turn + a), y + r * math.sin(turn + a))
            for tooth in range(teeth)
            for r, a in ((size * (1.2, 0.95)[tooth % 2], 2 * math.pi * tooth / teeth),)
        ]
        pen.polygon(rim, fill=(grey, int(grey * 0.8), 70), outline=hole)
        _disc(pen, x, y, size * 0.3, hole)
    elif kind == "washer":
        _disc(pen, x, y, size, steel)
        _disc(pen, x, y, size * 0.55, hole)
    else:  # a spring: the product that the line did not make before
        for coil in range(6):
            step = (coil - 2.5) * size * 0.45
            cx, cy = x + step * math.cos(turn), y + step * math.sin(turn)
            box = (cx - size * 0.5, cy - size * 0.5, cx + size * 0.5, cy + size * 0.5)
            pen.ellipse(box, outline=(190, 90, 60), width=5)


def _ring(
    x: float, y: float, radius: float, corners: int, turn: float
) -> list[tuple[float, float]]:
    angles = [turn + 2 * math.pi * corner / corners for corner in range(corners)]
    return [(x + radius * math.cos(a), y + radius * math.sin(a)) for a in angles]


def _disc(
    pen: ImageDraw.ImageDraw, x: float, y: float, radius: float, fill: tuple[int, int, int]
) -> None:
    pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=fill)
