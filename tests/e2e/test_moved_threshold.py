"""The threshold of a page of pictures, moved in a browser."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tamis.algo.defects import implied_rate
from tamis.pages.gallery_page import GalleryPage, Section, Threshold, write_gallery_page
from tamis.pages.tile import Badge, Tile

if TYPE_CHECKING:
    from pathlib import Path

NOMINAL = tuple(i / 10 for i in range(1, 20))


def test_the_slider_says_how_many_are_above_it_and_the_rate_that_it_implies(
    browser: Any, tmp_path: Path
) -> None:
    tiles = tuple(Tile(f"{i}.png", b"", badge=Badge("x"), score=float(i)) for i in range(70))
    page = GalleryPage(
        "defects",
        "A title",
        "A lead.",
        (Section("all", "All", "", tiles, total=70),),
        threshold=Threshold(1.8, NOMINAL),
    )
    path = write_gallery_page(page, tmp_path / "page.html")
    opened = browser.new_page()
    said: list[str] = []
    opened.on("pageerror", lambda error: said.append(str(error)))
    opened.goto(path.as_uri())
    output = opened.locator("form.threshold output")
    for threshold, above in ((1.8, 68), (0.95, 69), (40.5, 29)):
        opened.evaluate(
            """value => {
                const slider = document.querySelector("form.threshold input");
                slider.value = value;
                slider.dispatchEvent(new Event("input"));
            }""",
            threshold,
        )
        rate = implied_rate(np.array(NOMINAL), np.arange(len(NOMINAL)), threshold)
        assert output.text_content() == (
            f"{threshold:.2f}: {above} of 70 pictures are above it; of nominal ones at most "
            f"{100 * rate:.2g} % are"
        )
    # what is below it looks so, on the pages that were not shown too
    assert opened.locator(".tile.passed").count() == 41
    assert opened.locator(".badge.warn").count() == 60 - 41
    opened.close()
    assert not said
