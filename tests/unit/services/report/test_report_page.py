"""The page: one file, harmless whatever pictures are called, sound HTML."""

from __future__ import annotations

import base64
import hashlib
import itertools
import re
from html.parser import HTMLParser
from typing import TYPE_CHECKING

import pytest

from tamis.errors import UsageError
from tamis.services.report.collect import collect
from tamis.services.report.render import render
from tamis.services.report.write import write_report

if TYPE_CHECKING:
    from pathlib import Path

    from tamis.dataset.store import Store

VOID = {"meta", "link", "img", "input", "br", "hr"}


class Outline(HTMLParser):
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

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


@pytest.fixture
def outline(curated: Store) -> Outline:
    return Outline(render(collect(curated)))


def test_hostile_names_are_shown_and_never_run(curated: Store, outline: Outline) -> None:
    assert len(outline.all("script")) == 1
    assert "photos/<script>alert(1)</script>.jpg" in outline.text
    assert "truncated: <b>12</b> bytes are missing" in outline.text
    assert not [name for _, attributes in outline.tags for name in attributes if name[:2] == "on"]


def test_nothing_is_asked_of_a_network(curated: Store, outline: Outline) -> None:
    for _, attributes in outline.tags:
        for name in ("src", "href", "srcset", "action"):
            value = attributes.get(name)
            assert value is None or value.startswith(("data:", "#"))
    page = render(collect(curated))
    assert not re.search(r"url\(|@import|https?://", page)
    policy = next(m for m in outline.all("meta") if m.get("http-equiv"))
    assert "default-src 'none'" in str(policy["content"])


def test_only_the_script_of_all_pages_may_run(curated: Store, outline: Outline) -> None:
    page = render(collect(curated))
    script = page[page.rindex("<script>") + 8 : page.rindex("</script>")]
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    policy = next(m for m in outline.all("meta") if m.get("http-equiv"))
    assert f"script-src 'sha256-{digest}';" in str(policy["content"])
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|eval|fetch|XMLHttp", script)


def test_thumbnails_are_carried_byte_for_byte(curated: Store, outline: Outline) -> None:
    thumbnails = {
        base64.b64decode(str(img["src"]).removeprefix("data:image/jpeg;base64,"))
        for img in outline.all("img")
    }
    assert thumbnails == set(curated.read(["thumbnail"]).column(0).to_pylist())
    assert all(img["alt"] and img["loading"] == "lazy" for img in outline.all("img"))


def test_headings_and_anchors_are_in_order(outline: Outline) -> None:
    levels = [int(tag[1]) for tag, _ in outline.tags if re.fullmatch(r"h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in itertools.pairwise(levels))
    ids = [str(attributes["id"]) for _, attributes in outline.tags if "id" in attributes]
    assert len(set(ids)) == len(ids)
    targets = {str(a["href"])[1:] for a in outline.all("a") if "href" in a}
    labels = {str(a["aria-labelledby"]) for _, a in outline.tags if "aria-labelledby" in a}
    assert targets | labels <= set(ids)


def test_the_numbers_of_the_report_are_on_the_page(curated: Store, outline: Outline) -> None:
    data = collect(curated)
    for figure in (*data.headline, *data.coverage, *data.split_figures):
        assert figure.value in outline.text
        assert figure.explanation in outline.text


def test_an_empty_dataset_has_a_page(empty: Store) -> None:
    text = " ".join(Outline(render(collect(empty))).text)
    assert "No picture is marked as a duplicate." in text
    assert "Every file could be read." in text


def test_a_report_is_written_and_replaced(curated: Store, tmp_path: Path) -> None:
    path = tmp_path / "deep" / "report.html"
    assert write_report(curated, path) == path
    first = path.read_text(encoding="utf-8")
    assert first.startswith("<!DOCTYPE html>")
    write_report(curated, path)
    assert [p.name for p in path.parent.iterdir()] == ["report.html"]


def test_only_html_files_are_written(curated: Store, tmp_path: Path) -> None:
    picture = tmp_path / "photo.jpg"
    picture.write_bytes(b"mine")
    with pytest.raises(UsageError, match=r"does not end in \.html"):
        write_report(curated, picture)
    assert picture.read_bytes() == b"mine"
