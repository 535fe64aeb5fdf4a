"""An index of the vectors, built or brought up to date."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tamis.services.index.contract import IndexReport
from tamis.verbs.feedback import SILENT

if TYPE_CHECKING:
    from tamis.runtime.workspace import Workspace
    from tamis.services.index.contract import Index
    from tamis.verbs.feedback import Feedback

__all__ = ["index"]


def index(workspace: Workspace, request: Index, _feedback: Feedback = SILENT) -> IndexReport:
    """Build the index of an encoder's vectors, or add the rows that it lacks.

    Raises:
        UsageError: there are no such vectors.
        ConflictError: another writer was in the way.
    """
    store, column = workspace.store, workspace.vector_column(request.encoder).name
    with store.operation("index", {"column": column}, request=request) as operation:
        operation.index_vectors(column)
    cover = store.index_cover(column)
    if cover is None:
        return IndexReport(
            covered=0,
            total=store.count(),
            column=column,
            notes=["an index needs 256 vectors to learn from; search is exact without"],
        )
    return IndexReport(covered=cover.rows, total=cover.total, column=column)
