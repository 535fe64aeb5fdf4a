"""What a YOLO dataset says of itself: names of classes, keypoints, and where its files lie."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import yaml

from tamis.formats.annotations.source_annotation import text

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["YoloSettings", "listed_names", "read_settings"]

_SUBSETS = ("train", "val", "valid", "test", "minival")


@dataclass(frozen=True)
class YoloSettings:
    """What a `data.yaml` says.

    Attributes:
        names: of the classes, by number; empty where there are none.
        keypoints: how many a line of labels has, and numbers of each (2, or 3 with visibility);
            None where the file speaks of none.
        path: the dataset's folder as the file has it; None where it does not say.
        subsets: folders or lists of pictures of train, val and test, as the file has them.
    """

    names: dict[int, str] = field(default_factory=dict)
    keypoints: tuple[int, int] | None = None
    path: str | None = None
    subsets: tuple[str, ...] = ()


def listed_names(content: str) -> dict[int, str]:
    r"""Read one name a line; an empty line names no class.

    >>> listed_names("cat\n\ndog\n")
    {0: 'cat', 2: 'dog'}
    """
    lines = enumerate(line.strip() for line in content.splitlines())
    return {number: line for number, line in lines if line}


def read_settings(content: str) -> YoloSettings:
    r"""Read a `data.yaml`. Names are taken as they are written: `no` is the name `no`.

    Nothing is constructed but texts, and aliases are not spread out.

    Raises:
        ValueError: it is no YAML, or says what cannot be meant: a class number twice, names that
            are neither a list nor a map of numbers.

    >>> read_settings("names:\n  0: cat\n  1: 'a # b'  # two\nkpt_shape: [17, 3]").keypoints
    (17, 3)
    """
    try:
        root = yaml.compose(content, Loader=yaml.SafeLoader)
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise ValueError(f"the names cannot be read, for it is no YAML: {_line(error)}") from error
    if not isinstance(root, yaml.MappingNode):
        return YoloSettings()
    entries = {key.value: value for key, value in root.value if isinstance(key, yaml.ScalarNode)}
    path = entries.get("path")
    return YoloSettings(
        names=_names(entries["names"]) if "names" in entries else {},
        keypoints=_keypoints(entries["kpt_shape"]) if "kpt_shape" in entries else None,
        path=path.value if path is not None and _is_text(path) else None,
        subsets=tuple(_texts(entries[name] for name in _SUBSETS if name in entries)),
    )


def _names(node: yaml.Node) -> dict[int, str]:
    if isinstance(node, yaml.SequenceNode):
        return {number: _name(entry) for number, entry in enumerate(node.value)}
    if not isinstance(node, yaml.MappingNode):
        reason = f"names: {node.value} is neither a list nor a map of numbers"
        raise ValueError(reason)  # noqa: TRY004 - the file is wrong, not the caller
    names: dict[int, str] = {}
    for key, value in node.value:
        number = key.value if isinstance(key, yaml.ScalarNode) else None
        if number is None or not number.isdecimal():
            raise ValueError(f"names: {number or 'a list'} is no number of a class")
        if int(number) in names:
            raise ValueError(f"names: the class {number} has two names")
        names[int(number)] = _name(value)
    return names


def _name(node: yaml.Node) -> str:
    if not _is_text(node):
        raise ValueError(f"names: line {node.start_mark.line + 1} holds no name of a class")
    return text(node.value)


def _keypoints(node: yaml.Node) -> tuple[int, int]:
    numbers = node.value if isinstance(node, yaml.SequenceNode) else []
    values = [entry.value for entry in numbers if isinstance(entry, yaml.ScalarNode)]
    if len(values) == 2 and values[0].isdecimal() and values[1] in ("2", "3"):  # noqa: PLR2004
        return int(values[0]), int(values[1])
    raise ValueError("kpt_shape is not [number of keypoints, 2 or 3]")


def _texts(nodes: Iterable[yaml.Node]) -> Iterable[str]:
    for node in nodes:
        if isinstance(node, yaml.SequenceNode):
            yield from _texts(node.value)
        elif _is_text(node):
            yield node.value


def _is_text(node: yaml.Node) -> bool:
    return (
        isinstance(node, yaml.ScalarNode)
        and not node.tag.endswith(":null")
        and bool(node.value.strip())
    )


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__
