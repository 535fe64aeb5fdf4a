"""The one door to all export formats."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, get_args

import pyarrow.compute as pc

from tamis.dataset.annotation_layers import TRUTH
from tamis.dataset.presence import gone_ids
from tamis.dataset.samples import Samples
from tamis.errors import UsageError
from tamis.formats.exports.annotated import export_annotated
from tamis.formats.exports.destination import new_file
from tamis.formats.exports.folder import Link, export_folder
from tamis.formats.exports.layer_columns import with_layers
from tamis.formats.exports.manifest import write_csv, write_parquet
from tamis.formats.writers import WRITERS
from tamis.types import no_progress
from tamis.wording import meant

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tamis.dataset.store import Store
    from tamis.types import Failure, Progress

__all__ = ["FORMATS", "ExportReport", "export"]

FORMATS = ("folder", "csv", "parquet", *WRITERS)


@dataclass(frozen=True)
class ExportReport:
    """What an export did.

    Attributes:
        exported: rows that are in the result.
        failed: pictures that are not, each with its path and reason.
        path: the folder or file that was written.
        notes: sentences on what the user should know.
    """

    exported: int
    failed: tuple[Failure, ...]
    path: Path
    notes: tuple[str, ...] = ()


def export(
    store: Store,
    format: str,  # noqa: A002 - the word users know
    destination: Path | str,
    where: str | None = None,
    *,
    by: Sequence[str] = ("split",),
    link: Link = "copy",
    columns: Sequence[str] | None = None,
    layer: str | None = None,
    pictures: bool = True,
    overwrite: bool = False,
    manifests: Path | None = None,
    progress: Progress = no_progress,
) -> ExportReport:
    """Write the rows that fulfil `where` in one of `FORMATS`; the originals are only read.

    `folder` puts the pictures, archive members included, into `destination` with `manifest.csv`
    and `manifest.parquet`, whose first column `file` names each picture there. `csv` and
    `parquet` write the manifest alone: to `destination` where it ends in `.csv` or `.parquet`,
    else into that folder; with `layer` they write its annotations, a row each, as
    `annotations.csv` or `annotations.parquet`. All others write pictures and annotations as
    `tamis.formats.exports.annotated` says. The result appears whole or not at all. Time and memory
    grow with the exported rows; pictures are read one at a time.

    Args:
        store: the dataset, as of its snapshot.
        format: `folder`, `csv` or `parquet`.
        destination: a folder that is empty or does not exist, or a new file.
        where: an SQL condition on columns; all whole pictures if None. Parts of pictures are left
            out unless it names `kind`; a folder gets them cut out, as PNG.
        by: columns that make sub-folders of a `folder` export, outermost first; one that is
            empty on all rows is left out.
        link: `copy`, or `hardlink` or `symlink` to the originals, which then must not be edited
            in either place. Archive members are copied whatever it says.
        columns: columns of the manifest; if None all but thumbnails and vectors.
        layer: whose annotations; `truth` if None.
        pictures: whether pictures go along with annotations.
        overwrite: whether an earlier export at the same place may be replaced. A folder that holds
            anything else is refused even then.
        manifests: a folder above a `folder` export for its manifests; by default they lie in it.
        progress: told after each picture of a `folder` export.

    Raises:
        UsageError: an unknown format, link, column or layer, no matching row, or a destination in
            use.
        InputError: not one picture could be read.
        StorageError: the disk is full or refuses.
    """
    if format not in FORMATS:
        raise UsageError(f"no export format {format!r}; choose one of {', '.join(FORMATS)}")
    if link not in get_args(Link):
        raise UsageError(f"no kind of link {link!r}; choose one of {', '.join(get_args(Link))}")
    samples = Samples(store)
    chosen = samples.narrow_columns() if columns is None else list(columns)
    if not chosen:
        raise UsageError("an empty list of columns; name at least one, or none for the default")
    _check_columns(samples, [*chosen, *by])
    asked = samples.of(where)
    where = asked.condition
    if format in WRITERS and asked.having("kind").count():
        raise UsageError(
            "parts of pictures have no annotations of their own; export a folder, csv or parquet, "
            "or add  AND kind IS NULL  to the condition"
        )
    if asked.count() == 0:
        condition = "it is empty" if where is None else f"no row fulfills {where!r}"
        raise UsageError(f"nothing to export from {store.path}: {condition}")
    place = Path(destination)
    if _inside(place, Path(store.path)):
        raise UsageError(f"{place} lies in the dataset {store.path}; name a place outside it")
    if format == "folder":
        exported, failed = export_folder(
            store,
            place,
            where=where,
            by=by,
            link=link,
            columns=chosen,
            overwrite=overwrite,
            manifests=manifests,
            progress=progress,
        )
        return ExportReport(exported, tuple(failed), place)
    _check_layer(store, layer)
    if format in WRITERS:
        exported, failed, losses = export_annotated(
            store,
            format,
            place,
            where=where,
            layer=layer or TRUTH,
            link=link,
            pictures=pictures,
            overwrite=overwrite,
            progress=progress,
        )
        return ExportReport(exported, tuple(failed), place, losses)
    if layer is not None:
        return _export_layer(store, format, place, where, layer, overwrite=overwrite)
    file = place if place.suffix.lower() == f".{format}" else place / f"manifest.{format}"
    write = write_csv if format == "csv" else write_parquet
    with new_file(file, overwrite=overwrite) as draft:
        batches = partial(with_layers, store) if columns is None else store.batches
        exported = write(batches(chosen, where), draft)
    gone = gone_ids(store, where)
    notes = (
        (f"{len(gone)} of {exported} rows are of pictures that are gone or changed",)
        if gone
        else ()
    )
    return ExportReport(exported, (), file, notes)


def _export_layer(
    store: Store,
    format: str,  # noqa: A002 - as above
    place: Path,
    where: str | None,
    layer: str,
    *,
    overwrite: bool,
) -> ExportReport:
    """Write the annotations of a layer as a table, a row each with the path of its picture."""
    rows = store.read(["sample_id", "path"], where)
    table = store.annotations(None, f"layer = '{layer}'")
    at = pc.index_in(
        table.column("sample_id"), value_set=rows.column("sample_id").combine_chunks()
    ).combine_chunks()
    kept = table.filter(at.is_valid())
    paths = rows.column("path").take(at.drop_null())
    kept = kept.add_column(0, "path", paths)
    if not kept.num_rows:
        raise UsageError(f"the layer {layer!r} has no annotation of these pictures")
    file = place if place.suffix.lower() == f".{format}" else place / f"annotations.{format}"
    write = write_csv if format == "csv" else write_parquet
    with new_file(file, overwrite=overwrite) as draft:
        exported = write(kept.to_batches(), draft)
    return ExportReport(exported, (), file)


def _check_layer(store: Store, layer: str | None) -> None:
    if layer in (None, TRUTH):  # labels are classes of the truth, with or without rows in it
        return
    there = sorted(pc.unique(store.annotations(["layer"]).column("layer")).to_pylist())
    if layer not in there:
        known = f"there are {', '.join(there)}" if there else "the dataset has no annotations yet"
        raise UsageError(f"no layer {layer!r}; {known}")


def _check_columns(samples: Samples, names: Sequence[str]) -> None:
    for name in names:
        if not samples.has(name):
            raise UsageError(f"no column {name!r}; {meant(name, samples.store.columns())}")


def _inside(place: Path, folder: Path) -> bool:
    return place.resolve().is_relative_to(folder.resolve())
