"""What a map between two encoders' spaces is asked to be, and how good it is."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from tamis.verbs.request import Option, Request
from tamis.verbs.result import Result
from tamis.verbs.shared import Seed

__all__ = ["Align", "AlignReport"]


@dataclass(frozen=True, kw_only=True)
class Align(Request["AlignReport"], verb="align", writes=True):
    """Make vectors searchable by text that have no text encoder.

    A map to the vectors of an encoder with texts is learned from pictures that both have embedded.
    The result is an encoder `aligned:FILE`, with vectors of everything that the first has embedded.
    """

    from_: Annotated[
        str,
        Option("The encoder whose vectors to make searchable.", names=("--from",), metavar="SPEC"),
    ]
    to: Annotated[
        str,
        Option(
            "The encoder whose texts to use; both must have embedded 200 pictures, better 20,000.",
            metavar="SPEC",
        ),
    ]
    out: Annotated[
        Path | None,
        Option("The map's file.", metavar="FILE", default="in the dataset, with which it moves"),
    ] = None
    seed: Seed = 0


@dataclass(frozen=True, kw_only=True, repr=False)
class AlignReport(Result):
    """A map and how well it stands in for the encoder that it leads to.

    Attributes:
        encoder: spec of the new encoder.
        column: its vector column.
        path: the map's file.
        pictures: pictures that both encoders had embedded.
        fitted: of these, the pictures that the map was fitted on.
        held_out: of the others, the pictures that it was measured on.
        penalty: the ridge penalty that cross-validated best.
        recall: of the 10 pictures nearest to a native vector of a held-out picture, the share that
            are nearest by mapped vectors too.
        mean_cosine: of the mapped and the native vectors of held-out pictures.
        text_precision: of the pictures nearest to a label's name by mapped vectors, the share with
            that label: 10 a label, or as many as it has; None without labels.
        text_precision_native: the same by native vectors.
        vectors: vectors that were written.
    """

    encoder: str
    column: str
    path: str
    pictures: int
    fitted: int
    held_out: int
    penalty: float
    recall: float
    mean_cosine: float
    text_precision: float | None
    text_precision_native: float | None
    vectors: int
