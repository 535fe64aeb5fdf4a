"""A model of nominal pictures as a graph for other runtimes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tamis.encoders.tiled_maps import scaled_size
from tamis.formats.exports.destination import new_file
from tamis.runtime.defect_graph import defect_graph
from tamis.runtime.defect_models import find_model
from tamis.runtime.defect_scores import PictureScorer
from tamis.runtime.encoder_pool import EncoderPool
from tamis.services.defects.result import DefectsExportReport
from tamis.verbs.feedback import SILENT

if TYPE_CHECKING:
    from tamis.runtime.workspace import Workspace
    from tamis.services.defects.contract import DefectsExport
    from tamis.verbs.feedback import Feedback

__all__ = ["export"]


def export(
    workspace: Workspace | None, request: DefectsExport, _feedback: Feedback = SILENT
) -> DefectsExportReport:
    """Write a model with its encoder as one ONNX file, in place of an earlier one.

    Raises:
        UsageError: there is no such model, or its encoder is not a bundled one.
        InputError: the model's file is missing or damaged.
        EncoderError: the encoder is not the model's any more.
        StorageError: the disk refuses.
    """
    model, path = find_model(workspace, request.model)
    encoders = EncoderPool() if workspace is None else workspace.encoders
    encoder = encoders.load_named_in(path, model.facts.encoder)
    features = PictureScorer(model, encoder).features
    width, height = scaled_size(request.size, model.facts.side, max(features.maps.tile))
    content = defect_graph(model, encoder, (height, width))
    with new_file(request.out.expanduser(), overwrite=True) as draft:
        draft.write_bytes(content)
    resized = (
        f"pictures of {request.size[0]} x {request.size[1]} pixels must be resized to {width} x "
        f"{height}, bicubic and antialiased"
    )
    return DefectsExportReport(
        path=str(request.out),
        bytes=len(content),
        input=(height, width),
        outputs=("score", "anomalous", "heat_map"),
        threshold=model.facts.threshold,
        notes=[resized] if (width, height) != request.size else [],
    )
