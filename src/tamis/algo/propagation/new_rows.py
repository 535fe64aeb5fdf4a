"""Labels for rows that come later, by what is known already."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tamis.algo.unit_vectors import unit_vectors
from tamis.errors import UsageError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tamis.algo.probe.heads import Head
    from tamis.algo.propagation.mixture import Mixture
    from tamis.types import Indices

__all__ = ["Labeler", "NewRows"]


@dataclass(frozen=True)
class Labeler:
    """One way to label new rows.

    Attributes:
        head: gives logits; None where the texts tell, whose fit new rows must bring.
        known: `[K']` classes that the head tells apart.
    """

    head: Head | None
    known: Indices


@dataclass(frozen=True)
class NewRows:
    """Labels for rows that come later; nothing is computed again.

    Attributes:
        classes: `[K]` names.
        heads: of the parts of the mixture, in their order.
        mixture: of these.
        least_confidence: a row under it gets no label.
    """

    classes: NDArray[Any]
    heads: tuple[Labeler, ...]
    mixture: Mixture
    least_confidence: float

    def probabilities(
        self, X: NDArray[Any], texts: NDArray[np.float64] | None = None
    ) -> NDArray[np.float64]:
        """Return `[M, K]` for new unit vectors `[M, D]`; the graph is not computed again.

        Args:
            X: `[M, D]` unit vectors.
            texts: `[M, K]` how well each fits the text of each class; needed where texts count.

        Raises:
            UsageError: texts are needed and not given, or `X` is not made of unit vectors.
        """
        rows = unit_vectors(X)

        def logits(one: Labeler) -> NDArray[np.float64]:
            if one.head is None:
                if texts is None:
                    raise UsageError("class texts gave these labels: new rows need their fit")
                by_texts: NDArray[np.float64] = np.log(np.maximum(texts, 1e-6))
                return by_texts
            found = one.head.logits(rows)
            every = np.repeat(found.min(axis=1, keepdims=True), len(self.classes), axis=1)
            every[:, one.known] = found
            return every

        found: NDArray[np.float64] = np.exp(
            self.mixture.log_probabilities(logits(one) for one in self.heads)
        )
        return found

    def labels(self, X: NDArray[Any], texts: NDArray[np.float64] | None = None) -> Indices:
        """Return the class number of each new row, `[M]`; -1 where no class is likely enough."""
        probabilities = self.probabilities(X, texts)
        likely = probabilities.max(axis=1) >= self.least_confidence
        labels: Indices = np.where(likely, probabilities.argmax(axis=1), -1)
        return labels
