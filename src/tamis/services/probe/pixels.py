"""What the probe on stored vectors is worth beside a small network trained on the pixels."""

from __future__ import annotations

import time
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from tamis.algo.intervals import share_right
from tamis.algo.probe.folds import make_folds
from tamis.dataset.columns import Column
from tamis.errors import MissingExtraError, PictureError, UsageError
from tamis.images.decode import decode
from tamis.services.probe.contract import PixelComparison

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tamis.runtime.workspace import Workspace
    from tamis.services.probe.training_rows import TrainingRows
    from tamis.types import PixelBatch

__all__ = ["compare_with_pixels", "require_torch"]

_LEAST: Final = 2


def require_torch() -> None:
    """Raise MissingExtraError if PyTorch is not installed."""
    if find_spec("torch") is None:
        raise MissingExtraError("a network on pixels", "ssl")


def compare_with_pixels(
    workspace: Workspace,
    rows: TrainingRows,
    labels: NDArray[np.str_],
    probabilities: NDArray[np.float64],
    classes: NDArray[np.str_],
    *,
    seed: int,
    probe_seconds: float,
) -> PixelComparison:
    """Train a network on the thumbnails of the same pictures, and measure both on the same others.

    Measured on is the test split where there is one, else a fifth of the labeled pictures that
    neither was fitted on. About half a minute on one processor core.

    Args:
        workspace: the dataset.
        rows: the pictures.
        labels: `[N]` their labels.
        probabilities: `[N, K]` of the probe, fitted without the row; NaN where not measured.
        classes: `[K]` names.
        seed: of the network.
        probe_seconds: how long the probe took.

    Raises:
        UsageError: too few pictures have a thumbnail.
    """
    from tamis.training.pixel_network import train_pixel_network

    seen, pixels = _pixels(workspace, rows.ids)
    codes = np.searchsorted(classes, labels)
    codes[(codes >= classes.size) | (classes[np.minimum(codes, classes.size - 1)] != labels)] = -1
    measurable = np.isfinite(probabilities).all(axis=1) & (codes >= 0)
    there = np.zeros(len(rows.ids), np.bool_)
    there[seen] = True
    fitted = np.flatnonzero(there & ~rows.test & (codes >= 0))
    measured = np.flatnonzero(there & rows.test & measurable)
    if not measured.size and fitted.size:
        known, own = np.unique(codes[fitted], return_inverse=True)
        rng = np.random.default_rng(seed)
        fold = next(make_folds(own, rows.groups[fitted], rng), None) if known.size > 1 else None
        if fold is not None:
            fitted, measured = fitted[fold.fitted], fitted[fold.held_out]
            measured = measured[measurable[measured]]
    known = np.unique(codes[fitted])
    if known.size < _LEAST or not measured.size:
        raise UsageError(
            f"{seen.size} of {len(rows.ids)} pictures have a thumbnail, too few of each class to "
            "train a network on some and to measure it on others: leave out pixels"
        )
    place = np.full(len(rows.ids), -1)
    place[seen] = np.arange(seen.size)
    start = time.perf_counter()
    network = train_pixel_network(
        pixels[place[fitted]], np.searchsorted(known, codes[fitted]), seed=seed
    )
    predicted = known[network.logits(pixels[place[measured]]).argmax(axis=1)]
    seconds = time.perf_counter() - start
    truth = codes[measured]
    own_share = share_right(int((predicted == truth).sum()), truth.size)
    probe_right = int((probabilities[measured].argmax(axis=1) == truth).sum())
    probe_share = share_right(probe_right, truth.size)
    return PixelComparison(
        fitted=int(fitted.size),
        measured=int(measured.size),
        accuracy=own_share.value,
        low=own_share.low,
        high=own_share.high,
        seconds=seconds,
        probe_accuracy=probe_share.value,
        probe_low=probe_share.low,
        probe_high=probe_share.high,
        probe_seconds=probe_seconds,
    )


def _thumbnails(workspace: Workspace, ids: list[str]) -> list[bytes | None]:
    thumbnails: list[bytes | None] = (
        workspace.samples.rows([Column.THUMBNAIL], ids).column(0).to_pylist()
    )
    return thumbnails


def _pixels(workspace: Workspace, ids: list[str]) -> tuple[NDArray[np.int64], PixelBatch]:
    """Return the rows whose thumbnail can be read, and these as `[M, 48, 48, 3]`."""
    from tamis.training.pixel_network import SIDE

    found: list[int] = []
    pixels: list[NDArray[Any]] = []
    for row, thumbnail in enumerate(_thumbnails(workspace, ids)):
        if not thumbnail:
            continue
        try:
            picture = decode(thumbnail, ids[row]).image
        except PictureError:
            continue
        found.append(row)
        pixels.append(np.asarray(picture.convert("RGB").resize((SIDE, SIDE)), np.uint8))
    if not found:
        return np.empty(0, np.int64), np.empty((0, SIDE, SIDE, 3), np.uint8)
    return np.array(found, np.int64), np.stack(pixels)
