"""Small random CLIP and DINOv2 models in local folders, as `save_pretrained` writes them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

_SIDE = 32
_PATCH = 8
_WIDTH = 32
_MEAN = [0.48145466, 0.4578275, 0.40821073]
_STD = [0.26862954, 0.26130258, 0.27577711]


def require_hugging_face():
    """Import torch and transformers, or skip the test."""
    torch = pytest.importorskip("torch", reason="needs tamis[hf]")
    transformers = pytest.importorskip("transformers", reason="needs tamis[hf]")
    return torch, transformers


def save_clip(folder: Path, *, seed: int = 0, resize: int = _SIDE) -> Path:
    """Write a random CLIP with its tokenizer and preprocessing."""
    torch, transformers = require_hugging_face()
    torch.manual_seed(seed)
    tower = {
        "hidden_size": _WIDTH,
        "intermediate_size": 2 * _WIDTH,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
    }
    vocabulary = _save_tokenizer(folder)
    ends = {"bos_token_id": len(vocabulary) - 2, "eos_token_id": len(vocabulary) - 1}
    config = transformers.CLIPConfig(
        text_config={
            **tower,
            **ends,
            "vocab_size": len(vocabulary),
            "max_position_embeddings": 16,
            "pad_token_id": ends["eos_token_id"],
        },
        vision_config={**tower, "image_size": _SIDE, "patch_size": _PATCH},
        projection_dim=24,
    )
    transformers.CLIPModel(config).eval().save_pretrained(folder)
    _save_processor(folder, "CLIPImageProcessor", resize, _MEAN, _STD)
    return folder


def save_dinov2(folder: Path, *, seed: int = 0, resize: int = 40, registers: int = 0) -> Path:
    """Write a random DINOv2 with its preprocessing."""
    torch, transformers = require_hugging_face()
    torch.manual_seed(seed)
    options = {
        "hidden_size": _WIDTH,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "image_size": _SIDE,
        "patch_size": _PATCH,
    }
    if registers:
        config = transformers.Dinov2WithRegistersConfig(**options, num_register_tokens=registers)
        model = transformers.Dinov2WithRegistersModel(config)
    else:
        model = transformers.Dinov2Model(transformers.Dinov2Config(**options))
    model.eval().save_pretrained(folder)
    _save_processor(
        folder, "BitImageProcessor", resize, [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]
    )
    return folder


def edit_json(path: Path, **changes: object) -> None:
    """Change some keys of a JSON file."""
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def _save_processor(
    folder: Path, kind: str, resize: int, mean: list[float], std: list[float]
) -> None:
    config = {
        "image_processor_type": kind,
        "do_convert_rgb": True,
        "do_resize": True,
        "size": {"shortest_edge": resize},
        "resample": 3,
        "do_center_crop": True,
        "crop_size": {"height": _SIDE, "width": _SIDE},
        "do_rescale": True,
        "rescale_factor": 1 / 255,
        "do_normalize": True,
        "image_mean": mean,
        "image_std": std,
    }
    (folder / "preprocessor_config.json").write_text(json.dumps(config))


def _save_tokenizer(folder: Path) -> dict[str, int]:
    """Write CLIP's byte-pair tokenizer with letters and two merges for a vocabulary."""
    letters = "abcdefghijklmnopqrstuvwxyz"
    merges = [("c", "a"), ("ca", "t</w>")]
    tokens = [
        *letters,
        *(f"{letter}</w>" for letter in letters),
        *("".join(pair) for pair in merges),
        "<|startoftext|>",
        "<|endoftext|>",
    ]
    vocabulary = {token: number for number, token in enumerate(tokens)}
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "vocab.json").write_text(json.dumps(vocabulary))
    lines = ["#version: 0.2", *(" ".join(pair) for pair in merges)]
    (folder / "merges.txt").write_text("\n".join(lines) + "\n")
    (folder / "tokenizer_config.json").write_text(
        json.dumps({"tokenizer_class": "CLIPTokenizer", "model_max_length": 16})
    )
    return vocabulary
