"""What an example that the user names is: a sample of the dataset, a file, or both."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tamis.dataset.columns import Column
from tamis.dataset.parts import BOX_COLUMNS
from tamis.dataset.presence import content_there
from tamis.dataset.samples import Kind
from tamis.errors import PictureError, UsageError
from tamis.images.box import Box
from tamis.sources.image_reference import ImageReference
from tamis.sources.place import Places

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tamis.dataset.samples import Samples

__all__ = ["Example", "find_example"]

_ID = re.compile(r"[0-9a-f]{32}")
_COLUMNS = ("sample_id", "path", "uri", "content_hash", "added_at")


@dataclass(frozen=True)
class Example:
    """A picture to look for.

    Attributes:
        file: where it lies, as a file, an archive's member or a video's frame.
        stored: the sample that shows what the file shows now; None if the dataset has none.
        samples: all samples at that place, which are no answers.
        notes: what to know of it.
        region: the part of the file that is meant; None for all of it.
        called: what to call it where its name tells nothing; None where it does.
    """

    file: str
    stored: str | None
    samples: Sequence[str]
    notes: Sequence[str] = field(default=())
    region: Box | None = None
    called: str | None = None


def find_example(samples: Samples, name: str) -> Example:  # noqa: PLR0911 - one case a return
    """Find what a name means: a sample id, an annotation's, a place, or a path of the dataset.

    A place with `#xywh=X,Y,WIDTH,HEIGHT` behind it is that part of the picture, and an annotation
    is the part where its object lies.

    A place counts, not its spelling (`tamis.sources.place`). A file that was replaced since
    it was added is no sample's picture any more. Reads the file to tell.

    Args:
        samples: the dataset's.
        name: as the user gave it.

    Raises:
        UsageError: it is the path of pictures in several places.
    """
    if any("\ud800" <= character <= "\udfff" for character in name):
        return Example(name, None, [])  # not UTF-8, which no sample's path can be
    if _ID.fullmatch(name):
        named = samples.of(kind=Kind.ALL).equal(Column.SAMPLE_ID, name)
        rows = named.table(*_COLUMNS).to_pylist()
        if rows:
            return Example(rows[0]["uri"] or rows[0]["path"], name, [name])
        annotated = _annotated(samples, name)
        if annotated is not None:
            return annotated
    whole = ImageReference.parse(name)
    part, picture = whole.part, str(whole.whole)
    place, rows = _at(samples, picture)
    if part is not None and rows:
        parts = _parts(samples, rows, part)
        if not parts:
            return Example(rows[-1]["uri"], None, [row["sample_id"] for row in rows], region=part)
        rows = parts
    if not rows:
        return Example(place or picture, None, [], region=part)
    file = rows[-1]["uri"] or picture
    ids = [row["sample_id"] for row in rows]
    try:
        content = content_there(file, name)
    except PictureError as error:
        note = f"{name} {error.reason}: what it showed when it was added was looked for"
        return Example(file, ids[-1], ids, [note], part)
    same = [row["sample_id"] for row in rows if row["content_hash"] == content]
    if same:
        return Example(file, same[-1], ids, region=part)
    note = f"{name} has changed since it was added: what it shows now was looked for"
    return Example(file, None, ids, [note], part)


def _annotated(samples: Samples, name: str) -> Example | None:
    """Return the part of a picture that an annotation is of; the whole if it has no place."""
    columns = ["sample_id", "layer", "label", "x", "y", "width", "height"]
    rows = samples.store.annotations(columns, f"annotation_id = '{name}'").to_pylist()
    if not rows:
        return None
    row = rows[0]
    picture = samples.rows([*_COLUMNS, "width", "height"], [row["sample_id"]]).to_pylist()[0]
    file, ids = picture["uri"] or picture["path"], [row["sample_id"]]
    called = f"{row['label'] or 'an object'} of {row['layer']} in {picture['path']}"
    if row["x"] is None:
        return Example(file, row["sample_id"], ids, called=called)
    x, y, width, height = (row[name] for name in ("x", "y", "width", "height"))
    around = Box.between(x, y, x + width, y + height)
    part = around.clipped(picture["width"], picture["height"])
    if part is None:
        return Example(file, row["sample_id"], ids, called=called)
    crops = _parts(samples, [picture], part)
    stored = crops[-1]["sample_id"] if crops else None
    return Example(file, stored, ids, region=part, called=called)


def _parts(samples: Samples, pictures: Sequence[dict[str, Any]], part: Box) -> list[dict[str, Any]]:
    """Return the samples that are this part of one of the pictures."""
    of = " OR ".join(f"parent_id = {_text(row['sample_id'])}" for row in pictures)
    columns = zip(BOX_COLUMNS, (part.x, part.y, part.width, part.height), strict=True)
    there = " AND ".join(f"{name} = {value}" for name, value in columns)
    parts = samples.of(kind=Kind.PARTS)
    if not parts.count():
        return []
    rows: list[dict[str, Any]] = parts.where(f"({of}) AND {there}").table(*_COLUMNS).to_pylist()
    return rows


def _at(samples: Samples, name: str) -> tuple[str | None, list[dict[str, Any]]]:
    """Return the place that a name means, if it is there, and the samples there, oldest first."""
    places = Places()
    place = places.of(name)
    spellings = {name, os.path.abspath(name), place}  # noqa: PTH100 - without following links
    ends = {Path(spelling).name for spelling in (name, place)}
    condition = " OR ".join(
        [f"path = {_text(name)}"]
        + [f"uri = {_text(spelling)}" for spelling in sorted(spellings)]
        + [f"ends_with(uri, {_text(end)})" for end in sorted(ends) if end]
    )
    rows = samples.of(condition).table(*_COLUMNS).to_pylist()
    rows.sort(key=lambda row: (row["added_at"] is not None, row["added_at"], row["sample_id"]))
    there = [row for row in rows if row["uri"] and places.of(row["uri"]) == place]
    if there:
        return place, there
    if Path(ImageReference.parse(place).file).exists():
        return place, []
    named = [row for row in rows if row["path"] == name]
    if len({row["uri"] for row in named}) > 1:
        uris = sorted(str(row["uri"]) for row in named)
        raise UsageError(
            f"{name!r} is the path of pictures in several places, such as {uris[0]} and {uris[1]}; "
            "name one by its absolute path or its sample id"
        )
    return None, named


def _text(value: str) -> str:
    quoted = value.replace("'", "''")
    return f"'{quoted}'"
