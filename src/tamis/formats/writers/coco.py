"""Write COCO: pictures, and for each split a file of instances and one of captions."""

from __future__ import annotations

import json
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from tamis.algo.run_lengths import read_counts
from tamis.formats.exports.annotated_picture import AnnotationFormat

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path
    from typing import IO

    from tamis.formats.exports.annotated_picture import AnnotatedPicture, Exported

__all__ = ["CocoWriter"]


class CocoWriter:
    """Writes `annotations/instances_SPLIT.json`, and `captions_SPLIT.json` if there are captions.

    Categories keep the ids of the COCO file that they came from, if they all came from one; images
    and annotations are numbered anew. Memory: one picture's annotations at a time.
    """

    def picture_place(self, picture: AnnotatedPicture) -> str:
        """See `AnnotationWriter`."""
        return "/".join(part for part in ("images", picture.subset, picture.name) if part)

    def write(self, folder: Path, exported: Exported) -> list[str]:
        """See `AnnotationWriter`."""
        (folder / "annotations").mkdir(exist_ok=True)
        names = ["instances", *(["captions"] if "caption" in exported.kinds else [])]
        files: list[str] = []
        with ExitStack() as stack:
            open_files: dict[tuple[str, str], _File] = {}
            for subset in exported.subsets:
                pictures = [one for one in exported.pictures if one.subset == subset]
                for name in names:
                    file = f"annotations/{name}{'_' if subset else ''}{subset}.json"
                    files.append(file)
                    stream = stack.enter_context((folder / file).open("w", encoding="utf-8"))
                    classes = exported.classes if name == "instances" else {}
                    open_files[name, subset] = _File(
                        stream, pictures, _categories(exported, classes)
                    )
            for picture in exported.annotated:
                for row in picture.rows:
                    entry = _entry(row, exported, picture)
                    if entry is not None:
                        name = "captions" if "caption" in entry else "instances"
                        open_files[name, picture.subset].add(picture.name, entry)
            for one in open_files.values():
                one.end()
        return files


class _File:
    """One file on the way: pictures and categories are there, annotations follow one by one."""

    def __init__(
        self, stream: IO[str], pictures: Sequence[AnnotatedPicture], categories: list[Any]
    ) -> None:
        self._stream = stream
        self._numbers = {one.name: number for number, one in enumerate(pictures, start=1)}
        self._count = 0
        images = [
            {"id": number, "file_name": one.name, "width": one.width, "height": one.height}
            for number, one in enumerate(pictures, start=1)
        ]
        head = f'"images":{_text(images)},"categories":{_text(categories)}'
        stream.write(f'{{{head},"annotations":[')

    def add(self, name: str, entry: dict[str, Any]) -> None:
        """Write one annotation of a picture."""
        self._count += 1
        entry = {"id": self._count, "image_id": self._numbers[name], **entry}
        self._stream.write(("," if self._count > 1 else "") + "\n" + _text(entry))

    def end(self) -> None:
        """Close what is open."""
        self._stream.write("]}\n")


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _categories(exported: Exported, classes: Mapping[str, int]) -> list[dict[str, Any]]:
    return [
        {"id": number, "name": name}
        | (
            {"keypoints": [f"point{at + 1}" for at in range(exported.points)], "skeleton": []}
            if exported.points
            else {}
        )
        for name, number in classes.items()
    ]


def _entry(
    row: Mapping[str, Any], exported: Exported, picture: AnnotatedPicture
) -> dict[str, Any] | None:
    kind = row["kind"]
    if kind == "caption":
        return {"caption": row["text"]}
    if kind in ("classification", "number") or row.get("label") is None:
        exported.losses.count(kind)
        return None
    if kind == "rotated_box":
        exported.losses.count(kind, "written as outlines of four points")
    entry: dict[str, Any] = {
        "category_id": exported.classes[row["label"]],
        "bbox": [row["x"], row["y"], row["width"], row["height"]],
        "area": row["width"] * row["height"],
        "iscrowd": int(bool(row.get("crowd"))),
    }
    if mask := row.get("mask"):
        entry["segmentation"] = {"size": [picture.height, picture.width], "counts": mask}
        entry["area"] = sum(read_counts(mask)[1::2])
    elif rings := row.get("polygon"):
        entry["segmentation"] = rings
        entry["area"] = sum(map(_area, rings))
    if points := row.get("keypoints"):
        entry["keypoints"] = points
        entry["num_keypoints"] = sum(1 for visible in points[2::3] if visible)
    if row.get("confidence") is not None:
        entry["score"] = row["confidence"]
    if row.get("attributes"):
        entry["attributes"] = json.loads(row["attributes"])
    return entry


def _area(ring: Sequence[float]) -> float:
    """Return the area of a ring.

    >>> _area([0, 0, 4, 0, 4, 3])
    6.0
    """
    x, y = ring[::2], ring[1::2]
    return abs(sum(x[at - 1] * y[at] - x[at] * y[at - 1] for at in range(len(x)))) / 2


FORMAT = AnnotationFormat(CocoWriter)
