"""A picture is upright whichever way it says how it was held; no carrier of that can cost much."""

from __future__ import annotations

import io
import tracemalloc
import zlib

import numpy as np
import pytest
from PIL import Image, ImageOps

from orientation_carriers import (
    CARRIERS,
    PACKETS,
    exif_block,
    international,
    packet,
    png,
    raw_profile,
)
from picture_files import exif_with, photo, png_chunk, stored_for
from tamis.images.decode import decode
from tamis.images.xmp import MAX_XMP_BYTES, xmp_orientation

UPRIGHT = photo(90, 50, seed=3)
UNKNOWN_TO_PILLOW = ("another prefix", "single quotes", "on lines", "UTF-16", "states none")
UNKNOWN_TO_PILLOW += ("raw profile xmp", "APP1", "BigTIFF")


@pytest.mark.parametrize("min_side", [None, 25])
@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("carrier", CARRIERS)
def test_every_carrier_of_every_orientation_is_followed(carrier, orientation, min_side):
    data = CARRIERS[carrier](stored_for(UPRIGHT, orientation), orientation)

    decoded = decode(data, "x", min_side=min_side)

    assert (decoded.width, decoded.height, decoded.orientation) == (90, 50, orientation)
    expected = UPRIGHT
    if min_side is None:
        assert decoded.image.size == (90, 50)
    else:
        expected = np.asarray(Image.fromarray(UPRIGHT).resize((45, 25), Image.Resampling.BOX))
        assert decoded.image.size == (45, 25)
    difference = np.abs(np.asarray(decoded.image).astype(int) - expected)
    assert difference.mean() < 4


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize(
    "carrier",
    [name for name in CARRIERS if not any(part in name for part in UNKNOWN_TO_PILLOW)],
)
def test_pillow_turns_it_the_same_way(carrier, orientation):
    data = CARRIERS[carrier](stored_for(UPRIGHT, orientation), orientation)
    turned = ImageOps.exif_transpose(Image.open(io.BytesIO(data))).convert("RGB")
    ours = decode(data, "x").image
    assert np.abs(np.asarray(turned).astype(int) - np.asarray(ours)).max() <= 3


@pytest.mark.parametrize(
    "text",
    [
        packet('tiff:Orientation="0"/>'),
        packet('tiff:Orientation="9"/>'),
        packet('tiff:Orientation="66"/>'),
        packet('tiff:Orientation=""/>'),
        packet('xtiff:Orientation="6"/>'),
        packet('exif:Orientation="6"/>'),
        packet('tiff:OrientationOfMind="6"/>'),
        b"",
        b"\0" * 5000,
        b'"tiff:Orientation=6',
    ],
)
def test_what_states_no_orientation_states_none(text):
    assert xmp_orientation(text) is None


def test_rubbish_takes_no_time():
    for piece in (b"<tiff:Orientation ", b"xmlns:a = ", b" tiff:Orientation = ", b"\0<", b" " * 9):
        assert xmp_orientation(piece * (MAX_XMP_BYTES // len(piece) + 1)) is None
    late = b" " * MAX_XMP_BYTES + PACKETS["attribute"](6)
    assert xmp_orientation(late) is None


BAD_TEXTS = {
    "bomb": png_chunk(
        b"zTXt", b"Raw profile type exif\0\0" + zlib.compress(b"\nexif\n 9\n" + b"0" * 30_000_000)
    ),
    "bomb of XMP": international(b" " * 30_000_000 + PACKETS["attribute"](6), packed=True),
    "long": raw_profile("exif", bytes(3_000_000)),
    "no digits": png_chunk(b"tEXt", b"Raw profile type exif\0\nexif\n  12\nzzzz"),
    "odd digits": png_chunk(b"tEXt", b"Raw profile type exif\0\nexif\n  12\n457869"),
    "no lines": png_chunk(b"tEXt", b"Raw profile type exif\0"),
    "not packed": png_chunk(b"zTXt", b"Raw profile type exif\0\0rubbish"),
    "cut": png_chunk(b"zTXt", b"Raw profile type exif\0\0" + zlib.compress(bytes(999))[:-5]),
    "no text": png_chunk(b"iTXt", b"XML:com.adobe.xmp\0"),
    "no key": png_chunk(b"tEXt", b"x" * 200),
    "not ascii": png_chunk(b"tEXt", b"Raw profile type exif\0\nexif\n  12\n\xff\xfe"),
    "another key": raw_profile("iptc", exif_block(6)),
}


@pytest.mark.parametrize("kind", BAD_TEXTS)
def test_a_bad_text_costs_neither_the_picture_nor_memory(kind):
    data = png(UPRIGHT, BAD_TEXTS[kind])
    tracemalloc.start()
    try:
        decoded = decode(data, "x")
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert (decoded.width, decoded.height, decoded.orientation) == (90, 50, 1)
    assert peak < 4_000_000 + 2 * len(data)


def test_a_bad_text_does_not_hide_a_good_one():
    stored = stored_for(UPRIGHT, 6)
    texts = [*BAD_TEXTS.values(), raw_profile("exif", exif_block(6))]
    assert decode(png(stored, *texts), "x").orientation == 6


def test_a_raw_profile_tells_the_camera_and_the_time_too():
    exif = exif_with(3, t271="ACME", t272="One")
    exif.get_ifd(0x8769)[36867] = "2021:07:14 09:30:15"
    block = b"Exif\0\0" + exif.tobytes().removeprefix(b"Exif\0\0")
    read = decode(png(UPRIGHT, raw_profile("exif", block)), "x").exif
    assert (read.camera, str(read.captured_at)) == ("ACME One", "2021-07-14 09:30:15")
