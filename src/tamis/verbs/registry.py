"""Every verb by its name, and where the class of its request stands; nothing is loaded for it."""

from __future__ import annotations

from importlib import import_module
from typing import Any, Final

from tamis.errors import UsageError
from tamis.verbs.request import Request

__all__ = ["VERBS", "request_class"]

VERBS: Final[dict[str, str]] = {
    "add": "tamis.services.add.contract:Add",
    "add crops": "tamis.services.add.contract:AddCrops",
    "add tiles": "tamis.services.add.contract:AddTiles",
    "embed": "tamis.services.embed.contract:Embed",
    "curate": "tamis.services.curate.contract:Curate",
    "search": "tamis.services.search.contract:Search",
    "encoders list": "tamis.services.encoders.contract:ListEncoders",
    "encoders check": "tamis.services.encoders.contract:CheckEncoder",
    "encoders export": "tamis.services.encoders.contract:ExportEncoder",
}


def request_class(verb: str) -> type[Request[Any]]:
    """Return the class of a verb's request.

    Raises:
        UsageError: there is no such verb.
    """
    if verb not in VERBS:
        raise UsageError(f"there is no verb {verb!r}; there are {', '.join(VERBS)}")
    module, _, name = VERBS[verb].partition(":")
    found: type[Request[Any]] = getattr(import_module(module), name)
    return found
