"""Packed encoders: one file with graphs, tokenizer, preprocessing, license and reference vectors.

The file is a zip archive: `encoder.json`, `pictures.onnx`, `reference.npz`, and for an encoder that
reads texts `texts.onnx` and `tokenizer.json`. It needs ONNX Runtime, and for texts the package
tokenizers; PyTorch and a network are not needed.
"""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from tamis.algo.unit_vectors import normalise_rows
from tamis.encoders.base import fingerprint_of
from tamis.encoders.graph_encoder import GraphEncoder, GraphMapEncoder
from tamis.encoders.graph_settings import read_settings
from tamis.encoders.onnx_session import OnnxSession
from tamis.encoders.spec import EncoderSpec, convert_options
from tamis.errors import EncoderError, MissingExtraError, OutOfMemoryError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tamis.encoders.base import Encoder
    from tamis.types import Vectors

__all__ = ["FORMAT", "LEAST_COSINE", "PACK_SUFFIX", "load_packed", "text_session"]

FORMAT: Final = 1
PACK_SUFFIX: Final = ".pack"
LEAST_COSINE: Final = 0.999
"""Between a reference vector and what the file gives here; rounding costs far less."""

_DIGITS: Final = 32


def load_packed(spec: EncoderSpec, **options: Any) -> Encoder:
    """Load a packed encoder, and check it against the reference vectors in the file.

    Args:
        spec: `pack:FILE`. Options: `threads`, `device` (`cpu`, `cuda`).
        options: the same options as keyword arguments.

    Raises:
        EncoderError: the file is missing, damaged or of a later format, or its vectors here are
            not those of the machine that wrote it.
        MissingExtraError: it reads texts, and tokenizers is not installed.
    """
    chosen = convert_options(spec, {"threads": int, "device": str}, options)
    content = _read(Path(spec.name).expanduser(), spec)
    facts: Mapping[str, Any] = json.loads(content["encoder.json"])
    if facts["format"] > FORMAT:
        raise EncoderError(f"{spec} was written by a later tamis; update this one")
    session = OnnxSession(content["pictures.onnx"], spec=str(spec), **chosen)
    settings = read_settings(spec, session.facts, {})
    names = [name for name in sorted(content) if name.endswith((".onnx", "tokenizer.json"))]
    fingerprint = fingerprint_of(
        {name: hashlib.sha256(content[name]).hexdigest() for name in names}
        | {"texts": facts["texts"]}
    )
    if facts["texts"] is None:
        kind: Any = GraphMapEncoder if settings.maps else GraphEncoder
    else:
        kind = PackedMaps if settings.maps else PackedTexts
    encoder: Any = kind(str(spec), fingerprint, settings, session)
    if facts["texts"] is not None:
        encoder.tower = _TextTower(spec, content, facts["texts"], chosen)
        encoder.logit_scale = facts["logit_scale"]
    _check(encoder, spec, content["reference.npz"], facts)
    found: Encoder = encoder
    return found


def text_session(graph: bytes, threads: int | None = None) -> Any:
    """Return a session of ONNX Runtime for a text tower."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads or 0
    options.use_deterministic_compute = True
    options.log_severity_level = 4
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])


class _TextTower:
    """Tokens by the tokenizer in the file, features by its graph."""

    def __init__(
        self,
        spec: EncoderSpec,
        content: Mapping[str, bytes],
        settings: Mapping[str, Any],
        chosen: Mapping[str, Any],
    ) -> None:
        try:
            from tokenizers import Tokenizer
        except ModuleNotFoundError as error:
            raise MissingExtraError(f"the texts of {spec}", "concepts") from error
        self._lower = bool(settings["lower"])
        self._session = text_session(content["texts.onnx"], chosen.get("threads"))
        self._inputs = [value.name for value in self._session.get_inputs()]
        self._tokenizer = Tokenizer.from_str(content["tokenizer.json"].decode("utf-8"))
        length = int(settings["max_length"])
        self._tokenizer.enable_truncation(length)
        self._tokenizer.enable_padding(
            length=length, pad_id=settings["pad_id"], pad_token=settings["pad_token"]
        )

    def vectors(self, texts: Sequence[str], dim: int) -> Vectors:
        """Return `[T, D]` float32 unit vectors; each text is run by itself."""
        features = np.empty((len(texts), dim), np.float32)
        for row, text in enumerate(texts):
            tokens = self._tokenizer.encode(text.lower() if self._lower else text)
            given = {
                "tokens": np.array([tokens.ids], np.int64),
                "mask": np.array([tokens.attention_mask], np.int64),
            }
            try:
                (found,) = self._session.run(None, {name: given[name] for name in self._inputs})
            except MemoryError as error:
                raise OutOfMemoryError("the text tower", "cpu") from error
            features[row] = found[0]
        return normalise_rows(features)


class PackedTexts(GraphEncoder):
    """A packed encoder that reads texts."""

    tower: _TextTower
    logit_scale: float | None

    def embed_text(self, texts: Sequence[str]) -> Vectors:
        """Return `[T, dim]` float32 unit vectors of texts, in the space of the pictures."""
        return self.tower.vectors(texts, self.dim)


class PackedMaps(GraphMapEncoder, PackedTexts):
    """A packed encoder that reads texts and has feature maps."""


def _read(path: Path, spec: EncoderSpec) -> dict[str, bytes]:
    try:
        with zipfile.ZipFile(path) as archive:
            return {name: archive.read(name) for name in archive.namelist()}
    except FileNotFoundError as error:
        raise EncoderError(f"{spec}: there is no file {path}") from error
    except (OSError, zipfile.BadZipFile) as error:
        raise EncoderError(
            f"{spec} is no packed encoder, or damaged ({error}); copy it again, or write it with  "
            "tamis encoders pack"
        ) from error


def _check(encoder: Any, spec: EncoderSpec, reference: bytes, facts: Mapping[str, Any]) -> None:
    """Refuse a file whose vectors here are not those that it holds."""
    with np.load(io.BytesIO(reference), allow_pickle=False) as stored:
        pairs = [("pictures", encoder.embed(stored["pixels"]), stored["pictures"])]
        if facts["texts"] is not None:
            texts = encoder.embed_text(facts["reference_texts"])
            pairs.append(("texts", texts, stored["texts"]))
    for what, found, wanted in pairs:
        worst = float((found * wanted).sum(axis=1).min())
        if not worst >= LEAST_COSINE:
            raise EncoderError(
                f"{spec} gives other vectors of {what} here than where it was written (cosine "
                f"{worst:.4f} at worst, at least {LEAST_COSINE:g} expected): update onnxruntime, "
                "or write the file again"
            )
