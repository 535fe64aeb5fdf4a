"""A rectangle in an upright picture, in whole pixels."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Box"]


@dataclass(frozen=True)
class Box:
    """A part of an upright picture, in whole pixels from its upper left corner."""

    x: int
    y: int
    width: int
    height: int

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
