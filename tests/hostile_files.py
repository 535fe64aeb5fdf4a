"""Every kind of picture file that tamis reads, and every kind of damage, as bytes by name."""

from __future__ import annotations

import io
import struct
import zlib
from functools import cache

import numpy as np
from PIL import Image, features

from picture_files import encode, exif_with, photo, png_16_bit, png_chunk, png_header, tiff

QUARTERS = (1, 2, 3)


@cache
def good_files() -> dict[str, bytes]:
    """Files that are unusual and sound."""
    return {
        **_good_jpegs(),
        **_good_pngs(),
        **_good_tiffs(),
        **_good_of_other_formats(),
        **_good_shapes(),
    }


@cache
def bad_files() -> dict[str, tuple[bytes, str]]:
    """Files that no vector can come from, each with what its reason must say (a pattern)."""
    return {
        **_cut_files(),
        **_damaged_files(),
        **_bombs(),
        "empty.jpg": (b"", "the file is empty"),
        "empty.png": (b"", "the file is empty"),
        "text.jpg": (b"a shopping list: bread, milk, cheese\n" * 20, "not a picture"),
        "page.png": (b"<!DOCTYPE html><title>404 Not Found</title>", "not a picture"),
        "zeros.jpg": (bytes(20_000), "not a picture"),
        "vector.png": (b'<svg xmlns="http://www.w3.org/2000/svg"/>', "not a picture"),
        "sound.webp": (b"RIFF\x24\0\0\0WAVEfmt " + bytes(24), "not a picture"),
        "letters.bmp": (b"BM, as I always say, and so on and so forth", "not a picture"),
    }


def _scene(seed: int, width: int = 320, height: int = 240) -> Image.Image:
    """A smooth picture with grain, so that each file has enough data to be cut."""
    grain = np.random.default_rng(seed).normal(0, 6, (height, width, 3))
    pixels = np.clip(photo(width, height, seed) + grain, 0, 255).astype(np.uint8)
    return Image.fromarray(pixels)


def _good_jpegs() -> dict[str, bytes]:
    large_exif = exif_with(1, t37510=b"ASCII\0\0\0" + b"n" * 60_000)
    return {
        "baseline.jpg": encode(_scene(1), "JPEG", quality=90),
        "progressive.jpg": encode(_scene(2), "JPEG", quality=90, progressive=True),
        "cmyk.jpg": encode(_scene(3).convert("CMYK"), "JPEG", quality=90),
        "grey.jpg": encode(_scene(4).convert("L"), "JPEG", quality=90),
        "no-subsampling.jpeg": encode(_scene(5), "JPEG", quality=90, subsampling=0),
        "CAPITALS.JPG": encode(_scene(6), "JPEG", quality=90),
        "really-a-png.jpg": encode(_scene(7), "PNG"),
        "really-a-jpeg.png": encode(_scene(8), "JPEG", quality=90),
        "large-exif.jpg": encode(_scene(9), "JPEG", exif=large_exif),
        "large-profile.jpg": encode(_scene(10), "JPEG", icc_profile=_noise(3_000_000)),
        "rubbish-after-the-end.jpg": encode(_scene(11), "JPEG") + _noise(5000),
        "zeros-after-the-end.jpg": encode(_scene(12), "JPEG") + bytes(5000),
        "damaged-exif.jpg": encode(
            _scene(13), "JPEG", exif=exif_with(1, t271="ACME").tobytes()[:-9] + b"\xff" * 4
        ),
        **{
            f"turned-{turn}.jpg": encode(_scene(20 + turn), "JPEG", exif=exif_with(turn))
            for turn in range(1, 9)
        },
        "turned-by-nonsense.jpg": encode(_scene(29), "JPEG", exif=exif_with(77)),
    }


def _good_pngs() -> dict[str, bytes]:
    scene = _scene(30)
    grey16 = np.asarray(_scene(31).convert("L")).astype(np.uint16) * 257
    rgba = _scene(32).convert("RGBA")
    rgba.putalpha(Image.linear_gradient("L").resize(rgba.size))
    whole = encode(scene, "PNG")
    after_header = 8 + 25
    text = png_chunk(b"zTXt", b"k\0\0" + zlib.compress(bytes(100_000_000), 9))
    comments = b"".join(png_chunk(b"tEXt", b"k\0" + b"x" * 9000) for _ in range(50))
    return {
        "rgb.png": whole,
        "grey.png": encode(scene.convert("L"), "PNG"),
        "one-bit.png": encode(scene.convert("1"), "PNG"),
        "palette.png": encode(scene.quantize(64), "PNG"),
        "palette-transparent.png": encode(scene.quantize(64), "PNG", transparency=bytes(range(64))),
        "alpha.png": encode(rgba, "PNG"),
        "grey-alpha.png": encode(rgba.convert("LA"), "PNG"),
        "sixteen-bit-grey.png": png_16_bit(grey16),
        "sixteen-bit-rgb.png": png_16_bit(np.asarray(_scene(33)).astype(np.uint16) * 257),
        "interlaced.png": _interlaced(np.asarray(_scene(34))),
        "comments.png": whole[:after_header] + comments + whole[after_header:],
        "large-profile.png": encode(_scene(35), "PNG", icc_profile=_noise(2_000_000)),
        "bomb-of-text.png": whole[:after_header] + text + whole[after_header:],
        "animated.apng": _frames("PNG"),
        "animated.png": _frames("PNG"),
    }


def _good_tiffs() -> dict[str, bytes]:
    grey = np.asarray(_scene(40).convert("L"))
    return {
        "pages.tif": _frames("TIFF"),
        "lzw.tiff": encode(_scene(41), "TIFF", compression="tiff_lzw"),
        "jpeg-inside.tif": encode(_scene(42), "TIFF", compression="jpeg"),
        "sixteen-bit.tif": tiff(grey.astype(np.uint16) * 257),
        "float.tif": tiff(grey.astype(np.float32) / 255),
        "float-with-gaps.tif": tiff(np.where(grey > 200, np.nan, grey / 255).astype(np.float32)),
        "cmyk.tif": encode(_scene(43).convert("CMYK"), "TIFF"),
        "white-is-zero.tif": tiff(grey, photometric=0),
    }


def _good_of_other_formats() -> dict[str, bytes]:
    made = {
        "bitmap.bmp": encode(_scene(50), "BMP"),
        "raw.ppm": encode(_scene(51), "PPM"),
        "raw.pgm": encode(_scene(52).convert("L"), "PPM"),
        "still.gif": encode(_scene(53), "GIF"),
        "animated.gif": _frames("GIF"),
        "lossy.webp": encode(_scene(54), "WEBP"),
        "lossless.webp": encode(_scene(55), "WEBP", lossless=True),
        "animated.webp": _frames("WEBP"),
    }
    if features.check("avif"):
        made["still.avif"] = encode(_scene(56), "AVIF", quality=80, speed=10)
    if features.check("jpg_2000"):
        made["still.jp2"] = encode(_scene(57), "JPEG2000")
    try:
        import pillow_heif
    except ModuleNotFoundError:
        return made
    buffer = io.BytesIO()
    pillow_heif.from_pillow(_scene(58)).save(buffer, quality=80)
    return {**made, "still.heic": buffer.getvalue()}


def _good_shapes() -> dict[str, bytes]:
    shapes = [(1, 1), (2, 2), (1, 20_000), (20_000, 1), (3, 4000)]
    return {
        **{
            f"{width}x{height}.{kind.lower()}": encode(_scene(60, width, height), kind)
            for width, height in shapes
            for kind in ("PNG", "JPEG")
        },
        # a picture within the limit whose file is some thousand times smaller than its pixels
        "large-and-plain.png": encode(Image.new("1", (12_000, 9000), 1), "PNG"),
    }


def _cut_files() -> dict[str, tuple[bytes, str]]:
    whole = {
        "jpg": encode(_scene(1), "JPEG", quality=90),
        "progressive.jpg": encode(_scene(2), "JPEG", quality=90, progressive=True),
        "png": encode(_scene(30), "PNG"),
        "gif": encode(_scene(53), "GIF"),
        "webp": encode(_scene(54), "WEBP"),
        "tif": encode(_scene(41), "TIFF", compression="tiff_lzw"),
        "bmp": encode(_scene(50), "BMP"),
        "ppm": encode(_scene(51), "PPM"),
    }
    if features.check("avif"):
        whole["avif"] = encode(_scene(56), "AVIF", quality=80, speed=10)
    return {
        f"cut-{quarter}.{kind}": (data[: len(data) * quarter // 4], "truncated|damaged")
        for kind, data in whole.items()
        for quarter in QUARTERS
    }


def _damaged_files() -> dict[str, tuple[bytes, str]]:
    jpeg, png = encode(_scene(1), "JPEG", quality=90), bytearray(encode(_scene(30), "PNG"))
    half = len(jpeg) // 2
    png[len(png) // 2] ^= 0xFF
    wrong_header = bytearray(encode(_scene(30), "PNG"))
    wrong_header[29] ^= 0xFF
    loop = bytearray(tiff(np.zeros((40, 40), np.uint8)))
    loop[4:8] = struct.pack("<I", len(loop) + 1000)
    return {
        "zero-tail.jpg": (jpeg[:half] + bytes(len(jpeg) - half), "zeros"),
        "only-a-start.jpg": (b"\xff\xd8\xff\xe0" + b"rubbish" * 50, "truncated|damaged"),
        "wrong-sum.png": (bytes(png), "truncated|damaged"),
        "wrong-sum-of-header.png": (bytes(wrong_header), "damaged"),
        "no-directory.tif": (bytes(loop), "truncated|damaged"),
        "no-samples.png": (encode(_scene(30), "PNG")[:33] + png_chunk(b"IEND", b""), "damaged"),
        "double.tif": (tiff(np.zeros((40, 40))), "save it with 8 or 16 bits"),
        "lab.tif": (encode(Image.new("LAB", (50, 50)), "TIFF"), "colour model LAB"),
    }


def _bombs() -> dict[str, tuple[bytes, str]]:
    """Files of a few KB that promise gigabytes."""
    over = "over the limit|too many pixels"
    jpeg = bytearray(encode(_scene(1, 64, 64), "JPEG"))
    frame = jpeg.index(b"\xff\xc0")
    jpeg[frame + 5 : frame + 9] = struct.pack(">HH", 65_000, 65_000)
    gif = bytearray(encode(_scene(53, 64, 64), "GIF"))
    gif[6:10] = struct.pack("<HH", 65_535, 65_535)
    bitmap = bytearray(encode(_scene(50, 64, 64), "BMP"))
    bitmap[18:26] = struct.pack("<ii", 1 << 20, 1 << 20)
    rows = zlib.compress(bytes(50_001 * 200), 9)  # a true beginning of what the header promises
    grey = struct.pack(">IIBBBBB", 50_000, 50_000, 8, 0, 0, 0, 0)
    begun = b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", grey) + png_chunk(b"IDAT", rows)
    return {
        "bomb.png": (png_header(30_000, 30_000), over),
        "bomb-begun.png": (begun + png_chunk(b"IEND", b""), over),
        "bomb-largest.png": (png_header(2**31 - 1, 2**31 - 1), over),
        "bomb.jpg": (bytes(jpeg), over),
        "bomb.gif": (bytes(gif), over),
        "bomb.bmp": (bytes(bitmap), over),
        "bomb.ppm": (b"P6\n100000 100000\n255\n" + bytes(2000), over),
    }


def _frames(picture_format: str) -> bytes:
    frames = [_scene(70 + number, 120, 90) for number in range(4)]
    return encode(frames[0], picture_format, save_all=True, append_images=frames[1:], duration=50)


def _interlaced(pixels: np.ndarray) -> bytes:
    """An Adam7 PNG, which Pillow reads but does not write."""
    height, width = pixels.shape[:2]
    passes = [(0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2)]
    rows = b"".join(
        b"\0" + row.tobytes()
        for top, left, down, across in [*passes, (1, 0, 2, 1)]
        for row in pixels[top::down, left::across]
    )
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 1)
    return (
        b"\x89PNG\r\n\x1a\n"
        + png_chunk(b"IHDR", header)
        + png_chunk(b"IDAT", zlib.compress(rows))
        + png_chunk(b"IEND", b"")
    )


def _noise(size: int) -> bytes:
    return np.random.default_rng(0).bytes(size)
