"""The strategies that pick rows: one file each, found by its name, so that a file is all it takes.

`vectors/` holds those that look at vectors alone, `probabilities/` those that also need class
probabilities of every row. `k_means.py` is the strategy `k-means`; its `STRATEGY` says how it picks
and how it explains a pick. Naming strategies reads the folder and loads none of them.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from tamis.algo.selection.strategy import Strategy

__all__ = ["FROM_PROBABILITIES", "FROM_VECTORS", "STRATEGIES", "names_in", "strategy_named"]


def names_in(folder: Path) -> tuple[str, ...]:
    """Return the names of the strategies whose files lie in a folder, in alphabetical order."""
    return tuple(sorted(file.stem.replace("_", "-") for file in folder.glob("[a-z]*.py")))


FROM_VECTORS: Final = names_in(Path(__file__).parent / "vectors")
FROM_PROBABILITIES: Final = names_in(Path(__file__).parent / "probabilities")
STRATEGIES: Final = ("default", *FROM_VECTORS, *FROM_PROBABILITIES)
"""All names; `default` is facility location, then k-center for the diverse share."""


@cache
def strategy_named(name: str) -> Strategy:
    """Load a strategy.

    Raises:
        KeyError: there is none of that name, or it is `default`, which is made of two.
    """
    for folder, names in (("vectors", FROM_VECTORS), ("probabilities", FROM_PROBABILITIES)):
        if name in names:
            module = import_module(f"{__name__}.{folder}.{name.replace('-', '_')}")
            found: Strategy = module.STRATEGY
            return found
    raise KeyError(name)
