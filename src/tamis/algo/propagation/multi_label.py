"""Several labels a row from those of a few: a yes or no for each label, spread one by one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from tamis.algo.canonical_order import canonical_order
from tamis.algo.neighbors import knn_graph
from tamis.algo.propagation.contenders import Seeds
from tamis.algo.propagation.diffusion import Diffusion, affinities
from tamis.algo.propagation.expected import expected_accuracy
from tamis.algo.propagation.propagate import (
    NEIGHBORS,
    as_given,
    by_first_use,
    check_rows,
    contenders_on,
    draw_folds,
    ordered_graph,
)
from tamis.algo.propagation.seed_groups import find_conflicts, spread_in_groups
from tamis.algo.propagation.trials import hold_trials
from tamis.algo.unit_vectors import unit_vectors
from tamis.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from tamis.algo.intervals import Estimate
    from tamis.algo.neighbors import KnnGraph
    from tamis.algo.propagation.seed_groups import Conflict
    from tamis.algo.propagation.trials import Trials
    from tamis.types import Indices

__all__ = ["LabelOutcome", "MultiLabelPropagation", "propagate_label_sets"]

_EVEN: Final = 0.5


@dataclass(frozen=True)
class LabelOutcome:
    """How one label was spread.

    Attributes:
        name: of the label.
        yes: rows without labels that got it.
        no: rows that are said not to have it.
        undecided: rows of which neither is likely enough.
        precision: share of `yes` expected to be right.
        accuracy: share of `yes` and `no` expected to be right.
        recall: share of the held-out seeds with the label that got it; NaN without any.
        method: what decided: one way, or a mix of several.
    """

    name: str
    yes: int
    no: int
    undecided: int
    precision: Estimate
    accuracy: Estimate
    recall: float
    method: str


@dataclass(frozen=True)
class MultiLabelPropagation:
    """Labels for all rows, several each, and how right they are expected to be.

    Attributes:
        names: `[L]` labels, as they were given.
        answers: `[N, L]` 1 yes, 0 no, -1 undecided; those given stay.
        probabilities: `[N, L]` of a yes, calibrated label by label; 1 and 0 where given.
        outcomes: of each label.
        expected: precision expected of all labels given out, from refits without the seeds it is
            measured on; NaN from 0 to 1 where nothing could be held out.
        measured: how many seeds were held out.
        conflicts: near-duplicates that were given different labels, none of which was used; each
            class is the number of a row's set of labels.
    """

    names: tuple[str, ...]
    answers: NDArray[np.int8]
    probabilities: NDArray[np.float64]
    outcomes: tuple[LabelOutcome, ...]
    expected: Estimate
    measured: int
    conflicts: tuple[Conflict, ...]


def propagate_label_sets(
    X: NDArray[Any],
    rows: NDArray[Any],
    given: NDArray[Any],
    names: Sequence[str],
    *,
    groups: Indices | None = None,
    graph: KnnGraph | None = None,
    least_confidence: float = 0.5,
    rng: np.random.Generator,
) -> MultiLabelPropagation:
    """Say of every row which labels it has, from a few rows of which all labels are known.

    Each label is a question of its own: the ways of `propagate` answer it, are mixed by their log
    loss on held-out rows, and calibrated with a shift, since most labels are rarer than their
    absence. Folds are the same for all labels. A label is given where its probability is at least
    `least_confidence` (and over one half), denied where that of its absence is, and left undecided
    otherwise. The same rows give the same labels, bit for bit, whatever order they come in.
    Costs the graph, and `propagate` without it once for each label.

    Args:
        X: `[N, D]` unit vectors.
        rows: `[S]` row numbers of those with known labels, none twice.
        given: `[S, L]` 1 where a row has the label, 0 where not.
        names: `[L]` of the labels.
        groups: `[N]` near-duplicates: they get the same labels, and are held out together.
        graph: of `X`, with about 50 neighbours a row; computed if None.
        least_confidence: in [0, 1].
        rng: draws folds, and trains the inverted file for many rows.

    Raises:
        UsageError: shapes do not fit, a value is neither 0 nor 1, a label is given to all rows
            that may be used or to none, a row is named twice, or `X` is not made of unit vectors.
    """
    vectors = unit_vectors(X)
    n, at, known = len(vectors), np.asarray(rows, np.int64), np.asarray(given, np.int8)
    _check_sets(at.size, known, names)
    check_rows(n, at, known[:, 0], groups, least_confidence)
    # Rows by content: no order of rows decides.
    sets = np.unique(known, axis=0, return_inverse=True)[1].ravel()
    of_row = np.full(n, -1)
    of_row[at] = sets
    order = np.argsort(of_row, kind="stable")
    order = order[canonical_order(vectors[order])]
    place = np.empty(n, np.int64)
    place[order] = np.arange(n)
    ordered = vectors[order]
    group = np.arange(n) if groups is None else by_first_use(np.asarray(groups)[order])
    conflicts, sound = find_conflicts(group, place[at], sets)
    by_place = np.argsort(place[at[sound]], kind="stable")
    seed_rows, seed_known = place[at[sound]][by_place], known[sound][by_place]
    _check_both(seed_known, names, len(conflicts))
    columns = [np.where(column == 1, 0, -1) for column in seed_known.T]
    fold = draw_folds(columns, group[seed_rows], rng)
    near = ordered_graph(graph, order, place) if graph else knn_graph(ordered, NEIGHBORS, rng=rng)
    diffusion = Diffusion(affinities(near))
    free = np.ones(n, np.bool_)
    free[place[at]] = False
    least = max(least_confidence, _EVEN)
    answers = np.full((n, len(names)), -1, np.int8)
    probabilities = np.empty((n, len(names)))
    outcomes, right, label_of, held = [], [], [], []
    for label, name in enumerate(names):
        seeds = Seeds(seed_rows, seed_known[:, label].astype(np.int64), fold, 2)
        contenders = contenders_on(ordered, seeds, diffusion, None)
        trials = hold_trials(contenders, seeds, shifted=True)
        taken = (contenders[part] for part in trials.mixture.parts)
        own = np.exp(trials.mixture.log_probabilities(each.logits() for each in taken))
        both = spread_in_groups(own, group, seed_rows, seeds.classes)
        probabilities[:, label] = both[:, 1]
        # where nothing tells, neither is likelier
        answers[both[:, 0] >= least, label] = 0
        answers[(both[:, 1] >= least) & (both[:, 1] > both[:, 0]), label] = 1
        tried = seeds.classes[trials.measured], trials
        outcomes.append(_outcome(name, answers[free, label], both[free], tried, least))
        claimed = np.flatnonzero((trials.predicted == 1) & (trials.confidence >= least))
        right.append(seeds.classes[trials.measured[claimed]] == 1)
        label_of.append(np.full(claimed.size, label))
        held.append(trials.measured[claimed])
    probabilities[place[at]] = known
    answers[place[at]] = known
    counts = np.array([float(outcome.yes) for outcome in outcomes])
    shares = counts / counts.sum() if counts.any() else np.full(counts.size, 1 / counts.size)
    pairs = np.concatenate(held)
    return MultiLabelPropagation(
        names=tuple(names),
        answers=answers[place],
        probabilities=probabilities[place],
        outcomes=tuple(outcomes),
        # labels of one row are right or wrong together
        expected=expected_accuracy(
            np.concatenate(right),
            np.concatenate(label_of),
            shares,
            worth=np.unique(pairs).size / max(pairs.size, 1),
        ),
        measured=int(trials.measured.size),
        conflicts=as_given(conflicts, groups, order) if conflicts else (),
    )


def _outcome(
    name: str,
    answers: NDArray[np.int8],
    both: NDArray[np.float64],
    held: tuple[Indices, Trials],
    least: float,
) -> LabelOutcome:
    """Measure one label by the answers to the rows without labels and to the held-out seeds."""
    truth, trials = held
    sure = trials.confidence >= least
    yes = sure & (trials.predicted == 1)
    decided = answers >= 0
    shares = both[decided].mean(axis=0) if decided.any() else np.full(2, 0.5)
    return LabelOutcome(
        name=name,
        yes=int((answers == 1).sum()),
        no=int((answers == 0).sum()),
        undecided=int((answers == -1).sum()),
        precision=expected_accuracy(
            truth[yes] == 1, np.zeros(int(yes.sum()), np.int64), np.ones(1)
        ),
        accuracy=expected_accuracy(trials.predicted[sure] == truth[sure], truth[sure], shares),
        recall=float(yes[truth == 1].mean()) if (truth == 1).any() else np.nan,
        method=trials.method,
    )


def _check_sets(size: int, known: NDArray[np.int8], names: Sequence[str]) -> None:
    if known.shape != (size, len(names)) or not names:
        raise UsageError(
            f"labels given must have the shape {(size, len(names))}, one column for each of at "
            f"least one label, not {known.shape}"
        )
    if not np.isin(known, (0, 1)).all():
        raise UsageError("a label is given (1) or not (0); other values are not")


def _check_both(known: NDArray[np.int8], names: Sequence[str], conflicts: int) -> None:
    for name, column in zip(names, known.T, strict=True):
        yes = int((column == 1).sum())
        if yes in {0, column.size}:
            unused = f", {conflicts} groups of near-duplicates that disagree aside" * bool(
                conflicts
            )
            raise UsageError(
                f"{yes} of {column.size} rows have the label {name!r}{unused}: nothing tells who "
                "else has it; leave it out"
            )
