"""Rounds of labeling, simulated on pictures whose labels are known."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tamis.algo.active_learning import draw_parts, mean_of_seeds, replay, strategy_name
from tamis.errors import UsageError
from tamis.services.select.contract import SCHEDULE
from tamis.services.select.labeled import near_duplicate_groups, read_labeled
from tamis.services.select.result import SimulatedCurve, SimulatedPoint, Simulation
from tamis.verbs.feedback import SILENT
from tamis.wording import counted

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tamis.algo.active_learning import Draw, Replay
    from tamis.dataset.store import Store
    from tamis.runtime.workspace import Workspace
    from tamis.services.select.contract import Select
    from tamis.services.select.labeled import LabeledSamples
    from tamis.types import Indices
    from tamis.verbs.feedback import Feedback

__all__ = ["simulate_rounds"]


def simulate_rounds(
    workspace: Workspace, request: Select, feedback: Feedback = SILENT
) -> Simulation:
    """Hide the labels, play rounds of labeling by strategy and at random, and measure each.

    Changes nothing. Each run draws 70 % of the groups of near-duplicates to pick from, the same
    for every strategy, and is measured on the pictures of the split to test on if there are any
    with a label, else on the other 30 %. No group is both picked from and measured on. Run `i` has
    the seed `seed + i`.

    Raises:
        UsageError: there are too few labels, or near-duplicates join most pictures.
    """
    store, seeds, seed = workspace.store, request.seeds, request.seed
    progress = feedback.stage("rounds")
    budgets = _budgets(request.n, request.rounds)
    strategies = ("random", request.strategy or SCHEDULE, *request.against)
    named = {strategy_name(one): None if one == SCHEDULE else one for one in strategies}
    known = workspace.vector_column(request.encoder)
    samples = read_labeled(store, request, column=known.name)
    taking_part = samples.known & _meeting(store, samples, request.where)
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
    left_out = 0 if test is None else int(np.isin(groups[pool], groups[test]).sum())
    return Simulation(
        curves=[_curve(name, budgets, runs[name], chance) for name in named],
        seeds=seeds,
        pool=int(draws[0].pool.size),
        test=int(draws[0].test.size),
        classes=int(np.unique(samples.labels[taking_part]).size),
        left_out=left_out,
        encoder=known.spec,
        column=samples.column,
        label_column=request.label_column,
        notes=[*samples.notes, *_notes(draws, test, seeds, left_out)],
    )


def _budgets(budget: int, rounds: int) -> list[int]:
    steps: list[int] = np.linspace(0, budget, rounds + 1).round().astype(int)[1:].tolist()
    return steps


def _meeting(store: Store, samples: LabeledSamples, where: str | None) -> NDArray[np.bool_]:
    if where is None:
        return np.ones(len(samples.ids), np.bool_)
    meeting = set(store.read(["sample_id"], where=where).column("sample_id").to_pylist())
    return np.array([sample_id in meeting for sample_id in samples.ids], np.bool_)


def _parts(
    samples: LabeledSamples, taking_part: NDArray[np.bool_], groups: Indices
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


def _notes(draws: list[Draw], test: Indices | None, seeds: int, left_out: int) -> list[str]:
    notes = [
        "tested on the test split"
        if test is not None
        else f"tested on {counted(draws[0].test.size, 'picture')} that each run draws anew"
    ]
    if seeds == 1:
        notes.append("one seed says nothing of how much chance is in the figures: use more")
    if left_out:
        notes.append(f"{left_out:,} near-duplicates of test pictures were left out")
    return notes
