"""The figures of a split, whoever made it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tamis.algo.split_balance import split_balance
from tamis.algo.two_sample.split_mmd import discrepancies
from tamis.services.split.leaks import find_leaks, named
from tamis.services.split.result import SplitDifference, SplitReport

if TYPE_CHECKING:
    from tamis.algo.cross_split import CrossPairs
    from tamis.dataset.embedded import EmbeddedSamples
    from tamis.dataset.store import Store
    from tamis.services.split.assignment import Strata
    from tamis.services.split.evidence import Evidence
    from tamis.services.split.joining import Joined
    from tamis.types import Indices

__all__ = ["audit"]

_ALPHA = 0.05
_LISTED = 10
_MOST_NAMED = 5


def audit(
    evidence: Evidence,
    placed: Indices,
    names: list[str],
    joined: Joined,
    strata: Strata,
    *,
    cross: CrossPairs,
    rng: np.random.Generator,
    mark: str,
) -> SplitReport:
    """Look for leaks, measure balance and how far the splits lie apart.

    Args:
        evidence: the pictures, and what tells which belong together.
        placed: `[N]` the split of each.
        names: of the splits.
        joined: the groups that this makes, and whether changed versions count.
        strata: labels and clusters.
        cross: the most similar pairs across splits, by `look_across`.
        rng: draws samples.
        mark: the column that names the splits.
    """
    store, samples, known = evidence.store, evidence.samples, evidence.known
    notes = [*known.notes, *joined.notes]
    groups = joined.groups
    found = find_leaks(evidence, joined, cross, placed)
    leaks, apart = (named(evidence, placed, names, pairs) for pairs in (found.pairs, found.apart))
    counted = found.changed + found.undecided if joined.together else 0
    if found.unseen:
        notes.append(
            f"{found.unseen:,} more pairs across splits have a cosine similarity of at least "
            f"{known.threshold:.3g} and were not compared"
        )
    if found.undecided and not joined.together:
        notes.append(
            f"{found.undecided:,} pairs across splits are copies or changed versions and cannot be "
            "told at their resolution; they are not counted as leaks"
        )
    clusters = strata.clusters
    difference = dict(
        zip(
            names,
            [
                None if one is None else SplitDifference(one.mmd2, one.random, one.p)
                for one in discrepancies(samples.vectors, placed, groups, rng=rng)
            ],
            strict=True,
        )
    )
    notes += _apart(difference)
    labels = _label_counts(strata, placed, names)
    notes += _missing_labels(strata, groups, labels, names)
    if strata.labels.from_parts:
        notes.append("pictures have no label of their own and count for those of their parts")
    sizes = np.bincount(groups)
    return SplitReport(
        mark=mark,
        counts={name: int((placed == i).sum()) for i, name in enumerate(names)},
        targets={},
        max_cross_similarity=cross.max_similarity,
        leaks=leaks,
        leak_count=found.copies + counted + found.others,
        copies=found.copies,
        changed=found.changed,
        undecided=found.undecided,
        changed_together=joined.together,
        changed_apart=apart,
        alike=found.alike,
        coverage={
            name: split_balance(placed == i, strata.labels.of, clusters)
            for i, name in enumerate(names)
        },
        labels=labels,
        difference=difference,
        groups=int(sizes.size),
        largest_group=int(sizes.max()),
        grouped_by=joined.by,
        threshold=known.threshold,
        cuts={},
        closest=_closest(store, samples, cross),
        notes=notes,
    )


def _closest(
    store: Store, samples: EmbeddedSamples, cross: CrossPairs
) -> list[tuple[str, str, float]]:
    """The most similar pictures across splits: paths and similarity."""
    ends = [[samples.ids[row] for row in rows[:_LISTED]] for rows in (cross.left, cross.right)]
    left, right = (store.read(["path"], ids=ids).column("path").to_pylist() for ids in ends)
    return list(zip(left, right, cross.similarity[:_LISTED].tolist(), strict=True))


def _label_counts(strata: Strata, placed: Indices, names: list[str]) -> dict[str, dict[str, int]]:
    inside = [strata.labels.of[placed == i].sum(axis=0).tolist() for i in range(len(names))]
    return {
        label: {name: int(inside[i][at]) for i, name in enumerate(names)}
        for at, label in enumerate(strata.labels.names)
    }


def _apart(difference: dict[str, SplitDifference | None]) -> list[str]:
    """Name the splits that differ from the others, at .05 for all of them together."""
    told = {name: found for name, found in difference.items() if found is not None}
    return [
        f"{name} differs from the other splits more than random splits of the same groups do: "
        f"MMD² {found.mmd2:.2g}, {found.random:.2g} at random, p {found.p:.3f}"
        for name, found in told.items()
        if found.p <= _ALPHA / len(told)
    ]


def _missing_labels(
    strata: Strata, groups: Indices, labels: dict[str, dict[str, int]], names: list[str]
) -> list[str]:
    """Say which labels do not occur in each split, and why not."""
    few: list[str] = []
    fitting: list[str] = []
    of = strata.labels.of.tocsc()
    for at, (label, counts) in enumerate(labels.items()):
        absent = [name for name, count in counts.items() if count == 0]
        if not absent:
            continue
        rows = of.indices[of.indptr[at] : of.indptr[at + 1]]
        held = int(np.unique(groups[rows]).size)
        missing = f"{label} (not in {', '.join(absent)}; in {held} groups)"
        (few if held < len(names) else fitting).append(missing)
    notes = []
    if few:
        notes.append(
            f"{_some(few)} cannot be in each of {len(names)} splits: groups stay whole, and "
            "there are fewer of them than splits"
        )
    if fitting:
        notes.append(f"{_some(fitting)} could be in each split by the number of groups, and is not")
    return notes


def _some(entries: list[str]) -> str:
    """Entries in words, few of them.

    >>> _some(["a", "b"])
    'a; b'
    """
    more = len(entries) - _MOST_NAMED
    return "; ".join(entries[:_MOST_NAMED]) + (f"; and {more:,} more labels" if more > 0 else "")
