"""A user's PyTorch network as an encoder: its output, or that of one of its layers."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import torch

from tamis.encoders.torch_encoder import (
    RUN_OPTIONS,
    TorchModel,
    TorchRun,
    as_encoder,
    is_out_of_memory,
)
from tamis.encoders.trial_pictures import trial_pixels
from tamis.encoders.user_code import explained, prints_to_stderr
from tamis.errors import EncoderError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tamis.encoders.base import Encoder
    from tamis.encoders.spec import EncoderSpec
    from tamis.types import Preprocessing

__all__ = ["network_encoder"]

_PENULTIMATE = "penultimate"
_NAMED = 3
_SCORES = (
    "a vector is what the last linear layer gives, in a classifier the scores of its classes; "
    "layer=penultimate takes what enters that layer"
)
_VECTORS, _TOKENS, _MAPS = 2, 3, 4
_POWER, _SMALLEST = 3.0, 1e-6  # of the generalized mean (Radenovic et al. 2018)


def network_encoder(
    spec: EncoderSpec,
    module: torch.nn.Module,
    preprocessing: Preprocessing,
    source: str,
    options: Mapping[str, Any],
) -> Encoder:
    """Make an encoder from a network.

    Args:
        spec: its spec.
        module: the network.
        preprocessing: the preprocessing that it expects.
        source: hash of its source code.
        options: `weights`, `layer`, `pooling`, `maps`, and how to run it.

    Raises:
        EncoderError: it fails, or its weights do not match.
        UsageError: there is no such layer, or the output needs a `pooling`.
    """
    run = TorchRun(**{name: options[name] for name in RUN_OPTIONS if name in options})
    if "weights" in options:
        _load_weights(spec, module, Path(options["weights"]).expanduser())
    module.float().eval().to("cpu")
    layer, pooling = options.get("layer"), options.get("pooling")
    trial = _trial(preprocessing)
    features = _features(spec, module, layer, trial)
    with torch.inference_mode():
        shape = tuple(features(trial).shape)
    _require_pooling(spec, shape, pooling)

    def pooled(values: torch.Tensor) -> torch.Tensor:
        return _pool(features(values), pooling)

    with torch.inference_mode():
        if not pooled(trial).isfinite().all():
            raise EncoderError(
                f"{spec} gives numbers that are not finite for a made picture; check its weights, "
                "mean and std"
            )
    maps: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {}
    if "maps" in options:
        name = options["maps"]
        tapped = _features(spec, module, name, trial)
        with torch.inference_mode():
            shape = tuple(tapped(trial).shape)
        if len(shape) != _MAPS:
            raise UsageError(
                f"the layer {name!r} of {spec} gives an output of shape {list(shape)}; feature "
                "maps are [B, D, h, w]"
            )
        maps[name] = lambda values: tapped(values).permute(0, 2, 3, 1)
    named = f"{layer or 'output'}, {pooling or 'as it is'}, source {source}"
    note = _SCORES if layer is None and _ends_in_linear(module, trial) else ""
    model = TorchModel(module, pooled, pooling=named, maps=maps, note=note)
    return as_encoder(str(spec), model, preprocessing, run)


def _trial(preprocessing: Preprocessing) -> torch.Tensor:
    """Return two synthetic pictures as input; a single one would hide a wrong batch size."""
    values = torch.from_numpy(trial_pixels(preprocessing, 2)).permute(0, 3, 1, 2).float() / 255
    mean, std = (
        torch.tensor(numbers).view(1, 3, 1, 1)
        for numbers in (preprocessing.mean, preprocessing.std)
    )
    return (values - mean) / std


def _load_weights(spec: EncoderSpec, module: torch.nn.Module, file: Path) -> None:
    if not file.is_file():
        raise EncoderError(f"the weights of {spec} are not at {file}")
    try:
        if file.suffix == ".safetensors":
            from safetensors.torch import load_file

            state = load_file(file)
        else:
            state = torch.load(file, map_location="cpu", weights_only=True)
    except Exception as error:  # damaged files raise all kinds of errors
        raise EncoderError(
            f"{file} cannot be read as weights of {spec}: {str(error).partition(chr(10))[0]}"
        ) from error
    for key in ("state_dict", "model"):  # as training scripts wrap it
        if isinstance(state, dict) and isinstance(state.get(key), dict):
            state = state[key]
    try:
        missing, unknown = module.load_state_dict(state, strict=False)
    except (RuntimeError, TypeError, AttributeError) as error:
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        raise EncoderError(
            f"the weights in {file} are not those of {spec}: {' '.join(lines[1:3])[:200]}"
        ) from error
    for what, names in (("lacks", missing), ("has the unknown", unknown)):
        if names:
            more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
            raise EncoderError(
                f"the weights in {file} are not those of {spec}: it {what} "
                f"{', '.join(names[:_NAMED])}{more}"
            )


def _features(
    spec: EncoderSpec, module: torch.nn.Module, layer: str | None, trial: torch.Tensor
) -> Callable[[torch.Tensor], torch.Tensor]:
    """Return a function that maps a batch to the output of the network or of one layer."""
    # several threads may be inside the network at once
    held = threading.local()

    def run(values: torch.Tensor) -> Any:
        try:
            with prints_to_stderr():
                return module(values)
        except Exception as error:  # the user's code may raise anything
            if is_out_of_memory(error):
                raise
            raise EncoderError(
                f"{spec} fails on pictures of shape {list(values.shape)}: {explained(error)}"
            ) from error

    if layer is None:
        return lambda values: _tensor(spec, run(values), "its output", values.shape[0])

    def hold(value: Any) -> None:
        # keep an output only if it was requested, so that unneeded maps are not kept alive
        if getattr(held, "waits", False):
            held.value = value

    if layer == _PENULTIMATE:
        last = _last_linear(spec, module, lambda: run(trial))
        last.register_forward_pre_hook(lambda _, inputs: hold(inputs[0]))
    else:
        submodules = dict(module.named_modules())
        if layer not in submodules or not layer:
            names = ", ".join([name for name in submodules if name][-8:])
            raise UsageError(f"{spec} has no layer {layer!r}; its last ones are {names}")
        submodules[layer].register_forward_hook(lambda _, _inputs, output: hold(output))

    def tapped(values: torch.Tensor) -> torch.Tensor:
        held.waits, held.value = True, None
        try:
            run(values)
            value = held.value
        finally:
            held.waits, held.value = False, None
        return _tensor(spec, value, f"the layer {layer!r}", values.shape[0])

    return tapped


def _last_linear(
    spec: EncoderSpec, module: torch.nn.Module, run: Callable[[], Any]
) -> torch.nn.Module:
    """Return the linear layer that runs last, which may not be the one defined last."""
    order, _ = _linear_layers(module, run)
    if not order:
        raise UsageError(f"{spec} has no linear layer, so none is penultimate; name a layer")
    return order[-1][0]


def _ends_in_linear(module: torch.nn.Module, trial: torch.Tensor) -> bool:
    order, output = _linear_layers(module, lambda: module(trial))
    return bool(order) and order[-1][1] is output


def _linear_layers(
    module: torch.nn.Module, run: Callable[[], Any]
) -> tuple[list[tuple[torch.nn.Module, Any]], Any]:
    """Return the linear layers with their outputs in execution order, and the final output."""
    order: list[tuple[torch.nn.Module, Any]] = []
    hooks = [
        part.register_forward_hook(lambda this, _inputs, output: order.append((this, output)))
        for part in module.modules()
        if isinstance(part, torch.nn.Linear)
    ]
    try:
        with torch.inference_mode(), prints_to_stderr():
            return order, run()
    finally:
        for hook in hooks:
            hook.remove()


def _tensor(spec: EncoderSpec, value: Any, what: str, batch: int) -> torch.Tensor:
    if isinstance(value, tuple | list) and value:
        value = value[0]
    if value is None:
        raise EncoderError(f"{what} of {spec} gives nothing: it does not run; choose another layer")
    if not isinstance(value, torch.Tensor):
        raise EncoderError(
            f"{what} in {spec} is a {type(value).__name__}, not a tensor; choose another layer"
        )
    # `len` would fix the number of pictures in an exported graph
    if value.ndim == 0 or value.shape[0] != batch:
        raise EncoderError(
            f"{what} in {spec} has the shape {list(value.shape)} for {batch} pictures; it must "
            "begin with their number"
        )
    return value


def _require_pooling(spec: EncoderSpec, shape: tuple[int, ...], pooling: str | None) -> None:
    wanted = {_TOKENS: "cls, mean, max or gem3", _MAPS: "mean, max or gem3"}
    if len(shape) == _VECTORS or (len(shape) == _MAPS and shape[2:] == (1, 1)):
        return
    if len(shape) not in wanted:
        raise UsageError(
            f"{spec} gives an output of shape {list(shape)}; choose a layer that gives [B, D], "
            "[B, T, D] or [B, D, h, w]"
        )
    if pooling is None or (pooling == "cls" and len(shape) == _MAPS):
        raise UsageError(
            f"{spec} gives an output of shape {list(shape)}; add pooling={wanted[len(shape)]}"
        )


def _pool(features: torch.Tensor, pooling: str | None) -> torch.Tensor:
    if features.ndim == _VECTORS:
        return features
    if features.ndim == _MAPS:
        if pooling is None:
            return features.flatten(1)
        features = features.flatten(2).transpose(1, 2)
    if pooling == "cls":
        return features[:, 0]
    if pooling == "max":
        return features.amax(dim=1)
    if pooling == "gem3":
        powered = features.clamp(min=_SMALLEST).pow(_POWER).mean(dim=1)
        return cast("torch.Tensor", powered.pow(1 / _POWER))
    return features.mean(dim=1)
