"""The network that is trained: its vectors, which of its weights learn, and its file."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

import numpy as np
import torch
from torch import nn
from torch.nn.utils import parametrize

from tamis.encoders.bundled import MODELS, POOLING, EfficientNetLite, bundled_weights
from tamis.encoders.graph_settings import settings_metadata
from tamis.encoders.spec import parse_spec
from tamis.errors import EncoderError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from tamis.encoders.base import Encoder
    from tamis.encoders.torch_encoder import TorchModel
    from tamis.types import PixelBatch, Preprocessing, Vectors

__all__ = ["Backbone", "Part", "backbone_of"]

Part: TypeAlias = Literal["all", "last"]

_LAST: Final = 4
"""The last quarter of the layers is what `last` means."""

_BATCH: Final = 32


@dataclass(frozen=True)
class Backbone:
    """A network that can be trained.

    It always computes as it will be used: no dropout, and batch normalization by the statistics
    that it came with, so that a vector depends on its picture alone, also while it is trained.

    Attributes:
        spec: of the encoder that it comes from.
        model: the network and its functions.
        preprocessing: how a picture becomes its input.
        graph_depth: the depth coefficient of a bundled network, whose graph needs no exporter; None
            of others.
    """

    spec: str
    model: TorchModel
    preprocessing: Preprocessing
    graph_depth: float | None = None

    @property
    def device(self) -> Any:
        """Where its weights are."""
        return next(iter(self.model.module.parameters())).device

    def normalized(self, pixels: PixelBatch) -> torch.Tensor:
        """Return pictures `[B, H, W, 3]` uint8 as its input `[B, 3, H, W]`."""
        values = torch.from_numpy(np.ascontiguousarray(pixels)).to(self.device)
        mean, std = (
            torch.tensor(each, device=self.device).view(1, 3, 1, 1)
            for each in (self.preprocessing.mean, self.preprocessing.std)
        )
        values = (values.permute(0, 3, 1, 2).float() / 255 - mean) / std
        return values.contiguous(memory_format=torch.channels_last)

    def vectors(self, pixels: PixelBatch) -> Vectors:
        """Return `[N, D]` float32 unit vectors of prepared pictures, in batches of 32."""
        rows = []
        with torch.no_grad():
            for start in range(0, len(pixels), _BATCH):
                values = self.normalized(pixels[start : start + _BATCH])
                found = nn.functional.normalize(self.model.pooled(values).float(), dim=1)
                rows.append(found.cpu().numpy())
        return np.concatenate(rows)

    def learn(self, part: Part, rank: int | None) -> list[nn.Parameter]:
        """Let weights learn, and return them.

        Args:
            part: all layers, or the last quarter of them.
            rank: of the corrections that are learned to linear layers and 1 x 1 convolutions in
                place of their weights (Hu et al. 2022, LoRA); None to learn the weights.

        Raises:
            UsageError: there is no layer to correct.
        """
        module = self.model.module
        layers = self._layers()
        chosen = layers if part == "all" else layers[-max(len(layers) // _LAST, 1) :]
        module.requires_grad_(requires_grad=False)
        # convolutions take a third less time on a processor, whatever the network
        module.to(memory_format=torch.channels_last)
        if rank is None:
            for layer in chosen:
                for weights in layer.parameters(recurse=False):
                    weights.requires_grad_(requires_grad=True)
        else:
            fit = [one for one in chosen if _can_be_corrected(one)]
            if not fit:
                raise UsageError(
                    f"{self.spec} has no linear layer or 1 x 1 convolution to correct; leave out "
                    "lora"
                )
            for number, layer in enumerate(fit):
                correction = _Correction(layer.weight.shape, rank, number).to(self.device)
                parametrize.register_parametrization(layer, "weight", correction, unsafe=True)
                layer.parametrizations.weight.original.requires_grad_(requires_grad=False)
        return [weights for weights in module.parameters() if weights.requires_grad]

    def _layers(self) -> list[nn.Module]:
        """Return the layers that a vector depends on, in the order in which they run.

        A text tower beside them is none of them, and what is defined last may run first.
        """
        order: dict[int, nn.Module] = {}
        hooks = [
            layer.register_forward_hook(
                lambda this, _inputs, _output: order.setdefault(id(this), this) and None
            )
            for layer in self.model.module.modules()
            if list(layer.parameters(recurse=False))
        ]
        try:
            self.vectors(np.zeros((1, *self._size, 3), np.uint8))
        finally:
            for hook in hooks:
                hook.remove()
        return list(order.values())

    @property
    def _size(self) -> tuple[int, int]:
        return self.preprocessing.height, self.preprocessing.width

    def settle(self) -> None:
        """Make learned corrections part of the weights."""
        for layer in list(self.model.module.modules()):
            if parametrize.is_parametrized(layer, "weight"):
                parametrize.remove_parametrizations(layer, "weight", leave_parametrized=True)
        self.model.module.to(memory_format=torch.contiguous_format)
        self.model.module.requires_grad_(requires_grad=False)

    @contextmanager
    def borrowed(self) -> Iterator[None]:
        """Give the network its old weights back at the end: others may use the same object."""
        module = self.model.module
        old = {name: value.clone() for name, value in module.state_dict().items()}
        try:
            yield
        finally:
            self.settle()
            module.load_state_dict(old)

    def write(self, path: Path, facts: Mapping[str, str]) -> None:
        """Write it as an ONNX file that ONNX Runtime runs, with what it needs to be an encoder.

        Args:
            path: the file; its folder exists.
            facts: what else the file should say of itself.

        Raises:
            EncoderError: the network cannot be written as a graph.
        """
        metadata = settings_metadata(self.preprocessing, tuple(self.model.maps), facts)
        if self.graph_depth is None:
            from tamis.encoders.export_graph import export_graph

            export_graph(self.model, self.preprocessing, metadata, path)
            return
        import onnx

        from tamis.encoders.efficientnet_graph import build_efficientnet_lite

        weights = self.model.module.weights()
        content = build_efficientnet_lite(
            weights, depth=self.graph_depth, size=self.preprocessing.height, name="tuned"
        )
        graph = onnx.load_from_string(content)
        onnx.helper.set_model_props(graph, metadata)
        path.write_bytes(graph.SerializeToString(deterministic=True))


def backbone_of(encoder: Encoder) -> Backbone:
    """Return the network of an encoder, to be trained.

    Raises:
        UsageError: the encoder has none: it is a graph in a file, or a function.
    """
    if isinstance(encoder, EfficientNetLite):
        from tamis.encoders.efficientnet_module import EfficientNetLiteModule, efficientnet_model

        name = parse_spec(encoder.spec).name
        depth = MODELS[name].depth
        module = EfficientNetLiteModule(bundled_weights(name), depth).eval()
        bundled = efficientnet_model(module, POOLING)
        return Backbone(encoder.spec, bundled, encoder.preprocessing, depth)
    model: Any = getattr(encoder, "model", None)
    if not isinstance(getattr(model, "module", None), nn.Module):
        raise UsageError(
            f"{encoder.spec} cannot be trained: it is no network of PyTorch. Name a bundled "
            "encoder, or one of the kinds timm:, hf:, open_clip: or py:"
        )
    return Backbone(encoder.spec, model, encoder.preprocessing)


def _can_be_corrected(layer: nn.Module) -> bool:
    if isinstance(layer, nn.Linear):
        return True
    return isinstance(layer, nn.Conv2d) and layer.groups == 1 and max(layer.kernel_size) == 1


class _Correction(nn.Module):  # type: ignore[misc]  # mypy does not look into torch
    """Adds a matrix of low rank to a weight; it begins at zero."""

    def __init__(self, shape: torch.Size, rank: int, number: int) -> None:
        super().__init__()
        out, width = shape[0], shape[1]
        draw = torch.Generator().manual_seed(number)
        down = torch.randn(min(rank, out, width), width, generator=draw) / width**0.5
        self.down = nn.Parameter(down)
        self.up = nn.Parameter(torch.zeros(out, len(down)))

    def forward(self, weight: torch.Tensor) -> torch.Tensor:
        return weight + (self.up @ self.down).view_as(weight)


def require_finite(loss: torch.Tensor, step: int) -> None:
    """Refuse to go on with a loss that is no number.

    Raises:
        EncoderError: it is infinite or not a number.
    """
    if not bool(loss.isfinite()):
        raise EncoderError(
            f"the training diverged at step {step}: its loss is not finite; try a lower rate"
        )
