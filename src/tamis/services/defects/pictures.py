"""The pictures to score: new ones through a dataset in a temporary folder, or rows of a dataset."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tamis.dataset.columns import Column, equal
from tamis.dataset.conditions import all_of
from tamis.errors import UsageError
from tamis.runtime.encoder_pool import EncoderPool
from tamis.services.add.contract import Add
from tamis.services.add.new_pictures import new_pictures
from tamis.services.defects.rows import picture_rows

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tamis.dataset.samples import Samples
    from tamis.runtime.defect_model import DefectModel
    from tamis.runtime.workspace import Workspace
    from tamis.services.defects.contract import DefectsScore
    from tamis.services.defects.rows import PictureRow
    from tamis.types import Failure
    from tamis.verbs.feedback import Feedback

__all__ = ["ToScore", "pictures_to_score"]


@dataclass(frozen=True)
class ToScore:
    """Pictures to score.

    Attributes:
        rows: the pictures.
        samples: the dataset that has them.
        encoders: loads the model's encoder.
        stored: whether they are rows of the user's dataset.
        failed: pictures that could not be added.
        notes: what the user should know.
    """

    rows: Sequence[PictureRow]
    samples: Samples
    encoders: EncoderPool
    stored: bool
    failed: Sequence[Failure] = ()
    notes: Sequence[str] = ()


@contextmanager
def pictures_to_score(
    workspace: Workspace | None,
    request: DefectsScore,
    model: DefectModel | None,
    feedback: Feedback,
) -> Iterator[ToScore]:
    """Give the pictures that a request means, as long as the context lasts.

    New pictures go through a dataset of their own in a temporary folder, so that archives, videos
    and damaged files are treated as `add` treats them.

    Raises:
        TamisError: as `add`; or rows are meant and there is no dataset.
    """
    if not request.sources:
        if workspace is None:
            raise UsageError("rows of which dataset? name it (-d)")
        yield _rows(workspace, request, model)
        return
    encoders = EncoderPool() if workspace is None else workspace.encoders
    add = Add(request.sources, every=request.every, exclude=request.exclude)
    with new_pictures(add, encoders, feedback) as (place, added):
        rows = picture_rows(place.samples.of())
        yield ToScore(
            rows, place.samples, encoders, stored=False, failed=added.failed, notes=added.notes
        )


def _rows(workspace: Workspace, request: DefectsScore, model: DefectModel | None) -> ToScore:
    tagged = None
    if request.tag is not None:
        quoted = request.tag.replace("'", "''")
        tagged = f"array_has({Column.TAGS}, '{quoted}')"
    rows = picture_rows(workspace.samples.of(all_of(request.where, tagged)))
    fitted = set(model.ids if model is not None else ())
    notes = []
    if request.new:
        scored = workspace.store.annotations(["sample_id"], equal("layer", request.layer))
        known = fitted | set(scored.column("sample_id").to_pylist())
        rows = [row for row in rows if row.sample_id not in known]
    elif own := sum(row.sample_id in fitted for row in rows):
        notes.append(f"{own} of the pictures are those that the model was fitted to, and score low")
    return ToScore(rows, workspace.samples, workspace.encoders, stored=True, notes=notes)
