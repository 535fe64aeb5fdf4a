"""How to get vectors, patch features and text features from each family of Hugging Face models."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, Final, Literal, cast

import torch

from tamis.encoders.feature_levels import Levels, layer_positions
from tamis.encoders.torch_encoder import TextGraph, TorchModel, logit_scale_of
from tamis.errors import EncoderError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from tamis.encoders.spec import EncoderSpec
    from tamis.types import Preprocessing

__all__ = ["POOLINGS", "describe_backbone", "describe_two_towers"]

POOLINGS: Final = Literal["cls", "mean", "pooler"]

# These were published with the class token after the last norm as their vector. The pooler of a
# plain ViT is a classification layer, which DINO's checkpoints lack.
_CLASS_TOKEN: Final = {"vit", "deit", "dinov2", "dinov2_with_registers", "dinov3_vit", "ijepa"}
_PADDED: Final = {"siglip"}
_TOKENS, _MAP = 3, 4


def describe_two_towers(
    model: Any,
    load_tokenizer: Callable[[], Any],
    spec: EncoderSpec,
    call_options: Mapping[str, Any],
) -> TorchModel:
    """Describe CLIP, SigLIP and others that project pictures and text to one space."""

    def pooled(values: torch.Tensor) -> torch.Tensor:
        return _tensor(model.get_image_features(pixel_values=values, **call_options))

    def run(values: torch.Tensor, **options: Any) -> Any:
        return model.vision_model(pixel_values=values, **call_options, **options)

    padded = model.config.model_type in _PADDED
    longest = int(model.config.text_config.max_position_embeddings)
    if padded:
        # SigLIP was trained on texts padded to full length, without a mask; without padding it
        # loses most of its accuracy.
        settings = {"padding": "max_length", "max_length": longest, "lower": True}
    else:
        settings = {"padding": True, "max_length": longest}

    @cache
    def tokenizer() -> Any:
        loaded = load_tokenizer()
        _require_vocabulary(loaded, model, spec)
        return loaded

    def texts(given: Sequence[str]) -> torch.Tensor:
        tokens = tokenizer()(
            [text.lower() for text in given] if padded else list(given),
            padding="max_length" if padded else True,
            truncation=True,
            max_length=longest,
            return_tensors="pt",
        ).to(model.device)
        arguments = {"input_ids": tokens["input_ids"]}
        if not padded and "attention_mask" in tokens:
            arguments["attention_mask"] = tokens["attention_mask"]
        return _tensor(model.get_text_features(**arguments))

    def features(tokens: torch.Tensor, mask: torch.Tensor | None) -> torch.Tensor:
        masked = {} if mask is None else {"attention_mask": mask}
        return _tensor(model.get_text_features(input_ids=tokens, **masked))

    has_patches = hasattr(model, "vision_model") and hasattr(
        model.config.vision_config, "patch_size"
    )
    return TorchModel(
        module=model,
        pooled=pooled,
        pooling="image features",
        maps=_layers(model.vision_model, run, model.config.vision_config) if has_patches else {},
        texts=texts,
        text_settings=settings,
        text_graph=TextGraph(
            module=model,
            features=features,
            tokenizer=tokenizer,
            max_length=longest,
            lower=padded,
            masked=not padded,
            device=model.device,
        ),
        logit_scale=logit_scale_of(model),
    )


def describe_backbone(
    model: Any,
    preprocessing: Preprocessing,
    pooling: str | None,
    spec: EncoderSpec,
    call_options: Mapping[str, Any],
) -> TorchModel:
    """Describe a vision backbone: DINO, DINOv2, DINOv3, ViT, ConvNeXt, Swin, ResNet and others.

    The shape of its output decides how it is used: tokens `[B, T, D]` or maps `[B, D, h, w]`.

    Raises:
        EncoderError: it does not take pictures, or does not support the requested pooling.
    """

    def run(values: torch.Tensor, **options: Any) -> Any:
        return model(pixel_values=values, **call_options, **options)

    trial = _try(run, preprocessing, model, spec)
    features = trial.last_hidden_state
    patch_size = getattr(model.config, "patch_size", None)
    if not isinstance(patch_size, int):
        patch_size = None
    cells = _cells(preprocessing, patch_size, features)
    rule = _rule(pooling, trial, cells, model, spec)

    def pooled(values: torch.Tensor) -> torch.Tensor:
        outputs = run(values)
        if rule == "pooler":
            return cast("torch.Tensor", outputs.pooler_output.flatten(1))
        tokens = outputs.last_hidden_state
        if rule == "cls":
            return cast("torch.Tensor", tokens[:, 0])
        if tokens.ndim == _MAP:
            return cast("torch.Tensor", tokens.mean(dim=(2, 3)))
        return cast("torch.Tensor", tokens[:, tokens.shape[1] - cells :].mean(dim=1))

    def grid(values: torch.Tensor) -> torch.Tensor:
        tokens = run(values).last_hidden_state
        if tokens.ndim == _MAP:
            return cast("torch.Tensor", tokens.permute(0, 2, 3, 1))
        return _grid(tokens, values, patch_size)

    has_grid = features.ndim == _MAP or cells > 0
    maps: Mapping[str, Callable[[torch.Tensor], torch.Tensor]]
    if features.ndim == _TOKENS and model.config.model_type in _CLASS_TOKEN:
        maps = _layers(model, run, model.config)
    else:
        maps = {"patch" if features.ndim == _TOKENS else "last": grid}
    return TorchModel(
        module=model,
        pooled=pooled,
        pooling={"cls": "class token"}.get(rule, rule),
        maps=maps if has_grid else {},
    )


def _layers(tower: Any, run: Callable[..., Any], config: Any) -> Levels:
    """Return levels of a ViT: tokens after some of its layers, each with its final norm.

    Args:
        tower: has the norm.
        run: computes the tower's outputs.
        config: the tower's.
    """
    depth = int(config.num_hidden_layers)
    names = ("layernorm", "norm", "post_layernorm")
    norms = [getattr(tower, name) for name in names if hasattr(tower, name)]
    norm = norms[0] if norms else torch.nn.Identity()

    def layers(values: torch.Tensor, positions: Sequence[int]) -> list[torch.Tensor]:
        outputs = run(values, output_hidden_states=positions[0] < depth - 1)
        # of hidden states, the first is the embedding; the last output has its norm already
        found = [
            outputs.last_hidden_state if at == depth - 1 else norm(outputs.hidden_states[at + 1])
            for at in positions
        ]
        return [_grid(tokens, values, config.patch_size) for tokens in found]

    return Levels(layers, layer_positions(depth))


def _rule(asked: str | None, trial: Any, cells: int, model: Any, spec: EncoderSpec) -> str:
    """Return the requested pooling if the model supports it; by default that of its family."""
    features = trial.last_hidden_state
    has_class_token = features.ndim == _TOKENS and features.shape[1] > cells > 0
    has_pooler = getattr(trial, "pooler_output", None) is not None and not getattr(
        model, "tamis_random_pooler", False
    )
    if asked == "cls" and not has_class_token:
        raise EncoderError(f"{spec} has no class token; choose another pooling: mean or pooler")
    if asked == "pooler" and not has_pooler:
        raise EncoderError(
            f"{spec} has no pooler with weights of its own; choose another pooling: cls or mean"
        )
    if asked:
        return asked
    if has_class_token and (model.config.model_type in _CLASS_TOKEN or not has_pooler):
        return "cls"
    return "pooler" if has_pooler else "mean"


def _try(
    run: Callable[[torch.Tensor], Any], preprocessing: Preprocessing, model: Any, spec: EncoderSpec
) -> Any:
    values = torch.zeros(1, 3, preprocessing.height, preprocessing.width)
    model.float().eval()
    try:
        with torch.inference_mode():
            outputs = run(values)
    except (TypeError, ValueError, RuntimeError) as error:
        raise EncoderError(
            f"{spec} (family {model.config.model_type!r}) cannot embed pictures: "
            f"{str(error).partition(chr(10))[0]}"
        ) from error
    features = getattr(outputs, "last_hidden_state", None)
    if features is None or features.ndim not in (_TOKENS, _MAP):
        raise EncoderError(
            f"{spec} (family {model.config.model_type!r}) gives no tokens or feature maps, so "
            "tamis does not know where its vector is; export it to ONNX and use onnx:FILE"
        )
    return outputs


def _cells(preprocessing: Preprocessing, patch_size: int | None, features: torch.Tensor) -> int:
    """Count the patch tokens in a sequence; 0 if they do not form a grid."""
    if features.ndim == _MAP:
        return int(features.shape[2] * features.shape[3])
    tokens = int(features.shape[1])
    if patch_size is not None:
        cells = (preprocessing.height // patch_size) * (preprocessing.width // patch_size)
        if cells <= tokens:
            return cells
    # hierarchical networks merge patches, so the last grid is coarser than the first
    side = int(tokens**0.5)
    return tokens if side * side == tokens else 0


def _grid(tokens: torch.Tensor, values: torch.Tensor, patch_size: int | None) -> torch.Tensor:
    """Return the patch tokens, which come last, as a grid `[B, h, w, D]`."""
    height, width = int(values.shape[2]), int(values.shape[3])
    if patch_size is not None and (height // patch_size) * (width // patch_size) <= tokens.shape[1]:
        rows, columns = height // patch_size, width // patch_size
    else:
        rows = columns = int(tokens.shape[1] ** 0.5)
    patches = tokens[:, tokens.shape[1] - rows * columns :]
    return patches.reshape(tokens.shape[0], rows, columns, tokens.shape[2])


def _tensor(outputs: Any) -> torch.Tensor:
    """Return the features; older versions of transformers return the tensor itself."""
    if isinstance(outputs, torch.Tensor):
        return outputs
    return cast("torch.Tensor", outputs.pooler_output)


def _require_vocabulary(tokenizer: Any, model: Any, spec: EncoderSpec) -> None:
    # if its files are missing, transformers returns a nearly empty tokenizer
    known, expected = len(tokenizer), model.config.text_config.vocab_size
    if not expected // 2 < known <= expected:
        raise EncoderError(
            f"the tokenizer of {spec} knows {known} tokens, but the model {expected}: its "
            "vocabulary is missing or of another model"
        )
