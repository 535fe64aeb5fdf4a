"""A folder of small made pictures, and the command line as a user types it."""

from __future__ import annotations

import os
import shutil
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image, ImageDraw

from command_line import CommandLine
from embedded_once import pictures_embedded_once
from pair_measurements import few_pairs_measured, pairs_compared_once

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@cache
def drawn_once() -> Callable[..., Image.Image]:
    """The pictures that encoders are tried on, of up to 12 megapixels; each is drawn once."""
    from tamis.services.encoders import check

    return cache(check._made_picture)


@pytest.fixture(scope="module", autouse=True)
def short_measurements() -> Iterator[None]:
    """What a command measures over and over, it measures a few times; unit tests look at results.

    That is by far the most work that a command does on a few pictures: comparing copies that it
    made to calibrate by, here two of each kind, timing an encoder, and letting a memory bank grow
    by thousands of patches.
    """
    with (
        pytest.MonkeyPatch.context() as patch,
        few_pairs_measured(),
        pairs_compared_once(),
        pictures_embedded_once(),
    ):
        patch.setattr("tamis.services.encoders.check._MEASURED_SECONDS", 0.05)
        patch.setattr("tamis.services.defects.fit._GROWTH", 1)
        patch.setattr("tamis.services.encoders.check._made_picture", drawn_once())
        yield


QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """A headless Chromium; without one the tests are skipped, but not where CI runs them."""
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        if os.environ.get("CI"):
            pytest.fail("no chromium, and CI has to have one")
        pytest.skip("no chromium on this machine")
    playwright = pytest.importorskip("playwright.sync_api")
    with playwright.sync_playwright() as driver:
        started = driver.chromium.launch(executable_path=chromium, args=QUIET)
        yield started
        started.close()


@pytest.fixture
def tamis_cli(tmp_path: Path) -> CommandLine:
    """The command line, run in an empty folder."""
    return CommandLine(tmp_path)


@pytest.fixture
def tamis_process(tmp_path: Path) -> CommandLine:
    """The same with a process for each command: for what only a process shows."""
    return CommandLine(tmp_path, process=True)


@pytest.fixture(scope="session")
def cli_in() -> type[CommandLine]:
    """Makes a command line that runs in a folder."""
    return CommandLine


def draw_picture(seed: int, size: tuple[int, int] = (320, 240)) -> Image.Image:
    """Draw a picture with a smooth ground and some twenty shapes, all told by `seed`."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 256, (6, 8, 3), dtype=np.uint8)
    picture = Image.fromarray(coarse).resize(size, Image.Resampling.BICUBIC)
    pen = ImageDraw.Draw(picture)
    for _ in range(20):
        x, y = rng.integers(0, size[0]), rng.integers(0, size[1])
        w, h = rng.integers(10, 80, 2)
        colour = tuple(int(c) for c in rng.integers(0, 256, 3))
        shape = pen.ellipse if rng.random() < 0.5 else pen.rectangle
        shape((int(x), int(y), int(x + w), int(y + h)), fill=colour)
    return picture


@pytest.fixture(scope="session")
def photos_master(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """24 pictures in two folders, a copy, a smaller copy, a blank one and two bad files."""
    root = tmp_path_factory.mktemp("master") / "photos"
    for number in range(24):
        folder = root / ("cats" if number % 2 else "dogs")
        folder.mkdir(parents=True, exist_ok=True)
        draw_picture(number).save(folder / f"{number:02}.jpg", quality=92)
    first = Image.open(root / "dogs" / "00.jpg")
    first.save(root / "dogs" / "copy.jpg", quality=60)
    first.resize((160, 120), Image.Resampling.LANCZOS).save(root / "dogs" / "small.png")
    Image.new("RGB", (320, 240), (90, 90, 90)).save(root / "blank.png")
    whole = (root / "cats" / "01.jpg").read_bytes()
    (root / "truncated.jpg").write_bytes(whole[: len(whole) // 2])
    (root / "empty.jpg").write_bytes(b"")
    (root / "notes.txt").write_text("not a picture")
    return root


@pytest.fixture
def photos(photos_master: Path, tmp_path: Path) -> Path:
    """The made pictures, as `photos` in the folder where the command line runs."""
    target = tmp_path / "photos"
    shutil.copytree(photos_master, target)
    return target
