"""A probe as one ONNX file: its encoder and its head, with probabilities already calibrated."""

from __future__ import annotations

import json
from dataclasses import asdict
from importlib.resources import files
from typing import TYPE_CHECKING, Final

import numpy as np
import onnx

from tamis.encoders.encoder_graph import encoder_graph
from tamis.encoders.fused_graph import fuse
from tamis.encoders.graph_settings import settings_metadata
from tamis.encoders.onnx_session import OnnxSession
from tamis.encoders.preprocess import decode_side
from tamis.encoders.trial_pictures import trial_pixels
from tamis.errors import EncoderError
from tamis.formats.exports.destination import new_file
from tamis.services.probe.contract import ProbeFile
from tamis.services.probe.stored_probe import find_probe
from tamis.verbs.feedback import SILENT

if TYPE_CHECKING:
    from tamis.encoders.base import Encoder
    from tamis.encoders.encoder_graph import EncoderGraph
    from tamis.runtime.workspace import Workspace
    from tamis.services.probe.contract import ExportProbe
    from tamis.services.probe.stored_probe import StoredProbe
    from tamis.types import Preprocessing
    from tamis.verbs.feedback import Feedback

__all__ = ["export_probe"]

_TOLERANCE: Final = 1e-4
_TRIALS: Final = 8


def export_probe(
    workspace: Workspace, request: ExportProbe, feedback: Feedback = SILENT
) -> ProbeFile:
    """Write a probe and its encoder as one ONNX file, and compare both on made pictures.

    The file appears only if its answers are those of the probe to 1e-4. It takes prepared pictures
    `[B, H, W, 3]` uint8 and normalizes them itself; how they are prepared is in its metadata, also
    as Python code for Pillow. The same probe gives the same bytes.

    Raises:
        UsageError: there is no such probe, the file exists, or the encoder has no graph.
        EncoderError: the encoder has changed, or the file gives other answers.
        MissingExtraError: PyTorch runs the encoder, and onnxscript is not installed.
        StorageError: the disk refuses.
    """
    progress = feedback.stage("export")
    progress(0, 2)
    probe = find_probe(workspace, request.name)
    encoder = workspace.encoders.for_column(workspace.vector_column(probe.fingerprint))
    graph = encoder_graph(encoder)
    metadata = _metadata(request.name, probe, graph.preprocessing)
    content = fuse([graph], probe.head, probe.temperature, "softmax", metadata)
    progress(1, 2)
    worst = _worst_difference(probe, encoder, graph, content)
    with new_file(request.out, overwrite=request.overwrite) as draft:
        draft.write_bytes(content)
    progress(2, 2)
    described = onnx.load_from_string(content).graph
    return ProbeFile(
        name=request.name,
        file=request.out,
        bytes=len(content),
        classes=[str(name) for name in probe.classes],
        inputs={one.name: _shape(one) for one in described.input},
        outputs={one.name: _shape(one) for one in described.output},
        encoders=[probe.encoder],
        worst_difference=worst,
    )


def _metadata(name: str, probe: StoredProbe, preprocessing: Preprocessing) -> dict[str, str]:
    settings = {**asdict(preprocessing), "decode_side": decode_side(preprocessing)}
    code = files("tamis.encoders").joinpath("portable_prepare.py").read_text("utf-8")
    facts = {
        "probe": name,
        "classes": json.dumps([str(each) for each in probe.classes], ensure_ascii=False),
        "temperature": repr(float(probe.temperature)),
        "source": probe.encoder,
        "source_fingerprint": probe.fingerprint,
        "prepare": f"{code}\n\nSETTINGS.update({json.dumps(settings)})\n",
    }
    return settings_metadata(preprocessing, (), facts)


def _worst_difference(
    probe: StoredProbe, encoder: Encoder, graph: EncoderGraph, content: bytes
) -> float:
    """Compare the file's answers with the probe's on made pictures; refuse another class.

    Raises:
        EncoderError: they differ by more than 1e-4.
    """
    count = graph.batch or _TRIALS
    pixels = trial_pixels(graph.preprocessing, count)
    wanted = probe.probabilities(encoder.embed(pixels))
    (found,) = OnnxSession(content, threads=1).run(pixels, ["probabilities"])
    worst = float(np.abs(found - wanted).max())
    if not worst <= _TOLERANCE:
        raise EncoderError(
            f"the file's probabilities differ by {worst:.2g} from those of the probe, more than "
            f"{_TOLERANCE:g}, so nothing was written: {probe.encoder} computes otherwise as a graph"
        )
    return worst


def _shape(value: onnx.ValueInfoProto) -> str:
    kind = value.type.tensor_type
    sizes = ", ".join(str(one.dim_param or one.dim_value) for one in kind.shape.dim)
    return f"{onnx.helper.tensor_dtype_to_np_dtype(kind.elem_type).name} [{sizes}]"
