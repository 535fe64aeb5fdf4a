"""Small random Hugging Face models in local folders, as `save_pretrained` writes them."""

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


def save_siglip(folder: Path, *, seed: int = 0) -> Path:
    """Write a random SigLIP (the architecture of SigLIP 2 of fixed resolution too)."""
    torch, transformers = require_hugging_face()
    torch.manual_seed(seed)
    tower = {
        "hidden_size": _WIDTH,
        "intermediate_size": 2 * _WIDTH,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
    }
    tokens = _save_word_tokenizer(folder)
    config = transformers.SiglipConfig(
        text_config={**tower, "vocab_size": tokens, "max_position_embeddings": 12},
        vision_config={**tower, "image_size": _SIDE, "patch_size": _PATCH},
    )
    transformers.SiglipModel(config).eval().save_pretrained(folder)
    _save_squashing_processor(folder, "SiglipImageProcessor", 2)
    return folder


def save_dino(folder: Path, *, seed: int = 0, pooler: bool = False) -> Path:
    """Write a random DINO: a plain ViT whose checkpoint has no pooler."""
    torch, transformers = require_hugging_face()
    torch.manual_seed(seed)
    config = transformers.ViTConfig(
        hidden_size=_WIDTH,
        intermediate_size=2 * _WIDTH,
        num_hidden_layers=2,
        num_attention_heads=4,
        image_size=_SIDE,
        patch_size=_PATCH,
    )
    transformers.ViTModel(config, add_pooling_layer=pooler).eval().save_pretrained(folder)
    _save_squashing_processor(folder, "ViTImageProcessor", 2)
    return folder


def save_dinov3(folder: Path, *, seed: int = 0) -> Path:
    """Write a random DINOv3 ViT with four registers."""
    torch, transformers = require_hugging_face()
    if not hasattr(transformers, "DINOv3ViTConfig"):
        pytest.skip("this transformers has no DINOv3")
    torch.manual_seed(seed)
    config = transformers.DINOv3ViTConfig(
        hidden_size=_WIDTH,
        intermediate_size=2 * _WIDTH,
        num_hidden_layers=2,
        num_attention_heads=4,
        image_size=_SIDE,
        patch_size=_PATCH,
        num_register_tokens=4,
    )
    transformers.DINOv3ViTModel(config).eval().save_pretrained(folder)
    _save_squashing_processor(folder, "DINOv3ViTImageProcessor", 2)
    return folder


def save_convnext(folder: Path, *, seed: int = 0) -> Path:
    """Write a random ConvNeXt with its own rule of cropping."""
    torch, transformers = require_hugging_face()
    torch.manual_seed(seed)
    config = transformers.ConvNextConfig(
        hidden_sizes=[8, 16, _WIDTH], depths=[1, 1, 1], num_stages=3, patch_size=4, image_size=64
    )
    transformers.ConvNextModel(config).eval().save_pretrained(folder)
    processor = {
        "image_processor_type": "ConvNextImageProcessor",
        "do_resize": True,
        "size": {"shortest_edge": 64},
        "crop_pct": 0.875,
        "resample": 3,
        "do_rescale": True,
        "rescale_factor": 1 / 255,
        "do_normalize": True,
        "image_mean": _MEAN,
        "image_std": _STD,
    }
    (folder / "preprocessor_config.json").write_text(json.dumps(processor))
    return folder


def save_resnet(folder: Path, *, seed: int = 0) -> Path:
    """Write a random ResNet."""
    torch, transformers = require_hugging_face()
    torch.manual_seed(seed)
    config = transformers.ResNetConfig(
        embedding_size=8, hidden_sizes=[8, 16, _WIDTH], depths=[1, 1, 1], layer_type="basic"
    )
    transformers.ResNetModel(config).eval().save_pretrained(folder)
    _save_processor(folder, "BitImageProcessor", 72, _MEAN, _STD, crop=64)
    return folder


def edit_json(path: Path, **changes: object) -> None:
    """Change some keys of a JSON file."""
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def _save_squashing_processor(folder: Path, kind: str, resample: int) -> None:
    config = {
        "image_processor_type": kind,
        "do_resize": True,
        "size": {"height": _SIDE, "width": _SIDE},
        "resample": resample,
        "do_rescale": True,
        "rescale_factor": 1 / 255,
        "do_normalize": True,
        "image_mean": [0.5] * 3,
        "image_std": [0.5] * 3,
    }
    (folder / "preprocessor_config.json").write_text(json.dumps(config))


def _save_processor(
    folder: Path, kind: str, resize: int, mean: list[float], std: list[float], *, crop: int = _SIDE
) -> None:
    config = {
        "image_processor_type": kind,
        "do_convert_rgb": True,
        "do_resize": True,
        "size": {"shortest_edge": resize},
        "resample": 3,
        "do_center_crop": True,
        "crop_size": {"height": crop, "width": crop},
        "do_rescale": True,
        "rescale_factor": 1 / 255,
        "do_normalize": True,
        "image_mean": mean,
        "image_std": std,
    }
    (folder / "preprocessor_config.json").write_text(json.dumps(config))


def _save_word_tokenizer(folder: Path) -> int:
    """Write a fast tokenizer of a few lower-case words, and return how many tokens it has."""
    tokenizers = pytest.importorskip("tokenizers")
    words = ["<pad>", "<unk>", "a", "cat", "dog", "on", "mat", "two", "dogs", "rusty", "valve"]
    tokenizer = tokenizers.Tokenizer(
        tokenizers.models.WordLevel({word: n for n, word in enumerate(words)}, "<unk>")
    )
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(folder / "tokenizer.json"))
    (folder / "tokenizer_config.json").write_text(
        json.dumps(
            {
                "tokenizer_class": "PreTrainedTokenizerFast",
                "pad_token": "<pad>",
                "unk_token": "<unk>",
                "model_max_length": 12,
            }
        )
    )
    return len(words)


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
