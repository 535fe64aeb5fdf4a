"""What a search for duplicates is asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from tamis.errors import UsageError
from tamis.services.duplicates.preferences import parse_preferences
from tamis.verbs.request import Option, Request
from tamis.verbs.shared import Drop, EncoderOfVectors, Seed, Where

if TYPE_CHECKING:
    from tamis.services.duplicates.result import DuplicateReport  # noqa: F401 - named by the request

__all__ = ["Duplicates"]


@dataclass(frozen=True, kw_only=True)
class Duplicates(Request["DuplicateReport"], verb="duplicates", writes=True):
    """Find copies and changed versions, and which ones to keep.

    Copies differ only by noise and processing. A changed version shows the same view with different
    content somewhere, and you are shown where. Files are never deleted.
    """

    threshold: Annotated[
        float | Literal["auto"],
        Option(
            "Score in (0, 1] from which a pair is a copy; auto learns it from the pictures.",
            metavar="T|auto",
        ),
    ] = "auto"
    changed_threshold: Annotated[
        float | Literal["auto"],
        Option(
            "Agreement in (0, 1] from which a pair shows one view, with other content.",
            metavar="T|auto",
        ),
    ] = "auto"
    apply: Annotated[bool, Option("Mark what is dropped; no file is ever deleted.")] = False
    drop: Drop = "copies"
    prefer: Annotated[
        Sequence[str],
        Option(
            "Which copy to keep: resolution, upright, sharpness, exif, oldest, newest, labeled, "
            "unlabeled, size, path, folder=PATH or folder=GLOB; several with commas or repeated, "
            "the first that tells two copies apart decides. Where none does: resolution, "
            "upright, sharpness, exif, size, path. A file that is there always goes first.",
            metavar="RULE",
        ),
    ] = ()
    where: Where = None
    rotations: Annotated[
        bool, Option("Also find copies rotated by 90, 180 or 270 degrees; slower.")
    ] = False
    gallery: Annotated[
        Path | None,
        Option("Write a page with the pairs side by side and what differs marked.", metavar="FILE"),
    ] = None
    encoder: EncoderOfVectors = None
    seed: Seed = 0

    def check(self) -> None:
        """Refuse thresholds outside (0, 1] and unknown rules."""
        for name, line in (
            ("threshold", self.threshold),
            ("changed threshold", self.changed_threshold),
        ):
            if isinstance(line, float) and not 0 < line <= 1:
                raise UsageError(f"{name} is {line:g}; give a score above 0 and up to 1, or auto")
        parse_preferences(self.prefer)
