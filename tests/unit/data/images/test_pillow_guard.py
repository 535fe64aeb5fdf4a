from __future__ import annotations

import threading
import warnings

import pytest
from PIL import ImageFile

from tamis.data.images.pillow_guard import strict_and_quiet_pillow


def warn_as(module: str) -> None:
    warnings.warn_explicit("damaged", UserWarning, f"{module}.py", 1, module=module)


def test_only_pillow_is_silenced_and_only_inside() -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        with strict_and_quiet_pillow():
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
        with strict_and_quiet_pillow():
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
        with strict_and_quiet_pillow():
            first_in.set()
            second_in.wait(5)
        first_out.set()

    def second() -> None:
        first_in.wait(5)
        with strict_and_quiet_pillow():
            second_in.set()
            first_out.wait(5)
            seen.append(ImageFile.LOAD_TRUNCATED_IMAGES)

    threads = [threading.Thread(target=work) for work in (first, second)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert seen == [False]
    assert ImageFile.LOAD_TRUNCATED_IMAGES is True
    assert warnings.filters == before


def test_filters_that_others_set_meanwhile_stay() -> None:
    with warnings.catch_warnings():
        with strict_and_quiet_pillow():
            warnings.simplefilter("ignore", ResourceWarning)
            theirs = warnings.filters[0]

        assert theirs in warnings.filters
