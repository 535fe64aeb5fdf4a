"""Comparisons as the page asks for them: of questions, which become conditions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tamis.dataset.columns import Column, known
from tamis.errors import UsageError
from tamis.interfaces.server.questions import Question
from tamis.services.compare.contract import Compare

if TYPE_CHECKING:
    from tamis.interfaces.server.row_table import RowTable

__all__ = ["comparison_of"]


def comparison_of(given: Any, table: RowTable) -> Compare:
    """Return the request of a comparison.

    Args:
        given: a JSON object with the questions `a` and perhaps `b`, or with `layers` or `encoders`.
        table: the rows that the questions speak of.

    Raises:
        UsageError: it is none, or a question is a search.
    """
    if not isinstance(given, dict) or set(given) - {"a", "b", "layers", "encoders"}:
        raise UsageError("a comparison has the questions a and b, layers, or encoders")
    fields: dict[str, Any] = {
        name: given[name] for name in ("layers", "encoders") if given.get(name) is not None
    }
    for side in ("a", "b"):
        if given.get(side) is not None:
            fields[side] = _condition(given[side], table)
    return Compare.of(fields)


def _condition(given: Any, table: RowTable) -> str:
    question = Question.of(given)
    if question.searches:
        raise UsageError(
            "a search orders all pictures and makes no group: select what it should be and tag it"
        )
    # of all pictures every one has an id
    return question.condition(table) or known(Column.SAMPLE_ID)
