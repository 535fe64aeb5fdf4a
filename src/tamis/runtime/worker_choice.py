"""Whether work pays for processes of its own."""

from __future__ import annotations

import math
from typing import Final

__all__ = ["fewest_items_for_processes", "in_processes"]

_FEWEST_WORKERS: Final = 4
_START_SECONDS: Final = 0.5  # of a processor, for a worker to begin
# Measured on 16 processors with photographs of 30 KB, of which larger ones only take longer:
_PICTURE_SECONDS: Final = 1 / 170  # of a processor, for `add`
_THREADS_ARE_WORTH: Final = 2.5  # processors, however many there are: 433 pictures/s
_MARGIN: Final = 1.75  # chosen, so that four workers take processes from 1,000 pictures on


def in_processes(asked: bool | None, *, workers: int, items: int | None) -> bool:
    """Return whether pictures are decoded in processes rather than in threads.

    Args:
        asked: what the user says; None leaves the choice here.
        workers: how many work at once.
        items: how many pictures there are; None where that is not known yet.

    >>> in_processes(None, workers=16, items=8400), in_processes(None, workers=2, items=8400)
    (True, False)
    """
    if asked is not None:
        return asked
    return (
        workers >= _FEWEST_WORKERS
        and items is not None
        and items >= fewest_items_for_processes(workers)
    )


def fewest_items_for_processes(workers: int) -> int:
    """Return from how many pictures on processes are faster than threads, with a margin.

    Threads share one interpreter, whose lock holds them to about 2.5 processors' worth of decoding.
    Processes begin half a second later, each at a cost of as much processor time and 60 MB or more.

    Args:
        workers: how many work at once, at least 4.

    >>> [fewest_items_for_processes(workers) for workers in (4, 16)]
    [992, 441]
    """
    gain = _PICTURE_SECONDS * (1 / _THREADS_ARE_WORTH - 1 / workers)
    return math.ceil(_MARGIN * _START_SECONDS / gain)
