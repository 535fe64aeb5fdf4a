"""Export to a folder of pictures with a manifest beside them."""

from __future__ import annotations

import errno
import hashlib
import os
import posixpath
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import pyarrow as pa
from pyarrow import compute, parquet

from tamis.dataset.columns import Column
from tamis.dataset.parts import BOX_COLUMNS, Box, box_of
from tamis.dataset.presence import find_gone
from tamis.dataset.samples import Samples
from tamis.errors import InputError, PictureError, UsageError
from tamis.formats.exports.destination import new_folder
from tamis.formats.exports.manifest import write_csv, write_parquet
from tamis.formats.exports.names import distinct_names, folder_names, safe_name
from tamis.images.decode import decode
from tamis.sources.image_reference import ImageReference
from tamis.sources.objects.address import is_object_address
from tamis.sources.reading import read_content
from tamis.types import Failure, no_progress

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from PIL.Image import Image

    from tamis.dataset.presence import Gone
    from tamis.dataset.store import Store
    from tamis.types import Progress

__all__ = [
    "MANIFESTS",
    "CutOuts",
    "Link",
    "base_name",
    "check_replaceable",
    "export_folder",
    "place_picture",
    "plan_of",
    "verified_content",
]

Link: TypeAlias = Literal["copy", "hardlink", "symlink"]

MANIFESTS = ("manifest.csv", "manifest.parquet")


def export_folder(
    store: Store,
    folder: Path,
    *,
    where: str | None,
    by: Sequence[str],
    link: Link,
    columns: Sequence[str],
    overwrite: bool,
    manifests: Path | None = None,
    progress: Progress = no_progress,
) -> tuple[int, list[Failure]]:
    """Put the pictures of the rows into `folder` and list them in its manifests.

    With `manifests`, a folder above, these lie there instead and name the pictures from there.

    Returns:
        how many pictures were exported, and those that could not be, with their reasons.
    """
    read = ["sample_id", "path", "uri", "source", "content_hash", "bytes", *by]
    if Samples(store).has(Column.KIND):
        read += BOX_COLUMNS
    rows = store.read(list(dict.fromkeys(read)), where)
    if overwrite:
        check_replaceable(store, folder, manifests)
    prefix = "" if manifests is None else f"{folder.relative_to(manifests).as_posix()}/"
    names = _names(rows, by)
    # a copy is compared as it is read; a link's original has to be looked at
    gone = {} if link == "copy" else {one.sample_id: one for one in find_gone(store, where)}
    done: dict[str, str] = {}
    cut = CutOuts()
    failed: list[Failure] = []
    plan = plan_of(store, rows.to_pylist(), names, link, *columns)
    with new_folder(folder, overwrite=overwrite, plan=plan) as draft:
        for number, row in enumerate(rows.to_pylist()):
            target = draft / names[number]
            target.parent.mkdir(parents=True, exist_ok=True)
            try:
                place_picture(row, target, link, gone.get(row["sample_id"]), cut)
            except PictureError as error:
                failed.append(Failure(error.path, error.reason, row["source"]))
            else:
                done[row["sample_id"]] = prefix + names[number]
            progress(number + 1, rows.num_rows)
        if not done:
            raise InputError(
                f"none of the {rows.num_rows} pictures could be read; "
                f"the first: {failed[0].path}: {failed[0].reason}"
            )
        for manifest, write in zip(MANIFESTS, (write_csv, write_parquet), strict=True):
            write(_listed(store, where, columns, done), draft / manifest)
    if manifests is not None:
        for manifest in MANIFESTS:  # only now: a run killed before finds them where they are
            (folder / manifest).replace(manifests / manifest)
    return len(done), failed


def plan_of(
    store: Store, rows: Sequence[Mapping[str, Any]], names: Sequence[str | None], *options: str
) -> str:
    """Return what names an export to be made: the same only for the same files of the same content.

    Args:
        store: the dataset, whose snapshot counts.
        rows: the samples, with `sample_id`.
        names: where each goes.
        options: all else that decides what is written.
    """
    about = (str(store.path), store.snapshot, options)
    digest = hashlib.blake2b(repr(about).encode("utf-8", "backslashreplace"), digest_size=8)
    for row, name in zip(rows, names, strict=True):
        digest.update(f"{row['sample_id']} {name}\n".encode("utf-8", "backslashreplace"))
    return digest.hexdigest()


def _names(rows: pa.Table, by: Sequence[str]) -> list[str]:
    """Return each row's path in the folder, sub-folders by the columns of `by` first."""
    levels: list[list[str]] = []
    for column in by:
        values = rows.column(column).cast(pa.string()).to_pylist()
        if all(value is None for value in values):
            continue
        folders = folder_names(values, absent=f"no-{column}")
        levels.append([folders[value] for value in values])
    levels.append([safe_name(base_name(row["uri"], _part_of(row))) for row in rows.to_pylist()])
    wanted = ["/".join(parts) for parts in zip(*levels, strict=True)]
    return distinct_names(wanted, rows.column("sample_id").to_pylist(), reserved=MANIFESTS)


def _part_of(row: Mapping[str, Any]) -> Box | None:
    return box_of(row) if BOX_COLUMNS[0] in row else None


def base_name(uri: str, part: Box | None = None) -> str:
    """Return the last part of the uri, without the archive for a member at its root.

    >>> base_name("/data/cats.zip!1.jpg"), base_name("/data/line3.mp4!frame=12")
    ('1.jpg', 'line3-frame-000012.png')
    >>> base_name("/data/cat.jpg", Box(10, 20, 64, 48))
    'cat-at-10-20-64x48.png'
    """
    if part is not None:
        stem = posixpath.splitext(base_name(uri))[0]
        return f"{stem}-at-{part.x}-{part.y}-{part.width}x{part.height}.png"
    name = posixpath.basename(uri)
    place = ImageReference.spelled(name)
    if place.frame is not None:
        return f"{posixpath.splitext(place.file)[0]}-frame-{place.frame:06d}.png"
    return place.member or name


class CutOuts:
    """Cuts parts out of pictures; those of one picture that follow each other decode it once."""

    def __init__(self) -> None:
        self._of: tuple[str, Image] | None = None

    def write(self, row: Mapping[str, Any], part: Box, target: Path) -> None:
        """Write a part as PNG.

        Raises:
            PictureError: the picture is unreadable, or not what was added to the dataset.
        """
        uri, path = str(row["uri"]), str(row["path"])
        if self._of is None or self._of[0] != uri:
            content, identity = read_content(uri, path)
            if identity != row["content_hash"]:
                raise PictureError(path, _CHANGED)
            self._of = uri, decode(content, path).image
        with _whole(target) as draft:
            self._of[1].crop(part.corners).save(draft, "PNG")


def place_picture(
    row: Mapping[str, Any], target: Path, link: Link, gone: Gone | None, cut: CutOuts
) -> None:
    """Copy or link one original; archive members and parts are always written out.

    A file that is there already was put there by an earlier run, whole.

    Raises:
        PictureError: the original is gone, unreadable, or not what was added to the dataset.
    """
    path, uri = str(row["path"]), str(row["uri"])
    if gone is not None:
        raise PictureError(path, gone.reason)
    if os.path.lexists(target):
        return
    part = _part_of(row)
    if part is not None:
        cut.write(row, part, target)
        return
    if link != "copy" and Path(uri).is_file():
        if link == "symlink":
            target.symlink_to(uri)
        else:
            _hard_link(uri, target)
        return
    content = verified_content(row)
    with _whole(target) as draft:
        draft.write_bytes(content)


@contextmanager
def _whole(target: Path) -> Iterator[Path]:
    """Yield a name beside `target`, which appears only once all is written."""
    draft = target.with_name(".being-written")
    yield draft
    draft.replace(target)


def verified_content(row: Mapping[str, Any]) -> bytes:
    """Return a picture's file, of a video frame a PNG.

    Raises:
        PictureError: it is unreadable, or not what was added to the dataset.
    """
    path = str(row["path"])
    content, identity = read_content(str(row["uri"]), path)
    if identity != row["content_hash"]:
        raise PictureError(path, _CHANGED)
    return content


_CHANGED = "it has changed since it was added; add it again"


def _hard_link(original: str, target: Path) -> None:
    try:
        os.link(original, target)
    except OSError as error:
        if error.errno in {errno.EXDEV, errno.EPERM, errno.EOPNOTSUPP, errno.EMLINK}:
            raise UsageError(
                f"{original} cannot be hard-linked into {target.parent.parent} "
                f"({error.strerror}); export with link 'copy' or 'symlink'"
            ) from error
        raise


def _listed(
    store: Store, where: str | None, columns: Sequence[str], names: Mapping[str, str]
) -> Iterator[pa.RecordBatch]:
    """Yield the exported rows with their `file` in front."""
    read = list(columns) if "sample_id" in columns else [*columns, "sample_id"]
    for batch in store.batches(read, where):
        files = pa.array([names.get(i) for i in batch.column("sample_id").to_pylist()], pa.string())
        with_files = pa.RecordBatch.from_arrays(
            [files, *(batch.column(name) for name in columns)], names=["file", *columns]
        )
        kept = with_files.filter(compute.is_valid(files))
        if kept.num_rows:
            yield kept


def check_replaceable(store: Store, folder: Path, manifests: Path | None = None) -> None:
    """Refuse to replace a folder that holds anything but an earlier export's files.

    Raises:
        UsageError: a file there is in no manifest of ours, or is an original of the dataset.
    """
    if not folder.is_dir() or not any(folder.iterdir()):
        return
    listed = _earlier_names(folder, folder)
    if manifests is not None:
        listed |= _earlier_names(manifests, folder)
    if not listed:
        raise UsageError(
            f"{folder} is not an earlier export (it has no {MANIFESTS[1]}); "
            "nothing there is replaced, name another folder"
        )
    ours = {*MANIFESTS, *listed}
    for place, _, files in os.walk(folder):
        for name in files:
            file = Path(place, name)
            if file.relative_to(folder).as_posix() not in ours:
                raise UsageError(
                    f"{file} was not written by the earlier export; nothing there is replaced, "
                    "move it away or name another folder"
                )
    real = Path(os.path.realpath(folder))
    for batch in store.batches(["uri"]):
        for uri in batch.column("uri").to_pylist():
            if _lies_in(real, uri):
                raise UsageError(
                    f"{folder} holds {uri}, an original of this dataset; name another folder"
                )


def _lies_in(real: Path, uri: str) -> bool:
    if is_object_address(uri):
        return False
    return Path(os.path.realpath(posixpath.dirname(uri))).is_relative_to(real)


def _earlier_names(place: Path, folder: Path) -> set[str]:
    """Return the names in `folder` that the manifest at `place` lists."""
    manifest = place / MANIFESTS[1]
    if not manifest.is_file():
        return set()
    with manifest.open("rb") as stream:  # of a path with a colon Arrow would make a web address
        if "file" not in parquet.read_schema(stream).names:
            return set()
        stream.seek(0)
        files = parquet.read_table(stream, columns=["file"]).column("file").to_pylist()
    # the manifest names them from its own place, or was on its way there from the folder
    return {file.removeprefix(f"{folder.name}/") for file in files} | set(files)
