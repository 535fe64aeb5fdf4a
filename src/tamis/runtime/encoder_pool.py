"""The encoders of a dataset, each loaded once."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, Final

from tamis.dataset.encoder_names import GET_TEXTS
from tamis.encoders import registry
from tamis.encoders.base import TextEncoder
from tamis.errors import EncoderError, TamisError, UsageError

if TYPE_CHECKING:
    from tamis.dataset.schema import VectorColumn
    from tamis.dataset.store import Store
    from tamis.encoders.base import Encoder
    from tamis.encoders.spec import EncoderSpec

__all__ = ["TRUST_CODE", "EncoderPool"]

_MOST_LOADED: Final = 4
_THREADS: Final = 1
TRUST_CODE: Final = "TAMIS_TRUST_CODE"
"""The variable of the environment that, at 1, lets code run that only a file or dataset names."""

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
        self._trusted: set[str] = set()

    def trust(self, spec: str) -> None:
        """Let the Python code that a spec names run: a person, not a file, has named it."""
        with suppress(TamisError):  # what is no spec is said by whoever loads it
            self._trusted.add(str(registry.full_spec(spec)))

    def load(self, spec: str = "default", **options: Any) -> Encoder:
        """Return the encoder that a spec names.

        Args:
            spec: as `tamis.encoders.registry.load_encoder` takes it; a person has named it.
            options: passed to the encoder's loader.

        Raises:
            TamisError: as `load_encoder`.
        """
        return self._load(spec, options, load=self.load)

    def _load_told(self, told_by: str, spec: str, options: dict[str, Any]) -> Encoder:
        """Load an encoder that a file or dataset names, which may come from anyone."""

        def load_inner(inner: str, **inner_options: Any) -> Encoder:
            return self._load_told(told_by, inner, inner_options)

        trusted = spec in self._given or str(registry.full_spec(spec)) in self._trusted
        if trusted or os.environ.get(TRUST_CODE) == "1":
            return self.load(spec, **options)
        if registry.full_spec(spec).kind == "py":
            raise EncoderError(
                f"{spec}, named by {told_by}, is Python code that would run with your rights; if "
                "you trust whoever made both, name the encoder yourself, or set "
                f"{TRUST_CODE}=1 for all code that files name"
            )
        return self._load(spec, options, load=load_inner)

    def _load(self, spec: str, options: dict[str, Any], load: Any) -> Encoder:
        if spec in self._given:
            return self._given[spec]
        options = {"threads": _THREADS, **options}
        parsed = registry.full_spec(spec)
        if parsed.kind in _LIE_IN_DATASETS and self._folder is not None:
            options["folder"] = str(self._folder)
        key = (str(parsed), tuple(sorted((name, repr(value)) for name, value in options.items())))
        slot = self._slot(key)
        if parsed.kind == "aligned":
            options["load"] = load
        with slot.loading:
            files = _files_of(parsed, self._folder)
            if slot.encoder is None or slot.files != files:
                slot.encoder = registry.load_encoder(spec, **options)
                slot.files = files
            return slot.encoder

    def load_named_in(self, file: Path | None, spec: str, **options: Any) -> Encoder:
        """Return the encoder that a model's file names; a file by itself makes no code run.

        Python code is loaded only if a person has named it, or trusts all code.

        Args:
            file: the file; None if the model was made just now.
            spec: the encoder that it names.
            options: passed to the encoder's loader.

        Raises:
            EncoderError: the encoder is Python code, or leads to some.
            TamisError: as `load_encoder`.
        """
        if file is None:
            return self.load(spec, **options)
        return self._load_told(str(file), spec, options)

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
            EncoderError: it cannot be loaded, it is not the same any more, so that its vectors
                cannot be compared with the stored ones, or it is Python code that the dataset names
                and nobody else.
        """
        encoder = self._load_told(f"the vectors in {column.name}", column.spec, options)
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
