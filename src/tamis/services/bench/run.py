"""The verb `bench`: each step of `add`, `embed` and `search` by itself."""

from __future__ import annotations

import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple, TypeVar

import numpy as np
import onnxruntime

from tamis.algo.neighbors import knn_search
from tamis.dataset.store import Store
from tamis.encoders.preprocess import decode_side, prepare
from tamis.encoders.registry import load_encoder
from tamis.errors import InputError, PictureError
from tamis.images.decode import decode
from tamis.images.picture_record import content_hash, examine, sample_id
from tamis.machine import usable_processors
from tamis.runtime.batch_size import BatchSize, find_batch_size
from tamis.runtime.row_sink import Rows, RowSink
from tamis.services.bench.bound import Rate, advice, expected_add, expected_embed, shares
from tamis.services.bench.contract import BenchReport
from tamis.sources.archives import close_archives
from tamis.sources.locations import iter_locations
from tamis.sources.reading import read_bytes
from tamis.sources.spread import Location
from tamis.types import Failure
from tamis.verbs.feedback import SILENT

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from tamis.encoders.base import Encoder
    from tamis.images.picture_record import PictureRecord
    from tamis.runtime.workspace import Workspace
    from tamis.services.bench.contract import Bench, StageName
    from tamis.types import Vectors
    from tamis.verbs.feedback import Feedback

__all__ = ["bench"]

_BY_ONE: Final = 24
_MOST_BYTES: Final = 256_000_000
_SEARCHED: Final = 20_000
_QUERIES: Final = 16
_SHORTEST: Final = 1e-9

T = TypeVar("T")
U = TypeVar("U")


def bench(workspace: Workspace | None, request: Bench, feedback: Feedback = SILENT) -> BenchReport:
    """Put some of the pictures through each step by itself, with one worker and with all.

    Pictures are taken evenly from the sources, up to `limit` of them or 256 MB of files. Reading
    is measured at the first touch, so that a disk counts unless the system has the files in memory
    already. What is written goes to the system's temporary folder (`TMPDIR`).

    Raises:
        InputError: a source is missing, or fewer than two pictures can be decoded.
        EncoderError: the encoder is unknown or cannot be loaded.
    """
    device = {} if request.device is None else {"device": request.device}
    load = load_encoder if workspace is None else workspace.encoders.load
    encoder = load(request.encoder, threads=1, **device)
    workers = request.threads or usable_processors()
    progress = feedback.stage("bench")
    rates: dict[StageName, Rate] = {}
    found_there = [one for one in iter_locations(request.sources) if isinstance(one, Location)]
    places = _evenly([place for place in found_there if not place.is_video], request.limit)
    files, failed, rates["read"] = _read(places)
    close_archives()
    progress(1, 6)
    measured = _Workers(workers)
    found, rates["measure"] = measured.rate(lambda one: _tried(one, _measure), files)
    progress(2, 6)
    good = [one for one, record in zip(files, found, strict=True) if not isinstance(record, str)]
    records = [record for record in found if not isinstance(record, str)]
    failed += [
        Failure(one.place.path, reason, one.place.source)
        for one, reason in zip(files, found, strict=True)
        if isinstance(reason, str)
    ]
    if len(good) < 2:  # noqa: PLR2004 - one picture measures nothing
        first = f"; the first reason: {failed[0].reason}" if failed else ""
        videos = "; videos are not measured" if any(one.is_video for one in found_there) else ""
        raise InputError(
            f"{len(good)} of {len(places)} pictures can be decoded, and at least 2 are needed to "
            f"measure with{first}{videos}; name more pictures"
        )
    pixels, rates["prepare"] = measured.rate(lambda one: _prepared(one, encoder), good)
    progress(3, 6)
    batch = BatchSize(find_batch_size(encoder))
    vectors, rates["infer"] = _infer(measured, encoder, batch, pixels)
    progress(4, 6)
    rates["write"] = _write(encoder, good, records, vectors)
    progress(5, 6)
    rates["search"] = _search(encoder.dim)
    progress(6, 6)
    where = str(getattr(encoder, "device", "cpu"))
    megapixels = float(np.mean([one.width * one.height for one in records])) / 1e6
    stages = shares(rates)
    return BenchReport(
        pictures=len(good),
        bytes=float(np.mean([len(one.data) for one in good])),
        megapixels=megapixels,
        failed=failed,
        encoder=encoder.spec,
        device=where,
        batch_size=batch.size,
        workers=workers,
        stages=stages,
        searched=_SEARCHED,
        add=expected_add(rates),
        embed=expected_embed(rates, device=where),
        bound=max(stages, key=lambda stage: stage.share).stage,
        advice=advice(
            rates,
            workers=workers,
            device=where,
            megapixels=megapixels,
            can_use_gpu=_sees_a_gpu(),
        ),
    )


class _File(NamedTuple):
    place: Location
    data: bytes
    content: str


def _evenly(places: Sequence[Location], limit: int) -> list[Location]:
    at = np.linspace(0, len(places) - 1, min(limit, len(places))).round().astype(int)
    return [places[number] for number in at.tolist()]


def _read(places: Sequence[Location]) -> tuple[list[_File], list[Failure], Rate]:
    files: list[_File] = []
    failed: list[Failure] = []
    size, watch = 0, _Watch()
    for place in places:
        try:
            data = read_bytes(place.uri, place.path)
        except PictureError as error:
            failed.append(Failure(place.path, error.reason, place.source))
            continue
        files.append(_File(place, data, content_hash(data)))
        size += len(data)
        if size > _MOST_BYTES:
            break
    # one reader: whether several are faster depends on the disk, and reading is rarely the bound
    return files, failed, watch.rate(len(files))


def _tried(one: _File, work: Callable[[_File], T]) -> T | str:
    try:
        return work(one)
    except PictureError as error:
        return error.reason


def _measure(one: _File) -> PictureRecord:
    return examine(one.data, one.place.path)


def _prepared(one: _File, encoder: Encoder) -> NDArray[np.uint8]:
    preprocessing = encoder.preprocessing
    picture = decode(one.data, one.place.path, min_side=decode_side(preprocessing))
    size = (picture.width, picture.height)
    return prepare(picture.image, preprocessing, size=size, extent=picture.extent)


def _infer(
    workers: _Workers, encoder: Encoder, batch: BatchSize, pixels: Sequence[NDArray[np.uint8]]
) -> tuple[Vectors, Rate]:
    size = min(batch.size, len(pixels))
    batches = [
        np.stack(pixels[start : start + size]) for start in range(0, len(pixels) - size + 1, size)
    ]
    batch.embed(encoder, batches[0])  # a first call of a shape also compiles
    made, rate = workers.rate(lambda part: batch.embed(encoder, part), batches)
    per_batch = Rate(rate.one * size, rate.all * size, rate.processor / size)
    return np.concatenate(made), per_batch


def _write(
    encoder: Encoder, files: Sequence[_File], records: Sequence[PictureRecord], vectors: Vectors
) -> Rate:
    rows = [
        {
            "sample_id": sample_id(one.content, f"{number} {one.place.uri}"),
            "path": one.place.path,
            "uri": one.place.uri,
            "source": one.place.source,
            "bytes": len(one.data),
            "content_hash": one.content,
            **asdict(record),
        }
        for number, (one, record) in enumerate(zip(files, records, strict=True))
    ]
    rows = rows[: len(vectors)]
    ids = [str(row["sample_id"]) for row in rows]
    with tempfile.TemporaryDirectory(prefix="tamis-bench-") as folder:
        store = Store.create(Path(folder) / "bench.tamis")
        watch = _Watch()
        with store.operation("add", {}) as operation, RowSink(store, operation) as sink:
            sink.take(Rows(rows))
        with store.operation("embed", {}) as operation:
            identity = (encoder.spec, encoder.fingerprint, encoder.dim)
            column = operation.add_vector_column(*identity, "float32")
            with RowSink(store, operation, column=column) as sink:
                sink.take(Rows(ids=ids, vectors=vectors))
        return watch.rate(len(rows))


def _search(dim: int) -> Rate:
    rng = np.random.default_rng(0)
    vectors = rng.standard_normal((_SEARCHED, dim), np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    knn_search(vectors[:1], vectors, 10)
    watch = _Watch()
    for query in range(_QUERIES):
        knn_search(vectors[query : query + 1], vectors, 10)
    return watch.rate(_QUERIES)


def _sees_a_gpu() -> bool:
    """Whether a runtime that is installed sees one; PyTorch is asked if it is loaded already."""
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available():
        return True
    return "CUDAExecutionProvider" in onnxruntime.get_available_providers()


class _Watch:
    """Wall and processor time since it was made."""

    def __init__(self) -> None:
        self._wall, self._processor = time.perf_counter(), time.process_time()

    def rate(self, count: int) -> Rate:
        """Return items a second, as of one worker and of all."""
        wall = max(time.perf_counter() - self._wall, _SHORTEST)
        processor = time.process_time() - self._processor
        each = max(count, 1)
        return Rate(each / wall, each / wall, processor / each)


class _Workers:
    """Times a function of many items, by one worker on some of them and by all on all."""

    def __init__(self, workers: int) -> None:
        self._workers = workers

    def rate(self, function: Callable[[T], U], items: Sequence[T]) -> tuple[list[U], Rate]:
        some = items[:_BY_ONE]
        watch = _Watch()
        for item in some:
            function(item)
        one = watch.rate(len(some))
        with ThreadPoolExecutor(self._workers, thread_name_prefix="tamis-bench") as pool:
            watch = _Watch()
            found = list(pool.map(function, items))
            together = watch.rate(len(items))
        return found, Rate(one.one, together.all, one.processor)
