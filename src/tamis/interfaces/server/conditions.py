"""Filters as the page states them, and the SQL condition that says the same."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa

from tamis.dataset.columns import Column, between, equal, list_has, mentions, one_of, unknown
from tamis.dataset.conditions import all_of, any_of
from tamis.errors import UsageError
from tamis.interfaces.server.row_table import OBJECTS, Numbers, RowTable, annotation_condition

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["ColumnFilter"]

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class ColumnFilter:
    """What one column has to hold: one of some values, a number in a range, or part of a text.

    Attributes:
        column: its name, or what stands for one.
        values: any of them; None among them stands for no value.
        low: least number, included.
        high: greatest number.
        below: the greatest number itself is left out.
        text: part of the column's text.
    """

    column: str
    values: tuple[str | bool | int | None, ...] | None = None
    low: float | None = None
    high: float | None = None
    below: bool = False
    text: str | None = None

    @classmethod
    def of(cls, given: Any) -> ColumnFilter:
        """Return the filter of a JSON object.

        Raises:
            UsageError: it is none.
        """
        if not isinstance(given, Mapping) or not isinstance(given.get("column"), str):
            raise UsageError("a filter names a column")
        if "`" in given["column"]:
            raise UsageError(f"there is no column {given['column']!r} to filter by")
        unknown_keys = set(given) - {"column", "values", "low", "high", "below", "text"}
        values = given.get("values")
        fits = (
            not unknown_keys
            and (values is None or _are_values(values))
            and all(_is_number(given.get(name)) for name in ("low", "high"))
            and isinstance(given.get("below", False), bool)
            and isinstance(given.get("text", ""), str)
        )
        if not fits:
            raise UsageError(
                "a filter has a column and values, low and high, or text; this one is "
                f"{dict(given)!r}"
            )
        return cls(**{**given, "values": None if values is None else tuple(values)})

    def mask(self, table: RowTable) -> NDArray[np.bool_]:
        """Return `[N]` which rows pass.

        Raises:
            UsageError: there is no such column, or it does not hold what is asked for.
        """
        if self.text is not None:
            return table.meeting(mentions(self.column, self.text))
        column = table.column(self.column)
        if self.values is not None:
            return column.having(self.values)
        if not isinstance(column, Numbers):
            raise UsageError(f"{self.column} holds no numbers to compare with")
        return column.between(self.low, self.high, below=self.below)

    def condition(self, table: RowTable) -> str:
        """Return the same as SQL.

        Raises:
            UsageError: as `mask`.
        """
        if self.text is not None:
            return mentions(self.column, self.text)
        if self.values is not None:
            parts = [self._value(value) for value in self.values]
            return any_of(*parts) or one_of(self.column, [])
        column = table.column(self.column)
        if not isinstance(column, Numbers):
            raise UsageError(f"{self.column} holds no numbers to compare with")
        low, high = (
            None if one is None else _bound(column, one)
            for one in column.bounds(self.low, self.high, below=self.below)
        )
        return between(self.column, low, high, below=self.below)

    def _value(self, value: str | bool | int | None) -> str:
        if self.column == OBJECTS or ":" in self.column:
            of_layer = annotation_condition(self.column)
            if value is None:
                return f"NOT has({of_layer})"
            return f"has({all_of(of_layer, equal('label', value))})"
        if value is None:
            empty = unknown(self.column)
            if self.column == Column.TAGS:
                return any_of(empty, "array_length(`tags`) = 0") or empty
            return empty
        if self.column == Column.TAGS:
            return list_has(self.column, str(value))
        return equal(self.column, value)


def _bound(column: Numbers, number: float) -> float | datetime:
    if not pa.types.is_timestamp(column.type):
        return number
    moment = _EPOCH + timedelta(microseconds=number)
    return moment.replace(tzinfo=None)


def _are_values(values: Any) -> bool:
    return isinstance(values, list | tuple) and all(
        value is None or isinstance(value, str | bool | int) for value in values
    )


def _is_number(value: Any) -> bool:
    return value is None or (
        isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    )
