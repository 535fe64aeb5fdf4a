"""What a step of long work is, wherever it runs."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import AbstractContextManager

__all__ = ["In", "Out", "Stage"]

In = TypeVar("In")
Out = TypeVar("Out")


class Stage(ABC, Generic[In, Out]):
    """A step of long work on many items, the same in threads, in processes and on other machines.

    An instance only describes the work, and can be pickled. What is large, such as a model, comes
    into being in `open`, once in each process. An outcome depends on its item alone, so that it is
    the same whoever works on it.
    """

    @abstractmethod
    def open(self) -> AbstractContextManager[Callable[[In], Out]]:
        """Load what the work needs and return the function that does it, until it is closed.

        Several threads may call the function at once. An item that it raises `PictureError` for
        is handed to `failed`; any other exception ends the run.
        """

    @abstractmethod
    def failed(self, item: In, reason: str) -> Out:
        """Return what comes of an item that cannot be done.

        Args:
            item: raised a `PictureError`, or ended the process that worked on it.
            reason: one short sentence.

        Raises:
            InputError: not the item is at fault but its whole source, which vanished.
        """

    def parts(self, item: In) -> Sequence[In]:
        """Return the pieces of an item that are tried one by one once it has ended a process."""
        return (item,)

    def joined(self, outcomes: Sequence[Out]) -> Out:
        """Return the outcomes of an item's parts as the item's."""
        (outcome,) = outcomes
        return outcome
