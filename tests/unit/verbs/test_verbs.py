"""All verbs keep to one form: a request, a workspace and feedback in, a result out."""

from __future__ import annotations

import dataclasses
import inspect
import json
from importlib import import_module
from pathlib import Path
from typing import get_args

import pytest

from tamis.interfaces import verbs
from tamis.interfaces.stub import stub
from tamis.verbs.registry import VERBS, request_class
from tamis.verbs.result import Result
from tamis.verbs.schema import result_class, schema_of

GOLDEN = Path(__file__).resolve().parents[2] / "golden" / "schemas"


@pytest.mark.parametrize("verb", VERBS)
def test_the_work_takes_its_request_and_nothing_else(verb):
    module, _, name = request_class(verb).where_to_run.partition(":")
    parameters = inspect.signature(getattr(import_module(module), name)).parameters.values()
    assert [one.name.strip("_") for one in parameters] == ["workspace", "request", "feedback"]


@pytest.mark.parametrize("verb", VERBS)
def test_every_request_and_result_is_frozen_and_every_result_has_notes(verb):
    asked = request_class(verb)
    answered = result_class(asked)
    results = get_args(answered) or (answered,)
    for record in (asked, *results):
        assert dataclasses.is_dataclass(record)
        assert record.__dataclass_params__.frozen
        assert record.__doc__
    for found in results:
        assert issubclass(found, Result)
        assert "notes" in {field.name for field in dataclasses.fields(found)}


@pytest.mark.parametrize("verb", VERBS)
def test_schemas_are_those_that_programs_rely_on(verb):
    """`make golden` writes them; a difference belongs in the changelog."""
    asked = request_class(verb)
    schemas = {"request": schema_of(asked), "result": schema_of(result_class(asked))}
    kept = json.loads((GOLDEN / f"{verb.replace(' ', '-')}.json").read_text("utf-8"))
    assert schemas == kept


def test_no_schema_is_kept_of_a_verb_that_is_gone():
    kept = {path.stem for path in GOLDEN.glob("*.json")}
    assert kept == {verb.replace(" ", "-") for verb in VERBS}


def test_signatures_for_editors_are_those_of_the_verbs():
    """`make golden` writes them."""
    assert Path(verbs.__file__).with_suffix(".pyi").read_text("utf-8") == stub()
