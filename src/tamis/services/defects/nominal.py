"""The nominal pictures of a fit: which rows, which of them show one part, and their folds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from tamis.algo.components import join_groups
from tamis.dataset.group_columns import codes_of, duplicate_columns
from tamis.errors import UsageError
from tamis.services.defects.contract import LARGEST_SIDE
from tamis.services.defects.rows import PictureRow, picture_rows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tamis.runtime.workspace import Workspace
    from tamis.services.defects.contract import DefectsFit
    from tamis.types import Indices

__all__ = ["STRIPS", "NominalSet", "native_side", "nominal_set"]

STRIPS: Final = 4
"""Parts of one picture that stand in for folds where there is no other part to hold out."""

_FOLDS: Final = 5
_MOST: Final = 2000


@dataclass(frozen=True)
class NominalSet:
    """Nominal pictures.

    Attributes:
        rows: by content.
        groups: `[N]` which pictures show one part.
        folds: `[N]` which pictures are held out together; -1 throughout where there is one part
            only, whose own strips are the folds.
        seed: of the folds.
    """

    rows: Sequence[PictureRow]
    groups: Indices
    folds: Indices
    seed: int

    @staticmethod
    def of(rows: Sequence[PictureRow], groups: Indices, seed: int) -> NominalSet:
        """Return pictures in up to 5 folds, the pictures of one part in one of them."""
        names, of = np.unique(groups, return_inverse=True)
        folds = np.full(len(rows), -1, np.int64)
        if len(names) > 1:
            order = np.random.default_rng([seed, 5]).permutation(len(names))
            folds = (order % min(_FOLDS, len(names)))[of]
        return NominalSet(rows, groups, folds, seed)

    def only(self, places: Sequence[int]) -> NominalSet:
        """Return some of the pictures, in folds of their own."""
        return NominalSet.of(
            [self.rows[place] for place in places], self.groups[np.asarray(places, int)], self.seed
        )

    @property
    def parts(self) -> int:
        """How many groups there are."""
        return len(np.unique(self.groups))

    @property
    def fold_count(self) -> int:
        """How many folds there are."""
        return STRIPS if self.parts == 1 else int(self.folds.max()) + 1


def nominal_set(workspace: Workspace, request: DefectsFit) -> tuple[NominalSet, list[str]]:
    """Read which pictures a model is fitted to, and what the user should know of them.

    Raises:
        UsageError: no picture meets the condition, or the group column cannot group.
    """
    rng = np.random.default_rng(request.seed)
    rows = picture_rows(workspace.samples.of(request.where))
    if not rows:
        raise UsageError(
            "no picture to fit to"
            + (f" meets {request.where!r}" if request.where else ": add some first")
        )
    notes = []
    wanted = min(request.shots or _MOST, _MOST)
    if wanted < len(rows):
        drawn = np.sort(rng.choice(len(rows), wanted, replace=False)).tolist()
        if request.shots is None:
            notes.append(f"{wanted} of {len(rows)} pictures, drawn at random, are enough to fit to")
        rows = [rows[place] for place in drawn]
    ids = [row.sample_id for row in rows]
    if request.group is not None:
        groups = join_groups([codes_of(workspace.store, request.group, ids)])
    else:
        groups = duplicate_columns(workspace.store, ids).held_out()
    return NominalSet.of(rows, groups, request.seed), notes


def native_side(nominal: NominalSet) -> int:
    """Return the shorter side of the median picture in pixels, at most 1,024."""
    shorter = sorted(min(row.width, row.height) for row in nominal.rows)
    return min(shorter[len(shorter) // 2], LARGEST_SIDE)
