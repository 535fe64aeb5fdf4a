"""An encoder in one file: the same vectors without PyTorch, and no others unnoticed."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import zipfile

import numpy as np
import pytest

from tamis.encoders.registry import load_encoder
from tamis.encoders.trial_pictures import trial_pixels
from tamis.errors import EncoderError
from tiny_models import save_clip, save_dinov2, save_siglip

pytest.importorskip("onnxscript", reason="needs tamis[export]")

WITHOUT_TORCH = """
import sys
for name in ("torch", "transformers", "onnxscript"):
    sys.modules[name] = None
from tamis.interfaces.cli.main import main
sys.exit(main(sys.argv[1:]))
"""


@pytest.fixture(scope="module")
def clip(cli_in, tmp_path_factory):
    """A command line in a folder with a CLIP and the file that was packed from it."""
    tamis = cli_in(tmp_path_factory.mktemp("pack"))
    save_clip(tamis.folder / "clip")
    (tamis.folder / "clip" / "README.md").write_text("---\nlicense: mit\n---\n")
    tamis.packed = tamis("encoders", "pack", "hf:clip", "--out", "clip.pack", "--json").json
    return tamis


def changed(path, out, name, change):
    """Copy a packed encoder with one part changed."""
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(out, "w") as new:
        for part in old.namelist():
            data = old.read(part)
            new.writestr(part, change(data) if part == name else data)
    return out


def test_the_file_gives_the_vectors_of_its_source(clip):
    told = clip.packed
    assert (told["text"], told["license"], told["dim"], told["notes"]) == (True, "mit", 24, [])
    assert told["worst_cosine"] > 0.9999
    source, packed = (
        load_encoder(spec) for spec in (f"hf:{clip.folder}/clip", f"{clip.folder}/clip.pack")
    )
    pixels = trial_pixels(source.preprocessing, 3)
    np.testing.assert_allclose(packed.embed(pixels), source.embed(pixels), atol=1e-4)
    texts = ["a dog", "a dog " * 40, "", "Snow."]
    np.testing.assert_allclose(packed.embed_text(texts), source.embed_text(texts), atol=1e-4)
    assert packed.logit_scale == pytest.approx(source.logit_scale)
    assert packed.feature_levels == source.feature_levels


def test_it_is_used_without_torch(clip, photos_master):
    place = str(clip.folder / "d.tamis")
    for words in (
        ["add", str(photos_master), "-d", place],
        ["embed", "--encoder", "clip.pack", "-d", place],
        ["search", "a ball", "-k", "3", "-d", place],
    ):
        done = subprocess.run(
            [sys.executable, "-c", WITHOUT_TORCH, *words],
            cwd=clip.folder,
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
        assert done.returncode == 0, done.stderr
    assert "found by pack:clip.pack" in done.stderr


def test_packing_again_gives_the_same_bytes_and_replaces_only_if_told(clip):
    before = (clip.folder / "clip.pack").read_bytes()
    refused = clip("encoders", "pack", "hf:clip", "--out", "clip.pack", code=2)
    assert "exists already" in refused.err
    clip("encoders", "pack", "hf:clip", "--out", "clip.pack", "--overwrite")
    assert (clip.folder / "clip.pack").read_bytes() == before


@pytest.mark.parametrize("kind", ["pictures", "texts"])
def test_other_vectors_than_those_in_the_file_are_refused(clip, tmp_path, kind):
    def other(data):
        with np.load(io.BytesIO(data)) as stored:
            parts = dict(stored)
        parts[kind] = parts[kind][::-1]
        out = io.BytesIO()
        np.savez(out, **parts)
        return out.getvalue()

    path = changed(clip.folder / "clip.pack", tmp_path / "x.pack", "reference.npz", other)
    with pytest.raises(EncoderError, match=f"other vectors of {kind} here"):
        load_encoder(str(path))


def test_what_is_no_packed_encoder_is_refused(clip, tmp_path):
    (tmp_path / "x.pack").write_bytes(b"no zip")
    with pytest.raises(EncoderError, match="damaged"):
        load_encoder(str(tmp_path / "x.pack"))
    with pytest.raises(EncoderError, match="there is no file"):
        load_encoder(str(tmp_path / "y.pack"))
    later = changed(
        clip.folder / "clip.pack",
        tmp_path / "z.pack",
        "encoder.json",
        lambda data: json.dumps(json.loads(data) | {"format": 99}).encode(),
    )
    with pytest.raises(EncoderError, match="later tamis"):
        load_encoder(str(later))
    assert "must end in .pack" in clip("encoders", "pack", "hf:clip", "--out", "a", code=2).err
    assert "needs no PyTorch" in clip("encoders", "pack", "default", "--out", "a.pack", code=2).err


def test_a_siglip_pads_its_texts_and_a_dino_reads_none(tamis_cli):
    save_siglip(tamis_cli.folder / "siglip")
    save_dinov2(tamis_cli.folder / "dino")
    told = tamis_cli("encoders", "pack", "hf:siglip", "--out", "s.pack", "--json").json
    assert told["text"]
    assert told["worst_cosine"] > 0.9999
    told = tamis_cli("encoders", "pack", "hf:dino", "--out", "d.pack", "--json").json
    assert not told["text"]
    assert "--license" in told["notes"][0]
