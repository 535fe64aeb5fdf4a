from __future__ import annotations

import io

import pytest
from PIL import Image

from picture_files import encode, exif_with, photo, photo_file
from tamis.errors import PictureError
from tamis.images.picture_record import content_hash, examine, sample_id


def test_a_record_is_of_the_upright_picture() -> None:
    data = encode(photo(900, 600), "JPEG", exif=exif_with(6, t271="ACME"), quality=90)

    record = examine(data, "x")

    assert (record.width, record.height, record.orientation) == (600, 900, 6)
    assert Image.open(io.BytesIO(record.thumbnail)).size == (171, 256)
    assert record.camera == "ACME"
    assert record.format == "JPEG"


def test_a_scaled_decode_changes_the_figures_little() -> None:
    pixels = photo(3000, 2000)
    from_jpeg = examine(encode(pixels, "JPEG", quality=95), "x")
    from_png = examine(encode(pixels, "PNG", compress_level=1), "x")

    assert from_jpeg.brightness == pytest.approx(from_png.brightness, abs=0.005)
    assert from_jpeg.contrast == pytest.approx(from_png.contrast, abs=0.005)
    assert (from_jpeg.phash ^ from_png.phash).bit_count() <= 2


def test_a_bad_picture_is_refused() -> None:
    with pytest.raises(PictureError, match="my/file"):
        examine(b"rubbish", "my/file")


def test_the_id_depends_on_content_and_place() -> None:
    one, other = content_hash(photo_file()), content_hash(photo_file(seed=1))
    ids = {sample_id(content, uri) for content in (one, other) for uri in ("/a.jpg", "/b.jpg")}

    assert len(ids) == 4
    assert sample_id(one, "/a.jpg") in ids
    assert all(len(name) == 32 and int(name, 16) >= 0 for name in ids)
