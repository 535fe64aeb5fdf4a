"""How to feed pictures to a graph stored in a file, and which output is the vector.

The settings come from the file's metadata, as written by `tamis encoders export`, from options in
the spec, and from the graph's shapes. Nothing that would silently change vectors is assumed; the
error says which option is missing.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Final, Literal

from tamis.encoders.spec import EncoderSpec, convert_options
from tamis.errors import EncoderError, UsageError
from tamis.types import Preprocessing

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "GRAPH_OPTIONS",
    "GraphFacts",
    "GraphSettings",
    "Port",
    "read_settings",
    "settings_metadata",
]

GRAPH_OPTIONS: Final[Mapping[str, Any]] = {
    "layout": Literal["nchw", "nhwc"],
    "size": tuple[int, ...],
    "mean": tuple[float, ...],
    "std": tuple[float, ...],
    "mode": Literal["shortest-crop", "squash", "pad"],
    "crop_fraction": float,
    "interpolation": Literal["bilinear", "bicubic", "lanczos"],
    "crop_rounding": Literal["down", "even"],
    "output": str,
    "pooling": Literal["cls", "mean"],
    "prefix": int,
    "maps": str,
    "batch": int,
}
"""Options common to all encoders from a graph in a file."""

_PREFIX: Final = "tamis."
_FORMAT: Final = 1
_CHANNELS: Final = 3
_INPUT_TYPES: Final = ("uint8", "float32", "float16")
_IMAGE_AXES: Final = 4


@dataclass(frozen=True)
class Port:
    """An input or output of a graph.

    Attributes:
        name: its name.
        shape: its dimensions, each None if not fixed; None if even their number is not fixed.
        dtype: NumPy's name of the dtype.
    """

    name: str
    shape: tuple[int | None, ...] | None
    dtype: str

    def __str__(self) -> str:
        shape = "?" if self.shape is None else ", ".join(str(n or "?") for n in self.shape)
        return f"{self.name} [{shape}]"


@dataclass(frozen=True)
class GraphFacts:
    """What a runtime reports about a loaded graph.

    Attributes:
        inputs: its inputs.
        outputs: its outputs.
        metadata: the metadata in its file.
    """

    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]
    metadata: Mapping[str, str]


@dataclass(frozen=True)
class GraphSettings:
    """How to feed a graph and read its outputs.

    Attributes:
        preprocessing: how a picture becomes its input.
        layout: order of the input's axes.
        dtype: of its input; a graph that takes uint8 normalizes pixels itself.
        batch: exact batch size; None for any.
        output: name of the output with the vector.
        pooling: how to pool an output of tokens or maps; None if it is `[B, D]`.
        prefix: number of tokens before the patch tokens; None to infer it from their number.
        maps: names of the outputs that are feature maps, from fine to coarse.
    """

    preprocessing: Preprocessing
    layout: Literal["nchw", "nhwc"]
    dtype: str
    batch: int | None
    output: str
    pooling: Literal["cls", "mean"] | None = None
    prefix: int | None = None
    maps: tuple[str, ...] = ()


def read_settings(spec: EncoderSpec, facts: GraphFacts, chosen: Mapping[str, Any]) -> GraphSettings:
    """Combine the chosen options, the file's metadata and the graph's shapes.

    Args:
        spec: the encoder's spec, for messages.
        facts: the graph.
        chosen: converted options of `GRAPH_OPTIONS`; they take precedence over the metadata.

    Raises:
        UsageError: a required option is missing, or one contradicts the graph.
        EncoderError: the graph does not take pictures, or a later tamis wrote its metadata.
    """
    values = {**_from_metadata(spec, facts.metadata), **chosen}
    if len(facts.inputs) != 1:
        raise EncoderError(
            f"{spec} takes {len(facts.inputs)} inputs ({_names(facts.inputs)}); it must take "
            "pictures alone: export only the part that embeds pictures"
        )
    port = facts.inputs[0]
    if port.dtype not in _INPUT_TYPES or (port.shape and len(port.shape) != _IMAGE_AXES):
        raise EncoderError(
            f"{spec} takes {port.dtype} of shape {port}, which is no batch of pictures; it must "
            f"be [B, 3, H, W] or [B, H, W, 3] of {', '.join(_INPUT_TYPES)}"
        )
    shape = port.shape or (None,) * _IMAGE_AXES
    layout = _layout(spec, port, shape, values.get("layout"))
    return GraphSettings(
        preprocessing=_preprocessing(spec, port, shape, layout, values),
        layout=layout,
        dtype=port.dtype,
        batch=_batch(spec, shape[0], values.get("batch")),
        output=_output(spec, facts.outputs, values.get("output")),
        pooling=values.get("pooling"),
        prefix=values.get("prefix"),
        maps=_maps(spec, facts.outputs, values.get("maps")),
    )


def settings_metadata(
    preprocessing: Preprocessing, maps: tuple[str, ...], facts: Mapping[str, str]
) -> dict[str, str]:
    """Return the metadata that a file needs so that `read_settings` needs no options.

    Args:
        preprocessing: the preprocessing that the graph expects.
        maps: names of its outputs that are feature maps.
        facts: additional metadata, such as where it comes from.
    """
    said: dict[str, str] = {
        "format": str(_FORMAT),
        "output": "embedding",
        "layout": "nhwc",
        "size": f"{preprocessing.height},{preprocessing.width}",
        **({"maps": ",".join(maps)} if maps else {}),
        **facts,
    }
    for name in (field.name for field in fields(preprocessing)):
        if name not in ("height", "width"):
            value = getattr(preprocessing, name)
            said[name] = ",".join(map(repr, value)) if isinstance(value, tuple) else str(value)
    return {f"{_PREFIX}{name}": value for name, value in said.items()}


def _from_metadata(spec: EncoderSpec, metadata: Mapping[str, str]) -> dict[str, Any]:
    said = {
        key.removeprefix(_PREFIX): value
        for key, value in metadata.items()
        if key.startswith(_PREFIX)
    }
    written = said.get("format", str(_FORMAT))
    if written != str(_FORMAT):
        raise EncoderError(
            f"{spec.name} was written by a later tamis (format {written}, this one reads "
            f"{_FORMAT}): update tamis"
        )
    options = {name: value for name, value in said.items() if name in GRAPH_OPTIONS}
    return convert_options(EncoderSpec(spec.kind, spec.name, options), GRAPH_OPTIONS, {})


def _layout(
    spec: EncoderSpec,
    port: Port,
    shape: tuple[int | None, ...],
    asked: Literal["nchw", "nhwc"] | None,
) -> Literal["nchw", "nhwc"]:
    first, last = shape[1], shape[3]
    layout = asked
    if layout is None:
        if (first == _CHANNELS) == (last == _CHANNELS):
            raise UsageError(
                f"the shape of {spec}'s input, {port}, does not tell where its channels are; "
                "give layout=nchw or layout=nhwc"
            )
        layout = "nchw" if first == _CHANNELS else "nhwc"
    channels = first if layout == "nchw" else last
    if channels not in (None, _CHANNELS):
        raise UsageError(
            f"{spec} takes {port}, which in layout {layout} has {channels} channels; tamis gives "
            "3, red, green and blue"
        )
    return layout


def _preprocessing(
    spec: EncoderSpec,
    port: Port,
    shape: tuple[int | None, ...],
    layout: str,
    values: Mapping[str, Any],
) -> Preprocessing:
    height, width = _size(spec, shape[2:4] if layout == "nchw" else shape[1:3], values.get("size"))
    kept = {
        name: values[name]
        for name in ("mode", "crop_fraction", "interpolation", "crop_rounding")
        if name in values
    }
    if not 0 < kept.get("crop_fraction", 1.0) <= 1:
        raise UsageError(f"crop_fraction of {spec} is {kept['crop_fraction']}, not in (0, 1]")
    if port.dtype != "uint8" and not {"mean", "std"} <= values.keys():
        raise UsageError(
            f"{spec} takes floating-point pixels and does not say how they are scaled; give what "
            "it was trained with, e.g. mean=.485,.456,.406&std=.229,.224,.225"
        )
    for name in ("mean", "std"):
        if name in values:
            kept[name] = _per_channel(spec, name, values[name])
    if 0 in kept.get("std", ()):
        raise UsageError(f"std of {spec} has a zero, by which nothing can be divided")
    return Preprocessing(height=height, width=width, **kept)


def _per_channel(spec: EncoderSpec, name: str, given: Any) -> tuple[float, ...]:
    values = (float(given),) if isinstance(given, int | float) else tuple(float(v) for v in given)
    if len(values) == 1:
        return values * _CHANNELS
    if len(values) != _CHANNELS:
        raise UsageError(f"{name} of {spec} has {len(values)} values; give 1 or {_CHANNELS}")
    return values


def _size(
    spec: EncoderSpec, fixed: tuple[int | None, ...], asked: tuple[int, ...] | int | None
) -> tuple[int, int]:
    if asked is None:
        if None in fixed:
            raise UsageError(
                f"{spec} takes pictures of any size; say which with size=N or size=HEIGHT,WIDTH"
            )
        wanted = tuple(int(side or 0) for side in fixed)
    else:
        wanted = (asked,) if isinstance(asked, int) else tuple(asked)
        wanted = wanted * 2 if len(wanted) == 1 else wanted
    if len(wanted) != len(fixed) or min(wanted) < 1:
        raise UsageError(f"size of {spec} must be N or HEIGHT,WIDTH in pixels, not {asked}")
    if any(side not in (None, want) for side, want in zip(fixed, wanted, strict=True)):
        sides = " x ".join(str(side or "any") for side in fixed)
        raise UsageError(f"{spec} takes pictures of {sides} pixels; leave out size")
    return wanted[0], wanted[1]


def _batch(spec: EncoderSpec, fixed: int | None, asked: int | None) -> int | None:
    if asked is not None and (asked < 1 or fixed not in (None, asked)):
        limit = f"{fixed}, which its graph fixes" if fixed else "at least 1"
        raise UsageError(f"batch of {spec} is {asked}; it must be {limit}")
    return fixed or asked


def _output(spec: EncoderSpec, outputs: tuple[Port, ...], asked: str | None) -> str:
    if asked is None:
        if len(outputs) != 1:
            raise UsageError(
                f"{spec} has {len(outputs)} outputs; say which has the vector, output=NAME: "
                f"{_names(outputs)}"
            )
        return outputs[0].name
    return _known(spec, outputs, asked)


def _maps(spec: EncoderSpec, outputs: tuple[Port, ...], asked: str | None) -> tuple[str, ...]:
    return tuple(_known(spec, outputs, name) for name in asked.split(",")) if asked else ()


def _known(spec: EncoderSpec, outputs: tuple[Port, ...], name: str) -> str:
    if name not in {port.name for port in outputs}:
        raise UsageError(f"{spec} has no output {name!r}; it has: {_names(outputs)}")
    return name


def _names(ports: tuple[Port, ...]) -> str:
    return "; ".join(map(str, ports))
