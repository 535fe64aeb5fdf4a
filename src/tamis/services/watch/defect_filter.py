"""Frames that a model of nominal pictures calls anomalous."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tamis.runtime.decoded_rows import Pixels
from tamis.runtime.defect_models import find_model
from tamis.runtime.defect_scores import PictureScorer

if TYPE_CHECKING:
    from tamis.runtime.workspace import Workspace
    from tamis.sources.video.frames import Frame

__all__ = ["DefectFilter"]


class DefectFilter:
    """Tells which frames to keep: those whose score is above a model's threshold.

    Args:
        workspace: has the model or loads its encoder.
        name: of the model in the dataset, or its file.

    Attributes:
        model: the model's name by its content.

    Raises:
        UsageError: the dataset has no model of the name.
        InputError: the file is missing or no model.
        EncoderError: the encoder is not the model's any more.
    """

    def __init__(self, workspace: Workspace, name: str) -> None:
        model, path = find_model(workspace, name)
        encoder = workspace.encoders.load_named_in(path, model.facts.encoder)
        self.model = model.name
        self._scorer = PictureScorer(model, encoder)
        self._threshold = model.facts.threshold

    def is_anomalous(self, frame: Frame) -> bool:
        """Return whether the frame's score is above the threshold.

        Raises:
            PictureError: the frame cannot be decoded.
        """
        image, size, extent = frame.pixels.scaled(self._scorer.features.decode_side)
        return self._scorer.score(Pixels(image, size, extent)).score > self._threshold
