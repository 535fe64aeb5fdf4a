"""The verbs of `tamis.Dataset`, each made from the class of its request.

`verbs.pyi` beside this file is written by `make golden` from the same classes, for editors and type
checkers.
"""

from __future__ import annotations

from tamis.interfaces.methods import Method
from tamis.services.duplicates.contract import Duplicates
from tamis.services.search.contract import Search

__all__ = ["Verbs"]


class Verbs:
    """Every verb that works on a dataset, as a method."""

    duplicates = Method(Duplicates)
    search = Method(Search)
