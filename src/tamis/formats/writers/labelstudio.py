"""Write tasks of Label Studio, with the labeling setup that shows them."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote
from xml.sax.saxutils import quoteattr

import numpy as np

from tamis.algo.packed_runs import pack_mask
from tamis.algo.run_lengths import mask_of, read_counts
from tamis.formats.exports.annotated_picture import AnnotationFormat

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from tamis.formats.exports.annotated_picture import AnnotatedPicture, Exported

__all__ = ["LabelStudioWriter"]

_CONTROLS: Final = {
    "box": ("rectanglelabels", "RectangleLabels", "Label"),
    "rotated_box": ("rectanglelabels", "RectangleLabels", "Label"),
    "polygon": ("polygonlabels", "PolygonLabels", "Label"),
    "mask": ("brushlabels", "BrushLabels", "Label"),
    "keypoints": ("keypointlabels", "KeyPointLabels", "Label"),
    "classification": ("choices", "Choices", "Choice"),
    "caption": ("textarea", "TextArea", ""),
    "number": ("number", "Number", ""),
}
"""The type of result of each kind, and the tags of the setup."""

_DIGITS = 10


class LabelStudioWriter:
    """Writes `tasks.json` and `config.xml`, the labeling setup.

    What has a confidence is a prediction, all else an annotation. Pictures are named as local files
    below the export's folder. Keypoints go with a box, as `parentID`; a polygon of several rings
    becomes as many polygons. Memory: one picture's annotations.
    """

    def picture_place(self, picture: AnnotatedPicture) -> str:
        """See `AnnotationWriter`."""
        return "/".join(part for part in ("images", picture.subset, picture.name) if part)

    def write(self, folder: Path, exported: Exported) -> list[str]:
        """See `AnnotationWriter`."""
        whole: dict[str, set[str]] = {"classification": set(), "number": set()}
        with (folder / "tasks.json").open("w", encoding="utf-8") as stream:
            stream.write("[")
            for number, picture in enumerate(exported.annotated, start=1):
                for row in picture.rows:
                    if row["kind"] in whole and row["label"] is not None:
                        whole[row["kind"]].add(row["label"])
                task = _task(number, picture, self.picture_place(picture), exported)
                text = json.dumps(task, ensure_ascii=False, separators=(",", ":"))
                stream.write(("," if number > 1 else "") + "\n" + text)
            stream.write("\n]\n")
        names = {kind: sorted(labels) for kind, labels in whole.items()}
        (folder / "config.xml").write_text(_setup(exported, names), "utf-8")
        return ["tasks.json", "config.xml"]


def _task(number: int, picture: AnnotatedPicture, file: str, exported: Exported) -> dict[str, Any]:
    sure: list[Any] = []
    unsure: list[Any] = []
    for at, row in enumerate(picture.rows):
        results = _results(row, f"r{number}-{at}", picture, exported)
        if row.get("confidence") is None:
            sure += results
        else:
            unsure += ({**one, "score": row["confidence"]} for one in results)
    task: dict[str, Any] = {
        "id": number,
        "data": {"image": f"/data/local-files/?d={quote(file)}"},
        "annotations": [{"id": number, "result": sure}] if sure or not unsure else [],
        "predictions": [],
    }
    if unsure:
        score = sum(one["score"] for one in unsure) / len(unsure)
        told = {"model_version": exported.layer, "score": score, "result": unsure}
        task["predictions"].append(told)
    if picture.subset:
        task["data"]["split"] = picture.subset
    return task


def _results(
    row: Mapping[str, Any], name: str, picture: AnnotatedPicture, exported: Exported
) -> Iterator[dict[str, Any]]:
    kind = row["kind"]
    if row.get("crowd") or (row.get("label") is None and kind != "caption"):
        exported.losses.count("crowd" if row.get("crowd") else kind)
        return
    form = _CONTROLS[kind][0]
    common: dict[str, Any] = {
        "id": name,
        "type": form,
        "from_name": row["label"] if kind == "number" else kind,
        "to_name": "image",
        "original_width": picture.width,
        "original_height": picture.height,
        "image_rotation": 0,
    }
    if row.get("attributes"):
        common["meta"] = json.loads(row["attributes"])
    match kind:
        case "classification":
            yield common | {"value": {"choices": [row["label"]]}}
        case "caption":
            yield common | {"value": {"text": [row["text"]]}}
        case "number":
            yield common | {"value": {"number": row["value"]}}
        case "keypoints":
            yield from _keypoints(row, common, picture, exported)
        case "polygon":
            yield from _polygons(row, common, picture)
        case "mask":
            mask = mask_of(read_counts(row["mask"]), picture.width, picture.height)
            value = {"format": "rle", "rle": pack_mask(mask), form: [row["label"]]}
            yield common | {"value": value}
        case _:
            yield common | {"value": {**_rectangle(row, picture), form: [row["label"]]}}


def _polygons(
    row: Mapping[str, Any], common: dict[str, Any], picture: AnnotatedPicture
) -> Iterator[dict[str, Any]]:
    for at, ring in enumerate(row["polygon"]):
        shares = _shares(ring, picture)
        points = [shares[n : n + 2] for n in range(0, len(shares), 2)]
        value = {"points": points, "closed": True, common["type"]: [row["label"]]}
        yield common | {"id": f"{common['id']}-{at}" if at else common["id"], "value": value}


def _keypoints(
    row: Mapping[str, Any], common: dict[str, Any], picture: AnnotatedPicture, exported: Exported
) -> Iterator[dict[str, Any]]:
    """Yield the box of an object, and its points as parts of that."""
    if row.get("polygon") or row.get("mask"):
        exported.losses.count("keypoints", "written without outlines")
    around = {**_rectangle(row, picture), "rectanglelabels": [row["label"]]}
    yield common | {"type": "rectanglelabels", "from_name": "box", "value": around}
    points = row["keypoints"]
    for at in range(0, len(points), 3):
        if not points[at + 2]:
            continue
        if points[at + 2] == 1:
            exported.losses.count("hidden keypoint", "written as one that can be seen")
        x, y = _shares(points[at : at + 2], picture)
        value = {"x": x, "y": y, "width": 0.5, "keypointlabels": [_point(at // 3)]}
        yield {
            **{key: value for key, value in common.items() if key != "meta"},
            "id": f"{common['id']}-{at // 3 + 1}",
            "parentID": common["id"],
            "value": value,
        }


def _point(number: int) -> str:
    return f"point{number + 1}"


def _shares(numbers: Sequence[float], picture: AnnotatedPicture) -> list[float]:
    sides = picture.width, picture.height
    return [round(100 * number / sides[at % 2], _DIGITS) for at, number in enumerate(numbers)]


def _rectangle(row: Mapping[str, Any], picture: AnnotatedPicture) -> dict[str, float]:
    """Return a box in percent; a rotated one is turned clockwise about its first corner."""
    left, top, width, height, angle = row["x"], row["y"], row["width"], row["height"], 0.0
    if row["kind"] == "rotated_box":
        corners = np.array(row["polygon"][0]).reshape(4, 2)
        across, down = corners[1] - corners[0], corners[3] - corners[0]
        left, top = corners[0].tolist()
        width, height = float(np.hypot(*across)), float(np.hypot(*down))
        angle = math.degrees(math.atan2(across[1], across[0]))
    shares = _shares([left, top, width, height], picture)
    return dict(zip(("x", "y", "width", "height"), shares, strict=True)) | {
        "rotation": round(angle, _DIGITS)
    }


def _setup(exported: Exported, whole: Mapping[str, Sequence[str]]) -> str:
    """Return the labeling setup with a control for each kind.

    Args:
        exported: the export; its classes can be given to every shape.
        whole: classes of whole pictures and names of numbers, by kind.
    """
    lines = ["<View>", '  <Image name="image" value="$image" zoom="true"/>']
    kinds = {"box" if kind == "keypoints" else kind for kind in exported.kinds} | exported.kinds
    for kind, (_, tag, choice) in _CONTROLS.items():
        if kind not in kinds or kind == "number":
            continue
        head = f'<{tag} name={quoteattr(kind)} toName="image"'
        if kind == "caption":
            lines.append(f"  {head}/>")
            continue
        values = whole.get(kind, [*exported.classes])
        if kind == "keypoints":
            values = [_point(number) for number in range(exported.points)]
        lines.append(f"  {head}>")
        for number, value in enumerate(values):
            order = f' model_index="{number}"' if kind == "keypoints" else ""
            lines.append(f"    <{choice} value={quoteattr(value)}{order}/>")
        lines.append(f"  </{tag}>")
    if "number" in kinds:
        lines += [f'  <Number name={quoteattr(name)} toName="image"/>' for name in whole["number"]]
    return "\n".join([*lines, "</View>", ""])


FORMAT = AnnotationFormat(LabelStudioWriter)
