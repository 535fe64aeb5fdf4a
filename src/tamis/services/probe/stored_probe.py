"""A probe as a file of the dataset: arrays that NumPy reads, and nothing executable."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from scipy.special import softmax

from tamis.algo.probe import LinearHead, NeighborHead, NetworkHead
from tamis.algo.unit_vectors import unit_vectors
from tamis.dataset.array_file import packed, unpacked
from tamis.dataset.operations import ProbeAdapted, ProbeTrained, told
from tamis.dataset.storage import LocalStorage
from tamis.dataset.storage_errors import storage_guard
from tamis.errors import InputError, UsageError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tamis.algo.probe import Head
    from tamis.runtime.workspace import Workspace
    from tamis.types import Vectors

__all__ = ["StoredProbe", "find_probe"]

_FOLDER: Final = "probes"
_FORMAT: Final = 1
_HEADS: Final[dict[str, Any]] = {
    "linear": LinearHead,
    "network": NetworkHead,
    "neighbors": NeighborHead,
}
_HEAD: Final = "head_"


@dataclass(frozen=True)
class StoredProbe:
    """A classifier that can be stored.

    Attributes:
        classes: `[K]` names.
        head: gives logits.
        temperature: divides them.
        encoder: spec of the encoder of its vectors.
        fingerprint: of the encoder.
    """

    classes: NDArray[np.str_]
    head: Head
    temperature: float
    encoder: str
    fingerprint: str

    def probabilities(self, vectors: Vectors) -> NDArray[np.float64]:
        """Return `[N, K]` for unit vectors `[N, D]`."""
        found: NDArray[np.float64] = softmax(
            self.head.logits(unit_vectors(vectors)) / self.temperature, axis=1
        )
        return found

    def write(self, workspace: Workspace, name: str) -> str:
        """Write it, named by its content so that an undo finds the one before, and return where.

        Raises:
            StorageError: the disk refuses.
        """
        content = self._content()
        digest = hashlib.blake2b(content, digest_size=8).hexdigest()
        folder = workspace.path / _FOLDER
        with storage_guard(folder, "write"):
            folder.mkdir(exist_ok=True)
            LocalStorage(folder).put(f"{name}-{digest}.npz", content)
        return f"{_FOLDER}/{name}-{digest}.npz"

    def _content(self) -> bytes:
        kind = next(kind for kind, of in _HEADS.items() if isinstance(self.head, of))
        about = {
            "format": _FORMAT,
            "head": kind,
            "temperature": self.temperature,
            "encoder": self.encoder,
            "fingerprint": self.fingerprint,
        }
        parts = {one.name: getattr(self.head, one.name) for one in fields(_HEADS[kind])}
        arrays = {
            _HEAD + name: np.asarray(part) for name, part in parts.items() if part is not None
        }
        return packed({**arrays, "classes": self.classes, "about": np.array(json.dumps(about))})


def find_probe(workspace: Workspace, name: str) -> StoredProbe:
    """Read the probe that the last `probe train` or `drift adapt` of a name made.

    Raises:
        UsageError: the dataset has none of the name.
        InputError: its file is missing, damaged, or of a later tamis.
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
    try:
        arrays = unpacked(path)
        about = json.loads(str(arrays["about"]))
        if about["format"] != _FORMAT:
            raise InputError(f"{path} was written by a later tamis: update, or train it again")
        head = {
            key.removeprefix(_HEAD): array for key, array in arrays.items() if key.startswith(_HEAD)
        }
        if "k" in head:
            head["k"] = int(head["k"])  # type: ignore[assignment]
        return StoredProbe(
            arrays["classes"],
            _HEADS[about["head"]](**head),
            float(about["temperature"]),
            about["encoder"],
            about["fingerprint"],
        )
    except FileNotFoundError:
        raise InputError(f"{path} is missing: train the probe again") from None
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path} is no probe, or damaged: train it again") from error
