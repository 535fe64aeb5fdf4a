"""What a header promises is known before it is believed: in pixels, and in bytes of memory."""

from __future__ import annotations

import json
import os
import struct
import subprocess
import sys
import tracemalloc

import numpy as np
import pytest
from PIL import Image

from picture_files import encode, photo_file, png_header, tiff_block
from tamis.errors import PictureError
from tamis.images import decode as decode_module
from tamis.images.decode import Limits, decode
from tamis.images.decoder_memory import decoder_memory
from tamis.images.formats import open_header

LARGE = (2000, 1500)

# In a process of its own, for a peak that nothing before has raised.
_MEASURE = """
import json, sys
from pathlib import Path
from tamis.images.decode import decode

def status(key):
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(key)) * 1024

peaks = {}
for small, large in zip(sys.argv[1::2], sys.argv[2::2]):
    decode(Path(small).read_bytes(), small, min_side=500)
    data = Path(large).read_bytes()
    Path("/proc/self/clear_refs").write_text("5")
    before = status("VmRSS")
    decode(data, large, min_side=500)
    peaks[large] = status("VmHWM") - before
print(json.dumps(peaks))
"""

KINDS = {
    "rgb.webp": ("WEBP", "RGB", {"method": 0}),
    "lossless.webp": ("WEBP", "RGB", {"method": 0, "lossless": True}),
    "rgb.avif": ("AVIF", "RGB", {"speed": 10, "quality": 40}),
    "rgb.jp2": ("JPEG2000", "RGB", {}),
    "grey.jp2": ("JPEG2000", "L", {}),
    "rgb.jpg": ("JPEG", "RGB", {}),
    "progressive.jpg": ("JPEG", "RGB", {"progressive": True, "subsampling": 0}),
    "cmyk.jpg": ("JPEG", "CMYK", {"progressive": True}),
    "rgb.png": ("PNG", "RGB", {"compress_level": 1}),
    "grey.png": ("PNG", "L", {"compress_level": 1}),
    "strip.tif": ("TIFF", "RGB", {"compression": "tiff_lzw", "tiffinfo": {278: LARGE[1]}}),
}


def picture(size: tuple[int, int], mode: str) -> Image.Image:
    return Image.radial_gradient("L").resize(size).convert("RGB").convert(mode)


def test_no_decoder_takes_much_more_than_is_told(tmp_path):
    if not sys.platform.startswith("linux"):
        pytest.skip("/proc tells the peak")
    names = []
    for name, (kind, mode, options) in KINDS.items():
        for size in ((64, 48), LARGE):
            path = tmp_path / f"{size[0]}-{name}"
            path.write_bytes(encode(picture(size, mode), kind, **options))
            names.append(str(path))
    # Freed blocks go back to the system, or the next picture would take them over unseen.
    environment = {**os.environ, "MALLOC_MMAP_THRESHOLD_": "65536"}
    done = subprocess.run(
        [sys.executable, "-c", _MEASURE, *names],
        capture_output=True,
        text=True,
        check=True,
        env=environment,
    )
    peaks = json.loads(done.stdout)
    for name in KINDS:
        path = tmp_path / f"{LARGE[0]}-{name}"
        opened = open_header(path.read_bytes())
        decode_module._draft_jpeg(opened, 500)
        told = decoder_memory(opened, *LARGE) + path.stat().st_size
        converted = 4 * LARGE[0] * LARGE[1]
        assert peaks[str(path)] < 1.3 * told + converted + 15e6, name
        assert told < 2.5 * peaks[str(path)] + 10e6, name


HEADERS = ("JPEG", "PNG", "GIF", "BMP", "TIFF", "WEBP", "JPEG2000", "PPM")


def with_size(kind: str, width: int, height: int) -> bytes:
    """A small file whose header promises any size."""
    if kind == "PNG":
        return png_header(width, height)
    if kind == "PPM":
        return b"P6\n%d %d\n255\n" % (width, height) + bytes(2000)
    if kind == "TIFF":
        tags = [(256, 4, [width]), (257, 4, [height]), (258, 3, [8]), (259, 3, [1])]
        tags += [(262, 3, [1]), (273, 4, [0]), (277, 3, [1]), (278, 4, [height]), (279, 4, [99])]
        return tiff_block(tags, bytes(99))
    lossless = {"lossless": True} if kind == "WEBP" else {}
    data = bytearray(encode(Image.new("RGB", (64, 64), "red"), kind, **lossless))
    if kind == "JPEG":
        at = data.index(b"\xff\xc0")
        data[at + 5 : at + 9] = struct.pack(">HH", min(height, 65_535), min(width, 65_535))
    elif kind == "GIF":
        data[6:10] = struct.pack("<HH", min(width, 65_535), min(height, 65_535))
    elif kind == "BMP":
        data[18:26] = struct.pack("<ii", width, height)
    elif kind == "WEBP":
        at = data.index(b"VP8L") + 9
        bits = int.from_bytes(data[at : at + 4], "little") >> 28 << 28
        size = (min(width, 16_384) - 1) | (min(height, 16_384) - 1) << 14
        data[at : at + 4] = (bits | size).to_bytes(4, "little")
    elif kind == "JPEG2000":
        at = data.index(b"\xff\x4f\xff\x51") + 8
        data[at : at + 8] = struct.pack(">II", width, height)
        data[at + 16 : at + 24] = struct.pack(">II", width, height)
        header = data.find(b"ihdr")
        data[header + 4 : header + 12] = struct.pack(">II", height, width)
    return bytes(data)


SIZES = [(16_383, 12_500), (60_000, 60_000), (2**31 - 1, 2), (1, 2**30)]


@pytest.mark.parametrize(
    ("kind", "size"),
    # A GIF counts to 65,535 along each side, which the last two need not be refused for.
    [(kind, size) for kind in HEADERS for size in SIZES[: 2 if kind == "GIF" else 4]],
)
def test_a_header_of_any_size_costs_nothing(kind, size):
    data = with_size(kind, *size)
    tracemalloc.start()
    try:
        with pytest.raises(PictureError) as caught:
            decode(data, "x")
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert caught.value.reason
    assert peak < 5_000_000


def test_a_webp_of_196_megapixels_is_refused_by_its_memory():
    with pytest.raises(PictureError) as caught:
        decode(with_size("WEBP", 16_383, 12_000), "x", min_side=400)
    assert caught.value.reason == (
        "decoding 16383 x 12000 pixels of WEBP takes 3.3 GB of memory, over the limit of 2.5 GB"
    )


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "WEBP", "AVIF", "JPEG2000", "TIFF", "PPM"])
def test_the_limit_is_kept_for_every_format(kind):
    data = photo_file(kind, width=100, height=80)
    need = decoder_memory(open_header(data), 100, 80)
    assert need >= 100 * 80
    with pytest.raises(PictureError, match="of memory, over the limit"):
        decode(data, "x", limits=Limits(max_memory=need - 1))
    assert decode(data, "x", limits=Limits(max_memory=need + 4 * 100 * 80)).width == 100


def test_what_is_decoded_smaller_may_be_larger():
    data = encode(np.zeros((800, 800, 3), np.uint8), "JPEG")
    limits = Limits(max_memory=200 * 200 * 4)
    with pytest.raises(PictureError, match="over the limit"):
        decode(data, "x", limits=limits)
    assert decode(data, "x", min_side=200, limits=limits).width == 800


def test_the_tiles_of_a_tiff_count():
    tags = [(256, 4, [100]), (257, 4, [80]), (258, 3, [8]), (259, 3, [5]), (262, 3, [1])]
    tags += [(277, 3, [1]), (322, 4, [60_000]), (323, 4, [60_000]), (324, 4, [8]), (325, 4, [9])]
    with pytest.raises(PictureError, match=r"takes 3\.6 GB of memory"):
        decode(tiff_block(tags, bytes(99)), "x")
