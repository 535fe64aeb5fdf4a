"""timm models, from its registry, the hub or a folder, with their own preprocessing."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias, cast

import timm
import timm.data
import timm.models

from tamis.encoders.feature_levels import name_levels, timm_intermediates
from tamis.encoders.loading import explaining, quiet_libraries
from tamis.encoders.spec import EncoderSpec, convert_options
from tamis.encoders.torch_encoder import RUN_OPTIONS, TorchModel, TorchRun, as_encoder
from tamis.errors import EncoderError
from tamis.types import Preprocessing

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import torch

    from tamis.encoders.base import Encoder
    from tamis.encoders.torch_encoder import TensorFunction

__all__ = ["load_timm", "preprocessing_from_timm"]

Pooling: TypeAlias = Literal["cls", "mean"]

_OPTIONS: Final[Mapping[str, Any]] = {**RUN_OPTIONS, "pooling": Pooling, "size": int}
_HUB: Final = "hf-hub:"
_LOG: Final = "timm"
_NEEDED: Final = ("input_size", "mean", "std", "interpolation", "crop_pct")
_INTERPOLATIONS: Final = ("bilinear", "bicubic", "lanczos")
_COLOURS: Final = 3


@dataclass(frozen=True)
class _Source:
    """Where to find a model.

    Attributes:
        name: timm's name of it, with its scheme.
        place: the folder or hub name, for messages.
        architecture: timm's name of the network.
        config: its pretrained configuration: sizes, preprocessing.
    """

    name: str
    place: str
    architecture: str
    config: Mapping[str, Any]


def load_timm(spec: EncoderSpec, **options: Any) -> Encoder:
    """Load a model without its classifier, with the preprocessing that timm evaluates it with.

    Its vector is timm's features (`num_classes=0`). Its feature levels are the last patch tokens of
    a ViT, or the last map of each resolution of other networks.

    Args:
        spec: `timm:NAME` from timm's registry, with or without the tag of its weights;
            `timm:hf-hub:OWNER/NAME`, optionally with `@REVISION`; or `timm:FOLDER` with
            `config.json` and weights. Options: `pooling` (`cls`, or `mean` over the coarsest map;
            by default timm's own), `size` (another height and width in pixels), `precision`,
            `device`, `threads`.
        options: the same options as keyword arguments.

    Raises:
        EncoderError: the model is unknown, cannot be downloaded, lacks some of its weights, or
            needs preprocessing that tamis cannot reproduce exactly.
        UsageError: an option is unknown or out of range.
    """
    chosen = convert_options(spec, _OPTIONS, options)
    run = TorchRun(**{name: chosen[name] for name in RUN_OPTIONS if name in chosen})
    size: int | None = chosen.get("size")
    wanted = {"input_size": (_COLOURS, size, size)} if size else {}
    with quiet_libraries(_LOG) as messages:
        source = _find(spec)
        _refuse_flexible(spec, source)
        # check this before a possibly long download
        resolved = timm.data.resolve_data_config(wanted, pretrained_cfg=dict(source.config))
        preprocessing_from_timm(resolved, str(spec))
        model = _create(spec, source, size)
        _refuse_random(spec, model, messages)
        model.reset_classifier(0)
    model.float().eval()
    preprocessing = preprocessing_from_timm(
        timm.data.resolve_model_data_config(model, wanted), str(spec)
    )
    maps = name_levels(timm_intermediates(model), preprocessing)
    pooling: Pooling | None = chosen.get("pooling")
    pooled = _pooled(spec, model, maps, pooling)
    described = TorchModel(
        module=model,
        pooled=pooled,
        pooling={"cls": "class token", None: "timm"}.get(pooling, str(pooling)),
        maps=maps,
    )
    return as_encoder(str(spec), described, preprocessing, run)


def preprocessing_from_timm(config: Mapping[str, Any], name: str) -> Preprocessing:
    """Return the preprocessing that a timm data configuration specifies.

    Args:
        config: the result of `timm.data.resolve_model_data_config`.
        name: the name of the model in messages.

    Raises:
        EncoderError: tamis cannot reproduce it exactly.

    Example:
        >>> preprocessing_from_timm({
        ...     "input_size": (3, 224, 224), "crop_pct": 0.9, "crop_mode": "center",
        ...     "interpolation": "bicubic", "mean": (0.5,) * 3, "std": (0.5,) * 3,
        ... }, "timm:example").crop_fraction == 224 / 248
        True
    """
    channels, height, width = config["input_size"]
    mean, std = tuple(config["mean"]), tuple(config["std"])
    if not channels == len(mean) == len(std) == _COLOURS:
        raise _unsupported(name, "input_size", config)
    if config["interpolation"] not in _INTERPOLATIONS:
        raise _unsupported(name, "interpolation", config)
    common: dict[str, Any] = {"interpolation": config["interpolation"], "mean": mean, "std": std}
    # timm rounds down: for 224 pixels at 0.9 it resizes to 248
    resized = math.floor(height / config["crop_pct"]), math.floor(width / config["crop_pct"])
    match config["crop_mode"]:
        case "squash" if resized == (height, width):
            return Preprocessing(height, width, "squash", **common)
        case "center" if height == width <= resized[0]:
            return Preprocessing(
                height,
                width,
                "shortest-crop",
                height / resized[0],
                crop_rounding="even",  # as torchvision's CenterCrop
                **common,
            )
    raise EncoderError(
        f"{name} asks for preprocessing that tamis does not do yet (crop_mode "
        f"{config['crop_mode']!r} with crop_pct {config['crop_pct']} to {height} x {width} pixels);"
        " its vectors would be wrong, so it is not used"
    )


def _unsupported(name: str, key: str, config: Mapping[str, Any]) -> EncoderError:
    return EncoderError(
        f"{name} asks for preprocessing that tamis does not do yet ({key} = {config[key]!r}); its "
        "vectors would be wrong, so it is not used"
    )


def _find(spec: EncoderSpec) -> _Source:
    """Return where the model is; names in the registry take precedence over folders."""
    name = spec.name.removeprefix("local-dir:")
    if name.startswith(_HUB):
        place = name.removeprefix(_HUB)
        return _described(spec, name, place, timm.models.load_model_config_from_hf)
    if timm.is_model(name.partition(".")[0]):
        return _registered(name)
    folder = Path(name).expanduser()
    if name and folder.is_dir():
        from timm.models._hub import load_model_config_from_path

        return _described(spec, f"local-dir:{folder}", str(folder), load_model_config_from_path)
    if not name or "/" in name or name.startswith("~"):
        raise EncoderError(
            f"timm:{name} names no folder that exists; give a folder with a model in it, a name "
            "such as timm:resnet50.a1_in1k, or timm:hf-hub:OWNER/NAME for one on the hub"
        )
    near = get_close_matches(name.partition(".")[0], timm.list_models(), 3, 0.5)
    raise EncoderError(
        f"timm {timm.__version__} has no model {name!r}"
        + (f"; near to it are {', '.join(near)}" if near else "")
    )


def _registered(name: str) -> _Source:
    architecture = name.partition(".")[0]
    if not timm.is_model_pretrained(name):
        tags = timm.list_models(f"{architecture}.*", pretrained=True)
        known = f"it has {', '.join(tags)}" if tags else "random ones would mean nothing"
        raise EncoderError(f"timm has no pretrained weights {name}; {known}")
    config = timm.models.get_pretrained_cfg(name).to_dict()
    return _Source(name, config.get("hf_hub_id") or name, architecture, config)


def _described(
    spec: EncoderSpec, name: str, place: str, read: Callable[[str], tuple[Any, str, Any]]
) -> _Source:
    """Return a model with its own description, `config.json`."""
    # a hub page has no revision in its address, but a folder's name may contain an @
    shown = place.partition("@")[0] if name.startswith(_HUB) else place
    with explaining(str(spec), shown, "configuration"):
        try:
            config, architecture, arguments = read(place)
        except KeyError as error:
            raise EncoderError(
                f"the config.json of {spec} has no {error}, so it is not timm's; a model of "
                f"transformers is hf:{shown}"
            ) from error
    _refuse_incomplete(spec, config)
    if arguments.get("use_naflex"):
        architecture = "naflexvit"
    return _Source(name, shown, architecture, config)


def _refuse_incomplete(spec: EncoderSpec, config: Mapping[str, Any]) -> None:
    if missing := [key for key in _NEEDED if config.get(key) is None]:
        raise EncoderError(
            f"the configuration of {spec} does not say how pictures are prepared ({missing[0]} is "
            "missing); timm would use a default, which may be wrong, so the model is not used"
        )


def _refuse_flexible(spec: EncoderSpec, source: _Source) -> None:
    if source.architecture.startswith("naflexvit"):
        raise EncoderError(
            f"{spec} takes pictures of any shape as loose patches (NaFlex), which tamis cannot "
            "feed yet; use a ViT of fixed resolution"
        )


def _create(spec: EncoderSpec, source: _Source, size: int | None) -> Any:
    # Load the classifier too, because only then does timm require every weight.
    resized = {"img_size": size} if size and source.config.get("fixed_input_size") else {}
    with explaining(str(spec), source.place, "weights"):
        try:
            return timm.create_model(source.name, pretrained=True, **resized)
        except TypeError as error:
            if "img_size" not in str(error):
                raise
            raise EncoderError(f"{spec} has a fixed input size; leave out size") from error


def _refuse_random(spec: EncoderSpec, model: Any, messages: list[str]) -> None:
    # Some families are loaded leniently even so; timm only logs missing weights.
    lists = re.findall(r"Missing keys \(([^)]*)\)", "\n".join(messages))
    weights = model.state_dict()
    missing = [key for keys in lists for key in keys.split(", ") if key in weights]
    # a norm that is initialized to ones and zeros is the same in every run
    if random := [key for key in missing if weights[key].min() != weights[key].max()]:
        raise EncoderError(
            f"the checkpoint of {spec} lacks {len(random)} of the weights, {random[0]} for one; "
            "they would be random, so it is not used"
        )


def _pooled(
    spec: EncoderSpec, model: Any, maps: Mapping[str, TensorFunction], pooling: Pooling | None
) -> TensorFunction:
    if pooling is None:
        return cast("TensorFunction", model)
    if pooling == "cls":
        if getattr(model, "cls_token", None) is None or not getattr(model, "num_prefix_tokens", 0):
            raise EncoderError(f"{spec} has no class token; leave out pooling, or say mean")
        return lambda values: cast("torch.Tensor", model.forward_features(values)[:, 0])
    if not maps:
        raise EncoderError(f"{spec} has no feature maps to take the mean of; leave out pooling")
    coarsest = list(maps.values())[-1]
    return lambda values: coarsest(values).mean(dim=(1, 2))
