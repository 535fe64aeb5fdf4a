"""How pictures get and lose a tag, and how many did."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import Annotated

from tamis.errors import UsageError
from tamis.verbs.request import Argument, Request
from tamis.verbs.result import Result
from tamis.verbs.shared import AllPictures, Ids, Where, require_pictures

__all__ = ["TagPictures", "TaggedReport", "UntagPictures"]


@dataclass(frozen=True)
class TagPictures(Request["TaggedReport"], verb="label tag", writes=True, run="run:tag_pictures"):
    """Add a tag to pictures; their other tags stay."""

    name: Annotated[str, Argument("The tag.", metavar="TAG")]
    _: KW_ONLY
    where: Where = None
    ids: Ids = None
    all: AllPictures = False

    def check(self) -> None:
        """See `Request`."""
        if not self.name.strip() or self.name != self.name.strip():
            raise UsageError(f"{self.name!r} cannot be a tag; give a word without spaces around it")
        require_pictures(self.where, self.ids, every=self.all)


@dataclass(frozen=True)
class UntagPictures(
    Request["TaggedReport"], verb="label untag", writes=True, run="run:untag_pictures"
):
    """Remove a tag from pictures; their other tags stay."""

    name: Annotated[str, Argument("The tag.", metavar="TAG")]
    _: KW_ONLY
    where: Where = None
    ids: Ids = None
    all: AllPictures = False

    def check(self) -> None:
        """See `Request`."""
        require_pictures(self.where, self.ids, every=self.all)


@dataclass(frozen=True, kw_only=True, repr=False)
class TaggedReport(Result):
    """What a tag was given to or taken from.

    Attributes:
        tag: the tag.
        pictures: how many pictures were asked for.
        changed: how many of them did not have it before, or do not have it any more.
    """

    tag: str
    pictures: int
    changed: int
