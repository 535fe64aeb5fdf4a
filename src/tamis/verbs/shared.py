"""Options that many verbs share, each with one meaning."""

from __future__ import annotations

from typing import Annotated, TypeAlias

from tamis.verbs.request import Option

__all__ = ["EncoderOfVectors", "Seed", "Where"]

Seed: TypeAlias = Annotated[int, Option("Makes every random choice repeatable.", metavar="N")]

Where: TypeAlias = Annotated[
    str | None, Option("Only rows that fulfill this SQL condition.", metavar="SQL")
]

EncoderOfVectors: TypeAlias = Annotated[
    str | None,
    Option("Which vectors to use.", metavar="SPEC", default="the dataset's default encoder"),
]
