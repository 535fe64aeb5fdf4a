"""The signatures of `tamis.Dataset`'s verbs as a stub, for editors and type checkers."""

from __future__ import annotations

import inspect
import types
from collections.abc import Mapping, Sequence
from dataclasses import MISSING
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Union, get_args, get_origin

from tamis.interfaces.methods import Method, described
from tamis.interfaces.verbs import Verbs
from tamis.verbs.request import fields_of
from tamis.verbs.schema import result_class

if TYPE_CHECKING:
    from tamis.verbs.request import Field

__all__ = ["stub"]

_HEAD = '''"""Every verb that works on a dataset, as a method; written by `make golden`."""

from collections.abc import Callable, Mapping, Sequence
from os import PathLike
from threading import Event
from typing import Any, Literal

from tamis.types import Progress
{imports}

class Verbs:
'''


def stub() -> str:
    """Return the text of `verbs.pyi`."""
    methods = {name: one for name, one in vars(Verbs).items() if isinstance(one, Method)}
    results = {one for method in methods.values() for one in _results(method)}
    imports = sorted(f"from {one.__module__} import {one.__name__}" for one in results)
    parts = [_HEAD.format(imports="\n".join(imports))]
    parts += [_method(name, method) for name, method in methods.items()]
    return "\n".join(parts)


def _method(name: str, method: Method) -> str:
    fields = [field for field in fields_of(method.request) if field.name not in method.fixed]
    lines = [f"    def {name}(", "        self,"]
    named = False
    for field in fields:
        by_place = field.option.positional or field.option.by_place
        if not by_place and not named:
            named = True
            if not lines[-1].strip().startswith("*"):
                lines.append("        *,")
        lines.append(f"        {_parameter(field, by_place=by_place and not named)},")
    if not named and not lines[-1].strip().startswith("*"):
        lines.append("        *,")
    lines += [
        "        progress: Progress = ...,",
        "        stage: Callable[[str], Progress] = ...,",
        "        tell: Callable[[Any], None] = ...,",
        "        note: Callable[[str], None] = ...,",
        "        stop: Event | None = None,",
        f"    ) -> {' | '.join(one.__name__ for one in _results(method))}:",
    ]
    doc = described(method.request, method.fixed).replace('"""', "'''")
    lines += [f'        """{doc.splitlines()[0]}']
    lines += [f"        {line}".rstrip() for line in doc.splitlines()[1:]]
    lines += ['        """', ""]
    return "\n".join(lines)


def _results(method: Method) -> tuple[type, ...]:
    found: Any = result_class(method.request)
    return get_args(found) or (found,)


def _parameter(field: Field, *, by_place: bool) -> str:
    if by_place and field.kind.many and field.default is MISSING:
        return f"*{field.name}: {_one(get_args(field.annotation)[0])}"
    written = _type(field.annotation)
    if field.name == "encoder":
        written += " | Any"  # loaded, instead of its spec
    return f"{field.name}: {written}{_default(field.default)}"


def _default(value: Any) -> str:
    if value is MISSING:
        return ""
    plain = value is None or isinstance(value, str | int | float | tuple)
    return f" = {value!r}" if plain else " = ..."


def _type(annotation: Any) -> str:  # noqa: PLR0911 - one case a kind of type
    origin, inner = get_origin(annotation), get_args(annotation)
    if annotation is type(None):
        return "None"
    if origin is Literal:
        return f"Literal[{', '.join(map(repr, inner))}]"
    if origin in {Union, types.UnionType}:
        return " | ".join(dict.fromkeys(_type(one) for one in inner))
    if annotation is ...:
        return "..."
    if origin is tuple:
        return f"tuple[{', '.join(_type(one) for one in inner)}]"
    if origin is not None and issubclass(origin, Mapping):
        return "Mapping[str, float]"
    if origin is not None and issubclass(origin, Sequence):
        one = _one(inner[0])
        return f"{one} | Sequence[{one}]"
    return _one(annotation)


def _one(annotation: Any) -> str:
    if annotation in {str, Path}:
        return "str | PathLike[str]"
    return annotation.__name__ if inspect.isclass(annotation) else _type(annotation)
