"""Files and folders of a source that the user wants left out."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Exclusion"]


class Exclusion:
    """Leaves out what fits one of some patterns, with `*`, `?` and `[...]`.

    A pattern without a slash is of the name of a file or of any folder on the way to it; one with
    a slash is of a path from the source, of a file or of a folder with all that it holds.

    Args:
        patterns: as the user gave them.

    Attributes:
        counts: how many pictures each pattern left out since the last `restart`.

    >>> without = Exclusion(["*.png", "raw/old"])
    >>> [without.takes_out(path) for path in ("a/1.png", "raw/old/1.jpg", "raw/1.jpg")]
    [True, True, False]
    """

    def __init__(self, patterns: Sequence[str]) -> None:
        self._patterns = [(pattern, pattern.removeprefix("./").strip("/")) for pattern in patterns]
        self.counts: dict[str, int] = {}
        self.restart()

    def restart(self) -> None:
        """Count anew, as for another listing."""
        self.counts = {given: 0 for given, _ in self._patterns}

    @property
    def count(self) -> int:
        """How many pictures were left out since the last `restart`."""
        return sum(self.counts.values())

    def takes_out(self, relative: str) -> bool:
        """Tell whether a picture is left out, by its path from the source, and count it."""
        parts = relative.replace("\\", "/").split("/")
        paths = ["/".join(parts[: end + 1]) for end in range(len(parts))]
        for given, pattern in self._patterns:
            ways = paths if "/" in pattern else parts
            if any(fnmatchcase(way, pattern) for way in ways):
                self.counts[given] += 1
                return True
        return False
