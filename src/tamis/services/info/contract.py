"""What can be asked of a dataset's contents."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from tamis.verbs.request import Option, Request

if TYPE_CHECKING:
    from tamis.services.info.result import InfoReport  # noqa: F401 - named by a request

__all__ = ["Info"]


@dataclass(frozen=True, kw_only=True)
class Info(Request["InfoReport"], verb="info"):
    """Show what is in the dataset."""

    index: Annotated[bool, Option("Also measure what search by the index loses.")] = False
    files: Annotated[bool, Option("Also look which pictures are gone or changed.")] = False
