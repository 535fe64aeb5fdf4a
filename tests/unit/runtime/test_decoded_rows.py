"""Rows of one picture share its decoding, and what one gets does not depend on the others."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from synthetic_pictures import scene
from tamis.dataset.parts import Box, tile_boxes
from tamis.errors import PictureError
from tamis.images.picture_record import content_hash
from tamis.runtime import decoded_rows as module
from tamis.runtime.decoded_rows import by_picture, decoded_rows

SIDE = 64
SMALL, LARGE = Box(11, 21, 100, 70), Box(101, 53, 513, 407)


@pytest.fixture
def row(tmp_path):
    """Makes rows of one JPEG of 800 x 600 pixels."""
    file = tmp_path / "a.jpg"
    noise = Image.fromarray(scene(3, 512)).convert("RGB")
    noise.resize((800, 600), Image.Resampling.BICUBIC).save(file, quality=95)
    identity = content_hash(file.read_bytes())
    return lambda box=None: SimpleNamespace(
        uri=str(file), path="a.jpg", content_hash=identity, box=box
    )


@pytest.fixture
def decodings(monkeypatch):
    """The scale of every decoding."""
    done = []

    def counted(data, path, **options):
        done.append(options)
        return decode(data, path, **options)

    decode = module.decode
    monkeypatch.setattr(module, "decode", counted)
    return done


def test_parts_share_a_decoding_as_far_as_they_need_the_same(row, decodings):
    boxes = [None, SMALL, Box(0, 0, 90, 90), LARGE, Box(5, 5, 500, 500), SMALL]
    got = [found.image.size for _, found in decoded_rows([row(box) for box in boxes], SIDE)]
    assert [next(iter(options.items())) for options in decodings] == [
        ("min_side", SIDE),
        ("reduce_by", 1),
        ("reduce_by", 4),
    ]
    assert got[1] == (100, 70)
    assert got[3] == (128, 102)
    assert min(got[3]) >= SIDE


@pytest.mark.parametrize("box", [None, SMALL, LARGE])
def test_what_a_row_gets_does_not_depend_on_its_neighbours(row, box):
    [(_, alone)] = decoded_rows([row(box)], SIDE)
    among = list(decoded_rows([row(LARGE), row(), row(SMALL), row(box)], SIDE))[-1][1]
    assert np.array_equal(np.asarray(alone.image), np.asarray(among.image))


def test_a_small_part_is_cut_from_all_pixels(row):
    [(one, (image, _, _))] = decoded_rows([row(SMALL)], SIDE)
    expected = Image.open(one.uri).crop(SMALL.corners)
    assert np.array_equal(np.asarray(image), np.asarray(expected))


@pytest.mark.parametrize("x", range(101, 105))
def test_a_part_of_a_smaller_decoding_lies_where_it_should(row, x):
    """Shifted by one pixel of the original it would fit worse."""
    [(one, (image, _, _))] = decoded_rows([row(Box(x, 53, 513, 407))], SIDE)
    whole = Image.open(one.uri)

    def difference(shift):
        there = whole.crop((x + shift, 53, x + shift + 513, 53 + 407))
        there = there.resize(image.size, Image.Resampling.BICUBIC)
        return np.abs(np.asarray(there, float) - np.asarray(image, float)).mean()

    assert difference(0) < 0.9 * min(difference(-1), difference(1))


def test_tiles_up_to_the_edges_keep_their_shape(row):
    boxes = tile_boxes(800, 600, 2)
    sizes = {image.size for _, image in decoded_rows([row(box) for box in boxes], SIDE)}
    assert len(sizes) == 1


def test_a_changed_file_fails_all_its_rows(row):
    rows = [row(), row(SMALL)]
    for one in rows:
        one.content_hash = "0" * 32
    assert all(isinstance(image, PictureError) for _, image in decoded_rows(rows, SIDE))


def test_a_pictures_rows_stay_together_but_not_without_end():
    rows = [SimpleNamespace(uri=uri) for uri in "aaabbcd" + "e" * 200]
    parts = list(by_picture(rows, 2))
    assert [len(part) for part in parts[:3]] == [3, 2, 2]
    assert [one for part in parts for one in part] == rows
    assert max(map(len, parts)) <= 64
    whole = [SimpleNamespace(uri=str(number)) for number in range(10)]
    assert [len(part) for part in by_picture(whole, 4)] == [4, 4, 2]


@pytest.mark.parametrize("box", [None, Box(11, 21, 60, 70), Box(40, 20, 263, 207)])
def test_a_frame_gives_the_same_pixels_as_its_picture_file_would(tmp_path, box):
    pytest.importorskip("av")
    from made_videos import scenes, write_video
    from tamis.sources.reading import read_content
    from tamis.sources.video.frame_reader import close_videos

    video = tmp_path / "a.mp4"
    write_video(video, scenes([1, 2], 3, (320, 240)))
    uri = f"{video}!frame=4"
    data, identity = read_content(uri)
    file = tmp_path / "frame.png"
    file.write_bytes(data)
    frame = SimpleNamespace(uri=uri, path="a", content_hash=identity, box=box)
    picture = SimpleNamespace(uri=str(file), path="a", content_hash=content_hash(data), box=box)
    (_, one), (_, two) = decoded_rows([frame, picture], SIDE)
    assert np.array_equal(np.asarray(one.image), np.asarray(two.image))
    assert one[1:] == two[1:]
    stale = SimpleNamespace(uri=uri, path="a", content_hash="0" * 32, box=box)
    [(_, error)] = decoded_rows([stale], SIDE)
    assert isinstance(error, PictureError)
    close_videos()
