"""A verb as a method of `tamis.Dataset`, made from the class of its request."""

from __future__ import annotations

import inspect
from dataclasses import MISSING
from typing import TYPE_CHECKING, Any

from tamis.errors import UsageError
from tamis.verbs.feedback import Feedback
from tamis.verbs.request import fields_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from tamis.runtime.workspace import Workspace
    from tamis.verbs.request import Field, Request

__all__ = ["Method", "described", "signature"]

_FEEDBACK = ("progress", "stage", "tell", "note", "stop")


class Method:
    """A descriptor: called on a dataset it makes a request of its arguments and executes it.

    Beside the fields of the request every method takes `progress`, a function that is told
    `(done, total)`; long verbs also take `stage`, `tell`, `note` and `stop` of
    `tamis.verbs.feedback.Feedback`. An encoder may be given loaded instead of by its spec.

    Args:
        request: the class of the request.
        fixed: fields that this method sets itself.
    """

    def __init__(self, request: type[Request[Any]], **fixed: Any) -> None:
        self.request = request
        self.fixed = fixed

    def __get__(self, dataset: Any, owner: type | None = None) -> Any:
        if dataset is None:
            return self
        workspace: Workspace = dataset.workspace

        def call(*arguments: Any, **named: Any) -> Any:
            from tamis.runtime.workspace import execute

            feedback = _feedback(named)
            values = {**self.fixed, **_by_name(self.request, arguments, named)}
            request = self.request.of(_with_specs(values, workspace))
            return execute(workspace, request, feedback)

        return _dressed(call, self.request, self.fixed)


def signature(
    request: type[Request[Any]], fixed: dict[str, Any] | None = None
) -> inspect.Signature:
    """Return the signature of a verb's method."""
    kinds = inspect.Parameter
    parameters = []
    positional = True
    for field in fields_of(request):
        if field.name in (fixed or {}):
            continue
        positional = positional and _by_place(field)
        default = field.default if field.default is not MISSING else kinds.empty
        kind: Any = kinds.POSITIONAL_OR_KEYWORD if positional else kinds.KEYWORD_ONLY
        if positional and field.kind.many and default is kinds.empty:
            kind, default = kinds.VAR_POSITIONAL, kinds.empty
        parameters.append(kinds(field.name, kind, default=default, annotation=field.annotation))
    return inspect.Signature(parameters)


def described(request: type[Request[Any]], fixed: dict[str, Any] | None = None) -> str:
    """Return the docstring of a verb's method: the verb's own, then each argument's help."""
    lines = [inspect.getdoc(request) or "", "", "Args:"]
    for field in fields_of(request):
        if field.name not in (fixed or {}):
            default = f" Default: {field.option.default}." if field.option.default else ""
            lines.append(f"    {field.name}: {field.option.help}{default}")
    return "\n".join(lines)


def _by_place(field: Field) -> bool:
    return field.option.positional or field.option.by_place


def _dressed(
    call: Callable[..., Any], request: type[Request[Any]], fixed: dict[str, Any]
) -> Callable[..., Any]:
    call.__name__ = request.verb.replace(" ", "_")
    call.__doc__ = described(request, fixed)
    call.__signature__ = signature(request, fixed)  # type: ignore[attr-defined]
    return call


def _feedback(named: dict[str, Any]) -> Feedback:
    given = {name: named.pop(name) for name in _FEEDBACK if name in named}
    progress = given.pop("progress", None)
    if progress is not None:
        given["stage"] = lambda _name: progress
    return Feedback(**given)


def _by_name(
    request: type[Request[Any]], arguments: tuple[Any, ...], named: dict[str, Any]
) -> dict[str, Any]:
    """Return all arguments by their names, as Python itself would bind them."""
    places = [field for field in fields_of(request) if _by_place(field)]
    values = dict(named)
    if places and places[0].kind.many and len(arguments) > 1:
        arguments = (arguments,)
    if len(arguments) > len(places):
        raise UsageError(
            f"{request.verb} takes {len(places)} arguments by their place, and "
            f"{len(arguments)} were given; name the others"
        )
    for field, value in zip(places, arguments, strict=False):
        if field.name in values:
            raise UsageError(f"{request.verb} got {field.name} twice")
        values[field.name] = value
    return values


def _with_specs(values: dict[str, Any], workspace: Workspace) -> dict[str, Any]:
    """Return the values with loaded encoders in the workspace's pool, and their specs instead."""
    found = dict(values)
    encoder = found.get("encoder")
    if isinstance(encoder, list | tuple):
        found["encoder"] = [
            each if isinstance(each, str) else workspace.encoders.add(each) for each in encoder
        ]
    elif encoder is not None and not isinstance(encoder, str):
        found["encoder"] = workspace.encoders.add(encoder)
    return found
