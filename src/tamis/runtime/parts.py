"""Add parts of pictures as samples: the boxes of a detection dataset, or tiles."""

from __future__ import annotations

from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from itertools import islice
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from tamis.dataset.parts import BOX_COLUMNS, PART_COLUMNS, Box, part_id, tile_boxes
from tamis.dataset.schema import SAMPLES
from tamis.errors import InputError, PictureError, UsageError
from tamis.formats.annotations.finding import PictureFinder
from tamis.formats.annotations.read import read_annotations
from tamis.images.decode import decode
from tamis.images.picture_record import examine_image
from tamis.machine import usable_processors
from tamis.outside_text import storable
from tamis.runtime.known_samples import KnownSamples
from tamis.sources.archives import close_archives
from tamis.sources.image_reference import ImageReference
from tamis.sources.locations import Location, iter_locations, require_source
from tamis.sources.reading import read_content
from tamis.sources.video.frame_reader import close_videos
from tamis.types import Failure, no_progress

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from tamis.dataset.parts import PartKind
    from tamis.dataset.store import Store
    from tamis.formats.annotations.boxes import BoxAnnotation
    from tamis.images.decode import Decoded
    from tamis.types import Progress

__all__ = ["PartsReport", "add_crops", "add_tiles"]

_CHECKPOINT_PICTURES = 512
_WINDOW_PER_THREAD = 2
_LEAST_BOX = 8
_MOST_TILES = 16
_INHERITED = ("source", "content_hash", "captured_at", "latitude", "longitude", "camera")
_READ = ("sample_id", "path", "uri", "orientation", "label", "split", *_INHERITED)


@dataclass(frozen=True)
class PartsReport:
    """What became of boxes or tiles.

    Attributes:
        added: new samples.
        known: parts that the dataset held already.
        small: boxes that were left out for their size.
        pictures: pictures that have any.
        failed: boxes, files of boxes or pictures that could not be used, with their reasons.
        repeated: boxes that are there twice, of one picture, category and place: one sample each.
        notes: sentences on what the user should know, such as files that were not read.
    """

    added: int
    known: int
    small: int
    pictures: int
    failed: list[Failure] = field(default_factory=list)
    repeated: int = 0
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class _Job:
    """One picture and the parts to take from it; `tiles` or `boxes`."""

    row: dict[str, Any]
    boxes: tuple[BoxAnnotation, ...] = ()
    tiles: int = 0


@dataclass(frozen=True)
class _Plan:
    """What to add, and what the log says of it."""

    kind: PartKind
    jobs: Sequence[_Job]
    params: dict[str, Any]
    min_box: int = 1


@dataclass(frozen=True)
class _Outcome:
    rows: list[dict[str, Any]]
    known: int = 0
    small: int = 0
    repeated: int = 0
    failed: list[Failure] = field(default_factory=list)


def add_crops(
    store: Store,
    annotations: str,
    *,
    min_box: int = _LEAST_BOX,
    progress: Progress = no_progress,
) -> PartsReport:
    """Add each box of a detection dataset as a sample of its own, linked to its picture.

    The pictures must be in the dataset already. Each picture is decoded once for all its boxes.
    A box that cannot be used is listed with its reason; one partly outside is clipped. Adding
    again adds nothing twice.

    Args:
        store: the dataset.
        annotations: a COCO file, a folder of VOC files, or a YOLO dataset.
        min_box: boxes with a side shorter than this many pixels are counted and left out.
        progress: told after each picture.

    Raises:
        InputError: there are no annotations, they speak of none of the dataset's pictures, not
            one box can be used, or a whole source of pictures vanished.
        UsageError: `min_box` is below 1.
        ConflictError: another writer was in the way.
    """
    if min_box < 1:
        raise UsageError(f"min_box is {min_box}; a box has at least 1 pixel")
    found = read_annotations(annotations)
    pictures = _pictures(store, None)
    finder = PictureFinder(pictures)
    boxes: dict[str, list[BoxAnnotation]] = {}
    failed = list(found.failures)
    for annotation in found.boxes:
        uri = finder.find_for(annotation)
        if isinstance(uri, str):
            boxes.setdefault(uri, []).append(annotation)
            continue
        reason = "several pictures have that name" if uri else "no picture of the dataset is meant"
        failed.append(Failure(annotation.picture, reason, annotations))
    if found.boxes and not boxes:
        raise InputError(
            f"none of the {len(found.boxes)} boxes in {annotations} is of a picture of the dataset "
            f"(the first is of {found.boxes[0].picture}): add the pictures first"
        )
    jobs = [_Job(pictures[uri], tuple(boxes[uri])) for uri in pictures if uri in boxes]
    params = {"annotations": storable(annotations), "min_box": min_box}
    report = _add(store, _Plan("crop", jobs, params, min_box), _once(failed), progress)
    if not report.pictures and not report.small:
        first = report.failed[0]
        raise InputError(
            f"{annotations} gave no crop: none of its {len(report.failed)} boxes or files can be "
            f"used; the first, {first.path}: {first.reason}"
        )
    return replace(report, notes=found.notes)


def add_tiles(
    store: Store,
    count: int,
    *,
    where: str | None = None,
    sources: Sequence[str] | None = None,
    progress: Progress = no_progress,
) -> PartsReport:
    """Add the `count` x `count` tiles of pictures as samples of their own.

    Neighbouring tiles share a fifth, so that what one cuts another shows whole; small things fill
    more of a tile than of the picture, and so weigh more in its vector. Vectors grow to
    `count`² + 1 a picture.

    Args:
        store: the dataset.
        count: tiles along each side, 2 to 16.
        where: an SQL condition on the pictures.
        sources: only pictures that lie in these, however they were named when they were added.
        progress: told after each picture.

    Raises:
        InputError: a source does not exist.
        UsageError: `count` is out of range.
        ConflictError: another writer was in the way.
    """
    if not 2 <= count <= _MOST_TILES:  # noqa: PLR2004 - one tile is the picture
        raise UsageError(f"tiles is {count}; give 2 to {_MOST_TILES}")
    pictures = _pictures(store, where)
    if sources is not None:
        listed = iter_locations(sources, videos_in_folders=True)
        inside = {place.uri for place in listed if isinstance(place, Location)}
        pictures = {uri: row for uri, row in pictures.items() if _file_of(uri) in inside}
    jobs = [_Job(row, tiles=count) for row in pictures.values()]
    params: dict[str, Any] = {"tiles": count, "where": where}
    if sources is not None:
        params["sources"] = [storable(source) for source in sources]
    return _add(store, _Plan("tile", jobs, params), [], progress)


def _pictures(store: Store, where: str | None) -> dict[str, dict[str, Any]]:
    """Return the whole pictures by their place, in the dataset's order."""
    whole = "kind IS NULL" if "kind" in store.columns() else None
    both = " AND ".join(f"({part})" for part in (whole, where) if part) or None
    rows = store.read([*_READ], both).to_pylist()
    return {row["uri"]: row for row in rows}


def _file_of(uri: str) -> str:
    """Return the video of a frame, and any other picture's own place."""
    place = ImageReference.spelled(uri)
    return uri if place.frame is None else place.file


def _once(failures: Iterable[Failure]) -> list[Failure]:
    """Return each failure once."""
    return list({(f.path, f.reason): f for f in failures}.values())


def _add(store: Store, plan: _Plan, failed: list[Failure], progress: Progress) -> PartsReport:
    store.refresh()
    known = KnownSamples(
        batch.column("sample_id").to_pylist() for batch in store.batches(["sample_id"])
    )
    counts = {"small": 0, "repeated": 0, "pictures": 0}
    with store.operation(f"add {plan.kind}s", params=plan.params) as operation:
        operation.require_columns(PART_COLUMNS)
        operation.record_failures(failed)
        for done, outcome in enumerate(_outcomes(plan, known), start=1):
            if outcome.rows:
                operation.insert(_table(outcome.rows))
            operation.count_known(outcome.known)
            operation.record_failures(outcome.failed)
            failed += outcome.failed
            counts["small"] += outcome.small
            counts["repeated"] += outcome.repeated
            counts["pictures"] += bool(outcome.rows or outcome.known)
            progress(done, len(plan.jobs))
            if done % _CHECKPOINT_PICTURES == 0:
                operation.checkpoint()
        operation.counts.update(small=counts["small"], failed=len(failed))
    added, were_known = (operation.counts.get(name, 0) for name in ("added", "known"))
    return PartsReport(
        added=added,
        known=were_known,
        small=counts["small"],
        pictures=counts["pictures"],
        failed=failed,
        repeated=counts["repeated"],
    )


def _outcomes(plan: _Plan, known: KnownSamples) -> Iterator[_Outcome]:
    threads = usable_processors()
    waiting: deque[Future[_Outcome]] = deque()
    pool = ThreadPoolExecutor(threads, thread_name_prefix="tamis-parts")
    queue = iter(plan.jobs)
    try:
        while True:
            for job in islice(queue, threads * _WINDOW_PER_THREAD - len(waiting)):
                waiting.append(pool.submit(_cut, job, plan, known))
            if not waiting:
                return
            yield waiting.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)
        close_archives()
        close_videos()


def _cut(job: _Job, plan: _Plan, known: KnownSamples) -> _Outcome:
    """Decode one picture and measure its parts."""
    row = job.row
    try:
        picture = _upright(row)
    except PictureError as error:
        require_source(row["source"])
        return _Outcome([], failed=[Failure(row["path"], error.reason, row["source"])])
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
        if name in known:
            were_known += 1
            continue
        record = examine_image(
            picture.image.crop(box.corners),
            format=picture.format,
            captured_at=row["captured_at"],
        )
        rows.append(
            {
                **asdict(replace(record, camera=row["camera"])),
                **{column: row[column] for column in _INHERITED},
                "sample_id": name,
                "path": str(ImageReference(row["path"], part=box)),
                "uri": row["uri"],
                "label": label,
                "split": row["split"],
                "added_at": datetime.now(UTC),
                "kind": plan.kind,
                "parent_id": row["sample_id"],
                **dict(zip(BOX_COLUMNS, (box.x, box.y, box.width, box.height), strict=True)),
            }
        )
    return _Outcome(rows, were_known, small, repeated, failed)


def _upright(row: dict[str, Any]) -> Decoded:
    data, content = read_content(row["uri"], row["path"])
    if content != row["content_hash"]:
        raise PictureError(row["path"], "the file has changed since it was added; add it again")
    return decode(data, row["path"])


def _boxes(
    job: _Job, width: int, height: int, orientation: int
) -> Iterator[tuple[Box | str, str | None]]:
    if job.tiles:
        for box in tile_boxes(width, height, job.tiles):
            yield box, job.row["label"]
    for annotation in job.boxes:
        yield annotation.box(width, height, orientation), annotation.label


def _table(rows: list[dict[str, Any]]) -> pa.Table:
    schema = pa.schema([*SAMPLES, *PART_COLUMNS])
    names = [column for column in schema if column.name in rows[0]]
    return pa.Table.from_pylist(rows, schema=pa.schema(names))
