"""Name a network's intermediate feature maps by their stride."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import log2
from typing import TYPE_CHECKING, Any, TypeAlias, cast

import torch

if TYPE_CHECKING:
    from tamis.encoders.torch_encoder import TensorFunction
    from tamis.types import Preprocessing

__all__ = ["Intermediates", "name_levels", "timm_intermediates"]

Intermediates: TypeAlias = Callable[[torch.Tensor, Sequence[int] | None], Sequence[torch.Tensor]]
"""Maps pictures `[B, 3, H, W]` and layer positions (None for all) to maps `[B, C, h, w]`."""

_UNABLE = (AssertionError, AttributeError, NotImplementedError, RuntimeError, TypeError, ValueError)


def name_levels(
    intermediates: Intermediates, preprocessing: Preprocessing
) -> dict[str, TensorFunction]:
    """Return the levels of spatial features, from fine to coarse; empty if there are none.

    A network whose maps all have the same size, such as a ViT, has one level, `patch`: its last
    map. Others have the last map of each stride, rounded to a power of two: `stride8`, `stride16`
    and so on.

    Args:
        intermediates: returns the network's maps; it is called with one picture.
        preprocessing: gives the size of the pictures.
    """
    picture = torch.zeros(1, 3, preprocessing.height, preprocessing.width)
    try:
        with torch.inference_mode():
            shapes = [tuple(each.shape[2:]) for each in intermediates(picture, None)]
    except _UNABLE:
        return {}
    if not shapes or any(len(shape) != 2 for shape in shapes):  # noqa: PLR2004 - height and width
        return {}
    if len(set(shapes)) == 1:
        return {"patch": _level(intermediates, len(shapes) - 1)}
    positions = {
        2 ** round(log2(preprocessing.height / rows)): position
        for position, (rows, _columns) in enumerate(shapes)
    }
    return {
        f"stride{stride}": _level(intermediates, position)
        for stride, position in sorted(positions.items())
        if stride > 1
    }


def timm_intermediates(network: Any) -> Intermediates:
    """Return the maps of a timm network, with its final norm, if any, applied to the last."""

    def run(values: torch.Tensor, positions: Sequence[int] | None) -> Sequence[torch.Tensor]:
        options = {"indices": positions, "stop_early": True, "intermediates_only": True}
        try:
            found = network.forward_intermediates(values, norm=True, **options)
        except AssertionError:  # Hiera has no such norm and says so
            found = network.forward_intermediates(values, norm=False, **options)
        return cast("Sequence[torch.Tensor]", found)

    return run


def _level(intermediates: Intermediates, position: int) -> TensorFunction:
    return lambda values: intermediates(values, [position])[-1].permute(0, 2, 3, 1)
