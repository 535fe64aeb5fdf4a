"""The report as a browser shows it: quiet, self-contained, fitting, and alive to clicks."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image

from tamis.dataset.store import Store
from tamis.services.report.write import write_report
from tamis.types import Failure

if TYPE_CHECKING:
    from pathlib import Path

PICTURES = 40
LONG = "photos/" + "a-very-long-name-without-any-space" * 6
HOSTILE = "photos/<img src=x onerror=alert(1)><script>alert(1)</script>.jpg"


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report on forty pictures with every kind of mark, long and hostile names among them."""
    folder = tmp_path_factory.mktemp("report")
    rng = np.random.default_rng(0)
    ids = [f"{number:032x}" for number in range(PICTURES)]
    paths = [LONG, HOSTILE] + [f"photos/{number}.jpg" for number in range(2, PICTURES)]
    uris = [str(folder / "originals" / f"{number}.png") for number in range(PICTURES)]
    (folder / "originals").mkdir()
    for uri in uris[2:]:
        Image.new("RGB", (512, 384), "teal").save(uri)
    store = Store.create(folder / "browser.tamis")
    with store.operation("add", {"sources": [LONG], "labels": "folder"}) as op:
        op.insert(
            pa.table(
                {
                    "sample_id": ids,
                    "path": paths,
                    "uri": uris,
                    "thumbnail": [jpeg(rng) for _ in ids],
                    "width": [256] * PICTURES,
                    "height": [192] * PICTURES,
                    "brightness": rng.random(PICTURES, np.float32),
                    "sharpness": rng.random(PICTURES, np.float32),
                    "label": [f"label-{LONG}" if n % 3 else "cat" for n in range(PICTURES)],
                    "split": [
                        ("train", "val", "test", "a-split-of-my-own")[n % 4]
                        for n in range(PICTURES)
                    ],
                }
            )
        )
        op.record_failures(
            [Failure(HOSTILE, "x" * 300, "photos"), Failure(LONG, "empty", "photos")]
        )
    vectors = rng.normal(size=(PICTURES, 8)).astype(np.float32)
    vectors[1] = vectors[0]  # the long and the hostile name are the closest across splits
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    with store.operation("embed", {"encoder": LONG}, seed=1) as op:
        op.set_vectors(op.add_vector_column(LONG, "f" * 16, 8), ids, vectors)
    with store.operation("select") as op:
        op.set_marks(ids[1:8], {"duplicate_of": [ids[0]] * 7})
        op.set_marks(ids[8:20], {"selected": [True] * 12, "selected_reason": [LONG] * 12})
    return write_report(store, folder / "report.html")


def jpeg(rng: np.random.Generator) -> bytes:
    buffer = io.BytesIO()
    coarse = rng.integers(0, 256, (6, 8, 3), dtype=np.uint8)
    Image.fromarray(coarse).resize((256, 192)).save(buffer, "JPEG")
    return buffer.getvalue()


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_is_quiet_and_fits(browser: Any, report: Path, width: int, scheme: str) -> None:
    page = browser.new_page(viewport={"width": width, "height": 800}, color_scheme=scheme)
    said: list[str] = []
    asked: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("dialog", lambda dialog: said.append(dialog.message))
    page.on("request", lambda request: asked.append(request.url))
    page.goto(report.as_uri())
    page.evaluate("document.querySelectorAll('img').forEach(img => img.loading = 'eager')")
    page.wait_for_function("[...document.images].every(img => img.complete)")
    broken = page.evaluate("[...document.images].filter(img => !img.naturalWidth).length")
    assert broken == 0
    assert said == []
    assert [url for url in asked if not url.startswith("data:")] == [report.as_uri()]
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    outside = page.evaluate(
        """width => [...document.querySelectorAll('main *, header *')]
            .filter(one => !one.closest('.scroll, svg') && one.getBoundingClientRect().width > 0)
            .filter(one => one.getBoundingClientRect().right > width + 1)
            .map(one => one.outerHTML.slice(0, 80))""",
        width,
    )
    assert outside == []
    narrow = page.evaluate(
        "Math.min(...[...document.querySelectorAll('th')].map(t => t.offsetWidth))"
    )
    assert narrow > 40
    labels = page.evaluate(
        "[...document.querySelectorAll('svg text')].map(t => t.getBoundingClientRect().left)"
    )
    assert min(labels) >= 0
    page.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_from_its_ground(browser: Any, report: Path, scheme: str) -> None:
    """Contrast of at least 4.5, the minimum of WCAG 2 (AA) for text of normal size."""
    page = browser.new_page(color_scheme=scheme)
    page.goto(report.as_uri())
    pairs = page.evaluate(
        """() => {
            const style = getComputedStyle(document.documentElement);
            const value = name => style.getPropertyValue(name).trim();
            return ['--ink', '--soft', '--accent', '--good', '--warn'].flatMap(
                text => ['--paper', '--card'].map(ground => [text, value(text), value(ground)]));
        }"""
    )
    assert len(pairs) == 10
    for name, text, ground in pairs:
        assert contrast(text, ground) >= 4.5, (name, text, ground)
    page.close()


def contrast(text: str, ground: str) -> float:
    light, dark = sorted((luminance(text), luminance(ground)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def luminance(color: str) -> float:
    parts = [int(color[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_a_keyboard_reaches_every_section(browser: Any, report: Path) -> None:
    page = browser.new_page(viewport={"width": 1280, "height": 800}, reduced_motion="reduce")
    page.goto(report.as_uri())
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the pictures"
    links = page.evaluate("[...document.querySelectorAll('nav a')].map(a => a.hash.slice(1))")
    assert {"duplicates", "selected", "outliers", "splits", "failed", "history"} <= set(links)
    for anchor in links:
        page.evaluate("anchor => { location.hash = anchor }", anchor)
        top = page.evaluate("a => document.getElementById(a).getBoundingClientRect().top", anchor)
        assert -1 <= top < 800
    page.close()


def tiles(page: Any, board: str = "#darkest") -> list[str]:
    """The names of the pictures that are seen in a gallery, in order."""
    return page.evaluate(
        "board => [...document.querySelectorAll(`${board} .tile`)]"
        ".filter(t => t.offsetParent).map(t => t.dataset.path)",
        board,
    )


def test_pictures_enlarge_to_their_originals(browser: Any, report: Path) -> None:
    page = browser.new_page(viewport={"width": 1280, "height": 800})
    page.goto(report.as_uri())
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    frame = page.locator("#darkest .frame[data-original]").first
    frame.focus()
    page.keyboard.press("Enter")
    dialog = page.locator("dialog")
    assert dialog.is_visible()
    page.wait_for_function("document.querySelector('dialog img').naturalWidth === 512")
    first = dialog.locator(".path").inner_text()
    page.keyboard.press("ArrowRight")
    assert dialog.locator(".path").inner_text() != first
    page.keyboard.press("ArrowLeft")
    assert dialog.locator(".path").inner_text() == first
    assert dialog.locator("a").get_attribute("href").startswith("file:///")
    page.keyboard.press("Escape")
    assert not dialog.is_visible()
    assert page.evaluate("document.activeElement.classList.contains('frame')")
    assert all(url.startswith(("file:", "data:")) for url in asked)
    page.close()


def test_galleries_sort_and_filter(browser: Any, report: Path) -> None:
    page = browser.new_page(viewport={"width": 1280, "height": 800})
    page.goto(report.as_uri())
    listed = tiles(page)
    board = page.locator("#darkest .board")
    board.get_by_label("Sort").select_option("high")
    assert tiles(page) == listed[::-1]
    board.get_by_label("Sort").select_option("")
    board.get_by_label("Label").select_option("=cat")
    cats = tiles(page)
    assert 0 < len(cats) < len(listed)
    assert cats == [name for name in listed if name in set(cats)]
    board.get_by_label("Name contains").fill("no such name")
    assert tiles(page) == []
    assert board.locator("output").inner_text() == f"0 of {len(listed)}"
    page.close()


def test_without_a_script_all_pictures_are_there_and_lead_to_their_files(
    browser: Any, report: Path
) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(report.as_uri())
    assert page.locator("#selected .tile").count() == 12
    assert page.locator("form, dialog").count() == 0
    href = page.locator("#darkest a.frame[href]").first.get_attribute("href")
    assert (report.parent / href).is_file()
    context.close()
