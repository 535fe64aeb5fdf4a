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
from tamis.errors import InputError, PictureError, UsageError
from tamis.formats.exports.annotated_picture import (
    AnnotatedPicture,
    Exported,
    Losses,
    class_numbers,
)
from tamis.formats.exports.destination import new_folder
from tamis.formats.exports.folder import (
    MANIFESTS,
    CutOuts,
    base_name,
    check_replaceable,
    place_picture,
    plan_of,
    verified_content,
)
from tamis.formats.exports.names import distinct_names, folder_names, safe_name
from tamis.formats.writers import WRITERS, format_named
from tamis.types import Failure, no_progress

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from tamis.dataset.presence import Gone
    from tamis.dataset.store import Store
    from tamis.formats.exports.folder import Link
    from tamis.types import Progress

__all__ = ["PACKED", "WRITERS", "export_annotated"]

PACKED: Final = frozenset(name for name in WRITERS if format_named(name).packs_pictures)
"""Formats whose files hold the pictures themselves."""

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
        UsageError: the folder is in use, not one picture has what the format is of, or an option
            does not go with the format.
    """
    columns = ["sample_id", "path", "uri", "source", "content_hash", "width", "height", "label"]
    rows = store.read([*columns, "split"], where).to_pylist()
    if overwrite:
        check_replaceable(store, folder)
    how = format_named(format_name)
    if not pictures and (how.packs_pictures or how.is_folders):
        raise UsageError(f"{format_name} is not written without the pictures: leave them in")
    if how.packs_pictures and link != "copy":
        raise UsageError(f"{format_name} has the pictures inside its files: they have to be copied")
    writer = how.writer()
    table = _annotations(store, rows, layer)
    labels = {row["sample_id"]: row["label"] for row in rows} if layer == TRUTH else _labels(table)
    named = _named(rows, labels, dots=how.dots_in_names)
    losses = Losses()
    placing = _Pictures(rows, link, inside=how.packs_pictures)
    if pictures and link != "copy":
        placing.gone = {one.sample_id: one for one in find_gone(store, where)}
    files: dict[str, str] = {}
    unplaced: list[str] = []
    places = [writer.picture_place(picture) for picture in named]
    plan = plan_of(store, rows, places, format_name, layer, link, str(pictures))
    with new_folder(folder, overwrite=overwrite, plan=plan) as draft:
        for done, (picture, file) in enumerate(zip(named, places, strict=True), start=1):
            if file is None:
                losses.count("picture", "left out, without a class")
                unplaced.append(picture.sample_id)
            elif not pictures or placing.place(picture, draft / file):
                files[picture.sample_id] = file
            progress(done, len(rows))
        _count_unplaced(table, unplaced, losses)
        here = [picture for picture in named if picture.sample_id in files]
        written = writer.write(draft, _exported(table, here, layer, placing.content, losses))
        failed = placing.failed
        files = {name: file for name, file in files.items() if name not in failed}
        if not files:
            raise _nothing(len(rows), [*failed.values()], layer)
        _write_manifest(draft, files, written)
    return len(files), list(failed.values()), losses.sentences(format_name)


def _count_unplaced(table: pa.Table, sample_ids: Sequence[str], losses: Losses) -> None:
    """Count the annotations of pictures that the format has no place for."""
    of_them = pc.is_in(table.column("sample_id"), value_set=pa.array(sample_ids, pa.string()))
    for kind in table.filter(of_them).column("kind").to_pylist():
        losses.count(kind)


def _nothing(count: int, failed: Sequence[Failure], layer: str) -> InputError | UsageError:
    if not failed:
        return UsageError(
            f"none of the {count} pictures has a class in {layer}; name another layer"
        )
    first = failed[0]
    return InputError(
        f"none of the {count} pictures could be read; the first: {first.path}: {first.reason}"
    )


class _Pictures:
    """Puts pictures where they go, or reads them for files that they are inside of.

    Args:
        rows: the samples.
        link: how they get there.
        inside: whether a file of the format has them inside, and none lies beside it.

    Attributes:
        gone: samples whose originals are gone.
        failed: samples whose pictures could not be had, and why.
    """

    def __init__(self, rows: Sequence[dict[str, Any]], link: Link, *, inside: bool) -> None:
        self._rows = {row["sample_id"]: row for row in rows}
        self._link = link
        self._inside = inside
        self._cut = CutOuts()
        self.gone: dict[str, Gone] = {}
        self.failed: dict[str, Failure] = {}

    def place(self, picture: AnnotatedPicture, target: Path) -> bool:
        """Put a picture there, unless it goes inside a file; tell whether it could be had."""
        if self._inside:
            return True
        row, gone = self._rows[picture.sample_id], self.gone.get(picture.sample_id)
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            place_picture(row, target, self._link, gone, self._cut)
        except PictureError as error:
            self.failed[picture.sample_id] = Failure(error.path, error.reason, row["source"])
            return False
        return True

    def content(self, picture: AnnotatedPicture) -> bytes | None:
        """Return a picture's file; None if it cannot be had."""
        row = self._rows[picture.sample_id]
        try:
            return verified_content(row)
        except PictureError as error:
            self.failed[picture.sample_id] = Failure(error.path, error.reason, row["source"])
            return None


def _named(
    rows: Sequence[Mapping[str, Any]], labels: Mapping[str, str | None], *, dots: bool
) -> list[AnnotatedPicture]:
    """Return the pictures with names whose stems differ, for a format may name files by them.

    Args:
        rows: the samples.
        labels: their classes.
        dots: whether a stem may have some.
    """
    splits = [row["split"] for row in rows]
    folders = folder_names(splits, absent="no-split") if any(splits) else dict.fromkeys(splits, "")
    bases = [posixpath.splitext(safe_name(base_name(row["uri"]))) for row in rows]
    wanted = [stem if dots else stem.replace(".", "_") for stem, _ in bases]
    stems = distinct_names(wanted, [row["sample_id"] for row in rows])
    return [
        AnnotatedPicture(
            row["sample_id"],
            f"{stem}{suffix}",
            folders[row["split"]],
            row["width"],
            row["height"],
            labels.get(row["sample_id"]),
        )
        for row, stem, (_, suffix) in zip(rows, stems, bases, strict=True)
    ]


def _labels(table: pa.Table) -> dict[str, str]:
    """Return the likeliest class of each picture that has any, of equal ones the first."""
    classes = table.filter(pc.equal(table.column("kind"), "classification"))
    best: dict[str, tuple[float, str]] = {}
    chosen = classes.select(["sample_id", "label", "confidence"])
    for row in chosen.to_pylist():
        score = 1.0 if row["confidence"] is None else row["confidence"]
        if row["sample_id"] not in best or score > best[row["sample_id"]][0]:
            best[row["sample_id"]] = score, row["label"]
    return {name: label for name, (_, label) in best.items()}


def _annotations(store: Store, rows: Sequence[Mapping[str, Any]], layer: str) -> pa.Table:
    """Return a layer's annotations of these samples."""
    ids = pa.array([row["sample_id"] for row in rows], pa.string())
    table = store.annotations(_READ, f"layer = '{layer}'")
    asked = pc.is_in(table.column("sample_id"), value_set=ids)
    if not pc.all(asked).as_py():
        table = table.filter(asked)
    return _with_labels(table, rows) if layer == TRUTH else table


def _exported(
    table: pa.Table,
    here: Sequence[AnnotatedPicture],
    layer: str,
    content: Callable[[AnnotatedPicture], bytes | None],
    losses: Losses,
) -> Exported:
    ids = pa.array([picture.sample_id for picture in here], pa.string())
    of_picture = pc.fill_null(pc.index_in(table.column("sample_id"), value_set=ids), -1).to_numpy()
    kept = np.flatnonzero(of_picture >= 0)
    if len(kept) < table.num_rows:  # of pictures that could not be placed
        table, of_picture = table.take(pa.array(kept)), of_picture[kept]
    order = np.argsort(of_picture, kind="stable")
    bounds = np.searchsorted(of_picture[order], np.arange(len(here) + 1)).tolist()
    placed = table.select(["label", "source"]).filter(table.column("label").is_valid())
    known = _source_numbers(placed)
    points = pc.max(pc.list_value_length(table.column("keypoints"))).as_py() or 0
    classes = table.filter(pc.equal(table.column("kind"), "classification"))
    distinct = pc.count_distinct(classes.column("sample_id")).as_py()
    doubtful = len(classes) - classes.column("confidence").null_count
    return Exported(
        layer=layer,
        subsets=sorted({picture.subset for picture in here}),
        classes=class_numbers(pc.unique(placed.column("label")).to_pylist(), known, 1),
        kinds=frozenset(pc.unique(table.column("kind")).to_pylist()),
        columns=frozenset(name for name in _READ if table.column(name).null_count < table.num_rows),
        one_class=distinct == len(classes) and not doubtful,
        points=points // 3,
        pictures=here,
        annotated=_annotated(table, order, bounds, here),
        content=content,
        losses=losses,
    )


def _with_labels(table: pa.Table, rows: Sequence[Mapping[str, Any]]) -> pa.Table:
    """Add the classes of parts of pictures, which have them in `label` alone."""
    classed = table.filter(pc.equal(table.column("kind"), "classification"))
    known = set(classed.column("sample_id").to_pylist())
    bare = [row for row in rows if row["label"] is not None and row["sample_id"] not in known]
    added = pa.table(
        {
            "sample_id": pa.array([row["sample_id"] for row in bare], pa.string()),
            "kind": pa.array(["classification"] * len(bare), pa.string()),
            "label": pa.array([row["label"] for row in bare], pa.string()),
        }
    )
    return pa.concat_tables([table, added], promote_options="permissive")


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


def _annotated(
    table: pa.Table,
    order: NDArray[np.int64],
    bounds: Sequence[int],
    here: Sequence[AnnotatedPicture],
) -> Iterator[AnnotatedPicture]:
    """Yield each picture with its rows.

    Args:
        table: annotations in any order; it is not copied, for it may be large.
        order: their places, picture by picture.
        bounds: where in `order` each picture begins.
        here: the pictures.
    """
    used = [
        name
        for name in _READ
        if name not in ("sample_id", "source") and table.column(name).null_count < len(table)
    ]
    used += [] if "kind" in used else ["kind"]
    narrow = table.select(used)
    start = 0
    rows: list[dict[str, Any]] = []
    for number, picture in enumerate(here):
        first, last = bounds[number], bounds[number + 1]
        if last > start + len(rows):
            start = first
            chosen = order[first : max(first + _ROWS_AT_ONCE, last)]
            rows = narrow.take(pa.array(chosen)).to_pylist()
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
