"""An encoder as one file: graphs, tokenizer, preprocessing, license and reference vectors."""

from __future__ import annotations

import io
import json
import re
import zipfile
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from tamis.encoders.graph_settings import settings_metadata
from tamis.encoders.packed import FORMAT, PACK_SUFFIX
from tamis.encoders.registry import load_encoder
from tamis.encoders.spec import parse_spec
from tamis.encoders.trial_pictures import trial_pixels
from tamis.errors import MissingExtraError, UsageError
from tamis.formats.exports.destination import new_file
from tamis.services.encoders.contract import EncoderPacked
from tamis.verbs.feedback import SILENT

if TYPE_CHECKING:
    from tamis.encoders.base import Encoder
    from tamis.runtime.workspace import Workspace
    from tamis.services.encoders.contract import PackEncoder
    from tamis.verbs.feedback import Feedback

__all__ = ["pack_encoder"]

_TEXTS: Final = (
    *("a photo of a dog", "a rusty valve", "two people in front of a red car", "night"),
    *("a scratch on a metal surface", "Snow falls on a street.", "fruit on a table", "text"),
    *("an empty conveyor belt seen from above, with a box at its left end", "a"),
)
_COUNT: Final = 10
_FIXED_TIME: Final = (1980, 1, 1, 0, 0, 0)
_LICENSE_LINE: Final = re.compile(r"^license:\s*(\S.*?)\s*$", re.MULTILINE)
_LONGEST_NAME: Final = 60


def pack_encoder(
    _workspace: Workspace | None, request: PackEncoder, feedback: Feedback = SILENT
) -> EncoderPacked:
    """Write an encoder as one file, load that, and compare both on made pictures and texts.

    The file appears only if its vectors are those of the encoder. The same encoder gives the same
    bytes.

    Raises:
        MissingExtraError: PyTorch or onnxscript is not installed.
        UsageError: the file exists, or PyTorch does not run the encoder.
        EncoderError: the encoder cannot be loaded, or not be written as graphs.
        StorageError: the disk is full or refuses.
    """
    spec, out = request.spec, request.out
    if out.suffix != PACK_SUFFIX:
        raise UsageError(f"{out} must end in {PACK_SUFFIX}")
    if any(find_spec(package) is None for package in ("torch", "onnxscript")):
        raise MissingExtraError(f"packing {spec}", "export")
    progress = feedback.stage("pack")
    progress(0, 2)
    source = load_encoder(spec)
    license_name, license_text = _license(request)
    content = _content(source, license_name)
    if license_text:
        content["LICENSE"] = license_text.encode("utf-8")
    progress(1, 2)
    with new_file(out, overwrite=request.overwrite) as draft:
        with zipfile.ZipFile(draft, "w") as archive:
            for name in sorted(content):
                archive.writestr(zipfile.ZipInfo(name, _FIXED_TIME), content[name])
        packed = load_encoder(f"pack:{draft}")  # it checks itself against the source's vectors
        worst = _worst(source, packed)
        size = draft.stat().st_size
    progress(2, 2)
    notes = []
    if license_name is None:
        notes.append("the license of the weights is not known: read it, and give it with --license")
    reads = hasattr(packed, "embed_text")
    if hasattr(source, "embed_text") and not reads:
        notes.append("its text tower cannot be packed, so that the file reads no texts")
    return EncoderPacked(
        spec=f"pack:{out}",
        source=source.spec,
        file=out,
        bytes=size,
        fingerprint=packed.fingerprint,
        dim=packed.dim,
        text=reads,
        worst_cosine=worst,
        license=license_name,
        notes=notes,
    )


def _content(source: Encoder, license_name: str | None) -> dict[str, bytes]:
    from tamis.encoders.pack_graphs import picture_graph, text_graph, tokenizer_json
    from tamis.encoders.torch_encoder import TorchModel

    model = getattr(source, "model", None)
    if not isinstance(model, TorchModel):
        raise UsageError(
            f"only what PyTorch runs is packed, and {source.spec} is not; it needs no PyTorch as "
            "it is"
        )
    metadata = settings_metadata(
        source.preprocessing,
        tuple(model.maps),
        {"source": source.spec, "source_fingerprint": source.fingerprint},
    )
    content = {"pictures.onnx": picture_graph(model, source.preprocessing, metadata)}
    pixels = trial_pixels(source.preprocessing, _COUNT)
    reference: dict[str, Any] = {"pixels": pixels, "pictures": source.embed(pixels)}
    settings: dict[str, Any] | None = None
    if model.text_graph is not None:
        content["tokenizer.json"], settings = tokenizer_json(model.text_graph)
        content["texts.onnx"] = text_graph(model.text_graph)
        reader: Any = source
        reference["texts"] = np.concatenate([reader.embed_text([text]) for text in _TEXTS])
    facts = {
        "format": FORMAT,
        "source": source.spec,
        "source_fingerprint": source.fingerprint,
        "license": license_name,
        "texts": settings,
        "logit_scale": model.logit_scale,
        "reference_texts": list(_TEXTS),
    }
    content["encoder.json"] = json.dumps(facts, indent=1, ensure_ascii=False).encode("utf-8")
    stored = io.BytesIO()
    np.savez(stored, allow_pickle=False, **reference)
    content["reference.npz"] = stored.getvalue()
    return content


def _worst(source: Any, packed: Any) -> float:
    pixels = trial_pixels(source.preprocessing, _COUNT)
    cosines = [(source.embed(pixels) * packed.embed(pixels)).sum(axis=1)]
    if hasattr(packed, "embed_text"):
        texts = [(source.embed_text([one]), packed.embed_text([one])) for one in _TEXTS]
        cosines += [(ours * theirs).sum(axis=1) for ours, theirs in texts]
    return float(np.concatenate(cosines).min())


def _license(request: PackEncoder) -> tuple[str | None, str]:
    """Return the license's name and text, as far as they are known."""
    given = request.license
    if given is not None:
        file = Path(given)
        if not file.is_file():
            return given, ""
        text = file.read_text("utf-8", errors="replace")
        return _name_of(text), text
    folder = Path(parse_spec(request.spec).name).expanduser()
    if not folder.is_dir():
        return None, ""
    files = sorted(folder.glob("LICEN[CS]E*"))
    text = files[0].read_text("utf-8", errors="replace") if files else ""
    card = folder / "README.md"
    named = _LICENSE_LINE.search(card.read_text("utf-8", "replace")) if card.is_file() else None
    if named is not None:
        return named[1], text
    return (_name_of(text) if text else None), text


def _name_of(text: str) -> str:
    first = next((line.strip() for line in text.splitlines() if line.strip()), "see LICENSE")
    return first[:_LONGEST_NAME]
