"""A probe as a file of the dataset: arrays that NumPy reads, and nothing executable."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

import numpy as np
from scipy.special import expit, softmax

from tamis.algo.probe import LinearHead, NeighborHead, NetworkHead
from tamis.algo.unit_vectors import unit_vectors
from tamis.dataset.array_file import (
    described,
    name_by_content,
    packed,
    read_described,
    write_content,
)
from tamis.dataset.log_reading import told
from tamis.dataset.operations import ProbeAdapted, ProbeTrained
from tamis.errors import InputError, UsageError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tamis.algo.probe import Head
    from tamis.runtime.workspace import Workspace
    from tamis.types import Vectors

__all__ = ["Learned", "StoredProbe", "find_probe"]

Learned: TypeAlias = Literal["classes", "labels", "number"]

_FOLDER: Final = "probes"
_FORMAT: Final = 2
_AGAIN: Final = "train it again"
_HEADS: Final[dict[str, Any]] = {
    "linear": LinearHead,
    "network": NetworkHead,
    "neighbors": NeighborHead,
}
_HEAD: Final = "head_"


@dataclass(frozen=True)
class StoredProbe:
    """A probe that can be stored.

    Attributes:
        classes: `[K]` names; of a number, the name of its column.
        head: gives logits, or the number.
        temperature: divides them; a number, or `[K]`.
        encoders: specs of the encoders of its vectors.
        fingerprints: of the encoders.
        learned: `classes`, of which a picture has one; `labels`, of which it may have several; or
            a `number`.
        thresholds: `[K]` probabilities from which a label is given; None unless `labels`.
    """

    classes: NDArray[np.str_]
    head: Head
    temperature: float | NDArray[np.float64]
    encoders: tuple[str, ...]
    fingerprints: tuple[str, ...]
    learned: Learned = "classes"
    thresholds: NDArray[np.float64] | None = None

    @property
    def encoder(self) -> str:
        """Specs of its encoders, as one text."""
        return ", ".join(self.encoders)

    def probabilities(self, vectors: Vectors) -> NDArray[np.float64]:
        """Return `[N, K]` for unit vectors `[N, D]`; of a number, `[N, 1]` the number itself."""
        logits = self.head.logits(unit_vectors(vectors)) / self.temperature
        if self.learned == "number":
            return logits
        found: NDArray[np.float64] = (
            softmax(logits, axis=1) if self.learned == "classes" else expit(logits)
        )
        return found

    def write(self, workspace: Workspace, name: str) -> str:
        """Write it, named by its content so that an undo finds the one before, and return where.

        Raises:
            StorageError: the disk refuses.
        """
        content = self._content()
        file = f"{_FOLDER}/{name}-{name_by_content(content)}"
        write_content(workspace.path / file, content)
        return file

    def _content(self) -> bytes:
        kind = next(kind for kind, of in _HEADS.items() if isinstance(self.head, of))
        about = {
            "format": _FORMAT,
            "head": kind,
            "encoders": self.encoders,
            "fingerprints": self.fingerprints,
            "learned": self.learned,
        }
        parts = {one.name: getattr(self.head, one.name) for one in fields(_HEADS[kind])}
        arrays = {
            _HEAD + name: np.asarray(part) for name, part in parts.items() if part is not None
        }
        if self.thresholds is not None:
            arrays["thresholds"] = self.thresholds
        return packed(
            {
                **arrays,
                "classes": self.classes,
                "temperature": np.asarray(self.temperature, np.float64),
                "about": described(about),
            }
        )


def find_probe(workspace: Workspace, name: str) -> StoredProbe:
    """Read the probe that the last `probe train` or `drift adapt` of a name made.

    Raises:
        UsageError: the dataset has none of the name.
        InputError: its file is missing, damaged, or of another tamis.
    """
    made = [
        known
        for entry in workspace.store.log()
        if entry.state != "undone"
        and (known := told(entry, ProbeTrained) or told(entry, ProbeAdapted))
    ]
    files = {known.name: known.file for known in made}
    if name not in files:
        others = f"; there are {', '.join(sorted(files))}" if files else ""
        raise UsageError(
            f"the dataset has no probe {name!r}{others}: run  tamis probe train --name {name}"
        )
    path = workspace.path / files[name]
    arrays, about = read_described(path, "probe", _FORMAT, again=_AGAIN)
    try:
        head = {
            key.removeprefix(_HEAD): array for key, array in arrays.items() if key.startswith(_HEAD)
        }
        if "k" in head:
            head["k"] = int(head["k"])  # type: ignore[assignment]
        temperature = arrays["temperature"]
        return StoredProbe(
            arrays["classes"],
            _HEADS[about["head"]](**head),
            temperature if temperature.ndim else float(temperature),
            tuple(about["encoders"]),
            tuple(about["fingerprints"]),
            about["learned"],
            arrays.get("thresholds"),
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(f"{path} is a damaged probe: {_AGAIN}") from error
