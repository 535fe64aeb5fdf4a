"""Scores of how suspect each label is, from what speaks for its class."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from scipy.special import softmax
from scipy.stats import rankdata

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from tamis.algo.mislabels.evidence import Evidence
    from tamis.types import Indices

__all__ = ["beliefs", "best_way", "log_mix", "suspicions"]

MEAN_RANK: Final = "mean rank of probe and votes"
ALL: Final = "both probes and votes"

_CHANCE: Final = 0.02
"""A difference in average precision that some hundred planted labels cannot tell."""


def best_way(planted: Mapping[str, float]) -> str:
    """Return the way that finds planted labels best; all mixed where that is as good up to chance.

    A mix is seldom far from the best of its parts, whichever that is on the labels that matter.
    """
    best = max(planted, key=lambda name: planted[name])
    return ALL if planted.get(ALL, -1.0) >= planted[best] - _CHANCE else best


def log_mix(*parts: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the normalised geometric mean of probabilities, `[N, K]`; rows sum to 1."""
    mean = np.mean([np.log(np.maximum(part, 1e-9)) for part in parts], axis=0)
    mixed: NDArray[np.float64] = softmax(mean, axis=1)
    return mixed


def beliefs(evidence: Evidence) -> Mapping[str, NDArray[np.float64]]:
    """Return `[N, K]` probabilities of the classes by each way to judge, the simplest first."""
    return {
        "probe": evidence.probe,
        "votes": evidence.votes,
        "probe and votes": log_mix(evidence.probe, evidence.votes),
        "probe without the doubted": evidence.refitted,
        "probe and votes without the doubted": log_mix(evidence.refitted, evidence.trusted_votes),
        ALL: log_mix(evidence.probe, evidence.refitted, evidence.trusted_votes),
    }


def suspicions(evidence: Evidence, classes: Indices) -> dict[str, NDArray[np.float64]]:
    """Return the suspicion `[N]` in [0, 1] of each label by each way to judge.

    Of probabilities it is 1 less that of the label's class; beside these, the mean rank of probe
    and votes.
    """
    row = np.arange(classes.size)
    found = {
        name: np.clip(1.0 - belief[row, classes], 0.0, 1.0)
        for name, belief in beliefs(evidence).items()
    }
    ranks = rankdata(found["probe"]) + rankdata(found["votes"])
    found[MEAN_RANK] = (ranks - 2.0) / max(2.0 * (classes.size - 1), 1.0)
    return found
