"""Why each row was picked, in a short sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tamis.wording import counted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tamis.algo.selection.picks import Picks

__all__ = ["reasons"]


def reasons(picks: Picks, class_names: Sequence[str] | None = None) -> list[str]:
    """Return one sentence for each pick; every strategy has one here.

    Args:
        picks: what `select` returned.
        class_names: `[K]` names of the classes of the probabilities; their numbers if None.

    Raises:
        KeyError: a strategy says no reason; a defect of tamis.
    """
    return [_reason(picks, place, class_names) for place in range(len(picks.kinds))]


def _reason(picks: Picks, place: int, class_names: Sequence[str] | None) -> str:
    kind, score = picks.kinds[place], float(picks.scores[place])
    cluster = f"cluster {picks.clusters[place]} of {picks.cluster_sizes[place]:,} pictures"
    sentences = {
        "include": "had to be included",
        "random": "picked at random",
        "facility-location": _represents(picks, place),
        "max-herding": _represents(picks, place),
        "k-center": f"farthest from all picked before it, cosine distance {score:.3f}",
        "dpp": f"unlike any mixture of those before it, {100 * score:.0f} % of it new",
        "prob-cover": f"newly covers {100 * score:.2g} % of the pictures",
        "k-means": f"nearest to the center of {cluster}",
        "hierarchical-k-means": f"nearest to the center of {cluster}",
        "typicality": f"typical of {cluster}",
        "entropy": f"model unsure, {_classes(picks, place, class_names)} first",
        "margin": f"model unsure between {_classes(picks, place, class_names)}",
        "badge": "would change the model in a way of its own, torn between "
        + _classes(picks, place, class_names),
        "uncertainty-herding": f"{_represents(picks, place)}; model torn here between "
        + _classes(picks, place, class_names),
    }
    sentence = sentences[kind]
    if picks.outlier[place] and kind in _NAME_OUTLIERS:
        sentence += "; an outlier"
    return sentence


_NAME_OUTLIERS = {"k-center", "dpp", "badge", "entropy", "margin"}


def _represents(picks: Picks, place: int) -> str:
    count = int(picks.represents[place])
    if count > 1:
        return f"represents {counted(count, 'picture')}"
    return "represents itself only" if count else "like other picks; fills the number asked"


def _classes(picks: Picks, place: int, class_names: Sequence[str] | None) -> str:
    if picks.classes is None:
        return ""
    pair = picks.classes[place].tolist()
    return " and ".join(str(one) if class_names is None else class_names[one] for one in pair)
