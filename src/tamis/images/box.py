"""A rectangle in an upright picture, in whole pixels."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Box"]

_FAR = 1e9


@dataclass(frozen=True)
class Box:
    """A part of an upright picture, in whole pixels from its upper left corner."""

    x: int
    y: int
    width: int
    height: int

    @classmethod
    def between(cls, left: float, top: float, right: float, bottom: float) -> Box:
        """Return the box between edges in decimals, in whole pixels and at least one each way.

        >>> Box.between(1.4, 2.6, 4.6, 2.7)
        Box(x=1, y=3, width=4, height=1)
        """
        edges = (left, top, right, bottom)
        # what is farther is as much outside, and can be rounded
        x, y, beyond, below = (round(min(max(edge, -_FAR), _FAR)) for edge in edges)
        return cls(x, y, max(1, beyond - x), max(1, below - y))

    def clipped(self, width: int, height: int) -> Box | None:
        """Return what of it lies inside a picture of that size; None if nothing does.

        >>> Box(-5, 2, 10, 10).clipped(8, 8)
        Box(x=0, y=2, width=5, height=6)
        """
        left, top = max(self.x, 0), max(self.y, 0)
        right, bottom = min(self.x + self.width, width), min(self.y + self.height, height)
        if left >= right or top >= bottom:
            return None
        return Box(left, top, right - left, bottom - top)

    @property
    def corners(self) -> tuple[int, int, int, int]:
        """Left, upper, right, lower, as Pillow crops."""
        return self.x, self.y, self.x + self.width, self.y + self.height

    def __str__(self) -> str:
        return f"{self.x},{self.y},{self.width},{self.height}"
