"""Pillow kept strict and quiet while tamis decodes, without touching the user's settings after.

Pillow has process-wide switches: a program that sets `ImageFile.LOAD_TRUNCATED_IMAGES` would make
half a picture pass for a whole one, and damaged metadata raises Python warnings, which a library
must not let through one by one for thousands of pictures. Its own limit on pixels warns and
refuses at other sizes than tamis does, and only for some formats. `warnings.catch_warnings` is no
remedy, since it is unsafe with threads; here the first thread that enters sets all three, and the
last restores them.
"""

from __future__ import annotations

import threading
import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING, cast

from PIL import Image, ImageFile

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["strict_and_quiet_pillow"]

_lock = threading.Lock()
_inside = 0
_user_loads_truncated = False
_user_max_pixels: int | None = None
_our_filter: object = None


@contextmanager
def strict_and_quiet_pillow(max_pixels: int) -> Iterator[None]:
    """Refuse truncated pictures and silence the warnings of Pillow's modules inside the block.

    Args:
        max_pixels: pictures up to this size are not refused by Pillow; never lowers its limit.
    """
    _enter(max_pixels)
    try:
        yield
    finally:
        _leave()


def _enter(max_pixels: int) -> None:
    global _inside, _user_loads_truncated, _user_max_pixels, _our_filter  # noqa: PLW0603 - mirrors process-wide state
    with _lock:
        if _inside == 0:
            _user_loads_truncated = ImageFile.LOAD_TRUNCATED_IMAGES
            _user_max_pixels = Image.MAX_IMAGE_PIXELS
            ImageFile.LOAD_TRUNCATED_IMAGES = False
            warnings.filterwarnings("ignore", module=r"(PIL|pillow_heif)(\.|$)")
            _our_filter = warnings.filters[0]
        if Image.MAX_IMAGE_PIXELS is not None:  # Pillow refuses what is over twice this
            Image.MAX_IMAGE_PIXELS = max(Image.MAX_IMAGE_PIXELS, -(-max_pixels // 2))
        _inside += 1


def _leave() -> None:
    global _inside  # noqa: PLW0603 - mirrors process-wide state
    with _lock:
        _inside -= 1
        if _inside == 0:
            ImageFile.LOAD_TRUNCATED_IMAGES = _user_loads_truncated
            Image.MAX_IMAGE_PIXELS = _user_max_pixels
            # Only our own entry goes: putting back a saved list would undo what others changed.
            filters = cast("list[object]", warnings.filters)
            if _our_filter in filters:
                filters.remove(_our_filter)
