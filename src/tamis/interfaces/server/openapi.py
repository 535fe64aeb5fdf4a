"""The description of the server's API, made from the same classes as requests and results."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tamis.interfaces.server.served import QUICK, SERVED, served_fields
from tamis.verbs.registry import request_class
from tamis.verbs.schema import result_class, schema_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from starlette.routing import Route

__all__ = ["description"]


def description(routes: Iterable[Route]) -> dict[str, Any]:
    """Return the API as OpenAPI 3.1: a path for each verb, and each route with its sentence."""
    paths: dict[str, Any] = {}
    schemas: dict[str, Any] = {}
    for verb in SERVED:
        paths[f"/api/verbs/{verb.replace(' ', '%20')}"] = {"post": _verb(verb, schemas)}
    for route in routes:
        if route.path == "/api/verbs/{verb}":
            continue
        summary = (route.endpoint.__doc__ or "").strip().partition("\n")[0]
        for method in sorted((route.methods or set()) - {"HEAD"}):
            parameters = [
                {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
                for name in route.param_convertors
            ]
            answers = {"200": {"description": "Done."}, "403": {"description": "Not let in."}}
            operation: dict[str, Any] = {"summary": summary, "responses": answers}
            if parameters:
                operation["parameters"] = parameters
            paths.setdefault(route.path, {})[method.lower()] = operation
    return {
        "openapi": "3.1.0",
        "info": {"title": "tamis", "version": _version()},
        "paths": paths,
        "components": {"schemas": schemas},
    }


def _verb(verb: str, schemas: dict[str, Any]) -> dict[str, Any]:
    asked = request_class(verb)
    request, result = schema_of(asked), schema_of(result_class(asked))
    served = set(served_fields(asked))
    request["properties"] = {
        name: schema for name, schema in request.get("properties", {}).items() if name in served
    }
    references = [_moved(schema, verb, schemas) for schema in (request, result)]
    content = [{"application/json": {"schema": schema}} for schema in references]
    job = {"description": "Begun as a job; /api/jobs tells how far it has come."}
    answers = {"200": {"description": "The result.", "content": content[1]}}
    return {
        "summary": (asked.__doc__ or "").strip().partition("\n")[0],
        "operationId": verb.replace(" ", "_"),
        "parameters": [
            {
                "name": "selection",
                "in": "query",
                "description": "The selection whose pictures are meant.",
                "schema": {"type": "string"},
            }
        ],
        "requestBody": {"content": content[0]},
        "responses": (answers if verb in QUICK else {"202": job})
        | {"400": {"description": "What was wrong, as `error`."}},
    }


def _moved(schema: dict[str, Any], verb: str, schemas: dict[str, Any]) -> dict[str, Any]:
    """Return a schema whose definitions stand among `schemas`, under names of their own."""
    prefix = f"{verb.replace(' ', '_')}."
    text = json.dumps({key: value for key, value in schema.items() if key != "$defs"})
    for name, definition in schema.get("$defs", {}).items():
        written = json.dumps(definition).replace("#/$defs/", f"#/components/schemas/{prefix}")
        schemas[f"{prefix}{name}"] = json.loads(written)
    found: dict[str, Any] = json.loads(text.replace("#/$defs/", f"#/components/schemas/{prefix}"))
    return found


def _version() -> str:
    from tamis import __version__

    return str(__version__)
