"""The user's own network or function, named by where its Python code lies."""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import inspect
import sys
from contextlib import contextmanager
from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

from tamis.encoders.base import Encoder
from tamis.encoders.callable_encoder import CallableEncoder
from tamis.encoders.spec import EncoderSpec, convert_options
from tamis.errors import EncoderError, MissingExtraError, UnknownEncoderError, UsageError
from tamis.types import Preprocessing

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from types import ModuleType

__all__ = ["load_user_module"]

_PREPARATION: Final[Mapping[str, Any]] = {
    "size": int,
    "height": int,
    "width": int,
    "mode": Literal["shortest-crop", "squash", "pad"],
    "crop_fraction": float,
    "interpolation": Literal["bilinear", "bicubic", "lanczos"],
    "mean": tuple[float, ...],
    "std": tuple[float, ...],
}
_NETWORK: Final[Mapping[str, Any]] = {
    "device": str,
    "precision": Literal["float32", "bfloat16", "float16"],
    "weights": str,
    "layer": str,
    "pooling": Literal["cls", "mean", "max", "gem"],
    "maps": str,
}
_CHANNELS: Final = 3


def load_user_module(spec: EncoderSpec, **options: Any) -> Encoder:
    """Load an encoder from Python code.

    What is named may be a `torch.nn.Module`, a class or function without arguments that makes
    one, a function from pictures `[B, H, W, 3]` uint8 to vectors `[B, D]` (which needs no
    PyTorch), or anything that is a `tamis.encoders.base.Encoder` already.

    Args:
        spec: `py:MODULE:OBJECT` or `py:FILE.py:OBJECT`; modules are found as by `python -m`.
            Options: `size` (or `height` and `width`), `mode`, `crop_fraction`, `interpolation`,
            `mean` and `std` say how pictures are prepared, unless the object has an attribute
            `preprocessing`; for networks `weights` (a file of their state), `layer` (whose output
            is the vector; `penultimate` is what enters the last linear layer), `pooling` (where
            the layer gives tokens or maps), `maps` (a layer for feature maps), `device`,
            `precision`, `threads`.
        options: the same.

    Raises:
        UnknownEncoderError: there is no such module or object.
        EncoderError: the code fails, or gives no vectors.
        UsageError: an option is missing, unknown or out of range.
        MissingExtraError: it is a network, and PyTorch is not installed.
    """
    chosen = convert_options(spec, {"threads": int, **_PREPARATION, **_NETWORK}, options)
    module, thing = _find(spec)
    thing = _made(spec, thing)
    source = _source_hash(module)
    preparation = {name: value for name, value in chosen.items() if name in _PREPARATION}
    network = {name: value for name, value in chosen.items() if name in _NETWORK}
    if _is_torch_module(thing):
        if importlib.util.find_spec("torch") is None:
            raise MissingExtraError(f"the encoder {spec}", "hf")
        from tamis.encoders.user_network import network_encoder

        preprocessing = _preprocessing(spec, thing, preparation, scaled=True)
        if "threads" in chosen:
            network["threads"] = chosen["threads"]
        return network_encoder(spec, thing, preprocessing, source, network)
    if network:
        raise UsageError(f"{spec} is no PyTorch network, so it has no option {min(network)!r}")
    if isinstance(thing, Encoder):
        if preparation:
            raise UsageError(
                f"{spec} is an encoder already, so it has no option {min(preparation)!r}"
            )
        return thing
    if not callable(thing):
        raise EncoderError(
            f"{spec} is a {type(thing).__name__}; name a torch.nn.Module, a function that makes "
            "one, or a function from pictures [B, H, W, 3] to vectors [B, D]"
        )
    preprocessing = _preprocessing(spec, thing, preparation, scaled=False)
    return CallableEncoder(str(spec), thing, preprocessing, source)


def _find(spec: EncoderSpec) -> tuple[ModuleType, Any]:
    place, colon, name = spec.name.rpartition(":")
    if not (place and colon and name):
        raise UsageError(f"{spec} does not say what to load; write  py:MODULE:OBJECT")
    module = _imported(spec, place)
    thing: Any = module
    for part in name.split("."):
        if not hasattr(thing, part):
            raise UnknownEncoderError(f"{place} has no {name!r}; check the name in {spec}")
        thing = getattr(thing, part)
    return module, thing


def _imported(spec: EncoderSpec, place: str) -> ModuleType:
    file = Path(place).expanduser()
    if place.endswith(".py") and not file.is_file():
        raise UnknownEncoderError(f"{spec} names the file {place}, which does not exist")
    try:
        if not place.endswith(".py"):
            with _current_folder_on_path():
                return importlib.import_module(place)
        found = importlib.util.spec_from_file_location(f"tamis_user_{file.stem}", file)
        assert found is not None
        assert found.loader is not None
        module = importlib.util.module_from_spec(found)
        sys.modules[module.__name__] = module  # dataclasses and pickles look themselves up there
        found.loader.exec_module(module)
    except ModuleNotFoundError as error:
        if error.name is not None and place.startswith(error.name):
            raise UnknownEncoderError(
                f"there is no module {place}, neither installed nor in this folder ({spec})"
            ) from error
        raise EncoderError(f"{place} cannot be imported for {spec}: {error}") from error
    except Exception as error:  # the user's code may raise anything
        raise EncoderError(
            f"{place} cannot be imported for {spec}: {type(error).__name__}: {error}"
        ) from error
    else:
        return module


@contextmanager
def _current_folder_on_path() -> Iterator[None]:
    before = list(sys.path)
    sys.path.insert(0, "")
    try:
        yield
    finally:
        sys.path[:] = before


def _made(spec: EncoderSpec, thing: Any) -> Any:
    """Call a class or function without required arguments; anything else is what is meant."""
    if _is_torch_module(thing) or not callable(thing):
        return thing
    if isinstance(thing, Encoder) and not inspect.isclass(thing):
        return thing
    try:
        parameters = inspect.signature(thing).parameters.values()
    except (TypeError, ValueError):
        return thing
    required = [
        parameter.name
        for parameter in parameters
        if parameter.default is parameter.empty
        and parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
    ]
    if required:
        if inspect.isclass(thing):
            raise EncoderError(
                f"{spec} is a class that needs {', '.join(required)}; name a function that makes it"
            )
        return thing
    try:
        return thing()
    except Exception as error:  # the user's code may raise anything
        raise EncoderError(
            f"{spec} fails when it is called: {type(error).__name__}: {error}"
        ) from error


def _is_torch_module(thing: Any) -> bool:
    """Tell without importing PyTorch: whoever made a network has imported it."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(thing, torch.nn.Module)


def _preprocessing(
    spec: EncoderSpec, thing: Any, given: Mapping[str, Any], *, scaled: bool
) -> Preprocessing:
    """Return what the options say, over what the object itself says.

    Args:
        spec: for messages.
        thing: may have an attribute `preprocessing`.
        given: options.
        scaled: whether mean and standard deviation must be known.
    """
    given = dict(given)
    if (size := given.pop("size", None)) is not None:
        given = {"height": size, "width": size, **given}
    for name in ("mean", "std"):
        if name in given and len(given[name]) != _CHANNELS:
            raise UsageError(f"{name} of {spec} needs three numbers, red, green, blue")
    own = getattr(thing, "preprocessing", None)
    if isinstance(own, dict):
        unknown = set(own) - {field.name for field in fields(Preprocessing)}
        if unknown:
            raise EncoderError(f"the preprocessing of {spec} has an unknown {min(unknown)!r}")
        given = {**own, **given}
    elif isinstance(own, Preprocessing):
        return replace(own, **given)
    needed = ("height", "width", *(("mean", "std") if scaled else ()))
    if missing := [name for name in needed if name not in given]:
        raise UsageError(
            f"{spec} does not say how pictures are prepared for it: {', '.join(missing)} missing. "
            f"Write  {spec.kind}:{spec.name}?size=224&mean=.485,.456,.406&std=.229,.224,.225  with "
            "its own values, or give the object an attribute `preprocessing`"
        )
    return Preprocessing(**given)


def _source_hash(module: ModuleType) -> str:
    file = getattr(module, "__file__", None)
    content = Path(file).read_bytes() if file and Path(file).is_file() else b""
    return hashlib.blake2b(content, digest_size=16).hexdigest()
