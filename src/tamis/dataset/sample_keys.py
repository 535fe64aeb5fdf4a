"""Where each sample lies: from sample ids to fragments and stable row ids."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tamis.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from tamis.dataset.fragments import TableVersion

__all__ = ["FragmentRows", "SampleIds", "SampleKeys", "id_array"]


SampleIds: TypeAlias = "Sequence[str] | pa.Array | pa.ChunkedArray"
"""Sample ids, as Python strings or Arrow strings; the latter are faster."""


def id_array(ids: SampleIds) -> pa.Array:
    """Sample ids as one Arrow array of strings.

    Raises:
        UsageError: some are null or no strings.
    """
    try:
        if isinstance(ids, pa.ChunkedArray):
            array = ids.combine_chunks().cast(pa.string())
        else:
            array = pa.array(ids, pa.string())
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError) as error:
        raise UsageError(f"sample ids have to be strings: {error}") from error
    if array.null_count:
        raise UsageError(f"{array.null_count} of {len(array)} sample ids are null")
    return array


@dataclass(frozen=True)
class FragmentRows:
    """Those of the asked samples that lie in one fragment.

    Attributes:
        fragment: the fragment's number.
        order: their places in the asked list, `[n]` int64, in table order.
        row_ids: their stable row ids, in the same order.
    """

    fragment: int
    order: NDArray[np.int64]
    row_ids: pa.Array


class SampleKeys:
    """The sample ids of one version of `samples`; about 45 bytes a sample, read when first needed.

    Ids never change once written, so what is known of a fragment's samples is carried over to the
    next version.

    Args:
        table: the version.
        known: what `by_file` of another version of the same table holds.
    """

    def __init__(
        self, table: TableVersion, known: Mapping[str, tuple[pa.Array, pa.Array]] | None = None
    ) -> None:
        self.by_file: dict[str, tuple[pa.Array, pa.Array]] = dict(known or {})
        self._table = table
        self._numbers: list[int] | None = None

    def _load(self) -> list[tuple[pa.Array, pa.Array]]:
        """Sample ids and row ids of each fragment, in table order."""
        if self._numbers is None:
            fragments = self._table.fragments()
            self.by_file = {
                file: self.by_file.get(file) or self._read(fragment.number)
                for fragment in fragments
                for file in [fragment.samples]
            }
            self._numbers = [fragment.number for fragment in fragments]
        return list(self.by_file.values())

    def _read(self, fragment: int) -> tuple[pa.Array, pa.Array]:
        rows = self._table.read_fragment(fragment, ["sample_id"], row_ids=True).combine_chunks()
        ids, row_ids = (rows.column(name).combine_chunks() for name in ("sample_id", "_rowid"))
        return ids, row_ids

    def missing(self, ids: pa.Array) -> pa.Array:
        """Whether each of `ids` is absent, bool."""
        present = pa.chunked_array([part[0] for part in self._load()], type=pa.string())
        found = pc.unique(present.filter(pc.is_in(present, value_set=ids)))
        return pc.invert(pc.is_in(ids, value_set=found))

    def locate(self, ids: pa.Array) -> Iterator[FragmentRows]:
        """Find distinct samples, fragment by fragment in table order.

        Raises:
            UsageError: some are not in the dataset.
        """
        parts = self._load()
        stored = pa.chunked_array([part[0] for part in parts], type=pa.string())
        # One call over all fragments: each call hashes all of `ids` anew.
        places = pc.index_in(stored, value_set=ids).combine_chunks()
        self._require_all(ids, places)
        start = 0
        for number, part in zip(self._numbers or [], parts, strict=True):
            place = places.slice(start, len(part[0]))
            start += len(place)
            if place.null_count < len(place):
                order = place.drop_null().to_numpy().astype(np.int64)
                yield FragmentRows(number, order, part[1].filter(place.is_valid()))

    def row_ids(self, ids: pa.Array) -> pa.Array:
        """The stable row id of each of `ids`, in their order; an id may repeat.

        Raises:
            UsageError: some are not in the dataset.
        """
        distinct = ids.unique()
        found = np.empty(len(distinct), np.uint64)
        for rows in self.locate(distinct):
            found[rows.order] = rows.row_ids.to_numpy()
        return pa.array(found[pc.index_in(ids, value_set=distinct).to_numpy()])

    @staticmethod
    def _require_all(ids: pa.Array, places: pa.Array) -> None:
        if len(places) - places.null_count == len(ids):
            return
        seen = np.zeros(len(ids), bool)
        seen[places.drop_null().to_numpy()] = True
        absent = ids.filter(pa.array(~seen)).to_pylist()
        raise UsageError(
            f"{len(absent)} of {len(ids)} sample ids are not in the dataset, e.g. {absent[0]!r}"
        )
