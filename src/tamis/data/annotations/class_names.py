"""Names of classes, as YOLO datasets list them: one a line, or in a `data.yaml`."""

from __future__ import annotations

import re

__all__ = ["listed_names", "yaml_names"]

_KEY = re.compile(r"""(["']?)names\1\s*:(?:\s+|$)""")
_NUMBERED = re.compile(r"""\s*["']?(\d+)["']?\s*:\s*(.*)""")
_LISTED = re.compile(r"\s*-\s+(.*)")
_SCALAR = re.compile(r"""\s*(?:"((?:[^"\\]|\\.)*)"|'((?:[^']|'')*)'|([^,\]}"'][^,\]}]*))""")


def listed_names(text: str) -> dict[int, str]:
    r"""Read one name a line; empty lines at the end say nothing.

    >>> listed_names("cat\ndog\n")
    {0: 'cat', 1: 'dog'}
    """
    return dict(enumerate(line.strip() for line in text.rstrip().splitlines()))


def yaml_names(text: str) -> dict[int, str]:
    r"""Read the top-level `names:` of a YAML file without a YAML library.

    Known are a list and a map of numbers, each in flow style, also over several lines, or in
    block style, with quotes and comments.

    Returns:
        Names by class number; empty where there are none.

    Raises:
        ValueError: the names are there in a form that is not known.

    >>> yaml_names("nc: 2\nnames: [cat, 'a dog']  # two")
    {0: 'cat', 1: 'a dog'}
    >>> yaml_names("names:\n  0: cat\n  1: dog # small")
    {0: 'cat', 1: 'dog'}
    """
    lines = text.splitlines()
    for number, line in enumerate(lines):
        if key := _KEY.match(line):
            rest = line[key.end() :].strip()
            if rest.startswith(("[", "{")):
                return _flow("\n".join([rest, *lines[number + 1 :]]))
            if rest and not rest.startswith("#"):
                raise ValueError(f"names: {rest} is neither a list nor a map of numbers")
            return _block(lines[number + 1 :])
    return {}


def _flow(text: str) -> dict[int, str]:
    text = re.sub(r"(?m)\s#.*$", "", text)
    end, at = "]" if text[0] == "[" else "}", 1
    names: dict[int, str] = {}
    while True:
        at += len(text[at:]) - len(text[at:].lstrip(" \t\n,"))
        if at >= len(text):
            raise ValueError(f"the names begin with {text[0]} and no {end} follows")
        if text[at] == end:
            return names
        place = len(names)
        if end == "}":
            entry = re.match(r"""["']?(\d+)["']?\s*:""", text[at:])
            if entry is None:
                raise ValueError(f"{text[at : at + 20]!r} is no number with a name")
            place, at = int(entry[1]), at + entry.end()
        value = _SCALAR.match(text, at)
        if value is None or value.end() == at:
            raise ValueError(f"{text[at : at + 20]!r} is no name")
        names[place], at = _unquoted(value), value.end()


def _block(lines: list[str]) -> dict[int, str]:
    names: dict[int, str] = {}
    for line in lines:
        bare = re.sub(r"(^|\s)#.*$", "", line)
        if not bare.strip():
            continue
        if listed := _LISTED.match(bare):
            place, rest = len(names), listed[1]
        elif (numbered := _NUMBERED.match(bare)) and bare[0] in " \t":
            place, rest = int(numbered[1]), numbered[2]
        elif bare[0] in " \t":
            raise ValueError(f"{bare.strip()!r} is neither '- name' nor 'number: name'")
        else:
            break
        quoted = _SCALAR.fullmatch(rest.rstrip())
        names[place] = _unquoted(quoted) if quoted else rest.strip()
    return names


def _unquoted(scalar: re.Match[str]) -> str:
    double, single, plain = scalar.groups()
    if double is not None:
        return re.sub(r"\\(.)", r"\1", double)
    return single.replace("''", "'") if single is not None else plain.strip()
