"""What a map is asked, and what it tells."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from tamis.verbs.request import Option, Request
from tamis.verbs.result import Result
from tamis.verbs.shared import EncoderOfVectors, Seed

__all__ = ["Kept", "MakeMap", "MapReport"]


@dataclass(frozen=True, kw_only=True)
class MakeMap(Request["MapReport"], verb="map", writes=True, run="run:make_map"):
    """Lay out all pictures on a map that keeps neighbors together.

    Pictures that come later are placed, and none is moved. The page shows it, and the report. It
    needs the extra `map` when it is made, not afterwards.
    """

    again: Annotated[
        bool, Option("Make the map anew; without it, only pictures without a place get one.")
    ] = False
    landmarks: Annotated[
        int,
        Option(
            "How many pictures are laid out; the others are placed among them.",
            metavar="N",
            minimum=12,
            maximum=1_000_000,
        ),
    ] = 100_000
    encoder: EncoderOfVectors = None
    seed: Seed = 0


@dataclass(frozen=True)
class Kept:
    """How well a map keeps neighborhoods.

    Attributes:
        trustworthiness: 1 if none of the nearest on the map is far off by its vector, about 0.5 if
            places are random.
        neighbors_kept: share of the nearest by vector that are among the nearest on the map.
    """

    trustworthiness: float
    neighbors_kept: float


@dataclass(frozen=True, kw_only=True, repr=False)
class MapReport(Result):
    """The map.

    Attributes:
        pictures: how many pictures and parts are on it.
        placed: how many of them got their place now.
        laid_out: how many were laid out now; 0 if the map was there.
        trustworthiness: see `Kept`.
        neighbors_kept: likewise.
        neighbors: how many nearest were looked at.
        plane: the same of the principal plane, to compare with; None if none was laid out now.
        fingerprint: hash of the layout; it stays when others are placed.
        columns: the marks that hold places, across and up.
        encoder: spec of the encoder of the vectors.
    """

    pictures: int
    placed: int
    laid_out: int
    trustworthiness: float
    neighbors_kept: float
    neighbors: int
    plane: Kept | None
    fingerprint: str
    columns: tuple[str, str]
    encoder: str
