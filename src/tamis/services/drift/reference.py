"""A drift reference as a file: in the dataset, or where the user wants it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from tamis.algo.drift import DriftReference
from tamis.dataset.array_file import (
    described,
    name_by_content,
    packed,
    read_described,
    write_content,
)
from tamis.dataset.log_reading import last
from tamis.dataset.operations import DriftFitted
from tamis.errors import InputError, UsageError
from tamis.services.drift.probe import LinearProbe

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from tamis.runtime.workspace import Workspace

__all__ = ["FOLDER", "Facts", "Reference", "find_reference"]

FOLDER: Final = "drift"
"""Of the dataset, where its references lie."""

_FORMAT: Final = 2
_WHAT: Final = "drift reference"
_AGAIN: Final = "fit it again with  tamis drift fit"
_ID_BYTES: Final = 16


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What a reference says beside its rows.

    Attributes:
        encoder: spec of the encoder.
        fingerprint: of the encoder.
        covariates: names of the covariates, by column.
        cameras: names that the numbers of the last one stand for.
        days: how many days its pictures are from.
        block_length: consecutive pictures of a series that are one draw.
        all_follow: photographs are series too.
        level: of the running e-value.
        seed: of all that is random about it.
    """

    encoder: str
    fingerprint: str
    covariates: tuple[str, ...]
    cameras: tuple[str, ...]
    days: int
    block_length: int
    all_follow: bool
    level: float
    seed: int


@dataclass(frozen=True)
class Reference:
    """A reference that can be stored.

    Attributes:
        rows: what is compared.
        ids: `[M]` sample ids of the rows.
        facts: the rest.
        probe: classifies a batch; None without labels.
        path: its file; None before it is written.
    """

    rows: DriftReference
    ids: tuple[str, ...]
    facts: Facts
    probe: LinearProbe | None = None
    path: Path | None = None

    def to_bytes(self) -> bytes:
        """Return the content of its file: arrays that NumPy reads, and nothing executable."""
        arrays: dict[str, NDArray[Any]] = {
            **self.rows.arrays(),
            "ids": np.frombuffer(bytes.fromhex("".join(self.ids)), np.uint8),
            "about": described({"format": _FORMAT, **asdict(self.facts)}),
        }
        if self.probe is not None:
            arrays |= self.probe.arrays()
        return packed(arrays)

    def write(self, path: Path) -> int:
        """Write it to a file, whole or not at all, and return the bytes.

        Raises:
            StorageError: the disk refuses.
        """
        return write_content(path, self.to_bytes())

    @property
    def name(self) -> str:
        """The file's name by its content, so that another reference never replaces it."""
        return name_by_content(self.to_bytes())

    @staticmethod
    def read(path: Path) -> Reference:
        """Read a reference.

        Raises:
            InputError: there is none, or the file is damaged or of a later tamis.
        """
        arrays, about = read_described(path, _WHAT, _FORMAT, again=_AGAIN)
        try:
            told: dict[str, Any] = {
                name: tuple(value) if isinstance(value, list) else value
                for name, value in about.items()
            }
            facts = Facts(**told)
            rows = DriftReference.from_arrays(arrays)
            ids = arrays["ids"].tobytes().hex()
        except (TypeError, KeyError, UsageError) as error:
            raise InputError(f"{path} is a damaged {_WHAT}: {_AGAIN}") from error
        step = 2 * _ID_BYTES
        names = tuple(ids[at : at + step] for at in range(0, len(ids), step))
        return Reference(rows, names, facts, LinearProbe.from_arrays(arrays), path)


def find_reference(workspace: Workspace | None, path: Path | None) -> Reference:
    """Read the reference at a path, or the one that the dataset's last `drift fit` made.

    Raises:
        UsageError: the dataset has none.
        InputError: the file is missing or no reference.
    """
    if path is not None:
        return Reference.read(path)
    made = None if workspace is None else last(workspace.store.log(), DriftFitted)
    if workspace is None or made is None:
        raise UsageError(
            "the dataset has no drift reference: run  tamis drift fit  on pictures as they should "
            "be, or name a file with --reference"
        )
    return Reference.read(workspace.path / made.reference)
