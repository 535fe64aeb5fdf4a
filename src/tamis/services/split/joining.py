"""The groups that a split keeps whole, and whether changed versions are among them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np

from tamis.algo.components import connected_components, join_groups
from tamis.algo.near_components import near_components
from tamis.algo.splits.shared_views import joined_share, shared_views
from tamis.dataset.columns import Column
from tamis.dataset.group_columns import codes_of
from tamis.dataset.samples import Samples
from tamis.services.split.pixels import look

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tamis.services.split.contract import Changed
    from tamis.services.split.evidence import Evidence
    from tamis.services.split.pixels import Looked
    from tamis.types import Indices

__all__ = ["Joined", "join"]

# Vectors are believed beyond what was compared if most of what was compared bears them out.
_BORNE_OUT: Final = 0.5


@dataclass(frozen=True)
class Joined:
    """What stays together.

    Attributes:
        groups: `[N]` the groups that no split may divide.
        copies: `[N]` groups of copies alone.
        together: changed versions of one view are among them, and leaks where they are not.
        by_vectors: so are near vectors of pictures that could not be compared by their pixels.
        looked: pairs that were compared by their pixels.
        by: what joins pictures, in words.
        notes: what the user should know.
    """

    groups: Indices
    copies: Indices
    together: bool
    by_vectors: bool
    looked: Looked
    by: list[str]
    notes: list[str]

    def with_pairs(self, left: Indices, right: Indices) -> Joined:
        """Return it with more pairs joined."""
        pairs = connected_components(len(self.groups), left, right)
        return replace(self, groups=join_groups([self.groups, pairs]))

    def taken(self, inside: NDArray[np.bool_]) -> Joined:
        """Return it for those of the pictures that `inside` `[N]` says."""
        groups, copies = (join_groups([of[inside]]) for of in (self.groups, self.copies))
        return replace(self, groups=groups, copies=copies, looked=self.looked.taken(inside))


def join(evidence: Evidence, targets: Indices, changed: Changed) -> Joined:
    """Return the groups that must stay whole: all that is known, united.

    Without marks of `duplicates`, the most similar pairs and each picture's nearest are compared
    by their pixels. Pictures without a
    thumbnail are joined by their vectors, unless that would join most of them; others by vectors
    alone only at a threshold that the user gave, or where pixels bear out most of the pairs over
    the one found. Nothing depends on a seed, so an audit draws the same lines.

    Args:
        evidence: what tells which pictures belong together; calibrated here if it was not.
        targets: `[S]` how many pictures each split should get.
        changed: what to do with changed versions.
    """
    known, pixels = evidence.known, evidence.pixels
    copies = known.marks
    if known.given:
        copies = join_groups([copies, _by_vectors(evidence)])
    looked = look(evidence, copies)
    verdicts = looked.verdicts
    equal = verdicts.copy | (~verdicts.known & looked.hashed)
    copies_alone = looked.joined(list(known.copies.values()), equal)
    copies = looked.joined([copies], equal)
    by_vectors, notes = known.given, list(pixels.notes)
    if not known.given and not pixels.shown.all():
        wider = _without_pixels(evidence, looked, copies)
        by_vectors = shared_views(copies, wider, targets) == "no"
        copies = wider if by_vectors else copies
        if not by_vectors:
            notes.append(
                "pictures without a thumbnail are too alike to be joined by their vectors, and "
                "could not be compared by their pixels"
            )
    marked = [] if known.changed is None else [known.changed]
    with_changed = looked.joined([copies, *marked], verdicts.changed)
    together, said = _how_changed(evidence, copies, with_changed, targets, changed)
    groups = with_changed if together else copies
    if together and not known.given and _borne_out(looked):
        wider = join_groups([groups, _by_vectors(evidence)])
        if shared_views(groups, wider, targets) == "no":
            groups, by_vectors = wider, True
    by = _in_words(evidence, together=together, by_vectors=by_vectors)
    return Joined(groups, copies_alone, together, by_vectors, looked, by, [*notes, *said])


def _in_words(evidence: Evidence, *, together: bool, by_vectors: bool) -> list[str]:
    """What joins pictures, in words."""
    known, shown = evidence.known, evidence.pixels.shown
    by = [*known.copies]
    if known.hashes is not None and not shown.all():
        by.append("phash")
    if shown.any():
        by += ["copies by their pixels", *(["changed versions"] if together else [])]
    by += known.users
    if by_vectors and known.threshold is not None:
        by.append(f"cosine similarity >= {known.threshold:.3g}")
    return by


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
            f"these pictures share views or a template: {100 * share:.0f}% of all pairs show the "
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
        return f"Each group stays whole: {', '.join(evidence.known.users)}"
    view = Samples(store)
    ways = [
        f"--group {name}"
        for name in (Column.VIDEO, Column.CAMERA)
        if view.has(name) and np.unique(codes_of(store, name, samples.ids)).size > 1
    ]
    times = [name for name in (Column.SECONDS, Column.CAPTURED_AT) if view.has(name)]
    if any((codes_of(store, name, samples.ids) >= 0).any() for name in times):
        ways.append("--time-block 10m")
    ways.append("--group COLUMN by what tells camera, product or day")
    return f"To test on what training has not seen: {', '.join(ways)}"


def _by_vectors(evidence: Evidence) -> Indices:
    threshold, rng = evidence.known.threshold, np.random.default_rng(0)
    if threshold is None:
        return np.arange(len(evidence))
    return near_components(evidence.samples.vectors, threshold, rng=rng).labels


def _without_pixels(evidence: Evidence, looked: Looked, copies: Indices) -> Indices:
    """Groups with near vectors joined where one of two pictures has no thumbnail."""
    columns = [copies] if evidence.pixels.shown.any() else [copies, _by_vectors(evidence)]
    return looked.joined(columns, ~looked.verdicts.known & looked.over)


def _borne_out(looked: Looked) -> bool:
    """Whether pixels confirm most of the pairs that vectors call near."""
    verdicts = looked.verdicts
    compared = looked.over & verdicts.known
    confirmed = compared & (verdicts.copy | verdicts.changed)
    return bool(compared.any()) and confirmed.sum() >= _BORNE_OUT * compared.sum()
