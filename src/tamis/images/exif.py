"""Read a camera's metadata: orientation, time, location and camera.

Not Pillow's reader, because Exif blocks come from unknown devices and are often damaged. Damage
must cost only the affected field, without a warning and without losing the picture. Only the tags
that tamis uses are followed, so the work is bounded.

Source: CIPA DC-008 (Exif 2.32), sections 4.5 and 4.6; TIFF 6.0, section 2.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

__all__ = ["NO_EXIF", "Exif", "read_exif"]

_Value: TypeAlias = bytes | tuple[int, ...] | tuple[tuple[int, int], ...]
_Directory: TypeAlias = dict[int, _Value]

_ORIENTATION, _MAKE, _MODEL = 0x0112, 0x010F, 0x0110
_EXIF_POINTER, _GPS_POINTER = 0x8769, 0x8825
_TAKEN, _DIGITISED, _TAKEN_FRACTION, _DIGITISED_FRACTION = 0x9003, 0x9004, 0x9291, 0x9292
_LATITUDE_REF, _LATITUDE, _LONGITUDE_REF, _LONGITUDE, _GPS_STATUS = 1, 2, 3, 4, 9

_BYTES_OF_TYPE = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 7: 1, 9: 4, 10: 8}
_WHOLE_NUMBERS = {1: "B", 3: "H", 4: "I", 9: "i"}
_RATIONALS = {5: "I", 10: "i"}
_MAX_ENTRIES = 1000
_MAX_VALUE_BYTES = 4096
_MAX_CAMERA_CHARACTERS = 100
_FIRST_YEAR = 1826  # the oldest surviving photograph; an earlier year means a broken clock


@dataclass(frozen=True)
class Exif:
    """The fields that tamis uses; None if absent or implausible.

    Attributes:
        orientation: 1 to 8, how to transform the stored pixels to be upright; None if there is no
            valid value.
        captured_at: local time on the camera's clock, to the microsecond, without a zone.
        latitude: degrees, north positive.
        longitude: degrees, east positive.
        camera: maker and model.
    """

    orientation: int | None = None
    captured_at: datetime | None = None
    latitude: float | None = None
    longitude: float | None = None
    camera: str | None = None


NO_EXIF = Exif()


def read_exif(block: bytes) -> Exif:
    r"""Read the fields of an Exif block, or of a whole TIFF file.

    A field that is missing, damaged or absurd is omitted; nothing is raised. The time is
    `DateTimeOriginal`, else `DateTimeDigitized`; `DateTime` is the last modification of the file
    and is not used. A position needs both hemispheres and a fix; exactly 0° N 0° E counts as no
    fix, because cameras without one write it. Cost: one pass over at most three directories.

    Args:
        block: the bytes, with or without the leading ``Exif\0\0``.

    >>> read_exif(b"Exif\0\0rubbish") == NO_EXIF
    True
    """
    block = block.removeprefix(b"Exif\0\0")
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(block[:4])
    if order is None:
        return NO_EXIF
    main = _read_directory(block, order, _pointer(block, order, 4))
    exif = _read_directory(block, order, _first_number(main.get(_EXIF_POINTER)))
    gps = _read_directory(block, order, _first_number(main.get(_GPS_POINTER)))
    orientation = _first_number(main.get(_ORIENTATION))
    latitude, longitude = _position(gps)
    return Exif(
        orientation=orientation if orientation in range(1, 9) else None,
        captured_at=_time(exif.get(_TAKEN), exif.get(_TAKEN_FRACTION))
        or _time(exif.get(_DIGITISED), exif.get(_DIGITISED_FRACTION)),
        latitude=latitude,
        longitude=longitude,
        camera=_camera(_text(main.get(_MAKE)), _text(main.get(_MODEL))),
    )


def _pointer(block: bytes, order: str, at: int) -> int | None:
    if at + 4 > len(block):
        return None
    return int(struct.unpack_from(order + "I", block, at)[0])


def _read_directory(block: bytes, order: str, start: int | None) -> _Directory:
    """Read one directory's entries; the first of a repeated tag wins."""
    if start is None or start < 0 or start + 2 > len(block):
        return {}
    count = min(struct.unpack_from(order + "H", block, start)[0], _MAX_ENTRIES)
    entries: _Directory = {}
    for at in range(start + 2, start + 2 + 12 * count, 12):
        if at + 12 > len(block):
            break
        tag, kind, values = struct.unpack_from(order + "HHI", block, at)
        value = _read_value(block, order, kind, values, at + 8)
        if value is not None:
            entries.setdefault(tag, value)
    return entries


def _read_value(block: bytes, order: str, kind: int, values: int, at: int) -> _Value | None:
    size = _BYTES_OF_TYPE.get(kind, 0) * values
    if size == 0 or size > _MAX_VALUE_BYTES:
        return None
    if size > 4:  # noqa: PLR2004 - a longer value does not fit the entry and lies elsewhere
        at = struct.unpack_from(order + "I", block, at)[0]
    if at + size > len(block):
        return None
    if kind in _WHOLE_NUMBERS:
        return struct.unpack_from(f"{order}{values}{_WHOLE_NUMBERS[kind]}", block, at)
    if kind in _RATIONALS:
        flat = struct.unpack_from(f"{order}{2 * values}{_RATIONALS[kind]}", block, at)
        return tuple(zip(flat[::2], flat[1::2], strict=True))
    return block[at : at + size]


def _first_number(value: _Value | None) -> int | None:
    if isinstance(value, tuple) and value and isinstance(value[0], int):
        return value[0]
    return None


def _text(value: _Value | None) -> str:
    if not isinstance(value, bytes):
        return ""
    text = value.split(b"\0", 1)[0].decode("utf-8", errors="replace")
    return "".join(letter for letter in text if letter.isprintable()).strip()


def _camera(make: str, model: str) -> str | None:
    # Most makers repeat their name in the model: "Canon", "Canon EOS 5D".
    name = model if model.casefold().startswith(make.casefold()) else f"{make} {model}".strip()
    return name[:_MAX_CAMERA_CHARACTERS].strip() or None


def _time(value: _Value | None, fraction: _Value | None) -> datetime | None:
    text = _text(value).replace("-", ":").replace("/", ":").replace("T", " ")
    try:
        moment = datetime.strptime(text[:19], "%Y:%m:%d %H:%M:%S")  # noqa: DTZ007 - Exif has no zone
    except ValueError:
        return None
    if moment.year < _FIRST_YEAR:
        return None
    digits = _text(fraction)
    if digits.isascii() and digits.isdigit():
        moment = moment.replace(microsecond=int(digits[:6].ljust(6, "0")))
    return moment


def _position(gps: _Directory) -> tuple[float | None, float | None]:
    if _text(gps.get(_GPS_STATUS)).upper() == "V":  # the receiver itself says "void"
        return None, None
    latitude = _degrees(gps.get(_LATITUDE), _text(gps.get(_LATITUDE_REF)), "N", "S", 90.0)
    longitude = _degrees(gps.get(_LONGITUDE), _text(gps.get(_LONGITUDE_REF)), "E", "W", 180.0)
    if latitude is None or longitude is None or (latitude == 0.0 and longitude == 0.0):
        return None, None
    return latitude, longitude


def _degrees(
    value: _Value | None, hemisphere: str, positive: str, negative: str, limit: float
) -> float | None:
    if not isinstance(value, tuple) or hemisphere.upper() not in {positive, negative}:
        return None
    total = 0.0
    for place, part in enumerate(value[:3]):
        if not isinstance(part, tuple):
            return None
        above, below = part
        if below == 0:
            # Devices write unknown minutes and seconds as 0/0.
            if place == 0 or above != 0:
                return None
            continue
        total += above / below / 60**place
    if not 0.0 <= total <= limit:
        return None
    return -total if hemisphere.upper() == negative else total
