"""Find the installed runtimes and downloaded weights without loading any of them."""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["RUNTIME_OF_KIND", "Runtime", "find_runtimes", "is_in_hub_cache"]

RUNTIME_OF_KIND: Final[Mapping[str, str]] = {
    "bundled": "onnxruntime",
    "concepts": "onnxruntime",
    "hf": "torch",
    "timm": "torch",
    "open_clip": "torch",
    "onnx": "onnxruntime",
    "pack": "onnxruntime",
    "tuned": "onnxruntime",
    "openvino": "openvino",
}
"""The runtime of each kind of encoder; kinds not listed use any."""

_WEIGHTS: Final = ("*.safetensors", "pytorch_model*.bin")
_GPU_FILES: Final = ("/dev/nvidiactl", "/dev/kfd", "/dev/dxg")
"""Linux device files of GPUs that PyTorch could use: NVIDIA, AMD, WSL."""


@dataclass(frozen=True)
class Runtime:
    """A package that runs networks.

    Attributes:
        name: the package.
        version: the installed version; empty if it is not installed.
        devices: kinds of device that tamis can run it on here, best first.
    """

    name: str
    version: str
    devices: tuple[str, ...]


def find_runtimes() -> list[Runtime]:
    """Return the packages that run networks, installed or not.

    >>> [runtime.name for runtime in find_runtimes()]
    ['onnxruntime', 'openvino', 'torch']
    """
    found = []
    for name in sorted(set(RUNTIME_OF_KIND.values())):
        installed = _version_of(name)
        devices: tuple[str, ...] = ("cpu",) if installed else ()
        if installed and name == "torch":
            devices = _torch_devices()
        found.append(Runtime(name, installed, devices))
    return found


def is_in_hub_cache(name: str) -> bool:
    """Return whether a model's weights have been downloaded from the hub before."""
    snapshots = _hub_cache() / f"models--{name.replace('/', '--')}" / "snapshots"
    return any(any(snapshots.glob(f"*/{pattern}")) for pattern in _WEIGHTS)


def _version_of(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""


def _torch_devices() -> tuple[str, ...]:
    # PyTorch takes seconds to load, so query it only if there is a sign of a GPU
    if platform.system() == "Linux" and not any(Path(place).exists() for place in _GPU_FILES):
        return ("cpu",)
    from tamis.encoders.torch_encoder import find_devices

    return tuple(find_devices())


def _hub_cache() -> Path:
    """Return the cache folder of huggingface_hub, from its documented environment variables."""
    for name in ("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"):
        if place := os.environ.get(name):
            return Path(place).expanduser()
    general = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    home = os.environ.get("HF_HOME") or f"{general}/huggingface"
    return Path(home).expanduser() / "hub"
