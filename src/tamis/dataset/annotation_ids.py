"""What an annotation is called: a hash of all that is said of it."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from tamis.dataset.annotation_layers import TRUTH

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["class_ids", "digest_of"]


def digest_of(layer: str, said: Iterable[Any]) -> Any:
    """Return the hash of an annotation, of 16 bytes; its hexadecimal digits are the id.

    Args:
        layer: its layer.
        said: its other values, in the order in which whoever makes it names them.
    """
    content = repr((layer, *said)).encode("utf-8", "backslashreplace")
    return hashlib.blake2b(content, digest_size=16)


def class_ids(samples: Iterable[str], labels: Iterable[str]) -> list[str]:
    """Return the ids that classes of pictures have in the layer `truth`."""
    return [
        digest_of(TRUTH, (sample, "classification", label, None)).hexdigest()
        for sample, label in zip(samples, labels, strict=True)
    ]
