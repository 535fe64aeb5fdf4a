"""The gate before the encoder: what it claims, what it learns, how it checks itself."""

from __future__ import annotations

import numpy as np
import pytest

from tamis.algo.sieve import Gate, Sieve
from tamis.algo.sieve.gate import VIEW_HEIGHT, VIEW_WIDTH, DistanceBound, difference
from tamis.errors import UsageError

SHAPE = (VIEW_HEIGHT, VIEW_WIDTH, 3)


class Camera:
    """A scene with sensor noise, into which objects come; its vectors follow the pixels."""

    def __init__(self, seed=0, dim=32):
        self.rng = np.random.default_rng(seed)
        self.ground = self.rng.integers(40, 200, SHAPE)
        self.map = self.rng.normal(size=(VIEW_HEIGHT * VIEW_WIDTH * 3, dim)) / 4000.0

    def frame(self, objects=()):
        picture = self.ground + self.rng.normal(0, 1.5, SHAPE)
        for row, column, side, colour in objects:
            picture[row : row + side, column : column + side] = colour
        return np.clip(picture, 0, 255).astype(np.uint8)

    def vector(self, view):
        projected = (view.astype(np.float64).ravel() - 128.0) @ self.map
        return (projected / np.linalg.norm(projected)).astype(np.float32)


def run(frames, camera, threshold, gate):
    sieve = Sieve(threshold)
    kept = []
    for number, view in enumerate(frames):
        if gate is not None:
            glance = gate.look(view, threshold=threshold)
            if glance.keeper is not None:
                continue
        vector = camera.vector(view)
        verdict = sieve.offer(vector, key=str(number))
        if verdict:
            kept.append(number)
        if gate is not None:
            gate.learn(view, vector, verdict, audit=glance.audit)
    return kept


def day(camera, count=1000):
    """A quiet day: now and then something stands in the picture for a while."""
    objects = ()
    frames = []
    for _ in range(count):
        if camera.rng.random() < 0.01:
            row, column = camera.rng.integers(0, 30), camera.rng.integers(0, 60)
            objects = (
                (row, column, int(camera.rng.integers(4, 14)), camera.rng.integers(0, 255, 3)),
            )
        elif camera.rng.random() < 0.02:
            objects = ()
        frames.append(camera.frame(objects))
    return frames


@pytest.mark.parametrize("seed", range(3))
def test_the_gate_skips_most_of_a_quiet_day_and_changes_no_decision(seed):
    camera = Camera(seed)
    frames = day(camera)
    gate = Gate()
    # the threshold at which this made encoder sees objects come and go
    threshold = 0.98
    with_gate = run(frames, camera, threshold, gate)
    assert with_gate == run(frames, camera, threshold, None)
    assert len(with_gate) > 5
    assert gate.skipped > 0.6 * len(frames)
    assert gate.audited == (gate.skipped + gate.audited) // 50
    assert gate.missed == 0


def test_a_new_gate_lets_everything_pass():
    camera = Camera()
    gate = Gate()
    frames = [camera.frame() for _ in range(45)]
    run(frames, camera, 0.5, gate)
    assert gate.skipped == 0


def test_a_keeper_that_is_gone_covers_nothing():
    camera = Camera()
    gate = Gate()
    run([camera.frame() for _ in range(210)], camera, 0.9, gate)
    assert gate.look(camera.frame(), threshold=0.9).keeper == "0"
    gate.retain(lambda key: key != "0")
    assert gate.look(camera.frame(), threshold=0.9).keeper is None


def test_a_bound_covers_smaller_differences_and_claims_nothing_of_larger_ones():
    bound = DistanceBound()
    for _ in range(60):
        bound.learn(np.array([[1.0, 2.0]], dtype=np.float32), np.array([0.2]))
        bound.learn(np.array([[8.0, 20.0]], dtype=np.float32), np.array([0.1]))
    asked = np.array([[1.0, 2.0], [8.0, 20.0], [30.0, 60.0], [1.0, 60.0]], dtype=np.float32)
    # what was seen at a smaller difference can happen at a larger one too
    assert bound.of(asked) == pytest.approx([0.25, 0.25, np.inf, np.inf])


def test_differences_are_of_the_whole_and_of_the_worst_block():
    ground = np.full(SHAPE, 100, np.uint8)
    spot = ground.copy()
    spot[10:15, 20:25] = 130
    whole, block = difference(ground[np.newaxis], spot)[0]
    assert block == pytest.approx(30.0)
    assert whole == pytest.approx(30.0 / np.sqrt(VIEW_HEIGHT * VIEW_WIDTH / 25))


def test_a_colour_change_of_equal_brightness_is_seen():
    red, green = np.zeros(SHAPE, np.uint8), np.zeros(SHAPE, np.uint8)
    red[..., 0], green[..., 1] = 118, 60
    assert difference(red[np.newaxis], green)[0, 0] > 50


def test_a_view_of_another_size_is_refused():
    with pytest.raises(UsageError, match=r"\(45, 80, 3\)"):
        Gate().look(np.zeros((9, 16, 3), np.uint8), threshold=0.9)
