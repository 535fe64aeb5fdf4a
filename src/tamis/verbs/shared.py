"""Options that many verbs share, each with one meaning."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal, TypeAlias

from tamis.errors import UsageError
from tamis.verbs.request import Argument, Option

__all__ = [
    "Address",
    "AllPictures",
    "BatchSize",
    "Drop",
    "EncoderOfVectors",
    "EncoderToUse",
    "Every",
    "Exclude",
    "Ids",
    "LabelLevel",
    "Labels",
    "Processes",
    "Runner",
    "Seed",
    "Sources",
    "Threads",
    "Where",
    "check_runner",
    "require_pictures",
]

Seed: TypeAlias = Annotated[
    int, Option("Seed of all random choices; the same seed gives the same result.", metavar="N")
]

Where: TypeAlias = Annotated[
    str | None, Option("Only rows that meet this SQL condition.", metavar="SQL")
]

Ids: TypeAlias = Annotated[
    Sequence[str] | None, Option("Only samples with these ids.", metavar="ID", default="all")
]

AllPictures: TypeAlias = Annotated[bool, Option("Every picture.")]

EncoderOfVectors: TypeAlias = Annotated[
    str | None,
    Option(
        "The encoder whose vectors to use.", metavar="SPEC", default="the dataset's default encoder"
    ),
]

EncoderToUse: TypeAlias = Annotated[
    str, Option("The encoder; `tamis encoders` lists them.", metavar="SPEC", by_place=True)
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
        "Which folder gives the label: 1 the first below the source, 0 the source itself, -1 the "
        "one that holds the picture, -2 the one above that.",
        metavar="N",
        default="the level at which pictures differ",
    ),
]

Exclude: TypeAlias = Annotated[
    Sequence[str],
    Option("Skip files and folders, such as '*.png' or masks.", metavar="GLOB"),
]

Every: TypeAlias = Annotated[
    float | Literal["frame", "keyframe"] | None,
    Option(
        "How often to take a frame from videos, those in folders included.",
        metavar="SECONDS|frame|keyframe",
        default="1 for videos that are named; videos in folders are skipped",
    ),
]

Threads: TypeAlias = Annotated[
    int | None,
    Option("Threads that read and decode.", metavar="N", minimum=1, default="one per processor"),
]

Processes: TypeAlias = Annotated[
    bool | None,
    Option(
        "Decode in processes: faster from four processors on, and a picture that crashes a decoder "
        "costs itself alone.",
        names=("--processes", "--no-processes"),
        default="from 4 threads and some 1,000 pictures on",
    ),
]

Runner: TypeAlias = Annotated[
    Literal["local", "ray"],
    Option("Where the work is done: on this machine, or on a Ray cluster."),
]

Address: TypeAlias = Annotated[
    str | None,
    Option("The Ray cluster.", metavar="HOST:PORT", default="the one this machine belongs to"),
]

BatchSize: TypeAlias = Annotated[
    int | None,
    Option("Pictures per batch.", metavar="N", minimum=1, default="chosen automatically"),
]

Drop: TypeAlias = Annotated[
    Literal["copies", "changed"],
    Option("Drop copies only, or changed versions of the same view as well."),
]


def require_pictures(where: str | None, ids: Sequence[str] | None, *, every: bool) -> None:
    """Refuse a request that changes pictures and names none.

    Raises:
        UsageError: it names none.
    """
    if where is None and ids is None and not every:
        raise UsageError("name pictures: --where SQL, --ids ID, or --all for every picture")


def check_runner(runner: str, address: str | None, *, processes: bool | None) -> None:
    """Refuse the address of a cluster that is not asked to work, and processes beside one.

    Raises:
        UsageError: one is given.
    """
    if runner == "ray" and processes is not None:
        raise UsageError("a Ray cluster has workers of its own: say nothing of processes")
    if address is not None and runner != "ray":
        raise UsageError(f"{address!r} is the address of a Ray cluster: ask for the runner ray too")
