"""Encoders from a graph in a file, for any runtime."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

import numpy as np

from tamis.algo.unit_vectors import normalise_rows
from tamis.encoders.base import check_pixels
from tamis.errors import EncoderError, OutOfMemoryError, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path
    from typing import Any

    from numpy.typing import NDArray

    from tamis.encoders.graph_settings import GraphSettings
    from tamis.types import PixelBatch, Preprocessing, Vectors

__all__ = ["GraphEncoder", "GraphMapEncoder", "GraphSession", "as_graph_encoder", "token_grid"]

_ROWS, _TOKENS, _PLACES = 2, 3, 4


class GraphSession(Protocol):
    """A loaded graph; thread-safe."""

    @property
    def device(self) -> str:
        """The device, in PyTorch's notation: `cpu`, `cuda:0`."""

    def run(self, pixels: NDArray[Any], outputs: Sequence[str]) -> list[NDArray[np.float32]]:
        """Return the named outputs for a batch."""


def as_graph_encoder(
    spec: str, fingerprint: str, settings: GraphSettings, session: GraphSession
) -> GraphEncoder:
    """Make an encoder from a graph, with feature maps if the graph has them.

    Runs one black picture through it to learn the shapes of its outputs.

    Args:
        spec: the spec that loads this encoder again.
        fingerprint: hash of everything that affects a vector.
        settings: how to feed the graph and read its outputs.
        session: runs the graph.

    Raises:
        EncoderError: the graph fails on a picture, or its output cannot be used as features.
        UsageError: its output needs a `pooling`, or does not fit the one given.
    """
    kind = GraphMapEncoder if settings.maps else GraphEncoder
    return kind(spec, fingerprint, settings, session)


class GraphEncoder:
    """A graph with one vector per picture; made by `as_graph_encoder`."""

    def __init__(
        self, spec: str, fingerprint: str, settings: GraphSettings, session: GraphSession
    ) -> None:
        self.spec = spec
        self.fingerprint = fingerprint
        self.settings = settings
        self.file: Path | None = None  # where the spec alone does not tell
        self.preprocessing: Preprocessing = settings.preprocessing
        self.device = session.device
        self._session = session
        channels = (3, 1, 1) if settings.layout == "nchw" else (3,)
        mean, std = (
            np.array(values, np.float32).reshape(channels)
            for values in (self.preprocessing.mean, self.preprocessing.std)
        )
        self._scale: Final = 1 / (255 * std)
        self._shift: Final = -mean / std
        one = np.zeros((1, self.preprocessing.height, self.preprocessing.width, 3), np.uint8)
        self.dim = int(self._vectors(self._compute(one, settings.output)).shape[1])

    def embed(self, pixels: PixelBatch) -> Vectors:
        """Return `[B, dim]` float32 unit vectors of prepared pictures.

        Raises:
            OutOfMemoryError: the batch is too large for the device.
        """
        check_pixels(pixels, self.preprocessing)
        if len(pixels) == 0:
            return np.empty((0, self.dim), np.float32)
        return normalise_rows(self._vectors(self._compute(pixels, self.settings.output)))

    def _compute(self, pixels: PixelBatch, output: str) -> NDArray[np.float32]:
        size = self.settings.batch or len(pixels)
        parts = []
        for start in range(0, len(pixels), size):
            part = pixels[start : start + size]
            # pad with black pictures for a graph with a fixed batch size
            room = [(0, size - len(part)), (0, 0), (0, 0), (0, 0)]
            whole = part if len(part) == size else np.pad(part, room)
            try:
                (result,) = self._session.run(self._feed(whole), [output])
            except MemoryError as error:
                raise OutOfMemoryError(self.spec, self.device) from error
            if result.ndim < _ROWS or len(result) != size:
                raise EncoderError(
                    f"{self.spec} gives an output {output!r} of shape {list(result.shape)} for "
                    f"{size} pictures; its first axis must be theirs"
                )
            parts.append(result[: len(part)].astype(np.float32, copy=False))
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    def _feed(self, pixels: PixelBatch) -> NDArray[Any]:
        ordered = pixels.transpose(0, 3, 1, 2) if self.settings.layout == "nchw" else pixels
        if self.settings.dtype == "uint8":
            return np.ascontiguousarray(ordered)
        values = ordered.astype(np.float32, order="C")
        values *= self._scale
        values += self._shift
        return values.astype(self.settings.dtype, copy=False)

    def _vectors(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """Extract the vectors `[B, D]` from an output."""
        pooling, shape = self.settings.pooling, list(features.shape)
        rest = shape[1:-1] if self.settings.layout == "nhwc" else shape[2:]
        if features.ndim == _TOKENS:
            rest = shape[1:2]
        if features.ndim == _ROWS or (features.ndim <= _PLACES and set(rest) == {1}):
            if pooling is not None:
                raise UsageError(
                    f"the output {self.settings.output!r} of {self.spec} is one vector a picture "
                    "already; leave out pooling"
                )
            return features.reshape(len(features), -1)
        if features.ndim == _TOKENS and pooling == "cls":
            return features[:, 0]
        if features.ndim == _TOKENS and pooling == "mean":
            return _mean(
                features[:, token_grid(features.shape[1], self.settings, self.spec)[2] :], (1,)
            )
        if features.ndim == _PLACES and pooling == "mean":
            return _mean(features, (2, 3) if self.settings.layout == "nchw" else (1, 2))
        can = {_TOKENS: "pooling=cls or pooling=mean", _PLACES: "pooling=mean"}.get(features.ndim)
        raise UsageError(
            f"the output {self.settings.output!r} of {self.spec} has the shape {shape}, which is "
            + (f"more than one vector a picture; give {can}" if can else "no features")
        )


class GraphMapEncoder(GraphEncoder):
    """A graph that also has spatial feature maps."""

    @property
    def feature_levels(self) -> tuple[str, ...]:
        """Names of the levels of `feature_maps`, from fine to coarse."""
        return self.settings.maps

    def feature_maps(self, pixels: PixelBatch, level: str | None = None) -> NDArray[np.float32]:
        """Return `[B, h, w, D]` float32 spatial features, not normalized.

        Raises:
            UsageError: there is no such level, or the pixels do not fit.
            OutOfMemoryError: the batch is too large for the device.
        """
        level = level or self.feature_levels[-1]
        if level not in self.feature_levels:
            raise UsageError(
                f"{self.spec} has no feature level {level!r}; it has: "
                f"{', '.join(self.feature_levels)}"
            )
        check_pixels(pixels, self.preprocessing)
        features = self._compute(pixels, level)
        if features.ndim == _TOKENS:
            rows, columns, prefix = token_grid(features.shape[1], self.settings, self.spec)
            return features[:, prefix:].reshape(len(features), rows, columns, -1)
        if features.ndim != _PLACES:
            raise UsageError(
                f"the output {level!r} of {self.spec} has the shape {list(features.shape)}, which "
                "is no map of places; leave it out of maps"
            )
        # a graph with channels-first input also has channels-first output
        return features.transpose(0, 2, 3, 1) if self.settings.layout == "nchw" else features


def token_grid(count: int, settings: GraphSettings, spec: str) -> tuple[int, int, int]:
    """Return rows, columns and number of prefix tokens, by default one class token or none.

    Raises:
        UsageError: so many tokens make no grid of the picture's shape.
    """
    given = settings.prefix
    aspect = settings.preprocessing.height / settings.preprocessing.width
    for prefix in (0, 1) if given is None else (given,):
        rows = round((max(count - prefix, 0) * aspect) ** 0.5)
        columns = round(rows / aspect)
        if rows and rows * columns == count - prefix:
            return rows, columns, prefix
    raise UsageError(
        f"{count} tokens of {spec}"
        + ("" if given is None else f", without the first {given},")
        + " make no grid of the picture's shape; give prefix=N, the number of class and "
        "register tokens before those of the places"
    )


def _mean(features: NDArray[np.float32], axes: tuple[int, ...]) -> NDArray[np.float32]:
    mean: NDArray[np.float32] = features.mean(axis=axes)
    return mean
