"""tamis: from hours of raw pictures to the few that matter.

>>> import tamis
>>> "open" in dir(tamis)
True

Names load on first use, so that importing tamis stays fast and needs no model library.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tamis.algo.sieve import Sieve
    from tamis.errors import (
        ConflictError,
        DatasetError,
        DatasetMissingError,
        DatasetTooNewError,
        EncoderError,
        InputError,
        MissingExtraError,
        MissingPictureError,
        PictureError,
        StorageError,
        TamisError,
        UnknownEncoderError,
        UsageError,
    )
    from tamis.interfaces.dataset import Dataset, encoder, export_encoder, open  # noqa: A004

_HOMES = {
    "Sieve": "tamis.algo.sieve",
    "Dataset": "tamis.interfaces.dataset",
    "encoder": "tamis.interfaces.dataset",
    "export_encoder": "tamis.interfaces.dataset",
    "open": "tamis.interfaces.dataset",
    "ConflictError": "tamis.errors",
    "DatasetError": "tamis.errors",
    "DatasetMissingError": "tamis.errors",
    "DatasetTooNewError": "tamis.errors",
    "EncoderError": "tamis.errors",
    "InputError": "tamis.errors",
    "MissingExtraError": "tamis.errors",
    "MissingPictureError": "tamis.errors",
    "PictureError": "tamis.errors",
    "StorageError": "tamis.errors",
    "TamisError": "tamis.errors",
    "UnknownEncoderError": "tamis.errors",
    "UsageError": "tamis.errors",
}

__all__ = [
    "ConflictError",
    "Dataset",
    "DatasetError",
    "DatasetMissingError",
    "DatasetTooNewError",
    "EncoderError",
    "InputError",
    "MissingExtraError",
    "MissingPictureError",
    "PictureError",
    "Sieve",
    "StorageError",
    "TamisError",
    "UnknownEncoderError",
    "UsageError",
    "encoder",
    "export_encoder",
    "open",
]


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        return version("tamis")
    if name not in _HOMES:
        raise AttributeError(f"module 'tamis' has no attribute {name!r}")
    value = getattr(importlib.import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*__all__, "__version__"})
