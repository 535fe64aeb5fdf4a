"""The pairs of pictures that should lie in one split and do not."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import combinations, islice
from typing import TYPE_CHECKING

import numpy as np

from tamis.algo.components import join_groups
from tamis.services.splits.joining import candidates

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tamis.algo.cross_split import CrossPairs
    from tamis.services.splits.evidence import Evidence
    from tamis.services.splits.groups import Known
    from tamis.types import Indices

__all__ = ["MOST_LEAKS", "FoundPair", "Leaks", "find_leaks", "pairs_to_look_at"]

MOST_LEAKS = 1000
"""How many leaks a report lists; more are counted."""


@dataclass(frozen=True)
class FoundPair:
    """A pair across splits, why it was found, and what is known of it without its pixels.

    Attributes:
        reason: what joins the two.
        kind: as in `Leak`, where it does not depend on their pixels; else None.
        otherwise: the kind where their pixels do not say that they are copies or changed.
    """

    reason: str
    kind: str | None = None
    otherwise: str = "alike"


@dataclass
class Leaks:
    """What was found across splits, in the order in which it is reported.

    Attributes:
        pairs: leaks that are listed, by their rows: copies, changed versions, others.
        apart: changed versions that are no leaks, if that is the rule.
        copies: how many leaks are copies.
        changed: how many pairs are changed versions, leaks or not.
        undecided: how many pairs could be either, and cannot be told.
        others: how many leaks are something else.
        alike: pairs over the threshold that are different by their pixels.
        unseen: pairs over the threshold that were not compared, since there are so many.
    """

    pairs: dict[tuple[int, int], FoundPair] = field(default_factory=dict)
    apart: dict[tuple[int, int], FoundPair] = field(default_factory=dict)
    copies: int = 0
    changed: int = 0
    undecided: int = 0
    others: int = 0
    alike: int = 0
    unseen: int = 0

    def add(self, pair: tuple[int, int], found: FoundPair) -> None:
        """List a leak, unless it is listed or there are too many; the caller counts."""
        if len(self.pairs) < MOST_LEAKS:
            self.pairs.setdefault(pair, found)


def pairs_to_look_at(known: Known, n: int) -> int:
    """How many of the most similar pairs across splits the audit needs."""
    return MOST_LEAKS if known.given else max(MOST_LEAKS, candidates(n))


def find_leaks(evidence: Evidence, cross: CrossPairs, placed: Indices, *, together: bool) -> Leaks:
    """Find what joins two splits.

    Args:
        evidence: what tells which pictures belong together.
        cross: the most similar pairs across splits.
        placed: `[N]` the split of each picture.
        together: changed versions should lie in one split.
    """
    found, known = Leaks(), evidence.known
    # Columns joined: a pair that two of them tell counts once, a chain over two of them counts.
    copies = join_groups(list(known.copies.values()))
    for a, b in islice(_pairs_across(copies, placed), MOST_LEAKS):
        told = [name for name, of in known.copies.items() if of[a] == of[b] >= 0]
        reason = f"same {told[0] if told else ' and '.join(known.copies)}"
        found.add((a, b), FoundPair(reason, otherwise="chain"))
    found.copies = _count_across(copies, placed)
    joined = copies
    if together and known.changed is not None:
        joined = join_groups([copies, known.changed])
    if known.given:
        _add_over(known, cross, joined, found)
    else:
        _add_compared(evidence, cross, joined, found, together=together)
    for a, b in islice(_pairs_across(joined, placed), MOST_LEAKS):
        found.add((a, b), FoundPair("same changed_group", otherwise="chain"))
    marked = _count_across(joined, placed) - _count_across(copies, placed)
    found.changed += marked
    for name, codes in known.users.items():
        torn = _torn_groups(codes, placed)
        found.others += len(torn)
        for pair in torn:
            found.add(pair, FoundPair(f"same {name}", "group"))
    if known.blocks is not None:
        torn = known.blocks.torn(placed)
        found.others += len(torn)
        for a, b in torn:
            pair = (min(a, b), max(a, b))
            found.add(pair, FoundPair(f"less than {known.blocks.gap:g} s apart", "time"))
    return found


def _add_over(known: Known, cross: CrossPairs, joined: Indices, found: Leaks) -> None:
    """Every pair over a threshold that the user gave is a leak."""
    seen = min(cross.over, cross.left.size)
    over = np.flatnonzero(joined[cross.left[:seen]] != joined[cross.right[:seen]])
    found.others += over.size + cross.over - seen
    reason = f"cosine similarity >= {known.threshold:.3g}"
    for at in over.tolist():
        found.add((int(cross.left[at]), int(cross.right[at])), FoundPair(reason))


def _add_compared(
    evidence: Evidence, cross: CrossPairs, joined: Indices, found: Leaks, *, together: bool
) -> None:
    """Judge the most similar pairs by their pixels; without pixels, by their vectors."""
    known, over = evidence.known, np.zeros(cross.left.size, np.bool_)
    if known.threshold is not None:
        over[: min(cross.over, over.size)] = True
        found.unseen = max(0, cross.over - over.size)
    looked = np.flatnonzero(joined[cross.left] != joined[cross.right])
    left, right = cross.left[looked], cross.right[looked]
    verdicts = evidence.pixels.compare(left, right)
    pairs = list(zip(left.tolist(), right.tolist(), strict=True))
    found.copies += int(verdicts.copy.sum())
    for at in np.flatnonzero(verdicts.copy).tolist():
        found.add(pairs[at], FoundPair("the same picture"))
    found.undecided = int(verdicts.undecided.sum())
    found.changed += int((verdicts.changed & ~verdicts.undecided).sum())
    for at in np.flatnonzero(verdicts.changed).tolist():
        what = "a copy or changed" if verdicts.undecided[at] else "the same view, changed"
        if together:
            found.add(pairs[at], FoundPair(what))
        elif len(found.apart) < MOST_LEAKS:
            found.apart[pairs[at]] = FoundPair(what)
    different = verdicts.known & ~verdicts.copy & ~verdicts.changed
    found.alike = int((over[looked] & different).sum())
    for at in np.flatnonzero(over[looked] & ~verdicts.known).tolist():
        found.others += 1
        found.add(pairs[at], FoundPair(f"cosine similarity >= {known.threshold:.3g}"))


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
