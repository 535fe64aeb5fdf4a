"""The file of a map: whole, refused when damaged, found in its dataset first."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from tamis.algo.alignment import LinearMap
from tamis.encoders.aligned import AlignedMap, read_map, write_map
from tamis.encoders.base import Encoder, TextEncoder
from tamis.encoders.registry import available, load_encoder
from tamis.errors import EncoderError, StorageError, UsageError
from tamis.types import Preprocessing


def made(seed=0, **changes):
    rng = np.random.default_rng(seed)
    weights = rng.standard_normal((1280, 6)).astype(np.float32)
    offset = rng.standard_normal(6).astype(np.float32)
    default = load_encoder("default", threads=1)
    return dataclasses.replace(
        AlignedMap(
            linear=LinearMap(weights, offset, 0.5, 0.25),
            source=default.spec,
            source_fingerprint=default.fingerprint,
            target="test:texts",
            target_fingerprint="b" * 32,
            preprocessing=default.preprocessing,
            logit_scale=None,
            caveat="a map",
        ),
        **changes,
    )


def test_what_is_written_is_read(tmp_path):
    aligned = made(preprocessing=Preprocessing(8, 9, "pad", mean=(0.1, 0.2, 0.3)), logit_scale=3.5)
    write_map(tmp_path / "deep" / "m.npz", aligned)
    found = read_map(tmp_path / "deep" / "m.npz")
    np.testing.assert_array_equal(found.linear.weights, aligned.linear.weights)
    np.testing.assert_array_equal(found.linear.offset, aligned.linear.offset)
    assert (found.linear.penalty, found.linear.error) == (0.5, 0.25)
    assert found.preprocessing == aligned.preprocessing
    assert (found.logit_scale, found.caveat, found.source) == (3.5, "a map", aligned.source)
    assert found.fingerprint == aligned.fingerprint
    assert [file.name for file in (tmp_path / "deep").iterdir()] == ["m.npz"]


def test_the_fingerprint_is_of_the_map_and_both_encoders():
    prints = {
        made().fingerprint,
        made(1).fingerprint,
        made(source_fingerprint="c" * 32).fingerprint,
        made(target_fingerprint="c" * 32).fingerprint,
    }
    assert len(prints) == 4
    assert made(caveat="other").fingerprint == made().fingerprint


def test_pictures_go_through_the_source_and_the_map(tmp_path):
    write_map(tmp_path / "m.npz", made())
    encoder = load_encoder(f"aligned:{tmp_path / 'm.npz'}", threads=1)
    assert isinstance(encoder, Encoder)
    assert isinstance(encoder, TextEncoder)
    default = load_encoder("default", threads=1)
    side = default.preprocessing.height
    pixels = np.random.default_rng(0).integers(0, 256, (2, side, side, 3), dtype=np.uint8)
    expected = default.embed(pixels) @ made().linear.weights + made().linear.offset
    expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    np.testing.assert_allclose(encoder.embed(pixels), expected, atol=1e-5)
    assert encoder.embed(pixels).dtype == np.float32
    assert encoder.embed(pixels[:0]).shape == (0, 6)


def test_a_relative_file_is_looked_for_in_the_dataset_first(tmp_path, monkeypatch):
    write_map(tmp_path / "data.tamis" / "maps" / "m.npz", made(1))
    write_map(tmp_path / "maps" / "m.npz", made(2))
    monkeypatch.chdir(tmp_path)
    inside = load_encoder("aligned:maps/m.npz", folder=str(tmp_path / "data.tamis"))
    assert inside.fingerprint == made(1).fingerprint
    assert load_encoder("aligned:maps/m.npz").fingerprint == made(2).fingerprint
    assert inside.spec == "aligned:maps/m.npz"


def test_missing_damaged_and_foreign_files_are_refused(tmp_path):
    with pytest.raises(EncoderError, match="there is no map"):
        load_encoder(f"aligned:{tmp_path}/none.npz")
    write_map(tmp_path / "m.npz", made())
    whole = (tmp_path / "m.npz").read_bytes()
    for number, content in enumerate([b"", b"text", whole[:5000], whole[:-30]]):
        file = tmp_path / f"{number}.npz"
        file.write_bytes(content)
        with pytest.raises(EncoderError, match="is no map of tamis, or it is damaged"):
            load_encoder(f"aligned:{file}")
    np.savez(tmp_path / "other.npz", a=np.ones(3))
    with pytest.raises(EncoderError, match="is no map of tamis"):
        load_encoder(f"aligned:{tmp_path}/other.npz")
    with pytest.raises(UsageError, match="has no option 'size'"):
        load_encoder(f"aligned:{tmp_path}/m.npz?size=3")


def test_a_source_that_changed_is_refused(tmp_path):
    write_map(tmp_path / "m.npz", made(source_fingerprint="d" * 32))
    encoder = load_encoder(f"aligned:{tmp_path}/m.npz")
    side = encoder.preprocessing.height
    with pytest.raises(EncoderError, match="not the encoder any more that aligned:"):
        encoder.embed(np.zeros((1, side, side, 3), np.uint8))


def test_what_the_disk_refuses_leaves_nothing(tmp_path):
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(StorageError, match="cannot write the map"):
        write_map(tmp_path / "file" / "m.npz", made())


def test_the_kind_is_listed():
    assert "aligned:FILE.npz" in {entry.spec for entry in available()}
