"""The exact numbers of a report, each with the sentence that explains it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow.compute as pc

from tamis.algo.coverage import compare_with_random
from tamis.algo.splits.closest_across import closest_across
from tamis.dataset.annotation_layers import TRUTH
from tamis.dataset.columns import Column, equal, known
from tamis.dataset.conditions import all_of
from tamis.dataset.log_reading import last, told
from tamis.dataset.operations import DuplicatesFound, SplitMade
from tamis.dataset.samples import Kind, Samples
from tamis.services.report.contents import Figure, Histogram, Marker
from tamis.services.report.tables import imbalance, split_order
from tamis.wording import counted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tamis.dataset.embedded import EmbeddedSamples
    from tamis.services.report.contents import Step
    from tamis.services.report.pairs import Audit
    from tamis.services.report.typicality import Typicality

__all__ = [
    "ClosestPair",
    "Marks",
    "closest_pair",
    "coverage",
    "duplicate_figures",
    "encoder_of",
    "headline",
    "scores",
    "similarity",
    "split_figures",
]

_BINS = 50


@dataclass(frozen=True)
class Marks:
    """Label and split of every picture, in dataset order."""

    ids: list[str]
    labels: list[str | None]
    splits: list[str | None]


@dataclass(frozen=True)
class ClosestPair:
    """The two most similar pictures of different splits, by sample id, and their similarity."""

    ids: tuple[str, str]
    similarity: float


def headline(
    samples: Samples, embedded: EmbeddedSamples | None, marks: Marks, *, failed: int, dropped: int
) -> tuple[Figure, ...]:
    """Return the main counts."""
    labels, splits = marks.labels, marks.splits
    figures = [
        Figure("Pictures", f"{len(marks.ids):,}", "Pictures that could be read."),
        *_annotations(samples),
        Figure("Bad files", f"{failed:,}", "Files that could not be used; each is listed below."),
        Figure("Duplicates", f"{dropped:,}", "Pictures set aside for a better copy."),
    ]
    if parts := samples.of(kind=Kind.PARTS).count():
        crops = samples.of(kind=Kind.CROPS).count()
        of = f"{counted(crops, 'crop')} and {counted(parts - crops, 'tile')} of these pictures."
        figures.insert(1, Figure("Parts", f"{parts:,}", of))
    if samples.has(Column.SELECTED):
        chosen = samples.of(kind=Kind.ALL).equal(Column.SELECTED, value=True).count()
        figures.append(Figure("Selected", f"{chosen:,}", "Pictures chosen to stand for all."))
    distinct = len(set(labels) - {None})
    if distinct:
        missing = labels.count(None)
        figures.append(
            Figure(
                "Labels",
                f"{distinct:,}",
                f"Distinct labels; {counted(missing, 'picture has')} none.",
            )
        )
    names = split_order(splits)
    if names:
        sizes = " · ".join(f"{name} {splits.count(name):,}" for name in names)
        figures.append(Figure("Splits", sizes, "Pictures in each split."))
    if embedded is not None:
        spec = encoder_of(samples, embedded)
        dim = embedded.vectors.shape[1]
        figures.append(
            Figure(
                "Encoder",
                spec,
                f"{counted(len(embedded.ids), 'picture has')} its vector of {dim:,} numbers.",
            )
        )
    return tuple(figures)


def _annotations(samples: Samples) -> tuple[Figure, ...]:
    """Count the objects of the ground truth, where there are any."""
    condition = all_of(equal("layer", TRUTH), known("width"))
    objects = samples.store.annotations(["sample_id", "label"], condition)
    if not objects.num_rows:
        return ()
    pictures = pc.count_distinct(objects["sample_id"]).as_py()
    classes = counted(pc.count_distinct(objects["label"]).as_py(), "class")
    sentence = f"Boxes and outlines of {classes}, in {counted(pictures, 'picture')}."
    return (Figure("Objects", f"{objects.num_rows:,}", sentence),)


def encoder_of(samples: Samples, embedded: EmbeddedSamples) -> str:
    """Return the spec of the encoder that made the vectors."""
    return samples.vector_column(embedded.column).spec


def duplicate_figures(steps: Sequence[Step]) -> tuple[Figure, ...]:
    """Return what the last duplicate search that stands has left in the log."""
    found = _duplicates(steps)
    return tuple(
        Figure(label, form(value), sentence)
        for name, label, form, sentence in _DUPLICATE_COUNTS
        if found and (value := getattr(found, name)) is not None
    )


def _rare_share(rate: float) -> str:
    if rate >= 0.001:  # noqa: PLR2004
        return f"{rate:.1%}"
    return f"{1e6 * rate:,.0f} in a million" if rate >= 1e-6 else "under 1 in a million"  # noqa: PLR2004


_DUPLICATE_COUNTS = (
    (
        "threshold",
        "Threshold",
        "{:.3f}".format,
        "Score from which a pair is called a copy; 1 is where nothing differs.",
    ),
    ("candidates", "Pairs compared", "{:,}".format, "Candidates whose pixels were compared."),
    (
        "copy_pairs",
        "Copies",
        "{:,}".format,
        "Pairs in which nothing differs beyond noise and processing.",
    ),
    (
        "changed_pairs",
        "Changed versions",
        "{:,}".format,
        "Pairs that show the same view or template with other content somewhere; no copies.",
    ),
    (
        "undecided_pairs",
        "Undecided",
        "{:,}".format,
        "Pairs of one view of which nothing tells whether anything differs; never dropped.",
    ),
    (
        "false_pair_rate",
        "False-pair rate",
        _rare_share,
        "Expected share of wrong pairs among those called a copy by their pixels.",
    ),
)


def _duplicates(steps: Sequence[Step]) -> DuplicatesFound | None:
    return last((step for step in steps if step.state == "done"), DuplicatesFound)


def scores(samples: Samples, steps: Sequence[Step]) -> Histogram | None:
    """Return the verification scores of the marked duplicates beside what calibration measured."""
    marked = samples.of(kind=Kind.ALL).having(Column.DUPLICATE_SCORE)
    scored = marked.column(Column.DUPLICATE_SCORE).to_numpy()
    if not scored.size:
        return None
    counts, _ = np.histogram(np.clip(scored, 0.0, 1.0), bins=_BINS, range=(0.0, 1.0))
    found = _duplicates(steps)
    line = None if found is None else found.threshold
    return Histogram(
        title="Scores of the duplicates",
        explanation=(
            "Each picture that was set aside counts once, by its score with the one that is kept: "
            "1 where nothing differs, falling with the place that differs most. The line is the "
            "threshold, found from copies made of these pictures and from different ones."
        ),
        low=0.0,
        high=1.0,
        counts=tuple(counts.tolist()),
        axis="verification score",
        markers=() if line is None else (Marker(line, f"threshold {line:.3f}"),),
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
        markers=(Marker(median, f"median {median:.3f}"),),
    )


def coverage(
    samples: Samples, embedded: EmbeddedSamples, rng: np.random.Generator
) -> tuple[Figure, ...]:
    """Return how well the selection stands for all pictures, beside chance."""
    chosen = set(samples.of(kind=Kind.ALL).equal(Column.SELECTED, value=True).ids)
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
            f"measured on {counted(found.rows, 'picture')}; as many at random reach "
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


def split_figures(
    marks: Marks, audit: Audit | None, closest: ClosestPair | None, steps: Sequence[Step]
) -> tuple[Figure, ...]:
    """Return how well the splits are kept apart, how evenly spread and how alike they are."""
    apart = None
    if closest is not None:
        apart = Figure(
            "Closest across splits",
            f"{closest.similarity:.4f}",
            "Largest cosine similarity of two pictures in different splits, shown below.",
        )
    found = (*_leaks(audit), apart, imbalance(marks.labels, marks.splits))
    return (*(figure for figure in found if figure is not None), *_as_split(steps))


def _as_split(steps: Sequence[Step]) -> tuple[Figure, ...]:
    """Return what the last split measured, if it still stands."""
    marking = [step for step in steps if step.verb in {"split", "label set", "label", "add"}]
    if not marking or marking[-1].verb != "split" or marking[-1].state != "done":
        return ()
    made = told(marking[-1], SplitMade)
    if made is None:
        return ()
    figures = []
    if made.cluster_gap is not None:
        figures.append(
            Figure(
                "Cluster imbalance",
                f"{100 * made.cluster_gap:.1f} points",
                "Largest difference between a cluster's share in one split and in all; clusters "
                "are groups of pictures that look alike.",
            )
        )
    figures += [
        Figure(
            f"{name} against the rest",
            f"p {found[2]:.3f}",
            f"Of random splits of the same groups, how many lie as far from the rest as {name} "
            f"does or farther: a small share means that it is unlike them. MMD² {found[0]:.1e}, "
            f"at random {found[1]:.1e}.",
        )
        for name, found in made.difference.items()
        if found is not None and made.folds is None
    ]
    return tuple(figures)


def _leaks(audit: Audit | None) -> tuple[Figure, ...]:
    """How many leaks an audit counted, of which kinds; and what it did not count."""
    if audit is None:
        return ()
    told = audit.changed + audit.undecided
    kinds = [counted(audit.copies, "copy")]
    if audit.changed_together:
        kinds += [f"{audit.changed:,} changed versions", f"{audit.undecided:,} undecided"]
    leaks = Figure(
        "Leaks",
        f"{audit.leak_count:,}",
        f"Pairs of pictures that should lie in one split and do not: {', '.join(kinds)}.",
    )
    if audit.changed_together:
        return (leaks,)
    return leaks, Figure(
        "Changed versions across splits",
        f"{told:,}",
        "Pairs of different splits that show the same view or template with other content, "
        f"{audit.undecided:,} of them undecided. These pictures share views so commonly that this "
        "is no leak.",
    )


def closest_pair(
    embedded: EmbeddedSamples, marks: Marks, rng: np.random.Generator
) -> ClosestPair | None:
    """Find the two most similar pictures of different splits; None with fewer than two splits."""
    names = split_order(marks.splits)
    numbers = {None: -1} | {name: number for number, name in enumerate(names)}
    of = dict(zip(marks.ids, marks.splits, strict=True))
    placed = np.array([numbers[of[sample]] for sample in embedded.ids], np.int64)
    pairs = closest_across(embedded.vectors, placed, most=1, rng=rng)
    if pairs.max_similarity is None:
        return None
    ends = (embedded.ids[int(pairs.left[0])], embedded.ids[int(pairs.right[0])])
    return ClosestPair(ends, pairs.max_similarity)
