"""The audit of splits that exist, whoever made them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from tamis.dataset.columns import Column
from tamis.dataset.part_splits import torn_parts
from tamis.dataset.samples import Kind
from tamis.dataset.split_column import FOLDERS, split_names
from tamis.errors import UsageError
from tamis.services.split.assignment import read_strata
from tamis.services.split.audit import audit
from tamis.services.split.blocks import asked_blocks
from tamis.services.split.contract import Split
from tamis.services.split.evidence import Evidence
from tamis.services.split.joining import join
from tamis.services.split.leaks import MOST_LEAKS, look_across
from tamis.services.split.result import Leak
from tamis.services.split.video_groups import torn_videos
from tamis.sources.split_names import split_order
from tamis.verbs.feedback import SILENT
from tamis.wording import counted

if TYPE_CHECKING:
    from tamis.runtime.workspace import Workspace
    from tamis.services.split.result import SplitReport
    from tamis.verbs.feedback import Feedback

__all__ = ["audit_if_split", "check_splits"]


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

    All pairs across splits are looked at. Leaks are those that identical files or the marks of
    `duplicates` join, and of the most similar others, one a picture and 10,000 at most, those
    that are copies by their pixels, with the lines that `duplicates` drew. Changed versions of
    one view are leaks where they are rare, by the rule that `split` follows, else counted apart.
    With a threshold, all pairs at or over it are leaks instead. A user's group or block of time
    in two splits is a leak, and so are neighbours in time of two blocks and splits that are nearer
    than the gap, and a part in another split than its picture, whatever `where` says. The column
    `path` names the folders that pictures lie in (train, val, valid, validation, dev, test).

    Raises:
        UsageError: no picture has a split, or a column is unknown or holds something else.
    """
    store, split_column = workspace.store, request.column or "split"
    if not workspace.samples.has(split_column):
        known = "run  tamis split --folds K  first" if split_column == "fold" else "name one of "
        if split_column != "fold":
            known += ", ".join(workspace.samples.narrow_columns())
        raise UsageError(f"there is no column {split_column!r} to check: {known}")
    vectors = workspace.vector_column(request.encoder)
    samples = workspace.samples.of(request.where).vectors(vectors.name)
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
