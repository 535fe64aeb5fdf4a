"""Quotas as a user writes them: `label=cat:10`, `label=cat:5..10`, `label=*:equal`."""

from __future__ import annotations

import math
import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tamis.algo.selection import Quotas
from tamis.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tamis.types import Indices

__all__ = ["Quota", "group_quotas", "parse_quotas"]

EVERY = "*"
NULL = "NULL"
_HOW = (
    "write COLUMN=VALUE:AMOUNT, where VALUE may be * for each value or NULL for none, and AMOUNT "
    "is 10, 10.., ..10, 5..10, with % for shares, or equal or proportional with *"
)
_FORM = re.compile(r"(?P<column>[^=:]+)=(?P<value>.+):(?P<amount>[^:]+)")
_NUMBER = re.compile(r"(\d+(?:\.\d+)?)(%?)")


@dataclass(frozen=True)
class Quota:
    """One quota.

    Attributes:
        column: the column that holds the groups.
        value: the group's value, `*` for each that has no quota of its own, `NULL` for none.
        least: number or share of the picks, None where there is no least.
        most: number or share of the picks, None where there is no most.
        share: whether `least` and `most` are shares in [0, 1].
        rule: `equal`, `proportional`, or empty.
    """

    column: str
    value: str
    least: float | None
    most: float | None
    share: bool = False
    rule: str = ""

    @property
    def exact_share(self) -> bool:
        """Whether just this share is asked for."""
        return self.share and self.least == self.most


def parse_quotas(texts: Sequence[str]) -> list[Quota]:
    """Read quotas.

    Raises:
        UsageError: one is not of the form, is given twice, or they name several columns.

    >>> [(quota.least, quota.most) for quota in parse_quotas(["label=cat:5..10", "label=*:2.."])]
    [(5.0, 10.0), (2.0, None)]
    """
    quotas = [_parse(text) for text in texts]
    columns = list(dict.fromkeys(quota.column for quota in quotas))
    if len(columns) > 1:
        raise UsageError(
            f"quotas are over one column, not over {' and '.join(columns)}: leave one out"
        )
    for value, count in Counter(quota.value for quota in quotas).items():
        if count > 1:
            raise UsageError(
                f"there are {count} quotas for {columns[0]}={value}: give it one, such as 5..10"
            )
    return quotas


def _parse(text: str) -> Quota:
    form = _FORM.fullmatch(text.strip())
    if form is None:
        raise UsageError(f"{text!r} is no quota; {_HOW}")
    column, value, amount = (form[name].strip() for name in ("column", "value", "amount"))
    if amount in {"equal", "proportional"}:
        if value != EVERY:
            raise UsageError(f"{text!r} is no quota: {amount} is for all values, {column}=*")
        return Quota(column, value, None, None, rule=amount)
    low, dots, high = amount.partition("..")
    numbers = [_number(part, text) if part else None for part in (low, high)]
    shares = {number[1] for number in numbers if number is not None}
    if len(shares) != 1:
        raise UsageError(f"{text!r} is no quota; {_HOW}")
    least, most = (None if number is None else number[0] for number in numbers)
    if not dots:
        most = least
    if least is not None and most is not None and least > most:
        raise UsageError(f"the quota {text!r} has its least above its most")
    return Quota(column, value, least, most, share=shares.pop())


def _number(text: str, quota: str) -> tuple[float, bool]:
    form = _NUMBER.fullmatch(text.strip())
    if form is None:
        raise UsageError(f"{quota!r} is no quota; {_HOW}")
    number, share = float(form[1]), bool(form[2])
    if share and number > 100:  # noqa: PLR2004 - percent
        raise UsageError(f"the quota {quota!r} asks for more than 100 %")
    if not share and number != int(number):
        raise UsageError(f"the quota {quota!r} asks for a part of a picture; mean a share? add %")
    return (number / 100 if share else number), share


def group_quotas(
    quotas: Sequence[Quota], values: Sequence[Any], candidates: Indices, n: int
) -> Quotas:
    """Apply quotas to the values that rows have.

    Exact shares are rounded so that together they come as near to their sum as they can (largest
    remainder); the least is rounded up and the most down.

    Args:
        quotas: over one column.
        values: `[N]` the column's value of each row.
        candidates: `[C]` rows that can be picked, on which `proportional` goes and which tell
            what values `*` means.
        n: how many are picked.

    Example:
        >>> quotas = parse_quotas(["label=*:equal"])
        >>> group_quotas(quotas, ["a", "b", None], np.arange(3), 2).least.tolist()
        [1, 1]
    """
    texts = [NULL if value is None else str(value) for value in values]
    there = Counter(texts[row] for row in candidates.tolist())
    named = {quota.value: quota for quota in quotas if quota.value != EVERY}
    every = next((quota for quota in quotas if quota.value == EVERY), None)
    rest = [] if every is None else sorted(there.keys() - named.keys() - {NULL})
    groups = [*named, *rest]
    rule = {value: named.get(value, every) for value in groups}
    least, most = dict.fromkeys(groups, 0), dict.fromkeys(groups, n)
    exact = [value for value in groups if (one := rule[value]) is not None and one.exact_share]
    shares = {value: rule[value].least or 0.0 for value in exact}  # type: ignore[union-attr]
    for value, count in _apportion(shares, round(n * min(1.0, sum(shares.values())))).items():
        least[value] = most[value] = count
    for value in groups:
        one = rule[value]
        if one is None or one.exact_share or one.rule:
            continue
        scale = n if one.share else 1
        # Shares such as 30 % of 10 must not become 4 or 2 by rounding.
        least[value] = 0 if one.least is None else math.ceil(one.least * scale - 1e-9)
        most[value] = n if one.most is None else math.floor(one.most * scale + 1e-9)
        most[value] = max(most[value], least[value]) if one.most is None else most[value]
        if least[value] > most[value]:
            raise UsageError(
                f"the quota of {one.column}={value} cannot be met: no whole number of {n} pictures "
                "lies between its shares"
            )
    if every is not None and every.rule and rest:
        left = max(0, n - sum(least[value] for value in named))
        weights = {
            value: float(there[value] if every.rule == "proportional" else 1) for value in rest
        }
        for value, count in _apportion(weights, left).items():
            least[value] = most[value] = count
    number = {value: place for place, value in enumerate(groups)}
    column = quotas[0].column
    return Quotas(
        groups=np.array([number.get(text, -1) for text in texts], dtype=np.int64),
        names=tuple(f"{column}={value}" for value in groups),
        least=np.array([least[value] for value in groups], dtype=np.int64),
        most=np.array([most[value] for value in groups], dtype=np.int64),
    )


def _apportion(weights: dict[str, float], total: int) -> dict[str, int]:
    """Divide `total` by weights into whole numbers, largest remainders up, ties by name."""
    mass = sum(weights.values())
    if mass <= 0:
        return dict.fromkeys(weights, 0)
    parts = {value: total * weight / mass for value, weight in weights.items()}
    counts = {value: math.floor(part + 1e-9) for value, part in parts.items()}
    order = sorted(parts, key=lambda value: (-(parts[value] - counts[value]), value))
    for value in order[: total - sum(counts.values())]:
        counts[value] += 1
    return counts
