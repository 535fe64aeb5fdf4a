"""What bounds a machine, told from figures; and that each step is measured."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from mosaic_encoder import Mosaic
from tamis.dataset.store import Store
from tamis.errors import InputError
from tamis.runtime.batch_size import BatchSize
from tamis.runtime.workspace import Workspace, execute
from tamis.services.bench import run as bench
from tamis.services.bench.bound import Rate, advice, expected_add, expected_embed, shares
from tamis.services.bench.contract import Bench

STEPS = ("read", "measure", "prepare", "infer", "write", "search")
EVEN = {name: Rate(50.0, 100.0, 0.01) for name in STEPS}


def told(rates, **machine):
    known = {"workers": 2, "device": "cpu", "megapixels": 1.0, "can_use_gpu": False}
    return advice(rates, **{**known, **machine})


def slow(name, rate):
    return {**EVEN, name: rate}


@given(
    st.lists(st.floats(0.1, 1e5), min_size=5, max_size=5),
    st.sampled_from(["cpu", "cuda"]),
)
def test_shares_add_up_and_nothing_is_faster_than_its_slowest_step(speeds, device):
    rates = {name: Rate(s, s, 1 / s) for name, s in zip(STEPS[:5], speeds, strict=True)}
    assert sum(stage.share for stage in shares(rates)) == pytest.approx(1)
    assert expected_add(rates) <= min(rates[name].all for name in ("read", "measure", "write"))
    assert expected_embed(rates, device=device) <= min(
        rates[name].all for name in ("read", "prepare", "infer", "write")
    )


def test_a_device_works_beside_the_processor_and_a_processor_does_not():
    assert expected_embed(EVEN, device="cuda") == pytest.approx(100 / 3)
    assert expected_embed(EVEN, device="cpu") == pytest.approx(25)


@pytest.mark.parametrize(
    ("rates", "machine", "words"),
    [
        (slow("infer", Rate(5, 10, 0.2)), {}, "infer: a smaller encoder, or the same one as"),
        (slow("infer", Rate(5, 10, 0.2)), {"can_use_gpu": True}, "there is a GPU here"),
        (slow("infer", Rate(5, 10, 0.2)), {"device": "cuda"}, "precision=bfloat16"),
        (slow("measure", Rate(5, 10, 0.2)), {}, "measure: more processors"),
        (slow("prepare", Rate(5, 9, 0.2)), {"megapixels": 12.0}, "half the side of these 12"),
        (slow("prepare", Rate(5, 9, 0.2)), {"workers": 8}, "get in each other's way; --processes"),
        (slow("prepare", Rate(5, 39, 0.2)), {"workers": 8}, "prepare: more processors"),
        (slow("read", Rate(10, 10, 0.001)), {}, "read: a nearer or faster disk"),
        (slow("read", Rate(10, 10, 0.1)), {}, "read: smaller files"),
        (slow("write", Rate(10, 10, 0.1)), {}, "write: a faster disk for the dataset"),
    ],
)
def test_what_takes_most_is_named_first_with_what_helps(rates, machine, words):
    first, *_ = told(rates, **machine)
    assert words in first


def test_steps_that_hardly_count_get_no_advice():
    rates = {**EVEN, "infer": Rate(1, 1, 1.0)}
    assert len(told(rates)) == 1


@pytest.fixture
def photos(tmp_path):
    rng = np.random.default_rng(0)
    folder = tmp_path / "photos"
    folder.mkdir()
    for number in range(7):
        pixels = rng.integers(0, 256, (20, 30, 3), np.uint8)
        Image.fromarray(pixels).save(folder / f"{number}.png")
    (folder / "bad.png").write_text("no picture")
    return folder


def test_every_step_is_measured_and_nothing_is_added(tmp_path, photos, monkeypatch):
    monkeypatch.setattr("tamis.services.bench.run._SEARCHED", 50)
    workspace = Workspace(Store.create(tmp_path / "d.tamis"))
    spec = workspace.encoders.add(Mosaic())
    before = workspace.store.snapshot
    report = execute(workspace, Bench((str(photos),), encoder=spec, threads=2))
    assert [stage.stage for stage in report.stages] == list(STEPS)
    assert all(stage.one > 0 and stage.all > 0 for stage in report.stages)
    assert (report.pictures, report.workers, report.device) == (7, 2, "cpu")
    assert report.megapixels == pytest.approx(0.0006)
    assert [failure.path[-7:] for failure in report.failed] == ["bad.png"]
    assert report.bound == max(report.stages, key=lambda stage: stage.share).stage
    assert workspace.store.snapshot == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["d.tamis", "photos"]
    json.dumps(report.document())


@pytest.mark.parametrize(("limit", "pictures"), [(2, 2), (3, 3), (100, 7)])
def test_pictures_are_taken_evenly_up_to_a_limit(tmp_path, photos, monkeypatch, limit, pictures):
    (photos / "bad.png").unlink()
    monkeypatch.setattr("tamis.services.bench.run._SEARCHED", 20)
    workspace = Workspace(Store.create(tmp_path / "d.tamis"))
    asked = Bench((str(photos),), encoder=workspace.encoders.add(Mosaic()), limit=limit)
    assert execute(workspace, asked).pictures == pictures


def test_too_few_pictures_say_why(tmp_path, photos):
    for number in range(1, 7):
        (photos / f"{number}.png").unlink()
    workspace = Workspace(Store.create(tmp_path / "d.tamis"))
    asked = Bench((str(photos),), encoder=workspace.encoders.add(Mosaic()))
    with pytest.raises(InputError, match=r"1 of 2 pictures can be decoded.*not a picture"):
        execute(workspace, asked)
    (photos / "bad.png").unlink()
    with pytest.raises(InputError, match="1 of 1 pictures can be decoded"):
        execute(workspace, replace(asked, limit=2))


def test_a_file_is_read_twice_and_processor_time_is_told_in_milliseconds():
    stages = {stage.stage: stage for stage in shares(EVEN)}
    assert stages["read"].share == pytest.approx(2 / 6)
    assert stages["infer"].share == pytest.approx(1 / 6)
    assert stages["search"].share == 0
    assert stages["infer"].processor_ms == pytest.approx(10)


def test_inference_is_told_a_picture_not_a_batch(monkeypatch):
    """Each batch of four takes 8 s by one worker, 4 s by all, and 2 s of processor time."""
    monkeypatch.setattr(
        bench._Workers,
        "rate",
        lambda _, work, items: ([*map(work, items)], Rate(1 / 8, 1 / 4, 2.0)),
    )
    pixels = [np.zeros((4, 4, 3), np.uint8)] * 9
    vectors, rate = bench._infer(bench._Workers(1), Mosaic(), BatchSize(4), pixels)
    assert len(vectors) == 8
    assert rate == Rate(0.5, 1.0, 0.5)


def test_a_watch_tells_items_a_second_and_processor_time_an_item(monkeypatch):
    clocks = {"perf_counter": iter([100.0, 104.0]), "process_time": iter([10.0, 13.0])}
    for name, ticks in clocks.items():
        monkeypatch.setattr(bench.time, name, lambda ticks=ticks: next(ticks))
    assert bench._Watch().rate(6) == Rate(1.5, 1.5, 0.5)
