"""The exact graph of neighbors on a device that PyTorch drives.

Cosines in half precision propose candidates, float32 decides among them. What half precision can
be wrong by is bounded, and a row whose candidates may lack a neighbor is done again in float32, so
that crowds of nearly equal rows lose nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    from tamis.types import Indices, Vectors

__all__ = ["TorchKernel"]

_WORTHWHILE_ROWS: Final = 20_000
_MOST_OF_MEMORY: Final = 0.5
_BYTES_A_NUMBER: Final = 6  # in float32 and in half precision
_SPARE_CANDIDATES: Final = 6
_FEWEST_CANDIDATES: Final = 16
_ROWS: Final = 2048
_COLUMNS: Final = 32_768
_LONGEST: Final = 1.001


class TorchKernel:
    """Computes graphs of neighbors by blocks of rows and columns.

    Memory on the device: 6 bytes a number of the vectors, and about 400 MB for a block.

    Args:
        device: as PyTorch names it, e.g. `cuda`.
        rows: of a block.
        columns: of a block.
        worthwhile: rows from which it takes a graph.

    Attributes:
        repeated: rows of the last graph that were done again in float32.
    """

    def __init__(
        self,
        device: str,
        *,
        rows: int = _ROWS,
        columns: int = _COLUMNS,
        worthwhile: int = _WORTHWHILE_ROWS,
    ) -> None:
        self.repeated = 0
        self._device = device
        self._rows, self._columns, self._worthwhile = rows, columns, worthwhile

    def takes(self, rows: int, dimensions: int) -> bool:
        """See `DeviceKernel`."""
        if rows < self._worthwhile:
            return False
        import torch

        device = torch.device(self._device)
        if device.type == "cpu":
            return True
        if not torch.cuda.is_available():
            return False
        free, _ = torch.cuda.mem_get_info(device)
        return bool(rows * dimensions * _BYTES_A_NUMBER < _MOST_OF_MEMORY * free)

    def graph(self, X: Vectors, k: int) -> tuple[Indices, Vectors]:  # noqa: N803 - as elsewhere
        """See `DeviceKernel`."""
        import torch

        n = len(X)
        with torch.inference_mode(), _full_precision(torch):
            exact = torch.from_numpy(X).to(self._device)
            half = exact.half()
            lost = torch.linalg.vector_norm(exact - half.float(), dim=1)
            wrong_by = _bound(lost, X.shape[1])
            numbers = torch.empty((n, k), dtype=torch.int64)
            values = torch.empty((n, k), dtype=torch.float32)
            again: list[Any] = []
            for start in range(0, n, self._rows):
                rows = torch.arange(start, min(start + self._rows, n), device=exact.device)
                found, cosines, sure = self._by_candidates(exact, half, wrong_by, rows, k)
                numbers[start : start + len(rows)] = found.cpu()
                values[start : start + len(rows)] = cosines.cpu()
                again.append(rows[~sure])
            left = torch.cat(again)
            self.repeated = len(left)
            for start in range(0, len(left), self._rows):
                rows = left[start : start + self._rows]
                found, cosines = self._best(exact, rows, k)
                found, cosines = _ordered(found, cosines, k)
                numbers[rows.cpu()] = found.cpu()
                values[rows.cpu()] = cosines.cpu()
            return numbers.numpy(), values.numpy()

    def _by_candidates(
        self, exact: Any, half: Any, wrong_by: Any, rows: Any, k: int
    ) -> tuple[Any, Any, Any]:
        """Return neighbors, cosines, and whether they are surely the nearest ones."""
        count = min(max(k + _SPARE_CANDIDATES, _FEWEST_CANDIDATES), len(exact) - 1)
        candidates, about = self._best(half, rows, count)
        cosines = (exact[rows, None, :] * exact[candidates]).sum(dim=2)
        found, cosines = _ordered(candidates, cosines, k)
        # Whatever is no candidate came out no higher than the last one, and is at most this high.
        sure = about[:, -1].float() + wrong_by[rows] < cosines[:, -1]
        return found, cosines, sure | (count == len(exact) - 1)

    def _best(self, vectors: Any, rows: Any, count: int) -> tuple[Any, Any]:
        """Return the `count` other rows with the largest products, best first, and the products."""
        import torch

        queries = vectors[rows]
        best = numbers = None
        for start in range(0, len(vectors), self._columns):
            block = vectors[start : start + self._columns]
            products = _products(queries, block)
            own = (rows >= start) & (rows < start + len(block))
            products[own.nonzero()[:, 0], rows[own] - start] = -torch.inf
            top, at = products.topk(min(count, len(block)), dim=1)
            at = at + start
            if best is not None:
                top, at = torch.cat([best, top], dim=1), torch.cat([numbers, at], dim=1)
                top, place = top.topk(min(count, top.shape[1]), dim=1)
                at = at.gather(1, place)
            best, numbers = top, at
        return numbers, best


def _products(left: Any, right: Any) -> Any:
    """Multiply; a processor's products in half precision are summed in float32 too."""
    if left.is_cuda or left.dtype.itemsize > 2:  # noqa: PLR2004 - bytes of half precision
        return left @ right.T
    return (left.float() @ right.float().T).to(left.dtype)


def _ordered(numbers: Any, cosines: Any, k: int) -> tuple[Any, Any]:
    """Return the `k` best, equal ones by row number."""
    by_number = numbers.argsort(dim=1)
    numbers, cosines = numbers.gather(1, by_number), cosines.gather(1, by_number)
    order = cosines.argsort(dim=1, descending=True, stable=True)[:, :k]
    return numbers.gather(1, order), cosines.gather(1, order)


def _bound(lost: Any, dimensions: int) -> Any:
    """Return how far a product in half precision can lie below the float32 one, for each row.

    By Cauchy and Schwarz, from what rounding took from both vectors; then the rounding of sums in
    float32, of the product itself, and of the float32 product that it is compared with.
    """
    rounding = lost + _LONGEST * lost.max()
    sums = 2 * dimensions * float(np.finfo(np.float32).eps)
    product = _LONGEST * float(np.finfo(np.float16).eps) / 2
    return rounding + sums + product


def _full_precision(torch: Any) -> Any:
    """Neither TF32 nor sums in half precision, which the bound does not allow for."""
    return _Precision(torch.backends.cuda.matmul)


class _Precision:
    """Sets what matrix products may round, and sets it back."""

    def __init__(self, flags: Any) -> None:
        self._flags = flags
        self._before: tuple[bool, bool] = (False, False)

    def __enter__(self) -> None:
        flags = self._flags
        self._before = flags.allow_tf32, flags.allow_fp16_reduced_precision_reduction
        flags.allow_tf32 = flags.allow_fp16_reduced_precision_reduction = False

    def __exit__(self, *_: object) -> None:
        flags = self._flags
        flags.allow_tf32, flags.allow_fp16_reduced_precision_reduction = self._before
