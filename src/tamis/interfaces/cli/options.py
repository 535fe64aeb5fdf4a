"""Options that many verbs share, each with one meaning."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = [
    "DatasetOption",
    "EncoderOption",
    "JsonOption",
    "QuietOption",
    "SeedOption",
    "WhereOption",
]

DatasetOption = Annotated[
    Path,
    typer.Option(
        "-d", "--dataset", envvar="TAMIS_DATASET", help="The dataset, a folder.", show_default=True
    ),
]
DEFAULT_DATASET = Path("dataset.tamis")

JsonOption = Annotated[
    bool, typer.Option("--json", help="Print one JSON document on stdout, all else on stderr.")
]
QuietOption = Annotated[bool, typer.Option("--quiet", "-q", help="No notes, no progress bars.")]
SeedOption = Annotated[int, typer.Option("--seed", help="Makes every random choice repeatable.")]
WhereOption = Annotated[
    str | None,
    typer.Option("--where", metavar="SQL", help="Only rows that fulfil this SQL condition."),
]
EncoderOption = Annotated[
    str | None,
    typer.Option("--encoder", metavar="SPEC", help="Which vectors; the only ones if not given."),
]
