"""Small random timm models in local folders: `config.json` and weights."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

_PREPROCESSING = {
    "interpolation": "bicubic",
    "crop_pct": 0.9,
    "crop_mode": "center",
    "mean": [0.485, 0.456, 0.406],
    "std": [0.229, 0.224, 0.225],
}
_TINY_VIT = {"patch_size": 8, "embed_dim": 32, "depth": 2, "num_heads": 4}
_TINY_SWIN = {"embed_dim": 16, "depths": [1, 1, 1], "num_heads": [2, 2, 2], "window_size": 4}


def require_timm():
    """Import torch and timm, or skip the test."""
    torch = pytest.importorskip("torch", reason="needs tamis[timm]")
    timm = pytest.importorskip("timm", reason="needs tamis[timm]")
    return torch, timm


def save_timm_vit(folder: Path, *, seed: int = 0, registers: int = 0, **changes: object) -> Path:
    """Write a random ViT whose vector is its class token."""
    arguments = {**_TINY_VIT, "img_size": 40, "reg_tokens": registers}
    return _save(
        folder,
        "vit_tiny_patch16_224",
        arguments,
        40,
        seed=seed,
        changes={"fixed_input_size": True} | changes,
    )


def save_timm_swin(folder: Path, *, seed: int = 0, **changes: object) -> Path:
    """Write a random Swin, whose maps have their channels last."""
    arguments = {**_TINY_SWIN, "img_size": 64}
    name = "swin_tiny_patch4_window7_224"
    return _save(
        folder, name, arguments, 64, seed=seed, changes={"fixed_input_size": True} | changes
    )


def save_timm_resnet(folder: Path, *, seed: int = 0, **changes: object) -> Path:
    """Write a random ResNet."""
    return _save(folder, "test_resnet", {}, 96, seed=seed, changes=changes)


def save_timm_efficientnet(folder: Path, *, seed: int = 0, **changes: object) -> Path:
    """Write a random EfficientNet, whose vector is of more channels than its last map."""
    return _save(folder, "test_efficientnet", {}, 96, seed=seed, changes=changes)


def _save(
    folder: Path,
    architecture: str,
    arguments: dict[str, object],
    side: int,
    *,
    seed: int,
    changes: dict[str, object],
) -> Path:
    torch, timm = require_timm()
    safetensors = pytest.importorskip("safetensors.torch")
    torch.manual_seed(seed)
    model = timm.create_model(architecture, num_classes=5, **arguments)
    for module in model.modules():
        # fresh statistics of a batch norm would leave deep maps next to constant
        if isinstance(module, torch.nn.BatchNorm2d):
            torch.nn.init.uniform_(module.weight, 0.5, 1.5)
            torch.nn.init.normal_(module.running_mean, std=0.1)
    folder.mkdir(parents=True, exist_ok=True)
    safetensors.save_file(model.state_dict(), folder / "model.safetensors")
    config = {
        "architecture": architecture,
        "num_classes": 5,
        "model_args": arguments,
        "pretrained_cfg": {
            "num_classes": 5,
            "input_size": [3, side, side],
            "classifier": model.pretrained_cfg["classifier"],
            "first_conv": model.pretrained_cfg["first_conv"],
            **_PREPROCESSING,
            **changes,
        },
    }
    (folder / "config.json").write_text(json.dumps(config))
    return folder
