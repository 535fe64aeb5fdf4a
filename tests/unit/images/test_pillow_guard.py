from __future__ import annotations

import threading
import warnings

import pytest
from PIL import Image, ImageFile

from tamis.images.pillow_guard import strict_and_quiet_pillow


def warn_as(module: str) -> None:
    warnings.warn_explicit("damaged", UserWarning, f"{module}.py", 1, module=module)


def test_only_pillow_is_silenced_and_only_inside() -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        with strict_and_quiet_pillow(1000):
            warn_as("PIL.TiffImagePlugin")
            warn_as("PILgrim")
            warn_as("somebody.else")
        warn_as("PIL.TiffImagePlugin")

    assert [warning.filename for warning in caught] == [
        "PILgrim.py",
        "somebody.else.py",
        "PIL.TiffImagePlugin.py",
    ]


def test_an_error_inside_leaves_everything_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", True)
    before = list(warnings.filters)

    seen = []

    def fail() -> None:
        with strict_and_quiet_pillow(1000):
            seen.append(ImageFile.LOAD_TRUNCATED_IMAGES)
            raise KeyError

    with pytest.raises(KeyError):
        fail()

    assert seen == [False]
    assert ImageFile.LOAD_TRUNCATED_IMAGES is True
    assert warnings.filters == before


def test_threads_that_overlap_restore_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", True)
    before = list(warnings.filters)
    first_in, second_in, first_out = threading.Event(), threading.Event(), threading.Event()
    seen: list[bool] = []

    def first() -> None:
        with strict_and_quiet_pillow(1000):
            first_in.set()
            second_in.wait(60)
        first_out.set()

    def second() -> None:
        first_in.wait(60)
        with strict_and_quiet_pillow(1000):
            second_in.set()
            first_out.wait(60)
            seen.append(ImageFile.LOAD_TRUNCATED_IMAGES)

    threads = [threading.Thread(target=work) for work in (first, second)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert seen == [False]
    assert ImageFile.LOAD_TRUNCATED_IMAGES is True
    assert warnings.filters == before


@pytest.mark.parametrize(
    ("usual", "inside"), [(100, 500), (100_000, 100_000), (None, None), (499, 500)]
)
def test_the_limit_on_pixels_is_never_lowered(
    usual: int | None, inside: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", usual)

    with strict_and_quiet_pillow(999):
        assert inside == Image.MAX_IMAGE_PIXELS

    assert usual == Image.MAX_IMAGE_PIXELS


def test_filters_that_others_set_meanwhile_stay() -> None:
    with warnings.catch_warnings():
        with strict_and_quiet_pillow(1000):
            warnings.simplefilter("ignore", ResourceWarning)
            theirs = warnings.filters[0]

        assert theirs in warnings.filters
