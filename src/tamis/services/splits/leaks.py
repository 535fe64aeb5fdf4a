"""The pairs of pictures that should lie in one split and do not."""

from __future__ import annotations

from itertools import combinations, islice
from typing import TYPE_CHECKING

import numpy as np

from tamis.algo.components import join_groups
from tamis.services.splits.groups import candidates
from tamis.services.splits.outcome import Leak
from tamis.services.splits.pixels import JOINED_FROM, LEAK_FROM, compare_pixels

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tamis.algo.cross_split import CrossPairs
    from tamis.data.embedded import EmbeddedSamples
    from tamis.data.store import Store
    from tamis.services.splits.groups import Known
    from tamis.types import Indices, Vectors

__all__ = ["MOST_LEAKS", "Found", "find_leaks", "pairs_to_look_at"]

MOST_LEAKS = 1000
"""How many leaks a report lists; more are counted."""


class Found:
    """Leaks as they are found.

    Attributes:
        pairs: those listed, each with why and, where it is known already, its kind.
        count: how many leaks there are.
        alike: pairs over the threshold that are no leaks by their pixels.
        unseen: pairs over the threshold that were not compared, since there are so many.
    """

    def __init__(self) -> None:
        self.pairs: dict[tuple[int, int], tuple[str, str | None]] = {}
        self.count = 0
        self.alike = 0
        self.unseen = 0

    def add(self, pair: tuple[int, int], reason: str, kind: str | None = None) -> None:
        """List a pair, unless it is listed or there are too many; the caller counts."""
        if len(self.pairs) < MOST_LEAKS:
            self.pairs.setdefault(pair, (reason, kind))


def pairs_to_look_at(known: Known, n: int) -> int:
    """How many of the most similar pairs across splits the audit needs."""
    return MOST_LEAKS if known.given else max(MOST_LEAKS, candidates(n))


def find_leaks(  # noqa: PLR0917 - an audit needs all of it
    store: Store,
    samples: EmbeddedSamples,
    placed: Indices,
    names: list[str],
    known: Known,
    cross: CrossPairs,
    paths: list[str],
) -> tuple[list[Leak], Found]:
    """Name what joins two splits.

    Args:
        store: the dataset.
        samples: the pictures.
        placed: `[N]` the split of each.
        names: of the splits.
        known: what should keep pictures together.
        cross: the most similar pairs across splits.
        paths: `[N]` of the pictures.

    Returns:
        The leaks, at most 1,000, and what was counted.
    """
    found = Found()
    # Columns joined: a pair that two of them tell counts once, a chain over two of them counts.
    joined = join_groups(list(known.duplicates.values()))
    for a, b in islice(_pairs_across(joined, placed), MOST_LEAKS):
        told = [name for name, of in known.duplicates.items() if of[a] == of[b] >= 0]
        found.add((a, b), f"same {told[0] if told else ' and '.join(known.duplicates)}")
    found.count += _count_across(joined, placed)
    _add_near(store, samples, known, cross, joined, found)
    for name, codes in known.users.items():
        torn = _torn_groups(codes, placed)
        found.count += len(torn)
        for pair in torn:
            found.add(pair, f"same {name}", "group")
    return _named(store, samples, placed, names, known, found, paths), found


def _add_near(  # noqa: PLR0917 - as above
    store: Store,
    samples: EmbeddedSamples,
    known: Known,
    cross: CrossPairs,
    joined: Indices,
    found: Found,
) -> None:
    """Add pairs that their vectors join: all of them at a given threshold, else by their pixels."""
    over = np.zeros(cross.left.size, np.bool_)
    if known.threshold is not None:
        over[: min(cross.over, over.size)] = True
        found.unseen = max(0, cross.over - over.size)
    fresh = joined[cross.left] != joined[cross.right]
    by_vectors = f"cosine similarity >= {known.threshold:.3g}" if known.threshold else ""
    if known.given:
        found.count += int((over & fresh).sum()) + found.unseen
        found.unseen = 0
        for at in np.flatnonzero(over & fresh).tolist():
            found.add((int(cross.left[at]), int(cross.right[at])), by_vectors)
        return
    looked = np.flatnonzero(fresh)
    scores, flipped = compare_pixels(store, samples.ids, cross.left[looked], cross.right[looked])
    for at, score, mirrored in zip(looked.tolist(), scores.tolist(), flipped.tolist(), strict=True):
        pair = (int(cross.left[at]), int(cross.right[at]))
        if score >= LEAK_FROM:
            found.count += 1
            found.add(pair, "the same shot", "flip" if mirrored else "near")
        elif over[at] and np.isnan(score):
            found.count += 1
            found.add(pair, by_vectors)
        elif over[at]:
            found.alike += 1


def _named(  # noqa: PLR0917 - as above
    store: Store,
    samples: EmbeddedSamples,
    placed: Indices,
    names: list[str],
    known: Known,
    found: Found,
    paths: list[str],
) -> list[Leak]:
    """Give the pairs their similarity, kind and score; most similar first."""
    if not found.pairs:
        return []
    left, right = (np.array(ends, np.int64) for ends in zip(*found.pairs, strict=True))
    similarity = np.minimum(_similarities(samples.vectors, left, right), 1.0)
    kinds = [kind for _, kind in found.pairs.values()]
    compared = np.array([kind != "group" for kind in kinds])
    scores = np.full(left.size, np.nan)
    flipped = np.zeros(left.size, np.bool_)
    scores[compared], flipped[compared] = compare_pixels(
        store, samples.ids, left[compared], right[compared]
    )
    content = known.duplicates["content_hash"]
    leaks = []
    for at, ((a, b), (reason, given)) in enumerate(found.pairs.items()):
        kind, score = given, None if np.isnan(scores[at]) else float(scores[at])
        if content[a] >= 0 and content[a] == content[b]:
            kind, score = "exact", 1.0
        elif kind is None and score is not None and score >= JOINED_FROM:
            kind = "flip" if flipped[at] else "near"
        elif kind is None:
            kind = "chain" if "duplicate_group" in reason or " and " in reason else "alike"
        leaks.append(
            Leak(
                left=paths[a],
                right=paths[b],
                splits=(names[placed[a]], names[placed[b]]),
                similarity=float(similarity[at]),
                reason=reason,
                kind=kind,
                score=score,
            )
        )
    order = np.lexsort((right, left, -similarity, ~compared))
    return [leaks[at] for at in order.tolist()]


def _similarities(vectors: Vectors, left: Indices, right: Indices) -> Vectors:
    found: Vectors = np.einsum("md,md->m", vectors[left], vectors[right])
    return found


def _pairs_across(codes: Indices, placed: Indices) -> Iterator[tuple[int, int]]:
    """All pairs of one group in two splits."""
    rows = np.flatnonzero(codes >= 0)
    rows = rows[np.argsort(codes[rows], kind="stable")]
    for group in np.split(rows, np.flatnonzero(np.diff(codes[rows])) + 1):
        if np.unique(placed[group]).size > 1:
            for a, b in combinations(group.tolist(), 2):
                if placed[a] != placed[b]:
                    yield a, b


def _count_across(codes: Indices, placed: Indices) -> int:
    """How many pairs of one group lie in two splits, without listing them."""
    size = np.bincount(codes)
    _, inside = np.unique(np.stack([codes, placed]), axis=1, return_counts=True)
    return int((np.sum(size**2) - np.sum(inside**2)) // 2)


def _torn_groups(codes: Indices, placed: Indices) -> list[tuple[int, int]]:
    """Return one pair of rows for each group and each split beyond its first."""
    rows = np.flatnonzero(codes >= 0)
    _, first = np.unique(np.stack([codes[rows], placed[rows]]), axis=1, return_index=True)
    ends = rows[first]
    same = np.flatnonzero(codes[ends[1:]] == codes[ends[:-1]])
    return list(zip(ends[same].tolist(), ends[same + 1].tolist(), strict=True))
