"""`tamis encoders export` as a user types it, and `tamis encoders` around it."""

from __future__ import annotations

import shutil

import pytest

from made_exports import require_openvino
from tamis.encoders import export_graph
from tiny_models import require_hugging_face, save_clip, save_dinov2

require_hugging_face()
pytest.importorskip("onnxscript", reason="needs tamis[export]")


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    place = tmp_path_factory.mktemp("models")
    save_clip(place / "clip")
    save_dinov2(place / "dino")
    return place


@pytest.fixture(scope="module", autouse=True)
def traced_once(tmp_path_factory):
    """Within this module a network is traced into a graph once, however many commands ask.

    That a graph comes out the same byte for byte is held by `tests/golden/test_export_parity.py`.
    """
    export, kept = export_graph.export_graph, tmp_path_factory.mktemp("graphs")
    traced = {}

    def write(model, preprocessing, metadata, path):
        key = repr((preprocessing, sorted(metadata.items())))
        if key not in traced:
            traced[key] = kept / f"{len(traced)}.onnx"
            export(model, preprocessing, metadata, traced[key])
        shutil.copy(traced[key], path)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(export_graph, "export_graph", write)
        yield


def test_a_file_that_stands_in_well_is_written_and_embeds(tamis_cli, photos, models):
    source = f"hf:{models}/clip"
    arguments = ("encoders", "export", source, "--out", "made", "--pictures", "photos")
    (tamis_cli.folder / "made").mkdir()
    (tamis_cli.folder / "made" / "clip.onnx").write_text("another")
    refused = tamis_cli(*arguments, code=2)
    assert (
        "made/clip.onnx exists; choose another place, or say that it may be overwritten"
        in refused.err
    )
    found = tamis_cli(*arguments, "--overwrite", "--json").json
    assert found["spec"] == "onnx:made/clip.onnx"
    assert found["kept"]
    assert found["files"] == ["made/clip.onnx"]
    assert found["fidelity"]["worst_cosine"] > 0.99999
    assert found["fidelity"]["overlap"] == 1
    assert found["pictures"] == 27
    assert found["fidelity"]["neighbours"] == 5
    assert {f["path"] for f in found["failed"]} == {"photos/truncated.jpg", "photos/empty.jpg"}
    assert any("text tower is not in the file" in note for note in found["notes"])
    assert any("with 27 pictures only the" in note for note in found["notes"])
    assert [entry.name for entry in (tamis_cli.folder / "made").iterdir()] == ["clip.onnx"]

    tamis_cli("add", "photos", "-q")
    tamis_cli("embed", "--encoder", source, "-q")
    embedded = tamis_cli("embed", "--encoder", found["spec"], "--json").json
    assert embedded["embedded"] == 27
    encoders = tamis_cli("info", "--json").json["encoders"]
    assert {row["encoder"] for row in encoders} == {source, found["spec"]}


def test_a_file_that_does_not_is_not_kept(tamis_cli, photos, models):
    run = tamis_cli(
        "encoders",
        "export",
        f"hf:{models}/dino",
        "--out",
        "net.onnx",
        "--pictures",
        "photos",
        "--min-cosine",
        "1.1",
        code=1,
    )
    assert "not kept: less than --min-overlap 0.95 or --min-cosine 1.1" in run.out
    assert "cosine 1.00000 on average" in run.out
    assert [entry.name for entry in tamis_cli.folder.iterdir()] == ["photos"]


def test_openvino_and_eight_bits(tamis_cli, photos, models):
    require_openvino()
    arguments = ("encoders", "export", f"hf:{models}/dino", "--runtime", "openvino", "--out", ".")
    whole = tamis_cli(*arguments, "--pictures", "photos")
    assert "use it as  openvino:dino.xml" in whole.out
    assert (tamis_cli.folder / "dino.bin").is_file()
    assert whole.err.count("\n") == whole.err.count("note: ")
    eight = tamis_cli(
        *arguments, "--pictures", "photos", "--precision", "int8", "--min-overlap", ".1", "--json"
    )
    assert eight.json["spec"] == "openvino:dino-int8.xml"
    assert eight.json["calibration_pictures"] == 29
    assert any("same pictures as the figures" in note for note in eight.json["notes"])
    assert 0.99 < eight.json["fidelity"]["mean_cosine"] < 0.9999999
    assert eight.err.count("\n") == eight.err.count("note: ")
    sizes = [(tamis_cli.folder / f"{name}.bin").stat().st_size for name in ("dino", "dino-int8")]
    assert sizes[1] < sizes[0] / 2
    checks = [
        tamis_cli("encoders", "check", f"openvino:{name}.xml", "--json").json
        for name in ("dino", "dino-int8")
    ]
    assert [check["dim"] for check in checks] == [32, 32]
    assert checks[0]["fingerprint"] != checks[1]["fingerprint"] == eight.json["fingerprint"]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("default", "--out", "x"), "only what PyTorch runs can be exported"),
        (("{dino}", "--out", "x", "--precision", "int8"), "name that"),
        (("{dino}", "--out", "x.xml"), "x.xml must end in .onnx"),
        (("{dino}?precision=bfloat16", "--out", "x"), "leave out its own precision"),
    ],
)
def test_what_does_not_fit_is_refused(tamis_cli, photos, models, arguments, sentence):
    given = [argument.format(dino=f"hf:{models}/dino") for argument in arguments]
    run = tamis_cli("encoders", "export", *given, "--pictures", "photos", code=2)
    assert sentence in run.err
    assert [entry.name for entry in tamis_cli.folder.iterdir()] == ["photos"]


def test_pictures_that_are_missing_or_too_few_are_refused(tamis_cli, photos, models):
    export = ("encoders", "export", f"hf:{models}/dino", "--out", "x", "--pictures")
    assert "no file or folder 'attic'" in tamis_cli(*export, "attic", code=2).err
    few = tamis_cli(*export, "photos/blank.png", "--pictures", "photos/empty.jpg", code=2)
    assert "1 of the pictures can be read, and at least 3 are needed" in few.err
    assert [entry.name for entry in tamis_cli.folder.iterdir()] == ["photos"]


def test_listing_and_checking_stay_as_they_were(tamis_cli):
    listed = tamis_cli("encoders")
    assert "bundled:efficientnet-lite0" in listed.out
    assert tamis_cli("encoders", "list").out == listed.out
    assert (
        tamis_cli("encoders", "--json").json["encoders"][0]["spec"] == "bundled:efficientnet-lite0"
    )
    for arguments in (("check", "default", "--json"), ("--json", "check", "default")):
        assert tamis_cli("encoders", *arguments).json["dim"] == 1280
    assert "attic" in tamis_cli("encoders", "attic", code=2).err
