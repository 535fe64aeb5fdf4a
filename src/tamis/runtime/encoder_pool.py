"""The encoders of a dataset, each loaded once."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, Final

from tamis.dataset.encoder_names import GET_TEXTS
from tamis.dataset.layout import check_dataset
from tamis.dataset.samples import Samples
from tamis.encoders import registry
from tamis.encoders.base import TextEncoder
from tamis.errors import EncoderError, TamisError, UsageError

if TYPE_CHECKING:
    from tamis.dataset.schema import VectorColumn
    from tamis.dataset.store import Store
    from tamis.encoders.base import Encoder
    from tamis.encoders.spec import EncoderSpec

__all__ = ["EncoderPool"]

_MOST_LOADED: Final = 4
_THREADS: Final = 1
_LEADS_TO_CODE: Final = ("py", "aligned")
"""Kinds whose specs name Python code, or a file that names other encoders."""

_LIE_IN_DATASETS: Final = ("aligned", "tuned")
"""Kinds whose files are looked for in the dataset's folder first."""


class EncoderPool:
    """Loads the encoders that a dataset needs and keeps them for the next call.

    Two names of one encoder with the same options share it. An encoder whose files have changed is
    loaded anew. The four used last stay in memory. Several threads may ask at once; those that want
    the same encoder wait for one load.

    Unless `threads` says otherwise, a call of an encoder uses one thread, so that one encoder
    serves a query and the workers of long work alike. `threads=None` lets each call use all
    processors, for those that call from one thread.

    Args:
        store: the dataset; files of `aligned:FILE` and `tuned:FILE` are looked for in its folder
            first, so that they are found after both were moved. None if there is none.
    """

    def __init__(self, store: Store | None = None) -> None:
        self._store = store
        self._folder = None if store is None else store.path
        self._slots: dict[_Key, _Slot] = {}
        self._change = Lock()
        self._given: dict[str, Encoder] = {}

    def load(self, spec: str = "default", **options: Any) -> Encoder:
        """Return the encoder that a spec names.

        Args:
            spec: as `tamis.encoders.registry.load_encoder` takes it.
            options: passed to the encoder's loader.

        Raises:
            TamisError: as `load_encoder`.
        """
        if spec in self._given:
            return self._given[spec]
        options = {"threads": _THREADS, **options}
        parsed = registry.full_spec(spec)
        if parsed.kind in _LIE_IN_DATASETS and self._folder is not None:
            options["folder"] = str(self._folder)
        key = (str(parsed), tuple(sorted((name, repr(value)) for name, value in options.items())))
        slot = self._slot(key)
        if parsed.kind == "aligned":
            options["load"] = self.load
        with slot.loading:
            files = _files_of(parsed, self._folder)
            if slot.encoder is None or slot.files != files:
                slot.encoder = registry.load_encoder(spec, **options)
                slot.files = files
            return slot.encoder

    def load_named_in(self, file: Path | None, spec: str, **options: Any) -> Encoder:
        """Return the encoder that a model's file names; a file from elsewhere makes no code run.

        Python code is loaded for a file that lies in a dataset, and where this pool's dataset has
        vectors of the same encoder.

        Args:
            file: the file; None if the model was made just now.
            spec: the encoder that it names.
            options: passed to the encoder's loader.

        Raises:
            EncoderError: the encoder is Python code, or may lead to some.
            TamisError: as `load_encoder`.
        """
        if (
            file is not None
            and spec not in self._given
            and registry.full_spec(spec).kind in _LEADS_TO_CODE
            and not _lies_in_a_dataset(file)
            and spec not in self._embedded()
        ):
            raise EncoderError(
                f"{file} wants {spec}, which may run Python code, and lies in no dataset: if you "
                "trust whoever made it, name a dataset (-d) that was embedded by that encoder"
            )
        return self.load(spec, **options)

    def _embedded(self) -> set[str]:
        columns = () if self._store is None else Samples(self._store).vector_columns
        return {column.spec for column in columns}

    def add(self, encoder: Encoder) -> str:
        """Keep an encoder that is loaded already, and return the spec that now means it."""
        with self._change:
            self._given[encoder.spec] = encoder
        return encoder.spec

    def release(self) -> None:
        """Forget what was loaded, so that its memory is free; the next call loads it again."""
        with self._change:
            self._slots.clear()

    def for_column(self, column: VectorColumn, **options: Any) -> Encoder:
        """Return the encoder that made a column's vectors.

        Args:
            column: whose space the vectors must lie in.
            options: passed to the encoder's loader.

        Raises:
            EncoderError: it cannot be loaded, or it is not the same any more, so that its vectors
                cannot be compared with the stored ones.
        """
        encoder = self.load(column.spec, **options)
        if encoder.fingerprint != column.fingerprint:
            raise EncoderError(
                f"{column.spec} is not the encoder any more that made the vectors in "
                f"{column.name} (fingerprint {encoder.fingerprint[:8]}, not "
                f"{column.fingerprint[:8]}): embed the pictures anew with it, or bring back the "
                "old one"
            )
        return encoder

    def for_text(self, column: VectorColumn, **options: Any) -> TextEncoder:
        """Return the encoder of a column whose space holds texts.

        Raises:
            UsageError: it reads no texts.
            EncoderError: as `for_column`.
        """
        encoder = self.for_column(column, **options)
        if not isinstance(encoder, TextEncoder):
            raise UsageError(f"{column.spec} reads no texts. {GET_TEXTS}")
        return encoder

    def _slot(self, key: _Key) -> _Slot:
        with self._change:
            slot = self._slots.pop(key, None) or _Slot()
            self._slots[key] = slot  # at the end, as the one used last
            while len(self._slots) > _MOST_LOADED:
                del self._slots[next(iter(self._slots))]
            return slot


_Key = tuple[str, tuple[tuple[str, str], ...]]
_Files = tuple[tuple[str, int, int], ...]


@dataclass
class _Slot:
    loading: Lock = field(default_factory=Lock)
    encoder: Encoder | None = None
    files: _Files = ()


def _lies_in_a_dataset(file: Path) -> bool:
    for folder in file.resolve().parents:
        with suppress(TamisError):  # none, or none that this version can use
            check_dataset(folder)
            return True
    return False


def _files_of(spec: EncoderSpec, folder: Path | None) -> _Files:
    """Return the files that a spec names, with their times of change and sizes."""
    found: list[Path] = []
    for name in (spec.name, spec.name.rpartition(":")[0], *spec.options.values()):
        path = Path(name).expanduser() if name else None
        if path is None:
            continue
        if folder is not None and spec.kind in _LIE_IN_DATASETS and (folder / path).is_file():
            path = folder / path
        found += sorted(path.iterdir()) if path.is_dir() else [path]
    return tuple(
        (str(path.absolute()), status.st_mtime_ns, status.st_size)
        for path in found
        if path.is_file() and (status := path.stat())
    )
