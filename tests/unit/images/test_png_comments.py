from __future__ import annotations

import zlib

import numpy as np
import pytest

from picture_files import encode, exif_with, photo, png_chunk
from tamis.errors import PictureError
from tamis.images.decode import decode
from tamis.images.png import without_comments

AFTER_HEADER = 8 + 25
PACKED = zlib.compress(bytes(3_000_000))
LARGE = {
    "iCCP": png_chunk(b"iCCP", b"camera\0\0" + PACKED),
    "zTXt": png_chunk(b"zTXt", b"history\0\0" + PACKED),
    "iTXt": png_chunk(b"iTXt", b"history\0\1\0\0\0" + PACKED),
    "tEXt": png_chunk(b"tEXt", b"history\0" + b"x" * 3_000_000),
}


def with_chunk(chunk: bytes, **options: object) -> bytes:
    whole = encode(photo(), "PNG", **options)
    return whole[:AFTER_HEADER] + chunk + whole[AFTER_HEADER:]


@pytest.mark.parametrize("kind", LARGE)
def test_a_large_comment_or_profile_does_not_cost_the_picture(kind):
    decoded = decode(with_chunk(LARGE[kind]), "x")
    np.testing.assert_array_equal(np.asarray(decoded.image), photo())


def test_sixty_megabytes_of_comments_do_not_either():
    assert decode(with_chunk(LARGE["zTXt"] * 30), "x").width == 80


def test_all_but_comments_stays():
    plain = encode(photo(), "PNG", exif=exif_with(6))
    end = plain.index(b"IEND") - 4
    commented = (
        plain[:AFTER_HEADER] + LARGE["iCCP"] + plain[AFTER_HEADER:end] + LARGE["zTXt"] + plain[end:]
    )
    assert without_comments(commented) == plain
    assert without_comments(plain) is plain
    assert decode(commented, "x").orientation == 6


@pytest.mark.parametrize("share", [0.2, 0.5, 0.9])
def test_a_cut_file_with_comments_is_still_found_out(share):
    data = with_chunk(png_chunk(b"tEXt", b"k\0" + b"x" * 300))
    with pytest.raises(PictureError, match=r"truncated|damaged"):
        decode(data[: int(len(data) * share)], "x")


def test_a_chunk_that_promises_too_much_is_left_for_the_reader():
    data = with_chunk(b"\xff\xff\xff\xfftEXt" + bytes(20))
    assert without_comments(data) == data
    with pytest.raises(PictureError, match=r"truncated|damaged"):
        decode(data, "x")
