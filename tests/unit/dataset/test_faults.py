"""Faults of machines do no harm; `benchmarks/faults.py` tries a thousand more."""

from __future__ import annotations

import random

import pytest

import faults
from tamis.dataset.wholeness import find_damage


@pytest.mark.parametrize("seed", [1, 2])
def test_a_kill_at_any_step_leaves_one_of_two_states(tmp_path, seed):
    assert faults.kills(random.Random(seed), tmp_path, most=6).total() > 0


@pytest.mark.parametrize("seed", [1, 2])
def test_a_loss_of_power_at_any_step_does_so_too(tmp_path, seed):
    assert faults.kills(random.Random(seed), tmp_path, power_cut=True, most=6).total() > 0


def test_a_version_that_a_loss_of_power_tore_is_said_and_removed(tmp_path):
    store = faults.new_dataset(tmp_path / "birds.tamis")
    newest = store._state.samples.append(faults.sample_rows(6, 7))
    (torn,) = store._state.samples.manifests_after()
    torn.write_bytes(b"")
    assert newest.version > store._state.samples.version
    ((_, said),) = find_damage(store.path)
    assert said.startswith("a writer that lost power left a torn version")
    faults.add_vectors(store, range(3))
    assert find_damage(store.path) == []


@pytest.mark.parametrize("seed", range(4))
def test_a_refusal_by_the_system_is_a_sentence(tmp_path, seed):
    faults.refusals(random.Random(seed), tmp_path)


@pytest.mark.parametrize("seed", range(4))
def test_a_damaged_file_is_noticed(tmp_path, seed):
    faults.damages(random.Random(seed), tmp_path)


@pytest.mark.parametrize("seed", [1, 2])
def test_a_bad_network_tears_no_copy(tmp_path, seed):
    pytest.importorskip("obstore")
    faults.networks(random.Random(seed), tmp_path)


def test_a_clock_that_jumps_changes_nothing(tmp_path):
    faults.clocks(random.Random(1), tmp_path)


class AlwaysInsert(random.Random):
    def choice(self, _):
        return "insert"


def test_the_harness_sees_harm(tmp_path):
    store = faults.new_dataset(tmp_path / "birds.tamis")
    before = faults.visible(store.path)
    faults.add_vectors(store, [1])
    faults.act(store, AlwaysInsert(0), 0)
    with pytest.raises(faults.FaultFoundError, match="neither"):
        faults.require_whole(store.path, before, before, "a change")
    with pytest.raises(faults.FaultFoundError, match="no sentence"):
        faults.require_sentence(ValueError("what"), "an error")
