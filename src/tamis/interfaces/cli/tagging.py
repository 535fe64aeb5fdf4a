"""What the command line prints of tags."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tamis.interfaces.cli.command import Command
from tamis.services.tagging.contract import TagPictures, UntagPictures
from tamis.wording import counted

if TYPE_CHECKING:
    import typer

    from tamis.interfaces.cli.output import Output
    from tamis.services.tagging.contract import TaggedReport

__all__ = ["register"]


def register(label: typer.Typer) -> None:
    """Put these verbs into the group `label`."""
    for command in (
        Command(TagPictures, show_tagged),
        Command(UntagPictures, show_untagged),
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
