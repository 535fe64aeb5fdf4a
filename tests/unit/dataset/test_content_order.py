"""Samples ordered by what they show: one order, by rows and by columns, that no name changes."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from tamis.dataset.content_order import CONTENT_COLUMNS, content_key, content_order
from tamis.dataset.parts import BOX_COLUMNS

hashes = st.one_of(st.none(), st.sampled_from(["00", "0a", "a0", "ff"]))
boxes = st.one_of(st.none(), st.tuples(*[st.integers(0, 2)] * len(BOX_COLUMNS)))


class Rows:
    """Stands in for the samples of a dataset."""

    def __init__(self, rows):
        columns = [[row[0] for row in rows]]
        columns += [
            [None if row[1] is None else row[1][at] for row in rows]
            for at in range(len(BOX_COLUMNS))
        ]
        types = [pa.string(), *[pa.int32()] * len(BOX_COLUMNS)]
        arrays = [pa.array(values, kind) for values, kind in zip(columns, types, strict=True)]
        table = pa.table(dict(zip(CONTENT_COLUMNS, arrays, strict=True)))
        cut = len(rows) // 2
        self.table = pa.concat_tables([table.slice(0, cut), table.slice(cut)])

    def rows(self, _columns, _ids):
        return self.table


@given(st.lists(st.tuples(hashes, boxes), max_size=30), st.randoms(use_true_random=False))
def test_the_order_is_that_of_the_keys_whatever_order_they_come_in(rows, random):
    keys = [content_key(row) for row in Rows(rows).table.to_pylist()]
    order = content_order(Rows(rows), [""] * len(rows))
    assert order.tolist() == sorted(range(len(rows)), key=keys.__getitem__)
    shuffled = list(rows)
    random.shuffle(shuffled)
    again = content_order(Rows(shuffled), [""] * len(rows))
    assert [rows[at] for at in order] == [shuffled[at] for at in again]
    assert order.dtype == np.int64
