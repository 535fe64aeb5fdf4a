"""The encoder that was made, as a file that the dataset keeps."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tamis.dataset.array_file import write_content
from tamis.encoders.registry import load_encoder
from tamis.errors import EncoderError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tamis.runtime.workspace import Workspace
    from tamis.services.finetune.contract import Finetune
    from tamis.training.backbone import Backbone
    from tamis.types import PixelBatch

__all__ = ["FOLDER", "keep_tuned", "require_writable"]

FOLDER: Final = "tuned"
"""Of the dataset, where tuned encoders lie."""

_LEAST_COSINE: Final = 0.999


def require_writable(backbone: Backbone) -> None:
    """Write the network as it is, so that one that cannot be written is not trained first.

    Raises:
        EncoderError: it cannot be written as a graph.
    """
    if backbone.graph_depth is None:
        with tempfile.TemporaryDirectory(prefix="tamis-tuned-") as place:
            backbone.write(Path(place) / "trial.onnx", {})


def keep_tuned(
    workspace: Workspace,
    request: Finetune,
    backbone: Backbone,
    facts: Mapping[str, str],
    sample: PixelBatch,
) -> tuple[str, str]:
    """Write the encoder, in one operation; return its spec and its file.

    Args:
        workspace: of the dataset.
        request: what was asked for.
        backbone: the network.
        facts: kept in the file: `source`, `method`, `licence`, and `why` it was kept.
        sample: pictures by which the file is compared with the network.

    Raises:
        EncoderError: one file cannot hold it, or the file gives other vectors.
        StorageError: the disk refuses.
    """
    with tempfile.TemporaryDirectory(prefix="tamis-tuned-") as place:
        draft = Path(place) / "tuned.onnx"
        backbone.write(draft, dict(facts))
        if draft.with_name(f"{draft.name}.data").exists():
            raise EncoderError("the network's weights exceed 1.9 GB, which one file cannot hold")
        made = load_encoder(f"onnx:{draft}", threads=1)
        least = float((made.embed(sample) * backbone.vectors(sample)).sum(axis=1).min())
        if least < _LEAST_COSINE:
            raise EncoderError(
                f"the file of the new encoder gives other vectors than the network (cosine "
                f"{least:.4f}); please report this"
            )
        content = draft.read_bytes()
    name = f"{FOLDER}/{facts['method']}-{made.fingerprint[:8]}.onnx"
    path = request.out or workspace.path / name
    params = {"method": facts["method"], "encoder": facts["source"]}
    spec = f"tuned:{name if request.out is None else path.absolute().as_posix()}"
    with workspace.store.operation("finetune", params, request.seed, request=request) as operation:
        write_content(path, content)
        operation.counts |= {"encoder": spec, "why": facts["why"]}
    return spec, str(path)
