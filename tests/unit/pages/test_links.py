"""Addresses of files on a page: relative where they can be, escaped, and only of what is there."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING
from urllib.parse import unquote_to_bytes

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tamis.pages.links import Links

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "out").mkdir()
    (tmp_path / "photos").mkdir()
    return tmp_path


def test_a_file_beside_the_page_is_relative(place: Path) -> None:
    picture = place / "photos" / "a b#1?.jpg"
    picture.write_bytes(b"x")
    link = Links(place / "out" / "report.html").to(str(picture))
    assert link is not None
    assert link.href == "../photos/a%20b%231%3F.jpg"
    assert link.original


def test_a_file_elsewhere_is_absolute(place: Path) -> None:
    picture = place / "photos" / "a.jpg"
    picture.write_bytes(b"x")
    link = Links("/report.html").to(str(picture))
    assert link is not None
    assert link.href.startswith("file:///")


names = st.binary(min_size=1, max_size=20).filter(
    lambda name: not {0, ord("/"), ord("!")} & {*name} and name not in {b".", b".."}
)


@given(name=names)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
def test_any_name_leads_back_to_its_file(place: Path, name: bytes) -> None:
    path = os.path.join(os.fsencode(place / "photos"), name)  # noqa: PTH118 - bytes
    with open(path, "wb"):  # noqa: PTH123
        pass
    link = Links(place / "out" / "report.html").to(os.fsdecode(path))
    os.unlink(path)  # noqa: PTH108
    assert link is not None
    assert link.href.isascii()
    assert not {*link.href} & set("\"'<>&#? :")
    assert unquote_to_bytes(link.href) == b"../photos/" + name


@pytest.mark.parametrize("inside", ["", "!frame=12", "#xywh=0,0,4,4"])
def test_only_the_whole_picture_is_the_original(place: Path, inside: str) -> None:
    file = place / "photos" / ("line.mp4" if "frame" in inside else "a.png")
    file.write_bytes(b"x")
    link = Links(place / "report.html").to(f"{file}{inside}")
    assert link is not None
    assert link.href == f"photos/{file.name}"
    assert link.original == (not inside)


def test_formats_that_browsers_lack_are_linked_and_not_shown(place: Path) -> None:
    (place / "photos" / "a.HEIC").write_bytes(b"x")
    link = Links(place / "report.html").to(str(place / "photos" / "a.HEIC"))
    assert link is not None
    assert not link.original


def test_what_is_gone_or_packed_has_no_address(place: Path) -> None:
    (place / "photos" / "all.zip").write_bytes(b"x")
    links = Links(place / "report.html")
    assert links.to(str(place / "photos" / "gone.jpg")) is None
    assert links.to(str(place / "photos" / "all.zip!1.jpg")) is None
    assert links.to(None) is None
