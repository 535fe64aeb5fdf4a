"""What users may rely on: names in `tamis`, methods of a dataset, commands and their options.

python tools/released_interface.py writes that of this version to `tests/data/interface`; run it
once a release. A test holds that later versions keep all of it.
"""

from __future__ import annotations

import importlib.metadata
import inspect
import json
from dataclasses import MISSING
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import tamis
from tamis.interfaces.verbs import Method
from tamis.verbs.registry import VERBS, request_class
from tamis.verbs.request import fields_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

RELEASES: Final = Path(__file__).resolve().parents[1] / "tests" / "data" / "interface"


def interface() -> dict[str, Any]:
    """Return this version's interface; of parameters and options, whether each must be given."""
    return {
        "names": sorted(tamis.__all__),
        "methods": dict(sorted(_methods())),
        "commands": dict(sorted(_commands())),
    }


def broken(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """Return what a user of `before` would miss now, or must now give in addition."""
    missing = [f"the name {name}" for name in set(before["names"]) - set(now["names"])]
    for kind in ("methods", "commands"):
        for name, parameters in before[kind].items():
            if name not in now[kind]:
                missing.append(f"{kind[:-1]} {name}")
                continue
            missing += [f"{name}: {one}" for one in set(parameters) - set(now[kind][name])]
            missing += [
                f"{name}: {one} must be given"
                for one, required in now[kind][name].items()
                if required and not parameters.get(one, False)
            ]
    return sorted(missing)


def _methods() -> Iterator[tuple[str, dict[str, bool]]]:
    for name in dir(tamis.Dataset):
        if name.startswith("_"):
            continue
        method = inspect.getattr_static(tamis.Dataset, name)
        if isinstance(method, Method):
            fields = [one for one in fields_of(method.request) if one.name not in method.fixed]
            yield name, {one.name: one.default is MISSING for one in fields}
        elif isinstance(method, property):
            yield name, {}
        else:
            parameters = list(inspect.signature(getattr(tamis.Dataset, name)).parameters.values())
            yield name, {one.name: one.default is one.empty for one in parameters[1:]}


def _commands() -> Iterator[tuple[str, dict[str, bool]]]:
    for verb in VERBS:
        yield (
            verb,
            {
                spelling: field.default is MISSING
                for field in fields_of(request_class(verb))
                for spelling in ((field.name,) if field.option.positional else field.spellings)
            },
        )


if __name__ == "__main__":
    RELEASES.mkdir(parents=True, exist_ok=True)
    version = importlib.metadata.version("tamis")
    (RELEASES / f"{version}.json").write_text(f"{json.dumps(interface(), indent=1)}\n", "utf-8")
