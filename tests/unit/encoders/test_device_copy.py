"""Pictures are copied to a device outside of the turn in which it computes."""

from __future__ import annotations

import threading

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from tamis.encoders.device_copy import DeviceCopy  # noqa: E402
from tamis.encoders.torch_encoder import TorchModel, TorchRun, as_encoder  # noqa: E402
from tamis.errors import OutOfMemoryError  # noqa: E402
from tamis.types import Preprocessing  # noqa: E402


class Mean(torch.nn.Module):
    def forward(self, values):
        return values.mean(dim=(2, 3))


def _encoder():
    module = Mean()
    model = TorchModel(module=module, pooled=module, pooling="mean")
    return as_encoder("test:mean", model, Preprocessing(4, 4, "squash"), TorchRun(device="cpu"))


def _pictures(count=3):
    return np.random.default_rng(0).integers(0, 256, (count, 4, 4, 3), np.uint8)


def test_the_next_batch_is_copied_while_one_is_computed():
    encoder = _encoder()
    expected = encoder.embed(_pictures())
    copy, copied = encoder._copy, threading.Event()

    def note(pixels):
        made = copy(pixels)
        copied.set()
        return made

    encoder._copy = note
    found: list[np.ndarray] = []
    with encoder._turn:  # as if another thread's batch were being computed
        thread = threading.Thread(target=lambda: found.append(encoder.embed(_pictures())))
        thread.start()
        assert copied.wait(60)
        assert not found
    thread.join(60)
    np.testing.assert_array_equal(found[0], expected)


def test_a_copy_that_finds_no_memory_is_a_batch_that_is_too_large():
    encoder = _encoder()

    def full(pixels):
        raise RuntimeError(f"CUDA out of memory: {pixels.shape}")

    encoder._copy = full
    with pytest.raises(OutOfMemoryError):
        encoder.embed(_pictures())


def test_pictures_that_cannot_be_written_are_copied_without_a_warning():
    pixels = _pictures()
    pixels.flags.writeable = False
    there = DeviceCopy(torch.device("cpu"))(pixels).ready()
    np.testing.assert_array_equal(there.numpy(), pixels)
