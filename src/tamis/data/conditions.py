"""SQL conditions that users write: checked before Lance sees them."""

from __future__ import annotations

import re

from tamis.errors import UsageError

__all__ = ["checked_condition"]

_QUOTED = re.compile(r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|`[^`]*`")


def checked_condition(where: str | None) -> str | None:
    r"""The condition in parentheses, so that it is read to its end.

    Lance reads one expression and silently drops what follows it: `width < 5 limit 3`,
    `width < 5) and label = 'x'` and `width < 5; drop table samples` all mean `width < 5` to it.

    Raises:
        UsageError: parentheses do not match, or a semicolon stands outside quotes.

    Example:
        >>> checked_condition("label = 'a;b' OR width < 5")
        "(label = 'a;b' OR width < 5\n)"
    """
    if where is None:
        return None
    bare = _QUOTED.sub("", where)
    if ";" in bare:
        raise UsageError(
            f"the condition {where!r} has to be one SQL condition, without a semicolon"
        )
    depth = 0
    for character in bare:
        depth += (character == "(") - (character == ")")
        if depth < 0:
            break
    if depth != 0:
        raise UsageError(f"the parentheses of the condition {where!r} do not match")
    # The line break ends a comment that would swallow the parenthesis.
    return f"({where}\n)"
