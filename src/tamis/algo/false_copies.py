"""How many pairs called copies have different content, extrapolated from pairs above the line.

Near the line, a single pair does not show whether it is a copy. But pairs with different content
continue above the line, where copies are few. Their distribution there is extrapolated below the
line, and no more pairs can be false there than were seen there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy.optimize import brentq

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["FalseCopies", "false_copies"]

_TAIL_REACH, _FEWEST_OF_TAIL = float(np.log(2)), 10
_PLACES, _DEEPEST = 16, 8.0
# A power of 1 means a uniform density: faint changes are no more frequent than strong ones.
_LEAST_POWER = 1.0
_ONE_SIDED_95 = 1.645
# Narrowest tail, as a logarithm: a few pairs with nearly equal excesses would mimic a narrower one.
_NARROWEST = 0.03


class FalseCopies(NamedTuple):
    """How many pairs called copies have different content.

    Attributes:
        expected: best estimate.
        high: 95% upper confidence bound on the expectation.
    """

    expected: float
    high: float


def false_copies(excesses: NDArray[np.float64], line: float) -> FalseCopies:
    """Estimate how many pairs below a line have different content.

    All pairs above a cut are taken to have different content, and the number below it is
    extrapolated (`_extrapolated`). Of the line and several lower cuts, the one with the smallest
    high estimate is used; pairs between it and the line count as false. O(P).
    """
    under = np.sort(excesses[excesses < line])
    if under.size == 0:
        return FalseCopies(0.0, 0.0)
    lowest = max(float(under[0]), line / _DEEPEST)
    logs = np.sort(np.log(np.maximum(excesses[np.isfinite(excesses)], lowest / 2)))
    found = []
    for place in np.geomspace(line, lowest, _PLACES).tolist():
        tail = _extrapolated(logs, float(np.log(place)))
        between = under.size - int(np.searchsorted(under, place))
        found.append(FalseCopies(tail.expected + between, tail.high + between))
    least = min(found, key=lambda false: false.high)
    return FalseCopies(min(least.expected, under.size), min(least.high, under.size))


def _extrapolated(logs: NDArray[np.float64], place: float) -> FalseCopies:
    """Extrapolate the number of excesses below a place from those above it.

    The excesses up to twice the place (at least the lowest ten) are taken to fall off toward 0 as a
    power of at least 1, so their logarithms as an exponential truncated at the place. The high
    estimate uses 95% bounds for the power and the number.

    Source: Hill, A simple general approach to inference about the tail of a distribution, Annals of
    Statistics 1975; cut off as in Aban, Meerschaert and Panorska, Parameter estimation for the
    truncated Pareto distribution, JASA 2006.

    Args:
        logs: `[P]` logarithms of excesses, sorted.
        place: a logarithm.
    """
    over = logs[np.searchsorted(logs, place) :]
    if over.size == 0:
        return FalseCopies(0.0, 0.0)
    used = max(int(np.searchsorted(over, place + _TAIL_REACH)), _FEWEST_OF_TAIL)
    used = min(used, over.size)
    # Where the tail begins; it may contain all pairs.
    start = over[used] if used < over.size else over[-1] + np.log(2) / 2
    depth = max(float(start - place), _NARROWEST)
    mean = max(float(np.mean(start - over[:used])), _NARROWEST)
    power, spread = _tail_power(mean, depth)
    low_power = max(power * np.exp(-_ONE_SIDED_95 * spread / np.sqrt(used)), _LEAST_POWER)
    many = used + _ONE_SIDED_95 * np.sqrt(used)
    return FalseCopies(
        float(used / np.expm1(power * depth)), float(many / np.expm1(low_power * depth))
    )


def _tail_power(mean: float, depth: float) -> tuple[float, float]:
    """Fit the power of a truncated tail; also return its relative standard error for one pair.

    Args:
        mean: mean log-distance from where the tail begins.
        depth: the log-distance at which it is truncated.
    """

    def beyond(power: float) -> float:
        return float(1 / power - depth / np.expm1(power * depth) - mean)

    power = _LEAST_POWER
    if beyond(power) > 0:
        power = 1 / mean if beyond(1 / mean) >= 0 else float(brentq(beyond, power, 1 / mean))
    hidden = depth / 2 / np.sinh(power * depth / 2)
    variance = max(1 / power**2 - hidden**2, depth**2 / 24)
    return power, float(1 / (power * np.sqrt(variance)))
