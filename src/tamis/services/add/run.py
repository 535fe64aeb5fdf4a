"""The verb `add`: pictures, video frames, crops and tiles."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from tamis.errors import TamisError
from tamis.services.add.contract import AddCrops, AddTiles
from tamis.services.add.news import add_news
from tamis.services.add.parts import add_crops, add_tiles
from tamis.services.add.pictures import add_pictures
from tamis.verbs.feedback import SILENT, Feedback

if TYPE_CHECKING:
    from tamis.runtime.workspace import Workspace
    from tamis.services.add.contract import Add, AddReport

__all__ = ["add"]


def add(workspace: Workspace, request: Add, feedback: Feedback = SILENT) -> AddReport:
    """Add the pictures of folders, patterns, archives, videos and single files, and their parts.

    Raises:
        TamisError: as `add_pictures`, `add_news`, `add_crops` and `add_tiles`. Where pictures were
            added and their parts cannot be, the error carries the report as its `result`.
    """
    pictures = add_news if request.new_only else add_pictures
    report = pictures(workspace, request, _of(feedback, "add"))
    try:
        if request.crops is not None:
            crops = AddCrops(request.crops, min_box=request.min_box)
            report = replace(report, crops=add_crops(workspace, crops, _of(feedback, "crops")))
        if request.tiles is not None:
            tiles = AddTiles(request.tiles, sources=request.sources)
            report = replace(report, tiles=add_tiles(workspace, tiles, _of(feedback, "tiles")))
    except TamisError as error:
        error.result = report
        raise
    parts = [part for part in (report.crops, report.tiles) if part is not None]
    return replace(report, notes=[*report.notes, *(note for part in parts for note in part.notes)])


def _of(feedback: Feedback, stage: str) -> Feedback:
    """Return feedback that tells its progress to one stage, whatever it is called."""
    return replace(feedback, stage=lambda _name: feedback.stage(stage))
