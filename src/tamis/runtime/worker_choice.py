"""Whether work pays for processes of its own."""

from __future__ import annotations

from typing import Final

__all__ = ["in_processes"]

_FEWEST_WORKERS: Final = 4
_FEWEST_ITEMS: Final = 1000


def in_processes(asked: bool | None, *, workers: int, items: int | None) -> bool:
    """Return whether pictures are decoded in processes rather than in threads.

    Threads share one interpreter, whose lock holds them to about 2.5 processors' worth of decoding;
    a process costs half a second of processor time and 60 MB or more. Processes win from four
    workers and about 600 pictures on.

    Args:
        asked: what the user says; None leaves the choice here.
        workers: how many work at once.
        items: how many pictures there are; None where that is not known yet.

    >>> in_processes(None, workers=16, items=8400), in_processes(None, workers=2, items=8400)
    (True, False)
    """
    if asked is not None:
        return asked
    return workers >= _FEWEST_WORKERS and items is not None and items >= _FEWEST_ITEMS
