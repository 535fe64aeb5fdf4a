"""What can be asked of the schemas of verbs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from tamis.verbs.request import Argument, Request
from tamis.verbs.result import Result

__all__ = ["Schema", "SchemaReport"]


@dataclass(frozen=True)
class Schema(Request["SchemaReport"], verb="schema"):
    """Print the JSON schemas of a verb's request and result."""

    verb_name: Annotated[
        str, Argument("A verb, such as search or 'encoders check'.", metavar="VERB")
    ]


@dataclass(frozen=True, kw_only=True, repr=False)
class SchemaReport(Result):
    """The schemas of a verb.

    Attributes:
        verb: its name.
        request: JSON schema of what it can be asked.
        result: JSON schema of what it answers.
    """

    verb: str
    request: Mapping[str, Any]
    result: Mapping[str, Any]
