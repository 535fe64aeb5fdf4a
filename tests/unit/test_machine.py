"""How many processors a process may use, and how many threads its linear algebra."""

from __future__ import annotations

import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from tamis import machine


@pytest.fixture
def quota(tmp_path, monkeypatch):
    file = tmp_path / "cpu.max"
    monkeypatch.setattr(machine, "_QUOTA", file)
    monkeypatch.setattr(machine.os, "sched_getaffinity", lambda _: set(range(8)), raising=False)
    return file


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("max 100000", 8),
        ("200000 100000", 2),
        ("150000 100000", 2),
        ("50000 100000", 1),
        ("1600000 100000", 8),
        ("damaged", 8),
    ],
)
def test_a_containers_share_counts(quota, text, expected):
    quota.write_text(text)
    assert machine.usable_processors() == expected


def test_without_a_container_the_affinity_counts(quota):
    assert not quota.exists()
    assert machine.usable_processors() == 8


def blas_threads():
    assert np.dot(np.ones(2), np.ones(2)) == 2.0
    return {each["num_threads"] for each in threadpool_info() if each["user_api"] == "blas"}


def test_linear_algebra_keeps_to_one_thread_until_the_last_is_done():
    one, other = machine.one_blas_thread(), machine.one_blas_thread()
    with threadpool_limits(2, user_api="blas"):
        one.__enter__()
        other.__enter__()
        one.__exit__(None, None, None)
        assert blas_threads() == {1}
        other.__exit__(None, None, None)
        assert blas_threads() == {2}


def test_it_is_given_back_after_an_error():
    @machine.one_blas_thread()
    def failing():
        assert blas_threads() == {1}
        raise ValueError

    with threadpool_limits(2, user_api="blas"):
        for _ in range(2):
            with pytest.raises(ValueError):
                failing()
        assert blas_threads() == {2}


class Allocator:
    """A C library that notes what it is asked."""

    def __init__(self):
        self.asked = []

    def mallopt(self, name, value):
        self.asked.append((name, value))
        return 1

    def malloc_trim(self, left):
        self.asked.append(left)
        return 1


@pytest.mark.parametrize(("processors", "heaps"), [(1, 2), (2, 2), (5, 2), (16, 8)])
def test_threads_share_a_few_heaps(monkeypatch, processors, heaps):
    library = Allocator()
    monkeypatch.setattr(machine.ctypes, "CDLL", lambda _: library)
    monkeypatch.setattr(machine, "usable_processors", lambda: processors)
    assert machine.keep_heaps_few()
    assert machine.return_free_memory()
    assert library.asked == [(-3, 32 << 20), (-1, 64 << 20), (-8, heaps), 0]


def test_an_allocator_without_such_settings_is_left_alone(monkeypatch):
    monkeypatch.setattr(machine.ctypes, "CDLL", lambda _: object())
    assert not machine.keep_heaps_few()
    assert not machine.return_free_memory()
