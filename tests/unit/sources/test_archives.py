from __future__ import annotations

import gzip
import io
import tarfile
import tracemalloc
import zipfile
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np
import pytest

from picture_files import photo_file
from tamis.errors import InputError, PictureError
from tamis.sources import archive_base, tar_archive
from tamis.sources.archives import close_archives
from tamis.sources.locations import count_sources, iter_locations
from tamis.sources.reading import read_bytes
from tamis.sources.spread import Location
from tamis.types import Failure

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

KINDS = ["zip", "tar", "tar.gz", "tgz", "tar.bz2", "tar.xz"]
PICTURES = {f"cats/{number}.jpg": photo_file(seed=number) for number in range(12)}
OTHERS = {
    "notes.txt": b"hello",
    ".hidden.jpg": b"x",
    "__MACOSX/cats/._1.jpg": b"x",
    "cats/.thumbs/1.jpg": b"x",
}


@pytest.fixture(autouse=True)
def closed() -> Iterator[None]:
    yield
    close_archives()


def pack(path: Path, members: dict[str, bytes]) -> Path:
    if path.suffix == ".zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, data in members.items():
                archive.writestr(name, data)
        return path
    compression = {".gz": "gz", ".tgz": "gz", ".bz2": "bz2", ".xz": "xz"}.get(path.suffix, "")
    with tarfile.open(path, f"w:{compression}") as archive:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return path


def failures(path: Path) -> list[Failure]:
    return [item for item in iter_locations([str(path)]) if isinstance(item, Failure)]


@pytest.mark.parametrize("kind", KINDS)
def test_pictures_in_an_archive(kind: str, tmp_path: Path) -> None:
    path = pack(tmp_path / f"pets.{kind}", {**OTHERS, **PICTURES})

    found = list(iter_locations([str(path)]))

    assert [item.relative for item in found] == list(PICTURES)
    assert found[3] == Location(f"{path}!cats/3.jpg", f"{path}!cats/3.jpg", str(path), "cats/3.jpg")
    assert [read_bytes(item.uri) for item in found] == list(PICTURES.values())
    assert sorted(file.name for file in tmp_path.iterdir()) == [path.name]


@pytest.mark.parametrize("kind", KINDS)
def test_reading_needs_no_listing_and_no_order(kind: str, tmp_path: Path) -> None:
    path = pack(tmp_path / f"pets.{kind}", {**OTHERS, **PICTURES})
    order = np.random.default_rng(0).permutation(len(PICTURES)).tolist() * 2
    names = [list(PICTURES)[place] for place in order]

    with ThreadPoolExecutor(4) as pool:
        data = list(pool.map(lambda name: read_bytes(f"{path}!{name}"), names))

    assert data == [PICTURES[name] for name in names]


@pytest.mark.parametrize("kept", [0, 5000])
def test_a_compressed_tar_is_right_whatever_is_kept(
    kept: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tar_archive, "_KEPT_BYTES", kept)
    path = pack(tmp_path / "pets.tar.gz", PICTURES)
    locations = list(iter_locations([str(path)]))

    for location in [*locations, *reversed(locations)]:
        assert read_bytes(location.uri) == PICTURES[location.relative]


def test_reading_forward_unrolls_a_compressed_tar_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = pack(tmp_path / "pets.tar.gz", PICTURES)
    opened = []
    opener = tar_archive._OPENERS[b"\x1f\x8b"]

    def count(path: str) -> object:
        opened.append(path)
        return opener(path)

    monkeypatch.setitem(tar_archive._OPENERS, b"\x1f\x8b", count)
    names = list(PICTURES)
    names[3], names[5] = names[5], names[3]  # threads ask a little out of order
    for name in names:
        assert read_bytes(f"{path}!{name}") == PICTURES[name]

    assert len(opened) <= 3  # a check, the list, the pictures


@pytest.mark.parametrize("kind", KINDS)
def test_an_archive_is_known_by_its_content(kind: str, tmp_path: Path) -> None:
    path = pack(tmp_path / f"pets.{kind}", PICTURES).rename(tmp_path / "download")

    found = list(iter_locations([str(path)]))

    assert [item.relative for item in found] == list(PICTURES)
    assert read_bytes(found[0].uri) == PICTURES["cats/0.jpg"]


def test_archives_of_a_pattern_are_looked_into_those_of_a_folder_are_not(tmp_path: Path) -> None:
    pack(tmp_path / "a.zip", {"1.jpg": PICTURES["cats/1.jpg"]})
    pack(tmp_path / "b.tar", {"2.jpg": PICTURES["cats/2.jpg"]})
    pack(tmp_path / "c.zip", {})
    (tmp_path / "plain.jpg").write_bytes(photo_file())

    by_pattern = [item.path for item in iter_locations([f"{tmp_path}/*"])]

    assert by_pattern == [
        f"{tmp_path}/a.zip!1.jpg",
        f"{tmp_path}/b.tar!2.jpg",
        f"{tmp_path}/c.zip",
        f"{tmp_path}/plain.jpg",
    ]
    assert [item.path for item in iter_locations([str(tmp_path)])] == [f"{tmp_path}/plain.jpg"]


def test_counting_looks_into_zips_but_unrolls_no_tar(tmp_path: Path) -> None:
    first = pack(tmp_path / "a.zip", PICTURES)
    second = pack(tmp_path / "b.tar.gz", PICTURES)

    assert count_sources([str(first)]).pictures == 12
    assert count_sources([str(first), str(second)]).pictures is None
    assert count_sources([f"{tmp_path}/*"]).pictures is None


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("content", [b"", b"rubbish" * 200])
def test_what_is_no_archive_is_a_failure(kind: str, content: bytes, tmp_path: Path) -> None:
    path = tmp_path / f"pets.{kind}"
    path.write_bytes(content)

    (failure,) = failures(path)

    assert failure.path == failure.source == str(path)
    assert failure.reason.startswith("not a readable")
    with pytest.raises(PictureError, match="not a readable"):
        read_bytes(f"{path}!cats/1.jpg")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("share", [0.2, 0.5, 0.7])
def test_an_archive_that_is_cut_short_keeps_what_is_whole(
    kind: str, share: float, tmp_path: Path
) -> None:
    path = pack(tmp_path / f"pets.{kind}", PICTURES)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * share)])

    found = list(iter_locations([str(path)]))
    bad = [item for item in found if isinstance(item, Failure)]
    good = [item for item in found if isinstance(item, Location)]

    assert bad == [Failure(str(path), bad[0].reason, str(path))]
    assert "cut short" in bad[0].reason
    if kind == "tar":
        assert len(good) >= int(12 * share) - 1
    wrong = 0
    for location in good:
        try:
            assert read_bytes(location.uri) == PICTURES[location.relative]
        except PictureError as error:
            wrong += "cut short" in error.reason or "damaged" in error.reason
    assert wrong <= 1


@pytest.mark.parametrize("kind", ["tar", "tar.gz"])
@pytest.mark.parametrize("place", ["header", "edge", "inside a header"])
def test_a_tar_that_breaks_off_between_pictures_says_so(
    kind: str, place: str, tmp_path: Path
) -> None:
    path = pack(tmp_path / "pets.tar", PICTURES)
    with tarfile.open(path) as archive:
        at = archive.getmember("cats/7.jpg").offset
    data = bytearray(path.read_bytes())
    if place == "header":
        data[at + 148 : at + 156] = b"wrongsum"
    else:
        del data[at + (100 if place == "inside a header" else 0) :]
    path = tmp_path / f"bad.{kind}"
    path.write_bytes(gzip.compress(data) if kind == "tar.gz" else data)

    *good, bad = iter_locations([str(path)])

    assert [item.relative for item in good] == list(PICTURES)[:7]
    assert isinstance(bad, Failure)
    assert "damaged or cut short" in bad.reason


def test_a_damaged_member_costs_itself(tmp_path: Path) -> None:
    path = pack(tmp_path / "pets.zip", PICTURES)
    with zipfile.ZipFile(path) as archive:
        at = archive.getinfo("cats/4.jpg").header_offset + 80
    data = bytearray(path.read_bytes())
    data[at : at + 20] = bytes(20)
    path.write_bytes(data)

    for location in iter_locations([str(path)]):
        if location.relative == "cats/4.jpg":
            with pytest.raises(PictureError, match="damaged inside the archive"):
                read_bytes(location.uri)
        else:
            assert read_bytes(location.uri) == PICTURES[location.relative]


def test_encrypted_members_say_so(tmp_path: Path) -> None:
    path = pack(tmp_path / "pets.zip", {"1.jpg": PICTURES["cats/1.jpg"]})
    data = bytearray(path.read_bytes())
    data[6] |= 1
    data[data.rfind(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(data)

    with pytest.raises(PictureError, match="encrypted"):
        read_bytes(f"{path}!1.jpg")


@pytest.mark.parametrize("kind", ["zip", "tar.gz"])
def test_names_that_lead_out_write_nothing(kind: str, tmp_path: Path) -> None:
    inner = tmp_path / "inner"
    inner.mkdir()
    names = ["../../evil.jpg", "/evil.jpg", "C:\\evil.jpg"]
    path = pack(inner / f"pets.{kind}", dict.fromkeys(names, PICTURES["cats/1.jpg"]))

    found = list(iter_locations([str(path)]))

    assert [read_bytes(item.uri) for item in found] == [PICTURES["cats/1.jpg"]] * len(found)
    assert len(found) == 3
    assert [file.name for file in tmp_path.rglob("*")] == ["inner", path.name]


def test_links_inside_a_tar_are_not_followed(tmp_path: Path) -> None:
    secret = tmp_path / "secret.jpg"
    secret.write_bytes(photo_file())
    path = tmp_path / "pets.tar"
    with tarfile.open(path, "w") as archive:
        for name, kind in (("soft.jpg", tarfile.SYMTYPE), ("hard.jpg", tarfile.LNKTYPE)):
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, str(secret)
            archive.addfile(info)

    assert [failure.path for failure in failures(path)] == [f"{path}!soft.jpg", f"{path}!hard.jpg"]
    assert all("link" in failure.reason for failure in failures(path))
    with pytest.raises(PictureError):
        read_bytes(f"{path}!soft.jpg")


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("kind", ["zip", "tar", "tar.gz"])
def test_of_two_members_with_one_name_the_first_counts(kind: str, tmp_path: Path) -> None:
    path = tmp_path / f"pets.{kind}"
    twice = [("1.jpg", photo_file(seed=1)), ("2.jpg", photo_file(seed=2)), ("1.jpg", b"other")]
    if kind == "zip":
        with zipfile.ZipFile(path, "w") as archive:
            for name, data in twice:
                archive.writestr(name, data)
    else:
        with tarfile.open(path, "w:gz" if kind == "tar.gz" else "w") as archive:
            for name, data in twice:
                info = tarfile.TarInfo(name)
                info.size = len(data)
                archive.addfile(info, io.BytesIO(data))

    found = list(iter_locations([str(path)]))

    assert [item.path for item in found] == [f"{path}!{name}" for name, _ in twice]
    assert isinstance(found[2], Failure)
    assert "second member of the same name" in found[2].reason
    assert read_bytes(f"{path}!1.jpg") == photo_file(seed=1)
    assert len(list(iter_locations([str(path)]))) == 3


@pytest.mark.parametrize("kind", KINDS)
def test_a_member_over_the_limit_is_refused(kind: str, tmp_path: Path) -> None:
    path = pack(tmp_path / f"pets.{kind}", {"1.jpg": bytes(200_000)})
    listed = list(iter_locations([str(path)]))
    assert len(listed) == 1

    with pytest.raises(PictureError, match="over the limit"):
        read_bytes(f"{path}!1.jpg", max_bytes=100_000)


def test_a_zip_that_lies_about_its_size_is_bounded(tmp_path: Path) -> None:
    path = pack(tmp_path / "bomb.zip", {"1.jpg": bytes(50_000_000)})
    data = bytearray(path.read_bytes())
    claimed = (1000).to_bytes(4, "little")
    data[22:26] = claimed
    directory = data.rfind(b"PK\x01\x02")
    data[directory + 24 : directory + 28] = claimed
    path.write_bytes(data)

    tracemalloc.start()
    try:
        with pytest.raises(PictureError):
            read_bytes(f"{path}!1.jpg", max_bytes=100_000)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert peak < 3_000_000


def test_a_tar_that_unrolls_to_too_much_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive_base, "EXPANSION_ALLOWANCE", 100_000)
    members = {"1.jpg": photo_file(), "zeros.bin": bytes(30_000_000), "2.jpg": photo_file()}
    path = pack(tmp_path / "bomb.tar.gz", members)

    first, last = iter_locations([str(path)])

    assert first.path == f"{path}!1.jpg"
    assert isinstance(last, Failure)
    assert "bomb" in last.reason


def test_a_zip_of_overlapping_members_is_left(tmp_path: Path) -> None:
    """Each entry of the table of contents names the same packed bytes under another name."""
    once = pack(tmp_path / "once.zip", {"0001.jpg": bytes(20_000_000)}).read_bytes()
    at, end = once.rfind(b"PK\x01\x02"), once.rfind(b"PK\x05\x06")
    entries = b"".join(once[at:end].replace(b"0001.jpg", b"%04d.jpg" % n) for n in range(300))
    tail = bytearray(once[end:])
    tail[8:12] = (300).to_bytes(2, "little") * 2
    tail[12:16] = len(entries).to_bytes(4, "little")
    path = tmp_path / "bomb.zip"
    path.write_bytes(once[:at] + entries + tail)

    (failure,) = failures(path)

    assert "like a bomb" in failure.reason
    with pytest.raises(PictureError, match="like a bomb"):
        read_bytes(f"{path}!0001.jpg")


def test_pictures_that_pack_well_are_no_bomb(tmp_path: Path) -> None:
    members = {f"{number}.bmp": bytes(5_000_000) for number in range(20)}
    path = pack(tmp_path / "masks.zip", members)

    assert path.stat().st_size * 500 < 100_000_000
    assert [item.relative for item in iter_locations([str(path)])] == list(members)


def test_a_header_that_asks_for_gigabytes_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "bomb.tar.gz"
    info = tarfile.TarInfo("pax")
    info.type, info.size = tarfile.XHDTYPE, 7 << 30
    with gzip.open(path, "wb") as stream:
        stream.write(info.tobuf(tarfile.GNU_FORMAT) + bytes(100_000))

    (failure,) = failures(path)

    assert "longer than 65536 bytes" in failure.reason


def test_an_archive_that_vanished_or_changed(tmp_path: Path) -> None:
    path = pack(tmp_path / "pets.zip", PICTURES)
    assert read_bytes(f"{path}!cats/1.jpg") == PICTURES["cats/1.jpg"]

    pack(path, {"cats/1.jpg": b"new"})
    assert read_bytes(f"{path}!cats/1.jpg") == b"new"
    with pytest.raises(PictureError, match="holds no such picture"):
        read_bytes(f"{path}!cats/2.jpg")

    path.unlink()
    with pytest.raises(PictureError, match=r"does not exist \(any more\)"):
        read_bytes(f"{path}!cats/1.jpg")
    with pytest.raises(InputError):
        list(iter_locations([str(path)]))


def test_a_path_with_an_exclamation_mark_is_a_path(tmp_path: Path) -> None:
    folder = tmp_path / "wow!" / "a.zip!b"
    folder.mkdir(parents=True)
    (folder / "1!.jpg").write_bytes(b"plain")
    packed = pack(tmp_path / "wow!" / "c.zip", {"x!y/1.jpg": b"packed"})

    assert read_bytes(f"{folder}/1!.jpg") == b"plain"
    assert read_bytes(f"{packed}!x!y/1.jpg") == b"packed"
