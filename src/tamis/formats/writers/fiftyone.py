"""Write a dataset folder of FiftyOne: pictures, `metadata.json` and `samples.json`."""

from __future__ import annotations

import base64
import io
import json
import math
import zlib
from typing import TYPE_CHECKING, Any

import numpy as np

from tamis.algo.run_lengths import mask_of, read_counts
from tamis.formats.exports.annotated_picture import AnnotationFormat

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from tamis.formats.exports.annotated_picture import AnnotatedPicture, Exported

__all__ = ["FiftyOneWriter"]

_DIGITS = 12


class FiftyOneWriter:
    """Writes what `Dataset.from_dir(…, dataset_type=FiftyOneDataset)` reads.

    Objects are the field `ground_truth`, or one of the layer's name: boxes and masks as
    detections. Outlines become `…_polylines`, keypoints `…_keypoints`, classes `…_classes` and
    captions `…_captions`; splits are tags. Memory: one picture's annotations.
    """

    def picture_place(self, picture: AnnotatedPicture) -> str:
        """See `AnnotationWriter`."""
        return f"data/{picture.name}"

    def write(self, folder: Path, exported: Exported) -> list[str]:
        """See `AnnotationWriter`."""
        # without a version FiftyOne takes the fields from the samples themselves
        metadata = {
            "name": "tamis",
            "media_type": "image",
            "info": {"classes": [*exported.classes]},
        }
        (folder / "metadata.json").write_text(json.dumps(metadata, ensure_ascii=False), "utf-8")
        field = "ground_truth" if exported.layer == "truth" else exported.layer
        with (folder / "samples.json").open("w", encoding="utf-8") as stream:
            stream.write('{"samples":[')
            for number, picture in enumerate(exported.annotated):
                sample = _sample(picture, field, exported)
                text = json.dumps(sample, ensure_ascii=False, separators=(",", ":"))
                stream.write(("," if number else "") + "\n" + text)
            stream.write("\n]}\n")
        return ["metadata.json", "samples.json"]


def _sample(picture: AnnotatedPicture, field: str, exported: Exported) -> dict[str, Any]:
    size = {"width": picture.width, "height": picture.height}
    sample: dict[str, Any] = {
        "filepath": f"data/{picture.name}",
        "tags": [picture.subset] if picture.subset else [],
        "metadata": {"_cls": "ImageMetadata", **size},
    }
    for row in picture.rows:
        for name, cls, members, label in _labels(row, picture, field, exported):
            group = sample.setdefault(name, {"_cls": cls, members: []})
            group[members].append(label)
    return sample


def _labels(
    row: Mapping[str, Any], picture: AnnotatedPicture, field: str, exported: Exported
) -> Iterator[tuple[str, str, str, dict[str, Any]]]:
    """Yield the field of each label, the class of the field, its list, and the label."""
    kind, losses = row["kind"], exported.losses
    if kind == "number":
        losses.count(kind)
        return
    # whatever else a label says is a field of it
    common: dict[str, Any] = json.loads(row["attributes"]) if row.get("attributes") else {}
    common |= {"label": row.get("label"), "tags": []}
    if row.get("confidence") is not None:
        common["confidence"] = row["confidence"]
    common |= {"iscrowd": 1} if row.get("crowd") else {}
    if kind == "caption":
        label = {"_cls": "Classification", **common, "label": row["text"]}
        yield f"{field}_captions", "Classifications", "classifications", label
        return
    if kind == "classification":
        yield (
            f"{field}_classes", "Classifications", "classifications",
            {"_cls": "Classification", **common},
        )  # fmt: skip
        return
    if kind == "keypoints":
        points = row["keypoints"]
        if row.get("polygon") or row.get("mask"):
            losses.count(kind, "written without outlines")
        label = {
            "_cls": "Keypoint",
            **common,
            "points": [
                [*_shares(points[at : at + 2], picture)] if points[at + 2] else [math.nan] * 2
                for at in range(0, len(points), 3)
            ],
            "visible": [int(points[at + 2]) for at in range(0, len(points), 3)],
            "bounding_box": _box(row, picture),
        }
        yield f"{field}_keypoints", "Keypoints", "keypoints", label
        return
    if rings := row.get("polygon"):
        label = {
            "_cls": "Polyline",
            **common,
            "points": [_pairs(ring, picture) for ring in rings],
            "closed": True,
            "filled": True,
        }
        label |= {"rotated": True} if kind == "rotated_box" else {}
        yield f"{field}_polylines", "Polylines", "polylines", label
        return
    label = {"_cls": "Detection", **common, "bounding_box": _box(row, picture)}
    if mask := row.get("mask"):
        masked = _masked(mask, picture)
        if masked.get("bounding_box", label["bounding_box"]) != label["bounding_box"]:
            losses.count(kind, "written with boxes that fit their masks")
        label |= masked
    yield field, "Detections", "detections", label


def _shares(numbers: Sequence[float], picture: AnnotatedPicture) -> list[float]:
    sides = picture.width, picture.height
    return [round(number / sides[at % 2], _DIGITS) for at, number in enumerate(numbers)]


def _box(row: Mapping[str, Any], picture: AnnotatedPicture) -> list[float]:
    return _shares([row["x"], row["y"], row["width"], row["height"]], picture)


def _pairs(ring: Sequence[float], picture: AnnotatedPicture) -> list[list[float]]:
    shares = _shares(ring, picture)
    return [shares[at : at + 2] for at in range(0, len(shares), 2)]


def _masked(text: str, picture: AnnotatedPicture) -> dict[str, Any]:
    """Return a mask as FiftyOne has it, cut out along whole pixels, with that as its box."""
    mask = mask_of(read_counts(text), picture.width, picture.height)
    rows, columns = np.nonzero(mask)
    if not len(rows):
        return {}
    left, top, right, bottom = columns.min(), rows.min(), columns.max() + 1, rows.max() + 1
    stream = io.BytesIO()
    np.save(stream, mask[top:bottom, left:right], allow_pickle=False)
    content = base64.b64encode(zlib.compress(stream.getvalue())).decode("ascii")
    edges = [float(left), float(top), float(right - left), float(bottom - top)]
    return {
        "bounding_box": _shares(edges, picture),
        "mask": {"$binary": {"base64": content, "subType": "00"}},
    }


FORMAT = AnnotationFormat(FiftyOneWriter)
