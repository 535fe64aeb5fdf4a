"""A classifier that a reference carries, to estimate what a drift does to accuracy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from scipy.special import softmax

from tamis.algo.drift import accuracy_change
from tamis.algo.probe import LinearHead, train_probe
from tamis.services.drift.result import DriftHarm

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from tamis.types import Indices, Vectors

__all__ = ["LinearProbe", "fit_probe"]

_HELD_OUT: Final = 0.4
_FEWEST_A_CLASS: Final = 10
_FEWEST_BLOCKS: Final = 20
_MOST_FITTED: Final = 2000
_MOST_BYTES: Final = 1_000_000
_PREFIX: Final = "probe_"


@dataclass(frozen=True)
class LinearProbe:
    """A probe of labels, and how sure it was on pictures that it was not fitted on.

    Attributes:
        classes: `[K]` the labels.
        head: the classifier; its weights are as exact as float32.
        temperature: divides the logits.
        confidence: `[H]` probability of the predicted class, of pictures that were held out.
        right: `[H]` whether that class is the true one.
        blocks: `[H]` block of each.
    """

    classes: NDArray[Any]
    head: LinearHead
    temperature: float
    confidence: NDArray[np.float64]
    right: NDArray[np.bool_]
    blocks: Indices

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return plain arrays that hold all of it."""
        head = self.head
        centre = np.empty(0) if head.centre is None else head.centre
        arrays: dict[str, NDArray[Any]] = {
            "classes": self.classes,
            "weights": head.weights.astype(np.float32),
            "offset": head.offset,
            "centre": centre,
            "temperature": np.array([self.temperature]),
            "confidence": self.confidence,
            "right": self.right,
            "blocks": self.blocks,
        }
        return {_PREFIX + name: array for name, array in arrays.items()}

    @staticmethod
    def from_arrays(arrays: Mapping[str, NDArray[Any]]) -> LinearProbe | None:
        """Return the probe among a reference's arrays; None if it has none.

        Raises:
            KeyError: an array is missing.
        """
        if f"{_PREFIX}weights" not in arrays:
            return None
        own = {
            name.removeprefix(_PREFIX): array
            for name, array in arrays.items()
            if name.startswith(_PREFIX)
        }
        head = LinearHead(
            weights=own["weights"].astype(np.float64),
            offset=own["offset"],
            centre=own["centre"] if own["centre"].size else None,
        )
        temperature = float(own["temperature"][0])
        known = own["confidence"], own["right"], own["blocks"]
        return LinearProbe(own["classes"], head, temperature, *known)

    def probabilities(self, vectors: Vectors) -> NDArray[np.float64]:
        """Return `[N, K]` class probabilities of unit vectors `[N, D]`."""
        found: NDArray[np.float64] = softmax(self.head.logits(vectors) / self.temperature, axis=1)
        return found

    def harm(self, vectors: Vectors, blocks: Indices) -> DriftHarm:
        """Estimate the change of accuracy on a batch `[N, D]` from how sure the probe is of it."""
        found = accuracy_change(
            self.confidence,
            self.probabilities(vectors).max(axis=1),
            right=self.right,
            blocks=(self.blocks, blocks),
        )
        return DriftHarm(
            found.reference, found.batch, found.change, found.low, found.high, found.assumptions
        )


def fit_probe(
    vectors: Vectors, labels: Sequence[str | None], blocks: Indices, rng: np.random.Generator
) -> LinearProbe | None:
    """Fit a probe on six tenths of the labeled blocks, and keep what it says of the others.

    The same classifier then judges the rest of the reference and any batch, so that a difference
    of confidence is one of the pictures. At most 2,000 pictures are fitted on.

    Returns:
        None where fewer than two labels have ten pictures each, or there are too many labels.
    """
    known = np.array([label or "" for label in labels])
    names, counts = np.unique(known[known != ""], return_counts=True)
    names = names[counts >= _FEWEST_A_CLASS]
    few = names.size < 2 or np.unique(blocks).size < _FEWEST_BLOCKS  # noqa: PLR2004 - to tell apart
    if few or 4 * names.size * vectors.shape[1] > _MOST_BYTES:
        return None
    usable = np.isin(known, names)
    drawn = np.unique(blocks)
    held = np.isin(blocks, rng.permutation(drawn)[: int(_HELD_OUT * drawn.size)])
    fitted, tried = np.flatnonzero(usable & ~held), np.flatnonzero(usable & held)
    if np.unique(known[fitted]).size < names.size or np.unique(blocks[tried]).size < 2:  # noqa: PLR2004 - a spread
        return None
    if fitted.size > _MOST_FITTED:
        fitted = np.sort(rng.choice(fitted, _MOST_FITTED, replace=False))
    groups = blocks[fitted]
    probe = train_probe(vectors[fitted], known[fitted], groups=groups, method="logistic", rng=rng)
    assert isinstance(probe.head, LinearHead)
    probabilities = probe.probabilities(vectors[tried])
    right = probe.classes[probabilities.argmax(axis=1)] == known[tried]
    measured = probabilities.max(axis=1), right, blocks[tried]
    return LinearProbe(probe.classes, probe.head, probe.temperature, *measured)
