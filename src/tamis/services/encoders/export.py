"""Export a PyTorch encoder to a file that needs no PyTorch, and measure what that loses."""

from __future__ import annotations

import re
import tempfile
import time
from dataclasses import dataclass
from importlib.util import find_spec
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from tamis.algo.fidelity import fidelity
from tamis.encoders.graph_settings import settings_metadata
from tamis.encoders.preprocess import decode_side, prepare
from tamis.encoders.registry import load_encoder
from tamis.encoders.spec import parse_spec
from tamis.errors import InputError, MissingExtraError, PictureError, UsageError
from tamis.images.decode import decode
from tamis.services.encoders.result import EncoderExport
from tamis.sources.archives import close_archives
from tamis.sources.locations import iter_locations
from tamis.sources.reading import read_bytes
from tamis.sources.spread import Location
from tamis.sources.video.frame_reader import close_videos
from tamis.types import Failure
from tamis.verbs.feedback import SILENT
from tamis.wording import counted

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tamis.algo.fidelity import Fidelity
    from tamis.encoders.base import Encoder
    from tamis.runtime.workspace import Workspace
    from tamis.services.encoders.contract import ExportEncoder, Precision, Runtime
    from tamis.types import PixelBatch, Preprocessing, Progress, Vectors
    from tamis.verbs.feedback import Feedback

__all__ = ["export_encoder"]

_SUFFIXES: Final = {"onnx": ".onnx", "openvino": ".xml"}
_MOST_PICTURES: Final = 500
_FEWEST_PICTURES: Final = 3
_FEW_PICTURES: Final = 50
_APART_FROM: Final = 200
_CALIBRATION_EVERY: Final = 4
_BATCH: Final = 8


def export_encoder(
    _workspace: Workspace | None, request: ExportEncoder, feedback: Feedback = SILENT
) -> EncoderExport:
    """Write an encoder as a file and compare both on pictures; keep the file only if it is good.

    Up to 500 pictures, evenly spread over the sources, are embedded by both. For int8, of 200
    pictures and more every fourth is kept apart to measure ranges on, so that the figures come
    from pictures that the ranges have not seen. The file appears whole or not at all.

    Raises:
        MissingExtraError: PyTorch, onnxscript, OpenVINO or NNCF is not installed.
        UsageError: an option does not fit, the file exists, or PyTorch does not run the encoder.
        EncoderError: the encoder cannot be loaded, or its network not be written as a graph.
        InputError: a source is missing, or fewer than 3 pictures can be read.
    """
    spec, runtime, precision = request.spec, request.runtime, request.precision
    stage = feedback.stage
    _require_packages(spec, runtime, precision)
    path = _target(spec, request.out, runtime, precision)
    if path.exists() and not request.overwrite:
        raise UsageError(f"{path} exists; choose another place, or say that it may be overwritten")
    source = load_encoder(spec)
    model = _torch_model(source)
    chosen = _Pictures(request.pictures, source.preprocessing)
    chosen.require_enough()
    parent = next(folder for folder in path.parents if folder.exists())
    with tempfile.TemporaryDirectory(prefix=".tamis-export-", dir=parent) as place:
        draft = Path(place) / path.name
        calibration = 0
        if precision == "int8":
            calibration = len(chosen.for_calibration)
        progress = stage("export")
        progress(0, 1)
        _write(source, draft, runtime, chosen if calibration else None)
        progress(1, 1)
        made = load_encoder(f"{runtime}:{draft}")
        comparison = _compare(source, made, chosen, stage("compare"), apart=calibration > 0)
        result = comparison.figures
        kept = result.overlap >= request.min_overlap and result.mean_cosine >= request.min_cosine
        drafts = sorted(Path(place).iterdir(), key=lambda file: file == draft)
        if kept:
            path.parent.mkdir(parents=True, exist_ok=True)
            for file in drafts:  # the one that names the others comes last
                file.replace(path.with_name(file.name))
    return EncoderExport(
        spec=f"{runtime}:{path}",
        source=source.spec,
        kept=kept,
        files=tuple(path.with_name(file.name) for file in reversed(drafts)) if kept else (),
        runtime=runtime,
        precision=precision,
        fingerprint=made.fingerprint,
        dim=made.dim,
        feature_levels=tuple(getattr(made, "feature_levels", ())),
        fidelity=result,
        pictures=comparison.pictures,
        calibration_pictures=calibration,
        pictures_per_second=comparison.pictures / comparison.seconds,
        source_pictures_per_second=comparison.pictures / comparison.source_seconds,
        failed=comparison.failed,
        notes=_notes(model, comparison, calibration),
    )


def _require_packages(spec: str, runtime: Runtime, precision: Precision) -> None:
    if precision == "int8" and runtime == "onnx":
        raise UsageError("int8 is made for the runtime openvino; name that")
    if parse_spec(spec).options.get("precision", "float32") != "float32":
        raise UsageError(f"{spec} is exported in float32 or int8; leave out its own precision")
    needs = {
        "export": ["torch", "onnxscript"],
        "openvino": [
            *(["openvino"] if runtime == "openvino" else []),
            *(["nncf"] if precision == "int8" else []),
        ],
    }
    for extra, packages in needs.items():
        if any(find_spec(package) is None for package in packages):
            raise MissingExtraError(f"the export of {spec}", extra)


def _target(spec: str, out: Path, runtime: Runtime, precision: Precision) -> Path:
    suffix = _SUFFIXES[runtime]
    if out.suffix.lower() in _SUFFIXES.values() and not out.is_dir():
        if out.suffix.lower() != suffix:
            raise UsageError(f"{out} must end in {suffix} for the runtime {runtime}")
        return out
    name = Path(parse_spec(spec).name or spec).name
    safe = re.sub(r"[^\w.-]+", "-", name).strip("-.") or "encoder"
    return out / f"{safe}{'' if precision == 'float32' else f'-{precision}'}{suffix}"


def _torch_model(source: Encoder) -> Any:
    from tamis.encoders.torch_encoder import TorchModel

    model = getattr(source, "model", None)
    if not isinstance(model, TorchModel):
        raise UsageError(
            f"only what PyTorch runs can be exported, and {source.spec} is not; it needs no "
            "PyTorch as it is"
        )
    return model


def _write(source: Encoder, draft: Path, runtime: Runtime, calibrate: _Pictures | None) -> None:
    from tamis.encoders.export_graph import export_graph

    model = _torch_model(source)
    metadata = settings_metadata(
        source.preprocessing,
        tuple(model.maps),
        {"source": source.spec, "source_fingerprint": source.fingerprint},
    )
    if runtime == "onnx":
        export_graph(model, source.preprocessing, metadata, draft)
    else:
        from tamis.encoders.openvino_export import write_openvino

        with tempfile.TemporaryDirectory(prefix=".tamis-export-", dir=draft.parent) as place:
            graph = Path(place) / "graph.onnx"
            export_graph(model, source.preprocessing, metadata, graph)
            singles = None
            if calibrate is not None:
                # one at a time: ranges of attention are measured over what is one picture
                batches = calibrate.batches(calibrate.for_calibration)
                singles = (pixels[n : n + 1] for pixels, _ in batches for n in range(len(pixels)))
            write_openvino(graph, metadata, draft, singles)


@dataclass(frozen=True)
class _Comparison:
    figures: Fidelity
    pictures: int
    seconds: float
    source_seconds: float
    failed: list[Failure]


def _compare(
    source: Encoder, made: Encoder, chosen: _Pictures, progress: Progress, *, apart: bool
) -> _Comparison:
    """Embed the same pictures by both, in turns, so that a busy machine slows both."""
    numbers = chosen.for_comparison if apart else chosen.all
    vectors: tuple[list[Vectors], list[Vectors]] = ([], [])
    seconds = [0.0, 0.0]
    failed: list[Failure] = []
    done = 0
    for pixels, bad in chosen.batches(numbers):
        failed += bad
        if not vectors[0] and len(pixels):
            for encoder in (source, made):  # the first call also makes ready
                encoder.embed(pixels)
        for side, encoder in enumerate((source, made)):
            if len(pixels):
                begin = time.perf_counter()
                vectors[side].append(encoder.embed(pixels))
                seconds[side] += time.perf_counter() - begin
        done += len(pixels) + len(bad)
        progress(done, len(numbers))
    rows = sum(map(len, vectors[0]))
    figures = fidelity(np.concatenate(vectors[0]), np.concatenate(vectors[1]))
    return _Comparison(figures, rows, seconds[1], seconds[0], failed)


def _notes(model: Any, comparison: _Comparison, calibration: int) -> tuple[str, ...]:
    notes = []
    if model.texts is not None:
        notes.append("its text tower is not in the file: texts need the source encoder")
    if comparison.pictures < _FEW_PICTURES:
        notes.append(
            f"with {counted(comparison.pictures, 'picture')} only the "
            f"{comparison.figures.neighbours} nearest of each could be compared; give some hundreds"
        )
    if calibration and calibration >= comparison.pictures:
        notes.append(
            "the 8-bit ranges were measured on the same pictures as the figures, which flatters "
            f"them; give {_APART_FROM} or more"
        )
    return tuple(notes)


class _Pictures:
    """Up to 500 pictures, evenly spread over sources, read again whenever they are needed."""

    def __init__(self, sources: Sequence[str], preprocessing: Preprocessing) -> None:
        self._preprocessing = preprocessing
        listed = sum(isinstance(item, Location) for item in iter_locations(sources))
        if not listed:
            raise InputError("no pictures to compare on were given; name some")
        count = min(listed, _MOST_PICTURES)
        wanted = {number * listed // count for number in range(count)}
        found = (item for item in iter_locations(sources) if isinstance(item, Location))
        self._places = [place for number, place in enumerate(found) if number in wanted]
        self.all = range(len(self._places))
        apart = len(self.all) >= _APART_FROM
        self.for_calibration = self.all[::_CALIBRATION_EVERY] if apart else self.all
        self.for_comparison = (
            [n for n in self.all if n % _CALIBRATION_EVERY] if apart else list(self.all)
        )

    def require_enough(self) -> None:
        """Check that enough pictures can be read, before the long work; few are read for that.

        Raises:
            InputError: fewer than 3 can.
        """
        rows = 0
        for pixels, _ in self.batches(self.for_comparison, _FEWEST_PICTURES):
            rows += len(pixels)
            if rows >= _FEWEST_PICTURES:
                return
        raise InputError(
            f"{rows} of the pictures can be read, and at least {_FEWEST_PICTURES} are needed to "
            "compare on; give more"
        )

    def batches(
        self, numbers: Sequence[int], size: int = _BATCH
    ) -> Iterator[tuple[PixelBatch, list[Failure]]]:
        """Yield prepared pictures `[B, H, W, 3]`, and which could not be read."""
        left = iter(numbers)
        shape = (0, self._preprocessing.height, self._preprocessing.width, 3)
        try:
            while part := list(islice(left, size)):
                pixels, bad = [], []
                for place in (self._places[number] for number in part):
                    try:
                        pixels.append(self._read(place))
                    except PictureError as error:
                        bad.append(Failure(error.path, error.reason, place.source))
                yield (np.stack(pixels) if pixels else np.empty(shape, np.uint8)), bad
        finally:
            close_archives()
            close_videos()

    def _read(self, place: Location) -> Any:
        picture = decode(
            read_bytes(place.uri, place.path),
            place.path,
            min_side=decode_side(self._preprocessing),
        )
        size = (picture.width, picture.height)
        return prepare(picture.image, self._preprocessing, size=size, extent=picture.extent)
