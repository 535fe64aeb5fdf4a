"""Rows of the dataset that a request about drift names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from tamis.dataset.columns import Column
from tamis.dataset.conditions import all_of

if TYPE_CHECKING:
    from tamis.dataset.samples import SampleSet
    from tamis.runtime.workspace import Workspace

__all__ = ["NamesRows", "asked_rows"]


class NamesRows(Protocol):
    """A request that names rows by a condition, a tag and a split."""

    @property
    def where(self) -> str | None:
        """A condition of SQL."""

    @property
    def tag(self) -> str | None:
        """A tag."""

    @property
    def split(self) -> str | None:
        """A split."""


def asked_rows(workspace: Workspace, request: NamesRows) -> SampleSet:
    """Return the rows that fulfill all that a request names.

    Raises:
        UsageError: the condition names an unknown column.
    """
    tagged = None
    if request.tag is not None:
        quoted = request.tag.replace("'", "''")
        tagged = f"array_has({Column.TAGS}, '{quoted}')"
    chosen = workspace.samples.of(all_of(request.where, tagged))
    if request.split is not None:
        chosen = chosen.equal(Column.SPLIT, request.split)
    return chosen
