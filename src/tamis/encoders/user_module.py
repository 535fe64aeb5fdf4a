"""The user's own network or function, loaded from Python code."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal

from tamis.encoders.base import Encoder
from tamis.encoders.callable_encoder import CallableEncoder
from tamis.encoders.spec import EncoderSpec, convert_options
from tamis.encoders.user_code import find_object, is_network, make, source_hash
from tamis.encoders.user_preparation import PREPARATION_OPTIONS, read_preparation
from tamis.errors import EncoderError, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["load_user_module"]

_NETWORK_OPTIONS: Final[Mapping[str, Any]] = {
    "device": str,
    "precision": Literal["float32", "bfloat16", "float16"],
    "weights": str,
    "layer": str,
    "pooling": Literal["cls", "mean", "max", "gem3"],
    "maps": str,
}


def load_user_module(spec: EncoderSpec, **options: Any) -> Encoder:
    """Load an encoder from Python code.

    The object may be a `torch.nn.Module`, a class or function without arguments that creates one,
    a function from pictures `[B, H, W, 3]` uint8 to vectors `[B, D]` (which needs no PyTorch), or
    a `tamis.encoders.base.Encoder`.

    Args:
        spec: `py:MODULE:OBJECT` or `py:FILE.py:OBJECT`; modules are found as by `python -m`.
            Options: `size` (or `height` and `width`), `mode`, `crop_fraction`, `interpolation`,
            `mean` and `std` for preprocessing, unless the object declares it (see
            `tamis.encoders.user_preparation`); for networks `weights` (a file with their state),
            `layer` (whose output is the vector; `penultimate` is the input of the last linear
            layer), `pooling` (if the layer returns tokens or maps; `gem3` is the generalized mean
            of power 3), `maps` (a layer for feature maps), `device`, `precision`; for functions
            `fingerprint` (replaces the hash of their source); for both `threads`.
        options: the same options as keyword arguments.

    Raises:
        UnknownEncoderError: there is no such module or object.
        EncoderError: the code fails, or does not return vectors.
        UsageError: an option is missing, unknown or out of range.
        MissingExtraError: it needs PyTorch, which is not installed.
    """
    known = {"threads": int, **PREPARATION_OPTIONS, **_NETWORK_OPTIONS, "fingerprint": str}
    chosen = convert_options(spec, known, options)
    module, named = find_object(spec)
    thing = make(spec, named)
    preparation = {name: value for name, value in chosen.items() if name in PREPARATION_OPTIONS}
    if is_network(thing):
        from tamis.encoders.user_network import network_encoder

        _refuse(spec, chosen, ("fingerprint",), "its fingerprint covers its weights and code")
        preprocessing = read_preparation(spec, (thing, named), preparation, scaled=True)
        return network_encoder(spec, thing, preprocessing, source_hash(module, thing), chosen)
    _refuse(spec, chosen, _NETWORK_OPTIONS, "it is no PyTorch network")
    if isinstance(thing, Encoder):
        _refuse(spec, chosen, (*PREPARATION_OPTIONS, "fingerprint"), "it is an encoder already")
        return thing
    if not callable(thing):
        raise EncoderError(
            f"{spec} is a {type(thing).__name__}; name a torch.nn.Module, a function that makes "
            "one, or a function from pictures [B, H, W, 3] to vectors [B, D]"
        )
    preprocessing = read_preparation(spec, (thing, named), preparation, scaled=False)
    own = chosen.get("fingerprint", getattr(thing, "fingerprint", None))
    content = {"source": source_hash(module, thing)} if own is None else {"own": str(own)}
    return CallableEncoder(str(spec), thing, preprocessing, content)


def _refuse(spec: EncoderSpec, chosen: Mapping[str, Any], names: Any, why: str) -> None:
    if unfit := sorted(set(chosen) & set(names)):
        raise UsageError(f"{spec} takes no option {unfit[0]!r}: {why}")
