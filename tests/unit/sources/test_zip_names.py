"""Names of members of zip archives, whose encoding the archive may not say."""

from __future__ import annotations

import struct
import tempfile
import zipfile
import zlib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tamis.sources.zip_archive import ZipArchive

LETTERS = st.characters(categories=["L", "N", "M"], exclude_characters="\0")
NAMES = st.text(LETTERS, min_size=1, max_size=12).map(lambda stem: f"{stem}.jpg")


def written(path: Path, raw: bytes, extra: bytes = b"") -> ZipArchive:
    """Write an archive of one member whose name is these bytes, of whatever encoding."""
    stand_in = b"Q" * len(raw)
    info = zipfile.ZipInfo(stand_in.decode())
    info.extra = extra
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(info, b"content")
    data = path.read_bytes()
    assert data.count(stand_in) == 2
    path.write_bytes(data.replace(stand_in, raw))
    return ZipArchive(str(path))


def only_member(archive: ZipArchive) -> str:
    [name] = archive.members()
    assert isinstance(name, str)
    assert archive.read(name, 100) == b"content"
    archive.close()
    return name


@given(name=NAMES)
@settings(deadline=None)
def test_names_in_utf8_are_read_where_the_archive_does_not_say_so(name: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        assert only_member(written(Path(folder, "a.zip"), name.encode())) == name


@given(name=NAMES)
@settings(deadline=None)
def test_names_in_utf8_are_read_where_the_archive_says_so(name: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        with zipfile.ZipFile(Path(folder, "a.zip"), "w") as archive:
            archive.writestr(name, b"content")
        assert only_member(ZipArchive(f"{folder}/a.zip")) == name


@pytest.mark.parametrize("raw", [b"caf\x82.jpg", b"caf\xe9.jpg", b"\x93\xfa\x96\x7b.jpg"])
def test_names_in_another_encoding_stay_as_python_reads_them(tmp_path: Path, raw: bytes) -> None:
    assert only_member(written(tmp_path / "a.zip", raw)) == raw.decode("cp437")


@given(name=NAMES)
@settings(deadline=None)
def test_a_name_in_a_field_of_its_own_goes_first(name: str) -> None:
    raw = b"caf\x82.jpg"
    field = struct.pack("<BL", 1, zlib.crc32(raw)) + name.encode()
    extra = struct.pack("<HHI", 0x5455, 4, 0) + struct.pack("<HH", 0x7075, len(field)) + field
    with tempfile.TemporaryDirectory() as folder:
        assert only_member(written(Path(folder, "a.zip"), raw, extra)) == name


@pytest.mark.parametrize(
    "field",
    [
        struct.pack("<BL", 1, 7) + b"other.jpg",
        struct.pack("<BL", 2, zlib.crc32(b"caf\x82.jpg")) + b"other.jpg",
    ],
)
def test_a_field_that_is_not_of_this_name_counts_for_nothing(tmp_path: Path, field: bytes) -> None:
    extra = struct.pack("<HH", 0x7075, len(field)) + field
    assert only_member(written(tmp_path / "a.zip", b"caf\x82.jpg", extra)) == "café.jpg"
