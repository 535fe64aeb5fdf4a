"""What is said of a picture before tamis has seen it, and who says it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tamis.sources.spread import Location

__all__ = ["Marks", "NoLabels", "PictureLabels"]


@dataclass(frozen=True)
class Marks:
    """What is said of one picture; None where nothing is said."""

    label: str | None = None
    split: str | None = None


class PictureLabels(Protocol):
    """Says what is known of a picture beforehand."""

    def survey(self, locations: Iterable[Location]) -> None:
        """Look at all pictures that there are, before the first is asked about.

        Raises:
            InputError: nothing is known of any of them.
        """

    def of(self, location: Location) -> Marks:
        """Give the marks of one picture."""

    def notes(self) -> list[str]:
        """Return sentences on what the user should know, once all pictures were asked about."""


class NoLabels:
    """No picture has a label."""

    def survey(self, locations: Iterable[Location]) -> None:
        """Look at nothing."""

    def of(self, location: Location) -> Marks:  # noqa: ARG002 - the protocol's
        """Give no marks."""
        return Marks()

    def notes(self) -> list[str]:
        """Say nothing."""
        return []
