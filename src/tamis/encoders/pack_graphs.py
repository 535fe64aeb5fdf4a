"""The parts of a packed encoder that PyTorch has to write: its graphs and its tokenizer."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import onnx_ir
import torch

from tamis.encoders.export_graph import cleaned, export_graph, quietly, reason_of
from tamis.errors import EncoderError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tamis.encoders.torch_encoder import TextGraph, TorchModel
    from tamis.types import Preprocessing

__all__ = ["picture_graph", "text_graph", "tokenizer_json"]

_OPSET = 18


def picture_graph(
    model: TorchModel, preprocessing: Preprocessing, metadata: Mapping[str, str]
) -> bytes:
    """Return the graph that takes pictures, as `export_graph` writes it.

    Raises:
        EncoderError: a graph cannot express the network, or its weights exceed 1.9 GB.
    """
    with tempfile.TemporaryDirectory(prefix="tamis-pack-") as place:
        path = Path(place) / "pictures.onnx"
        export_graph(model, preprocessing, metadata, path)
        if len(list(path.parent.iterdir())) > 1:
            raise EncoderError("weights of more than 1.9 GB cannot be packed into one file")
        return path.read_bytes()


def text_graph(texts: TextGraph) -> bytes:
    """Return the graph that takes tokens `[T, L]` and a mask, and gives features `[T, D]`.

    Raises:
        EncoderError: a graph cannot express the text tower.
    """
    length = texts.max_length
    tokens = torch.ones((2, length), dtype=torch.int64, device=texts.device)
    given = (tokens, torch.ones_like(tokens))[: 2 if texts.masked else 1]
    names = ["tokens", "mask"][: len(given)]
    with tempfile.TemporaryDirectory(prefix="tamis-pack-") as place:
        path = Path(place) / "texts.onnx"
        try:
            with quietly(), torch.no_grad():
                program = torch.onnx.export(
                    _Tower(texts).eval(),
                    given,
                    dynamo=True,
                    verbose=False,
                    opset_version=_OPSET,
                    input_names=names,
                    output_names=["embedding"],
                    dynamic_shapes={name: {0: "batch"} for name in names},
                )
                onnx_ir.save(cleaned(program.model), path)
        except Exception as error:  # tracing a network can raise anything
            raise EncoderError(
                f"the text tower cannot be written as an ONNX graph: {reason_of(error)}"
            ) from error
        return path.read_bytes()


class _Tower(torch.nn.Module):  # type: ignore[misc]  # mypy does not look into torch
    """Computes the features of texts from their tokens."""

    def __init__(self, texts: TextGraph) -> None:
        super().__init__()
        self.network = texts.module
        self._texts = texts

    def forward(self, tokens: torch.Tensor, mask: torch.Tensor | None = None) -> torch.Tensor:
        return self._texts.features(tokens, mask)


def tokenizer_json(texts: TextGraph) -> tuple[bytes, dict[str, Any]]:
    """Return the tokenizer as JSON, and how its tokens are padded.

    Raises:
        EncoderError: it has no form that the package tokenizers reads.
    """
    tokenizer = texts.tokenizer()
    fast = getattr(tokenizer, "backend_tokenizer", None)
    if fast is None:
        raise EncoderError(
            f"the tokenizer {type(tokenizer).__name__} has no form that the package tokenizers "
            "reads, so its texts cannot be packed"
        )
    settings = {
        "max_length": texts.max_length,
        "lower": texts.lower,
        "pad_id": int(tokenizer.pad_token_id or 0),
        "pad_token": str(tokenizer.pad_token or "[PAD]"),
    }
    return fast.to_str().encode("utf-8"), settings
