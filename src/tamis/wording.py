"""Numbers and names as people read them: counts, short decimals, what a wrong name meant."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["counted", "meant", "short"]

_VERBS = {
    "is": "are",
    "was": "were",
    "has": "have",
    "had": "had",
    "lies": "lie",
    "shows": "show",
    "fits": "fit",
    "takes": "take",
    "needs": "need",
}
_ODD_NOUNS = {"copy": "copies", "box": "boxes", "class": "classes"}
_AFTER_NOUN = {*_VERBS, "of", "in", "across", "with", "per"}


def counted(number: int, words: str) -> str:
    """Return a number before a noun, and a verb if there is one, that agree with it.

    Args:
        number: how many.
        words: the noun as of one, with what stands before it; then a verb, or what belongs to the
            noun (`of`, `in`, `across`, `with`, `per`) and then a verb.

    >>> counted(1, "source was"), counted(2000, "source was"), counted(2, "box of it has")
    ('1 source was', '2,000 sources were', '2 boxes of it have')
    """
    if number == 1:
        return f"1 {words}"
    parts = words.split(" ")
    noun = next((at for at, word in enumerate(parts) if word in _AFTER_NOUN), len(parts)) - 1
    parts[noun] = _ODD_NOUNS.get(parts[noun], f"{parts[noun]}s")
    parts[noun + 1 :] = [_VERBS.get(word, word) for word in parts[noun + 1 :]]
    return f"{number:,} {' '.join(parts)}"


_MOST_NAMED = 8


def meant(name: str, known: Iterable[str]) -> str:
    """Return what an unknown name probably meant: near names, or else the first eight there are.

    >>> meant("widht", ["path", "width", "height"]), meant("x", ["path", "width"])
    ('is it width?', 'there are path, width')
    """
    names = {one.lower(): one for one in known}
    if not names:
        return "there are none"
    if near := difflib.get_close_matches(name.lower(), names, 3):
        return f"is it {' or '.join(names[one] for one in near)}?"
    shown = list(names.values())[:_MOST_NAMED]
    more = f" and {counted(len(names) - len(shown), 'other')}" if len(names) > len(shown) else ""
    return f"there are {', '.join(shown)}{more}"


_FOUR_DIGITS, _EXACT = 1e4, 1e15


def short(value: float) -> str:
    """Return a number with four significant digits, and whole from 10,000 on.

    >>> short(0.123456), short(123456.7), short(2.0), short(1e-7)
    ('0.1235', '123457', '2', '1e-07')
    """
    if _FOUR_DIGITS <= abs(value) < _EXACT:
        return f"{value:.0f}"
    return f"{value:.4g}"
