"""Read the preprocessing from the configuration that a model was published with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal

from tamis.errors import EncoderError
from tamis.types import Preprocessing

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["preprocessing_from_config"]

# Pillow's numbers for its filters
_INTERPOLATIONS: Final[Mapping[int, Literal["lanczos", "bilinear", "bicubic"]]] = {
    1: "lanczos",
    2: "bilinear",
    3: "bicubic",
}
_RESCALE_FACTOR: Final = 1 / 255
_CONVNEXT_SQUASHES_FROM: Final = 384


def preprocessing_from_config(config: Mapping[str, Any], name: str) -> Preprocessing:
    """Return the preprocessing that an image processor's configuration specifies.

    Args:
        config: a Hugging Face image processor as a dictionary.
        name: the name of the model in messages.

    Raises:
        EncoderError: it specifies something that tamis does not support; an approximation would
            give silently wrong vectors.

    Example:
        >>> preprocessing_from_config({
        ...     "do_resize": True, "size": {"shortest_edge": 256}, "resample": 3,
        ...     "do_center_crop": True, "crop_size": {"height": 224, "width": 224},
        ...     "do_rescale": True, "rescale_factor": 1 / 255,
        ...     "do_normalize": True, "image_mean": [0.5] * 3, "image_std": [0.5] * 3,
        ... }, "hf:example").crop_fraction
        0.875
    """
    interpolation = _INTERPOLATIONS.get(int(config.get("resample", -1)))
    if interpolation is None:
        raise _unsupported(name, "resample", config)
    if not config.get("do_rescale") or not _is_close(config["rescale_factor"], _RESCALE_FACTOR):
        raise _unsupported(name, "rescale_factor", config)
    mean, std = (
        _channels(config, "image_mean", 0.0, name),
        _channels(config, "image_std", 1.0, name),
    )
    height, width, mode, crop_fraction = _geometry(config, name)
    return Preprocessing(height, width, mode, crop_fraction, interpolation, mean, std)


def _geometry(
    config: Mapping[str, Any], name: str
) -> tuple[int, int, Literal["shortest-crop", "squash"], float]:
    size, crop = config.get("size") or {}, config.get("crop_size") or {}
    has_crop = bool(config.get("do_center_crop"))
    if not config.get("do_resize"):
        raise _unsupported(name, "do_resize", config)
    if "crop_pct" in config and set(size) == {"shortest_edge"} and not has_crop:
        return _convnext_geometry(int(size["shortest_edge"]), float(config["crop_pct"]))
    if "height" in size and "width" in size:
        height, width = int(size["height"]), int(size["width"])
        if has_crop and (crop.get("height"), crop.get("width")) != (height, width):
            raise _unsupported(name, "crop_size", config)
        return height, width, "squash", 1.0
    if set(size) != {"shortest_edge"} or not has_crop:
        raise _unsupported(name, "size", config)
    height, width = int(crop.get("height", 0)), int(crop.get("width", 0))
    if not 0 < height == width <= int(size["shortest_edge"]):
        raise _unsupported(name, "crop_size", config)
    return height, width, "shortest-crop", height / int(size["shortest_edge"])


def _convnext_geometry(
    edge: int, crop_fraction: float
) -> tuple[int, int, Literal["shortest-crop", "squash"], float]:
    """ConvNeXt's processor crops small inputs and squashes large ones (its `resize`)."""
    if edge >= _CONVNEXT_SQUASHES_FROM:
        return edge, edge, "squash", 1.0
    return edge, edge, "shortest-crop", edge / int(edge / crop_fraction)


def _channels(
    config: Mapping[str, Any], key: str, neutral: float, name: str
) -> tuple[float, float, float]:
    if not config.get("do_normalize"):
        return neutral, neutral, neutral
    match config.get(key):
        case [int() | float() as red, int() | float() as green, int() | float() as blue]:
            return float(red), float(green), float(blue)
        case _:
            raise _unsupported(name, key, config)


def _is_close(value: float, expected: float) -> bool:
    return abs(value - expected) < 1e-6 * expected


def _unsupported(name: str, key: str, config: Mapping[str, Any]) -> EncoderError:
    return EncoderError(
        f"{name} asks for preprocessing that tamis does not do yet "
        f"({key} = {config.get(key)!r}); its vectors would be wrong, so it is not used"
    )
