"""Encoders made of two others: pictures by one and a linear map, text by the other."""

from __future__ import annotations

import hashlib
import io
import json
import os
import uuid
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from tamis.algo.alignment import LinearMap
from tamis.encoders.base import TextEncoder, fingerprint_of
from tamis.encoders.spec import EncoderSpec, convert_options
from tamis.errors import EncoderError, StorageError
from tamis.outside_arrays import read_arrays
from tamis.types import Preprocessing

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from tamis.encoders.base import Encoder
    from tamis.types import PixelBatch, Vectors

__all__ = ["AlignedEncoder", "AlignedMap", "load_aligned", "read_map", "write_map"]

_OPTIONS: Final[Mapping[str, Any]] = {"folder": str, "threads": int, "device": str}
_FORMAT: Final = 1


@dataclass(frozen=True)
class AlignedMap:
    """A linear map between two encoders' spaces, as stored in a file.

    Attributes:
        linear: the map, from D to E numbers.
        source: spec of the encoder whose vectors are mapped.
        source_fingerprint: its fingerprint.
        target: spec of the encoder that reads text.
        target_fingerprint: its fingerprint.
        preprocessing: of the source encoder.
        logit_scale: of the target encoder; None if it has none.
        caveat: a sentence on how reliable the results are.
    """

    linear: LinearMap
    source: str
    source_fingerprint: str
    target: str
    target_fingerprint: str
    preprocessing: Preprocessing
    logit_scale: float | None
    caveat: str

    @property
    def fingerprint(self) -> str:
        """Hash of everything that affects a vector: the map and both encoders."""
        digest = hashlib.blake2b(digest_size=16)
        for array in (self.linear.weights, self.linear.offset):
            digest.update(f"{array.shape}".encode() + np.ascontiguousarray(array, "<f4").tobytes())
        return fingerprint_of(
            {
                "map": digest.hexdigest(),
                "source": self.source_fingerprint,
                "target": self.target_fingerprint,
            }
        )


def write_map(path: Path, aligned: AlignedMap) -> None:
    """Write a map to a file, atomically.

    Raises:
        StorageError: writing failed.
    """
    facts = asdict(aligned)
    arrays = {name: facts["linear"].pop(name) for name in ("weights", "offset")}
    content = io.BytesIO()
    np.savez(content, facts=np.array(json.dumps({"format": _FORMAT, **facts})), **arrays)
    draft = path.with_name(f".{path.name}.{uuid.uuid4().hex}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with draft.open("wb") as file:
            file.write(content.getbuffer())
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except OSError as error:
        with suppress(OSError):
            draft.unlink(missing_ok=True)
        raise StorageError(f"cannot write the map {path}: {error.strerror}") from error


def read_map(path: Path) -> AlignedMap:
    """Read a map.

    Raises:
        EncoderError: the file does not exist, or is not a map that this version can read.
    """
    try:
        arrays = read_arrays(path.read_bytes())
        facts = json.loads(str(arrays["facts"]))
        if facts.pop("format") != _FORMAT:
            raise EncoderError(f"{path} was written by a later version of tamis; upgrade it")
        stored: dict[str, Any] = facts.pop("preprocessing")
        listed: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value
            for name, value in stored.items()
        }
        return AlignedMap(
            linear=LinearMap(arrays["weights"], arrays["offset"], **facts.pop("linear")),
            preprocessing=Preprocessing(**listed),
            **facts,
        )
    except FileNotFoundError as error:
        raise EncoderError(
            f"there is no map {path}; bring it back, or learn it anew with  tamis align"
        ) from error
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise EncoderError(
            f"{path} is no map of tamis, or it is damaged ({error}); learn it anew with  "
            "tamis align"
        ) from error


def load_aligned(
    spec: EncoderSpec, *, load: Callable[..., Encoder] | None = None, **options: Any
) -> Encoder:
    """Load a map that `tamis align` wrote; its two encoders are loaded when first needed.

    Args:
        spec: `aligned:FILE`. Options: `folder` (where a relative FILE is looked for before the
            working directory: the dataset's folder), `threads`, `device` (passed to the encoders).
        load: loads the two encoders by spec and options; `load_encoder` by default.
        options: the same options as keyword arguments.

    Raises:
        EncoderError: the file is missing or damaged.
        UsageError: an option is unknown.
    """
    chosen = convert_options(spec, _OPTIONS, options)
    folder = chosen.pop("folder", None)
    path = Path(spec.name).expanduser()
    if folder is not None and (Path(folder) / path).is_file():
        path = Path(folder) / path
    return AlignedEncoder(f"{spec.kind}:{spec.name}", read_map(path), chosen, load)


class AlignedEncoder:
    """Embeds pictures by one encoder and a map, text by another; made by `load_aligned`.

    Args:
        spec: the spec that loads this encoder again.
        aligned: the map.
        options: options for loading the two encoders.
        load: loads them by spec and options; `load_encoder` by default.
    """

    def __init__(
        self,
        spec: str,
        aligned: AlignedMap,
        options: Mapping[str, Any],
        load: Callable[..., Encoder] | None = None,
    ) -> None:
        self.spec = spec
        self.fingerprint = aligned.fingerprint
        self.dim = int(aligned.linear.weights.shape[1])
        self.preprocessing = aligned.preprocessing
        self.logit_scale = aligned.logit_scale
        self.caveat = aligned.caveat
        self.linear = aligned.linear
        self._map = aligned
        self._options = dict(options)
        self._load = load
        self._loaded: dict[str, Encoder] = {}
        self._lock = Lock()

    def embed(self, pixels: PixelBatch) -> Vectors:
        """Return `[B, dim]` float32 unit vectors of pictures prepared for the source encoder.

        Raises:
            EncoderError: the source encoder cannot be loaded or has changed.
        """
        return self.linear.apply(self.source().embed(pixels))

    def source(self) -> Encoder:
        """Return the encoder whose vectors are mapped.

        Raises:
            EncoderError: it cannot be loaded or has changed.
        """
        return self._encoder(self._map.source, self._map.source_fingerprint)

    def embed_text(self, texts: Sequence[str]) -> Vectors:
        """Return `[T, dim]` float32 unit vectors of texts, by the target encoder.

        Raises:
            EncoderError: the target encoder cannot be loaded or has changed.
        """
        target = self._encoder(self._map.target, self._map.target_fingerprint)
        if not isinstance(target, TextEncoder):
            raise EncoderError(f"{self._map.target} reads no texts any more")
        return target.embed_text(texts)

    def _encoder(self, spec: str, fingerprint: str) -> Encoder:
        from tamis.encoders.registry import load_encoder

        with self._lock:
            if spec not in self._loaded:
                encoder = (self._load or load_encoder)(spec, **self._options)
                if encoder.fingerprint != fingerprint:
                    raise EncoderError(
                        f"{spec} is not the encoder any more that {self.spec} was learned with "
                        f"(fingerprint {encoder.fingerprint[:8]}, not {fingerprint[:8]}): bring "
                        "back the old one, or learn the map anew with  tamis align"
                    )
                self._loaded[spec] = encoder
            return self._loaded[spec]
