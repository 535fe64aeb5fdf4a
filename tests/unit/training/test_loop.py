"""Training repeats, goes on after an interruption, and stops when it should."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs tamis[ssl]")

from tamis.encoders.registry import load_encoder  # noqa: E402
from tamis.errors import EncoderError, StorageError, UsageError  # noqa: E402
from tamis.training.backbone import backbone_of  # noqa: E402
from tamis.training.loop import Course, Lesson, Plan, train  # noqa: E402
from tamis.training.objectives import OBJECTIVES, Distillation  # noqa: E402
from tamis.training.views import ViewRecipe  # noqa: E402
from tamis.types import no_progress  # noqa: E402
from tiny_networks import write_network  # noqa: E402

COUNT = 16
PLAN = Plan(epochs=3, batch=8, side=24, rate=1e-3, patience=9, seed=0)
RNG = np.random.default_rng(0)
PIXELS = RNG.integers(0, 256, (COUNT, 32, 32, 3), dtype=np.uint8)
TEACHER = RNG.normal(size=(COUNT, 5)).astype(np.float32)
METHODS = [*OBJECTIVES, "distill"]


@pytest.fixture(scope="module")
def spec(tmp_path_factory):
    return write_network(tmp_path_factory.mktemp("net"))


@pytest.fixture
def backbone(spec):
    made = backbone_of(load_encoder(spec, device="cpu", threads=1))
    with made.borrowed():
        yield made


def objective_of(method, backbone, seed=0):
    if method == "distill":
        return Distillation(backbone, seed=seed, teacher=TEACHER)
    return OBJECTIVES[method](backbone, seed=seed)


def run(spec, method="simclr", plan=PLAN, *, lora=None, order=None, signal=None, **rest):
    """Train anew, and return what came of it and the vectors."""
    order = np.arange(COUNT) if order is None else order
    backbone = backbone_of(load_encoder(spec, device="cpu", threads=1))
    with backbone.borrowed():
        weights = backbone.learn("all", lora)
        lesson = Lesson(PIXELS[order], [int(place) for place in order], order // 2)
        course = Course(
            backbone, weights, objective_of(method, backbone), lesson, ViewRecipe(mirror=True)
        )
        rest.setdefault("progress", no_progress)
        training = train(course, plan, signal or (lambda: (0.0, 1.0)), **rest)
        backbone.settle()
        return training, backbone.vectors(PIXELS)


@pytest.mark.parametrize("method", METHODS)
def test_a_run_that_is_interrupted_ends_as_if_it_were_not(spec, method, tmp_path):
    whole, expected = run(spec, method)
    file = tmp_path / "state.pt"

    def stop_in_the_second_epoch(done, _total):
        if done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(spec, method, checkpoint=file, progress=stop_in_the_second_epoch)
    resumed, vectors = run(spec, method, checkpoint=file)
    assert (whole.resumed, resumed.resumed) == (0, 1)
    np.testing.assert_array_equal(vectors, expected)
    assert [one.loss for one in resumed.checks[1:]] == [one.loss for one in whole.checks[1:]]
    untouched = backbone_of(load_encoder(spec, device="cpu", threads=1)).vectors(PIXELS)
    assert np.abs(vectors - untouched).max() > 1e-4


def test_another_seed_is_another_result(spec):
    one, other = (run(spec, plan=Plan(1, 8, 24, 1e-3, 9, seed))[1] for seed in (0, 1))
    assert np.abs(one - other).max() > 1e-6


def test_a_damaged_place_for_checkpoints_is_reported(spec, tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StorageError, match="cannot be written"):
        run(spec, checkpoint=tmp_path / "file" / "state.pt")


def test_a_damaged_checkpoint_is_named(spec, tmp_path):
    (tmp_path / "state.pt").write_bytes(b"PK\x03\x04 no longer whole")
    with pytest.raises(StorageError, match=r"state\.pt is damaged .* remove it to begin anew"):
        run(spec, checkpoint=tmp_path / "state.pt")


def test_mixed_precision_learns_too(spec):
    training, vectors = run(spec, plan=Plan(1, 8, 24, 1e-3, 9, 0, "bfloat16"))
    assert np.isfinite(training.checks[1].loss)
    assert np.abs(vectors - run(spec, plan=Plan(1, 8, 24, 1e-3, 9, 0))[1]).max() < 0.1


def test_the_weights_of_the_best_epoch_are_taken(spec):
    signals = iter([0.0, 0.5, 0.9, 0.1])
    training, vectors = run(spec, signal=lambda: (next(signals), 1.0))
    assert training.best == 2
    # the same two epochs of the same plan, and nothing after them
    only = iter([0.0, 0.5, 0.9])

    def stop(done, _total):
        if done == 5:
            raise KeyboardInterrupt

    seen = []

    def signal():
        seen.append(1)
        return next(only), 1.0

    with pytest.raises(KeyboardInterrupt):
        run(spec, signal=signal, progress=stop)
    assert len(seen) == 3
    other = iter([0.0, 0.5, 0.9, 0.95])
    last, later = run(spec, signal=lambda: (next(other), 1.0))
    assert last.best == 3
    assert np.abs(vectors - later).max() > 0


def test_it_stops_when_the_signal_does_not_rise(spec):
    signals = iter([0.5, 0.9, 0.8, 0.7, 0.6])
    plan = Plan(9, 8, 24, 1e-3, 2, 0)
    training, _ = run(spec, plan=plan, signal=lambda: (next(signals), 1.0))
    assert (len(training.checks), training.best) == (4, 1)
    assert training.stopped == "the signal has not risen for 2 epochs"


def test_it_stops_when_vectors_collapse(spec):
    ranks = iter([8.0, 7.0, 3.9])
    training, _ = run(spec, signal=lambda: (0.0, next(ranks)))
    assert len(training.checks) == 3
    assert "effective rank" in training.stopped
    ranks = iter([8.0, 7.0, 3.9, 2.0])
    training, _ = run(spec, "cutpaste", signal=lambda: (0.0, next(ranks)))
    assert training.stopped == ""


def test_a_loss_that_is_no_number_ends_it(spec):
    with pytest.raises(EncoderError, match="diverged at step"):
        run(spec, "vicreg", plan=Plan(40, 8, 24, 1e30, 99, 0))


def test_old_weights_come_back(spec):
    encoder = load_encoder(spec, device="cpu", threads=1)
    before = encoder.embed(PIXELS)
    backbone = backbone_of(encoder)
    with backbone.borrowed():
        backbone.learn("all", None)[0].data.add_(1)
        assert np.abs(encoder.embed(PIXELS) - before).max() > 1e-3
    np.testing.assert_array_equal(encoder.embed(PIXELS), before)


def test_corrections_begin_at_nothing_and_leave_the_rest_alone(backbone):
    before = backbone.vectors(PIXELS)
    weights = backbone.learn("all", 2)
    assert {tuple(one.shape) for one in weights} == {(2, 16), (16, 2), (12, 2)}
    np.testing.assert_allclose(backbone.vectors(PIXELS), before, atol=1e-6)
    for one in weights:
        one.data.add_(0.1)
    changed = backbone.vectors(PIXELS)
    backbone.settle()
    np.testing.assert_allclose(backbone.vectors(PIXELS), changed, atol=1e-6)
    names = {name for name, _ in backbone.model.module.named_parameters()}
    assert not any("parametrizations" in name for name in names)


def test_the_last_quarter_of_the_layers_is_the_end(backbone):
    learned = backbone.learn("last", None)
    assert [id(one) for one in learned] == [
        id(one) for one in backbone.model.module.last.parameters()
    ]


def test_layers_are_those_that_run_in_the_order_in_which_they_run(backbone):
    module = backbone.model.module
    module.text = torch.nn.Linear(4, 4)  # a tower beside, which no picture goes through
    body = [module.body[place] for place in (0, 2, 4)]
    assert backbone._layers() == [*body, module.last]
    del module.text


def test_training_with_corrections_changes_vectors(spec):
    _, one = run(spec, lora=2)
    untouched = backbone_of(load_encoder(spec, device="cpu", threads=1)).vectors(PIXELS)
    assert np.abs(one - untouched).max() > 1e-5


def test_what_is_no_network_is_refused():
    class Function:
        spec = "py:mine.py:moments"

    with pytest.raises(UsageError, match="no network of PyTorch"):
        backbone_of(Function())
