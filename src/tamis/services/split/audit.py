"""The audit of a split, whoever made it: leaks, balance, and how far apart the splits lie."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from tamis.algo.splits.balance import split_balance
from tamis.algo.two_sample.split_mmd import discrepancies
from tamis.dataset.columns import Column
from tamis.dataset.content_order import content_order
from tamis.dataset.part_splits import torn_parts
from tamis.dataset.samples import Kind
from tamis.dataset.split_column import FOLDERS, split_names
from tamis.errors import UsageError
from tamis.services.split.assignment import read_strata
from tamis.services.split.blocks import asked_blocks
from tamis.services.split.contract import Split
from tamis.services.split.evidence import Evidence
from tamis.services.split.joining import join
from tamis.services.split.leaks import MOST_LEAKS, find_leaks, look_across, named
from tamis.services.split.result import Leak, SplitDifference, SplitReport
from tamis.services.split.video_groups import torn_videos
from tamis.sources.split_names import split_order
from tamis.verbs.feedback import SILENT
from tamis.wording import counted, meant

if TYPE_CHECKING:
    from tamis.algo.splits.closest_across import CrossPairs
    from tamis.dataset.embedded import EmbeddedSamples
    from tamis.dataset.store import Store
    from tamis.runtime.workspace import Workspace
    from tamis.services.split.assignment import Strata
    from tamis.services.split.joining import Joined
    from tamis.types import Indices
    from tamis.verbs.feedback import Feedback

__all__ = ["audit", "audit_if_split", "check_splits"]


def audit_if_split(workspace: Workspace) -> SplitReport | None:
    """Audit the mark `split` as `check_splits` does; None if no picture with a vector has one."""
    samples = workspace.samples
    if not samples.vector_columns:
        return None
    split = samples.of(kind=Kind.WHOLE).having(Column.SPLIT)
    if not split.having(samples.vector_column().name).count():
        return None
    return check_splits(workspace, Split(audit=True))


def check_splits(workspace: Workspace, request: Split, _feedback: Feedback = SILENT) -> SplitReport:
    """Audit the splits that are marked, whoever made them; changes nothing.

    All pairs across splits are looked at by their vectors. Leaks are those that identical files or
    the marks of `duplicates` join, and of the most similar others, one a picture and 10,000 at
    most, those that are copies by their pixels, with the lines that `duplicates` drew; a note says
    how many of all were compared where most pictures share a view. Changed versions of one view
    are leaks where they are rare, by the rule that `split` follows, else counted apart. With a
    threshold, all pairs at or over it are leaks instead. A user's group or block of time in two
    splits is a leak, and so are neighbours in time of two blocks and splits that are nearer than
    the gap, and a part in another split than its picture, whatever `where` says. The column `path`
    names the folders that pictures lie in (train, val, valid, validation, dev, test).

    Raises:
        UsageError: no picture has a split, or a column is unknown or holds something else.
    """
    store, split_column = workspace.store, request.column or "split"
    if not workspace.samples.has(split_column):
        known = "run  tamis split --folds K  first"
        if split_column != "fold":
            known = meant(split_column, workspace.samples.narrow_columns())
        raise UsageError(f"there is no column {split_column!r} to check; {known}")
    vectors = workspace.vector_column(request.encoder)
    samples = workspace.samples.of(request.where).vectors(vectors.name)
    samples = samples.ordered(content_order(workspace.samples, samples.ids))
    marked = split_names(store, split_column, samples.ids)
    has = [name is not None for name in marked]
    if not any(has):
        raise UsageError(
            "no picture lies in a folder called train, val or test"
            if split_column == FOLDERS
            else f"no picture with a vector has a {split_column}: run  tamis split  first"
        )
    kept = samples.taken(np.array(has))
    found = [name for name in marked if name is not None]
    names = split_order(set(found))
    number = {name: at for at, name in enumerate(names)}
    placed = np.array([number[name] for name in found], dtype=np.int64)
    blocks = asked_blocks(store, kept.ids, request.time_block, request.gap, request.block_by)
    evidence = Evidence.read(store, kept, request, blocks)
    joined = join(evidence, np.bincount(placed), request.changed)
    rng = np.random.default_rng(request.seed)
    strata = read_strata(store, kept, request.label, request.delimiter, rng)
    cross = look_across(evidence, placed, rng)
    report = audit(evidence, placed, names, joined, strata, cross=cross, rng=rng, mark=split_column)
    notes = list(report.notes)
    if without := len(has) - len(found):
        notes.append(f"{counted(without, 'picture has')} no {split_column}, not looked at")
    alone = request.time_block is None and not request.group
    if alone and (videos := torn_videos(store, kept.ids, placed)):
        notes.append(
            f"{counted(videos, 'video has')} frames in more than one {split_column}, "
            "and frames of one video are alike: --group video  counts each as a leak"
        )
    torn = [] if split_column == FOLDERS else torn_parts(store, split_column)
    parts = [
        Leak(part.path, part.other, part.splits, None, "part of one picture", "part")
        for part in torn
    ]
    return replace(
        report,
        leaks=[*report.leaks, *parts][:MOST_LEAKS],
        leak_count=report.leak_count + len(parts),
        encoder=vectors.spec,
        notes=notes,
    )


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
    """Find leaks, and measure balance and the distance between splits.

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
    lesser = found.changed + found.undecided if joined.together else 0
    if found.unseen:
        notes.append(
            f"{found.unseen:,} more pairs across splits have a cosine similarity of at least "
            f"{known.threshold:.3g} and were not compared"
        )
    across = (len(placed) ** 2 - int(np.sum(np.bincount(placed) ** 2))) // 2
    if not joined.together and found.compared is not None and found.compared < across:
        notes.append(
            f"{found.compared:,} of {across:,} pairs across splits were compared by their pixels, "
            "the most similar first: a copy among the others is not seen"
        )
    if found.undecided and not joined.together:
        notes.append(
            f"{counted(found.undecided, 'pair')} across splits may be copies or changed versions, "
            "which cannot be told at this resolution; not counted as leaks"
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
        leak_count=found.copies + lesser + found.others,
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
        missing = f"{label} (not in {', '.join(absent)}; in {counted(held, 'group')})"
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
    return "; ".join(entries[:_MOST_NAMED]) + (
        f"; and {counted(more, 'more label')}" if more > 0 else ""
    )
