"""JSON schemas of requests and results."""

from __future__ import annotations

import sys
import types
from importlib import import_module
from typing import TYPE_CHECKING, Any, ForwardRef, get_args

if TYPE_CHECKING:
    from tamis.verbs.request import Request

__all__ = ["result_class", "schema_of"]


def schema_of(record: Any) -> dict[str, Any]:
    """Return the JSON schema of a request's or a result's class."""
    from pydantic import TypeAdapter  # it takes a while to load, and only this needs it

    return TypeAdapter(record).json_schema(mode="serialization")


def result_class(request: type[Request[Any]]) -> Any:
    """Return the class of a request's result, which stands beside it or in the module `result`.

    Of a verb that answers in several ways it is their union.

    Raises:
        TypeError: the request names none; a defect of the class.
    """
    for base in getattr(request, "__orig_bases__", ()):
        for argument in get_args(base):
            name = argument.__forward_arg__ if isinstance(argument, ForwardRef) else argument
            found = name if isinstance(name, type) else _named(request, name)
            if isinstance(found, type | types.UnionType):
                return found
    raise TypeError(f"{request.__name__} names no result")


def _named(request: type[Request[Any]], name: str) -> Any:
    here = sys.modules[request.__module__]
    if hasattr(here, name):
        return getattr(here, name)
    return getattr(import_module(f"{request.__module__.rpartition('.')[0]}.result"), name)
