"""Which pictures a layer of predictions makes worth labeling: unsure objects and rare classes.

Source of the two steps: filtered active submodular selection (Wei, Iyer, Bilmes, 2015). The
pictures of most worth are short-listed, and of these the usual strategy takes those that stand for
the others, so that the same doubt is not picked again and again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tamis.algo.detection.labeling_value import expected_mistakes, rarity
from tamis.dataset.annotation_layers import TRUTH
from tamis.dataset.columns import equal, known
from tamis.dataset.conditions import all_of
from tamis.errors import UsageError
from tamis.wording import counted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from tamis.dataset.store import Store
    from tamis.services.select.contract import Select
    from tamis.types import Indices

__all__ = ["Detections", "detections"]

SHORTLIST: Final = 3
"""How many times as many pictures are short-listed as are asked for."""

_COLUMNS: Final = ("sample_id", "label", "confidence", "x")


@dataclass(frozen=True)
class Detections:
    """What predictions make of pictures.

    Attributes:
        value: how much is to be learned from each, `[N]`; 0 where nothing is predicted.
        why: a few words on each, `[N]`.
    """

    value: NDArray[np.float64]
    why: list[str]

    def shortlist(self, free: Indices, n: int) -> Indices:
        """Return the rows of most value, ascending; of equal ones the first.

        These are up to three times as many as are to be picked, none of less than half the value
        of the last that has to be taken.

        Args:
            free: rows that may be picked.
            n: how many are to be picked.
        """
        order = free[np.lexsort((free, -self.value[free]))]
        if len(order) <= n:
            return np.sort(order)
        least = self.value[order[n - 1]] / 2
        worthy = int((self.value[order] >= max(least, np.finfo(float).tiny)).sum())
        return np.sort(order[: max(n, min(SHORTLIST * n, worthy))])


def detections(store: Store, request: Select, ids: Sequence[str]) -> Detections | None:
    """Judge samples by the layers that a request names; None if it names none.

    Args:
        store: the dataset.
        request: names a layer whose unsure objects count, one whose rare classes count, or both.
        ids: the samples.

    Raises:
        UsageError: a layer says nothing of these samples, or has no confidences.
    """
    if request.unsure is None and request.rare_classes is None:
        return None
    value = np.zeros(len(ids))
    why = [""] * len(ids)
    numbers = pa.array(ids, pa.string())
    layers = dict.fromkeys(name for name in (request.unsure, request.rare_classes) if name)
    for layer in layers:
        rows = _rows(store, layer, numbers)
        at = np.asarray(rows.column("picture").to_numpy(), np.int64)
        score = np.asarray(rows.column("confidence").fill_null(1.0).to_numpy(), np.float64)
        labels, names, weight = _weights(store, rows)
        worth, words = np.ones(len(rows)), _Words(layer, names)
        if layer == request.unsure:
            if rows.column("confidence").null_count == len(rows):
                raise UsageError(f"{layer} has no confidences, by which to tell what is unsure")
            worth = worth * expected_mistakes(score)
            words.unsure(at, worth, score, labels)
        if layer == request.rare_classes:
            # of each class of a picture the surest counts, lest crowds look rare
            if layer != request.unsure:
                worth = _surest(at, labels, score)
            worth = worth * weight[labels]
            words.rare(at, worth, labels, weight)
        value += np.bincount(at, worth, minlength=len(ids))
        for number, text in words.said.items():
            why[number] += text
    return Detections(value, why)


class _Words:
    """Says why a picture is worth labeling."""

    def __init__(self, layer: str, names: list[str]) -> None:
        self.said: dict[int, str] = {}
        self._layer = layer
        self._names = names

    def unsure(
        self,
        at: NDArray[np.int64],
        worth: NDArray[np.float64],
        score: NDArray[np.float64],
        labels: NDArray[np.int64],
    ) -> None:
        """Name the object of a picture that is nearest to undecided."""
        for row in _first_of(at, worth):
            share = float(score[row])
            text = f"; {self._layer} unsure of {self._names[labels[row]]} at {share:.2f}"
            self.said[int(at[row])] = text

    def rare(
        self,
        at: NDArray[np.int64],
        worth: NDArray[np.float64],
        labels: NDArray[np.int64],
        weight: NDArray[np.float64],
    ) -> None:
        """Name the rarest class of a picture."""
        for row in _first_of(at, np.where(worth > 0, weight[labels], 0.0)):
            number = int(at[row])
            so_far = round(1 / weight[labels[row]]) - 1
            told = f"; {self._names[labels[row]]} is in {counted(so_far, 'picture')} so far"
            self.said[number] = self.said.get(number, "") + told


def _first_of(at: NDArray[np.int64], worth: NDArray[np.float64]) -> list[int]:
    """Return the row of most worth of each picture, if it has any."""
    order = np.lexsort((np.arange(len(at)), -worth, at))
    first = order[np.unique(at[order], return_index=True)[1]]
    return [int(row) for row in first[worth[first] > 0]]


def _surest(
    at: NDArray[np.int64], labels: NDArray[np.int64], score: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the confidence of the surest object of each class of each picture, else 0."""
    order = np.lexsort((np.arange(len(at)), -score, labels, at))
    keys = np.stack([at[order], labels[order]])
    first = np.ones(len(order), bool)
    first[1:] = (keys[:, 1:] != keys[:, :-1]).any(axis=0)
    found = np.zeros(len(at))
    found[order[first]] = score[order[first]]
    return found


def _rows(store: Store, layer: str, ids: pa.Array) -> pa.Table:
    """Return a layer's objects, or its classes where it has no object, of some samples."""
    table = store.annotations(_COLUMNS, all_of(equal("layer", layer), known("label")))
    placed = table.filter(pc.is_valid(table.column("x")))
    table = placed if placed.num_rows else table
    at = pc.index_in(table.column("sample_id"), value_set=ids)
    table = table.append_column("picture", at).filter(at.is_valid())
    if not table.num_rows:
        raise UsageError(
            f"the layer {layer!r} says nothing of these pictures; tamis label layers shows what "
            "there is"
        )
    order = [("picture", "ascending"), ("label", "ascending"), ("confidence", "descending")]
    return table.sort_by(order)


def _weights(
    store: Store, rows: pa.Table
) -> tuple[NDArray[np.int64], list[str], NDArray[np.float64]]:
    """Return the class of each row, the classes, and how rare each is.

    Rare is what few pictures have in the ground truth, or in the layer itself where there is none.
    """
    truth = store.annotations(["sample_id", "label"], all_of(equal("layer", TRUTH), known("label")))
    base = truth if truth.num_rows else rows
    found = base.group_by("label").aggregate([("sample_id", "count_distinct")])
    pictures = {row["label"]: row["sample_id_count_distinct"] for row in found.to_pylist()}
    names = sorted(set(rows.column("label").to_pylist()))
    labels = pc.index_in(rows.column("label"), value_set=pa.array(names, pa.string()))
    counts = np.array([pictures.get(name, 0) for name in names], np.int64)
    return np.asarray(labels.to_numpy(), np.int64), names, rarity(counts)
