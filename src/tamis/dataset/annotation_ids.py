"""Ids of annotations: hashes of all that is said, and of how many equal ones came before."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import numpy as np

from tamis.dataset.annotation_layers import TRUTH

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

__all__ = ["AnnotationIds", "class_ids", "content_of"]

_BYTES = 16


def content_of(layer: str, said: Iterable[Any]) -> bytes:
    """Return what the id of an annotation is a hash of.

    Args:
        layer: its layer.
        said: its other values, in the order in which whoever makes it names them.
    """
    return repr((layer, *said)).encode("utf-8", "backslashreplace")


def class_ids(samples: Iterable[str], labels: Iterable[str]) -> list[str]:
    """Return the ids that classes of pictures have in the layer `truth`."""
    return [
        _digest(content_of(TRUTH, (sample, "classification", label, None))).hex()
        for sample, label in zip(samples, labels, strict=True)
    ]


class AnnotationIds:
    """Gives ids to annotations, some at a time; of equal ones each gets its own.

    Keeps eight bytes an annotation. Two that are not equal are taken for equal with a chance of one
    in 2^64; the second then gets another id than it would have got elsewhere, and no harm is done.
    """

    def __init__(self) -> None:
        self._past: NDArray[np.uint64] = np.empty(0, np.uint64)
        self._often: dict[int, int] = {}

    def of(self, contents: Sequence[bytes]) -> list[str]:
        """Return the ids of annotations by what is said of them, in their order."""
        digests = [_digest(content) for content in contents]
        keys = np.frombuffer(b"".join(digests), np.uint64)[::2]
        ids = [digest.hex() for digest in digests]
        fresh, counts = np.unique(keys, return_counts=True)
        at = np.searchsorted(self._past, fresh)
        known = np.zeros(len(fresh), bool)
        inside = at < len(self._past)
        known[inside] = self._past[at[inside]] == fresh[inside]
        again = fresh[known | (counts > 1)]
        if len(again):
            met = set(fresh[known].tolist())
            count = {key: self._often.get(key, int(key in met)) for key in again.tolist()}
            for row in np.flatnonzero(np.isin(keys, again)).tolist():
                key = int(keys[row])
                if count[key]:
                    ids[row] = _digest(contents[row] + str(count[key]).encode()).hex()
                count[key] += 1
            self._often |= count
        self._past = np.insert(self._past, at[~known], fresh[~known])
        return ids


def _digest(content: bytes) -> bytes:
    return hashlib.blake2b(content, digest_size=_BYTES).digest()
