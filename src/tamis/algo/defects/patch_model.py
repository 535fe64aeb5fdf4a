"""How far a place is from those of nominal pictures: by a bank of them, or by their PCA."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Final, Literal, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from tamis.types import Vectors

__all__ = [
    "MODELS",
    "MemoryBank",
    "ModelName",
    "Moments",
    "PatchModel",
    "Residual",
    "fit_patch_model",
    "residual_of",
    "variance_left",
]

ModelName: TypeAlias = Literal["bank", "residual"]

MODELS: Final[tuple[ModelName, ...]] = ("bank", "residual")

_AT_ONCE: Final = 4096
_PROJECTED: Final = 64
_KEPT: Final = 0.99


@dataclass(frozen=True)
class MemoryBank:
    """Patches of nominal pictures; a place is as far as its nearest one is.

    Attributes:
        patches: `[B, D]` float32 unit vectors.
    """

    name: ClassVar[ModelName] = "bank"

    patches: Vectors

    def distances(self, places: Vectors) -> NDArray[np.float32]:
        """Return `[N]` cosine distances of unit vectors `[N, D]` to the nearest. O(N B D)."""
        found = np.empty(len(places), np.float32)
        for start in range(0, len(places), _AT_ONCE):
            part = places[start : start + _AT_ONCE]
            found[start : start + len(part)] = 1.0 - (part @ self.patches.T).max(axis=1)
        return np.maximum(found, np.float32(0))


@dataclass(frozen=True)
class Moments:
    """What a PCA needs to know of patches, however many they are.

    Attributes:
        count: patches.
        total: `[D]` float64, their sum.
        product: `[D, D]` float64, the sum of their outer products.
    """

    count: float
    total: NDArray[np.float64]
    product: NDArray[np.float64]

    @staticmethod
    def of(patches: Vectors) -> Moments:
        """Return those of `[N, D]` float32 patches. O(N D²)."""
        product = (patches.T @ patches).astype(np.float64)
        return Moments(float(len(patches)), patches.sum(axis=0, dtype=np.float64), product)

    def __add__(self, other: Moments) -> Moments:
        """Return those of both together."""
        return Moments(
            self.count + other.count, self.total + other.total, self.product + other.product
        )

    def __sub__(self, other: Moments) -> Moments:
        """Return those of what is left without a part."""
        return Moments(
            self.count - other.count, self.total - other.total, self.product - other.product
        )


@dataclass(frozen=True)
class Residual:
    """The directions in which nominal patches vary; a place is as far as it lies outside of them.

    Attributes:
        mean: `[D]` float32.
        basis: `[D, R]` float32 orthonormal columns.
        moments: of the patches, if it may learn more.
    """

    name: ClassVar[ModelName] = "residual"

    mean: NDArray[np.float32]
    basis: NDArray[np.float32]
    moments: Moments | None = None

    def distances(self, places: Vectors) -> NDArray[np.float32]:
        """Return `[N]` squared lengths of what the directions leave of `[N, D]`. O(N D R)."""
        away = places - self.mean
        inside = away @ self.basis
        left = (away * away).sum(axis=1) - (inside * inside).sum(axis=1)
        found: NDArray[np.float32] = np.maximum(left, np.float32(0))
        return found


PatchModel: TypeAlias = MemoryBank | Residual


def fit_patch_model(
    name: ModelName,
    folds: Sequence[Vectors],
    *,
    size: int,
    rng: np.random.Generator,
) -> tuple[PatchModel, list[PatchModel]]:
    """Fit a model on all patches, and one without each fold, which scores that fold unseen.

    `bank` is a greedy k-center coreset of each fold, chosen in a random projection to 64
    dimensions (Roth et al. 2022, PatchCore): what a fold adds does not depend on the others, so
    that leaving it out costs nothing. Without it the others add more patches each, since a smaller
    bank is farther from every place: held-out scores would be higher than those of new pictures.
    `residual` is a PCA that keeps 99 % of the variance (SubspaceAD, 2026).

    O(N B / F) for the bank of F folds, O(N D² + F D³) for the PCA.

    Args:
        name: which model.
        folds: `[N_f, D]` float32 unit vectors of each fold; one fold is left out of nothing.
        size: patches that a bank holds at most.
        rng: the projection.

    Returns:
        The model, and as many as there are folds; none for a single fold.
    """
    if name == "bank":
        return _fit_banks(folds, size, rng)
    return _fit_residuals(folds)


def _fit_banks(
    folds: Sequence[Vectors], size: int, rng: np.random.Generator
) -> tuple[PatchModel, list[PatchModel]]:
    dim = folds[0].shape[1]
    projection = rng.standard_normal((dim, _PROJECTED)).astype(np.float32) / np.sqrt(_PROJECTED)
    each = max(size // len(folds), 1)
    each_without = max(size // max(len(folds) - 1, 1), 1)
    chosen = []
    for fold in folds:
        flat = fold @ projection.astype(np.float32) if dim > _PROJECTED else fold
        chosen.append(fold[_farthest(flat, each_without)])
    bank = MemoryBank(np.concatenate([one[:each] for one in chosen]))
    if len(folds) == 1:
        return bank, []
    without: list[PatchModel] = [
        MemoryBank(np.concatenate([one for other, one in enumerate(chosen) if other != left]))
        for left in range(len(folds))
    ]
    return bank, without


def _farthest(rows: NDArray[np.float32], count: int) -> NDArray[np.int64]:
    """Return rows of which each is the farthest from those before (Gonzalez 1985), in that order.

    The first is the one nearest to the mean.
    """
    count = min(count, len(rows))
    squares = (rows * rows).sum(axis=1)
    nearest = ((rows - rows.mean(axis=0)) ** 2).sum(axis=1)
    place = int(np.argmin(nearest))
    picks = [place]
    nearest = np.full(len(rows), np.inf, np.float32)
    while len(picks) < count:
        away = squares + squares[place] - 2 * (rows @ rows[place])
        np.minimum(nearest, away, out=nearest)
        nearest[place] = -np.inf
        place = int(np.argmax(nearest))
        picks.append(place)
    return np.array(picks, np.int64)


def _fit_residuals(folds: Sequence[Vectors]) -> tuple[PatchModel, list[PatchModel]]:
    parts = [Moments.of(fold) for fold in folds]
    whole = parts[0]
    for part in parts[1:]:
        whole = whole + part
    model = residual_of(whole)
    if len(folds) == 1:
        return model, []
    return model, [residual_of(whole - part) for part in parts]


def residual_of(moments: Moments, left: float | None = None) -> Residual:
    """Return the PCA of patches. O(D³).

    Args:
        moments: of the patches.
        left: variance that its directions may leave; 1 % of all by default.
    """
    mean, spread = moments.total / moments.count, _covariance(moments)
    found, axes = np.linalg.eigh(spread)
    found, axes = np.maximum(found[::-1], 0.0), axes[:, ::-1]
    outside = found.sum() - np.cumsum(found)
    allowed = (1 - _KEPT) * found.sum() if left is None else left
    enough = int(np.count_nonzero(outside > allowed * (1 + 1e-9))) + 1
    rank = min(enough, int(moments.count) - 1, len(mean) - 1)
    basis = np.ascontiguousarray(axes[:, : max(rank, 1)], np.float32)
    return Residual(mean.astype(np.float32), basis, moments)


def variance_left(model: Residual, moments: Moments) -> float:
    """Return the variance of patches that a model's directions leave. O(D² R)."""
    spread = _covariance(moments)
    basis = model.basis.astype(np.float64)
    return float(np.trace(spread) - np.sum(basis * (spread @ basis)))


def _covariance(moments: Moments) -> NDArray[np.float64]:
    mean = moments.total / moments.count
    spread: NDArray[np.float64] = moments.product / moments.count - np.outer(mean, mean)
    return spread
