"""The exact numbers of a report, each with the sentence that explains it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tamis.algo.coverage import compare_with_random
from tamis.services.report.contents import Figure, Histogram, Marker
from tamis.services.report.measures import closest_across
from tamis.services.report.tables import imbalance, split_order

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tamis.data.schema import VectorColumn
    from tamis.data.store import Store
    from tamis.services.report.contents import Step
    from tamis.services.report.measures import Typicality
    from tamis.types import Vectors

__all__ = [
    "Embedded",
    "Marks",
    "coverage",
    "duplicate_figures",
    "headline",
    "similarity",
    "split_figures",
]

_BINS = 50


@dataclass(frozen=True)
class Embedded:
    """The vectors that the report's measures use, and whose they are."""

    column: VectorColumn
    ids: list[str]
    vectors: Vectors


@dataclass(frozen=True)
class Marks:
    """Label and split of every picture, in dataset order."""

    ids: list[str]
    labels: list[str | None]
    splits: list[str | None]


def headline(
    store: Store, embedded: Embedded | None, marks: Marks, *, failed: int, dropped: int
) -> tuple[Figure, ...]:
    """Return the main counts."""
    labels, splits = marks.labels, marks.splits
    figures = [
        Figure("Pictures", f"{store.count():,}", "Rows of the dataset: files that could be read."),
        Figure("Bad files", f"{failed:,}", "Files that could not be used; each is listed below."),
        Figure(
            "Duplicates", f"{dropped:,}", "Pictures set aside for a better copy of the same shot."
        ),
    ]
    if "selected" in store.columns():
        chosen = store.count("selected")
        figures.append(Figure("Selected", f"{chosen:,}", "Pictures chosen to stand for all."))
    names = split_order(splits)
    if names:
        sizes = " · ".join(f"{name} {splits.count(name):,}" for name in names)
        figures.append(Figure("Splits", sizes, "Pictures in each split."))
    distinct = len(set(labels) - {None})
    if distinct:
        missing = labels.count(None)
        figures.append(
            Figure("Labels", f"{distinct:,}", f"Distinct labels; {missing:,} pictures have none.")
        )
    if embedded is not None:
        figures.append(
            Figure(
                "Encoder",
                embedded.column.spec,
                f"{len(embedded.ids):,} pictures have its {embedded.column.dim:,} numbers.",
            )
        )
    return tuple(figures)


def duplicate_figures(steps: Sequence[Step]) -> tuple[Figure, ...]:
    """Return what the last duplicate search that stands has left in the log."""
    runs = [step for step in steps if step.verb == "duplicates" and step.state == "done"]
    if not runs:
        return ()
    counts = runs[-1].counts
    return tuple(
        Figure(label, f"{counts[name]:{form}}", sentence)
        for name, label, form, sentence in _DUPLICATE_COUNTS
        if isinstance(counts.get(name), int | float)
    )


_DUPLICATE_COUNTS = (
    ("threshold", "Threshold", ".3f", "Pairs that score at least this are the same shot."),
    ("pairs", "Pairs", ",", "Pairs of pictures at or above the threshold."),
)


def similarity(typical: Typicality) -> Histogram:
    """Return how like its nearest neighbour each picture is."""
    nearest = np.clip(typical.nearest, -1.0, 1.0)
    low = min(np.floor(float(nearest.min()) * 20) / 20, 0.95)
    counts, _ = np.histogram(nearest, bins=_BINS, range=(low, 1.0))
    median = float(np.median(nearest))
    recall = "" if typical.recall == 1 else f" Found with a recall of {typical.recall:.3f}."
    return Histogram(
        title="Similarity to the nearest other picture",
        explanation=(
            "Each picture counts once, by its cosine similarity to the picture most like it. "
            "Copies lie at the right end; how near the bulk comes to it says how alike different "
            f"pictures are here, which is why no fixed similarity means 'the same'.{recall}"
        ),
        low=float(low),
        high=1.0,
        counts=tuple(counts.tolist()),
        axis="cosine similarity",
        markers=(Marker(median, f"half of the pictures above {median:.3f}"),),
    )


def coverage(store: Store, embedded: Embedded, rng: np.random.Generator) -> tuple[Figure, ...]:
    """Return how well the selection stands for all pictures, beside chance."""
    if "selected" not in store.columns():
        return ()
    chosen = set(store.read(["sample_id"], "selected").column("sample_id").to_pylist())
    rows = np.flatnonzero([sample in chosen for sample in embedded.ids])
    if not rows.size:
        return ()
    everything = np.arange(len(embedded.ids))
    nobody = np.empty(0, np.int64)
    found = compare_with_random(
        embedded.vectors, rows, candidates=everything, chosen=nobody, rng=rng
    )
    if found is None:
        return ()
    picked, chance = found.picked, found.random
    return (
        Figure(
            "Coverage",
            f"{picked.mean_similarity:.4f}",
            "Mean cosine similarity of a picture to the nearest selected one, "
            f"measured on {found.rows:,} pictures; as many at random reach "
            f"{chance.mean_similarity:.4f}.",
        ),
        Figure(
            "Within reach",
            f"{100 * picked.share_within:.1f} %",
            f"Pictures within cosine distance {found.radius:.4f} of a selected one; at random "
            f"{100 * chance.share_within:.1f} %.",
        ),
        Figure(
            "Farthest",
            f"{picked.farthest:.4f}",
            "Cosine distance of the picture that is farthest from all selected ones; at random "
            f"{chance.farthest:.4f}.",
        ),
    )


def split_figures(store: Store, embedded: Embedded | None, marks: Marks) -> tuple[Figure, ...]:
    """Return how well the splits are kept apart and how evenly labels are spread."""
    figures = []
    if embedded is not None:
        of = dict(zip(marks.ids, marks.splits, strict=True))
        pair = closest_across(embedded.vectors, [of[sample] for sample in embedded.ids])
        if pair is not None:
            ends = [embedded.ids[pair.left], embedded.ids[pair.right]]
            paths = store.read(["path"], ids=ends).column("path").to_pylist()
            figures.append(
                Figure(
                    "Closest across splits",
                    f"{pair.similarity:.4f}",
                    "Largest cosine similarity between pictures of different splits: "
                    + " and ".join(paths),
                )
            )
    balance = imbalance(marks.labels, marks.splits)
    return (*figures, balance) if balance is not None else tuple(figures)
