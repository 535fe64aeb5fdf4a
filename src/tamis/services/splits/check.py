"""The audit of splits that exist, whoever made them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from tamis.dataset.embedded import read_embedded
from tamis.dataset.part_splits import torn_parts
from tamis.dataset.split_column import FOLDERS, split_names
from tamis.errors import UsageError
from tamis.services.splits.audit import audit
from tamis.services.splits.blocks import asked_blocks
from tamis.services.splits.evidence import Evidence
from tamis.services.splits.joining import checked_changed, join
from tamis.services.splits.leaks import MOST_LEAKS, look_across
from tamis.services.splits.outcome import Leak
from tamis.services.splits.strata import read_strata
from tamis.sources.split_names import split_order

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tamis.dataset.store import Store
    from tamis.services.splits.outcome import SplitReport

__all__ = ["audit_if_split", "check_splits"]


def audit_if_split(store: Store) -> SplitReport | None:
    """Audit the mark `split` as `check_splits` does; None if no picture with a vector has one."""
    if "split" not in store.columns() or not store.vector_columns():
        return None
    return check_splits(store) if read_embedded(store, None, "split IS NOT NULL").ids else None


def check_splits(
    store: Store,
    *,
    split_column: str = "split",
    group: str | Sequence[str] | None = None,
    label: str = "label",
    delimiter: str | None = None,
    column: str | None = None,
    where: str | None = None,
    threshold: float | None = None,
    changed: str = "auto",
    time_block: str | float | None = None,
    gap: str | float | None = None,
    block_by: str | None = None,
    seed: int = 0,
) -> SplitReport:
    """Audit the splits that are marked, whoever made them; changes nothing.

    All pairs across splits are looked at. Leaks are those that identical files or the marks of
    `duplicates` join, and of the most similar others, one a picture and 10,000 at most, those
    that are copies by their pixels, with the lines that `duplicates` drew. Changed versions of
    one view are leaks where they are rare, by the rule that `split` follows, else counted apart.
    With a threshold, all pairs at or over it are leaks instead. A user's group or block of time
    in two splits is a leak, and so is a part in another split than its picture, whatever `where`
    says.

    Args:
        store: the dataset.
        split_column: a mark that names the split, such as `split` or `fold`, or `path` for the
            folders that pictures lie in (train, val, valid, validation, dev, test).
        group: as in `split`.
        label: as in `split`.
        delimiter: as in `split`.
        column: vector column; if None the one with the most vectors.
        where: SQL condition on the pictures to look at.
        threshold: as in `split`; every pair at or over it is then a leak.
        changed: as in `split`: whether changed versions are leaks.
        time_block: as in `split`: a block in two splits is a leak, and so are neighbours in time
            of two blocks and splits that are nearer than the gap.
        gap: as in `split`.
        block_by: as in `split`.
        seed: draws samples where there are many pictures.

    Raises:
        UsageError: no picture has a split, or a column is unknown or holds something else.
    """
    wanted = checked_changed(changed)
    if split_column not in store.columns():
        known = "run  tamis split --folds K  first" if split_column == "fold" else "name one of "
        if split_column != "fold":
            known += ", ".join(name for name in store.columns() if not name.startswith("vector_"))
        raise UsageError(f"there is no column {split_column!r} to check: {known}")
    samples = read_embedded(store, column, where)
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
    blocks = asked_blocks(store, kept.ids, time_block, gap, block_by)
    evidence = Evidence.read(store, kept, group, threshold, blocks)
    joined = join(evidence, np.bincount(placed), wanted)
    rng = np.random.default_rng(seed)
    strata = read_strata(store, kept, label, delimiter, rng)
    cross = look_across(evidence, placed, rng)
    report = audit(evidence, placed, names, joined, strata, cross=cross, rng=rng, mark=split_column)
    notes = list(report.notes)
    if without := len(has) - len(found):
        notes.append(f"{without:,} pictures have no {split_column} and were not looked at")
    torn = [] if split_column == FOLDERS else torn_parts(store, split_column)
    parts = [
        Leak(part.path, part.other, part.splits, None, "part of one picture", "part")
        for part in torn
    ]
    return replace(
        report,
        leaks=[*report.leaks, *parts][:MOST_LEAKS],
        leak_count=report.leak_count + len(parts),
        notes=notes,
    )
