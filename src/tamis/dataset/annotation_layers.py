"""Layers and kinds of annotations, by name; nothing heavy is loaded for them."""

from __future__ import annotations

import re
from typing import Final, Literal, TypeAlias, get_args

from tamis.errors import UsageError

__all__ = ["BY_PROBE", "KINDS", "REVIEWED_PAIRS", "TRUTH", "AnnotationKind", "check_layer"]

AnnotationKind: TypeAlias = Literal[
    "classification",
    "box",
    "rotated_box",
    "polygon",
    "mask",
    "keypoints",
    "caption",
    "number",
]

KINDS: Final[tuple[AnnotationKind, ...]] = get_args(AnnotationKind)

TRUTH: Final = "truth"
"""The layer that is meant where none is named; its classes are the samples' `label`."""

BY_PROBE: Final = "tamis: probe "
"""How the author of a probe's predictions begins; the probe's name follows."""

REVIEWED_PAIRS: Final = "reviewed_pairs"
"""The layer of a review's answers about pairs: with the first of two samples by id, which is the
left one there, and the other's id as text."""

_LAYER = re.compile(r"[a-z][a-z0-9_]*")


def check_layer(name: str) -> str:
    """Return the name of a layer.

    Raises:
        UsageError: it cannot name one.
    """
    if not _LAYER.fullmatch(name):
        raise UsageError(
            f"{name!r} cannot name a layer; use lower-case letters, digits and underscores, with "
            "a letter first"
        )
    return name
