"""The groups that a split keeps whole, and whether changed versions are among them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, cast, get_args

import numpy as np

from tamis.algo.components import connected_components, join_groups
from tamis.algo.cross_split import closest_across
from tamis.algo.near_components import near_components
from tamis.algo.shared_views import joined_share, shared_views
from tamis.data.group_columns import codes_of
from tamis.errors import UsageError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tamis.services.splits.evidence import Evidence
    from tamis.services.splits.pixels import Verdicts
    from tamis.types import Indices

__all__ = ["Changed", "Joined", "candidates", "checked_changed", "join"]

Changed = Literal["auto", "together", "apart"]

_CANDIDATES_A_PICTURE, _MOST_CANDIDATES = 3, 10_000
# Vectors are believed beyond what was compared if most of what was compared bears them out.
_BORNE_OUT: Final = 0.5


@dataclass(frozen=True)
class Joined:
    """What stays together.

    Attributes:
        groups: `[N]` the groups that no split may divide.
        together: changed versions of one view are among them, and leaks where they are not.
        by: what joins pictures, in words.
        notes: what the user should know.
    """

    groups: Indices
    together: bool
    by: list[str]
    notes: list[str]


def checked_changed(changed: str) -> Changed:
    """Return what to do with changed versions.

    Raises:
        UsageError: it is none of auto, together and apart.
    """
    if changed not in get_args(Changed):
        raise UsageError(
            f"changed versions can be kept together, apart or auto, not {changed!r}: auto keeps "
            "them together where they are rare"
        )
    return cast("Changed", changed)


def candidates(n: int) -> int:
    """How many of the most similar pairs are compared by their pixels."""
    return min(_MOST_CANDIDATES, _CANDIDATES_A_PICTURE * n)


def join(evidence: Evidence, targets: Indices, changed: Changed) -> Joined:
    """Return the groups that must stay whole: all that is known, united.

    The most similar pairs that nothing joins are compared by their pixels: `duplicates` looks at
    each picture's nearest, which many copies of one picture crowd out. Pictures without a
    thumbnail are joined by their vectors, others by vectors alone only at a threshold that the
    user gave, or where pixels bear out most of the pairs over the one found. Nothing depends on
    a seed, so an audit draws the same lines.

    Args:
        evidence: what tells which pictures belong together; calibrated here if it was not.
        targets: `[S]` how many pictures each split should get.
        changed: what to do with changed versions.
    """
    n, known, pixels = len(evidence), evidence.known, evidence.pixels
    found = _propose(evidence)
    if not pixels.calibrated:
        pixels.calibrate(found.left, found.right)
    copies = known.marks
    by_vectors = known.threshold is not None and (known.given or not pixels.shown.all())
    if known.given or not pixels.shown.any():
        copies = join_groups([copies, *_by_vectors(evidence)])
    fresh = copies[found.left] != copies[found.right]
    left, right = found.left[fresh], found.right[fresh]
    verdicts = pixels.compare(left, right)
    over = np.zeros(left.size, np.bool_)
    if known.threshold is not None:
        over = found.similarity[fresh] >= known.threshold
    same = verdicts.copy | (~verdicts.known & (over | found.hashed[fresh]))
    copies = join_groups([copies, connected_components(n, left[same], right[same])])
    other = verdicts.changed
    columns = [copies, connected_components(n, left[other], right[other])]
    with_changed = join_groups(columns if known.changed is None else [*columns, known.changed])

    together, notes = _how_changed(evidence, copies, with_changed, targets, changed)
    groups = with_changed if together else copies
    if together and not known.given and _borne_out(verdicts, over):
        wider = join_groups([groups, *_by_vectors(evidence)])
        if shared_views(groups, wider, targets) == "no":
            groups, by_vectors = wider, True
    by = [*known.copies]
    if known.hashes is not None and not pixels.shown.all():
        by.append("phash")
    if pixels.shown.any():
        by += ["copies by their pixels", *(["changed versions"] if together else [])]
    by += known.users
    if by_vectors:
        by.append(f"cosine similarity >= {known.threshold:.3g}")
    return Joined(groups, together, by, [*pixels.notes, *notes])


def _how_changed(
    evidence: Evidence,
    copies: Indices,
    with_changed: Indices,
    targets: Indices,
    changed: Changed,
) -> tuple[bool, list[str]]:
    """Decide whether changed versions stay together, and say why if they do not.

    Where `duplicates` marked them, the marks decide, so that a split and its audit agree.
    """
    if changed != "auto":
        return changed == "together", []
    known, random = evidence.known, evidence.pixels.random_share
    if known.changed is not None and known.marked:
        copies = known.marks
        with_changed = join_groups([copies, known.changed])
    why = shared_views(copies, with_changed, targets, random_share=random)
    if why == "no":
        return True, []
    if why == "common":
        share = max(joined_share(with_changed, copies), random)
        said = (
            f"these pictures share views or a template: {100 * share:.0f} % of all pairs show the "
            "same with other content"
        )
    else:
        largest = int(np.bincount(with_changed).max())
        said = (
            f"changed versions of each other would join {largest:,} of {len(copies):,} pictures, "
            "more than any split can take"
        )
    return False, [
        f"{said}. So only copies are kept together, and changed versions are no leaks. "
        + _advice(evidence)
    ]


def _advice(evidence: Evidence) -> str:
    """Name what would test on views that training has not seen."""
    store, samples = evidence.store, evidence.samples
    if evidence.known.users:
        return f"What you group by stays whole: {', '.join(evidence.known.users)}"
    columns = set(store.columns())
    ways = [
        f"--group {name}"
        for name in ("video", "camera")
        if name in columns and np.unique(codes_of(store, name, samples.ids)).size > 1
    ]
    times = [name for name in ("seconds", "captured_at") if name in columns]
    if any((codes_of(store, name, samples.ids) >= 0).any() for name in times):
        ways.append("--time-block 10m")
    ways.append("--group COLUMN by what tells camera, product or day")
    return f"To test on what training has not seen: {', '.join(ways)}"


@dataclass(frozen=True)
class _Proposals:
    """Pairs worth comparing, `left < right`, each once."""

    left: Indices
    right: Indices
    similarity: NDArray[np.float32]
    hashed: NDArray[np.bool_]


def _propose(evidence: Evidence) -> _Proposals:
    """The most similar pairs, and some of each group of one perceptual hash."""
    n, hashes = len(evidence), evidence.known.hashes
    near = closest_across(
        evidence.samples.vectors, np.arange(n), most=candidates(n), rng=np.random.default_rng(0)
    )
    equal = _equal_hashes(hashes) if hashes is not None else np.empty(0, np.int64)
    keys = np.union1d(near.left * n + near.right, equal)
    left, right = np.divmod(keys, n)
    return _Proposals(left, right, evidence.similarity(left, right), np.isin(keys, equal))


def _equal_hashes(hashes: Indices) -> Indices:
    """Keys of pairs that chain each group of equal hashes, and star it from its first row."""
    n = len(hashes)
    rows = np.flatnonzero(hashes >= 0)
    rows = rows[np.argsort(hashes[rows], kind="stable")]
    starts = np.flatnonzero(np.diff(hashes[rows], prepend=-1))
    first = np.repeat(rows[starts], np.diff(starts, append=rows.size))
    same = hashes[rows[1:]] == hashes[rows[:-1]]
    keys = np.concatenate([rows[:-1][same] * n + rows[1:][same], (first * n + rows)[first != rows]])
    return np.unique(keys)


def _by_vectors(evidence: Evidence) -> list[Indices]:
    threshold, rng = evidence.known.threshold, np.random.default_rng(0)
    if threshold is None:
        return []
    return [near_components(evidence.samples.vectors, threshold, rng=rng).labels]


def _borne_out(verdicts: Verdicts, over: NDArray[np.bool_]) -> bool:
    """Whether pixels confirm most of the pairs that vectors call near."""
    looked = over & verdicts.known
    borne_out = looked & (verdicts.copy | verdicts.changed)
    return bool(looked.any()) and borne_out.sum() >= _BORNE_OUT * looked.sum()
