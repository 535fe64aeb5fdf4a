"""Encoders that `tamis finetune` made: an ONNX file in a dataset, with which it moves."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from tamis.encoders.onnx_file import load_onnx_file
from tamis.encoders.spec import EncoderSpec
from tamis.errors import EncoderError

if TYPE_CHECKING:
    from tamis.encoders.base import Encoder

__all__ = ["load_tuned"]


def load_tuned(spec: EncoderSpec, *, folder: str | None = None, **options: Any) -> Encoder:
    """Load an encoder that `tamis finetune` wrote; it needs no PyTorch.

    Args:
        spec: `tuned:FILE`.
        folder: where a relative FILE is looked for before the working directory: the dataset's.
        options: as `load_onnx_file` takes them.

    Raises:
        EncoderError: the file is missing or damaged.
        UsageError: an option is unknown.
    """
    path = Path(spec.name).expanduser()
    if folder is not None and (Path(folder) / path).is_file():
        path = Path(folder) / path
    if not path.is_file():
        raise EncoderError(
            f"there is no tuned encoder {path}; bring it back, name the dataset it lies in (-d), "
            "or make it anew with  tamis finetune"
        )
    encoder = load_onnx_file(EncoderSpec("onnx", str(path), spec.options), **options)
    encoder.spec, encoder.file = str(spec), path  # type: ignore[attr-defined, misc]
    return encoder
