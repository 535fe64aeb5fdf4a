"""Match predictions with truths; list those without a partner."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tamis.algo.detection.outcomes import IN_CROWD, outcomes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from tamis.algo.detection.objects import Objects

__all__ = ["Pairs", "paired_classes", "paired_objects", "several_each"]


@dataclass(frozen=True)
class Pairs:
    """Each truth and each prediction once, a pair where they belong together.

    Attributes:
        picture: number of the picture, `[N]`.
        truth: number of the true class, `[N]`; -1 where nothing is.
        predicted: number of the predicted class, `[N]`; -1 where it was missed.
        true_row: row of the truth, `[N]`; -1 where nothing is.
        predicted_row: row of the prediction, `[N]`; -1 where it was missed.
        overlap: how much they are alike, `[N]`; of classes 1, without a partner 0.
    """

    picture: NDArray[np.int64]
    truth: NDArray[np.int64]
    predicted: NDArray[np.int64]
    true_row: NDArray[np.int64]
    predicted_row: NDArray[np.int64]
    overlap: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.picture)

    @property
    def wrong(self) -> NDArray[np.bool_]:
        """Which are missed, invented or confused, `[N]`."""
        return np.asarray(self.truth != self.predicted, np.bool_)

    def of(self, pictures: NDArray[np.bool_]) -> Pairs:
        """Return those of some pictures, `[pictures]`."""
        return self.chosen(pictures[self.picture])

    def chosen(self, rows: NDArray[np.bool_]) -> Pairs:
        """Return some of them."""
        return Pairs(
            self.picture[rows],
            self.truth[rows],
            self.predicted[rows],
            self.true_row[rows],
            self.predicted_row[rows],
            self.overlap[rows],
        )


def paired_objects(true: Objects, predicted: Objects, confidence: float, overlap: float) -> Pairs:
    """Pair objects that overlap enough; crowds and what lies in them are left out.

    Args:
        true: what there is.
        predicted: what was found.
        confidence: least of a prediction that counts.
        overlap: least of a pair.
    """
    sure = np.flatnonzero(predicted.score >= confidence)
    guesses = predicted.chosen(sure)
    found = outcomes(true, guesses, overlap)
    missed = np.flatnonzero((found.true == -1) & ~true.left_aside)
    made = np.flatnonzero(found.predicted != IN_CROWD)
    partner = found.predicted[made]
    truth = np.where(partner >= 0, true.label[partner] if len(true) else -1, -1)
    none = np.full(len(missed), -1)
    return Pairs(
        picture=np.concatenate([guesses.picture[made], true.picture[missed]]),
        truth=np.concatenate([truth, true.label[missed]]),
        predicted=np.concatenate([guesses.label[made], none]),
        true_row=np.concatenate([partner, missed]),
        predicted_row=np.concatenate([sure[made], none]),
        overlap=np.concatenate([found.overlap[made], np.zeros(len(missed))]),
    )


def several_each(classes: pa.Table) -> bool:
    """Tell whether any picture has several classes."""
    pictures = classes.column("picture")
    return bool(len(pictures) > pc.count_distinct(pictures).as_py())


def paired_classes(
    true: pa.Table, predicted: pa.Table, labels: Sequence[str], confidence: float
) -> Pairs:
    """Pair the classes of each picture that has one in truth with its predictions.

    Where pictures have several true classes, each prediction with enough confidence counts, and
    belongs to the true class of its name. Else the likeliest counts, and a wrong one is confused
    with the true class.

    Args:
        true: rows of classes.
        predicted: rows of predicted classes.
        labels: all classes, sorted.
        confidence: least of a prediction that counts.
    """
    truths, guesses = (_classes(side, labels) for side in (true, predicted))
    guesses = guesses[guesses["score"] >= confidence]
    guesses = guesses[np.isin(guesses["picture"], truths["picture"])]
    if several_each(true):
        return _by_name(truths, guesses, len(labels))
    order = np.lexsort((guesses["row"], -guesses["score"], guesses["picture"]))
    guesses = guesses[order]
    guesses = guesses[np.unique(guesses["picture"], return_index=True)[1]]
    truths = truths[np.argsort(truths["picture"], kind="stable")]
    at = np.searchsorted(guesses["picture"], truths["picture"])
    at = np.minimum(at, max(len(guesses) - 1, 0))
    have = guesses["picture"][at] == truths["picture"] if len(guesses) else np.zeros(len(at), bool)
    guessed, row = (
        np.where(have, guesses[name][at] if len(guesses) else -1, -1) for name in ("label", "row")
    )
    right = guessed == truths["label"]
    return Pairs(
        truths["picture"], truths["label"], guessed, truths["row"], row, right.astype(float)
    )


def _classes(table: pa.Table, labels: Sequence[str]) -> NDArray[np.void]:
    """Return rows of classes, the first of each class of a picture."""
    numbers = pc.index_in(table.column("label"), value_set=pa.array(labels, pa.string()))
    found = np.empty(
        len(table),
        [("picture", np.int64), ("label", np.int64), ("row", np.int64), ("score", np.float64)],
    )
    found["picture"], found["label"] = table.column("picture").to_numpy(), numbers.to_numpy()
    found["row"] = np.arange(len(table))
    found["score"] = table.column("confidence").fill_null(1.0).to_numpy()
    keys = found["picture"] * len(labels) + found["label"]
    order = np.lexsort((found["row"], -found["score"], keys))
    return found[order[np.unique(keys[order], return_index=True)[1]]]


def _by_name(truths: NDArray[np.void], guesses: NDArray[np.void], classes: int) -> Pairs:
    keys = [side["picture"] * classes + side["label"] for side in (truths, guesses)]
    every = np.union1d(*keys)
    rows = []
    for side, own in zip((truths, guesses), keys, strict=True):
        row = np.full(len(every), -1, np.int64)
        row[np.searchsorted(every, own)] = side["row"]
        rows.append(row)
    label = every % classes
    truth, guess = (np.where(row >= 0, label, -1) for row in rows)
    both = (rows[0] >= 0) & (rows[1] >= 0)
    return Pairs(every // classes, truth, guess, rows[0], rows[1], both.astype(float))
