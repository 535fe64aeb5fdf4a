"""Heat-maps of pictures by the dataset's model of defects, made when they are looked at."""

from __future__ import annotations

import io
import threading
from collections import OrderedDict
from typing import TYPE_CHECKING, Final

from tamis.dataset.columns import Column
from tamis.dataset.samples import Kind
from tamis.errors import PictureError, UsageError
from tamis.interfaces.server.pictures import checked_id
from tamis.runtime.decoded_rows import decoded_rows
from tamis.runtime.defect_models import find_model, models_of_layers
from tamis.runtime.defect_scores import PictureScorer
from tamis.services.defects.overlay import translucent
from tamis.services.defects.rows import picture_rows

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from tamis.runtime.workspace import Workspace

__all__ = ["HeatMaps"]

_LAYER: Final = "defects"
_SIDE: Final = 512
_KEPT: Final = 32


class HeatMaps:
    """Heat-maps; the last ones stay in memory. Thread-safe.

    Args:
        workspace: the dataset.
    """

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._lock = threading.Lock()
        self._scorer: tuple[Path, PictureScorer] | None = None
        self._kept: OrderedDict[tuple[Path, str], NDArray[np.float32]] = OrderedDict()

    def of(self, name: str, threshold: float | None = None, layer: str = _LAYER) -> bytes:
        """Return a picture's heat-map as a PNG, transparent where nothing is odd.

        Args:
            name: sample id.
            threshold: at which a region begins; the model's by default.
            layer: that the model scored pictures into.

        Raises:
            UsageError: there is no model, or no such picture.
            PictureError: the picture cannot be read.
        """
        with self._lock:
            scorer, path = self._present(layer)
            key = path, checked_id(name)
            if key not in self._kept:
                self._kept[key] = self._made(scorer, name)
                if len(self._kept) > _KEPT:
                    self._kept.popitem(last=False)
            line = scorer.model.facts.threshold if threshold is None else threshold
            picture = translucent(self._kept[key], line)
        content = io.BytesIO()
        picture.save(content, "PNG", compress_level=1)
        return content.getvalue()

    def _present(self, layer: str) -> tuple[PictureScorer, Path]:
        # a name that a request brings must not lead to a file: the log says which model is meant
        made = models_of_layers(self._workspace)
        if layer != _LAYER and layer not in made:
            raise UsageError(f"no model scored pictures into a layer {layer!r}")
        name = made.get(layer, _LAYER)
        if name is None:
            raise UsageError(f"pictures of the layer {layer!r} scored each other, without a model")
        model, path = find_model(self._workspace, name)
        if self._scorer is None or self._scorer[0] != path:
            encoder = self._workspace.encoders.load_named_in(path, model.facts.encoder)
            self._scorer = path, PictureScorer(model, encoder)
        return self._scorer[1], path

    def _made(self, scorer: PictureScorer, name: str) -> NDArray[np.float32]:
        self._workspace.samples.rows([Column.SAMPLE_ID], [name])  # says whether it is there
        chosen = self._workspace.samples.of(kind=Kind.ALL).one_of(Column.SAMPLE_ID, [name])
        rows = picture_rows(chosen)
        ((row, found),) = decoded_rows(rows, scorer.features.decode_side)
        if isinstance(found, PictureError):
            raise found
        scale = min(1.0, _SIDE / max(row.width, row.height))
        size = max(1, round(row.height * scale)), max(1, round(row.width * scale))
        return scorer.score(found).heat_map(size)
