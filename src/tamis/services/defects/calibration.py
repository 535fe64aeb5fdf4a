"""What the scores of held-out nominal pictures say: scales, the threshold, and suspects."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tamis.algo.defects import Scale, conformal_threshold, lowest_share, suspects
from tamis.services.defects.result import Suspect

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tamis.algo.defects import ConformalThreshold
    from tamis.runtime.defect_model import DefectModel
    from tamis.services.defects.contract import DefectsFit
    from tamis.services.defects.nominal import NominalSet

__all__ = ["Calibration"]


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
        scaled = [
            scale.scaled(column) for scale, column in zip(self.scales, figures.T, strict=True)
        ]
        self.scores: NDArray[np.float64] = np.max(scaled, axis=0)
        # of pictures that may be flawed, those that look most so are set aside
        self.trusted = lowest_share(self.scores.astype(np.float32), 1 - request.contamination)
        self.held, self.groups = self.scores[self.trusted], nominal.groups[rows][self.trusted]
        if before is not None:
            self.held = np.concatenate([before.scores, self.held])
            after = int(before.groups.max()) + 1
            self.groups = np.concatenate([before.groups, self.groups + after])
        self.threshold: ConformalThreshold = conformal_threshold(
            self.held, self.groups, request.rate
        )

    def suspects(self) -> list[Suspect]:
        """Return the pictures that look flawed, worst first."""
        found = np.flatnonzero(suspects(self.scores) | ~self.trusted)
        order = found[np.argsort(-self.scores[found], kind="stable")]
        rows = [(self._nominal.rows[self._rows[place]], self.scores[place]) for place in order]
        return [Suspect(row.path, row.sample_id, float(score)) for row, score in rows]
