"""Log entries that are cut, garbled or lost: what stands beside them tells what they led to."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sample_rows import add_vectors, content, insert
from tamis.dataset.log_repair import RECOVERED, repair_log
from tamis.dataset.store import Store
from tamis.dataset.wholeness import find_damage
from tamis.errors import DatasetError
from tamis.services.check.contract import Check
from tamis.services.check.run import check_dataset_at

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def states(store: Store) -> dict[int, object]:
    found: dict[int, object] = {}
    insert(store, 0, 10)
    found[store.snapshot] = content(store)
    add_vectors(store, 0, 10)
    found[store.snapshot] = content(store)
    with store.operation("label") as operation:
        ids = store.read(["sample_id"]).column("sample_id").to_pylist()
        operation.set_marks(ids, {"label": ["owl"] * 10})
    found[store.snapshot] = content(store)
    return found


def cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:25])


def garble(file: Path) -> None:
    file.write_bytes(bytes(255 - byte for byte in file.read_bytes()))


def empty(file: Path) -> None:
    file.write_bytes(b"")


@pytest.mark.parametrize("damage", [cut, garble, empty])
@pytest.mark.parametrize("back", [0, 1])
def test_a_damaged_entry_is_made_anew(
    store: Store, states: dict[int, object], damage: object, back: int
) -> None:
    number = store.snapshot - back
    assert callable(damage)
    file = store.path / "log" / f"{number:08d}.json"
    damage(file)
    damaged = file.read_bytes()
    assert find_damage(store.path) != []
    (said,) = repair_log(store.path)
    assert f"snapshot {number}" in said
    assert find_damage(store.path) == []
    again = Store.open(store.path)
    for snapshot, state in states.items():
        assert content(Store.open(store.path, snapshot=snapshot)) == state
    assert [entry.verb for entry in again.log()][number - 1 :][0] == RECOVERED
    assert (store.path / "damaged" / f"{number:08d}.json").read_bytes() == damaged
    assert repair_log(store.path) == []
    # undo takes it back like any other
    for _ in range(back + 1):
        again.undo()
    assert content(again) == states.get(number - 1)


def test_a_lost_entry_between_others_is_made_anew(store: Store, states: dict[int, object]) -> None:
    number = store.snapshot - 1
    (store.path / "log" / f"{number:08d}.json").unlink()
    assert len(repair_log(store.path)) == 1
    assert find_damage(store.path) == []
    assert content(Store.open(store.path, snapshot=number)) == states[number]


def test_two_in_a_row_are_made_anew(store: Store, states: dict[int, object]) -> None:
    for back in (0, 1):
        cut(store.path / "log" / f"{store.snapshot - back:08d}.json")
    assert len(repair_log(store.path)) == 2
    assert find_damage(store.path) == []
    assert content(Store.open(store.path)) == states[store.snapshot]


@pytest.mark.usefixtures("states")
def test_what_nothing_tells_of_is_left_as_it_is(store: Store) -> None:
    file = store.path / "log" / f"{store.snapshot:08d}.json"
    cut(file)
    (store.path / "checksums" / file.name).unlink()
    before = file.read_bytes()
    assert repair_log(store.path) == []
    assert file.read_bytes() == before
    with pytest.raises(DatasetError, match="is damaged"):
        Store.open(store.path)


@pytest.mark.usefixtures("states")
def test_a_table_that_is_damaged_too_is_not_trusted(store: Store) -> None:
    cut(store.path / "log" / f"{store.snapshot:08d}.json")
    newest = min((store.path / "samples.lance" / "_versions").iterdir())
    garble(newest)
    assert repair_log(store.path) == []


@pytest.mark.usefixtures("states")
def test_a_record_that_a_killed_writer_left_is_no_entry(store: Store) -> None:
    """It was written, and the entry was not: nothing was committed."""
    record = store.path / "checksums" / f"{store.snapshot:08d}.json"
    record.with_name(f"{store.snapshot + 1:08d}.json").write_bytes(record.read_bytes())
    assert repair_log(store.path) == []
    assert Store.open(store.path).snapshot == store.snapshot


@pytest.mark.usefixtures("states")
def test_check_says_so_and_repairs_it(store: Store) -> None:
    cut(store.path / "log" / f"{store.snapshot:08d}.json")
    assert "is damaged" in " ".join(
        p.reason for p in check_dataset_at(store.path, Check()).problems
    )
    report = check_dataset_at(store.path, Check(repair=True))
    assert "was made anew" in report.notes[0]
    assert not [problem for problem in report.problems if problem.kind == "dataset"]
    assert Store.open(store.path).count("label = 'owl'") == 10
