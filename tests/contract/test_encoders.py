"""What every encoder has to keep, whatever it is made of."""

from __future__ import annotations

import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from encoder_kinds import ENCODER_KINDS
from filling import embed, ingest
from tamis.dataset.store import Store
from tamis.encoders import bundled
from tamis.encoders.base import Encoder, FeatureMapEncoder, PosteriorEncoder, TextEncoder
from tamis.encoders.bundled import EfficientNetLite
from tamis.encoders.preprocess import decode_side, prepare
from tamis.encoders.registry import load_encoder
from tamis.errors import UsageError
from tamis.images.decode import decode
from tiny_models import edit_json, save_clip, save_dinov2

PICTURES = {
    "colour": Image.linear_gradient("L").convert("RGB").resize((320, 200)),
    "grey": Image.radial_gradient("L"),
    "black": Image.new("RGB", (60, 60)),
    "one pixel": Image.new("RGB", (1, 1), "teal"),
    "wide": Image.effect_noise((1200, 3), 60).convert("RGB"),
    "tall": Image.effect_noise((2, 4000), 60).convert("RGB"),
    "palette": Image.linear_gradient("L").rotate(90).convert("P"),
}

KINDS = list(ENCODER_KINDS)


@pytest.fixture(scope="module")
def specs(tmp_path_factory):
    """Specs of small models by kind, written when first asked for."""
    made = {}

    def spec(kind):
        if kind not in made:
            made[kind] = ENCODER_KINDS[kind].make(tmp_path_factory.mktemp(kind))
        return made[kind]

    return spec


@pytest.fixture(scope="module")
def load(specs):
    def load(kind):
        return load_encoder(specs(kind), threads=1)

    return load


@pytest.fixture(scope="module", params=KINDS)
def kind(request):
    return request.param


@pytest.fixture(scope="module")
def encoder(kind, load):
    return load(kind)


@pytest.fixture(scope="module")
def pixels(encoder):
    return np.stack([prepare(picture, encoder.preprocessing) for picture in PICTURES.values()])


def test_it_is_an_encoder_with_a_name_and_a_fingerprint(encoder):
    assert isinstance(encoder, Encoder)
    assert ":" in encoder.spec
    assert len(encoder.fingerprint) == 32
    int(encoder.fingerprint, 16)


def test_vectors_are_unit_float32_whatever_the_picture(encoder, pixels):
    vectors = encoder.embed(pixels)
    assert vectors.shape == (len(PICTURES), encoder.dim)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)


def test_vectors_tell_pictures_apart(encoder, pixels):
    vectors = encoder.embed(pixels)
    similar = vectors @ vectors.T
    assert (similar[np.triu_indices(len(similar), 1)] < 0.99999).all()


def test_no_pictures_give_no_vectors(encoder, pixels):
    assert encoder.embed(pixels[:0]).shape == (0, encoder.dim)


def test_a_vector_does_not_depend_on_its_batch(encoder):
    side = encoder.preprocessing.height
    many = np.random.default_rng(1).integers(0, 256, (32, side, side, 3), dtype=np.uint8)
    together = encoder.embed(many)
    alone = np.concatenate([encoder.embed(many[i : i + 1]) for i in range(0, 32, 5)])
    np.testing.assert_allclose(together[::5], alone, atol=1e-5)


def test_the_same_pixels_give_the_same_bits(encoder, pixels):
    np.testing.assert_array_equal(encoder.embed(pixels), encoder.embed(pixels))


def test_several_threads_may_call_at_once(encoder, pixels):
    expected = encoder.embed(pixels)
    with ThreadPoolExecutor(4) as pool:
        for vectors in pool.map(lambda _: encoder.embed(pixels), range(12)):
            np.testing.assert_array_equal(vectors, expected)


def test_loading_again_gives_the_same_encoder(kind, load):
    first, second = load(kind), load(kind)
    assert first.fingerprint == second.fingerprint
    side = first.preprocessing.height
    pixels = np.full((1, side, side, 3), 77, np.uint8)
    np.testing.assert_array_equal(first.embed(pixels), second.embed(pixels))


def test_pixels_that_were_not_prepared_are_refused(encoder, pixels):
    for wrong in (pixels[0], pixels[:, :-1], pixels.astype(np.float32), pixels[..., :1]):
        with pytest.raises(UsageError, match="uint8 pixels of shape"):
            encoder.embed(wrong)


def test_every_pixel_matters_to_some_vector(encoder, pixels):
    flipped = np.ascontiguousarray(pixels[:1, :, ::-1])
    assert (
        not np.allclose(encoder.embed(pixels[:1]), encoder.embed(flipped), atol=1e-4)
        or (pixels[:1] == flipped).all()
    )


def test_feature_maps_have_a_cell_for_each_place(kind, encoder, pixels):
    assert isinstance(encoder, FeatureMapEncoder) == ENCODER_KINDS[kind].has_maps
    if not ENCODER_KINDS[kind].has_maps:
        return
    default = encoder.feature_maps(pixels)
    assert any(
        np.array_equal(default, encoder.feature_maps(pixels, level))
        for level in encoder.feature_levels
    )
    for level in encoder.feature_levels:
        maps = encoder.feature_maps(pixels, level)
        assert maps.dtype == np.float32
        assert maps.ndim == 4
        assert len(maps) == len(pixels)
        assert 1 < maps.shape[1] == maps.shape[2] < encoder.preprocessing.height
    with pytest.raises(UsageError, match="no feature level 'attic'"):
        encoder.feature_maps(pixels, "attic")


def test_a_change_in_one_corner_shows_most_in_that_corner_of_the_map(kind, encoder):
    if not ENCODER_KINDS[kind].has_maps:
        pytest.skip("it has no map")
    side = encoder.preprocessing.height
    plain = np.full((1, side, side, 3), 128, np.uint8)
    marked = plain.copy()
    marked[:, : side // 8, -side // 8 :] = (255, 0, 0)
    level = encoder.feature_levels[0]
    change = np.abs(encoder.feature_maps(marked, level) - encoder.feature_maps(plain, level)).sum(
        axis=(0, 3)
    )
    row, column = np.unravel_index(change.argmax(), change.shape)
    # a cell of a deep network sees beyond its own bounds, so that the next one may change more
    assert row <= change.shape[0] / 4
    assert column >= change.shape[1] * 3 / 4 - 1


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """A dataset of all pictures, one of which was cut short after it was added."""
    folder = tmp_path_factory.mktemp("pictures")
    for name, picture in PICTURES.items():
        picture.save(folder / f"{name}.png")
    store = Store.create(tmp_path_factory.mktemp("datasets") / "contract.tamis")
    ingest(store, [str(folder)])
    bad = folder / "grey.png"
    bad.write_bytes(bad.read_bytes()[:-100])
    return store


def test_one_bad_picture_in_a_batch_costs_no_other(encoder, store):
    report = embed(store, encoder, batch_size=len(PICTURES), threads=1)
    assert [Path(failure.path).stem for failure in report.failed] == ["grey"]
    assert report.embedded == len(PICTURES) - 1
    ids, vectors = store.vectors(report.column)
    side = decode_side(encoder.preprocessing)
    for path, vector in zip(
        store.read(["path"], ids=ids)["path"].to_pylist(), vectors, strict=True
    ):
        picture = decode(Path(path).read_bytes(), path, min_side=side)
        size = (picture.width, picture.height)
        ready = prepare(picture.image, encoder.preprocessing, size=size, extent=picture.extent)
        [alone] = encoder.embed(ready[None])
        np.testing.assert_allclose(vector, alone, atol=1e-5)
    assert embed(store, encoder).embedded == 0


def test_texts_share_the_space_where_there_is_a_text_tower(kind, encoder):
    assert isinstance(encoder, TextEncoder) == ENCODER_KINDS[kind].reads_texts
    if isinstance(encoder, TextEncoder):
        vectors = encoder.embed_text(["cat", "a cat", "cat"])
        assert vectors.shape == (3, encoder.dim)
        assert vectors.dtype == np.float32
        np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
        np.testing.assert_allclose(vectors[0], vectors[2], atol=1e-6)
        assert encoder.embed_text([]).shape == (0, encoder.dim)


def test_posteriors_are_probabilities_of_named_classes(load):
    encoder = load("bundled")
    assert isinstance(encoder, PosteriorEncoder)
    pixels = np.stack([prepare(picture, encoder.preprocessing) for picture in PICTURES.values()])
    posteriors = encoder.posteriors(pixels)
    assert posteriors.shape == (len(PICTURES), 1000)
    assert posteriors.dtype == np.float32
    assert (posteriors >= 0).all()
    np.testing.assert_allclose(posteriors.sum(axis=1), 1, atol=1e-5)
    assert len(encoder.classes) == 1000
    assert all(encoder.classes)


def test_other_weights_give_another_fingerprint(specs, tmp_path):
    for kind, save in (("hf-clip", save_clip), ("hf-dinov2", save_dinov2)):
        other = f"hf:{save(tmp_path / kind, seed=1)}"
        fingerprints = {load_encoder(spec).fingerprint for spec in (specs(kind), other)}
        assert len(fingerprints) == 2


@pytest.mark.parametrize(
    "change",
    [
        {"resample": 2},
        {"image_mean": [0.5, 0.5, 0.5]},
        {"size": {"shortest_edge": 33}},
        {"do_center_crop": False, "size": {"height": 32, "width": 32}},
    ],
)
def test_other_preprocessing_gives_another_fingerprint(specs, tmp_path, change):
    folder = tmp_path / "changed"
    shutil.copytree(specs("hf-clip").removeprefix("hf:"), folder)
    edit_json(folder / "preprocessor_config.json", **change)
    original = load_encoder(specs("hf-clip"))
    assert load_encoder(f"hf:{folder}").fingerprint != original.fingerprint


def test_a_bundled_fingerprint_covers_weights_size_and_graph(load, monkeypatch):
    model = bundled.MODELS["efficientnet-lite0"]
    graph = bundled.cached(
        f"efficientnet-lite0-{model.sha256[:16]}-v{bundled.FILE_VERSION}.onnx",
        lambda: pytest.fail("loading the encoder has put the graph there"),
    )
    fingerprints = {load("bundled").fingerprint}
    for other in (replace(model, sha256="0" * 64), replace(model, size=256)):
        fingerprints.add(EfficientNetLite(other, lambda _: graph).fingerprint)
    monkeypatch.setattr(bundled, "GRAPH_VERSION", bundled.GRAPH_VERSION + 1)
    fingerprints.add(EfficientNetLite(model, lambda _: graph).fingerprint)
    assert len(fingerprints) == 4
