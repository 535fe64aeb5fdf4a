"""The page in a browser: opened by its token, searched, filtered, labelled by keys, undone."""

from __future__ import annotations

import csv
import shutil
import threading
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import tamis
from served_dataset import HOSTILE, sample_id, served_dataset
from tamis.algo.run_lengths import read_counts
from tamis.dataset.store import Store
from tamis.interfaces.server.serve import open_server
from tamis.interfaces.server.session import Session

if TYPE_CHECKING:
    from collections.abc import Iterator

PICTURES = 300
SHELL_BYTES = 300_000
FIRST_SCREEN_BYTES = 800_000


@pytest.fixture(scope="module")
def master(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A dataset that no test changes."""
    return served_dataset(tmp_path_factory.mktemp("page"), PICTURES, files=24)


class Visit:
    """A page that is open on a dataset, and what it asked and said."""

    def __init__(
        self, browser: Any, dataset: Path, segmenter: str | None = None, **how: Any
    ) -> None:
        self.dataset = dataset
        self.opened = open_server(dataset, segmenter=segmenter)
        self._thread = threading.Thread(target=self.opened.run)
        self._thread.start()
        self.said: list[str] = []
        self.asked: list[str] = []
        self.bytes: dict[str, int] = {}
        size = {"width": 1280, "height": 720}
        self.context = browser.new_context(viewport=size, accept_downloads=True, **how)
        self.page = self.context.new_page()
        self.page.set_default_timeout(60_000)
        self.page.on("console", self._hear)
        self.page.on("pageerror", lambda error: self.said.append(str(error)))
        self.page.on("dialog", lambda dialog: self.said.append(dialog.message))
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.on("response", self._count)
        self.page.goto(self.opened.door.address)
        self.page.wait_for_selector("#picture-0 img")

    def _hear(self, message: Any) -> None:
        if not message.text.startswith("[.WebGL-"):  # the driver's own words on its speed
            self.said.append(message.text)

    def _count(self, response: Any) -> None:
        length = response.headers.get("content-length")
        if length:
            self.bytes[response.url] = int(length)

    def keys(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def told(self, text: str) -> None:
        """Wait until the page says something."""
        self.page.wait_for_selector(f".message:has-text('{text}')")

    def choose(self, key: str, words: str) -> None:
        """Open a list by a key, and take what the words find."""
        self.keys(key)
        self.page.wait_for_selector("dialog[open] input:focus")
        self.page.keyboard.type(words)
        self.page.wait_for_selector(f"#choices [role=option]:has-text('{words}')")
        self.keys("Enter")
        self.closed()

    def closed(self) -> None:
        """Wait until no dialog is open, so that keys reach the page."""
        self.page.wait_for_function("() => !document.querySelector('dialog[open]')")

    def count(self, text: str) -> None:
        """Wait until the number of pictures is shown so."""
        self.page.wait_for_selector(f"header .count:has-text('{text}')")

    def facet(self, name: str, value: str) -> Any:
        return self.page.locator(f"section[aria-label='{name}'] button.value", has_text=value)

    def labels(self) -> list[str | None]:
        found: list[str | None] = Store.open(self.dataset).read(["label"]).column(0).to_pylist()
        return found

    def close(self) -> None:
        self.context.close()
        self.opened.server.should_exit = True
        self._thread.join(60)
        assert not self._thread.is_alive()


@pytest.fixture
def visit(browser: Any, master: Path, tmp_path: Path) -> Iterator[Visit]:
    """A visit of a dataset of three hundred pictures; the page said nothing to the console."""
    made = Visit(browser, Path(shutil.copytree(master, tmp_path / master.name)))
    yield made
    made.close()
    assert made.said == []
    home = made.opened.door.address.partition("/?")[0]
    outside = [url for url in made.asked if not url.startswith((home, f"blob:{home}"))]
    assert outside == []


def test_the_first_screen_is_light_and_the_token_leaves_the_address(visit: Visit) -> None:
    visit.page.wait_for_function("() => document.querySelectorAll('.tile img').length > 20")
    assert "token" not in visit.page.url
    shell = sum(size for url, size in visit.bytes.items() if "/api/" not in url)
    assert 20_000 < shell <= SHELL_BYTES
    assert sum(visit.bytes.values()) <= FIRST_SCREEN_BYTES
    # the grid is as long as all pictures, but few of them are in the page
    assert visit.page.locator(".tile").count() < PICTURES
    visit.keys("End")
    visit.page.wait_for_selector(f"#picture-{PICTURES - 1} img")
    assert visit.page.locator("#picture-0").count() == 0


def test_filters_count_go_into_the_address_and_come_back(visit: Visit) -> None:
    cats = visit.labels().count("cat")
    visit.facet("Label", "cat").click()
    visit.count(f"{cats} of {PICTURES}")
    visit.facet("Split", "val").click()
    visit.page.wait_for_selector(".chip:has-text('Split')")
    both = Store.open(visit.dataset).count("label = 'cat' AND split = 'val'")
    visit.count(f"{both} of {PICTURES}")
    visit.page.go_back()
    visit.count(f"{cats} of {PICTURES}")
    visit.choose("v", "all cats")
    visit.told("Saved as all cats")
    visit.page.reload()
    visit.count(f"{cats} of {PICTURES}")
    visit.page.click(".chip button")
    visit.count(f"{PICTURES} pictures")
    visit.page.locator("button.saved", has_text="all cats").click()
    visit.count(f"{cats} of {PICTURES}")


def test_searches_say_what_to_do_where_they_cannot_be_met(visit: Visit) -> None:
    visit.keys("/")
    visit.page.keyboard.type("a cat")
    visit.keys("Enter")
    visit.page.wait_for_selector("#refused:has-text('reads no texts')")
    assert all("400" in text for text in visit.said)
    visit.said.clear()  # the browser itself says what was refused
    visit.page.click("text=Search names instead")
    visit.page.keyboard.press("Control+a")
    visit.page.keyboard.type("0000")
    visit.keys("Enter")
    visit.count(f"9 of {PICTURES}")  # 00001 has another name
    visit.page.click(".chip button")
    visit.count(f"{PICTURES} pictures")
    visit.keys("/")
    visit.page.click("text=SQL")
    visit.page.keyboard.type("sharp")
    visit.keys("Tab")
    visit.page.keyboard.type("> 2")
    visit.keys("Enter")
    visit.page.wait_for_selector("text=No picture fits")
    visit.page.click("text=Show all pictures")
    visit.count(f"{PICTURES} pictures")


def test_fifty_labels_in_three_actions_and_one_key_undoes_them(visit: Visit) -> None:
    before = visit.labels()
    visit.page.click("#picture-0")
    visit.page.locator("#grid").focus()
    for _ in range(49):
        visit.keys("Shift+ArrowRight")
    visit.page.wait_for_selector("[role=toolbar]:has-text('50 selected')")
    visit.page.wait_for_selector(".class.some .held")
    visit.keys("2")
    visit.told("added to 50")
    name = visit.page.locator(".classes .class").nth(1).locator(".cut").inner_text()
    assert visit.labels()[:50] == [name] * 50
    assert visit.labels()[50:] == before[50:]
    visit.page.wait_for_selector(".class.all")
    visit.keys("Control+z")
    visit.told("Undone")
    assert visit.labels() == before
    visit.keys("Control+Shift+z")
    visit.told("Done again")
    assert visit.labels()[:50] == [name] * 50


def test_all_by_keyboard_once(visit: Visit) -> None:
    visit.page.wait_for_selector("nav .name")
    digits = visit.page.evaluate(
        "[...document.querySelectorAll('nav .name')].map(e => e.innerText)"
    )
    unlabelled = [at for at, label in enumerate(visit.labels()) if label is None]
    visit.keys("ArrowRight", "ArrowRight")  # the first without a label
    visit.keys("1")
    visit.told(f"{digits[0]} added to 1")
    visit.page.wait_for_selector(f"#grid[aria-activedescendant='picture-{unlabelled[1]}']")
    visit.keys(".")
    visit.page.wait_for_selector(f"#picture-{unlabelled[1]}:has-text('{digits[0]}')")
    visit.choose("l", "zebra")
    visit.told("zebra added to 1")
    assert [visit.labels()[at] for at in unlabelled[:3]] == [digits[0], digits[0], "zebra"]
    visit.keys("Space")
    visit.choose("t", "later")
    visit.told("Tag later added to 1")
    visit.keys("Escape", "Enter")
    visit.page.wait_for_selector("section.picture h2")
    visit.keys("ArrowRight")
    visit.page.wait_for_selector("section.picture:has-text('13 of')")
    visit.keys("Escape", "?")
    visit.page.wait_for_selector("dialog:has-text('same as last')")
    visit.keys("Escape")
    visit.closed()
    with visit.page.expect_response("**/api/questions"):
        visit.choose("Control+k", "clear all")
    visit.keys("Control+a")  # all that the question on its way finds
    visit.page.wait_for_selector(f"[role=toolbar]:has-text('{PICTURES} selected')")
    visit.keys("f")
    visit.page.wait_for_selector(".chip:has-text('like')")
    visit.page.wait_for_selector(".tile .score")


def test_boxes_are_drawn_moved_named_and_removed(visit: Visit) -> None:
    def boxes() -> list[tuple[str, float, float]]:
        found = Store.open(visit.dataset).annotations(
            where=f"sample_id = '{sample_id(0)}' AND kind = 'box'"
        )
        return [(one["label"], one["x"], one["width"]) for one in found.to_pylist()]

    visit.keys("Enter")
    visit.page.wait_for_selector("g.box")
    visit.keys("Tab", "Shift+ArrowRight")
    visit.told("Box moved")
    assert boxes() == [("door", 20.0, 30.0)]
    frame = visit.page.locator(".canvas").bounding_box()
    assert frame is not None
    visit.keys("Escape")
    x, y = frame["x"] + frame["width"] * 0.5, frame["y"] + frame["height"] * 0.6
    visit.page.mouse.move(x, y)
    visit.page.mouse.down()
    visit.page.mouse.move(x + frame["width"] * 0.25, y + frame["height"] * 0.25, steps=3)
    visit.page.mouse.up()
    visit.page.wait_for_selector(".ask")
    visit.page.keyboard.press("1")
    visit.told("Box added")
    visit.page.wait_for_selector(".last:has-text('drawn')", state="attached")
    assert len(boxes()) == 2
    visit.page.wait_for_function("() => document.querySelectorAll('g.box').length === 2")
    visit.keys("Delete")
    visit.told("Box removed")
    visit.page.wait_for_function("() => document.querySelectorAll('g.box').length === 1")
    visit.keys("Control+z")
    visit.told("Undone")
    visit.page.wait_for_function("() => document.querySelectorAll('g.box').length === 2")
    assert len(boxes()) == 2


def test_shapes_are_drawn_changed_by_mouse_and_keys_and_undone(
    browser: Any, master: Path, tmp_path: Path
) -> None:
    """Polygon, rotated box and mask, and points for a segmenter, on one picture of 64 x 96."""
    dataset = Path(shutil.copytree(master, tmp_path / master.name))
    visit = Visit(browser, dataset, "flood_segmenter:segment")

    def rows() -> list[dict[str, Any]]:
        where = f"sample_id = '{sample_id(0)}' AND x IS NOT NULL AND kind != 'box'"
        found: list[dict[str, Any]] = Store.open(dataset).annotations(where=where).to_pylist()
        return found

    def at(x: float, y: float) -> tuple[float, float]:
        frame = visit.page.locator(".canvas").bounding_box()
        assert frame is not None
        return frame["x"] + frame["width"] * x / 64, frame["y"] + frame["height"] * y / 96

    def drag(*places: tuple[float, float]) -> None:
        visit.page.mouse.move(*at(*places[0]))
        visit.page.mouse.down()
        for place in places[1:]:
            visit.page.mouse.move(*at(*place), steps=3)
        visit.page.mouse.up()

    try:
        visit.keys("Enter")
        visit.page.wait_for_selector("g.box")
        # a polygon by the mouse; one of its points moved by keys, another added by a drag
        visit.keys("p")
        for place in ((8.5, 40.5), (28.5, 40.5), (28.5, 60.5)):
            visit.page.mouse.click(*at(*place))
        visit.keys("Enter")
        visit.page.wait_for_selector(".ask")
        visit.keys("1")
        visit.told("Polygon added")
        [polygon] = rows()
        assert polygon["kind"] == "polygon"
        ring = polygon["polygon"][0]
        assert ring == pytest.approx([8.5, 40.5, 28.5, 40.5, 28.5, 60.5], abs=0.3)
        visit.keys("n", "ArrowRight")
        visit.told("Point moved")
        assert rows()[0]["polygon"][0][0] == pytest.approx(ring[0] + 1, abs=0.011)
        visit.keys("Escape")
        drag(((ring[0] + 1 + ring[4]) / 2, (ring[1] + ring[5]) / 2), (10, 58))
        visit.page.wait_for_function("() => document.querySelectorAll('.corner').length === 4")
        visit.page.wait_for_function("() => !document.querySelector('.message.error')")
        visit.page.wait_for_function("() => document.querySelectorAll('.middle').length === 4")
        while len(rows()[0]["polygon"][0]) != 8:
            visit.page.wait_for_timeout(20)
        assert rows()[0]["polygon"][0][6:] == pytest.approx([10, 58], abs=0.3)
        # what another changes meanwhile is not overwritten
        visit.keys("Escape")
        tamis.open(dataset).edit_annotation(polygon["annotation_id"], outline=[ring], label="mine")
        visit.page.wait_for_selector("g.polygon:has-text('mine')", state="attached")
        # a rotated box by keys: turned by 15 degrees, then named
        visit.keys("o", "}", "2")
        visit.told("Box added")
        turned = next(row for row in rows() if row["kind"] == "rotated_box")
        corners = turned["polygon"][0]
        assert corners[3] > corners[1]
        visit.keys("]")
        visit.told("Box turned")
        after = next(row for row in rows() if row["kind"] == "rotated_box")["polygon"][0]
        assert after[3] - after[1] > corners[3] - corners[1]
        # a mask painted, painted on, erased from; each stroke undone by one key
        visit.keys("Escape", "w")
        drag((40, 20), (50, 20))
        visit.page.wait_for_selector(".ask")
        visit.keys("1")
        visit.told("Mask added")
        sizes = [mask_size(rows())]
        drag((40, 30), (50, 30))
        visit.told("Mask painted")
        sizes.append(mask_size(rows()))
        visit.keys("x")
        drag((50, 20), (50, 30))
        while mask_size(rows()) == sizes[1]:
            visit.page.wait_for_timeout(20)
        assert sizes[0] < sizes[1] > mask_size(rows()) > 0
        for size in (sizes[1], sizes[0]):
            visit.keys("Control+z")
            while mask_size(rows()) != size:
                visit.page.wait_for_timeout(20)
        # points for a segmenter, whose mask is kept by naming it
        visit.keys("Escape", "Escape", "s", " ")
        visit.page.wait_for_selector(".ask")
        visit.keys("1")
        visit.page.wait_for_function("() => !document.querySelector('.ask')")
        while len([row for row in rows() if row["kind"] == "mask"]) < 2:
            visit.page.wait_for_timeout(20)
        visit.keys("Escape", "Escape", "Escape")
        visit.page.wait_for_selector("#picture-0 path.mask", state="attached")
        assert visit.said == []
    finally:
        visit.close()


def mask_size(rows: list[dict[str, Any]]) -> int:
    """How many pixels the first mask has."""
    masks = [read_counts(row["mask"]) for row in rows if row["mask"]]
    return sum(masks[0][1::2])


def test_an_export_takes_two_actions(visit: Visit) -> None:
    visit.facet("Split", "val").click()
    visit.page.wait_for_selector(".chip")
    with visit.page.expect_download() as expected:
        visit.page.click("header >> text=Export")
        visit.page.click("[role=option]:has-text('csv')")
    download = expected.value
    assert download.suggested_filename == "line3-csv.csv"
    with Path(download.path()).open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert {row["split"] for row in rows} == {"val"}
    assert len(rows) == Store.open(visit.dataset).count("split = 'val'")


def test_names_are_shown_as_they_are_and_what_others_write_appears(visit: Visit) -> None:
    import pyarrow as pa

    assert HOSTILE.partition("/")[2] in visit.page.get_attribute("#picture-1", "aria-label")
    with Store.open(visit.dataset).operation("watch") as op:
        op.insert(pa.table({"sample_id": ["f" * 32], "path": ["late.jpg"]}))
    visit.count(f"{PICTURES + 1} pictures")
    visit.keys("End")
    visit.page.wait_for_selector(f"#picture-{PICTURES}:has-text('no thumbnail')")


@pytest.mark.parametrize("drawn", ["with WebGL", "without WebGL"])
def test_a_lasso_on_the_map_filters_and_its_chip_takes_it_back(
    browser: Any, master: Path, tmp_path: Path, drawn: str
) -> None:
    visit = Visit(browser, Path(shutil.copytree(master, tmp_path / master.name)))
    try:
        if drawn == "without WebGL":
            visit.page.evaluate(
                "() => { const own = HTMLCanvasElement.prototype.getContext;"
                "HTMLCanvasElement.prototype.getContext = function (kind, ...rest) {"
                "return kind === 'webgl' ? null : own.call(this, kind, ...rest) } }"
            )
        visit.keys("m")
        visit.page.wait_for_selector(f".foot:has-text('{PICTURES} on the map')")
        said = visit.page.inner_text(".foot")
        assert ("without WebGL" in said) == (drawn == "without WebGL")
        frame = visit.page.locator(".map canvas").bounding_box()
        assert frame is not None
        middle = frame["x"] + frame["width"] / 2
        top, bottom = frame["y"] + 3, frame["y"] + frame["height"] - 3
        visit.page.keyboard.down("Shift")
        visit.page.mouse.move(middle, top)
        visit.page.mouse.down()
        right = frame["x"] + frame["width"] - 4
        for x, y in ((right, top), (right, bottom), (middle, bottom)):
            visit.page.mouse.move(x, y, steps=4)
        visit.page.mouse.up()
        visit.page.keyboard.up("Shift")
        visit.page.wait_for_selector(".chip:has-text('inside the lasso')")
        session = Session(visit.dataset)
        places = session.table.places()
        session.close()
        visit.count(f"{int((places[:, 0] > 0).sum())} of {PICTURES}")
        visit.page.reload()
        visit.page.wait_for_selector(".chip:has-text('inside the lasso')")
        visit.page.wait_for_selector(".map polygon.kept")
        # what Alt draws is taken away: of the right half its upper half, by a box
        visit.page.click(".map >> text=Box")
        center = visit.page.locator(".map canvas").bounding_box()
        assert center is not None
        visit.page.keyboard.down("Alt")
        visit.page.mouse.move(middle, center["y"] + 3)
        visit.page.mouse.down()
        visit.page.mouse.move(right, center["y"] + center["height"] / 2, steps=4)
        visit.page.mouse.up()
        visit.page.keyboard.up("Alt")
        session = Session(visit.dataset)
        places = session.table.places()
        session.close()
        visit.count(f"{int(((places[:, 0] > 0) & (places[:, 1] < 0)).sum())} of {PICTURES}")
        visit.page.click(".chip button")
        visit.count(f"{PICTURES} pictures")
        # the same by keys: a box in the middle, pulled by Alt+arrows until it holds all
        visit.page.locator(".map canvas").focus()
        visit.keys("b", *["Alt+Shift+ArrowRight"] * 14, *["Alt+Shift+ArrowUp"] * 14, "Enter")
        visit.page.wait_for_selector(".chip:has-text('inside the lasso')")
        visit.count(f"{PICTURES} of {PICTURES}")
        assert visit.said == []
    finally:
        visit.close()


@pytest.mark.nightly
def test_twenty_thousand_pictures_are_scrolled_filtered_labeled_and_undone(
    browser: Any, tmp_path: Path
) -> None:
    many = 20_000
    visit = Visit(browser, served_dataset(tmp_path, many, files=1))
    try:
        visit.count(f"{many:,} pictures")
        visit.keys("End")
        visit.page.wait_for_selector(f"#picture-{many - 1} img")
        assert visit.page.locator(".tile").count() < 300
        before = visit.labels()
        visit.facet("Label", "no label").click()
        free = before.count(None)
        visit.count(f"{free:,} of {many:,}")
        visit.page.wait_for_selector("#picture-0 img")
        visit.page.click("#picture-0")
        visit.page.locator("#grid").focus()
        for _ in range(49):
            visit.keys("Shift+ArrowRight")
        visit.page.wait_for_selector("[role=toolbar]:has-text('50 selected')")
        visit.keys("1")
        visit.told("added to 50")
        assert visit.labels().count(None) == free - 50
        visit.keys("Control+z")
        visit.told("Undone")
        assert visit.labels() == before
        assert visit.said == []
    finally:
        visit.close()


def pick_three(dataset: Path) -> None:
    """Select three pictures, the first one second, and propagate a class to two more."""
    import pyarrow as pa

    from tamis.formats.annotations.annotation_rows import AnnotationRows

    rows = AnnotationRows("propagated")
    for number in (2, 5):
        rows.add_class(sample_id(number), "zebra", 0.6)
    with Store.open(dataset).operation("select") as op:
        op.set_marks(
            [sample_id(number) for number in (0, 3, 4)],
            {
                "selected": [True, True, True],
                "selected_rank": pa.array([2, 1, 3], pa.int32()),
                "selected_reason": ["second", "first", "third"],
            },
        )
        op.add_annotations(rows.table())


def test_a_queue_is_worked_through_by_keys_and_nothing_answered_comes_back(visit: Visit) -> None:
    pick_three(visit.dataset)

    def asked(reason: str, left: int) -> None:
        visit.page.wait_for_selector(f"section.review .facts:has-text('{reason}')")
        visit.page.wait_for_selector(f"section.review .left:has-text('{left} left')")

    def selected() -> int:
        return Store.open(visit.dataset).count("selected")

    visit.keys("q")
    visit.page.wait_for_selector(".queue:has-text('3 left')")
    visit.keys("ArrowDown", "ArrowDown", "ArrowDown", "ArrowDown")
    asked("first", 3)
    visit.keys("s")
    asked("second", 3)
    visit.keys("x")
    asked("third", 2)
    visit.keys("Enter")
    asked("first", 1)
    visit.told("Take")
    assert selected() == 2
    visit.page.reload()
    asked("first", 1)
    visit.keys("Control+z")
    visit.told("Undone")
    asked("first", 2)
    visit.keys("Control+z")
    asked("first", 3)
    assert selected() == 3
    # a group, one of them left out
    visit.keys("ArrowUp")
    visit.page.wait_for_selector("section.review h3:has-text('All zebra')")
    visit.page.locator(".tiles button").first.click()
    visit.keys("a")
    visit.told("They are zebra")
    visit.page.wait_for_selector("section.review .left:has-text('1 left')")
    assert visit.labels().count("zebra") == 1
    visit.keys("Escape")
    visit.page.wait_for_selector("#picture-0")
    assert "review" not in visit.page.url


def test_a_map_is_made_colored_and_joined_by_new_pictures(visit: Visit) -> None:
    pytest.importorskip("openTSNE")
    import pyarrow as pa

    visit.keys("m")
    visit.page.click("text=Keep neighbors")
    visit.page.wait_for_selector(".foot:has-text('of the most alike are neighbors here')")
    assert Store.open(visit.dataset).log()[-1].verb == "map"
    cats = visit.labels().count("cat")
    legend = visit.page.locator(".legend button", has_text="cat")
    assert f"{cats} / {cats}" in legend.inner_text()
    visit.facet("Split", "val").click()
    both = Store.open(visit.dataset).count("label = 'cat' AND split = 'val'")
    visit.page.wait_for_selector(f".legend button:has-text('{both} / {cats}')")
    visit.page.select_option(".map .color select", "sharpness")
    visit.page.wait_for_selector(".map .ramp")
    visit.page.select_option(".map .color select", "split")
    legend = visit.page.locator(".legend button", has_text="train")
    legend.wait_for()
    legend.click()
    visit.page.wait_for_selector(".chip:has-text('val, train')")
    visit.page.click("text=Two")
    visit.page.wait_for_selector("section[aria-label='Second map'] .foot:has-text('on the map')")
    visit.page.click(".chip button")
    visit.count(f"{PICTURES} pictures")
    store = Store.open(visit.dataset)
    column = store.vector_columns()[0]
    vectors = store.vectors(column.name)[1]
    with store.operation("watch") as op:
        op.insert(pa.table({"sample_id": ["f" * 32], "path": ["late.jpg"]}))
        op.set_vectors(column.name, ["f" * 32], vectors[:1])
    visit.page.wait_for_selector(f".foot:has-text('{PICTURES + 1} on the map')")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_serious_keeps_anybody_out(
    browser: Any, master: Path, tmp_path: Path, scheme: str
) -> None:
    found = find_spec("axe_playwright_python")
    if found is None or found.origin is None:
        pytest.skip("axe-playwright-python is not installed")
    script = (Path(found.origin).parent / "axe.min.js").read_text(encoding="utf-8")
    dataset = Path(shutil.copytree(master, tmp_path / master.name))
    pick_three(dataset)
    visit = Visit(browser, dataset, color_scheme=scheme, reduced_motion="reduce")
    visit.page.evaluate(script)
    problems = []
    try:
        for name, keys in {
            "grid": ("Space",),
            "picture": ("Escape", "Enter"),
            "keys": ("Escape", "?"),
            "label": ("Escape", "l"),
            "queues": ("Escape", "q"),
            "group": ("ArrowDown", "ArrowDown", "ArrowDown"),
            "pick": ("ArrowDown",),
            "map": ("Escape", "m"),
        }.items():
            visit.keys(*keys)
            if name == "queues":
                visit.closed()
            wait = {
                "grid": ".held",
                "picture": ".near img",
                "keys": "dialog",
                "label": "#choices",
                "queues": ".queue:has-text('3 left')",
                "group": ".tiles button",
                "pick": ".facts:has-text('first')",
                "map": ".legend",
            }
            visit.page.wait_for_selector(wait[name])
            report = visit.page.evaluate("axe.run()")
            assert report["passes"]
            problems += [
                (
                    name,
                    one["id"],
                    node["html"][:200],
                    node["any"][0]["message"] if node["any"] else "",
                )
                for one in report["violations"]
                if one["impact"] in {"moderate", "serious", "critical"}
                for node in one["nodes"]
            ]
    finally:
        visit.close()
    assert problems == []


def test_an_empty_dataset_says_the_next_command(browser: Any, tmp_path: Path) -> None:
    path = tmp_path / "new.tamis"
    Store.create(path)
    opened = open_server(path)
    thread = threading.Thread(target=opened.run)
    thread.start()
    page = browser.new_page()
    try:
        page.goto(opened.door.address)
        page.wait_for_selector("text=No pictures yet")
        assert f"tamis add photos/ -d {path}" in page.inner_text("pre")
    finally:
        page.close()
        opened.server.should_exit = True
        thread.join(60)
