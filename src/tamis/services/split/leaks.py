"""The pairs of pictures that should lie in one split and do not."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import combinations, islice
from typing import TYPE_CHECKING

import numpy as np

from tamis.algo.components import join_groups
from tamis.algo.splits.closest_across import closest_across
from tamis.services.split.pixels import candidates
from tamis.services.split.result import Leak
from tamis.types import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

    from tamis.algo.splits.closest_across import CrossPairs
    from tamis.services.split.evidence import Evidence, Known
    from tamis.services.split.joining import Joined
    from tamis.services.split.pixels import Looked
    from tamis.types import Indices

__all__ = ["MOST_LEAKS", "FoundPair", "Leaks", "find_leaks", "look_across", "named", "torn_pairs"]

MOST_LEAKS = 1000
"""How many leaks a report lists; more are counted."""

# Single precision may put the end of a box a hair beyond the pixel where it lies.
_ROUNDING = 1e-4


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
        compared: pairs whose pixels were compared; None where vectors decided.
    """

    pairs: dict[tuple[int, int], FoundPair] = field(default_factory=dict)
    apart: dict[tuple[int, int], FoundPair] = field(default_factory=dict)
    copies: int = 0
    changed: int = 0
    undecided: int = 0
    others: int = 0
    alike: int = 0
    unseen: int = 0
    compared: int | None = None

    def add(self, pair: tuple[int, int], found: FoundPair) -> None:
        """List a leak, unless it is listed or there are too many; the caller counts."""
        if len(self.pairs) < MOST_LEAKS:
            self.pairs.setdefault(pair, found)


def look_across(evidence: Evidence, placed: Indices, rng: np.random.Generator) -> CrossPairs:
    """Find the most similar pairs of pictures in different splits, as many as an audit looks at.

    Args:
        evidence: the pictures, and from which similarity on they are near.
        placed: `[N]` the split of each.
        rng: as for `closest_across`.
    """
    known, n = evidence.known, len(evidence)
    return closest_across(
        evidence.samples.vectors,
        placed,
        threshold=1.0 if known.threshold is None else known.threshold,
        most=MOST_LEAKS if known.given else max(MOST_LEAKS, candidates(n)),
        rng=rng,
    )


def torn_pairs(
    evidence: Evidence, joined: Joined, cross: CrossPairs, placed: Indices
) -> tuple[Indices, Indices]:
    """Return pairs across splits that should be together and that no group held, `[P]` each."""
    near = _near_across(evidence, joined.looked, cross, placed)
    if evidence.known.given:
        return near.left[:0], near.right[:0]
    verdicts = evidence.pixels.compare(near.left, near.right)
    torn = verdicts.copy | (verdicts.changed & joined.together)
    torn |= ~verdicts.known & near.over & joined.by_vectors
    return near.left[torn], near.right[torn]


def find_leaks(evidence: Evidence, joined: Joined, cross: CrossPairs, placed: Indices) -> Leaks:
    """Find what joins two splits.

    Args:
        evidence: what tells which pictures belong together.
        joined: what should stay together.
        cross: the most similar pairs across splits.
        placed: `[N]` the split of each picture.
    """
    found, known = Leaks(), evidence.known
    # Columns joined: a pair that two of them tell counts once, a chain over two of them counts.
    copies = join_groups(list(known.copies.values()))
    for a, b in islice(_pairs_across(copies, placed), MOST_LEAKS):
        told = [name for name, of in known.copies.items() if of[a] == of[b] >= 0]
        reason = f"same {told[0] if told else ' and '.join(known.copies)}"
        found.add((a, b), FoundPair(reason, otherwise="chain"))
    found.copies = _count_across(copies, placed)
    marked = copies
    if joined.together and known.changed is not None:
        marked = join_groups([copies, known.changed])
    if known.given:
        _add_over(known, cross, marked, found)
    else:
        near = _near_across(evidence, joined.looked, cross, placed)
        found.compared = near.left.size
        if known.threshold is not None:
            found.unseen = max(0, cross.over - int(near.over.sum()))
        fresh = marked[near.left] != marked[near.right]
        near = _Near(near.left[fresh], near.right[fresh], near.over[fresh])
        _add_compared(evidence, joined, near, found)
    for a, b in islice(_pairs_across(marked, placed), MOST_LEAKS):
        found.add((a, b), FoundPair("same changed_group", otherwise="chain"))
    found.changed += _count_across(marked, placed) - _count_across(copies, placed)
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


def _add_over(known: Known, cross: CrossPairs, marked: Indices, found: Leaks) -> None:
    """Every pair over a threshold that the user gave is a leak."""
    seen = min(cross.over, cross.left.size)
    over = np.flatnonzero(marked[cross.left[:seen]] != marked[cross.right[:seen]])
    found.others += over.size + cross.over - seen
    reason = f"cosine similarity >= {known.threshold:.3g}"
    for at in over.tolist():
        found.add((int(cross.left[at]), int(cross.right[at])), FoundPair(reason))


@dataclass(frozen=True)
class _Near:
    """Pairs across splits worth a look, and whether their vectors are over the threshold."""

    left: Indices
    right: Indices
    over: NDArray[np.bool_]


def _near_across(evidence: Evidence, looked: Looked, cross: CrossPairs, placed: Indices) -> _Near:
    """The most similar pairs across splits, and what was looked at before and lies across them."""
    n, known = len(placed), evidence.known
    most = candidates(n) if evidence.pixels.shown.any() else cross.left.size
    before = placed[looked.left] != placed[looked.right]
    left = np.concatenate([cross.left[:most], looked.left[before]])
    right = np.concatenate([cross.right[:most], looked.right[before]])
    over = np.zeros(cross.left[:most].size, np.bool_)
    if known.threshold is not None:
        over[: cross.over] = True
    keys, first = np.unique(left * n + right, return_index=True)
    return _Near(keys // n, keys % n, np.concatenate([over, looked.over[before]])[first])


def _add_compared(evidence: Evidence, joined: Joined, near: _Near, found: Leaks) -> None:
    """Judge pairs across splits by their pixels; without pixels, by their vectors."""
    left, right, known = near.left, near.right, evidence.known
    verdicts = evidence.pixels.compare(left, right)
    pairs = list(zip(left.tolist(), right.tolist(), strict=True))
    found.copies += int(verdicts.copy.sum())
    for at in np.flatnonzero(verdicts.copy).tolist():
        found.add(pairs[at], FoundPair("the same picture"))
    found.undecided = int(verdicts.undecided.sum())
    found.changed += int((verdicts.changed & ~verdicts.undecided).sum())
    for at in np.flatnonzero(verdicts.changed).tolist():
        what = "a copy or changed" if verdicts.undecided[at] else "the same view, changed"
        if joined.together:
            found.add(pairs[at], FoundPair(what))
        elif len(found.apart) < MOST_LEAKS:
            found.apart[pairs[at]] = FoundPair(what)
    different = verdicts.known & ~verdicts.copy & ~verdicts.changed
    found.alike = int((near.over & different).sum())
    unseen = near.over & ~verdicts.known & joined.by_vectors
    for at in np.flatnonzero(unseen).tolist():
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


def named(
    evidence: Evidence,
    placed: Indices,
    names: list[str],
    pairs: Mapping[tuple[int, int], FoundPair],
) -> list[Leak]:
    """Give pairs their kind, verdict, score and places; copies first, then changed versions.

    Args:
        evidence: what tells of them.
        placed: `[N]` the split of each picture.
        names: of the splits.
        pairs: by their rows.
    """
    if not pairs:
        return []
    left, right = (np.array(ends, np.int64) for ends in zip(*pairs, strict=True))
    ids, similarity = evidence.samples.ids, evidence.similarity(left, right)
    rows = np.union1d(left, right)
    of = np.searchsorted(rows, np.stack([left, right], axis=1))
    about = evidence.store.read(["path", "width", "height"], ids=[ids[row] for row in rows])
    paths = about.column("path").to_pylist()
    sizes = list(
        zip(*(about.column(name).to_pylist() for name in ("width", "height")), strict=True)
    )
    verdicts = evidence.pixels.compare(left, right)
    content = evidence.known.copies["content_hash"]
    leaks: list[Leak] = []
    for at, ((a, b), found) in enumerate(pairs.items()):
        one, other = of[at].tolist()
        verdict: str | None = str(verdicts.verdict[at]) or None
        score = float(verdicts.score[at])
        places = _places(verdicts.regions[at], sizes[one], sizes[other])
        kind = found.kind
        if content[a] >= 0 and content[a] == content[b]:
            kind, verdict, score, places = kind or "exact", Verdict.COPY.value, 1.0, []
        elif kind is None and verdict == Verdict.COPY:
            kind = "flip" if verdicts.flipped[at] else "near"
        elif kind is None and verdict in {Verdict.CHANGED, Verdict.UNDECIDED}:
            kind = "changed"
        leaks.append(
            Leak(
                left=paths[one],
                right=paths[other],
                splits=(names[placed[a]], names[placed[b]]),
                similarity=float(similarity[at]),
                reason=found.reason,
                kind=kind or found.otherwise,
                score=None if np.isnan(score) else score,
                verdict=verdict,
                region=places[0] if places else None,
                left_id=ids[a],
                right_id=ids[b],
                regions=places,
            )
        )
    rank = np.array([_rank(leak.kind) for leak in leaks])
    return [leaks[at] for at in np.lexsort((right, left, -similarity, rank)).tolist()]


def _rank(kind: str) -> int:
    """The order of kinds: copies, chains of them, changed versions, vectors, the user's groups."""
    ranks = {"exact": 0, "near": 0, "flip": 0, "chain": 1, "changed": 2, "alike": 3}
    return ranks.get(kind, 4)


def _places(
    regions: tuple[NDArray[np.float32], NDArray[np.float32]],
    left: tuple[int | None, int | None],
    right: tuple[int | None, int | None],
) -> list[dict[str, list[int]]]:
    """Boxes as shares of the sides, in pixels of the files."""
    if None in left or None in right:
        return []
    ends = [_pixels(boxes, size) for boxes, size in zip(regions, (left, right), strict=True)]
    return [{"left": one, "right": other} for one, other in zip(*ends, strict=True)]


def _pixels(boxes: NDArray[np.float32], size: tuple[int | None, int | None]) -> list[list[int]]:
    """Whole pixels that cover boxes given as shares of the sides, x, y, width and height."""
    sides = np.array(size, np.float64)
    low = np.clip(np.floor(boxes[:, :2] * sides), 0, sides - 1)
    high = np.clip(np.ceil((boxes[:, :2] + boxes[:, 2:]) * sides - _ROUNDING), low + 1, sides)
    found: list[list[int]] = np.concatenate([low, high - low], axis=1).astype(int).tolist()
    return found
