"""Encoder specs: `kind:name?option=value&option=value`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, get_args, get_origin
from urllib.parse import parse_qsl, quote

from tamis.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["EncoderSpec", "convert_options", "parse_spec"]

_SAFE = "/:.,@+-_ "
_TRUE, _FALSE = {"1", "true", "yes", "on"}, {"0", "false", "no", "off"}


@dataclass(frozen=True)
class EncoderSpec:
    """A parsed spec.

    Attributes:
        kind: the part before the first colon, e.g. `hf`.
        name: the part after it, up to the question mark.
        options: the options after the question mark. Each affects the vectors, so the whole spec
            loads the same encoder again.
    """

    kind: str
    name: str
    options: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        pairs = [f"{key}={quote(value, safe=_SAFE)}" for key, value in sorted(self.options.items())]
        return f"{self.kind}:{self.name}" + (f"?{'&'.join(pairs)}" if pairs else "")


def parse_spec(text: str) -> EncoderSpec:
    """Parse an encoder's spec.

    Raises:
        UsageError: an option has no value, or is repeated.

    Example:
        >>> spec = parse_spec("onnx:net.onnx?std=.5,.5,.5&layout=nchw")
        >>> spec.kind, spec.name, spec.options["layout"]
        ('onnx', 'net.onnx', 'nchw')
        >>> str(spec)
        'onnx:net.onnx?layout=nchw&std=.5,.5,.5'
    """
    head, mark, query = text.partition("?")
    kind, _, name = head.partition(":")
    try:
        # do not decode a plus as a space, because model names contain pluses
        pairs = parse_qsl(
            query.replace("+", "%2B"), keep_blank_values=True, strict_parsing=bool(query)
        )
    except ValueError as error:
        raise UsageError(
            f"the options of {text!r} cannot be read; write  {head}?option=value&option=value"
        ) from error
    options = dict(pairs)
    if len(options) < len(pairs) or (mark and not (pairs and all(options.values()))):
        raise UsageError(f"an option of {text!r} comes twice or has no value")
    return EncoderSpec(kind, name, options)


def convert_options(
    spec: EncoderSpec, types: Mapping[str, Any], given: Mapping[str, Any]
) -> dict[str, Any]:
    """Convert the options in a spec to their types and merge them with keyword arguments.

    Args:
        spec: the spec with its options, all strings.
        types: type of each option of the kind: `int`, `float`, `bool`, `str`, `tuple[float, ...]`,
            or a `Literal` of strings.
        given: keyword arguments of a call, already typed.

    Raises:
        UsageError: an option is unknown, given twice, or has an invalid value.

    Example:
        >>> convert_options(parse_spec("hf:x?size=448"), {"size": int}, {})
        {'size': 448}
    """
    if "device" in given and "device" not in types:
        if given["device"] != "cpu":
            raise UsageError(f"{spec} runs on the processor alone: leave out the device")
        given = {name: value for name, value in given.items() if name != "device"}
    unknown = [name for name in (*spec.options, *given) if name not in types]
    if unknown:
        known = ", ".join(types) or "none"
        raise UsageError(f"{spec} has no option {unknown[0]!r}; {spec.kind}: knows {known}")
    if both := [name for name in spec.options if name in given]:
        raise UsageError(f"the option {both[0]!r} is given both in {spec} and beside it")
    converted = {
        name: _convert(f"{name}={value}", value, types[name], spec)
        for name, value in spec.options.items()
    }
    return {**converted, **given}


def _convert(pair: str, value: str, wanted: Any, spec: EncoderSpec) -> Any:
    try:
        if wanted is bool:
            return _to_bool(value)
        if get_origin(wanted) is Literal:
            if value not in get_args(wanted):
                raise UsageError(
                    f"{pair} in {spec} must be one of {', '.join(map(str, get_args(wanted)))}"
                )
            return value
        if get_origin(wanted) is tuple:
            return tuple(get_args(wanted)[0](part) for part in value.split(","))
        return wanted(value)
    except ValueError as error:
        raise UsageError(f"{pair} in {spec} cannot be read: {error}") from error


def _to_bool(value: str) -> bool:
    if value.lower() in _TRUE | _FALSE:
        return value.lower() in _TRUE
    raise ValueError(f"{value!r} is neither true nor false")
