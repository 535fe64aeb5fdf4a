"""How many processors a process may use."""

from __future__ import annotations

import pytest

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
