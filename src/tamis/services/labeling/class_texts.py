"""How well pictures fit the names of classes, where the encoder reads texts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from tamis.algo.propagation import ClassTexts
from tamis.algo.zero_shot import zero_shot_posteriors
from tamis.dataset.encoder_names import reads_texts
from tamis.runtime.prompts import prompt_vectors

if TYPE_CHECKING:
    from tamis.runtime.workspace import Workspace
    from tamis.services.labeling.contract import Propagate
    from tamis.services.labeling.known_labels import KnownLabels

__all__ = ["class_texts"]

_SCALE: Final = 100.0
"""Of CLIP; only a start, since a temperature is fitted to held-out labels."""


def class_texts(workspace: Workspace, request: Propagate, known: KnownLabels) -> ClassTexts | None:
    """Return the fit of each picture to the text of each class; None where no text is asked of.

    Raises:
        UsageError: texts are asked for, and the encoder reads none.
        EncoderError: the encoder cannot be loaded, or has changed.
    """
    column = workspace.vector_column(request.encoder)
    if request.texts == "no" or (request.texts == "auto" and not reads_texts(column.spec)):
        return None
    encoder = workspace.encoders.for_text(column)
    classes = np.unique(known.labels).tolist()
    texts = prompt_vectors(encoder, [name.replace("_", " ").replace("-", " ") for name in classes])
    scale = getattr(encoder, "logit_scale", None) or _SCALE
    return ClassTexts(classes, zero_shot_posteriors(known.vectors @ texts.T, scale))
