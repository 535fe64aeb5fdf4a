"""Where one image is: a file, a member of an archive, a frame of a video, or a part of those."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from tamis.images.box import Box
from tamis.sources.archives import has_archive_extension
from tamis.sources.objects.address import is_object_address

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["ImageReference"]

_INSIDE: Final = "!"
_FRAME: Final = re.compile(r"frame=([0-9]+)")
_PART: Final = re.compile(r"(?s)(.+)#xywh=(-?[0-9]+),(-?[0-9]+),([0-9]+),([0-9]+)")


@dataclass(frozen=True, slots=True)
class ImageReference:
    """The place of an image; `str()` spells it as `FILE`, `FILE!MEMBER` or `FILE!frame=NUMBER`.

    A part of it adds `#xywh=X,Y,WIDTH,HEIGHT`. The address of an object at a store is a `FILE`.
    Names are taken as they are: nothing is escaped, so a spelling may be read in two ways where
    names hold `!`. `parse` then asks the disk.

    Attributes:
        file: the file, an archive or a video, as a path.
        member: the name inside the archive; None outside of archives.
        frame: number of the video's frame, from 0; None outside of videos.
        part: the part of the upright picture; None for all of it.
    """

    file: str
    member: str | None = None
    frame: int | None = None
    part: Box | None = None

    def __post_init__(self) -> None:
        if self.member is not None and self.frame is not None:
            raise ValueError("a frame of a video inside an archive has no place")

    @classmethod
    def parse(cls, text: str) -> ImageReference:
        """Read a spelling, asking the disk which file is meant where the names leave a doubt.

        A file that bears the whole name goes first, then the shortest name before a `!` that is a
        file. Where there is none, the extension of an archive or the number of a frame tells, as in
        `spelled`. Costs no system call unless there is a `!` or a part.
        """
        if not _is_compound(text) or os.path.lexists(text):
            return cls(text)
        whole, part = _without_part(text)
        if part is not None and os.path.lexists(whole):
            return cls(whole, part=part)
        for file, inside in _divisions(whole):
            if os.path.isfile(file):  # noqa: PTH113 - a name may be too long for pathlib
                return cls._inside(file, inside, part)
        return cls._guessed(whole, part)

    @classmethod
    def spelled(cls, text: str) -> ImageReference:
        """Read a spelling by itself, for names that need not be of files here.

        The shortest name with the extension of an archive is taken for one, unless the rest is the
        number of a frame of the name before it.

        >>> ImageReference.spelled("/gone/cats.zip!1.jpg").member
        '1.jpg'
        >>> ImageReference.spelled("line3.mp4!frame=12").frame
        12
        >>> ImageReference.spelled("/gone/wow!.jpg").file
        '/gone/wow!.jpg'
        """
        whole, part = _without_part(text)
        return cls._guessed(whole, part)

    @classmethod
    def _guessed(cls, whole: str, part: Box | None) -> ImageReference:
        if is_object_address(whole):
            return cls(whole, part=part)
        for file, inside in _divisions(whole):
            if has_archive_extension(file) or _FRAME.fullmatch(inside):
                return cls._inside(file, inside, part)
        return cls(whole, part=part)

    @classmethod
    def _inside(cls, file: str, inside: str, part: Box | None) -> ImageReference:
        frame = None if has_archive_extension(file) else _FRAME.fullmatch(inside)
        if frame is None:
            return cls(file, member=inside, part=part)
        return cls(file, frame=int(frame[1]), part=part)

    @property
    def inside(self) -> str | None:
        """What stands behind the file: a member, or `frame=NUMBER`; None if the file is meant."""
        return self.member if self.frame is None else f"frame={self.frame}"

    @property
    def whole(self) -> ImageReference:
        """The image that this is a part of, itself if it is no part."""
        return ImageReference(self.file, self.member, self.frame)

    def renamed(self, rename: Callable[[str], str]) -> ImageReference:
        """Return the same image in another file."""
        return ImageReference(rename(self.file), self.member, self.frame, self.part)

    def __str__(self) -> str:
        inside = "" if self.inside is None else f"{_INSIDE}{self.inside}"
        return f"{self.file}{inside}" + ("" if self.part is None else f"#xywh={self.part}")


def _is_compound(text: str) -> bool:
    return _INSIDE in text or "#xywh=" in text


def _without_part(text: str) -> tuple[str, Box | None]:
    found = _PART.fullmatch(text)
    return (text, None) if found is None else (found[1], Box(*map(int, found.groups()[1:])))


def _divisions(text: str) -> Iterator[tuple[str, str]]:
    """Yield what lies before and behind each `!`, the shortest name before it first."""
    at = text.find(_INSIDE)
    while at >= 0:
        if at:
            yield text[:at], text[at + 1 :]
        at = text.find(_INSIDE, at + 1)
