"""Numbers as people read them: counts that their words agree with, and short decimals."""

from __future__ import annotations

__all__ = ["counted", "short"]

_PLURALS = {
    "is": "are",
    "was": "were",
    "has": "have",
    "had": "had",
    "lies": "lie",
    "shows": "show",
    "fits": "fit",
    "takes": "take",
    "needs": "need",
    "copy": "copies",
    "box": "boxes",
    "class": "classes",
    "other": "other",
    "near": "near",
    "label": "label",
}
"""Words whose plural does not just take an s."""

_PLURAL_ENDS_AT = {"of", "in", "across", "with", "per"}


def counted(number: int, words: str) -> str:
    """Return a number before a noun, and a verb if there is one, that agree with it.

    Args:
        number: how many.
        words: the noun, as of one; adjectives may stand before it and a verb behind it. What
            follows `of`, `in`, `across`, `with` or `per` stays as it is, up to the verb.

    >>> counted(1, "source was"), counted(2000, "source was"), counted(2, "box")
    ('1 source was', '2,000 sources were', '2 boxes')
    """
    if number == 1:
        return f"1 {words}"
    plural, inside = [], False
    for word in words.split(" "):
        inside = (inside or word in _PLURAL_ENDS_AT) and word not in _VERBS
        plural.append(word if inside else _PLURALS.get(word, f"{word}s"))
    return f"{number:,} {' '.join(plural)}"


_VERBS = {"is", "was", "has", "had", "lies", "shows", "fits", "takes", "needs"}


_FOUR_DIGITS, _EXACT = 1e4, 1e15


def short(value: float) -> str:
    """Return a number with four significant digits, and whole from 10,000 on.

    >>> short(0.123456), short(123456.7), short(2.0), short(1e-7)
    ('0.1235', '123457', '2', '1e-07')
    """
    if _FOUR_DIGITS <= abs(value) < _EXACT:
        return f"{value:.0f}"
    return f"{value:.4g}"
