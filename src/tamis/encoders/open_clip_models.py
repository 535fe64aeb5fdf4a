"""OpenCLIP models, from its list, the Hugging Face hub or a folder, with their text towers."""

from __future__ import annotations

import json
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, cast

import open_clip
from open_clip.pretrained import download_pretrained, download_pretrained_from_hf

from tamis.encoders.feature_levels import Intermediates, name_levels, timm_intermediates
from tamis.encoders.loading import explaining, quiet_libraries
from tamis.encoders.spec import EncoderSpec, convert_options
from tamis.encoders.torch_encoder import (
    RUN_OPTIONS,
    TorchModel,
    TorchRun,
    as_encoder,
    logit_scale_of,
)
from tamis.errors import EncoderError
from tamis.types import Preprocessing

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import torch

    from tamis.encoders.base import Encoder

__all__ = ["load_open_clip"]

_OPTIONS: Final[Mapping[str, Any]] = {**RUN_OPTIONS, "size": int}
_HUB: Final = "hf-hub:"
_LOG: Final = "open_clip"
_CONFIG_FILE: Final = "open_clip_config.json"
_INTERPOLATIONS: Final[Mapping[str, Literal["bicubic", "bilinear"]]] = {
    "bicubic": "bicubic",
    "bilinear": "bilinear",
    "random": "bicubic",  # what open_clip takes for inference
}


@dataclass(frozen=True)
class _Source:
    """Where to find a model.

    Attributes:
        name: open_clip's name of it, with its scheme.
        place: the folder or hub name, for messages.
        texts: the configuration of its text tower.
        weights: the tag of its weights, if the name does not imply them.
        quick_gelu: whether the weights were trained with that approximation.
    """

    name: str
    place: str
    texts: Mapping[str, Any]
    weights: str | None = None
    quick_gelu: bool = False


def load_open_clip(spec: EncoderSpec, **options: Any) -> Encoder:
    """Load both towers of a model, with its own preprocessing and tokenizer.

    Pictures are converted to RGB before they are resized; open_clip converts them afterwards.

    Args:
        spec: `open_clip:NAME/PRETRAINED` from open_clip's list; `open_clip:hf-hub:OWNER/NAME`; or
            `open_clip:FOLDER` with `open_clip_config.json`, weights and, if the model has its own,
            a tokenizer. Options: `size` (another height and width in pixels), `precision`,
            `device`, `threads`.
        options: the same options as keyword arguments.

    Raises:
        EncoderError: the model is unknown, cannot be downloaded, or lacks its preprocessing or some
            of its weights, so that its vectors would be wrong.
        UsageError: an option is unknown or out of range.
    """
    chosen = convert_options(spec, _OPTIONS, options)
    run = TorchRun(**{name: chosen[name] for name in RUN_OPTIONS if name in chosen})
    with quiet_libraries(_LOG):
        source = _find(spec)
        with explaining(str(spec), source.place, "weights"):
            model = open_clip.create_model(
                source.name,
                source.weights,
                require_pretrained=True,
                force_quick_gelu=source.quick_gelu,
                force_image_size=chosen.get("size"),
            )
    model.float().eval()
    preprocessing = _preprocessing(model.visual.preprocess_cfg, str(spec))
    described = TorchModel(
        module=model,
        pooled=lambda values: cast("torch.Tensor", model.encode_image(values)),
        pooling="open_clip image features",
        maps=name_levels(_intermediates(model.visual), preprocessing),
        texts=_texts(spec, source, model),
        text_settings={
            "tokenizer": source.texts.get("hf_tokenizer_name") or "open_clip",
            "tokenizer_mode": source.texts.get("tokenizer_mode"),
            "tokenizer_options": source.texts.get("tokenizer_kwargs") or {},
            "context_length": _context_length(model),
        },
        logit_scale=logit_scale_of(model),
    )
    return as_encoder(str(spec), described, preprocessing, run)


def _preprocessing(config: Mapping[str, Any], name: str) -> Preprocessing:
    size = config["size"]
    height, width = (size, size) if isinstance(size, int) else size
    common: dict[str, Any] = {
        "interpolation": _INTERPOLATIONS[config["interpolation"]],
        "mean": tuple(config["mean"]),
        "std": tuple(config["std"]),
    }
    match config["resize_mode"]:
        case "squash":
            return Preprocessing(height, width, "squash", **common)
        case "shortest" if height == width:
            # torchvision's CenterCrop rounds its start to even
            return Preprocessing(
                height, width, "shortest-crop", 1.0, crop_rounding="even", **common
            )
    raise EncoderError(
        f"{name} asks for preprocessing that tamis does not do yet (resize_mode "
        f"{config['resize_mode']!r} to {height} x {width} pixels); its vectors would be wrong, so "
        "it is not used"
    )


def _find(spec: EncoderSpec) -> _Source:
    """Return where the model is; names in the list take precedence over folders."""
    name = spec.name.removeprefix("local-dir:")
    if name.startswith(_HUB):
        return _on_hub(spec, name.removeprefix(_HUB))
    architecture, _, tag = name.rpartition("/")
    architecture = architecture.replace("/", "-")  # open_clip treats ViT-B/32 as ViT-B-32
    if architecture in open_clip.list_models():
        return _listed(spec, architecture, tag)
    folder = Path(name).expanduser()
    if name and folder.is_dir():
        config = _read(spec, folder / _CONFIG_FILE, str(folder))
        return _Source(f"local-dir:{folder}", str(folder), config["text_cfg"])
    if name in open_clip.list_models():
        tags = open_clip.list_pretrained_tags_by_model(name)
        raise EncoderError(
            f"{spec} does not say which weights, and random ones would mean nothing; "
            + (f"say open_clip:{name}/WEIGHTS, with {', '.join(tags)}" if tags else "it has none")
        )
    near = ", ".join(get_close_matches(architecture or name, open_clip.list_models(), 3, 0.5))
    raise EncoderError(
        f"open_clip:{name} names no folder that exists, and open_clip {open_clip.__version__} has "
        f"no such model{f' (near to it are {near})' if near else ''}; write "
        "open_clip:NAME/PRETRAINED, open_clip:hf-hub:OWNER/NAME or open_clip:FOLDER"
    )


def _listed(spec: EncoderSpec, architecture: str, tag: str) -> _Source:
    published = open_clip.get_pretrained_cfg(architecture, tag)
    if not published:
        tags = open_clip.list_pretrained_tags_by_model(architecture)
        raise EncoderError(
            f"open_clip has no weights {tag!r} of {architecture}; it has {', '.join(tags)}. For a "
            f"file of your own, give a folder with it and {_CONFIG_FILE}, which says how pictures "
            "are prepared"
        )
    config = open_clip.get_model_config(architecture)
    quick_gelu = bool(published.get("quick_gelu", False))
    if config.get("quick_gelu", False) and not quick_gelu:
        raise EncoderError(
            f"the weights {tag!r} were not trained with QuickGELU, but {architecture} uses it; "
            f"say {spec.kind}:{architecture.removesuffix('-quickgelu')}/{tag}"
        )
    place = (published.get("hf_hub") or architecture).rstrip("/")
    with explaining(str(spec), place, "weights"):
        download_pretrained(published)
    return _Source(architecture, place, config["text_cfg"], tag, quick_gelu)


def _on_hub(spec: EncoderSpec, place: str) -> _Source:
    with explaining(str(spec), place, "configuration"):
        path = download_pretrained_from_hf(place, filename=_CONFIG_FILE)
    config = _read(spec, Path(path), place)
    # open_clip would silently continue without weights that it cannot download
    with explaining(str(spec), place, "weights"):
        download_pretrained_from_hf(place)
    return _Source(f"{_HUB}{place}", place, config["text_cfg"])


def _read(spec: EncoderSpec, path: Path, place: str) -> Mapping[str, Any]:
    """Return the configuration of a model's towers after checking that it is complete."""
    with explaining(str(spec), place, "configuration"):
        config = json.loads(path.read_text(encoding="utf-8"))
    described = config.get("model_cfg") if isinstance(config, dict) else None
    if not isinstance(described, dict) or not {"vision_cfg", "text_cfg"} <= set(described):
        raise EncoderError(
            f"the {_CONFIG_FILE} of {spec} has no model_cfg with vision_cfg and text_cfg in it, so "
            "that the model cannot be built"
        )
    preprocessing = config.get("preprocess_cfg") or {}
    if missing := [key for key in ("mean", "std") if not preprocessing.get(key)]:
        raise EncoderError(
            f"the {_CONFIG_FILE} of {spec} does not say how pictures are prepared ({missing[0]} is "
            "missing); open_clip would use a default, which may be wrong, so the model is not used"
        )
    return described


def _intermediates(tower: Any) -> Intermediates:
    if hasattr(tower, "trunk"):
        return timm_intermediates(tower.trunk)
    # If a tower pools before the norm, the norm does not apply to patches.
    norm = getattr(tower, "attn_pool", None) is None and not getattr(
        tower, "final_ln_after_pool", False
    )

    def run(values: torch.Tensor, positions: Sequence[int] | None) -> Sequence[torch.Tensor]:
        outputs = tower.forward_intermediates(
            values,
            indices=positions,
            normalize_intermediates=norm,
            stop_early=True,
            intermediates_only=True,
        )
        return cast("Sequence[torch.Tensor]", outputs["image_intermediates"])

    return run


def _texts(
    spec: EncoderSpec, source: _Source, model: Any
) -> Callable[[Sequence[str]], torch.Tensor]:
    @cache
    def tokenizer() -> Any:
        with (
            quiet_libraries(_LOG),
            explaining(str(spec), source.place, "tokenizer"),
        ):
            loaded = open_clip.get_tokenizer(source.name, context_length=_context_length(model))
        _require_vocabulary(loaded, model, spec)
        return loaded

    def texts(given: Sequence[str]) -> torch.Tensor:
        # texts are padded to full length, as in training; each tower masks what it needs to
        tokens = tokenizer()(list(given)).to(next(model.parameters()).device)
        return cast("torch.Tensor", model.encode_text(tokens))

    return texts


def _context_length(model: Any) -> int:
    return int(getattr(model, "text", model).context_length)


def _require_vocabulary(tokenizer: Any, model: Any, spec: EncoderSpec) -> None:
    # if its files are missing, transformers returns a nearly empty tokenizer
    inner = getattr(tokenizer, "tokenizer", None)
    known = int(tokenizer.vocab_size) if inner is None else len(inner)
    expected = int(getattr(getattr(model, "text", model), "vocab_size", 0))
    if known <= expected // 2:
        raise EncoderError(
            f"the tokenizer of {spec} knows {known} tokens, but the model {expected}: its "
            "vocabulary is missing or of another model"
        )
