from __future__ import annotations

import struct
from datetime import datetime

import numpy as np
import pytest
from PIL.TiffImagePlugin import IFDRational

from picture_files import encode, exif_with, photo
from tamis.images.decode import decode
from tamis.images.exif import NO_EXIF, Exif, read_exif

PARIS = {
    1: "N",
    2: (48.0, 51.0, 29.6),
    3: "E",
    4: (2.0, 17.0, 40.2),
}


def local(*parts: int) -> datetime:
    return datetime(*parts)  # noqa: DTZ001 - cameras write no zone


def exif_of(
    main: dict[int, object] | None = None,
    photo_tags: dict[int, object] | None = None,
    gps: dict[int, object] | None = None,
) -> Exif:
    exif = exif_with()
    exif.update(main or {})
    exif.get_ifd(0x8769).update(photo_tags or {})
    exif.get_ifd(0x8825).update(gps or {})
    return read_exif(exif.tobytes())


def test_all_fields_through_a_jpeg() -> None:
    exif = exif_with(8)
    exif.update({271: "Canon", 272: "Canon EOS 5D"})
    exif.get_ifd(0x8769).update({36867: "2021:07:14 09:30:15", 37521: "25"})
    exif.get_ifd(0x8825).update(PARIS)

    read = decode(encode(photo(), "JPEG", exif=exif), "x").exif

    assert read.orientation == 8
    assert read.captured_at == local(2021, 7, 14, 9, 30, 15, 250_000)
    assert read.latitude == pytest.approx(48 + 51 / 60 + 29.6 / 3600, abs=1e-6)
    assert read.longitude == pytest.approx(2 + 17 / 60 + 40.2 / 3600, abs=1e-6)
    assert read.camera == "Canon EOS 5D"


@pytest.mark.parametrize("picture_format", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"])
def test_the_camera_is_found_in_every_format(picture_format: str) -> None:
    data = encode(photo(), picture_format, exif=exif_with(1, t271="ACME", t272="One"))

    assert decode(data, "x").exif.camera == "ACME One"


@pytest.mark.parametrize(
    ("make", "model", "camera"),
    [
        ("NIKON", "nikon D70", "nikon D70"),
        ("ACME", "", "ACME"),
        ("", "One", "One"),
        ("", "", None),
        ("A\0B", "One", "A One"),
        ("Ma\nker", " One ", "Maker One"),
        ("x" * 200, "y", "x" * 100),
    ],
)
def test_camera_names(make: str, model: str, camera: str | None) -> None:
    assert exif_of({271: make, 272: model}).camera == camera


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2020:02:29 23:59:59", local(2020, 2, 29, 23, 59, 59)),
        ("2020-02-29T23:59:59", local(2020, 2, 29, 23, 59, 59)),
        ("2020/02/29 23:59:59", local(2020, 2, 29, 23, 59, 59)),
        ("2020:02:29 23:59:59+02:00", local(2020, 2, 29, 23, 59, 59)),
        ("2021:02:29 10:00:00", None),
        ("0000:00:00 00:00:00", None),
        ("0001:01:01 00:00:00", None),
        ("    :  :     :  :  ", None),
        ("2020:01:01", None),
        ("yesterday", None),
        ("", None),
    ],
)
def test_times(text: str, moment: datetime | None) -> None:
    assert exif_of(photo_tags={36867: text}).captured_at == moment


@pytest.mark.parametrize(
    ("fraction", "microseconds"),
    [("5", 500_000), ("05", 50_000), ("1234567", 123_456), ("  ", 0), ("-3", 0), ("½", 0)],
)
def test_fractions_of_seconds(fraction: str, microseconds: int) -> None:
    read = exif_of(photo_tags={36867: "2020:01:01 00:00:00", 37521: fraction})

    assert read.captured_at is not None
    assert read.captured_at.microsecond == microseconds


def test_the_time_of_digitising_serves_but_that_of_editing_does_not() -> None:
    digitised = {36867: "0000:00:00 00:00:00", 36868: "2019:01:01 00:00:00", 37522: "5"}

    assert exif_of(photo_tags=digitised).captured_at == local(2019, 1, 1, 0, 0, 0, 500_000)
    assert exif_of({306: "2019:01:01 00:00:00"}).captured_at is None


@pytest.mark.parametrize(
    ("latitude", "longitude", "position"),
    [
        (("N", (10.0, 30.0, 0.0)), ("E", (20.0, 0.0, 36.0)), (10.5, 20.01)),
        (("S", (10.0, 30.0, 0.0)), ("W", (20.0, 0.0, 36.0)), (-10.5, -20.01)),
        (("n", (10.0, 30.0, 0.0)), ("w", (20.0, 0.0, 36.0)), (10.5, -20.01)),
        (("N", (10.0,)), ("E", (20.0,)), (10.0, 20.0)),
        (("N", (10.0, 30.0, IFDRational(0, 0))), ("E", (20.0, 0.0, 36.0)), (10.5, 20.01)),
        (("N", (IFDRational(0, 0), 30.0, 0.0)), ("E", (20.0, 0.0, 36.0)), None),
        (("N", (IFDRational(5, 0), 30.0, 0.0)), ("E", (20.0, 0.0, 36.0)), None),
        (("N", (90.0, 0.0, 1.0)), ("E", (20.0, 0.0, 36.0)), None),
        (("N", (10.0, 0.0, 0.0)), ("E", (180.0, 0.0, 1.0)), None),
        (("X", (10.0, 30.0, 0.0)), ("E", (20.0, 0.0, 36.0)), None),
        (("", (10.0, 30.0, 0.0)), ("E", (20.0, 0.0, 36.0)), None),
        (("N", (0.0, 0.0, 0.0)), ("E", (0.0, 0.0, 0.0)), None),
        (("N", (0.0, 0.0, 0.0)), ("E", (20.0, 0.0, 0.0)), (0.0, 20.0)),
    ],
)
def test_positions(
    latitude: tuple[str, tuple[object, ...]],
    longitude: tuple[str, tuple[object, ...]],
    position: tuple[float, float] | None,
) -> None:
    read = exif_of(gps={1: latitude[0], 2: latitude[1], 3: longitude[0], 4: longitude[1]})

    assert (read.latitude, read.longitude) == (position or (None, None))


def test_a_receiver_without_a_fix_has_no_position() -> None:
    assert exif_of(gps={**PARIS, 9: "V"}).latitude is None
    assert exif_of(gps={**PARIS, 9: "A"}).latitude is not None


@pytest.mark.parametrize("orientation", [0, 9, 255, 65535])
def test_an_impossible_orientation_is_none(orientation: int) -> None:
    assert exif_of({274: orientation}).orientation is None


@pytest.mark.parametrize("order", ["<", ">"])
def test_both_byte_orders_and_a_long_orientation(order: str) -> None:
    start = b"II*\0" if order == "<" else b"MM\0*"
    block = start + struct.pack(order + "IHHHII", 8, 1, 274, 4, 1, 6)

    assert read_exif(block).orientation == 6
    assert read_exif(b"Exif\0\0" + block).orientation == 6


@pytest.mark.parametrize(
    "block",
    [
        b"",
        b"Exif\0\0",
        b"II*\0",
        b"II*\0\xff\xff\xff\xff",
        b"II*\0\x08\0\0\0\xff\xff",
        b"XX*\0" * 9,
    ],
)
def test_rubbish_says_nothing(block: bytes) -> None:
    assert read_exif(block) == NO_EXIF


def test_a_directory_that_points_at_itself_ends() -> None:
    block = b"II*\0" + struct.pack("<IHHHII", 8, 1, 0x8769, 4, 1, 8)

    assert read_exif(block) == NO_EXIF


def test_random_damage_never_raises() -> None:
    rng = np.random.default_rng(7)
    exif = exif_with(6, t271="ACME", t272="One")
    exif.get_ifd(0x8769).update({36867: "2021:07:14 09:30:15", 37521: "25"})
    exif.get_ifd(0x8825).update(PARIS)
    whole = np.frombuffer(exif.tobytes(), np.uint8)
    for _ in range(3000):
        block = whole.copy()
        places = rng.integers(0, len(block), rng.integers(1, 8))
        block[places] = rng.integers(0, 256, len(places))
        read = read_exif(block[: rng.integers(1, len(block) + 1)].tobytes())

        assert read.orientation is None or 1 <= read.orientation <= 8
        assert read.latitude is None or -90 <= read.latitude <= 90
        assert read.longitude is None or -180 <= read.longitude <= 180
