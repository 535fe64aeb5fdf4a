"""The page in a notebook: framed by a page of another origin, its selection read in Python."""

from __future__ import annotations

import shutil
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import tamis
from served_dataset import served_dataset

if TYPE_CHECKING:
    from collections.abc import Iterator

PICTURES = 60


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    return Path(shutil.copytree(served_dataset(tmp_path), tmp_path / "book.tamis"))


@pytest.fixture
def notebook() -> Iterator[tuple[str, list[str]]]:
    """A page of another port that shows what is put into the list."""
    cells: list[str] = []

    class Book(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("content-type", "text/html")
            self.end_headers()
            self.wfile.write("".join(cells).encode())

        def log_message(self, *_words: Any) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Book)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    # another site than the server's, so that no strict cookie could travel
    yield f"http://localhost:{server.server_port}/", cells
    server.shutdown()
    thread.join(60)
    server.server_close()


def test_what_is_selected_in_the_frame_is_a_query_in_python(
    browser: Any, dataset: Path, notebook: tuple[str, list[str]]
) -> None:
    ds = tamis.open(dataset)
    app = ds.app(height=600)
    address, cells = notebook
    cells.append(app._repr_html_())
    said: list[str] = []
    context = browser.new_context(viewport={"width": 1280, "height": 720})
    page = context.new_page()
    page.set_default_timeout(60_000)
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on(
        "console",
        lambda message: "Error" in message.type and said.append(message.text),
    )
    try:
        page.goto(address)
        frame = page.frame_locator("iframe")
        frame.locator("#picture-0 img").wait_for()
        assert context.cookies() == []
        inside = next(one for one in page.frames if one != page.main_frame)
        assert "token" not in inside.url
        wait(page, lambda: app.shown is not None and app.shown.where is None)
        assert app.selection is None
        frame.locator("section[aria-label='Label'] button.value", has_text="cat").click()
        cats = ds.store.count("label = 'cat'")
        wait(page, lambda: app.shown is not None and len(app.shown) == cats)
        assert ds.store.count(app.shown.where) == cats
        frame.locator("#grid").focus()
        page.keyboard.press("Space")
        page.keyboard.press("Shift+ArrowRight")
        wait(page, lambda: app.selection is not None and len(app.selection) == 2)
        assert ds.store.count(app.selection.where) == 2
        assert set(ds.table(["label"], app.selection.where)["label"].to_pylist()) == {"cat"}
        page.keyboard.press("Enter")
        frame.locator(".near img").first.wait_for()
        assert inside.evaluate("() => document.querySelector('.near img').src").startswith("blob:")
        page.keyboard.press("Escape")
        page.keyboard.press("Escape")
        wait(page, lambda: app.selection is None)
        assert said == []
    finally:
        context.close()
        app.close()


def wait(page: Any, comes: Any) -> None:
    """Let the page go on until something has come."""
    for _ in range(1200):
        if comes():
            return
        page.wait_for_timeout(50)
    pytest.fail("it did not come")
