"""Splits, folds and splits by time: made, marked and audited."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from tamis.algo.shared_views import divisible
from tamis.algo.splits import split_targets
from tamis.dataset.embedded import read_embedded
from tamis.dataset.group_columns import codes_of
from tamis.dataset.part_splits import inherited_splits
from tamis.dataset.parts import names_kind, whole_pictures
from tamis.errors import UsageError
from tamis.services.splits.audit import audit
from tamis.services.splits.blocks import asked_blocks
from tamis.services.splits.evidence import Evidence
from tamis.services.splits.joining import checked_changed, join
from tamis.services.splits.leaks import look_across
from tamis.services.splits.placing import place
from tamis.services.splits.strata import read_strata

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from tamis.dataset.embedded import EmbeddedSamples
    from tamis.dataset.store import Store
    from tamis.services.splits.groups import Known
    from tamis.services.splits.joining import Joined
    from tamis.services.splits.outcome import SplitReport
    from tamis.types import Indices

__all__ = ["split"]

_LEAST_FOLDS = 2


def split(
    store: Store,
    *,
    train: float = 0.8,
    val: float = 0.1,
    test: float = 0.1,
    folds: int | None = None,
    time: str | None = None,
    time_block: str | float | None = None,
    gap: str | float | None = None,
    block_by: str | None = None,
    group: str | Sequence[str] | None = None,
    label: str = "label",
    delimiter: str | None = None,
    column: str | None = None,
    where: str | None = None,
    threshold: float | None = None,
    changed: str = "auto",
    seed: int = 0,
    apply: bool = True,
) -> SplitReport:
    """Divide the pictures that have a vector, so that no group lies in two splits.

    Groups are what joins pictures: identical files, the marks of `duplicates` where they were
    applied, the most similar pairs that are copies by their pixels, changed versions of one view
    where they are rare, and the user's columns and blocks of time. Whole groups are
    placed so that labels and clusters of vectors are spread evenly; by time, groups go
    where their latest picture is, and nothing is spread. The same pictures with the same seed
    give the same splits whatever order they were added in. With `apply`, one operation sets the
    mark `split` (or `fold`, numbered from 0) and clears it on all other pictures. Parts of
    pictures get the split of their picture.

    Args:
        store: the dataset.
        train: share of the training set.
        val: share of the validation set.
        test: share of the test set; the three sum to 1.
        folds: make that many folds of equal size instead.
        time: column of times, numbers or dates: train on the earliest, test on the latest.
        time_block: keep together what one camera or video took in one block of this length, in
            seconds or as `10m`; pictures nearer than `gap` to another split get no split.
        gap: least time between splits, as for `time_block`; a tenth of a block if None.
        block_by: column of times for the blocks; if None `time`, else the `seconds` of frames in
            their video and `captured_at` of photographs.
        group: column or columns; pictures with one value stay together, those without are free.
        label: column of labels to spread, one or a list a picture.
        delimiter: what separates several labels in one text.
        column: vector column; if None the one with the most vectors.
        where: SQL condition on the pictures to divide, never on parts of them.
        threshold: join vectors from this cosine similarity on, whatever their pixels say.
        changed: keep changed versions of one view `together`, let them lie `apart`, or `auto`:
            together where they are rare (`tamis.algo.shared_views`).
        seed: the only source of chance.
        apply: set the mark.

    Raises:
        UsageError: shares do not sum to 1, a column is unknown, no picture meets the condition,
            there are fewer groups than splits, one group is too large for any split, a picture
            has no time, or a gap leaves a split empty.
    """
    wanted = checked_changed(changed)
    plan = _plan({"train": train, "val": val, "test": test}, folds, time)
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
    without = store.count(whole_pictures(store.columns(), where)) - len(samples.ids)
    times = None if time is None else _times(store, time, samples.ids)
    blocks = asked_blocks(store, samples.ids, time_block, gap, block_by, time=time)
    evidence = Evidence.read(store, samples, group, threshold, blocks)
    fractions = [share for share in plan.shares.values() if share > 0]
    names = [name for name, share in plan.shares.items() if share > 0]
    targets = split_targets(len(evidence), fractions)
    joined = join(evidence, targets, wanted)
    _require_divisible(targets, evidence.known, joined)
    rng = np.random.default_rng(seed)
    strata = read_strata(store, samples, label, delimiter, rng)
    made = place(evidence, joined, strata, times, fractions, rng)
    placed, joined, cross, notes = made.split, made.joined, made.cross, made.notes
    if blocks is not None:
        inside = ~blocks.left_out(placed, fractions, joined.copies)
        notes += _told_gap(inside, placed, names, blocks.gap)
        evidence, strata, placed = evidence.taken(inside), strata.taken(inside), placed[inside]
        samples, times = evidence.samples, None if times is None else times[inside]
        joined = joined.taken(inside)
        targets = split_targets(len(evidence), fractions)
        cross = look_across(evidence, placed, rng)
    cuts = (
        {} if time is None or times is None else _cuts(store, samples, time, times, placed, names)
    )
    report = audit(evidence, placed, names, joined, strata, cross=cross, rng=rng, mark=plan.mark)
    aims = dict(zip(names, targets.tolist(), strict=True))
    notes = [*report.notes, *notes, *_off(report, aims, by_time=time is not None)]
    if without:
        notes.append(
            f"{without:,} pictures have no vector in {samples.column} and got no {plan.mark}"
        )
    report = replace(report, targets=aims, cuts=cuts)
    if apply:
        params = plan.params | {
            "time_block": time_block,
            "gap": gap,
            "block_by": block_by,
            "group": group if group is None or isinstance(group, str) else list(group),
            "label": None if label == "label" else label,
            "delimiter": delimiter,
            "column": samples.column,
            "where": where,
            "threshold": threshold,
            "changed": changed,
        }
        taken_away = _mark(store, samples, [names[i] for i in placed], report, params, seed)
        if taken_away:
            notes.append(
                f"{taken_away:,} other pictures had a {plan.mark} before; they have none now"
            )
    return replace(report, notes=notes)


@dataclass(frozen=True)
class _Plan:
    """What to make: the mark, the share of each split, and how the log names it."""

    mark: str
    shares: dict[str, float]
    params: dict[str, Any]


def _plan(shares: dict[str, float], folds: int | None, time: str | None) -> _Plan:
    if folds is None:
        split_targets(0, list(shares.values()))
        return _Plan("split", shares, shares | {"folds": None, "time": time})
    if folds < _LEAST_FOLDS:
        raise UsageError(f"{folds} folds leave nothing to hold out: ask for 2 or more")
    if time is not None:
        raise UsageError(
            f"folds by time would train on the future: leave out --folds or --time {time}"
        )
    equal = {str(number): 1 / folds for number in range(folds)}
    return _Plan("fold", equal, {"folds": folds, "time": None})


def _times(store: Store, column: str, ids: list[str]) -> Indices:
    times = codes_of(store, column, ids)
    missing = np.flatnonzero(times < 0)
    if missing.size:
        path = store.read(["path"], ids=[ids[missing[0]]]).column("path").to_pylist()[0]
        raise UsageError(
            f"{missing.size:,} of {len(ids):,} pictures have no {column}, the first is {path}: set "
            f"it, or leave them out with  --where '{column} IS NOT NULL'"
        )
    return times


def _cuts(  # noqa: PLR0917 - what tells the latest time of each split
    store: Store,
    samples: EmbeddedSamples,
    time: str,
    times: Indices,
    placed: Indices,
    names: list[str],
) -> dict[str, str]:
    last = [int(np.where(placed == i, times, -1).argmax()) for i in range(len(names))]
    ends = store.read([time], ids=[samples.ids[row] for row in last]).column(time)
    return dict(zip(names, map(str, ends.to_pylist()), strict=True))


def _told_gap(
    inside: NDArray[np.bool_], placed: Indices, names: list[str], gap: float
) -> list[str]:
    """Say how many pictures the gap leaves out.

    Raises:
        UsageError: a split keeps none.
    """
    lost = np.bincount(placed[~inside], minlength=len(names)).tolist()
    had = np.bincount(placed, minlength=len(names)).tolist()
    if gone := [name for name, out, of in zip(names, lost, had, strict=True) if out == of]:
        raise UsageError(
            f"a gap of {gap:g} s leaves nothing in {', '.join(gone)}: make the gap shorter or the "
            "blocks longer"
        )
    if not any(lost):
        return []
    of = ", ".join(f"{out:,} of {name}" for name, out in zip(names, lost, strict=True) if out)
    return [
        f"{sum(lost):,} pictures lie nearer than {gap:g} s to another split and got none ({of})"
    ]


def _require_divisible(targets: Indices, known: Known, joined: Joined) -> None:
    """Refuse a group so large that the others cannot make half of their splits."""
    if divisible(joined.groups, targets):
        return
    ways = []
    if known.given:
        ways.append("raise the threshold")
    if joined.together:
        ways.append("let changed versions lie in different splits (--changed apart)")
    if known.users:
        ways.append(f"do not group by {', '.join(known.users)}")
    if not ways:
        ways.append("leave copies out (tamis duplicates --apply, --where 'duplicate_of IS NULL')")
    largest, room = int(np.bincount(joined.groups).max()), int(targets.max())
    raise UsageError(
        f"one group holds {largest:,} of {len(joined.groups):,} pictures and the largest split "
        f"only has room for {room:,} (joined by {', '.join(joined.by)}): {', or '.join(ways)}, or "
        "change the shares"
    )


def _off(report: SplitReport, aims: dict[str, int], *, by_time: bool) -> list[str]:
    """Say by how many pictures the sizes miss the shares, and why."""
    off = {name: report.counts[name] - aim for name, aim in aims.items()}
    if not any(off.values()):
        return []
    said = ", ".join(f"{name} {by:+,}" for name, by in off.items() if by)
    if by_time:
        why = "groups and pictures of one time stay whole"
    elif report.largest_group > 1:
        why = f"groups stay whole, the largest holds {report.largest_group:,}"
    else:
        why = "each split gets at least one picture"
    return [f"off the shares by {said} pictures: {why}"]


def _mark(  # noqa: PLR0917 - what one operation writes and logs
    store: Store,
    samples: EmbeddedSamples,
    splits: list[str],
    report: SplitReport,
    params: dict[str, Any],
    seed: int,
) -> int:
    mark, ids = report.mark, samples.ids
    inside = set(ids)
    before: list[str] = []
    if mark in store.columns():
        marked = store.read(["sample_id"], where=f"{mark} IS NOT NULL")
        before = marked.column("sample_id").to_pylist()
    parts = inherited_splits(store, dict(zip(ids, splits, strict=True)))
    others = [name for name in before if name not in inside and name not in parts]
    values: list[str | None] = [*splits, *parts.values(), *[None] * len(others)]
    array = pa.array(values, pa.string())
    if mark == "fold":
        array = array.cast(pa.int32())
    with store.operation("split", params=params, seed=seed) as operation:
        operation.set_marks([*ids, *parts, *others], {mark: array})
        operation.counts.update(report.counts)
        operation.counts |= {
            "groups": report.groups,
            "leaks": report.leak_count,
            "max_cross_similarity": report.max_cross_similarity,
            "difference": {
                name: None if found is None else [found.mmd2, found.random, found.p]
                for name, found in report.difference.items()
            },
            "cluster_gap": max(balance.cluster_gap for balance in report.coverage.values()),
        }
    return len(others)
