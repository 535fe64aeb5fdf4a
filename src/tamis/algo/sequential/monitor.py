"""A stream held against a reference at every step, with alarms that can be trusted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from tamis.algo.sequential.betting import BINS, Wealth, bin_of, new_wealth
from tamis.algo.sequential.change_point import change_point
from tamis.algo.sequential.conformal import Bag, bag_of, score_edges
from tamis.algo.sequential.score_functions import ScoreFunctions, fit_scores
from tamis.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from tamis.types import Indices

__all__ = ["Alarm", "Monitor", "start_monitor"]

_HISTORY: Final = 4096
"""Steps that are remembered, to look back for when a change began."""

_AT_ONCE: Final = 64


@dataclass(frozen=True)
class Alarm:
    """A drift that a monitor has seen.

    Attributes:
        step: units since the monitor began, this one among them.
        since: the unit, counted alike, from which the stream is estimated to differ.
        log_wealth: natural logarithm of the wealth.
        streams: names of the scores that show it, the clearest first.
    """

    step: int
    since: int
    log_wealth: float
    streams: tuple[str, ...]


class Monitor:
    """A test martingale over a stream of units, valid at every look.

    A unit is a row, or a block of correlated rows, which counts once, by the mean of its scores.
    Each unit is ranked by each score among all before it, reference first; bettors gain wealth
    where the ranks are not uniform. It raises an alarm where wealth is at least 1/level: if the
    stream is as the reference, that ever happens, before the first restart, with a chance of
    `level` at most, however often one looks and whenever one stops. After an alarm it begins anew,
    with wealth 1 and the bag it began with, and may alarm again if the drift lasts. Memory does
    not grow.

    Args:
        scores: of rows.
        reference: counts that the bag begins with.
        level: chance of a false alarm before the first restart; may be changed between calls where
            several streams share one.
        seed: of the random parts of ranks; the same stream gives the same wealth.
    """

    def __init__(self, scores: ScoreFunctions, reference: Bag, *, level: float, seed: int) -> None:
        self.scores = scores
        self.level = level
        self.seed = seed
        self._reference = reference
        self.step = 0
        self.restart()

    def restart(self) -> None:
        """Begin anew, with wealth 1 and the bag of the reference; steps go on."""
        self.restarted = self.step
        self._bag = Bag(self._reference.edges, self._reference.counts.copy())
        self._wealth = new_wealth(len(self._reference.edges))
        self._history = np.zeros((_HISTORY, len(self._reference.edges)), np.uint8)

    @property
    def log_wealth(self) -> float:
        """Natural logarithm of the wealth now."""
        return self._wealth.log

    @property
    def e_value(self) -> float:
        """Wealth now: evidence against "nothing has changed", valid at every look."""
        return float(np.exp(min(self._wealth.log, 700.0)))

    def watch(
        self,
        X: NDArray[Any],
        covariates: NDArray[Any] | None = None,
        *,
        blocks: Indices | None = None,
    ) -> list[Alarm]:
        """Take rows in the order of time and return the alarms that they raise.

        The wealth is looked at after each unit. A block must come whole in one call.

        Args:
            X: `[N, D]` rows.
            covariates: `[N, C]` figures of each row.
            blocks: `[N]` block of each row, rows of one side by side; None where each row is a
                unit.

        Raises:
            UsageError: shapes do not fit the reference's, or rows of a block are apart.
        """
        places = self._bag.places(unit_means(self.scores(X, covariates), blocks))
        alarms, start = [], 0
        while start < len(places):
            taken, alarm = self._take(places[start : start + _AT_ONCE])
            start += taken
            if alarm is not None:
                alarms.append(alarm)
        return alarms

    def _take(self, places: NDArray[np.int64]) -> tuple[int, Alarm | None]:
        """Take units up to the first that raises an alarm; say how many those are."""
        n, streams = places.shape
        # The random part of a rank is a function of seed and step: a monitor that is stored and
        # taken up again goes on as if it had never stopped. A count of Philox is four numbers.
        width = -(-streams // 4)
        chance = np.random.Generator(
            np.random.Philox(key=self.seed, counter=(self.step + 1) * width)
        ).random((n, 4 * width))[:, :streams]
        intervals = bin_of(self._bag.ranked(places, chance))
        self._history[(self._wealth.step + np.arange(n)) % _HISTORY] = intervals
        path = self._wealth.bet(intervals)
        reached = np.flatnonzero(path >= -np.log(self.level))
        if reached.size == 0:
            self.step += n
            return n, None
        taken = int(reached[0]) + 1
        self.step += taken
        alarm = self._alarm(self._wealth.step - n + taken, float(path[reached[0]]))
        self.restart()
        return taken, alarm

    def alarm_now(self) -> Alarm:
        """Return the alarm that the wealth of now makes, whatever the level, and begin anew.

        For streams that are judged together: one may be let in by what others show.
        """
        alarm = self._alarm(self._wealth.step, self._wealth.log)
        self.restart()
        return alarm

    def _alarm(self, steps: int, log_wealth: float) -> Alarm:
        """Say what `steps` units since the last restart show."""
        seen = min(steps, _HISTORY - _AT_ONCE)
        order = np.arange(steps - seen, steps) % _HISTORY
        since, gain = change_point(self._history[order], uniform_chances())
        clearest = np.argsort(-gain, kind="stable")
        names = self.scores.names
        shown = tuple(names[stream] for stream in clearest if gain[stream] > max(0, gain.max() / 2))
        return Alarm(self.step, self.step - seen + since + 1, log_wealth, shown)

    def state(self) -> dict[str, NDArray[Any]]:
        """Return plain arrays from which `resume` goes on; the reference is not among them."""
        wealth = self._wealth
        return {
            "counts": self._bag.counts - self._reference.counts,
            "history": self._history,
            "capital": wealth.capital,
            "recent": wealth.recent,
            "steps": np.array([self.step, self.restarted, wealth.step], np.int64),
        }

    def resume(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Go on from a state of a monitor of the same reference.

        Raises:
            UsageError: the state is of another reference.
        """
        for name, array in self.state().items():
            if name not in state or state[name].shape != array.shape:
                raise UsageError(
                    f"the state of a monitor does not fit its reference (array {name!r}): "
                    "start anew"
                )
        self.step, self.restarted, step = (int(number) for number in state["steps"])
        self._bag = Bag(self._reference.edges, self._reference.counts + state["counts"])
        self._history = np.array(state["history"], np.uint8)
        self._wealth = Wealth(np.array(state["capital"]), np.array(state["recent"]), step)


def start_monitor(
    X: NDArray[Any],
    covariates: NDArray[Any] | None = None,
    *,
    blocks: Indices | None = None,
    level: float = 0.05,
    seed: int = 0,
) -> Monitor:
    """Make a monitor of a reference.

    Half of the reference's blocks, drawn at random, are set aside to fit the scores on; the others
    are what the stream is ranked among at first.

    Args:
        X: `[N, D]` rows of the reference.
        covariates: `[N, C]` figures of each row; NaN is unknown.
        blocks: `[N]` block of each row, as long as those of the stream; None where each row is a
            unit.
        level: chance that a stream without drift ever raises an alarm.
        seed: draws what is set aside, and the random parts of ranks.

    Raises:
        UsageError: there are under four blocks, shapes differ, or the level is not between 0
            and 1.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> monitor = start_monitor(rng.normal(size=(200, 4)))
        >>> monitor.watch(rng.normal(size=(300, 4)))
        []
        >>> len(monitor.watch(rng.normal(2, size=(300, 4)))) > 0
        True
    """
    if not 0 < level < 1:
        raise UsageError(f"the level must lie between 0 and 1, not at {level:g}")
    rows = np.asarray(X)
    names = np.arange(len(rows)) if blocks is None else np.asarray(blocks)
    if len(names) != len(rows):
        raise UsageError(f"{len(rows)} rows and {len(names)} blocks: give each row one")
    first, unit = np.unique(names, return_index=True, return_inverse=True)[1:]
    if first.size < 4:  # noqa: PLR2004 - two to fit on, two to rank among
        raise UsageError(
            f"a monitor needs at least four blocks of reference, not {first.size}: give more rows"
        )
    rng = np.random.default_rng(seed)
    aside = np.zeros(first.size, np.bool_)
    aside[rng.permutation(first.size)[: first.size // 2]] = True
    fitted = aside[unit.reshape(-1)]
    figures = np.empty((len(rows), 0)) if covariates is None else np.asarray(covariates)
    figures = figures.reshape(len(rows), -1)
    scores = fit_scores(rows[fitted], covariates=figures.shape[1], rng=rng)
    values = scores(rows, figures)
    edges = score_edges(_means(values[fitted], unit.reshape(-1)[fitted]))
    bag = bag_of(edges, _means(values[~fitted], unit.reshape(-1)[~fitted]))
    return Monitor(scores, bag, level=level, seed=seed)


def unit_means(scores: NDArray[np.float64], blocks: Indices | None) -> NDArray[np.float64]:
    """Return `[G, S]` mean scores of blocks in the order they came in.

    Raises:
        UsageError: there is not one block a row, or rows of a block are apart.
    """
    if blocks is None:
        return scores
    if len(blocks) != len(scores):
        raise UsageError(f"{len(scores)} rows and {len(blocks)} blocks: give each row one")
    if len(blocks) == 0:
        return scores
    number = np.cumsum(np.concatenate([[0], np.diff(blocks) != 0]))
    if np.unique(blocks).size != number[-1] + 1:
        raise UsageError("rows of one block lie apart: sort them by time and source")
    return _means(scores, number)


def _means(scores: NDArray[np.float64], unit: Indices) -> NDArray[np.float64]:
    """Mean scores of each unit, in ascending order; of those known."""
    number = np.unique(unit, return_inverse=True)[1].reshape(-1)
    known = np.isfinite(scores)
    sums = np.zeros((int(number.max()) + 1, scores.shape[1]))
    counts = np.zeros_like(sums)
    np.add.at(sums, number, np.where(known, scores, 0.0))
    np.add.at(counts, number, known)
    return np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)


def uniform_chances() -> NDArray[np.float64]:
    """`[bins]` chances of the intervals where p-values are uniform."""
    edges = np.linspace(0, 1, 10_001)[1:] - 0.5e-4
    return np.bincount(bin_of(edges), minlength=BINS) / edges.size
