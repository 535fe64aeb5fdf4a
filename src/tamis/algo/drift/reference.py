"""A compact reference: what a later batch is compared with, in a few megabytes at most."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from tamis.algo.canonical_order import canonical_order
from tamis.algo.two_sample import Pooled, pool
from tamis.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from tamis.types import Indices, Vectors

__all__ = ["DriftReference", "fit_reference"]

_MOST_BYTES: Final = 4_000_000
_DIMENSIONS: Final = 384
_LEVELS: Final = 127
_BYTES_A_ROW: Final = 12
"""Of a row's scale, block and place, beside codes, covariates and probabilities."""


@dataclass(frozen=True)
class DriftReference:
    """Rows of the reference, a byte a number.

    Everything that is compared with it goes through `seen_as` first, so that what storage loses is
    lost on both sides.

    Attributes:
        codes: `[M, d]` int8; a row's largest entry is 127 or -127.
        scales: `[M]` float32; a row is its codes times its scale.
        blocks: `[M]` int32 block of each row, from 0.
        rows: `[M]` int32 or int64 place of each row in what it was fitted on.
        covariates: `[M, C]` float32; NaN is unknown.
        probabilities: `[M, K]` float32 calibrated class probabilities that a probe gave out of
            fold; K is 0 without a probe.
        classes: `[M]` int32 true classes; -1 where unknown.
        dimensions: of the vectors before they were projected.
        seed: of the projection to `d` dimensions; None where there is none.
        fitted_rows: how many rows there were, of which these are a random sample.
    """

    codes: NDArray[np.int8]
    scales: NDArray[np.float32]
    blocks: NDArray[np.int32]
    rows: NDArray[Any]
    covariates: NDArray[np.float32]
    probabilities: NDArray[np.float32]
    classes: NDArray[np.int32]
    dimensions: int
    seed: int | None
    fitted_rows: int

    @property
    def nbytes(self) -> int:
        """Bytes of all arrays together."""
        return sum(array.nbytes for array in self.arrays().values())

    def vectors(self) -> Vectors:
        """Return `[M, d]` the stored rows, projected and rounded."""
        return self.codes * self.scales[:, None]

    def seen_as(self, X: NDArray[Any]) -> Vectors:
        """Return `[N, d]` what storing the rows `[N, D]` here would leave of them.

        Raises:
            UsageError: the rows have other dimensions than the reference.
        """
        if X.ndim != 2 or X.shape[1] != self.dimensions:  # noqa: PLR2004 - rows and columns
            raise UsageError(
                f"the reference has {self.dimensions} dimensions, not those of rows of shape "
                f"{X.shape}: embed both with the same encoder"
            )
        codes, scales = _quantized(_projected(X, self.seed, self.codes.shape[1]))
        return codes * scales[:, None]

    def pooled_with(
        self,
        batch: NDArray[Any],
        *,
        blocks: Indices | None = None,
        covariates: NDArray[Any] | None = None,
        rng: np.random.Generator,
    ) -> Pooled:
        """Join the reference and a batch `[N, D]`; `row` counts the reference's stored rows first.

        Covariates go in the order of the reference's; without any, none are compared.

        Raises:
            UsageError: what `seen_as` and `pool` raise.
        """
        both = None
        if covariates is not None:
            # as the reference stores them, or rounding would tell the sides apart
            both = (self.covariates, np.asarray(covariates, np.float32))
        return pool(
            self.vectors(),
            self.seen_as(np.asarray(batch)),
            blocks=(self.blocks.astype(np.int64), blocks),
            covariates=both,
            rng=rng,
        )

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return plain arrays that hold all of it."""
        facts = [self.dimensions, -1 if self.seed is None else self.seed, self.fitted_rows]
        return {
            "codes": self.codes,
            "scales": self.scales,
            "blocks": self.blocks,
            "rows": self.rows,
            "covariates": self.covariates,
            "probabilities": self.probabilities,
            "classes": self.classes,
            "facts": np.array(facts, np.int64),
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> DriftReference:
        """Return the reference that `arrays` were taken of.

        Raises:
            UsageError: an array is missing, or has another shape or type than it should.
        """
        types = {
            "codes": (np.int8, 2),
            "scales": (np.float32, 1),
            "blocks": (np.int32, 1),
            "covariates": (np.float32, 2),
            "probabilities": (np.float32, 2),
            "classes": (np.int32, 1),
        }
        for name in (*types, "rows", "facts"):
            if name not in arrays:
                raise UsageError(f"a drift reference lacks its array {name!r}: fit it again")
        for name, (kind, axes) in types.items():
            array = arrays[name]
            if array.dtype != kind or array.ndim != axes or len(array) != len(arrays["codes"]):
                raise UsageError(
                    f"the array {name!r} of a drift reference is {array.dtype} of shape "
                    f"{array.shape}, which does not fit its {len(arrays['codes'])} rows: "
                    "fit it again"
                )
        dimensions, seed, fitted_rows = (int(fact) for fact in arrays["facts"])
        return cls(
            codes=arrays["codes"],
            scales=arrays["scales"],
            blocks=arrays["blocks"],
            rows=arrays["rows"],
            covariates=arrays["covariates"],
            probabilities=arrays["probabilities"],
            classes=arrays["classes"],
            dimensions=dimensions,
            seed=None if seed < 0 else seed,
            fitted_rows=fitted_rows,
        )


def fit_reference(
    X: NDArray[Any],
    *,
    blocks: Indices | None = None,
    covariates: NDArray[Any] | None = None,
    probabilities: NDArray[Any] | None = None,
    classes: Indices | None = None,
    most_bytes: int = _MOST_BYTES,
    rng: np.random.Generator,
) -> DriftReference:
    """Keep as much of a reference as fits: random whole blocks, a byte a number.

    Vectors of over 384 dimensions are projected to 384 random orthogonal directions, which depend
    on no data; 4 MB then hold 10,000 rows. The same rows in another order give the same
    reference. O(N log N + M D d).

    Args:
        X: `[N, D]` finite numbers.
        blocks: `[N]` block of each row; None where each row is a draw of its own.
        covariates: `[N, C]` simple figures of each row; NaN is unknown.
        probabilities: `[N, K]` calibrated class probabilities out of fold, for estimates of harm.
        classes: `[N]` true classes, -1 where unknown.
        most_bytes: what all arrays together may take.
        rng: draws blocks and the projection.

    Raises:
        UsageError: shapes do not fit, a number is not finite, or not two blocks fit.

    Example:
        >>> X = np.random.default_rng(0).normal(size=(50, 8))
        >>> reference = fit_reference(X, rng=np.random.default_rng(1))
        >>> bool(np.abs(reference.vectors() - X[reference.rows]).max() < 0.02)
        True
    """
    rows = np.asarray(X, np.float32)
    if rows.ndim != 2 or not np.isfinite(rows).all():  # noqa: PLR2004 - rows and columns
        raise UsageError(f"a reference takes rows of finite numbers, not an array {rows.shape}")
    n, dimensions = rows.shape
    given = {
        "blocks": np.arange(n) if blocks is None else np.asarray(blocks),
        "covariates": np.empty((n, 0)) if covariates is None else np.asarray(covariates),
        "probabilities": np.empty((n, 0)) if probabilities is None else np.asarray(probabilities),
        "classes": np.full(n, -1) if classes is None else np.asarray(classes),
    }
    for name, array in given.items():
        if len(array) != n:
            raise UsageError(f"{n} rows and {len(array)} {name}: give each row one")
    seed = int(rng.integers(2**31)) if dimensions > _DIMENSIONS else None
    width = min(dimensions, _DIMENSIONS)
    extra = given["covariates"].reshape(n, -1).shape[1] + given["probabilities"].shape[1]
    size = width + _BYTES_A_ROW + 4 + 4 * extra
    order = canonical_order(np.ascontiguousarray(rows))
    kept = _sampled(given["blocks"][order], max(0, most_bytes - 64) // size, rng)
    if np.unique(given["blocks"][order[kept]]).size < 2:  # noqa: PLR2004 - one shows no spread
        raise UsageError(
            f"{most_bytes} bytes hold under two blocks of the reference's {n} rows of {size} "
            "bytes: allow more bytes or shorter blocks"
        )
    kept = order[kept]
    codes, scales = _quantized(_projected(rows[kept], seed, width))
    first = np.unique(given["blocks"][kept], return_index=True)[1]
    number = {
        name: place for place, name in enumerate(given["blocks"][kept][np.sort(first)].tolist())
    }
    return DriftReference(
        codes=codes,
        scales=scales,
        blocks=np.array([number[name] for name in given["blocks"][kept].tolist()], np.int32),
        rows=kept.astype(np.int32),
        covariates=given["covariates"].reshape(n, -1)[kept].astype(np.float32),
        probabilities=given["probabilities"][kept].astype(np.float32),
        classes=given["classes"][kept].astype(np.int32),
        dimensions=dimensions,
        seed=seed,
        fitted_rows=n,
    )


def _sampled(blocks: NDArray[Any], most: int, rng: np.random.Generator) -> Indices:
    """Places of random whole blocks, `most` at most; blocks that are too long are passed over."""
    if blocks.size <= most:
        return np.arange(blocks.size)
    _, first, inverse, counts = np.unique(
        blocks, return_index=True, return_inverse=True, return_counts=True
    )
    # by first place, so that the names of blocks do not matter
    drawn = np.argsort(first, kind="stable")[rng.permutation(first.size)]
    taken, left = np.zeros(first.size, np.bool_), most
    for name in drawn.tolist():
        if counts[name] <= left:
            taken[name] = True
            left -= int(counts[name])
    return np.flatnonzero(taken[inverse.reshape(-1)])


def _projected(X: NDArray[Any], seed: int | None, width: int) -> NDArray[np.float64]:
    rows = np.asarray(X, np.float32).astype(np.float64)
    if seed is None:
        return rows
    projected: NDArray[np.float64] = rows @ _directions(seed, rows.shape[1], width)
    return projected


@lru_cache(maxsize=2)
def _directions(seed: int, dimensions: int, width: int) -> NDArray[np.float64]:
    drawn = np.random.default_rng(seed).standard_normal((dimensions, width))
    directions: NDArray[np.float64] = np.linalg.qr(drawn)[0]
    return directions


def _quantized(X: NDArray[np.float64]) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """Round each row by itself, so that the same row is rounded the same on either side."""
    scales = (np.abs(X).max(axis=1, initial=0.0) / _LEVELS).astype(np.float32)
    divisor = np.where(scales > 0, scales, 1).astype(np.float64)
    codes = np.rint(X / divisor[:, None])
    return np.clip(codes, -_LEVELS, _LEVELS).astype(np.int8), scales
