"""Counts of labels and splits, and how evenly labels are spread."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from tamis.services.report.contents import Figure, Table

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["imbalance", "label_table", "split_order"]

_LONGEST = 200
"""Labels listed at most, the frequent ones first; the rest are summed up in one row."""

_USUAL = ("train", "val", "test")


def split_order(splits: Sequence[str | None]) -> list[str]:
    """Return the names of the splits, train, val and test first."""
    names = {name for name in splits if name is not None}
    return [name for name in _USUAL if name in names] + sorted(names - set(_USUAL))


def label_table(labels: Sequence[str | None], splits: Sequence[str | None]) -> Table | None:
    """Count the pictures of each label in each split; None if there is neither.

    Args:
        labels: of each picture.
        splits: of each picture.
    """
    names: list[str | None] = [*split_order(splits)]
    labeled = any(label is not None for label in labels)
    if not names and not labeled:
        return None
    if names and None in splits:
        names.append(None)
    counts = Counter(zip(labels, splits, strict=True))
    sizes = Counter(labels)
    order = sorted(sizes, key=lambda label: (label is None, -sizes[label], label or ""))
    shown, rest = order[:_LONGEST], order[_LONGEST:]

    def cells(of: Sequence[str | None]) -> tuple[str, ...]:
        each = [sum(counts[label, name] for label in of) for name in names]
        return tuple(f"{count:,}" for count in (*each, sum(sizes[label] for label in of)))

    rows = [("no label" if label is None else label, cells([label])) for label in shown]
    if rest:
        rows.append((f"{len(rest):,} more labels", cells(rest)))
    return Table(
        caption="Splits and labels" if names else "Labels",
        corner="label",
        columns=(*("no split" if name is None else name for name in names), "total"),
        rows=tuple(rows) if labeled else (),
        totals=cells(order),
        explanation=(
            "How many pictures of each label lie in each split."
            if names
            else "How many pictures have each label; no splits have been made."
        ),
    )


def imbalance(labels: Sequence[str | None], splits: Sequence[str | None]) -> Figure | None:
    """Compare each label's share in each split with its share in all splits together.

    None where no picture has both a label and a split.
    """
    pairs = Counter(
        (label, name)
        for label, name in zip(labels, splits, strict=True)
        if label is not None and name is not None
    )
    total = sum(pairs.values())
    if total == 0:
        return None
    by_label, by_split = Counter[str](), Counter[str]()
    for (label, name), count in pairs.items():
        by_label[label] += count
        by_split[name] += count
    worst, label, name = max(
        (abs(pairs[label, name] / by_split[name] - by_label[label] / total), label, name)
        for label in by_label
        for name in by_split
    )
    return Figure(
        "Label imbalance",
        f"{100 * worst:.1f} points",
        f"Largest difference between a label's share in one split and in all: {label} in {name}.",
    )
