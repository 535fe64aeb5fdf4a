"""What rounds of labelling would bring, replayed on pictures whose labels are known."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, get_args

import numpy as np

from tamis.algo.rounds import Estimate, draw_parts, mean_of_seeds, replay, strategy_name
from tamis.algo.selection import Strategy
from tamis.errors import UsageError
from tamis.services.rounds.labelled import near_duplicate_groups, read_labelled
from tamis.types import no_progress

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from tamis.algo.rounds import Draw, Replay
    from tamis.dataset.store import Store
    from tamis.services.rounds.labelled import LabelledSamples
    from tamis.types import Indices, Progress

__all__ = ["SCHEDULE", "SimulatedCurve", "SimulatedPoint", "Simulation", "simulate_rounds"]

SCHEDULE: Final = "schedule"
"""The name of what `select --round` does where no strategy is named."""


@dataclass(frozen=True)
class SimulatedPoint:
    """What a strategy reached with a number of labels.

    Attributes:
        labels: how many.
        accuracy: mean over the seeds.
        balanced_accuracy: the mean over classes, mean over the seeds.
        gain: accuracy above that of random picks in the same seeds.
    """

    labels: int
    accuracy: Estimate
    balanced_accuracy: Estimate
    gain: Estimate


@dataclass(frozen=True)
class SimulatedCurve:
    """The learning curve of one strategy.

    Attributes:
        strategy: its name.
        points: one for each round.
        picked_by: the strategy that picked in each round of the first seed.
    """

    strategy: str
    points: list[SimulatedPoint]
    picked_by: list[str]


@dataclass(frozen=True)
class Simulation:
    """Learning curves by strategy.

    Attributes:
        curves: random picks first.
        seeds: how many runs each mean is of.
        pool: pictures that the first run picks from.
        test: pictures that it is measured on.
        classes: different labels.
        left_out: pictures kept from the pool as near-duplicates of test pictures.
        column: the vector column.
        label_column: where the labels are.
        notes: sentences on what the user should know.
    """

    curves: list[SimulatedCurve]
    seeds: int
    pool: int
    test: int
    classes: int
    left_out: int
    column: str
    label_column: str
    notes: list[str]


def simulate_rounds(
    store: Store,
    budget: int,
    *,
    rounds: int = 5,
    seeds: int = 10,
    strategies: Sequence[str | Mapping[str, float]] = (SCHEDULE,),
    column: str | None = None,
    label_column: str = "label",
    where: str | None = None,
    exclude_duplicates: bool = True,
    seed: int = 0,
    progress: Progress = no_progress,
) -> Simulation:
    """Hide the labels, play rounds of labelling by strategy and at random, and measure each.

    Changes nothing. Each run draws 70 % of the groups of near-duplicates to pick from, the same
    for every strategy, and is measured on the pictures of the split `test` if there are any with a
    label, else on the other 30 %. No group is both picked from and measured on.

    Args:
        store: the dataset.
        budget: labels after the last round.
        rounds: into how many equal rounds it is divided.
        seeds: runs a strategy.
        strategies: names, or several with their shares as one; `schedule` is what `select_round`
            does where none is named. Random picks are always there.
        column: vector column; if None the one with the most vectors.
        label_column: where the labels are.
        where: SQL condition on the pictures that take part.
        exclude_duplicates: leave out pictures that are marked as duplicates of a kept one.
        seed: of the first run; the others follow.
        progress: told how many rounds of all were played.

    Raises:
        UsageError: there are too few labels, near-duplicates join most pictures, a strategy is
            unknown, or an option is out of range.
    """
    budgets = _budgets(budget, rounds, seeds)
    named = dict(_strategy(one) for one in ("random", *strategies))
    samples = read_labelled(
        store, label_column, column=column, exclude_duplicates=exclude_duplicates
    )
    taking_part = samples.known & _meeting(store, samples, where)
    rng = np.random.default_rng(seed)
    groups = near_duplicate_groups(store, samples, rng)
    pool, test = _parts(samples, taking_part, groups)
    draws = [
        draw_parts(groups, pool, test, rng=np.random.default_rng(seed + number))
        for number in range(seeds)
    ]
    done, total = 0, len(named) * seeds * len(budgets)
    progress(0, total)

    def told() -> None:
        nonlocal done
        done += 1
        progress(done, total)

    runs = {
        name: [
            replay(
                samples.vectors,
                samples.labels,
                draw,
                budgets,
                strategy=one,
                groups=groups,
                rng=np.random.default_rng(seed + number),
                told=told,
            )
            for number, draw in enumerate(draws)
        ]
        for name, one in named.items()
    }
    chance = np.stack([run.accuracy for run in runs["random"]])
    return Simulation(
        curves=[_curve(name, budgets, runs[name], chance) for name in named],
        seeds=seeds,
        pool=int(draws[0].pool.size),
        test=int(draws[0].test.size),
        classes=int(np.unique(samples.labels[taking_part]).size),
        left_out=0 if test is None else int(np.isin(groups[pool], groups[test]).sum()),
        column=samples.column,
        label_column=label_column,
        notes=_notes(draws, test, seeds),
    )


def _budgets(budget: int, rounds: int, seeds: int) -> list[int]:
    if seeds < 1 or rounds < 1 or budget < rounds:
        raise UsageError(
            f"a simulation needs a seed, a round, and a label a round, not {seeds} seeds, "
            f"{rounds} rounds and {budget} labels"
        )
    steps: list[int] = np.linspace(0, budget, rounds + 1).round().astype(int)[1:].tolist()
    return steps


def _strategy(
    strategy: str | Mapping[str, float],
) -> tuple[str, Strategy | Mapping[str, float] | None]:
    """Return the name of a strategy, and what `replay` takes for it."""
    if not isinstance(strategy, str):
        return strategy_name(strategy), strategy
    known = next((one for one in get_args(Strategy) if one == strategy), None)
    if known is None and strategy != SCHEDULE:
        raise UsageError(
            f"strategy must be one of {', '.join((*get_args(Strategy), SCHEDULE))}, not "
            f"{strategy!r}"
        )
    return strategy, known


def _meeting(store: Store, samples: LabelledSamples, where: str | None) -> NDArray[np.bool_]:
    if where is None:
        return np.ones(len(samples.ids), np.bool_)
    meeting = set(store.read(["sample_id"], where=where).column("sample_id").to_pylist())
    return np.array([sample_id in meeting for sample_id in samples.ids], np.bool_)


def _parts(
    samples: LabelledSamples, taking_part: NDArray[np.bool_], groups: Indices
) -> tuple[Indices, Indices | None]:
    """Return the rows to pick from, and those to test on; None where runs draw them."""
    if np.unique(samples.labels[taking_part]).size < 2:  # noqa: PLR2004 - nothing to tell apart
        raise UsageError(
            f"a simulation needs pictures with labels of two classes or more; "
            f"{int(taking_part.sum())} have a vector in {samples.column} and a label"
        )
    largest = int(np.bincount(groups[taking_part]).max())
    if largest > taking_part.sum() / 2:
        raise UsageError(
            f"{largest:,} of {int(taking_part.sum()):,} pictures are joined as near-duplicates, "
            "so that no fair test part can be drawn: run  tamis duplicates --apply  first, which "
            "tells alike from the same"
        )
    test = np.flatnonzero(taking_part & samples.test)
    pool = np.flatnonzero(taking_part & ~samples.aside)
    return pool, test if test.size else None


def _curve(
    name: str, budgets: list[int], runs: list[Replay], chance: NDArray[np.float64]
) -> SimulatedCurve:
    accuracy = np.stack([run.accuracy for run in runs])
    balanced = np.stack([run.balanced for run in runs])
    return SimulatedCurve(
        strategy=name,
        points=[
            SimulatedPoint(
                labels=budget,
                accuracy=mean_of_seeds(accuracy[:, place]),
                balanced_accuracy=mean_of_seeds(balanced[:, place]),
                gain=mean_of_seeds((accuracy - chance)[:, place]),
            )
            for place, budget in enumerate(budgets)
        ],
        picked_by=list(runs[0].strategies),
    )


def _notes(draws: list[Draw], test: Indices | None, seeds: int) -> list[str]:
    notes = [
        "tested on the split test"
        if test is not None
        else f"tested on {draws[0].test.size:,} pictures that each run draws anew"
    ]
    if seeds == 1:
        notes.append("one seed says nothing of how much chance is in the figures: use more")
    return notes
