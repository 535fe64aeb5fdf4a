"""Pictures and changed versions of them, on which the vectors of encoders are compared."""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, TypeAlias

import numpy as np
from PIL import Image

from tamis.algo.defects import plant_flaw
from tamis.algo.encoder_figures import (
    distance_ranks,
    effective_rank,
    neighbor_votes,
    partner_ranks,
    probe_votes,
    shared_neighbors,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from tamis.algo.defects import FlawName
    from tamis.types import Indices, PixelBatch, Vectors

__all__ = ["Answers", "Encode", "Exam"]

Encode: TypeAlias = "Callable[[PixelBatch], Vectors]"

_UNSEEN_FLAWS: Final[tuple[FlawName, ...]] = ("scratch", "noise", "blur", "missing")
"""Kinds of flaw that no training plants."""

_JPEG_QUALITY: Final = 50


@dataclass(frozen=True)
class Answers:
    """How an encoder does in an exam.

    Attributes:
        values: by figure, one number in [0, 1] for each picture; higher is better.
        rank: effective rank of the vectors.
        right_share: mean share of votes for the right class; None without labels.
    """

    values: Mapping[str, NDArray[np.float64]]
    rank: float
    right_share: float | None


@dataclass(frozen=True)
class Exam:
    """What an encoder is asked; the same changed pictures for each.

    Attributes:
        pixels: `[N, H, W, 3]` uint8, the pictures asked.
        groups: `[N]` group of each.
        classes: `[N]` label of each; -1 without one.
        known: `[M, H, W, 3]` uint8, pictures whose labels are known.
        known_classes: `[M]` their labels; -1 without one.
        seeds: `[N]` number that chance is drawn by for each picture.
        asks: which figures, of `halves`, `copies`, `flaws`, `labels`.
        teacher: `[N, E]` vectors of another encoder, whose neighbors should be found.
    """

    pixels: PixelBatch
    groups: Indices
    classes: Indices
    known: PixelBatch
    known_classes: Indices
    seeds: Sequence[int]
    asks: frozenset[str]
    teacher: Vectors | None = None
    labeled: Indices = field(init=False)

    def __post_init__(self) -> None:
        shown = np.unique(self.known_classes[self.known_classes >= 0])
        fit = np.isin(self.classes, shown) if shown.size > 1 else np.zeros(len(self.classes), bool)
        object.__setattr__(self, "labeled", np.flatnonzero(fit))

    @property
    def has_labels(self) -> bool:
        """Whether enough labels are known to ask for them."""
        return "labels" in self.asks and len(self.labeled) >= 10  # noqa: PLR2004 - less is a guess

    def answers(self, encode: Encode) -> Answers:
        """Return how an encoder does."""
        own = encode(self.pixels)
        values: dict[str, NDArray[np.float64]] = {}
        share = None
        near: Vectors | None = None
        if self.has_labels or "flaws" in self.asks:
            near = encode(self.known)
        if self.has_labels and near is not None:
            told = self.known_classes >= 0
            asked = (own[self.labeled], self.classes[self.labeled])
            known = (near[told], self.known_classes[told])
            values["knn"], shares = neighbor_votes(*known, *asked)
            share = float(shares.mean())
            if "probe" in self.asks:
                values["probe"] = probe_votes(*known, *asked)
        if "halves" in self.asks:
            left, right = (encode(self._changed(half)) for half in (_left, _right))
            values["halves"] = partner_ranks(left, right, self.groups)
        if "copies" in self.asks:
            values["copies"] = self._copies(own, encode(self._changed(_copy)))
        if "flaws" in self.asks and near is not None:
            kinds = [encode(self._changed(_flawed(kind))) for kind in _UNSEEN_FLAWS]
            ranks = [distance_ranks(near, own, flawed, self.groups) for flawed in kinds]
            values["flaws"] = np.mean(ranks, axis=0)
        if self.teacher is not None:
            values["teacher"] = shared_neighbors(self.teacher, own)
        return Answers(values, effective_rank(own), share)

    def groups_of(self, figure: str) -> Indices:
        """Return the groups of the pictures that a figure has values of."""
        return self.groups[self.labeled] if figure in ("knn", "probe") else self.groups

    def _changed(self, change: _Change) -> PixelBatch:
        made = [
            change(pixels, np.random.default_rng([seed, 21]))
            for pixels, seed in zip(self.pixels, self.seeds, strict=True)
        ]
        return np.stack(made)

    def _copies(self, own: Vectors, copies: Vectors) -> NDArray[np.float64]:
        """Return 1 where a picture's copy is nearer than any picture of another group."""
        similar = own @ own.T
        similar[self.groups[:, None] == self.groups[None, :]] = -np.inf
        nearest = similar.max(axis=1)
        found: NDArray[np.float64] = ((own * copies).sum(axis=1) > nearest).astype(np.float64)
        return found


_Change: TypeAlias = "Callable[[NDArray[np.uint8], np.random.Generator], NDArray[np.uint8]]"


def _left(pixels: NDArray[np.uint8], _rng: np.random.Generator) -> NDArray[np.uint8]:
    return _part(pixels, 0.0)


def _right(pixels: NDArray[np.uint8], _rng: np.random.Generator) -> NDArray[np.uint8]:
    return _part(pixels, 0.5)


def _part(pixels: NDArray[np.uint8], left: float) -> NDArray[np.uint8]:
    """Return the middle of one half, as large as the picture: nothing is in both halves."""
    image = Image.fromarray(pixels)
    box = (
        left * image.width,
        image.height / 4,
        (left + 0.5) * image.width,
        image.height * 3 / 4,
    )
    return np.asarray(image.resize(image.size, Image.Resampling.BICUBIC, box))


def _copy(pixels: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Return what copying makes of a picture: a little cut off, other light, compressed."""
    image = Image.fromarray(pixels)
    cut = rng.uniform(0, 0.08, 4)
    box = (
        cut[0] * image.width,
        cut[1] * image.height,
        (1 - cut[2]) * image.width,
        (1 - cut[3]) * image.height,
    )
    image = image.resize(image.size, Image.Resampling.BICUBIC, box)
    light = np.asarray(image).astype(np.float32) * np.float32(rng.uniform(0.85, 1.15))
    stored = io.BytesIO()
    Image.fromarray(np.clip(np.rint(light), 0, 255).astype(np.uint8)).save(
        stored, "JPEG", quality=_JPEG_QUALITY
    )
    return np.asarray(Image.open(stored))


def _flawed(kind: FlawName) -> _Change:
    return lambda pixels, rng: plant_flaw(pixels, kind, rng).pixels
