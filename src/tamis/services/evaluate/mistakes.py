"""The pictures on which two layers disagree most, and the single mistakes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from tamis.services.evaluate.contract import Mistake, PictureErrors

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pyarrow as pa
    from numpy.typing import NDArray

    from tamis.dataset.samples import SampleSet
    from tamis.services.evaluate.pairs import Pairs

__all__ = ["Disagreement", "disagreement", "mistakes"]

SHOWN: Final = 50
_PLACE: Final = ("x", "y", "width", "height")


@dataclass(frozen=True)
class Disagreement:
    """How much two layers disagree on each picture.

    Attributes:
        order: numbers of the pictures with a mistake, those with most first.
        missed: truths without a prediction, by picture.
        invented: predictions where nothing is, by picture.
        confused: pairs of different classes, by picture.
        share: 0 where all is alike, to 1 where nothing is, by picture.
    """

    order: NDArray[np.int64]
    missed: NDArray[np.int64]
    invented: NDArray[np.int64]
    confused: NDArray[np.int64]
    share: NDArray[np.float64]

    def shown(self, samples: SampleSet) -> list[PictureErrors]:
        """Return the first of them as the report has them."""
        order = self.order[:SHOWN].tolist()
        if not order:
            return []
        table = samples.table("path", "sample_id")
        paths, ids = (table.column(name) for name in ("path", "sample_id"))
        return [
            PictureErrors(
                path=paths[n].as_py(),
                sample_id=ids[n].as_py(),
                missed=int(self.missed[n]),
                invented=int(self.invented[n]),
                confused=int(self.confused[n]),
                disagreement=float(self.share[n]),
            )
            for n in order
        ]


def disagreement(pairs: Pairs, pictures: int) -> Disagreement:
    """Rank pictures by how many mistakes they have, then by how little agrees.

    The share is one minus Dice's coefficient, in which a pair counts by its overlap.

    Args:
        pairs: truths and predictions.
        pictures: how many pictures there are.
    """

    def of_each(rows: NDArray[np.bool_]) -> NDArray[np.int64]:
        return np.bincount(pairs.picture[rows], minlength=pictures)

    missed = of_each(pairs.predicted < 0)
    invented = of_each(pairs.truth < 0)
    confused = of_each(pairs.wrong & (pairs.predicted >= 0) & (pairs.truth >= 0))
    agreed = np.where(pairs.wrong, 0.0, pairs.overlap)
    shared = np.bincount(pairs.picture, agreed, minlength=pictures)
    whole = of_each(pairs.truth >= 0) + of_each(pairs.predicted >= 0)
    share = 1 - 2 * shared / np.maximum(whole, 1)
    total = missed + invented + confused
    order = np.lexsort((np.arange(pictures), -share, -total))
    return Disagreement(order[total[order] > 0], missed, invented, confused, share)


def mistakes(
    samples: SampleSet, pairs: Pairs, labels: Sequence[str], true: pa.Table, predicted: pa.Table
) -> list[Mistake]:
    """Return single mistakes: confident predictions that are wrong first, then what was missed.

    Of what was missed the largest come first.

    Args:
        samples: the pictures.
        pairs: truths and predictions.
        labels: all classes.
        true: the rows of truths.
        predicted: the rows of predictions.
    """
    wrong = pairs.chosen(pairs.wrong)
    if not len(wrong):
        return []
    made = wrong.predicted_row >= 0
    score = np.zeros(len(wrong))
    scores = predicted.column("confidence").fill_null(1.0).to_numpy()
    score[made] = scores[wrong.predicted_row[made]]
    size = np.zeros(len(wrong))
    if "width" in true.column_names:
        sides = [true.column(name).fill_null(0.0).to_numpy() for name in ("width", "height")]
        size[~made] = (sides[0] * sides[1])[wrong.true_row[~made]]
    rows = np.arange(len(wrong))
    first = np.lexsort((rows, -score))[: SHOWN // 2 if (~made).any() else SHOWN]
    first = first[made[first]]
    rest = np.flatnonzero(~made)
    rest = rest[np.lexsort((rest, -size[rest]))][: SHOWN - len(first)]
    paths = samples.column("path")
    names: list[str | None] = [*labels, None]  # -1 is the last
    found = []
    for at in (*first.tolist(), *rest.tolist()):
        side, row = (
            (predicted, int(wrong.predicted_row[at]))
            if made[at]
            else (true, int(wrong.true_row[at]))
        )
        found.append(
            Mistake(
                path=paths[int(wrong.picture[at])].as_py(),
                truth=names[wrong.truth[at]],
                predicted=names[wrong.predicted[at]],
                confidence=float(score[at]) if made[at] else None,
                annotation_id=_value(side, "annotation_id", row),
                box=_box(side, row),
            )
        )
    return found


def _value(table: pa.Table, name: str, row: int) -> Any:
    return table.column(name)[row].as_py() if name in table.column_names else None


def _box(table: pa.Table, row: int) -> tuple[float, float, float, float] | None:
    x, y, width, height = (_value(table, name, row) for name in _PLACE)
    return None if x is None else (x, y, width, height)
