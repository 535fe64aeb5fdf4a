"""The one way to ask for rows, columns and vectors."""

from __future__ import annotations

from datetime import date, datetime

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sample_rows import insert, sample_id, sample_ids
from tamis.dataset.columns import MARK_TYPES, Column, equal, known, one_of, unknown
from tamis.dataset.conditions import checked_condition
from tamis.dataset.parts import PART_COLUMNS
from tamis.dataset.samples import Kind, Samples
from tamis.dataset.schema import SAMPLES
from tamis.dataset.store import Store
from tamis.errors import UsageError
from tamis.sources.objects.columns import OBJECT_COLUMNS
from tamis.sources.video.places import FRAME_COLUMNS

BUNDLED, DINO, CLIP = "bundled:efficientnet-lite0", "hf:facebook/dinov2-small", "hf:./my-clip"
MINE = "py:mine:make"


def embed(store: Store, spec: str, fingerprint: str = "feedc0de99", numbers=(0,)) -> str:
    with store.operation("embed") as op:
        column = op.add_vector_column(spec, fingerprint, 2)
        vectors = np.array([[1, number] for number in numbers], np.float32)
        op.set_vectors(column, [sample_id(number) for number in numbers], vectors)
    return column


@pytest.fixture
def parts(store):
    """Six pictures in descending order of their ids, then a crop and two tiles."""
    with store.operation("add") as op:
        op.insert(pa.table({"sample_id": sample_ids(0, 6)[::-1], "width": list(range(6))[::-1]}))
    with store.operation("crops") as op:
        op.require_columns(PART_COLUMNS)
        op.insert(
            pa.table(
                {
                    "sample_id": sample_ids(6, 9),
                    "width": [6, 7, 8],
                    "kind": ["crop", "tile", "tile"],
                    "parent_id": [sample_id(0)] * 3,
                }
            )
        )
    return Samples(store)


def test_every_column_has_its_name_in_one_place():
    schemas = pa.schema([*SAMPLES, *PART_COLUMNS, *FRAME_COLUMNS, *OBJECT_COLUMNS])
    assert [*schemas.names, *MARK_TYPES] == list(Column)


def test_parts_are_left_out_unless_they_are_asked_for(parts):
    of = parts.of
    assert of().ids == sample_ids(0, 6)
    assert of("width > 3").ids == sample_ids(4, 6)
    assert of("kind = 'tile'").ids == sample_ids(7, 9)
    assert of("width = 1 OR kind = 'crop'").ids == [sample_id(1), sample_id(6)]
    assert of("label = 'kind'").ids == []
    counts = {kind: of(kind=kind).count() for kind in Kind}
    assert list(counts.values()) == [6, 1, 2, 3, 8, 9]
    assert of("kind = 'crop'", kind=Kind.WHOLE).count() == 0
    assert of("width > 7 OR width < 1", kind=Kind.ALL).ids == [sample_id(0), sample_id(8)]


@pytest.mark.parametrize(
    ("where", "meant"),
    [
        (None, "`kind` IS NULL"),
        ("kind = 'crop'", "kind = 'crop'"),
        ("KIND IS NULL", "KIND IS NULL"),
        ("parent_id = 'x'", "parent_id = 'x'"),
        ("label = 'kind'", "(label = 'kind') AND (`kind` IS NULL)"),
        ("mankind = 1", "(mankind = 1) AND (`kind` IS NULL)"),
        ("label = 'a' AND kind = 'b'", "label = 'a' AND kind = 'b'"),
    ],
)
def test_a_condition_that_names_parts_decides_for_itself(parts, where, meant):
    assert parts.of(where).condition == meant
    kind = Kind.WHOLE if "`kind` IS NULL" in meant else Kind.ALL
    assert parts.kind_of(None, where) == kind


def test_a_dataset_without_parts_has_none(store):
    insert(store, 0, 2)
    samples = Samples(store)
    counts = [samples.of(kind=kind).count() for kind in Kind]
    assert counts == [2, 0, 0, 0, 2, 2]
    with pytest.raises(UsageError, match="no column 'kind'"):
        samples.of("kind IS NULL").count()


def test_columns_are_aligned_with_the_ids_and_null_before_a_verb_makes_them(parts):
    rows = parts.of()
    assert rows.column("width").to_pylist() == list(range(6))
    table = rows.table(Column.SELECTED, Column.WIDTH)
    assert table.column_names == ["selected", "width"]
    assert table.column("selected").type == pa.bool_()
    assert table.column("selected").null_count == 6
    assert parts.rows(["width", "fold"], sample_ids(3, 5)[::-1]).to_pydict() == {
        "width": [4, 3],
        "fold": [None, None],
    }
    with pytest.raises(UsageError, match="no column 'widht'"):
        rows.column("widht")


def test_conditions_on_a_mark_hold_before_a_verb_makes_it(parts):
    rows = parts.of()
    for empty in (
        rows.having(Column.SELECTED),
        rows.equal(Column.SELECTED, True),
        rows.one_of(Column.FOLD, [1]),
    ):
        assert empty.ids == []
        assert empty.count() == 0
    assert rows.lacking(Column.DUPLICATE_OF).ids == sample_ids(0, 6)
    with parts.store.operation("select") as op:
        op.set_marks(sample_ids(2, 4), {"selected": [True, False]})
    assert rows.having(Column.SELECTED).ids == sample_ids(2, 4)
    assert rows.equal(Column.SELECTED, True).ids == [sample_id(2)]
    assert rows.lacking(Column.SELECTED).where("width < 5").ids == [*sample_ids(0, 2), sample_id(4)]
    both = rows.where("width = 0").either(parts.of("kind = 'crop'"))
    assert both.ids == [sample_id(0), sample_id(6)]
    with pytest.raises(UsageError, match="no column 'mine'"):
        rows.having("mine").count()


TEXT = st.text(st.characters(exclude_categories=("Cs",)), max_size=8)


@given(TEXT, st.integers(-(2**40), 2**40), st.floats(-1e9, 1e9), st.datetimes(), st.dates())
def test_what_is_compared_with_is_a_value_whatever_it_holds(text, whole, real, time, day):
    for value in (text, whole, real, time, day, True):
        for condition in (equal("width", value), one_of("width", [value, value])):
            assert checked_condition(condition, ["width"]) is not None
    assert checked_condition(known("a b")) == "`a b` IS NOT NULL"
    assert checked_condition(unknown("kind"), ["kind"]) == "`kind` IS NULL"


def test_values_are_found_as_they_are(store):
    labels = ["it's", '"', "`", "%", "-- x", "\\", "a\nb", "", "\x00"]
    times = [
        datetime.fromisoformat(f"2026-01-02T03:04:05.{number:06}") for number in range(len(labels))
    ]
    rows = {"sample_id": sample_ids(0, len(labels)), "label": labels, "captured_at": times}
    with store.operation("add") as op:
        op.insert(pa.table(rows))
    samples = Samples(store)
    for number, (label, time) in enumerate(zip(labels, times, strict=True)):
        assert samples.of().equal(Column.LABEL, label).ids == [sample_id(number)]
        assert samples.of().equal(Column.CAPTURED_AT, time).ids == [sample_id(number)]
    assert samples.of().one_of(Column.LABEL, labels[:3]).count() == 3
    assert samples.of().equal(Column.CAPTURED_AT, date(2026, 1, 2)).count() == 0


def test_what_cannot_be_compared_with_is_refused():
    with pytest.raises(ValueError, match="nan"):
        equal("width", float("nan"))
    with pytest.raises(ValueError, match="names no column"):
        known("a` OR `b")


def test_vectors_come_in_the_order_of_ids(parts):
    embed(parts.store, BUNDLED, numbers=(5, 3, 8, 0))
    found = parts.of().vectors()
    assert found.ids == [sample_id(0), sample_id(3), sample_id(5)]
    assert found.vectors[:, 1].tolist() == [0, 3, 5]
    assert parts.of(kind=Kind.TILES).vectors(BUNDLED).ids == [sample_id(8)]
    assert parts.of().embedded() == 3
    pieces = list(parts.of(kind=Kind.ALL).vector_batches())
    assert {name for ids, _ in pieces for name in ids} == {sample_id(n) for n in (0, 3, 5, 8)}


def test_an_encoder_is_named_in_any_of_its_ways(store):
    insert(store, 0, 1)
    samples = Samples(store)
    with pytest.raises(UsageError, match="tamis embed"):
        samples.vector_column()
    first, second = embed(store, BUNDLED, "aaaaaaaa11"), embed(store, DINO, "bbbbbbbb22")
    assert samples.vector_column().name == first, "the first made, where none was set"
    for name in (second, DINO, "dinov2", "bbbbbbbb22", "bbbbbbbb"):
        assert samples.vector_column(name).name == second
    for name in ("clip", "bbbb", "vector_", ""):
        with pytest.raises(UsageError, match=r"no vectors of .*dinov2-small"):
            samples.vector_column(name)


def test_of_an_encoder_that_changed_the_newest_vectors_are_meant(store):
    insert(store, 0, 1)
    old, new = embed(store, BUNDLED, "aaaaaaaa11"), embed(store, BUNDLED, "bbbbbbbb22")
    samples = Samples(store)
    assert samples.vector_column("default").name == new
    assert samples.vector_column().name == new
    samples.set_default_encoder(old)
    assert samples.vector_column("default").name == old


def test_the_default_encoder_is_an_operation_that_undo_takes_back(store):
    insert(store, 0, 1)
    first, second = embed(store, BUNDLED), embed(store, DINO)
    samples = Samples(store)
    samples.set_default_encoder("dinov2")
    assert samples.vector_column().name == second
    entry = store.log()[-1]
    assert (entry.verb, entry.state) == ("encoders default", "done")
    assert entry.params == {"encoder": DINO, "column": second}
    at = store.snapshot
    insert(store, 1, 2)
    store.tag("here")
    assert Samples(Store.open(store.path)).vector_column().name == second, "it stays"
    store.undo()
    assert samples.vector_column().name == second, "undoing what came after leaves it"
    store.undo()
    assert samples.vector_column().name == first
    assert Samples(Store.open(store.path, snapshot=at)).vector_column().name == second
    samples.set_default_encoder(second)
    samples.set_default_encoder(first)
    store.undo()
    assert samples.vector_column().name == second
    store.undo(to=at - 1)
    assert samples.vector_column().name == first
    with pytest.raises(UsageError, match="not a vector column"):
        store.set_default_encoder("label")
    with pytest.raises(UsageError, match="only be read"):
        Samples(Store.open(store.path, snapshot=at)).set_default_encoder(first)


@pytest.mark.parametrize(
    ("made", "default", "meant"),
    [
        ((BUNDLED, CLIP), None, CLIP),
        ((BUNDLED, MINE, CLIP), None, CLIP),
        ((BUNDLED, "concepts:efficientnet-lite0", CLIP), CLIP, CLIP),
        ((BUNDLED, "aligned:maps/a.npz", CLIP), None, "aligned:maps/a.npz"),
        ((BUNDLED, MINE, "hf:./net"), None, MINE),
        ((BUNDLED, MINE, "hf:./net"), "hf:./net", "hf:./net"),
        ((CLIP, MINE), MINE, CLIP),
    ],
)
def test_texts_go_to_an_encoder_that_reads_them(store, made, default, meant):
    insert(store, 0, 1)
    for number, spec in enumerate(made):
        embed(store, spec, f"{number:08x}00")
    samples = Samples(store)
    if default:
        samples.set_default_encoder(default)
    assert samples.vector_column(reads_text=True).spec == meant
    assert samples.vector_column(BUNDLED if BUNDLED in made else MINE, reads_text=True)


def test_where_no_encoder_reads_texts_it_says_what_is_there(store):
    insert(store, 0, 1)
    embed(store, BUNDLED)
    embed(store, DINO)
    with pytest.raises(UsageError, match=r"lite0.*dinov2.* read no texts.*clip"):
        Samples(store).vector_column(reads_text=True)


def test_the_view_follows_its_store_and_counts_once_a_snapshot(store, monkeypatch):
    insert(store, 0, 2)
    samples = Samples(store)
    asked: list[str | None] = []
    count = Store.count

    def counted(self, where=None):
        asked.append(where)
        return count(self, where)

    monkeypatch.setattr(Store, "count", counted)
    assert [samples.of().count() for _ in range(3)] == [2, 2, 2]
    assert len(asked) == 1
    assert not samples.has(Column.SELECTED)
    with store.operation("select") as op:
        op.set_marks(sample_ids(0, 1), {"selected": [True]})
    insert(store, 2, 3)
    assert samples.has(Column.SELECTED)
    assert samples.of().count() == 3


def test_what_a_table_shows_is_narrow(store):
    insert(store, 0, 1)
    column = embed(store, BUNDLED)
    samples = Samples(store)
    assert samples.has(column)
    names = samples.narrow_columns()
    assert column not in names
    assert set(names) == samples.columns - {column, "thumbnail"}
