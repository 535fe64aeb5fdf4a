"""What all encoders that PyTorch runs share: devices, precision, memory, errors."""

from __future__ import annotations

import gc
import weakref

import numpy as np
import pytest

from tamis.encoders.base import FeatureMapEncoder, TextEncoder
from tamis.errors import EncoderError, OutOfMemoryError, UsageError
from tamis.runtime.batch_size import BatchSize
from tamis.types import Preprocessing
from tiny_models import require_hugging_face

torch, _ = require_hugging_face()

from tamis.encoders.torch_encoder import TorchModel, TorchRun, as_encoder  # noqa: E402

PREPROCESSING = Preprocessing(8, 8)
PIXELS = np.random.default_rng(0).integers(0, 256, (3, 8, 8, 3), dtype=np.uint8)


def network(seed=0):
    torch.manual_seed(seed)
    return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(192, 5))


def encoder(pooled=None, run=None, module=None, **options):
    module = module or network()
    model = TorchModel(module=module, pooled=pooled or module, pooling="linear", **options)
    return as_encoder("test:net", model, PREPROCESSING, run or TorchRun())


def test_what_the_network_can_do_decides_what_the_encoder_can():
    def maps(values):
        return values.permute(0, 2, 3, 1)

    def texts(given):
        return torch.ones(len(given), 5)

    for has_maps in (False, True):
        for reads_texts in (False, True):
            made = encoder(
                maps={"pixels": maps} if has_maps else {}, texts=texts if reads_texts else None
            )
            assert isinstance(made, FeatureMapEncoder) == has_maps
            assert isinstance(made, TextEncoder) == reads_texts
            assert made.dim == 5


def test_pixels_are_scaled_by_mean_and_std():
    made = encoder(pooled=lambda values: values.mean(dim=(2, 3)))
    white = np.full((1, 8, 8, 3), 255, np.uint8)
    np.testing.assert_allclose(made.embed(white), np.full((1, 3), 3**-0.5), atol=1e-6)


@pytest.mark.parametrize(
    "message",
    [
        "[enforce fail at alloc_cpu.cpp] DefaultCPUAllocator: can't allocate memory",
        "CUDA out of memory",
    ],
)
def test_out_of_memory_is_told_apart(message):
    module = network()

    def hungry(values):
        if len(values) > 1:
            raise RuntimeError(message)
        return module(values)

    made = encoder(hungry, module=module)
    made.embed(PIXELS[:1])
    with pytest.raises(OutOfMemoryError, match="test:net ran out of memory on cpu"):
        made.embed(PIXELS)


@pytest.mark.parametrize("way", ["raised", "wrapped", "kept"])
def test_nothing_of_a_failed_batch_is_alive_when_the_next_is_tried(way):
    """Without any garbage collection, which may not come before the device is full."""
    made, alive = [], []

    def refuse():
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB")

    def widened(values):
        wide = values.repeat(1, 2, 1, 1)
        made.extend([weakref.ref(values), weakref.ref(wide)])
        if len(values) > 2:
            try:
                refuse()
            except torch.OutOfMemoryError as error:
                # a variable of the frame that the error knows: a cycle, which counts keep alive
                kept = error if way == "kept" else None  # noqa: F841
                if way == "wrapped":
                    raise RuntimeError("CUDA out of memory, as a library says it") from error
                raise
        return wide

    def hungry(values):
        alive.append(sum(one() is not None for one in made))
        return widened(values).mean(dim=(2, 3))

    net = encoder(hungry)
    made.clear()
    alive.clear()
    pixels = np.random.default_rng(1).integers(0, 256, (8, 8, 8, 3), dtype=np.uint8)
    batch = BatchSize(8)
    gc.disable()
    try:
        vectors = batch.embed(net, pixels)
        left = [one for one in made if one() is not None]
    finally:
        gc.enable()
    assert batch.size == 2
    assert len(vectors) == 8
    assert alive == [0] * 6  # at the start of 8, of 4, and of 2 four times
    assert not left


def test_other_errors_of_the_network_are_not_hidden():
    module = network()

    def broken(values):
        if len(values) > 1:
            raise RuntimeError("a defect")
        return module(values)

    made = encoder(broken, module=module)
    with pytest.raises(RuntimeError, match="a defect"):
        made.embed(PIXELS)


def test_a_network_that_fails_on_its_first_picture_is_refused():
    def broken(values):
        raise RuntimeError("mat1 and mat2 shapes cannot be multiplied")

    with pytest.raises(EncoderError, match=r"test:net fails on a picture of 8 x 8.*mat1"):
        encoder(broken)


def test_an_output_that_is_no_vector_is_refused():
    with pytest.raises(EncoderError, match=r"shape \[1, 3, 8, 8\].*pooling or layer"):
        encoder(lambda values: values)


def test_precision_changes_the_fingerprint_and_little_else():
    exact, half = encoder(), encoder(run=TorchRun(precision="bfloat16"))
    assert exact.fingerprint != half.fingerprint
    cosines = (exact.embed(PIXELS) * half.embed(PIXELS)).sum(1)
    assert cosines.min() > 0.999
    assert not np.array_equal(exact.embed(PIXELS), half.embed(PIXELS))


def test_weights_change_the_fingerprint_threads_do_not():
    before = torch.get_num_threads()
    try:
        assert encoder().fingerprint == encoder(run=TorchRun(threads=1)).fingerprint
    finally:
        torch.set_num_threads(before)
    assert encoder().fingerprint != encoder(module=network(1)).fingerprint


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"threads": 0}, "threads is 0"),
        ({"precision": "int8"}, "precision is 'int8'"),
        ({"precision": "float16", "device": "cpu"}, "float16 needs a GPU"),
        ({"device": "abacus"}, "no kind of device 'abacus'"),
        ({"device": "meta"}, "finds no device 'meta' here; it finds .*cpu"),
    ],
)
def test_a_run_that_cannot_be_is_refused(options, message):
    with pytest.raises(UsageError, match=message):
        TorchRun(**options)
