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

__all__ = ["STRIPS", "NominalSet", "nominal_set"]

STRIPS: Final = 4
"""Parts of one picture that stand in for folds where there is no other part to hold out."""

_FOLDS: Final = 5
_MOST: Final = 2000


@dataclass(frozen=True)
class NominalSet:
    """Nominal pictures.

    Attributes:
        rows: by sample id.
        groups: `[N]` which pictures show one part.
        folds: `[N]` which pictures are held out together; -1 throughout where there is one part
            only, whose own strips are the folds.
        count: how many folds.
        side: pixels of the shorter side at which they are looked at.
        notes: what the user should know.
    """

    rows: Sequence[PictureRow]
    groups: Indices
    folds: Indices
    count: int
    side: int
    notes: Sequence[str]

    @property
    def parts(self) -> int:
        """How many groups there are."""
        return len(np.unique(self.groups))


def nominal_set(workspace: Workspace, request: DefectsFit, least: int) -> NominalSet:
    """Read which pictures a model is fitted to.

    Args:
        workspace: the dataset.
        request: what is asked.
        least: pixels of the shorter side that the encoder needs.

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
        groups = codes_of(workspace.store, request.group, ids)
        groups = join_groups([groups])
    else:
        groups = duplicate_columns(workspace.store, ids).held_out()
    count = len(np.unique(groups))
    folds, number = np.full(len(rows), -1, np.int64), STRIPS
    if count > 1:
        number = min(_FOLDS, count)
        folds = (rng.permutation(count) % number)[np.unique(groups, return_inverse=True)[1]]
    shorter = sorted(min(row.width, row.height) for row in rows)
    side = request.side or min(shorter[len(shorter) // 2], LARGEST_SIDE)
    return NominalSet(rows, groups, folds, number, max(side, least), notes)
