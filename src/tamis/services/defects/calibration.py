"""What the scores of held-out nominal pictures say: scales, the threshold, and suspects."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from tamis.algo.defects import Scale, conformal_threshold, lowest_share, suspects
from tamis.services.defects.result import Suspect

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from tamis.algo.defects import ConformalThreshold
    from tamis.runtime.defect_model import DefectModel
    from tamis.services.defects.contract import DefectsFit
    from tamis.services.defects.nominal import NominalSet
    from tamis.types import Indices

__all__ = ["Calibration"]

_FEWEST_FOR_SCALE: Final = 8
"""Groups from which a scale may be taken without another one."""


class Calibration:
    """What the scores of held-out pictures say: their scales, the threshold, and the suspects.

    Args:
        nominal: the pictures.
        rows: which of them were scored.
        figures: `[N, E]` of each expert.
        request: the rate, and the share that may be flawed.
        before: a model whose scales and earlier scores count as well.

    Attributes:
        scales: of each expert's figures.
        scores: `[N]` of the pictures, in deviations.
        trusted: `[N]` which of them are not set aside as flawed.
        held: scores from which the threshold comes.
        groups: which of those show one part.
        threshold: the threshold.
    """

    def __init__(
        self,
        nominal: NominalSet,
        rows: NDArray[np.int64],
        figures: NDArray[np.float64],
        request: DefectsFit,
        before: DefectModel | None = None,
    ) -> None:
        self._nominal, self._rows = nominal, rows
        self.scales = (
            [Scale.of(column) for column in figures.T]
            if before is None
            else [expert.scale for expert in before.facts.experts]
        )
        self._robust = _highest(self.scales, figures)
        # of pictures that may be flawed, those that look most so are set aside
        self.trusted = lowest_share(self._robust.astype(np.float32), 1 - request.contamination)
        self.groups = nominal.groups[rows][self.trusted]
        if before is None:
            self.scales = _scales(figures[self.trusted])
            self.held = _scored_unseen(figures[self.trusted], self.groups)
        else:
            self.held = np.concatenate([before.scores, self._robust[self.trusted]])
            after = int(before.groups.max()) + 1
            self.groups = np.concatenate([before.groups, self.groups + after])
        self.scores: NDArray[np.float64] = _highest(self.scales, figures)
        self.threshold: ConformalThreshold = conformal_threshold(
            self.held, self.groups, request.rate
        )

    def suspects(self) -> list[Suspect]:
        """Return the pictures that look flawed, worst first."""
        found = np.flatnonzero(suspects(self._robust) | ~self.trusted)
        order = found[np.argsort(-self.scores[found], kind="stable")]
        rows = [(self._nominal.rows[self._rows[place]], self.scores[place]) for place in order]
        return [Suspect(row.path, row.sample_id, float(score)) for row, score in rows]


def _scales(figures: NDArray[np.float64]) -> list[Scale]:
    return [Scale.above(column) for column in figures.T]


def _highest(scales: Sequence[Scale], figures: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return `[N]` the highest of each picture's figures `[N, E]`, in deviations."""
    scaled = [scale.scaled(column) for scale, column in zip(scales, figures.T, strict=True)]
    found: NDArray[np.float64] = np.max(scaled, axis=0)
    return found


def _scored_unseen(figures: NDArray[np.float64], groups: Indices) -> NDArray[np.float64]:
    """Return `[N]` scores by scales of the other groups' figures, as a new picture would get.

    A picture's own figures widen the scale, which makes its score too low for a threshold. Where
    there are too few other groups for a scale, theirs is that of all.
    """
    names = np.unique(groups)
    if len(names) <= _FEWEST_FOR_SCALE:
        return _highest(_scales(figures), figures)
    found = np.empty(len(figures))
    for name in names:
        own = groups == name
        found[own] = _highest(_scales(figures[~own]), figures[own])
    return found
