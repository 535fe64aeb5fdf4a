"""The preprocessing of a user's own network, from its options or declared by its object."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, fields
from typing import TYPE_CHECKING, Any, Final, Literal, get_args

from tamis.errors import EncoderError, UsageError
from tamis.types import Preprocessing

if TYPE_CHECKING:
    from tamis.encoders.spec import EncoderSpec

__all__ = ["PREPARATION_OPTIONS", "read_preparation"]

_MODES = Literal["shortest-crop", "squash", "pad"]
_FILTERS = Literal["bilinear", "bicubic", "lanczos"]

PREPARATION_OPTIONS: Final[Mapping[str, Any]] = {
    "size": int,
    "height": int,
    "width": int,
    "mode": _MODES,
    "crop_fraction": float,
    "interpolation": _FILTERS,
    "mean": tuple[float, ...],
    "std": tuple[float, ...],
}
"""The options for preprocessing."""

_CHANNELS: Final = 3
_BOTH_SIDES: Final = 2


def read_preparation(
    spec: EncoderSpec, things: tuple[Any, ...], given: Mapping[str, Any], *, scaled: bool
) -> Preprocessing:
    """Return the preprocessing from the options and, where they are missing, from the object.

    An object declares it by an attribute `preprocessing` (a `Preprocessing`, or a dictionary with
    its fields), or like torchvision's weights: by `transforms()`, or `weights` that have it.

    Args:
        spec: the encoder's spec, for messages.
        things: the objects that may declare it; the first that does is used.
        given: converted options of `PREPARATION_OPTIONS`.
        scaled: whether mean and standard deviation are required.

    Raises:
        UsageError: something is missing or out of range.
        EncoderError: the declared preprocessing is not supported.
    """
    said = next((own for thing in things if (own := _own(spec, thing)) is not None), {})
    values = {**said, **_sides(given)}
    needed = ("height", "width", *(("mean", "std") if scaled else ()))
    if missing := [name for name in needed if name not in values]:
        raise UsageError(
            f"{spec} does not say how pictures are prepared for it: {', '.join(missing)} missing. "
            f"Write  {spec.kind}:{spec.name}?size=224&mean=.485,.456,.406&std=.229,.224,.225  with "
            "its own values, or give the object an attribute `preprocessing`"
        )
    return _checked(spec, values)


def _sides(values: Mapping[str, Any]) -> dict[str, Any]:
    rest = dict(values)
    size = rest.pop("size", None)
    return rest if size is None else {"height": size, "width": size, **rest}


def _own(spec: EncoderSpec, thing: Any) -> dict[str, Any] | None:
    own = getattr(thing, "preprocessing", None)
    if isinstance(own, Preprocessing):
        return asdict(own)
    if isinstance(own, Mapping):
        values = _sides(own)
        if unknown := set(values) - {field.name for field in fields(Preprocessing)}:
            raise EncoderError(f"the preprocessing of {spec} has an unknown {min(unknown)!r}")
        return values
    weights = getattr(thing, "weights", None)
    for place in (own, getattr(thing, "transforms", None), getattr(weights, "transforms", None)):
        preset = place if _is_preset(place) or not callable(place) else place()
        if _is_preset(preset):
            return _of_preset(spec, preset)
    if own is not None:
        raise EncoderError(
            f"the preprocessing of {spec} is a {type(own).__name__}; it must be a "
            "tamis.types.Preprocessing, a dictionary with its fields, or a preset of torchvision"
        )
    return None


def _is_preset(thing: Any) -> bool:
    """Return whether this is torchvision's classification preset, without importing torchvision."""
    return all(hasattr(thing, name) for name in ("resize_size", "crop_size", "mean", "std"))


def _of_preset(spec: EncoderSpec, preset: Any) -> dict[str, Any]:
    resize, crop = (_one_or_two(getattr(preset, name)) for name in ("resize_size", "crop_size"))
    filter_name = getattr(preset, "interpolation", "bilinear")
    filter_name = str(getattr(filter_name, "value", filter_name))
    height, width = crop * _BOTH_SIDES if len(crop) == 1 else crop
    if len(resize) == 1 and resize[0] >= max(height, width):
        how = {"mode": "shortest-crop", "crop_fraction": height / resize[0]}
    elif resize == (height, width):
        how = {"mode": "squash"}
    else:
        raise EncoderError(
            f"the transforms of {spec} resize to {list(resize)} and crop to {list(crop)}, which "
            "tamis cannot do exactly; say size, mode and crop_fraction yourself"
        )
    return {
        **how,
        "height": height,
        "width": width,
        "interpolation": filter_name,
        "mean": preset.mean,
        "std": preset.std,
        "crop_rounding": "even",
    }


def _one_or_two(value: Any) -> tuple[int, ...]:
    return (int(value),) if isinstance(value, int) else tuple(int(part) for part in value)


def _checked(spec: EncoderSpec, values: dict[str, Any]) -> Preprocessing:
    for name in ("height", "width"):
        if not isinstance(values[name], int) or values[name] < 1:
            raise UsageError(f"{name} of {spec} is {values[name]!r}; it must be at least 1")
    for name in {"mean", "std"} & set(values):
        numbers = tuple(float(number) for number in values[name])
        if len(numbers) != _CHANNELS or not all(map(math.isfinite, numbers)):
            raise UsageError(f"{name} of {spec} needs three numbers, red, green, blue")
        values[name] = numbers
    if min(values.get("std", (1.0,))) <= 0:
        raise UsageError(f"std of {spec} divides, so each of its numbers must be above 0")
    if not 0 < values.get("crop_fraction", 1.0) <= 1:
        raise UsageError(
            f"crop_fraction of {spec} is {values['crop_fraction']:g}; it must be in (0, 1]"
        )
    for name, known in (("mode", get_args(_MODES)), ("interpolation", get_args(_FILTERS))):
        if name in values and values[name] not in known:
            raise UsageError(
                f"{name} of {spec} is {values[name]!r}; it must be one of {', '.join(known)}"
            )
    return Preprocessing(**values)
