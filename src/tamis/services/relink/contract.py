"""What following moved pictures is asked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from tamis.verbs.request import Argument, Request

if TYPE_CHECKING:
    from tamis.services.relink.result import RelinkReport  # noqa: F401 - named by a request

__all__ = ["Relink"]


@dataclass(frozen=True)
class Relink(Request["RelinkReport"], verb="relink", writes=True):
    """Update the paths of pictures that were moved.

    A picture whose file is missing, or has other content, is left as it is. Can be undone.
    """

    old: Annotated[str, Argument("The folder as the dataset has it.", metavar="OLD")]
    new: Annotated[str, Argument("Where it is now.", metavar="NEW")]
