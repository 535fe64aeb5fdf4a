"""What holds of decisions on frames, whatever the stream, the batches and the gate."""

from __future__ import annotations

from functools import cache

from hypothesis import given
from hypothesis import strategies as st

from examples import few
from made_videos import noisy, scene
from mosaic_encoder import Mosaic
from tamis.algo.sieve import Gate, Sieve
from tamis.runtime.novelty import NoveltyFilter
from tamis.sources.video.frames import Frame, Scaled, view_of

THRESHOLD = 0.97


class Picture:
    format = "RAW"

    def __init__(self, picture):
        self.picture = picture

    def view(self, width, height):
        return view_of(self.picture, width, height)

    def scaled(self, min_side):
        return Scaled(self.picture, self.picture.size, (0.0, 0.0, *map(float, self.picture.size)))


@cache
def taken(number, seed):
    return Picture(noisy(scene(number, (80, 45)), 100 * number + seed))


def stream(segments):
    shown = [(number, frame) for number, length in segments for frame in range(length)]
    return [
        Frame(str(n), None, "made", n, float(n), None, taken(number, frame))
        for n, (number, frame) in enumerate(shown)
    ]


def decided(frames, gate, batch_size):
    filter_ = NoveltyFilter(Mosaic(), Sieve(THRESHOLD), gate=gate, batch_size=batch_size)
    return list(filter_.decide(frames))


SEGMENTS = st.lists(st.tuples(st.integers(0, 4), st.integers(1, 70)), min_size=2, max_size=7)


@given(SEGMENTS, st.integers(1, 9))
@few(8)
def test_batches_and_the_gate_change_no_decision_on_a_still_camera(segments, batch_size):
    frames = stream(segments)
    plain = decided(frames, None, 1)
    gated = decided(frames, Gate(), batch_size)
    assert [d.frame.number for d in gated] == list(range(len(frames)))
    assert [d.outcome == "kept" for d in gated] == [d.outcome == "kept" for d in plain]
    vectors = {d.key: d.vector for d in plain}
    kept = [vectors[d.key] for d in gated if d.outcome == "kept"]
    for decision in gated:
        assert float(vectors[decision.key] @ vectors[decision.keeper]) >= THRESHOLD - 1e-6
    for place, one in enumerate(kept):
        assert all(float(one @ other) < THRESHOLD + 1e-6 for other in kept[:place])
