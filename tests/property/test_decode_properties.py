from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from picture_files import FORMATS, encode, exif_with, photo, photo_file, stored_for
from tamis.errors import PictureError
from tamis.images.decode import decode
from tamis.images.perceptual_hash import phash, phash_of_flips
from tamis.images.quality import measure_quality, standard_gray

WHOLE = {name: photo_file(name) for name in FORMATS} | {
    "JPEG with Exif": encode(photo(), "JPEG", exif=exif_with(6, t271="ACME", t272="One")),
    "PNG with Exif": encode(photo(), "PNG", exif=exif_with(6)),
    "progressive JPEG": encode(photo(), "JPEG", progressive=True),
    "LZW TIFF": encode(photo(), "TIFF", compression="tiff_lzw"),
}

sides = st.integers(1, 24)
pictures = st.tuples(sides, sides).flatmap(lambda size: arrays(np.uint8, (*size, 3)))
grays = st.tuples(sides, sides).flatmap(lambda size: arrays(np.uint8, size))


@given(pictures, st.sampled_from(["PNG", "TIFF", "WEBP"]))
@settings(max_examples=60, deadline=None)
def test_a_picture_looks_the_same_in_every_orientation(
    upright: np.ndarray, picture_format: str
) -> None:
    height, width, _ = upright.shape
    for orientation in range(1, 9):
        stored = stored_for(upright, orientation)
        data = encode(
            stored, picture_format, exif=exif_with(orientation), **FORMATS[picture_format]
        )
        decoded = decode(data, "x")

        assert (decoded.width, decoded.height) == (width, height)
        assert np.array_equal(np.asarray(decoded.image), upright)


@given(
    name=st.sampled_from(sorted(WHOLE)),
    edits=st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), max_size=6),
    end=st.floats(0, 1),
    min_side=st.sampled_from([None, 16]),
)
@settings(max_examples=400, deadline=None)
def test_damaged_bytes_give_a_picture_or_a_reason(
    name: str, edits: list[tuple[float, int]], end: float, min_side: int | None
) -> None:
    data = bytearray(WHOLE[name])
    for place, value in edits:
        data[int(place**2 * len(data))] = value  # more of them in the header
    try:
        decoded = decode(bytes(data[: int(len(data) * (0.5 + end))]), "x", min_side=min_side)
    except PictureError as error:
        reason, mode = error.reason, "RGB"
    else:
        reason, mode = "none", decoded.image.mode

    assert mode == "RGB"
    assert 0 < len(reason) < 150
    assert "\n" not in reason


@given(grays)
@settings(max_examples=150, deadline=None)
def test_quality_stays_in_its_bounds(gray: np.ndarray) -> None:
    quality = measure_quality(gray)

    assert 0 <= quality.brightness <= 1
    assert 0 <= quality.contrast <= 0.5
    assert 0 <= quality.entropy <= np.log2(min(gray.size, 256)) + 1e-9
    assert quality.sharpness >= 0
    inverse = measure_quality(255 - gray)
    assert np.isclose(inverse.brightness, 1 - quality.brightness)
    assert np.isclose(inverse.sharpness, quality.sharpness)


@given(pictures)
@settings(max_examples=50, deadline=None)
def test_standard_size_has_a_longest_side_of_512(pixels: np.ndarray) -> None:
    gray = standard_gray(decode(encode(pixels), "x").image)

    assert max(gray.shape) == 512
    assert min(gray.shape) >= 1


@given(grays)
@settings(max_examples=100, deadline=None)
def test_hash_of_flips_starts_with_the_hash(gray: np.ndarray) -> None:
    hashes = phash_of_flips(gray)

    assert hashes[0] == phash(gray)
    assert len(hashes) == 4
