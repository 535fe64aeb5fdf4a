"""What a split or its audit tells."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from tamis.algo.splits.balance import SplitBalance
from tamis.verbs.result import Result

__all__ = ["Leak", "SplitDifference", "SplitReport"]


@dataclass(frozen=True)
class Leak:
    """Two pictures that should lie in one split and do not.

    Attributes:
        left: path of one picture.
        right: path of the other.
        splits: the split of each.
        similarity: cosine similarity of their vectors.
        reason: what joins them.
        kind: `exact` (equal files), `near` (copies, by their pixels), `flip` (the same mirrored),
            `changed` (the same view or template with other content somewhere), `chain` (joined by
            pictures between them), `alike` (by their vectors; their pixels do not confirm it),
            `group` (of one group of the user's), `time` (nearer in time than the gap) or `part`
            (of one picture).
        score: 1 where nothing differs beyond noise and processing; None if it was not compared.
        verdict: `copy`, `changed`, `undecided` or `different`; None if it was not compared.
        region: where the two differ most, x, y, width and height in pixels of the `left` and of
            the `right` picture; None where they differ nowhere or show no common view.
        regions: all places where they differ, the worst first.
        left_id: sample id of the left one.
        right_id: sample id of the right one.
    """

    left: str
    right: str
    splits: tuple[str, str]
    similarity: float | None
    reason: str
    kind: str
    score: float | None = None
    verdict: str | None = None
    region: Mapping[str, Sequence[int]] | None = None
    regions: Sequence[Mapping[str, Sequence[int]]] = ()
    left_id: str = ""
    right_id: str = ""


@dataclass(frozen=True)
class SplitDifference:
    """How far a split lies from the others together, in the space of vectors.

    Attributes:
        mmd2: squared maximum mean discrepancy; about 0 where they are alike.
        random: mean of the same over random splits of the same groups.
        p: share of random splits that are as far apart or farther.
    """

    mmd2: float
    random: float
    p: float


@dataclass(frozen=True, kw_only=True, repr=False)
class SplitReport(Result):
    """The splits, with their audit.

    Attributes:
        mark: the column that names the split.
        counts: pictures in each split.
        targets: pictures that the shares ask for; empty in an audit.
        max_cross_similarity: largest cosine similarity between pictures of two splits; None where
            there are no two splits.
        leaks: what joins two splits, copies first, then changed versions, most similar first; of
            these every pair, of a user's group that is torn apart, one pair for each split beyond
            its first; at most 1,000.
        leak_count: how many leaks there are.
        copies: how many of them are copies.
        changed: pairs across splits that show the same view or template with other content;
            leaks only where `changed_together`.
        undecided: pairs that are copies or changed, and cannot be told at their resolution; leaks
            only where `changed_together`.
        changed_together: whether changed versions should lie in one split.
        changed_apart: where they need not, the most similar of them; at most 1,000.
        alike: pairs across splits whose vectors are as near as those of near-duplicates, and
            whose pixels say that they are not; no leaks.
        coverage: for each split, how evenly labels and clusters are spread.
        labels: for each label, pictures that have it in each split.
        difference: for each split, how far it lies from the others; None where it cannot be told.
        groups: how many groups were kept whole.
        largest_group: pictures in the largest.
        grouped_by: what joins pictures into groups.
        threshold: cosine similarity from which pictures are joined; None if none is.
        cuts: splits by time: the latest time in each split.
        closest: the most similar pictures across splits: paths and similarity.
        encoder: spec of the encoder of the vectors.
    """

    table_of: ClassVar = "leaks"

    mark: str
    counts: Mapping[str, int]
    targets: Mapping[str, int]
    max_cross_similarity: float | None
    leaks: Sequence[Leak]
    leak_count: int
    copies: int
    changed: int
    undecided: int
    changed_together: bool
    changed_apart: Sequence[Leak]
    alike: int
    coverage: Mapping[str, SplitBalance]
    labels: Mapping[str, Mapping[str, int]]
    difference: Mapping[str, SplitDifference | None]
    groups: int
    largest_group: int
    grouped_by: Sequence[str]
    threshold: float | None
    cuts: Mapping[str, str]
    closest: Sequence[tuple[str, str, float]]
    encoder: str = ""
