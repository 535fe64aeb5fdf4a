"""Encoders on PyTorch, for networks from any library."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from threading import Lock
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias, cast

import numpy as np
import torch

from tamis.algo.unit_vectors import normalise_rows
from tamis.encoders.base import (
    Encoder,
    check_pixels,
    fingerprint_of,
    preprocessing_facts,
)
from tamis.encoders.device_copy import DeviceCopy
from tamis.encoders.feature_levels import Levels
from tamis.errors import EncoderError, OutOfMemoryError, UsageError, free_frames

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tamis.encoders.device_copy import OnDevice
    from tamis.types import PixelBatch, Preprocessing, Vectors

__all__ = [
    "RUN_OPTIONS",
    "Precision",
    "TextGraph",
    "TorchModel",
    "TorchRun",
    "as_encoder",
    "find_devices",
    "is_out_of_memory",
    "logit_scale_of",
]

Precision: TypeAlias = Literal["float32", "bfloat16", "float16"]
TensorFunction: TypeAlias = Callable[[torch.Tensor], torch.Tensor]

RUN_OPTIONS: Final[Mapping[str, Any]] = {"threads": int, "device": str, "precision": Precision}
"""Options common to all encoders on PyTorch."""

_NO_MEMORY: Final = ("can't allocate memory", "out of memory", "not enough memory")


@dataclass(frozen=True)
class TextGraph:
    """A text tower taken apart, so that it can be written as a graph.

    Attributes:
        module: its weights.
        features: maps tokens `[T, L]` and their mask, or None, to features `[T, D]`.
        tokenizer: loads the tokenizer.
        max_length: L; shorter texts are padded, longer ones truncated.
        lower: whether texts are lowercased first.
        masked: whether the features depend on a mask.
        device: where the weights are.
    """

    module: torch.nn.Module
    features: Callable[[torch.Tensor, torch.Tensor | None], torch.Tensor]
    tokenizer: Callable[[], Any]
    max_length: int
    lower: bool
    masked: bool
    device: Any


@dataclass(frozen=True)
class TorchModel:
    """A network and what tamis needs to know about it.

    Attributes:
        module: every weight that affects a vector; it is hashed and moved to the device.
        pooled: maps normalized pictures `[B, 3, H, W]` to features `[B, D]`.
        pooling: name of what `pooled` does, for the fingerprint.
        maps: spatial feature levels, from fine to coarse; each returns `[B, h, w, C]`.
        texts: maps texts to features `[T, D]` in the same space; None without a text tower.
        text_settings: what affects a text's vector besides the weights, for the fingerprint.
        text_graph: the text tower taken apart; None where it cannot be.
        logit_scale: factor of the cosine of a picture and a text in training, before the softmax
            (CLIP) or the bias and sigmoid (SigLIP); None without a text tower.
        note: one sentence that a user should know about the vectors; may be empty.
    """

    module: torch.nn.Module
    pooled: TensorFunction
    pooling: str
    maps: Mapping[str, TensorFunction] = field(default_factory=dict)
    texts: Callable[[Sequence[str]], torch.Tensor] | None = None
    text_settings: Mapping[str, object] = field(default_factory=dict)
    text_graph: TextGraph | None = None
    logit_scale: float | None = None
    note: str = ""


def logit_scale_of(module: Any) -> float | None:
    """Return the logit scale, which models store as its logarithm; None if there is none."""
    stored = getattr(module, "logit_scale", None)
    return None if stored is None else float(stored.detach().float().exp().reshape(-1)[0])


@dataclass(frozen=True)
class TorchRun:
    """How PyTorch runs a network.

    Attributes:
        threads: threads per call, set for the whole process; None leaves the setting alone.
        device: `cpu`, `cuda`, `cuda:1`, `mps`; None for the best available.
        precision: precision of the computation (autocast); weights stay float32.

    Raises:
        UsageError: the device is not available, it does not support the precision, or `threads`
            is less than 1.
    """

    threads: int | None = None
    device: str | None = None
    precision: Precision = "float32"

    def __post_init__(self) -> None:
        if self.threads is not None and self.threads < 1:
            raise UsageError(f"threads is {self.threads}, but inference needs at least 1")
        if self.precision not in ("float32", "bfloat16", "float16"):
            raise UsageError(
                f"precision is {self.precision!r}; it must be float32, bfloat16 or float16"
            )
        place = self.place  # raises where there is none
        if self.precision == "float16" and place.type == "cpu":
            raise UsageError(
                "precision float16 needs a GPU; on a processor use bfloat16 or float32"
            )

    @property
    def place(self) -> torch.device:
        """The requested device, or the best available."""
        if self.device is None:
            return torch.device(_best_device())
        try:
            place = torch.device(self.device)
        except RuntimeError as error:
            raise UsageError(
                f"there is no kind of device {self.device!r}; say cpu, cuda or mps"
            ) from error
        if place.type not in (found := find_devices()):
            raise UsageError(
                f"PyTorch finds no device {self.device!r} here; it finds {', '.join(found)}"
            )
        return place


def find_devices() -> list[str]:
    """Return the kinds of device that PyTorch finds here, best first."""
    found = ["cpu"]
    if torch.cuda.is_available():
        found.insert(0, "cuda")
    if torch.backends.mps.is_available():
        found.insert(0, "mps")
    return found


def _best_device() -> str:
    return find_devices()[0]


def as_encoder(
    spec: str, model: TorchModel, preprocessing: Preprocessing, run: TorchRun
) -> Encoder:
    """Make an encoder from a network, with text and feature maps if the network has them.

    Runs one picture through it to learn the length of its vectors.

    Args:
        spec: the spec that loads this encoder again.
        model: the network.
        preprocessing: the preprocessing that it expects.
        run: where and how to run it.

    Raises:
        EncoderError: the network fails on a picture of that size, or does not return `[B, D]`.
    """
    kind = {
        (False, False): TorchEncoder,
        (True, False): TorchMapEncoder,
        (False, True): TorchTextEncoder,
        (True, True): TorchTextMapEncoder,
    }[bool(model.maps), model.texts is not None]
    return kind(spec, model, preprocessing, run)


class TorchEncoder:
    """A network with one vector per picture; made by `as_encoder`."""

    def __init__(
        self, spec: str, model: TorchModel, preprocessing: Preprocessing, run: TorchRun
    ) -> None:
        if run.threads is not None:
            torch.set_num_threads(run.threads)
        self.spec = spec
        self.preprocessing = preprocessing
        self.device = run.place
        self.model = model
        self.logit_scale = model.logit_scale
        self.note = model.note
        self._precision = run.precision
        self._copy = DeviceCopy(self.device)
        # A multi-threaded call keeps all cores busy; two at once would compete for them.
        shares_threads = self.device.type == "cpu" and run.threads == 1
        self._turn: AbstractContextManager[Any] = nullcontext() if shares_threads else Lock()
        model.module.float().eval().requires_grad_(requires_grad=False).to(self.device)
        self._mean, self._std = (
            torch.tensor(values, device=self.device).view(1, 3, 1, 1)
            for values in (preprocessing.mean, preprocessing.std)
        )
        # Runtime versions and devices differ only by rounding, and are omitted.
        self.fingerprint = fingerprint_of(
            {
                "weights": _hash_weights(model.module),
                "preprocessing": preprocessing_facts(preprocessing),
                "resampling": "pillow",
                "pooling": model.pooling,
                "runtime": "torch",
                "precision": run.precision,
                **({"text": dict(model.text_settings)} if model.text_settings else {}),
            }
        )
        self.dim = self._measure_dim()

    def embed(self, pixels: PixelBatch) -> Vectors:
        """Return `[B, dim]` float32 unit vectors of prepared pictures.

        Raises:
            OutOfMemoryError: the batch is too large for the device.
        """
        if len(pixels) == 0:
            check_pixels(pixels, self.preprocessing)
            return np.empty((0, self.dim), np.float32)
        return normalise_rows(self._compute(pixels, self.model.pooled))

    def _compute(self, pixels: PixelBatch, function: TensorFunction) -> NDArray[np.float32]:
        check_pixels(pixels, self.preprocessing)

        def work(there: OnDevice) -> torch.Tensor:
            values = there.ready().permute(0, 3, 1, 2).float()
            return function((values / 255 - self._mean) / self._std)

        return self._result_of(lambda: self._in_turn(work, self._copy(pixels)))

    def _in_turn(self, work: Callable[..., torch.Tensor], *given: Any) -> NDArray[np.float32]:
        with self._turn, self._running():
            return _to_numpy(work(*given))

    def _result_of(self, attempt: Callable[[], NDArray[np.float32]]) -> NDArray[np.float32]:
        try:
            return attempt()
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            # or what is tried next would find the device still full of this
            free_frames(error)
        if self.device.type == "cuda":
            torch.cuda.empty_cache()
        raise OutOfMemoryError(self.spec, str(self.device))

    @contextmanager
    def _running(self) -> Iterator[None]:
        autocast: AbstractContextManager[Any] = nullcontext()
        if self._precision != "float32":
            autocast = torch.autocast(self.device.type, getattr(torch, self._precision))
        # TF32 would silently reduce float32 to 10 bits of mantissa on a GPU.
        with (
            torch.inference_mode(),
            autocast,
            torch.backends.cudnn.flags(enabled=True, deterministic=True, allow_tf32=False),
        ):
            yield

    def _measure_dim(self) -> int:
        one = np.zeros((1, self.preprocessing.height, self.preprocessing.width, 3), np.uint8)
        try:
            features = self._compute(one, self.model.pooled)
        except (RuntimeError, ValueError, TypeError, IndexError, AttributeError) as error:
            raise EncoderError(
                f"{self.spec} fails on a picture of {self.preprocessing.height} x "
                f"{self.preprocessing.width} pixels: {str(error).partition(chr(10))[0]}"
            ) from error
        if features.ndim != 2 or len(features) != 1:  # noqa: PLR2004 - rows and columns
            raise EncoderError(
                f"{self.spec} gives an output of shape {list(features.shape)} for one picture; it "
                "must be [1, D]. Choose another pooling or layer."
            )
        return int(features.shape[1])


class _WithMaps(TorchEncoder):
    @property
    def feature_levels(self) -> tuple[str, ...]:
        """Names of the levels of `feature_maps`, from fine to coarse."""
        return tuple(self.model.maps)

    def feature_maps(self, pixels: PixelBatch, level: str | None = None) -> NDArray[np.float32]:
        """Return `[B, h, w, C]` float32 spatial features, not normalized.

        Raises:
            UsageError: there is no such level, or the pixels do not fit.
            OutOfMemoryError: the batch is too large for the device.
        """
        level = level or self.feature_levels[-1]
        if level not in self.model.maps:
            raise UsageError(
                f"{self.spec} has no feature level {level!r}; it has: "
                f"{', '.join(self.feature_levels)}"
            )
        return self._compute(pixels, self.model.maps[level])

    def feature_maps_of(
        self, pixels: PixelBatch, levels: Sequence[str]
    ) -> list[NDArray[np.float32]]:
        """Return the features of several levels, in one run if the network allows.

        Raises:
            UsageError: there is no such level, or the pixels do not fit.
            OutOfMemoryError: the batch is too large for the device.
        """
        maps = self.model.maps
        if not isinstance(maps, Levels) or not set(levels) <= set(maps) or not len(pixels):
            return [self.feature_maps(pixels, level) for level in levels]
        shapes: list[tuple[int, ...]] = []

        def joined(values: torch.Tensor) -> torch.Tensor:
            found = maps.several(values, levels)
            shapes.extend(tuple(one.shape) for one in found)
            return torch.cat([one.flatten(1) for one in found], dim=1)

        flat = self._compute(pixels, joined)
        ends = np.cumsum([int(np.prod(shape[1:])) for shape in shapes])
        parts = np.split(flat, ends[:-1], axis=1)
        return [
            np.ascontiguousarray(part).reshape(shape)
            for part, shape in zip(parts, shapes, strict=True)
        ]


class _WithTexts(TorchEncoder):
    def embed_text(self, texts: Sequence[str]) -> Vectors:
        """Return `[T, dim]` float32 unit vectors of texts; long texts are truncated.

        Raises:
            EncoderError: the model has no tokenizer.
        """
        if not texts:
            return np.empty((0, self.dim), np.float32)
        read = self.model.texts
        assert read is not None
        return normalise_rows(self._result_of(lambda: self._in_turn(read, list(texts))))


class TorchMapEncoder(_WithMaps):
    """A network that also has spatial feature maps."""


class TorchTextEncoder(_WithTexts):
    """A network that also embeds text."""


class TorchTextMapEncoder(_WithTexts, _WithMaps):
    """A network that also embeds text and has spatial feature maps."""


def is_out_of_memory(error: BaseException) -> bool:
    """Return whether PyTorch failed because a device ran out of memory."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    text = str(error).lower()
    return isinstance(error, RuntimeError) and any(words in text for words in _NO_MEMORY)


def _hash_weights(module: torch.nn.Module) -> str:
    digest = hashlib.blake2b(digest_size=16)
    for name, tensor in sorted(module.state_dict().items()):
        if isinstance(tensor, torch.Tensor):
            digest.update(f"{name}{tuple(tensor.shape)}{tensor.dtype}".encode())
            digest.update(tensor.cpu().contiguous().reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()


def _to_numpy(tensor: torch.Tensor) -> NDArray[np.float32]:
    return cast("NDArray[np.float32]", tensor.float().cpu().numpy())
