"""Operations of the log as command lines that do the same again."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["command_line"]

# For each verb the parameters that are words by themselves, and the options of the others.
_WORDS: Final = {"add": "sources", "select": "n", "round": "n", "filter": "texts"}
_OPTIONS: Final[Mapping[str, Mapping[str, str]]] = {
    "add": {"labels": "--labels"},
    "embed": {"encoder": "--encoder", "dtype": "--dtype", "batch_size": "--batch-size"},
    "index": {"column": "--encoder"},
    "duplicates": {
        "threshold": "--threshold",
        "changed_threshold": "--changed-threshold",
        "drop": "--drop",
        "prefer": "--prefer",
        "where": "--where",
        "column": "--encoder",
    },
    "align": {"from": "--from", "to": "--to", "out": "--out"},
    "filter": {
        "negatives": "--not",
        "threshold": "--threshold",
        "classes": "--classes",
        "where": "--where",
        "tag": "--tag",
        "column": "--encoder",
    },
    "round": {
        "round": "--round",
        "label_column": "--label-column",
        "strategy": "--strategy",
        "where": "--where",
        "column": "--encoder",
    },
    "select": {
        "strategy": "--strategy",
        "diverse": "--diverse",
        "where": "--where",
        "labelled": "--labelled",
        "forbid": "--forbid",
        "include": "--include",
        "quotas": "--quota",
        "column": "--encoder",
    },
    "scores": {"where": "--where", "column": "--encoder"},
    "split": {
        "train": "--train",
        "val": "--val",
        "test": "--test",
        "folds": "--folds",
        "time": "--time",
        "time_block": "--time-block",
        "gap": "--gap",
        "block_by": "--block-by",
        "group": "--group",
        "label": "--label",
        "delimiter": "--delimiter",
        "threshold": "--threshold",
        "changed": "--changed",
        "where": "--where",
        "column": "--encoder",
    },
}
_FLAGS: Final = {"duplicates": ["--apply"]}  # what is in the log was applied
# Parameters that no option carries, with the value that the command line gives them.
_FIXED: Final[Mapping[str, Mapping[str, Any]]] = {
    "select": {"exclude_duplicates": True},
    "round": {"exclude_duplicates": True},
}
_REPEATED: Final = {
    ("duplicates", "prefer"),
    ("filter", "negatives"),
    ("select", "quotas"),
    ("split", "group"),
}
_SILENT: Final = {"fingerprint", "request"}


def command_line(verb: str, params: Mapping[str, Any], seed: int | None) -> str | None:
    """Return the command that repeats an operation, or None where the command line cannot.

    >>> command_line("add", {"sources": ["my photos"], "labels": "folder"}, None)
    "tamis add 'my photos' --labels folder"
    >>> command_line("select", {"n": 9, "strategy": {"dpp": 0.5, "random": 0.5}}, 0)
    'tamis select 9 --strategy dpp:0.5,random:0.5 --seed 0'
    >>> command_line("select", {"n": 9, "exclude_duplicates": False}, 0) is None
    True
    """
    if verb not in _OPTIONS:
        return None
    words = ["tamis", verb]
    if verb == "select" and params.get("round"):
        verb = "round"  # the same verb with options of its own
    fixed = _FIXED.get(verb, {})
    options: list[str] = []
    for name, value in params.items():
        if name == _WORDS.get(verb):
            words += map(str, value if isinstance(value, list) else [value])
        elif name in _OPTIONS[verb]:
            given = _option(verb, name, value)
            if given is None:
                return None
            options += given
        elif name not in _SILENT and (name not in fixed or value != fixed[name]):
            return None
    if seed is not None:
        options += ["--seed", str(seed)]
    return shlex.join([*words, *options, *_FLAGS.get(verb, [])])


def _option(verb: str, name: str, value: Any) -> list[str] | None:
    """Return an option as words, none of them where it was not given; None if it cannot be."""
    option = _OPTIONS[verb][name]
    if isinstance(value, list):
        if (verb, name) not in _REPEATED:
            return None
        return [word for one in value for word in (option, str(one))]
    if isinstance(value, dict):
        return [option, ",".join(f"{name}:{share:g}" for name, share in value.items())]
    if isinstance(value, bool):
        return [option] if value else []
    return [] if value is None else [option, str(value)]
