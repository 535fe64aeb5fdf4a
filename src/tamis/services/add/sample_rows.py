"""The rows of the dataset that pictures and frames become."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from tamis.runtime.row_sink import Rows
from tamis.types import Failure, Vectors

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from tamis.images.picture_record import PictureRecord
    from tamis.services.add.sources_to_add import SourcesToAdd
    from tamis.sources.spread import Location

__all__ = ["KnownSample", "NewSample", "Outcome", "SampleRows"]


@dataclass(frozen=True)
class NewSample:
    """A picture or frame that the dataset lacks.

    Attributes:
        location: where it lies.
        sample_id: its name.
        content: what identifies its pixels.
        size: of its file in bytes; None of a frame, which has none.
        record: what was measured.
        columns: values of further columns, such as a frame's.
        vector: `[D]` float32, if it was embedded.
        pixels: `[H, W, 3]` uint8, prepared for an encoder, until there is a vector.
    """

    location: Location
    sample_id: str
    content: str
    size: int | None
    record: PictureRecord
    columns: dict[str, object] = field(default_factory=dict)
    vector: Vectors | None = None
    pixels: NDArray[np.uint8] | None = None


@dataclass(frozen=True)
class KnownSample:
    """A picture or frame that the dataset holds."""

    location: Location
    sample_id: str


Outcome = NewSample | KnownSample | Failure


class SampleRows:
    """Makes rows of outcomes, with the label and split known of each picture.

    Args:
        wanted: what is added.

    Attributes:
        failed: what could not be read.
        frames: new samples that are frames of videos.
    """

    def __init__(self, wanted: SourcesToAdd) -> None:
        self.failed: list[Failure] = []
        self.frames = 0
        self._labels = wanted.labels
        self._twins = wanted.twins
        self._added_at = datetime.now(UTC)

    def of(self, outcome: Outcome) -> Rows:
        """Return an outcome as rows."""
        if isinstance(outcome, Failure):
            self.failed.append(outcome)
            return Rows(failures=[outcome], counts={"failed": 1})
        marks = self._labels.of(outcome.location)
        if isinstance(outcome, KnownSample):
            given = {"label": marks.label, "split": marks.split}
            has_any = marks.label is not None or marks.split is not None
            return Rows(known=1, marks={outcome.sample_id: given} if has_any else {})
        self._twins.measured(outcome.location.uri, outcome.record.width, outcome.record.height)
        self.frames += bool(outcome.columns)
        sample = {
            "sample_id": outcome.sample_id,
            "path": outcome.location.path,
            "uri": outcome.location.uri,
            "source": outcome.location.source,
            "bytes": outcome.size,
            "content_hash": outcome.content,
            "added_at": self._added_at,
            "label": marks.label,
            "split": marks.split,
            **vars(outcome.record),
            **outcome.columns,
            **({} if outcome.location.state is None else {"object_state": outcome.location.state}),
        }
        if outcome.vector is None:
            return Rows([sample])
        return Rows(
            [sample],
            ids=[outcome.sample_id],
            vectors=outcome.vector[None],
            counts={"embedded": 1},
        )
