r"""Texts from outside, such as names of files: as they can be stored, and as they can be shown.

A name on disk is bytes, and Python hands on what is no UTF-8 in them as lone surrogates. Inside
tamis such a name stays as it is, so that the file can be found; no table and no JSON document can
hold it, so that whatever is stored or printed has the bytes spelt out, as in `caf\xe9.jpg`.
"""

from __future__ import annotations

import re

__all__ = ["is_storable", "showable", "showable_json", "storable"]

_LONE = re.compile("[\ud800-\udfff]")
_OBEYED = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
_BETWEEN = {"\n", "\t"}
_SHORT = {"\n": r"\n", "\t": r"\t", "\r": r"\r"}
_FIRST_BYTE, _LAST_BYTE = 0xDC80, 0xDCFF


def is_storable(text: str) -> bool:
    r"""Tell whether UTF-8 can hold a text.

    >>> is_storable("é"), is_storable("\udce9")
    (True, False)
    """
    return _LONE.search(text) is None


def storable(text: str) -> str:
    r"""Return a text with what UTF-8 cannot hold spelt out.

    >>> storable("caf\udce9.jpg")
    'caf\\xe9.jpg'
    """
    return _LONE.sub(_spelt, text)


def showable(text: str, *, lines: bool = False) -> str:
    r"""Return a text that a terminal prints and does not obey: no colours, no cursor, no turning.

    Control characters and what changes the direction of writing are spelt out.

    Args:
        text: what is to be shown.
        lines: leave line breaks and tabs as they are.

    >>> showable("a\x1b[2Jb\n"), showable("a\nb", lines=True)
    ('a\\x1b[2Jb\\n', 'a\nb')
    """
    kept = _BETWEEN if lines else set()
    return _OBEYED.sub(lambda m: m[0] if m[0] in kept else _spelt(m), storable(text))


def showable_json(document: str, *, ascii_only: bool = False) -> str:
    r"""Return a JSON document, or a piece of one, that means the same and can be shown.

    Args:
        document: JSON with letters beyond ASCII as they are.
        ascii_only: spell out all of these.

    >>> showable_json('"\x9b"'), showable_json('"é"', ascii_only=True)
    ('"\\u009b"', '"\\u00e9"')
    """
    document = _LONE.sub(lambda match: "\\" + _spelt(match), document)
    wanted = _BEYOND_ASCII if ascii_only else _OBEYED
    return wanted.sub(lambda m: m[0] if m[0] in _BETWEEN else _escaped(m[0]), document)


_BEYOND_ASCII = re.compile("[^\x00-\x7e]")


def _spelt(match: re.Match[str]) -> str:
    code = ord(match[0])
    if _FIRST_BYTE <= code <= _LAST_BYTE:
        return f"\\x{code - 0xDC00:02x}"
    if match[0] in _SHORT:
        return _SHORT[match[0]]
    return f"\\x{code:02x}" if code <= 0xFF else f"\\u{code:04x}"  # noqa: PLR2004 - a byte's largest


def _escaped(letter: str) -> str:
    """Return a letter as JSON escapes it, which takes two numbers beyond the first 65,536."""
    units = letter.encode("utf-16-be")
    return "".join(f"\\u{units[at : at + 2].hex()}" for at in range(0, len(units), 2))
