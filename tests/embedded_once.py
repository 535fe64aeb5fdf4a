"""Pictures that are embedded once in a process, however many commands ask.

The bundled encoder gives a picture one vector, whatever it is embedded with: `tests/contract` holds
that. End-to-end tests embed the same few pictures again and again.
"""

from __future__ import annotations

import hashlib
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from tamis.encoders.bundled import EfficientNetLite

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tamis.types import PixelBatch, Vectors

_EMBED = EfficientNetLite.embed
_KEPT: dict[tuple[str, bytes], Any] = {}


@contextmanager
def pictures_embedded_once() -> Iterator[None]:
    """Within the block, pixels that this process has embedded are not embedded again."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(EfficientNetLite, "embed", _embed)
        yield


def _embed(encoder: EfficientNetLite, pixels: PixelBatch) -> Vectors:
    if not len(pixels) or pixels[0].nbytes != encoder.preprocessing.height**2 * 3:
        return _EMBED(encoder, pixels)  # which says what is wrong with them
    keys = [(encoder.fingerprint, hashlib.sha1(one.tobytes()).digest()) for one in pixels]
    new = [at for at, key in enumerate(keys) if key not in _KEPT]
    if new:
        for at, vector in zip(new, _EMBED(encoder, pixels[new]), strict=True):
            _KEPT[keys[at]] = vector
    return np.stack([_KEPT[key] for key in keys])
