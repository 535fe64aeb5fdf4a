"""Zero-shot classification: class probabilities from cosines with class texts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tamis.errors import UsageError

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["zero_shot_posteriors"]


def zero_shot_posteriors(cosines: NDArray[Any], logit_scale: float) -> NDArray[np.float64]:
    """Return the probability of each class for each picture, `[N, C]` float64; rows sum to 1.

    The softmax over classes of `logit_scale` times the cosine, as CLIP was trained (Radford et
    al., "Learning transferable visual models from natural language supervision", 2021). SigLIP was
    trained to score each text independently, by a sigmoid of scale times cosine plus a bias. If
    exactly one class is right, its logits go through the same softmax, where the bias cancels.

    Args:
        cosines: `[N, C]` cosines between pictures and class texts.
        logit_scale: the model's inverse temperature, positive.

    Raises:
        UsageError: `logit_scale` is not positive.

    Example:
        >>> zero_shot_posteriors(np.array([[0.3, 0.2]]), 100).round(4).tolist()
        [[1.0, 0.0]]
    """
    if not logit_scale > 0:
        raise UsageError(f"logit_scale is {logit_scale}; it must be positive")
    logits = logit_scale * np.asarray(cosines, np.float64)
    odds = np.exp(logits - logits.max(axis=1, keepdims=True))
    posteriors: NDArray[np.float64] = odds / odds.sum(axis=1, keepdims=True)
    return posteriors
