"""What the command line prints of tags and boxes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tamis.interfaces.cli.command import Command
from tamis.services.marking.contract import SetBoxes, TagPictures, UntagPictures
from tamis.wording import counted

if TYPE_CHECKING:
    import typer

    from tamis.interfaces.cli.output import Output
    from tamis.services.marking.contract import BoxesReport, TaggedReport

__all__ = ["register"]


def register(label: typer.Typer) -> None:
    """Put these verbs into the group `label`."""
    for command in (
        Command(TagPictures, show_tagged),
        Command(UntagPictures, show_untagged),
        Command(SetBoxes, show_boxes),
    ):
        command.register(label)


def show_tagged(output: Output, _request: TagPictures, report: TaggedReport) -> None:
    """Print how many pictures have the tag."""
    output.say(
        f"{counted(report.pictures, 'picture is')} tagged {report.tag}, "
        f"{report.changed} of them now"
    )


def show_untagged(output: Output, _request: UntagPictures, report: TaggedReport) -> None:
    """Print how many pictures lost the tag."""
    output.say(f"the tag {report.tag} was taken from {counted(report.changed, 'picture')}")


def show_boxes(output: Output, _request: SetBoxes, report: BoxesReport) -> None:
    """Print how many boxes the picture has."""
    output.say(
        f"{report.sample} has {counted(report.boxes, 'box')} in {report.layer}: {report.added} "
        f"added, {report.removed} removed"
    )
