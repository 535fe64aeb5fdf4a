"""The parts of an ONNX file besides the graph: its metadata and its external weight files."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import onnx
from google.protobuf.message import DecodeError

from tamis.errors import EncoderError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tamis.encoders.spec import EncoderSpec

__all__ = ["OnnxContent", "find_graph_file", "hash_files", "read_onnx_content"]


@dataclass(frozen=True)
class OnnxContent:
    """The content of an ONNX file.

    Attributes:
        digest: hash of the file and of its external weight files.
        metadata: its `metadata_props`.
    """

    digest: str
    metadata: Mapping[str, str]


def find_graph_file(spec: EncoderSpec, suffixes: tuple[str, ...]) -> Path:
    """Return the file that a spec names.

    Raises:
        EncoderError: it does not exist, or ends in none of `suffixes` (empty allows any).
    """
    path = Path(spec.name).expanduser()
    if not spec.name or not path.is_file():
        raise EncoderError(
            f"there is no file {spec.name!r} (looked from {Path.cwd()}); write  "
            f"{spec.kind}:path/to/net{suffixes[0] if suffixes else '.onnx'}"
        )
    if suffixes and path.suffix.lower() not in suffixes:
        raise EncoderError(f"{spec.name} is not read by {spec.kind}:, which reads {suffixes}")
    return path


def read_onnx_content(path: Path) -> OnnxContent:
    """Read an ONNX file's metadata and digest; the weights are hashed but not loaded.

    Raises:
        EncoderError: it is damaged, is not an ONNX file, or a file of its weights is missing.
    """
    try:
        model = onnx.load(path, load_external_data=False)
    except (DecodeError, ValueError, UnicodeDecodeError) as error:
        raise EncoderError(f"{path} is damaged or no ONNX file ({error}); get it again") from error
    except OSError as error:
        raise EncoderError(f"{path} cannot be read: {(error.strerror or '').lower()}") from error
    if not model.graph.node:
        raise EncoderError(f"{path} holds no graph: it is empty, damaged or no ONNX file")
    locations = sorted(set(_locations(model.graph)))
    for location in locations:
        _require_weights(path, location)
    return OnnxContent(
        digest=hash_files([path, *(path.parent / location for location in locations)]),
        metadata={entry.key: entry.value for entry in model.metadata_props},
    )


def hash_files(paths: list[Path]) -> str:
    """Return one hash of the contents of several files, in order: 32 hexadecimal digits."""
    digest = hashlib.blake2b(digest_size=16)
    for path in paths:
        with path.open("rb") as file:
            part = hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=32))
        digest.update(part.digest())
    return digest.hexdigest()


def _require_weights(path: Path, location: str) -> None:
    if Path(location).is_absolute() or ".." in Path(location).parts:
        raise EncoderError(f"{path} has weights at {location!r}, outside of its own folder")
    if not (path.parent / location).is_file():
        raise EncoderError(
            f"the weights of {path} lie in a file of their own, {location}, which is not beside "
            "it; copy both"
        )


def _locations(graph: Any) -> Iterator[str]:
    """Yield the weight files of a graph and its subgraphs."""
    tensors = list(graph.initializer)
    for node in graph.node:
        for attribute in node.attribute:
            tensors += [attribute.t, *attribute.tensors]
            for inner in (attribute.g, *attribute.graphs):
                yield from _locations(inner)
    for tensor in tensors:
        if tensor.data_location == onnx.TensorProto.EXTERNAL:
            yield from (entry.value for entry in tensor.external_data if entry.key == "location")
