"""Verbs of `tamis encoders`: list them, try one, write one as a file."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from tamis.interfaces.cli.command import Command, JsonOption, QuietOption
from tamis.services.encoders.contract import (
    CheckEncoder,
    DefaultEncoder,
    ExportEncoder,
    ListEncoders,
    PackEncoder,
)
from tamis.wording import counted

if TYPE_CHECKING:
    from tamis.interfaces.cli.output import Output
    from tamis.services.encoders.contract import (
        DefaultEncoderReport,
        EncoderCheck,
        EncoderList,
        EncoderPacked,
    )
    from tamis.services.encoders.result import EncoderExport

__all__ = ["register"]

CHECK_FAILED = 1


def show_list(output: Output, _request: ListEncoders, found: EncoderList) -> None:
    """Print a table of encoders, and what is installed."""
    output.table(
        ["encoder", "short names", "runs here", "to use it"],
        [
            (
                row.spec,
                ", ".join(row.short_names),
                "yes" if row.installed and not row.needs_network else "not yet",
                "; ".join(
                    [row.needs] * bool(row.needs) + ["needs the network once"] * row.needs_network
                ),
            )
            for row in found.encoders
        ],
    )
    output.say(f"found: {'; '.join(found.runtimes)}")


def show_default(output: Output, _request: DefaultEncoder, found: DefaultEncoderReport) -> None:
    """Print whose vectors are meant."""
    output.say(f"{found.encoder} ({found.column})")


def show_check(output: Output, _request: CheckEncoder, result: EncoderCheck) -> int:
    """Print what the trial found; 1 if the encoder breaks a promise."""
    output.say(f"{result.spec}: {result.dim} dimensions, {result.pictures_per_second:.1f}/s")
    for name, value in (
        ("fingerprint", result.fingerprint),
        ("pictures", result.preprocessing),
        ("texts", "yes" if result.text else "no"),
        ("feature maps", ", ".join(result.feature_levels) or "none"),
        (
            "runs on",
            (
                f"{result.device}, {result.workers} x {counted(result.batch_size, 'picture')} at a "
                f"time"
            ),
        ),
        ("loaded in", f"{result.load_seconds:.1f} s"),
        ("cosine", f"{_shown(result.similarity, '.4f')} between the two pictures"),
        ("batches", f"a vector moves by {_shown(result.batch_difference, '.1g')} among others"),
        ("twice", "the same bits" if result.deterministic else "other bits"),
        ("decoding", f"cosine {_shown(result.scaled_decoding, '.5f')}, decoded smaller or whole"),
    ):
        output.say(f"{name:<14}{value}")
    for problem in result.problems:
        output.note(f"problem: {problem}")
    return CHECK_FAILED if result.problems else 0


def show_export(output: Output, request: ExportEncoder, result: EncoderExport) -> int:
    """Print how well the file stands in for its source; 1 if it was not kept."""
    alike = result.fidelity
    output.say(
        f"cosine {alike.mean_cosine:.5f} on average, {alike.worst_cosine:.5f} at worst; "
        f"{alike.overlap:.1%} of the {alike.neighbours} nearest kept "
        f"({counted(result.pictures, 'picture')})\n"
        f"{result.pictures_per_second:.1f} pictures/s, {result.source_pictures_per_second:.1f} by "
        f"{result.source}"
    )
    if result.failed:
        output.note(
            f"note: {counted(len(result.failed), 'picture')} could not be read; --json lists them"
        )
    if result.kept:
        output.say(f"use it as  {result.spec}")
        return 0
    output.say(
        f"not kept: less than --min-overlap {request.min_overlap:g} or --min-cosine "
        f"{request.min_cosine:g}"
    )
    return CHECK_FAILED


def show_packed(output: Output, _request: PackEncoder, result: EncoderPacked) -> None:
    """Print what the file holds, and how to use it."""
    holds = "pictures and texts" if result.text else "pictures"
    output.say(
        f"{result.file}: {holds} of {result.source}, {result.bytes / 1e6:.1f} MB, license "
        f"{result.license or 'unknown'}; cosine {result.worst_cosine:.5f} at worst"
    )
    output.say(f"use it as  --encoder {result.spec.removeprefix('pack:')}")


_LIST = Command(ListEncoders, show_list, dataset=None)

encoders = typer.Typer(no_args_is_help=False)


@encoders.callback(invoke_without_command=True)
def _top(context: typer.Context, json: JsonOption = False, quiet: QuietOption = False) -> None:
    """List the encoders that work here; check, export or pack one."""
    # what stands before the verb counts for it
    context.obj = {"json": json, "quiet": quiet}
    if context.invoked_subcommand is None:
        _LIST.run({"json": json, "quiet": quiet})


def register(app: typer.Typer) -> None:
    """Put these verbs on the command line."""
    for command in (
        _LIST,
        Command(DefaultEncoder, show_default),
        Command(CheckEncoder, show_check, dataset=None),
        Command(ExportEncoder, show_export, dataset=None),
        Command(PackEncoder, show_packed, dataset=None),
    ):
        command.register(encoders)
    app.add_typer(encoders, name="encoders")


def _shown(value: float | None, form: str) -> str:
    return "not a number" if value is None else format(value, form)
