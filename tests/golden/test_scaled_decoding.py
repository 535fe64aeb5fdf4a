"""A picture that is decoded smaller gives the vector that all its pixels give."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from PIL import Image, ImageDraw

from picture_files import encode
from synthetic_pictures import scene
from tamis.encoders.preprocess import decode_side, prepare
from tamis.encoders.registry import load_encoder
from tamis.images.decode import decode

LEAST_COSINE = 0.999
TWELVE_MEGAPIXELS = (4000, 3000)


@cache
def textured(seed: int, size: tuple[int, int]) -> Image.Image:
    """Things with sharp outlines and texture of every scale on them, and a camera's grain."""
    rng = np.random.default_rng(seed)
    picture = Image.fromarray(rng.integers(0, 256, (3, 4, 3), dtype=np.uint8))
    picture = picture.resize(size, Image.Resampling.BICUBIC)
    pen = ImageDraw.Draw(picture)
    for number in range(20):
        centre, radii = rng.uniform(0, 1, 2) * size, rng.uniform(0.02, 0.2, 2) * min(size)
        shape = pen.ellipse if number % 2 else pen.rectangle
        box = (*(centre - radii).tolist(), *(centre + radii).tolist())
        shape(box, fill=tuple(rng.integers(0, 256, 3).tolist()))
    texture = Image.fromarray(scene(seed, 512)).resize(size, Image.Resampling.BICUBIC)
    uneven = 0.3 * (np.asarray(texture, np.float32) - 128)
    uneven += 4 * rng.standard_normal(uneven.shape, np.float32)
    pixels = np.asarray(picture, np.float32) + uneven[..., None]
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))


@pytest.fixture(scope="module")
def files():
    """JPEGs of several sizes and kinds; the largest has 12 megapixels."""
    return {
        "12 megapixels": encode(textured(0, TWELVE_MEGAPIXELS), "JPEG", quality=90),
        "portrait": encode(textured(10, (1800, 2400)), "JPEG", quality=90),
        "fine chroma": encode(textured(20, (3200, 1800)), "JPEG", quality=95, subsampling=0),
        "strong compression": encode(textured(30, (2560, 1920)), "JPEG", quality=50),
        "progressive": encode(textured(40, (2400, 1808)), "JPEG", quality=85, progressive=True),
        "PNG": encode(textured(50, (2400, 1800)), "PNG", compress_level=1),
    }


@pytest.fixture(scope="module")
def encoder():
    return load_encoder("bundled:efficientnet-lite0")


@pytest.mark.parametrize("side", [224, 320])
def test_the_vector_is_that_of_all_pixels(encoder, files, side):
    preprocessing = replace(encoder.preprocessing, height=side, width=side)
    large = {name: data for name, data in files.items() if side == 224 or "megapixels" in name}
    cosines = {name: _cosine(encoder, data, preprocessing) for name, data in large.items()}
    assert {name: cosine for name, cosine in cosines.items() if cosine < LEAST_COSINE} == {}


@pytest.mark.parametrize("size", [(1900, 2533), TWELVE_MEGAPIXELS[::-1]])
def test_photographs_keep_their_vectors(encoder, shared_data, size):
    files = sorted((shared_data / "clothing" / "train").rglob("*.jpg"))
    rng = np.random.default_rng(0)
    cosines = []
    for file in files[:: len(files) // 3][:3]:
        enlarged = Image.open(file).convert("RGB").resize(size, Image.Resampling.BICUBIC)
        grain = 4 * rng.standard_normal((size[1], size[0], 1), np.float32)
        pixels = np.clip(np.asarray(enlarged, np.float32) + grain, 0, 255).astype(np.uint8)
        data = encode(pixels, "JPEG", quality=90)
        cosines.append(_cosine(encoder, data, encoder.preprocessing))
    assert min(cosines) > LEAST_COSINE, cosines


@pytest.mark.parametrize("size", [(2690, 1793), (1795, 2693), (3001, 1801)])
@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
def test_a_side_that_does_not_divide_moves_nothing(encoder, size, orientation):
    """The input is laid out by the original's size, and begins where the picture does."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = encode(textured(40, size), "JPEG", quality=85, exif=exif)
    assert _cosine(encoder, data, encoder.preprocessing) > LEAST_COSINE


def test_the_bound_tells_good_pixels_from_careless_ones(encoder, files):
    """Without antialiasing the same pictures fall below it, so that the bound means something."""
    full = decode(files["12 megapixels"], "x").image
    side = encoder.preprocessing.height
    careless = full.resize((2 * side, 2 * side), Image.Resampling.NEAREST)
    reference = full.resize((2 * side, 2 * side), Image.Resampling.BICUBIC)
    pixels = np.stack([prepare(image, encoder.preprocessing) for image in (careless, reference)])
    left, right = encoder.embed(pixels)
    assert left @ right < LEAST_COSINE


def _cosine(encoder, data, preprocessing):
    scaled = decode(data, "x", min_side=decode_side(preprocessing))
    full = decode(data, "x")
    assert scaled.image.width < full.image.width
    prepared = [
        prepare(
            decoded.image,
            preprocessing,
            size=(decoded.width, decoded.height),
            extent=decoded.extent,
        )
        for decoded in (scaled, full)
    ]
    left, right = encoder.embed(np.stack([_to_input(encoder, pixels) for pixels in prepared]))
    return float(left @ right)


def _to_input(encoder, pixels):
    """Fit pixels of another side to the network, the same way for both sides of a comparison."""
    size = (encoder.preprocessing.width, encoder.preprocessing.height)
    return np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.BICUBIC))
