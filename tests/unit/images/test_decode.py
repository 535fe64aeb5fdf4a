from __future__ import annotations

import io
import threading
import time
import tracemalloc
import warnings
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image, ImageFile

from picture_files import (
    FORMATS,
    LOSSLESS,
    encode,
    exif_with,
    photo,
    photo_file,
    png_header,
    stored_for,
    tiff,
)
from tamis.errors import PictureError
from tamis.images import decode as decode_module
from tamis.images.decode import Limits, decode, decode_for_sides


def reason_of(data: bytes, **options: object) -> str:
    with pytest.raises(PictureError) as caught:
        decode(data, "some/picture.jpg", **options)
    assert caught.value.path == "some/picture.jpg"
    return caught.value.reason


@pytest.mark.parametrize("picture_format", FORMATS)
def test_every_format_gives_back_its_picture(picture_format: str) -> None:
    decoded = decode(photo_file(picture_format), "x")

    assert decoded.format == picture_format
    assert (decoded.width, decoded.height) == decoded.image.size == (80, 60)
    assert decoded.image.mode == "RGB"
    difference = np.abs(np.asarray(decoded.image).astype(int) - photo())
    if picture_format in LOSSLESS:
        assert difference.max() == 0
    else:
        assert difference.mean() < 10


@pytest.mark.parametrize("picture_format", FORMATS)
@pytest.mark.parametrize("share", [0.0, 0.1, 0.25, 0.5, 0.75, 0.95])
@pytest.mark.parametrize("min_side", [None, 20])
def test_a_truncated_file_is_refused(
    picture_format: str, share: float, min_side: int | None
) -> None:
    whole = photo_file(picture_format, width=300, height=200)

    reason = reason_of(whole[: int(len(whole) * share)], min_side=min_side)

    assert reason.startswith("the file is empty" if share == 0.0 else ("truncated", "damaged"))


@pytest.mark.parametrize("progressive", [False, True])
def test_a_jpeg_whose_end_is_zeros_is_refused(progressive: bool) -> None:
    whole = encode(photo(640, 480), "JPEG", quality=95, progressive=progressive)
    half = len(whole) // 2

    assert "zeros" in reason_of(whole[:half] + bytes(len(whole) - half + 4096))


def test_zeros_after_a_complete_jpeg_do_not_matter() -> None:
    assert decode(photo_file("JPEG") + bytes(5000), "x").width == 80


def test_truncated_files_are_refused_even_where_the_program_allows_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", True)
    whole = photo_file("JPEG", width=300, height=200)

    assert reason_of(whole[: len(whole) // 2]).startswith("truncated")
    assert ImageFile.LOAD_TRUNCATED_IMAGES is True


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "the file is empty"),
        (b"\0" * 5000, "not a picture"),
        (b"hello, this is a note about a picture", "not a picture"),
        (b"BM, that is how my note starts, and it is quite long in the end", "not a picture"),
        (b"%PDF-1.4 and so on", "not a picture"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n", "not a picture"),
        (b"RIFF\x10\0\0\0WAVEfmt ", "not a picture"),
        (b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom", "not a picture"),
        (b"\xff\xd8\xff\xe0" + b"rubbish" * 50, ("truncated", "damaged")),
        (b"\x89PNG\r\n\x1a\n" + b"rubbish" * 50, ("truncated", "damaged")),
    ],
)
def test_what_is_no_picture_is_refused_with_a_reason(
    data: bytes, reason: str | tuple[str, ...]
) -> None:
    assert reason_of(data).startswith(reason)


def test_the_content_decides_not_the_name() -> None:
    assert decode(photo_file("PNG"), "misnamed.jpg").format == "PNG"


@pytest.mark.parametrize(("width", "height"), [(20_000, 20_000), (2**31 - 1, 2**31 - 1)])
def test_a_bomb_is_refused_from_its_header(width: int, height: int) -> None:
    tracemalloc.start()
    try:
        reason = reason_of(png_header(width, height))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert f"{width} x {height}" in reason
    assert "200 megapixels" in reason
    assert peak < 5e6


def test_the_limit_is_that_of_the_stored_size_not_the_reduced_one() -> None:
    limits = Limits(max_pixels=80 * 60 - 1)

    assert "over the limit" in reason_of(photo_file("JPEG"), limits=limits, min_side=4)
    assert decode(photo_file("JPEG"), "x", limits=Limits(max_pixels=80 * 60)).width == 80


@pytest.mark.parametrize("picture_format", ["GIF", "PNG", "WEBP", "TIFF"])
def test_of_several_frames_the_first_counts(picture_format: str) -> None:
    frames = [Image.new("RGB", (20, 10), colour) for colour in ("red", "lime", "blue")]
    buffer = io.BytesIO()
    lossless = {"lossless": True} if picture_format == "WEBP" else {}
    frames[0].save(
        buffer, picture_format, save_all=True, append_images=frames[1:], duration=10, **lossless
    )

    decoded = decode(buffer.getvalue(), "x")

    assert decoded.image.size == (20, 10)
    assert decoded.image.getpixel((3, 3)) == (255, 0, 0)


def test_a_phone_picture_with_an_extra_frame_is_a_jpeg() -> None:
    first, second = Image.fromarray(photo()), Image.new("RGB", (80, 60))
    buffer = io.BytesIO()
    first.save(buffer, "MPO", save_all=True, append_images=[second])

    decoded = decode(buffer.getvalue(), "x")

    assert decoded.format == "JPEG"
    assert np.asarray(decoded.image).mean() == pytest.approx(photo().mean(), abs=3)


@pytest.mark.parametrize("size", [(1, 1), (1, 5000), (5000, 1), (3, 2)])
@pytest.mark.parametrize("picture_format", ["PNG", "JPEG", "WEBP"])
@pytest.mark.parametrize("min_side", [None, 1, 400])
def test_extreme_shapes_keep_their_size(
    size: tuple[int, int], picture_format: str, min_side: int | None
) -> None:
    decoded = decode(encode(Image.new("RGB", size, "red"), picture_format), "x", min_side=min_side)

    assert (decoded.width, decoded.height) == size
    if min_side != 1:
        assert decoded.image.size == size


@pytest.mark.parametrize("picture_format", ["JPEG", "PNG", "TIFF"])
@pytest.mark.parametrize("orientation", [1, 6])
def test_min_side_shrinks_but_never_below(picture_format: str, orientation: int) -> None:
    data = encode(photo(800, 600), picture_format, exif=exif_with(orientation))
    full = decode(data, "x")

    small = decode(data, "x", min_side=140)

    assert (small.width, small.height) == (full.width, full.height)
    assert 140 <= min(small.image.size) < 300
    expected = full.image.resize(small.image.size, Image.Resampling.BOX)
    difference = np.abs(np.asarray(small.image).astype(int) - np.asarray(expected))
    assert difference.mean() < 1.5


@pytest.mark.parametrize("picture_format", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_is_applied_once(picture_format: str, orientation: int) -> None:
    upright = photo(90, 50, seed=3)
    stored = stored_for(upright, orientation)
    options = FORMATS[picture_format]
    data = encode(stored, picture_format, exif=exif_with(orientation), **options)

    decoded = decode(data, "x")

    assert (decoded.width, decoded.height) == decoded.image.size == (90, 50)
    difference = np.abs(np.asarray(decoded.image).astype(int) - upright)
    assert difference.mean() < (1 if picture_format in LOSSLESS else 4)
    if picture_format != "AVIF":  # which keeps the turn in a box of its own
        assert decoded.orientation == orientation


def test_metadata_does_not_stay_with_the_image() -> None:
    data = encode(photo(), "JPEG", comment=b"private", exif=exif_with(1), icc_profile=b"x" * 200)

    assert decode(data, "x").image.info == {}


def damaged_exif() -> bytes:
    broken = exif_with(6, t271="Maker").tobytes()
    return broken[:-12] + b"\xff" * 4


@pytest.mark.parametrize(
    "data",
    [
        encode(photo(), "JPEG", exif=damaged_exif()),
        encode(photo(), "PNG", exif=damaged_exif()),
        encode(photo(), "TIFF")[:-3] + b"\0\0\0",
        encode(Image.fromarray(photo()).quantize(), "PNG", transparency=bytes(range(50))),
    ],
)
def test_no_warning_of_pillow_gets_out(data: bytes) -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        decode(data, "x")

    assert caught == []


@pytest.mark.parametrize("picture_format", FORMATS)
def test_a_large_picture_raises_no_warning_and_leaves_the_filters_alone(
    picture_format: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    before = list(warnings.filters)

    assert decode(photo_file(picture_format), "x").width == 80
    assert Image.MAX_IMAGE_PIXELS == 100
    assert warnings.filters == before


@pytest.mark.parametrize("progressive", [False, True])
def test_large_pictures_are_decoded_one_at_a_time(
    progressive: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    inside, most = 0, 0
    lock = threading.Lock()
    convert = decode_module.to_rgb

    def count(image: Image.Image, reduce_by: int) -> Image.Image:
        nonlocal inside, most
        with lock:
            inside += 1
            most = max(most, inside)
        time.sleep(0.01)
        with lock:
            inside -= 1
        return convert(image, reduce_by)

    monkeypatch.setattr(decode_module, "to_rgb", count)
    data = encode(photo(160, 120), "JPEG", progressive=progressive)
    limits = Limits(parallel_memory=8000)

    def work(_: int) -> int:
        # Drafted to 40 x 30, a baseline JPEG is small; a progressive one never is.
        return decode(data, "x", min_side=30 if progressive else None, limits=limits).width

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(work, range(8))) == [160] * 8
    assert most == 1

    together = threading.Barrier(4, timeout=60)

    def meet(image: Image.Image, reduce_by: int) -> Image.Image:
        together.wait()
        return convert(image, reduce_by)

    # small ones all at once: each waits inside for the others
    monkeypatch.setattr(decode_module, "to_rgb", meet)
    with ThreadPoolExecutor(4) as pool:
        assert len(list(pool.map(lambda _: decode(data, "x"), range(8)))) == 8


def test_heic_without_its_reader_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "pillow_heif", None)

    reason = reason_of(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(100))

    assert "pip install 'tamis[heif]'" in reason


def test_heic_with_its_reader() -> None:
    pillow_heif = pytest.importorskip("pillow_heif")
    buffer = io.BytesIO()
    pillow_heif.from_pillow(Image.fromarray(photo())).save(buffer, quality=90)

    decoded = decode(buffer.getvalue(), "x")

    assert decoded.format == "HEIF"
    assert np.abs(np.asarray(decoded.image).astype(int) - photo()).mean() < 5
    assert reason_of(buffer.getvalue()[:-200])


@pytest.mark.parametrize("samples", [np.zeros((8, 8)), np.zeros((8, 8, 3), np.float32)])
def test_samples_that_no_reader_knows_are_not_called_damaged(samples: np.ndarray) -> None:
    photometric = 1 if samples.ndim == 2 else 2

    assert "save it with 8 or 16 bits" in reason_of(tiff(samples, photometric=photometric))


def test_avif_that_this_pillow_cannot_read_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    data = photo_file("AVIF")
    monkeypatch.setattr("PIL.features.check", lambda name: False)

    assert reason_of(data) == "this build of Pillow cannot read AVIF"


@pytest.mark.parametrize("picture_format", sorted(FORMATS))
@pytest.mark.parametrize("orientation", [1, 6])
def test_several_sides_get_what_each_gets_by_itself(picture_format: str, orientation: int) -> None:
    carries = {} if picture_format in {"BMP", "GIF", "PPM"} else {"exif": exif_with(orientation)}
    data = encode(photo(401, 263), picture_format, **FORMATS[picture_format], **carries)
    for sides in [(30, 130), (130, 30), (30, 60, 300), (100, 130), (263, 400), (50, 50)]:
        together = decode_for_sides(data, "x", sides)
        for side, found in zip(sides, together, strict=True):
            alone = decode(data, "x", min_side=side)
            assert found.image.tobytes() == alone.image.tobytes(), sides
            assert replace(found, image=None) == replace(alone, image=None)  # type: ignore[arg-type]


def test_a_jpeg_is_opened_again_only_for_another_scale(monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[int] = []
    open_header = decode_module.open_header
    monkeypatch.setattr(
        decode_module, "open_header", lambda data: opened.append(1) or open_header(data)
    )
    for picture_format, sides, times in [
        ("JPEG", (40, 80), 2),
        ("JPEG", (30, 25), 1),
        ("JPEG", (500, 101, 130), 1),
        ("JPEG", (10, 20, 40, 80), 3),
        ("JPEG", (10, 11), 1),
        ("PNG", (10, 20, 40, 80), 1),
    ]:
        opened.clear()
        decode_for_sides(encode(photo(300, 161), picture_format), "x", sides)
        assert len(opened) == times, (picture_format, sides)


def test_limits_hold_for_each_of_several_sides() -> None:
    data = encode(photo(400, 300), "JPEG")
    least = Limits(max_memory=400 * 300 * 2)
    assert decode(data, "x", min_side=40, limits=least).factor > 1
    with pytest.raises(PictureError, match="of memory"):
        decode_for_sides(data, "x", (40, 300), limits=least)
