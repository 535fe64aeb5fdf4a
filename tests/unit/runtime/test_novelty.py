"""Frames decided on one after the other, with and without the gate."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from itertools import islice

import pytest
from PIL import Image

from made_videos import noisy, scene
from mosaic_encoder import Mosaic
from tamis.algo.sieve import Gate, RateThreshold, Sieve
from tamis.encoders.registry import load_encoder
from tamis.errors import PictureError, UsageError
from tamis.runtime.novelty import NoveltyFilter
from tamis.sources.video.frames import Frame, Scaled, view_of
from tamis.sources.video.open import open_frames


@dataclass
class MadePixels:
    picture: Image.Image | None
    format: str = "RAW"
    looked: bool = False

    def _sound(self):
        if self.picture is None:
            raise PictureError("x", "damaged")
        return self.picture

    def view(self, width, height):
        return view_of(self._sound(), width, height)

    def image(self, min_side=None):
        return self._sound()

    def scaled(self, min_side):
        image = self._sound()
        return Scaled(image, image.size, (0.0, 0.0, float(image.width), float(image.height)))

    def encoded(self):
        return None


def frames_of(pictures, step=1.0):
    return [
        Frame(f"made!frame={n}", None, "made", n, n * step, None, MadePixels(picture))
        for n, picture in enumerate(pictures)
    ]


@cache
def taken(number, seed):
    """A small picture of a scene, with the noise of a sensor."""
    return noisy(scene(number, (80, 45)), seed)


def quiet_day(scenes=6, each=70):
    return [taken(n % 4, 1000 * n + i) for n in range(scenes) for i in range(each)]


def kept(decisions):
    return [decision.frame.number for decision in decisions if decision.outcome == "kept"]


def test_each_frame_is_decided_on_in_order_and_names_its_keeper():
    pictures = [scene(1), noisy(scene(1), 1), None, scene(2), noisy(scene(1), 2)]
    sieve = Sieve(0.95)
    decisions = list(NoveltyFilter(Mosaic(), sieve, batch_size=3).decide(frames_of(pictures)))
    assert [d.frame.number for d in decisions] == [0, 1, 2, 3, 4]
    assert [d.outcome for d in decisions] == ["kept", "covered", "failed", "kept", "covered"]
    assert [d.keeper for d in decisions] == [
        "made!frame=0",
        "made!frame=0",
        None,
        "made!frame=3",
        "made!frame=0",
    ]
    assert decisions[2].reason == "damaged"
    assert decisions[2].vector is None
    for decision in (decisions[1], decisions[4]):
        found = float(decision.vector @ decisions[0].vector)
        assert decision.similarity == pytest.approx(found, abs=1e-6)
        assert decision.similarity >= decision.threshold == 0.95
    assert sieve.keys() == ["made!frame=0", "made!frame=3"]


@pytest.mark.parametrize("batch_size", [1, 5])
def test_the_gate_skips_most_frames_and_changes_no_decision(batch_size):
    frames = frames_of(quiet_day())
    plain, gated = Mosaic(), Mosaic()
    without = list(NoveltyFilter(plain, Sieve(0.97), batch_size=5).decide(frames))
    gate = Gate()
    filter_ = NoveltyFilter(gated, Sieve(0.97), gate=gate, batch_size=batch_size)
    decisions = list(filter_.decide(frames))
    assert [d.frame.number for d in decisions] == list(range(len(frames)))
    assert kept(decisions) == kept(without) == [0, 70, 140, 210]
    skipped = [d for d in decisions if d.outcome == "skipped"]
    assert len(skipped) == gate.skipped > 0.4 * len(frames)
    assert filter_.embedded == sum(gated.calls) == len(frames) - len(skipped)
    assert max(gated.calls) == batch_size
    # what a skipped frame is said to be covered by does cover it
    vectors = {d.key: d.vector for d in without}
    assert all(float(vectors[d.key] @ vectors[d.keeper]) >= 0.97 for d in skipped)


def test_a_frame_without_a_usable_vector_fails_alone():
    white = Image.new("RGB", (16, 12), "white")
    frames = frames_of([scene(1), white, scene(2)])
    decisions = list(NoveltyFilter(Mosaic(poison=True), Sieve(0.9), batch_size=3).decide(frames))
    assert [d.outcome for d in decisions] == ["kept", "failed", "kept"]
    assert decisions[1].reason == "the encoder gave no finite vector of length 1"


def test_what_was_forgotten_is_news_again_though_the_gate_remembers_it():
    day = [taken(1, i) for i in range(150)]
    frames = frames_of([*day, *[taken(2, 0)] * 60, taken(1, 999)])
    gate = Gate()
    filter_ = NoveltyFilter(Mosaic(), Sieve(0.97, window=30.0), gate=gate, batch_size=1)
    decisions = list(filter_.decide(frames))
    assert gate.skipped > 0
    assert kept(decisions) == [0, 150, 210]


def test_bounded_memory_with_the_gate_covers_what_it_skips():
    frames = frames_of([taken(n % 9, n // 9 % 3) for n in range(150) for _ in range(3)])
    sieve = Sieve(0.99, max_kept=4)
    decisions = list(NoveltyFilter(Mosaic(), sieve, gate=Gate(), batch_size=2).decide(frames))
    assert len(sieve) <= 4
    assert len(decisions) == len(frames)
    vectors = {
        d.key: d.vector for d in NoveltyFilter(Mosaic(), Sieve(1.0), batch_size=9).decide(frames)
    }
    for decision in decisions:
        if decision.outcome == "skipped":
            found = float(vectors[decision.key] @ vectors[decision.keeper])
            assert found >= decision.threshold - 1e-6


def test_a_rate_bounds_what_is_kept():
    frames = frames_of([taken(n, 0) for n in range(200)], step=10.0)
    rate = RateThreshold(10, 1000.0, finest=0.99)
    filter_ = NoveltyFilter(Mosaic(), Sieve(0.99), gate=Gate(), rate=rate, batch_size=4)
    decisions = list(filter_.decide(frames))
    assert 10 <= len(kept(decisions)) <= 20 + rate.burst + 1
    with pytest.raises(UsageError, match="give one of them"):
        NoveltyFilter(Mosaic(), Sieve(0.9, max_kept=5), rate=rate)
    with pytest.raises(UsageError, match="batch_size is 0"):
        NoveltyFilter(Mosaic(), Sieve(0.9), batch_size=0)


@pytest.mark.parametrize(
    ("name", "most"), [pytest.param("bottle", 480, marks=pytest.mark.nightly), ("car", 200)]
)
def test_on_real_videos_the_gate_changes_few_decisions(shared_data, name, most):
    pytest.importorskip("av")
    video = str(shared_data / f"videos/{name}-detection.mp4")
    runs = []
    for gate in (None, Gate()):
        frames = islice(open_frames(video).frames(), most)
        runs.append(list(NoveltyFilter(Mosaic(), Sieve(0.97), gate=gate).decide(frames)))
    without, gated = (set(kept(run)) for run in runs)
    skipped = sum(d.outcome == "skipped" for d in runs[1])
    assert skipped > 50
    # A frame that the gate wrongly skipped shows up as itself and as the one kept in its place.
    assert len(without ^ gated) <= max(2, 0.05 * len(without))


@pytest.mark.nightly
def test_the_bundled_encoder_decides_alike_with_the_gate(shared_data):
    pytest.importorskip("av")
    video = str(shared_data / "videos/bottle-detection.mp4")
    encoder = load_encoder("default", threads=1)
    runs = []
    for gate in (None, Gate()):
        frames = islice(open_frames(video, start=380).frames(), 160)
        runs.append(list(NoveltyFilter(encoder, Sieve(0.9), gate=gate).decide(frames)))
    assert 10 < len(kept(runs[0])) < 40
    assert len(set(kept(runs[0])) ^ set(kept(runs[1]))) <= 2
    assert sum(d.outcome == "skipped" for d in runs[1]) > 10
