"""Pictures of one template with other content: modules, gauges, labels, shelves, fabric and more.

Each kind yields (name, picture, boxes): pictures of one kind differ by what stands in their boxes
and by noise; those without boxes are exposures of one unchanged scene.
"""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont

__all__ = ["HELD_OUT", "KINDS"]


def _noisy(picture, rng, sigma=2.0):
    values = np.asarray(picture, float) + rng.normal(0, sigma, (*picture.size[::-1], 3))
    return Image.fromarray(np.clip(values, 0, 255).astype(np.uint8))


def _module(rng):
    """6 x 6 cells of grey with busbars, each a little other than the next."""
    picture = Image.new("RGB", (600, 600), (40, 40, 45))
    draw = ImageDraw.Draw(picture)
    for row in range(6):
        for column in range(6):
            level = int(rng.integers(105, 150))
            x, y = 6 + column * 99, 6 + row * 99
            draw.rectangle((x, y, x + 92, y + 92), fill=(level, level, level + 6))
            for bar in (23, 46, 69):
                draw.line((x + bar, y, x + bar, y + 92), fill=(200, 200, 205), width=2)
    return picture


def modules(rng):
    scene = _module(rng)
    for number in range(24):
        picture, boxes = scene.copy(), []
        if number % 3:
            x, y = (int(v) for v in rng.integers(20, 540, 2))
            points = [(x, y)]
            for _ in range(4):
                points.append(
                    (
                        points[-1][0] + int(rng.integers(4, 12)),
                        points[-1][1] + int(rng.integers(-9, 10)),
                    )
                )
            ImageDraw.Draw(picture).line(points, fill=(45, 45, 48), width=3)
            xs, ys = zip(*points, strict=True)
            boxes = [(min(xs) - 2, min(ys) - 2, max(xs) + 2, max(ys) + 2)]
        yield f"{number:02}", _noisy(picture.filter(ImageFilter.GaussianBlur(0.6)), rng), boxes


def gauges(rng):
    texture = rng.normal(0, 10, (480, 640, 1)).repeat(3, axis=2)
    wall = Image.fromarray(np.clip(130 + texture, 0, 255).astype(np.uint8))
    wall = wall.filter(ImageFilter.GaussianBlur(1.5))
    for number in range(24):
        picture, boxes = wall.copy(), []
        draw = ImageDraw.Draw(picture)
        for dial in range(2):
            cx, cy = 170 + 300 * dial, 240
            draw.ellipse(
                (cx - 110, cy - 110, cx + 110, cy + 110), fill="white", outline="black", width=6
            )
            for tick in range(11):
                angle = np.pi * (0.75 + 1.5 * tick / 10)
                draw.line(
                    [(cx + r * np.cos(angle), cy + r * np.sin(angle)) for r in (88, 102)],
                    fill="black",
                    width=3,
                )
            turned = number % 3 and dial == number % 2
            value = rng.uniform(0.15, 0.85) if turned else 0.5
            angle = np.pi * (0.75 + 1.5 * value)
            tip = (cx + 80 * np.cos(angle), cy + 80 * np.sin(angle))
            draw.line([(cx, cy), tip], fill=(190, 20, 20), width=5)
            if turned and abs(value - 0.5) > 0.05:
                boxes.append((cx - 85, cy - 85, cx + 85, cy + 85))
        yield f"{number:02}", _noisy(picture, rng), boxes


def labels(rng):
    font = ImageFont.load_default(size=30)
    base = [int(v) for v in rng.integers(0, 10, 12)]
    for number in range(24):
        picture, boxes = Image.new("RGB", (700, 420), (235, 232, 225)), []
        draw = ImageDraw.Draw(picture)
        draw.rectangle((20, 20, 680, 400), outline="black", width=3)
        draw.text((40, 40), "GLASS, HANDLE WITH CARE", fill="black", font=font)
        digits = list(base)
        if number % 3:
            digits[int(rng.integers(0, 12))] = int(rng.integers(0, 10))
        for at, digit in enumerate(digits):
            x = 60 + at * 48
            for stripe in range(7):
                if (digit * 37 + 11) >> stripe & 1:
                    draw.rectangle((x + 6 * stripe, 120, x + 6 * stripe + 3, 300), fill="black")
            draw.text((x + 8, 310), str(digit), fill="black", font=font)
            if digit != base[at]:
                boxes.append((x, 118, x + 44, 345))
        yield f"{number:02}", _noisy(picture, rng, 1.5), boxes


def shelves(rng):
    goods = [[tuple(int(v) for v in rng.integers(30, 230, 3)) for _ in range(12)] for _ in range(5)]
    missing = rng.permutation(60)  # never the same twice, which would be a copy
    for number in range(24):
        picture, boxes = Image.new("RGB", (720, 540), (90, 75, 60)), []
        draw = ImageDraw.Draw(picture)
        gone = divmod(int(missing[number]), 12) if number % 3 else None
        for row in range(5):
            draw.rectangle((0, 100 + row * 105, 720, 108 + row * 105), fill=(150, 130, 100))
            for column in range(12):
                x, y = 12 + column * 59, 22 + row * 105
                if (row, column) == gone:
                    boxes.append((x, y, x + 44, y + 78))
                    continue
                draw.rectangle((x, y, x + 44, y + 78), fill=goods[row][column])
                draw.rectangle((x + 8, y + 20, x + 36, y + 50), fill="white")
                draw.line((x + 10, y + 35, x + 34, y + 35), fill="black", width=3)
        yield f"{number:02}", _noisy(picture, rng), boxes


def knit(rng):
    y, x = np.mgrid[0:512, 0:512]
    stitch = np.abs(np.sin(x * np.pi / 16 + 0.6 * np.sin(y * np.pi / 12))) * 70
    yarn = 90 + stitch + rng.normal(0, 6, (512, 512))
    for number in range(24):
        values, boxes = yarn.copy(), []
        if number % 3:
            top, left = (int(v) for v in rng.integers(20, 440, 2))
            height, width = (int(v) for v in rng.integers(28, 60, 2))
            hole = values[top : top + height, left : left + width]
            hole[:] = np.roll(hole, 8, axis=1) if number % 3 == 1 else 0.6 * hole.mean()
            boxes = [(left, top, left + width, top + height)]
        tinted = np.stack([values * 0.8, values * 0.55, values * 0.5], axis=-1)
        picture = Image.fromarray(np.clip(tinted, 0, 255).astype(np.uint8))
        yield f"{number:02}", _noisy(picture.filter(ImageFilter.GaussianBlur(0.8)), rng), boxes


def parking(rng):
    """Two rows of bays from above: cars that come and go, light that changes, a mast that sways."""
    height, width = 600, 800
    grain = Image.fromarray(
        rng.normal(128, 40, (height // 8, width // 8)).clip(0, 255).astype("u1")
    )
    coarse = np.asarray(grain.resize((width, height), Image.Resampling.BICUBIC), float) - 128
    ground = np.stack([105 + 0.3 * coarse + rng.normal(0, 7, (height, width))] * 3, axis=-1)
    base = Image.fromarray(ground.clip(0, 255).astype(np.uint8))
    draw = ImageDraw.Draw(base)
    bays = [(60 + 68 * column, top) for top in (70, 400) for column in range(10)]
    for x, y in bays:
        draw.line((x - 5, y, x - 5, y + 130), fill=(205, 205, 198), width=4)
    colours = [tuple(int(v) for v in rng.integers(20, 235, 3)) for _ in bays]
    parked = rng.random(len(bays)) < 0.6
    shapes = rng.integers(-4, 5, (len(bays), 2))
    others = rng.permutation(len(bays))
    for number in range(30):
        picture, boxes, here = base.copy(), [], parked.copy()
        if number % 3:
            turned = [int(others[number - number // 3 - 1])]
            here[turned] = ~here[turned]
            x, y = bays[turned[0]]
            boxes = [(x - 4, y + 2, x + 54, y + 124)]
        draw = ImageDraw.Draw(picture)
        for at, (x, y) in enumerate(bays):
            if here[at]:
                dx, dy = (int(v) for v in shapes[at])
                car = (x + 6 + dx, y + 12 + dy, x + 48 + dx, y + 114 + dy)
                draw.rounded_rectangle(
                    (car[0] + 5, car[1] + 5, car[2] + 5, car[3] + 5), 10, (45,) * 3
                )
                draw.rounded_rectangle(car, 10, colours[at])
                glass = (car[0] + 6, car[1] + 26, car[2] - 6, car[1] + 42)
                draw.rectangle(glass, fill=(30, 38, 48))
                draw.rectangle(
                    (car[0] + 6, car[3] - 24, car[2] - 6, car[3] - 14), fill=(30, 38, 48)
                )
        sway = rng.uniform(-1, 1, 2)
        picture = picture.transform(
            picture.size, Image.Transform.AFFINE, (1, 0, sway[0], 0, 1, sway[1]), 3
        ).crop((2, 2, width - 2, height - 2))
        lit = Image.fromarray(
            (np.asarray(picture, float) * rng.uniform(0.85, 1.1)).clip(0, 255).astype(np.uint8)
        )
        yield f"{number:02}", _noisy(lit, rng, 3), boxes


def dashboards(rng):
    """One screen of tiles and curves: a curve or a number that is another, noise of a recording."""
    font, small = ImageFont.load_default(size=34), ImageFont.load_default(size=18)
    values = rng.integers(100, 999, 8)
    curve = np.cumsum(rng.normal(0, 6, 120))
    for number in range(24):
        picture, boxes = Image.new("RGB", (900, 560), (22, 26, 34)), []
        draw = ImageDraw.Draw(picture)
        shown, line = values.copy(), curve.copy()
        if number % 3 == 1:
            at = int(rng.integers(0, 8))
            shown[at] = int(rng.integers(100, 999))
            boxes = [(20 + 110 * at, 52, 122 + 110 * at, 92)] if shown[at] != values[at] else []
        elif number % 3:
            at = int(rng.integers(10, 100))
            line[at : at + 10] += 25 + 3 * number
            x = 40 + 7 * at
            boxes = [(x - 8, 230, x + 80, 500)]
        for at, value in enumerate(shown.tolist()):
            x = 20 + 110 * at
            draw.rectangle((x, 20, x + 100, 100), fill=(38, 44, 56))
            draw.text((x + 8, 24), f"line {at}", fill=(150, 160, 175), font=small)
            draw.text((x + 8, 52), str(value), fill=(235, 238, 240), font=font)
        draw.rectangle((20, 130, 880, 540), fill=(30, 35, 45))
        for y in range(170, 540, 60):
            draw.line((20, y, 880, y), fill=(55, 62, 75))
        points = [(40 + 7 * at, 380 - float(v)) for at, v in enumerate(line)]
        draw.line(points, fill=(90, 200, 250), width=3)
        yield f"{number:02}", _noisy(picture, rng, 1.5), boxes


def tissue(rng):
    """Cells under a microscope, refocused a little: one that is gone or has divided."""
    height, width = 512, 640
    places = rng.uniform(30, (height - 30, width - 30), (90, 2))
    radii, tones = rng.uniform(9, 20, 90), rng.uniform(60, 150, 90)
    ground = rng.normal(0, 5, (height, width))
    y, x = np.mgrid[0:height, 0:width]
    order = rng.permutation(90)

    def grown(values, cells):
        for (cy, cx), radius, tone in cells:
            far = np.hypot(y - cy, x - cx) / radius
            values -= tone * np.exp(-(far**4)) * (1 + 0.4 * np.exp(-((far * 2.5) ** 2)))

    for number in range(24):
        values, boxes, cells = 215 + ground, [], list(zip(places, radii, tones, strict=True))
        if number % 3:
            at = int(order[number])
            (cy, cx), radius, tone = cells.pop(at)
            reach = 1.3 * radius
            boxes = [(cx - reach, cy - reach, cx + reach, cy + reach)]
            if number % 3 == 2:
                cells += [
                    (np.array([cy, cx + side * radius]), 0.55 * radius, tone)
                    for side in (-0.7, 0.7)
                ]
        grown(values, cells)
        tinted = np.stack([values, values * 0.82, values * 0.95], axis=-1)
        picture = Image.fromarray(np.clip(tinted, 0, 255).astype(np.uint8))
        focus = float(rng.uniform(0.3, 1.0))
        yield f"{number:02}", _noisy(picture.filter(ImageFilter.GaussianBlur(focus)), rng), boxes


KINDS = {"modules": modules, "gauges": gauges, "labels": labels}
HELD_OUT = {
    "shelves": shelves,
    "knit": knit,
    "parking": parking,
    "dashboards": dashboards,
    "tissue": tissue,
}
"""Not looked at while the method was built."""
