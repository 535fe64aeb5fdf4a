"""What became of the export of an encoder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tamis.algo.fidelity import Fidelity
from tamis.services.encoders.contract import Precision, Runtime
from tamis.types import Failure
from tamis.verbs.result import Result

__all__ = ["EncoderExport"]


@dataclass(frozen=True, kw_only=True, repr=False)
class EncoderExport(Result):
    """What became of an export, and how well the file stands in for its source.

    Attributes:
        spec: the name that loads the file.
        source: the encoder that it was made of.
        kept: whether the file stands in well enough; if not, nothing was written.
        files: what was written.
        runtime: `onnx` or `openvino`.
        precision: `float32` or `int8`.
        fingerprint: the file's, other than its source's: their vectors are never mixed.
        dim: length of a vector.
        feature_levels: its feature maps.
        fidelity: how alike vectors of both are, on `pictures`.
        pictures: how many it was measured on.
        calibration_pictures: how many 8-bit ranges were measured on; 0 for float32.
        pictures_per_second: speed of the file, of inference alone.
        source_pictures_per_second: speed of its source, on the same pictures.
        failed: pictures that could not be read.
    """

    spec: str
    source: str
    kept: bool
    files: Sequence[Path]
    runtime: Runtime
    precision: Precision
    fingerprint: str
    dim: int
    feature_levels: Sequence[str]
    fidelity: Fidelity
    pictures: int
    calibration_pictures: int
    pictures_per_second: float
    source_pictures_per_second: float
    failed: Sequence[Failure] = ()
