"""The pictures of `make demo`: what the story counts on is in the folder, the same each time."""

from __future__ import annotations

import importlib.util
import io
from pathlib import Path
from typing import TYPE_CHECKING
from zipfile import ZipFile

import numpy as np
import pytest
from PIL import Image, UnidentifiedImageError

if TYPE_CHECKING:
    from types import ModuleType

TOOL = Path(__file__).parents[2] / "tools" / "demo_pictures.py"


@pytest.fixture
def demo(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    spec = importlib.util.spec_from_file_location("demo_pictures", TOOL)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    few = {name: module.SCENES[name] for name in ("cat", "coffee", "stars")}
    monkeypatch.setattr(module, "SCENES", few)
    return module


@pytest.fixture
def wheels(tmp_path: Path, demo: ModuleType) -> Path:
    rng = np.random.default_rng(0)
    with ZipFile(tmp_path / "scikit_image-1.0-any.whl", "w") as wheel:
        for _, member in demo.SCENES.values():
            buffer = io.BytesIO()
            coarse = rng.integers(0, 256, (12, 16, 3), dtype=np.uint8)
            Image.fromarray(coarse).resize((160, 120)).save(buffer, "PNG")
            wheel.writestr(member, buffer.getvalue())
    return tmp_path


def pixels(file: Path) -> np.ndarray:
    with Image.open(file) as picture:
        return np.asarray(picture, np.int16)


def test_the_folder_holds_what_the_story_tells(demo: ModuleType, wheels: Path) -> None:
    folder = wheels / "photos"
    assert demo.make_pictures(folder, wheels) == 3 * (5 + 3 + 1) + 3
    names = {path.name.partition("-")[2] for path in (folder / "coffee").iterdir()}
    assert {"sent.jpg", "edited.jpg", "cropped.jpg"} <= names
    with (
        Image.open(folder / "cat" / "IMG_0099.jpg") as broken,
        pytest.raises(OSError, match="truncated"),
    ):
        broken.load()
    with pytest.raises(UnidentifiedImageError):
        Image.open(folder / "coffee" / "download.jpg")
    before, after = (pixels(folder / "cat" / f"IMG_000{number}.jpg") for number in (5, 6))
    changed = np.abs(before - after).max(axis=2) > 60
    assert 0 < changed.mean() < 0.1
    first = (folder / "stars" / "IMG_0003.jpg").read_bytes()
    demo.make_pictures(folder, wheels)
    assert (folder / "stars" / "IMG_0003.jpg").read_bytes() == first


def test_without_the_wheels_it_says_what_gets_them(demo: ModuleType, tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="make demo"):
        demo.make_pictures(tmp_path / "photos", tmp_path)
