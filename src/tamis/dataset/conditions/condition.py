"""Conditions as users and code write them: checked, joined, and asked for the columns they name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tamis.dataset.conditions.parser import ConditionParser

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

__all__ = ["all_of", "any_of", "checked_condition", "columns_named"]


def checked_condition(
    where: str | None,
    columns: Collection[str] | None = None,
    annotated: Callable[[str], str] | None = None,
) -> str | None:
    """Return a condition as Lance reads it; None of None.

    Lance reads one expression and drops what follows it, takes `"label"` for a text where a column
    has that name, aborts on a placeholder, and overruns its stack where a condition is nested too
    deeply; functions like `repeat` fill its memory. None of that passes.

    Args:
        where: an SQL condition.
        columns: those there are; None if any name may be one.
        annotated: turns a condition on annotations into one on samples; without it `HAS(…)`
            stays as it is.

    Raises:
        UsageError: says in one sentence what is wrong, or which column or function there is not.

    Example:
        >>> checked_condition("Label = 'a;b' or width<5 -- small", ["label", "width"])
        "`label` = 'a;b' OR `width` < 5"
    """
    return None if where is None else ConditionParser(where, columns, annotated).condition()


def columns_named(where: str | None) -> frozenset[str]:
    """Return the columns that a condition names, in small letters.

    Raises:
        UsageError: it is none.
    """
    if where is None:
        return frozenset()
    reader = ConditionParser(where, None)
    reader.condition()
    return frozenset(reader.named)


def all_of(*conditions: str | None) -> str | None:
    """Return the condition that all of some conditions are met; None is always met.

    Raises:
        UsageError: one of them is no condition.

    >>> all_of("a = 1 OR b = 2", None, "c IS NULL")
    '(a = 1 OR b = 2) AND (c IS NULL)'
    """
    return _joined(" AND ", conditions)


def any_of(*conditions: str | None) -> str | None:
    """Return the condition that one of some conditions is met; None where one of them is None.

    Raises:
        UsageError: one of them is no condition.
    """
    return None if None in conditions else _joined(" OR ", conditions)


def _joined(word: str, conditions: tuple[str | None, ...]) -> str | None:
    given = [condition for condition in conditions if condition is not None]
    for condition in given:
        checked_condition(condition)
    if len(given) < 2:  # noqa: PLR2004 - nothing to join
        return given[0] if given else None
    # The line break ends a comment that would swallow the parenthesis.
    return word.join(
        f"({condition}\n)" if "--" in condition else f"({condition})" for condition in given
    )
