"""What became of moved pictures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tamis.dataset.presence import Gone
from tamis.verbs.result import Result

__all__ = ["RelinkReport"]


@dataclass(frozen=True, kw_only=True, repr=False)
class RelinkReport(Result):
    """What became of the pictures under the old root.

    Attributes:
        relinked: samples that now point to the new root.
        missing: samples whose file is not under the new root either, left as they were.
        changed: samples in whose place another content lies there, left as they were.
        problems: those that were left, each with its reason.
        repaired: as `relinked`.
    """

    relinked: int
    missing: int
    changed: int
    problems: Sequence[Gone]
    repaired: int
