"""Adding and embedding together decodes a picture once, and changes no row and no vector."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field

import numpy as np
import pytest

from filling import embed
from made_videos import scenes, write_video
from mosaic_encoder import Mosaic
from picture_files import encode, photo
from tamis.dataset.store import Store
from tamis.errors import UsageError
from tamis.images import decode as decoding
from tamis.runtime.workspace import Workspace
from tamis.services.add import embedding
from tamis.services.add.contract import Add
from tamis.services.add.pictures import add_pictures
from tamis.services.add.sample_rows import KnownSample, NewSample

FIGURES = ["sample_id", "phash", "thumbnail", "sharpness", "brightness", "contrast", "entropy"]
WAYS = ({"threads": 1}, {"threads": 3}, {"threads": 2, "processes": True})


@dataclass
class Large(Mosaic):
    """Decodes large JPEGs at another scale than figures need."""

    def __post_init__(self):
        self.preprocessing = dataclasses.replace(self.preprocessing, height=128, width=128)
        self.dim = 128 * 128 * 3


@pytest.fixture
def folder(tmp_path):
    made = tmp_path / "photos"
    made.mkdir()
    for seed in range(9):
        (made / f"{seed}.jpg").write_bytes(encode(photo(60, 40, seed=seed), "JPEG"))
    (made / "deep.png").write_bytes(encode(photo(1100, 900, seed=20), "PNG", compress_level=1))
    (made / "large.jpg").write_bytes(encode(photo(1100, 900, seed=21), "JPEG"))
    (made / "broken.jpg").write_bytes(encode(photo(60, 40, seed=22), "JPEG")[:200])
    return made


def _add(store, sources, encoder, **options):
    workspace = Workspace(store)
    spec = workspace.encoders.add(encoder)
    return add_pictures(workspace, Add(sources, embed=True, encoder=spec, **options))


@pytest.mark.parametrize(("kind", "way"), [*((Mosaic, way) for way in WAYS), (Large, WAYS[1])])
def test_rows_and_vectors_are_those_of_two_steps(folder, tmp_path, kind, way):
    apart = Store.create(tmp_path / "apart.tamis")
    add_pictures(Workspace(apart), Add([str(folder)]))
    column = embed(apart, kind()).column

    together = Store.create(tmp_path / "together.tamis")
    report = _add(together, [str(folder)], kind(), **way)

    assert (report.added, report.embedded, len(report.failed)) == (11, 11, 1)
    rows = [store.read(FIGURES).sort_by("sample_id") for store in (apart, together)]
    assert rows[0].equals(rows[1])
    vectors = [dict(zip(*store.vectors(column), strict=True)) for store in (apart, together)]
    assert vectors[0].keys() == vectors[1].keys()
    for name, vector in vectors[0].items():
        np.testing.assert_array_equal(vectors[1][name], vector)
    assert together.log()[-1].counts["embedded"] == 11
    assert embed(together, kind()).embedded == 0


def test_a_file_is_opened_once_unless_a_jpeg_is_needed_at_two_scales(folder, tmp_path, monkeypatch):
    opened: list[int] = []
    open_header = decoding.open_header
    monkeypatch.setattr(
        decoding, "open_header", lambda data: opened.append(len(data)) or open_header(data)
    )
    (folder / "broken.jpg").unlink()
    _add(Store.create(tmp_path / "d.tamis"), [str(folder)], Large(), threads=1)

    large = (folder / "large.jpg").stat().st_size
    assert opened.count(large) == 2
    assert len(opened) == 11 + 1


def test_what_the_encoder_cannot_use_is_left_to_embed(folder, tmp_path):
    white = np.full((30, 30, 3), 255, np.uint8)
    (folder / "white.png").write_bytes(encode(white, "PNG"))
    store = Store.create(tmp_path / "d.tamis")
    report = _add(store, [str(folder)], Mosaic(poison=True))
    assert (report.embedded, report.added) == (11, 12)
    later = embed(store, Mosaic(poison=True))
    assert later.embedded == 0
    assert len(later.failed) == 1
    assert "no finite vector" in later.failed[0].reason


def test_what_only_figures_can_be_decoded_of_is_added_without_a_vector(
    folder, tmp_path, monkeypatch
):
    from tamis.errors import PictureError
    from tamis.services.add import pictures

    def refuse(data, path, side):
        raise PictureError(path, f"{side} pixels of {len(data)} bytes take too much memory")

    monkeypatch.setattr(pictures, "examine_and_decode", refuse)
    report = _add(Store.create(tmp_path / "d.tamis"), [str(folder)], Mosaic())
    assert (report.added, report.embedded) == (11, 0)


def test_frames_of_a_video_get_the_vectors_that_embed_gives(tmp_path):
    write_video(tmp_path / "v.mp4", scenes([1, 2], 6))
    apart, together = (Store.create(tmp_path / f"{name}.tamis") for name in "ab")
    video = [str(tmp_path / "v.mp4")]
    add_pictures(Workspace(apart), Add(video, every="frame"))
    column = embed(apart, Mosaic()).column
    report = _add(together, video, Mosaic(), every="frame")
    assert report.embedded == report.added == 12
    (names, expected), (others, found) = (store.vectors(column) for store in (apart, together))
    order = [others.index(name) for name in names]
    np.testing.assert_array_equal(found[order], expected)


def test_a_cluster_does_not_embed_what_it_adds():
    with pytest.raises(UsageError, match="afterwards"):
        Add(["photos"], embed=True, runner="ray")


@dataclass
class Counted(Mosaic):
    """Notes how many pictures wait when it is called."""

    waiting: list[int] = field(default_factory=list)
    seen: list[int] = field(default_factory=lambda: [0])

    def embed(self, pixels):
        self.waiting.append(self.seen[0])
        return super().embed(pixels)


@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_a_bounded_number_of_pictures_waits_for_the_encoder(device):
    from tamis.runtime.batch_size import BatchSize

    encoder = Counted()
    encoder.device = device
    made = np.zeros((8, 8, 3), np.uint8)

    def outcomes():
        for number in range(400):
            encoder.seen[0] += 1
            if number % 3 == 0:
                yield KnownSample(None, str(number))
            else:
                yield NewSample(None, str(number), "", 0, None, pixels=made)

    given = 0
    most = 0
    for outcome in embedding.with_vectors(outcomes(), encoder, BatchSize(4), workers=2):
        assert outcome.sample_id == str(given)
        assert isinstance(outcome, KnownSample) or outcome.vector is not None
        given += 1
        most = max(most, encoder.seen[0] - given)
    assert given == 400
    assert most <= 4 * 2 * 6


def test_known_pictures_do_not_gather_until_a_batch_is_full():
    batches = list(embedding._batches((KnownSample(None, str(n)) for n in range(1000)), 256))
    assert [len(batch) for batch in batches] == [256, 256, 256, 232]
