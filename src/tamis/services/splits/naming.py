"""Pairs of rows as what a report says of them: paths, kind, verdict and where they differ."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tamis.services.splits.outcome import Leak
from tamis.types import Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from tamis.services.splits.evidence import Evidence
    from tamis.services.splits.leaks import FoundPair
    from tamis.types import Indices

__all__ = ["named"]

# Single precision may put the end of a box a hair beyond the pixel where it lies.
_ROUNDING = 1e-4


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
