from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from picture_files import encode, photo, png_16_bit, tiff
from tamis.errors import PictureError
from tamis.images import pixels
from tamis.images.decode import decode
from tamis.images.pixels import UnsupportedModeError, to_rgb


def rgb_of(data: bytes) -> np.ndarray:
    return np.asarray(decode(data, "x").image)


RAMP = np.linspace(0, 65535, 64 * 4).astype(np.uint16).reshape(4, 64)
SCALED = np.rint(RAMP / 257).astype(int)


@pytest.mark.parametrize(
    "data",
    [
        png_16_bit(RAMP),
        tiff(RAMP),
        tiff(RAMP.astype(np.int32)),
        tiff(RAMP.astype(np.float32)),
        tiff((RAMP / 65535).astype(np.float32)),
        tiff(65535 - RAMP, photometric=0),
        encode(Image.fromarray(RAMP), "TIFF", compression="tiff_lzw"),
        b"P5 64 4 65535\n" + RAMP.astype(">u2").tobytes(),
        png_16_bit(np.dstack([RAMP] * 3)),
        png_16_bit(np.dstack([RAMP, np.full_like(RAMP, 65535)])),
        tiff(np.dstack([RAMP] * 3), photometric=2),
    ],
    ids=[
        "png",
        "tiff",
        "int32",
        "float",
        "float to 1",
        "white is zero",
        "lzw",
        "pgm",
        "png rgb",
        "png grey-alpha",
        "tiff rgb",
    ],
)
def test_deep_samples_are_scaled_by_their_full_range(data: bytes) -> None:
    rgb = rgb_of(data).astype(int)

    assert (rgb[..., 0] == rgb[..., 1]).all()
    assert (rgb[..., 0] == rgb[..., 2]).all()
    assert np.abs(rgb[..., 0] - SCALED).max() <= 1
    assert rgb.min() == 0
    assert rgb.max() == 255


def test_floats_up_to_255_are_taken_as_they_are() -> None:
    samples = np.linspace(0, 200, 50, dtype=np.float32).reshape(5, 10)

    assert np.abs(rgb_of(tiff(samples))[..., 0] - samples).max() <= 0.5


def test_other_numbers_are_stretched_and_missing_ones_black() -> None:
    samples = np.linspace(-1000, 3000, 50, dtype=np.float32).reshape(5, 10)
    samples[2, 3] = np.nan
    samples[2, 4] = np.inf

    rgb = rgb_of(tiff(samples))[..., 0]

    assert rgb[0, 0] == 0
    assert rgb[-1, -1] == 255
    assert rgb[2, 3] == 0
    assert rgb[2, 4] == 255
    assert abs(int(rgb[1, 0]) - 255 * 10 / 49) <= 1


def test_all_missing_is_black() -> None:
    assert rgb_of(tiff(np.full((3, 4), np.nan, np.float32))).max() == 0


def test_a_signalling_missing_number_raises_no_warning() -> None:
    bits = np.array([[0x7F800001, 0x3F800000, 0]], np.uint32)

    assert rgb_of(tiff(bits.view(np.float32)))[0, :, 0].tolist() == [0, 255, 0]


def test_12_bit_tiff_counts_to_4095() -> None:
    samples = np.array([[0, 4095, 2048, 1024]], dtype=np.uint16)
    packed = bytearray()
    for first, second in samples.reshape(-1, 2).tolist():
        packed += bytes([first >> 4, (first & 15) << 4 | second >> 8, second & 255])
    data = tiff(samples, bits=12)[: -samples.nbytes] + bytes(packed)

    assert rgb_of(data)[0, :, 0].tolist() == [0, 255, 128, 64]


@pytest.mark.parametrize(
    ("mode", "background"),
    [("RGBA", (255, 255, 255)), ("LA", (255, 255, 255))],
)
@pytest.mark.parametrize("picture_format", ["PNG", "TIFF", "WEBP"])
def test_what_is_transparent_becomes_white(
    mode: str, background: tuple[int, int, int], picture_format: str
) -> None:
    image = Image.new("RGBA", (4, 2), (10, 10, 10, 0)).convert(mode)
    image.paste(Image.new("RGBA", (2, 2), (10, 10, 10, 255)).convert(mode), (0, 0))
    image.paste(Image.new("RGBA", (1, 2), (10, 10, 10, 128)).convert(mode), (1, 0))
    lossless = {"lossless": True} if picture_format == "WEBP" else {}

    rgb = rgb_of(encode(image, picture_format, **lossless))[0].tolist()

    assert rgb[0] == [10, 10, 10]
    assert np.abs(np.array(rgb[1]) - 132).max() <= 1
    assert rgb[2] == list(background)


@pytest.mark.parametrize("picture_format", ["PNG", "GIF"])
def test_a_palette_colour_that_is_transparent_becomes_white(picture_format: str) -> None:
    image = Image.new("P", (2, 1))
    image.putpalette([200, 0, 0, 0, 0, 200])
    image.putdata([0, 1])

    rgb = rgb_of(encode(image, picture_format, transparency=1))

    assert rgb[0].tolist() == [[200, 0, 0], [255, 255, 255]]


def test_a_grey_level_that_is_transparent_becomes_white() -> None:
    data = encode(np.array([[0, 100, 200]], np.uint8), "PNG", transparency=100)

    assert rgb_of(data)[0, :, 0].tolist() == [0, 255, 200]


def test_premultiplied_tiff_grey() -> None:
    samples = np.array([[[50, 128], [0, 0], [90, 255]]], np.uint8)
    data = encode(Image.fromarray(samples.copy(), "LA"), "TIFF")
    premultiplied = data.replace(
        b"\x52\x01\x03\x00\x01\x00\x00\x00\x02", b"\x52\x01\x03\x00\x01\x00\x00\x00\x01"
    )
    assert premultiplied != data

    rgb = rgb_of(premultiplied)[0, :, 0].astype(int)

    assert abs(rgb[0] - (50 + 127)) <= 2
    assert rgb[1:].tolist() == [255, 90]


@pytest.mark.parametrize("picture_format", ["JPEG", "TIFF"])
def test_cmyk_comes_out_in_its_colours(picture_format: str) -> None:
    image = Image.fromarray(photo()).convert("CMYK")
    options = {"quality": 95} if picture_format == "JPEG" else {}

    rgb = rgb_of(encode(image, picture_format, **options))

    assert np.abs(rgb.astype(int) - photo()).mean() < 4


def test_adobe_marker_says_that_cmyk_is_inverted() -> None:
    # Pillow writes inverted values and Adobe's marker; without the marker they stand as they are.
    data = encode(Image.new("CMYK", (16, 16), (255, 0, 0, 0)), "JPEG", quality=95)
    assert data.count(b"\xff\xee\x00\x0eAdobe") == 1
    without = data.replace(b"\xff\xee\x00\x0eAdobe", b"\xff\xee\x00\x0eOther")

    assert np.abs(rgb_of(data)[0, 0].astype(int) - (0, 255, 255)).max() < 6
    assert np.abs(rgb_of(without)[0, 0].astype(int) - (0, 0, 0)).max() < 6


@pytest.mark.parametrize(("mode", "tolerance"), [("L", 1), ("P", 30), ("YCbCr", 3), ("HSV", 5)])
def test_other_modes_keep_the_picture(mode: str, tolerance: int) -> None:
    colour = Image.fromarray(photo())
    source = colour.convert("L") if mode == "L" else colour

    rgb = np.asarray(to_rgb(source.convert(mode))).astype(int)

    assert np.abs(rgb - np.asarray(source.convert("RGB"))).mean() < tolerance


def test_one_bit_is_black_and_white() -> None:
    bits = photo()[..., 0] > 127

    assert np.array_equal(np.asarray(to_rgb(Image.fromarray(bits)))[..., 2], bits * 255)


def test_lab_is_refused_by_name() -> None:
    lab = Image.new("LAB", (4, 4))

    with pytest.raises(UnsupportedModeError, match="LAB"):
        to_rgb(lab)
    with pytest.raises(PictureError, match="colour model LAB"):
        decode(encode(lab, "TIFF"), "x")


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "P", "L", "CMYK", "F", "I;16", "1"])
@pytest.mark.parametrize("reduce_by", [1, 3])
def test_bands_make_no_difference(
    mode: str, reduce_by: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    colour = Image.fromarray(photo(50, 37))
    if mode == "I;16":
        image = Image.fromarray(np.asarray(colour.convert("L")).astype(np.uint16) * 250)
    elif mode == "RGBA":
        image = colour.convert("RGBA")
        image.putalpha(Image.fromarray(photo(50, 37, seed=1)).convert("L"))
    else:
        image = colour.convert("L").convert("F") if mode == "F" else colour.convert(mode)
    whole = to_rgb(image, reduce_by)

    monkeypatch.setattr(pixels, "_BAND_PIXELS", 400)
    banded = to_rgb(image, reduce_by)

    assert whole.size == banded.size == (-(-50 // reduce_by), -(-37 // reduce_by))
    assert np.array_equal(np.asarray(whole), np.asarray(banded))
