"""The pictures that a check is of: new ones that are embedded on the fly, or rows of a dataset."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from tamis.dataset.store import Store
from tamis.errors import EncoderError, UsageError
from tamis.runtime.encoder_pool import EncoderPool
from tamis.runtime.workspace import Workspace, execute
from tamis.services.add.contract import Add
from tamis.services.add.new_pictures import new_pictures
from tamis.services.drift.rows import asked_rows
from tamis.services.drift.side import side_of
from tamis.services.embed.contract import Embed

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tamis.dataset.samples import Samples
    from tamis.services.drift.contract import DriftCheck
    from tamis.services.drift.reference import Facts, Reference
    from tamis.services.drift.side import Side
    from tamis.types import Failure
    from tamis.verbs.feedback import Feedback

__all__ = ["Batch", "batch_of"]


@dataclass(frozen=True)
class Batch:
    """Pictures to check.

    Attributes:
        side: what is compared.
        samples: of the dataset that they lie in, a temporary one for new pictures.
        failed: pictures that could not be read or embedded.
        notes: what the user should know.
    """

    side: Side
    samples: Samples
    failed: Sequence[Failure] = ()
    notes: Sequence[str] = ()


@contextmanager
def batch_of(
    workspace: Workspace | None, request: DriftCheck, reference: Reference, feedback: Feedback
) -> Iterator[Batch]:
    """Read or embed the pictures that a check is of.

    New pictures go through a dataset of their own in a temporary folder, so that archives, videos,
    damaged files and quality figures are treated as `add` and `embed` treat them.

    Raises:
        TamisError: as `add` and `embed`; the encoder is not the reference's any more, or the
            dataset has no vectors of it.
    """
    if request.sources:
        pool = EncoderPool() if workspace is None else workspace.encoders
        with _new_pictures(pool, request, reference, feedback) as batch:
            yield batch
        return
    if workspace is None:
        raise UsageError("rows of which dataset? name it (-d)")
    if request.snapshot is not None:
        store = Store.open(workspace.path, create=False, snapshot=request.snapshot)
        workspace = Workspace(store)
    yield _rows(workspace, request, reference.facts)


@contextmanager
def _new_pictures(
    encoders: EncoderPool, request: DriftCheck, reference: Reference, feedback: Feedback
) -> Iterator[Batch]:
    facts = reference.facts
    encoder = encoders.load_named_in(reference.path, facts.encoder, threads=1)
    if encoder.fingerprint != facts.fingerprint:
        raise EncoderError(
            f"{facts.encoder} is not the encoder any more that made the reference (fingerprint "
            f"{encoder.fingerprint[:8]}, not {facts.fingerprint[:8]}): fit the reference again"
        )
    add = Add(request.sources, every=request.every, exclude=request.exclude)
    with new_pictures(add, encoders, feedback) as (place, added):
        embedded = execute(place, Embed(facts.encoder), feedback)
        side = side_of(place.samples.of(), embedded.column, all_follow=facts.all_follow)
        failed = [*added.failed, *embedded.failed]
        yield Batch(side, place.samples, failed, added.notes)


def _rows(workspace: Workspace, request: DriftCheck, facts: Facts) -> Batch:
    column = workspace.samples.vector_column(facts.fingerprint)
    chosen = asked_rows(workspace, request)
    side = side_of(chosen, column.name, all_follow=facts.all_follow)
    batch = Batch(side, workspace.samples)
    missing = chosen.lacking(column.name).count()
    if missing:
        note = f"{missing} pictures have no vector of {column.spec} and were not checked"
        batch = replace(batch, notes=[note])
    return batch
