"""What a verb tells while it works, and how it learns that it should stop."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tamis.types import no_progress

if TYPE_CHECKING:
    from threading import Event

    from tamis.types import Progress

__all__ = ["SILENT", "Feedback"]


@dataclass(frozen=True)
class Feedback:
    """The way back from long work to whoever asked for it.

    Attributes:
        stage: opens a named stage of the work, and returns what is told how far it has come.
        tell: told the state of work that has no end, such as the counts of `watch`.
        note: told at once what the user should know before the work is over.
        stop: ends the work in good order when set.
    """

    stage: Callable[[str], Progress] = lambda _name: no_progress
    tell: Callable[[Any], None] = lambda _state: None
    note: Callable[[str], None] = lambda _sentence: None
    stop: Event | None = None

    @staticmethod
    def to(progress: Progress) -> Feedback:
        """Return feedback that tells one function how far every stage has come."""
        return Feedback(stage=lambda _name: progress)


SILENT = Feedback()
"""Tells nobody."""
