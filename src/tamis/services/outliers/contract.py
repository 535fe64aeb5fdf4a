"""What a search for odd pictures is asked, and what it tells."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar, Literal

from tamis.verbs.request import Option, Request
from tamis.verbs.result import Result
from tamis.verbs.shared import EncoderOfVectors, Seed, Where

__all__ = ["OddPicture", "Outliers", "OutliersReport", "RareCluster"]


@dataclass(frozen=True, kw_only=True)
class Outliers(Request["OutliersReport"], verb="outliers", writes=True):
    """Find pictures and clusters that are odd as a whole.

    Each picture is marked with two distances from all others, or from those that are nominal.
    """

    by: Annotated[
        Literal["neighbor_distance", "mahalanobis"],
        Option("The mark that pictures are listed by, highest first."),
    ] = "neighbor_distance"
    nominal: Annotated[
        str | None,
        Option(
            "Pictures that are as they should be; distances are from these.",
            metavar="SQL",
            default="all",
        ),
    ] = None
    k: Annotated[
        int,
        Option(
            "Which nearest picture a neighbor distance is to.",
            names=("--neighbor",),
            metavar="K",
            minimum=1,
        ),
    ] = 5
    count: Annotated[int, Option("How many pictures to list.", metavar="N", minimum=1)] = 20
    gallery: Annotated[
        Path | None, Option("Write a page of them and of the clusters.", metavar="FILE.html")
    ] = None
    where: Where = None
    encoder: EncoderOfVectors = None
    seed: Seed = 0


@dataclass(frozen=True)
class OddPicture:
    """A picture and how far it lies from the others.

    Attributes:
        path: the picture's.
        sample_id: the row's.
        neighbor_distance: cosine distance to the `k`-th nearest.
        mahalanobis: distance from their mean, in deviations of their spread in that direction.
        rank: share of the compared pictures that are at least as far by the listed mark; of
            nominal ones if they were named.
    """

    path: str
    sample_id: str
    neighbor_distance: float
    mahalanobis: float
    rank: float


@dataclass(frozen=True)
class RareCluster:
    """A cluster of the mark `cluster`.

    Attributes:
        id: its number.
        size: how many of the pictures it has.
        distance: the median of the listed mark over them.
        examples: paths of its pictures, the farthest first.
    """

    id: int
    size: int
    distance: float
    examples: Sequence[str]


@dataclass(frozen=True, kw_only=True, repr=False)
class OutliersReport(Result):
    """What was found.

    Attributes:
        scored: how many pictures.
        reference: how many pictures they were compared with.
        shrinkage: of the covariance, towards equal spread in all directions; near 1 the
            Mahalanobis distance says little more than the plain one.
        pictures: the farthest by the listed mark, farthest first.
        clusters: rarest first, of the mark `cluster`; empty without it.
        encoder: spec of the encoder of the vectors.
        column: the vector column.
        gallery: the page, if one was written.
    """

    table_of: ClassVar = "pictures"

    scored: int
    reference: int
    shrinkage: float
    pictures: Sequence[OddPicture]
    clusters: Sequence[RareCluster]
    encoder: str
    column: str
    gallery: str | None = None
