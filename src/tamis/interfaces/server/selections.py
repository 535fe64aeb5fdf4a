"""Selections of pictures that the server keeps, so that no list of ids need travel."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa

from tamis.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tamis.interfaces.server.questions import Answer
    from tamis.interfaces.server.row_table import RowTable

__all__ = ["Selection", "Selections"]

_KEPT: Final = 64
_LONGEST_NAME: Final = 100


@dataclass(frozen=True)
class Selection:
    """Pictures that were selected in an answer.

    Attributes:
        name: what it is called.
        ids: sample ids, an Arrow array.
        query: the fields of a request that mean the same pictures without naming them, `where` or
            `all`, in the snapshot; None where ids alone do.
        snapshot: of which the query speaks.
        named: the user gave it its name, so it is kept until the server ends.
    """

    name: str
    ids: Any
    query: Mapping[str, Any] | None
    snapshot: int
    named: bool = False

    def __len__(self) -> int:
        return len(self.ids)

    def pictures(self, snapshot: int) -> dict[str, Any]:
        """Return the fields of a verb's request that mean these pictures, and no others.

        What was written since may have changed which pictures the query means.

        Args:
            snapshot: of which the verb is asked.
        """
        if self.query is None or snapshot != self.snapshot:
            return {"ids": self.ids.to_pylist()}
        return dict(self.query)

    def document(self) -> dict[str, Any]:
        """Return it as JSON, without the ids."""
        return {"name": self.name, "count": len(self), "query": self.query, "named": self.named}


class Selections:
    """Selections by name; of those without a name of the user's, the last ones."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, Selection] = OrderedDict()
        self._numbers = count(1)

    def make(
        self, answer: Answer, table: RowTable, given: Mapping[str, Any], name: str | None = None
    ) -> Selection:
        """Keep a part of an answer.

        Args:
            answer: the answer in which pictures were selected.
            table: the rows that its filters speak of.
            given: `ranges`, pairs of first place and place behind the last; without it, or with
                `all`, all pictures of the answer.
            name: the user's name for it.

        Raises:
            UsageError: a range lies outside of the answer, or the name cannot be one.
        """
        if name is not None and not (
            isinstance(name, str) and 0 < len(name.strip()) <= _LONGEST_NAME
        ):
            raise UsageError("a selection's name has 1 to 100 letters")
        query: dict[str, Any] | None
        ranges = given.get("ranges")
        if ranges is None:
            question = answer.question
            as_query = (
                not (question.searches or question.lasso) and answer.snapshot == table.snapshot
            )
            where = question.condition(table) if as_query else None
            ids, query = answer.ids, None
            if as_query:
                query = {"all": True} if where is None else {"where": where}
        else:
            ids, query = answer.ids.take(pa.array(_places(ranges, len(answer)))), None
        key = name or f"~{next(self._numbers)}"
        selection = Selection(key, ids, query, table.snapshot, named=name is not None)
        self._kept[key] = selection
        self._kept.move_to_end(key)
        loose = [one.name for one in self._kept.values() if not one.named]
        for old in loose[: max(len(loose) - _KEPT, 0)]:
            del self._kept[old]
        return selection

    def of(self, name: str) -> Selection:
        """Return a selection.

        Raises:
            UsageError: there is none of that name.
        """
        if name not in self._kept:
            raise UsageError(f"the selection {name!r} is not kept any more; select again")
        return self._kept[name]

    def named(self) -> list[Selection]:
        """Return those with a name of the user's."""
        return [one for one in self._kept.values() if one.named]

    def forget(self, name: str) -> None:
        """Drop a selection.

        Raises:
            UsageError: there is none of that name.
        """
        self.of(name)
        del self._kept[name]


def _places(ranges: Any, count: int) -> np.ndarray[Any, np.dtype[np.int64]]:
    fits = isinstance(ranges, list) and all(
        isinstance(pair, list)
        and len(pair) == 2  # noqa: PLR2004 - from and to
        and all(type(one) is int for one in pair)
        and 0 <= pair[0] <= pair[1] <= count
        for pair in ranges
    )
    if not fits:
        raise UsageError(f"ranges are pairs of places from 0 to {count}")
    parts = [np.arange(first, behind, dtype=np.int64) for first, behind in ranges]
    return np.unique(np.concatenate([np.empty(0, np.int64), *parts]))
