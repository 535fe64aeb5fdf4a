"""Small random OpenCLIP models in local folders: `open_clip_config.json` and weights."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tiny_models import _save_word_tokenizer

if TYPE_CHECKING:
    from pathlib import Path

CONFIG_FILE = "open_clip_config.json"

_CLIP_MEAN = [0.48145466, 0.4578275, 0.40821073]
_CLIP_STD = [0.26862954, 0.26130258, 0.27577711]
_VISION = {"image_size": 32, "layers": 2, "width": 32, "head_width": 8, "patch_size": 8}


def require_open_clip():
    """Import torch and open_clip, or skip the test."""
    torch = pytest.importorskip("torch", reason="needs tamis[open-clip]")
    open_clip = pytest.importorskip("open_clip", reason="needs tamis[open-clip]")
    return torch, open_clip


def save_open_clip(folder: Path, *, seed: int = 0, **preprocessing: object) -> Path:
    """Write a random CLIP with open_clip's own tokenizer."""
    model = {
        "embed_dim": 24,
        "vision_cfg": _VISION,
        "text_cfg": {
            "context_length": 16,
            "vocab_size": 49408,
            "width": 32,
            "heads": 4,
            "layers": 2,
        },
    }
    prepared = {
        "mean": _CLIP_MEAN,
        "std": _CLIP_STD,
        "interpolation": "bicubic",
        "resize_mode": "shortest",
    }
    return _save(folder, model, prepared | preprocessing, seed, "CLIP")


def save_open_siglip(folder: Path, *, seed: int = 0) -> Path:
    """Write a random SigLIP: towers without causal mask, texts filled up, pictures squashed."""
    tokens = _save_word_tokenizer(folder)
    model = {
        "embed_dim": 64,
        "init_logit_bias": -10,
        "vision_cfg": {
            "image_size": 160,
            "timm_model_name": "test_vit",
            "timm_pool": "map",
            "timm_proj": "none",
        },
        "text_cfg": {
            "context_length": 12,
            "vocab_size": tokens,
            "hf_tokenizer_name": "some/tokenizer",
            "tokenizer_kwargs": {"clean": "canonicalize"},
            "width": 64,
            "heads": 4,
            "layers": 2,
            "no_causal_mask": True,
            "proj_bias": True,
            "pool_type": "last",
        },
    }
    prepared = {
        "mean": [0.5] * 3,
        "std": [0.5] * 3,
        "interpolation": "bicubic",
        "resize_mode": "squash",
    }
    return _save(folder, model, prepared, seed, "CustomTextCLIP")


def _save(
    folder: Path, model: dict[str, object], preprocessing: dict[str, object], seed: int, kind: str
) -> Path:
    torch, open_clip = require_open_clip()
    safetensors = pytest.importorskip("safetensors.torch")
    torch.manual_seed(seed)
    made = getattr(open_clip, kind)(**model)
    folder.mkdir(parents=True, exist_ok=True)
    safetensors.save_file(made.state_dict(), folder / "open_clip_model.safetensors")
    config = {"model_cfg": model, "preprocess_cfg": preprocessing}
    if kind == "CustomTextCLIP":
        config["model_cfg"] = {**model, "custom_text": True}
    (folder / CONFIG_FILE).write_text(json.dumps(config))
    return folder
