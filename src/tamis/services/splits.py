"""Train, validation and test sets that share no near-duplicate and each cover every condition."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from tamis.algo.canonical_order import canonical_order
from tamis.algo.clustering import spherical_k_means
from tamis.algo.components import join_groups
from tamis.algo.cross_split import CrossPairs, closest_across
from tamis.algo.near_components import near_components
from tamis.algo.split_balance import SplitBalance, split_balance
from tamis.algo.splits import assign_splits, split_targets
from tamis.data.embedded import EmbeddedSamples, read_embedded
from tamis.data.group_columns import codes_of, duplicate_columns
from tamis.data.part_splits import inherited_splits, torn_parts
from tamis.data.parts import names_kind, whole_pictures
from tamis.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tamis.data.store import Store
    from tamis.types import Indices

__all__ = ["DEFAULT_THRESHOLD", "Leak", "SplitReport", "check_splits", "split"]

DEFAULT_THRESHOLD = 0.95
"""Cosine similarity from which pictures count as near-duplicates where none were marked."""

MOST_LEAKS = 1000
"""How many leaks a report lists; more are counted."""

_MOST_CLUSTERS = 50


@dataclass(frozen=True)
class Leak:
    """Two pictures that should lie in one split and do not.

    Attributes:
        left: path of one picture.
        right: path of the other.
        splits: the split of each.
        similarity: their cosine similarity; None if it is not what joins them.
        reason: what joins them.
    """

    left: str
    right: str
    splits: tuple[str, str]
    similarity: float | None
    reason: str


@dataclass(frozen=True)
class SplitReport:
    """The splits, and the proof that they are sound.

    Attributes:
        counts: pictures in each split.
        max_cross_similarity: largest cosine similarity between pictures of two splits; None where
            there are no two splits.
        leaks: what joins two splits, most similar first; of a group that is torn apart, one pair
            for each two splits; at most 1,000.
        leak_count: how many leaks there are.
        coverage: for each split, how evenly labels and clusters are spread.
        groups: how many groups were kept whole.
        largest_group: pictures in the largest.
        grouped_by: what joins pictures into groups.
        closest: the most similar pictures across splits: paths and similarity.
        notes: sentences on what the user should know.
    """

    counts: dict[str, int]
    max_cross_similarity: float | None
    leaks: list[Leak]
    leak_count: int
    coverage: dict[str, SplitBalance]
    groups: int
    largest_group: int
    grouped_by: list[str]
    closest: list[tuple[str, str, float]]
    notes: list[str]


@dataclass(frozen=True)
class _Groups:
    """What must not be torn apart: columns of groups with their names, and a threshold."""

    names: list[str]
    columns: list[Indices]
    threshold: float | None
    notes: list[str]


def split(
    store: Store,
    *,
    train: float = 0.8,
    val: float = 0.1,
    test: float = 0.1,
    group: str | Sequence[str] | None = None,
    column: str | None = None,
    where: str | None = None,
    threshold: float | None = None,
    seed: int = 0,
    apply: bool = True,
) -> SplitReport:
    """Divide the pictures that have a vector, so that no group lies in two splits.

    Groups are what near-duplicates and the user's columns join: identical files, the marks of
    `duplicates` where they were applied, else equal perceptual hashes and vectors at a cosine
    similarity of at least 0.95. Whole groups are placed so that labels and clusters of vectors
    are spread evenly. The same pictures with the same seed give the same splits whatever order
    they were added in. With `apply`, one operation sets the mark `split` and clears it on all
    other pictures. Parts of pictures get the split of their picture.

    Args:
        store: the dataset.
        train: share of the training set.
        val: share of the validation set.
        test: share of the test set; the three sum to 1.
        group: column or columns; pictures with one value stay together, those without are free.
        column: vector column; if None the one with the most vectors.
        where: SQL condition on the pictures to divide, never on parts of them.
        threshold: join vectors from this cosine similarity on, also where duplicates are marked.
        seed: the only source of chance.
        apply: set the mark.

    Raises:
        UsageError: shares do not sum to 1, a column is unknown, no picture meets the condition,
            there are fewer groups than splits, or one group is too large for any split.
    """
    shares = {"train": train, "val": val, "test": test}
    split_targets(0, list(shares.values()))
    if names_kind(where):
        raise UsageError(
            f"the condition {where!r} speaks of parts of pictures, which take the split of their "
            "picture: give a condition on pictures"
        )
    samples = read_embedded(store, column, where)
    if not samples.ids:
        raise UsageError(
            f"there is no picture to split: none has a vector in {samples.column}"
            + (f" and meets {where!r}" if where else "")
        )
    known = _groups(store, samples, group, threshold)
    rng = np.random.default_rng(seed)
    joined = list(known.columns)
    if known.threshold is not None:
        joined.append(near_components(samples.vectors, known.threshold, rng=rng).labels)
    groups = join_groups(joined)
    names = [name for name, share in shares.items() if share > 0]
    fractions = [shares[name] for name in names]
    _require_divisible(groups, split_targets(len(groups), fractions), known)
    strata = _strata(store, samples, rng)
    placed = assign_splits(groups, list(strata.values()), fractions, rng=rng)

    notes = list(known.notes)
    without = store.count(whole_pictures(store.columns(), where)) - len(samples.ids)
    if without:
        notes.append(f"{without:,} pictures have no vector in {samples.column} and got no split")
    if apply:
        params = shares | {
            "group": group if group is None or isinstance(group, str) else list(group),
            "column": samples.column,
            "where": where,
            "threshold": threshold,
        }
        taken_away = _mark(store, samples.ids, [names[i] for i in placed], params, seed)
        if taken_away:
            notes.append(f"{taken_away:,} other pictures had a split before; they have none now")
    return _audit(store, samples, placed, names, known, groups, strata, notes, rng)


def check_splits(
    store: Store,
    *,
    group: str | Sequence[str] | None = None,
    column: str | None = None,
    where: str | None = None,
    threshold: float | None = None,
    seed: int = 0,
) -> SplitReport:
    """Audit the splits that are marked, whoever made them; changes nothing.

    Everything that would keep pictures in one split in `split` is a leak here when it joins two;
    so is a part in another split than its picture, whatever `where` says.

    Args:
        store: the dataset.
        group: as in `split`.
        column: vector column; if None the one with the most vectors.
        where: SQL condition on the pictures to look at.
        threshold: as in `split`.
        seed: draws samples where there are many pictures.

    Raises:
        UsageError: no picture has a split, or a column is unknown.
    """
    has_split = "split IS NOT NULL"
    samples = read_embedded(store, column, f"({where}) AND {has_split}" if where else has_split)
    if not samples.ids:
        raise UsageError("no picture with a vector has a split: run  tamis split  first")
    known = _groups(store, samples, group, threshold)
    rng = np.random.default_rng(seed)
    marked = store.read(["split"], ids=samples.ids).column("split").to_pylist()
    names = sorted(set(marked), key=lambda name: (_usual_place(name), name))
    placed = np.array([names.index(name) for name in marked], dtype=np.int64)
    groups = join_groups(known.columns)
    strata = _strata(store, samples, rng)
    report = _audit(store, samples, placed, names, known, groups, strata, list(known.notes), rng)
    torn = [
        Leak(part.path, part.other, part.splits, None, "part of one picture")
        for part in torn_parts(store)
    ]
    return replace(
        report,
        leaks=[*report.leaks, *torn][:MOST_LEAKS],
        leak_count=report.leak_count + len(torn),
    )


def _usual_place(name: str) -> int:
    usual = ("train", "val", "test")
    return usual.index(name) if name in usual else len(usual)


def _groups(
    store: Store,
    samples: EmbeddedSamples,
    group: str | Sequence[str] | None,
    threshold: float | None,
) -> _Groups:
    if threshold is not None and not -1.0 <= threshold <= 1.0:
        raise UsageError(f"the threshold must be a cosine similarity in [-1, 1], not {threshold}")
    duplicates = duplicate_columns(store, samples.ids)
    names, columns = list(duplicates.names), list(duplicates.codes)
    notes: list[str] = []
    if duplicates.stale:
        notes.append(
            "pictures were added since duplicates were marked: run  tamis duplicates --apply"
        )
    if not duplicates.marked:
        threshold = DEFAULT_THRESHOLD if threshold is None else threshold
        notes.append(
            "duplicates are not marked, so pictures were grouped by identical file, equal "
            f"perceptual hash and a cosine similarity of at least {threshold:g}: "
            "tamis duplicates --apply  tells alike from the same"
        )
    for name in [] if group is None else [group] if isinstance(group, str) else group:
        names.append(name)
        columns.append(codes_of(store, name, samples.ids))
    return _Groups(names, columns, threshold, notes)


def _require_divisible(groups: Indices, targets: Indices, known: _Groups) -> None:
    """Refuse a group so large that the others cannot make half of their splits."""
    largest, room = int(np.bincount(groups).max()), int(targets.max())
    if largest - room > (len(groups) - room) / 2:
        joins = [*known.names]
        if known.threshold is not None:
            joins.append(f"similarity of at least {known.threshold:g}")
        advice = "group by another column, or change the shares"
        if known.threshold is not None:
            advice = (
                "run  tamis duplicates --apply  first, which tells alike from the same, or raise "
                "the threshold"
            )
        raise UsageError(
            f"one group holds {largest:,} of {len(groups):,} pictures and the largest split only "
            f"has room for {room:,} (joined by {', '.join(joins)}): {advice}"
        )


def _strata(store: Store, samples: EmbeddedSamples, rng: np.random.Generator) -> dict[str, Indices]:
    """Return what each split should have its share of: labels, and clusters of vectors."""
    n = len(samples.ids)
    order = canonical_order(samples.vectors)
    k = int(np.clip(np.sqrt(n / 2), 1, _MOST_CLUSTERS))
    clusters = np.empty(n, dtype=np.int64)
    clusters[order] = spherical_k_means(samples.vectors[order], k, rng=rng).labels
    return {"labels": codes_of(store, "label", samples.ids), "clusters": clusters}


def _audit(  # noqa: PLR0917 - the parts of one report
    store: Store,
    samples: EmbeddedSamples,
    placed: Indices,
    names: list[str],
    known: _Groups,
    groups: Indices,
    strata: dict[str, Indices],
    notes: list[str],
    rng: np.random.Generator,
) -> SplitReport:
    cross = closest_across(
        samples.vectors,
        placed,
        threshold=1.0 if known.threshold is None else known.threshold,
        most=MOST_LEAKS,
        rng=rng,
    )
    if cross.method == "ivf":
        notes.append(
            f"pairs across splits were found by inverted file, recall {cross.recall_estimate:.3f}"
        )
    paths = store.read(["path"], ids=samples.ids).column("path").to_pylist()
    leaks, leak_count = _leaks(cross, placed, names, known, paths)
    grouped_by = [*known.names]
    if known.threshold is not None:
        grouped_by.append(f"cosine similarity >= {known.threshold:g}")
    sizes = np.bincount(groups)
    return SplitReport(
        counts={name: int((placed == i).sum()) for i, name in enumerate(names)},
        max_cross_similarity=cross.max_similarity,
        leaks=leaks,
        leak_count=leak_count,
        coverage={
            name: split_balance(placed == i, strata["labels"], strata["clusters"])
            for i, name in enumerate(names)
        },
        groups=int(sizes.size),
        largest_group=int(sizes.max()),
        grouped_by=grouped_by,
        closest=[(paths[a], paths[b], float(similarity)) for a, b, similarity in _first(cross, 10)],
        notes=notes,
    )


def _first(cross: CrossPairs, most: int) -> list[tuple[int, int, float]]:
    return list(
        zip(
            cross.left[:most].tolist(),
            cross.right[:most].tolist(),
            cross.similarity[:most].tolist(),
            strict=True,
        )
    )


def _leaks(
    cross: CrossPairs, placed: Indices, names: list[str], known: _Groups, paths: list[str]
) -> tuple[list[Leak], int]:
    leaks: list[Leak] = []
    count = 0

    def leak(a: int, b: int, similarity: float | None, reason: str) -> Leak:
        return Leak(paths[a], paths[b], (names[placed[a]], names[placed[b]]), similarity, reason)

    if known.threshold is not None:
        count += cross.over
        for a, b, similarity in _first(cross, min(cross.over, MOST_LEAKS)):
            leaks.append(leak(a, b, similarity, f"cosine similarity >= {known.threshold:g}"))
    for name, codes in zip(known.names, known.columns, strict=True):
        torn = _torn_groups(codes, placed)
        count += len(torn)
        leaks += [leak(a, b, None, f"same {name}") for a, b in torn]
    return leaks[:MOST_LEAKS], count


def _torn_groups(codes: Indices, placed: Indices) -> list[tuple[int, int]]:
    """Return one pair of rows for each group and each split beyond its first."""
    rows = np.flatnonzero(codes >= 0)
    _, first = np.unique(np.stack([codes[rows], placed[rows]]), axis=1, return_index=True)
    ends = rows[first]
    same = np.flatnonzero(codes[ends[1:]] == codes[ends[:-1]])
    return list(zip(ends[same].tolist(), ends[same + 1].tolist(), strict=True))


def _mark(
    store: Store, ids: list[str], splits: list[str], params: dict[str, Any], seed: int
) -> int:
    inside = set(ids)
    before = store.read(["sample_id"], where="split IS NOT NULL").column("sample_id").to_pylist()
    parts = inherited_splits(store, dict(zip(ids, splits, strict=True)))
    others = [name for name in before if name not in inside and name not in parts]
    values = pa.array([*splits, *parts.values(), *[None] * len(others)], pa.string())
    with store.operation("split", params=params, seed=seed) as operation:
        operation.set_marks([*ids, *parts, *others], {"split": values})
        operation.counts.update({name: splits.count(name) for name in dict.fromkeys(splits)})
    return len(others)
