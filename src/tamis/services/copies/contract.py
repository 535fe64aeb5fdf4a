"""What can be asked of a dataset's copies at object stores, and what became of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from tamis.errors import UsageError
from tamis.verbs.request import Argument, Request
from tamis.verbs.result import Result

__all__ = ["CopyReport", "Pull", "Push"]

_SCHEMES = ("s3://", "gs://", "az://")


@dataclass(frozen=True)
class Push(Request["CopyReport"], verb="push"):
    """Copy a dataset to an object store, where others can pull it.

    Only what the copy lacks is sent. Of two who push at once one wins, and the other is told.
    """

    to: Annotated[str, Argument("Where to, such as s3://bucket/line3.tamis.", metavar="ADDRESS")]

    def check(self) -> None:
        """See `Request`."""
        _require_store(self.to)


@dataclass(frozen=True)
class Pull(Request["CopyReport"], verb="pull"):
    """Copy a dataset from an object store, or update such a copy.

    Everything is checked against its checksum before the dataset is touched.
    """

    source: Annotated[
        str, Argument("Where from, such as s3://bucket/line3.tamis.", metavar="ADDRESS")
    ]

    def check(self) -> None:
        """See `Request`."""
        _require_store(self.source)


def _require_store(address: str) -> None:
    if not address.startswith(_SCHEMES):
        raise UsageError(
            f"{address!r} is no address at an object store; it begins with {', '.join(_SCHEMES)}"
        )


@dataclass(frozen=True, kw_only=True, repr=False)
class CopyReport(Result):
    """What was brought over.

    Attributes:
        place: where from or where to.
        files: how many files were brought over.
        snapshots: how many entries of the log came with them.
        bytes: of these files.
    """

    place: str
    files: int
    snapshots: int
    bytes: int
