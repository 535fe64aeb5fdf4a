"""A probe as one ONNX file: its encoder and its head, with probabilities already calibrated."""

from __future__ import annotations

import json
from dataclasses import asdict
from importlib.resources import files
from typing import TYPE_CHECKING, Final

import numpy as np
import onnx

from tamis.algo.joined_vectors import join_vectors
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
    from collections.abc import Sequence

    from tamis.encoders.base import Encoder
    from tamis.encoders.encoder_graph import EncoderGraph
    from tamis.encoders.fused_graph import Activation
    from tamis.runtime.workspace import Workspace
    from tamis.services.probe.contract import ExportProbe
    from tamis.services.probe.stored_probe import Learned, StoredProbe
    from tamis.verbs.feedback import Feedback

__all__ = ["export_probe"]

_TOLERANCE: Final = 1e-4
_TRIALS: Final = 8
_ACTIVATIONS: Final[dict[Learned, Activation]] = {
    "classes": "softmax",
    "labels": "sigmoid",
    "number": "none",
}


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
    columns = [workspace.vector_column(each) for each in probe.fingerprints]
    encoders = [workspace.encoders.for_column(column) for column in columns]
    graphs = [encoder_graph(one, prefix=f"encoder_{n}/") for n, one in enumerate(encoders)]
    metadata = _metadata(request.name, probe, graphs)
    content = fuse(graphs, probe.head, probe.temperature, _ACTIVATIONS[probe.learned], metadata)
    progress(1, 2)
    worst = _worst_difference(probe, encoders, graphs, content)
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
        encoders=list(probe.encoders),
        worst_difference=worst,
    )


def _metadata(name: str, probe: StoredProbe, graphs: Sequence[EncoderGraph]) -> dict[str, str]:
    code = files("tamis.encoders").joinpath("portable_prepare.py").read_text("utf-8")
    settings = [
        {**asdict(one.preprocessing), "decode_side": decode_side(one.preprocessing)}
        for one in graphs
    ]
    facts = {
        "probe": name,
        "learned": probe.learned,
        "classes": json.dumps([str(each) for each in probe.classes], ensure_ascii=False),
        "temperature": json.dumps(np.asarray(probe.temperature).tolist()),
        "source": probe.encoder,
        "source_fingerprint": ", ".join(probe.fingerprints),
        "prepare": f"{code}\n\nSETTINGS.update({json.dumps(settings[0])})\n",
    }
    if probe.thresholds is not None:
        facts["thresholds"] = json.dumps(probe.thresholds.tolist())
    if len(graphs) == 1:
        return settings_metadata(graphs[0].preprocessing, (), facts)
    facts["prepare_settings"] = json.dumps(settings)
    return {f"tamis.{key}": value for key, value in facts.items()}


def _worst_difference(
    probe: StoredProbe, encoders: Sequence[Encoder], graphs: Sequence[EncoderGraph], content: bytes
) -> float:
    """Return the most that an answer of the file differs from the probe's on made pictures.

    Numbers are compared in parts of the largest.

    Raises:
        EncoderError: they differ by more than 1e-4.
    """
    count = next((one.batch for one in graphs if one.batch is not None), _TRIALS)
    pixels = [trial_pixels(one.preprocessing, count) for one in graphs]
    vectors = [one.embed(each) for one, each in zip(encoders, pixels, strict=True)]
    wanted = probe.probabilities(join_vectors(vectors) if len(vectors) > 1 else vectors[0])
    output = "number" if probe.learned == "number" else "probabilities"
    (found,) = OnnxSession(content, threads=1).run_all(pixels, [output])
    scale = max(float(np.abs(wanted).max()), 1.0)
    worst = float(np.abs(found - wanted).max()) / scale
    if not worst <= _TOLERANCE:
        raise EncoderError(
            f"the file's answers differ by {worst:.2g} from those of the probe, more than "
            f"{_TOLERANCE:g}, so nothing was written: {probe.encoder} computes otherwise as a graph"
        )
    return worst


def _shape(value: onnx.ValueInfoProto) -> str:
    kind = value.type.tensor_type
    sizes = ", ".join(str(one.dim_param or one.dim_value) for one in kind.shape.dim)
    return f"{onnx.helper.tensor_dtype_to_np_dtype(kind.elem_type).name} [{sizes}]"
