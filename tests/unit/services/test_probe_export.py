"""A probe as a file: the answers of the stored predictions, from picture files, without tamis."""

from __future__ import annotations

import json
from dataclasses import asdict
from io import BytesIO
from itertools import product

import numpy as np
import onnxruntime
import pytest
from PIL import Image

import tamis
from command_line import CommandLine
from tamis.encoders.portable_prepare import prepare as portable
from tamis.encoders.preprocess import decode_side, prepare
from tamis.encoders.registry import load_encoder
from tamis.encoders.trial_pictures import trial_picture
from tamis.errors import EncoderError, UsageError
from tamis.images.decode import decode
from tamis.types import Preprocessing
from tiny_graphs import OPTIONS, save_graph

EACH = 6


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Pictures of two classes in all forms that a camera leaves, and probes on their vectors."""
    folder = tmp_path_factory.mktemp("export")
    for number in range(2 * EACH):
        kind = "ab"[number % 2]
        (folder / "pictures" / kind).mkdir(parents=True, exist_ok=True)
        image = trial_picture(180 + 30 * number, 200, number)
        exif = Image.Exif()
        exif[0x0112] = number % 8 + 1
        suffix = ("jpg", "png")[number // 2 % 2]
        image.save(folder / "pictures" / kind / f"{number}.{suffix}", exif=exif)
    ds = tamis.open(folder / "dataset.tamis")
    ds.add([str(folder / "pictures")], labels="folder")
    ds.embed(f"onnx:{save_graph(folder / 'net.onnx')}?{OPTIONS}&output=vector")
    return folder


def run_alone(file, pictures):
    """Return probabilities and classes of picture files, as one does who has only the file."""
    session = onnxruntime.InferenceSession(file)
    about = session.get_modelmeta().custom_metadata_map
    space = {}
    assert "import tamis" not in about["tamis.prepare"]
    exec(compile(about["tamis.prepare"], "prepare.py", "exec"), space)
    pixels = np.stack([space["prepare"](picture) for picture in pictures])
    probabilities, number = session.run(["probabilities", "class"], {"pixels": pixels})
    names = json.loads(about["tamis.classes"])
    return probabilities, [names[one] for one in number]


@pytest.mark.parametrize("method", ["logistic", "neighbors"])
def test_the_file_alone_answers_as_the_stored_predictions(folder, method):
    ds = tamis.open(folder / "dataset.tamis")
    ds.train_probe(name=method, method=method)
    ds.predict_probe(name=method)
    report = ds.export_probe(name=method, out=folder / f"{method}.onnx")
    assert report.worst_difference < 1e-4
    assert (report.classes, report.bytes) == (["a", "b"], report.file.stat().st_size)
    rows = ds.annotations(layer=f"probe_{method}").to_pylist()
    stored = {row["sample_id"]: (row["label"], row["confidence"]) for row in rows}
    told = ds.table(["sample_id", "path"]).to_pylist()
    files = [folder / "pictures" / one["path"] for one in told]
    probabilities, names = run_alone(report.file, files)
    for one, found, name in zip(told, probabilities, names, strict=True):
        assert name == stored[one["sample_id"]][0]
        assert found.max() == pytest.approx(stored[one["sample_id"]][1], abs=1e-4)
        assert found.sum() == pytest.approx(1, abs=1e-5)


def test_the_file_is_also_an_encoder(folder):
    ds = tamis.open(folder / "dataset.tamis")
    ds.train_probe(name="again")
    report = ds.export_probe(name="again", out=folder / "again.onnx")
    encoder = load_encoder(f"onnx:{report.file}")
    source = load_encoder(report.encoders[0])
    pixels = np.stack([trial_picture(32, 32, seed) for seed in range(2)])
    np.testing.assert_allclose(encoder.embed(pixels), source.embed(pixels), atol=1e-5)
    assert encoder.preprocessing.mode == source.preprocessing.mode


def test_nothing_is_written_over_or_of_a_changed_encoder(folder, tmp_path):
    ds = tamis.open(folder / "dataset.tamis")
    ds.train_probe(name="kept")
    out = tmp_path / "kept.onnx"
    ds.export_probe(name="kept", out=out)
    before = out.read_bytes()
    with pytest.raises(UsageError, match="exists already"):
        ds.export_probe(name="kept", out=out)
    ds.export_probe(name="kept", out=out, overwrite=True)
    assert out.read_bytes() == before
    with pytest.raises(UsageError, match="must end in"):
        ds.export_probe(name="kept", out=tmp_path / "kept.bin")
    with pytest.raises(UsageError, match="has no probe 'other'"):
        ds.export_probe(name="other", out=tmp_path / "other.onnx")
    content = (folder / "net.onnx").read_bytes()
    try:
        save_graph(folder / "net.onnx", seed=9)
        with pytest.raises(EncoderError, match="is not the encoder any more"):
            ds.export_probe(name="kept", out=tmp_path / "late.onnx")
    finally:
        (folder / "net.onnx").write_bytes(content)
    assert [file.name for file in tmp_path.iterdir()] == ["kept.onnx"]


def test_an_export_as_typed(folder):
    typed = CommandLine(folder)
    typed("probe", "train", "--name", "typed", "-q")
    shown = typed("probe", "export", "--name", "typed", "--out", "typed.onnx")
    assert "uint8 [batch, 32, 32, 3]" in shown.out
    found = typed("probe", "export", "--name", "typed", "--out", "t.onnx", "--json").json
    assert found["outputs"]["probabilities"] == "float32 [batch, 2]"


@pytest.mark.parametrize("mode", ["shortest-crop", "squash", "pad"])
def test_the_code_in_the_file_prepares_pictures_bit_for_bit(mode):
    forms = product([(300, 203), (61, 500), (333, 177)], ["JPEG", "PNG"], range(1, 9), ["RGB", "P"])
    for (width, height), kind, turn, color in forms:
        given = Preprocessing(20, 24, mode, crop_fraction=0.875, crop_rounding="even")
        image = trial_picture(width, height, turn).convert("L" if color == "P" else color)
        if kind == "PNG" and color == "P":
            image.putalpha(image.point(lambda level: 255 * (level > 99)))
        exif = Image.Exif()
        exif[0x0112] = turn
        file = BytesIO()
        image.save(file, kind, exif=exif)
        found = decode(file.getvalue(), "x", min_side=decode_side(given))
        wanted = prepare(found.image, given, size=(found.width, found.height), extent=found.extent)
        settings = {**asdict(given), "decode_side": decode_side(given)}
        np.testing.assert_array_equal(portable(file, settings), wanted)
