"""Export pictures with the annotations of a layer in the format of another tool."""

from __future__ import annotations

import json
import posixpath
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import parquet

from tamis.dataset.annotation_columns import ANNOTATIONS
from tamis.dataset.annotation_layers import TRUTH
from tamis.dataset.presence import find_gone
from tamis.errors import InputError, PictureError
from tamis.formats.exports.annotated_picture import (
    AnnotatedPicture,
    AnnotationWriter,
    Exported,
    Losses,
    class_numbers,
)
from tamis.formats.exports.coco import CocoWriter
from tamis.formats.exports.cvat import CvatWriter
from tamis.formats.exports.destination import new_folder
from tamis.formats.exports.folder import (
    MANIFESTS,
    CutOuts,
    base_name,
    check_replaceable,
    place_picture,
)
from tamis.formats.exports.labelme import LabelMeWriter
from tamis.formats.exports.names import distinct_names, folder_names, safe_name
from tamis.formats.exports.voc import VocWriter
from tamis.formats.exports.yolo import YoloWriter
from tamis.types import Failure, no_progress

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from tamis.dataset.store import Store
    from tamis.formats.exports.folder import Link
    from tamis.types import Progress

__all__ = ["WRITERS", "export_annotated"]

WRITERS: Final[Mapping[str, type[AnnotationWriter]]] = {
    "coco": CocoWriter,
    "yolo": YoloWriter,
    "voc": VocWriter,
    "cvat": CvatWriter,
    "labelme": LabelMeWriter,
}

_ROWS_AT_ONCE = 1 << 14
_NOT_READ = ("annotation_id", "layer", "author", "time")
_READ = [name for name in ANNOTATIONS.names if name not in _NOT_READ]


def export_annotated(
    store: Store,
    format_name: str,
    folder: Path,
    *,
    where: str | None,
    layer: str,
    link: Link,
    pictures: bool,
    overwrite: bool,
    progress: Progress = no_progress,
) -> tuple[int, list[Failure], tuple[str, ...]]:
    """Write pictures and a layer of annotations.

    Beside them lies `manifest.parquet`, which lists each file that was written.

    Args:
        store: the dataset.
        format_name: one of `WRITERS`.
        folder: a folder that is empty or does not exist.
        where: which pictures.
        layer: whose annotations.
        link: how pictures get there.
        pictures: whether they do; if not, annotations alone are written.
        overwrite: whether an earlier export may be replaced.
        progress: told after each picture.

    Returns:
        how many pictures are in the result, those that are not, and what the format cannot hold.

    Raises:
        InputError: not one picture could be read.
        UsageError: the folder is in use.
    """
    columns = ["sample_id", "path", "uri", "source", "content_hash", "width", "height", "label"]
    rows = store.read([*columns, "split"], where).to_pylist()
    if overwrite:
        check_replaceable(store, folder)
    writer = WRITERS[format_name]()
    named = _named(rows)
    gone = {}
    if pictures and link != "copy":
        gone = {one.sample_id: one for one in find_gone(store, where)}
    failed: list[Failure] = []
    files: dict[str, str] = {}
    cut = CutOuts()
    with new_folder(folder, overwrite=overwrite) as draft:
        for done, (row, picture) in enumerate(zip(rows, named, strict=True), start=1):
            file = writer.picture_place(picture)
            if pictures:
                target = draft / file
                target.parent.mkdir(parents=True, exist_ok=True)
                try:
                    place_picture(row, target, link, gone.get(row["sample_id"]), cut)
                except PictureError as error:
                    failed.append(Failure(error.path, error.reason, row["source"]))
                    continue
            files[row["sample_id"]] = file
            progress(done, len(rows))
        if not files:
            raise InputError(
                f"none of the {len(rows)} pictures could be read; the first: {failed[0].path}: "
                f"{failed[0].reason}"
            )
        both = zip(rows, named, strict=True)
        here = [(row, picture) for row, picture in both if row["sample_id"] in files]
        exported = _exported(store, here, layer)
        written = writer.write(draft, exported)
        _write_manifest(draft, files, written)
    return len(files), failed, exported.losses.sentences(format_name)


def _named(rows: Sequence[Mapping[str, Any]]) -> list[AnnotatedPicture]:
    """Return the pictures with names whose stems differ, for a format may name files by them."""
    splits = [row["split"] for row in rows]
    folders = folder_names(splits, absent="no-split") if any(splits) else dict.fromkeys(splits, "")
    bases = [posixpath.splitext(safe_name(base_name(row["uri"]))) for row in rows]
    stems = distinct_names([stem for stem, _ in bases], [row["sample_id"] for row in rows])
    return [
        AnnotatedPicture(f"{stem}{suffix}", folders[row["split"]], row["width"], row["height"])
        for row, stem, (_, suffix) in zip(rows, stems, bases, strict=True)
    ]


def _exported(
    store: Store, here: Sequence[tuple[Mapping[str, Any], AnnotatedPicture]], layer: str
) -> Exported:
    ids = pa.array([row["sample_id"] for row, _ in here], pa.string())
    table = store.annotations(_READ, f"layer = '{layer}'")
    at = pc.index_in(table.column("sample_id"), value_set=ids).combine_chunks()
    table = table.append_column("at", at).filter(at.is_valid())
    if layer == TRUTH:
        table = _with_labels(table, here)
    table = table.take(pa.array(np.argsort(table.column("at").to_numpy(), kind="stable")))
    placed = table.filter(table.column("label").is_valid())
    known = _source_numbers(placed)
    points = pc.max(pc.list_value_length(table.column("keypoints"))).as_py() or 0
    return Exported(
        subsets=sorted({picture.subset for _, picture in here}),
        classes=class_numbers(pc.unique(placed.column("label")).to_pylist(), known, 1),
        kinds=frozenset(pc.unique(table.column("kind")).to_pylist()),
        points=points // 3,
        pictures=[picture for _, picture in here],
        annotated=_annotated(table, [picture for _, picture in here]),
        losses=Losses(),
    )


def _with_labels(
    table: pa.Table, here: Sequence[tuple[Mapping[str, Any], AnnotatedPicture]]
) -> pa.Table:
    """Add the classes of pictures that have one in `label` alone."""
    classed = table.filter(pc.equal(table.column("kind"), "classification"))
    known = set(classed.column("at").to_pylist())
    at = [n for n, (row, _) in enumerate(here) if row["label"] is not None and n not in known]
    rows = pa.table(
        {
            "at": pa.array(at, pa.int32()),
            "kind": pa.array(["classification"] * len(at), pa.string()),
            "label": pa.array([here[n][0]["label"] for n in at], pa.string()),
        }
    )
    return pa.concat_tables([table, rows], promote_options="permissive")


def _source_numbers(table: pa.Table) -> dict[str, Any]:
    """Return the number that the source gave each class, where it gave one, from its first row."""
    labels = table.column("label").combine_chunks()
    first = np.unique(labels.dictionary_encode().indices.to_numpy(), return_index=True)[1]
    chosen = table.select(["label", "source"]).take(pa.array(np.sort(first)))
    return {
        row["label"]: json.loads(row["source"]).get("category_id")
        for row in chosen.to_pylist()
        if row["source"]
    }


def _annotated(table: pa.Table, pictures: Sequence[AnnotatedPicture]) -> Iterator[AnnotatedPicture]:
    """Yield each picture with its rows, which the table has picture by picture."""
    used = [
        name
        for name in _READ
        if name not in ("sample_id", "source") and table.column(name).null_count < len(table)
    ]
    used += [] if "kind" in used else ["kind"]
    bounds = np.searchsorted(table.column("at").to_numpy(), np.arange(len(pictures) + 1))
    narrow = table.select(used)
    start = 0
    rows: list[dict[str, Any]] = []
    for number, picture in enumerate(pictures):
        first, last = int(bounds[number]), int(bounds[number + 1])
        if last > start + len(rows):
            start = first
            rows = narrow.slice(first, max(_ROWS_AT_ONCE, last - first)).to_pylist()
        yield replace(picture, rows=rows[first - start : last - start])


def _write_manifest(folder: Path, pictures: Mapping[str, str], written: Sequence[str]) -> None:
    """List the files, so that a later export may replace them and an import knows the pictures."""
    names = [*pictures.values(), *written]
    ids = [*pictures, *(None for _ in written)]
    table = pa.table(
        {"file": pa.array(names, pa.string()), "sample_id": pa.array(ids, pa.string())}
    )
    with (folder / MANIFESTS[1]).open("wb") as stream:
        parquet.write_table(table, stream)
