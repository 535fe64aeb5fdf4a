"""A dataset at an object store: pushed, pulled, and never half or torn."""

from __future__ import annotations

import json
import shutil
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from sample_rows import add_vectors, insert, sample_id
from tamis.dataset.copies import Copy
from tamis.dataset.copying import pull_dataset, push_dataset
from tamis.dataset.object_place import ObjectPlace, require_conditional_puts
from tamis.dataset.store import Store
from tamis.dataset.wholeness import find_damage
from tamis.errors import (
    ConflictError,
    DatasetError,
    DatasetMissingError,
    StorageError,
    UsageError,
)
from tamis.services.copies.contract import Pull, Push
from tamis.sources.objects import client
from tamis.sources.objects.address import ObjectAddress

ADDRESS = "s3://photos/line3.tamis"


@pytest.fixture
def copy(object_server):
    return Copy(ObjectAddress.parse(ADDRESS))


@pytest.fixture
def store(tmp_path):
    store = Store.create(tmp_path / "line3.tamis")
    insert(store, 0, 5)
    add_vectors(store, 0, 5)
    probes = store.path / "probes"
    probes.mkdir()
    (probes / "a.npz").write_bytes(b"a probe")
    return store


def label(store, number, label):
    with store.operation("label") as op:
        op.set_marks([sample_id(number)], {"label": [label]})


def rows(path):
    store = Store.open(path)
    return store.read(store.columns()).sort_by("sample_id").to_pylist()


def test_a_dataset_goes_to_a_store_and_back(store, copy, tmp_path, object_server):
    moved = push_dataset(store.path, copy)
    assert moved.snapshots == len(store._chain.numbers())
    assert push_dataset(store.path, copy).files == 0
    there = tmp_path / "elsewhere.tamis"
    assert pull_dataset(copy, there).snapshots == moved.snapshots
    assert rows(there) == rows(store.path)
    assert (there / "probes" / "a.npz").read_bytes() == b"a probe"
    assert find_damage(there) == []
    # changed there, it comes back
    label(Store.open(there), 1, "owl")
    assert push_dataset(there, copy).snapshots == 1
    assert pull_dataset(copy, store.path).snapshots == 1
    assert rows(store.path) == rows(there)
    assert find_damage(store.path) == []
    store.refresh()
    assert store.undo().verb == "label"
    assert pull_dataset(copy, store.path).files == 0


def test_a_pruned_dataset_goes_to_a_store_and_back(store, copy, tmp_path, object_server):
    push_dataset(store.path, copy)
    pull_dataset(copy, tmp_path / "before.tamis")
    for turn in range(15):
        label(store, 1, f"label {turn}")
    assert store.prune(0)[1].files > 0
    push_dataset(store.path, copy)
    # to a new place, and to one that has all the data still
    for name in ("new.tamis", "before.tamis"):
        there = tmp_path / name
        pull_dataset(copy, there)
        assert rows(there) == rows(store.path)
        assert find_damage(there) == []
        with pytest.raises(UsageError, match="were pruned"):
            Store.open(there, snapshot=2)
    assert Store.open(tmp_path / "before.tamis").gc().files > 0
    assert pull_dataset(copy, tmp_path / "before.tamis").files == 0


def test_only_what_is_new_is_sent_and_fetched(store, copy, tmp_path, object_server):
    push_dataset(store.path, copy)
    pull_dataset(copy, tmp_path / "elsewhere.tamis")
    label(store, 2, "wren")
    object_server.asked.clear()
    moved = push_dataset(store.path, copy)
    sent = [key for method, key, _ in object_server.asked if method == "PUT"]
    assert len(sent) == len(set(sent)) <= moved.files + 1
    object_server.asked.clear()
    pull_dataset(copy, tmp_path / "elsewhere.tamis")
    fetched = [k for m, k, _ in object_server.asked if m == "GET" and "/files/" in k]
    assert set(fetched) <= set(sent)


def test_of_two_that_push_at_once_one_wins(store, copy, tmp_path, object_server):
    push_dataset(store.path, copy)
    other = tmp_path / "other.tamis"
    pull_dataset(copy, other)
    label(store, 1, "owl")
    label(Store.open(other), 1, "wren")
    start = threading.Barrier(2)

    def push(path):
        mine = Copy(ObjectAddress.parse(ADDRESS))
        commit = mine.commit
        mine.commit = lambda state: (start.wait(60), commit(state))
        try:
            push_dataset(path, mine)
        except ConflictError as error:
            return str(error)
        return None

    with ThreadPoolExecutor(2) as pool:
        said = list(pool.map(push, [store.path, other]))
    assert sorted(one is None for one in said) == [False, True]
    assert "came first" in next(one for one in said if one)
    winner, loser = (store.path, other) if said[0] is None else (other, store.path)
    fresh = tmp_path / "fresh.tamis"
    pull_dataset(copy, fresh)
    assert rows(fresh) == rows(winner)
    # their logs have parted: neither goes on from the other
    for refused in (lambda: push_dataset(loser, copy), lambda: pull_dataset(copy, loser)):
        with pytest.raises(ConflictError, match=r"neither can go on .* repeat your own steps"):
            refused()


def test_a_store_on_which_both_win_is_refused(store, copy, object_server):
    object_server.is_careless = True
    with pytest.raises(StorageError, match="both win"):
        push_dataset(store.path, copy)
    assert not [key for key in object_server.objects if "files" in key or "states" in key]


def test_a_store_that_heeds_conditions_passes_and_is_left_clean(object_server):
    require_conditional_puts(ObjectPlace(ObjectAddress.parse(ADDRESS)))
    assert object_server.objects == {}


def test_busy_servers_are_asked_again(store, copy, tmp_path, object_server):
    push_dataset(store.path, copy)
    for key in object_server.objects:
        object_server.busy[key] = 2
    pull_dataset(copy, tmp_path / "elsewhere.tamis")
    label(store, 3, "robin")
    object_server.busy["line3.tamis/states/00000002.json"] = 2
    assert push_dataset(store.path, copy).snapshots == 1


def test_a_push_whose_answer_is_lost_is_known_to_have_won(store, copy, object_server, monkeypatch):
    put = ObjectPlace._put

    def answer_lost(self, key, data, mode):
        put(self, key, data, mode)
        if mode == "create" and key.endswith(".json") and "states" in self.place:
            put(self, key, data, mode)  # sent again, as the client does, and refused

    monkeypatch.setattr(ObjectPlace, "_put", answer_lost)
    assert push_dataset(store.path, copy).snapshots > 0


@pytest.mark.parametrize("after", [0, 1, 5])
def test_a_push_that_dies_leaves_the_state_before(store, copy, tmp_path, monkeypatch, after):
    push_dataset(store.path, copy)
    before = rows(store.path)
    for number in range(3):
        label(store, number, f"bird {number}")
    put, left = ObjectPlace._put, [after]

    def dies(self, *rest):
        if not left[0]:
            raise KeyboardInterrupt
        left[0] -= 1
        put(self, *rest)

    with monkeypatch.context() as killed:
        killed.setattr(ObjectPlace, "_put", dies)
        with pytest.raises(KeyboardInterrupt):
            push_dataset(store.path, copy)
    fresh = tmp_path / "fresh.tamis"
    pull_dataset(copy, fresh)
    assert rows(fresh) == before
    push_dataset(store.path, copy)
    pull_dataset(copy, fresh)
    assert rows(fresh) == rows(store.path)


def test_a_pull_that_dies_leaves_what_was(store, copy, tmp_path, object_server, monkeypatch):
    push_dataset(store.path, copy)
    there = tmp_path / "elsewhere.tamis"
    pull_dataset(copy, there)
    before = rows(there)
    label(store, 1, "owl")
    push_dataset(store.path, copy)
    moved = type(there).replace
    for last in range(4):
        shutil.copytree(there, place := tmp_path / f"{last}.tamis")
        left = [last]

        def dies(self, target, left=left):
            if not left[0]:
                raise KeyboardInterrupt
            left[0] -= 1
            return moved(self, target)

        with monkeypatch.context() as killed:
            killed.setattr(type(there), "replace", dies)
            with pytest.raises(KeyboardInterrupt):
                pull_dataset(copy, place)
        assert rows(place) == before
        assert [entry.name for entry in place.iterdir() if entry.name.startswith(".")] == []
        pull_dataset(copy, place)
        assert rows(place) == rows(store.path)
        assert find_damage(place) == []


def test_bits_that_flip_are_found_on_the_way(store, copy, tmp_path, object_server):
    push_dataset(store.path, copy)
    name = max((k for k in object_server.objects if "/files/" in k), key=str)
    good = object_server.objects[name]
    object_server.objects[name] = b"x" + good[1:]
    with pytest.raises(StorageError, match="have flipped"):
        pull_dataset(copy, tmp_path / "elsewhere.tamis")
    assert not (tmp_path / "elsewhere.tamis").exists()
    label(store, 1, "owl")
    data = max((store.path / "samples.lance" / "data").iterdir(), key=lambda f: f.stat().st_mtime)
    data.write_bytes(data.read_bytes()[:-1] + b"x")
    with pytest.raises(StorageError, match="nothing was pushed"):
        push_dataset(store.path, copy)


@pytest.mark.parametrize("path", ["../../x", "/etc/x", "a/../../x", "a//b", "a\\..\\x"])
def test_a_copy_writes_nowhere_else(store, copy, tmp_path, object_server, path):
    push_dataset(store.path, copy)
    key = "line3.tamis/states/00000001.json"
    told = json.loads(object_server.objects[key])
    told["files"][path] = next(iter(told["files"].values()))
    object_server.objects[key] = json.dumps(told).encode()
    with pytest.raises(DatasetError, match="lies in no dataset"):
        pull_dataset(copy, tmp_path / "elsewhere.tamis")


@pytest.mark.parametrize("data", [b"", b"[]", b"{}", b'{"files": 3}', b'{"files": {"a": 1}}'])
def test_a_damaged_state_is_a_sentence(store, copy, tmp_path, object_server, data):
    push_dataset(store.path, copy)
    object_server.objects["line3.tamis/states/00000001.json"] = data
    with pytest.raises(DatasetError, match="damaged"):
        pull_dataset(copy, tmp_path / "elsewhere.tamis")


def test_places_that_hold_none_are_refused(copy, tmp_path, object_server):
    with pytest.raises(DatasetMissingError, match="tamis push"):
        pull_dataset(copy, tmp_path / "elsewhere.tamis")
    for request in (Push, Pull):
        with pytest.raises(UsageError, match="no address"):
            request("/data/line3.tamis")


def test_a_bucket_that_is_not_there_is_said(store, object_server):
    with pytest.raises(StorageError, match="bucket does not exist"):
        push_dataset(store.path, Copy(ObjectAddress.parse("s3://elsewhere/line3.tamis")))


def test_a_store_that_refuses_is_a_sentence(store, copy, object_server, monkeypatch):
    monkeypatch.setattr(client, "PATIENCE", {**client.PATIENCE, "max_retries": 0})
    push_dataset(store.path, copy)
    label(store, 1, "owl")
    object_server.busy["line3.tamis/states/00000002.json"] = -1
    with pytest.raises(StorageError, match=r"could not write s3://photos/line3.tamis/: .*503"):
        push_dataset(store.path, copy)
    shutil.rmtree(store.path)
