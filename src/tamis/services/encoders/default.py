"""The encoder that is used where none is named."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tamis.errors import UsageError
from tamis.services.encoders.contract import DefaultEncoderReport
from tamis.verbs.feedback import SILENT

if TYPE_CHECKING:
    from tamis.runtime.workspace import Workspace
    from tamis.services.encoders.contract import DefaultEncoder
    from tamis.verbs.feedback import Feedback

__all__ = ["default_encoder"]


def default_encoder(
    workspace: Workspace, request: DefaultEncoder, _feedback: Feedback = SILENT
) -> DefaultEncoderReport:
    """Return the default encoder, after it was set if one is named.

    Raises:
        UsageError: the dataset has no vectors, or none of that encoder.
    """
    samples = workspace.samples
    if request.spec is not None:
        samples.set_default_encoder(request.spec)
    column = samples.default_vector_column()
    if column is None:
        raise UsageError("the dataset has no vectors yet; run  tamis embed  first")
    return DefaultEncoderReport(
        encoder=column.spec,
        column=column.name,
        encoders=[one.spec for one in samples.vector_columns],
    )
