"""A classifier that a reference carries, to estimate what a drift does to accuracy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from scipy.special import softmax

from tamis.algo.drift import accuracy_change, class_shares, shift_kind
from tamis.algo.probe import LinearHead, train_probe
from tamis.services.drift.result import DriftClass, DriftHarm

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from tamis.services.drift.reference import Reference
    from tamis.services.drift.result import Shift
    from tamis.services.drift.side import Side
    from tamis.types import Indices, Vectors

__all__ = ["LinearProbe", "fit_probe", "sample_key"]

_HELD_OUT: Final = 0.4
_FEWEST_A_CLASS: Final = 10
_FEWEST_BLOCKS: Final = 20
_MOST_FITTED: Final = 2000
_MOST_BYTES: Final = 1_000_000
_MOST_HELD_OUT_BYTES: Final = 400_000
_FEWEST_HELD_OUT: Final = 1000
_PREFIX: Final = "probe_"


@dataclass(frozen=True)
class LinearProbe:
    """A probe of labels, and how sure it was on pictures that it was not fitted on.

    Attributes:
        classes: `[K]` the labels.
        head: the classifier; its weights are as exact as float32.
        temperature: divides the logits.
        held_out: `[H, K]` float32 probabilities of pictures that it was not fitted on.
        truth: `[H]` their classes, by number.
        blocks: `[H]` block of each.
        ids: `[H]` uint64, the ends of their sample ids.
    """

    classes: NDArray[Any]
    head: LinearHead
    temperature: float
    held_out: NDArray[np.float32]
    truth: Indices
    blocks: Indices
    ids: NDArray[np.uint64]

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
            "held_out": self.held_out,
            "truth": self.truth,
            "blocks": self.blocks,
            "ids": self.ids,
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
        known = own["held_out"], own["truth"], own["blocks"], own["ids"]
        return LinearProbe(own["classes"], head, temperature, *known)

    def probabilities(self, vectors: Vectors) -> NDArray[np.float64]:
        """Return `[N, K]` class probabilities of unit vectors `[N, D]`."""
        found: NDArray[np.float64] = softmax(self.head.logits(vectors) / self.temperature, axis=1)
        return found

    def harm(self, vectors: Vectors, blocks: Indices) -> DriftHarm:
        """Estimate the change of accuracy on a batch `[N, D]` from how sure the probe is of it."""
        found = accuracy_change(
            self.held_out.max(axis=1).astype(np.float64),
            self.probabilities(vectors).max(axis=1),
            right=self.held_out.argmax(axis=1) == self.truth,
            blocks=(self.blocks, blocks),
        )
        return DriftHarm(
            found.reference, found.batch, found.change, found.low, found.high, found.assumptions
        )

    def shares(self, vectors: Vectors, blocks: Indices) -> tuple[DriftClass, ...]:
        """Estimate how frequent each class is where a batch `[N, D]` comes from."""
        found = class_shares(
            self.held_out, self.truth, self.probabilities(vectors), blocks=(self.blocks, blocks)
        )
        columns = found.reference, found.batch, found.low, found.high
        return tuple(
            DriftClass(str(name), *(float(column[place]) for column in columns))
            for place, name in enumerate(self.classes)
        )

    def shift(
        self,
        reference: Reference,
        side: Side,
        blocks: Indices,
        shares: Sequence[DriftClass],
        **chance: Any,
    ) -> Shift | None:
        """Tell classes that became more or less frequent from classes that look different.

        Pictures of the reference are those that were held out and that it stores; None where it
        stores too few of them.
        """
        stored = np.array([sample_key(name) for name in reference.ids], np.uint64)
        order = np.argsort(stored, kind="stable")
        place = np.minimum(np.searchsorted(stored[order], self.ids), stored.size - 1)
        there = stored[order][place] == self.ids
        rows = order[place[there]]
        own = self.blocks[there]
        if np.unique(own).size < _FEWEST_BLOCKS:
            return None
        found = shift_kind(
            reference.rows.vectors()[rows],
            self.truth[there],
            self.held_out[there].argmax(axis=1),
            reference.rows.seen_as(side.vectors),
            self.probabilities(side.vectors).argmax(axis=1),
            shares=np.array([one.batch for one in shares]),
            blocks=(own, blocks),
            **chance,
        )
        return found.kind


def sample_key(sample_id: str) -> int:
    """Return the end of a sample id, as a number of 8 bytes."""
    return int(sample_id[-16:], 16)


def fit_probe(side: Side, blocks: Indices, rng: np.random.Generator) -> LinearProbe | None:
    """Fit a probe on six tenths of the labeled blocks, and keep what it says of the others.

    The same classifier then judges the rest of the reference and any batch, so that a difference
    of confidence is one of the pictures. At most 2,000 pictures are fitted on.

    Returns:
        None where fewer than two labels have ten pictures each, or there are too many labels.
    """
    vectors = side.vectors
    known = np.array([label or "" for label in side.labels])
    names, counts = np.unique(known[known != ""], return_counts=True)
    names = names[counts >= _FEWEST_A_CLASS]
    few = names.size < 2 or np.unique(blocks).size < _FEWEST_BLOCKS  # noqa: PLR2004 - to tell apart
    if few or 4 * names.size * vectors.shape[1] > _MOST_BYTES:
        return None
    usable = np.isin(known, names)
    drawn = np.unique(blocks)
    held = np.isin(blocks, rng.permutation(drawn)[: int(_HELD_OUT * drawn.size)])
    fitted, tried = np.flatnonzero(usable & ~held), np.flatnonzero(usable & held)
    most = max(_FEWEST_HELD_OUT, _MOST_HELD_OUT_BYTES // (4 * names.size))
    if tried.size > most:
        tried = np.sort(rng.choice(tried, most, replace=False))
    spread = np.unique(blocks[tried]).size > 1
    if not spread or any(np.unique(known[of]).size < names.size for of in (fitted, tried)):
        return None
    if fitted.size > _MOST_FITTED:
        fitted = np.sort(rng.choice(fitted, _MOST_FITTED, replace=False))
    groups = blocks[fitted]
    probe = train_probe(vectors[fitted], known[fitted], groups=groups, method="logistic", rng=rng)
    assert isinstance(probe.head, LinearHead)
    return LinearProbe(
        probe.classes,
        probe.head,
        probe.temperature,
        held_out=probe.probabilities(vectors[tried]).astype(np.float32),
        truth=np.searchsorted(probe.classes, known[tried]),
        blocks=blocks[tried],
        ids=np.array([sample_key(side.ids[row]) for row in tried.tolist()], np.uint64),
    )
