"""What a drift is, in sentences: pictures taken otherwise, or pictures of something else."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np

from tamis.algo.two_sample import ks_test

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from tamis.algo.drift import ClusterChanges, CovariateDrift, DriftDecision
    from tamis.algo.two_sample import Pooled
    from tamis.services.drift.result import Cause

__all__ = ["Explanation", "explain"]

_CAPTURE: Final = ("brightness", "sharpness")
"""Figures that tell how a picture was taken rather than what it shows."""

_FALLS: Final = {
    "brightness": "look at the lighting and the exposure",
    "sharpness": "the lens may be dirty or out of focus",
}
_RISES: Final = {
    "brightness": "look at the lighting and the exposure",
    "sharpness": "focus, compression or noise may have changed",
}
_MOST: Final = 0.5


@dataclass(frozen=True)
class Explanation:
    """What changed.

    Attributes:
        cause: see `DriftReport.cause`.
        sentences: the same, and more, for a person.
    """

    cause: Cause
    sentences: tuple[str, ...]


def explain(
    pooled: Pooled,
    decision: DriftDecision,
    changes: ClusterChanges,
    *,
    permutations: int,
    rng: np.random.Generator,
) -> Explanation:
    """Tell apart pictures that are taken otherwise from pictures of something else.

    Brightness and sharpness that changed throughout speak of the camera. If they changed only in
    kinds of pictures that are new or more frequent, and those are less than half of the batch, they
    are properties of what is shown. It explains the decision and is no test of its own.

    Args:
        pooled: both sides.
        decision: about them.
        changes: of their clusters.
        permutations: of the tests without those clusters.
        rng: deals units.
    """
    if not decision.drift:
        return Explanation("none", ())
    by_name = {one.name: (column, one) for column, one in enumerate(decision.covariates)}
    changed = {
        name: by_name[name]
        for name in _CAPTURE
        if name in by_name and by_name[name][1].adjusted <= decision.level
    }
    more = [one for one in changes.clusters if one.change in {"new", "grew"}]
    inside = np.isin(changes.cluster, [one.cluster for one in more])
    share = float(inside[pooled.batch].mean()) if more else 0.0
    left = changed
    if changed and more and share < _MOST:
        # Rows of those clusters are unknown here, on both sides.
        columns = np.column_stack([pooled.covariates[:, column] for column, _ in changed.values()])
        rest = ks_test(
            _without(pooled, inside), columns[~inside], permutations=permutations, rng=rng
        )
        left = {
            name: found
            for (name, found), p in zip(changed.items(), rest.adjusted, strict=True)
            if p <= decision.level
        }
    content = bool(more) and share < _MOST
    cause: Cause = "content"
    if left:
        cause = "both" if content else "capture"
    sentences = [_taken(list(left.values()))] if left else []
    if cause != "capture":
        sentences.append(_shown(decision, share, [name for name in changed if name not in left]))
    others = [
        one.name
        for one in decision.covariates
        if one.name not in _CAPTURE and one.adjusted <= decision.level
    ]
    if others:
        sentences.append(f"{_listed(others)} changed as well: the pictures may come from elsewhere")
    return Explanation(cause, tuple(sentences))


def _without(pooled: Pooled, left_out: NDArray[np.bool_]) -> Pooled:
    """The pool without some rows; units that lose all their rows go too."""
    kept = ~left_out
    unit = pooled.unit[kept]
    there = np.unique(unit[unit >= 0])
    number = np.full(pooled.units + 1, -1, np.int64)
    number[there] = np.arange(there.size)
    return replace(
        pooled,
        X=pooled.X[kept],
        covariates=pooled.covariates[kept],
        batch=pooled.batch[kept],
        block=pooled.block[kept],
        unit=number[unit],
        unit_is_batch=pooled.unit_is_batch[there],
        row=pooled.row[kept],
    )


def _taken(changed: Sequence[tuple[int, CovariateDrift]]) -> str:
    parts, advice = [], []
    for _, one in changed:
        fell = one.batch < one.reference
        verb = "fell" if fell else "rose"
        parts.append(f"{one.name} {verb} from {one.reference:.3g} to {one.batch:.3g}")
        advice.append((_FALLS if fell else _RISES)[one.name])
    return (
        f"the way pictures are taken changed: {_listed(parts)}; {'; '.join(dict.fromkeys(advice))}"
    )


def _shown(decision: DriftDecision, share: float, explained: Sequence[str]) -> str:
    if share >= 0.005:  # noqa: PLR2004 - what rounds to a percent
        sentence = (
            f"what the pictures show changed: {share:.0%} of them are of kinds that are new or "
            "more frequent, such as a new product"
        )
    else:
        sentence = "what the pictures show changed, without one kind that stands out"
    if explained:
        return f"{sentence}; {_listed(explained)} changed only in those"
    if decision.p_covariates > decision.level:
        return f"{sentence}; brightness, sharpness and the like did not change"
    return sentence


def _listed(words: Sequence[str]) -> str:
    *most, final = words
    return f"{', '.join(most)} and {final}" if most else final
