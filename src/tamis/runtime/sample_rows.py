"""What becomes of pictures and frames, as rows of one operation."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from tamis.dataset.part_splits import inherited_splits
from tamis.dataset.schema import PICTURE_COLUMNS, SAMPLES
from tamis.sources.video.places import FRAME_COLUMNS
from tamis.types import Failure, Vectors

if TYPE_CHECKING:
    from tamis.dataset.operation import Operation
    from tamis.dataset.store import Store
    from tamis.images.picture_record import PictureRecord
    from tamis.runtime.sources_to_add import SourcesToAdd
    from tamis.sources.locations import Location
    from tamis.sources.marks import Marks

__all__ = ["KnownSample", "NewSample", "Outcome", "SampleWriter"]


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
    """

    location: Location
    sample_id: str
    content: str
    size: int | None
    record: PictureRecord
    columns: dict[str, object] = field(default_factory=dict)
    vector: Vectors | None = None


@dataclass(frozen=True)
class KnownSample:
    """A picture or frame that the dataset holds."""

    location: Location
    sample_id: str


Outcome = NewSample | KnownSample | Failure


class SampleWriter:
    """Collects outcomes and hands them to the operation in batches.

    Args:
        store: the dataset.
        operation: what writes.
        wanted: what is added; says what is known of each picture beforehand.
        checkpoint_rows: how much is committed at once.
        column: the vector column; None if samples come without vectors.

    Attributes:
        failed: what could not be read so far, but for what is not staged yet.
        frames: new samples that are frames of videos.
    """

    def __init__(
        self,
        store: Store,
        operation: Operation,
        wanted: SourcesToAdd,
        checkpoint_rows: int,
        *,
        column: str | None = None,
    ) -> None:
        self.failed: list[Failure] = []
        self.frames = 0
        self._schema = pa.schema([*_ROWS, *(FRAME_COLUMNS if wanted.videos else ())])
        self._store = store
        self._operation = operation
        self._labels = wanted.labels
        self._twins = wanted.twins
        self._checkpoint_rows = checkpoint_rows
        self._column = column
        self._added_at = datetime.now(UTC)
        self._vectors: dict[str, Vectors] = {}
        self._new: list[dict[str, object]] = []
        self._known = 0
        self._known_marks: dict[str, Marks] = {}
        self._failures: list[Failure] = []

    def take(self, outcome: Outcome) -> None:
        """Keep one outcome, and commit when there is enough."""
        if isinstance(outcome, NewSample):
            self._new.append(self._row(outcome))
            self._twins.measured(outcome.location.uri, outcome.record.width, outcome.record.height)
            self.frames += bool(outcome.columns)
            if outcome.vector is not None:
                self._vectors[outcome.sample_id] = outcome.vector
        elif isinstance(outcome, KnownSample):
            self._known += 1
            marks = self._labels.of(outcome.location)
            if marks.label is not None or marks.split is not None:
                self._known_marks[outcome.sample_id] = marks
        else:
            self._failures.append(outcome)
        pending = len(self._new) + len(self._known_marks) + len(self._failures)
        if pending >= self._checkpoint_rows:
            self.stage()
            self._operation.checkpoint()

    def count_known(self) -> None:
        """Count a sample that this run itself has met before."""
        self._known += 1

    def stage(self) -> None:
        """Hand over all that is kept."""
        self._operation.count_known(self._known)
        if self._new:
            self._operation.insert(pa.Table.from_pylist(self._new, schema=self._schema))
        if self._column is not None and self._vectors:
            vectors = np.stack(list(self._vectors.values()))
            self._operation.set_vectors(self._column, list(self._vectors), vectors)
        self._operation.record_failures(self._failures)
        self._fill_marks()
        self.failed.extend(self._failures)
        self._operation.counts["failed"] = len(self.failed)
        self._new, self._known, self._known_marks, self._failures = [], 0, {}, []
        self._vectors = {}

    def _row(self, new: NewSample) -> dict[str, object]:
        marks = self._labels.of(new.location)
        return {
            "sample_id": new.sample_id,
            "path": new.location.path,
            "uri": new.location.uri,
            "source": new.location.source,
            "bytes": new.size,
            "content_hash": new.content,
            "added_at": self._added_at,
            "label": marks.label,
            "split": marks.split,
            **asdict(new.record),
            **new.columns,
        }

    def _fill_marks(self) -> None:
        """Give known samples the marks that they lack."""
        if not self._known_marks:
            return
        ids = list(self._known_marks)
        stored = self._store.read(["label", "split"], ids=ids).to_pydict()
        for mark, present in stored.items():
            values = {
                name: value
                for name, old in zip(ids, present, strict=True)
                if old is None and (value := getattr(self._known_marks[name], mark)) is not None
            }
            if values:
                if mark == "split":
                    values |= inherited_splits(self._store, values)
                column = pa.array(list(values.values()), pa.string())
                self._operation.set_marks(list(values), {mark: column})


_ROWS = pa.schema([*PICTURE_COLUMNS, SAMPLES.field("label"), SAMPLES.field("split")])
