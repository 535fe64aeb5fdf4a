"""Why each row was picked, in a short sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tamis.algo.selection.strategy import PickedRow
from tamis.algo.strategies import strategy_named

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tamis.algo.selection.picks import Picks

__all__ = ["reasons"]


def reasons(picks: Picks, class_names: Sequence[str] | None = None) -> list[str]:
    """Return one sentence for each pick, as its strategy words it.

    Args:
        picks: what `select` returned.
        class_names: `[K]` names of the classes of the probabilities; their numbers if None.

    Raises:
        KeyError: a pick has no strategy that exists; a defect of tamis.
    """
    return [_reason(picks, place, class_names) for place in range(len(picks.kinds))]


def _reason(picks: Picks, place: int, class_names: Sequence[str] | None) -> str:
    if picks.kinds[place] == "include":
        return "had to be included"
    strategy = strategy_named(picks.kinds[place])
    classes = [] if picks.classes is None else picks.classes[place].tolist()
    row = PickedRow(
        score=float(picks.scores[place]),
        represents=int(picks.represents[place]),
        cluster=int(picks.clusters[place]),
        cluster_size=int(picks.cluster_sizes[place]),
        classes=tuple(str(one) if class_names is None else class_names[one] for one in classes),
    )
    is_named = strategy.names_outliers and picks.outlier[place]
    return strategy.reason(row) + ("; an outlier" if is_named else "")
