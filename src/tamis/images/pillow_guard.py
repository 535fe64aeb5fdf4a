"""Keep Pillow strict and quiet while tamis decodes, and restore the user's settings afterwards.

Pillow has process-wide switches. A program that sets `ImageFile.LOAD_TRUNCATED_IMAGES` would make
half a picture pass as a whole one. Damaged metadata raises Python warnings, which a library should
not emit for thousands of pictures. Pillow's own pixel limit warns and refuses at other sizes than
tamis does, and only for some formats. `warnings.catch_warnings` is not thread-safe, so the first
thread that enters sets all three, and the last one restores them.
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
    """Inside the block, refuse truncated pictures and silence warnings from Pillow's modules.

    Args:
        max_pixels: Pillow does not refuse pictures up to this size; never lowers its limit.
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
        if Image.MAX_IMAGE_PIXELS is not None:  # Pillow refuses pictures over twice this size
            Image.MAX_IMAGE_PIXELS = max(Image.MAX_IMAGE_PIXELS, -(-max_pixels // 2))
        _inside += 1


def _leave() -> None:
    global _inside  # noqa: PLW0603 - mirrors process-wide state
    with _lock:
        _inside -= 1
        if _inside == 0:
            ImageFile.LOAD_TRUNCATED_IMAGES = _user_loads_truncated
            Image.MAX_IMAGE_PIXELS = _user_max_pixels
            # Remove only our entry: restoring a saved list would undo others' changes.
            filters = cast("list[object]", warnings.filters)
            if _our_filter in filters:
                filters.remove(_our_filter)
