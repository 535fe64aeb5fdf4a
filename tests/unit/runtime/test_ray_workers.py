"""Work on a Ray cluster that is played here; `benchmarks/ray_cluster.py` has a real one."""

from __future__ import annotations

import os
import sys
import types
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
import pytest
from PIL import Image

import tamis
from tamis.errors import MissingExtraError, UsageError
from tamis.runtime.ordered_map import ordered_map
from tamis.runtime.ray_workers import RayWorkers, workers_of
from tamis.runtime.stage import Stage


class RayActorError(Exception):
    pass


@dataclass
class Played:
    """A cluster in this process: what was asked of it, and which messages end a worker."""

    lost: dict[str, int] = field(default_factory=dict)
    started: int = 0
    killed: int = 0
    addresses: list[str] = field(default_factory=list)
    options: list[dict[str, Any]] = field(default_factory=list)
    refuses: bool = False

    def module(self) -> types.ModuleType:
        ray = types.ModuleType("ray")
        ray.exceptions = types.ModuleType("ray.exceptions")
        ray.exceptions.RayActorError = RayActorError
        ray.is_initialized = lambda: bool(self.addresses)
        ray.init = self._init
        ray.cluster_resources = lambda: {"CPU": 3.0, "GPU": 2.0}
        ray.get = lambda call: call()
        ray.kill = self._kill
        ray.remote = self._remote
        return ray

    def _init(self, address: str, **_: Any) -> None:
        if self.refuses:
            raise ConnectionError("no node answers")
        self.addresses.append(address)

    def _kill(self, _actor: Any, **_: Any) -> None:
        self.killed += 1

    def _remote(self, **options: Any) -> Any:
        self.options.append(options)

        def of(kind: type) -> Any:
            def start(stage: bytes) -> Any:
                self.started += 1
                worker = kind(stage)

                def work(message: bytes) -> bytes:
                    for word, left in self.lost.items():
                        if left and word.encode() in message:
                            self.lost[word] -= 1
                            raise RayActorError("the worker is gone")
                    return worker.work(message)

                return types.SimpleNamespace(
                    ready=types.SimpleNamespace(remote=lambda: worker.ready),
                    work=types.SimpleNamespace(remote=lambda message: partial(work, message)),
                )

            return types.SimpleNamespace(remote=start)

        return of


@pytest.fixture
def cluster(monkeypatch):
    played = Played()
    ray = played.module()
    monkeypatch.setitem(sys.modules, "ray", ray)
    monkeypatch.setitem(sys.modules, "ray.exceptions", ray.exceptions)
    return played


@dataclass(frozen=True)
class Upper(Stage[list[str], list[str]]):
    @contextmanager
    def open(self):
        yield self._upper

    def _upper(self, item):
        if "defect" in item:
            raise ZeroDivisionError("a defect")
        return [word.upper() for word in item]

    def failed(self, item, reason):
        return [f"{word}: {reason}" for word in item]

    def parts(self, item):
        return [[word] for word in item]

    def joined(self, outcomes):
        return [word for outcome in outcomes for word in outcome]


def mapped(items, **options):
    return list(ordered_map(Upper(), items, workers=2, pool=partial(RayWorkers, **options)))


def test_outcomes_come_in_order_and_workers_end(cluster):
    items = [[f"a{number}", f"b{number}"] for number in range(9)]
    assert mapped(items) == [[f"A{number}", f"B{number}"] for number in range(9)]
    assert cluster.addresses == ["auto"]
    assert 1 <= cluster.started <= 2
    assert cluster.killed == cluster.started
    assert all(options["num_gpus"] == 0 for options in cluster.options)


def test_a_lost_worker_costs_nothing(cluster):
    cluster.lost = {"b": 2}
    assert mapped([["a"], ["b"], ["c"]]) == [["A"], ["B"], ["C"]]
    assert cluster.started >= 3


def test_an_item_that_ends_every_worker_costs_itself(cluster):
    cluster.lost = {"poison": 99}
    found = mapped([["a", "poison", "c"], ["d"]])
    assert found[0][0] == "A"
    assert found[0][1] == "poison: ended 3 workers of the cluster, one after the other"
    assert found[0][2] == "C"
    assert found[1] == ["D"]


def test_an_error_keeps_its_type(cluster):
    with pytest.raises(ZeroDivisionError, match="a defect"):
        mapped([["defect"]])


def test_workers_are_as_many_as_the_cluster_has(cluster):
    assert workers_of("local", None, None, here=7) == (7, None)
    assert workers_of("local", None, 2, here=7) == (2, None)
    assert workers_of("ray", "there:6379", None, here=7)[0] == 3
    assert workers_of("ray", None, None, here=7, gpus=1)[0] == 2
    assert workers_of("ray", None, 5, here=7)[0] == 5
    assert cluster.addresses == ["there:6379"]


def test_no_cluster_is_one_sentence(cluster):
    cluster.refuses = True
    with pytest.raises(UsageError, match="no Ray cluster at 'there:1'"):
        workers_of("ray", "there:1", None, here=1)


def test_no_ray_is_one_sentence(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(MissingExtraError, match=r"tamis\[ray\]"):
        RayWorkers(Upper())


@pytest.fixture
def photos(tmp_path):
    folder = tmp_path / "photos"
    folder.mkdir()
    for number in range(6):
        coarse = np.random.default_rng(number).integers(0, 256, (4, 5, 3), dtype=np.uint8)
        Image.fromarray(coarse).resize((80, 60)).save(folder / f"{number}.png")
    (folder / "bad.png").write_bytes(b"no picture")
    return folder


def test_a_dataset_made_on_a_cluster_is_the_one_made_here(cluster, photos, tmp_path):
    made = []
    for runner in ("local", "ray"):
        dataset = tamis.open(tmp_path / f"{runner}.tamis")
        added = dataset.add(photos, runner=runner)
        embedded = dataset.embed(runner=runner, batch_size=4)
        made.append((added.added, len(added.failed), embedded.embedded, dataset.vectors()))
        assert len(dataset) == 6
    assert made[0][:3] == made[1][:3] == (6, 1, 6)
    assert np.array_equal(made[0][3], made[1][3])
    assert cluster.started > 0


@pytest.mark.parametrize(
    ("verb", "options"),
    [
        ("embed", {"address": "a:1"}),
        ("add", {"address": "a:1"}),
        ("add", {"runner": "ray", "processes": True}),
        ("embed", {"runner": "ray", "processes": False}),
        ("add", {"runner": "ray", "new_only": True}),
    ],
)
def test_what_a_cluster_cannot_do_is_refused(verb, options, photos, tmp_path):
    dataset = tamis.open(tmp_path / "d.tamis")
    arguments = [os.fspath(photos)] if verb == "add" else []
    with pytest.raises(UsageError, match="cluster"):
        getattr(dataset, verb)(*arguments, **options)
