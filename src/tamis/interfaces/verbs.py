"""The verbs of `tamis.Dataset`, each made from the class of its request.

`verbs.pyi` beside this file is written by `make golden` from the same classes, for editors and type
checkers.
"""

from __future__ import annotations

from tamis.interfaces.methods import Method
from tamis.services.add.contract import Add, AddCrops, AddTiles
from tamis.services.curate.contract import Curate
from tamis.services.duplicates.contract import Duplicates
from tamis.services.embed.contract import Embed
from tamis.services.scores.contract import Scores
from tamis.services.search.contract import Search
from tamis.services.select.contract import Select
from tamis.services.split.contract import Split

__all__ = ["Verbs"]


class Verbs:
    """Every verb that works on a dataset, as a method."""

    add = Method(Add)
    add_crops = Method(AddCrops)
    add_tiles = Method(AddTiles)
    curate = Method(Curate)
    embed = Method(Embed)
    duplicates = Method(Duplicates)
    scores = Method(Scores)
    search = Method(Search)
    select = Method(Select, round=False, simulate=False)
    select_round = Method(Select, round=True, simulate=False)
    simulate_rounds = Method(Select, round=False, simulate=True)
    split = Method(Split, audit=False)
    check_splits = Method(Split, audit=True)
