"""Splits, folds and splits by time: made, marked and audited."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tamis.algo.splits import split_targets
from tamis.algo.splits.shared_views import divisible
from tamis.dataset.columns import Column
from tamis.dataset.content_order import content_order
from tamis.dataset.group_columns import codes_of
from tamis.dataset.part_splits import inherited_splits
from tamis.dataset.samples import Kind, Samples, names_parts
from tamis.errors import UsageError
from tamis.services.split.assignment import place, read_strata
from tamis.services.split.audit import audit, check_splits
from tamis.services.split.blocks import asked_blocks
from tamis.services.split.evidence import Evidence
from tamis.services.split.joining import join
from tamis.services.split.leaks import look_across
from tamis.services.split.video_groups import fits
from tamis.verbs.feedback import SILENT
from tamis.wording import counted

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tamis.dataset.embedded import EmbeddedSamples
    from tamis.dataset.store import Store
    from tamis.runtime.workspace import Workspace
    from tamis.services.split.contract import Split
    from tamis.services.split.evidence import Known
    from tamis.services.split.joining import Joined
    from tamis.services.split.result import SplitReport
    from tamis.types import Indices
    from tamis.verbs.feedback import Feedback

__all__ = ["make_splits", "split"]


def split(workspace: Workspace, request: Split, feedback: Feedback = SILENT) -> SplitReport:
    """Divide pictures into splits or folds, or check splits that exist.

    Raises:
        UsageError: as `make_splits` and `tamis.services.split.check.check_splits` say.
    """
    if request.audit:
        return check_splits(workspace, request, feedback)
    return make_splits(workspace, request, feedback)


def make_splits(workspace: Workspace, request: Split, _feedback: Feedback = SILENT) -> SplitReport:
    """Divide the pictures that have a vector, so that no group lies in two splits.

    Groups are what joins pictures: identical files, the marks of `duplicates` where they were
    applied, the most similar pairs that are copies by their pixels, changed versions of one view
    where they are rare (`algo.splits.shared_views`), and the user's columns and blocks of time;
    frames of one video where the user names neither.
    Whole groups are placed so that labels and clusters of vectors are spread evenly; by time,
    groups go where their latest picture is, and nothing is spread. Pictures nearer in time than
    the gap to another split get none. The same pictures with the same seed give the same splits
    whatever they are called and whatever order they were added in. With `apply`, one operation sets
    the mark `split` (or `fold`, numbered from 0) and clears it on all other pictures. Parts of
    pictures get the split of their picture.

    Raises:
        UsageError: shares do not sum to 1, a column is unknown, no picture meets the condition,
            there are fewer groups than splits, one group is too large for any split, a picture
            has no time, or a gap leaves a split empty.
    """
    store, where, time = workspace.store, request.where, request.time
    plan = _plan(request)
    if names_parts(where):
        raise UsageError(
            f"the condition {where!r} speaks of parts of pictures, which take the split of their "
            "picture: give a condition on pictures"
        )
    known = workspace.vector_column(request.encoder)
    pictures = workspace.samples.of(where, kind=Kind.WHOLE)
    samples = pictures.vectors(known.name)
    samples = samples.ordered(content_order(workspace.samples, samples.ids))
    if not samples.ids:
        raise UsageError(
            f"there is no picture to split: none has a vector in {samples.column}"
            + (f" and meets {where!r}" if where else "")
        )
    without = pictures.count() - len(samples.ids)
    times = None if time is None else _times(store, time, samples.ids)
    blocks = asked_blocks(
        store, samples.ids, request.time_block, request.gap, request.block_by, time=time
    )
    fractions = [share for share in plan.shares.values() if share > 0]
    names = [name for name, share in plan.shares.items() if share > 0]
    targets = split_targets(len(samples.ids), fractions)
    by_default = not request.group and blocks is None and time is None
    evidence = Evidence.read(store, samples, request, blocks, targets if by_default else None)
    joined = join(evidence, targets, request.changed)
    if by_default and evidence.known.users and not fits(joined.groups, targets):
        # copies across videos join them further than their number told
        evidence = Evidence.read(store, samples, request, blocks)
        joined = join(evidence, targets, request.changed)
        said = ["copies join the videos, so frames of one video may lie in different splits"]
    else:
        said = []
    _require_divisible(targets, evidence.known, joined)
    rng = np.random.default_rng(request.seed)
    strata = read_strata(store, samples, request.label, request.delimiter, rng)
    made = place(evidence, joined, strata, times, fractions, rng)
    placed, joined, cross, notes = made.split, made.joined, made.cross, [*said, *made.notes]
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
            f"{counted(without, 'picture has')} no vector in {samples.column}, hence no {plan.mark}"
        )
    report = replace(report, targets=aims, cuts=cuts, encoder=known.spec)
    if request.apply:
        taken_away = _mark(store, samples, [names[i] for i in placed], report, request)
        if taken_away:
            notes.append(
                f"{counted(taken_away, 'other picture had')} a {plan.mark} before and now none"
            )
    return replace(report, notes=notes)


@dataclass(frozen=True)
class _Plan:
    """What to make: the mark, and the share of each split."""

    mark: str
    shares: dict[str, float]


def _plan(request: Split) -> _Plan:
    if request.folds is None:
        shares = {"train": request.train, "val": request.val, "test": request.test}
        split_targets(0, list(shares.values()))
        return _Plan("split", shares)
    equal = {str(number): 1 / request.folds for number in range(request.folds)}
    return _Plan("fold", equal)


def _times(store: Store, column: str, ids: list[str]) -> Indices:
    times = codes_of(store, column, ids)
    times[_no_time(store, column, ids)] = -1
    missing = np.flatnonzero(times < 0)
    if missing.size:
        without = [ids[row] for row in missing.tolist()]
        path = min(store.read(["path"], ids=without).column("path").to_pylist())
        raise UsageError(
            f"{missing.size:,} of {len(ids):,} pictures have no {column}, the first is {path}: set "
            f"it, or leave them out with  --where '{column} IS NOT NULL'"
        )
    return times


def _no_time(store: Store, column: str, ids: list[str]) -> NDArray[np.bool_]:
    """Return which samples hold what looks like a value and is no time: NaN, or a blank text."""
    values = store.read([column], ids=ids).column(column)
    if pa.types.is_floating(values.type):
        missing = pc.is_nan(values)
    elif pa.types.is_string(values.type):
        missing = pc.equal(pc.utf8_trim_whitespace(values), "")
    else:
        return np.zeros(len(ids), np.bool_)
    found: NDArray[np.bool_] = pc.fill_null(missing, fill_value=False).to_numpy(
        zero_copy_only=False
    )
    return found


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
        (
            f"{counted(sum(lost), 'picture lies')} nearer than {gap:g} s to another split and got "
            f"none ({of})"
        )
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


def _mark(
    store: Store,
    samples: EmbeddedSamples,
    splits: list[str],
    report: SplitReport,
    request: Split,
) -> int:
    mark, ids = report.mark, samples.ids
    inside = set(ids)
    before = Samples(store).of(kind=Kind.ALL).having(mark).ids
    parts = inherited_splits(store, dict(zip(ids, splits, strict=True)))
    others = [name for name in before if name not in inside and name not in parts]
    values: list[str | None] = [*splits, *parts.values(), *[None] * len(others)]
    array = pa.array(values, pa.string())
    if mark == Column.FOLD:
        array = array.cast(pa.int32())
    with store.operation("split", seed=request.seed, request=request) as operation:
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
