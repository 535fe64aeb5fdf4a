"""Options that many verbs share, each with one meaning."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal, TypeAlias

from tamis.verbs.request import Argument, Option

__all__ = [
    "BatchSize",
    "Drop",
    "EncoderOfVectors",
    "EncoderToUse",
    "Every",
    "Exclude",
    "LabelLevel",
    "Labels",
    "Seed",
    "Sources",
    "Threads",
    "Where",
]

Seed: TypeAlias = Annotated[int, Option("Makes every random choice repeatable.", metavar="N")]

Where: TypeAlias = Annotated[
    str | None, Option("Only rows that fulfill this SQL condition.", metavar="SQL")
]

EncoderOfVectors: TypeAlias = Annotated[
    str | None,
    Option("Which vectors to use.", metavar="SPEC", default="the dataset's default encoder"),
]

EncoderToUse: TypeAlias = Annotated[
    str, Option("An encoder; `tamis encoders` lists them.", metavar="SPEC", by_place=True)
]

Sources: TypeAlias = Annotated[
    Sequence[str],
    Argument("Folders, globs, pictures, videos, zip or tar archives.", metavar="SOURCE"),
]

Labels: TypeAlias = Annotated[
    str,
    Option("Take labels from folder names or a table (CSV, Parquet).", metavar="none|folder|FILE"),
]

LabelLevel: TypeAlias = Annotated[
    int | None,
    Option(
        "Which folder is the label: 1 the first below the source, 0 the source itself, -1 the "
        "one that holds the picture, -2 the one above.",
        metavar="N",
        default="what tells pictures apart",
    ),
]

Exclude: TypeAlias = Annotated[
    Sequence[str],
    Option("Leave out files and folders, such as '*.png' or masks.", metavar="GLOB"),
]

Every: TypeAlias = Annotated[
    float | Literal["frame", "keyframe"] | None,
    Option(
        "How often to take a frame of videos, also of those in folders.",
        metavar="SECONDS|frame|keyframe",
        default="1 for videos that are named, none in folders",
    ),
]

Threads: TypeAlias = Annotated[
    int | None,
    Option("Threads that read and decode.", metavar="N", minimum=1, default="one a processor"),
]

BatchSize: TypeAlias = Annotated[
    int | None, Option("Pictures at a time.", metavar="N", minimum=1, default="found by itself")
]

Drop: TypeAlias = Annotated[
    Literal["copies", "changed"],
    Option("Drop copies only, or pictures with other content in the same view as well."),
]
