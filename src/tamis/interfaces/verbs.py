"""The verbs of `tamis.Dataset`, each made from the class of its request.

`verbs.pyi` beside this file is written by `make golden` from the same classes, for editors and type
checkers.
"""

from __future__ import annotations

from tamis.interfaces.methods import Method
from tamis.services.add.contract import Add, AddCrops, AddTiles
from tamis.services.curate.contract import Curate
from tamis.services.embed.contract import Embed
from tamis.services.search.contract import Search

__all__ = ["Verbs"]


class Verbs:
    """Every verb that works on a dataset, as a method."""

    add = Method(Add)
    add_crops = Method(AddCrops)
    add_tiles = Method(AddTiles)
    curate = Method(Curate)
    embed = Method(Embed)
    search = Method(Search)
