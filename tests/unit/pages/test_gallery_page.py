"""A page of pictures as HTML: escaped, complete without its script, and told to the script."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from examples import few
from tamis.errors import UsageError
from tamis.pages.gallery_page import GalleryPage, Question, Section, write_gallery_page
from tamis.pages.links import Link
from tamis.pages.tile import Badge, PicturePair, Tile, in_picture

if TYPE_CHECKING:
    from pathlib import Path

VOID = {"meta", "link", "img", "input"}


class Page(HTMLParser):
    """Checks that tags nest, and keeps what tests ask for."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.feed(page)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)

    def all(self, tag: str, kind: str = "") -> list[dict[str, str | None]]:
        return [
            attributes
            for name, attributes in self.tags
            if name == tag and kind in [*(attributes.get("class") or "").split(), ""]
        ]


def page_of(tmp_path: Path, *sections: Section, **fields: object) -> Page:
    page = GalleryPage("search", "A title", "A lead.", sections, **fields)  # type: ignore[arg-type]
    return Page(write_gallery_page(page, tmp_path / "page.html").read_text("utf-8"))


def tiles(count: int) -> tuple[Tile, ...]:
    return tuple(
        Tile(f"p/{n}.jpg", b"\xff\xd8", label="cat", split="val", score=n / 10, width=4, height=3)
        for n in range(count)
    )


@given(text=st.text(max_size=40))
@few(10, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_text_becomes_a_tag_or_an_attribute(tmp_path: Path, text: str) -> None:
    """Names, labels, splits, notes and questions, from anywhere, are shown and never obeyed."""
    hostile = f"\"'><script>alert(1)</script><img src=x onerror=alert(1)>{text}"
    tile = Tile(
        hostile, b"\xff\xd8", hostile, Badge(hostile), label=hostile, split=hostile, score=0.5
    )
    pair = PicturePair(tile, tile, hostile, hostile, 0.5)
    page = page_of(
        tmp_path,
        Section("one", hostile, hostile, tiles=(tile,), total=1, measure=hostile),
        Section("two", hostile, hostile, pairs=(pair,), total=1),
        notes=(hostile,),
        question=Question((hostile,), (tile,), (hostile,), (tile,)),
    )
    assert len(page.all("script")) == 1
    assert len(page.all("img")) == 5
    assert not [name for _, attributes in page.tags for name in attributes if name[:2] == "on"]


def test_all_pictures_are_on_the_page_without_its_script(tmp_path: Path) -> None:
    page = page_of(tmp_path, Section("found", "Found", "", tiles=tiles(150), total=150))
    assert [one["data-path"] for one in page.all("figure", "tile")] == [
        f"p/{n}.jpg" for n in range(150)
    ]
    assert len(page.all("details")) == 1
    assert "Show the other 90" in page.text


def test_what_is_sorted_and_filtered_by_stands_on_each_tile(tmp_path: Path) -> None:
    section = Section("found", "Found", "", tiles=tiles(3), total=3, measure="similarity")
    page = page_of(tmp_path, section)
    (board,) = page.all("div", "board")
    assert board["data-measure"] == "similarity"
    one = page.all("figure", "tile")[2]
    assert (one["data-label"], one["data-split"], one["data-score"]) == ("cat", "val", "0.200000")
    assert page.text.count("cat") == 3


def test_a_tile_leads_to_its_file(tmp_path: Path) -> None:
    linked = Tile("a.jpg", b"\xff\xd8", link=Link("../a.jpg", original=True))
    video = Tile("b.mp4!frame=1", b"\xff\xd8", link=Link("../b.mp4", original=False))
    by_name = Tile("c.jpg", b"", link=Link("../c.jpg", original=True))
    shown = (linked, video, by_name, Tile("d.jpg", b"\xff\xd8"))
    page = page_of(tmp_path, Section("found", "Found", "", tiles=shown, total=4))
    frames = page.all("a", "frame")
    assert [(one.get("href"), "data-original" in one) for one in frames] == [
        ("../a.jpg", True),
        ("../b.mp4", False),
        (None, False),
    ]
    assert [one["href"] for one in page.all("a", "path")] == ["../c.jpg"]


def test_the_question_is_shown_with_what_was_not_meant(tmp_path: Path) -> None:
    example = Tile("cat.jpg", b"\xff\xd8", boxes=(in_picture((0, 0, 1, 1), (2, 2)),))
    question = Question(("a cup",), (example,), ("a saucer",), (example,))
    page = page_of(tmp_path, question=question)
    assert {"Looked for", "a cup", "Not", "a saucer"} <= set(page.text)
    assert len(page.all("img")) == 2
    assert page.all("span", "box")[0]["style"] == (
        "left: 0.0%; top: 0.0%; width: 50.0%; height: 50.0%"
    )


def test_pictures_have_words_for_those_who_do_not_see_them(tmp_path: Path) -> None:
    page = page_of(tmp_path, Section("a", "A", "", tiles=(Tile("", b"\xff\xd8"),), total=1))
    assert all(one["alt"] for one in page.all("img"))


def test_only_html_is_written_and_an_earlier_page_replaced(tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text("old")
    assert "A title" in page_of(tmp_path).text
    assert [one.name for one in tmp_path.iterdir()] == ["page.html"]
    page = GalleryPage("search", "A title", "A lead.", ())
    with pytest.raises(UsageError, match=r"ends in \.html"):
        write_gallery_page(page, tmp_path / "photo.jpg")


@pytest.mark.parametrize(
    ("size", "fit", "place"),
    [((4000, 3000), "whole", 4 / 3), ((9000, 1000), "by-width", 2.2), ((1, 9), "by-height", 0.6)],
)
def test_rows_have_room_for_any_shape(size: tuple[int, int], fit: str, place: float) -> None:
    tile = Tile("a", b"", width=size[0], height=size[1])
    assert (tile.fit, tile.frame_ratio) == (fit, pytest.approx(place))


def test_the_stylesheet_and_script_close_no_tag_of_theirs() -> None:
    from importlib.resources import files

    for name in ("page.css", "page.js"):
        text = files("tamis.pages").joinpath(name).read_text("utf-8")
        assert not re.search(r"</(style|script)", text)
        assert not re.search(r"url\(|@import|https?:", text)
