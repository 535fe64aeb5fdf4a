"""JSON schemas of requests and results."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tamis.services.schema.contract import SchemaReport
from tamis.verbs.feedback import SILENT
from tamis.verbs.registry import request_class
from tamis.verbs.schema import result_class, schema_of

if TYPE_CHECKING:
    from tamis.runtime.workspace import Workspace
    from tamis.services.schema.contract import Schema
    from tamis.verbs.feedback import Feedback

__all__ = ["schema"]


def schema(
    _workspace: Workspace | None, request: Schema, _feedback: Feedback = SILENT
) -> SchemaReport:
    """Return the schemas of a verb.

    Raises:
        UsageError: there is no such verb.
    """
    asked = request_class(request.verb_name)
    return SchemaReport(
        verb=request.verb_name, request=schema_of(asked), result=schema_of(result_class(asked))
    )
