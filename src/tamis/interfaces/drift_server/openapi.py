"""The description of the server's API, from the same classes as its answers."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from tamis.services.drift.live.state import LiveState
from tamis.services.drift.result import DriftReport
from tamis.services.drift.side import FIGURES
from tamis.verbs.schema import schema_of

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["description"]

_ERRORS: Final = {
    "400": "What was sent is wrong; `error` says how.",
    "401": "No token.",
    "403": "Another token, or a Host or Origin that is not this server's.",
    "404": "There is no such reference.",
    "409": "Not now: the window has too few pictures, or the encoder cannot be loaded.",
    "413": "The body is too large.",
    "429": "Too many requests.",
    "503": "The state cannot be written; nothing was counted.",
}
_HEALTH: Final = {
    "type": "object",
    "required": ["status"],
    "properties": {"status": {"type": "string", "enum": ["ok"]}},
}
_VERDICT: Final = {
    "allOf": [{"$ref": "#/components/schemas/LiveState"}],
    "type": "object",
    "required": ["counted", "repeated_now", "raised", "failed"],
    "properties": {
        "counted": {"type": "integer", "description": "Pictures that were new."},
        "repeated_now": {"type": "integer", "description": "Pictures that had been counted."},
        "raised": {"type": "array", "items": {"type": "object"}, "description": "Alarms."},
        "failed": {"type": "array", "items": {"type": "object"}, "description": "Bad pictures."},
    },
}


def description(dimensions: Mapping[str, int], version: str) -> dict[str, Any]:
    """Return the API as OpenAPI 3.1.

    Args:
        dimensions: of the vectors of each reference, by its name.
        version: of tamis.
    """
    schemas: dict[str, Any] = {"Verdict": _VERDICT}
    for record in (LiveState, DriftReport):
        _put(schema_of(record), record.__name__, schemas)
    name = {
        "name": "name",
        "in": "path",
        "required": True,
        "schema": {"type": "string", "enum": list(dimensions)},
    }
    state = _refers("LiveState")
    states = {
        "type": "object",
        "required": ["references"],
        "properties": {"references": {"type": "array", "items": state}},
    }
    of = "/v1/references/{name}"
    paths = {
        "/health": {"get": _operation("Whether the server runs.", _HEALTH, []) | {"security": []}},
        "/metrics": {"get": _operation("Metrics for Prometheus.", None, ["403"])},
        "/v1/references": {"get": _operation("All references and their state.", states, ["403"])},
        of: {
            "parameters": [name],
            "get": _operation("How things stand.", state, ["403", "404"]),
        },
        f"{of}/vectors": {"parameters": [name], "post": _vectors(set(dimensions.values()))},
        f"{of}/pictures": {"parameters": [name], "post": _pictures()},
        f"{of}/window": {
            "parameters": [name],
            "get": _operation(
                "What changed: the window held against the reference, as `tamis drift check` does. "
                "It explains an alarm and raises none.",
                _refers("DriftReport"),
                ["403", "404", "409"],
            ),
        },
        f"{of}/acknowledge": {
            "parameters": [name],
            "post": _operation("End an alarm and begin anew.", state, ["403", "404", "503"]),
        },
    }
    return {
        "openapi": "3.1.0",
        "info": {"title": "tamis drift serve", "version": version},
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
        "security": [{"token": []}],
    }


def _operation(summary: str, answer: Any, errors: list[str]) -> dict[str, Any]:
    content = (
        {"text/plain": {"schema": {"type": "string"}}}
        if answer is None
        else {"application/json": {"schema": answer}}
    )
    responses: dict[str, Any] = {"200": {"description": "Done.", "content": content}}
    responses |= {
        code: {"description": _ERRORS[code]}
        for code in [*errors, *(["401"] if "403" in errors else []), "429"]
    }
    return {"summary": summary, "responses": responses}


def _vectors(dimensions: set[int]) -> dict[str, Any]:
    vector: dict[str, Any] = {"type": "array", "items": {"type": "number"}}
    vector |= {"minItems": min(dimensions), "maxItems": max(dimensions)}
    numbers = {"type": "array", "items": {"type": ["number", "null"]}}
    figures = dict.fromkeys(FIGURES, numbers)
    body = {
        "type": "object",
        "required": ["vectors"],
        "additionalProperties": False,
        "properties": {
            "vectors": {
                "type": "array",
                "minItems": 1,
                "maxItems": 1000,
                "items": vector,
            },
            "ids": {
                "type": "array",
                "items": {"type": "string", "minLength": 1, "maxLength": 500},
                "description": "Names; one that comes again is not counted again.",
            },
            "series": {
                "type": ["string", "null"],
                "maxLength": 500,
                "description": "The camera or video whose frames these are, in order.",
            },
            "figures": {
                "type": ["object", "null"],
                "additionalProperties": False,
                "properties": figures,
            },
        },
    }
    operation = _operation(
        "Count vectors; the verdict after them.",
        _refers("Verdict"),
        ["400", "403", "404", "413", "503"],
    )
    operation["requestBody"] = {
        "required": True,
        "content": {
            "application/json": {"schema": body},
            "application/x-npy": {"schema": {"type": "string", "format": "binary"}},
        },
    }
    return operation


def _pictures() -> dict[str, Any]:
    operation = _operation(
        "Embed and count pictures: one, or a zip of several; the verdict after them.",
        _refers("Verdict"),
        ["400", "403", "404", "409", "413", "503"],
    )
    text = {"type": "string", "maxLength": 500}
    operation["parameters"] = [
        {"name": "series", "in": "query", "schema": text},
        {"name": "name", "in": "query", "schema": text},
    ]
    binary = {"schema": {"type": "string", "format": "binary"}}
    operation["requestBody"] = {
        "required": True,
        "content": {"application/octet-stream": binary, "application/zip": binary},
    }
    return operation


def _refers(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}


def _put(schema: dict[str, Any], name: str, schemas: dict[str, Any]) -> None:
    """Put a schema and its definitions among `schemas`, which refer to each other there."""
    text = json.dumps(schema).replace("#/$defs/", "#/components/schemas/")
    moved = json.loads(text)
    schemas |= moved.pop("$defs", {})
    schemas[name] = moved
