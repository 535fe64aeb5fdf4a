"""A network's intermediate feature maps by name: strides of a CNN, layers of a ViT."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from math import log2
from typing import TYPE_CHECKING, Any, Final, TypeAlias, cast

import torch

if TYPE_CHECKING:
    from tamis.encoders.torch_encoder import TensorFunction
    from tamis.types import Preprocessing

__all__ = ["Intermediates", "Levels", "layer_positions", "name_levels", "timm_intermediates"]

Intermediates: TypeAlias = Callable[[torch.Tensor, Sequence[int] | None], Sequence[torch.Tensor]]
"""Maps pictures `[B, 3, H, W]` and layer positions (None for all) to maps `[B, C, h, w]`."""

_UNABLE = (AssertionError, AttributeError, NotImplementedError, RuntimeError, TypeError, ValueError)
_MIDDLE: Final = (1 / 3, 2 / 3)
"""Shares of a ViT's depth at which tokens are read, besides the last. Middle layers keep more of
what a place looks like than the last does (SubspaceAD, CVPR 2026)."""


class Levels(Mapping[str, "TensorFunction"]):
    """Levels of a network, computed one at a time or several in one run.

    Args:
        run: maps pictures `[B, 3, H, W]` and positions in ascending order to maps `[B, h, w, C]`.
        positions: of each level, from fine to coarse.
    """

    def __init__(
        self,
        run: Callable[[torch.Tensor, Sequence[int]], Sequence[torch.Tensor]],
        positions: Mapping[str, int],
    ) -> None:
        self._run, self._positions = run, dict(positions)

    def __getitem__(self, level: str) -> TensorFunction:
        position = self._positions[level]
        return lambda values: self._run(values, [position])[-1]

    def __iter__(self) -> Iterator[str]:
        return iter(self._positions)

    def __len__(self) -> int:
        return len(self._positions)

    def several(self, values: torch.Tensor, levels: Sequence[str]) -> list[torch.Tensor]:
        """Return the maps `[B, h, w, C]` of some levels, by one run of the network."""
        wanted = sorted({self._positions[level] for level in levels})
        found = dict(zip(wanted, self._run(values, wanted), strict=True))
        return [found[self._positions[level]] for level in levels]


def layer_positions(depth: int) -> dict[str, int]:
    """Return the layers of a ViT that are levels, by their position.

    `patch` is the last; `layer4` is the fourth of them.

    >>> layer_positions(12)
    {'layer4': 3, 'layer8': 7, 'patch': 11}
    """
    middle = {round(depth * share) for share in _MIDDLE} - {0, depth}
    return {**{f"layer{number}": number - 1 for number in sorted(middle)}, "patch": depth - 1}


def name_levels(
    intermediates: Intermediates, preprocessing: Preprocessing
) -> Mapping[str, TensorFunction]:
    """Return the levels of spatial features, from fine to coarse; empty if there are none.

    A network whose maps all have the same size, such as a ViT, has the levels of
    `layer_positions`. Others have the last map of each stride, rounded to a power of two:
    `stride8`, `stride16` and so on.

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

    def run(values: torch.Tensor, positions: Sequence[int]) -> list[torch.Tensor]:
        return [one.permute(0, 2, 3, 1) for one in intermediates(values, positions)]

    if len(set(shapes)) == 1:
        return Levels(run, layer_positions(len(shapes)))
    strides = {
        2 ** round(log2(preprocessing.height / rows)): position
        for position, (rows, _columns) in enumerate(shapes)
    }
    return Levels(
        run,
        {f"stride{stride}": position for stride, position in sorted(strides.items()) if stride > 1},
    )


def timm_intermediates(network: Any) -> Intermediates:
    """Return the maps of a timm network, with its final norm, if any, applied to each."""

    def run(values: torch.Tensor, positions: Sequence[int] | None) -> Sequence[torch.Tensor]:
        options = {"indices": positions, "stop_early": True, "intermediates_only": True}
        try:
            found = network.forward_intermediates(values, norm=True, **options)
        except AssertionError:  # Hiera has no such norm and says so
            found = network.forward_intermediates(values, norm=False, **options)
        return cast("Sequence[torch.Tensor]", found)

    return run
