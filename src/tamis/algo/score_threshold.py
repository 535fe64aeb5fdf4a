"""A threshold on scores that separates the pictures searched for from the rest."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple

import numpy as np

from tamis.errors import UsageError

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["ScoreThreshold", "suggest_threshold"]

_BINS: Final = 128
_ROUNDS: Final = 150
_RESAMPLES: Final = 40
_STABLE: Final = 0.9
_FEWEST: Final = 30
_FEWEST_ABOVE: Final = 5
_VALLEY: Final = 0.85
_UNIFORM: Final = 99
_LEVEL: Final = 0.02
_FLOOR: Final = 0.01
_START_SHARES: Final = (0.5, 0.8, 0.95, 0.99)
_HALVINGS: Final = 60


@dataclass(frozen=True)
class ScoreThreshold:
    """A threshold and the evidence for it.

    Attributes:
        value: scores at or above this pass.
        method: `two groups`: the scores form two groups and the threshold lies between them;
            `spread`: they do not, and it is the mean plus two standard deviations; `constant`: all
            scores are equal, and it lies just above them.
        stability: share of resamples of the scores that form two groups too.
        note: one sentence on why two groups were not found; empty for `two groups`.
    """

    value: float
    method: Literal["two groups", "spread", "constant"]
    stability: float
    note: str


def suggest_threshold(scores: NDArray[Any], rng: np.random.Generator) -> ScoreThreshold:
    """Suggest a threshold that separates high scores from the rest.

    A mixture of two normal distributions is fitted to the histogram by expectation-maximization;
    the threshold is where both are equally likely, which minimizes the error (Kittler and
    Illingworth, "Minimum error thresholding", 1986). Such a fit always finds two groups, so it is
    accepted only if between the two means both the fitted density and the smoothed histogram fall
    to 0.85 of the lower peak or less, each group has at least 5 scores, the same holds for 90% of
    40 bootstrap resamples, and at most 1 of 99 samples of as many uniform numbers have so deep a
    valley; of distributions with one peak, the uniform one shows valleys most often. In normal,
    skewed and heavy-tailed scores it almost never finds two groups. Two groups of equal size have
    to be 3.5 standard deviations apart, groups of 10% and 90% more than 4.

    Args:
        scores: `[N]` finite numbers, N at least 1, in any order.
        rng: draws the resamples.

    Cost: O(N log N), plus 0.3 s for any N, and a second where there seem to be two groups.

    Raises:
        UsageError: there are no scores, or one is not finite.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> rest, sought = rng.normal(0.20, 0.01, 950), rng.normal(0.30, 0.01, 50)
        >>> found = suggest_threshold(np.concatenate([rest, sought]), rng)
        >>> found.method, round(found.value, 2)
        ('two groups', 0.25)
    """
    # sorted, so that rounding does not depend on the order of the pictures
    values = np.sort(np.asarray(scores, np.float64).ravel())
    if not values.size or not np.isfinite(values).all():
        raise UsageError("a threshold needs at least one score, and all of them finite")
    low, high = float(values[0]), float(values[-1])
    if high - low <= 1e-6 * max(1.0, abs(high)):
        above = float(np.nextafter(np.float32(high), np.float32(np.inf)))
        return ScoreThreshold(
            above, "constant", 0.0, f"all {values.size:,} score {high:.4g}, so none stands out"
        )
    spread = float(values.mean() + 2 * values.std())
    if values.size < _FEWEST:
        return ScoreThreshold(
            spread,
            "spread",
            0.0,
            f"{values.size} scores are too few to tell groups apart (it takes {_FEWEST}), so the "
            "threshold is their mean and two standard deviations",
        )
    counts = np.histogram(values, _BINS, (low, high))[0].astype(np.float64)
    # scaled to [0, 1], so that tolerances do not depend on the scale of the scores
    fit = _fit(counts[None])
    drawn = rng.multinomial(values.size, counts / values.size, _RESAMPLES).astype(np.float64)
    stability = float((_valley(drawn, _fit(drawn)) <= _VALLEY).mean())
    depth = float(_valley(counts[None], fit)[0])
    if depth <= _VALLEY and stability >= _STABLE and _chance(values.size, depth) <= _LEVEL:
        value = low + (high - low) * _crossing(fit)
        return ScoreThreshold(value, "two groups", stability, "")
    return ScoreThreshold(
        spread,
        "spread",
        stability,
        "the scores do not fall into two groups, so the threshold is their mean and two standard "
        "deviations; look at the pictures near it, and give one yourself",
    )


class _Fit(NamedTuple):
    """Mixtures of two normal distributions for R histograms over [0, 1]; the second is higher."""

    weights: NDArray[np.float64]
    means: NDArray[np.float64]
    sds: NDArray[np.float64]

    def parts(self, at: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the weighted densities `[R, 2, P]` at positions `[P]` or `[R, P]`."""
        places = np.broadcast_to(at, (len(self.means), at.shape[-1]))[:, None, :]
        z = (places - self.means[:, :, None]) / self.sds[:, :, None]
        height = self.weights / (self.sds * np.sqrt(2 * np.pi))
        density: NDArray[np.float64] = height[:, :, None] * np.exp(-0.5 * z * z)
        return density


def _fit(counts: NDArray[np.float64]) -> _Fit:
    """Fit each histogram `[R, B]` from several starts and keep the fit of highest likelihood."""
    fits = [_climb(counts, _start(counts, share)) for share in _START_SHARES]
    likelihoods = np.stack([_likelihood(counts, fit) for fit in fits])
    best = likelihoods.argmax(axis=0)
    rows = np.arange(len(counts))
    chosen = [np.stack([fit[part] for fit in fits])[best, rows] for part in range(3)]
    order = np.argsort(chosen[1], axis=1, kind="stable")
    return _Fit(*(np.take_along_axis(values, order, axis=1) for values in chosen))


def _centres() -> NDArray[np.float64]:
    return (np.arange(_BINS) + 0.5) / _BINS


def _start(counts: NDArray[np.float64], share: float) -> NDArray[np.float64]:
    """Return initial responsibilities `[R, 2, B]`: cut so that `share` of the scores is below."""
    shares = np.cumsum(counts, axis=1) / counts.sum(axis=1, keepdims=True)
    upper = (shares > share).astype(np.float64)
    upper[:, -1] = 1.0
    return np.stack([1.0 - upper, upper], axis=1)


def _climb(counts: NDArray[np.float64], shares: NDArray[np.float64]) -> _Fit:
    centres = _centres()
    total = counts.sum(axis=1)
    for _ in range(_ROUNDS):
        held = counts[:, None, :] * shares
        mass = np.maximum(held.sum(axis=2), 1e-9)
        means = held @ centres / mass
        away = (centres - means[:, :, None]) ** 2
        sds = np.sqrt(np.maximum((held * away).sum(axis=2) / mass, _FLOOR**2))
        fit = _Fit(mass / total[:, None], means, sds)
        parts = fit.parts(centres)
        shares = parts / np.maximum(parts.sum(axis=1, keepdims=True), 1e-300)
    return fit


def _likelihood(counts: NDArray[np.float64], fit: _Fit) -> NDArray[np.float64]:
    density = np.maximum(fit.parts(_centres()).sum(axis=1), 1e-300)
    likelihood: NDArray[np.float64] = (counts * np.log(density)).sum(axis=1)
    return likelihood


def _chance(rows: int, depth: float) -> float:
    """Return how often uniform scores have a valley of at most this density."""
    digits = len(str(rows)) - 2
    return float((1 + (_uniform_valleys(round(rows, -digits)) <= depth).sum()) / (1 + _UNIFORM))


@cache
def _uniform_valleys(rows: int) -> NDArray[np.float64]:
    rng = np.random.default_rng(rows)  # its own, so that it is the same for all scores
    drawn = rng.multinomial(rows, np.full(_BINS, 1 / _BINS), _UNIFORM).astype(np.float64)
    return _valley(drawn, _fit(drawn))


def _valley(counts: NDArray[np.float64], fit: _Fit) -> NDArray[np.float64]:
    """Return the density between the two peaks of each histogram, relative to the lower one.

    The larger of that of the fit and of the smoothed histogram, because a mixture fitted to a flat
    histogram has a valley too; 1 where a group has too few scores.
    """
    steps = np.linspace(0.0, 1.0, 101)
    places = fit.means[:, :1] + (fit.means[:, 1:] - fit.means[:, :1]) * steps
    total = counts.sum(axis=1)
    enough = fit.weights.min(axis=1) * total >= _FEWEST_ABOVE
    fitted = fit.parts(places).sum(axis=1)
    # Silverman's rule for the smaller group
    members = np.maximum(fit.weights.min(axis=1) * total, 1.0)
    width = np.maximum(0.9 * fit.sds.min(axis=1) * members**-0.2, 1.0 / _BINS)
    z = (places[:, :, None] - _centres()) / width[:, None, None]
    smoothed = np.einsum("rpb,rb->rp", np.exp(-0.5 * z * z), counts)
    found: NDArray[np.float64] = np.where(enough, np.maximum(_depth(fitted), _depth(smoothed)), 1.0)
    return found


def _depth(density: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the lowest density in each row, relative to the lower of its two ends."""
    ends = np.minimum(density[:, 0], density[:, -1])
    share: NDArray[np.float64] = density.min(axis=1) / np.maximum(ends, 1e-300)
    return np.where(ends > 0, share, 1.0)


def _crossing(fit: _Fit) -> float:
    """Return where both distributions of the first fit are equally likely, between their means."""
    low, high = fit.means[0]
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        below, above = fit.parts(np.array([middle]))[0, :, 0]
        low, high = (low, middle) if above >= below else (middle, high)
    return float((low + high) / 2)
