"""Add parts of pictures as samples: the boxes of a detection dataset, or tiles."""

from __future__ import annotations

from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, TypeAlias

from tamis.dataset.columns import equal, known
from tamis.dataset.conditions import all_of
from tamis.dataset.parts import PART_COLUMNS, Box, part_id, tile_boxes
from tamis.dataset.samples import Kind, Samples
from tamis.errors import InputError, UsageError
from tamis.formats.annotations.finding import PictureFinder
from tamis.formats.annotations.read import read_boxes
from tamis.machine import usable_processors
from tamis.runtime.ordered_map import ordered_map
from tamis.runtime.part_rows import COLUMNS_OF_PICTURES, part_row, upright_picture
from tamis.runtime.row_sink import Rows, RowSink
from tamis.runtime.stage import Stage
from tamis.services.add.contract import PartsReport
from tamis.services.add.known_samples import KnownSamples
from tamis.sources.archives import close_archives
from tamis.sources.image_reference import ImageReference
from tamis.sources.locations import iter_locations, require_source
from tamis.sources.spread import Location
from tamis.sources.video.frame_reader import close_videos
from tamis.types import Failure
from tamis.verbs.feedback import SILENT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from tamis.dataset.parts import PartKind
    from tamis.dataset.store import Store
    from tamis.formats.annotations.source_annotation import SourceAnnotation
    from tamis.runtime.workspace import Workspace
    from tamis.services.add.contract import AddCrops, AddTiles, CropObjects
    from tamis.verbs.feedback import Feedback

__all__ = ["add_crops", "add_tiles", "crop_objects"]

Place: TypeAlias = tuple[float, float, float, float]
"""Left, top, width and height in pixels of the upright picture."""

_CHECKPOINT_ROWS = 2000


@dataclass(frozen=True)
class _Job:
    """One picture and the parts to take from it; `tiles`, `boxes` or `objects`."""

    row: dict[str, Any]
    boxes: tuple[SourceAnnotation, ...] = ()
    objects: tuple[tuple[Place, str | None], ...] = ()
    tiles: int = 0


@dataclass(frozen=True)
class _Plan:
    """What to add."""

    kind: PartKind
    jobs: Sequence[_Job]
    request: AddCrops | AddTiles | CropObjects
    min_box: int = 1


@dataclass(frozen=True)
class _Outcome:
    rows: list[dict[str, Any]]
    known: int = 0
    small: int = 0
    repeated: int = 0
    failed: list[Failure] = field(default_factory=list)


def add_crops(workspace: Workspace, request: AddCrops, feedback: Feedback = SILENT) -> PartsReport:
    """Add each box of a detection dataset as a sample of its own, linked to its picture.

    The pictures must be in the dataset already. Each picture is decoded once for all its boxes.
    A box that cannot be used is listed with its reason; one partly outside is clipped. Adding
    again adds nothing twice.

    Raises:
        InputError: there are no annotations, they speak of none of the dataset's pictures, not
            one box can be used, or a whole source of pictures vanished.
        ConflictError: another writer was in the way.
    """
    store, annotations, min_box = workspace.store, request.annotations, request.min_box
    found = read_boxes(annotations)
    pictures = _pictures(store, None)
    finder = PictureFinder(pictures)
    boxes: dict[str, list[SourceAnnotation]] = {}
    failed = list(found.failures)
    for annotation in found.entries:
        uri = finder.find_for(annotation)
        if isinstance(uri, str):
            boxes.setdefault(uri, []).append(annotation)
            continue
        reason = "several pictures have that name" if uri else "no picture of the dataset is meant"
        failed.append(Failure(annotation.picture, reason, annotations))
    if found.entries and not boxes:
        raise InputError(
            f"none of the {len(found.entries)} boxes in {annotations} is of a picture of the "
            f"dataset (the first is of {found.entries[0].picture}): add the pictures first"
        )
    jobs = [_Job(pictures[uri], tuple(boxes[uri])) for uri in pictures if uri in boxes]
    report = _add(store, _Plan("crop", jobs, request, min_box), _once(failed), feedback)
    if not report.pictures and not report.small:
        first = report.failed[0]
        raise InputError(
            f"{annotations} gave no crop: none of its {len(report.failed)} boxes or files can be "
            f"used; the first, {first.path}: {first.reason}"
        )
    return replace(report, notes=found.notes)


def crop_objects(
    workspace: Workspace, request: CropObjects, feedback: Feedback = SILENT
) -> PartsReport:
    """Add each object of a layer as a sample of its own, linked to its picture.

    Raises:
        UsageError: the layer has no objects in these pictures.
        InputError: a whole source of pictures vanished.
        ConflictError: another writer was in the way.
    """
    store = workspace.store
    pictures = {row["sample_id"]: row for row in _pictures(store, request.where).values()}
    columns = ["sample_id", "label", "x", "y", "width", "height"]
    condition = all_of(equal("layer", request.layer), known("x"), request.objects)
    objects: dict[str, list[tuple[Place, str | None]]] = {}
    for row in store.annotations(columns, condition).to_pylist():
        place = row["x"], row["y"], row["width"], row["height"]
        objects.setdefault(row["sample_id"], []).append((place, row["label"]))
    jobs = [
        _Job(row, objects=tuple(objects[name])) for name, row in pictures.items() if name in objects
    ]
    if not jobs:
        raise UsageError(
            f"the layer {request.layer!r} has no objects in these pictures; tamis label layers "
            "shows what there is"
        )
    plan = _Plan("crop", jobs, request, request.min_box)
    return _add(store, plan, [], feedback)


def add_tiles(workspace: Workspace, request: AddTiles, feedback: Feedback = SILENT) -> PartsReport:
    """Add the tiles of pictures as samples of their own.

    Small things fill more of a tile than of the picture, and so weigh more in its vector. Vectors
    grow to the square of the count, and 1, a picture.

    Raises:
        InputError: a source does not exist.
        ConflictError: another writer was in the way.
    """
    store, count, where, sources = workspace.store, request.count, request.where, request.sources
    pictures = _pictures(store, where)
    if sources is not None:
        listed = iter_locations(sources, videos_in_folders=True)
        inside = {place.uri for place in listed if isinstance(place, Location)}
        pictures = {uri: row for uri, row in pictures.items() if _file_of(uri) in inside}
    jobs = [_Job(row, tiles=count) for row in pictures.values()]
    return _add(store, _Plan("tile", jobs, request), [], feedback)


def _pictures(store: Store, where: str | None) -> dict[str, dict[str, Any]]:
    """Return the whole pictures by their place, in the dataset's order."""
    whole = Samples(store).of(where, kind=Kind.WHOLE)
    rows = store.read([*COLUMNS_OF_PICTURES], whole.condition).to_pylist()
    return {row["uri"]: row for row in rows}


def _file_of(uri: str) -> str:
    """Return the video of a frame, and any other picture's own place."""
    place = ImageReference.spelled(uri)
    return uri if place.frame is None else place.file


def _once(failures: Iterable[Failure]) -> list[Failure]:
    """Return each failure once."""
    return list({(f.path, f.reason): f for f in failures}.values())


def _add(store: Store, plan: _Plan, failed: list[Failure], feedback: Feedback) -> PartsReport:
    progress = feedback.stage(f"{plan.kind}s")
    store.refresh()
    known = KnownSamples(
        batch.column("sample_id").to_pylist() for batch in store.batches(["sample_id"])
    )
    with store.operation(f"add {plan.kind}s", request=plan.request) as operation:
        operation.counts |= {"small": 0, "failed": 0}
        operation.require_columns(PART_COLUMNS)
        made = ordered_map(CutParts(plan, known), plan.jobs, workers=usable_processors())
        small = repeated = pictures = 0
        with (
            RowSink(store, operation, checkpoint_rows=_CHECKPOINT_ROWS) as sink,
            closing(made),
        ):
            sink.take(Rows(failures=failed, counts={"failed": len(failed)}))
            failed = [*failed]
            for done, parts in enumerate(made, start=1):
                sink.take(
                    Rows(
                        parts.rows,
                        known=parts.known,
                        failures=parts.failed,
                        counts={"small": parts.small, "failed": len(parts.failed)},
                    )
                )
                failed += parts.failed
                small += parts.small
                repeated += parts.repeated
                pictures += bool(parts.rows or parts.known)
                progress(done, len(plan.jobs))
    added, were_known = (operation.counts.get(name, 0) for name in ("added", "known"))
    return PartsReport(
        added=added,
        known=were_known,
        small=small,
        pictures=pictures,
        failed=failed,
        repeated=repeated,
    )


@dataclass(frozen=True)
class CutParts(Stage[_Job, _Outcome]):
    """Decodes one picture and measures its parts.

    Attributes:
        plan: which parts.
        known: samples that the dataset holds.
    """

    plan: _Plan
    known: KnownSamples

    @contextmanager
    def open(self) -> Iterator[Callable[[_Job], _Outcome]]:
        """See `Stage`."""
        try:
            yield self._cut
        finally:
            close_archives()
            close_videos()

    def failed(self, item: _Job, reason: str) -> _Outcome:
        """See `Stage`."""
        row = item.row
        require_source(row["source"])
        return _Outcome([], failed=[Failure(row["path"], reason, row["source"])])

    def _cut(self, job: _Job) -> _Outcome:
        row, plan = job.row, self.plan
        picture = upright_picture(row)
        rows, failed, were_known, small = [], [], 0, 0
        names: set[str] = set()
        repeated = 0
        for box, label in _boxes(job, picture.width, picture.height, picture.orientation):
            if isinstance(box, str):
                failed.append(Failure(row["path"], box, row["source"]))
                continue
            if min(box.width, box.height) < plan.min_box:
                small += 1
                continue
            name = part_id(row["sample_id"], plan.kind, box, label)
            if name in names:
                repeated += 1
                continue
            names.add(name)
            if name in self.known:
                were_known += 1
                continue
            rows.append(part_row(picture, row, plan.kind, box, label))
        return _Outcome(rows, were_known, small, repeated, failed)


def _boxes(
    job: _Job, width: int, height: int, orientation: int
) -> Iterator[tuple[Box | str, str | None]]:
    if job.tiles:
        for box in tile_boxes(width, height, job.tiles):
            yield box, job.row["label"]
    for (x, y, wide, high), label in job.objects:
        cut = Box.between(x, y, x + wide, y + high).clipped(width, height)
        told = f"its box {x:g},{y:g},{wide:g},{high:g} lies outside of the picture"
        yield cut or told, label
    for annotation in job.boxes:
        yield annotation.box(width, height, orientation), annotation.label
