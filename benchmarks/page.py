"""The page's server and the page itself at a size: seconds, bytes and memory of each step.

    python benchmarks/page.py ROWS FOLDER [--browser]

Rows have thumbnails of 96 x 64 pixels, vectors of 64 dimensions, and one file in common. Server
steps are medians of five requests of a program on the same machine. With --browser a headless
Chromium opens the page, and what it measures is the time until pictures are on the screen.
"""

from __future__ import annotations

import argparse
import io
import json
import shutil
import statistics
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from PIL import Image

from tamis.dataset.map_columns import map_columns
from tamis.dataset.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable

AT_ONCE = 20_000
DIM = 64
CLASSES = [f"class {number}" for number in range(30)]


def make(path: Path, rows: int) -> None:
    """Write a dataset of `rows` rows that all have the same file."""
    store = Store.create(path)
    file = path.with_suffix(".jpg").resolve()
    file.write_bytes(b"picture")
    now = datetime.now(UTC) + timedelta(minutes=1)
    rng = np.random.default_rng(0)
    thumbnails = []
    for number in range(200):
        buffer = io.BytesIO()
        coarse = rng.integers(0, 256, (4, 6, 3), dtype=np.uint8)
        size = (96, 64) if number % 3 else (64, 96)
        Image.fromarray(coarse).resize(size).save(buffer, "JPEG", quality=80)
        thumbnails.append(buffer.getvalue())
    with store.operation("add") as op:
        for begin in range(0, rows, AT_ONCE):
            numbers = range(begin, min(begin + AT_ONCE, rows))
            count = len(numbers)
            op.insert(
                pa.table(
                    {
                        "sample_id": [f"{n:032x}" for n in numbers],
                        "path": [f"photos/{n // 1000:04}/{n:07}.jpg" for n in numbers],
                        "uri": [str(file)] * count,
                        "bytes": pa.array([file.stat().st_size] * count, pa.int64()),
                        "added_at": pa.array([now] * count, pa.timestamp("us", "UTC")),
                        "width": pa.array(
                            [640 if n % 200 % 3 else 480 for n in numbers], pa.int32()
                        ),
                        "height": pa.array(
                            [480 if n % 200 % 3 else 640 for n in numbers], pa.int32()
                        ),
                        "thumbnail": pa.array(
                            [thumbnails[n % 200] for n in numbers], pa.large_binary()
                        ),
                        "label": [CLASSES[n * 7 % 30] if n % 4 else None for n in numbers],
                        "split": [("train", "val", "test")[n % 10 // 4] for n in numbers],
                        "tags": [["night"] if n % 9 == 0 else None for n in numbers],
                        **{
                            name: pa.array(rng.random(count), pa.float32())
                            for name in ("sharpness", "brightness", "contrast", "entropy")
                        },
                    }
                )
            )
            op.checkpoint()
    with store.operation("embed") as op:
        column = op.add_vector_column("bundled:made", "f" * 16, DIM)
        for begin in range(0, rows, AT_ONCE):
            count = min(AT_ONCE, rows - begin)
            vectors = rng.normal(size=(count, DIM)).astype(np.float32)
            vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
            op.set_vectors(column, [f"{n:032x}" for n in range(begin, begin + count)], vectors)
            op.checkpoint()
    # a map as `tamis map` keeps it, so that what is measured is how it is served and drawn
    names = map_columns(store.vector_columns()[0])
    told = {"column": column, "fingerprint": "f" * 16}
    with store.operation("map", told) as op:
        places = rng.uniform(-1, 1, (rows, 2)).astype(np.float32)
        ids = [f"{n:032x}" for n in range(rows)]
        op.set_marks(ids, {name: pa.array(places[:, at]) for at, name in enumerate(names)})
        op.counts |= {"placed": rows, "trustworthiness": 0.5, "neighbors_kept": 0.0}


class Server:
    """`tamis app` as a process, and a client with its token."""

    def __init__(self, path: Path) -> None:
        import httpx2

        begun = time.perf_counter()
        words = [sys.executable, "-m", "tamis", "app", str(path), "--port", "0", "--no-open"]
        self.process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        self.address = self.process.stdout.readline().strip()
        self.printed = time.perf_counter() - begun
        home, _, token = self.address.partition("/?token=")
        self.client = httpx2.Client(
            base_url=home, headers={"Authorization": f"Bearer {token}"}, timeout=600
        )

    def post(self, path: str, body: Any) -> Any:
        """Return what the server answers to JSON."""
        answer = self.client.post(path, json=body)
        answer.raise_for_status()
        return answer.json()

    def memory(self) -> float:
        """Resident memory in MB."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        line = next(line for line in status.splitlines() if line.startswith("VmRSS"))
        return int(line.split()[1]) / 1024

    def processor(self) -> float:
        """Processor seconds so far."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / 100

    def stop(self) -> None:
        """End it."""
        self.process.terminate()
        self.process.wait()


def measure(server: Server, rows: int) -> list[tuple[str, float, float, float]]:
    """Return for each step its wall and processor seconds, medians of five, and MB after it."""
    found = []

    def step(name: str, work: Callable[[int], Any], times: int = 5) -> Any:
        walls, costs = [], []
        answer = None
        for turn in range(times):
            begun, before = time.perf_counter(), server.processor()
            answer = work(turn)
            walls.append(time.perf_counter() - begun)
            costs.append(server.processor() - before)
        cost = statistics.median(costs)
        found.append((name, statistics.median(walls), cost, server.memory()))
        return answer

    client = server.client
    everything = step("all pictures, first time", lambda _: server.post("/api/questions", {}), 1)
    key = everything["answer"]
    step("shapes of all rows", lambda _: client.get(f"/api/answers/{key}/shapes"))
    step("100 rows", lambda n: client.get(f"/api/answers/{key}/rows?offset={n * 100}&limit=100"))
    late = rows * 9 // 10
    step("100 rows, far down", lambda n: client.get(f"/api/answers/{key}/rows?offset={late + n}"))
    ids = client.get(f"/api/answers/{key}/rows?offset={late}&limit=125").json()["id"]
    step(
        "24 thumbnails",
        lambda n: client.get(f"/api/thumbnails?ids={','.join(ids[24 * n : 24 * n + 24])}"),
    )
    step("facets, first time", lambda _: server.post("/api/facets", {}), 1)
    step(
        "filter: count",
        lambda n: server.post(
            "/api/questions", {"filters": [{"column": "label", "values": [CLASSES[n]]}]}
        ),
    )
    step(
        "filter: facets",
        lambda n: server.post(
            "/api/facets", {"filters": [{"column": "label", "values": [CLASSES[n]]}]}
        ),
    )
    step(
        "SQL: count", lambda n: server.post("/api/questions", {"where": f"sharpness < 0.0{n + 1}"})
    )
    step("alike: 500 best", lambda n: server.post("/api/questions", {"like": [ids[n]]}))

    for info in client.get("/api/maps").json()["maps"]:
        key, kind = info["key"], info["kind"]
        where = {"map": key}
        step(f"map, {kind}: first", lambda _, w=where: client.get("/api/map/places", params=w), 1)
        step(f"map, {kind}: again", lambda _, w=where: client.get("/api/map/places", params=w))

        def circled(turn: int, key: str = key) -> Any:
            side = 0.3 + 0.1 * turn
            corners = [[-side, -side], [side, -side], [side, side], [-side, side]]
            lasso = {"map": key, "shapes": [{"adds": True, "corners": corners}]}
            return server.post("/api/questions", {"lasso": lasso})

        step(f"map, {kind}: lasso, count", circled)
    step("map: colors", lambda _: client.get("/api/map/colors?column=label"))

    def label(ranges: list[list[int]], name: str) -> None:
        key = server.post("/api/questions", {})["answer"]
        made = server.post("/api/selections", {"answer": key, "ranges": ranges})["name"]
        server.post(f"/api/verbs/label set?selection={made}", {"label": name})

    def undo(_turn: int) -> None:
        server.post("/api/verbs/undo", {})

    many = min(10_000, rows)
    step("label 21", lambda n: label([[n * 50, n * 50 + 21]], f"new {n}"))
    step("facets after a label", lambda _: server.post("/api/facets", {}), 1)
    step(f"label {many}", lambda n: label([[0, many]], f"many {n}"), 3)
    step(f"undo {many}", undo, 3)
    step("changes", lambda _: client.get("/api/changes"))
    return found


def browse(server: Server) -> list[tuple[str, float]]:
    """Return seconds that a headless Chromium measures."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        browser = driver.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
        )
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        sizes: list[int] = []
        page.on("response", lambda r: sizes.append(int(r.headers.get("content-length") or 0)))
        begun = time.perf_counter()
        page.goto(server.address)
        page.wait_for_selector(".tile img")
        first = time.perf_counter() - begun
        page.wait_for_function(
            "() => [...document.querySelectorAll('.tile')].every(t => t.querySelector('img'))"
        )
        full = time.perf_counter() - begun
        total = sum(sizes)
        begun = time.perf_counter()
        page.locator("button.value").nth(2).click()
        page.wait_for_selector(".chip")
        page.wait_for_function(
            "() => [...document.querySelectorAll('.tile')].every(t => t.querySelector('img'))"
        )
        filtered = time.perf_counter() - begun
        page.click(".chip button")
        page.wait_for_selector(".chip", state="detached")
        begun = time.perf_counter()
        page.keyboard.press("End")
        page.wait_for_function("() => document.querySelector('.tile.focused img')")
        end = time.perf_counter() - begun
        found = draw(page, sizes)
        browser.close()
    return [
        *found,
        ("page: first picture", first),
        ("page: screen full", full),
        ("page: filtered screen full", filtered),
        ("page: last row", end),
        ("page: bytes until full", float(total)),
    ]


def draw(page: Any, sizes: list[int]) -> list[tuple[str, float]]:
    """Return what the map costs: bytes, seconds until it is drawn, main-thread ms of a move."""
    metrics = page.context.new_cdp_session(page)
    metrics.send("Performance.enable", {"timeDomain": "threadTicks"})

    def busy() -> float:
        known = metrics.send("Performance.getMetrics")["metrics"]
        return next(1e3 * one["value"] for one in known if one["name"] == "TaskDuration")

    def drawn() -> None:
        page.evaluate("new Promise(done => requestAnimationFrame(() => setTimeout(done)))")

    sizes.clear()
    before, begun = busy(), time.perf_counter()
    page.keyboard.press("m")
    page.wait_for_function(
        "() => /^[1-9][^·]* on the map/.test(document.querySelector('.foot')?.innerText ?? '')"
    )
    drawn()
    seconds, first = time.perf_counter() - begun, busy() - before
    received = sum(sizes)
    box = page.locator(".map canvas").bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    before = busy()
    for turn in range(20):
        page.mouse.move(x + 3 * turn, y + 2 * turn)
        drawn()
    moved = (busy() - before) / 20
    page.mouse.up()
    page.wait_for_timeout(500)
    before, begun = busy(), time.perf_counter()
    page.click(".map >> text=Box")
    page.mouse.move(x - 80, y - 80)
    page.mouse.down()
    page.mouse.move(x + 80, y + 80, steps=3)
    page.mouse.up()
    page.wait_for_selector(".chip")
    drawn()
    return [
        ("map: bytes", float(received)),
        ("map: drawn, s", seconds),
        ("map: drawn, main thread, ms", first),
        ("map: a move, main thread, ms", moved),
        ("map: a box to its chip, s", time.perf_counter() - begun),
        ("map: a box, main thread, ms", busy() - before),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rows", type=int)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--browser", action="store_true")
    given = parser.parse_args()
    path = given.folder / f"page-{given.rows}.tamis"
    if not path.exists():
        given.folder.mkdir(parents=True, exist_ok=True)
        make(path, given.rows)
    server = Server(path)
    try:
        print(f"{given.rows:,} rows")
        print(f"{'address printed':32} {server.printed:8.2f} s")
        if given.browser:
            for name, value in browse(server):
                print(f"{name:32} {value:8.2f}" if value < 1e4 else f"{name:32} {value:8.0f}")
        for name, wall, cost, memory in measure(server, given.rows):
            times = f"{1e3 * wall:8.1f} ms {1e3 * cost:8.0f} ms of processor"
            print(f"{name:32} {times} {memory:8.0f} MB")
        print(f"{'memory':32} {server.memory():8.0f} MB")
        print(json.dumps({"processor seconds": server.processor()}))
    finally:
        server.stop()


if __name__ == "__main__":
    main()
