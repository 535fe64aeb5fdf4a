"""What selections, rounds of labeling and their simulations tell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, TypeAlias

from tamis.algo.active_learning import Estimate
from tamis.algo.coverage import Coverage
from tamis.dataset.operations import RoundSelected
from tamis.verbs.result import Result

__all__ = [
    "Answer",
    "Pick",
    "Round",
    "RoundPick",
    "Selection",
    "SimulatedCurve",
    "SimulatedPoint",
    "Simulation",
]


@dataclass(frozen=True)
class Pick:
    """One selected picture.

    Attributes:
        path: as the user gave it.
        sample_id: its key in the dataset.
        reason: one short sentence.
        score: by what its strategy picked it: for facility location what it added to the mean
            similarity of all pictures to their nearest selected one, for k-center its cosine
            distance to everything selected before.
    """

    path: str
    sample_id: str
    reason: str
    score: float


@dataclass(frozen=True, kw_only=True, repr=False)
class Selection(Result):
    """The selected pictures, in the order in which they were picked.

    Attributes:
        picks: what is selected.
        candidates: how many pictures could be picked.
        represented: how many pictures were to be represented.
        coverage: how well the picks cover them, beside as many random picks.
        outliers: pictures unusually far from their neighbours, estimated where `neighbors` is
            `sample`.
        outliers_taken: how many of them were picked.
        encoder: spec of the encoder of the vectors.
        column: the vector column.
        neighbors: the neighbour kernel that ran, `exact`, `ivf` or `sample`.
        recall: its recall, measured; 1 if exact.
        parts: into how many random parts the pictures were divided, 1 if they were not.
        gone: pictures that were left out since their file is missing or holds something else.
    """

    table_of: ClassVar = "picks"

    picks: Sequence[Pick]
    candidates: int
    represented: int
    coverage: Coverage | None
    outliers: int
    outliers_taken: int
    encoder: str
    column: str
    neighbors: str
    recall: float
    parts: int
    gone: int


@dataclass(frozen=True)
class RoundPick:
    """One picture to label.

    Attributes:
        path: as the user gave it.
        sample_id: its key in the dataset.
        reason: one short sentence.
        score: by what the strategy picked it.
        predicted: the likeliest label; None without a probe.
        probability: of that label.
    """

    path: str
    sample_id: str
    reason: str
    score: float
    predicted: str | None
    probability: float | None


@dataclass(frozen=True, kw_only=True, repr=False)
class Round(Result):
    """The next pictures to label, and what the labels so far are worth.

    Attributes:
        picks: what to label, in order.
        strategy: what picked them.
        labels: the labels so far, those in splits set aside left out: how many of each.
        candidates: how many pictures could be picked.
        curve: all rounds so far, this one last.
        probe: `logistic` or `prototypes`; None without one.
        calibration_error: expected calibration error of the probe, out of fold.
        coverage: how well labels and picks cover all pictures, beside as many random picks.
        encoder: spec of the encoder of the vectors.
        column: the vector column.
        label_column: where the labels are.
    """

    table_of: ClassVar = "picks"

    picks: Sequence[RoundPick]
    strategy: str
    labels: Mapping[str, int]
    candidates: int
    curve: Sequence[RoundSelected]
    probe: str | None
    calibration_error: float | None
    coverage: Coverage | None
    encoder: str
    column: str
    label_column: str


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
    points: Sequence[SimulatedPoint]
    picked_by: Sequence[str]


@dataclass(frozen=True, kw_only=True, repr=False)
class Simulation(Result):
    """Learning curves by strategy.

    Attributes:
        curves: random picks first.
        seeds: how many runs each mean is of.
        pool: pictures that the first run picks from.
        test: pictures that it is measured on.
        classes: different labels.
        left_out: pictures kept from the pool as near-duplicates of test pictures.
        encoder: spec of the encoder of the vectors.
        column: the vector column.
        label_column: where the labels are.
    """

    curves: Sequence[SimulatedCurve]
    seeds: int
    pool: int
    test: int
    classes: int
    left_out: int
    encoder: str
    column: str
    label_column: str


Answer: TypeAlias = Selection | Round | Simulation
"""What `select` tells, with `round`, and with `simulate`."""
