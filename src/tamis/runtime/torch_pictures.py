"""Pictures and annotations as a PyTorch `Dataset`."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import torch
from torch.utils.data import Dataset

from tamis.algo.polygon_mask import polygon_mask
from tamis.algo.run_lengths import mask_of, read_counts
from tamis.dataset.annotation_layers import TRUTH
from tamis.dataset.columns import equal
from tamis.dataset.conditions import all_of
from tamis.dataset.parts import BOX_COLUMNS, box_of
from tamis.dataset.presence import find_gone
from tamis.errors import UsageError
from tamis.formats.exports.folder import verified_content
from tamis.images.decode import decode
from tamis.types import Failure

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tamis.dataset.store import Store
    from tamis.runtime.workspace import Workspace

__all__ = ["Target", "TorchPictures"]

Target: TypeAlias = Literal["objects", "label"]

_READ = ("sample_id", "path", "uri", "source", "content_hash", "width", "height", "label")
_OF_OBJECTS = ("sample_id", "label", "x", "y", "width", "height", "crowd")
_SHAPES = ("polygon", "mask", "keypoints")


class TorchPictures(Dataset):  # type: ignore[misc]  # mypy does not look into torch
    """Pictures, each with its annotations, in the order of their paths.

    An item is a picture and its target. The picture is an upright RGB image of Pillow, which
    `transforms` may turn into whatever a model takes. With `objects` the target is a dict as
    torchvision's detectors take it: `boxes` `[N, 4]` float32 as left, top, right, bottom in pixels,
    `labels` `[N]` int64 from 1 on, `image_id`, `area` and `iscrowd`; `masks` `[N, H, W]` uint8 if
    the layer has outlines or masks, `keypoints` `[N, K, 3]` float32 if it has some. With `label`
    it is the class of the picture, a number from 0 on. Where torchvision is installed, boxes and
    masks are its `tv_tensors`, which its transforms turn along.

    It can be sent to workers, which read no Lance: that Lance warns where a worker is forked means
    nothing here, and `multiprocessing_context="forkserver"` spares it. Memory: some 100 bytes an
    object, and what outlines and masks take.

    Args:
        workspace: the dataset.
        split: only pictures of this split.
        where: only pictures that meet this condition.
        layer: whose annotations.
        target: what goes with a picture.
        classes: the classes in the order of their numbers; if None, those of the layer by name.
        transforms: called with picture and target, returns both.

    Attributes:
        classes: the classes in the order of their numbers; with `objects` the first is number 1.
        sample_ids: the samples in the order of items.
        missing: pictures that are left out, since their originals are gone.

    Raises:
        UsageError: no picture is left, or an annotation is of a class that `classes` lacks.
    """

    def __init__(
        self,
        workspace: Workspace,
        *,
        split: str | None = None,
        where: str | None = None,
        layer: str = TRUTH,
        target: Target = "objects",
        classes: Sequence[str] | None = None,
        transforms: Callable[[Any, Any], Any] | None = None,
    ) -> None:
        of_split = None if split is None else equal("split", split)
        chosen = workspace.samples.of(all_of(of_split, where))
        gone = find_gone(workspace.store, chosen.condition)
        self.missing = [Failure(one.path, one.reason) for one in gone]
        rows = chosen.table(*_READ, *BOX_COLUMNS).sort_by([("path", "ascending")])
        absent = pa.array([one.sample_id for one in gone], pa.string())
        rows = rows.filter(pc.invert(pc.is_in(rows.column("sample_id"), value_set=absent)))
        self._transforms = transforms
        labels: list[str] = []
        if target == "label":
            given = _labels(workspace.store, rows, layer)
            rows = rows.filter(pa.array([label is not None for label in given], pa.bool_()))
            labels = [label for label in given if label is not None]
        if not rows.num_rows:
            raise UsageError(
                f"no picture is left of {workspace.store.path}: check split, where and layer"
            )
        self.sample_ids: list[str] = rows.column("sample_id").to_pylist()
        self._rows: list[dict[str, Any]] = rows.to_pylist()
        self._objects: _Objects | None = None
        if target == "objects":
            self._objects = _Objects(workspace.store, self.sample_ids, layer)
            labels = self._objects.labels
        self.classes = tuple(sorted(set(labels)) if classes is None else classes)
        first = 1 if target == "objects" else 0
        numbers = {name: number for number, name in enumerate(self.classes, start=first)}
        if unknown := sorted(set(labels) - numbers.keys()):
            raise UsageError(
                f"the class {unknown[0]!r} of the layer {layer} is not among the classes given"
            )
        self._numbers = np.array([numbers[name] for name in labels], np.int64)

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, index: int) -> Any:
        """Return a picture and its target.

        Raises:
            PictureError: the picture has changed or cannot be read any more.
            IndexError: there is no such item.
        """
        row = self._rows[index]
        picture = decode(verified_content(row), row["path"]).image.convert("RGB")
        if (part := box_of(row)) is not None:
            picture = picture.crop(part.corners)
        target: Any
        if self._objects is None:
            target = int(self._numbers[index])
        else:
            at = index % len(self._rows)
            target = self._objects.target(at, picture.size, self._numbers)
        return (picture, target) if self._transforms is None else self._transforms(picture, target)

    @staticmethod
    def collate(items: Sequence[tuple[Any, Any]]) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
        """Put pictures and targets of a batch side by side, as detectors take them."""
        pictures, targets = zip(*items, strict=True)
        return pictures, targets


def _labels(store: Store, rows: pa.Table, layer: str) -> list[str | None]:
    """Return the class that a layer gives each sample, the likeliest of several."""
    if layer == TRUTH:
        labels: list[str | None] = rows.column("label").to_pylist()
        return labels
    table = store.annotations(
        ["sample_id", "label", "confidence"],
        all_of(equal("layer", layer), equal("kind", "classification")),
    )
    best: dict[str, tuple[float, str]] = {}
    for row in table.to_pylist():
        score = 1.0 if row["confidence"] is None else row["confidence"]
        if row["sample_id"] not in best or score > best[row["sample_id"]][0]:
            best[row["sample_id"]] = score, row["label"]
    return [best.get(name, (0.0, None))[1] for name in rows.column("sample_id").to_pylist()]


class _Objects:
    """The objects of a layer, picture by picture.

    Attributes:
        labels: the class of each object.
    """

    def __init__(self, store: Store, sample_ids: Sequence[str], layer: str) -> None:
        table = store.annotations([*_OF_OBJECTS, *_SHAPES], equal("layer", layer))
        table = table.filter(
            pc.and_(table.column("x").is_valid(), table.column("label").is_valid())
        )
        ids = pa.array(sample_ids, pa.string())
        at = pc.index_in(table.column("sample_id"), value_set=ids).combine_chunks()
        table = table.append_column("at", at).filter(at.is_valid())
        table = table.take(pa.array(np.argsort(table.column("at").to_numpy(), kind="stable")))
        self.labels: list[str] = table.column("label").to_pylist()
        places = table.column("at").to_numpy()
        self._bounds = np.searchsorted(places, np.arange(len(sample_ids) + 1))
        left, top, width, height = (
            table.column(name).to_numpy() for name in ("x", "y", "width", "height")
        )
        corners = np.stack([left, top, left + width, top + height], axis=1)
        self._boxes = corners.astype(np.float32)
        crowds = pc.fill_null(table.column("crowd"), fill_value=False)
        self._crowds = crowds.to_numpy().astype(np.uint8)
        used = [name for name in _SHAPES if table.column(name).null_count < len(table)]
        self._shapes = table.select(used)
        points = pc.max(pc.list_value_length(table.column("keypoints"))).as_py()
        self._points = (points or 0) // 3

    def target(self, at: int, size: tuple[int, int], numbers: Any) -> dict[str, Any]:
        """Return the target of a picture."""
        span = slice(int(self._bounds[at]), int(self._bounds[at + 1]))
        boxes = torch.from_numpy(self._boxes[span].copy())
        area = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
        target = {
            "boxes": _as_boxes(boxes, size),
            "labels": torch.from_numpy(numbers[span].copy()),
            "image_id": at,
            "area": area,
            "iscrowd": torch.from_numpy(self._crowds[span].copy()),
        }
        shapes = self._shapes.slice(span.start, span.stop - span.start).to_pylist()
        if {"polygon", "mask"} & set(self._shapes.column_names):
            masks = [_mask(row, box, size) for row, box in zip(shapes, boxes.tolist(), strict=True)]
            stacked = np.array(masks, np.uint8).reshape(len(masks), size[1], size[0])
            target["masks"] = _as_mask(torch.from_numpy(stacked))
        if self._points:
            points = np.zeros((len(shapes), self._points, 3), np.float32)
            for number, row in enumerate(shapes):
                values = np.array(row["keypoints"] or (), np.float32).reshape(-1, 3)
                points[number, : len(values)] = values
            target["keypoints"] = torch.from_numpy(points)
        return target


def _mask(row: dict[str, Any], box: Sequence[float], size: tuple[int, int]) -> Any:
    if text := row.get("mask"):
        return mask_of(read_counts(text), *size)
    left, top, right, bottom = box
    rings = row.get("polygon") or [[left, top, right, top, right, bottom, left, bottom]]
    return polygon_mask(rings, *size)


_HAS_TORCHVISION = find_spec("torchvision") is not None


def _as_boxes(boxes: Any, size: tuple[int, int]) -> Any:
    if not _HAS_TORCHVISION:
        return boxes
    from torchvision import tv_tensors

    return tv_tensors.BoundingBoxes(boxes, format="XYXY", canvas_size=size[::-1])


def _as_mask(masks: Any) -> Any:
    if not _HAS_TORCHVISION:
        return masks
    from torchvision import tv_tensors

    return tv_tensors.Mask(masks)
