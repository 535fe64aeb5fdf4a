"""Members are listed as `tarfile` lists them, whoever wrote the archive; hostile ones are cheap."""

from __future__ import annotations

import io
import tarfile
import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hostile_tars import (
    EXTENDED,
    LARGE,
    PACKERS,
    header,
    hostile_tars,
    padded,
    record,
    with_field,
)
from tamis.sources import archive_base
from tamis.sources.archives import close_archives
from tamis.sources.locations import iter_locations
from tamis.sources.tar_headers import MAX_HEADER_BYTES, DamagedTarError, tar_members
from tamis.types import Failure

KINDS = [tarfile.REGTYPE, tarfile.AREGTYPE, tarfile.CONTTYPE, tarfile.DIRTYPE]
KINDS += [tarfile.LNKTYPE, tarfile.SYMTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE]
HOSTILE = dict(hostile_tars())


class Counting(io.BytesIO):
    """Counts what is read."""

    taken = 0

    def read(self, size: int | None = -1) -> bytes:
        data = super().read(size)
        self.taken += len(data)
        return data


@pytest.fixture(autouse=True)
def closed():
    yield
    close_archives()


def by_tarfile(data: bytes) -> list[tuple[str, int, int, bool, bool]]:
    with tarfile.open(fileobj=io.BytesIO(data), encoding="utf-8") as archive:
        return [
            (
                info.name.rstrip("/"),
                info.offset_data,
                info.size,
                info.isreg() and not info.issparse(),
                info.isdir(),
            )
            for info in archive
        ]


def by_us(data: bytes) -> list[tuple[str, int, int, bool, bool]]:
    return [
        (member.name, member.offset, member.size, member.is_file, member.is_folder)
        for member in tar_members(io.BytesIO(data))
    ]


letters = st.characters(exclude_characters="\0", exclude_categories=["Cs"])
names = st.text(letters, min_size=1, max_size=300).filter(lambda name: name.strip("/"))
members = st.tuples(names, st.integers(0, 2000), st.sampled_from(KINDS))


@given(
    st.lists(members, max_size=6),
    st.sampled_from([tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT]),
    st.dictionaries(st.sampled_from(["comment", "path", "size"]), st.text(letters), max_size=2),
)
@settings(max_examples=120, deadline=None)
def test_what_tarfile_writes_is_listed_as_tarfile_lists_it(wanted, form, pax):
    target = io.BytesIO()
    headers = {"comment": pax["comment"]} if "comment" in pax else {}
    with tarfile.open(fileobj=target, mode="w", format=form, pax_headers=headers) as archive:
        for name, size, kind in [*wanted, ("last.jpg", 3, tarfile.REGTYPE)]:
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, "x" * 150
            info.size = size if kind in KINDS[:3] else 0
            try:
                archive.addfile(info, io.BytesIO(bytes(info.size)))
            except ValueError:  # the name does not fit this format
                continue
    assert by_us(target.getvalue()) == by_tarfile(target.getvalue())


def extended(kind: bytes, data: bytes) -> bytes:
    return header("e", len(data), kind) + padded(data)


def with_signed_sum(block: bytes) -> bytes:
    plain = block[:148] + b" " * 8 + block[156:]
    return with_sum(block, sum(byte - 256 if byte > 127 else byte for byte in plain))


def with_sum(block: bytes, total: int) -> bytes:
    return block[:148] + b"%06o\0 " % total + block[156:]


PLAIN, NEXT, END = header("1.jpg", 3) + padded(b"abc"), header("2.jpg", 0), bytes(1024)
LONG = record(b"path", b"7" * 3000 + b".jpg")
SPARSE = record(b"GNU.sparse.major", b"1") + record(b"GNU.sparse.minor", b"0")
WRITTEN_BY_OTHERS = {
    "size in binary": with_field(PLAIN[:512], 124, b"\x80" + bytes(10) + b"\3")
    + PLAIN[512:]
    + NEXT,
    "signed sums": with_signed_sum(header("é.jpg", 0)) + NEXT,
    "a folder of old": header("cats/", 0, b"\0") + PLAIN,
    "unknown kind": header("1.jpg", 3, b"Z") + padded(b"abc") + NEXT,
    "size from pax": extended(b"x", record(b"size", b"700"))
    + header("1.jpg", 0)
    + bytes(1024)
    + NEXT,
    "comment for all": extended(b"g", record(b"comment", b"abc")) + PLAIN + NEXT,
    "path for all": extended(b"g", record(b"path", b"all.jpg")) + PLAIN,
    "long name over pax": extended(b"L", b"a.jpg\0")
    + extended(b"x", record(b"path", b"b.jpg"))
    + PLAIN,
    "pax over long name": extended(b"x", record(b"path", b"b.jpg"))
    + extended(b"L", b"a.jpg\0")
    + PLAIN,
    "pax over pax": extended(b"x", record(b"path", b"b.jpg"))
    + extended(b"x", record(b"path", b"c.jpg"))
    + PLAIN,
    "digits in names": extended(b"x", LONG) + PLAIN,
    "not utf-8": with_field(header("1.jpg", 0), 0, b"caf\xe9.jpg"),
}


@pytest.mark.parametrize("kind", WRITTEN_BY_OTHERS)
def test_what_other_programs_write_is_listed_as_tarfile_lists_it(kind):
    data = WRITTEN_BY_OTHERS[kind] + END
    assert by_us(data) == by_tarfile(data)
    assert by_us(data)


def test_sparse_files_are_told_and_passed():
    old = with_field(header("old.jpg", 600, b"S"), 482, b"\1") + bytes(512) + bytes(1024)
    new = extended(b"x", SPARSE + record(b"GNU.sparse.name", b"new.jpg"))
    data = old + new + header("GNUSparseFile.1/x", 512) + padded(b"1\n0\n3\n") + PLAIN + END
    found = [(name, is_file) for name, _, _, is_file, _ in by_us(data)]
    assert found == [("old.jpg", False), ("new.jpg", False), ("1.jpg", True)]
    assert found == [(name, is_file) for name, _, _, is_file, _ in by_tarfile(data)]


def test_a_header_at_the_limit_is_read():
    path = b"a" * (MAX_HEADER_BYTES - 2000) + b".jpg"
    data = record(b"path", path)
    archive = header("e", len(data), b"x") + padded(data) + header("1.jpg", 0) + END
    assert [member.name for member in tar_members(io.BytesIO(archive))] == [path.decode()]


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_hostile_header_costs_64_kilobytes(kind):
    stream = Counting(HOSTILE[kind])
    tracemalloc.start()
    try:
        with pytest.raises((DamagedTarError, OverflowError)):
            list(tar_members(stream))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert stream.taken <= MAX_HEADER_BYTES + 1024
    assert peak < 1_000_000


@pytest.mark.parametrize("packer", PACKERS)
def test_a_hostile_archive_is_listed_with_its_reason(tmp_path, packer):
    for kind in (f"{letter.decode()}-of-digits" for letter in EXTENDED):
        path = tmp_path / f"{kind}.{packer}"
        path.write_bytes(PACKERS[packer](HOSTILE[kind]))
        assert packer == "tar" or path.stat().st_size < LARGE / 500
        (failure,) = iter_locations([str(path)])
        assert isinstance(failure, Failure)
        assert "the headers of one member are longer than 65536 bytes" in failure.reason


def test_215_bytes_that_unroll_to_a_gigabyte_of_members_are_left(tmp_path, monkeypatch):
    monkeypatch.setattr(archive_base, "EXPANSION_ALLOWANCE", 1_000_000)
    path = tmp_path / "repeated.tar.bz2"
    path.write_bytes(PACKERS["tar.bz2"](header("1.jpg", 0) * 20_000))
    first, repeated, bomb = iter_locations([str(path)])
    assert first.path == f"{path}!1.jpg"
    assert "second member of the same name" in repeated.reason
    assert "bomb" in bomb.reason


@given(st.binary(max_size=1500), st.integers(0, 511), st.binary(min_size=1, max_size=8))
@settings(max_examples=150, deadline=None)
def test_rubbish_is_refused_in_one_way(rubbish, at, change):
    changed = header("1.jpg", 5) + padded(b"12345") + rubbish
    for data in (rubbish, changed, with_field(changed[:512], min(at, 500), change) + rubbish):
        try:
            for member in tar_members(io.BytesIO(data)):
                assert member.size >= 0
        except (DamagedTarError, OverflowError):
            pass
