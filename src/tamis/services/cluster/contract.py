"""What clustering is asked, and what it tells."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar, Literal

from tamis.errors import UsageError
from tamis.verbs.request import Option, Request
from tamis.verbs.result import Result
from tamis.verbs.shared import EncoderOfVectors, Seed, Where

__all__ = ["Cluster", "ClusterReport", "FoundCluster"]


@dataclass(frozen=True, kw_only=True)
class Cluster(Request["ClusterReport"], verb="cluster", writes=True):
    """Group similar pictures, and name and mark each group.

    The mark `cluster` numbers the groups, 0 the largest:  tamis label set CLASS --where
    "cluster = 0"
    """

    k: Annotated[
        int | Literal["auto"],
        Option(
            "How many clusters; auto takes the number that is most stable on halves of the data.",
            metavar="N",
        ),
    ] = "auto"
    method: Annotated[
        Literal["k-means", "hdbscan", "evoc"],
        Option("k-means, or dense regions by HDBSCAN or EVoC, which are extras."),
    ] = "k-means"
    join: Annotated[
        bool,
        Option("Put new pictures into the clusters that are marked; nothing else changes."),
    ] = False
    levels: Annotated[
        bool,
        Option("Also mark coarser and finer clusters, as cluster_level_0 (the coarsest) and on."),
    ] = False
    words: Annotated[
        Sequence[str],
        Option(
            "Name clusters by this word too, where the encoder reads texts.",
            names=("--word",),
            metavar="WORD",
        ),
    ] = ()
    gallery: Annotated[
        Path | None, Option("Write a page of the clusters.", metavar="FILE.html")
    ] = None
    where: Where = None
    examples: Annotated[
        int, Option("How many pictures of each to list.", metavar="N", minimum=1)
    ] = 5
    encoder: EncoderOfVectors = None
    seed: Seed = 0

    def check(self) -> None:
        """See `Request`."""
        if self.k != "auto" and self.k < 1:
            raise UsageError(f"k is {self.k}; give at least 1, or auto")
        if self.k != "auto" and self.method != "k-means":
            raise UsageError(f"{self.method} finds the number of clusters; leave out k")
        if self.join and (self.k != "auto" or self.method != "k-means" or self.levels):
            raise UsageError("pictures join the clusters that are there; leave out how to make new")


@dataclass(frozen=True)
class FoundCluster:
    """One cluster.

    Attributes:
        id: its number, the value of the mark `cluster`.
        size: how many pictures it has.
        examples: paths of the pictures nearest to its middle, nearest first.
        name: labels, words, tags or cameras that set it apart from the rest; `cluster N` where
            none does.
        stability: share of the pairs of its pictures that stay together when random halves are
            clustered; None where that cannot be told.
    """

    id: int
    size: int
    examples: Sequence[str]
    name: str
    stability: float | None


@dataclass(frozen=True, kw_only=True, repr=False)
class ClusterReport(Result):
    """The clusters, the largest first.

    Attributes:
        clusters: one for each.
        pictures: how many there are in all.
        outside: how many are in no cluster.
        joined: how many new pictures joined; 0 unless that was asked for.
        levels: how many clusters each level has, the coarsest first; empty if not asked for.
        gallery: the page that was written; None if none was asked for.
        reason: one sentence on the number of clusters.
        stability: how far clusterings of random halves agree: 1 is the same again, 0 chance; None
            where that cannot be told.
        encoder: spec of the encoder of the vectors.
    """

    table_of: ClassVar = "clusters"

    clusters: Sequence[FoundCluster]
    pictures: int
    outside: int
    joined: int
    levels: Sequence[int]
    gallery: str | None = None
    reason: str
    stability: float | None
    encoder: str
