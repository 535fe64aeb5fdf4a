"""What is truly flawed, as masks: from a layer of annotations, or from a folder of masks."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
from PIL import Image, ImageDraw

from tamis.algo.defects import area_under_curve, localization
from tamis.algo.run_lengths import mask_of, read_counts
from tamis.dataset.columns import equal
from tamis.errors import InputError
from tamis.images.decode import decode
from tamis.services.defects.result import DefectsTruth

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from tamis.dataset.store import Store
    from tamis.services.defects.contract import DefectsScore
    from tamis.services.defects.result import ScoredPicture
    from tamis.services.defects.rows import PictureRow

__all__ = ["COMPARED_SIDE", "Truth", "agreement", "compared_size"]

COMPARED_SIDE: Final = 512
"""Longest side in pixels at which heat-maps and masks are compared."""

_MASK_ENDING: Final = "_mask"
_PICTURES: Final = (".png", ".bmp", ".jpg", ".jpeg", ".tif", ".tiff")


def compared_size(width: int, height: int) -> tuple[int, int]:
    """Return height and width at which a picture's heat-map is compared."""
    scale = min(1.0, COMPARED_SIDE / max(width, height))
    return max(1, round(height * scale)), max(1, round(width * scale))


class Truth:
    """Masks of pictures by their rows; a picture without one is nominal.

    Args:
        store: the dataset with the layer.
        request: names a layer or a folder.
        rows: the pictures.

    Raises:
        InputError: the folder has no masks, or none of them is of one of the pictures.
    """

    def __init__(self, store: Store, request: DefectsScore, rows: Sequence[PictureRow]) -> None:
        self._marks: dict[str, list[dict[str, object]]] = {}
        self._files: dict[str, Path] = {}
        if request.truth is not None:
            names = ["sample_id", "x", "y", "width", "height", "polygon", "mask"]
            table = store.annotations(names, equal("layer", request.truth))
            for mark in table.to_pylist():
                if mark["x"] is not None:
                    self._marks.setdefault(mark["sample_id"], []).append(mark)
            if not self._marks.keys() & {row.sample_id for row in rows}:
                raise InputError(
                    f"the layer {request.truth!r} marks no place in any of the pictures"
                )
        if request.masks is not None:
            self._files = _mask_files(request.masks.expanduser(), rows)

    def mask(self, row: PictureRow) -> NDArray[np.bool_]:
        """Return which pixels of a picture are flawed, `[h, w]` at the size of comparison."""
        height, width = compared_size(row.width, row.height)
        whole = np.zeros((height, width), np.bool_)
        for mark in self._marks.get(row.sample_id, ()):
            whole |= _drawn(mark, row, (height, width))
        if row.sample_id in self._files:
            path = self._files[row.sample_id]
            image = decode(path.read_bytes(), str(path)).image.convert("L")
            whole |= np.asarray(image.resize((width, height), Image.Resampling.NEAREST)) > 0
        return whole


def _drawn(mark: Mapping[str, object], row: PictureRow, size: tuple[int, int]) -> NDArray[np.bool_]:
    height, width = size
    down, across = height / row.height, width / row.width
    if mark["mask"] is not None:
        inside = mask_of(read_counts(str(mark["mask"])), row.width, row.height)
        shown = Image.fromarray(inside).resize((width, height), Image.Resampling.NEAREST)
        return np.asarray(shown, np.bool_)
    canvas = Image.new("1", (width, height))
    draw = ImageDraw.Draw(canvas)
    rings = mark["polygon"] or []
    assert isinstance(rings, list)
    for ring in rings:
        points = [(x * across, y * down) for x, y in zip(ring[::2], ring[1::2], strict=True)]
        draw.polygon(points, fill=1)
    if not rings:
        left, top, wide, high = (float(str(mark[name])) for name in ("x", "y", "width", "height"))
        draw.rectangle(
            (
                left * across,
                top * down,
                max((left + wide) * across - 1, left * across),
                max((top + high) * down - 1, top * down),
            ),
            fill=1,
        )
    return np.asarray(canvas, np.bool_)


def _mask_files(folder: Path, rows: Sequence[PictureRow]) -> dict[str, Path]:
    if not folder.is_dir():
        raise InputError(f"{folder} is no folder: name the one that holds the masks")
    files = sorted(
        path for path in folder.rglob("*") if path.suffix.lower() in _PICTURES and path.is_file()
    )
    by_tail: dict[tuple[str, ...], list[Path]] = {}
    for path in files:
        parts = path.relative_to(folder).with_suffix("").parts
        parts = (*parts[:-1], parts[-1].removesuffix(_MASK_ENDING))
        for start in range(len(parts)):
            by_tail.setdefault(parts[start:], []).append(path)
    found = {}
    for row in rows:
        parts = Path(row.path).with_suffix("").parts
        # the longest common end of the path tells pictures of one name in several folders apart
        for start in range(len(parts)):
            candidates = by_tail.get(parts[start:], [])
            if len(candidates) == 1:
                found[row.sample_id] = candidates[0]
                break
            if candidates:
                raise InputError(
                    f"{row.path} may have the mask {candidates[0]} or {candidates[1]}: name the "
                    "folder of one kind of flaw, or keep masks in the folders of their pictures"
                )
    if not found:
        raise InputError(f"none of the {len(files)} masks in {folder} has the name of a picture")
    return found


def agreement(
    pictures: Sequence[ScoredPicture],
    maps: Sequence[NDArray[np.float32]],
    masks: Sequence[NDArray[np.bool_]],
) -> DefectsTruth:
    """Return how well scores and heat-maps agree with masks, in the same order."""
    flawed = np.array([mask.any() for mask in masks])
    scores = np.array([picture.score for picture in pictures])
    called = np.array([picture.anomalous for picture in pictures])
    place = localization(maps, masks)
    return DefectsTruth(
        flawed=int(flawed.sum()),
        picture_auroc=area_under_curve(scores[flawed], scores[~flawed])
        if not flawed.all()
        else None,
        recall=float(called[flawed].mean()),
        false_alarms=float(called[~flawed].mean()) if not flawed.all() else None,
        pixel_auroc=place.pixel_auroc,
        pro=place.pro,
        f1=place.f1,
    )
