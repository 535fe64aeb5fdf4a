"""What can be asked of a dataset's history."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, TypeAlias

from tamis.verbs.request import Argument, Option, Request

if TYPE_CHECKING:
    from tamis.services.history.result import (  # noqa: F401 - named by the requests
        CheckoutReport,
        DiffReport,
        FreedReport,
        LogReport,
        PruneReport,
        RedoReport,
        TagReport,
        UndoReport,
    )

__all__ = ["Checkout", "CollectGarbage", "Diff", "Log", "Prune", "Redo", "Tag", "Undo"]

Snapshot: TypeAlias = Annotated[
    int | str, Argument("A snapshot number or a tag.", metavar="SNAPSHOT")
]


@dataclass(frozen=True)
class Log(Request["LogReport"], verb="log"):
    """Show every operation, oldest first."""


@dataclass(frozen=True)
class Undo(Request["UndoReport"], verb="undo"):
    """Take back the last operation; `redo` brings it back."""


@dataclass(frozen=True)
class Redo(Request["RedoReport"], verb="redo"):
    """Do again what the last `undo` took back."""


@dataclass(frozen=True)
class Checkout(Request["CheckoutReport"], verb="checkout"):
    """Return to the state at a snapshot or tag; can be undone."""

    to: Snapshot


@dataclass(frozen=True)
class Diff(Request["DiffReport"], verb="diff"):
    """Show what changed between two snapshots or tags."""

    a: Snapshot
    b: Snapshot


@dataclass(frozen=True)
class Tag(Request["TagReport"], verb="tag"):
    """Name the current snapshot."""

    name: Annotated[str, Argument("The name.", metavar="NAME")]


@dataclass(frozen=True)
class CollectGarbage(Request["FreedReport"], verb="gc"):
    """Remove files that killed processes left behind.

    Nothing that was committed is lost.
    """


@dataclass(frozen=True)
class Prune(Request["PruneReport"], verb="prune"):
    """Say how much old states take up; with --apply, let them go.

    The present state stays, and every state that has a tag, that was the present one within the
    last days, or that undoing one of the ten newest operations needs. The log keeps all its entries
    and says which states are gone. Nothing brings them back.
    """

    days: Annotated[float, Option("Keep states that were left within so many days.", minimum=0)] = (
        30
    )
    apply: Annotated[bool, Option("Remove the data; without it, only say what would go.")] = False
