"""Batch sizes: found for the device, halved when memory does not last."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pytest

from tamis.errors import OutOfMemoryError
from tamis.runtime.batch_size import BatchSize, find_batch_size
from tamis.types import Preprocessing


@dataclass
class Device:
    """An encoder on a device that holds `room` pictures; each call moves its own clock on."""

    room: int = 1 << 30
    device: str = "cuda"
    side: int = 8
    seconds_a_call: float = 0.0
    seconds_a_picture: float = 0.0
    calls: list[int] = field(default_factory=list)
    now: float = 0.0

    spec = "test:device"
    fingerprint = "0" * 32
    dim = 2

    @property
    def preprocessing(self):
        return Preprocessing(self.side, self.side)

    def embed(self, pixels):
        self.calls.append(len(pixels))
        if len(pixels) > self.room:
            raise OutOfMemoryError(self.spec, self.device)
        self.now += self.seconds_a_call + self.seconds_a_picture * len(pixels)
        mean = pixels.mean(axis=(1, 2, 3)).astype(np.float32)
        return np.stack([mean, np.arange(len(pixels), dtype=np.float32)], axis=1)


PIXELS = np.arange(21, dtype=np.uint8)[:, None, None, None] * np.ones((1, 8, 8, 3), np.uint8)


@pytest.mark.parametrize("room", [1, 2, 3, 5, 20, 21, 100])
def test_out_of_memory_halves_the_batch_and_goes_on(room):
    encoder = Device(room=room)
    batch = BatchSize(16)
    vectors = batch.embed(encoder, PIXELS)
    np.testing.assert_array_equal(vectors[:, 0], np.arange(21))
    assert batch.size <= room
    tried_again = len(encoder.calls)
    batch.embed(encoder, PIXELS)
    assert all(size <= room for size in encoder.calls[tried_again:])


def test_a_device_that_holds_not_even_one_says_so():
    with pytest.raises(OutOfMemoryError, match="test:device ran out of memory on cuda"):
        BatchSize(8).embed(Device(room=0), PIXELS)


def test_on_a_processor_it_is_small_and_needs_no_trial():
    for side, expected in ((224, 8), (384, 8), (518, 4), (1024, 1), (4000, 1)):
        encoder = Device(device="cpu", side=side)
        assert find_batch_size(encoder) == expected
        assert encoder.calls == []


@pytest.mark.parametrize(("side", "expected"), [(224, 3), (1024, 1)])
def test_an_encoder_may_say_how_many_a_processor_takes(side, expected):
    encoder = Device(device="cpu", side=side)
    encoder.processor_batch = 3
    assert find_batch_size(encoder) == expected


def test_an_encoder_that_names_no_device_is_on_the_processor():
    class Plain:
        preprocessing = Preprocessing(224, 224)

    assert find_batch_size(Plain()) == 8


def found_for(device):
    return find_batch_size(device, clock=lambda: device.now)


@pytest.mark.parametrize(
    ("a_call", "a_picture", "expected"),
    # doubling from n to 2n pays as long as 2 (c + n p) / (c + 2 n p) is 1.05 or more
    [
        (1.0, 0.0, 256),
        (0.0, 1.0, 1),
        (1.0, 0.05, 256),
        (1.0, 0.1, 128),
        (1.0, 1.0, 16),
        (1.0, 10.0, 1),
    ],
)
def test_elsewhere_it_grows_while_that_pays(a_call, a_picture, expected):
    device = Device(seconds_a_call=a_call, seconds_a_picture=a_picture)
    assert found_for(device) == expected
    # each size once to warm up and once for the time
    assert device.calls[::2] == device.calls[1::2]


@pytest.mark.parametrize("room", [1, 2, 15, 16, 20, 31, 256, 1000])
def test_elsewhere_memory_bounds_it(room):
    expected = min(256, 1 << (room.bit_length() - 1))
    assert found_for(Device(room=room, seconds_a_call=0.02)) == expected
