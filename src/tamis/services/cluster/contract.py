"""What clustering is asked, and what it tells."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
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


@dataclass(frozen=True)
class FoundCluster:
    """One cluster.

    Attributes:
        id: its number, the value of the mark `cluster`.
        size: how many pictures it has.
        examples: paths of the pictures nearest to its middle, nearest first.
        name: labels that set it apart from the rest; `cluster N` where none does.
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
        reason: one sentence on the number of clusters.
        stability: how far clusterings of random halves agree: 1 is the same again, 0 chance; None
            where that cannot be told.
        encoder: spec of the encoder of the vectors.
    """

    table_of: ClassVar = "clusters"

    clusters: Sequence[FoundCluster]
    pictures: int
    reason: str
    stability: float | None
    encoder: str
