"""Questions that the page asks of the rows, and their answers, kept for paging through."""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from hashlib import blake2b
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa

from tamis.dataset.columns import Column, one_of
from tamis.dataset.conditions import all_of, columns_named
from tamis.dataset.samples import names_parts
from tamis.errors import UsageError
from tamis.interfaces.server.conditions import ColumnFilter
from tamis.interfaces.server.point_map import Lasso, checked_lasso
from tamis.interfaces.server.row_table import Numbers
from tamis.runtime.workspace import execute
from tamis.services.search.contract import Search

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from tamis.interfaces.server.row_table import RowTable
    from tamis.runtime.workspace import Workspace

__all__ = ["Answer", "Answers", "Question", "Sort"]

NEAREST: Final = 500
"""Pictures that a search by text or example shows."""

_PART_COLUMNS: Final = frozenset({"kind", "parent_id"})
_KEPT: Final = 32
_KEPT_AT_LEAST: Final = 3
_KEPT_ROWS: Final = 1_000_000


@dataclass(frozen=True)
class Sort:
    """An order by a column; rows without a value come last."""

    column: str
    descending: bool = False


@dataclass(frozen=True)
class Question:
    """Which rows, in which order.

    Attributes:
        filters: each of them has to pass.
        where: an SQL condition that has to be met too.
        text: what the pictures should show; the best come first.
        like: sample ids of pictures that they should look like.
        region: the part of the first of those, `[x, y, width, height]` in pixels.
        lasso: the part of a map that holds them.
        sort: the order where nothing is searched for; None is that of the dataset.
    """

    filters: tuple[ColumnFilter, ...] = ()
    where: str | None = None
    text: str | None = None
    like: tuple[str, ...] = ()
    region: tuple[int, int, int, int] | None = None
    lasso: Lasso | None = None
    sort: Sort | None = None

    @classmethod
    def of(cls, given: Any) -> Question:
        """Return the question of a JSON object.

        Raises:
            UsageError: it is none.
        """
        if not isinstance(given, Mapping):
            raise UsageError("a question is a JSON object")
        if extra := set(given) - {
            "filters",
            "where",
            "text",
            "like",
            "region",
            "lasso",
            "sort",
        }:
            raise UsageError(f"a question has no {min(extra)!r}")
        filters, like = given.get("filters") or [], given.get("like") or []
        region, sort = given.get("region"), given.get("sort")
        texts = [given.get(name) for name in ("where", "text")]
        if not all(one is None or isinstance(one, str) for one in texts):
            raise UsageError("where and text are texts")
        if not isinstance(filters, list) or not _are(like, str, None):
            raise UsageError("filters and like are lists")
        if region is not None and not _are(region, int, 4):
            raise UsageError("a region is four whole numbers: x, y, width, height")
        return cls(
            tuple(map(ColumnFilter.of, filters)),
            (given.get("where") or "").strip() or None,
            (given.get("text") or "").strip() or None,
            tuple(like),
            None if region is None else tuple(region),
            None if given.get("lasso") is None else checked_lasso(given["lasso"]),
            None if sort is None else _sort(sort),
        )

    @property
    def searches(self) -> bool:
        """Whether it asks for pictures near a text or an example."""
        return bool(self.text or self.like)

    @property
    def names_parts(self) -> bool:
        """Whether it decides by itself about parts of pictures."""
        named = {one.column for one in self.filters}
        return bool(named & _PART_COLUMNS) or names_parts(self.where)

    def without(self, column: str) -> Question:
        """Return the same without the filters of a column."""
        return replace(self, filters=tuple(f for f in self.filters if f.column != column))

    def condition(self, table: RowTable) -> str | None:
        """Return its filters as one SQL condition, parts of pictures left to the reader.

        Raises:
            UsageError: a filter does not fit its column.
        """
        held = None
        if self.lasso is not None:
            here = self.lasso.holds(table.places(self.lasso.map))
            ids = table.ids.filter(pa.array(here))
            held = one_of(Column.SAMPLE_ID, ids.to_pylist())
        return all_of(*(one.condition(table) for one in self.filters), self.where, held)

    def mask(self, table: RowTable) -> NDArray[np.bool_]:
        """Return `[N]` which rows its filters let pass.

        Raises:
            UsageError: a filter or condition does not fit.
        """
        mask = np.ones(len(table), bool) if self.names_parts else table.whole.copy()
        for one in self.filters:
            mask &= one.mask(table)
        if self.where is not None:
            columns_named(self.where)  # says what is wrong with the words
            mask &= table.meeting(self.where)
        if self.lasso is not None:
            mask &= self.lasso.holds(table.places(self.lasso.map))
        return mask


@dataclass(frozen=True)
class Answer:
    """The rows of a question, in its order, as they were when it was asked.

    Attributes:
        key: its name.
        question: what was asked.
        snapshot: of what.
        ids: sample ids, an Arrow array.
        shapes: `[M]` uint8, as `RowTable.aspects`.
        scores: `[M]` similarity to what was searched for, or the value that they are ordered by.
        notes: what the user should know.
    """

    key: str
    question: Question
    snapshot: int
    ids: Any
    shapes: NDArray[np.uint8]
    scores: NDArray[np.float64] | None
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.ids)

    def begins_with(self, other: Answer) -> bool:
        """Tell whether another answer's rows come first here, in the same order."""
        count = len(other)
        return len(self) >= count and bool(self.ids.slice(0, count).equals(other.ids))


class Answers:
    """The last answers by key."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, Answer] = OrderedDict()

    def __contains__(self, key: object) -> bool:
        return key in self._kept

    def of(self, key: str) -> Answer:
        """Return an answer.

        Raises:
            UsageError: it is not kept any more.
        """
        if key not in self._kept:
            raise UsageError("that answer is not kept any more; ask the question again")
        self._kept.move_to_end(key)
        return self._kept[key]

    def ask(
        self,
        workspace: Workspace,
        table: RowTable,
        question: Question,
        examples: Mapping[str, str] = MappingProxyType({}),
    ) -> Answer:
        """Return the rows of a question, from before if nothing has changed since.

        Args:
            workspace: the dataset.
            table: its rows.
            question: the question.
            examples: files that names among its examples stand for.

        Raises:
            UsageError: it cannot be asked of this dataset.
        """
        key = _key(question, table.snapshot)
        if key not in self._kept:
            self._kept[key] = _answer(workspace, table, question, key, examples)
            while len(self._kept) > _KEPT or (
                len(self._kept) > _KEPT_AT_LEAST and sum(map(len, self._kept.values())) > _KEPT_ROWS
            ):
                self._kept.popitem(last=False)
        return self.of(key)


def _answer(
    workspace: Workspace,
    table: RowTable,
    question: Question,
    key: str,
    examples: Mapping[str, str],
) -> Answer:
    if question.searches:
        table.require([name for name in question.like if name not in examples])
        report = execute(
            workspace,
            Search(
                texts=[question.text] if question.text else [],
                like=[examples.get(name, name) for name in question.like],
                region=question.region,
                k=NEAREST,
                where=question.condition(table),
            ),
        )
        scores = {hit.sample_id: hit.score for hit in report.hits}
        rows = table.positions(list(scores))
        ids = table.ids.take(pa.array(rows))
        found = np.array([scores[name] for name in ids.to_pylist()], np.float64)
        return Answer(
            key, question, table.snapshot, ids, table.aspects[rows], found, tuple(report.notes)
        )
    rows = np.flatnonzero(question.mask(table))
    values = None
    if question.sort is not None:
        column = table.column(question.sort.column)
        ranked = (column.values if isinstance(column, Numbers) else column.ranks())[rows]
        order = np.argsort(-ranked if question.sort.descending else ranked, kind="stable")
        rows = rows[order]
        if isinstance(column, Numbers):
            values = ranked[order]
    everything = question.sort is None and len(rows) == len(table)
    ids = table.ids if everything else table.ids.take(pa.array(rows))
    return Answer(key, question, table.snapshot, ids, table.aspects[rows], values)


def _key(question: Question, snapshot: int) -> str:
    text = json.dumps([repr(question), snapshot])
    return blake2b(text.encode("utf-8", "backslashreplace"), digest_size=12).hexdigest()


def _sort(given: Any) -> Sort:
    if (
        not isinstance(given, Mapping)
        or not isinstance(given.get("column"), str)
        or not isinstance(given.get("descending", False), bool)
        or set(given) - {"column", "descending"}
    ):
        raise UsageError("an order has a column and perhaps descending")
    return Sort(given["column"], given.get("descending", False))


def _are(given: Sequence[Any], kind: type, count: int | None) -> bool:
    return (
        isinstance(given, list)
        and all(type(one) is kind for one in given)
        and (count is None or len(given) == count)
    )
